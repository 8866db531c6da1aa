/* Encoder, container, file; see video_write.h. */
#include "media/video_write.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

#define QUALITY_H264 "24" /* crf */
#define QUALITY_MPEG4 4   /* quantiser */

struct vl_video_writer {
    char *path;
    int64_t n; /* frames so far */
    AVFormatContext *out;
    AVCodecContext *encoder;
    AVStream *stream; /* of out */
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *sws;
};

static violet_status failed(const vl_video_writer *w, const char *what, int code)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    if (code == AVERROR(ENOMEM)) return vl_err_nomem();
    av_strerror(code, text, sizeof text);
    return vl_err(VIOLET_EUNSUPPORTED, "%s: %s: %s", w->path, what, text);
}

/* ---- the encoder ----------------------------------------------------------------------------- */

static const AVCodec *find_encoder(vl_video_codec codec)
{
    return codec == VL_CODEC_H264 ? avcodec_find_encoder_by_name("libx264")
                                  : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

vl_video_codec vl_video_codec_found(vl_video_codec codec)
{
    if (codec != VL_CODEC_AUTO) return codec;
    return find_encoder(VL_CODEC_H264) ? VL_CODEC_H264 : VL_CODEC_MPEG4;
}

static violet_status open_encoder(vl_video_writer *w, const vl_video_write_options *o)
{
    vl_video_codec which = vl_video_codec_found(o->codec);
    const AVCodec *codec = find_encoder(which);
    AVDictionary *options = NULL;
    if (!codec)
        return vl_err(VIOLET_EUNSUPPORTED, "this libavcodec has no encoder for %s",
                      which == VL_CODEC_H264 ? "H.264 (libx264)" : "MPEG-4");
    AVCodecContext *e = w->encoder = avcodec_alloc_context3(codec);
    if (!e) return vl_err_nomem();
    e->width = o->width;
    e->height = o->height;
    e->time_base = (AVRational){1, o->fps};
    e->framerate = (AVRational){o->fps, 1};
    e->gop_size = o->gop > 0 ? o->gop : 8;
    e->pix_fmt = AV_PIX_FMT_YUV420P;
    e->thread_count = 1; /* threads would cut the pictures, and the bytes depend on their number */
    e->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    int code = 0;
    if (which == VL_CODEC_H264) {
        code = av_dict_set(&options, "preset", "veryfast", 0);
        if (code >= 0) code = av_dict_set(&options, "crf", QUALITY_H264, 0);
    } else {
        e->flags |= AV_CODEC_FLAG_QSCALE;
        e->global_quality = QUALITY_MPEG4 * FF_QP2LAMBDA;
    }
    if (code >= 0) code = avcodec_open2(e, codec, &options);
    av_dict_free(&options);
    return code < 0 ? failed(w, "encoder", code) : VIOLET_OK;
}

static violet_status open_frame(vl_video_writer *w)
{
    const AVCodecContext *e = w->encoder;
    w->frame = av_frame_alloc();
    w->packet = av_packet_alloc();
    w->sws = sws_getContext(e->width, e->height, AV_PIX_FMT_RGB24, e->width, e->height, e->pix_fmt,
                            SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    if (!w->frame || !w->packet || !w->sws) return vl_err_nomem();
    w->frame->format = e->pix_fmt;
    w->frame->width = e->width;
    w->frame->height = e->height;
    int code = av_frame_get_buffer(w->frame, 0);
    return code < 0 ? failed(w, "picture", code) : VIOLET_OK;
}

static violet_status open_container(vl_video_writer *w)
{
    int code = avformat_alloc_output_context2(&w->out, NULL, "mp4", NULL);
    if (code < 0) return failed(w, "container", code);
    w->out->flags |= AVFMT_FLAG_BITEXACT;
    if (!(w->stream = avformat_new_stream(w->out, NULL))) return vl_err_nomem();
    w->stream->time_base = w->encoder->time_base;
    w->stream->avg_frame_rate = w->encoder->framerate;
    if ((code = avcodec_parameters_from_context(w->stream->codecpar, w->encoder)) < 0 ||
        (code = avio_open_dyn_buf(&w->out->pb)) < 0 ||
        (code = avformat_write_header(w->out, NULL)) < 0)
        return failed(w, "container", code);
    return VIOLET_OK;
}

violet_status vl_video_write_open(vl_video_writer **out, const char *path,
                                  const vl_video_write_options *o)
{
    *out = NULL;
    if (o->width < 16 || o->height < 16 || o->width % 2 || o->height % 2 || o->fps < 1)
        return vl_err(VIOLET_EINVAL, "%s: a video of %d x %d, %d frames a second; expected even "
                      "sides from 16", path, o->width, o->height, o->fps);
    av_log_set_level(AV_LOG_QUIET); /* libav prints otherwise; errors come back as codes */
    vl_video_writer *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    violet_status status = (w->path = strdup(path)) ? open_encoder(w, o) : vl_err_nomem();
    if (status == VIOLET_OK) status = open_frame(w);
    if (status == VIOLET_OK) status = open_container(w);
    if (status == VIOLET_OK)
        *out = w;
    else
        vl_video_write_free(w);
    return status;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* frame NULL: the last one was given. */
static violet_status encode(vl_video_writer *w, const AVFrame *frame)
{
    int code = avcodec_send_frame(w->encoder, frame);
    while (code >= 0 && (code = avcodec_receive_packet(w->encoder, w->packet)) >= 0) {
        if (!w->packet->duration) w->packet->duration = 1;
        av_packet_rescale_ts(w->packet, w->encoder->time_base, w->stream->time_base);
        w->packet->stream_index = w->stream->index;
        code = av_interleaved_write_frame(w->out, w->packet);
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? VIOLET_OK : failed(w, "encode", code);
}

violet_status vl_video_write_frame(vl_video_writer *w, const vl_picture *p)
{
    const uint8_t *const from[] = {p->rgb};
    const int stride[] = {3 * p->width};
    if (p->width != w->encoder->width || p->height != w->encoder->height)
        return vl_err(VIOLET_ESHAPE, "%s: a picture of %d x %d, expected %d x %d", w->path,
                      p->width, p->height, w->encoder->width, w->encoder->height);
    int code = av_frame_make_writable(w->frame);
    if (code < 0) return failed(w, "picture", code);
    sws_scale(w->sws, from, stride, 0, p->height, w->frame->data, w->frame->linesize);
    w->frame->pts = w->n++;
    w->frame->quality = w->encoder->global_quality;
    return encode(w, w->frame);
}

violet_status vl_video_write_commit(vl_video_writer *w)
{
    violet_status status = encode(w, NULL);
    if (status != VIOLET_OK) return status;
    int code = av_write_trailer(w->out);
    if (code < 0) return failed(w, "container", code);
    uint8_t *bytes = NULL;
    int n = avio_close_dyn_buf(w->out->pb, &bytes);
    w->out->pb = NULL;
    vl_out file;
    if (n <= 0 || !bytes) status = vl_err_nomem();
    if (status == VIOLET_OK) status = vl_out_open(&file, w->path);
    if (status == VIOLET_OK) {
        status = vl_out_write(&file, bytes, (size_t)n);
        if (status == VIOLET_OK) status = vl_out_commit(&file);
        vl_out_abandon(&file);
    }
    av_free(bytes);
    return status;
}

void vl_video_write_free(vl_video_writer *w)
{
    if (!w) return;
    if (w->out && w->out->pb) {
        uint8_t *bytes = NULL;
        avio_close_dyn_buf(w->out->pb, &bytes);
        av_free(bytes);
    }
    avformat_free_context(w->out);
    avcodec_free_context(&w->encoder);
    av_packet_free(&w->packet);
    av_frame_free(&w->frame);
    sws_freeContext(w->sws);
    free(w->path);
    free(w);
}
