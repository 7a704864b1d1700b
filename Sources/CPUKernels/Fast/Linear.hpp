// Linear layers: all rows times packed columns.

#if RAIN_MATRIX_UNIT
RAIN_INLINE size_t linear_panel(long p, long k) { return size_t(p) * panel_width * padded_depth(k); }
#else
RAIN_INLINE size_t linear_panel(long p, long k) { return size_t(p) * panel_width * k; }
#endif

size_t linear_packed_bytes(const RainPool *, long n, long k) {
#if RAIN_MATRIX_UNIT
    k = padded_depth(k);
#endif
    return panel_floats(n, k) * sizeof(float);
}

void linear_pack(RainPool *pool, const float *w, long n, long k, int transposed, void *packed) {
    float *to = static_cast<float *>(packed);
    const long column_stride = transposed ? 1 : k, row_stride = transposed ? n : 1;
    parallel_ranges(pool, panel_count(n), 1 + 16384 / (k * panel_width), 1, [&](long begin, long end, int) {
        for (long p = begin; p < end; p++) {
#if RAIN_MATRIX_UNIT
            pack_split_panel(w, n, k, column_stride, row_stride, p, to + linear_panel(p, k));
#else
            pack_panel(w, n, k, column_stride, row_stride, p, false, to + linear_panel(p, k));
#endif
        }
    });
}

void linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue,
            float *y) {
    const long panels = panel_count(n);
    const Sink to = sink(y, n, epilogue);
    const float *weights = static_cast<const float *>(packed);
    const double work = double(m) * padded_columns(n) * k;
#if RAIN_MATRIX_UNIT
    const Grid grid = split_grid(pool, m, panels, work);
#else
    const Grid grid = grid_of(pool, m, panels, k * sizeof(float), 512, work);
#endif
    each_cell(pool, grid, m, panels, [&](Range row, Range panel, int) {
        const long rows = row.end - row.begin;
#if RAIN_MATRIX_UNIT
        multiply_split(rows, x + row.begin * k, k, k, weights, panel.begin, panel.end, to, row.begin);
#else
        multiply(rows, {nullptr, 0, 1, x + row.begin * k, k}, k, weights, panel.begin, panel.end, to, nullptr, row.begin);
#endif
    });
}
