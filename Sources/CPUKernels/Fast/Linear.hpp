// Linear layers: all rows times packed columns, on the matrix unit where there is one.
//
// Where values are gated, a panel holds W of them and the W gates that belong to them.

RAIN_INLINE long linear_panels(long n, bool gated) { return gated ? (n / 2 + W - 1) / W : panel_count(n); }

#if RAIN_MATRIX_UNIT
/// Whether a layer goes to the matrix unit. Narrow ones gain little there, and in sums of few products what splitting loses shows most.
RAIN_INLINE bool splits_linear(long k, bool gated) { return k >= 2 * tile_depth && (!gated || k <= most_split); }
#endif

/// Numbers of k that a panel has room for.
RAIN_INLINE long linear_depth(long k, bool gated) {
#if RAIN_MATRIX_UNIT
    if (splits_linear(k, gated)) return padded_depth(k);
#endif
    return k;
}

RAIN_INLINE Grid linear_grid(const RainPool *pool, long m, long panels, long k, bool gated) {
    const double work = double(m) * panels * panel_width * k;
#if RAIN_MATRIX_UNIT
    if (splits_linear(k, gated)) return split_grid(pool, m, panels, work);
#endif
    return grid_of(pool, m, panels, k / row_parts(k, gated) * sizeof(float), copied_rows, work);
}

RAIN_INLINE void multiply_layers(Range rows, const Sides &x, const Layers &layers) {
#if RAIN_MATRIX_UNIT
    if (splits_linear(x.count(), layers.of[0].to.epilogue.gated)) return multiply_rows(rows, x, layers);
#endif
    multiply_whole_rows(rows, x, layers);
}

size_t linear_packed_bytes(const RainPool *, long n, long k, int gated) {
    const long columns = gated ? linear_panels(n, true) * panel_width : n;
    return panel_floats(columns, linear_depth(k, gated)) * sizeof(float);
}

void linear_pack(RainPool *pool, const float *w, long n, long k, int transposed, int gated, void *packed) {
    const long column_stride = transposed ? 1 : k, row_stride = transposed ? n : 1;
    const long panels = linear_panels(n, gated), width = gated ? W : panel_width, columns = gated ? n / 2 : n;
    parallel_ranges(pool, panels, 1 + 16384 / (k * panel_width), 1, [&](long begin, long end, int) {
        for (long p = begin; p < end; p++) {
            float *panel = static_cast<float *>(packed) + size_t(p) * panel_width * linear_depth(k, gated);
            const int vectors = gated ? 2 : panel_vectors(n, p);
            for (int v = 0; v < vectors; v++) {
                const long column = p * width + (gated ? 0 : v * W), valid = columns - column < W ? columns - column : W;
                const float *from = w + (column + (gated ? v * columns : 0)) * column_stride;
#if RAIN_MATRIX_UNIT
                if (splits_linear(k, gated)) {
                    pack_split_columns(from, valid, k, column_stride, row_stride, vectors, panel + v * tile_floats);
                    continue;
                }
#endif
                pack_columns(from, valid, k, column_stride, row_stride, false, panel + v * W, W, vectors * W);
            }
        }
    });
}

/// All of `layers`, of which only the one that is alone may be gated.
inline void multiply_all(RainPool *pool, long m, const Sides &x, const Layers &layers) {
    long panels = 0;
    for (const Layer &layer : layers) panels += layer.panels.end;
    each_cell(pool, linear_grid(pool, m, panels, x.count(), layers.of[0].to.epilogue.gated), m, panels, [&](Range rows, Range cell, int) {
        Layers own;
        long first = 0;
        for (const Layer &layer : layers) {
            const long begin = cell.begin - first, end = cell.end - first, all = layer.panels.end;
            const Range share = {begin < 0 ? 0 : begin, end < all ? end : all};
            if (share.begin < share.end) own.add({layer.packed, layer.to, share});
            first += all;
        }
        multiply_layers(rows, x, own);
    });
}

inline void multiply_one(RainPool *pool, long m, long n, const Sides &x, const void *packed, const RainEpilogue *epilogue, float *y) {
    const bool gated = epilogue && epilogue->gated;
    Layers layers;
    layers.add({static_cast<const float *>(packed), sink(y, gated ? n / 2 : n, epilogue), {0, linear_panels(n, gated)}});
    multiply_all(pool, m, x, layers);
}

void linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue, float *y) {
    multiply_one(pool, m, n, whole(x, k), packed, epilogue, y);
}

void linear_of_two(RainPool *pool, long m, long n, long first_k, long second_k, const float *first, const float *second,
                   const void *packed, const RainEpilogue *epilogue, float *y) {
    multiply_one(pool, m, n, {{first, second}, {first_k, second_k}}, packed, epilogue, y);
}

void linear_joint(RainPool *pool, long m, long k, const float *x, long count, const RainLinear *joint) {
    Layers layers;
    for (long i = 0; i < count; i++) {
        const Sink to = sink(joint[i].y, joint[i].n, &joint[i].epilogue);
        layers.add({static_cast<const float *>(joint[i].packed), to, {0, linear_panels(joint[i].n, false)}});
    }
    multiply_all(pool, m, whole(x, k), layers);
}
