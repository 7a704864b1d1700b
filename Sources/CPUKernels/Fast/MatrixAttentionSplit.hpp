// Attention on the matrix unit: scores and weighted sums of values as products of floats split into two bfloat16.
//
// Scores are held transposed as on the vectors: tiles of 16 keys times tiles of 16 queries, so that softmax runs down the lanes, and
// two keys' rows of it side by side are a row of what multiplies the values. A key's row holds the high parts of its floats twice
// and then the low ones, a query's its high, low and high ones: one product of rows three times as long, which wastes less of a
// tile's depth than three of padded ones. Probabilities replace their scores in place.
//
// Every product is exact to about 2⁻¹⁷. So a score is off by up to 2⁻¹⁷ · scale · Σ|q·k|, its probability by as much relatively,
// and results by that and 2⁻¹⁶ of the largest value.

constexpr long score_block = 128;  // keys whose scores are held at once
/// Bytes of the blocks of queries that meet a block of keys while it is in the second-level cache.
constexpr long query_bytes = 512 << 10;

struct SplitAttention {
    AttentionPlan plan;
    long even;    // a head's size, rounded up to pairs
    long blocks;  // of 32 numbers in a row of high and low parts
    long tiles;   // of 16 channels of the values
    long depth;   // keys, rounded up to whole tiles

    explicit SplitAttention(const AttentionPlan &p)
        : plan(p), even((p.size + 1) / 2 * 2), blocks((3 * even + tile_depth - 1) / tile_depth),
          tiles((p.size + tile_side - 1) / tile_side), depth(padded_depth(p.all)) {}

    long key_floats() const { return depth * blocks * W; }
    long value_floats() const { return depth / tile_depth * tiles * 2 * tile_floats; }
    long score_floats() const { return 2 * score_block * query_lanes; }
    /// What is kept of a block of queries between blocks of keys: themselves, results, maxima and sums.
    long state_floats() const { return 2 * blocks * tile_floats + tiles * tile_side * query_lanes + 3 * query_lanes; }
    /// Blocks of queries at once: all keys that fit the cache are left there by one, else several share their reading.
    long group() const {
        const long keys = (key_floats() + value_floats()) * long(sizeof(float)), state = state_floats() * long(sizeof(float));
        return keys <= 2 * query_bytes || state > query_bytes ? 1 : query_bytes / state;
    }
    size_t bytes() const {
        return round_up((key_floats() + value_floats() + score_floats() + 2 * group() * state_floats()) * sizeof(float));
    }
};

RAIN_INLINE void store_halves(float *row, long at, V x, long count) {
    _mm256_mask_storeu_epi16(reinterpret_cast<uint16_t *>(row) + at, __mmask16((1u << count) - 1),
                             (__m256i)_mm512_cvtneps_pbh(__m512(x)));
}

/// A key's floats to its row.
RAIN_INLINE void split_key(const SplitAttention &s, const float *from, float *row) {
    for (long c = 0; c < s.even; c += W) {
        const long left = s.plan.size - c, count = s.even - c < W ? s.even - c : W;
        const V x = left >= W ? load(from + c) : load_part(from + c, left);
        store_halves(row, c, x, count);
        store_halves(row, s.even + c, x, count);
        store_halves(row, 2 * s.even + c, rest(x, high_part(x)), count);
    }
    for (long at = 3 * s.even; at < s.blocks * tile_depth; at += W) {
        store_halves(row, at, splat(0), s.blocks * tile_depth - at < W ? s.blocks * tile_depth - at : W);
    }
}

/// Up to 16 values' rows to halves of tiles: row c of a tile is a channel.
inline void split_values(const SplitAttention &s, const float *from, long stride, long valid, float *to) {
    for (long t = 0; t < s.tiles; t++, to += 2 * tile_floats) {
        const long width = s.plan.size - t * tile_side < tile_side ? s.plan.size - t * tile_side : tile_side;
        V v[turn];
        load_turned(from + t * tile_side, stride, valid, width, v);
        for (long c = 0; c < tile_side; c++) {
            const V x = c < width ? v[c] : splat(0);
            store_halves(to + c * W, 0, x, W);
            store_halves(to + tile_floats + c * W, 0, rest(x, high_part(x)), W);
        }
    }
}

