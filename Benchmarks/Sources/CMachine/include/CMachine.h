// The machine's own limits, measured beside the kernels.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Runs fused multiply-adds on registers alone, `rounds` times twelve, in 512-bit vectors if `wide`, else in 256-bit ones (128-bit
/// where there are none). Returns the number of floating-point operations: two per multiply-add and lane.
double machine_multiply_adds(int wide, long rounds);
/// Writes back the memory's lines and removes them from every cache.
void machine_forget(const void *memory, size_t bytes);
/// y = a · b in one thread, as fast as memory allows.
void machine_stream(const float *a, const float *b, float *y, long count);

#ifdef __cplusplus
}
#endif
