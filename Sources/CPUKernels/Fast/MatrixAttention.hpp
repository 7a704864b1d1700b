// Attention on the matrix unit: a unit's blocks of queries and keys, in turn.

/// What is kept of a block of queries.
struct QueryState {
    float *queries, *results, *largest, *total, *shrink;

    QueryState(const SplitAttention &s, float *at)
        : queries(at), results(queries + 2 * s.blocks * tile_floats), largest(results + s.tiles * tile_side * query_lanes),
          total(largest + query_lanes), shrink(total + query_lanes) {}
};

/// Takes new scores into the maxima of a block of queries; what has been summed before shrinks as they grow.
template <int N>
RAIN_INLINE void find_largest(const float *scores, long valid, bool begun, QueryState state) {
    for (int n = 0; n < N; n++) {
        const V before = begun ? load(state.largest + n * W) : splat(-INFINITY);
        V most[2] = {before, before};
        for (long first = 0; first < valid; first += tile_depth) {
            const float *from = score_rows<N>(scores, first, n);
            const long rows = valid - first < tile_depth ? valid - first : tile_depth;
            long j = 0;
            for (; j + 2 <= rows; j += 2) {
                for (int e = 0; e < 2; e++) most[e] = at_least(load(from + (j + e) * W), most[e]);
            }
            if (j < rows) most[0] = at_least(load(from + j * W), most[0]);
        }
        const V largest = at_least(most[0], most[1]);
        store(state.largest + n * W, largest);
        store(state.shrink + n * W, power_of_two(before - largest));
    }
}

template <int N>
RAIN_INLINE void shrink_results(const SplitAttention &s, QueryState state) {
    for (int n = 0; n < N; n++) {
        const V shrink = load(state.shrink + n * W);
        if (_mm512_cmp_ps_mask(shrink, splat(1), _CMP_EQ_OQ) == 0xffff) continue;
        for (long c = 0; c < s.plan.size; c++) {
            float *at = state.results + (c * N + n) * W;
            store(at, load(at) * shrink);
        }
    }
}

/// A unit's blocks of queries against blocks of keys, one pair of blocks after the other: scores of the next and sums of the last are
/// multiplied while the probabilities of one are computed.
template <int N>
struct TileAttention {
    const SplitAttention &s;
    const float *keys, *values, *q;
    float *scores, *states, *y;
    long queries, group;
    long query_blocks = (queries + N * W - 1) / (N * W), key_blocks = (s.plan.all + score_block - 1) / score_block;

    struct Pair {
        long query, key, valid, count;
        float *scores;
    };
    Pair pair(long t) const {
        const long whole = key_blocks * group, first = t / whole * group, place = t % whole;
        const long width = query_blocks - first < group ? query_blocks - first : group, key = place / width;
        const long left = s.plan.all - key * score_block, valid = left < score_block ? left : score_block;
        return {first + place % width, key, valid, padded_depth(valid), scores + t % 2 * score_block * query_lanes};
    }
    QueryState state(const Pair &p) const { return {s, states + p.query % (2 * group) * s.state_floats()}; }

