// All kernels of one instruction set: RAIN_NAMESPACE names it, RAIN_WIDTH is the number of floats in its vectors. Included
// once per instruction set, so that every function is compiled for it; no include guard.

namespace rain::RAIN_NAMESPACE {

#include "Vector.hpp"
#include "Multiply.hpp"
#include "Convolution.hpp"
#include "Outer.hpp"
#include "Winograd.hpp"
#include "WinogradWeights.hpp"
#include "Choose.hpp"

using plain::attention;
using plain::attention_gradient;
using plain::attention_gradient_scratch_bytes;
using plain::attention_scratch_bytes;
using plain::temporal_attention;
using plain::temporal_attention_gradient;
using plain::group_norm;
using plain::group_norm_gradient;
using plain::group_norm_gradient_scratch_bytes;
using plain::group_norm_scratch_bytes;
using plain::layer_norm;
using plain::layer_norm_gradient;
using plain::layer_norm_gradient_scratch_bytes;
using plain::unary;
using plain::unary_gradient;
using plain::affine;
using plain::binary;
using plain::copy_strided;
using plain::fill;
using plain::reduce_sum;
using plain::reduce_sum_scratch_bytes;
using plain::geglu;
using plain::geglu_gradient;
using plain::upsample_nearest;
using plain::sum_pool;
using plain::sum_of_squares;
using plain::adamw;

const Table table = {RAIN_KERNELS(RAIN_ENTRY)};

}  // namespace rain::RAIN_NAMESPACE
