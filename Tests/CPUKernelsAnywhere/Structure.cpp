// What moves, joins and sums numbers without weights.
#include <math.h>

#include <numeric>
#include <utility>

#include "Support.hpp"

namespace check {
namespace {

/// Random ranks, permutations and broadcasts.
void strided(const Set &set, Random &random, int index) {
    const int rank = int(random.below(6));
    std::vector<long> dims(size_t(rank), 1);
    for (long &dim : dims) dim = random.below(4) == 0 ? 1 : 1 + random.below(index % 9 == 0 ? 20 : 9);
    const long count = std::accumulate(dims.begin(), dims.end(), 1L, [](long a, long b) { return a * b; });
    if (count > 50000) return;
    std::vector<int> order(static_cast<size_t>(rank));
    std::iota(order.begin(), order.end(), 0);
    auto strides = [&] {
        std::vector<long> result(size_t(rank), 0);
        long step = 1;
        for (int i = rank - 1; i >= 0; i--) {
            result[size_t(order[size_t(i)])] = step;
            step *= dims[size_t(order[size_t(i)])];
        }
        return result;
    };
    auto some_zero = [&](std::vector<long> from, long one_in) {
        for (long &stride : from) stride = random.below(one_in) == 0 ? 0 : stride;
        return from;
    };
    const std::vector<long> dense = strides();
    for (int axis = rank - 1; axis >= 0; axis--) {
        if (random.below(2) == 0) std::swap(order[size_t(axis)], order[size_t(random.below(axis + 1))]);
    }
    const std::vector<long> turned = strides(), from_broadcast = some_zero(dense, 5), other_broadcast = some_zero(turned, 3);
    Floats left = random.floats(count), right = random.floats(count, 1, 2);
    const RainBinary kind = RainBinary(index % 7);
    std::string name = text("kind %d, dims", kind);
    for (int axis = 0; axis < rank; axis++) name += text(" %ld", dims[size_t(axis)]);
    // The smaller and the larger of a number and NaN is NaN.
    if (kind == RAIN_BINARY_MINIMUM || kind == RAIN_BINARY_MAXIMUM) left[size_t(count / 2)] = right[size_t(count / 3)] = NAN;
    const Guarded x(left), z(right);
    auto copies = [&](RainPool *pool) {
        const Guarded there(count), back(count);
        RUN(copy_strided, pool, rank, dims.data(), x, from_broadcast.data(), there, turned.data());
        RUN(copy_strided, pool, rank, dims.data(), x, turned.data(), back, dense.data());
        return Results{there.values(), back.values()};
    };
    auto joins = [&](RainPool *pool) {
        const Guarded y(count);
        RUN(binary, pool, kind, rank, dims.data(), x, (index % 5 == 0 ? from_broadcast : dense).data(), z, other_broadcast.data(), y);
        return Results{y.values()};
    };
    compare(Kernel::copy_strided, set, copies, 0, name);
    compare(Kernel::binary, set, joins, 3e-7, name);
}

void sums(const Set &set, long outer, long middle, long inner) {
    const Guarded x(Random(uint64_t(outer + middle)).floats(outer * middle * inner));
    auto run = [&](RainPool *pool) {
        const Guarded y(outer * inner);
        const Guarded scratch = bytes(RUN(reduce_sum_scratch_bytes, pool, outer, middle, inner));
        RUN(reduce_sum, pool, outer, middle, inner, x, y, scratch.raw());
        return Results{y.values()};
    };
    compare(Kernel::reduce_sum, set, run, 1e-6 * sqrt(double(middle)) + 1e-6, text("%ld × %ld × %ld", outer, middle, inner), 1);
}

void sizes(const Set &set, long batch, long height, long width, long channels) {
    const long count = batch * height * width * channels;
    Random random{uint64_t(count)};
    const Guarded x(random.floats(count)), large(random.floats(4 * count));
    const std::string name = text("%ld × %ld × %ld × %ld", batch, height, width, channels);
    auto enlarged = [&](RainPool *pool) {
        const Guarded y(4 * count);
        RUN(upsample_nearest, pool, batch, height, width, channels, x, y);
        return Results{y.values()};
    };
    auto reduced = [&](RainPool *pool) {
        const Guarded y(count);
        RUN(sum_pool, pool, batch, height, width, channels, large, y);
        return Results{y.values()};
    };
    compare(Kernel::upsample_nearest, set, enlarged, 0, name);
    compare(Kernel::sum_pool, set, reduced, 3e-7, name);
}

void affine_and_fill(const Set &set, long count) {
    const Guarded x(Random(uint64_t(count)).floats(count));
    auto affine = [&](RainPool *pool) {
        const Guarded y(count);
        RUN(affine, pool, count, 1.5f, -0.25f, x, y);
        return Results{y.values()};
    };
    auto fill = [&](RainPool *pool) {
        const Guarded y(count);
        RUN(fill, pool, count, 3.0f, y);
        return Results{y.values()};
    };
    compare(Kernel::affine, set, affine, 3e-7, text("%ld numbers", count), 1);
    compare(Kernel::fill, set, fill, 0, text("%ld numbers", count));
}

}  // namespace

void check_structure(const Set &set) {
    Random random(11);
    for (int index = 0; index < 250; index++) strided(set, random, index);
    for (const auto &s :
         std::vector<std::vector<long>>{{1, 1, 1}, {3, 5, 7}, {40, 256, 3}, {2, 257, 16}, {1, 3000, 40}, {7, 1, 129}, {5, 700, 1}}) {
        sums(set, s[0], s[1], s[2]);
    }
    for (const auto &s : std::vector<std::vector<long>>{{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 16, 16, 33}, {3, 20, 9, 16}}) {
        sizes(set, s[0], s[1], s[2], s[3]);
    }
    for (long count : {1, 15, 33, 50000}) affine_and_fill(set, count);
}

}  // namespace check
