// Winograd convolution F(4×4, 3×3) (arXiv 1509.09308), its input gradient, and its weight gradient in the transform domain.
//
// 36 products instead of 144 per 4×4 results. Tiles run over the edge of the picture where its sides are no multiples of 4:
// missing inputs are zeros, surplus results are dropped.
//
// Points 0, ±5/8, ±3/2, ∞: with the usual 0, ±1, ±2 the powers in the transforms spread further and errors are twice (root
// mean square) to three times (largest) what they are here; and these, too, are exact in binary.

constexpr int points = 36;
constexpr float near = 0.625f, far = 1.5f, near2 = near * near, far2 = far * far;
// What the three pairs of weights are divided by.
constexpr float zero_weight = 1 / (near2 * far2);
constexpr float near_weight = 1 / (2 * near2 * (near2 - far2)), far_weight = 1 / (2 * far2 * (far2 - near2));

RAIN_INLINE void input_transform(const V *d, V *o, int in, int out) {
    const V d1 = d[in], d2 = d[2 * in], d3 = d[3 * in], d4 = d[4 * in];
    const V near_even = fma(splat(-far2), d2, d4), near_odd = fma(splat(-far2), d1, d3);
    const V far_even = fma(splat(-near2), d2, d4), far_odd = fma(splat(-near2), d1, d3);
    o[0] = fma(splat(near2 * far2), d[0], fma(splat(-near2 - far2), d2, d4));
    o[out] = fma(splat(near), near_odd, near_even);
    o[2 * out] = fma(splat(-near), near_odd, near_even);
    o[3 * out] = fma(splat(far), far_odd, far_even);
    o[4 * out] = fma(splat(-far), far_odd, far_even);
    o[5 * out] = fma(splat(near2 * far2), d1, fma(splat(-near2 - far2), d3, d[5 * in]));
}

RAIN_INLINE void output_transform(const V *m, V *o, int in, int out) {
    const V sum1 = m[in] + m[2 * in], difference1 = m[in] - m[2 * in];
    const V sum2 = m[3 * in] + m[4 * in], difference2 = m[3 * in] - m[4 * in];
    o[0] = m[0] + sum1 + sum2;
    o[out] = fma(splat(far), difference2, near * difference1);
    o[2 * out] = fma(splat(far2), sum2, near2 * sum1);
    o[3 * out] = fma(splat(far * far2), difference2, fma(splat(near * near2), difference1, m[5 * in]));
}

RAIN_INLINE void weight_transform(const V *g, V *o, int in, int out) {
    const V g1 = g[in], g2 = g[2 * in];
    const V near_even = fma(g2, splat(near2), g[0]) * near_weight, far_even = fma(g2, splat(far2), g[0]) * far_weight;
    o[0] = zero_weight * g[0];
    o[out] = fma(g1, splat(near * near_weight), near_even);
    o[2 * out] = fma(g1, splat(-near * near_weight), near_even);
    o[3 * out] = fma(g1, splat(far * far_weight), far_even);
    o[4 * out] = fma(g1, splat(-far * far_weight), far_even);
    o[5 * out] = g2;
}

/// The transpose of output_transform: 4 slopes to 6 points.
RAIN_INLINE void slope_transform(const V *y, V *o, int in, int out) {
    const V y1 = y[in], y2 = y[2 * in], y3 = y[3 * in];
    const V near_even = fma(splat(near2), y2, y[0]), near_odd = fma(splat(near2), y3, y1);
    const V far_even = fma(splat(far2), y2, y[0]), far_odd = fma(splat(far2), y3, y1);
    o[0] = y[0];
    o[out] = fma(splat(near), near_odd, near_even);
    o[2 * out] = fma(splat(-near), near_odd, near_even);
    o[3 * out] = fma(splat(far), far_odd, far_even);
    o[4 * out] = fma(splat(-far), far_odd, far_even);
    o[5 * out] = y3;
}

