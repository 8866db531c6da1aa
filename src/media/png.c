/* PNG through libavcodec, which is here for videos anyway; see png.h. */
#include "media/png.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/status.h"

static violet_status failed(const char *what, int code)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    if (code == AVERROR(ENOMEM)) return vl_err_nomem();
    av_strerror(code, text, sizeof text);
    return vl_err(VIOLET_EUNSUPPORTED, "PNG: %s: %s", what, text);
}

static violet_status fill(AVFrame *frame, const vl_picture *p)
{
    frame->format = AV_PIX_FMT_RGB24;
    frame->width = p->width;
    frame->height = p->height;
    int code = av_frame_get_buffer(frame, 0);
    if (code < 0) return failed("picture", code);
    size_t row = 3 * (size_t)p->width;
    for (int y = 0; y < p->height; y++)
        memcpy(frame->data[0] + (ptrdiff_t)y * frame->linesize[0], p->rgb + (size_t)y * row, row);
    return VIOLET_OK;
}

violet_status vl_png_encode(vl_buf *out, const vl_picture *p)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    violet_status status = VIOLET_OK;
    int code;
    if (!codec) status = vl_err(VIOLET_EUNSUPPORTED, "this libavcodec has no PNG encoder");
    else if (!c || !frame || !packet) status = vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    c->width = p->width;
    c->height = p->height;
    c->pix_fmt = AV_PIX_FMT_RGB24;
    c->time_base = (AVRational){1, 1};
    c->thread_count = 1;
    if ((code = avcodec_open2(c, codec, NULL)) < 0) {
        status = failed("encoder", code);
        goto done;
    }
    if ((status = fill(frame, p)) != VIOLET_OK) goto done;
    code = avcodec_send_frame(c, frame);
    if (code >= 0) code = avcodec_send_frame(c, NULL);
    if (code >= 0) code = avcodec_receive_packet(c, packet);
    if (code < 0) status = failed("encoder", code);
    else status = vl_buf_append(out, packet->data, (size_t)packet->size);
done:
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&c);
    return status;
}
