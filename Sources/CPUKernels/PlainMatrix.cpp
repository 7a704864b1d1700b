// Plain linear layers and convolutions: loops that read as the definition, sums in double.
#include <string.h>

#include "Pool.hpp"
#include "Scalar.hpp"

namespace rain::plain {
namespace {

constexpr long block = 64;  // columns summed at once, on the stack

/// Finishes columns [first, first + count) of one row of results.
void finish(const RainEpilogue *epilogue, long row, long columns, long first, long count, const double *sums, float *y) {
    for (long i = 0; i < count; i++) {
        const long column = first + i;
        double value = sums[i];
        if (epilogue) {
            if (epilogue->bias) value += epilogue->bias[column];
            if (epilogue->sample_bias) value += epilogue->sample_bias[row / epilogue->rows_per_sample * columns + column];
            if (epilogue->residual) value += epilogue->residual[row * columns + column];
            value = activate(epilogue->activation, value);
        }
        y[row * columns + column] = float(value);
    }
}

/// The same where the sums of values are gated by those of as many columns behind them.
void gate(const RainEpilogue *epilogue, long row, long columns, long first, long count, const double *values, const double *gates,
          float *y) {
    for (long i = 0; i < count; i++) {
        const long column = first + i;
        const double value = values[i] + (epilogue->bias ? epilogue->bias[column] : 0);
        const double gate = gates[i] + (epilogue->bias ? epilogue->bias[columns + column] : 0);
        y[row * columns + column] = float(value * gelu(gate));
    }
}

}  // namespace

// Packed: w[k, n].
size_t linear_packed_bytes(const RainPool *, long n, long k, int) { return size_t(n) * k * sizeof(float); }

void linear_pack(RainPool *, const float *w, long n, long k, int transposed, int, void *packed) {
    float *to = static_cast<float *>(packed);
    for (long i = 0; i < k; i++) {
        for (long j = 0; j < n; j++) to[i * n + j] = transposed ? w[i * n + j] : w[j * k + i];
    }
}

namespace {

/// x(row, i)
template <class X>
void linear_of(RainPool *pool, long m, long n, long k, const X &x, const void *packed, const RainEpilogue *epilogue, float *y) {
    const float *w = static_cast<const float *>(packed);
    const bool gated = epilogue && epilogue->gated;
    const long columns = gated ? n / 2 : n;
    parallel_ranges(pool, m, 1, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            for (long first = 0; first < columns; first += block) {
                const long count = columns - first < block ? columns - first : block;
                double sums[block] = {}, gates[block] = {};
                for (long i = 0; i < k; i++) {
                    const float *from = w + i * n + first;
                    for (long j = 0; j < count; j++) sums[j] += double(x(row, i)) * from[j];
                    for (long j = 0; gated && j < count; j++) gates[j] += double(x(row, i)) * from[columns + j];
                }
                if (gated) {
                    gate(epilogue, row, columns, first, count, sums, gates, y);
                } else {
                    finish(epilogue, row, n, first, count, sums, y);
                }
            }
        }
    });
}

}  // namespace

void linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue, float *y) {
    linear_of(pool, m, n, k, [&](long row, long i) { return x[row * k + i]; }, packed, epilogue, y);
}

void linear_of_two(RainPool *pool, long m, long n, long first_k, long second_k, const float *first, const float *second,
                   const void *packed, const RainEpilogue *epilogue, float *y) {
    linear_of(pool, m, n, first_k + second_k, side_by_side(first, first_k, second, second_k), packed, epilogue, y);
}

void linear_joint(RainPool *pool, long m, long k, const float *x, long count, const RainLinear *layers) {
    for (long i = 0; i < count; i++) linear(pool, m, layers[i].n, k, x, layers[i].packed, &layers[i].epilogue, layers[i].y);
}

size_t linear_weight_gradient_scratch_bytes(const RainPool *, long, long, long) { return 0; }

void linear_weight_gradient(RainPool *pool, long m, long n, long k, const float *x, const float *dy, float *dw, void *) {
    parallel_ranges(pool, n, 1, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            for (long first = 0; first < k; first += block) {
                const long count = k - first < block ? k - first : block;
                double sums[block] = {};
                for (long i = 0; i < m; i++) {
                    for (long j = 0; j < count; j++) sums[j] += double(dy[i * n + row]) * x[i * k + first + j];
                }
                for (long j = 0; j < count; j++) dw[row * k + first + j] = float(sums[j]);
            }
        }
    });
}

int conv_allows(const RainPool *, const RainConv *conv, RainConvAlgorithm algorithm) {
    return algorithm == RAIN_CONV_DIRECT || (conv->kernel_height == 3 && conv->kernel_width == 3 && conv->stride == 1);
}

RainConvAlgorithm conv_choose(const RainPool *, const RainConv *) { return RAIN_CONV_DIRECT; }

// Packed: w[kh, kw, c, o].
size_t conv_packed_bytes(const RainPool *, const RainConv *conv, RainConvAlgorithm) {
    return size_t(conv->kernel_height) * conv->kernel_width * conv->channels * conv->out_channels * sizeof(float);
}

void conv_pack(RainPool *, const RainConv *conv, RainConvAlgorithm, const float *w, void *packed) {
    float *to = static_cast<float *>(packed);
    const long taps = conv->kernel_height * conv->kernel_width;
    for (long tap = 0; tap < taps; tap++) {
        for (long c = 0; c < conv->channels; c++) {
            for (long o = 0; o < conv->out_channels; o++) *to++ = w[(o * conv->channels + c) * taps + tap];
        }
    }
}

