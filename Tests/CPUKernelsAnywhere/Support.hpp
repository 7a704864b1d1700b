// What the checks of the kernels share: numbers, guarded memory, pools, and the account of what agreed.
#pragma once
#include <stdint.h>

#include <string>
#include <vector>

#include "Table.hpp"

namespace check {

using Floats = std::vector<float>;
/// The tensors that a kernel made.
using Results = std::vector<Floats>;

enum class Kernel {
#define RAIN_NAME(name) name,
    RAIN_KERNELS(RAIN_NAME)
#undef RAIN_NAME
};

/// An instruction set at work.
struct Set {
    RainISA isa;
    const char *name;
    /// Relative error of a product besides what sums of floats lose: 2⁻¹⁷ where floats are split.
    double product_error;
    RainPool *plain;
    /// Of one thread and of two.
    std::vector<RainPool *> pools;
};

/// Repeatable numbers, those of the Swift tests.
class Random {
public:
    explicit Random(uint64_t seed) : state(seed) {}
    uint64_t next();
    long below(long count) { return long(next() % uint64_t(count)); }
    long pick(const std::vector<long> &values) { return values[size_t(below(long(values.size())))]; }
    /// Evenly in ±scale, about `offset`.
    Floats floats(long count, float scale = 1, float offset = 0);

private:
    uint64_t state;
};

/// Columns [begin, end) of rows of `width` numbers.
Floats part_of_rows(const Floats &rows, long width, long begin, long end);

/// Memory between two pages nobody may touch. It ends with the second; the few bytes behind the first are looked at in the end.
class Guarded {
public:
    /// Filled with NaN: what a kernel must not read shows up in its results.
    explicit Guarded(long count);
    explicit Guarded(const Floats &values);
    ~Guarded();
    Guarded(const Guarded &) = delete;
    Guarded(Guarded &&other) noexcept;

    operator float *() const { return floats; }
    void *raw() const { return floats; }
    Floats values() const { return Floats(floats, floats + count); }

private:
    char *base;
    size_t length, count;
    float *floats;
};

inline Guarded bytes(size_t count) { return Guarded(long((count + 3) / 4)); }

/// Notes that `kernel` is called next, for the account and for who looks into a crash.
void enter(Kernel kernel, const RainPool *pool);
#define RUN(name, pool, ...) (check::enter(check::Kernel::name, pool), rain_##name(pool, __VA_ARGS__))

/// What a chain of `terms` float multiply-adds may lose, with room for uneven terms: 2⁻²⁴ · √terms · 16.
double tolerance(long terms, double factor = 1);
/// 2⁻¹⁷ · √terms · 2 where floats are split, else 0.
double split_error(const Set &set, long terms);

/// Counts a result of `kernel`; prints what `text` describes where `good` is false.
void expect(Kernel kernel, bool good, const std::string &text);

/// Differences relative to the largest value expected, or to `least` where that is more, must stay below `bound`; what is not a number
/// must be so on both sides.
void agree(Kernel kernel, const Floats &found, const Floats &expected, double bound, const std::string &text, double least = 1e-30);

/// run(pool) → Results by the plain twin and by all pools of the set: each tensor agrees, and the number of threads changes no bit.
template <class Run>
void compare(Kernel kernel, const Set &set, const Run &run, double bound, const std::string &text, double least = 1e-30) {
    const Results expected = run(set.plain);
    Results first;
    for (RainPool *pool : set.pools) {
        Results found = run(pool);
        for (size_t i = 0; i < expected.size(); i++) agree(kernel, found[i], expected[i], bound, text, least);
        if (first.empty()) {
            first = std::move(found);
            continue;
        }
        for (size_t i = 0; i < first.size(); i++) agree(kernel, found[i], first[i], 0, text + ", against one thread");
    }
}

Floats joined(const Results &results);
std::string text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Prints a line per kernel and says whether all were tried and agreed; begins anew.
bool report(const Set &set);

void check_linear(const Set &set);
void check_convolutions(const Set &set);
void check_attention(const Set &set);
void check_temporal_attention(const Set &set);
void check_norms(const Set &set);
void check_elementwise(const Set &set);
void check_structure(const Set &set);
void check_windows(const Set &set);

}  // namespace check
