// Sums of outer products over pixels: weight gradients of convolutions, straight from rows of channels.
//
// out[a][b] = Σ_p left[p][a] · right[p][b]. A tile of `outer_rows` a's × two vectors of b is summed in registers over a
// block of pixels and then added to memory, so that no sum is a single long chain; the order depends on sizes alone.

constexpr int outer_rows = RAIN_REGISTERS == 32 ? 8 : 6;
constexpr long pixel_block = 256;

/// Rows found through pointers, or evenly spaced.
struct ListedRows {
    const float *const *rows;
    RAIN_INLINE const float *operator[](long p) const { return rows[p]; }
};
struct SpacedRows {
    const float *base;
    long stride;
    RAIN_INLINE const float *operator[](long p) const { return base + p * stride; }
};

/// out[r][0 …] (+)= Σ_p left[p][a + r] · right[p][b …], `width` columns.
template <int R, int N, bool whole, class Left, class Right>
__attribute__((noinline)) void outer_tile(Left left, Right right, long pixels, long a, long b, float *out, long stride, long width,
                                          bool add) {
    V sum[R][N];
    const long part = width - (N - 1) * W;
    for (int r = 0; r < R; r++) {
        for (int n = 0; n < N; n++) sum[r][n] = 0;
    }
    for (long p = 0; p < pixels; p++) {
        const float *from = left[p] + a, *columns = right[p] + b;
        V v[N];
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) v[n] = whole || n < N - 1 ? load(columns + n * W) : load_part(columns + n * W, part);
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            const V scale = splat(from[r]);
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) sum[r][n] = fma(scale, v[n], sum[r][n]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) {
            float *to = out + r * stride + n * W;
            if (whole || n < N - 1) {
                store(to, add ? load(to) + sum[r][n] : sum[r][n]);
            } else {
                store_part(to, add ? load_part(to, part) + sum[r][n] : sum[r][n], part);
            }
        }
    }
}

template <int N, bool whole, class Left, class Right>
RAIN_INLINE void outer_tile_of(long rows, Left left, Right right, long pixels, long a, long b, float *out, long stride, long width,
                               bool add) {
    with_count<outer_rows>(rows, [&](auto height) RAIN_INLINE_LAMBDA {
        outer_tile<decltype(height)::value, N, whole>(left, right, pixels, a, b, out, stride, width, add);
    });
}

template <class Left, class Right>
inline void outer_tiles(Left left, Right right, long pixels, Range as, long b, long width, float *out, long stride, bool add) {
    const long count = as.end - as.begin, tiles = (count + outer_rows - 1) / outer_rows;
    for (long t = 0; t < tiles; t++) {
        const long a = as.begin + count * t / tiles, rows = as.begin + count * (t + 1) / tiles - a;
        float *to = out + a * stride;
        if (width == 2 * W) {
            outer_tile_of<2, true>(rows, left, right, pixels, a, b, to, stride, width, add);
        } else if (width > W) {
            outer_tile_of<2, false>(rows, left, right, pixels, a, b, to, stride, width, add);
        } else if (width == W) {
            outer_tile_of<1, true>(rows, left, right, pixels, a, b, to, stride, width, add);
        } else {
            outer_tile_of<1, false>(rows, left, right, pixels, a, b, to, stride, width, add);
        }
    }
}

/// All of out[a][b] for a in `as`, b in `bs` (b counts in floats, from a multiple of two vectors); out points to
/// out[0][0].
inline void outer(ListedRows left, ListedRows right, long pixels, Range as, Range bs, float *out, long stride, bool add) {
    for (long b = bs.begin; b < bs.end; b += panel_width) {
        const long width = bs.end - b < panel_width ? bs.end - b : panel_width;
        if (as.end - as.begin < 4 * outer_rows || width < panel_width || pixels > pixel_block) {
            outer_tiles(left, right, pixels, as, b, width, out + b, stride, add);
            continue;
        }
        // Many tiles read the same columns: side by side they stay in the first-level cache, whatever their stride.
        float columns[pixel_block * panel_width] __attribute__((aligned(64)));
        for (long p = 0; p < pixels; p++) {
            for (int n = 0; n < 2; n++) store(columns + (p * 2 + n) * W, load(right[p] + b + n * W));
        }
        outer_tiles(left, SpacedRows{columns, panel_width}, pixels, as, 0, width, out + b, stride, add);
    }
}

/// Whether `columns` make the better vectors than `rows`: fewer idle lanes.
RAIN_INLINE bool better_columns(long columns, long rows) { return columns * padded_columns(rows) >= rows * padded_columns(columns); }

/// How the a × b plane of results is shared out.
struct Plane {
    long a_chunks, b_chunks;
};
RAIN_INLINE Plane plane_of(const RainPool *pool, long a, long b, double work) {
    if (pool->threads == 1 || work < 2 * small_work) return {1, 1};
    const long wanted = 2 * pool->threads, a_tiles = (a + outer_rows - 1) / outer_rows, b_tiles = panel_count(b);
    const long a_chunks = a_tiles < wanted ? a_tiles : wanted;
    const long b_chunks = (wanted + a_chunks - 1) / a_chunks;
    return {a_chunks, b_chunks < b_tiles ? b_chunks : b_tiles};
}

