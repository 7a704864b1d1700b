#include "CAllocationCount.h"

#include <errno.h>
#include <stddef.h>

// The C library's own, under the names it exports for replacements like these.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local long count;

long rain_thread_allocations(void) { return count; }

void *malloc(size_t bytes) {
    count++;
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
    count++;
    return __libc_calloc(number, bytes);
}

void *realloc(void *old, size_t bytes) {
    count++;
    return __libc_realloc(old, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    count++;
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *made = memalign(alignment, bytes);
    if (made == NULL) return ENOMEM;
    *result = made;
    return 0;
}
