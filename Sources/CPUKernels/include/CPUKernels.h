// The kernels of the CPU engine: float32, rows of channels (NHWC), one thread pool.
//
// Every function works on whole tensors and cuts its work into chunks for the pool's threads; results are bit-identical
// from run to run, and whatever the thread count, for a given instruction set. Nothing here allocates: callers ask for sizes
// and hand in scratch memory. Floats may lie anywhere (64-byte aligned is fastest), packed and scratch memory is 64-byte
// aligned; no function reads or writes outside its tensors. "packed" weights are private to the instruction set of the pool
// that packed them; scratch sizes also depend on its threads. A pool runs one function at a time. Dimensions are at least 1.
//
// Accumulators: float32 in one fixed order. Products are one chain of fused multiply-adds over the reduction; weight
// gradients and sums run over at most 256 rows at a time; norm statistics are summed in double over runs of 32. exp within 2 ulp;
// GELU and SiLU within 4·10⁻⁷ (of |x| where that is more than 1), GELU's slope, tanh and sigmoid within 4·10⁻⁷ of their largest value.
// Winograd about 10⁻⁶ of a layer's largest result, direct kernels some 10⁻⁷.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Pool ---------------------------------------------------------------------------------------------------------

/// GENERIC: 128-bit vectors, any machine. NEON: those of 64-bit ARM. PLAIN: slow loops that sum in double, the twin that tests compare
/// with.
/// AMX: AVX-512 and products of floats split into two bfloat16 in linear layers, attention and Winograd (see Fast/MatrixUnit.hpp and
/// Fast/MatrixAttentionSplit.hpp), exact to about 2⁻¹⁷; Winograd's transforms make 2·10⁻⁵ (root mean square) and at most 10⁻⁴ of it.
/// The environment variable RAIN_ISA (generic, avx2, avx512, amx, neon, plain) decides what AUTO means.
typedef enum {
    RAIN_ISA_AUTO = 0,
    RAIN_ISA_GENERIC = 1,
    RAIN_ISA_AVX2 = 2,
    RAIN_ISA_AVX512 = 3,
    RAIN_ISA_AMX = 4,
    RAIN_ISA_NEON = 5,
    RAIN_ISA_PLAIN = 6
} RainISA;

typedef struct RainPool RainPool;

/// A pool of `threads` (the caller counts as one); NULL if the machine lacks `isa` or threads cannot be started.
RainPool *rain_pool_create(int threads, RainISA isa);
void rain_pool_destroy(RainPool *pool);
int rain_pool_threads(const RainPool *pool);
RainISA rain_pool_isa(const RainPool *pool);
/// Processors this process may use, at least 1.
int rain_processor_count(void);
/// Whether this machine has `isa`.
bool rain_machine_has(RainISA isa);
/// The best instruction set this machine has.
RainISA rain_best_isa(void);

/// Zeroed memory aligned to 64 bytes, or NULL if there is none.
void *rain_memory_allocate(size_t bytes);
void rain_memory_free(void *memory);

// ---- Epilogue: y = activation(x·w + bias[col] + sample_bias[row / rows_per_sample][col] + residual[row][col]) --------
// NULL in place of an epilogue: none.
// Gated (linear layers alone, with a bias at most): y[row][col] = (x·w + bias)[col] · gelu((x·w + bias)[columns / 2 + col]).

typedef enum {
    RAIN_ACT_NONE = 0,
    RAIN_ACT_SILU = 1,
    RAIN_ACT_GELU = 2 /* exact, erf */,
    RAIN_ACT_QUICK_GELU = 3,
    RAIN_ACT_RELU = 4,
    RAIN_ACT_TANH = 5,
    RAIN_ACT_SIGMOID = 6
} RainActivation;

typedef struct {
    const float *bias;         // [columns] or NULL
    const float *sample_bias;  // [samples, columns] or NULL
    long rows_per_sample;      // rows that share one line of sample_bias
    const float *residual;     // [rows, columns], same row stride as the result, or NULL
    RainActivation activation;
    int gated;  // 1: y has half as many columns as w
} RainEpilogue;

// ---- Linear: y[m, n] = x[m, k] · w[n, k]ᵀ -----------------------------------------------------------------------------

