// Plain depthwise convolution, max pooling and softmax: loops that read as the definition, sums in double.
#include "Pool.hpp"
#include "Scalar.hpp"

namespace rain::plain {
namespace {

/// body(offset of the pixel in x, number of the tap) for every tap of one result that lies inside the picture.
template <class Body>
void each_tap(const RainConv &s, long pixel, Body &&body) {
    const long ox = pixel % s.out_width, oy = pixel / s.out_width % s.out_height, image = pixel / s.out_width / s.out_height;
    for (long ky = 0; ky < s.kernel_height; ky++) {
        const long iy = oy * s.stride - s.pad_top + ky;
        if (iy < 0 || iy >= s.height) continue;
        for (long kx = 0; kx < s.kernel_width; kx++) {
            const long ix = ox * s.stride - s.pad_left + kx;
            if (ix < 0 || ix >= s.width) continue;
            body(((image * s.height + iy) * s.width + ix) * s.channels, ky * s.kernel_width + kx);
        }
    }
}

}  // namespace

void conv_depthwise(RainPool *pool, const RainConv *conv, const float *x, const float *w, const RainEpilogue *epilogue, float *y) {
    const RainConv s = *conv;
    const RainEpilogue e = epilogue ? *epilogue : RainEpilogue{};
    parallel_ranges(pool, s.batch * s.out_height * s.out_width, 1, 1, [&](long begin, long end, int) {
        for (long pixel = begin; pixel < end; pixel++) {
            for (long c = 0; c < s.channels; c++) {
                const long at = pixel * s.channels + c;
                double sum = 0;
                each_tap(s, pixel, [&](long from, long tap) { sum += double(x[from + c]) * w[tap * s.channels + c]; });
                if (e.bias) sum += e.bias[c];
                if (e.sample_bias) sum += e.sample_bias[pixel / e.rows_per_sample * s.channels + c];
                if (e.residual) sum += e.residual[at];
                y[at] = float(activate(e.activation, sum));
            }
        }
    });
}

void max_pool(RainPool *pool, const RainConv *conv, const float *x, float *y) {
    const RainConv s = *conv;
    parallel_ranges(pool, s.batch * s.out_height * s.out_width, 1, 1, [&](long begin, long end, int) {
        for (long pixel = begin; pixel < end; pixel++) {
            for (long c = 0; c < s.channels; c++) {
                float best = -INFINITY;
                each_tap(s, pixel, [&](long from, long) {
                    const float value = x[from + c];
                    if (value > best || value != value) best = value;
                });
                y[pixel * s.channels + c] = best;
            }
        }
    });
}

void softmax(RainPool *pool, long rows, long channels, const float *x, float *y) {
    parallel_ranges(pool, rows, 1, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            const float *from = x + row * channels;
            double largest = -INFINITY, sum = 0;
            for (long i = 0; i < channels; i++) largest = from[i] > largest ? from[i] : largest;
            for (long i = 0; i < channels; i++) sum += exp(from[i] - largest);
            for (long i = 0; i < channels; i++) y[row * channels + i] = float(exp(from[i] - largest) / sum);
        }
    });
}

}  // namespace rain::plain
