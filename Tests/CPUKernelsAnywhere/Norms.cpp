// Normalisation and softmax.
#include <math.h>

#include <algorithm>

#include "Support.hpp"

namespace check {
namespace {

struct Group {
    long samples, positions, groups, width;
    RainActivation activation = RAIN_ACT_NONE;
    /// The inputs' mean: a large one must not swallow the variance.
    float offset = 0.3f;
    /// Of gamma: with a large one an activation meets numbers that its exponential must not.
    float gain = 1;

    long channels() const { return groups * width; }
    long rows() const { return samples * positions; }
    long count() const { return rows() * channels(); }
    std::string name() const {
        return text("%ld × %ld × %ld channels in %ld groups, activation %d, about %g, gain %g", samples, positions, channels(), groups,
                    activation, offset, gain);
    }
    /// Statistics of inputs far from zero lose what their mean's last bit is worth.
    double bound(double plain) const { return plain * (1 + fabs(double(offset)) * 8); }

    /// x, dy, gamma, beta
    Results numbers() const {
        Random random(uint64_t(count() + channels()));
        Results all;
        all.push_back(random.floats(count(), 1, offset));
        all.push_back(random.floats(count()));
        all.push_back(random.floats(channels(), gain, gain));
        all.push_back(random.floats(channels()));
        return all;
    }

    Results forward(RainPool *pool, const Results &numbers) const {
        const Guarded x(numbers[0]), gamma(numbers[2]), beta(numbers[3]), y(count());
        const Guarded scratch = bytes(RUN(group_norm_scratch_bytes, pool, samples, positions, channels(), groups));
        RUN(group_norm, pool, samples, positions, channels(), groups, 1e-5f, activation, x, gamma, beta, y, scratch.raw());
        return {y.values()};
    }

    /// The same of the first `first` channels in one tensor, and the others in another.
    Results of_two(RainPool *pool, const Results &numbers, long first) const {
        const Guarded x(part_of_rows(numbers[0], channels(), 0, first)), z(part_of_rows(numbers[0], channels(), first, channels()));
        const Guarded gamma(numbers[2]), beta(numbers[3]), y(count());
        const Guarded scratch = bytes(RUN(group_norm_scratch_bytes, pool, samples, positions, channels(), groups));
        RUN(group_norm_of_two, pool, samples, positions, first, channels() - first, groups, 1e-5f, activation, x, z, gamma, beta, y,
            scratch.raw());
        return {y.values()};
    }

    /// dx, dgamma, dbeta
    Results gradients(RainPool *pool, const Results &numbers) const {
        const Guarded x(numbers[0]), dy(numbers[1]), gamma(numbers[2]), beta(numbers[3]);
        const Guarded dx(count()), dgamma(channels()), dbeta(channels());
        const Guarded scratch = bytes(RUN(group_norm_gradient_scratch_bytes, pool, samples, positions, channels(), groups));
        RUN(group_norm_gradient, pool, samples, positions, channels(), groups, 1e-5f, activation, x, gamma, beta, dy, dx, dgamma, dbeta,
            scratch.raw());
        return {dx.values(), dgamma.values(), dbeta.values()};
    }

    Results layer_forward(RainPool *pool, const Results &numbers) const {
        const Guarded x(numbers[0]), gamma(numbers[2]), beta(numbers[3]), y(count());
        RUN(layer_norm, pool, rows(), channels(), 1e-5f, x, gamma, beta, y);
        return {y.values()};
    }

