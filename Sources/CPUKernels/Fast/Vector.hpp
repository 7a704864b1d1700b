// Vectors of RAIN_WIDTH floats and the functions of them. Included once per instruction set, inside its namespace.

#define RAIN_INLINE inline __attribute__((always_inline))
#define RAIN_INLINE_LAMBDA __attribute__((always_inline))

constexpr int W = RAIN_WIDTH;
typedef float V __attribute__((ext_vector_type(RAIN_WIDTH)));
typedef float Unaligned __attribute__((ext_vector_type(RAIN_WIDTH), aligned(4)));
typedef int32_t I __attribute__((ext_vector_type(RAIN_WIDTH)));
typedef float TwoUnaligned __attribute__((ext_vector_type(2), aligned(4)));

RAIN_INLINE V splat(float x) { return V(x); }
RAIN_INLINE V load(const float *p) { return *reinterpret_cast<const Unaligned *>(p); }
RAIN_INLINE void store(float *p, V x) { *reinterpret_cast<Unaligned *>(p) = x; }
/// a·b + c in one rounding where the machine can.
RAIN_INLINE V fma(V a, V b, V c) { return a * b + c; }
// These keep a NaN in x.
RAIN_INLINE V at_most(V x, V limit) { return limit < x ? limit : x; }
RAIN_INLINE V at_least(V x, V limit) { return limit > x ? limit : x; }

/// The first `count` (0…W) floats, zeros behind them; nothing beyond is touched.
RAIN_INLINE V load_part(const float *p, long count) {
#if RAIN_WIDTH == 16
    return _mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), p);
#elif RAIN_WIDTH == 8
    const I lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return _mm256_maskload_ps(p, __m256i(lane < I(int(count))));
#else
    if (count >= W) return load(p);
    V x = 0;
    if (count & 2) x.lo = *reinterpret_cast<const TwoUnaligned *>(p);
    if (count == 1) x[0] = p[0];
    if (count == 3) x[2] = p[2];
    return x;
#endif
}

RAIN_INLINE void store_part(float *p, V x, long count) {
#if RAIN_WIDTH == 16
    _mm512_mask_storeu_ps(p, __mmask16((1u << count) - 1), x);
#elif RAIN_WIDTH == 8
    const I lane = {0, 1, 2, 3, 4, 5, 6, 7};
    _mm256_maskstore_ps(p, __m256i(lane < I(int(count))), x);
#else
    if (count >= W) return store(p, x);
    if (count & 2) *reinterpret_cast<TwoUnaligned *>(p) = x.lo;
    if (count == 1) p[0] = x[0];
    if (count == 3) p[2] = x[2];
#endif
}

/// x with zeros from lane `count` on; count may be more than there are.
RAIN_INLINE V first_lanes(V x, long count) {
    I lane;
#pragma clang loop unroll(full)
    for (int i = 0; i < W; i++) lane[i] = i;
    return lane < I(int(count)) ? x : splat(0);
}

typedef float Four __attribute__((ext_vector_type(4)));

/// The lanes joined by `join` in halves, i with i + W/2, and so on, until four are left.
template <class Join>
RAIN_INLINE Four join_to_four(V x, Join &&join) {
#if RAIN_WIDTH == 16
    const auto eight =
        join(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7), __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
#elif RAIN_WIDTH == 8
    const V eight = x;
#endif
#if RAIN_WIDTH >= 8
    return join(__builtin_shufflevector(eight, eight, 0, 1, 2, 3), __builtin_shufflevector(eight, eight, 4, 5, 6, 7));
#else
    return x;
#endif
}

template <class Join>
RAIN_INLINE float join_lanes(V x, Join &&join) {
    const Four four = join_to_four(x, join);
    const Four two = join(four, __builtin_shufflevector(four, four, 2, 3, 2, 3));
    const Four one = join(two, __builtin_shufflevector(two, two, 1, 1, 1, 1));
    return one[0];
}

struct Add {
    template <class T>
    RAIN_INLINE T operator()(T a, T b) const {
        return a + b;
    }
};

