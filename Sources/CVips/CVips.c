#include "CVips.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

// libvips is opened when the first picture is read: it and what it stands on take 30 MB and a twentieth of a second. Its functions are
// declared here instead of by its headers, whose Debian package wants 120 others; they are those of libvips.so.42, whose binary interface
// has been kept since 2015 (https://www.libvips.org/API/8.14).

typedef struct VipsImage VipsImage;

enum { VIPS_FORMAT_UCHAR = 0, VIPS_FORMAT_USHORT = 2 };
enum { VIPS_INTERPRETATION_sRGB = 22 };
enum { VIPS_ACCESS_SEQUENTIAL = 1 };
enum { VIPS_FAIL_ON_TRUNCATED = 1 };
enum { VIPS_INTENT_RELATIVE = 1 };
enum { G_LOG_LEVEL_WARNING = 1 << 4 };

typedef int (*Load)(const void *, size_t, VipsImage **, ...);
typedef int (*Change)(VipsImage *, VipsImage **, ...);
typedef int (*ChangeTo)(VipsImage *, VipsImage **, int, ...);

static struct {
    int isThere;
    int (*init)(const char *);
    void (*cache_set_max)(int);
    void (*concurrency_set)(int);
    void (*error_clear)(void);
    const char *(*error_buffer)(void);
    int (*width)(const VipsImage *);
    int (*height)(const VipsImage *);
    int (*bands)(const VipsImage *);
    int (*format)(const VipsImage *);
    unsigned long (*get_typeof)(const VipsImage *, const char *);
    VipsImage *(*copy_memory)(VipsImage *);
    void *(*write_to_memory)(VipsImage *, size_t *);
    Change autorot;
    int (*icc_transform)(VipsImage *, VipsImage **, const char *, ...);
    ChangeTo colourspace, cast;
    int (*extract_band)(VipsImage *, VipsImage **, int, ...);
    int (*bandjoin_const1)(VipsImage *, VipsImage **, double, ...);
    unsigned (*log_set_handler)(const char *, int, void (*)(const char *, int, const char *, void *), void *);
    void (*unref)(void *);
    void (*free)(void *);
    Load loaders[RAIN_STILL_BMP + 1];
} vips;

static void *find(void *library, const char *name, int *isThere) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL) *isThere = 0;
    return symbol;
}

static void keepQuiet(const char *domain, int level, const char *message, void *data) {
    (void)domain, (void)level, (void)message, (void)data;
}

