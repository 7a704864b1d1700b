#include "CFFmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/imgutils.h>
#include <libavutil/time.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

struct RainEncoder {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    RainVideo video;
    int64_t next_time;
    int64_t deadline;
    int is_open;
    int header_written;
};

// Called by FFmpeg while it waits for a network.
static int is_late(void *opaque) {
    RainEncoder *e = opaque;
    return e->deadline && av_gettime_relative() > e->deadline;
}

static void start_waiting(RainEncoder *e) {
    if (e->video.patience > 0) e->deadline = av_gettime_relative() + (int64_t)(e->video.patience * 1e6);
}

static int parse_options(AVDictionary **options, const char *text) {
    return *text ? av_dict_parse_string(options, text, "=", ":", 0) : 0;
}

// The keys left over in a dictionary are options that nobody knew: our mistake, so we fail loudly.
static int leftover(AVDictionary **options) {
    int unknown = av_dict_count(*options) > 0;
    av_dict_free(options);
    return unknown ? AVERROR_OPTION_NOT_FOUND : 0;
}

static int open_codec(RainEncoder *e, const AVCodec *codec, const char *options_text) {
    int width = e->video.width, height = e->video.height;
    AVRational rate = av_d2q(e->video.frames_per_second, 1001000);
    AVCodecContext *c = e->codec = avcodec_alloc_context3(codec);
    if (!c) return AVERROR(ENOMEM);
    int indexed = codec->id == AV_CODEC_ID_GIF;
    c->width = width;
    c->height = height;
    c->pix_fmt = indexed ? AV_PIX_FMT_PAL8 : e->video.has_alpha ? AV_PIX_FMT_YUVA420P : AV_PIX_FMT_YUV420P;
    // GIF counts hundredths of a second, and WebM thousandths.
    c->time_base = e->video.is_timed ? (AVRational){1, indexed ? 100 : 1000} : av_inv_q(rate);
    c->framerate = rate;
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (e->format->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    // Small pictures encode faster than threads can be handed to, and the engine needs the cores more.
    c->thread_count = (int64_t)width * height <= 640 * 480 ? 1 : 0;
    if (!indexed) {
        c->color_range = AVCOL_RANGE_MPEG;
        c->colorspace = AVCOL_SPC_BT709;
        c->color_primaries = AVCOL_PRI_BT709;
        c->color_trc = AVCOL_TRC_BT709;
    }
    AVDictionary *options = NULL;
    int code = parse_options(&options, options_text);
    if (code >= 0) code = avcodec_open2(c, codec, &options);
    int unknown = leftover(&options);
    return code < 0 ? code : unknown;
}

static int open_scaler(RainEncoder *e) {
    AVCodecContext *c = e->codec;
    if (c->pix_fmt == AV_PIX_FMT_PAL8) return 0;
    e->scaler = sws_getContext(e->video.source_width, e->video.source_height, e->video.has_alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
                               c->width, c->height, c->pix_fmt, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
    if (!e->scaler) return AVERROR(ENOMEM);
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    return sws_setColorspaceDetails(e->scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);
}

static int open_file(RainEncoder *e, const char *path, const char *options_text) {
    e->stream = avformat_new_stream(e->format, NULL);
    if (!e->stream) return AVERROR(ENOMEM);
    e->stream->time_base = e->codec->time_base;
    e->stream->avg_frame_rate = e->codec->framerate;
    int code = avcodec_parameters_from_context(e->stream->codecpar, e->codec);
    if (code < 0) return code;
    if (!(e->format->oformat->flags & AVFMT_NOFILE)) {
        // The prefix keeps a path such as "a:b.mp4" from being taken for a protocol.
        char *url = e->video.patience > 0 ? av_strdup(path) : av_asprintf("file:%s", path);
        if (!url) return AVERROR(ENOMEM);
        start_waiting(e);
        code = avio_open2(&e->format->pb, url, AVIO_FLAG_WRITE, &e->format->interrupt_callback, NULL);
        av_free(url);
        if (code < 0) return code;
    }
    e->is_open = 1;
    // Reproducible files, and every packet on its way to the disk at once, so that a killed run leaves what it made.
    e->format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_FLUSH_PACKETS;
    AVDictionary *options = NULL;
    code = parse_options(&options, options_text);
    if (code >= 0) code = avformat_write_header(e->format, &options);
    int unknown = leftover(&options);
    if (code >= 0) e->header_written = 1;
    return code < 0 ? code : unknown;
}

int rain_encoder_open(RainEncoder **encoder, const char *path, const char *format, const char *codec_name, const char *codec_options,
                      const char *format_options, RainVideo video) {
    const AVCodec *codec = avcodec_find_encoder_by_name(codec_name);
    if (!codec) return AVERROR_ENCODER_NOT_FOUND;
    RainEncoder *e = av_mallocz(sizeof *e);
    if (!e) return AVERROR(ENOMEM);
    e->video = video;
    if (video.patience > 0) avdevice_register_all();
    int code = avformat_alloc_output_context2(&e->format, NULL, format, path);
    if (code >= 0) e->format->interrupt_callback = (AVIOInterruptCB){is_late, e};
    if (code >= 0) code = open_codec(e, codec, codec_options);
    if (code >= 0) code = open_scaler(e);
    if (code >= 0) {
        e->packet = av_packet_alloc();
        e->frame = av_frame_alloc();
        if (!e->packet || !e->frame) code = AVERROR(ENOMEM);
    }
    if (code >= 0) {
        e->frame->format = e->codec->pix_fmt;
        e->frame->width = video.width;
        e->frame->height = video.height;
        code = av_frame_get_buffer(e->frame, 0);
    }
    if (code >= 0) code = open_file(e, path, format_options);
    if (code < 0) {
        rain_encoder_free(e);
        return code;
    }
    *encoder = e;
    return 0;
}

// Passes a frame (or, with null, the end) to the encoder and all packets that come out to the file.
static int encode(RainEncoder *e, AVFrame *frame) {
    int code = avcodec_send_frame(e->codec, frame);
    while (code >= 0) {
        code = avcodec_receive_packet(e->codec, e->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return 0;
        if (code < 0) break;
        e->packet->duration = e->video.is_timed ? av_rescale_q(1, av_inv_q(e->codec->framerate), e->codec->time_base) : 1;
        av_packet_rescale_ts(e->packet, e->codec->time_base, e->stream->time_base);
        e->packet->stream_index = e->stream->index;
        code = av_interleaved_write_frame(e->format, e->packet);
    }
    return code;
}

static int writable_frame(RainEncoder *e) {
    if (!e->is_open) return AVERROR(EINVAL);
    start_waiting(e);
    int code = av_frame_make_writable(e->frame);
    e->frame->pts = e->next_time++;
    return code;
}

void rain_encoder_set_time(RainEncoder *e, double seconds) {
    int64_t time = llrint(seconds / av_q2d(e->codec->time_base));
    if (time > e->next_time) e->next_time = time;
}

int rain_encoder_write_rgb(RainEncoder *e, const uint8_t *rgb) {
    int code = e->scaler ? writable_frame(e) : AVERROR(EINVAL);
    if (code < 0) return code;
    const uint8_t *source[4] = {rgb};
    int strides[4] = {e->video.source_width * (e->video.has_alpha ? 4 : 3)};
    code = sws_scale(e->scaler, source, strides, 0, e->video.source_height, e->frame->data, e->frame->linesize);
    return code < 0 ? code : encode(e, e->frame);
}

int rain_encoder_write_indexed(RainEncoder *e, const uint8_t *indices, const uint32_t *palette) {
    int code = e->scaler ? AVERROR(EINVAL) : writable_frame(e);
    if (code < 0) return code;
    av_image_copy_plane(e->frame->data[0], e->frame->linesize[0], indices, e->codec->width, e->codec->width, e->codec->height);
    memcpy(e->frame->data[1], palette, 256 * sizeof *palette);
    return encode(e, e->frame);
}

int rain_encoder_finish(RainEncoder *e) {
    if (!e->is_open) return AVERROR(EINVAL);
    start_waiting(e);
    int code = encode(e, NULL);
    int trailer = av_write_trailer(e->format);
    e->header_written = 0;
    e->is_open = 0;
    int closed = avio_closep(&e->format->pb);
    return code < 0 ? code : trailer < 0 ? trailer : closed;
}

void rain_encoder_free(RainEncoder *e) {
    if (e->format) {
        start_waiting(e);
        // Without a trailer the muxer's private data would leak; the bytes it writes go to a file about to be removed.
        if (e->header_written) av_write_trailer(e->format);
        avio_closep(&e->format->pb);
        avformat_free_context(e->format);
    }
    avcodec_free_context(&e->codec);
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    sws_freeContext(e->scaler);
    av_free(e);
}

// ---- Stills ----

int rain_encode_still(const char *codec_name, const uint8_t *rgb, int width, int height, int has_alpha, uint8_t **bytes, size_t *count) {
    const AVCodec *codec = avcodec_find_encoder_by_name(codec_name);
    if (!codec) return AVERROR_ENCODER_NOT_FOUND;
    int is_png = codec->id == AV_CODEC_ID_PNG, is_jpeg = codec->id == AV_CODEC_ID_MJPEG;
    enum AVPixelFormat given = has_alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
    enum AVPixelFormat pixels = is_png ? given : is_jpeg ? AV_PIX_FMT_YUVJ444P : AV_PIX_FMT_BGRA;
    int code = AVERROR(ENOMEM);
    AVCodecContext *c = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    struct SwsContext *scaler = sws_getContext(width, height, given, width, height, pixels,
                                               SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (!c || !frame || !packet || !scaler) goto done;
    c->width = frame->width = width;
    c->height = frame->height = height;
    c->pix_fmt = frame->format = pixels;
    c->time_base = (AVRational){1, 25};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (is_jpeg) {
        c->color_range = frame->color_range = AVCOL_RANGE_JPEG;
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = FF_QP2LAMBDA * 2;
        frame->quality = c->global_quality;
        const int *bt601 = sws_getCoefficients(SWS_CS_ITU601);
        sws_setColorspaceDetails(scaler, bt601, 1, bt601, 1, 0, 1 << 16, 1 << 16);
    }
    AVDictionary *options = NULL;
    if (!is_png && !is_jpeg) av_dict_set(&options, "lossless", "1", 0);
    code = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    if (code >= 0) code = av_frame_get_buffer(frame, 0);
    if (code < 0) goto done;
    const uint8_t *source[4] = {rgb};
    int strides[4] = {width * (has_alpha ? 4 : 3)};
    code = sws_scale(scaler, source, strides, 0, height, frame->data, frame->linesize);
    if (code >= 0) code = avcodec_send_frame(c, frame);
    if (code >= 0) code = avcodec_receive_packet(c, packet);
    if (code == AVERROR(EAGAIN)) {
        code = avcodec_send_frame(c, NULL);
        if (code >= 0) code = avcodec_receive_packet(c, packet);
    }
    if (code < 0) goto done;
    *bytes = av_memdup(packet->data, packet->size);
    *count = packet->size;
    code = *bytes ? 0 : AVERROR(ENOMEM);
done:
    sws_freeContext(scaler);
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&c);
    return code;
}

void rain_free(void *bytes) { av_free(bytes); }
