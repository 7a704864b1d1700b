// Attention over pixels, with and without a reference.
#include <math.h>

#include "Support.hpp"

namespace check {
namespace {

struct Attention {
    RainAttention s;

    Attention(long batch, long queries, long keys, long heads, long size, long references = 0, long reference_keys = 0, long extra = 0) {
        const long channels = heads * size, stride = channels + extra;
        s = {batch, queries, keys, channels, heads, references, reference_keys, 2 / sqrtf(float(size)), stride, stride, stride};
    }

    std::string name() const {
        return text("%ld × %ld queries × %ld + %ld keys, %ld channels in %ld heads, stride %ld", s.batch, s.queries, s.keys,
                    s.reference_keys, s.channels, s.heads, s.q_stride);
    }
    long results() const { return s.batch * s.queries * s.channels; }
    long references() const { return s.reference_batch * s.reference_keys * s.channels; }

    /// What split products lose: scores are off by their error times scale · Σ|q·k|, half of √size on average here, probabilities by as
    /// much relatively, and results by twice the products' own besides.
    double split_error(const Set &set) const { return set.product_error * (2 + sqrt(double(s.channels / s.heads)) / 2); }

    /// q, k, v, the reference's k and v, dy. The last row of a matrix of wider rows ends with its channels.
    Results numbers() const {
        Random random(uint64_t(results() + s.keys));
        const long q = (s.batch * s.queries - 1) * s.q_stride + s.channels, k = (s.batch * s.keys - 1) * s.k_stride + s.channels;
        Results all;
        for (long count : {q, k, k, references(), references(), results()}) all.push_back(random.floats(count));
        return all;
    }

    Results forward(RainPool *pool, const Results &numbers) const {
        const Guarded q(numbers[0]), k(numbers[1]), v(numbers[2]), rk(numbers[3]), rv(numbers[4]), y(results());
        const Guarded scratch = bytes(RUN(attention_scratch_bytes, pool, &s));
        RUN(attention, pool, &s, q, k, v, rk, rv, y, scratch.raw());
        return {y.values()};
    }

    /// All five in one tensor: differences of scores cancel, so errors are relative to the largest slope of any of the inputs.
    Results gradients(RainPool *pool, const Results &numbers) const {
        const Guarded q(numbers[0]), k(numbers[1]), v(numbers[2]), rk(numbers[3]), rv(numbers[4]), dy(numbers[5]);
        const long own = s.batch * s.keys * s.channels, reference = references();
        const Guarded dq(results()), dk(own), dv(own), drk(reference), drv(reference);
        const Guarded scratch = bytes(RUN(attention_gradient_scratch_bytes, pool, &s));
        RUN(attention_gradient, pool, &s, q, k, v, rk, rv, dy, dq, dk, dv, reference ? drk : nullptr, reference ? drv : nullptr,
            scratch.raw());
        return {joined({dq.values(), dk.values(), dv.values(), drk.values(), drv.values()})};
    }
};

std::vector<Attention> cases() {
    // clang-format off
    std::vector<Attention> all = {
        {1, 1, 1, 1, 1}, {2, 16, 16, 2, 32}, {2, 40, 300, 4, 16, 2, 260}, {4, 33, 33, 3, 32, 2, 300, 9}, {3, 7, 5, 1, 40, 1, 1},
        {1, 100, 1, 2, 20}, {1, 65, 700, 2, 48, 0, 0, 32},
        // More queries than one thread takes, heads wider than any block, references that end within one.
        {2, 300, 131, 1, 33, 1, 37}, {1, 150, 1100, 1, 160}, {1, 17, 31, 1, 257}, {4, 16, 16, 2, 160, 2, 16}, {3, 64, 64, 2, 80, 1, 64},
    };
    // clang-format on
    Random random(2);
    for (int index = 0; index < 40; index++) {
        const long batch = 1 + random.below(4), references = index % 2 == 0 ? 0 : batch % 2 == 0 ? batch / 2 : 1;
        const long queries = 1 + random.below(40), keys = 1 + random.below(70), heads = random.pick({1, 2, 4});
        const long size = random.pick({1, 5, 8, 16, 20, 33, 40}), reference_keys = references > 0 ? 1 + random.below(50) : 0;
        all.emplace_back(batch, queries, keys, heads, size, references, reference_keys, random.pick({0, 0, 7}));
    }
    return all;
}

/// Softmax must neither hide what is not a number nor spread it to other queries, heads or channels.
void not_a_number(const Set &set) {
    const Attention attention(2, 37, 45, 2, 20, 1, 19);
    const long channels = 40, rows = 37;
    struct Place {
        long tensor, index;
    };
    for (const Place at : {Place{0, 5 * channels + 3}, {1, 44 * channels + 21}, {2, 7 * channels + 11}, {3, 18 * channels}, {4, 39}}) {
        Results numbers = attention.numbers();
        numbers[size_t(at.tensor)][size_t(at.index)] = NAN;
        const Floats y = attention.forward(set.pools[1], numbers)[0];
        for (long i = 0; i < long(y.size()); i++) {
            const long sample = i / channels / rows, row = i / channels % rows, channel = i % channels;
            const bool head = channel / 20 == at.index % channels / 20, own = sample == 0, same = channel == at.index % channels;
            const bool expected[] = {own && head && row == 5, own && head, own && same, head, same};
            expect(Kernel::attention, bool(isnan(y[size_t(i)])) == expected[at.tensor],
                   text("NaN in tensor %ld at sample %ld, row %ld, channel %ld", at.tensor, sample, row, channel));
        }
    }
}

/// Scores far from zero and far apart: maxima grow from block to block, most probabilities vanish.
void large_scores(const Set &set) {
    Attention attention(2, 50, 333, 1, 24, 1, 300);
    attention.s.scale = 20;
    Results numbers = attention.numbers();
    for (size_t tensor : {1, 3}) {
        Floats &keys = numbers[tensor];
        for (size_t i = 0; i < keys.size(); i++) keys[i] *= 0.1f + float(i) / float(keys.size());
    }
    // A score of s is off by 2⁻²⁴ · s or, from split products, 2⁻¹⁷ · s.
    const double scores = 20 * 24 * 0.25;
    compare(
        Kernel::attention, set, [&](RainPool *pool) { return attention.forward(pool, numbers); },
        scores * (0x1p-21 + 2 * set.product_error), "large scores");
}

struct Temporal {
    long batch, frames, positions, heads, size;

