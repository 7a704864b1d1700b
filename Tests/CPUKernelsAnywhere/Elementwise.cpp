// Functions of single numbers, GEGLU and the optimiser.
#include <math.h>

#include <algorithm>

#include "Support.hpp"

namespace check {
namespace {

Floats unary(RainPool *pool, RainUnary kind, const Floats &numbers) {
    const Guarded x(numbers), y(numbers.size());
    RUN(unary, pool, kind, long(numbers.size()), x, y);
    return y.values();
}

Floats unary_gradient(RainPool *pool, RainUnary kind, const Floats &numbers, const Floats &slopes) {
    const Guarded x(numbers), dy(slopes), dx(numbers.size());
    RUN(unary_gradient, pool, kind, long(numbers.size()), x, dy, dx);
    return dx.values();
}

Floats arguments(RainUnary kind, long count) {
    Random random(uint64_t(count + kind));
    switch (kind) {
        case RAIN_UNARY_SQRT:
        case RAIN_UNARY_LOG:
        case RAIN_UNARY_RECIPROCAL: return random.floats(count, 4, 4.1f);
        case RAIN_UNARY_SIN:
        case RAIN_UNARY_COS: return random.floats(count, 1e6f);
        case RAIN_UNARY_EXP: return random.floats(count, 4);
        default: return random.floats(count, 9);
    }
}

Floats steps(double from, double to, double step) {
    Floats values;
    for (double x = from; x <= to; x += step) values.push_back(float(x));
    return values;
}

/// exp within 2 ulp, GELU, SiLU, sigmoid and tanh within 4·10⁻⁷, over the whole range.
void stated_errors(const Set &set) {
    RainPool *pool = set.pools[0];
    auto each = [&](RainUnary kind, const Floats &x, auto exact, auto bound) {
        const Floats found = unary(pool, kind, x);
        for (size_t i = 0; i < x.size(); i++) {
            const double wanted = exact(double(x[i])), error = fabs(found[i] - wanted);
            expect(Kernel::unary, error <= bound(double(x[i]), wanted),
                   text("kind %d of %.9g is %.9g, expected %.9g", kind, x[i], found[i], wanted));
        }
    };
    each(RAIN_UNARY_EXP, steps(-86, 88, 0.0371), [](double x) { return exp(x); }, [](double, double y) { return 2.5 * y * 0x1p-23; });
    const Floats near = steps(-12, 12, 0.007);
    each(
        RAIN_UNARY_GELU, near, [](double x) { return 0.5 * x * (1 + erf(x / sqrt(2.0))); },
        [](double x, double) { return 4e-7 * std::max(1.0, fabs(x)); });
    const Floats far = steps(-100, 100, 0.0137);
    each(
        RAIN_UNARY_SILU, far, [](double x) { return x / (1 + exp(-x)); }, [](double x, double) { return 4e-7 * std::max(1.0, fabs(x)); });
    each(RAIN_UNARY_SIGMOID, far, [](double x) { return 1 / (1 + exp(-x)); }, [](double, double) { return 4e-7; });
    each(RAIN_UNARY_TANH, near, [](double x) { return tanh(x); }, [](double x, double) { return 4e-7 * std::min(1.0, fabs(x)) + 1e-12; });
}

void extremes(const Set &set) {
    const Floats x = {NAN, INFINITY, -INFINITY, 100, -100, 1e30f, -1e30f, 0};
    const Floats e = unary(set.pools[0], RAIN_UNARY_EXP, x);
    expect(Kernel::unary, isnan(e[0]) && e[1] == INFINITY && e[2] == 0 && e[3] == INFINITY && e[4] < 1e-37f && e[7] == 1, "exp far out");
    for (const RainUnary kind : {RAIN_UNARY_SILU, RAIN_UNARY_GELU, RAIN_UNARY_TANH, RAIN_UNARY_SIGMOID}) {
        const Floats y = unary(set.pools[0], kind, x);
        expect(Kernel::unary, isnan(y[0]) && std::all_of(y.begin() + 3, y.end(), [](float v) { return isfinite(v); }),
               text("kind %d far out", kind));
    }
    for (const RainUnary kind :
         {RAIN_UNARY_RELU, RAIN_UNARY_QUICK_GELU, RAIN_UNARY_SILU, RAIN_UNARY_GELU, RAIN_UNARY_TANH, RAIN_UNARY_SIGMOID}) {
        for (size_t count : {1, 37}) {
            Floats numbers(count, -2);
            numbers[count - 1] = NAN;
            const Floats y = unary(set.pools[1], kind, numbers);
            for (size_t i = 0; i < count; i++) {
                expect(Kernel::unary, bool(isnan(y[i])) == (i == count - 1), text("kind %d of NaN among %zu", kind, count));
            }
        }
    }
}

void geglu(const Set &set, long rows, long channels) {
    Random random{uint64_t(rows)};
    const Floats numbers = random.floats(rows * channels * 2, 4), slopes = random.floats(rows * channels);
    const std::string name = text("%ld × %ld", rows, channels);
    auto forward = [&](RainPool *pool) {
        const Guarded x(numbers), y(slopes.size());
        RUN(geglu, pool, rows, channels, x, y);
        return Results{y.values()};
    };
    auto gradient = [&](RainPool *pool) {
        const Guarded x(numbers), dy(slopes), dx(numbers.size());
        RUN(geglu_gradient, pool, rows, channels, x, dy, dx);
        return Results{dx.values()};
    };
    compare(Kernel::geglu, set, forward, 1e-6, name);
    compare(Kernel::geglu_gradient, set, gradient, 1e-6, name);
}

void optimizer(const Set &set, long count) {
    Random random{uint64_t(count)};
    Results start;
    for (int i = 0; i < 5; i++) start.push_back(random.floats(count));
    for (float &moment : start[3]) moment = fabsf(moment);
    const std::string name = text("%ld numbers", count);
    for (const bool average : {true, false}) {
        auto step = [&](RainPool *pool) {
            const RainAdamW settings = {1e-3f, 0.9f, 0.999f, 1e-8f, 0.01f, 0.5f, 0.1f, 0.01f, 0.99f};
            const Guarded gradients(start[0]), parameters(start[1]), first(start[2]), second(start[3]), ema(start[4]);
            RUN(adamw, pool, &settings, count, gradients, parameters, first, second, average ? ema : nullptr);
            return Results{parameters.values(), first.values(), second.values(), ema.values()};
        };
        compare(Kernel::adamw, set, step, 6e-7, name);
    }
    const Guarded x(start[0]);
    compare(
        Kernel::sum_of_squares, set, [&](RainPool *pool) { return Results{{float(RUN(sum_of_squares, pool, count, x))}}; }, 1e-6, name);
}

}  // namespace

void check_elementwise(const Set &set) {
    for (int number = RAIN_UNARY_SILU; number <= RAIN_UNARY_LOG; number++) {
        const RainUnary kind = RainUnary(number);
        for (long count : {1, 7, 16, 33, 20000}) {
            const Floats x = arguments(kind, count), dy = Random(8).floats(count);
            const std::string name = text("kind %d of %ld numbers", kind, count);
            // What vanishes far out keeps an absolute error.
            compare(Kernel::unary, set, [&](RainPool *pool) { return Results{unary(pool, kind, x)}; }, 6e-7, name, 1);
            compare(
                Kernel::unary_gradient, set, [&](RainPool *pool) { return Results{unary_gradient(pool, kind, x, dy)}; }, 1e-6, name, 1);
        }
    }
    stated_errors(set);
    extremes(set);
    geglu(set, 1, 1);
    geglu(set, 5, 7);
    geglu(set, 3, 16);
    geglu(set, 100, 33);
    geglu(set, 7, 512);
    for (long count : {1, 15, 33, 50000}) optimizer(set, count);
}

}  // namespace check
