// Plain normalisation, statistics in double by two passes.
#include <math.h>

#include "Pool.hpp"
#include "Scalar.hpp"

namespace rain::plain {
namespace {

struct Statistics {
    double mean, inverse;  // of the standard deviation
};

/// Over x(i, c) of `rows` rows and `width` numbers of each.
template <class X>
Statistics measure_of(const X &x, long rows, long width, double epsilon) {
    double sum = 0, squares = 0;
    for (long i = 0; i < rows; i++) {
        for (long c = 0; c < width; c++) sum += x(i, c);
    }
    const double mean = sum / double(rows * width);
    for (long i = 0; i < rows; i++) {
        for (long c = 0; c < width; c++) squares += (x(i, c) - mean) * (x(i, c) - mean);
    }
    return {mean, 1 / sqrt(squares / double(rows * width) + epsilon)};
}

/// Over `rows` rows of `width` adjacent numbers, `stride` apart.
Statistics measure(const float *x, long rows, long width, long stride, double epsilon) {
    return measure_of([&](long i, long c) { return x[i * stride + c]; }, rows, width, epsilon);
}

/// x(row, channel)
template <class X>
void group_norm_of(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon, RainActivation activation,
                   const X &x, const float *gamma, const float *beta, float *y) {
    const long width = channels / groups;
    parallel_ranges(pool, samples * groups, 1, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const long first = at % groups * width, row = at / groups * positions;
            auto of_group = [&](long i, long c) { return x(row + i, first + c); };
            const Statistics s = measure_of(of_group, positions, width, epsilon);
            for (long i = 0; i < positions; i++) {
                for (long c = 0; c < width; c++) {
                    const long channel = first + c;
                    y[(row + i) * channels + channel] =
                        float(activate(activation, (of_group(i, c) - s.mean) * s.inverse * gamma[channel] + beta[channel]));
                }
            }
        }
    });
}

/// dx of one normalised set, and its part of dgamma and dbeta.
void set_gradient(const float *x, const float *dy, long rows, long width, long stride, Statistics s, RainActivation activation,
                  const float *gamma, const float *beta, float *dx, double *dgamma, double *dbeta) {
    double first = 0, second = 0;  // means of dy·gamma and of dy·gamma·normalised
    for (int pass = 0; pass < 2; pass++) {
        for (long i = 0; i < rows; i++) {
            for (long c = 0; c < width; c++) {
                const double normal = (x[i * stride + c] - s.mean) * s.inverse;
                const double before = normal * gamma[c] + (beta ? beta[c] : 0);
                const double slope = dy[i * stride + c] * activation_slope(activation, before);
                if (pass == 0) {
                    first += slope * gamma[c];
                    second += slope * gamma[c] * normal;
                    dgamma[c] += slope * normal;
                    dbeta[c] += slope;
                } else {
                    dx[i * stride + c] = float(s.inverse * (slope * gamma[c] - first - normal * second));
                }
            }
        }
        if (pass == 0) {
            first /= double(rows * width);
            second /= double(rows * width);
        }
    }
}

}  // namespace

size_t group_norm_scratch_bytes(const RainPool *, long, long, long, long) { return 0; }

void group_norm(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon, RainActivation activation,
                const float *x, const float *gamma, const float *beta, float *y, void *) {
    auto number = [&](long row, long channel) { return x[row * channels + channel]; };
    group_norm_of(pool, samples, positions, channels, groups, epsilon, activation, number, gamma, beta, y);
}

void group_norm_of_two(RainPool *pool, long samples, long positions, long first_channels, long second_channels, long groups,
                       float epsilon, RainActivation activation, const float *first, const float *second, const float *gamma,
                       const float *beta, float *y, void *) {
    group_norm_of(pool, samples, positions, first_channels + second_channels, groups, epsilon, activation,
                  side_by_side(first, first_channels, second, second_channels), gamma, beta, y);
}

// Scratch: sums of dgamma and dbeta in double.
size_t group_norm_gradient_scratch_bytes(const RainPool *, long, long, long channels, long) { return 2 * channels * sizeof(double); }

void group_norm_gradient(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon,
                         RainActivation activation, const float *x, const float *gamma, const float *beta, const float *dy, float *dx,
                         float *dgamma, float *dbeta, void *scratch) {
    const long width = channels / groups;
    double *gamma_sums = static_cast<double *>(scratch), *beta_sums = gamma_sums + channels;
    for (long i = 0; i < 2 * channels; i++) gamma_sums[i] = 0;
    parallel_ranges(pool, groups, 1, 1, [&](long begin, long end, int) {
        for (long group = begin; group < end; group++) {
            const long c = group * width;
            for (long sample = 0; sample < samples; sample++) {
                const long start = sample * positions * channels + c;
                const Statistics s = measure(x + start, positions, width, channels, epsilon);
                set_gradient(x + start, dy + start, positions, width, channels, s, activation, gamma + c, beta + c, dx + start,
                             gamma_sums + c, beta_sums + c);
            }
        }
    });
    for (long c = 0; c < channels; c++) {
        dgamma[c] = float(gamma_sums[c]);
        dbeta[c] = float(beta_sums[c]);
    }
}

void layer_norm(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *beta,
                float *y) {
    parallel_ranges(pool, rows, 1, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            const float *from = x + row * channels;
            const Statistics s = measure(from, 1, channels, channels, epsilon);
            for (long c = 0; c < channels; c++) {
                y[row * channels + c] = float((from[c] - s.mean) * s.inverse * gamma[c] + beta[c]);
            }
        }
    });
}

size_t layer_norm_gradient_scratch_bytes(const RainPool *, long, long channels) { return 2 * channels * sizeof(double); }

void layer_norm_gradient(RainPool *, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *dy,
                         float *dx, float *dgamma, float *dbeta, void *scratch) {
    double *gamma_sums = static_cast<double *>(scratch), *beta_sums = gamma_sums + channels;
    for (long i = 0; i < 2 * channels; i++) gamma_sums[i] = 0;
    for (long row = 0; row < rows; row++) {
        const long start = row * channels;
        const Statistics s = measure(x + start, 1, channels, channels, epsilon);
        set_gradient(x + start, dy + start, 1, channels, channels, s, RAIN_ACT_NONE, gamma, nullptr, dx + start, gamma_sums, beta_sums);
    }
    for (long c = 0; c < channels; c++) {
        dgamma[c] = float(gamma_sums[c]);
        dbeta[c] = float(beta_sums[c]);
    }
}

}  // namespace rain::plain
