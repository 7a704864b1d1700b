// How many processors this process may use, which affinity and containers can limit.
#include "CPUKernels.h"

#if defined(__linux__)
#include <sched.h>
#else
#include <unistd.h>
#endif

extern "C" int rain_processor_count(void) {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    return 1;
#else
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
#endif
}