/// The transpose of weight_transform: 6 points to 3 weights.
RAIN_INLINE void weight_slope_transform(const V *m, V *o, int in, int out) {
    const V sum1 = near_weight * (m[in] + m[2 * in]), sum2 = far_weight * (m[3 * in] + m[4 * in]);
    const V difference1 = m[in] - m[2 * in], difference2 = m[3 * in] - m[4 * in];
    o[0] = fma(splat(zero_weight), m[0], sum1 + sum2);
    o[out] = fma(splat(near * near_weight), difference1, far * far_weight * difference2);
    o[2 * out] = fma(splat(near2), sum1, fma(splat(far2), sum2, m[5 * in]));
}

/// One Winograd convolution: forward, or the gradient of its input.
struct Winograd {
    RainConv s;
    bool gradient;
    long k, n, k_stride, n_stride;  // channels read and written, and rounded up to vectors
    long in_height, in_width, out_height, out_width, pad_top, pad_left;
    long tiles_down, tiles_across, tiles;

    Winograd(const RainConv &conv, bool gradient) : s(conv), gradient(gradient) {
        k = gradient ? s.out_channels : s.channels;
        n = gradient ? s.channels : s.out_channels;
        k_stride = padded_columns(k);
        n_stride = padded_columns(n);
        const int enlarge = s.upsample ? 2 : 1;
        in_height = gradient ? s.out_height : s.height * enlarge;
        in_width = gradient ? s.out_width : s.width * enlarge;
        out_height = gradient ? s.height : s.out_height;
        out_width = gradient ? s.width : s.out_width;
        pad_top = gradient ? 2 - s.pad_top : s.pad_top;
        pad_left = gradient ? 2 - s.pad_left : s.pad_left;
        tiles_down = (out_height + 3) / 4;
        tiles_across = (out_width + 3) / 4;
        tiles = s.batch * tiles_down * tiles_across;
    }

    static bool fits(const RainConv &s) { return s.kernel_height == 3 && s.kernel_width == 3 && s.stride == 1; }

    /// Tiles transformed together: their points should stay in the second-level cache; but where the weights do not, enough
    /// tiles to pay for reading them.
    long block() const {
        const long fitting = (1200 << 10) / (points * long(sizeof(float)) * (k_stride + n_stride));
        const long least = 64;
        return fitting < least ? least : fitting > 256 ? 256 : fitting;
    }
    /// Few tiles: all of them are transformed at once and the threads share the points instead.
    bool few(int threads) const { return threads > 1 && tiles < 32 * threads; }
    long blocks(int threads) const {
        const long least = (tiles + block() - 1) / block();
        return (least + threads - 1) / threads * threads;
    }
    long tiles_at_once(int threads) const { return few(threads) ? tiles : (tiles + blocks(threads) - 1) / blocks(threads); }
    // A vector more per point, here and in the weights, keeps the points of a tile from falling on the same cache sets.
    long input_point(int threads) const { return tiles_at_once(threads) * k_stride + W; }
    long output_point(int threads) const { return tiles_at_once(threads) * n_stride + W; }
    size_t buffer_bytes(int threads) const {
        return round_up(points * (input_point(threads) + output_point(threads)) * sizeof(float));
    }
    size_t zero_bytes() const { return round_up(k_stride * sizeof(float)); }
    size_t scratch_bytes(int threads) const { return zero_bytes() + buffer_bytes(threads) * (few(threads) ? 1 : threads); }
    size_t packed_point() const { return panel_floats(n, k) + W; }

    /// The pixels of one tile of the input, or `zeros`.
    void tile_pixels(const float *x, const float *zeros, long tile, const float *(&pixel)[points]) const {
        const long image = tile / (tiles_down * tiles_across);
        const long top = tile / tiles_across % tiles_down * 4 - pad_top, left = tile % tiles_across * 4 - pad_left;
        const int shift = s.upsample && !gradient ? 1 : 0;
        const long height = in_height >> shift, width = in_width >> shift;
        for (int i = 0; i < 6; i++) {
            const long y = top + i;
            const bool inside = y >= 0 && y < in_height;
            const float *line = x + (image * height + (inside ? y >> shift : 0)) * width * k;
            for (int j = 0; j < 6; j++) {
                const long z = left + j;
                pixel[i * 6 + j] = inside && z >= 0 && z < in_width ? line + (z >> shift) * k : zeros;
            }
        }
    }
};

