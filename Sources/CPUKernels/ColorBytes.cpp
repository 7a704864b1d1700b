// What a network draws, as bytes.
#include "include/CPUKernels.h"

#include <atomic>

#include "Pool.hpp"

int rain_color_bytes(RainPool *pool, long pixels, long channels, const float *x, unsigned char *bytes) {
    std::atomic<bool> all_finite{true};
    rain::parallel_ranges(pool, pixels, 1 << 14, 1, [&](long begin, long end, int) {
        // What is not finite makes this so, whatever comes after it.
        float trace = 0;
        for (long pixel = begin; pixel < end; pixel++) {
            const float *from = x + pixel * channels;
            for (long c = 0; c < channels; c++) trace += from[c] - from[c];
            for (long c = 0; c < 3; c++) {
                const float above = from[c] > 0 ? from[c] : 0;
                bytes[pixel * 3 + c] = static_cast<unsigned char>((above < 1 ? above : 1) * 255 + 0.5f);
            }
        }
        if (!(trace == 0)) all_finite = false;
    });
    return all_finite;
}
