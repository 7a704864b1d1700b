// Rows times packed columns: the micro-kernel behind linear layers, convolutions, Winograd and attention.
//
// Weights lie in panels of 2·W columns (the last may be W wide): panel[k][columns], zero-filled. A tile of up to `tile_rows`
// rows × one panel is summed in registers, one fused multiply-add chain over k per element, so every element's sum has the
// same order whatever the partition. Rows are read in place through pointers, one per row and tap, which makes the same
// kernel an implicit convolution.

// NEON multiplies by one lane of a vector: four floats of a row are one load, and no lane has to be copied to the others.
constexpr bool multiplies_by_lane = W == 4 && RAIN_REGISTERS == 32;
constexpr int tile_rows = multiplies_by_lane ? 8 : RAIN_REGISTERS == 32 ? 12 : 6;
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
    long columns;  // of y
    RainEpilogue epilogue;
    bool add = false;  // sums go on from what y holds or, if there is one,
    const float *begun = nullptr;  // from the line `begun_line` here and those behind it, the tile's first column first
    long begun_line = 0, begun_stride = 0;

    /// Panel `p` becomes the columns from this one on.
    long column(long p) const { return p * (epilogue.gated ? W : panel_width); }
    int vectors(long p) const { return epilogue.gated ? 2 : panel_vectors(columns, p); }
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

/// How many of the n-th vector's floats are among `width` columns.
RAIN_INLINE long part_of(long width, int n) { return width - n * W < 0 ? 0 : width - n * W > W ? W : width - n * W; }

/// What the sums of a tile start from.
template <int R, int N>
RAIN_INLINE void begin_tile(const Sink &to, const long *index, long column, V (&sum)[R][N]) {
    // Gated sums are twice as many as y's columns, and wait elsewhere.
    const long width = to.epilogue.gated ? N * W : to.columns - column;
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) sum[r][n] = splat(0);
    }
    if (!to.add) return;
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        const float *from = to.begun ? to.begun + (index[r] - to.begun_line) * to.begun_stride : to.y + index[r] * to.stride + column;
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) sum[r][n] = width >= N * W ? load(from + n * W) : load_part(from + n * W, part_of(width, n));
    }
}

/// The first vector of each row is a value, the second its gate, which is used up.
template <int R>
RAIN_INLINE void finish_gated(const Sink &to, const long *index, long column, V (&sum)[R][2]) {
    const long part = part_of(to.columns - column, 0);
    V value_bias = splat(0), gate_bias = splat(0);
    if (to.epilogue.bias) {
        value_bias = load_part(to.epilogue.bias + column, part);
        gate_bias = load_part(to.epilogue.bias + to.columns + column, part);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        float *y = to.y + index[r] * to.stride + column;
        const V result = (sum[r][0] + value_bias) * gelu(sum[r][1] + gate_bias);
        if (part == W) {
            store(y, result);
        } else {
            store_part(y, result, part);
        }
    }
}

template <int R, int N>
RAIN_INLINE void finish_tile(const Sink &to, const long *index, long column, V (&sum)[R][N]) {
    const RainEpilogue &e = to.epilogue;
    if constexpr (N == 2) {
        if (e.gated) return finish_gated<R>(to, index, column, sum);
    }
    const long width = to.columns - column;
    const bool whole = width >= N * W;
    long part[N];
#pragma clang loop unroll(full)
    for (int n = 0; n < N; n++) part[n] = part_of(width, n);
    auto add = [&](const float *from, int r) RAIN_INLINE_LAMBDA {
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) sum[r][n] += whole ? load(from + n * W) : load_part(from + n * W, part[n]);
    };
    if (e.bias) {
        V bias[N];
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) bias[n] = whole ? load(e.bias + column + n * W) : load_part(e.bias + column + n * W, part[n]);
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) sum[r][n] += bias[n];
        }
    }
    if (e.sample_bias) {
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) add(e.sample_bias + index[r] / e.rows_per_sample * to.columns + column, r);
    }
    if (e.residual) {
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) add(e.residual + index[r] * to.stride + column, r);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        float *y = to.y + index[r] * to.stride + column;
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) {
            if (whole) {
                store(y + n * W, sum[r][n]);
            } else {
                store_part(y + n * W, sum[r][n], part[n]);
            }
        }
    }
    if (e.activation == RAIN_ACT_NONE) return;
    for (int r = 0; r < R; r++) {
        activate_rows(e.activation, to.y + index[r] * to.stride + column, 1, width < N * W ? width : N * W, 0);
    }
}

/// sum[r][n] += a(r) · the N vectors at `panel`, a(r) being one float for each row.
template <int R, int N, class Rows>
RAIN_INLINE void add_step(Rows &&a, const float *panel, V (&sum)[R][N]) {
    V b[N];
#pragma clang loop unroll(full)
    for (int n = 0; n < N; n++) b[n] = load(panel + n * W);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        const V scale = splat(a(r));
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) sum[r][n] = fma(scale, b[n], sum[r][n]);
    }
}

