// Attention by blocks of queries and keys, and its gradient. Products go through the tiles of Multiply.hpp and Outer.hpp:
// keys are packed transposed once per head, so scores are rows of q times packed columns; values are packed as they lie.
//
// Forward keeps a running maximum and sum per query (arXiv 2205.14135); the gradient works on whole rows of scores for a
// block of queries. Own and reference keys are two stretches, each with its own panels.

/// One stretch of keys and values of one head.
struct Stretch {
    const float *k, *v;
    long k_stride, v_stride, keys;

    long padded() const { return padded_columns(keys); }
};

struct AttentionPlan {
    RainAttention a;
    long size, size_padded, q_stride, k_stride, v_stride, samples_per_reference, all_padded;

    explicit AttentionPlan(const RainAttention &attention) : a(attention) {
        size = a.channels / a.heads;
        size_padded = padded_columns(size);
        q_stride = a.q_stride ? a.q_stride : a.channels;
        k_stride = a.k_stride ? a.k_stride : a.channels;
        v_stride = a.v_stride ? a.v_stride : a.channels;
        samples_per_reference = a.reference_keys ? a.batch / a.reference_batch : 1;
        all_padded = padded_columns(a.keys) + padded_columns(a.reference_keys);
    }
    long all() const { return a.keys + a.reference_keys; }
    Stretch own(const float *k, const float *v, long sample, long head) const {
        const long offset = head * size;
        return {k + sample * a.keys * k_stride + offset, v + sample * a.keys * v_stride + offset, k_stride, v_stride, a.keys};
    }
    Stretch reference(const float *k, const float *v, long sample, long head) const {
        if (!a.reference_keys) return {nullptr, nullptr, 0, 0, 0};
        const long offset = sample / samples_per_reference * a.reference_keys * a.channels + head * size;
        return {k + offset, v + offset, a.channels, a.channels, a.reference_keys};
    }
};

/// Rows of `keys` × `size`, `stride` apart, as columns: panels [size][keys].
inline void pack_transposed(const float *from, long keys, long size, long stride, float *to) {
    for (long p = 0; p < panel_count(keys); p++) {
        pack_panel(from, keys, size, stride, 1, p, false, to + size_t(p) * panel_width * size);
    }
}

/// The same rows as they lie: panels [keys][size].
inline void pack_straight(const float *from, long keys, long size, long stride, float *to) {
    for (long p = 0; p < panel_count(size); p++) {
        pack_panel(from, size, keys, 1, stride, p, false, to + size_t(p) * panel_width * keys);
    }
}

/// y[rows, size] (+)= p[rows, count] · the packed rows [first, first + count) of `keys` rows.
inline void multiply_rows(long rows, const float *p, long p_stride, const float *packed, long keys, long first, long count,
                          long size, float *y, long y_stride, bool add) {
    RainEpilogue epilogue = {};
    if (add) epilogue.residual = y;
    const Sink to = {y, y_stride, size, epilogue};
    const long tiles = (rows + tile_rows - 1) / tile_rows;
    for (long panel = 0; panel < panel_count(size); panel++) {
        const int vectors = panel_vectors(size, panel);
        const float *columns = packed + size_t(panel) * panel_width * keys + first * vectors * W;
        for (long t = 0; t < tiles; t++) {
            const long begin = rows * t / tiles, height = rows * (t + 1) / tiles - begin;
            long index[tile_rows];
            for (int r = 0; r < tile_rows; r++) index[r] = begin + r;
            const Source from = {nullptr, 0, 1, p, p_stride};
            if (vectors == 2) {
                tile_of<2>(height, from, begin, count, columns, to, index, panel * panel_width);
            } else {
                tile_of<1>(height, from, begin, count, columns, to, index, panel * panel_width);
            }
        }
    }
}

/// The largest of scale · s[i].
RAIN_INLINE float largest_score(const float *s, long count, float scale) {
    V largest = splat(-INFINITY);
    long i = 0;
    for (; i + W <= count; i += W) largest = at_least(load(s + i) * scale, largest);
    float result = largest_lane(largest);
    for (; i < count; i++) result = s[i] * scale > result ? s[i] * scale : result;
    return result;
}

