// Plain attention: one query at a time, its probabilities written out in full, in double.
#include <math.h>

#include "Pool.hpp"

namespace rain::plain {
namespace {

/// One head of one sample: its keys and values in up to two stretches (own, then reference).
struct Head {
    const float *keys, *values;
    long key_stride, value_stride, own;
    const float *reference_keys, *reference_values;
    long reference_stride, reference;
    long size;
    double scale;

    long count() const { return own + reference; }
    const float *key(long j) const { return j < own ? keys + j * key_stride : reference_keys + (j - own) * reference_stride; }
    const float *value(long j) const { return j < own ? values + j * value_stride : reference_values + (j - own) * reference_stride; }

    double score(const float *q, long j) const {
        double product = 0;
        for (long c = 0; c < size; c++) product += double(q[c]) * key(j)[c];
        return product * scale;
    }

    /// p[j] = softmax of the scaled products of q with the keys
    void probabilities(const float *q, double *p) const {
        double largest = -HUGE_VAL, sum = 0;
        for (long j = 0; j < count(); j++) {
            p[j] = score(q, j);
            largest = p[j] > largest ? p[j] : largest;
        }
        for (long j = 0; j < count(); j++) sum += p[j] = exp(p[j] - largest);
        for (long j = 0; j < count(); j++) p[j] /= sum;
    }
};

/// The softmax of one query, each probability computed when asked for: no memory, whatever the number of keys.
struct Softmax {
    const Head &head;
    const float *q;
    double largest, sum;

    Softmax(const Head &head, const float *q) : head(head), q(q), largest(-HUGE_VAL), sum(0) {
        for (long j = 0; j < head.count(); j++) largest = fmax(largest, head.score(q, j));
        for (long j = 0; j < head.count(); j++) sum += exp(head.score(q, j) - largest);
    }
    double operator[](long j) const { return exp(head.score(q, j) - largest) / sum; }
};

Head head_of(const RainAttention &a, long sample, long head, const float *k, const float *v, const float *reference_k,
             const float *reference_v) {
    const long size = a.channels / a.heads, offset = head * size;
    const long key_stride = a.k_stride ? a.k_stride : a.channels, value_stride = a.v_stride ? a.v_stride : a.channels;
    Head h{k + sample * a.keys * key_stride + offset,
           v + sample * a.keys * value_stride + offset,
           key_stride,
           value_stride,
           a.keys,
           nullptr,
           nullptr,
           a.channels,
           a.reference_keys,
           size,
           a.scale};
    if (a.reference_keys) {
        const long reference = sample / (a.batch / a.reference_batch);
        h.reference_keys = reference_k + reference * a.reference_keys * a.channels + offset;
        h.reference_values = reference_v + reference * a.reference_keys * a.channels + offset;
    }
    return h;
}

}  // namespace

size_t attention_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return size_t(pool->threads) * (attention->keys + attention->reference_keys) * sizeof(double);
}

void attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v, const float *reference_k,
               const float *reference_v, float *y, void *scratch) {
    const RainAttention a = *attention;
    const long q_stride = a.q_stride ? a.q_stride : a.channels;
    parallel_ranges(pool, a.batch * a.heads, 1, 1, [&](long begin, long end, int thread) {
        double *p = static_cast<double *>(scratch) + thread * (a.keys + a.reference_keys);
        for (long at = begin; at < end; at++) {
            const Head h = head_of(a, at / a.heads, at % a.heads, k, v, reference_k, reference_v);
            const long offset = at % a.heads * h.size;
            for (long i = 0; i < a.queries; i++) {
                const long row = at / a.heads * a.queries + i;
                h.probabilities(q + row * q_stride + offset, p);
                for (long c = 0; c < h.size; c++) {
                    double sum = 0;
                    for (long j = 0; j < h.count(); j++) sum += p[j] * h.value(j)[c];
                    y[row * a.channels + offset + c] = float(sum);
                }
            }
        }
    });
}

// Scratch per thread: probabilities, their gradients, gradients of the keys and values of one sample and of its reference.
size_t attention_gradient_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    const size_t all = attention->keys + attention->reference_keys;
    return pool->threads * (2 * all + 2 * all * (attention->channels / attention->heads)) * sizeof(double);
}

