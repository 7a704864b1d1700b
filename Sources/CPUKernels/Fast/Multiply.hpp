// Rows times packed columns, cut into tiles and shared among threads; packing.

/// Numbers of a row multiplied at once: the part of a panel that belongs to them stays in the first-level cache for all rows.
constexpr long most_depth = (24 << 10) / (panel_width * long(sizeof(float)));

/// Packed columns that rows are multiplied with: these panels of them.
struct Layer {
    const float *packed;
    Sink to;
    Range panels;
};

/// Layers of the same rows.
struct Layers {
    Layer of[RAIN_MOST_JOINT];
    long count = 0;

    void add(const Layer &layer) { of[count++] = layer; }
    const Layer *begin() const { return of; }
    const Layer *end() const { return of + count; }
};

/// One of the parts in which k is multiplied for one panel. Sums wait for the next part in lines of `sums`, counted from 0, or in y.
struct Part {
    bool first, last;
    float *sums;  // null: y

    bool waits() const { return sums && !last; }

    /// Where this part's sums begin and end, `line` being the sink's first.
    Sink sink(const Sink &to, long column, long line) const {
        Sink own = waits() ? Sink{sums, panel_width, to.epilogue.gated ? panel_width : to.columns - column, {}} : to;
        if (!last) own.epilogue = {};
        own.add = to.add || !first;
        if (sums && !first) {
            own.begun = sums;
            own.begun_line = waits() ? 0 : line;
            own.begun_stride = panel_width;
        } else {
            own.begun = to.y + column + (waits() ? line * to.stride : 0);
            own.begun_stride = to.stride;
        }
        return own;
    }
};

/// Rows [0, rows) of `from` × panels [first_panel, last_panel) of `packed`, which holds `panel_depth` numbers per tap, of which k are
/// multiplied; row r goes to line index[r] of the sink, or to line first_index + r if index is null. Tiles are as even as possible.
///
/// - Parameter sums: rows × panel_width floats where sums of several parts wait for each other; null: in the sink
inline void multiply(long rows, const Source &from, long k, long panel_depth, const float *packed, long first_panel, long last_panel,
                     const Sink &to, const long *index, long first_index, float *sums = nullptr) {
    // Rows found through pointers take a register each.
    const long most_rows = from.table && tile_rows > 8 ? 8 : tile_rows, tiles = (rows + most_rows - 1) / most_rows;
    const long parts = from.table ? 1 : (k + most_depth - 1) / most_depth;
    for (long p = first_panel; p < last_panel; p++) {
        const long column = to.column(p);
        const int vectors = to.vectors(p);
        for (long i = 0; i < parts; i++) {
            const Part part = {i == 0, i == parts - 1, sums};
            const Range inner = stretch(k, parts, i, 16);
            const long floats = (inner.end - inner.begin) * from.taps * vectors * W;
            const float *panel = packed + size_t(p) * panel_width * panel_depth * from.taps + inner.begin * vectors * W;
            Source source = from;
            if (!from.table) source.base += inner.begin;
            const Sink sink = part.sink(to, column, first_index);
            const long first_line = part.waits() ? 0 : first_index, first_column = part.waits() ? 0 : column;
            for (long t = 0; t < tiles; t++) {
                const long begin = rows * t / tiles, count = rows * (t + 1) / tiles - begin;
                long own[tile_rows];
                if (!index) {
                    for (int r = 0; r < tile_rows; r++) own[r] = first_line + begin + r;
                }
                const long *lines = index ? index + begin : own;
                // What is added in the end comes from further away than anything else.
                if (part.last && to.epilogue.residual) {
                    const float *residual = to.epilogue.residual + column;
                    for (long r = 0; r < count; r++) {
                        for (long at = 0; at < panel_width; at += 16) __builtin_prefetch(residual + lines[r] * to.stride + at);
                    }
                }
                // A tile's share of what follows this part of the panel, which is wanted next.
                for (long at = floats * t / tiles; at < floats * (t + 1) / tiles; at += 16) __builtin_prefetch(panel + floats + at, 0, 2);
                if (vectors == 2) {
                    tile_of<2>(count, source, begin, inner.end - inner.begin, panel, sink, lines, first_column);
                } else {
                    tile_of<1>(count, source, begin, inner.end - inner.begin, panel, sink, lines, first_column);
                }
            }
        }
    }
}

