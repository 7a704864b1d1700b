// Elementwise functions, the optimiser, and sums over a dimension.

constexpr long light_grain = 16384;  // elements per chunk where memory is the limit
constexpr long heavy_grain = 4096;   // where arithmetic is

template <RainUnary kind>
RAIN_INLINE V unary_of(V x) {
    if constexpr (kind == RAIN_UNARY_SILU) return activated<RAIN_ACT_SILU>(x);
    if constexpr (kind == RAIN_UNARY_GELU) return gelu(x);
    if constexpr (kind == RAIN_UNARY_QUICK_GELU) return activated<RAIN_ACT_QUICK_GELU>(x);
    if constexpr (kind == RAIN_UNARY_RELU) return activated<RAIN_ACT_RELU>(x);
    if constexpr (kind == RAIN_UNARY_TANH) return hyperbolic_tangent(x);
    if constexpr (kind == RAIN_UNARY_SIGMOID) return sigmoid(x);
    if constexpr (kind == RAIN_UNARY_EXP) return x > splat(88.72f) ? splat(INFINITY) : exponential(x);
    if constexpr (kind == RAIN_UNARY_SQUARE) return x * x;
    if constexpr (kind == RAIN_UNARY_SQRT) return square_root(x);
    if constexpr (kind == RAIN_UNARY_RECIPROCAL) return 1.0f / x;
    if constexpr (kind == RAIN_UNARY_ABS) return absolute(x);
    return x;
}

template <RainUnary kind>
RAIN_INLINE V unary_slope_of(V x) {
    if constexpr (kind == RAIN_UNARY_SILU) return silu_slope(x);
    if constexpr (kind == RAIN_UNARY_GELU) return gelu_slope(x);
    if constexpr (kind == RAIN_UNARY_QUICK_GELU) return silu_slope(1.702f * x);
    if constexpr (kind == RAIN_UNARY_RELU) return slope_of<RAIN_ACT_RELU>(x);
    if constexpr (kind == RAIN_UNARY_TANH) return slope_of<RAIN_ACT_TANH>(x);
    if constexpr (kind == RAIN_UNARY_SIGMOID) return slope_of<RAIN_ACT_SIGMOID>(x);
    if constexpr (kind == RAIN_UNARY_EXP) return unary_of<RAIN_UNARY_EXP>(x);
    if constexpr (kind == RAIN_UNARY_SQUARE) return 2.0f * x;
    if constexpr (kind == RAIN_UNARY_SQRT) return 0.5f / square_root(x);
    if constexpr (kind == RAIN_UNARY_RECIPROCAL) return -1.0f / (x * x);
    if constexpr (kind == RAIN_UNARY_ABS) return x > splat(0) ? splat(1) : x < splat(0) ? splat(-1) : splat(0);
    if constexpr (kind == RAIN_UNARY_LOG) return 1.0f / x;
    return x;
}

template <RainUnary value>
struct UnaryKind {
    static constexpr RainUnary kind = value;
};

/// body(UnaryKind) for the kinds made of vector arithmetic; false for the others.
template <class Body>
RAIN_INLINE bool with_unary(RainUnary kind, Body &&body) {
    switch (kind) {
        case RAIN_UNARY_SILU: body(UnaryKind<RAIN_UNARY_SILU>{}); return true;
        case RAIN_UNARY_GELU: body(UnaryKind<RAIN_UNARY_GELU>{}); return true;
        case RAIN_UNARY_QUICK_GELU: body(UnaryKind<RAIN_UNARY_QUICK_GELU>{}); return true;
        case RAIN_UNARY_RELU: body(UnaryKind<RAIN_UNARY_RELU>{}); return true;
        case RAIN_UNARY_TANH: body(UnaryKind<RAIN_UNARY_TANH>{}); return true;
        case RAIN_UNARY_SIGMOID: body(UnaryKind<RAIN_UNARY_SIGMOID>{}); return true;
        case RAIN_UNARY_EXP: body(UnaryKind<RAIN_UNARY_EXP>{}); return true;
        case RAIN_UNARY_SQUARE: body(UnaryKind<RAIN_UNARY_SQUARE>{}); return true;
        case RAIN_UNARY_SQRT: body(UnaryKind<RAIN_UNARY_SQRT>{}); return true;
        case RAIN_UNARY_RECIPROCAL: body(UnaryKind<RAIN_UNARY_RECIPROCAL>{}); return true;
        case RAIN_UNARY_ABS: body(UnaryKind<RAIN_UNARY_ABS>{}); return true;
        case RAIN_UNARY_LOG:
        case RAIN_UNARY_SIN:
        case RAIN_UNARY_COS: return false;
    }
    return false;
}