void attention_gradient(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                        const float *reference_k, const float *reference_v, const float *dy, float *dq, float *dk, float *dv,
                        float *dreference_k, float *dreference_v, void *scratch) {
    const RainAttention a = *attention;
    const long q_stride = a.q_stride ? a.q_stride : a.channels, size = a.channels / a.heads, all = a.keys + a.reference_keys;
    const long groups = a.reference_keys ? a.reference_batch : a.batch, samples = a.batch / groups;
    parallel_ranges(pool, groups * a.heads, 1, 1, [&](long begin, long end, int thread) {
        double *p = static_cast<double *>(scratch) + thread * (2 * all + 2 * all * size), *dp = p + all;
        double *key_sums = dp + all, *value_sums = key_sums + all * size;
        for (long at = begin; at < end; at++) {
            const long group = at / a.heads, head = at % a.heads, offset = head * size;
            for (long i = 0; i < 2 * all * size; i++) key_sums[i] = 0;
            for (long sample = group * samples; sample < (group + 1) * samples; sample++) {
                const Head h = head_of(a, sample, head, k, v, reference_k, reference_v);
                for (long i = 0; i < a.keys * size; i++) key_sums[i] = value_sums[i] = 0;
                for (long i = 0; i < a.queries; i++) {
                    const long row = sample * a.queries + i;
                    const float *query = q + row * q_stride + offset, *slope = dy + row * a.channels + offset;
                    h.probabilities(query, p);
                    double mean = 0;
                    for (long j = 0; j < all; j++) {
                        dp[j] = 0;
                        for (long c = 0; c < size; c++) dp[j] += double(slope[c]) * h.value(j)[c];
                        mean += p[j] * dp[j];
                    }
                    for (long c = 0; c < size; c++) {
                        double sum = 0;
                        for (long j = 0; j < all; j++) {
                            const double ds = p[j] * (dp[j] - mean) * h.scale;
                            sum += ds * h.key(j)[c];
                            key_sums[j * size + c] += ds * query[c];
                            value_sums[j * size + c] += p[j] * slope[c];
                        }
                        dq[row * a.channels + offset + c] = float(sum);
                    }
                }
                for (long j = 0; j < a.keys; j++) {
                    for (long c = 0; c < size; c++) {
                        dk[(sample * a.keys + j) * a.channels + offset + c] = float(key_sums[j * size + c]);
                        dv[(sample * a.keys + j) * a.channels + offset + c] = float(value_sums[j * size + c]);
                    }
                }
            }
            for (long j = 0; j < a.reference_keys; j++) {
                for (long c = 0; c < size; c++) {
                    const long to = (group * a.reference_keys + j) * a.channels + offset + c, from = (a.keys + j) * size + c;
                    dreference_k[to] = float(key_sums[from]);
                    dreference_v[to] = float(value_sums[from]);
                }
            }
        }
    });
}

namespace {

template <class Body>
void each_temporal_head(RainPool *pool, const RainTemporalAttention &a, Body &&body) {
    const long size = a.channels / a.heads;
    parallel_ranges(pool, a.batch * a.positions * a.heads, 1, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const long head = at % a.heads, position = at / a.heads % a.positions, sample = at / a.heads / a.positions;
            body((sample * a.frames * a.positions + position) * a.channels + head * size);
        }
    });
}

}  // namespace

void temporal_attention(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k, const float *v,
                        float *y) {
    const RainTemporalAttention a = *attention;
    const long size = a.channels / a.heads, stride = a.positions * a.channels;
    each_temporal_head(pool, a, [&](long start) {
        const Head h{k + start, v + start, stride, stride, a.frames, nullptr, nullptr, 0, 0, size, a.scale};
        for (long i = 0; i < a.frames; i++) {
            const Softmax p(h, q + start + i * stride);
            for (long c = 0; c < size; c++) {
                double sum = 0;
                for (long j = 0; j < a.frames; j++) sum += p[j] * h.value(j)[c];
                y[start + i * stride + c] = float(sum);
            }
        }
    });
}

void temporal_attention_gradient(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k, const float *v,
                                 const float *dy, float *dq, float *dk, float *dv) {
    const RainTemporalAttention a = *attention;
    const long size = a.channels / a.heads, stride = a.positions * a.channels;
    each_temporal_head(pool, a, [&](long start) {
        const Head h{k + start, v + start, stride, stride, a.frames, nullptr, nullptr, 0, 0, size, a.scale};
        for (long i = 0; i < a.frames; i++) {
            for (long c = start + i * stride; c < start + i * stride + size; c++) dq[c] = dk[c] = dv[c] = 0;
        }
        for (long i = 0; i < a.frames; i++) {
            const float *slope = dy + start + i * stride;
            const Softmax p(h, q + start + i * stride);
            auto product = [&](long j) {
                double sum = 0;
                for (long c = 0; c < size; c++) sum += double(slope[c]) * h.value(j)[c];
                return sum;
            };
            double mean = 0;
            for (long j = 0; j < a.frames; j++) mean += p[j] * product(j);
            for (long j = 0; j < a.frames; j++) {
                const double probability = p[j], ds = probability * (product(j) - mean) * h.scale;
                for (long c = 0; c < size; c++) {
                    dq[start + i * stride + c] += float(ds * h.key(j)[c]);
                    dk[start + j * stride + c] += float(ds * q[start + i * stride + c]);
                    dv[start + j * stride + c] += float(probability * slope[c]);
                }
            }
        }
    });
}

}  // namespace rain::plain