size_t rain_linear_packed_bytes(const RainPool *pool, long n, long k, int gated);
/// Packs w[n, k] (transposed = 0) or w[k, n] (transposed = 1); with gated = 1 (n even) for an epilogue that is so.
void rain_linear_pack(RainPool *pool, const float *w, long n, long k, int transposed, int gated, void *packed);
void rain_linear(RainPool *pool, long m, long n, long k, const float *x, const void *packed, const RainEpilogue *epilogue, float *y);
/// The same, bit for bit, of x whose rows lie in two tensors, first[m, first_k] and second[m, second_k]; not gated.
void rain_linear_of_two(RainPool *pool, long m, long n, long first_k, long second_k, const float *first, const float *second,
                        const void *packed, const RainEpilogue *epilogue, float *y);

/// One of several layers of the same rows.
typedef struct {
    long n;
    const void *packed;
    RainEpilogue epilogue;  // not gated
    float *y;
} RainLinear;

#define RAIN_MOST_JOINT 4

/// The same as `rain_linear` for each of up to RAIN_MOST_JOINT layers; rows are read, and split for the matrix unit, once for all of them.
void rain_linear_joint(RainPool *pool, long m, long k, const float *x, long count, const RainLinear *layers);
/// dw[n, k] = dy[m, n]ᵀ · x[m, k]
size_t rain_linear_weight_gradient_scratch_bytes(const RainPool *pool, long m, long n, long k);
void rain_linear_weight_gradient(RainPool *pool, long m, long n, long k, const float *x, const float *dy, float *dw, void *scratch);

// ---- Convolution: x[n, h, w, c], weights [o, c, kh, kw] (as in checkpoints), y[n, oh, ow, o] ---------------------------

typedef struct {
    long batch, height, width, channels;  // of the input
    long out_channels, kernel_height, kernel_width, stride;
    long pad_top, pad_left, pad_bottom, pad_right;
    long out_height, out_width;
    int upsample;  // 1: the input is enlarged twice (nearest) before the convolution; height and width are the small ones
} RainConv;

typedef enum { RAIN_CONV_DIRECT = 0, RAIN_CONV_WINOGRAD = 1 } RainConvAlgorithm;

/// Whether an algorithm can be asked for: DIRECT always, WINOGRAD for 3×3, stride 1, and channels enough to keep its products exact.
int rain_conv_allows(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm);
/// The one of these expected to be fastest.
RainConvAlgorithm rain_conv_choose(const RainPool *pool, const RainConv *conv);
size_t rain_conv_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm);
void rain_conv_pack(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *w, void *packed);
size_t rain_conv_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm);
void rain_conv(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *x, const void *packed,
               const RainEpilogue *epilogue, float *y, void *scratch);

/// dx[n, h, w, c] from dy[n, oh, ow, o] (upsample must be 0 in gradients). Weights are packed by the `_pack` beside it.
size_t rain_conv_input_gradient_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm);
void rain_conv_input_gradient_pack(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *w, void *packed);
size_t rain_conv_input_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm);
void rain_conv_input_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *dy, const void *packed,
                              float *dx, void *scratch);

/// dw[o, c, kh, kw] from x and dy.
size_t rain_conv_weight_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm);
void rain_conv_weight_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *x, const float *dy,
                               float *dw, void *scratch);

// ---- Windows: each channel by itself --------------------------------------------------------------------------------------
// Geometry as of a convolution with as many channels out as in; upsample must be 0.

/// y[n, oh, ow, c] from x[n, h, w, c] and w[kh, kw, c] (as it is, not packed): one kernel per channel.
void rain_conv_depthwise(RainPool *pool, const RainConv *conv, const float *x, const float *w, const RainEpilogue *epilogue, float *y);
/// The largest value under the window, of the pixels inside the picture; every window must have one. NaN if one is under it.
void rain_max_pool(RainPool *pool, const RainConv *conv, const float *x, float *y);

// ---- Sampling: pictures bent by meshes -------------------------------------------------------------------------------------

typedef struct {
    long pictures, samples;  // sample i reads picture i / (samples / pictures)
    long height, width, channels;
    long grid_height, grid_width;  // nodes, at least 2 each, evenly over the result with the outer ones in its corners
    long out_height, out_width;
} RainSampling;

/// y[n, oh, ow, c] from x[b, h, w, c]: bilinear at the places of grid[n, gh, gw, 2] (x and y in -1…1 over the picture's edges),
/// interpolated bilinearly between nodes. Beyond the edges the outermost pixel is repeated; a NaN is the first pixel's place.
void rain_sample(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, float *y);
/// Gradients of both.
void rain_sample_gradient(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, const float *dy, float *dx,
                          float *dgrid);

