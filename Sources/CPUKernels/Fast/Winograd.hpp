// Winograd convolution F(4×4, 3×3) (arXiv 1509.09308) and its input gradient.
//
// 36 products instead of 144 per 4×4 results. Tiles run over the edge of the picture where its sides are no multiples of 4:
// missing inputs are zeros, surplus results are dropped.
//
// Weights stay 9 numbers, packed as lanes of columns, and become 36 points in the second-level cache just before they are
// multiplied with a block of tiles: a quarter of the memory, and of what must be read from it. Inputs are turned into points
// for a block of tiles and all channels; columns are taken in groups, whose results grow over blocks of channels in the
// cache and leave it as pixels. Sums are one chain over the channels wherever these are cut.

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

    size_t zero_bytes() const { return round_up(k_stride * sizeof(float)); }

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

/// Where the points of inputs lie: [block of channels][point][tile][channel].
struct TilePoints {
    float *base;
    long depth;  // channels of a block
    long point;  // floats of a point of a block

    static constexpr long unit = W;  // channels are rounded up to a multiple of this
    float *block(long first_channel) const { return base + first_channel / depth * points * point; }
    RAIN_INLINE float *at(long tile, long channel) const { return block(channel) + tile * depth + channel % depth; }
    RAIN_INLINE static void put(float *to, V x) { store(to, x); }
};

/// Tiles [first, last) of x to points, the first one to place `place`.
template <class Points>
inline void transform_input(const Winograd &g, const float *x, const float *zeros, long first, long last, const Points &to, long place) {
    const long channels = (g.k + Points::unit - 1) / Points::unit * Points::unit;
    for (long tile = first; tile < last; tile++) {
        const float *pixel[points];
        g.tile_pixels(x, zeros, tile, pixel);
        for (long c = 0; c < channels; c += W) {
            V columns[points];
            const long part = g.k - c < 0 ? 0 : g.k - c;
#pragma clang loop unroll(full)
            for (int j = 0; j < 6; j++) {
                V d[6];
#pragma clang loop unroll(full)
                for (int i = 0; i < 6; i++) d[i] = part >= W ? load(pixel[i * 6 + j] + c) : load_part(pixel[i * 6 + j] + c, part);
                input_transform(d, columns + j, 1, 6);
            }
            float *out = to.at(place + tile - first, c);
#pragma clang loop unroll(full)
            for (int i = 0; i < 6; i++) {
                V o[6];
                input_transform(columns + i * 6, o, 1, 1);
#pragma clang loop unroll(full)
                for (int j = 0; j < 6; j++) Points::put(out + (i * 6 + j) * to.point, o[j]);
            }
        }
    }
}

/// Points of columns [column, column + columns) of tiles [first, last) to results, with the epilogue.
///
/// - Parameter from: the first point of a vector of columns of a tile (counted from `first`); others lie `point` floats apart
template <class Sums>
inline void transform_output(const Winograd &g, const RainEpilogue &e, Sums &&from, long point, long first, long last, long column,
                             long columns, float *y) {
    for (long tile = first; tile < last; tile++) {
        const long image = tile / (g.tiles_down * g.tiles_across);
        const long top = tile / g.tiles_across % g.tiles_down * 4, left = tile % g.tiles_across * 4;
        const long down = g.out_height - top < 4 ? g.out_height - top : 4;
        const long across = g.out_width - left < 4 ? g.out_width - left : 4;
        const long corner = (image * g.out_height + top) * g.out_width + left;
        for (long c = 0; c < columns; c += W) {
            V lines[24];
            const long part = columns - c < W ? columns - c : W;
            const float *in = from(tile - first, c);
#pragma clang loop unroll(full)
            for (int j = 0; j < 6; j++) {
                V m[6];
#pragma clang loop unroll(full)
                for (int i = 0; i < 6; i++) m[i] = load(in + (i * 6 + j) * point);
                output_transform(m, lines + j, 1, 6);
            }
            const V bias = e.bias ? load_part(e.bias + column + c, part) : splat(0);
            for (int i = 0; i < down; i++) {
                V o[4];
                output_transform(lines + i * 6, o, 1, 1);
                const long line = corner + i * g.out_width;
#pragma clang loop unroll(full)
                for (int j = 0; j < 4; j++) {
                    if (j >= across) break;
                    V value = o[j] + bias;
                    const long at = (line + j) * g.n + column + c;
                    if (e.sample_bias) {
                        value += load_part(e.sample_bias + (line + j) / e.rows_per_sample * g.n + column + c, part);
                    }
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
                activate_rows(e.activation, y + (corner + i * g.out_width) * g.n + column, across, columns, g.n);
            }
        }
    }
}

/// 9 weights to six lines of 3, of which another transform makes lines of 6 points.
RAIN_INLINE void weight_lines(const float *packed, V (&lines)[18]) {
    V weights[9];
#pragma clang loop unroll(full)
    for (int t = 0; t < 9; t++) weights[t] = load(packed + t * W);
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) weight_transform(weights + j, lines + j, 3, 3);
}

/// `count` vectors of columns from 9 weights each to points, `point` floats apart.
inline void expand_weights(const float *packed, long count, float *to, long point) {
    for (long at = 0; at < count; at++) {
        V lines[18];
        weight_lines(packed + at * 9 * W, lines);
#pragma clang loop unroll(full)
        for (int r = 0; r < 6; r++) {
            V o[6];
            weight_transform(lines + r * 3, o, 1, 1);
#pragma clang loop unroll(full)
            for (int j = 0; j < 6; j++) store(to + (r * 6 + j) * point + at * W, o[j]);
        }
    }
}

/// Packed weights that are wanted next, from a channel of a group's first panel on; null: none.
struct WeightsAhead {
    const float *packed;
    long panel;    // floats from panel to panel
    long channel;
};

// Packed weights: [panel][channel][vector of the panel][9 taps][W].

size_t winograd_packed_bytes(const RainConv *conv, bool gradient) {
    const Winograd g(*conv, gradient);
    return panel_floats(g.n, g.k) * 9 * sizeof(float);
}

void winograd_pack(RainPool *pool, const RainConv *conv, bool gradient, const float *w, void *packed) {
    const Winograd g(*conv, gradient);
    const long column_stride = gradient ? 9 : g.k * 9, row_stride = gradient ? g.n * 9 : 9;
    const long panels = panel_count(g.n), row_chunks = pool->threads > 1 && panels * g.k > 128 && panels < 4 ? 4 : 1;
    parallel(pool, panels * row_chunks, [&](long chunk, int) {
        const long p = chunk / row_chunks, vectors = panel_vectors(g.n, p);
        const Range rows = stretch(g.k, row_chunks, chunk % row_chunks);
        float *to = static_cast<float *>(packed) + size_t(p) * panel_width * g.k * 9;
        for (long v = 0; v < vectors; v++) {
            const long first = p * panel_width + v * W, valid = g.n - first < W ? g.n - first : W;
            for (long i = rows.begin; i < rows.end; i++) {
                V taps[turn];
                load_turned(w + first * column_stride + i * row_stride, column_stride, valid, 9, taps);
                float *vector = to + (i * vectors + v) * 9 * W;
                for (int t = 0; t < 9; t++) store(vector + (gradient ? 8 - t : t) * W, taps[t]);
            }
        }
    });
}