/// Tiles [first, last) of x to points: to[q · point + (tile - first) · stride + channel].
inline void transform_input(const Winograd &g, const float *x, const float *zeros, long first, long last, float *to, long point) {
    for (long tile = first; tile < last; tile++) {
        const float *pixel[points];
        g.tile_pixels(x, zeros, tile, pixel);
        for (long c = 0; c < g.k; c += W) {
            V columns[points];
            const long part = g.k - c;
#pragma clang loop unroll(full)
            for (int j = 0; j < 6; j++) {
                V d[6];
#pragma clang loop unroll(full)
                for (int i = 0; i < 6; i++) d[i] = part >= W ? load(pixel[i * 6 + j] + c) : load_part(pixel[i * 6 + j] + c, part);
                input_transform(d, columns + j, 1, 6);
            }
            float *out = to + (tile - first) * g.k_stride + c;
#pragma clang loop unroll(full)
            for (int i = 0; i < 6; i++) {
                V o[6];
                input_transform(columns + i * 6, o, 1, 1);
#pragma clang loop unroll(full)
                for (int j = 0; j < 6; j++) store(out + (i * 6 + j) * point, o[j]);
            }
        }
    }
}

/// Points of tiles [first, last) to results, with the epilogue.
inline void transform_output(const Winograd &g, const RainEpilogue &e, const float *from, long point, long first, long last,
                             float *y) {
    for (long tile = first; tile < last; tile++) {
        const long image = tile / (g.tiles_down * g.tiles_across);
        const long top = tile / g.tiles_across % g.tiles_down * 4, left = tile % g.tiles_across * 4;
        const long down = g.out_height - top < 4 ? g.out_height - top : 4;
        const long across = g.out_width - left < 4 ? g.out_width - left : 4;
        const long corner = (image * g.out_height + top) * g.out_width + left;
        for (long c = 0; c < g.n; c += W) {
            V columns[24];
            const long part = g.n - c < W ? g.n - c : W;
            const float *in = from + (tile - first) * g.n_stride + c;
#pragma clang loop unroll(full)
            for (int j = 0; j < 6; j++) {
                V m[6];
#pragma clang loop unroll(full)
                for (int i = 0; i < 6; i++) m[i] = load(in + (i * 6 + j) * point);
                output_transform(m, columns + j, 1, 6);
            }
            const V bias = e.bias ? load_part(e.bias + c, part) : splat(0);
            for (int i = 0; i < down; i++) {
                V o[4];
                output_transform(columns + i * 6, o, 1, 1);
                const long line = corner + i * g.out_width;
#pragma clang loop unroll(full)
                for (int j = 0; j < 4; j++) {
                    if (j >= across) break;
                    V value = o[j] + bias;
                    const long at = (line + j) * g.n + c;
                    if (e.sample_bias) value += load_part(e.sample_bias + (line + j) / e.rows_per_sample * g.n + c, part);
                    if (part == W) {
                        if (e.residual) value += load(e.residual + at);
                        store(y + at, value);
                    } else {
                        if (e.residual) value += load_part(e.residual + at, part);
                        store_part(y + at, value, part);
                    }
                }
            }
        }
        if (e.activation != RAIN_ACT_NONE) {
            for (int i = 0; i < down; i++) {
                activate_rows(e.activation, y + (corner + i * g.out_width) * g.n, 1, across * g.n, 0);
            }
        }
    }
}

size_t winograd_packed_bytes(const RainConv *conv, bool gradient) {
    return points * Winograd(*conv, gradient).packed_point() * sizeof(float);
}

