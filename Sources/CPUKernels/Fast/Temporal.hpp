// Temporal attention over a few frames, in place: no transposed copies of the tensors.
//
// A frame's plane [positions, heads, head size] is a row of units (position, head), each `size` floats. W neighbouring
// units are the lanes of the vectors: a block of W units × 16 floats is turned in registers on the way in and out, and
// everything between (products, softmax, gradients) is plain arithmetic per lane, whatever the frames and head size.

constexpr int side = 4;  // products are tiled side × side; frames are padded to it with zeros

/// A block of units: up to `turn` floats of every frame, as vectors; `stride` of them (a multiple of `side`) per frame.
struct FrameBlock {
    V rows[most_temporal * turn];

    RAIN_INLINE void read(const float *from, long frames, long frame_stride, long size, long units, long count, long stride) {
        for (long f = 0; f < frames; f++) load_turned(from + f * frame_stride, size, units, count, rows + f * stride);
        for (long f = 0; f < frames; f++) {
            for (long e = count; e < stride; e++) rows[f * stride + e] = splat(0);
        }
        for (long i = frames * stride; i < (frames + side - 1) / side * side * stride; i++) rows[i] = splat(0);
    }
    RAIN_INLINE void write(float *to, long frames, long frame_stride, long size, long units, long count, long stride) {
        for (long f = 0; f < frames; f++) store_turned(to + f * frame_stride, size, units, count, rows + f * stride);
    }
};

/// Scores of all pairs of frames, `stride` (frames rounded up to `side`) per row.
struct FramePairs {
    long stride;
    V at[most_temporal * most_temporal];

    explicit FramePairs(long frames) : stride((frames + side - 1) / side * side) {}

    /// at[i][j] (+)= Σ_e a[i][e] · b[j][e], e < depth
    void products(const FrameBlock &a, const FrameBlock &b, long depth, bool add) {
        for (long i = 0; i < stride; i += side) {
            for (long j = 0; j < stride; j += side) {
                V sum[side][side];
                const V *left = a.rows + i * depth, *right = b.rows + j * depth;
                V *to = at + i * stride + j;
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < side; n++) sum[m][n] = add ? to[m * stride + n] : splat(0);
                }
                for (long e = 0; e < depth; e++) {
#pragma clang loop unroll(full)
                    for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                        for (int n = 0; n < side; n++) sum[m][n] = fma(left[m * depth + e], right[n * depth + e], sum[m][n]);
                    }
                }
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < side; n++) to[m * stride + n] = sum[m][n];
                }
            }
        }
    }

    /// to[i][e] = Σ_j at[i][j] · b[j][e], e < depth, or with the pairs transposed.
    template <bool transposed>
    void apply(const FrameBlock &b, FrameBlock &to, long frames, long depth) const {
        const long row = transposed ? 1 : stride, step = transposed ? stride : 1;
        for (long i = 0; i < stride; i += side) {
            for (long e = 0; e < depth; e += side) {
                V sum[side][side];
                const V *pair = at + i * row, *from = b.rows + e;
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < side; n++) sum[m][n] = splat(0);
                }
                for (long j = 0; j < frames; j++) {
#pragma clang loop unroll(full)
                    for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                        for (int n = 0; n < side; n++) sum[m][n] = fma(pair[m * row], from[n], sum[m][n]);
                    }
                    pair += step;
                    from += depth;
                }
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < side; n++) to.rows[(i + m) * depth + e + n] = sum[m][n];
                }
            }
        }
    }

    void softmax(long frames, float scale) {
        const float exponent = scale * 1.44269504f;  // for powers of two
        for (long i = 0; i < frames; i++) {
            V *row = at + i * stride, largest = row[0] * exponent, sum = splat(0);
            for (long j = 1; j < frames; j++) largest = at_least(row[j] * exponent, largest);
            for (long j = 0; j < frames; j++) {
                row[j] = power_of_two(fma(row[j], splat(exponent), -largest));
                sum += row[j];
            }
            const V inverse = 1.0f / sum;
            for (long j = 0; j < frames; j++) row[j] *= inverse;
        }
    }
};

