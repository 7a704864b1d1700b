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
        const long bytes = points * long(sizeof(float)), all = panel_count(g.n), threads = pool->threads;
        // In columns of all points: what the cache holds, and how much of it the sums and the weights of a group may take
        // each; what is left is for inputs passing through.
        const long cache = long(pool->cache_bytes) / bytes, piece = cache * 3 / 10;
        whole = g.k * g.n_stride <= cache * 7 / 10;
        shared = !whole && threads > 1 && g.tiles < 48 * threads;
        // Turning a weight into points costs as much as some five tiles.
        block = whole ? cache / 2 / (g.k_stride + g.n_stride) : piece / panel_width;
        block = block < 2 * tile_rows ? 2 * tile_rows : block > 96 ? 96 : block;
        blocks = (g.tiles + block - 1) / block;
        if (!shared) blocks = (blocks + threads - 1) / threads * threads;
        block = (g.tiles + blocks - 1) / blocks;
        panels = piece / (block * panel_width);
        if (panels < 1) panels = 1;
        if (whole || panels > all) panels = all;
        if (shared) {
            // Even shares of the panels are worth more than large groups.
            auto rounds = [&](long group) { return ((all + group - 1) / group + threads - 1) / threads * group; };
            for (long group = panels - 1; group > 0; group--) {
                if (rounds(group) < rounds(panels)) panels = group;
            }
        }
        depth = piece / (panels * panel_width) / W * W;
        depth = depth < 2 * W ? 2 * W : depth > 64 ? 64 : depth;
        if (whole || depth > g.k_stride) depth = g.k_stride;
        depths = (g.k + depth - 1) / depth;
        groups = (all + panels - 1) / panels;
        // A vector more per point keeps the points from falling on the same cache sets.
        input_point = block * depth + W;
        weight_point = depth * panels * panel_width + W;
        sum_point = block * panels * panel_width + W;
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

void winograd(RainPool *pool, const RainConv *conv, bool gradient, const float *x, const void *packed,
              const RainEpilogue *epilogue, float *y, void *scratch) {
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
        return TilePoints{base, cut.depth, cut.input_point};
    };
    auto weights_of = [&](int thread) { return reinterpret_cast<float *>(weights + (cut.whole ? 0 : thread * cut.weight_bytes())); };
    // Channels [first, last) of a panel to points, at [channel][columns] for each point.
    auto expand = [&](long p, long first, long last, float *to) {
        const long vectors = panel_vectors(g.n, p);
        const float *from = static_cast<const float *>(packed) + (size_t(p) * panel_width * g.k + first * vectors * W) * 9;
        expand_weights(from, (last - first) * vectors, to, cut.weight_point);
    };
    // A group of columns of `count` tiles from `first` on, whose inputs are points already.
    auto columns_of = [&](long group, long first, long count, int thread) {
        const Range panels = {group * cut.panels, (group + 1) * cut.panels < all ? (group + 1) * cut.panels : all};
        const long column = panels.begin * panel_width;
        const long columns = (panels.end * panel_width < g.n ? panels.end * panel_width : g.n) - column;
        const long stride = padded_columns(columns);
        const TilePoints input = input_of(thread);
        float *weight = weights_of(thread), *sum = reinterpret_cast<float *>(sums + thread * cut.sum_bytes());
        for (long channel = 0; channel < g.k; channel += cut.depth) {
            const long depth = g.k - channel < cut.depth ? g.k - channel : cut.depth;
            for (long p = panels.begin; p < panels.end && !cut.whole; p++) {
                expand(p, channel, channel + depth, weight + (p - panels.begin) * panel_width * depth);
            }
            for (int q = 0; q < points; q++) {
                const Source from = {nullptr, 0, 1, input.block(channel) + q * cut.input_point, cut.depth};
                const Sink to = {sum + q * cut.sum_point, stride, stride, {}, channel > 0};
                multiply(count, from, depth, weight + q * cut.weight_point, 0, panels.end - panels.begin, to, nullptr, 0);
            }
        }
        transform_output(g, e, sum, cut.sum_point, first, first + count, column, columns, y);
    };
    if (cut.whole) {
        parallel_ranges(pool, all, 1 + 256 / g.k, 1, [&](long begin, long end, int) {
            for (long p = begin; p < end; p++) expand(p, 0, g.k, weights_of(0) + p * panel_width * g.k);
        });
    }
    if (!cut.shared) {
        parallel(pool, cut.blocks, [&](long block, int thread) {
            const Range tiles = stretch(g.tiles, cut.blocks, block);
            if (tiles.begin == tiles.end) return;
            transform_input(g, x, zeros, tiles.begin, tiles.end, input_of(thread), 0);
            for (long group = 0; group < cut.groups; group++) columns_of(group, tiles.begin, tiles.end - tiles.begin, thread);
        });
        return;
    }
    for (long block = 0; block < cut.blocks; block++) {
        const Range tiles = stretch(g.tiles, cut.blocks, block);
        const long count = tiles.end - tiles.begin;
        parallel_ranges(pool, count, 2, 1, [&](long begin, long end, int) {
            transform_input(g, x, zeros, tiles.begin + begin, tiles.begin + end, input_of(0), begin);
        });
        parallel(pool, cut.groups, [&](long group, int thread) { columns_of(group, tiles.begin, count, thread); });
    }
}