void winograd_pack(RainPool *pool, const RainConv *conv, bool gradient, const float *w, void *packed) {
    const Winograd g(*conv, gradient);
    const long column_stride = gradient ? 9 : g.k * 9, row_stride = gradient ? g.n * 9 : 9;
    const long panels = panel_count(g.n), row_chunks = pool->threads > 1 && panels * g.k > 128 && panels < 4 ? 4 : 1;
    parallel(pool, panels * row_chunks, [&](long chunk, int) {
        const long p = chunk / row_chunks, vectors = panel_vectors(g.n, p);
        const Range rows = stretch(g.k, row_chunks, chunk % row_chunks);
        for (long i = rows.begin; i < rows.end; i++) {
            for (long v = 0; v < vectors; v++) {
                const long first = p * panel_width + v * W, valid = g.n - first < W ? g.n - first : W;
                float lanes[9][W] __attribute__((aligned(64))) = {};
                for (long j = 0; j < valid; j++) {
                    const float *from = w + (first + j) * column_stride + i * row_stride;
                    for (int t = 0; t < 9; t++) lanes[gradient ? 8 - t : t][j] = from[t];
                }
                V weights[9], columns[18];
                for (int t = 0; t < 9; t++) weights[t] = load(lanes[t]);
                for (int j = 0; j < 3; j++) weight_transform(weights + j, columns + j, 3, 3);
                float *to = static_cast<float *>(packed) + size_t(p) * panel_width * g.k + (i * vectors + v) * W;
                for (int r = 0; r < 6; r++) {
                    V o[6];
                    weight_transform(columns + r * 3, o, 1, 1);
                    for (int j = 0; j < 6; j++) store(to + (r * 6 + j) * g.packed_point(), o[j]);
                }
            }
        }
    });
}

size_t winograd_scratch_bytes(const RainPool *pool, const RainConv *conv, bool gradient) {
    return Winograd(*conv, gradient).scratch_bytes(pool->threads);
}

void winograd(RainPool *pool, const RainConv *conv, bool gradient, const float *x, const void *packed,
              const RainEpilogue *epilogue, float *y, void *scratch) {
    const Winograd g(*conv, gradient);
    const RainEpilogue e = epilogue ? *epilogue : RainEpilogue{};
    const int threads = pool->threads;
    const float *weights = static_cast<const float *>(packed);
    float *zeros = static_cast<float *>(scratch);
    for (long i = 0; i < g.k_stride; i++) zeros[i] = 0;
    char *buffers = static_cast<char *>(scratch) + g.zero_bytes();
    const long in_point = g.input_point(threads), out_point = g.output_point(threads);
    auto product = [&](float *in, float *out, int q, long rows, Range panels) {
        const Sink to = {out + q * out_point, g.n_stride, g.n_stride, {}};
        multiply(rows, {nullptr, 0, 1, in + q * in_point, g.k_stride}, g.k, weights + q * g.packed_point(), panels.begin,
                 panels.end, to, nullptr, 0);
    };
    const long panels = panel_count(g.n);
    if (g.few(threads)) {
        float *in = reinterpret_cast<float *>(buffers), *out = in + points * in_point;
        parallel_ranges(pool, g.tiles, 2, 1, [&](long begin, long end, int) {
            transform_input(g, x, zeros, begin, end, in + begin * g.k_stride, in_point);
        });
        parallel(pool, points, [&](long q, int) { product(in, out, int(q), g.tiles, {0, panels}); });
        parallel_ranges(pool, g.tiles, 2, 1, [&](long begin, long end, int) {
            transform_output(g, e, out + begin * g.n_stride, out_point, begin, end, y);
        });
        return;
    }
    const long blocks = g.blocks(threads);
    parallel(pool, blocks, [&](long block, int thread) {
        const Range tiles = stretch(g.tiles, blocks, block);
        if (tiles.begin == tiles.end) return;
        float *in = reinterpret_cast<float *>(buffers + thread * g.buffer_bytes(threads)), *out = in + points * in_point;
        transform_input(g, x, zeros, tiles.begin, tiles.end, in, in_point);
        for (int q = 0; q < points; q++) product(in, out, q, tiles.end - tiles.begin, {0, panels});
        transform_output(g, e, out, out_point, tiles.begin, tiles.end, y);
    });
}
