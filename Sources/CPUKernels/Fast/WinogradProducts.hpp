// Winograd's products as multiply-adds of vectors.

/// How a block's points are made, multiplied and read.
struct WinogradProducts {
    using Inputs = TilePoints;
    struct Unit {};

    static constexpr long tile_unit = 1;
    // Points of weights cost as much as some five tiles.
    static constexpr long most_tiles = 96, most_channels = 64, shared_tiles = 48;
    static constexpr double weight_share = 0.3, sum_share = 0.3;  // of the second-level cache

    static constexpr double rate = 2.0 * W, weight_cycles = 90, input_cycles = 150;  // see `winograd_wins`
    static constexpr long fewest_channels = 1;

    /// Channels of inputs, and of a panel of weights, that there must be room for.
    static long channels(long k) { return padded_columns(k); }
    static long panel_channels(long k) { return k; }
    static long panel_sums(long count) { return count * panel_width; }

    static void expand(const float *packed, long channels, long vectors, float *to, long point) {
        expand_weights(packed, channels * vectors, to, point);
    }
    /// A point of `count` tiles × `columns` columns over `channels` channels.
    static void multiply(int, long count, const TilePoints &input, const float *inputs, long channels, const float *weights, long,
                         long columns, bool add, float *sums, const WeightsAhead &) {
        const long stride = padded_columns(columns);
        const Source from = {nullptr, 0, 1, inputs, input.depth};
        const Sink to = {sums, stride, stride, {}, add};
        rain::RAIN_NAMESPACE::multiply(count, from, channels, channels, weights, 0, panel_count(columns), to, nullptr, 0);
    }
    RAIN_INLINE static const float *sum_at(const float *sums, long, long columns, long tile, long column) {
        return sums + tile * padded_columns(columns) + column;
    }
};
