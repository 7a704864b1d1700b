// Linear layers: all rows times packed columns, on the matrix unit where there is one.

#if RAIN_MATRIX_UNIT
/// Whether a layer goes to the matrix unit. Narrow ones gain little there, and in sums of few products what splitting loses shows most.
RAIN_INLINE bool splits_linear(long k) { return k >= 2 * tile_depth; }
#endif

/// Numbers of k that a panel has room for.
RAIN_INLINE long linear_depth(long k) {
#if RAIN_MATRIX_UNIT
    if (splits_linear(k)) return padded_depth(k);
#endif
    return k;
}

RAIN_INLINE void pack_linear_panel(const float *w, long n, long k, long column_stride, long row_stride, long p, float *to) {
#if RAIN_MATRIX_UNIT
    if (splits_linear(k)) return pack_split_panel(w, n, k, column_stride, row_stride, p, to);
#endif
    pack_panel(w, n, k, column_stride, row_stride, p, false, to);
}

RAIN_INLINE Grid linear_grid(const RainPool *pool, long m, long n, long k) {
    const double work = double(m) * padded_columns(n) * k;
#if RAIN_MATRIX_UNIT
    if (splits_linear(k)) return split_grid(pool, m, panel_count(n), work);
#endif
    return grid_of(pool, m, panel_count(n), k * sizeof(float), 512, work);
}

RAIN_INLINE void multiply_linear(Range rows, const float *x, long k, const float *packed, Range panels, const Sink &to) {
#if RAIN_MATRIX_UNIT
    if (splits_linear(k)) return multiply_rows(rows, x, k, packed, panels, to);
#endif
    const Source from = {nullptr, 0, 1, x + rows.begin * k, k};
    multiply(rows.end - rows.begin, from, k, packed, panels.begin, panels.end, to, nullptr, rows.begin);
}

size_t linear_packed_bytes(const RainPool *, long n, long k) { return panel_floats(n, linear_depth(k)) * sizeof(float); }

void linear_pack(RainPool *pool, const float *w, long n, long k, int transposed, void *packed) {
    float *to = static_cast<float *>(packed);
    const long column_stride = transposed ? 1 : k, row_stride = transposed ? n : 1;
    parallel_ranges(pool, panel_count(n), 1 + 16384 / (k * panel_width), 1, [&](long begin, long end, int) {
        for (long p = begin; p < end; p++) {
            pack_linear_panel(w, n, k, column_stride, row_stride, p, to + size_t(p) * panel_width * linear_depth(k));
        }
    });
}

void linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue,
            float *y) {
    const Sink to = sink(y, n, epilogue);
    each_cell(pool, linear_grid(pool, m, n, k), m, panel_count(n), [&](Range rows, Range panels, int) {
        multiply_linear(rows, x, k, static_cast<const float *>(packed), panels, to);
    });
}
