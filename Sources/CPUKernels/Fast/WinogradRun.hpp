// How a Winograd convolution is cut into blocks and shared among threads.

/// The cut. Inputs, weights and results of one block of tiles × block of channels × group of columns lie in the second-level
/// cache together.
struct WinogradCut {
    bool whole;   // all weights are turned into points at once, and kept for all tiles
    bool shared;  // threads share the tiles and take groups of columns each, so that a weight is turned into points only once
    long depth, panels, block;       // channels, panels and tiles of a block
    long depths, groups, blocks;     // how many there are
    long input_point, weight_point, sum_point;  // floats of one point

    WinogradCut(const Winograd &g, const RainPool *pool) {
        using Products = WinogradProducts;
        const long bytes = points * long(sizeof(float)), all = panel_count(g.n), threads = pool->threads;
        const long channels = Products::channels(g.k), tile_unit = Products::tile_unit;
        // In columns of all points: what the cache holds, and how much of it the weights and the sums of a group may take;
        // what is left is for inputs passing through.
        const long cache = long(pool->cache_bytes) / bytes;
        const long weight_piece = long(cache * Products::weight_share), sum_piece = long(cache * Products::sum_share);
        whole = channels * g.n_stride <= cache * 7 / 10;
        shared = !whole && threads > 1 && g.tiles < Products::shared_tiles * threads;
        block = whole ? cache / 2 / (channels + g.n_stride) : sum_piece / panel_width;
        block = block < 2 * tile_rows ? 2 * tile_rows : block > Products::most_tiles ? Products::most_tiles : block;
        block = (block + tile_unit - 1) / tile_unit * tile_unit;
        blocks = (g.tiles + block - 1) / block;
        if (!shared) blocks = (blocks + threads - 1) / threads * threads;
        block = ((g.tiles + tile_unit - 1) / tile_unit + blocks - 1) / blocks * tile_unit;
        panels = sum_piece / (block * panel_width);
        const long most_panels = weight_piece / (Products::most_channels * panel_width);
        if (tile_unit > 1 && panels > most_panels) panels = most_panels;
        if (panels < 1) panels = 1;
        if (whole || panels > all) panels = all;
        if (shared) {
            // Even shares of the panels are worth more than large groups.
            auto rounds = [&](long group) { return ((all + group - 1) / group + threads - 1) / threads * group; };
            for (long group = panels - 1; group > 0; group--) {
                if (rounds(group) < rounds(panels)) panels = group;
            }
        }
        constexpr long unit = Products::Inputs::unit;
        depth = weight_piece / (panels * panel_width) / unit * unit;
        depth = depth < 2 * W ? 2 * W : depth > Products::most_channels ? Products::most_channels : depth;
        if (whole || depth > channels) depth = channels;
        depths = (g.k + depth - 1) / depth;
        groups = (all + panels - 1) / panels;
        // A vector more per point keeps the points from falling on the same cache sets.
        input_point = block * depth + W;
        weight_point = depth * panels * panel_width + W;
        sum_point = panels * Products::panel_sums(block) + W;
    }
    size_t input_bytes() const { return round_up(size_t(points) * depths * input_point * sizeof(float)); }
    size_t weight_bytes() const { return round_up(size_t(points) * weight_point * sizeof(float)); }
    size_t sum_bytes() const { return round_up(size_t(points) * sum_point * sizeof(float)); }
    size_t scratch_bytes(int threads) const {
        return input_bytes() * (shared ? 1 : threads) + weight_bytes() * (whole ? 1 : threads) + sum_bytes() * threads;
    }
};

size_t winograd_scratch_bytes(const RainPool *pool, const RainConv *conv, bool gradient) {
    const Winograd g(*conv, gradient);
    return g.zero_bytes() + WinogradCut(g, pool).scratch_bytes(pool->threads);
}

