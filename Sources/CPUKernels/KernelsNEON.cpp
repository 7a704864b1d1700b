// The kernels for NEON: 4 floats, 32 registers, products by one lane of a vector. Every 64-bit ARM processor has it, so that the
// compiler needs not be told.
#include "Pool.hpp"
#include "Scalar.hpp"

#if defined(__aarch64__)
#define RAIN_NAMESPACE neon
#define RAIN_WIDTH 4
#define RAIN_REGISTERS 32
#define RAIN_MATRIX_UNIT 0
#include "Fast/Kernels.hpp"
#endif
