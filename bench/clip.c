/* A video out of nothing; see clip.h. */
#include "clip.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

typedef struct clip {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    AVStream *stream;
} clip;

static violet_status failed(const char *what, int code)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    return vl_err(code == AVERROR(ENOMEM) ? VIOLET_ENOMEM : VIOLET_EIO, "%s: %s", what,
                  av_make_error_string(text, sizeof text, code));
}

static violet_status open_clip(clip *c, const char *path, const char *named, int width, int height,
                               int fps)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name("libx264");
    if (!encoder) encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (!encoder) return vl_err(VIOLET_EUNSUPPORTED, "libav cannot write H.264 or MPEG-4");
    const AVOutputFormat *container = av_guess_format(NULL, named, NULL);
    int code = avformat_alloc_output_context2(&c->format, container, NULL, path);
    if (code < 0) return failed(named, code);
    c->codec = avcodec_alloc_context3(encoder);
    c->frame = av_frame_alloc();
    c->packet = av_packet_alloc();
    c->stream = avformat_new_stream(c->format, NULL);
    if (!c->codec || !c->frame || !c->packet || !c->stream) return vl_err_nomem();
    c->codec->width = width;
    c->codec->height = height;
    c->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    c->codec->time_base = (AVRational){1, fps};
    c->codec->framerate = (AVRational){fps, 1};
    c->codec->gop_size = 250;
    c->codec->max_b_frames = 2;
    c->codec->thread_count = 1;
    c->codec->bit_rate = 300000; /* such as MSR-VTT's clips have */
    if (c->format->oformat->flags & AVFMT_GLOBALHEADER)
        c->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    c->frame->format = AV_PIX_FMT_YUV420P;
    c->frame->width = width;
    c->frame->height = height;
    if ((code = av_frame_get_buffer(c->frame, 0)) < 0 ||
        (code = avcodec_open2(c->codec, encoder, NULL)) < 0 ||
        (code = avcodec_parameters_from_context(c->stream->codecpar, c->codec)) < 0)
        return failed(encoder->name, code);
    c->stream->time_base = c->codec->time_base;
    if ((code = avio_open(&c->format->pb, path, AVIO_FLAG_WRITE)) < 0 ||
        (code = avformat_write_header(c->format, NULL)) < 0)
        return failed(path, code);
    return VIOLET_OK;
}

static void draw(AVFrame *f, int i)
{
    int jump = i / 40; /* a cut now and then */
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            int u = x + i, v = y + i / 3, bright = ((u / 48 + v / 40 + jump) % 5 == 0) * 70;
            f->data[0][y * f->linesize[0] + x] =
                (uint8_t)(40 + ((u * v / 64 ^ (u >> 1)) & 63) + bright + (jump * 29) % 60);
        }
    for (int plane = 1; plane < 3; plane++)
        for (int y = 0; y < f->height / 2; y++)
            for (int x = 0; x < f->width / 2; x++)
                f->data[plane][y * f->linesize[plane] + x] =
                    (uint8_t)(96 + ((x + plane * i + y * plane + 13 * jump) & 63));
}

/* frame NULL: the encoder's last ones. */
static violet_status write_frame(clip *c, const AVFrame *frame)
{
    int code = avcodec_send_frame(c->codec, frame);
    while (code >= 0 && (code = avcodec_receive_packet(c->codec, c->packet)) >= 0) {
        c->packet->duration = 1;
        av_packet_rescale_ts(c->packet, c->codec->time_base, c->stream->time_base);
        code = av_interleaved_write_frame(c->format, c->packet);
    }
    if (code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF) return failed("encoder", code);
    return VIOLET_OK;
}

violet_status bench_clip_make(const char *path, int width, int height, int fps, int n_frames)
{
    violet_status status;
    clip c = {0};
    char partial[4096];
    int code;
    if (snprintf(partial, sizeof partial, "%s.partial", path) >= (int)sizeof partial)
        return vl_err(VIOLET_EINVAL, "name too long: %s", path);
    status = open_clip(&c, partial, path, width, height, fps);
    for (int i = 0; i < n_frames && status == VIOLET_OK; i++) {
        if ((code = av_frame_make_writable(c.frame)) < 0) status = failed("frame", code);
        if (status != VIOLET_OK) break;
        draw(c.frame, i);
        c.frame->pts = i;
        status = write_frame(&c, c.frame);
    }
    if (status == VIOLET_OK) status = write_frame(&c, NULL);
    if (status == VIOLET_OK && (code = av_write_trailer(c.format)) < 0) status = failed(path, code);
    if (c.format && c.format->pb && (code = avio_closep(&c.format->pb)) < 0 && status == VIOLET_OK)
        status = failed(path, code);
    if (status == VIOLET_OK && rename(partial, path) != 0)
        status = vl_err(VIOLET_EIO, "cannot rename %s", partial);
    if (status != VIOLET_OK && c.format) remove(partial);
    avformat_free_context(c.format);
    avcodec_free_context(&c.codec);
    av_frame_free(&c.frame);
    av_packet_free(&c.packet);
    return status;
}
