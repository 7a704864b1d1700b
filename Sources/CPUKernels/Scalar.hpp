// The functions of single numbers, in double: what the plain kernels compute and the fast ones approximate.
#pragma once
#include <math.h>

#include "CPUKernels.h"

namespace rain {

inline double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
inline double gelu(double x) { return 0.5 * x * (1 + erf(x * 0.70710678118654752)); }
inline double gelu_slope(double x) { return 0.5 * (1 + erf(x * 0.70710678118654752)) + x * exp(-0.5 * x * x) * 0.39894228040143268; }
inline double silu_slope(double x) { return sigmoid(x) * (1 + x * (1 - sigmoid(x))); }

inline double activate(RainActivation kind, double x) {
    switch (kind) {
        case RAIN_ACT_NONE: return x;
        case RAIN_ACT_SILU: return x * sigmoid(x);
        case RAIN_ACT_GELU: return gelu(x);
        case RAIN_ACT_QUICK_GELU: return x * sigmoid(1.702 * x);
        // So that what is not a number stays so.
        case RAIN_ACT_RELU: return x <= 0 ? 0 : x;
        case RAIN_ACT_TANH: return tanh(x);
        case RAIN_ACT_SIGMOID: return sigmoid(x);
    }
    return x;
}

inline double activation_slope(RainActivation kind, double x) {
    switch (kind) {
        case RAIN_ACT_NONE: return 1;
        case RAIN_ACT_SILU: return silu_slope(x);
        case RAIN_ACT_GELU: return gelu_slope(x);
        case RAIN_ACT_QUICK_GELU: return silu_slope(1.702 * x);
        case RAIN_ACT_RELU: return x > 0 ? 1 : 0;
        case RAIN_ACT_TANH: return 1 - tanh(x) * tanh(x);
        case RAIN_ACT_SIGMOID: return sigmoid(x) * (1 - sigmoid(x));
    }
    return 1;
}

inline double unary_value(RainUnary kind, double x) {
    switch (kind) {
        case RAIN_UNARY_SILU: return activate(RAIN_ACT_SILU, x);
        case RAIN_UNARY_GELU: return gelu(x);
        case RAIN_UNARY_QUICK_GELU: return activate(RAIN_ACT_QUICK_GELU, x);
        case RAIN_UNARY_RELU: return activate(RAIN_ACT_RELU, x);
        case RAIN_UNARY_TANH: return tanh(x);
        case RAIN_UNARY_SIGMOID: return sigmoid(x);
        case RAIN_UNARY_EXP: return exp(x);
        case RAIN_UNARY_SIN: return sin(x);
        case RAIN_UNARY_COS: return cos(x);
        case RAIN_UNARY_SQUARE: return x * x;
        case RAIN_UNARY_SQRT: return sqrt(x);
        case RAIN_UNARY_RECIPROCAL: return 1 / x;
        case RAIN_UNARY_ABS: return fabs(x);
        case RAIN_UNARY_LOG: return log(x);
    }
    return x;
}

/// The numbers (row, i) of rows that lie in two tensors, `first_count` numbers of each in the first.
inline auto side_by_side(const float *first, long first_count, const float *second, long second_count) {
    return
        [=](long row, long i) { return i < first_count ? first[row * first_count + i] : second[row * second_count + i - first_count]; };
}

inline double unary_slope(RainUnary kind, double x) {
    switch (kind) {
        case RAIN_UNARY_SILU: return silu_slope(x);
        case RAIN_UNARY_GELU: return gelu_slope(x);
        case RAIN_UNARY_QUICK_GELU: return silu_slope(1.702 * x);
        case RAIN_UNARY_RELU: return x > 0 ? 1 : 0;
        case RAIN_UNARY_TANH: return 1 - tanh(x) * tanh(x);
        case RAIN_UNARY_SIGMOID: return sigmoid(x) * (1 - sigmoid(x));
        case RAIN_UNARY_EXP: return exp(x);
        case RAIN_UNARY_SIN: return cos(x);
        case RAIN_UNARY_COS: return -sin(x);
        case RAIN_UNARY_SQUARE: return 2 * x;
        case RAIN_UNARY_SQRT: return 0.5 / sqrt(x);
        case RAIN_UNARY_RECIPROCAL: return -1 / (x * x);
        case RAIN_UNARY_ABS: return x > 0 ? 1 : x < 0 ? -1 : 0;
        case RAIN_UNARY_LOG: return 1 / x;
    }
    return 1;
}

}  // namespace rain
