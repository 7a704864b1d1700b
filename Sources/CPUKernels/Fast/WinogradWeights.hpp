// The weight gradient in the Winograd domain: 36 outer products per 4×4 results instead of 144.

/// Tiles whose points are held at once; both factors are made by all threads, then the points are shared among them.
struct WinogradWeights {
    Winograd g;
    bool columns_are_inputs;
    long a, b, b_stride, block, input_point, slope_point, sums_point;

    explicit WinogradWeights(const RainConv &conv) : g(conv, false) {
        columns_are_inputs = better_columns(g.k, g.n);
        a = columns_are_inputs ? g.n : g.k;
        b = columns_are_inputs ? g.k : g.n;
        b_stride = padded_columns(b);
        block = (2400 << 10) / (points * long(sizeof(float)) * (g.k_stride + g.n_stride));
        block = block < 64 ? 64 : block > pixel_block ? pixel_block : block;
        if (block > g.tiles) block = g.tiles;
        input_point = block * g.k_stride + W;
        slope_point = block * g.n_stride + W;
        sums_point = a * b_stride + W;
    }
    size_t sums_bytes() const { return round_up(size_t(points) * sums_point * sizeof(float)); }
    size_t buffer_bytes() const { return round_up(points * (input_point + slope_point) * sizeof(float)); }
    size_t scratch_bytes(const RainPool *pool) const {
        return g.zero_bytes() + sums_bytes() + buffer_bytes() + pool->threads * panel_outer_bytes;
    }
};

inline void transform_slopes(const Winograd &g, const float *dy, long first, long last, float *to, long point) {
    for (long tile = first; tile < last; tile++) {
        const long image = tile / (g.tiles_down * g.tiles_across);
        const long top = tile / g.tiles_across % g.tiles_down * 4, left = tile % g.tiles_across * 4;
        const long down = g.out_height - top, across = g.out_width - left;
        const float *corner = dy + ((image * g.out_height + top) * g.out_width + left) * g.n;
        for (long c = 0; c < g.n; c += W) {
            const long part = g.n - c < W ? g.n - c : W;
            V columns[24];
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) {
                V d[4];
#pragma clang loop unroll(full)
                for (int i = 0; i < 4; i++) {
                    const float *from = corner + (i * g.out_width + j) * g.n + c;
                    d[i] = i >= down || j >= across ? splat(0) : part == W ? load(from) : load_part(from, part);
                }
                slope_transform(d, columns + j, 1, 4);
            }
            float *out = to + (tile - first) * g.n_stride + c;
#pragma clang loop unroll(full)
            for (int i = 0; i < 6; i++) {
                V o[6];
                slope_transform(columns + i * 4, o, 1, 1);
#pragma clang loop unroll(full)
                for (int j = 0; j < 6; j++) store(out + (i * 6 + j) * point, o[j]);
            }
        }
    }
}

void winograd_weight_gradient(RainPool *pool, const RainConv *conv, const float *x, const float *dy, float *dw, void *scratch) {
    const WinogradWeights w(*conv);
    const Winograd &g = w.g;
    float *zeros = static_cast<float *>(scratch);
    for (long i = 0; i < g.k_stride; i++) zeros[i] = 0;
    char *after = static_cast<char *>(scratch) + g.zero_bytes();
    float *sums = reinterpret_cast<float *>(after), *inputs = reinterpret_cast<float *>(after + w.sums_bytes());
    float *slopes = inputs + points * w.input_point, *columns = inputs + w.buffer_bytes() / sizeof(float);
    for (long first = 0; first < g.tiles; first += w.block) {
        const long count = g.tiles - first < w.block ? g.tiles - first : w.block;
        const long work = count * (g.k_stride + g.n_stride) / W;
        parallel_ranges(pool, count, 1 + 64 * count / (work + 1), 1, [&](long begin, long end, int) {
            transform_input(g, x, zeros, first + begin, first + end, TilePoints{inputs, g.k_stride, w.input_point}, begin);
            transform_slopes(g, dy, first + begin, first + end, slopes + begin * g.n_stride, w.slope_point);
        });
        // The next point's rows are brought closer meanwhile: half of them lie in other processors' caches.
        parallel(pool, points, [&](long q, int thread) {
            const float *input = inputs + q * w.input_point, *slope = slopes + q * w.slope_point;
            const bool flip = w.columns_are_inputs;
            panel_outer(flip ? slope : input, flip ? g.n_stride : g.k_stride, flip ? input : slope, flip ? g.k_stride : g.n_stride,
                        {0, count}, q + 1 < points ? count : 0, {0, w.a}, {0, w.b_stride}, sums + q * w.sums_point, w.b_stride, first > 0,
                        columns + thread * panel_outer_bytes / sizeof(float));
        });
    }
    parallel_ranges(pool, w.a, 8, 1, [&](long begin, long end, int) {
        for (long i = begin; i < end; i++) {
            for (long j = 0; j < w.b; j += W) {
                V columns[18], weights[9];
                for (int c = 0; c < 6; c++) {
                    V m[6];
                    for (int r = 0; r < 6; r++) m[r] = load(sums + (r * 6 + c) * w.sums_point + i * w.b_stride + j);
                    weight_slope_transform(m, columns + c, 1, 6);
                }
                for (int r = 0; r < 3; r++) weight_slope_transform(columns + r * 6, weights + r * 3, 1, 1);
                for (long lane = 0; lane < W && j + lane < w.b; lane++) {
                    const long o = w.columns_are_inputs ? i : j + lane, c = w.columns_are_inputs ? j + lane : i;
                    for (int t = 0; t < 9; t++) dw[(o * g.k + c) * 9 + t] = weights[t][lane];
                }
            }
        }
    });
}
