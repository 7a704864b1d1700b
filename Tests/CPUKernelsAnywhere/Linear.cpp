// Linear layers.
#include <math.h>

#include <array>
#include <list>

#include "Support.hpp"

namespace check {
namespace {

struct Linear {
    long m, n, k;
    int epilogue;  // bits: bias, sample bias, residual
    RainActivation activation;
    bool transposed;
    bool gated = false;

    std::string name() const {
        return text("%ld × %ld → %ld, epilogue %d, activation %d%s%s", m, k, n, epilogue, activation, transposed ? ", transposed" : "",
                    gated ? ", gated" : "");
    }

    /// - Parameter first: of the numbers of each row that lie in a tensor of their own, 0 if all lie in one
    Results run(RainPool *pool, long first = 0) const {
        Random random(uint64_t(m * 7 + n * 3 + k));
        const Floats rows = random.floats(m * k);
        const Guarded x(first ? part_of_rows(rows, k, 0, first) : rows), z(part_of_rows(rows, k, first, k));
        const Guarded w(random.floats(n * k)), bias(random.floats(n));
        const Guarded samples(random.floats((m + 2) / 3 * n)), residual(random.floats(m * n)), y(gated ? m * n / 2 : m * n);
        const Guarded packed = bytes(RUN(linear_packed_bytes, pool, n, k, gated));
        RUN(linear_pack, pool, w, n, k, transposed, gated, packed.raw());
        const RainEpilogue after = {
            epilogue & 1 ? bias : nullptr, epilogue & 2 ? samples : nullptr, 3, epilogue & 4 ? residual : nullptr, activation, gated};
        if (first) {
            RUN(linear_of_two, pool, m, n, first, k - first, x, z, packed.raw(), &after, y);
        } else {
            RUN(linear, pool, m, n, k, x, packed.raw(), &after, y);
        }
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

/// Several layers of the same rows, of different widths and with different epilogues: each is what it is by itself.
struct Joint {
    long m, k;
    std::vector<long> columns;

    std::string name() const { return text("%ld × %ld → %ld layers, the first of %ld", m, k, long(columns.size()), columns[0]); }

    Results run(RainPool *pool) const {
        Random random(uint64_t(m * 13 + k * 5 + long(columns.size())));
        const Guarded x(random.floats(m * k));
        std::list<Guarded> memory;
        std::vector<RainLinear> layers;
        std::vector<Guarded *> results;
        for (const long n : columns) {
            auto keep = [&](Guarded &&value) -> Guarded & { return memory.emplace_back(std::move(value)); };
            const Guarded &w = keep(Guarded(random.floats(n * k))), &bias = keep(Guarded(random.floats(n)));
            const Guarded &samples = keep(Guarded(random.floats((m + 2) / 3 * n))), &residual = keep(Guarded(random.floats(m * n)));
            const Guarded &packed = keep(bytes(RUN(linear_packed_bytes, pool, n, k, 0)));
            RUN(linear_pack, pool, w, n, k, 0, 0, packed.raw());
            results.push_back(&keep(Guarded(m * n)));
            const long i = long(layers.size());
            layers.push_back({n,
                              packed.raw(),
                              {i % 2 ? bias : nullptr, i == 1 ? samples : nullptr, 3, i == 2 ? residual : nullptr,
                               i == 3 ? RAIN_ACT_SILU : RAIN_ACT_NONE, 0},
                              *results.back()});
        }
        RUN(linear_joint, pool, m, k, x, long(layers.size()), layers.data());
        Results all;
        for (const Guarded *result : results) all.push_back(result->values());
        return all;
    }
};

void compare_forward(const Set &set, const Linear &linear, double split) {
    compare(Kernel::linear, set, [&](RainPool *pool) { return linear.run(pool); }, tolerance(linear.k) + split, linear.name());
}

void compare_of_two(const Set &set, const Linear &linear, long first) {
    auto run = [&](RainPool *pool) { return linear.run(pool, first); };
    const std::string name = text("%ld + %ld of ", first, linear.k - first) + linear.name();
    compare(Kernel::linear_of_two, set, run, tolerance(linear.k) + split_error(set, linear.k), name);
    for (RainPool *pool : set.pools) expect(Kernel::linear_of_two, run(pool) == linear.run(pool), name + ": not the same bits");
}

void compare_gradient(const Set &set, const Linear &linear) {
    compare(
        Kernel::linear_weight_gradient, set, [&](RainPool *pool) { return linear.weight_gradient(pool); },
        tolerance(linear.m) + split_error(set, linear.m), linear.name());
}

/// An activation must not turn what is not a number into one.
void not_a_number(const Set &set, RainActivation activation) {
    const long m = 37, n = 16, k = 1;
    Floats rows(m, -2);
    rows[m - 1] = NAN;
    for (RainPool *pool : set.pools) {
        const Guarded x(rows), w(Floats(n * k, 1)), bias(Floats(n, 1)), y(m * n);
        const Guarded packed = bytes(RUN(linear_packed_bytes, pool, n, k, 0));
        RUN(linear_pack, pool, w, n, k, 0, 0, packed.raw());
        const RainEpilogue after = {bias, nullptr, 1, nullptr, activation, 0};
        RUN(linear, pool, m, n, k, x, packed.raw(), &after, y);
        for (long i = 0; i < m * n; i++) {
            expect(Kernel::linear, bool(isnan(y[i])) == (i / n == m - 1),
                   text("activation %d of a row with NaN, number %ld", activation, i));
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
                compare_forward(set, linear, split_error(set, k));
                compare_gradient(set, linear);
            }
        }
    }
    for (const auto &[m, n, k] : std::vector<std::array<long, 3>>{{513, 300, 40}, {64, 257, 17}, {1030, 16, 530}, {127, 600, 96}}) {
        compare_gradient(set, {m, n, k, 0, RAIN_ACT_NONE, false});
    }
    // Rows so long that they are copied part by part, to results whose lines lie close together and far apart.
    for (const auto &[m, n, k] : std::vector<std::array<long, 3>>{{1, 5, 2561}, {70, 33, 5120}, {260, 8, 3000}, {9, 1030, 2601}}) {
        compare_forward(set, {m, n, k, 7, RAIN_ACT_SILU, false}, split_error(set, k));
    }
    // clang-format off
    const std::vector<std::array<long, 4>> of_two = {
        {1, 1, 1, 1}, {2, 3, 1, 2}, {7, 17, 3, 1}, {13, 33, 7, 3}, {31, 16, 17, 5}, {40, 5, 5, 60}, {300, 64, 64, 64}, {64, 96, 128, 96},
        {270, 33, 96, 64}, {33, 40, 40, 24}, {20, 17, 31, 33}, {9, 20, 33, 31}, {65, 33, 640, 320}, {37, 20, 1300, 1290}, {70, 33, 2600, 40},
        {9, 1030, 17, 3000}, {35, 20, 2565, 2700},
    };
    // clang-format on
    for (const auto &[m, n, first, second] : of_two) {
        compare_of_two(set, {m, n, first + second, int((m + n) % 8), RainActivation((m + first) % 7), (m + second) % 2 == 0}, first);
    }
    const std::vector<std::array<long, 3>> gated = {{1, 1, 1},     {2, 3, 7},    {7, 16, 33},   {13, 17, 64},   {31, 32, 128},
                                                    {300, 96, 33}, {600, 5, 96}, {40, 7, 1300}, {70, 33, 2600}, {5, 20, 11000}};
    for (const auto &[m, columns, k] : gated) {
        for (int epilogue : {0, 1}) {
            compare_forward(set, {m, 2 * columns, k, epilogue, RAIN_ACT_NONE, (m + k) % 2 == 0, true}, 1.5 * split_error(set, k));
        }
    }
    const std::vector<Joint> joints = {
        {1, 1, {1}},           {7, 33, {3, 16, 5}},       {300, 64, {64, 64, 64}},   {31, 96, {96, 1, 33, 17}},
        {600, 128, {40, 200}}, {70, 2601, {33, 1030, 8}}, {513, 70, {7, 7, 7, 100}},
    };
    for (const Joint &joint : joints) {
        compare(
            Kernel::linear_joint, set, [&](RainPool *pool) { return joint.run(pool); }, tolerance(joint.k) + split_error(set, joint.k),
            joint.name());
    }
    for (int activation = RAIN_ACT_NONE; activation <= RAIN_ACT_SIGMOID; activation++) not_a_number(set, RainActivation(activation));
}

}  // namespace check
