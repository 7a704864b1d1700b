// The products of attention on the matrix unit, and the probabilities computed between them.

/// Two keys' probabilities to a row of high and one of low parts. High parts are cut off, which is cheaper than rounding them and
/// leaves low ones that are exact to 2⁻¹⁷ of the whole.
RAIN_INLINE void store_probabilities(V even, V odd, float *to) {
    const Words mask = 0xffff0000u, half = 0x8000u, e = Words(even), o = Words(odd) & mask;
    const Words low_e = Words(even - V(e & mask)) + half, low_o = Words(odd - V(o)) + half;
    store(to, V(e >> 16 | o));
    store(to + W, V(low_e >> 16 | (low_o & mask)));
}

/// Scores lie by tiles of 32 keys, in each by vectors of queries, rows of 16.
template <int N, class Float>
RAIN_INLINE Float *score_rows(Float *scores, long key, int n) {
    return scores + (key / tile_depth * N + n) * tile_depth * W + key % tile_depth * W;
}

/// The probabilities of a block of keys, a pair of keys at a time between products: the vectors work while the unit does.
template <int N>
struct Probabilities {
    float *scores = nullptr;
    long valid = 0, count = 0, next = 0, credit = 0, steps = 1;  // all are done after `steps` steps
    V largest[N], total[N];

    RAIN_INLINE void pair() {
        for (int n = 0; n < N; n++) {
            float *at = score_rows<N>(scores, next, n);
            V even = power_of_two(load(at) - largest[n]), odd = power_of_two(load(at + W) - largest[n]);
            if (next + 2 > valid) {
                odd = splat(0);
                if (next >= valid) even = splat(0);
            }
            total[n] += even;
            total[n] += odd;
            store_probabilities(even, odd, at);
        }
        next += 2;
    }
    RAIN_INLINE void step() {
        for (credit += count; credit >= 2 * steps && next < count; credit -= 2 * steps) pair();
    }
    RAIN_INLINE void rest() {
        while (next < count) pair();
    }
};

/// Scores of `count` keys, a multiple of 32.
template <int N>
RAIN_INLINE void tile_scores(const SplitAttention &s, const float *keys, long count, const float *queries, float *scores,
                             Probabilities<N> &between) {
    const long row = s.blocks * W, bytes = row * long(sizeof(float));
    for (long j = 0; j < count; j += 2 * tile_side, keys += 2 * tile_side * row, scores += N * tile_depth * W) {
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (N == 2) {
            _tile_zero(2);
            _tile_zero(3);
        }
        for (long b = 0; b < s.blocks; b++) {
            _tile_loadd(4, keys + b * W, bytes);
            _tile_loadd(6, queries + b * tile_floats, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, keys + tile_side * row + b * W, bytes);
            _tile_dpbf16ps(1, 5, 6);
            if constexpr (N == 2) {
                _tile_loadd(7, queries + (s.blocks + b) * tile_floats, 64);
                _tile_dpbf16ps(2, 4, 7);
                _tile_dpbf16ps(3, 5, 7);
            }
            between.step();
        }
        _tile_stored(0, scores, 64);
        _tile_stored(1, scores + tile_floats, 64);
        if constexpr (N == 2) {
            _tile_stored(2, scores + 2 * tile_floats, 64);
            _tile_stored(3, scores + 3 * tile_floats, 64);
        }
    }
}

/// results[channel][N · 16 queries] (+)= values · probabilities of `count` keys, R tiles of channels.
template <int R, int N>
RAIN_INLINE void tile_results(const SplitAttention &s, const float *values, long count, const float *scores, float *results, bool add,
                              Probabilities<N> &between) {
    constexpr long line = N * 64;
    if (add) {
        _tile_loadd(0, results, line);
        if constexpr (N == 2) _tile_loadd(1, results + W, line);
        if constexpr (R == 2) _tile_loadd(2, results + tile_side * N * W, line);
        if constexpr (R == 2 && N == 2) _tile_loadd(3, results + tile_side * N * W + W, line);
    } else {
        _tile_zero(0);
        if constexpr (N == 2) _tile_zero(1);
        if constexpr (R == 2) _tile_zero(2);
        if constexpr (R == 2 && N == 2) _tile_zero(3);
    }
#define RAIN_VALUES(part) \
    _tile_loadd(4, values + (part) * tile_floats, 64); \
    if constexpr (R == 2) _tile_loadd(5, values + (2 + (part)) * tile_floats, 64);
#define RAIN_PROBABILITIES(part) \
    _tile_loadd(6, scores + (part) * W, 128); \
    if constexpr (N == 2) _tile_loadd(7, scores + 2 * tile_floats + (part) * W, 128);
#define RAIN_PRODUCTS \
    _tile_dpbf16ps(0, 4, 6); \
    if constexpr (N == 2) _tile_dpbf16ps(1, 4, 7); \
    if constexpr (R == 2) _tile_dpbf16ps(2, 5, 6); \
    if constexpr (R == 2 && N == 2) _tile_dpbf16ps(3, 5, 7); \
    between.step();
    for (long j = 0; j < count; j += tile_depth, values += s.tiles * 2 * tile_floats, scores += N * tile_depth * W) {
        RAIN_VALUES(0) RAIN_PROBABILITIES(1) RAIN_PRODUCTS RAIN_PROBABILITIES(0) RAIN_PRODUCTS RAIN_VALUES(1) RAIN_PRODUCTS
    }
#undef RAIN_VALUES
#undef RAIN_PROBABILITIES
#undef RAIN_PRODUCTS
    _tile_stored(0, results, line);
    if constexpr (N == 2) _tile_stored(1, results + W, line);
    if constexpr (R == 2) _tile_stored(2, results + tile_side * N * W, line);
    if constexpr (R == 2 && N == 2) _tile_stored(3, results + tile_side * N * W + W, line);
}

/// The same for three tiles of channels and one vector of queries: as many sums at once as the unit's latency asks for.
template <int N>
RAIN_INLINE void tile_results_of_three(const SplitAttention &s, const float *values, long count, const float *scores, float *results,
                                       bool add, Probabilities<N> &between) {
    constexpr long line = N * 64, tile = tile_side * N * W;
    if (add) {
        _tile_loadd(0, results, line);
        _tile_loadd(1, results + tile, line);
        _tile_loadd(2, results + 2 * tile, line);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
    }
    for (long j = 0; j < count; j += tile_depth, values += s.tiles * 2 * tile_floats, scores += N * tile_depth * W) {
        _tile_loadd(3, values, 64);
        _tile_loadd(6, scores + W, 128);
        _tile_dpbf16ps(0, 3, 6);
        _tile_loadd(4, values + 2 * tile_floats, 64);
        _tile_dpbf16ps(1, 4, 6);
        _tile_loadd(5, values + 4 * tile_floats, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, scores, 128);
        _tile_dpbf16ps(0, 3, 7);
        _tile_dpbf16ps(1, 4, 7);
        between.step();
        _tile_dpbf16ps(2, 5, 7);
        _tile_loadd(3, values + tile_floats, 64);
        _tile_dpbf16ps(0, 3, 7);
        _tile_loadd(4, values + 3 * tile_floats, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, values + 5 * tile_floats, 64);
        _tile_dpbf16ps(2, 5, 7);
        between.step();
    }
    _tile_stored(0, results, line);
    _tile_stored(1, results + tile, line);
    _tile_stored(2, results + 2 * tile, line);
}
