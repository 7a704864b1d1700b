// Temporal attention where heads are long: one (position, head) at a time, frames as lanes of its scores.
//
// q is turned into lanes; scores [key frame][query frames] are rows of k times it, softmax runs down the lanes, and results
// are sums of outer products with rows of v, read and written where they lie. Rows of the next unit are asked for early:
// they lie one per frame, which the machine does not foresee.

constexpr int most_temporal = 32;  // frames; more go the plain way
constexpr long most_head = 512;  // floats; longer heads go the other way

/// Whether frames fill the lanes and the head is long enough to pay for the sums across them.
RAIN_INLINE bool long_heads(long frames, long size) {
    return frames > W / 2 && frames <= most_temporal && size >= 24 && size <= most_head;
}

/// scores[key][lanes] of queries in lanes times rows of k, as probabilities.
template <int N>
RAIN_INLINE void frame_probabilities(const float *k, long frames, long stride, long size, const float *query, float *scores) {
    V largest[N], total[N];
    for (int n = 0; n < N; n++) largest[n] = splat(-INFINITY), total[n] = splat(0);
    lane_products<N>(k, frames, stride, size, query, scores, largest);
    for (long j = 0; j < frames; j++) {
        for (int n = 0; n < N; n++) {
            float *at = scores + (j * N + n) * W;
            const V e = power_of_two(load(at) - largest[n]);
            store(at, e);
            total[n] += e;
        }
    }
    for (int n = 0; n < N; n++) total[n] = 1.0f / total[n];
    for (long j = 0; j < frames; j++) {
        for (int n = 0; n < N; n++) {
            float *at = scores + (j * N + n) * W;
            store(at, load(at) * total[n]);
        }
    }
}

/// out[row][0 … size) = Σ_p left[p][row] · right[p][…], p < frames, for `rows` rows.
RAIN_INLINE void frame_results(SpacedRows left, SpacedRows right, long frames, long rows, long size, float *out, long stride) {
    for (long c = 0; c < size; c += panel_width) {
        const long width = size - c < panel_width ? size - c : panel_width;
        outer_tiles(left, right, frames, {0, rows}, c, width, out + c, stride, false);
    }
}

/// Frames from `first` on, up to N · W, as queries.
template <int N>
inline void frame_attention(const RainTemporalAttention &a, const float *q, const float *k, const float *v, float *y, long first) {
    const long size = a.channels / a.heads, stride = a.positions * a.channels, frames = a.frames;
    const long count = frames - first < N * W ? frames - first : N * W;
    float query[most_head * N * W] __attribute__((aligned(64))), scores[most_temporal * N * W] __attribute__((aligned(64)));
    lanes_of_rows<N>(q + first * stride, stride, count, size, a.scale * 1.44269504f, query);
    frame_probabilities<N>(k, frames, stride, size, query, scores);
    frame_results({scores, N * W}, {v, stride}, frames, count, size, y + first * stride, stride);
}

/// to[lane][row] = from[row][lane], `frames` of both.
template <int N>
RAIN_INLINE void turn_pairs(const float *from, long frames, float *to) {
    constexpr long lanes = N * W;
    for (long row = 0; row < frames; row += W) {
        const long rows = frames - row < W ? frames - row : W;
        for (long lane = 0; lane < frames; lane += turn) {
            const long count = frames - lane < turn ? frames - lane : turn;
            V v[turn];
            load_turned(from + row * lanes + lane, lanes, rows, count, v);
            for (long e = 0; e < count; e++) store(to + (lane + e) * lanes + row, v[e]);
        }
    }
}

template <int N>
inline void frame_attention_gradient(const RainTemporalAttention &a, const float *q, const float *k, const float *v, const float *dy,
                                     float *dq, float *dk, float *dv) {
    constexpr long lanes = N * W;
    const long size = a.channels / a.heads, stride = a.positions * a.channels, frames = a.frames;
    float turned[most_head * lanes] __attribute__((aligned(64)));
    float scores[most_temporal * lanes] __attribute__((aligned(64))), slopes[most_temporal * lanes] __attribute__((aligned(64)));
    float other[most_temporal * lanes] __attribute__((aligned(64)));
    lanes_of_rows<N>(q, stride, frames, size, a.scale * 1.44269504f, turned);
    frame_probabilities<N>(k, frames, stride, size, turned, scores);
    lanes_of_rows<N>(dy, stride, frames, size, 1, turned);
    lane_products<N>(v, frames, stride, size, turned, slopes, nullptr);
    V mean[N];
    for (int n = 0; n < N; n++) mean[n] = splat(0);
    for (long j = 0; j < frames; j++) {
        for (int n = 0; n < N; n++) {
            const long at = (j * N + n) * W;
            mean[n] = fma(load(scores + at), load(slopes + at), mean[n]);
        }
    }
    for (long j = 0; j < frames; j++) {
        for (int n = 0; n < N; n++) {
            const long at = (j * N + n) * W;
            store(slopes + at, load(scores + at) * (load(slopes + at) - mean[n]) * a.scale);
        }
    }
    frame_results({slopes, lanes}, {k, stride}, frames, frames, size, dq, stride);
    turn_pairs<N>(slopes, frames, other);
    frame_results({other, lanes}, {q, stride}, frames, frames, size, dk, stride);
    turn_pairs<N>(scores, frames, other);
    frame_results({other, lanes}, {dy, stride}, frames, frames, size, dv, stride);
}

/// body(offset of the unit in frame 0) for every (sample, position, head), while the rows of the unit after it are asked for.
template <int tensors, class Body>
inline void each_unit(RainPool *pool, const RainTemporalAttention &a, const float *const (&inputs)[tensors], const Body &body) {
    const long size = a.channels / a.heads, units = a.positions * a.heads, total = a.batch * units, frames = a.frames;
    const long plane = a.positions * a.channels;
    const double work = 2.0 * double(frames) * frames * (size + 16);
    auto offset = [&](long unit) { return unit / units * frames * plane + unit % units * size; };
    parallel_ranges(pool, total, 1 + long(small_work / 2 / work), 1, [&](long begin, long end, int) {
        for (long unit = begin; unit < end; unit++) {
            if (unit + 1 < end) {
                for (int t = 0; t < tensors; t++) {
                    const float *next = inputs[t] + offset(unit + 1);
                    for (long f = 0; f < frames; f++) {
                        for (long c = 0; c < size; c += 16) __builtin_prefetch(next + f * plane + c, 0, 2);
                    }
                }
            }
            body(offset(unit));
        }
    });
}
