// Rows turned into lanes and back, in registers: W rows × 4 floats at a time.
//
// A vector of 128-bit lanes holds four floats of every fourth row, so that what is left is a 4 × 4 transpose within lanes,
// two shuffles per vector.

constexpr int turn = 16;  // floats of each row turned at once, at most: a whole line of the cache
typedef float FourUnaligned __attribute__((ext_vector_type(4), aligned(4)));

RAIN_INLINE Four load_four(const float *p) { return *reinterpret_cast<const FourUnaligned *>(p); }
RAIN_INLINE void store_four(float *p, Four x) { *reinterpret_cast<FourUnaligned *>(p) = x; }

#if RAIN_WIDTH == 16
RAIN_INLINE V join_fours(const Four *f) {
    V v = _mm512_castps128_ps512(f[0]);
    v = _mm512_insertf32x4(v, f[1], 1);
    v = _mm512_insertf32x4(v, f[2], 2);
    return _mm512_insertf32x4(v, f[3], 3);
}
RAIN_INLINE void split_fours(V v, Four *f) {
    f[0] = _mm512_castps512_ps128(v);
    f[1] = _mm512_extractf32x4_ps(v, 1);
    f[2] = _mm512_extractf32x4_ps(v, 2);
    f[3] = _mm512_extractf32x4_ps(v, 3);
}
#define RAIN_LANES(a, b, c, d) a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8, d + 8, a + 12, b + 12, c + 12, d + 12
#elif RAIN_WIDTH == 8
RAIN_INLINE V join_fours(const Four *f) { return __builtin_shufflevector(f[0], f[1], 0, 1, 2, 3, 4, 5, 6, 7); }
RAIN_INLINE void split_fours(V v, Four *f) {
    f[0] = __builtin_shufflevector(v, v, 0, 1, 2, 3);
    f[1] = __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
#define RAIN_LANES(a, b, c, d) a, b, c, d, a + 4, b + 4, c + 4, d + 4
#else
RAIN_INLINE V join_fours(const Four *f) { return f[0]; }
RAIN_INLINE void split_fours(V v, Four *f) { f[0] = v; }
#define RAIN_LANES(a, b, c, d) a, b, c, d
#endif

/// Transposes the 4 × 4 floats of each 128-bit lane of four vectors.
RAIN_INLINE void turn_fours(V *v) {
    const V low01 = __builtin_shufflevector(v[0], v[1], RAIN_LANES(0, W, 1, W + 1));
    const V high01 = __builtin_shufflevector(v[0], v[1], RAIN_LANES(2, W + 2, 3, W + 3));
    const V low23 = __builtin_shufflevector(v[2], v[3], RAIN_LANES(0, W, 1, W + 1));
    const V high23 = __builtin_shufflevector(v[2], v[3], RAIN_LANES(2, W + 2, 3, W + 3));
    v[0] = __builtin_shufflevector(low01, low23, RAIN_LANES(0, 1, W, W + 1));
    v[1] = __builtin_shufflevector(low01, low23, RAIN_LANES(2, 3, W + 2, W + 3));
    v[2] = __builtin_shufflevector(high01, high23, RAIN_LANES(0, 1, W, W + 1));
    v[3] = __builtin_shufflevector(high01, high23, RAIN_LANES(2, 3, W + 2, W + 3));
}
#undef RAIN_LANES

/// Floats [0, count) (≤ turn) of `rows` (≤ W) rows at `from`, `stride` apart, to vectors, one per float; missing rows repeat
/// the last.
RAIN_INLINE void load_turned(const float *from, long stride, long rows, long count, V *v) {
    long c = 0;
    // Told apart so that whole blocks address their rows without comparisons.
    auto fours = [&](auto row_of) RAIN_INLINE_LAMBDA {
        for (; c + 4 <= count; c += 4) {
#pragma clang loop unroll(full)
            for (int i = 0; i < 4; i++) {
                Four parts[W / 4];
#pragma clang loop unroll(full)
                for (int q = 0; q < W / 4; q++) parts[q] = load_four(from + row_of(q * 4 + i) * stride + c);
                v[c + i] = join_fours(parts);
            }
            turn_fours(v + c);
        }
    };
    if (rows == W) {
        fours([](long row) RAIN_INLINE_LAMBDA { return row; });
    } else {
        fours([&](long row) RAIN_INLINE_LAMBDA { return row < rows ? row : rows - 1; });
    }
    for (; c < count; c++) {
        for (int lane = 0; lane < W; lane++) v[c][lane] = from[(lane < rows ? lane : rows - 1) * stride + c];
    }
}

/// The other way; destroys v.
RAIN_INLINE void store_turned(float *to, long stride, long rows, long count, V *v) {
    long c = 0;
    auto fours = [&](auto inside) RAIN_INLINE_LAMBDA {
        for (; c + 4 <= count; c += 4) {
            turn_fours(v + c);
#pragma clang loop unroll(full)
            for (int i = 0; i < 4; i++) {
                Four parts[W / 4];
                split_fours(v[c + i], parts);
#pragma clang loop unroll(full)
                for (int q = 0; q < W / 4; q++) {
                    if (inside(q * 4 + i)) store_four(to + (q * 4 + i) * stride + c, parts[q]);
                }
            }
        }
    };
    if (rows == W) {
        fours([](long) RAIN_INLINE_LAMBDA { return true; });
    } else {
        fours([&](long row) RAIN_INLINE_LAMBDA { return row < rows; });
    }
    for (; c < count; c++) {
        for (int lane = 0; lane < W && lane < rows; lane++) to[lane * stride + c] = v[c][lane];
    }
}
