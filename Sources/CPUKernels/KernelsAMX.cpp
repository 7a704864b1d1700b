// The kernels for AVX-512 with AMX: as AVX-512, and a matrix unit for bfloat16.
#include "Pool.hpp"
#include "Scalar.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#define RAIN_NAMESPACE amx
#define RAIN_WIDTH 16
#define RAIN_REGISTERS 32
#define RAIN_MATRIX_UNIT 1
#pragma clang attribute push(__attribute__((target("avx,avx2,fma,avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,amx-tile,amx-bf16"))), \
                             apply_to = function)
#include "Fast/Kernels.hpp"
#pragma clang attribute pop
#endif