/// Layers x[k, b, h, w, 4] of premultiplied colours and alpha, bent by grids[k, n, gh, gw, 2] and laid over each other with the first at
/// the back: y[n, oh, ow, 4], and how far each is there, alphas[n, oh, ow, k]. The geometry is that of each layer, channels 4.
void rain_composite(RainPool *pool, const RainSampling *sampling, long layers, const float *x, const float *grids, float *y,
                    float *alphas);
/// y[i, 4] = front + back · (1 - front[3])
void rain_over(RainPool *pool, long pixels, const float *front, const float *back, float *y);

/// The first three of each pixel's `channels`, 0…1, as bytes: rounded, NaN as 0. Returns 1 if all channels are finite, else 0.
int rain_color_bytes(RainPool *pool, long pixels, long channels, const float *x, unsigned char *bytes);

typedef enum {
    RAIN_ELEMENT_FLOAT32 = 0,
    RAIN_ELEMENT_FLOAT16 = 1,
    RAIN_ELEMENT_BFLOAT16 = 2,
    RAIN_ELEMENT_INT32 = 3,
    RAIN_ELEMENT_UINT8 = 4
} RainElement;

/// `count` elements of one type as the nearest ones of another: ties go to even for floats and away from zero for integers, whose range
/// is kept, and which have 0 for NaN. What is read may lie at any address.
void rain_convert(RainPool *pool, long count, RainElement from, const void *x, RainElement to, void *y);

// ---- Attention -----------------------------------------------------------------------------------------------------

typedef struct {
    long batch, queries, keys, channels, heads;  // head size = channels / heads, any size ≥ 1
    long reference_batch, reference_keys;  // 0 keys: none; sample b uses reference b / (batch / reference_batch)
    float scale;
    // Row strides in floats, so that q, k and v may be columns of one matrix; 0: channels.
    long q_stride, k_stride, v_stride;
} RainAttention;

/// y[b, i] = Σ_j softmax_j(scale · q[b, i]·key[j]) value[j], over the sample's own keys followed by its reference's.
/// Streaming softmax: no queries × keys matrix beyond a block. k, v: [batch, keys, channels];
/// reference_k, reference_v: dense [reference_batch, reference_keys, channels]; y: dense [batch, queries, channels].
size_t rain_attention_scratch_bytes(const RainPool *pool, const RainAttention *attention);
void rain_attention(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                    const float *reference_k, const float *reference_v, float *y, void *scratch);
/// Gradients of all inputs, dense. dreference_k/v sum over the samples that share a reference; NULL when there is none.
size_t rain_attention_gradient_scratch_bytes(const RainPool *pool, const RainAttention *attention);
void rain_attention_gradient(RainPool *pool, const RainAttention *attention, const float *q, const float *k, const float *v,
                             const float *reference_k, const float *reference_v, const float *dy, float *dq, float *dk, float *dv,
                             float *dreference_k, float *dreference_v, void *scratch);

typedef struct {
    long batch, frames, positions, channels, heads;
    float scale;
} RainTemporalAttention;

/// q, k, v, y: [batch, frames, positions, channels]; attention over the frames at each position, without transposes. Up to
/// 32 frames are fast.
void rain_temporal_attention(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k, const float *v,
                             float *y);
void rain_temporal_attention_gradient(RainPool *pool, const RainTemporalAttention *attention, const float *q, const float *k,
                                      const float *v, const float *dy, float *dq, float *dk, float *dv);

// ---- Normalisation ---------------------------------------------------------------------------------------------------

/// x, y: [samples, positions, channels]; statistics per sample and group of adjacent channels; then activation.
size_t rain_group_norm_scratch_bytes(const RainPool *pool, long samples, long positions, long channels, long groups);
void rain_group_norm(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon, RainActivation activation,
                     const float *x, const float *gamma, const float *beta, float *y, void *scratch);
/// The same, bit for bit, of x whose channels lie in two tensors; a group may have channels of both.
void rain_group_norm_of_two(RainPool *pool, long samples, long positions, long first_channels, long second_channels, long groups,
                            float epsilon, RainActivation activation, const float *first, const float *second, const float *gamma,
                            const float *beta, float *y, void *scratch);
/// scratch: rain_group_norm_gradient_scratch_bytes
size_t rain_group_norm_gradient_scratch_bytes(const RainPool *pool, long samples, long positions, long channels, long groups);
void rain_group_norm_gradient(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon,
                              RainActivation activation, const float *x, const float *gamma, const float *beta, const float *dy,
                              float *dx, float *dgamma, float *dbeta, void *scratch);