static void openLibrary(void) {
    void *library = dlopen("libvips.so.42", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return;
    int isThere = 1;
#define FIND(field, name) *(void **)&vips.field = find(library, name, &isThere)
    FIND(init, "vips_init");
    FIND(cache_set_max, "vips_cache_set_max");
    FIND(concurrency_set, "vips_concurrency_set");
    FIND(error_clear, "vips_error_clear");
    FIND(error_buffer, "vips_error_buffer");
    FIND(width, "vips_image_get_width");
    FIND(height, "vips_image_get_height");
    FIND(bands, "vips_image_get_bands");
    FIND(format, "vips_image_get_format");
    FIND(get_typeof, "vips_image_get_typeof");
    FIND(copy_memory, "vips_image_copy_memory");
    FIND(write_to_memory, "vips_image_write_to_memory");
    FIND(autorot, "vips_autorot");
    FIND(icc_transform, "vips_icc_transform");
    FIND(colourspace, "vips_colourspace");
    FIND(cast, "vips_cast");
    FIND(extract_band, "vips_extract_band");
    FIND(bandjoin_const1, "vips_bandjoin_const1");
    FIND(log_set_handler, "g_log_set_handler");
    FIND(unref, "g_object_unref");
    FIND(free, "g_free");
#undef FIND
    // clang-format off
    static const char *const names[] = {
        [RAIN_STILL_PNG] = "vips_pngload_buffer",   [RAIN_STILL_JPEG] = "vips_jpegload_buffer", [RAIN_STILL_WEBP] = "vips_webpload_buffer",
        [RAIN_STILL_GIF] = "vips_gifload_buffer",   [RAIN_STILL_TIFF] = "vips_tiffload_buffer", [RAIN_STILL_HEIF] = "vips_heifload_buffer",
        [RAIN_STILL_BMP] = "vips_magickload_buffer",
    };
    // clang-format on
    for (int kind = 0; kind <= RAIN_STILL_BMP; kind++) {
        if (names[kind] != NULL) *(void **)&vips.loaders[kind] = find(library, names[kind], &isThere);
    }
    if (!isThere || vips.init("rain") != 0) return;
    vips.log_set_handler("VIPS", G_LOG_LEVEL_WARNING, keepQuiet, NULL);
    // A picture is read once, and the processor has better to do.
    vips.cache_set_max(0);
    vips.concurrency_set(1);
    vips.isThere = 1;
}

/// Takes the place of an image that it was made of.
static void replace(VipsImage **image, VipsImage *made) {
    vips.unref(*image);
    *image = made;
}

/// Puts what an operation makes of an image in its place, or leaves the function.
#define STEP(image, operation, ...) \
    do { \
        VipsImage *next = NULL; \
        if (vips.operation(*(image), &next, __VA_ARGS__) != 0) return -1; \
        replace(image, next); \
    } while (0)

/// The image in sRGB with 8 bits a channel and four channels; 0, or -1 with the image as far as it came.
static int settle(VipsImage **image, int ignores_profile) {
    VipsImage *made = NULL;
    int isWide = vips.format(*image) == VIPS_FORMAT_USHORT;
    STEP(image, autorot, NULL);
    // A profile that is broken says nothing.
    if (!ignores_profile && vips.get_typeof(*image, "icc-profile-data") != 0) {
        if (vips.icc_transform(*image, &made, "sRGB", "embedded", 1, "intent", VIPS_INTENT_RELATIVE, "depth", isWide ? 16 : 8, NULL) ==
            0) {
            // Only now is the profile read. Opacity stays as deep as it was, and so must colours.
            VipsImage *whole = vips.copy_memory(made);
            vips.unref(made);
            if (whole != NULL) replace(image, whole);
        }
        vips.error_clear();
    }
    STEP(image, colourspace, VIPS_INTERPRETATION_sRGB, NULL);
    STEP(image, cast, VIPS_FORMAT_UCHAR, NULL);
    // What has more channels than colours and opacity keeps those.
    int bands = vips.bands(*image);
    if (bands < 3) return -1;
    if (bands == 3) STEP(image, bandjoin_const1, 255, NULL);
    if (bands > 4) STEP(image, extract_band, 0, "n", 4, NULL);
    return 0;
}

/// A picture's pixels in memory; NULL, with what is known of its size.
static VipsImage *load(RainStillKind kind, const void *bytes, size_t count, int64_t maximum_pixels, int maximum_side, RainStill *still) {
    VipsImage *image = NULL;
    // Headers first; pixels come when they are copied.
    if (vips.loaders[kind](bytes, count, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL) != 0)
        return NULL;
    still->width = vips.width(image);
    still->height = vips.height(image);
    int isSmall =
        still->width <= maximum_side && still->height <= maximum_side && (int64_t)still->width * still->height <= maximum_pixels;
    VipsImage *whole = isSmall ? vips.copy_memory(image) : NULL;
    vips.unref(image);
    return whole;
}

RainStillStatus rain_still_read(RainStillKind kind, const void *bytes, size_t count, int64_t maximum_pixels, int maximum_side,
                                int ignores_profile, RainStill *still) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, openLibrary);
    memset(still, 0, sizeof *still);
    if (!vips.isThere) return RAIN_STILL_NO_LIBRARY;
    RainStillStatus status = RAIN_STILL_DAMAGED;
    VipsImage *image = load(kind, bytes, count, maximum_pixels, maximum_side, still);
    if (image == NULL && (int64_t)still->width * still->height > maximum_pixels) status = RAIN_STILL_TOO_LARGE;
    if (image == NULL && (still->width > maximum_side || still->height > maximum_side)) status = RAIN_STILL_TOO_LARGE;
    // TIFFs of rare kinds are sound and not libvips's to read.
    if (image == NULL && kind == RAIN_STILL_TIFF &&
        (strstr(vips.error_buffer(), "not supported") != NULL || strstr(vips.error_buffer(), "not a whole number") != NULL))
        image = load(RAIN_STILL_BMP, bytes, count, maximum_pixels, maximum_side, still);
    if (image == NULL) goto done;
    if (settle(&image, ignores_profile) != 0) goto done;
    still->width = vips.width(image);
    still->height = vips.height(image);
    size_t size = 0;
    uint8_t *pixels = vips.write_to_memory(image, &size);
    if (pixels == NULL || size != (size_t)still->width * (size_t)still->height * 4) {
        vips.free(pixels);
        goto done;
    }
    still->pixels = pixels;
    status = RAIN_STILL_READ;
done:
    if (image != NULL) vips.unref(image);
    vips.error_clear();
    return status;
}

void rain_still_free(RainStill *still) {
    if (still->pixels != NULL) vips.free(still->pixels);
    still->pixels = NULL;
}
