// Attention, forward: a running maximum and sum per query over blocks of keys (arXiv 2205.14135).

constexpr long key_block = 256;
/// Blocks of queries from which on copying keys and values side by side pays.
constexpr long gather_blocks = 6;

/// Scratch of one thread: keys and values of a head, queries as lanes, unfinished results, scores.
RAIN_INLINE size_t attention_floats(const AttentionPlan &p) {
    return 2 * p.size * p.all + 2 * p.size * query_lanes + query_lanes * key_block + 3 * W;
}

/// Keys and values of a head, where they lie.
struct KeyRows {
    const float *keys, *values;
    long key_stride, value_stride, count;
};

RAIN_INLINE long outer_tile_count(long rows) { return (rows + outer_rows - 1) / outer_rows; }

/// One block of up to N · W queries against all keys.
template <int N>
inline void attend(const AttentionPlan &plan, const float *q, long count, const KeyRows (&sources)[2], float *buffers, float *y,
                   Ahead &ahead, long lines) {
    float *query = buffers, *result = query + plan.size * query_lanes, *scores = result + plan.size * query_lanes;
    lanes_of_rows<N>(q, plan.q_stride, count, plan.size, plan.exponent, query);
    V largest[N], total[N];
    for (int n = 0; n < N; n++) largest[n] = splat(-INFINITY), total[n] = splat(0);
    bool begun = false;
    for (const KeyRows &from : sources) {
        for (long first = 0; first < from.count; first += key_block) {
            const long block = from.count - first < key_block ? from.count - first : key_block;
            V most[N], shrink[N];
            for (int n = 0; n < N; n++) most[n] = largest[n];
            lane_products<N>(from.keys + first * from.key_stride, block, from.key_stride, plan.size, query, scores, most);
            for (int n = 0; n < N; n++) {
                shrink[n] = power_of_two(largest[n] - most[n]);
                total[n] *= shrink[n];
                largest[n] = most[n];
            }
            if (begun) {
                for (long c = 0; c < plan.size; c++) {
                    for (int n = 0; n < N; n++) {
                        float *at = result + (c * N + n) * W;
                        store(at, load(at) * shrink[n]);
                    }
                }
            }
            for (long j = 0; j < block; j++) {
                for (int n = 0; n < N; n++) {
                    float *at = scores + (j * N + n) * W;
                    const V e = power_of_two(load(at) - largest[n]);
                    store(at, e);
                    total[n] += e;
                }
            }
            const SpacedRows left = {from.values + first * from.value_stride, from.value_stride}, right = {scores, N * W};
            const long tiles = outer_tile_count(plan.size);
            for (long t = 0; t < tiles; t++) {
                const long c = plan.size * t / tiles, rows = plan.size * (t + 1) / tiles - c;
                ahead.lines_of(lines);
                outer_tile_of<N, true>(rows, left, right, block, c, 0, result + c * N * W, N * W, N * W, begun);
            }
            begun = true;
        }
    }
    V inverse[N];
    for (int n = 0; n < N; n++) inverse[n] = 1.0f / total[n];
    rows_of_lanes<N>(result, inverse, count, plan.size, y, plan.a.channels);
}

size_t attention_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->threads * round_up(attention_floats(AttentionPlan(*attention)) * sizeof(float));
}

void attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v, const float *reference_k,
               const float *reference_v, float *y, void *scratch) {
    const AttentionPlan plan(*attention);
    const RainAttention &a = plan.a;
    const AttentionUnits units(pool, plan);
    const size_t share = round_up(attention_floats(plan) * sizeof(float));
    units.each(pool, [&](long first_unit, long last_unit, int thread) {
        float *keys = reinterpret_cast<float *>(static_cast<char *>(scratch) + thread * share);
        float *values = keys + round_up(plan.size * plan.all, W), *buffers = values + round_up(plan.size * plan.all, W);
        const long area = plan.size * a.reference_keys;
        long known_group = -1, known_sample = -1, known_head = -1;  // what the copies are of
        for (long index = first_unit; index < last_unit; index++) {
            const AttentionUnit unit = units.at(index);
            const long group = unit.sample / plan.samples_per_reference, queries = unit.queries.end - unit.queries.begin;
            KeyRows sources[2] = {{plan.reference_rows(reference_k, unit.sample, unit.head),
                                   plan.reference_rows(reference_v, unit.sample, unit.head), a.channels, a.channels, a.reference_keys},
                                  {plan.own_rows(k, plan.k_stride, unit.sample, unit.head),
                                   plan.own_rows(v, plan.v_stride, unit.sample, unit.head), plan.k_stride, plan.v_stride, a.keys}};
            if (queries > (gather_blocks - 1) * query_lanes) {
                auto copy = [&](KeyRows &from, long to) {
                    for (long j = 0; j < from.count; j++) {
                        copy_line(plan.size, from.keys + j * from.key_stride, 1, keys + to + j * plan.size, 1);
                    }
                    for (long j = 0; j < from.count; j++) {
                        copy_line(plan.size, from.values + j * from.value_stride, 1, values + to + j * plan.size, 1);
                    }
                };
                if (group != known_group || unit.head != known_head) copy(sources[0], 0);
                if (unit.sample != known_sample || unit.head != known_head) copy(sources[1], area);
                known_group = group, known_sample = unit.sample, known_head = unit.head;
                sources[0] = {keys, values, plan.size, plan.size, a.reference_keys};
                sources[1] = {keys + area, values + area, plan.size, plan.size, a.keys};
            }
            Ahead ahead;
            long lines = 0;
            if (index + 1 < last_unit) {
                ahead = rows_of_unit(plan, units.at(index + 1), q, k, v, y);
                const long key_blocks = (a.keys + key_block - 1) / key_block + (a.reference_keys + key_block - 1) / key_block;
                const long steps = (queries + query_lanes - 1) / query_lanes * key_blocks * outer_tile_count(plan.size);
                lines = (2 * (queries + a.keys) * ahead.lines + steps - 1) / steps;
            }
            for (long first = unit.queries.begin; first < unit.queries.end; first += query_lanes) {
                const long count = unit.queries.end - first < query_lanes ? unit.queries.end - first : query_lanes;
                const long row = unit.sample * a.queries + first;
                const float *from = q + row * plan.q_stride + unit.head * plan.size;
                float *to = y + row * a.channels + unit.head * plan.size;
                if (count > W) {
                    attend<2>(plan, from, count, sources, buffers, to, ahead, lines);
                } else {
                    attend<1>(plan, from, count, sources, buffers, to, ahead, lines);
                }
            }
        }
    });
}
