// Winograd's products on the matrix unit: points of inputs and weights as two bfloat16 each (see MatrixUnit.hpp).

/// Where the points of inputs lie: [block of channels][point][16 tiles][32 channels], high and then low parts of 16 × 32.
struct SplitPoints {
    float *base;
    long depth;  // channels of a block
    long point;  // floats of a point of a block

    static constexpr long unit = tile_depth;
    float *block(long first_channel) const { return base + first_channel / depth * points * point; }
    /// Floats from 16 tiles to the next.
    long band() const { return depth / tile_depth * 2 * tile_floats; }
    RAIN_INLINE float *at(long tile, long channel) const {
        return block(channel) + tile / tile_side * band() + channel % depth / tile_depth * 2 * tile_floats + tile % tile_side * W +
               channel % tile_depth / 2;
    }
    RAIN_INLINE static void put(float *to, V x) {
        const __m256i high = (__m256i)_mm512_cvtneps_pbh(__m512(x));
        const V low = rest(x, __builtin_convertvector(Halves(high), Words));
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), high);
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + tile_floats), (__m256i)_mm512_cvtneps_pbh(__m512(low)));
    }
};

/// `channels` channels of a panel from 9 weights each to points, as `pack_split_panel` lays out each.
inline void expand_split_weights(const float *packed, long channels, long vectors, float *to, long point) {
    for (long c = 0; c < padded_depth(channels); c += 2) {
        for (long v = 0; v < vectors; v++) {
            V even[18], odd[18];
            const float *weights = packed + (c * vectors + v) * 9 * W;
            if (c < channels) {
                weight_lines(weights, even);
            } else {
                for (int i = 0; i < 18; i++) even[i] = splat(0);
            }
            if (c + 1 < channels) {
                weight_lines(weights + vectors * 9 * W, odd);
            } else {
                for (int i = 0; i < 18; i++) odd[i] = splat(0);
            }
            float *high = to + (c / tile_depth * 2 * vectors + v) * tile_floats + c % tile_depth / 2 * W;
#pragma clang loop unroll(full)
            for (int r = 0; r < 6; r++) {
                V e[6], o[6];
                weight_transform(even + r * 3, e, 1, 1);
                weight_transform(odd + r * 3, o, 1, 1);
#pragma clang loop unroll(full)
                for (int j = 0; j < 6; j++) {
                    float *at = high + (r * 6 + j) * point;
                    store_pairs(e[j], o[j], at, at + vectors * tile_floats);
                }
            }
        }
    }
}

/// How a block's points are made, multiplied and read.
struct WinogradProducts {
    using Inputs = SplitPoints;
    using Unit = MatrixUnit;

    static constexpr long tile_unit = tile_side;
    // Points of weights cost as much as some sixty tiles, so there should be many; sums go in and out of tiles for each block of channels.
    static constexpr long most_tiles = 96, most_channels = 64, shared_tiles = 128;
    static constexpr double weight_share = 0.3, sum_share = 0.45;  // of the second-level cache

    static constexpr double rate = 65, weight_cycles = 330, input_cycles = 260;  // see `winograd_wins`
    // Narrow layers gain little, and their errors are as large as those of wide ones.
    static constexpr long fewest_channels = 64;

    static long channels(long k) { return padded_depth(k); }
    static long panel_channels(long k) { return padded_depth(k); }
    static long panel_sums(long count) { return (count + 2 * tile_side - 1) / (2 * tile_side) * 2 * band_floats; }

    static void expand(const float *packed, long channels, long vectors, float *to, long point) {
        expand_split_weights(packed, channels, vectors, to, point);
    }
    /// Point q of `count` tiles × `columns` columns, whose panels lie `panel_stride` floats apart, over `channels` channels.
    static void multiply(int q, long count, const SplitPoints &input, const float *inputs, long channels, const float *weights,
                         long panel_stride, long columns, bool add, float *sums, const WeightsAhead &ahead) {
        const long band = input.band(), blocks = padded_depth(channels) / tile_depth, panels = panel_count(columns);
        constexpr long lines = 2 * tile_floats / W;  // of a block of inputs
        const long steps = (count + 2 * tile_side - 1) / (2 * tile_side) * blocks;
        for (long p = 0; p < panels; p++, weights += panel_stride) {
            const int vectors = panel_vectors(columns, p);
            // This panel's and this point's share of the inputs of the next point, and of the weights that follow.
            const Range share = ahead.packed ? stretch(lines, panels, p) : Range{0, 0};
            const long weight_lines = ahead.packed ? (9 * vectors * channels / points + steps - 1) / steps : 0;
            const float *soon = ahead.packed + p * ahead.panel + (ahead.channel + channels * q / points) * vectors * 9 * W;
            for (long tile = 0; tile < count; tile += 2 * tile_side, sums += 2 * band_floats) {
                const float *from = inputs + tile / tile_side * band;
                auto fetch = [&](long b) RAIN_INLINE_LAMBDA {
                    const float *next = from + input.point + b * 2 * tile_floats;
                    for (long l = share.begin; l < share.end; l++) {
                        __builtin_prefetch(next + l * W, 0, 2);
                        __builtin_prefetch(next + band + l * W, 0, 2);
                    }
                    for (long l = 0; l < weight_lines; l++, soon += W) __builtin_prefetch(soon, 0, 2);
                };
                if (count - tile > tile_side) {
                    vectors == 2 ? multiply_tiles<2, 2>(from, band, weights, blocks, add, sums, fetch)
                                 : multiply_tiles<2, 1>(from, band, weights, blocks, add, sums, fetch);
                } else {
                    vectors == 2 ? multiply_tiles<1, 2>(from, band, weights, blocks, add, sums, fetch)
                                 : multiply_tiles<1, 1>(from, band, weights, blocks, add, sums, fetch);
                }
            }
        }
    }
    RAIN_INLINE static const float *sum_at(const float *sums, long count, long, long tile, long column) {
        return sums + column / panel_width * panel_sums(count) + tile / tile_side * band_floats + column % panel_width / W * tile_floats +
               tile % tile_side * W;
    }
};
