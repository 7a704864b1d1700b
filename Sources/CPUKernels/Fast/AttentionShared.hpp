// What attention and its gradient share: queries are lanes, scores are held transposed, [keys][block of queries], so that softmax
// runs down the lanes without sums across them, small heads fill the vectors, and keys and values are read as they lie.

/// body(Constant<R>, first row): rows cut into tiles of `outer_rows`, the last one lower. Even tiles would be of two heights, which takes
/// longer to tell apart than the low one costs.
template <class Body>
RAIN_INLINE void each_tile(long rows, Body &&body) {
    long first = 0;
    for (; first + outer_rows <= rows; first += outer_rows) body(Constant<outer_rows>{}, first);
    with_count<outer_rows - 1>(rows - first, [&](auto height) RAIN_INLINE_LAMBDA { body(height, first); });
}

/// out[row][lanes] = Σ_i a[row][i] · panel[i][lanes], k numbers in a row of a, rows `stride` apart; the largest of each lane
/// goes to `most`, if wanted.
template <int N>
__attribute__((noinline)) void lane_products(const float *a, long rows, long stride, long k, const float *panel, float *out, V *most) {
    each_tile(rows, [&](auto height, long first) RAIN_INLINE_LAMBDA {
        constexpr int R = decltype(height)::value;
        V sum[R][N];
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) sum[r][n] = splat(0);
        }
        accumulate_spaced<R, N>(a + first * stride, stride, k, panel, sum);
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) store(out + ((first + r) * N + n) * W, sum[r][n]);
        }
        if (!most) return;
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) {
            V largest = most[n];
#pragma clang loop unroll(full)
            for (int r = 0; r < R; r++) largest = at_least(sum[r][n], largest);
            most[n] = largest;
        }
    });
}

/// y[row][N · W] += Σ_i a[row][i] · b[i][N · W], rows of a `lanes` long, rows of b and y `stride` apart.
template <int lanes, int N>
__attribute__((noinline)) void add_products(const float *a, long rows, const float *b, float *y, long stride) {
    each_tile(rows, [&](auto height, long first) RAIN_INLINE_LAMBDA {
        constexpr int R = decltype(height)::value;
        const float *row = a + first * lanes, *from = b;
        float *to = y + first * stride;
        V sum[R][N];
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) sum[r][n] = load(to + r * stride + n * W);
        }
        for (int i = 0; i < lanes; i++, from += stride) {
            V v[N];
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) v[n] = load(from + n * W);
#pragma clang loop unroll(full)
            for (int r = 0; r < R; r++) {
                const V scale = splat(row[r * lanes + i]);
#pragma clang loop unroll(full)
                for (int n = 0; n < N; n++) sum[r][n] = fma(scale, v[n], sum[r][n]);
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
            for (int n = 0; n < N; n++) store(to + r * stride + n * W, sum[r][n]);
        }
    });
}

struct AttentionPlan {
    RainAttention a;
    long size, padded, all;  // of a head; rounded up to vectors; own and reference keys
    long q_stride, k_stride, v_stride, samples_per_reference;
    float exponent;  // scores · exponent are powers of two

    explicit AttentionPlan(const RainAttention &attention) : a(attention) {
        size = a.channels / a.heads;
        padded = padded_columns(size);
        all = a.keys + a.reference_keys;
        q_stride = a.q_stride ? a.q_stride : a.channels;
        k_stride = a.k_stride ? a.k_stride : a.channels;
        v_stride = a.v_stride ? a.v_stride : a.channels;
        samples_per_reference = a.reference_keys ? a.batch / a.reference_batch : 1;
        exponent = a.scale * 1.44269504f;
    }
    /// Copies a head's rows, densely: own ones, then (unless they are there already) the reference's.
    void gather(const float *own, long stride, const float *reference, long sample, long head, bool with_reference, float *to) const {
        for (long j = 0; j < a.keys; j++) copy_line(size, own + (sample * a.keys + j) * stride + head * size, 1, to + j * size, 1);
        if (!with_reference || !a.reference_keys) return;
        const float *from = reference + sample / samples_per_reference * a.reference_keys * a.channels + head * size;
        for (long j = 0; j < a.reference_keys; j++) copy_line(size, from + j * a.channels, 1, to + (a.keys + j) * size, 1);
    }
    const float *own_rows(const float *from, long stride, long sample, long head) const {
        return from + sample * a.keys * stride + head * size;
    }
    const float *reference_rows(const float *from, long sample, long head) const {
        return from + sample / samples_per_reference * a.reference_keys * a.channels + head * size;
    }
};

