// Rows times packed columns: the micro-kernel behind linear layers, convolutions, Winograd and attention.
//
// Weights lie in panels of 2·W columns (the last may be W wide): panel[k][columns], zero-filled. A tile of up to `tile_rows`
// rows × one panel is summed in registers, one fused multiply-add chain over k per element, so every element's sum has the
// same order whatever the partition. Rows are read in place through pointers, one per row and tap, which makes the same
// kernel an implicit convolution.

#if RAIN_WIDTH == 16
constexpr int tile_rows = 8;
#else
constexpr int tile_rows = 6;
#endif
constexpr long panel_width = 2 * W;

/// Columns rounded up to what the panels hold.
RAIN_INLINE long padded_columns(long n) { return (n + W - 1) / W * W; }
RAIN_INLINE long panel_count(long n) { return (n + panel_width - 1) / panel_width; }
/// Vectors in panel `p` of `n` columns.
RAIN_INLINE int panel_vectors(long n, long p) { return n - p * panel_width <= W ? 1 : 2; }
RAIN_INLINE size_t panel_floats(long n, long k) { return size_t(padded_columns(n)) * k; }

/// Where results go: row `index` of the tile's index list, `stride` floats apart, finished by the epilogue.
struct Sink {
    float *y;
    long stride;
    long columns;
    RainEpilogue epilogue;
};

RAIN_INLINE Sink sink(float *y, long columns, const RainEpilogue *epilogue) {
    return {y, columns, columns, epilogue ? *epilogue : RainEpilogue{}};
}

/// Rows of the left matrix: row r of tap t starts at table[t · table_stride + r], or (one tap) at base + r · stride.
struct Source {
    const float *const *table;
    long table_stride;
    long taps;
    const float *base;
    long stride;
};

template <int R, int N>
RAIN_INLINE void finish_tile(const Sink &to, const long *index, long column, V (&sum)[R][N]) {
    const RainEpilogue &e = to.epilogue;
    const long width = to.columns - column;
    const bool whole = width >= N * W;
    long part[N];
    for (int n = 0; n < N; n++) part[n] = width - n * W < 0 ? 0 : width - n * W > W ? W : width - n * W;
    auto add = [&](const float *from, int r) RAIN_INLINE_LAMBDA {
        for (int n = 0; n < N; n++) sum[r][n] += whole ? load(from + n * W) : load_part(from + n * W, part[n]);
    };
    if (e.bias) {
        V bias[N];
        for (int n = 0; n < N; n++) bias[n] = whole ? load(e.bias + column + n * W) : load_part(e.bias + column + n * W, part[n]);
        for (int r = 0; r < R; r++) {
            for (int n = 0; n < N; n++) sum[r][n] += bias[n];
        }
    }
    if (e.sample_bias) {
        for (int r = 0; r < R; r++) add(e.sample_bias + index[r] / e.rows_per_sample * to.columns + column, r);
    }
    if (e.residual) {
        for (int r = 0; r < R; r++) add(e.residual + index[r] * to.stride + column, r);
    }
    for (int r = 0; r < R; r++) {
        float *y = to.y + index[r] * to.stride + column;
        for (int n = 0; n < N; n++) {
            if (whole) {
                store(y + n * W, sum[r][n]);
            } else {
                store_part(y + n * W, sum[r][n], part[n]);
            }
        }
        if (e.activation != RAIN_ACT_NONE) activate_rows(e.activation, y, 1, width < N * W ? width : N * W, 0);
    }
}

/// Weights wanted some hundred cycles later: panels larger than the first-level cache stream through it.
constexpr long prefetch_floats = 10 * panel_width;

/// sum[r][n] += Σ_k rows[r][k] · panel[k][n]
template <int R, int N>
RAIN_INLINE void accumulate(const float *const *rows, long k, const float *panel, V (&sum)[R][N]) {
    const float *row[R];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) row[r] = rows[r];
    for (long i = 0; i < k; i++) {
        V b[N];
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) {
            b[n] = load(panel + n * W);
            __builtin_prefetch(panel + n * W + prefetch_floats);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            const V a = splat(row[r][i]);
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) sum[r][n] = fma(a, b[n], sum[r][n]);
        }
        panel += N * W;
    }
}

template <int R, int N>
__attribute__((noinline)) void tile(const Source &from, long first, long k, const float *panel, const Sink &to,
                                    const long *index, long column) {
    V sum[R][N];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) sum[r][n] = 0;
    }
    if (from.table) {
        for (long t = 0; t < from.taps; t++) {
            accumulate<R, N>(from.table + t * from.table_stride + first, k, panel, sum);
            panel += k * N * W;
        }
    } else {
        const float *rows[R];
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) rows[r] = from.base + (first + r) * from.stride;
        accumulate<R, N>(rows, k, panel, sum);
    }
    finish_tile<R, N>(to, index, column, sum);
}

