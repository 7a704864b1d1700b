// Linear layers.
#include <math.h>

#include <array>

#include "Support.hpp"

namespace check {
namespace {

struct Linear {
    long m, n, k;
    int epilogue;  // bits: bias, sample bias, residual
    RainActivation activation;
    bool transposed;

    std::string name() const {
        return text("%ld × %ld → %ld, epilogue %d, activation %d%s", m, k, n, epilogue, activation, transposed ? ", transposed" : "");
    }

    Results run(RainPool *pool) const {
        Random random(uint64_t(m * 7 + n * 3 + k));
        const Guarded x(random.floats(m * k)), w(random.floats(n * k)), bias(random.floats(n));
        const Guarded samples(random.floats((m + 2) / 3 * n)), residual(random.floats(m * n)), y(m * n);
        const Guarded packed = bytes(RUN(linear_packed_bytes, pool, n, k));
        RUN(linear_pack, pool, w, n, k, transposed, packed.raw());
        const RainEpilogue after = {epilogue & 1 ? bias : nullptr, epilogue & 2 ? samples : nullptr, 3, epilogue & 4 ? residual : nullptr,
                                    activation};
        RUN(linear, pool, m, n, k, x, packed.raw(), &after, y);
        return {y.values()};
    }

    Results weight_gradient(RainPool *pool) const {
        Random random(uint64_t(m + n * 5 + k * 11));
        const Guarded x(random.floats(m * k)), dy(random.floats(m * n)), dw(n * k);
        const Guarded scratch = bytes(RUN(linear_weight_gradient_scratch_bytes, pool, m, n, k));
        RUN(linear_weight_gradient, pool, m, n, k, x, dy, dw, scratch.raw());
        return {dw.values()};
    }
};

void compare_gradient(const Set &set, const Linear &linear) {
    compare(Kernel::linear_weight_gradient, set, [&](RainPool *pool) { return linear.weight_gradient(pool); },
            tolerance(linear.m) + split_error(set, linear.m), linear.name());
}

/// An activation must not turn what is not a number into one.
void not_a_number(const Set &set, RainActivation activation) {
    const long m = 37, n = 16, k = 1;
    Floats rows(m, -2);
    rows[m - 1] = NAN;
    for (RainPool *pool : set.pools) {
        const Guarded x(rows), w(Floats(n * k, 1)), bias(Floats(n, 1)), y(m * n);
        const Guarded packed = bytes(RUN(linear_packed_bytes, pool, n, k));
        RUN(linear_pack, pool, w, n, k, 0, packed.raw());
        const RainEpilogue after = {bias, nullptr, 1, nullptr, activation};
        RUN(linear, pool, m, n, k, x, packed.raw(), &after, y);
        for (long i = 0; i < m * n; i++) {
            expect(Kernel::linear, bool(isnan(y[i])) == (i / n == m - 1), text("activation %d of a row with NaN, number %ld", activation, i));
        }
    }
}

}  // namespace

void check_linear(const Set &set) {
    for (long m : {1, 2, 7, 8, 13, 31, 300, 600}) {
        for (long n : {1, 3, 16, 17, 33, 64, 96}) {
            for (long k : {1, 3, 7, 33, 128, 1031, 2000}) {
                const bool wanted = k < 1000 ? m < 100 || k == 128 : n == 33 && (k == 2000) == (m == 300);
                if (!wanted) continue;
                const Linear linear = {m, n, k, int((m + n + k) % 8), RainActivation((m + n + k) % 7), k % 2 == 0};
                // Activations may be far smaller than the sums they are of.
                compare(Kernel::linear, set, [&](RainPool *pool) { return linear.run(pool); }, tolerance(k) + split_error(set, k),
                        linear.name());
                compare_gradient(set, linear);
            }
        }
    }
    for (const auto &[m, n, k] : std::vector<std::array<long, 3>>{{513, 300, 40}, {64, 257, 17}, {1030, 16, 530}, {127, 600, 96}}) {
        compare_gradient(set, {m, n, k, 0, RAIN_ACT_NONE, false});
    }
    for (int activation = RAIN_ACT_NONE; activation <= RAIN_ACT_SIGMOID; activation++) not_a_number(set, RainActivation(activation));
}

}  // namespace check
