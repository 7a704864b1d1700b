// What RainMedia needs of FFmpeg's libraries, without their macros, variadic functions and public structs.
//
// Every function that can fail returns a negative AVERROR code, which rain_error_text puts into words. Nothing here is
// safe to call from two threads at once on the same handle.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// Silences FFmpeg's own messages on stderr; errors are returned, not printed.
void rain_silence(void);

// Writes the words for an error code, zero-terminated, into text.
void rain_error_text(int code, char *text, size_t size);

// The code of "no encoder of this name in this build of FFmpeg".
int rain_error_encoder_not_found(void);

// What FFmpeg says of a file that it does not understand, and the system of an argument.
int rain_error_invalid_argument(void);

// The code of what took longer than its patience.
int rain_error_interrupted(void);

// The errno inside an AVERROR code, or 0 if it is one of FFmpeg's own codes.
int rain_error_errno(int code);

// Whether this build of FFmpeg has an encoder of this name.
int rain_has_encoder(const char *name);

// Whether this build of FFmpeg can write to a network protocol ("rtmp") or a device system ("v4l2").
int rain_has_output_protocol(const char *name);
int rain_has_output_device(const char *name);

// Whether this build of FFmpeg has a capture system of this name.
int rain_has_device_system(const char *name);

// The version that a library reports at run time, major << 16 | minor << 8 | micro.
typedef enum {
    RainLibraryUtil,
    RainLibraryCodec,
    RainLibraryFormat,
    RainLibraryScale,
    RainLibraryResample,
    RainLibraryDevice,
} RainLibrary;
uint32_t rain_library_version(RainLibrary library);

// ---- Checksums ----

typedef struct RainSHA256 RainSHA256;
RainSHA256 *_Nullable rain_sha256_create(void);
void rain_sha256_update(RainSHA256 *sha, const uint8_t *bytes, size_t count);
// Writes the 32 bytes of the digest, and frees.
void rain_sha256_finish(RainSHA256 *sha, uint8_t *digest);

// ---- Writing video ----

typedef struct RainEncoder RainEncoder;

typedef struct {
    int source_width, source_height;  // of the pictures that are appended
    int width, height;                // of the video; the same for palette indices
    double frames_per_second;
    int has_alpha;                    // whether the pictures, and the video, have transparency
    int is_timed;                     // whether every picture has a time of its own, rather than a place in a constant rate
    double patience;                  // 0 for files; else path is an address or a device, and how many seconds anything may take
} RainVideo;

// Opens a file (or whatever path names) for one video stream, of constant frame rate unless it is timed.
// The options read "key=value:key=value". Pixel format is PAL8 for the encoder "gif", else YUV 4:2:0, BT.709.
int rain_encoder_open(RainEncoder *_Nullable *_Nonnull encoder, const char *path, const char *format, const char *codec,
                      const char *codec_options, const char *format_options, RainVideo video);

// The time of the next picture, in seconds from the first one; of a video that is timed. Times that do not grow are moved on a little.
void rain_encoder_set_time(RainEncoder *encoder, double seconds);

// Appends a picture of height × width × 3 bytes (4 with transparency, straight).
int rain_encoder_write_rgb(RainEncoder *encoder, const uint8_t *rgb);

// Appends a picture of height × width palette indices; the palette's entries are 0xAARRGGBB.
int rain_encoder_write_indexed(RainEncoder *encoder, const uint8_t *indices, const uint32_t *palette);

// Writes what is still under way and the end of the file, and closes it; the handle must still be freed.
int rain_encoder_finish(RainEncoder *encoder);

// Closes (if still open) and frees.
void rain_encoder_free(RainEncoder *encoder);

// ---- Encoding video packet by packet ----

typedef struct RainPackets RainPackets;

// Opens an encoder ("libx264", "libvpx") of pictures of width × height, which are enlarged by an integer factor; YUV 4:2:0, BT.709.
int rain_packets_open(RainPackets *_Nullable *_Nonnull packets, const char *codec, const char *options, int width, int height, int scale,
                      double frames_per_second);

// Encodes one picture of height × width × 3 bytes, as a key frame if key is not 0: 1 with a packet, which stays until the next call,
// 0 without, negative on error.
int rain_packets_encode(RainPackets *packets, const uint8_t *rgb, int key, const uint8_t *_Nullable *_Nonnull bytes, size_t *count,
                        int *is_key);

void rain_packets_free(RainPackets *packets);

// ---- Writing stills ----

// Encodes one picture of height × width × 3 bytes, 4 with transparency, with the encoder "png", "mjpeg" or "libwebp";
// *bytes is to be freed with rain_free.
int rain_encode_still(const char *codec, const uint8_t *rgb, int width, int height, int has_alpha, uint8_t *_Nullable *_Nonnull bytes,
                      size_t *count);
void rain_free(void *_Nullable bytes);

// ---- Reading ----

typedef struct RainDecoder RainDecoder;

typedef struct {
    int width, height;     // as stored, before the orientation is applied
    int orientation;       // 1…8 as in EXIF
    double seconds;        // presentation time, or -1 if unknown
    // Width of a pixel in its height.
    double pixel_aspect;
} RainFrame;

// Opens the video stream of a file, or of bytes in memory if path is null (the bytes must outlive the handle).
// formats lists the demuxers that may be tried; nothing but this file or memory is ever opened.
int rain_decoder_open(RainDecoder *_Nullable *_Nonnull decoder, const char *_Nullable path, const uint8_t *_Nullable bytes, size_t count,
                      const char *formats, int64_t max_pixels);

// Opens a camera or another live source: a device of one of FFmpeg's capture systems ("v4l2", "lavfi").
int rain_decoder_open_device(RainDecoder *_Nullable *_Nonnull decoder, const char *system, const char *device, int64_t max_pixels);

// Frames per second as the container says, or 0 if it does not.
double rain_decoder_rate(const RainDecoder *decoder);

// How long it is in seconds as the container says, or 0 if it does not.
double rain_decoder_duration(const RainDecoder *decoder);

// Decodes the next frame: 1 with *frame filled, 0 at the end, negative on error; of a live source also RAIN_NOTHING_YET, at once.
static const int RAIN_NOTHING_YET = 2;
int rain_decoder_next(RainDecoder *decoder, RainFrame *frame);

// Writes the frame last decoded as height × width × 3 bytes of RGB, transparency laid on white.
int rain_decoder_copy_rgb(RainDecoder *decoder, uint8_t *rgb);

// Writes the frame last decoded as height × width × 4 bytes of RGBA, colours not multiplied by their opacity.
int rain_decoder_copy_rgba(RainDecoder *decoder, uint8_t *rgba);

void rain_decoder_free(RainDecoder *decoder);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