/// body(offset of the units in frame 0, units) for every group of W units of every sample.
template <class Body>
inline void each_unit_group(RainPool *pool, const RainTemporalAttention &a, const Body &body) {
    const long size = a.channels / a.heads, units = a.positions * a.heads, groups = (units + W - 1) / W;
    const double work = 2.0 * double(a.batch) * a.positions * a.channels * a.frames * (a.frames + 8);
    const long total = a.batch * groups, grain = work > small_work ? 1 + long(small_work / 2 / (work / total)) : total;
    parallel_ranges(pool, total, grain, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const long first = at % groups * W, count = units - first < W ? units - first : W;
            body(at / groups * a.frames * a.positions * a.channels + first * size, count);
        }
    });
}

void temporal_attention(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k, const float *v,
                        float *y) {
    const RainTemporalAttention a = *attention;
    if (a.frames > most_temporal) return plain::temporal_attention(pool, attention, q, k, v, y);
    const long size = a.channels / a.heads, stride = a.positions * a.channels, frames = a.frames;
    if (long_heads(frames, size)) {
        return each_unit(pool, a, {q, k, v}, [&](long at) {
            for (long first = 0; first < frames; first += 2 * W) {
                frames - first <= W ? frame_attention<1>(a, q + at, k + at, v + at, y + at, first)
                                    : frame_attention<2>(a, q + at, k + at, v + at, y + at, first);
            }
        });
    }
    each_unit_group(pool, a, [&](long start, long units) {
        FramePairs pairs(frames);
        FrameBlock left, right;
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn, depth = (count + side - 1) / side * side;
            left.read(q + start + e, frames, stride, size, units, count, depth);
            right.read(k + start + e, frames, stride, size, units, count, depth);
            pairs.products(left, right, depth, e > 0);
        }
        pairs.softmax(frames, a.scale);
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn, depth = (count + side - 1) / side * side;
            right.read(v + start + e, frames, stride, size, units, count, depth);
            pairs.apply<false>(right, left, frames, depth);
            left.write(y + start + e, frames, stride, size, units, count, depth);
        }
    });
}

void temporal_attention_gradient(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k, const float *v,
                                 const float *dy, float *dq, float *dk, float *dv) {
    const RainTemporalAttention a = *attention;
    if (a.frames > most_temporal) return plain::temporal_attention_gradient(pool, attention, q, k, v, dy, dq, dk, dv);
    const long size = a.channels / a.heads, stride = a.positions * a.channels, frames = a.frames;
    if (long_heads(frames, size) && frames <= 2 * W) {
        return each_unit(pool, a, {q, k, v, dy}, [&](long at) {
            frames <= W ? frame_attention_gradient<1>(a, q + at, k + at, v + at, dy + at, dq + at, dk + at, dv + at)
                        : frame_attention_gradient<2>(a, q + at, k + at, v + at, dy + at, dq + at, dk + at, dv + at);
        });
    }
    each_unit_group(pool, a, [&](long start, long units) {
        FramePairs pairs(frames), slopes(frames);
        FrameBlock left, right;
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn, depth = (count + side - 1) / side * side;
            left.read(q + start + e, frames, stride, size, units, count, depth);
            right.read(k + start + e, frames, stride, size, units, count, depth);
            pairs.products(left, right, depth, e > 0);
            left.read(dy + start + e, frames, stride, size, units, count, depth);
            right.read(v + start + e, frames, stride, size, units, count, depth);
            slopes.products(left, right, depth, e > 0);
        }
        pairs.softmax(frames, a.scale);
        for (long i = 0; i < frames; i++) {
            const V *probability = pairs.at + i * pairs.stride;
            V *slope = slopes.at + i * slopes.stride, mean = splat(0);
            for (long j = 0; j < frames; j++) mean = fma(probability[j], slope[j], mean);
            for (long j = 0; j < frames; j++) slope[j] = probability[j] * (slope[j] - mean) * a.scale;
        }
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn, depth = (count + side - 1) / side * side;
            right.read(k + start + e, frames, stride, size, units, count, depth);
            slopes.apply<false>(right, left, frames, depth);
            left.write(dq + start + e, frames, stride, size, units, count, depth);
            right.read(q + start + e, frames, stride, size, units, count, depth);
            slopes.apply<true>(right, left, frames, depth);
            left.write(dk + start + e, frames, stride, size, units, count, depth);
            right.read(dy + start + e, frames, stride, size, units, count, depth);
            pairs.apply<true>(right, left, frames, depth);
            left.write(dv + start + e, frames, stride, size, units, count, depth);
        }
    });
}