// ---- Direct convolution -----------------------------------------------------------------------------------------------------

/// The weight gradient of a direct convolution as `taps` planes of outer products; taps of a line that lie side by side in
/// memory count as one.
struct ConvOuter {
    RainConv s;
    bool merged, columns_are_inputs;
    long taps, inputs, a, b, b_stride;

    explicit ConvOuter(const RainConv &conv) : s(conv) {
        merged = Direct(conv, false).line_taps();
        taps = merged ? s.kernel_height : s.kernel_height * s.kernel_width;
        inputs = merged ? s.channels * s.kernel_width : s.channels;
        columns_are_inputs = better_columns(inputs, s.out_channels);
        a = columns_are_inputs ? s.out_channels : inputs;
        b = columns_are_inputs ? inputs : s.out_channels;
        b_stride = padded_columns(b);
    }
    size_t sums_bytes() const { return round_up(size_t(taps) * a * b_stride * sizeof(float)); }
    static size_t list_bytes() { return 2 * pixel_block * sizeof(float *); }
};

size_t direct_weight_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv) {
    const ConvOuter c(*conv);
    return c.sums_bytes() + pool->threads * c.list_bytes();
}

void direct_weight_gradient(RainPool *pool, const RainConv *conv, const float *x, const float *dy, float *dw, void *scratch) {
    const ConvOuter c(*conv);
    const RainConv &s = c.s;
    float *sums = static_cast<float *>(scratch);
    char *lists = static_cast<char *>(scratch) + c.sums_bytes();
    const long pixels = s.batch * s.out_height * s.out_width, kernel = s.kernel_height * s.kernel_width;
    Plane plane = plane_of(pool, c.a, c.b, double(pixels) * c.taps * c.a * c.b);
    long tap_chunks = 1;
    if (pool->threads > 1 && plane.a_chunks * plane.b_chunks > 1) {
        while (plane.a_chunks * plane.b_chunks * tap_chunks < pool->threads && tap_chunks < c.taps) tap_chunks++;
    }
    parallel(pool, plane.a_chunks * plane.b_chunks * tap_chunks, [&](long chunk, int thread) {
        const Range as = stretch(c.a, plane.a_chunks, chunk / tap_chunks / plane.b_chunks, outer_rows);
        const Range bs = stretch(c.b, plane.b_chunks, chunk / tap_chunks % plane.b_chunks, panel_width);
        const Range taps = stretch(c.taps, tap_chunks, chunk % tap_chunks);
        const float **inputs = reinterpret_cast<const float **>(lists + thread * c.list_bytes());
        const float **slopes = inputs + pixel_block;
        const float **left = c.columns_are_inputs ? slopes : inputs, **right = c.columns_are_inputs ? inputs : slopes;
        for (long tap = taps.begin; tap < taps.end; tap++) {
            float *out = sums + tap * c.a * c.b_stride;
            for (long i = as.begin; i < as.end; i++) {
                for (long j = bs.begin; j < bs.end; j++) out[i * c.b_stride + j] = 0;
            }
        }
        for (long first = 0; first < pixels; first += pixel_block) {
            const long last = first + pixel_block < pixels ? first + pixel_block : pixels;
            for (long tap = taps.begin; tap < taps.end; tap++) {
                const long ky = c.merged ? tap : tap / s.kernel_width, kx = c.merged ? 0 : tap % s.kernel_width;
                long ox = first % s.out_width, oy = first / s.out_width % s.out_height;
                long image = first / s.out_width / s.out_height, count = 0;
                for (long p = first; p < last; p++) {
                    const long iy = oy * s.stride - s.pad_top + ky, ix = ox * s.stride - s.pad_left + kx;
                    if (iy >= 0 && iy < s.height && ix >= 0 && ix < s.width) {
                        inputs[count] = x + ((image * s.height + iy) * s.width + ix) * s.channels;
                        slopes[count++] = dy + p * s.out_channels;
                    }
                    if (++ox == s.out_width) {
                        ox = 0;
                        if (++oy == s.out_height) oy = 0, image++;
                    }
                }
                if (count == 0) continue;
                outer(ListedRows{left}, ListedRows{right}, count, as, bs, sums + tap * c.a * c.b_stride, c.b_stride, true);
            }
        }
        for (long i = as.begin; i < as.end; i++) {
            for (long j = bs.begin; j < bs.end; j++) {
                const long o = c.columns_are_inputs ? i : j, input = c.columns_are_inputs ? j : i;
                for (long tap = taps.begin; tap < taps.end; tap++) {
                    const long k = c.merged ? tap * s.kernel_width + input / s.channels : tap;
                    const long channel = c.merged ? input % s.channels : input;
                    dw[(o * s.channels + channel) * kernel + k] = sums[(tap * c.a + i) * c.b_stride + j];
                }
            }
        }
    });
}