/// z[i] = f(x[i], y[i])
template <class Function>
RAIN_INLINE void map_rows(long count, const float *x, const float *y, float *z, Function &&f) {
    long i = 0;
    for (; i + W <= count; i += W) store(z + i, f(load(x + i), load(y + i)));
    if (i < count) store_part(z + i, f(load_part(x + i, count - i), load_part(y + i, count - i)), count - i);
}

void unary(RainPool *pool, RainUnary kind, long count, const float *x, float *y) {
    const bool done = with_unary(kind, [&](auto k) {
        parallel_ranges(pool, count, heavy_grain, W, [&](long begin, long end, int) {
            map_row(end - begin, x + begin, y + begin, [](V v) { return unary_of<decltype(k)::kind>(v); });
        });
    });
    if (!done) plain::unary(pool, kind, count, x, y);
}

void unary_gradient(RainPool *pool, RainUnary kind, long count, const float *x, const float *dy, float *dx) {
    const bool done = with_unary(kind, [&](auto k) {
        parallel_ranges(pool, count, heavy_grain, W, [&](long begin, long end, int) {
            map_rows(end - begin, x + begin, dy + begin, dx + begin,
                     [](V v, V slope) { return slope * unary_slope_of<decltype(k)::kind>(v); });
        });
    });
    if (!done) plain::unary_gradient(pool, kind, count, x, dy, dx);
}

void affine(RainPool *pool, long count, float scale, float offset, const float *x, float *y) {
    parallel_ranges(pool, count, light_grain, W, [&](long begin, long end, int) {
        map_row(end - begin, x + begin, y + begin, [&](V v) { return fma(v, splat(scale), splat(offset)); });
    });
}

void fill(RainPool *pool, long count, float value, float *y) {
    parallel_ranges(pool, count, 2 * light_grain, W, [&](long begin, long end, int) {
        long i = begin;
        for (; i + W <= end; i += W) store(y + i, splat(value));
        if (i < end) store_part(y + i, splat(value), end - i);
    });
}

void geglu(RainPool *pool, long rows, long channels, const float *x, float *y) {
    parallel_ranges(pool, rows, 1 + heavy_grain / channels, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            const float *from = x + row * 2 * channels;
            map_rows(channels, from, from + channels, y + row * channels, [](V value, V gate) { return value * gelu(gate); });
        }
    });
}

void geglu_gradient(RainPool *pool, long rows, long channels, const float *x, const float *dy, float *dx) {
    parallel_ranges(pool, rows, 1 + heavy_grain / channels, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            const float *values = x + row * 2 * channels, *gates = values + channels, *slopes = dy + row * channels;
            float *dvalues = dx + row * 2 * channels, *dgates = dvalues + channels;
            for (long i = 0; i < channels; i += W) {
                const long part = channels - i < W ? channels - i : W;
                const V value = load_part(values + i, part), gate = load_part(gates + i, part);
                const V slope = load_part(slopes + i, part);
                V density;
                const V distribution = normal_distribution(gate, &density);
                store_part(dvalues + i, slope * gate * distribution, part);
                store_part(dgates + i, slope * value * fma(gate, density, distribution), part);
            }
        }
    });
}

// Σ x²: fixed chunks, float sums of short runs, the rest in double.
double sum_of_squares(RainPool *pool, long count, const float *x) {
    constexpr long most = 256, run = 64 * W;
    double parts[most];
    const long chunks = count / light_grain < 1 ? 1 : count / light_grain < most ? count / light_grain : most;
    parallel(pool, chunks, [&](long chunk, int) {
        const Range range = stretch(count, chunks, chunk, run);
        double total = 0;
        for (long first = range.begin; first < range.end; first += run) {
            const long last = first + run < range.end ? first + run : range.end;
            V sums[4] = {splat(0), splat(0), splat(0), splat(0)};
            long i = first;
            for (; i + 4 * W <= last; i += 4 * W) {
                for (int n = 0; n < 4; n++) {
                    const V v = load(x + i + n * W);
                    sums[n] = fma(v, v, sums[n]);
                }
            }
            for (; i < last; i += W) {
                const V v = load_part(x + i, last - i < W ? last - i : W);
                sums[0] = fma(v, v, sums[0]);
            }
            const V sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
            for (int lane = 0; lane < W; lane++) total += double(sum[lane]);
        }
        parts[chunk] = total;
    });
    double total = 0;
    for (long chunk = 0; chunk < chunks; chunk++) total += parts[chunk];
    return total;
}