/// x, y: [rows, channels]
void rain_layer_norm(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *beta,
                     float *y);
size_t rain_layer_norm_gradient_scratch_bytes(const RainPool *pool, long rows, long channels);
void rain_layer_norm_gradient(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma,
                              const float *dy, float *dx, float *dgamma, float *dbeta, void *scratch);

/// x, y: [rows, channels]; exp(x) / Σ exp(x) over the channels.
void rain_softmax(RainPool *pool, long rows, long channels, const float *x, float *y);

// ---- Elementwise and structure -----------------------------------------------------------------------------------------

typedef enum {
    RAIN_UNARY_SILU = 1,
    RAIN_UNARY_GELU = 2,
    RAIN_UNARY_QUICK_GELU = 3,
    RAIN_UNARY_RELU = 4,
    RAIN_UNARY_TANH = 5,
    RAIN_UNARY_SIGMOID = 6,
    RAIN_UNARY_EXP = 7,
    RAIN_UNARY_SIN = 8,
    RAIN_UNARY_COS = 9,
    RAIN_UNARY_SQUARE = 10,
    RAIN_UNARY_SQRT = 11,
    RAIN_UNARY_RECIPROCAL = 12,
    RAIN_UNARY_ABS = 13,
    RAIN_UNARY_LOG = 14
} RainUnary;
/// sin and cos take arguments up to ±10⁶ and must reduce them exactly (timestep and guidance embeddings): use libm.
void rain_unary(RainPool *pool, RainUnary kind, long count, const float *x, float *y);
/// dx = dy · f'(x)
void rain_unary_gradient(RainPool *pool, RainUnary kind, long count, const float *x, const float *dy, float *dx);
/// y = scale · x + offset
void rain_affine(RainPool *pool, long count, float scale, float offset, const float *x, float *y);

/// The smaller and the larger are NaN if one of the two is. PReLU is a where a > 0, else a · b.
typedef enum {
    RAIN_BINARY_ADD = 0,
    RAIN_BINARY_SUBTRACT = 1,
    RAIN_BINARY_MULTIPLY = 2,
    RAIN_BINARY_DIVIDE = 3,
    RAIN_BINARY_MINIMUM = 4,
    RAIN_BINARY_MAXIMUM = 5,
    RAIN_BINARY_PRELU = 6
} RainBinary;
#define RAIN_MAX_RANK 8
/// y[dims] = a op b with element strides per dimension (0 broadcasts); y is dense.
void rain_binary(RainPool *pool, RainBinary kind, int rank, const long *dims, const float *a, const long *a_strides, const float *b,
                 const long *b_strides, float *y);
/// y[i·y_strides] = x[i·x_strides] for all i in dims: transposes, slices, concatenation, broadcast.
void rain_copy_strided(RainPool *pool, int rank, const long *dims, const float *x, const long *x_strides, float *y,
                       const long *y_strides);
void rain_fill(RainPool *pool, long count, float value, float *y);
/// y[outer, inner] = Σ_middle x[outer, middle, inner]
size_t rain_reduce_sum_scratch_bytes(const RainPool *pool, long outer, long middle, long inner);
void rain_reduce_sum(RainPool *pool, long outer, long middle, long inner, const float *x, float *y, void *scratch);

/// x[rows, 2·channels] → y[rows, channels] = x[:, :channels] · gelu(x[:, channels:])
void rain_geglu(RainPool *pool, long rows, long channels, const float *x, float *y);
void rain_geglu_gradient(RainPool *pool, long rows, long channels, const float *x, const float *dy, float *dx);

/// x[n, h, w, c] → y[n, 2h, 2w, c] (nearest), and its gradient: y[n, h, w, c] = sums of 2×2 blocks of x[n, 2h, 2w, c].
void rain_upsample_nearest(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y);
void rain_sum_pool(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y);

// ---- Optimiser ---------------------------------------------------------------------------------------------------------

/// Σ x² in double, summed in a fixed order.
double rain_sum_of_squares(RainPool *pool, long count, const float *x);
typedef struct {
    float learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale, bias_correction1, bias_correction2, ema_decay;
} RainAdamW;
/// AdamW (arXiv 1711.05101) on flat buffers, and (unless ema is NULL) ema += (1 - ema_decay)(parameters - ema).
void rain_adamw(RainPool *pool, const RainAdamW *settings, long count, const float *gradients, float *parameters, float *first_moment,
                float *second_moment, float *ema);

#ifdef __cplusplus
}
#endif
