#include "CFFmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

struct RainPackets {
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    int width;
    int height;
    int64_t next_time;
};

static int open_encoder(RainPackets *p, const AVCodec *codec, const char *options_text, int scale, double frames_per_second) {
    AVCodecContext *c = p->codec = avcodec_alloc_context3(codec);
    p->frame = av_frame_alloc();
    p->packet = av_packet_alloc();
    if (!c || !p->frame || !p->packet) return AVERROR(ENOMEM);
    c->width = p->frame->width = p->width * scale;
    c->height = p->frame->height = p->height * scale;
    c->pix_fmt = p->frame->format = AV_PIX_FMT_YUV420P;
    c->framerate = av_d2q(frames_per_second, 1001000);
    c->time_base = av_inv_q(c->framerate);
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->color_range = AVCOL_RANGE_MPEG;
    c->colorspace = AVCOL_SPC_BT709;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    // The engine needs the cores more.
    c->thread_count = 1;
    c->max_b_frames = 0;
    AVDictionary *options = NULL;
    int code = av_dict_parse_string(&options, options_text, "=", ":", 0);
    if (code >= 0) code = avcodec_open2(c, codec, &options);
    int unknown = av_dict_count(options) > 0;
    av_dict_free(&options);
    if (code < 0) return code;
    if (unknown) return AVERROR_OPTION_NOT_FOUND;
    code = av_frame_get_buffer(p->frame, 0);
    if (code < 0) return code;
    p->scaler = sws_getContext(p->width, p->height, AV_PIX_FMT_RGB24, c->width, c->height, c->pix_fmt, SWS_BICUBIC | SWS_FULL_CHR_H_INP,
                               NULL, NULL, NULL);
    if (!p->scaler) return AVERROR(ENOMEM);
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    code = sws_setColorspaceDetails(p->scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);
    return code < 0 ? AVERROR(EINVAL) : 0;
}

int rain_packets_open(RainPackets **packets, const char *codec_name, const char *options, int width, int height, int scale,
                      double frames_per_second) {
    const AVCodec *codec = avcodec_find_encoder_by_name(codec_name);
    if (!codec) return AVERROR_ENCODER_NOT_FOUND;
    // 4:2:0 needs even sides.
    if (width < 1 || height < 1 || scale < 1 || width > 16384 / scale || height > 16384 / scale || width * scale % 2 ||
        height * scale % 2)
        return AVERROR(EINVAL);
    RainPackets *p = av_mallocz(sizeof *p);
    if (!p) return AVERROR(ENOMEM);
    p->width = width;
    p->height = height;
    int code = open_encoder(p, codec, options, scale, frames_per_second);
    if (code < 0) {
        rain_packets_free(p);
        return code;
    }
    *packets = p;
    return 0;
}

int rain_packets_encode(RainPackets *p, const uint8_t *rgb, int key, const uint8_t **bytes, size_t *count, int *is_key) {
    int code = av_frame_make_writable(p->frame);
    if (code < 0) return code;
    const uint8_t *source[4] = {rgb};
    int strides[4] = {p->width * 3};
    code = sws_scale(p->scaler, source, strides, 0, p->height, p->frame->data, p->frame->linesize);
    if (code < 0) return code;
    p->frame->pts = p->next_time++;
    p->frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    av_packet_unref(p->packet);
    code = avcodec_send_frame(p->codec, p->frame);
    if (code >= 0) code = avcodec_receive_packet(p->codec, p->packet);
    if (code == AVERROR(EAGAIN)) return 0;
    if (code < 0) return code;
    *bytes = p->packet->data;
    *count = p->packet->size;
    *is_key = (p->packet->flags & AV_PKT_FLAG_KEY) != 0;
    return 1;
}

void rain_packets_free(RainPackets *p) {
    avcodec_free_context(&p->codec);
    av_frame_free(&p->frame);
    av_packet_free(&p->packet);
    sws_freeContext(p->scaler);
    av_free(p);
}
