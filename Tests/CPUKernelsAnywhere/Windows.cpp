// Windows of one channel each, and sampling.
#include <math.h>
#include <stdlib.h>

#include "Support.hpp"

namespace check {
namespace {

Floats depthwise(RainPool *pool, const RainConv &s, const Results &numbers, bool whole, RainActivation activation) {
    const Guarded x(numbers[0]), w(numbers[1]), bias(numbers[2]), samples(numbers[3]), residual(numbers[4]), y(numbers[4].size());
    RainEpilogue after = {nullptr, nullptr, 1, nullptr, activation, 0};
    if (whole) after = {bias, samples, s.out_height * s.out_width, residual, activation, 0};
    RUN(conv_depthwise, pool, &s, x, w, &after, y);
    return y.values();
}

Floats pooled(RainPool *pool, const RainConv &s, const Floats &numbers) {
    const Guarded x(numbers), y(s.batch * s.out_height * s.out_width * s.channels);
    RUN(max_pool, pool, &s, x, y);
    return y.values();
}

void windows(const Set &set, Random &random) {
    const long kernel_height = 1 + random.below(6), kernel_width = 1 + random.below(6);
    const long top = random.below(kernel_height), left = random.below(kernel_width), bottom = random.below(kernel_height);
    const long right = random.below(kernel_width), height = kernel_height + random.below(12), width = kernel_width + random.below(14);
    const long stride = 1 + random.below(3), batch = 1 + random.below(2), channels = random.pick({1, 3, 8, 16, 31, 65});
    const long out_height = (height + top + bottom - kernel_height) / stride + 1,
               out_width = (width + left + right - kernel_width) / stride + 1;
    const RainConv s = {batch,  height, width,      channels,  channels, kernel_height, kernel_width, stride, top, left,
                        bottom, right,  out_height, out_width, 0};
    Results numbers;
    for (long count : {batch * height * width * channels, kernel_height * kernel_width * channels, channels, batch * channels,
                       batch * out_height * out_width * channels}) {
        numbers.push_back(random.floats(count));
    }
    const RainActivation activations[] = {RAIN_ACT_NONE, RAIN_ACT_SILU, RAIN_ACT_RELU};
    const RainActivation activation = activations[random.below(3)];
    const std::string name = text("%ld × %ld × %ld × %ld, window %ld × %ld, stride %ld, padding %ld %ld %ld %ld, activation %d", batch,
                                  height, width, channels, kernel_height, kernel_width, stride, top, left, bottom, right, activation);
    // An activation may leave next to nothing of a few sums: errors count relative to a tenth at least.
    for (const bool whole : {false, true}) {
        compare(
            Kernel::conv_depthwise, set, [&](RainPool *pool) { return Results{depthwise(pool, s, numbers, whole, activation)}; },
            tolerance(kernel_height * kernel_width), name, 0.1);
    }
    compare(Kernel::max_pool, set, [&](RainPool *pool) { return Results{pooled(pool, s, numbers[0])}; }, 0, name);
}

void sampling(const Set &set, Random &random) {
    const long pictures = 1 + random.below(2);
    const RainSampling s = {pictures,
                            pictures * (1 + random.below(3)),
                            1 + random.below(9),
                            1 + random.below(9),
                            random.pick({1, 3, 4, 5, 16, 33}),
                            2 + random.below(3),
                            2 + random.below(5),
                            1 + random.below(7),
                            random.pick({1, 5, 16, 63, 64, 65, 131})};
    const Floats x = random.floats(s.pictures * s.height * s.width * s.channels);
    const Floats grid = random.floats(s.samples * s.grid_height * s.grid_width * 2, 1.4f);
    const Floats dy = random.floats(s.samples * s.out_height * s.out_width * s.channels);
    const std::string name = text("%ld × %ld × %ld from %ld × %ld × %ld, mesh %ld × %ld, %ld of %ld", s.out_height, s.out_width,
                                  s.channels, s.height, s.width, s.channels, s.grid_height, s.grid_width, s.samples, s.pictures);
    const Guarded from(x), mesh(grid), gradient(dy);
    compare(
        Kernel::sample, set,
        [&](RainPool *pool) {
            const Guarded y(long(dy.size()));
            RUN(sample, pool, &s, from, mesh, y);
            return Results{y.values()};
        },
        1e-5, name);
    compare(
        Kernel::sample_gradient, set,
        [&](RainPool *pool) {
            const Guarded dx(long(x.size())), dgrid(long(grid.size()));
            RUN(sample_gradient, pool, &s, from, mesh, gradient, dx, dgrid);
            return Results{dx.values(), dgrid.values()};
        },
        1e-4, name);
    const long layers = 1 + random.below(6);
    const Floats stack = random.floats(layers * s.pictures * s.height * s.width * 4, 0.5f, 0.5f);
    const Floats grids = random.floats(layers * s.samples * s.grid_height * s.grid_width * 2, 1.4f);
    const long pixels = s.samples * s.out_height * s.out_width;
    const Guarded stacked(stack), meshes(grids);
    RainSampling four = s;
    four.channels = 4;
    compare(
        Kernel::composite, set,
        [&](RainPool *pool) {
            const Guarded y(pixels * 4), alphas(pixels * layers);
            RUN(composite, pool, &four, layers, stacked, meshes, y, alphas);
            return Results{y.values(), alphas.values()};
        },
        2e-5, name);
    const Guarded front(random.floats(pixels * 4)), back(random.floats(pixels * 4));
    compare(
        Kernel::over, set,
        [&](RainPool *pool) {
            const Guarded y(pixels * 4);
            RUN(over, pool, pixels, front, back, y);
            return Results{y.values()};
        },
        1e-6, name);
}

void not_a_number(const Set &set, long channels, long place) {
    const RainConv s = {1, 5, 5, channels, channels, 3, 3, 1, 1, 1, 1, 1, 5, 5, 0};
    Floats x(size_t(25 * channels), 1);
    x[size_t(place * channels)] = NAN;
    const Floats y = pooled(set.pools[0], s, x);
    for (long i = 0; i < 25 * channels; i++) {
        const long pixel = i / channels;
        const bool near = labs(pixel / 5 - place / 5) <= 1 && labs(pixel % 5 - place % 5) <= 1 && i % channels == 0;
        expect(Kernel::max_pool, bool(isnan(y[size_t(i)])) == near,
               text("NaN at %ld, looked at %ld of %ld channels", place, i, channels));
    }
}

}  // namespace

void check_windows(const Set &set) {
    Random random(21);
    for (int index = 0; index < 60; index++) windows(set, random);
    for (int index = 0; index < 40; index++) sampling(set, random);
    for (long channels : {1, 8, 19}) {
        for (long place : {0, 7, 24}) not_a_number(set, channels, place);
    }
}

}  // namespace check
