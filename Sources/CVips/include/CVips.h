#ifndef RAIN_CVIPS_H
#define RAIN_CVIPS_H

#include <stddef.h>
#include <stdint.h>

/// Kinds of picture files, each of which has one reader.
typedef enum {
    RAIN_STILL_PNG,
    RAIN_STILL_JPEG,
    RAIN_STILL_WEBP,
    RAIN_STILL_GIF,
    RAIN_STILL_TIFF,
    RAIN_STILL_HEIF,
    RAIN_STILL_BMP,
} RainStillKind;

typedef enum {
    RAIN_STILL_READ,
    /// libvips is not installed, or lacks what reads this kind.
    RAIN_STILL_NO_LIBRARY,
    /// Not a picture of this kind, damaged, or cut short.
    RAIN_STILL_DAMAGED,
    /// Width and height are told, nothing is decoded.
    RAIN_STILL_TOO_LARGE,
} RainStillStatus;

typedef struct {
    int width;
    int height;
    /// Rows of RGBA, not premultiplied, sRGB; to be given back with `rain_still_free`.
    uint8_t *pixels;
} RainStill;

/// Reads the first picture of a file's bytes: turned as its orientation says, in sRGB, 8 bits a channel.
///
/// Any number of threads may read at once.
///
/// - ignores_profile: colours are taken for sRGB, which saves the reading of a profile, 4 ms
RainStillStatus rain_still_read(RainStillKind kind, const void *bytes, size_t count, int64_t maximum_pixels, int maximum_side,
                                int ignores_profile, RainStill *still);

void rain_still_free(RainStill *still);

#endif