    RAIN_INLINE void score(const Pair &p, Probabilities<N> &between) const {
        const QueryState at = state(p);
        if (p.key == 0) {
            const long left = queries - p.query * N * W;
            const float *from = q + p.query * N * W * s.plan.q_stride;
            split_queries<N>(s, from, left < N * W ? left : N * W, at.queries);
            for (long row = N * W; row < 2 * N * W && row < left; row++) bring_closer(from + row * s.plan.q_stride, s.plan.size);
        }
        tile_scores<N>(s, keys + p.key * score_block * s.blocks * W, p.count, at.queries, p.scores, between);
    }
    RAIN_INLINE void sum(const Pair &p, Probabilities<N> &between) const {
        const QueryState at = state(p);
        const float *from = values + p.key * score_block / tile_depth * s.tiles * 2 * tile_floats;
        // Two by two, and three where one would be left.
        long t = 0;
        for (; s.tiles - t >= 2 && s.tiles - t != 3; t += 2) {
            tile_results<2, N>(s, from + t * 2 * tile_floats, p.count, p.scores, at.results + t * tile_side * N * W, p.key > 0, between);
        }
        if (s.tiles - t == 3) {
            for (int n = 0; n < N; n++) {
                tile_results_of_three<N>(s, from + t * 2 * tile_floats, p.count, p.scores + n * 2 * tile_floats,
                                         at.results + t * tile_side * N * W + n * W, p.key > 0, between);
            }
        } else if (s.tiles - t == 1) {
            tile_results<1, N>(s, from + t * 2 * tile_floats, p.count, p.scores, at.results + t * tile_side * N * W, p.key > 0, between);
        }
        if (p.key + 1 < key_blocks) return;
        V inverse[N];
        for (int n = 0; n < N; n++) inverse[n] = 1.0f / load(at.total + n * W);
        const long left = queries - p.query * N * W;
        rows_of_lanes<N>(at.results, inverse, left < N * W ? left : N * W, s.plan.size, y + p.query * N * W * s.plan.a.channels,
                         s.plan.a.channels);
    }
    /// Steps of `sum` per tile of keys.
    long sum_steps() const { return s.tiles == 1 ? 3 : s.tiles / 2 * 3 + s.tiles % 2 * (2 * N - 3); }
    void run() const {
        const long pairs = query_blocks * key_blocks;
        Probabilities<N> idle;
        Pair before = {}, now = pair(0), after = {};
        score(now, idle);
        find_largest<N>(now.scores, now.valid, false, state(now));
        for (long t = 0; t < pairs; t++) {
            const QueryState at = state(now);
            Probabilities<N> between;
            between.scores = now.scores, between.valid = now.valid, between.count = now.count;
            for (int n = 0; n < N; n++) {
                between.largest[n] = load(at.largest + n * W);
                between.total[n] = now.key > 0 ? load(at.total + n * W) * load(at.shrink + n * W) : splat(0);
            }
            if (t + 1 < pairs) after = pair(t + 1);
            between.steps =
                (t > 0 ? sum_steps() * before.count / tile_depth : 0) + (t + 1 < pairs ? s.blocks * after.count / tile_depth : 0);
            if (between.steps == 0) between.steps = 1;
            if (t > 0) sum(before, between);
            if (now.key > 0) shrink_results<N>(s, at);
            if (t + 1 < pairs) score(after, between);
            between.rest();
            for (int n = 0; n < N; n++) store(at.total + n * W, between.total[n]);
            if (t + 1 < pairs) find_largest<N>(after.scores, after.valid, after.key > 0, state(after));
            before = now, now = after;
        }
        sum(before, idle);
    }
};

inline void matrix_attention(RainPool *pool, const SplitAttention &s, const float *q, const float *k, const float *v,
                             const float *reference_k, const float *reference_v, float *y, void *scratch) {
    const AttentionPlan &plan = s.plan;
    const RainAttention &a = plan.a;
    const AttentionUnits units(pool, plan);
    const long group = s.group();
    units.each(pool, [&](long first_unit, long last_unit, int thread) {
        const TileShapes shapes;
        _tile_loadconfig(&shapes);
        float *keys = reinterpret_cast<float *>(static_cast<char *>(scratch) + thread * s.bytes()), *values = keys + s.key_floats();
        float *scores = values + s.value_floats(), *states = scores + s.score_floats();
        long known_reference = -1, known_sample = -1, known_head = -1;  // what is split already
        for (long index = first_unit; index < last_unit; index++) {
            const AttentionUnit unit = units.at(index);
            const long reference = unit.sample / plan.samples_per_reference;
            if (unit.sample != known_sample || unit.head != known_head) {
                const SplitSources sources = {
                    {plan.reference_rows(reference_k, unit.sample, unit.head), plan.own_rows(k, plan.k_stride, unit.sample, unit.head)},
                    {plan.reference_rows(reference_v, unit.sample, unit.head), plan.own_rows(v, plan.v_stride, unit.sample, unit.head)},
                    {a.channels, plan.k_stride},
                    {a.channels, plan.v_stride},
                    {a.reference_keys, a.keys}};
                split_head(s, sources, reference == known_reference && unit.head == known_head ? a.reference_keys : 0, keys, values);
                known_reference = reference, known_sample = unit.sample, known_head = unit.head;
            }
            const long row = unit.sample * a.queries + unit.queries.begin, count = unit.queries.end - unit.queries.begin;
            const float *from = q + row * plan.q_stride + unit.head * plan.size;
            float *to = y + row * a.channels + unit.head * plan.size;
            if (count > W) {
                TileAttention<2>{s, keys, values, from, scores, states, to, count, group}.run();
            } else {
                TileAttention<1>{s, keys, values, from, scores, states, to, count, group}.run();
            }
        }
        _tile_release();
    });
}

size_t attention_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->threads * SplitAttention(AttentionPlan(*attention)).bytes();
}

void attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v, const float *reference_k,
               const float *reference_v, float *y, void *scratch) {
    const AttentionPlan plan(*attention);
    matrix_attention(pool, SplitAttention(plan), q, k, v, reference_k, reference_v, y, scratch);
}
