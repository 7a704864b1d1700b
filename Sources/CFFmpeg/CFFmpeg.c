#include "CFFmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/sha.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <string.h>

void rain_silence(void) { av_log_set_level(AV_LOG_QUIET); }

// The system's errors have words that people know; FFmpeg's own are told in ours.
void rain_error_text(int code, char *text, size_t size) {
    const char *words;
    switch (code) {
        case AVERROR_INVALIDDATA:
        case AVERROR(EINVAL): words = "data that make no sense"; break;
        case AVERROR_STREAM_NOT_FOUND: words = "no pictures in it"; break;
        case AVERROR_DECODER_NOT_FOUND: words = "a codec that this build of FFmpeg cannot read"; break;
        case AVERROR_DEMUXER_NOT_FOUND: words = "a kind of file that this build of FFmpeg cannot read"; break;
        case AVERROR_ENCODER_NOT_FOUND: words = "a codec that this build of FFmpeg cannot write"; break;
        case AVERROR_MUXER_NOT_FOUND: words = "a kind of file that this build of FFmpeg cannot write"; break;
        case AVERROR_PROTOCOL_NOT_FOUND: words = "a kind of address that this build of FFmpeg does not know"; break;
        case AVERROR_PATCHWELCOME: words = "a variant that FFmpeg does not read"; break;
        case AVERROR_EOF: words = "the end of the file"; break;
        case AVERROR_EXTERNAL: words = "a codec that failed"; break;
        default: words = NULL;
    }
    if (words)
        snprintf(text, size, "%s", words);
    else if (!rain_error_errno(code) || av_strerror(code, text, size) < 0)
        snprintf(text, size, "FFmpeg's error %d", code);
}

int rain_error_encoder_not_found(void) { return AVERROR_ENCODER_NOT_FOUND; }

int rain_error_invalid_argument(void) { return AVERROR(EINVAL); }

int rain_error_interrupted(void) { return AVERROR_EXIT; }

int rain_error_errno(int code) {
    // FFmpeg's own codes are negated four-letter tags, far beyond any errno.
    int number = AVUNERROR(code);
    return number > 0 && number < 4096 ? number : 0;
}

int rain_has_encoder(const char *name) { return avcodec_find_encoder_by_name(name) != NULL; }

uint32_t rain_library_version(RainLibrary library) {
    switch (library) {
        case RainLibraryUtil: return avutil_version();
        case RainLibraryCodec: return avcodec_version();
        case RainLibraryFormat: return avformat_version();
        case RainLibraryScale: return swscale_version();
        case RainLibraryResample: return swresample_version();
        case RainLibraryDevice: return avdevice_version();
    }
    return 0;
}

RainSHA256 *rain_sha256_create(void) {
    struct AVSHA *sha = av_sha_alloc();
    if (sha) av_sha_init(sha, 256);
    return (RainSHA256 *)sha;
}

void rain_sha256_update(RainSHA256 *sha, const uint8_t *bytes, size_t count) { av_sha_update((struct AVSHA *)sha, bytes, count); }

void rain_sha256_finish(RainSHA256 *sha, uint8_t *digest) {
    av_sha_final((struct AVSHA *)sha, digest);
    av_free(sha);
}

int rain_has_output_protocol(const char *name) {
    void *state = NULL;
    for (const char *known; (known = avio_enum_protocols(&state, 1));)
        if (!strcmp(known, name)) return 1;
    return 0;
}

int rain_has_output_device(const char *name) {
    avdevice_register_all();
    return av_guess_format(name, NULL, NULL) != NULL;
}