template <int N>
RAIN_INLINE void tile_of(long rows, const Source &from, long first, long k, const float *panel, const Sink &to,
                         const long *index, long column) {
    switch (rows) {
#if RAIN_WIDTH == 16
        case 8: return tile<8, N>(from, first, k, panel, to, index, column);
        case 7: return tile<7, N>(from, first, k, panel, to, index, column);
#endif
        case 6: return tile<6, N>(from, first, k, panel, to, index, column);
        case 5: return tile<5, N>(from, first, k, panel, to, index, column);
        case 4: return tile<4, N>(from, first, k, panel, to, index, column);
        case 3: return tile<3, N>(from, first, k, panel, to, index, column);
        case 2: return tile<2, N>(from, first, k, panel, to, index, column);
        case 1: return tile<1, N>(from, first, k, panel, to, index, column);
    }
}

/// Rows [0, rows) of `from` × panels [first_panel, last_panel) of `packed` (k numbers per tap); row r goes to line
/// index[r] of the sink, or to line first_index + r if index is null. Tiles are as even as possible.
inline void multiply(long rows, const Source &from, long k, const float *packed, long first_panel, long last_panel,
                     const Sink &to, const long *index, long first_index) {
    const long tiles = (rows + tile_rows - 1) / tile_rows;
    for (long p = first_panel; p < last_panel; p++) {
        const float *panel = packed + size_t(p) * panel_width * k * from.taps;
        const long column = p * panel_width;
        const bool two = panel_vectors(to.columns, p) == 2;
        for (long t = 0; t < tiles; t++) {
            const long begin = rows * t / tiles, count = rows * (t + 1) / tiles - begin;
            long own[tile_rows];
            if (!index) {
                for (int r = 0; r < tile_rows; r++) own[r] = first_index + begin + r;
            }
            const long *lines = index ? index + begin : own;
            if (two) {
                tile_of<2>(count, from, begin, k, panel, to, lines, column);
            } else {
                tile_of<1>(count, from, begin, k, panel, to, lines, column);
            }
        }
    }
}

/// How rows × panels are cut into chunks: rows first, so that a chunk's rows stay in the second-level cache; columns too
/// when there are few rows.
struct Grid {
    long row_chunks, panel_chunks;
    bool alone;  // too little work to share

    long count() const { return row_chunks * panel_chunks; }
};

constexpr long cache_bytes = 512 << 10;
constexpr double small_work = 256 << 10;  // multiply-adds (about 3 µs) below which waking threads does not pay

RAIN_INLINE Grid grid_of(const RainPool *pool, long rows, long panels, long row_bytes, long most_rows, double work) {
    long block = cache_bytes / (row_bytes < 1 ? 1 : row_bytes);
    if (block < 4 * tile_rows) block = 4 * tile_rows;
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
        const Range row = stretch(rows, grid.row_chunks, chunk / grid.panel_chunks, tile_rows);
        const Range panel = stretch(panels, grid.panel_chunks, chunk % grid.panel_chunks);
        if (row.begin < row.end && panel.begin < panel.end) body(row, panel, thread);
    };
    if (grid.alone) {
        for (long chunk = 0; chunk < grid.count(); chunk++) cell(chunk, 0);
    } else {
        parallel(pool, grid.count(), cell);
    }
}

/// Packs k rows of panel `p` of a matrix of n columns, w(j, i) = w[j · column_stride + i · row_stride], to `to`; adds to
/// what is there if `add`.
inline void pack_panel(const float *w, long n, long k, long column_stride, long row_stride, long p, bool add, float *to) {
    const long width = panel_vectors(n, p) * W, valid = n - p * panel_width < width ? n - p * panel_width : width;
    const float *from = w + p * panel_width * column_stride;
    if (!add && column_stride == 1) {
        for (long i = 0; i < k; i++) {
            for (long j = 0; j < valid; j++) to[i * width + j] = from[i * row_stride + j];
            for (long j = valid; j < width; j++) to[i * width + j] = 0;
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
            for (int e = 0; e < turn; e++) store(to + (first + e) * width + done, v[e]);
        }
        for (long j = done; j < width; j++) {
            for (long i = first; i < last; i++) {
                const float value = j < valid ? from[j * column_stride + i * row_stride] : 0.0f;
                to[i * width + j] = add ? to[i * width + j] + value : value;
            }
        }
    }
}

// ---- Linear layers --------------------------------------------------------------------------------------------------------

size_t linear_packed_bytes(const RainPool *, long n, long k) { return panel_floats(n, k) * sizeof(float); }

void linear_pack(RainPool *pool, const float *w, long n, long k, int transposed, void *packed) {
    float *to = static_cast<float *>(packed);
    parallel_ranges(pool, panel_count(n), 1 + 16384 / (k * panel_width), 1, [&](long begin, long end, int) {
        for (long p = begin; p < end; p++) {
            pack_panel(w, n, k, transposed ? 1 : k, transposed ? n : 1, p, false, to + size_t(p) * panel_width * k);
        }
    });
}

void linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue,
            float *y) {
    const long panels = panel_count(n);
    const Sink to = sink(y, n, epilogue);
    const Grid grid = grid_of(pool, m, panels, k * sizeof(float), 512, double(m) * padded_columns(n) * k);
    each_cell(pool, grid, m, panels, [&](Range row, Range panel, int) {
        const Source from = {nullptr, 0, 1, x + row.begin * k, k};
        multiply(row.end - row.begin, from, k, static_cast<const float *>(packed), panel.begin, panel.end, to, nullptr,
                 row.begin);
    });
}
