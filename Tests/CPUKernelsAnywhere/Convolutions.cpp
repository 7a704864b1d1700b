// Convolutions, direct and by Winograd, and their gradients.
#include "Support.hpp"

namespace check {
namespace {

struct Shape {
    long batch, height, width, channels, out;
    long kernel_height = 3, kernel_width = 3, stride = 1;
    long top = 1, left = 1, bottom = 1, right = 1;
    bool upsample = false;
};

struct Convolution {
    RainConv s;
    bool silu;

    long inputs() const { return s.batch * s.height * s.width * s.channels; }
    long outputs() const { return s.batch * s.out_height * s.out_width * s.out_channels; }
    long weights() const { return s.channels * s.out_channels * s.kernel_height * s.kernel_width; }
    long terms() const { return s.channels * s.kernel_height * s.kernel_width; }
    bool fits_winograd() const { return s.kernel_height == 3 && s.kernel_width == 3 && s.stride == 1; }

    std::string name(RainConvAlgorithm algorithm) const {
        return text("%s of %ld × %ld × %ld × %ld → %ld, kernel %ld × %ld, stride %ld, padding %ld %ld %ld %ld%s",
                    algorithm == RAIN_CONV_WINOGRAD ? "Winograd" : "direct", s.batch, s.height, s.width, s.channels, s.out_channels,
                    s.kernel_height, s.kernel_width, s.stride, s.pad_top, s.pad_left, s.pad_bottom, s.pad_right,
                    s.upsample ? ", enlarged" : "");
    }

    struct Numbers {
        Floats x, w, dy, bias, samples;
    };
    Numbers numbers() const {
        Random random(uint64_t(inputs() * 3 + outputs() * 5 + weights()));
        Numbers n;
        n.x = random.floats(inputs());
        n.w = random.floats(weights());
        n.dy = random.floats(outputs());
        n.bias = random.floats(s.out_channels);
        n.samples = random.floats(s.batch * s.out_channels);
        return n;
    }

    Results forward(RainPool *pool, RainConvAlgorithm algorithm) const {
        const Numbers n = numbers();
        const Guarded x(n.x), w(n.w), bias(n.bias), samples(n.samples), residual(n.dy), y(outputs());
        const Guarded packed = bytes(RUN(conv_packed_bytes, pool, &s, algorithm));
        const Guarded scratch = bytes(RUN(conv_scratch_bytes, pool, &s, algorithm));
        RUN(conv_pack, pool, &s, algorithm, w, packed.raw());
        const RainEpilogue after = {bias, samples, s.out_height * s.out_width, residual, silu ? RAIN_ACT_SILU : RAIN_ACT_NONE, 0};
        RUN(conv, pool, &s, algorithm, x, packed.raw(), &after, y, scratch.raw());
        return {y.values()};
    }

    Results input_gradient(RainPool *pool, RainConvAlgorithm algorithm) const {
        const Numbers n = numbers();
        const Guarded w(n.w), dy(n.dy), dx(inputs());
        const Guarded packed = bytes(RUN(conv_input_gradient_packed_bytes, pool, &s, algorithm));
        const Guarded scratch = bytes(RUN(conv_input_gradient_scratch_bytes, pool, &s, algorithm));
        RUN(conv_input_gradient_pack, pool, &s, algorithm, w, packed.raw());
        RUN(conv_input_gradient, pool, &s, algorithm, dy, packed.raw(), dx, scratch.raw());
        return {dx.values()};
    }

