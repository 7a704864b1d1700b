// The kernels for any machine: 128-bit vectors, as the compiler's target offers them.
#include "Pool.hpp"
#include "Scalar.hpp"

#define RAIN_NAMESPACE generic
#define RAIN_WIDTH 4
#define RAIN_REGISTERS 16
#define RAIN_MATRIX_UNIT 0
#include "Fast/Kernels.hpp"
