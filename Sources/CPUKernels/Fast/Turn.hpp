// Rows turned into lanes and back, in registers: W rows × W/2 floats at a time.

constexpr int turn = W / 2;  // floats of each unit turned at once
typedef float HalfUnaligned __attribute__((ext_vector_type(RAIN_WIDTH / 2), aligned(4)));
typedef float Half __attribute__((ext_vector_type(RAIN_WIDTH / 2)));

template <int... lane>
struct Lanes {
    template <int step>
    static RAIN_INLINE V low(V a, V b) {
        return __builtin_shufflevector(a, b, (lane & step ? W + lane - step : lane)...);
    }
    template <int step>
    static RAIN_INLINE V high(V a, V b) {
        return __builtin_shufflevector(a, b, (lane & step ? W + lane : lane + step)...);
    }
    static RAIN_INLINE V join(Half a, Half b) { return __builtin_shufflevector(a, b, lane...); }
};
#if RAIN_WIDTH == 16
typedef Lanes<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15> AllLanes;
RAIN_INLINE Half low_half(V v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
RAIN_INLINE Half high_half(V v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
#elif RAIN_WIDTH == 8
typedef Lanes<0, 1, 2, 3, 4, 5, 6, 7> AllLanes;
RAIN_INLINE Half low_half(V v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
RAIN_INLINE Half high_half(V v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
#else
typedef Lanes<0, 1, 2, 3> AllLanes;
RAIN_INLINE Half low_half(V v) { return __builtin_shufflevector(v, v, 0, 1); }
RAIN_INLINE Half high_half(V v) { return __builtin_shufflevector(v, v, 2, 3); }
#endif

/// Turns both halves' squares: vector i = [unit i | unit i + turn] ↔ vector e = float e of all units.
RAIN_INLINE void turn_squares(V (&v)[turn]) {
    auto stage = [&](auto constant) RAIN_INLINE_LAMBDA {
        constexpr int step = decltype(constant)::value;
#pragma clang loop unroll(full)
        for (int i = 0; i < turn; i++) {
            if (i & step) continue;
            const V a = v[i], b = v[i + step];
            v[i] = AllLanes::template low<step>(a, b);
            v[i + step] = AllLanes::template high<step>(a, b);
        }
    };
    if constexpr (turn > 1) stage(Constant<1>{});
    if constexpr (turn > 2) stage(Constant<2>{});
    if constexpr (turn > 4) stage(Constant<4>{});
}

/// Floats [0, count) (≤ turn) of `units` (≤ W) units at `from`, `size` apart, to vectors; missing units repeat the last.
RAIN_INLINE void load_units(const float *from, long size, long units, long count, V (&v)[turn]) {
    if (count == turn) {
        auto unit = [&](long i) { return Half(*reinterpret_cast<const HalfUnaligned *>(from + (i < units ? i : units - 1) * size)); };
#pragma clang loop unroll(full)
        for (int i = 0; i < turn; i++) v[i] = AllLanes::join(unit(i), unit(i + turn));
        turn_squares(v);
    } else {
        for (int e = 0; e < turn; e++) {
            for (int lane = 0; lane < W; lane++) v[e][lane] = e < count ? from[(lane < units ? lane : units - 1) * size + e] : 0;
        }
    }
}

RAIN_INLINE void store_units(float *to, long size, long units, long count, V (&v)[turn]) {
    if (count == turn) {
        turn_squares(v);
#pragma clang loop unroll(full)
        for (int i = 0; i < turn; i++) {
            if (i < units) *reinterpret_cast<HalfUnaligned *>(to + i * size) = low_half(v[i]);
            if (i + turn < units) *reinterpret_cast<HalfUnaligned *>(to + (i + turn) * size) = high_half(v[i]);
        }
    } else {
        for (int e = 0; e < count; e++) {
            for (int lane = 0; lane < W && lane < units; lane++) to[lane * size + e] = v[e][lane];
        }
    }
}