    Results weight_gradient(RainPool *pool, RainConvAlgorithm algorithm) const {
        const Numbers n = numbers();
        const Guarded x(n.x), dy(n.dy), dw(weights());
        const Guarded scratch = bytes(RUN(conv_weight_gradient_scratch_bytes, pool, &s, algorithm));
        RUN(conv_weight_gradient, pool, &s, algorithm, x, dy, dw, scratch.raw());
        return {dw.values()};
    }
};

/// Named corners, and a seeded sample of everything.
std::vector<Convolution> convolutions() {
    // clang-format off
    std::vector<Shape> shapes = {
        {1, 1, 1, 1, 1}, {2, 1, 1, 7, 33}, {3, 4, 4, 16, 16}, {1, 5, 7, 33, 4}, {2, 16, 16, 64, 64}, {6, 16, 16, 33, 48},
        {5, 8, 8, 96, 64}, {4, 9, 3, 3, 16}, {2, 8, 8, 16, 33, 3, 3, 2}, {1, 7, 5, 4, 7, 3, 3, 2, 0, 0, 1, 1},
        {1, 16, 16, 3, 12, 4, 4, 4, 0, 0, 0, 0}, {2, 16, 16, 3, 48, 8, 8, 8, 0, 0, 0, 0}, {2, 12, 12, 33, 40, 1, 1, 1, 0, 0, 0, 0},
        {2, 6, 6, 33, 40, 1, 1, 2, 0, 0, 0, 0}, {2, 5, 6, 16, 33, 3, 3, 1, 1, 1, 1, 1, true},
        {1, 16, 16, 64, 32, 3, 3, 1, 1, 1, 1, 1, true}, {1, 6, 6, 4, 16, 3, 3, 2, 2, 0, 1, 2, true},
        {1, 5, 5, 3, 4, 5, 2, 3, 2, 1, 0, 0, true}, {1, 30, 30, 3, 8, 14, 14, 14, 0, 0, 0, 0},
        // Weights that do not fit the cache as points: few tiles, many, one; channels and columns that fill no block.
        {2, 9, 7, 150, 170}, {9, 16, 13, 67, 51}, {1, 3, 2, 211, 129}, {31, 4, 4, 61, 49}, {2, 6, 5, 149, 163, 3, 3, 1, 1, 1, 1, 1, true},
    };
    // clang-format on
    Random random(1);
    for (int index = 0; index < 120; index++) {
        const bool three = index % 2 == 0;
        Shape shape = {1 + random.below(3), 1 + random.below(9), 1 + random.below(9), random.pick({1, 3, 4, 7, 16, 33}),
                       random.pick({1, 3, 4, 7, 16, 33})};
        shape.kernel_height = three ? 3 : 1 + random.below(4);
        shape.kernel_width = three ? 3 : 1 + random.below(4);
        shape.stride = three ? 1 : 1 + random.below(3);
        for (long *side : {&shape.top, &shape.left, &shape.bottom, &shape.right}) *side = random.below(3);
        shape.upsample = random.below(4) == 0;
        shapes.push_back(shape);
    }
    std::vector<Convolution> all;
    for (const Shape &c : shapes) {
        const long enlarge = c.upsample ? 2 : 1;
        const long down = c.height * enlarge + c.top + c.bottom - c.kernel_height;
        const long across = c.width * enlarge + c.left + c.right - c.kernel_width;
        if (down < 0 || across < 0) continue;
        all.push_back({{c.batch, c.height, c.width, c.channels, c.out, c.kernel_height, c.kernel_width, c.stride, c.top, c.left, c.bottom,
                        c.right, down / c.stride + 1, across / c.stride + 1, c.upsample},
                       all.size() % 3 == 0});
    }
    return all;
}

}  // namespace

void check_convolutions(const Set &set) {
    for (const Convolution &c : convolutions()) {
        const long pixels = c.outputs() / c.s.out_channels;
        // The plain twin has one way for both.
        const Results y = c.forward(set.plain, RAIN_CONV_DIRECT);
        const bool gradients = !c.s.upsample;
        const Results dx = gradients ? c.input_gradient(set.plain, RAIN_CONV_DIRECT) : Results();
        const Results dw = gradients ? c.weight_gradient(set.plain, RAIN_CONV_DIRECT) : Results();
        for (const RainConvAlgorithm algorithm : {RAIN_CONV_DIRECT, RAIN_CONV_WINOGRAD}) {
            const bool may = algorithm == RAIN_CONV_DIRECT || c.fits_winograd(), must = algorithm == RAIN_CONV_DIRECT;
            const bool allowed = RUN(conv_allows, set.pools[0], &c.s, algorithm);
            expect(Kernel::conv_allows, allowed ? may : !must, c.name(algorithm));
        }
        const RainConvAlgorithm choice = RUN(conv_choose, set.pools[0], &c.s);
        expect(Kernel::conv_choose, RUN(conv_allows, set.pools[0], &c.s, choice), c.name(choice));
        for (const RainConvAlgorithm algorithm : {RAIN_CONV_DIRECT, RAIN_CONV_WINOGRAD}) {
            if (algorithm == RAIN_CONV_WINOGRAD && !c.fits_winograd()) continue;
            // Winograd's transforms multiply rounding errors some ten times (arXiv 1509.09308, section 5).
            const double factor = algorithm == RAIN_CONV_WINOGRAD ? 12 : 1, split = 2 * set.product_error * factor;
            const std::string name = c.name(algorithm);
            auto by_all = [&](Kernel kernel, const Results &expected, double bound, auto run) {
                compare(kernel, set, [&](RainPool *pool) { return pool == set.plain ? expected : run(pool); }, bound, name);
            };
            by_all(Kernel::conv, y, tolerance(c.terms(), factor) + split, [&](RainPool *pool) { return c.forward(pool, algorithm); });
            if (!gradients) continue;
            by_all(Kernel::conv_input_gradient, dx, tolerance(c.terms() * 4, factor) + split,
                   [&](RainPool *pool) { return c.input_gradient(pool, algorithm); });
            by_all(Kernel::conv_weight_gradient, dw, tolerance(pixels, factor),
                   [&](RainPool *pool) { return c.weight_gradient(pool, algorithm); });
        }
    }
}

}  // namespace check
