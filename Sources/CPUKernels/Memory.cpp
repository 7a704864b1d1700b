// Memory for tensors: aligned, zero, and refused rather than fatal when there is none.
#include <stdlib.h>
#include <string.h>

#include "CPUKernels.h"

extern "C" void *rain_memory_allocate(size_t bytes) {
    const size_t whole = (bytes + 63) / 64 * 64;
    if (whole < bytes) return nullptr;
    void *memory = nullptr;
    if (posix_memalign(&memory, 64, whole) != 0) return nullptr;
    memset(memory, 0, whole);
    return memory;
}

extern "C" void rain_memory_free(void *memory) { free(memory); }