/// s[i] = exp(scale · s[i] - shift); their sum.
RAIN_INLINE float exponentials(float *s, long count, float scale, float shift) {
    V sum = splat(0);
    long i = 0;
    for (; i + W <= count; i += W) {
        const V e = exponential(fma(load(s + i), splat(scale), splat(-shift)));
        store(s + i, e);
        sum += e;
    }
    float total = sum_lanes(sum);
    if (i < count) {
        store_part(s + i, exponential(fma(load_part(s + i, count - i), splat(scale), splat(-shift))), count - i);
        for (; i < count; i++) total += s[i];
    }
    return total;
}

RAIN_INLINE void scale_row(float *row, long count, float factor) {
    map_row(count, row, row, [&](V v) { return v * factor; });
}

constexpr long query_block = 2 * tile_rows, key_block = 512;

/// Scratch of one thread: packed keys and values of one head, scores of a block, unfinished results.
RAIN_INLINE size_t attention_floats(const AttentionPlan &p) {
    return p.size * p.all_padded + p.size_padded * p.all() + query_block * (key_block + p.size_padded) + 16;
}

size_t attention_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->threads * round_up(attention_floats(AttentionPlan(*attention)) * sizeof(float));
}

void attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
               const float *reference_k, const float *reference_v, float *y, void *scratch) {
    const AttentionPlan plan(*attention);
    const RainAttention &a = plan.a;
    const size_t share = round_up(attention_floats(plan) * sizeof(float));
    // Heads are shared out; queries too where there are few heads.
    const long heads = a.batch * a.heads;
    const double work = 2.0 * double(heads) * a.queries * plan.all() * plan.size_padded;
    long pieces = 1;
    if (pool->threads > 1 && work > small_work && heads < 4 * pool->threads) {
        const long most = (a.queries + 4 * query_block - 1) / (4 * query_block), wanted = (4 * pool->threads + heads - 1) / heads;
        pieces = wanted < most ? wanted : most;
    }
    const long units = heads * pieces, chunks = work > small_work ? chunk_count(pool, units, 1) : 1;
    parallel(pool, chunks, [&](long chunk, int thread) {
        float *keys = reinterpret_cast<float *>(static_cast<char *>(scratch) + thread * share);
        float *values = keys + plan.size * plan.all_padded, *scores = values + plan.size_padded * plan.all();
        float *sums = scores + query_block * key_block;
        const Range mine = stretch(units, chunks, chunk);
        for (long unit = mine.begin; unit < mine.end; unit++) {
            const long sample = unit / pieces / a.heads, head = unit / pieces % a.heads;
            const Stretch stretches[2] = {plan.own(k, v, sample, head), plan.reference(reference_k, reference_v, sample, head)};
            float *packed_keys[2] = {keys, keys + plan.size * stretches[0].padded()};
            float *packed_values[2] = {values, values + plan.size_padded * a.keys};
            for (int s = 0; s < 2; s++) {
                pack_transposed(stretches[s].k, stretches[s].keys, plan.size, stretches[s].k_stride, packed_keys[s]);
                pack_straight(stretches[s].v, stretches[s].keys, plan.size, stretches[s].v_stride, packed_values[s]);
            }
            const Range queries = stretch(a.queries, pieces, unit % pieces, query_block);
            for (long first = queries.begin; first < queries.end; first += query_block) {
                const long rows = queries.end - first < query_block ? queries.end - first : query_block;
                const Source source = {nullptr, 0, 1, q + (sample * a.queries + first) * plan.q_stride + head * plan.size,
                                       plan.q_stride};
                float largest[query_block], total[query_block];
                bool begun = false;
                for (int s = 0; s < 2; s++) {
                    for (long key = 0; key < stretches[s].keys; key += key_block) {
                        const long count = stretches[s].keys - key < key_block ? stretches[s].keys - key : key_block;
                        const Sink to = {scores - key, key_block, key + count, {}};
                        multiply(rows, source, plan.size, packed_keys[s], key / panel_width, panel_count(key + count), to,
                                 nullptr, 0);
                        for (long r = 0; r < rows; r++) {
                            float *row = scores + r * key_block;
                            const float most = largest_score(row, count, a.scale);
                            if (!begun) {
                                largest[r] = most;
                                total[r] = exponentials(row, count, a.scale, most);
                                continue;
                            }
                            if (most > largest[r]) {
                                const float shrink = expf(largest[r] - most);
                                largest[r] = most;
                                total[r] *= shrink;
                                scale_row(sums + r * plan.size_padded, plan.size_padded, shrink);
                            }
                            total[r] += exponentials(row, count, a.scale, largest[r]);
                        }
                        multiply_rows(rows, scores, key_block, packed_values[s], stretches[s].keys, key, count, plan.size, sums,
                                      plan.size_padded, begun);
                        begun = true;
                    }
                }
                for (long r = 0; r < rows; r++) {
                    const float inverse = 1 / total[r];
                    map_row(plan.size, sums + r * plan.size_padded,
                            y + (sample * a.queries + first + r) * a.channels + head * plan.size,
                            [&](V value) { return value * inverse; });
                }
            }
        }
    });
}