size_t conv_scratch_bytes(const RainPool *, const RainConv *, RainConvAlgorithm) { return 0; }

void conv(RainPool *pool, const RainConv *conv, RainConvAlgorithm, const float *x, const void *packed, const RainEpilogue *epilogue,
          float *y, void *) {
    const RainConv s = *conv;
    const float *w = static_cast<const float *>(packed);
    const long enlarge = s.upsample ? 2 : 1;
    parallel_ranges(pool, s.batch * s.out_height, 1, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long image = line / s.out_height, oy = line % s.out_height;
            for (long ox = 0; ox < s.out_width; ox++) {
                for (long first = 0; first < s.out_channels; first += block) {
                    const long count = s.out_channels - first < block ? s.out_channels - first : block;
                    double sums[block] = {};
                    for (long ky = 0; ky < s.kernel_height; ky++) {
                        const long iy = oy * s.stride - s.pad_top + ky;
                        if (iy < 0 || iy >= s.height * enlarge) continue;
                        for (long kx = 0; kx < s.kernel_width; kx++) {
                            const long ix = ox * s.stride - s.pad_left + kx;
                            if (ix < 0 || ix >= s.width * enlarge) continue;
                            const float *from = x + ((image * s.height + iy / enlarge) * s.width + ix / enlarge) * s.channels;
                            const float *weights = w + (ky * s.kernel_width + kx) * s.channels * s.out_channels + first;
                            for (long c = 0; c < s.channels; c++) {
                                for (long j = 0; j < count; j++) sums[j] += double(from[c]) * weights[c * s.out_channels + j];
                            }
                        }
                    }
                    finish(epilogue, line * s.out_width + ox, s.out_channels, first, count, sums, y);
                }
            }
        }
    });
}

// Packed: w[kh, kw, o, c].
size_t conv_input_gradient_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return conv_packed_bytes(pool, conv, algorithm);
}

void conv_input_gradient_pack(RainPool *, const RainConv *conv, RainConvAlgorithm, const float *w, void *packed) {
    float *to = static_cast<float *>(packed);
    const long taps = conv->kernel_height * conv->kernel_width;
    for (long tap = 0; tap < taps; tap++) {
        for (long o = 0; o < conv->out_channels; o++) {
            for (long c = 0; c < conv->channels; c++) *to++ = w[(o * conv->channels + c) * taps + tap];
        }
    }
}

size_t conv_input_gradient_scratch_bytes(const RainPool *, const RainConv *, RainConvAlgorithm) { return 0; }

void conv_input_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm, const float *dy, const void *packed, float *dx,
                         void *) {
    const RainConv s = *conv;
    const float *w = static_cast<const float *>(packed);
    parallel_ranges(pool, s.batch * s.height, 1, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long image = line / s.height, iy = line % s.height;
            for (long ix = 0; ix < s.width; ix++) {
                for (long first = 0; first < s.channels; first += block) {
                    const long count = s.channels - first < block ? s.channels - first : block;
                    double sums[block] = {};
                    for (long ky = 0; ky < s.kernel_height; ky++) {
                        const long oy = iy + s.pad_top - ky;
                        if (oy < 0 || oy % s.stride || oy / s.stride >= s.out_height) continue;
                        for (long kx = 0; kx < s.kernel_width; kx++) {
                            const long ox = ix + s.pad_left - kx;
                            if (ox < 0 || ox % s.stride || ox / s.stride >= s.out_width) continue;
                            const long place = (image * s.out_height + oy / s.stride) * s.out_width + ox / s.stride;
                            const float *from = dy + place * s.out_channels;
                            const float *weights = w + (ky * s.kernel_width + kx) * s.channels * s.out_channels + first;
                            for (long o = 0; o < s.out_channels; o++) {
                                for (long j = 0; j < count; j++) sums[j] += double(from[o]) * weights[o * s.channels + j];
                            }
                        }
                    }
                    finish(nullptr, line * s.width + ix, s.channels, first, count, sums, dx);
                }
            }
        }
    });
}

size_t conv_weight_gradient_scratch_bytes(const RainPool *, const RainConv *, RainConvAlgorithm) { return 0; }

void conv_weight_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm, const float *x, const float *dy, float *dw, void *) {
    const RainConv s = *conv;
    const long taps = s.kernel_height * s.kernel_width;
    parallel_ranges(pool, s.out_channels * taps, 1, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const long o = at / taps, ky = at % taps / s.kernel_width, kx = at % s.kernel_width;
            for (long first = 0; first < s.channels; first += block) {
                const long count = s.channels - first < block ? s.channels - first : block;
                double sums[block] = {};
                for (long image = 0; image < s.batch; image++) {
                    for (long oy = 0; oy < s.out_height; oy++) {
                        const long iy = oy * s.stride - s.pad_top + ky;
                        if (iy < 0 || iy >= s.height) continue;
                        for (long ox = 0; ox < s.out_width; ox++) {
                            const long ix = ox * s.stride - s.pad_left + kx;
                            if (ix < 0 || ix >= s.width) continue;
                            const double slope = dy[((image * s.out_height + oy) * s.out_width + ox) * s.out_channels + o];
                            const float *from = x + ((image * s.height + iy) * s.width + ix) * s.channels + first;
                            for (long j = 0; j < count; j++) sums[j] += slope * from[j];
                        }
                    }
                }
                for (long j = 0; j < count; j++) dw[(o * s.channels + first + j) * taps + at % taps] = float(sums[j]);
            }
        }
    });
}

}  // namespace rain::plain
