// Rows times packed columns on the matrix unit, shared among threads: linear layers.

/// Rows and blocks of k that are split at once: together they should stay in the second-level cache. A longer k is cut in shorter
/// parts, which leave room for the panels that pass by.
constexpr long split_rows = 256, split_blocks = 40, part_blocks = 20;
/// Numbers of a row that may be split at once, of the fewest rows.
constexpr long most_split = split_rows / (2 * tile_side) * split_blocks * tile_depth;
/// Blocks of k multiplied at once: a panel's piece of them stays in the first-level cache for all rows.
constexpr long piece_blocks = 5;

/// Finished sums on their way to the sink: a few rows at a time, between the products of what comes next, since the unit would
/// have to wait for them otherwise.
struct Finisher {
    const Sink *to = nullptr;
    const float *sums = nullptr;  // bands
    long row = 0, rows = 0, first_line = 0, column = 0;
    int vectors = 2;

    static constexpr long step_rows = 4;

    template <int R, int N>
    RAIN_INLINE void finish() {
        V sum[R][N];
        long lines[R];
        for (int e = 0; e < R; e++) lines[e] = first_line + row + e;
        begin_tile<R, N>(*to, lines, column, sum);
        const float *from = sums + row / tile_side * band_floats + row % tile_side * W;
        for (int e = 0; e < R; e++) {
            for (int n = 0; n < N; n++) sum[e][n] += load(from + n * tile_floats + e * W);
        }
        finish_tile<R, N>(*to, lines, column, sum);
        row += R;
    }
    template <int N>
    RAIN_INLINE void step_of() {
        if (rows - row >= step_rows) {
            finish<step_rows, N>();
        } else {
            while (row < rows) finish<1, N>();
        }
    }
    /// Brings what is added to rows a few steps further on closer.
    RAIN_INLINE void fetch() const {
        const float *residual = to->epilogue.residual;
        if (!residual) return;
        const long first = row + 4 * step_rows, last = first + step_rows < rows ? first + step_rows : rows;
        for (long r = first; r < last; r++) {
            const float *from = residual + (first_line + r) * to->stride + column;
            __builtin_prefetch(from);
            __builtin_prefetch(from + W);
        }
    }
    __attribute__((noinline)) void step() {
        fetch();
        vectors == 2 ? step_of<2>() : step_of<1>();
    }
    long steps() const { return (rows - row + step_rows - 1) / step_rows; }
    void complete() {
        while (row < rows) step();
    }
    /// All at once, where there are too few products to hide it.
    template <int N>
    RAIN_INLINE void complete_now() {
        while (rows - row >= 8) finish<8, N>();
        while (row < rows) finish<1, N>();
    }
};

template <int N>
inline void multiply_panel(const float *split, long rows, long blocks, const float *panel, float *sums, const Sink &to, long first_line,
                           long column, Finisher &before) {
    constexpr long block_floats = 2 * N * tile_floats;
    const long row_stride = blocks * 2 * tile_floats, bands = (rows + 2 * tile_side - 1) / (2 * tile_side);
    // A short panel is in the caches. With few rows it is read but once, and what the processor brings by itself does better.
    const bool few = blocks < piece_blocks || bands < 4;
    const long pieces = few ? 1 : (blocks + piece_blocks - 1) / piece_blocks, lines = few ? 0 : block_floats / W;
    for (long piece = 0; piece < pieces; piece++) {
        const Range part = stretch(blocks, pieces, piece);
        const long count = part.end - part.begin;
        const float *columns = panel + part.begin * block_floats, *next = columns + count * block_floats;
        for (long b = 0; b < bands; b++) {
            const float *from = split + b * 2 * row_stride + part.begin * 2 * tile_floats;
            float *sum = few ? sums : sums + b * 2 * band_floats;
            const long left = rows - b * 2 * tile_side, steps = (before.steps() + count - 1) / count;
            // This band's share of the piece that follows is brought closer.
            const Range share = stretch(lines, bands, b);
            auto between = [&](long block) RAIN_INLINE_LAMBDA {
                for (long l = share.begin; l < share.end; l++) __builtin_prefetch(next + block * block_floats + l * W, 0, 2);
                for (long i = 0; i < steps; i++) before.step();
            };
            if (left > tile_side) {
                multiply_tiles<2, N>(from, row_stride, columns, count, piece > 0, sum, between);
            } else {
                multiply_tiles<1, N>(from, row_stride, columns, count, piece > 0, sum, between);
            }
            if (piece < pieces - 1) continue;
            before = {&to, sum, 0, left < 2 * tile_side ? left : 2 * tile_side, first_line + b * 2 * tile_side, column, N};
            if (few) before.complete_now<N>();
        }
    }
}

/// One panel by itself, up to `split_rows` rows.
template <int N>
inline void multiply_panel(const float *split, long rows, long blocks, const float *panel, const Sink &to, long first_line, long column) {
    alignas(64) float sums[split_rows * panel_width];
    Finisher finisher;
    multiply_panel<N>(split, rows, blocks, panel, sums, to, first_line, column, finisher);
    finisher.complete();
}

struct SplitBuffers {
    alignas(64) float rows[split_rows * split_blocks * tile_depth];
    // Sums of one panel are finished while the next one's grow.
    alignas(64) float sums[2][split_rows * panel_width];
};

static_assert(sizeof(SplitBuffers) <= thread_buffer_bytes);