// ---- Gradient ---------------------------------------------------------------------------------------------------------------

constexpr long gradient_queries = 4 * tile_rows;

/// Scratch of one thread: keys and values packed transposed, keys packed straight, sums of key and value gradients,
/// probabilities and slopes of a block of queries.
RAIN_INLINE size_t attention_gradient_floats(const AttentionPlan &p) {
    return 2 * p.size * p.all_padded + 3 * p.size_padded * p.all() + 2 * gradient_queries * p.all_padded + 16;
}

size_t attention_gradient_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->threads * round_up(attention_gradient_floats(AttentionPlan(*attention)) * sizeof(float));
}

/// The row of slopes dp becomes p · (dp - Σ p·dp) · scale.
RAIN_INLINE void softmax_slopes(const float *p, float *dp, long count, float scale) {
    V sums[2] = {splat(0), splat(0)};
    long i = 0;
    for (; i + 2 * W <= count; i += 2 * W) {
        sums[0] = fma(load(p + i), load(dp + i), sums[0]);
        sums[1] = fma(load(p + i + W), load(dp + i + W), sums[1]);
    }
    for (; i < count; i += W) {
        const long part = count - i < W ? count - i : W;
        sums[0] = fma(load_part(p + i, part), load_part(dp + i, part), sums[0]);
    }
    const float mean = sum_lanes(sums[0] + sums[1]);
    map_rows(count, p, dp, dp, [&](V probability, V slope) { return probability * (slope - mean) * scale; });
}