/// to[c][lane] = scale · from[lane][c] for the lanes of N · W; those from `count` on repeat the last or are zeros.
template <int N>
RAIN_INLINE void lanes_of_rows(const float *from, long stride, long count, long size, float scale, float *to) {
    for (int n = 0; n < N; n++) {
        for (long c = 0; c < size; c += turn) {
            const long width = size - c < turn ? size - c : turn;
            V v[turn];
            if (count > n * W) {
                load_turned(from + n * W * stride + c, stride, count - n * W, width, v);
            } else {
                for (int e = 0; e < turn; e++) v[e] = splat(0);
            }
            for (int e = 0; e < width; e++) store(to + ((c + e) * N + n) * W, v[e] * scale);
        }
    }
}

/// to[lane][c] = from[c][lane] · factor[lane] for `count` lanes.
template <int N>
RAIN_INLINE void rows_of_lanes(const float *from, const V (&factor)[N], long count, long size, float *to, long stride) {
    for (int n = 0; n < N; n++) {
        if (count <= n * W) break;
        for (long c = 0; c < size; c += turn) {
            const long width = size - c < turn ? size - c : turn;
            V v[turn];
            for (int e = 0; e < width; e++) v[e] = load(from + ((c + e) * N + n) * W) * factor[n];
            store_turned(to + n * W * stride + c, stride, count - n * W, width, v);
        }
    }
}

constexpr long query_lanes = 2 * W;

/// A block of queries of one head of one sample, or all of them.
struct AttentionUnit {
    long sample, head;
    Range queries;
};

/// How forward is shared out: heads, each cut into pieces of its queries where there are few. For every head the samples of one
/// reference follow each other, so that what a thread has made ready of the reference serves the next.
struct AttentionUnits {
    const AttentionPlan &plan;
    long pieces = 1;
    double work;

    AttentionUnits(const RainPool *pool, const AttentionPlan &plan) : plan(plan) {
        const RainAttention &a = plan.a;
        const long heads = a.batch * a.heads, most = (a.queries + 4 * query_lanes - 1) / (4 * query_lanes);
        work = 2.0 * double(heads) * a.queries * plan.all * (plan.size + 16);
        if (pool->threads > 1 && work > small_work && heads < 4 * pool->threads) {
            const long wanted = (4 * pool->threads + heads - 1) / heads;
            pieces = wanted < most ? wanted : most;
        }
    }
    AttentionUnit at(long index) const {
        const long piece = index % pieces, place = index / pieces, shared = plan.samples_per_reference;
        const long sample = place / shared / plan.a.heads * shared + place % shared;
        return {sample, place / shared % plan.a.heads, stretch(plan.a.queries, pieces, piece, query_lanes)};
    }
    /// body(first unit, last unit, thread)
    template <class Body>
    void each(RainPool *pool, const Body &body) const {
        const long units = plan.a.batch * plan.a.heads * pieces, chunks = work > small_work ? chunk_count(pool, units, 1) : 1;
        parallel(pool, chunks, [&](long chunk, int thread) {
            const Range mine = stretch(units, chunks, chunk);
            if (mine.begin < mine.end) body(mine.begin, mine.end, thread);
        });
    }
};

/// Rows that are wanted next, asked for a line at a time between other work: they lie far apart, which the machine does not foresee.
struct Ahead {
    static constexpr int most = 4;
    struct Rows {
        const float *at;
        long stride, count;
    } rows[most];
    int set = most;
    long line = 0, lines = 0;

    RAIN_INLINE void lines_of(long count) {
        for (; count > 0 && set < most; count--) {
            if (rows[set].count <= 0) {
                set++;
                continue;
            }
            __builtin_prefetch(rows[set].at + line * 16, 0, 2);
            if (++line < lines) continue;
            line = 0;
            rows[set].at += rows[set].stride;
            rows[set].count--;
        }
    }
};

/// The rows of a unit: q, the sample's own keys and values, and where results go.
RAIN_INLINE Ahead rows_of_unit(const AttentionPlan &plan, const AttentionUnit &unit, const float *q, const float *k, const float *v,
                               const float *y) {
    const long first = unit.sample * plan.a.queries + unit.queries.begin, count = unit.queries.end - unit.queries.begin;
    Ahead ahead;
    ahead.rows[0] = {q + first * plan.q_stride + unit.head * plan.size, plan.q_stride, count};
    ahead.rows[1] = {plan.own_rows(k, plan.k_stride, unit.sample, unit.head), plan.k_stride, plan.a.keys};
    ahead.rows[2] = {plan.own_rows(v, plan.v_stride, unit.sample, unit.head), plan.v_stride, plan.a.keys};
    ahead.rows[3] = {y + first * plan.a.channels + unit.head * plan.size, plan.a.channels, count};
    ahead.set = 0;
    ahead.lines = (plan.size + 15) / 16;
    return ahead;
}
