// Memory for tensors: aligned, zero, and refused rather than fatal when there is none.
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "CPUKernels.h"

namespace {

// Lies just before the memory handed out.
struct Origin {
    void *raw;
    size_t mapped;  // bytes, or 0 for memory of the heap
};

constexpr size_t line = 64, large = 1 << 20;
static_assert(sizeof(Origin) <= line);

Origin *origin(void *memory) { return reinterpret_cast<Origin *>(static_cast<char *>(memory) - line); }

}  // namespace

// Large memory comes from the system as zeros, becomes resident only where it is written, and goes back when it is freed; the heap
// would keep what lies between its smaller pieces.
extern "C" void *rain_memory_allocate(size_t bytes) {
    if (bytes > SIZE_MAX - 2 * line) return nullptr;
    const size_t whole = bytes + 2 * line;
    const bool maps = whole >= large;
    void *raw = maps ? mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : calloc(1, whole);
    if (!raw || raw == MAP_FAILED) return nullptr;
    // Rows of a head or a frame lie pages apart: with large pages their addresses are found faster. Refusal costs only that.
#ifdef MADV_HUGEPAGE
    if (maps) madvise(raw, whole, MADV_HUGEPAGE);
#endif
    void *memory = reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(raw) + 2 * line - 1) / line * line);
    *origin(memory) = {raw, maps ? whole : 0};
    return memory;
}

extern "C" void rain_memory_free(void *memory) {
    if (!memory) return;
    const Origin from = *origin(memory);
    from.mapped ? static_cast<void>(munmap(from.raw, from.mapped)) : free(from.raw);
}
