// The kernels for AVX2 with fused multiply-add: 8 floats, 16 registers.
#include "Pool.hpp"
#include "Scalar.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#define RAIN_NAMESPACE avx2
#define RAIN_WIDTH 8
#define RAIN_REGISTERS 16
#define RAIN_MATRIX_UNIT 0
#pragma clang attribute push(__attribute__((target("avx,avx2,fma"))), apply_to = function)
#include "Fast/Kernels.hpp"
#pragma clang attribute pop
#endif