RAIN_INLINE float sum_lanes(V x) { return join_lanes(x, Add{}); }
/// The sums of four vectors' lanes side by side, each as it is of one alone.
RAIN_INLINE Four sum_lanes(V a, V b, V c, V d) {
    const Four i = join_to_four(a, Add{}), j = join_to_four(b, Add{}), k = join_to_four(c, Add{}), l = join_to_four(d, Add{});
    const Four first = __builtin_shufflevector(i, j, 0, 1, 4, 5) + __builtin_shufflevector(i, j, 2, 3, 6, 7);
    const Four second = __builtin_shufflevector(k, l, 0, 1, 4, 5) + __builtin_shufflevector(k, l, 2, 3, 6, 7);
    return __builtin_shufflevector(first, second, 0, 2, 4, 6) + __builtin_shufflevector(first, second, 1, 3, 5, 7);
}
RAIN_INLINE float largest_lane(V x) {
    return join_lanes(x, [](auto a, auto b) RAIN_INLINE_LAMBDA { return a > b ? a : b; });
}

RAIN_INLINE V absolute(V x) { return V(I(x) & 0x7fffffff); }
RAIN_INLINE V square_root(V x) { return __builtin_elementwise_sqrt(x); }

/// eˣ within 2 ulp; 0 below -87.3, saturates at 2.4e38 above 88.37.
RAIN_INLINE V exponential(V x) {
    V t = at_most(x, splat(88.3762626f));
    const V magic = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
    const V n = fma(t, splat(1.44269504f), magic) - magic;
    V r = fma(n, splat(-0.693145752f), t);
    r = fma(n, splat(-1.42860677e-6f), r);
    V p = splat(1.9875691500e-4f);
    p = fma(p, r, splat(1.3981999507e-3f));
    p = fma(p, r, splat(8.3334519073e-3f));
    p = fma(p, r, splat(4.1665795894e-2f));
    p = fma(p, r, splat(1.6666665459e-1f));
    p = fma(p, r, splat(5.0000001201e-1f));
    p = fma(p, r * r, r) + 1.0f;
    const V power = V((__builtin_convertvector(n, I) + 127) << 23);
    return x < splat(-87.3f) ? splat(0) : p * power;
}

/// 2ʳ · 2ⁿ within 2 ulp for |r| ≤ 1/2, n the lowest bits of `shifted`.
RAIN_INLINE V scaled_power(V r, V shifted) {
    V p = splat(1.32647e-3f);
    p = fma(p, r, splat(9.67151e-3f));
    p = fma(p, r, splat(5.550734e-2f));
    p = fma(p, r, splat(2.4022242e-1f));
    p = fma(p, r, splat(6.9314698e-1f));
    p = fma(p, r, splat(1));
    return V(I(p) + (I(shifted) << 23));
}

/// 2ˣ within 2 ulp for x ≤ 127; 10⁻³⁸ below -126.
RAIN_INLINE V power_of_two(V x) {
    const V t = at_least(x, splat(-126)), magic = 12582912.0f;
    const V shifted = t + magic;
    return scaled_power(t - (shifted - magic), shifted);
}

/// 1/x within 2 ulp for 10⁻³⁷ ≤ |x| ≤ 10³⁷, 0 or nearly so beyond; without the machine's slow division.
RAIN_INLINE V reciprocal(V x) {
#if RAIN_WIDTH == 16
    const V guess = _mm512_rcp14_ps(x);
#elif RAIN_WIDTH == 8
    const V guess = _mm256_rcp_ps(x);
#else
    return 1.0f / x;
#endif
#if RAIN_WIDTH > 4
    return fma(guess, fma(-x, guess, splat(1)), guess);
#endif
}

// Below, powers of e are taken as powers of 2: rounding their exponents is an error of no more than 4·10⁻⁸, absolutely, where
// the result lies between 0 and 1.
constexpr float log2_e = 1.44269504f;

/// A power of e as the product of two numbers, so that what is added to it takes one operation.
struct Product {
    V factor, power;

    V value() const { return factor * power; }
    V plus_one() const { return fma(factor, power, splat(1)); }
};

/// 2 to the powers 0, 1/W … (W - 1)/W as the bits of floats, less what the fraction's bits add to an exponent further down.
#if RAIN_WIDTH == 16
alignas(64) constexpr uint32_t power_fractions[16] = {0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532,
                                                      0x3f75fed7, 0x3f75583f, 0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c,
                                                      0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};
#elif RAIN_WIDTH == 8
alignas(32) constexpr uint32_t power_fractions[8] = {0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7,
                                                     0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};
#endif