/// Rows × layers packed by `pack_split_panel`, `blocks` blocks of k; row r goes to line first_line + r.
///
/// - Parameter split: (r, count, part, to) splits the blocks `part` of `count` rows from r on
template <class Split>
inline void multiply_split(long rows, long blocks, const Layers &layers, long first_line, Split &&split) {
    SplitBuffers &buffers = *static_cast<SplitBuffers *>(thread_buffer());
    const MatrixUnit unit;
    // A long k is summed in parts, which meet in the result; where there is no room for them in it, fewer rows are split at once.
    const long most = layers.of[0].to.epilogue.gated ? blocks : blocks <= split_blocks ? split_blocks : part_blocks;
    const long room = split_rows * split_blocks / (most > split_blocks ? most : split_blocks) / (2 * tile_side) * (2 * tile_side);
    for (long r = 0; r < rows; r += room) {
        const long count = rows - r < room ? rows - r : room;
        for (long begin = 0; begin < blocks; begin += most) {
            const Range part = {begin, begin + most < blocks ? begin + most : blocks};
            split(r, count, part, buffers.rows);
            Sink sinks[RAIN_MOST_JOINT];
            Finisher finisher;
            long turn = 0;
            for (const Layer &layer : layers) {
                Sink &sink = sinks[&layer - layers.begin()];
                sink = layer.to;
                sink.add = layer.to.add || begin > 0;
                if (part.end < blocks) sink.epilogue = {};
                for (long p = layer.panels.begin; p < layer.panels.end; p++) {
                    const int vectors = layer.to.vectors(p);
                    const long column = layer.to.column(p);
                    const float *panel = layer.packed + (size_t(p) * panel_width * blocks + begin * vectors * W) * tile_depth;
                    float *sums = buffers.sums[turn++ % 2];
                    if (vectors == 2) {
                        multiply_panel<2>(buffers.rows, count, part.end - begin, panel, sums, sink, first_line + r, column, finisher);
                    } else {
                        multiply_panel<1>(buffers.rows, count, part.end - begin, panel, sums, sink, first_line + r, column, finisher);
                    }
                }
            }
            finisher.complete();
        }
    }
}

/// Rows of x × layers; row r goes to line r of their sinks.
inline void multiply_rows(Range rows, const Sides &x, const Layers &layers) {
    const long k = x.count(), first_k = x.counts[0];
    // Blocks that lie wholly in the first part, and those and the one that lies in both.
    const long border = x.counts[1] > 0 ? first_k / tile_depth : padded_depth(k) / tile_depth;
    const long behind = x.counts[1] > 0 ? padded_depth(first_k) / tile_depth : border;
    auto split = [&](long r, long count, Range part, float *tiles) {
        auto stretch_of = [&](long begin, long end, auto &&row) {
            begin = begin < part.begin ? part.begin : begin;
            end = end > part.end ? part.end : end;
            if (begin >= end) return;
            const long depth = (end * tile_depth < k ? end * tile_depth : k) - begin * tile_depth;
            split_tiles([&](long i) RAIN_INLINE_LAMBDA { return row(rows.begin + r + i, begin * tile_depth); }, count, depth, part.end - part.begin,
                        tiles + (begin - part.begin) * 2 * tile_floats);
        };
        stretch_of(0, border, [&](long row, long number) RAIN_INLINE_LAMBDA { return x.row(0, row) + number; });
        float mixed[tile_depth];
        stretch_of(border, behind, [&](long row, long number) RAIN_INLINE_LAMBDA -> const float * {
            for (long i = 0; i < tile_depth && number + i < k; i++) {
                mixed[i] = number + i < first_k ? x.row(0, row)[number + i] : x.row(1, row)[number + i - first_k];
            }
            return mixed;
        });
        stretch_of(behind, part.end, [&](long row, long number) RAIN_INLINE_LAMBDA { return x.row(1, row) + number - first_k; });
    };
    multiply_split(rows.end - rows.begin, padded_depth(k) / tile_depth, layers, rows.begin, split);
}

/// As `multiply` with rows found through pointers, k numbers for each tap; a tap's panel lies behind the one before it.
inline void multiply_taps(long rows, const Source &from, long k, const float *packed, Range panels, const Sink &to, long first_line) {
    const long tap_blocks = padded_depth(k) / tile_depth;
    auto split = [&](long r, long count, Range part, float *tiles) {
        for (long block = part.begin; block < part.end;) {
            const long tap = block / tap_blocks, first = block % tap_blocks, end = (tap + 1) * tap_blocks;
            const long last = (end < part.end ? end : part.end) - tap * tap_blocks;
            const float *const *table = from.table + tap * from.table_stride + r;
            split_tiles([&](long i) RAIN_INLINE_LAMBDA { return table[i] + first * tile_depth; }, count,
                        (last * tile_depth < k ? last * tile_depth : k) - first * tile_depth, part.end - part.begin,
                        tiles + (block - part.begin) * 2 * tile_floats);
            block += last - first;
        }
    };
    Layers one;
    one.add({packed, to, panels});
    multiply_split(rows, from.taps * tap_blocks, one, first_line, split);
}

/// As `grid_of`: rows are cut as they are split, and columns rather than fewer rows, since rows share the reading of a panel.
RAIN_INLINE Grid split_grid(const RainPool *pool, long rows, long panels, double work) {
    const long row_chunks = (rows + split_rows - 1) / split_rows;
    // The unit is about four times as fast as the vectors.
    if (pool->threads == 1 || work < 8 * small_work) return {row_chunks, 1, true, 2 * tile_side};
    const long affordable = long(work / (4 * small_work)), wanted = 4 * pool->threads < affordable ? 4 * pool->threads : affordable;
    const long panel_chunks = (wanted + row_chunks - 1) / row_chunks;
    return {row_chunks, panel_chunks < panels ? panel_chunks : panels, false, 2 * tile_side};
}
