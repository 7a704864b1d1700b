#include "Support.hpp"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace check {
namespace {

struct Account {
    long calls = 0, results = 0, bad = 0;
    double worst = 0;  // as part of its bound
};

constexpr const char *names[] = {
#define RAIN_NAME(name) #name,
    RAIN_KERNELS(RAIN_NAME)
#undef RAIN_NAME
};
constexpr size_t kernels = sizeof names / sizeof *names;
Account accounts[kernels];
Kernel current;

Account &account(Kernel kernel) { return accounts[size_t(kernel)]; }

/// Kernels that another one's results stand for: sizes are right where nothing beyond them is touched.
bool speaks_through_others(std::string_view name) { return name.ends_with("_bytes") || name.ends_with("_pack"); }

}  // namespace

uint64_t Random::next() {
    state += 0x9E3779B97F4A7C15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

Floats Random::floats(long count, float scale, float offset) {
    Floats values(static_cast<size_t>(count));
    for (float &value : values) value = offset + scale * (float(next() >> 40) / float(1 << 23) - 1);
    return values;
}

Floats part_of_rows(const Floats &rows, long width, long begin, long end) {
    Floats part;
    for (auto row = rows.begin(); row < rows.end(); row += width) part.insert(part.end(), row + begin, row + end);
    return part;
}

Guarded::Guarded(long wanted) : count(size_t(wanted)) {
    const size_t page = size_t(sysconf(_SC_PAGESIZE)), inside = (count * sizeof(float) + page - 1) / page * page;
    length = inside + 2 * page;
    void *memory = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || (inside > 0 && mprotect(static_cast<char *>(memory) + page, inside, PROT_READ | PROT_WRITE) != 0)) {
        fprintf(stderr, "kernels: no memory for %zu floats\n", count);
        exit(1);
    }
    base = static_cast<char *>(memory);
    floats = reinterpret_cast<float *>(base + page + inside) - count;
    memset(base + page, 0xA5, size_t(reinterpret_cast<char *>(floats) - base) - page);
    std::fill(floats, floats + count, NAN);
}

Guarded::Guarded(const Floats &values) : Guarded(long(values.size())) { std::copy(values.begin(), values.end(), floats); }

Guarded::Guarded(Guarded &&other) noexcept : base(other.base), length(other.length), count(other.count), floats(other.floats) {
    other.base = nullptr;
}

Guarded::~Guarded() {
    if (!base) return;
    const char *begin = base + sysconf(_SC_PAGESIZE), *end = reinterpret_cast<char *>(floats);
    expect(current, std::all_of(begin, end, [](char c) { return c == char(0xA5); }), "wrote before a tensor's beginning");
    account(current).results--;  // a guard is not a result
    munmap(base, length);
}

void enter(Kernel kernel, const RainPool *pool) {
    current = kernel;
    if (rain_pool_isa(pool) != RAIN_ISA_PLAIN) account(kernel).calls++;
}

/// The kernel that was called last, for the handler of signals.
const char *current_name() { return names[size_t(current)]; }

double tolerance(long terms, double factor) { return 0x1p-24 * sqrt(double(terms)) * 16 * factor + 4e-7; }
double split_error(const Set &set, long terms) { return 2 * set.product_error * sqrt(double(terms)); }

void expect(Kernel kernel, bool good, const std::string &text) {
    Account &a = account(kernel);
    a.results++;
    if (good) return;
    // The first few say what is wrong; thousands would hide it.
    if (a.bad++ < 3) printf("  %s: %s\n", names[size_t(kernel)], text.c_str());
}

void agree(Kernel kernel, const Floats &found, const Floats &expected, double bound, const std::string &text, double least) {
    double largest = least, worst = 0;
    size_t place = 0;
    for (size_t i = 0; i < expected.size(); i++) {
        const double a = found[i], b = expected[i];
        if (isfinite(b)) largest = std::max(largest, fabs(b));
        double difference = fabs(a - b);
        if (a == b || (isnan(a) && isnan(b))) difference = 0;
        if (!isfinite(difference)) difference = INFINITY;
        if (difference > worst) worst = difference, place = i;
    }
    const double error = worst / largest;
    const bool good = found.size() == expected.size() && error <= bound;
    if (bound > 0 && isfinite(error)) account(kernel).worst = std::max(account(kernel).worst, error / bound);
    if (good) return expect(kernel, true, {});
    expect(kernel, false,
           check::text("%s: number %zu of %zu is %g, expected %g: off by %.2g of the largest, at most %.2g", text.c_str(), place,
                       expected.size(), place < found.size() ? found[place] : NAN, expected[place], error, bound));
}

Floats joined(const Results &results) {
    Floats all;
    for (const Floats &one : results) all.insert(all.end(), one.begin(), one.end());
    return all;
}

std::string text(const char *format, ...) {
    char line[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return line;
}

bool report(const Set &set) {
    size_t wrong = 0;
    for (size_t i = 0; i < kernels; i++) {
        const Account &a = accounts[i];
        const bool other = speaks_through_others(names[i]), tried = a.calls > 0 && (other || a.results > 0);
        const bool good = tried && a.bad == 0;
        wrong += !good;
        printf("%-8s %-40s %7ld calls", good ? "ok" : tried ? "WRONG" : "NOT RUN", names[i], a.calls);
        if (!other) printf(" %7ld results, %ld wrong, errors up to %2.0f %% of the bound", a.results, a.bad, 100 * a.worst);
        printf("\n");
        accounts[i] = {};
    }
    if (wrong == 0) {
        printf("%s: all %zu kernels agree with their plain twins\n", set.name, kernels);
    } else {
        printf("%s: %zu of %zu kernels are wrong or were not run\n", set.name, wrong, kernels);
    }
    return wrong == 0;
}

}  // namespace check
