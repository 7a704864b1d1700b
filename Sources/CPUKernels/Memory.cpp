// Memory for tensors: aligned, zero, and refused rather than fatal when there is none.
#include <stdlib.h>
#include <stdint.h>

#include "CPUKernels.h"

// What calloc returns lies just before the aligned memory. Large memory comes from the system as zeros and becomes resident only
// where it is written.
extern "C" void *rain_memory_allocate(size_t bytes) {
    if (bytes > SIZE_MAX - 128) return nullptr;
    char *raw = static_cast<char *>(calloc(1, bytes + 128));
    if (!raw) return nullptr;
    char *memory = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(raw) + 64) / 64 * 64);
    reinterpret_cast<void **>(memory)[-1] = raw;
    return memory;
}

extern "C" void rain_memory_free(void *memory) {
    if (memory) free(static_cast<void **>(memory)[-1]);
}
