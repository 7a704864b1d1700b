// oneDNN's direct convolution (Debian: libdnnl-dev), as the benchmark needs it: 3×3, stride 1, padding 1, float32, in the
// blocked layout oneDNN likes best.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct PeerConvolution PeerConvolution;

/// x: [n, h, w, c], weights: [o, c, 3, 3], bias: [o]; reordered here, outside of what is timed. NULL if oneDNN refuses.
PeerConvolution *peer_convolution_create(long n, long h, long w, long c, long o, const float *x, const float *weights, const float *bias);
void peer_convolution_run(PeerConvolution *convolution);
/// The result as [n, h, w, o].
void peer_convolution_result(PeerConvolution *convolution, float *y);
/// Where its weights are.
const void *peer_convolution_weights(PeerConvolution *convolution, size_t *bytes);
void peer_convolution_destroy(PeerConvolution *convolution);
/// What oneDNN says it runs.
const char *peer_convolution_name(PeerConvolution *convolution);
/// Threads of oneDNN's OpenMP runtime.
void peer_set_threads(int threads);

#ifdef __cplusplus
}
#endif