    long count() const { return batch * frames * positions * heads * size; }
    RainTemporalAttention geometry() const { return {batch, frames, positions, heads * size, heads, 2 / sqrtf(float(size))}; }
    std::string name() const { return text("%ld × %ld frames × %ld positions, %ld heads of %ld", batch, frames, positions, heads, size); }

    Results forward(RainPool *pool) const {
        Random random{uint64_t(count())};
        const RainTemporalAttention s = geometry();
        const Guarded q(random.floats(count())), k(random.floats(count())), v(random.floats(count())), y(count());
        RUN(temporal_attention, pool, &s, q, k, v, y);
        return {y.values()};
    }

    Results gradients(RainPool *pool) const {
        Random random{uint64_t(count())};
        const RainTemporalAttention s = geometry();
        const Guarded q(random.floats(count())), k(random.floats(count())), v(random.floats(count())), dy(random.floats(count()));
        const Guarded dq(count()), dk(count()), dv(count());
        RUN(temporal_attention_gradient, pool, &s, q, k, v, dy, dq, dk, dv);
        return {joined({dq.values(), dk.values(), dv.values()})};
    }
};

}  // namespace

void check_attention(const Set &set) {
    for (const Attention &attention : cases()) {
        const Results numbers = attention.numbers();
        compare(
            Kernel::attention, set, [&](RainPool *pool) { return attention.forward(pool, numbers); }, 4e-6 + attention.split_error(set),
            attention.name());
        compare(
            Kernel::attention_gradient, set, [&](RainPool *pool) { return attention.gradients(pool, numbers); }, 1e-5, attention.name());
    }
    not_a_number(set);
    large_scores(set);
}

void check_temporal_attention(const Set &set) {
    // Also more frames than two vectors hold, and a last one alone.
    std::vector<Temporal> all = {{1, 1, 1, 1, 1},   {1, 16, 64, 8, 8}, {2, 32, 3, 2, 40},  {1, 33, 2, 2, 8}, {1, 12, 5, 3, 32},
                                 {1, 17, 3, 2, 40}, {1, 24, 2, 2, 27}, {1, 31, 2, 1, 160}, {2, 31, 5, 2, 20}};
    Random random(3);
    for (int index = 0; index < 40; index++) {
        const long batch = 1 + random.below(2), frames = random.pick({1, 2, 3, 4, 5, 8, 12, 16}), positions = 1 + random.below(20);
        const long heads = random.pick({1, 2, 8});
        all.push_back({batch, frames, positions, heads, random.pick({1, 4, 7, 8, 10, 16, 40})});
    }
    for (const Temporal &t : all) {
        compare(Kernel::temporal_attention, set, [&](RainPool *pool) { return t.forward(pool); }, 3e-6, t.name());
        compare(Kernel::temporal_attention_gradient, set, [&](RainPool *pool) { return t.gradients(pool); }, 4e-6, t.name());
    }
}

}  // namespace check