void adamw(RainPool *pool, const RainAdamW *settings, long count, const float *gradients, float *parameters, float *first_moment,
           float *second_moment, float *ema) {
    const RainAdamW s = *settings;
    const float keep = 1 - s.learning_rate * s.weight_decay, inverse1 = s.learning_rate / s.bias_correction1;
    const float inverse2 = 1 / s.bias_correction2, rest1 = float(1.0 - s.beta1), rest2 = float(1.0 - s.beta2);
    const float ema_rest = float(1.0 - s.ema_decay);
    parallel_ranges(pool, count, heavy_grain, W, [&](long begin, long end, int) {
        for (long i = begin; i < end; i += W) {
            const long part = end - i < W ? end - i : W;
            const V slope = load_part(gradients + i, part) * s.gradient_scale;
            const V first = fma(load_part(first_moment + i, part), splat(s.beta1), rest1 * slope);
            const V second = fma(load_part(second_moment + i, part), splat(s.beta2), rest2 * slope * slope);
            const V step = inverse1 * first / (square_root(second * inverse2) + s.epsilon);
            const V parameter = fma(load_part(parameters + i, part), splat(keep), -step);
            store_part(first_moment + i, first, part);
            store_part(second_moment + i, second, part);
            store_part(parameters + i, parameter, part);
            if (ema) {
                const V mean = load_part(ema + i, part);
                store_part(ema + i, fma(parameter - mean, splat(ema_rest), mean), part);
            }
        }
    });
}

// ---- Sums over the middle dimension -------------------------------------------------------------------------------------------

/// Long middles are cut into stretches of `sum_run`, summed apart and then together, whatever the thread count.
constexpr long sum_run = 256;
RAIN_INLINE long sum_runs(long middle) { return (middle + sum_run - 1) / sum_run; }

size_t reduce_sum_scratch_bytes(const RainPool *, long outer, long middle, long inner) {
    return sum_runs(middle) < 2 ? 0 : round_up(size_t(outer) * sum_runs(middle) * inner * sizeof(float));
}

/// y[inner] = Σ over `count` rows of x, `inner` apart.
inline void sum_rows(long count, long inner, const float *x, float *y) {
    if (inner == 1) {
        V sum = splat(0);
        for (long i = 0; i < count; i += W) sum += load_part(x + i, count - i < W ? count - i : W);
        y[0] = sum_lanes(sum);
        return;
    }
    for (long i = 0; i < inner; i += W) {
        const long part = inner - i < W ? inner - i : W;
        V sums[4] = {splat(0), splat(0), splat(0), splat(0)};
        long row = 0;
        if (part == W) {
            for (; row + 4 <= count; row += 4) {
                for (int n = 0; n < 4; n++) sums[n] += load(x + (row + n) * inner + i);
            }
        }
        for (; row < count; row++) sums[0] += load_part(x + row * inner + i, part);
        store_part(y + i, (sums[0] + sums[1]) + (sums[2] + sums[3]), part);
    }
}

void reduce_sum(RainPool *pool, long outer, long middle, long inner, const float *x, float *y, void *scratch) {
    const long runs = sum_runs(middle);
    float *parts = runs < 2 ? y : static_cast<float *>(scratch);
    const long run = middle < sum_run ? middle : sum_run;
    parallel_ranges(pool, outer * runs, 1 + light_grain / (run * inner + 1), 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const Range rows = {at % runs * sum_run, (at % runs + 1) * sum_run < middle ? (at % runs + 1) * sum_run : middle};
            sum_rows(rows.end - rows.begin, inner, x + (at / runs * middle + rows.begin) * inner, parts + at * inner);
        }
    });
    if (runs < 2) return;
    parallel_ranges(pool, outer, 1 + light_grain / (runs * inner), 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            for (long i = 0; i < inner; i++) {
                double sum = 0;
                for (long r = 0; r < runs; r++) sum += double(parts[(at * runs + r) * inner + i]);
                y[at * inner + i] = float(sum);
            }
        }
    });
}
