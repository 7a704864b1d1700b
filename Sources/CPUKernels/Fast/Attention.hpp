// Attention and its gradient, with queries as lanes: scores are held transposed, [keys][block of queries], so that softmax
// runs down the lanes without sums across them, small heads fill the vectors, and keys and values are read as they lie.
//
// Forward keeps a running maximum and sum per query over blocks of keys (arXiv 2205.14135). The gradient keeps all keys'
// scores of one block of queries. Own and reference keys are copied side by side once per head.

/// body(Constant<R>, first row): rows cut into tiles of up to `outer_rows`, as even as possible.
template <class Body>
RAIN_INLINE void each_tile(long rows, Body &&body) {
    const long tiles = (rows + outer_rows - 1) / outer_rows;
    for (long t = 0; t < tiles; t++) {
        const long first = rows * t / tiles;
        switch (rows * (t + 1) / tiles - first) {
#if RAIN_WIDTH == 16
            case 8: body(Constant<8>{}, first); break;
            case 7: body(Constant<7>{}, first); break;
#endif
            case 6: body(Constant<6>{}, first); break;
            case 5: body(Constant<5>{}, first); break;
            case 4: body(Constant<4>{}, first); break;
            case 3: body(Constant<3>{}, first); break;
            case 2: body(Constant<2>{}, first); break;
            case 1: body(Constant<1>{}, first); break;
        }
    }
}

/// out[row][lanes] = Σ_i a[row][i] · panel[i][lanes], k numbers in a row of a, rows `stride` apart; the largest of each lane
/// goes to `most`, if wanted.
template <int N>
__attribute__((noinline)) void lane_products(const float *a, long rows, long stride, long k, const float *panel, float *out,
                                             V *most) {
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
    void gather(const float *own, long stride, const float *reference, long sample, long head, bool with_reference,
                float *to) const {
        for (long j = 0; j < a.keys; j++) copy_line(size, own + (sample * a.keys + j) * stride + head * size, 1, to + j * size, 1);
        if (!with_reference || !a.reference_keys) return;
        const float *from = reference + sample / samples_per_reference * a.reference_keys * a.channels + head * size;
        for (long j = 0; j < a.reference_keys; j++) copy_line(size, from + j * a.channels, 1, to + (a.keys + j) * size, 1);
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
constexpr long key_block = 256;

/// Scratch of one thread: keys and values of a head, queries as lanes, unfinished results, scores.
RAIN_INLINE size_t attention_floats(const AttentionPlan &p) {
    return 2 * p.size * p.all + 2 * p.size * query_lanes + query_lanes * key_block + 3 * W;
}

size_t attention_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->threads * round_up(attention_floats(AttentionPlan(*attention)) * sizeof(float));
}

/// One block of up to N · W queries against all keys.
template <int N>
inline void attend(const AttentionPlan &plan, const float *q, long count, const float *keys, const float *values,
                   float *buffers, float *y) {
    float *query = buffers, *result = query + plan.size * query_lanes, *scores = result + plan.size * query_lanes;
    lanes_of_rows<N>(q, plan.q_stride, count, plan.size, plan.exponent, query);
    V largest[N], total[N];
    for (int n = 0; n < N; n++) largest[n] = splat(-INFINITY), total[n] = splat(0);
    for (long first = 0; first < plan.all; first += key_block) {
        const long block = plan.all - first < key_block ? plan.all - first : key_block;
        V most[N], shrink[N];
        for (int n = 0; n < N; n++) most[n] = largest[n];
        lane_products<N>(keys + first * plan.size, block, plan.size, plan.size, query, scores, most);
        for (int n = 0; n < N; n++) {
            shrink[n] = power_of_two(largest[n] - most[n]);
            total[n] *= shrink[n];
            largest[n] = most[n];
        }
        if (first > 0) {
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
        outer_tiles(SpacedRows{values + first * plan.size, plan.size}, SpacedRows{scores, N * W}, block, {0, plan.size}, 0,
                    N * W, result, N * W, first > 0);
    }
    V inverse[N];
    for (int n = 0; n < N; n++) inverse[n] = 1.0f / total[n];
    rows_of_lanes<N>(result, inverse, count, plan.size, y, plan.a.channels);
}

/// body(unit, thread): heads, each cut into `pieces` of its queries where there are few.
template <class Body>
inline void each_head(RainPool *pool, long heads, long pieces, double work, const Body &body) {
    const long units = heads * pieces, chunks = work > small_work ? chunk_count(pool, units, 1) : 1;
    parallel(pool, chunks, [&](long chunk, int thread) {
        const Range mine = stretch(units, chunks, chunk);
        for (long unit = mine.begin; unit < mine.end; unit++) body(unit, thread);
    });
}

void attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
               const float *reference_k, const float *reference_v, float *y, void *scratch) {
    const AttentionPlan plan(*attention);
    const RainAttention &a = plan.a;
    const size_t share = round_up(attention_floats(plan) * sizeof(float));
    const long heads = a.batch * a.heads, most = (a.queries + 4 * query_lanes - 1) / (4 * query_lanes);
    const double work = 2.0 * double(heads) * a.queries * plan.all * (plan.size + 16);
    long pieces = 1;
    if (pool->threads > 1 && work > small_work && heads < 4 * pool->threads) {
        const long wanted = (4 * pool->threads + heads - 1) / heads;
        pieces = wanted < most ? wanted : most;
    }
    each_head(pool, heads, pieces, work, [&](long unit, int thread) {
        const long sample = unit / pieces / a.heads, head = unit / pieces % a.heads;
        float *keys = reinterpret_cast<float *>(static_cast<char *>(scratch) + thread * share);
        float *values = keys + round_up(plan.size * plan.all, W), *buffers = values + round_up(plan.size * plan.all, W);
        plan.gather(k, plan.k_stride, reference_k, sample, head, true, keys);
        plan.gather(v, plan.v_stride, reference_v, sample, head, true, values);
        const Range queries = stretch(a.queries, pieces, unit % pieces, query_lanes);
        for (long first = queries.begin; first < queries.end; first += query_lanes) {
            const long count = queries.end - first < query_lanes ? queries.end - first : query_lanes;
            const long row = sample * a.queries + first;
            const float *from = q + row * plan.q_stride + head * plan.size;
            float *to = y + row * a.channels + head * plan.size;
            if (count > W) {
                attend<2>(plan, from, count, keys, values, buffers, to);
            } else {
                attend<1>(plan, from, count, keys, values, buffers, to);
            }
        }
    });
}

// ---- Gradient ---------------------------------------------------------------------------------------------------------------

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
inline void attend_gradient(const AttentionPlan &plan, const float *q, const float *dy, long count, const HeadGradient &h,
                            float *dq) {
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