void winograd(RainPool *pool, const RainConv *conv, bool gradient, const float *x, const void *packed, const RainEpilogue *epilogue,
              float *y, void *scratch) {
    const Winograd g(*conv, gradient);
    const WinogradCut cut(g, pool);
    const RainEpilogue e = epilogue ? *epilogue : RainEpilogue{};
    const long all = panel_count(g.n);
    float *zeros = static_cast<float *>(scratch);
    for (long i = 0; i < g.k_stride; i++) zeros[i] = 0;
    char *inputs = static_cast<char *>(scratch) + g.zero_bytes();
    char *weights = inputs + cut.input_bytes() * (cut.shared ? 1 : pool->threads);
    char *sums = weights + cut.weight_bytes() * (cut.whole ? 1 : pool->threads);
    auto input_of = [&](int thread) {
        float *base = reinterpret_cast<float *>(inputs + (cut.shared ? 0 : thread * cut.input_bytes()));
        return WinogradProducts::Inputs{base, cut.depth, cut.input_point};
    };
    auto weights_of = [&](int thread) { return reinterpret_cast<float *>(weights + (cut.whole ? 0 : thread * cut.weight_bytes())); };
    // Channels [first, last) of a panel to points.
    auto expand = [&](long p, long first, long last, float *to) {
        const long vectors = panel_vectors(g.n, p);
        const float *from = static_cast<const float *>(packed) + (size_t(p) * panel_width * g.k + first * vectors * W) * 9;
        WinogradProducts::expand(from, last - first, vectors, to, cut.weight_point);
    };
    auto ahead_of = [&](Range panels, long channel) -> WeightsAhead {
        const long first = channel < g.k ? panels.begin : panels.end;
        if (cut.whole || first == all) return {};
        const long panel = panel_width * g.k * 9;
        return {static_cast<const float *>(packed) + first * panel, panel, channel < g.k ? channel : 0};
    };
    // A group of columns of `count` tiles from `first` on, whose inputs are points already.
    auto columns_of = [&](long group, long first, long count, int thread) {
        const Range panels = {group * cut.panels, (group + 1) * cut.panels < all ? (group + 1) * cut.panels : all};
        const long column = panels.begin * panel_width;
        const long columns = (panels.end * panel_width < g.n ? panels.end * panel_width : g.n) - column;
        [[maybe_unused]] const WinogradProducts::Unit unit;
        const WinogradProducts::Inputs input = input_of(thread);
        float *weight = weights_of(thread), *sum = reinterpret_cast<float *>(sums + thread * cut.sum_bytes());
        for (long channel = 0; channel < g.k; channel += cut.depth) {
            const long depth = g.k - channel < cut.depth ? g.k - channel : cut.depth;
            const long panel_stride = panel_width * WinogradProducts::panel_channels(depth);
            for (long p = panels.begin; p < panels.end && !cut.whole; p++) {
                expand(p, channel, channel + depth, weight + (p - panels.begin) * panel_stride);
            }
            const WeightsAhead ahead = ahead_of(panels, channel + depth);
            for (int q = 0; q < points; q++) {
                WinogradProducts::multiply(q, count, input, input.block(channel) + q * cut.input_point, depth,
                                           weight + q * cut.weight_point, panel_stride, columns, channel > 0, sum + q * cut.sum_point,
                                           ahead);
            }
        }
        auto sum_of = [&](long tile, long c) RAIN_INLINE_LAMBDA { return WinogradProducts::sum_at(sum, count, columns, tile, c); };
        transform_output(g, e, sum_of, cut.sum_point, first, first + count, column, columns, y);
    };
    if (cut.whole) {
        parallel_ranges(pool, all, 1 + 256 / g.k, 1, [&](long begin, long end, int) {
            for (long p = begin; p < end; p++) expand(p, 0, g.k, weights_of(0) + p * panel_width * WinogradProducts::panel_channels(g.k));
        });
    }
    if (!cut.shared) {
        parallel(pool, cut.blocks, [&](long block, int thread) {
            const Range tiles = stretch(g.tiles, cut.blocks, block, WinogradProducts::tile_unit);
            if (tiles.begin == tiles.end) return;
            transform_input(g, x, zeros, tiles.begin, tiles.end, input_of(thread), 0);
            for (long group = 0; group < cut.groups; group++) columns_of(group, tiles.begin, tiles.end - tiles.begin, thread);
        });
        return;
    }
    for (long block = 0; block < cut.blocks; block++) {
        const Range tiles = stretch(g.tiles, cut.blocks, block, WinogradProducts::tile_unit);
        const long count = tiles.end - tiles.begin;
        parallel_ranges(pool, count, 2, 1, [&](long begin, long end, int) {
            transform_input(g, x, zeros, tiles.begin + begin, tiles.begin + end, input_of(0), begin);
        });
        parallel(pool, cut.groups, [&](long group, int thread) { columns_of(group, tiles.begin, count, thread); });
    }
}
