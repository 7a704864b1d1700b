// Sums of outer products over pixels on the matrix unit: weight gradients of linear layers.
//
// out[a][b] = Σ_p left[p][a] · right[p][b] is the product of left, turned, and right: both are split a block of pixels at a time.

/// Pixels and rows of the result that are split at once: half a megabyte.
constexpr long outer_depth = 512, outer_side = split_rows;

/// Splits `count` (≤ 16) columns of `pixels` rows as rows of tiles: per 32 pixels one of high and one of low parts.
inline void split_turned(const float *x, long stride, long pixels, long count, float *to) {
    for (long p = 0; p < pixels; p += tile_depth, to += 2 * tile_floats) {
        V first[turn], second[turn];
        const long left = pixels - p;
        load_turned(x + p * stride, stride, left < W ? left : W, count, first);
        if (left > W) load_turned(x + (p + W) * stride, stride, left < 2 * W ? left - W : W, count, second);
        for (long i = 0; i < tile_side; i++) {
            const V none = splat(0);
            store_split(to + i * W, i < count ? first[i] : none, i < count && left > W ? second[i] : none);
        }
    }
}

/// Splits `columns` (≤ 2·W) columns of `pixels` rows as a panel. Missing pixels are zero, whatever stands for them on the left.
inline void split_columns(const float *x, long stride, long pixels, long columns, float *to) {
    const int vectors = columns > W ? 2 : 1;
    for (long p = 0; p < pixels; p += tile_depth, to += 2 * vectors * tile_floats) {
        for (int v = 0; v < vectors; v++) {
            const long valid = columns - v * W;
            const float *from = x + p * stride + v * W;
            auto row = [&](long i) RAIN_INLINE_LAMBDA {
                if (p + i >= pixels) return splat(0);
                return valid >= W ? load(from + i * stride) : load_part(from + i * stride, valid);
            };
            float *high = to + v * tile_floats, *low = high + vectors * tile_floats;
            for (long i = 0; i < tile_depth; i += 2) store_pairs(row(i), row(i + 1), high + i * 8, low + i * 8);
        }
    }
}

/// Whether a result of this size is worth the splitting.
RAIN_INLINE bool split_pays(long m, long a, long b) { return m >= 2 * tile_depth && a >= tile_side && b >= tile_side; }

constexpr size_t split_outer_bytes = outer_depth * (outer_side + panel_width) * sizeof(float);

/// As `panel_outer`, up to `outer_side` a's. `buffer`: `split_outer_bytes`.
inline void split_outer(const float *left, long left_stride, const float *right, long right_stride, Range pixels, Range as, Range bs,
                        float *out, long stride, float *buffer) {
    float *rows = buffer, *columns = rows + outer_depth * outer_side;
    const MatrixUnit unit;
    for (long p = pixels.begin; p < pixels.end; p += outer_depth) {
        const long count = pixels.end - p < outer_depth ? pixels.end - p : outer_depth, blocks = padded_depth(count) / tile_depth;
        for (long i = as.begin; i < as.end; i += tile_side) {
            split_turned(left + p * left_stride + i, left_stride, count, as.end - i < tile_side ? as.end - i : tile_side,
                         rows + (i - as.begin) * blocks * tile_depth);
        }
        Sink to = sink(out, stride, nullptr);
        to.add = p > pixels.begin;
        for (long j = bs.begin; j < bs.end; j += panel_width) {
            const long width = bs.end - j < panel_width ? bs.end - j : panel_width;
            split_columns(right + p * right_stride + j, right_stride, count, width, columns);
            if (width > W) {
                multiply_panel<2>(rows, as.end - as.begin, blocks, columns, to, as.begin, j);
            } else {
                multiply_panel<1>(rows, as.end - as.begin, blocks, columns, to, as.begin, j);
            }
        }
    }
}