/// W such steps, the row's floats at a(r).
template <int R, int N, class Rows>
RAIN_INLINE void add_lanes(Rows &&a, const float *panel, V (&sum)[R][N]) {
    V row[R];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) row[r] = load(a(r));
#pragma clang loop unroll(full)
    for (int i = 0; i < W; i++) add_step<R, N>([&](int r) RAIN_INLINE_LAMBDA { return row[r][i]; }, panel + i * N * W, sum);
}

// Below, addresses are kept in registers of their own; else they are computed anew from fewer of them at every step.

/// sum[r][n] += Σ_k rows[r][k] · panel[k][n]
template <int R, int N>
RAIN_INLINE void accumulate(const float *const *rows, long k, const float *panel, V (&sum)[R][N]) {
    const float *row[R];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        row[r] = rows[r];
        __asm__("" : "+r"(row[r]));
    }
    long i = 0;
    if constexpr (multiplies_by_lane) {
        for (; i + W <= k; i += W, panel += W * N * W) {
            add_lanes<R, N>([&](int r) RAIN_INLINE_LAMBDA { return row[r] + i; }, panel, sum);
        }
    }
    for (; i < k; i++, panel += N * W) add_step<R, N>([&](int r) RAIN_INLINE_LAMBDA { return row[r][i]; }, panel, sum);
}

/// The same for rows `stride` floats apart, three to an address; brings the rows behind them closer, which are wanted next.
template <int R, int N>
RAIN_INLINE void accumulate_spaced(const float *rows, long stride, long k, const float *panel, V (&sum)[R][N]) {
    constexpr int line = 16, groups = (R + 2) / 3;  // floats of a line of the cache
    const char *now[groups], *next[groups];
    stride *= sizeof(float);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
        now[g] = reinterpret_cast<const char *>(rows) + 3 * g * stride;
        next[g] = now[g] + R * stride;
    }
    __asm__("" : "+r"(stride));
    auto float_at = [&](int r, int i)
                        RAIN_INLINE_LAMBDA { return reinterpret_cast<const float *>(now[r / 3] + r % 3 * stride + i * sizeof(float)); };
    auto advance = [&](int count) RAIN_INLINE_LAMBDA {
#pragma clang loop unroll(full)
        for (int g = 0; g < groups; g++) {
            now[g] += count * sizeof(float);
            next[g] += count * sizeof(float);
            __asm__("" : "+r"(now[g]), "+r"(next[g]));
        }
        panel += count * N * W;
    };
    for (; k >= line; k -= line) {
#pragma clang loop unroll(full)
        for (int i = 0; i < line; i++) {
            if (i < R) __builtin_prefetch(next[i < R ? i / 3 : 0] + i % 3 * stride);
            if constexpr (!multiplies_by_lane) {
                add_step<R, N>([&](int r) RAIN_INLINE_LAMBDA { return *float_at(r, i); }, panel + i * N * W, sum);
            } else if (i % W == 0) {
                add_lanes<R, N>([&](int r) RAIN_INLINE_LAMBDA { return float_at(r, i); }, panel + i * N * W, sum);
            }
        }
        advance(line);
    }
    if constexpr (multiplies_by_lane) {
        for (; k >= W; k -= W) {
            add_lanes<R, N>([&](int r) RAIN_INLINE_LAMBDA { return float_at(r, 0); }, panel, sum);
            advance(W);
        }
    }
    for (; k > 0; k--) {
        add_step<R, N>([&](int r) RAIN_INLINE_LAMBDA { return *float_at(r, 0); }, panel, sum);
        advance(1);
    }
}

template <int R, int N>
__attribute__((noinline)) void tile(const Source &from, long first, long k, const float *panel, const Sink &to, const long *index,
                                    long column) {
    V sum[R][N];
    begin_tile<R, N>(to, index, column, sum);
    if (from.table) {
        for (long t = 0; t < from.taps; t++) {
            accumulate<R, N>(from.table + t * from.table_stride + first, k, panel, sum);
            panel += k * N * W;
        }
    } else {
        accumulate_spaced<R, N>(from.base + first * from.stride, from.stride, k, panel, sum);
    }
    finish_tile<R, N>(to, index, column, sum);
}

template <int N>
RAIN_INLINE void tile_of(long rows, const Source &from, long first, long k, const float *panel, const Sink &to, const long *index,
                         long column) {
    with_count<tile_rows>(rows, [&](auto height) RAIN_INLINE_LAMBDA { tile<decltype(height)::value, N>(from, first, k, panel, to, index, column); });
}