    Results layer_gradients(RainPool *pool, const Results &numbers) const {
        const Guarded x(numbers[0]), dy(numbers[1]), gamma(numbers[2]);
        const Guarded dx(count()), dgamma(channels()), dbeta(channels());
        const Guarded scratch = bytes(RUN(layer_norm_gradient_scratch_bytes, pool, rows(), channels()));
        RUN(layer_norm_gradient, pool, rows(), channels(), 1e-5f, x, gamma, dy, dx, dgamma, dbeta, scratch.raw());
        return {dx.values(), dgamma.values(), dbeta.values()};
    }
};

std::vector<Group> cases() {
    // clang-format off
    std::vector<Group> all = {
        {1, 1, 1, 2}, {3, 16, 8, 8}, {2, 256, 32, 2, RAIN_ACT_SILU}, {1, 3000, 3, 11, RAIN_ACT_SILU}, {2, 1500, 8, 4}, {5, 1, 4, 33},
        {1, 64, 2, 16, RAIN_ACT_NONE, 50}, {1, 2049, 2, 24, RAIN_ACT_NONE, -300},
        {2, 40, 2, 9, RAIN_ACT_SILU, 0.3f, 300}, {3, 1100, 2, 8, RAIN_ACT_SILU, 0.3f, 100}, {3, 130, 4, 32, RAIN_ACT_SILU},
    };
    // clang-format on
    const RainActivation activations[] = {RAIN_ACT_NONE, RAIN_ACT_SILU, RAIN_ACT_RELU, RAIN_ACT_GELU};
    Random random(4);
    for (int index = 0; index < 20; index++) {
        const long samples = 1 + random.below(3), positions = 1 + random.below(80), groups = random.pick({1, 2, 8});
        all.push_back({samples, positions, groups, random.pick({3, 5, 16, 33}), activations[index % 4]});
    }
    return all;
}

/// What one position alone has, however far from the others, counts like theirs: sums taken about it would drown the rest.
void one_far_position(const Set &set, long row) {
    const Group group = {2, 400, 4, 9};
    Results numbers = group.numbers();
    std::fill_n(numbers[0].begin() + row * group.channels(), group.channels(), 1000.0f);
    compare(
        Kernel::group_norm, set, [&](RainPool *pool) { return group.forward(pool, numbers); }, 1e-5, text("position %ld far off", row));
}

/// One number as far from the others as can be, just within and just beyond what SiLU takes unlimited.
void one_far_number(const Set &set, long positions, float gain) {
    const Group group = {1, positions, 1, 1, RAIN_ACT_SILU};
    Results numbers = {Floats(size_t(positions)), {}, {gain}, {0.5f}};
    numbers[0].back() = 1e4f;
    compare(
        Kernel::group_norm, set, [&](RainPool *pool) { return group.forward(pool, numbers); }, 1e-5,
        text("one of %ld far off, gain %g", positions, gain));
    const float expected = group.forward(set.plain, numbers)[0].back(), found = group.forward(set.pools[0], numbers)[0].back();
    expect(Kernel::group_norm, fabsf(found - expected) <= 1e-5f * std::max(1.0f, expected),
           text("the one itself is %g, expected %g", found, expected));
}

/// Numbers whose mean leaves no digits for their variance.
void one_of_large_numbers(const Set &set, float gain) {
    const Group group = {1, 64, 1, 1, RAIN_ACT_SILU};
    Results numbers = {Floats(64, 1e8f), {}, {gain}, {0}};
    numbers[0].back() += 8;
    const Floats found = group.forward(set.pools[0], numbers)[0];
    expect(Kernel::group_norm, std::all_of(found.begin(), found.end(), [](float v) { return isfinite(v); }) && found.back() >= 0,
           text("one of large numbers, gain %g, is %g", gain, found.back()));
}

void softmax(const Set &set, long rows, long channels) {
    Random random(uint64_t(22 + rows));
    const Floats numbers = random.floats(rows * channels, 30);
    auto run = [&](RainPool *pool, const Floats &values) {
        const Guarded x(values), y(values.size());
        RUN(softmax, pool, rows, channels, x, y);
        return y.values();
    };
    compare(
        Kernel::softmax, set, [&](RainPool *pool) { return Results{run(pool, numbers)}; }, 2e-6,
        text("softmax of %ld × %ld", rows, channels));
    Floats broken = numbers;
    const long at = rows * channels / 2;
    broken[size_t(at)] = NAN;
    const Floats found = run(set.pools[0], broken);
    for (long i = 0; i < rows * channels; i++) {
        expect(Kernel::softmax, bool(isnan(found[size_t(i)])) == (i / channels == at / channels), text("NaN in row %ld", at / channels));
    }
}

}  // namespace

void check_norms(const Set &set) {
    for (const Group &group : cases()) {
        const Results numbers = group.numbers();
        compare(Kernel::group_norm, set, [&](RainPool *pool) { return group.forward(pool, numbers); }, group.bound(2e-6), group.name());
        for (long first : {1L, 3L, 7L, 17L, group.channels() / 2, group.channels() - 1}) {
            if (first < 1 || first >= group.channels()) continue;
            auto of_two = [&](RainPool *pool) { return group.of_two(pool, numbers, first); };
            const std::string name = text("%ld + %ld of ", first, group.channels() - first) + group.name();
            compare(Kernel::group_norm_of_two, set, of_two, group.bound(2e-6), name);
            for (RainPool *pool : set.pools)
                expect(Kernel::group_norm_of_two, of_two(pool) == group.forward(pool, numbers), name + ": not the same bits");
        }
        // Slopes that cancel to next to nothing have no digits to compare: errors count relative to a hundredth at least.
        compare(
            Kernel::group_norm_gradient, set, [&](RainPool *pool) { return group.gradients(pool, numbers); }, group.bound(8e-6),
            group.name(), 1e-2);
        // Rows of a few nearly equal numbers have no variance to speak of.
        if (group.channels() < 8) continue;
        compare(
            Kernel::layer_norm, set, [&](RainPool *pool) { return group.layer_forward(pool, numbers); }, group.bound(3e-6), group.name());
        compare(
            Kernel::layer_norm_gradient, set, [&](RainPool *pool) { return group.layer_gradients(pool, numbers); }, group.bound(1e-5),
            group.name());
    }
    for (long row : {0, 5, 399}) one_far_position(set, row);
    for (float gain : {1, -1}) {
        one_far_number(set, 5700, gain);
        one_far_number(set, 9000, gain);
    }
    one_far_number(set, 90, 8);
    one_far_number(set, 90, -12);
    for (int gain = 1; gain < 10; gain++) one_of_large_numbers(set, float(gain));
    softmax(set, 1, 1);
    softmax(set, 3, 7);
    softmax(set, 5, 16);
    softmax(set, 64, 133);
    softmax(set, 2, 4096);
}

}  // namespace check
