// Plain elementwise and structural kernels, the optimiser, and the table of plain kernels.
#include "Pool.hpp"
#include "Scalar.hpp"

namespace rain::plain {
namespace {

constexpr long grain = 4096;

/// body(dense index, offset of a, offset of b) for every element of dims, in order.
template <class Body>
void each_element(int rank, const long *dims, const long *a_strides, const long *b_strides, Body &&body) {
    long count = 1, index[RAIN_MAX_RANK] = {}, a = 0, b = 0;
    for (int i = 0; i < rank; i++) count *= dims[i];
    for (long at = 0; at < count; at++) {
        body(at, a, b);
        for (int d = rank - 1; d >= 0; d--) {
            a += a_strides[d];
            b += b_strides[d];
            if (++index[d] < dims[d]) break;
            index[d] = 0;
            a -= a_strides[d] * dims[d];
            b -= b_strides[d] * dims[d];
        }
    }
}

}  // namespace

void unary(RainPool *pool, RainUnary kind, long count, const float *x, float *y) {
    parallel_ranges(pool, count, grain, 16, [&](long begin, long end, int) {
        for (long i = begin; i < end; i++) y[i] = float(unary_value(kind, x[i]));
    });
}

void unary_gradient(RainPool *pool, RainUnary kind, long count, const float *x, const float *dy, float *dx) {
    parallel_ranges(pool, count, grain, 16, [&](long begin, long end, int) {
        for (long i = begin; i < end; i++) dx[i] = float(dy[i] * unary_slope(kind, x[i]));
    });
}

void affine(RainPool *pool, long count, float scale, float offset, const float *x, float *y) {
    parallel_ranges(pool, count, grain, 16, [&](long begin, long end, int) {
        for (long i = begin; i < end; i++) y[i] = scale * x[i] + offset;
    });
}

void binary(RainPool *, RainBinary kind, int rank, const long *dims, const float *a, const long *a_strides, const float *b,
            const long *b_strides, float *y) {
    each_element(rank, dims, a_strides, b_strides, [&](long at, long i, long j) {
        switch (kind) {
            case RAIN_BINARY_ADD: y[at] = a[i] + b[j]; break;
            case RAIN_BINARY_SUBTRACT: y[at] = a[i] - b[j]; break;
            case RAIN_BINARY_MULTIPLY: y[at] = a[i] * b[j]; break;
            case RAIN_BINARY_DIVIDE: y[at] = a[i] / b[j]; break;
            case RAIN_BINARY_MINIMUM: y[at] = b[j] < a[i] || b[j] != b[j] ? b[j] : a[i]; break;
            case RAIN_BINARY_MAXIMUM: y[at] = b[j] > a[i] || b[j] != b[j] ? b[j] : a[i]; break;
            case RAIN_BINARY_PRELU: y[at] = a[i] > 0 ? a[i] : a[i] * b[j]; break;
        }
    });
}

void copy_strided(RainPool *, int rank, const long *dims, const float *x, const long *x_strides, float *y, const long *y_strides) {
    each_element(rank, dims, x_strides, y_strides, [&](long, long i, long j) { y[j] = x[i]; });
}

void fill(RainPool *pool, long count, float value, float *y) {
    parallel_ranges(pool, count, grain, 16, [&](long begin, long end, int) {
        for (long i = begin; i < end; i++) y[i] = value;
    });
}

size_t reduce_sum_scratch_bytes(const RainPool *, long, long, long) { return 0; }

void reduce_sum(RainPool *pool, long outer, long middle, long inner, const float *x, float *y, void *) {
    parallel_ranges(pool, outer * inner, 16, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const float *from = x + at / inner * middle * inner + at % inner;
            double sum = 0;
            for (long i = 0; i < middle; i++) sum += from[i * inner];
            y[at] = float(sum);
        }
    });
}

void geglu(RainPool *pool, long rows, long channels, const float *x, float *y) {
    parallel_ranges(pool, rows * channels, grain, 16, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const float *from = x + at / channels * 2 * channels + at % channels;
            y[at] = float(from[0] * gelu(from[channels]));
        }
    });
}

void geglu_gradient(RainPool *pool, long rows, long channels, const float *x, const float *dy, float *dx) {
    parallel_ranges(pool, rows * channels, grain, 16, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const long start = at / channels * 2 * channels + at % channels;
            const double value = x[start], gate = x[start + channels];
            dx[start] = float(dy[at] * gelu(gate));
            dx[start + channels] = float(dy[at] * value * gelu_slope(gate));
        }
    });
}

void upsample_nearest(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y) {
    parallel_ranges(pool, batch * height * 2, 1, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            for (long at = 0; at < width * 2 * channels; at++) {
                const long from = (line / 2 * width + at / channels / 2) * channels + at % channels;
                y[line * width * 2 * channels + at] = x[from];
            }
        }
    });
}

void sum_pool(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y) {
    const long line_length = width * 2 * channels;
    parallel_ranges(pool, batch * height, 1, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            for (long at = 0; at < width * channels; at++) {
                const float *from = x + line * 2 * line_length + at / channels * 2 * channels + at % channels;
                const float *below = from + line_length;
                y[line * width * channels + at] = (from[0] + from[channels]) + (below[0] + below[channels]);
            }
        }
    });
}

double sum_of_squares(RainPool *, long count, const float *x) {
    double sum = 0;
    for (long i = 0; i < count; i++) sum += double(x[i]) * x[i];
    return sum;
}

void adamw(RainPool *pool, const RainAdamW *settings, long count, const float *gradients, float *parameters, float *first_moment,
           float *second_moment, float *ema) {
    const RainAdamW s = *settings;
    parallel_ranges(pool, count, grain, 16, [&](long begin, long end, int) {
        for (long i = begin; i < end; i++) {
            const double slope = double(gradients[i]) * s.gradient_scale;
            const double first = s.beta1 * double(first_moment[i]) + (1.0 - s.beta1) * slope;
            const double second = s.beta2 * double(second_moment[i]) + (1.0 - s.beta2) * slope * slope;
            const double step = first / s.bias_correction1 / (sqrt(second / s.bias_correction2) + s.epsilon);
            const double parameter = parameters[i] - s.learning_rate * (step + s.weight_decay * double(parameters[i]));
            first_moment[i] = float(first);
            second_moment[i] = float(second);
            parameters[i] = float(parameter);
            if (ema) ema[i] = float(ema[i] + (1.0 - s.ema_decay) * (parameter - ema[i]));
        }
    });
}

const Table table = {RAIN_KERNELS(RAIN_ENTRY)};

}  // namespace rain::plain
