// The table of kernels of one instruction set. A pool holds the table it was made with; the C functions go through it.
#pragma once
#include "CPUKernels.h"

// Every kernel by its name without `rain_`: each namespace of kernels declares, defines and lists the same ones.
// clang-format off
#define RAIN_KERNELS(X) \
    X(linear_packed_bytes) X(linear_pack) X(linear) X(linear_joint) X(linear_of_two) X(linear_weight_gradient_scratch_bytes) \
    X(linear_weight_gradient) X(conv_allows) X(conv_choose) X(conv_packed_bytes) X(conv_pack) X(conv_scratch_bytes) X(conv) \
    X(conv_input_gradient_packed_bytes) X(conv_input_gradient_pack) X(conv_input_gradient_scratch_bytes) \
    X(conv_input_gradient) X(conv_weight_gradient_scratch_bytes) X(conv_weight_gradient) X(conv_depthwise) X(max_pool) X(softmax) X(sample) \
    X(sample_gradient) X(composite) X(over) X(attention_scratch_bytes) \
    X(attention) X(attention_gradient_scratch_bytes) X(attention_gradient) X(temporal_attention) \
    X(temporal_attention_gradient) X(group_norm_scratch_bytes) X(group_norm) X(group_norm_of_two) \
    X(group_norm_gradient_scratch_bytes) \
    X(group_norm_gradient) X(layer_norm) X(layer_norm_gradient_scratch_bytes) X(layer_norm_gradient) X(unary) \
    X(unary_gradient) X(affine) X(binary) X(copy_strided) X(fill) X(reduce_sum_scratch_bytes) X(reduce_sum) X(geglu) \
    X(geglu_gradient) X(upsample_nearest) X(sum_pool) X(sum_of_squares) X(adamw)
// clang-format on

namespace rain {

struct Table {
#define RAIN_FIELD(name) decltype(&rain_##name) name;
    RAIN_KERNELS(RAIN_FIELD)
#undef RAIN_FIELD
};

#define RAIN_DECLARE(name) decltype(rain_##name) name;
#define RAIN_ENTRY(name) name,
namespace plain {
RAIN_KERNELS(RAIN_DECLARE)
extern const Table table;
}  // namespace plain
namespace generic {
extern const Table table;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}
namespace amx {
extern const Table table;
}
#endif
#if defined(__aarch64__)
namespace neon {
extern const Table table;
}
#endif

}  // namespace rain