void attention_gradient(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                        const float *reference_k, const float *reference_v, const float *dy, float *dq, float *dk, float *dv,
                        float *dreference_k, float *dreference_v, void *scratch) {
    const AttentionPlan plan(*attention);
    const RainAttention &a = plan.a;
    const long size = plan.size, padded = plan.size_padded, all = plan.all(), row_length = plan.all_padded;
    const long groups = a.batch / plan.samples_per_reference;
    const size_t share = round_up(attention_gradient_floats(plan) * sizeof(float));
    const double work = 5.0 * double(a.batch) * a.heads * a.queries * all * padded;
    const long units = groups * a.heads, chunks = work > small_work ? chunk_count(pool, units, 1) : 1;
    parallel(pool, chunks, [&](long chunk, int thread) {
        float *keys = reinterpret_cast<float *>(static_cast<char *>(scratch) + thread * share);
        float *values = keys + size * row_length, *straight = values + size * row_length, *key_sums = straight + padded * all;
        float *value_sums = key_sums + padded * all, *probabilities = value_sums + padded * all;
        float *slopes = probabilities + gradient_queries * row_length;
        const Range mine = stretch(units, chunks, chunk);
        for (long unit = mine.begin; unit < mine.end; unit++) {
            const long group = unit / a.heads, head = unit % a.heads;
            for (long i = padded * a.keys; i < padded * all; i++) key_sums[i] = value_sums[i] = 0;
            for (long s = 0; s < plan.samples_per_reference; s++) {
                const long sample = group * plan.samples_per_reference + s;
                const Stretch stretches[2] = {plan.own(k, v, sample, head),
                                              plan.reference(reference_k, reference_v, sample, head)};
                const long column[2] = {0, stretches[0].padded()}, row[2] = {0, a.keys};
                for (int t = 0; t < 2; t++) {
                    if (t == 1 && s > 0) continue;  // the reference stays packed
                    const Stretch &from = stretches[t];
                    pack_transposed(from.k, from.keys, size, from.k_stride, keys + size * column[t]);
                    pack_transposed(from.v, from.keys, size, from.v_stride, values + size * column[t]);
                    pack_straight(from.k, from.keys, size, from.k_stride, straight + padded * row[t]);
                }
                for (long i = 0; i < padded * a.keys; i++) key_sums[i] = value_sums[i] = 0;
                for (long first = 0; first < a.queries; first += gradient_queries) {
                    const long rows = a.queries - first < gradient_queries ? a.queries - first : gradient_queries;
                    const long place = sample * a.queries + first;
                    const float *query = q + place * plan.q_stride + head * size;
                    const float *slope = dy + place * a.channels + head * size;
                    for (int t = 0; t < 2; t++) {
                        const long count = stretches[t].keys;
                        multiply(rows, {nullptr, 0, 1, query, plan.q_stride}, size, keys + size * column[t], 0,
                                 panel_count(count), {probabilities + column[t], row_length, count, {}}, nullptr, 0);
                        multiply(rows, {nullptr, 0, 1, slope, a.channels}, size, values + size * column[t], 0,
                                 panel_count(count), {slopes + column[t], row_length, count, {}}, nullptr, 0);
                    }
                    for (long r = 0; r < rows; r++) {
                        float *p = probabilities + r * row_length, *dp = slopes + r * row_length, *more = p + column[1];
                        const long end = stretches[1].keys ? column[1] + stretches[1].keys : a.keys;
                        for (long c = a.keys; c < column[1] && c < end; c++) p[c] = dp[c] = 0;  // between the stretches
                        const float most = largest_score(p, a.keys, a.scale);
                        const float others = largest_score(more, stretches[1].keys, a.scale);
                        const float largest = others > most ? others : most;
                        const float total = exponentials(p, a.keys, a.scale, largest) +
                                            exponentials(more, stretches[1].keys, a.scale, largest);
                        scale_row(p, end, 1 / total);
                        softmax_slopes(p, dp, end, a.scale);
                    }
                    for (int t = 0; t < 2; t++) {
                        const long count = stretches[t].keys;
                        if (!count) continue;
                        multiply_rows(rows, slopes + column[t], row_length, straight + padded * row[t], count, 0, count, size,
                                      dq + place * a.channels + head * size, a.channels, t > 0);
                        outer(SpacedRows{slopes + column[t], row_length}, SpacedRows{query, plan.q_stride}, rows, {0, count},
                              {0, size}, key_sums + padded * row[t], padded, true);
                        outer(SpacedRows{probabilities + column[t], row_length}, SpacedRows{slope, a.channels}, rows,
                              {0, count}, {0, size}, value_sums + padded * row[t], padded, true);
                    }
                }
                for (long j = 0; j < a.keys; j++) {
                    const long to = (sample * a.keys + j) * a.channels + head * size;
                    copy_line(size, key_sums + j * padded, 1, dk + to, 1);
                    copy_line(size, value_sums + j * padded, 1, dv + to, 1);
                }
            }
            for (long j = 0; j < a.reference_keys; j++) {
                const long to = (group * a.reference_keys + j) * a.channels + head * size;
                copy_line(size, key_sums + (a.keys + j) * padded, 1, dreference_k + to, 1);
                copy_line(size, value_sums + (a.keys + j) * padded, 1, dreference_v + to, 1);
            }
        }
    });
}