/// e⁻ˣ within 6·10⁻⁷ of itself where it counts, for a sigmoid, whose reciprocal must stay finite: as 2 to the power of x · -log₂e, in
/// which the fraction's first bits are looked up in a register where one holds a table of them.
///
/// - Parameter bounded: |x| ≤ 87 is known; else it is taken to be so
template <bool bounded = false>
RAIN_INLINE Product decay(V x) {
    const V t = bounded ? x : at_least(at_most(x, splat(87)), splat(-87));
#if RAIN_WIDTH == 4
    const V magic = 12582912.0f + 127;
#else
    const V magic = 12582912.0f / W;
#endif
    const V shifted = fma(t, splat(-log2_e), magic);
    const V r = fma(t, splat(-log2_e), magic - shifted);
#if RAIN_WIDTH == 16
    V p = fma(r, splat(2.40226448e-1f), splat(6.93187714e-1f));
    const __m512 fraction = _mm512_permutexvar_ps(__m512i(shifted), _mm512_load_ps(power_fractions));
    const V power = V(I(__m512i(fraction)) + (I(shifted) << 19));
#elif RAIN_WIDTH == 8
    V p = fma(r, splat(5.54962232e-2f), splat(2.40257636e-1f));
    p = fma(p, r, splat(6.93147242e-1f));
    const __m256 table = _mm256_load_ps(reinterpret_cast<const float *>(power_fractions));
    const V power = V(I(__m256i(_mm256_permutevar8x32_ps(table, __m256i(shifted)))) + (I(shifted) << 20));
#else
    V p = fma(r, splat(1.32647e-3f), splat(9.67151e-3f));
    p = fma(p, r, splat(5.550734e-2f));
    p = fma(p, r, splat(2.4022242e-1f));
    p = fma(p, r, splat(6.9314698e-1f));
    const V power = V(I(shifted) << 23);
#endif
    return {fma(p, r, splat(1)), power};
}

/// a / b for b ≥ 1 (beyond 10³⁷ as near to 0 as `reciprocal` comes), the faster way: AVX2's machines divide eight numbers in the time of
/// five multiply-adds.
RAIN_INLINE V quotient(V a, V b) { return W == 16 ? a * reciprocal(b) : a / b; }

RAIN_INLINE V sigmoid(V x) { return quotient(splat(1), decay(x).plus_one()); }
/// x · sigmoid(x) within 4·10⁻⁷ of the larger of 1 and |x|.
template <bool bounded = false>
RAIN_INLINE V silu(V x) {
    return quotient(x, decay<bounded>(x).plus_one());
}

/// tanh within 4e-7, relatively near 0.
RAIN_INLINE V hyperbolic_tangent(V x) {
    const V s = x * x;
    V p = fma(s, splat(0.021869489f), splat(-0.053968254f));
    p = fma(p, s, splat(0.133333333f));
    p = fma(p, s, splat(-0.333333333f));
    const V far = 1.0f - 2.0f * reciprocal(exponential(2.0f * x) + 1.0f);
    return absolute(x) < splat(0.3f) ? fma(p * s, x, x) : far;
}

/// Φ(x), the normal distribution, and its density: erf by Abramowitz and Stegun 7.1.26, absolute error of Φ below 2e-7.
RAIN_INLINE V normal_distribution(V x, V *density) {
    // Beyond 50 there is nothing left, and infinity has no reciprocal here.
    const V magnitude = at_most(absolute(x), splat(50));
    const V t = reciprocal(fma(magnitude, splat(0.3275911f * 0.70710678f), splat(1)));
    V p = fma(t, splat(1.061405429f), splat(-1.453152027f));
    p = fma(p, t, splat(1.421413741f));
    p = fma(p, t, splat(-0.284496736f));
    p = fma(p, t, splat(0.254829592f));
    const V bell = power_of_two(-0.5f * log2_e * magnitude * magnitude) - 1.17549435e-38f;  // so that it ends in 0
    const V tail = 0.5f * p * t * bell;
    *density = 0.39894228f * bell;
    return x < splat(0) ? tail : 1.0f - tail;
}