/// Where keys and values of a unit come from: the reference's, then the sample's own.
struct SplitSources {
    const float *k[2], *v[2];
    long k_stride[2], v_stride[2], count[2];
};

/// Rows lie far apart, which the machine does not foresee.
constexpr long rows_ahead = 16;
RAIN_INLINE void bring_closer(const float *row, long size) {
    for (long c = 0; c < size + 15; c += 16) __builtin_prefetch(row + c, 0, 2);
}

/// Splits keys and values from `first` on.
inline void split_head(const SplitAttention &s, const SplitSources &from, long first, float *keys, float *values) {
    const long size = s.plan.size;
    for (long j = first; j < s.depth; j++) {
        const int source = j >= from.count[0];
        const long row = source ? j - from.count[0] : j;
        float *to = keys + j * s.blocks * W;
        if (row < from.count[source]) {
            const float *key = from.k[source] + row * from.k_stride[source], *value = from.v[source] + row * from.v_stride[source];
            bring_closer(key + rows_ahead * from.k_stride[source], size);
            bring_closer(value, size);
            split_key(s, key, to);
        } else {
            for (long i = 0; i < s.blocks; i++) store(to + i * W, splat(0));
        }
    }
    for (long j = first / tile_side * tile_side; j < s.depth; j += tile_side) {
        float *to = values + j / tile_depth * s.tiles * 2 * tile_floats + j % tile_depth / 2;
        const int source = j >= from.count[0];
        const long row = source ? j - from.count[0] : j, left = from.count[source] - row;
        if (left >= tile_side || (left > 0 && source == 1)) {
            split_values(s, from.v[source] + row * from.v_stride[source], from.v_stride[source], left < tile_side ? left : tile_side, to);
            continue;
        }
        // Rows of both, or none: zeros, since nothing times zero must be zero.
        for (long c = 0; c < size; c += tile_side) {
            const long width = size - c < tile_side ? size - c : tile_side;
            float lines[tile_side * tile_side];
            for (long e = 0; e < tile_side; e++) {
                const int part = j + e >= from.count[0];
                const long at = part ? j + e - from.count[0] : j + e;
                const bool there = at < from.count[part];
                store(lines + e * tile_side, there ? load_part(from.v[part] + at * from.v_stride[part] + c, width) : splat(0));
            }
            SplitAttention one = s;
            one.tiles = 1;
            one.plan.size = width;
            split_values(one, lines, tile_side, tile_side, to + c / tile_side * 2 * tile_floats);
        }
    }
}

/// Queries, times the scale, as tiles: per vector of queries, rows of pairs.
template <int N>
inline void split_queries(const SplitAttention &s, const float *q, long count, float *to) {
    const long size = s.plan.size, pairs = s.even / 2;
    for (int n = 0; n < N; n++, to += s.blocks * tile_floats) {
        for (long c = 0; c < size; c += turn) {
            const long width = size - c < turn ? size - c : turn;
            V v[turn + 1];
            if (count > n * W) {
                load_turned(q + n * W * s.plan.q_stride + c, s.plan.q_stride, count - n * W < W ? count - n * W : W, width, v);
            } else {
                for (long e = 0; e < width; e++) v[e] = splat(0);
            }
            v[width] = splat(0);
            for (long e = 0; e < width; e += 2) {
                float *row = to + (c + e) / 2 * W;
                store_pairs(v[e] * s.plan.exponent, v[e + 1] * s.plan.exponent, row, row + pairs * W);
                store(row + 2 * pairs * W, load(row));
            }
        }
        for (long row = 3 * pairs; row < s.blocks * tile_side; row++) store(to + row * W, splat(0));
    }
}
