// Elements of one type as another. Written without branches, so that compilers make vectors of it for every instruction set.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "Pool.hpp"
#include "include/CPUKernels.h"

namespace {

template <class To, class From>
inline To bits(From x) {
    static_assert(sizeof(To) == sizeof(From));
    To y;
    memcpy(&y, &x, sizeof y);
    return y;
}

struct Float32 {
    using Stored = float;
    static float read(Stored x) { return x; }
    static Stored write(float x) { return x; }
};

struct Float16 {
    using Stored = uint16_t;

    static float read(Stored h) {
        // Exponent and fraction as a float's, which is 2¹¹² too small, also for what has no leading one.
        const float size = bits<float>(static_cast<uint32_t>(h & 0x7FFF) << 13) * 0x1p112f;
        const uint32_t beyond = size >= 65536.0f ? 0x7F800000u : 0u;
        return bits<float>(bits<uint32_t>(size) | beyond | static_cast<uint32_t>(h & 0x8000) << 16);
    }

    static Stored write(float x) {
        const uint32_t pattern = bits<uint32_t>(x), sign = pattern & 0x80000000u, size = pattern ^ sign;
        // Below 2⁻¹⁴ an addition rounds to even steps; above, half a step less the tie does.
        const uint32_t small = bits<uint32_t>(bits<float>(size) + 0.5f) - bits<uint32_t>(0.5f);
        const uint32_t normal = (size + 0xC8000FFFu + (size >> 13 & 1)) >> 13;
        const uint32_t large = size > 0x7F800000u ? 0x7E00u : 0x7C00u;
        const uint32_t half = size >= 0x47800000u ? large : size < 0x38800000u ? small : normal;
        return static_cast<Stored>(half | sign >> 16);
    }
};

struct BFloat16 {
    using Stored = uint16_t;
    static float read(Stored x) { return bits<float>(static_cast<uint32_t>(x) << 16); }
    static Stored write(float x) {
        const uint32_t pattern = bits<uint32_t>(x);
        const uint32_t rounded = (pattern + 0x7FFF + (pattern >> 16 & 1)) >> 16;
        return static_cast<Stored>((pattern & 0x7FFFFFFFu) > 0x7F800000u ? pattern >> 16 | 0x40 : rounded);
    }
};

// A NaN compares with nothing, and so is 0.
struct Int32 {
    using Stored = int32_t;
    static float read(Stored x) { return static_cast<float>(x); }
    static Stored write(float x) {
        const float y = roundf(x);
        const float low = y > -0x1p31f ? y : -0x1p31f;
        return x == x ? static_cast<Stored>(low < 0x1.fffffep30f ? low : 0x1.fffffep30f) : 0;
    }
};

struct UInt8 {
    using Stored = uint8_t;
    static float read(Stored x) { return static_cast<float>(x); }
    static Stored write(float x) {
        const float low = x > 0 ? x : 0, y = low < 255 ? low : 255;
        const int whole = static_cast<int>(y);
        return static_cast<Stored>(whole + (y - static_cast<float>(whole) >= 0.5f));
    }
};

template <class From, class To>
void convert(RainPool *pool, long count, const void *x, void *y) {
    rain::parallel_ranges(pool, count, 1 << 15, 64, [&](long begin, long end, int) {
        const char *from = static_cast<const char *>(x) + begin * sizeof(typename From::Stored);
        typename To::Stored *to = static_cast<typename To::Stored *>(y) + begin;
        for (long i = 0; i < end - begin; i++) {
            typename From::Stored stored;
            memcpy(&stored, from + i * sizeof stored, sizeof stored);
            to[i] = To::write(From::read(stored));
        }
    });
}

template <class From>
void convert_to(RainPool *pool, long count, const void *x, RainElement to, void *y) {
    switch (to) {
        case RAIN_ELEMENT_FLOAT32: return convert<From, Float32>(pool, count, x, y);
        case RAIN_ELEMENT_FLOAT16: return convert<From, Float16>(pool, count, x, y);
        case RAIN_ELEMENT_BFLOAT16: return convert<From, BFloat16>(pool, count, x, y);
        case RAIN_ELEMENT_INT32: return convert<From, Int32>(pool, count, x, y);
        case RAIN_ELEMENT_UINT8: return convert<From, UInt8>(pool, count, x, y);
    }
}

}  // namespace

void rain_convert(RainPool *pool, long count, RainElement from, const void *x, RainElement to, void *y) {
    switch (from) {
        case RAIN_ELEMENT_FLOAT32: return convert_to<Float32>(pool, count, x, to, y);
        case RAIN_ELEMENT_FLOAT16: return convert_to<Float16>(pool, count, x, to, y);
        case RAIN_ELEMENT_BFLOAT16: return convert_to<BFloat16>(pool, count, x, to, y);
        case RAIN_ELEMENT_INT32: return convert_to<Int32>(pool, count, x, to, y);
        case RAIN_ELEMENT_UINT8: return convert_to<UInt8>(pool, count, x, to, y);
    }
}
