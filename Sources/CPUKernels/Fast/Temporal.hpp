// Temporal attention over a few frames, in place: no transposed copies of the tensors.
//
// A frame's plane [positions, heads, head size] is a row of units (position, head), each `size` floats. W neighbouring
// units are the lanes of the vectors: a block of W units × W/2 floats is turned in registers on the way in and out, and
// everything between (products, softmax, gradients) is plain arithmetic per lane, whatever the frames and head size.

constexpr int most_temporal = 32;  // frames; more go the plain way
constexpr int side = 4;  // products are tiled side × side; frames are padded to it with zeros

/// A block of units: `turn` floats per frame, as vectors.
struct FrameBlock {
    V rows[most_temporal][turn];

    RAIN_INLINE void read(const float *from, long frames, long frame_stride, long size, long units, long count) {
        for (long f = 0; f < frames; f++) load_units(from + f * frame_stride, size, units, count, rows[f]);
        for (long f = frames; f < (frames + side - 1) / side * side; f++) {
            for (int e = 0; e < turn; e++) rows[f][e] = splat(0);
        }
    }
    RAIN_INLINE void write(float *to, long frames, long frame_stride, long size, long units, long count) {
        for (long f = 0; f < frames; f++) store_units(to + f * frame_stride, size, units, count, rows[f]);
    }
};

/// Scores of all pairs of frames.
struct FramePairs {
    V at[most_temporal][most_temporal];

    /// at[i][j] (+)= Σ_e a[i][e] · b[j][e]
    void products(const FrameBlock &a, const FrameBlock &b, long frames, bool add) {
        for (long i = 0; i < frames; i += side) {
            for (long j = 0; j < frames; j += side) {
                V sum[side][side];
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < side; n++) sum[m][n] = add ? at[i + m][j + n] : splat(0);
                }
                for (int e = 0; e < turn; e++) {
#pragma clang loop unroll(full)
                    for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                        for (int n = 0; n < side; n++) sum[m][n] = fma(a.rows[i + m][e], b.rows[j + n][e], sum[m][n]);
                    }
                }
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < side; n++) at[i + m][j + n] = sum[m][n];
                }
            }
        }
    }

    /// to[i][e] = Σ_j at[i][j] · b[j][e], or with the pairs transposed.
    template <bool transposed>
    void apply(const FrameBlock &b, FrameBlock &to, long frames) const {
        constexpr int columns = turn < side ? turn : side;
        for (long i = 0; i < frames; i += side) {
            for (int e = 0; e < turn; e += columns) {
                V sum[side][columns];
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < columns; n++) sum[m][n] = splat(0);
                }
                for (long j = 0; j < frames; j++) {
#pragma clang loop unroll(full)
                    for (int m = 0; m < side; m++) {
                        const V pair = transposed ? at[j][i + m] : at[i + m][j];
#pragma clang loop unroll(full)
                        for (int n = 0; n < columns; n++) sum[m][n] = fma(pair, b.rows[j][e + n], sum[m][n]);
                    }
                }
#pragma clang loop unroll(full)
                for (int m = 0; m < side; m++) {
#pragma clang loop unroll(full)
                    for (int n = 0; n < columns; n++) to.rows[i + m][e + n] = sum[m][n];
                }
            }
        }
    }

    void softmax(long frames, float scale) {
        for (long i = 0; i < frames; i++) {
            V largest = at[i][0] * scale, sum = splat(0);
            for (long j = 1; j < frames; j++) largest = at_least(at[i][j] * scale, largest);
            for (long j = 0; j < frames; j++) {
                at[i][j] = exponential(fma(at[i][j], splat(scale), -largest));
                sum += at[i][j];
            }
            const V inverse = 1.0f / sum;
            for (long j = 0; j < frames; j++) at[i][j] *= inverse;
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
    each_unit_group(pool, a, [&](long start, long units) {
        FramePairs pairs;
        FrameBlock left, right;
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn;
            left.read(q + start + e, frames, stride, size, units, count);
            right.read(k + start + e, frames, stride, size, units, count);
            pairs.products(left, right, frames, e > 0);
        }
        pairs.softmax(frames, a.scale);
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn;
            right.read(v + start + e, frames, stride, size, units, count);
            pairs.apply<false>(right, left, frames);
            left.write(y + start + e, frames, stride, size, units, count);
        }
    });
}

void temporal_attention_gradient(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k,
                                 const float *v, const float *dy, float *dq, float *dk, float *dv) {
    const RainTemporalAttention a = *attention;
    if (a.frames > most_temporal) return plain::temporal_attention_gradient(pool, attention, q, k, v, dy, dq, dk, dv);
    const long size = a.channels / a.heads, stride = a.positions * a.channels, frames = a.frames;
    each_unit_group(pool, a, [&](long start, long units) {
        FramePairs pairs, slopes;
        FrameBlock left, right;
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn;
            left.read(q + start + e, frames, stride, size, units, count);
            right.read(k + start + e, frames, stride, size, units, count);
            pairs.products(left, right, frames, e > 0);
            left.read(dy + start + e, frames, stride, size, units, count);
            right.read(v + start + e, frames, stride, size, units, count);
            slopes.products(left, right, frames, e > 0);
        }
        pairs.softmax(frames, a.scale);
        for (long i = 0; i < frames; i++) {
            V mean = splat(0);
            for (long j = 0; j < frames; j++) mean = fma(pairs.at[i][j], slopes.at[i][j], mean);
            for (long j = 0; j < frames; j++) slopes.at[i][j] = pairs.at[i][j] * (slopes.at[i][j] - mean) * a.scale;
        }
        for (long e = 0; e < size; e += turn) {
            const long count = size - e < turn ? size - e : turn;
            right.read(k + start + e, frames, stride, size, units, count);
            slopes.apply<false>(right, left, frames);
            left.write(dq + start + e, frames, stride, size, units, count);
            right.read(q + start + e, frames, stride, size, units, count);
            slopes.apply<true>(right, left, frames);
            left.write(dk + start + e, frames, stride, size, units, count);
            right.read(dy + start + e, frames, stride, size, units, count);
            pairs.apply<true>(right, left, frames);
            left.write(dv + start + e, frames, stride, size, units, count);
        }
    });
}