/// How rows × panels are cut into chunks: rows first, so that a chunk's rows stay in the second-level cache; columns too
/// when there are few rows.
struct Grid {
    long row_chunks, panel_chunks;
    bool alone;  // too little work to share
    long row_unit = tile_rows;

    long count() const { return row_chunks * panel_chunks; }
};

constexpr double small_work = 256 << 10;  // multiply-adds (about 3 µs) below which waking threads does not pay

RAIN_INLINE Grid grid_of(const RainPool *pool, long rows, long panels, long row_bytes, long most_rows, double work) {
    long block = long(pool->cache_bytes) * 6 / 10 / (row_bytes < 1 ? 1 : row_bytes);
    if (block < 8 * tile_rows) block = 8 * tile_rows;
    if (block > most_rows) block = most_rows;
    long row_chunks = (rows + block - 1) / block, panel_chunks = 1;
    if (pool->threads == 1 || work < 2 * small_work) return {row_chunks, 1, true};
    const long affordable = long(work / small_work), wanted = 4 * pool->threads < affordable ? 4 * pool->threads : affordable;
    if (row_chunks < wanted) {
        const long possible = rows / (2 * tile_rows);
        if (possible > row_chunks) row_chunks = possible < wanted ? possible : wanted;
        panel_chunks = (wanted + row_chunks - 1) / row_chunks;
        if (panel_chunks > panels) panel_chunks = panels;
    }
    return {row_chunks, panel_chunks, false};
}

/// body(rows, panels, thread) for each cell of the grid.
template <class Body>
inline void each_cell(RainPool *pool, Grid grid, long rows, long panels, Body &&body) {
    auto cell = [&](long chunk, int thread) {
        const Range row = stretch(rows, grid.row_chunks, chunk / grid.panel_chunks, grid.row_unit);
        const Range panel = stretch(panels, grid.panel_chunks, chunk % grid.panel_chunks);
        if (row.begin < row.end && panel.begin < panel.end) body(row, panel, thread);
    };
    if (grid.alone) {
        for (long chunk = 0; chunk < grid.count(); chunk++) cell(chunk, 0);
    } else {
        parallel(pool, grid.count(), cell);
    }
}

/// Packs k rows of `valid` columns, w(j, i) = w[j · column_stride + i · row_stride], and zeros up to `width`, to lines of `line` floats;
/// adds to what is there if `add`.
inline void pack_columns(const float *from, long valid, long k, long column_stride, long row_stride, bool add, float *to, long width,
                         long line) {
    if (!add && column_stride == 1) {
        for (long i = 0; i < k; i++) {
            for (long j = 0; j < valid; j++) to[i * line + j] = from[i * row_stride + j];
            for (long j = valid; j < width; j++) to[i * line + j] = 0;
        }
        return;
    }
    constexpr long block = turn;  // keeps both sides in the first-level cache
    for (long first = 0; first < k; first += block) {
        const long last = first + block < k ? first + block : k;
        long done = 0;
        for (; !add && row_stride == 1 && last - first == block && done + W <= valid; done += W) {
            V v[turn];
            load_turned(from + done * column_stride + first, column_stride, W, turn, v);
            for (int e = 0; e < turn; e++) store(to + (first + e) * line + done, v[e]);
        }
        for (long j = done; j < width; j++) {
            for (long i = first; i < last; i++) {
                const float value = j < valid ? from[j * column_stride + i * row_stride] : 0.0f;
                to[i * line + j] = add ? to[i * line + j] + value : value;
            }
        }
    }
}

/// Packs panel `p` of a matrix of n columns.
RAIN_INLINE void pack_panel(const float *w, long n, long k, long column_stride, long row_stride, long p, bool add, float *to) {
    const long column = p * panel_width, width = panel_vectors(n, p) * W, valid = n - column < width ? n - column : width;
    pack_columns(w + column * column_stride, valid, k, column_stride, row_stride, add, to, width, width);
}
