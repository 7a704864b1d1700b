#include "CFFmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

struct RainDecoder {
    AVFormatContext *format;
    AVIOContext *memory;
    const uint8_t *bytes;
    size_t count, position;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    int stream, is_still, is_live, is_draining;
    // The last display matrix that came with a frame: an H.264 or HEVC message says it once for all that follow.
    int32_t matrix[9];
    int has_matrix;
    int64_t max_pixels;
};

static int read_memory(void *opaque, uint8_t *buffer, int size) {
    RainDecoder *d = opaque;
    size_t left = d->count - d->position;
    if (left == 0) return AVERROR_EOF;
    if ((size_t)size > left) size = (int)left;
    memcpy(buffer, d->bytes + d->position, size);
    d->position += size;
    return size;
}

static int64_t seek_memory(void *opaque, int64_t offset, int whence) {
    RainDecoder *d = opaque;
    if (whence & AVSEEK_SIZE) return (int64_t)d->count;
    int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (int64_t)d->position : (int64_t)d->count;
    if (offset < -base || offset > (int64_t)d->count - base) return AVERROR(EINVAL);
    return d->position = base + offset;
}

// What decoders are told: they count rows padded to full vectors, while the limit on what leaves this file is exact.
static int64_t padded_limit(const RainDecoder *d) { return d->max_pixels + 64 * 32768; }

static int open_input(RainDecoder *d, const char *path, const char *formats) {
    d->format = avformat_alloc_context();
    if (!d->format) return AVERROR(ENOMEM);
    char *url = NULL;
    if (path) {
        url = av_asprintf("file:%s", path);
        if (!url) return AVERROR(ENOMEM);
    } else {
        const int size = 1 << 16;
        uint8_t *buffer = av_malloc(size);
        if (!buffer) return AVERROR(ENOMEM);
        d->memory = avio_alloc_context(buffer, size, 0, d, read_memory, NULL, seek_memory);
        if (!d->memory) {
            av_free(buffer);
            return AVERROR(ENOMEM);
        }
        d->format->pb = d->memory;
    }
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", formats, 0);
    av_dict_set(&options, "protocol_whitelist", path ? "file" : "none", 0);
    int code = avformat_open_input(&d->format, url, NULL, &options);
    av_dict_free(&options);
    av_free(url);
    return code;
}

// Looks into the streams; the limit on pixels must hold for the decoders that are tried here too.
static int find_streams(RainDecoder *d) {
    unsigned count = d->format->nb_streams;
    AVDictionary **options = av_calloc(count ? count : 1, sizeof *options);
    if (!options) return AVERROR(ENOMEM);
    for (unsigned i = 0; i < count; i++) av_dict_set_int(&options[i], "max_pixels", padded_limit(d), 0);
    int code = avformat_find_stream_info(d->format, options);
    for (unsigned i = 0; i < count; i++) av_dict_free(&options[i]);
    av_free(options);
    return code;
}

