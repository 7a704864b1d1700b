// The gradient of attention: all keys' scores of one block of queries; own and reference keys are copied side by side once per head.

/// body(unit, thread): heads, each cut into `pieces` of its queries where there are few.
template <class Body>
inline void each_head(RainPool *pool, long heads, long pieces, double work, const Body &body) {
    const long units = heads * pieces, chunks = work > small_work ? chunk_count(pool, units, 1) : 1;
    parallel(pool, chunks, [&](long chunk, int thread) {
        const Range mine = stretch(units, chunks, chunk);
        for (long unit = mine.begin; unit < mine.end; unit++) body(unit, thread);
    });
}

/// Scratch of one thread: keys and values of a head, sums of their gradients, queries and slopes as lanes and as rows, the
/// gradient of the queries, scores and slopes of a block of queries.
RAIN_INLINE size_t attention_gradient_floats(const AttentionPlan &p) {
    return 2 * (p.size + p.padded) * p.all + (3 * p.size + 2 * p.padded) * query_lanes + 2 * query_lanes * p.all + 2 * W;
}

size_t attention_gradient_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->threads * round_up(attention_gradient_floats(AttentionPlan(*attention)) * sizeof(float));
}

struct HeadGradient {
    float *keys, *values, *key_sums, *value_sums, *buffers;
};

/// One block of up to N · W queries: adds to the key and value sums, writes dq.
template <int N>
inline void attend_gradient(const AttentionPlan &plan, const float *q, const float *dy, long count, const HeadGradient &h, float *dq) {
    constexpr long lanes = N * W;
    const long size = plan.size, padded = plan.padded, all = plan.all;
    float *query = h.buffers, *slope = query + size * lanes, *dquery = slope + size * lanes;
    float *query_rows = dquery + size * lanes, *slope_rows = query_rows + padded * lanes;
    float *scores = slope_rows + padded * lanes, *slopes = scores + lanes * all;
    lanes_of_rows<N>(q, plan.q_stride, count, size, plan.exponent, query);
    lanes_of_rows<N>(dy, plan.a.channels, count, size, 1, slope);
    V largest[N], total[N], mean[N];
    for (int n = 0; n < N; n++) largest[n] = splat(-INFINITY), total[n] = splat(0), mean[n] = splat(0);
    lane_products<N>(h.keys, all, size, size, query, scores, largest);
    lane_products<N>(h.values, all, size, size, slope, slopes, nullptr);
    // p, not yet divided by its sum, and Σ p · dp.
    for (long j = 0; j < all; j++) {
        for (int n = 0; n < N; n++) {
            float *at = scores + (j * N + n) * W;
            const V e = power_of_two(load(at) - largest[n]);
            store(at, e);
            total[n] += e;
            mean[n] = fma(e, load(slopes + (j * N + n) * W), mean[n]);
        }
    }
    V inverse[N], factor[N];
    float inverses[lanes];
    for (int n = 0; n < N; n++) {
        inverse[n] = 1.0f / total[n];
        mean[n] *= inverse[n];
        factor[n] = inverse[n] * plan.a.scale;
        store(inverses + n * W, inverse[n]);
    }
    for (long j = 0; j < all; j++) {
        for (int n = 0; n < N; n++) {
            float *at = slopes + (j * N + n) * W;
            store(at, load(scores + (j * N + n) * W) * (load(at) - mean[n]));
        }
    }
    // The divisions by the sum, and the scale, go into the rows that multiply p and its slopes.
    for (long lane = 0; lane < lanes; lane++) {
        const V weight = splat(lane < count ? inverses[lane] : 0);
        const long row = lane < count ? lane : count - 1;
        for (long c = 0; c < padded; c += W) {
            const long part = size - c < W ? size - c : W;
            store(query_rows + lane * padded + c, weight * plan.a.scale * load_part(q + row * plan.q_stride + c, part));
            store(slope_rows + lane * padded + c, weight * load_part(dy + row * plan.a.channels + c, part));
        }
    }
    outer_tiles(SpacedRows{h.keys, size}, SpacedRows{slopes, lanes}, all, {0, size}, 0, lanes, dquery, lanes, false);
    rows_of_lanes<N>(dquery, factor, count, size, dq, plan.a.channels);
    long c = 0;
    for (; c + 2 * W <= padded; c += 2 * W) {
        add_products<lanes, 2>(slopes, all, query_rows + c, h.key_sums + c, padded);
        add_products<lanes, 2>(scores, all, slope_rows + c, h.value_sums + c, padded);
    }
    if (c < padded) {
        add_products<lanes, 1>(slopes, all, query_rows + c, h.key_sums + c, padded);
        add_products<lanes, 1>(scores, all, slope_rows + c, h.value_sums + c, padded);
    }
}

void attention_gradient(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                        const float *reference_k, const float *reference_v, const float *dy, float *dq, float *dk, float *dv,
                        float *dreference_k, float *dreference_v, void *scratch) {
    const AttentionPlan plan(*attention);
    const RainAttention &a = plan.a;
    const long size = plan.size, padded = plan.padded, groups = a.batch / plan.samples_per_reference;
    const size_t share = round_up(attention_gradient_floats(plan) * sizeof(float));
    const double work = 5.0 * double(a.batch) * a.heads * a.queries * plan.all * (size + 16);
    each_head(pool, groups * a.heads, 1, work, [&](long unit, int thread) {
        const long group = unit / a.heads, head = unit % a.heads, area = round_up(size * plan.all, W);
        float *base = reinterpret_cast<float *>(static_cast<char *>(scratch) + thread * share);
        const HeadGradient h = {base, base + area, base + 2 * area, base + 2 * area + padded * plan.all,
                                base + 2 * area + 2 * padded * plan.all};
        for (long i = padded * a.keys; i < padded * plan.all; i++) h.key_sums[i] = h.value_sums[i] = 0;
        for (long s = 0; s < plan.samples_per_reference; s++) {
            const long sample = group * plan.samples_per_reference + s;
            plan.gather(k, plan.k_stride, reference_k, sample, head, s == 0, h.keys);
            plan.gather(v, plan.v_stride, reference_v, sample, head, s == 0, h.values);
            for (long i = 0; i < padded * a.keys; i++) h.key_sums[i] = h.value_sums[i] = 0;
            for (long first = 0; first < a.queries; first += query_lanes) {
                const long count = a.queries - first < query_lanes ? a.queries - first : query_lanes;
                const long row = sample * a.queries + first;
                const float *query = q + row * plan.q_stride + head * size, *slope = dy + row * a.channels + head * size;
                float *to = dq + row * a.channels + head * size;
                if (count > W) {
                    attend_gradient<2>(plan, query, slope, count, h, to);
                } else {
                    attend_gradient<1>(plan, query, slope, count, h, to);
                }
            }
            for (long j = 0; j < a.keys; j++) {
                const long to = (sample * a.keys + j) * a.channels + head * size;
                copy_line(size, h.key_sums + j * padded, 1, dk + to, 1);
                copy_line(size, h.value_sums + j * padded, 1, dv + to, 1);
            }
        }
        for (long j = 0; j < a.reference_keys; j++) {
            const long to = (group * a.reference_keys + j) * a.channels + head * size;
            copy_line(size, h.key_sums + (a.keys + j) * padded, 1, dreference_k + to, 1);
            copy_line(size, h.value_sums + (a.keys + j) * padded, 1, dreference_v + to, 1);
        }
    });
}