/// x · Φ(x) within 4·10⁻⁷: what it lacks of x, or of 0, is |x| · Φ(-|x|), here with Φ(-a) as a polynomial to the power of -16, fitted
/// to 4·10⁻⁸ for a ≤ 6, beyond which nothing is left.
RAIN_INLINE V gelu(V x) {
    const V a = at_most(absolute(x), splat(6));
    V p = splat(9.381052457896832e-7f);
    p = fma(p, a, splat(-3.1316784793426015e-6f));
    p = fma(p, a, splat(8.243863028183226e-5f));
    p = fma(p, a, splat(-1.5254577204673841e-5f));
    p = fma(p, a, splat(3.4720897706960914e-3f));
    p = fma(p, a, splat(2.2055110398961634e-2f));
    p = fma(p, a, splat(5.207936410707997e-2f));
    p = fma(p, a, splat(1.0442735327293668f));
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    const V positive = at_least(x, splat(0));
    return W == 16 ? fma(-a, reciprocal(p), positive) : positive - quotient(a, p);
}
RAIN_INLINE V gelu_slope(V x) {
    V density;
    const V distribution = normal_distribution(x, &density);
    return fma(x, density, distribution);
}
RAIN_INLINE V silu_slope(V x) {
    // 1 - σ as e⁻ˣ σ: the difference would lose what x multiplies.
    const Product power = decay(x);
    const V s = quotient(splat(1), power.plus_one());
    return s * fma(x, power.value() * s, splat(1));
}

template <RainActivation kind>
RAIN_INLINE V activated(V x) {
    if constexpr (kind == RAIN_ACT_SILU) return silu(x);
    if constexpr (kind == RAIN_ACT_GELU) return gelu(x);
    if constexpr (kind == RAIN_ACT_QUICK_GELU) return x * sigmoid(1.702f * x);
    // So that what is not a number stays so.
    if constexpr (kind == RAIN_ACT_RELU) return x <= splat(0) ? splat(0) : x;
    if constexpr (kind == RAIN_ACT_TANH) return hyperbolic_tangent(x);
    if constexpr (kind == RAIN_ACT_SIGMOID) return sigmoid(x);
    return x;
}

template <RainActivation kind>
RAIN_INLINE V slope_of(V x) {
    if constexpr (kind == RAIN_ACT_SILU) return silu_slope(x);
    if constexpr (kind == RAIN_ACT_GELU) return gelu_slope(x);
    if constexpr (kind == RAIN_ACT_QUICK_GELU) return silu_slope(1.702f * x);
    if constexpr (kind == RAIN_ACT_RELU) return x > splat(0) ? splat(1) : splat(0);
    if constexpr (kind == RAIN_ACT_TANH) {
        const V t = hyperbolic_tangent(x);
        return 1.0f - t * t;
    }
    if constexpr (kind == RAIN_ACT_SIGMOID) {
        const V s = sigmoid(x);
        return s * (1.0f - s);
    }
    return splat(1);
}

template <int number>
struct Constant {
    static constexpr int value = number;
};

/// body(Constant<count>) for a count of 1 to `most`, known when compiled.
template <int most, class Body>
RAIN_INLINE void with_count(long count, Body &&body) {
    if (count == most) return body(Constant<most>{});
    if constexpr (most > 1) with_count<most - 1>(count, body);
}

template <RainActivation value>
struct Kind {
    static constexpr RainActivation kind = value;
};

/// body(Kind<activation>) with the kind known when compiled.
template <class Body>
RAIN_INLINE void with_activation(RainActivation activation, Body &&body) {
    switch (activation) {
        case RAIN_ACT_NONE: return body(Kind<RAIN_ACT_NONE>{});
        case RAIN_ACT_SILU: return body(Kind<RAIN_ACT_SILU>{});
        case RAIN_ACT_GELU: return body(Kind<RAIN_ACT_GELU>{});
        case RAIN_ACT_QUICK_GELU: return body(Kind<RAIN_ACT_QUICK_GELU>{});
        case RAIN_ACT_RELU: return body(Kind<RAIN_ACT_RELU>{});
        case RAIN_ACT_TANH: return body(Kind<RAIN_ACT_TANH>{});
        case RAIN_ACT_SIGMOID: return body(Kind<RAIN_ACT_SIGMOID>{});
    }
}

/// y[i] = f(x[i]), f: V → V; the last vector in part. x may be y.
template <class Function>
RAIN_INLINE void map_row(long count, const float *x, float *y, Function &&f) {
    long i = 0;
    for (; i + W <= count; i += W) store(y + i, f(load(x + i)));
    if (i < count) store_part(y + i, f(load_part(x + i, count - i)), count - i);
}

/// In place; `stride` floats between the rows.
inline void activate_rows(RainActivation activation, float *y, long rows, long count, long stride) {
    with_activation(activation, [&](auto k) {
        if constexpr (k.kind != RAIN_ACT_NONE) {
            for (long row = 0; row < rows; row++) {
                map_row(count, y + row * stride, y + row * stride, [](V x) { return activated<decltype(k)::kind>(x); });
            }
        }
    });
}
