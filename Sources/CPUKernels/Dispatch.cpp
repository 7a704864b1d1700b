// The C functions: each goes through the table of the pool's instruction set.
#include "Pool.hpp"

size_t rain_linear_packed_bytes(const RainPool *pool, long n, long k, int gated) {
    return pool->table->linear_packed_bytes(pool, n, k, gated);
}
void rain_linear_pack(RainPool *pool, const float *w, long n, long k, int transposed, int gated, void *packed) {
    pool->table->linear_pack(pool, w, n, k, transposed, gated, packed);
}
void rain_linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue, float *y) {
    pool->table->linear(pool, m, n, k, x, packed, epilogue, y);
}
void rain_linear_joint(RainPool *pool, long m, long k, const float *x, long count, const RainLinear *layers) {
    pool->table->linear_joint(pool, m, k, x, count, layers);
}
void rain_linear_of_two(RainPool *pool, long m, long n, long first_k, long second_k, const float *first, const float *second,
                        const void *packed, const RainEpilogue *epilogue, float *y) {
    pool->table->linear_of_two(pool, m, n, first_k, second_k, first, second, packed, epilogue, y);
}
size_t rain_linear_weight_gradient_scratch_bytes(const RainPool *pool, long m, long n, long k) {
    return pool->table->linear_weight_gradient_scratch_bytes(pool, m, n, k);
}
void rain_linear_weight_gradient(RainPool *pool, long m, long n, long k, const float *x, const float *dy, float *dw, void *scratch) {
    pool->table->linear_weight_gradient(pool, m, n, k, x, dy, dw, scratch);
}
int rain_conv_allows(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return pool->table->conv_allows(pool, conv, algorithm);
}
RainConvAlgorithm rain_conv_choose(const RainPool *pool, const RainConv *conv) { return pool->table->conv_choose(pool, conv); }
size_t rain_conv_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return pool->table->conv_packed_bytes(pool, conv, algorithm);
}
void rain_conv_pack(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *w, void *packed) {
    pool->table->conv_pack(pool, conv, algorithm, w, packed);
}
size_t rain_conv_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return pool->table->conv_scratch_bytes(pool, conv, algorithm);
}
void rain_conv(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *x, const void *packed,
               const RainEpilogue *epilogue, float *y, void *scratch) {
    pool->table->conv(pool, conv, algorithm, x, packed, epilogue, y, scratch);
}
size_t rain_conv_input_gradient_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return pool->table->conv_input_gradient_packed_bytes(pool, conv, algorithm);
}
void rain_conv_input_gradient_pack(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *w, void *packed) {
    pool->table->conv_input_gradient_pack(pool, conv, algorithm, w, packed);
}
size_t rain_conv_input_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return pool->table->conv_input_gradient_scratch_bytes(pool, conv, algorithm);
}
void rain_conv_input_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *dy, const void *packed,
                              float *dx, void *scratch) {
    pool->table->conv_input_gradient(pool, conv, algorithm, dy, packed, dx, scratch);
}
size_t rain_conv_weight_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    return pool->table->conv_weight_gradient_scratch_bytes(pool, conv, algorithm);
}
void rain_conv_weight_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *x, const float *dy,
                               float *dw, void *scratch) {
    pool->table->conv_weight_gradient(pool, conv, algorithm, x, dy, dw, scratch);
}
void rain_conv_depthwise(RainPool *pool, const RainConv *conv, const float *x, const float *w, const RainEpilogue *epilogue, float *y) {
    pool->table->conv_depthwise(pool, conv, x, w, epilogue, y);
}
void rain_sample(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, float *y) {
    pool->table->sample(pool, sampling, x, grid, y);
}
void rain_sample_gradient(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, const float *dy, float *dx,
                          float *dgrid) {
    pool->table->sample_gradient(pool, sampling, x, grid, dy, dx, dgrid);
}
void rain_composite(RainPool *pool, const RainSampling *sampling, long layers, const float *x, const float *grids, float *y,
                    float *alphas) {
    pool->table->composite(pool, sampling, layers, x, grids, y, alphas);
}
void rain_over(RainPool *pool, long pixels, const float *front, const float *back, float *y) {
    pool->table->over(pool, pixels, front, back, y);
}
void rain_max_pool(RainPool *pool, const RainConv *conv, const float *x, float *y) { pool->table->max_pool(pool, conv, x, y); }
void rain_softmax(RainPool *pool, long rows, long channels, const float *x, float *y) {
    pool->table->softmax(pool, rows, channels, x, y);
}
size_t rain_attention_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->table->attention_scratch_bytes(pool, attention);
}
void rain_attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                    const float *reference_k, const float *reference_v, float *y, void *scratch) {
    pool->table->attention(pool, attention, q, k, v, reference_k, reference_v, y, scratch);
}
size_t rain_attention_gradient_scratch_bytes(const RainPool *pool, const RainAttention *attention) {
    return pool->table->attention_gradient_scratch_bytes(pool, attention);
}
void rain_attention_gradient(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                             const float *reference_k, const float *reference_v, const float *dy, float *dq, float *dk, float *dv,
                             float *dreference_k, float *dreference_v, void *scratch) {
    pool->table->attention_gradient(pool, attention, q, k, v, reference_k, reference_v, dy, dq, dk, dv, dreference_k, dreference_v,
                                    scratch);
}
void rain_temporal_attention(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k, const float *v,
                             float *y) {
    pool->table->temporal_attention(pool, attention, q, k, v, y);
}
void rain_temporal_attention_gradient(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k,
                                      const float *v, const float *dy, float *dq, float *dk, float *dv) {
    pool->table->temporal_attention_gradient(pool, attention, q, k, v, dy, dq, dk, dv);
}
size_t rain_group_norm_scratch_bytes(const RainPool *pool, long samples, long positions, long channels, long groups) {
    return pool->table->group_norm_scratch_bytes(pool, samples, positions, channels, groups);
}
void rain_group_norm(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon, RainActivation activation,
                     const float *x, const float *gamma, const float *beta, float *y, void *scratch) {
    pool->table->group_norm(pool, samples, positions, channels, groups, epsilon, activation, x, gamma, beta, y, scratch);
}
void rain_group_norm_of_two(RainPool *pool, long samples, long positions, long first_channels, long second_channels, long groups,
                            float epsilon, RainActivation activation, const float *first, const float *second, const float *gamma,
                            const float *beta, float *y, void *scratch) {
    pool->table->group_norm_of_two(pool, samples, positions, first_channels, second_channels, groups, epsilon, activation, first, second,
                                   gamma, beta, y, scratch);
}
size_t rain_group_norm_gradient_scratch_bytes(const RainPool *pool, long samples, long positions, long channels, long groups) {
    return pool->table->group_norm_gradient_scratch_bytes(pool, samples, positions, channels, groups);
}
void rain_group_norm_gradient(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon,
                              RainActivation activation, const float *x, const float *gamma, const float *beta, const float *dy,
                              float *dx, float *dgamma, float *dbeta, void *scratch) {
    pool->table->group_norm_gradient(pool, samples, positions, channels, groups, epsilon, activation, x, gamma, beta, dy, dx, dgamma,
                                     dbeta, scratch);
}
void rain_layer_norm(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *beta,
                     float *y) {
    pool->table->layer_norm(pool, rows, channels, epsilon, x, gamma, beta, y);
}
size_t rain_layer_norm_gradient_scratch_bytes(const RainPool *pool, long rows, long channels) {
    return pool->table->layer_norm_gradient_scratch_bytes(pool, rows, channels);
}
void rain_layer_norm_gradient(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma,
                              const float *dy, float *dx, float *dgamma, float *dbeta, void *scratch) {
    pool->table->layer_norm_gradient(pool, rows, channels, epsilon, x, gamma, dy, dx, dgamma, dbeta, scratch);
}
void rain_unary(RainPool *pool, RainUnary kind, long count, const float *x, float *y) { pool->table->unary(pool, kind, count, x, y); }
void rain_unary_gradient(RainPool *pool, RainUnary kind, long count, const float *x, const float *dy, float *dx) {
    pool->table->unary_gradient(pool, kind, count, x, dy, dx);
}
void rain_affine(RainPool *pool, long count, float scale, float offset, const float *x, float *y) {
    pool->table->affine(pool, count, scale, offset, x, y);
}
void rain_binary(RainPool *pool, RainBinary kind, int rank, const long *dims, const float *a, const long *a_strides, const float *b,
                 const long *b_strides, float *y) {
    pool->table->binary(pool, kind, rank, dims, a, a_strides, b, b_strides, y);
}
void rain_copy_strided(RainPool *pool, int rank, const long *dims, const float *x, const long *x_strides, float *y,
                       const long *y_strides) {
    pool->table->copy_strided(pool, rank, dims, x, x_strides, y, y_strides);
}
void rain_fill(RainPool *pool, long count, float value, float *y) { pool->table->fill(pool, count, value, y); }
size_t rain_reduce_sum_scratch_bytes(const RainPool *pool, long outer, long middle, long inner) {
    return pool->table->reduce_sum_scratch_bytes(pool, outer, middle, inner);
}
void rain_reduce_sum(RainPool *pool, long outer, long middle, long inner, const float *x, float *y, void *scratch) {
    pool->table->reduce_sum(pool, outer, middle, inner, x, y, scratch);
}
void rain_geglu(RainPool *pool, long rows, long channels, const float *x, float *y) { pool->table->geglu(pool, rows, channels, x, y); }
void rain_geglu_gradient(RainPool *pool, long rows, long channels, const float *x, const float *dy, float *dx) {
    pool->table->geglu_gradient(pool, rows, channels, x, dy, dx);
}
void rain_upsample_nearest(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y) {
    pool->table->upsample_nearest(pool, batch, height, width, channels, x, y);
}
void rain_sum_pool(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y) {
    pool->table->sum_pool(pool, batch, height, width, channels, x, y);
}
double rain_sum_of_squares(RainPool *pool, long count, const float *x) { return pool->table->sum_of_squares(pool, count, x); }
void rain_adamw(RainPool *pool, const RainAdamW *settings, long count, const float *gradients, float *parameters, float *first_moment,
                float *second_moment, float *ema) {
    pool->table->adamw(pool, settings, count, gradients, parameters, first_moment, second_moment, ema);
}
