// The kernels for AVX-512: 16 floats, 32 registers, masks.
#include "Pool.hpp"
#include "Scalar.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#define RAIN_NAMESPACE avx512
#define RAIN_WIDTH 16
#define RAIN_REGISTERS 32
#define RAIN_MATRIX_UNIT 0
#pragma clang attribute push(__attribute__((target("avx,avx2,fma,avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#include "Fast/Kernels.hpp"
#pragma clang attribute pop
#endif
