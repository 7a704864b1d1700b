#include "CMachine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

// Twelve chains: more than latency × units of any current machine. `keep` stops the compiler from joining the rounds.
#define RAIN_CHAINS(vector, keep) \
    vector sums[12] = {}; \
    vector factor = {}, term = {}; \
    factor += 0.999f; \
    term += 0.001f; \
    for (long round = 0; round < rounds; round++) { \
        _Pragma("clang loop unroll(full)") for (auto &sum : sums) { \
            sum = sum * factor + term; \
            __asm__ volatile("" : keep(sum)); \
        } \
    } \
    return 24.0 * double(sizeof(vector) / sizeof(float)) * double(rounds);

typedef float V16 __attribute__((ext_vector_type(16)));
typedef float V8 __attribute__((ext_vector_type(8)));
typedef float V4 __attribute__((ext_vector_type(4)));

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vl"))) double multiply_adds_512(long rounds) { RAIN_CHAINS(V16, "+v") }
__attribute__((target("avx2,fma"))) double multiply_adds_256(long rounds) { RAIN_CHAINS(V8, "+x") }
#endif

}  // namespace

double machine_multiply_adds(int wide, long rounds) {
#if defined(__x86_64__)
    return wide ? multiply_adds_512(rounds) : multiply_adds_256(rounds);
#elif defined(__aarch64__)
    RAIN_CHAINS(V4, "+w")
#else
    return 0;
#endif
}

void machine_forget(const void *memory, size_t bytes) {
#if defined(__x86_64__)
    const char *at = static_cast<const char *>(memory);
    for (size_t offset = 0; offset < bytes; offset += 64) _mm_clflush(at + offset);
    _mm_mfence();
#endif
}

void machine_stream(const float *a, const float *b, float *y, long count) {
#pragma clang loop vectorize(enable) interleave(enable)
    for (long i = 0; i < count; i++) y[i] = a[i] * b[i];
}