static int open_codec(RainDecoder *d) {
    const AVCodec *codec = NULL;
    d->stream = av_find_best_stream(d->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (d->stream < 0) return d->stream;
    d->codec = avcodec_alloc_context3(codec);
    if (!d->codec) return AVERROR(ENOMEM);
    int code = avcodec_parameters_to_context(d->codec, d->format->streams[d->stream]->codecpar);
    if (code < 0) return code;
    d->codec->max_pixels = padded_limit(d);
    d->codec->thread_count = 1;
    // A still that is cut short is refused; half a picture would be taken for a whole one.
    if (d->is_still) d->codec->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
    return avcodec_open2(d->codec, codec, NULL);
}

int rain_decoder_open(RainDecoder **decoder, const char *path, const uint8_t *bytes, size_t count, const char *formats,
                      int64_t max_pixels) {
    RainDecoder *d = av_mallocz(sizeof *d);
    if (!d) return AVERROR(ENOMEM);
    d->bytes = bytes;
    d->count = count;
    d->is_still = path == NULL;
    d->max_pixels = max_pixels;
    d->frame = av_frame_alloc();
    d->packet = av_packet_alloc();
    int code = d->frame && d->packet ? open_input(d, path, formats) : AVERROR(ENOMEM);
    if (code >= 0 && !d->is_still) code = find_streams(d);
    if (code >= 0) code = open_codec(d);
    if (code < 0) {
        rain_decoder_free(d);
        return code;
    }
    *decoder = d;
    return 0;
}

int rain_has_device_system(const char *name) {
    avdevice_register_all();
    return av_find_input_format(name) != NULL;
}

int rain_decoder_open_device(RainDecoder **decoder, const char *system, const char *device, int64_t max_pixels) {
    avdevice_register_all();
    const AVInputFormat *input = av_find_input_format(system);
    if (!input) return AVERROR_DEMUXER_NOT_FOUND;
    RainDecoder *d = av_mallocz(sizeof *d);
    if (!d) return AVERROR(ENOMEM);
    d->is_live = 1;
    d->max_pixels = max_pixels;
    d->frame = av_frame_alloc();
    d->packet = av_packet_alloc();
    d->format = avformat_alloc_context();
    int code = d->frame && d->packet && d->format ? 0 : AVERROR(ENOMEM);
    if (code >= 0) {
        // A read that found nothing returns at once, so that a camera that falls silent cannot hang us.
        d->format->flags |= AVFMT_FLAG_NONBLOCK;
        code = avformat_open_input(&d->format, device, (AVInputFormat *)input, NULL);
    }
    if (code >= 0) code = open_codec(d);
    if (code < 0) {
        rain_decoder_free(d);
        return code;
    }
    *decoder = d;
    return 0;
}

double rain_decoder_rate(const RainDecoder *d) {
    AVRational rate = av_guess_frame_rate(d->format, d->format->streams[d->stream], NULL);
    return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

double rain_decoder_duration(const RainDecoder *d) {
    int64_t duration = d->format->duration;
    return duration == AV_NOPTS_VALUE || duration <= 0 ? 0 : (double)duration / AV_TIME_BASE;
}

// The display matrix of a video that was filmed with the camera turned; containers keep it with the stream, pictures with the frame.
static const int32_t *display_matrix(RainDecoder *d) {
    const AVFrameSideData *data = av_frame_get_side_data(d->frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (data && data->size >= sizeof d->matrix) {
        memcpy(d->matrix, data->data, sizeof d->matrix);
        d->has_matrix = 1;
    }
    if (d->has_matrix) return d->matrix;
    const AVStream *stream = d->format->streams[d->stream];
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVPacketSideData *side =
        av_packet_side_data_get(stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)side->data : NULL;
#else
    size_t size = 0;
    const uint8_t *bytes = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return bytes && size >= 9 * sizeof(int32_t) ? (const int32_t *)bytes : NULL;
#endif
}

// EXIF's number for a display matrix, of which only the signs of the upper left 2 × 2 matter here.
static int exif_orientation(RainDecoder *d) {
    const int32_t *m = display_matrix(d);
    if (!m) return 1;
    if (llabs(m[0]) > llabs(m[1])) return m[0] > 0 ? (m[4] >= 0 ? 1 : 4) : (m[4] >= 0 ? 2 : 3);
    return m[1] > 0 ? (m[3] >= 0 ? 5 : 6) : (m[3] >= 0 ? 8 : 7);
}

static void describe(RainDecoder *d, RainFrame *frame) {
    frame->width = d->frame->width;
    frame->height = d->frame->height;
    frame->orientation = exif_orientation(d);
    AVRational aspect = av_guess_sample_aspect_ratio(d->format, d->format->streams[d->stream], d->frame);
    frame->pixel_aspect = aspect.num > 0 && aspect.den > 0 ? av_q2d(aspect) : 1;
    int64_t time = d->frame->best_effort_timestamp;
    frame->seconds = time == AV_NOPTS_VALUE ? -1 : time * av_q2d(d->format->streams[d->stream]->time_base);
}

int rain_decoder_next(RainDecoder *d, RainFrame *frame) {
    while (1) {
        int code = avcodec_receive_frame(d->codec, d->frame);
        if (code == AVERROR_EOF) return 0;
        if (code >= 0) {
            if (d->frame->width <= 0 || d->frame->height <= 0 || (int64_t)d->frame->width * d->frame->height > d->max_pixels)
                return AVERROR_INVALIDDATA;
            describe(d, frame);
            return 1;
        }
        if (code != AVERROR(EAGAIN)) return code;
        code = av_read_frame(d->format, d->packet);
        if (code == AVERROR(EAGAIN)) return d->is_live ? RAIN_NOTHING_YET : AVERROR(ETIMEDOUT);
        if (code == AVERROR_EOF) {
            if (d->is_draining) return 0;
            d->is_draining = 1;
            code = avcodec_send_packet(d->codec, NULL);
        } else if (code >= 0) {
            if (d->packet->stream_index == d->stream) code = avcodec_send_packet(d->codec, d->packet);
            av_packet_unref(d->packet);
            // A damaged packet in a stream costs its frames, not the rest of the video.
            if (code == AVERROR_INVALIDDATA && !d->is_still) code = 0;
        }
        if (code < 0) return code;
    }
}

// YUVJ formats are YUV of full range under an old name that the scaler warns of.
static enum AVPixelFormat modern(enum AVPixelFormat format, int *full_range) {
    switch (format) {
        case AV_PIX_FMT_YUVJ420P: *full_range = 1; return AV_PIX_FMT_YUV420P;
        case AV_PIX_FMT_YUVJ411P: *full_range = 1; return AV_PIX_FMT_YUV411P;
        case AV_PIX_FMT_YUVJ422P: *full_range = 1; return AV_PIX_FMT_YUV422P;
        case AV_PIX_FMT_YUVJ440P: *full_range = 1; return AV_PIX_FMT_YUV440P;
        case AV_PIX_FMT_YUVJ444P: *full_range = 1; return AV_PIX_FMT_YUV444P;
        default: return format;
    }
}

static void lay_on_white(uint8_t *rgb, const uint8_t *rgba, size_t pixels) {
    for (size_t i = 0; i < pixels; i++, rgb += 3, rgba += 4) {
        unsigned alpha = rgba[3];
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static int has_alpha(const AVFrame *f) {
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(f->format);
    return description && ((description->flags & AV_PIX_FMT_FLAG_ALPHA) || f->format == AV_PIX_FMT_PAL8);
}

// Converts the frame last decoded to packed RGB or RGBA.
static int convert(RainDecoder *d, enum AVPixelFormat target, uint8_t *pixels) {
    const AVFrame *f = d->frame;
    const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(f->format);
    if (!description || f->width <= 0) return AVERROR_INVALIDDATA;
    // Stills are of PNM and QOI, which know no other range.
    int full_range = d->is_still || f->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat source = modern(f->format, &full_range);
    d->scaler = sws_getCachedContext(d->scaler, f->width, f->height, source, f->width, f->height, target,
                                     SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (!d->scaler) return AVERROR(ENOSYS);
    // RGB and grey formats have no matrix to set, and say so by failing; the default is then right.
    int matrix = f->colorspace == AVCOL_SPC_BT709                                                ? SWS_CS_ITU709
                 : f->colorspace == AVCOL_SPC_BT2020_NCL || f->colorspace == AVCOL_SPC_BT2020_CL ? SWS_CS_BT2020
                                                                                                 : SWS_CS_DEFAULT;
    const int *coefficients = sws_getCoefficients(matrix);
    if (!(description->flags & AV_PIX_FMT_FLAG_RGB))
        sws_setColorspaceDetails(d->scaler, coefficients, full_range, coefficients, 1, 0, 1 << 16, 1 << 16);
    uint8_t *planes[4] = {pixels};
    int strides[4] = {f->width * (target == AV_PIX_FMT_RGBA ? 4 : 3)};
    int code = sws_scale(d->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes, strides);
    return code < 0 ? code : 0;
}

int rain_decoder_copy_rgb(RainDecoder *d, uint8_t *rgb) {
    if (!has_alpha(d->frame)) return convert(d, AV_PIX_FMT_RGB24, rgb);
    size_t pixels = (size_t)d->frame->width * d->frame->height;
    uint8_t *rgba = av_malloc(pixels * 4);
    if (!rgba) return AVERROR(ENOMEM);
    int code = convert(d, AV_PIX_FMT_RGBA, rgba);
    if (code >= 0) lay_on_white(rgb, rgba, pixels);
    av_free(rgba);
    return code;
}

int rain_decoder_copy_rgba(RainDecoder *d, uint8_t *rgba) { return convert(d, AV_PIX_FMT_RGBA, rgba); }

void rain_decoder_free(RainDecoder *d) {
    avformat_close_input(&d->format);
    if (d->memory) av_freep(&d->memory->buffer);
    avio_context_free(&d->memory);
    avcodec_free_context(&d->codec);
    av_frame_free(&d->frame);
    av_packet_free(&d->packet);
    sws_freeContext(d->scaler);
    av_free(d);
}
