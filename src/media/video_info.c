/* Video headers through libavformat; see video_info.h. */
#include "media/video_info.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

static void copy(char *to, size_t n, const char *from)
{
    snprintf(to, n, "%s", from ? from : "");
}

static violet_status failed(int code, const char *path, const char *doing)
{
    char why[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(code, why, sizeof why);
    return vl_err(VIOLET_EFORMAT, "%s: %s: %s", path, doing, why);
}

static void fill(vl_video_info *v, const AVFormatContext *f, const AVStream *s)
{
    const AVCodecParameters *p = s->codecpar;
    copy(v->container, sizeof v->container, f->iformat->name);
    copy(v->codec, sizeof v->codec, avcodec_get_name(p->codec_id));
    copy(v->pixels, sizeof v->pixels, av_get_pix_fmt_name((enum AVPixelFormat)p->format));
    v->width = p->width;
    v->height = p->height;
    v->n_frames = s->nb_frames;
    v->n_streams = (int)f->nb_streams;
    if (s->avg_frame_rate.num > 0 && s->avg_frame_rate.den > 0)
        v->frames_per_s = av_q2d(s->avg_frame_rate);
    if (s->duration != AV_NOPTS_VALUE)
        v->seconds = (double)s->duration * av_q2d(s->time_base);
    else if (f->duration != AV_NOPTS_VALUE)
        v->seconds = (double)f->duration / AV_TIME_BASE;
    for (unsigned i = 0; i < f->nb_streams; i++)
        v->has_audio |= f->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

violet_status vl_video_info_read(vl_video_info *out, const char *path)
{
    AVFormatContext *f = NULL;
    violet_status status = VIOLET_OK;
    memset(out, 0, sizeof *out);
    av_log_set_level(AV_LOG_QUIET); /* libav prints otherwise; errors come back as codes */
    int code = avformat_open_input(&f, path, NULL, NULL);
    if (code < 0) return failed(code, path, "expected a video");
    code = avformat_find_stream_info(f, NULL);
    int at = code < 0 ? code : av_find_best_stream(f, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (at < 0)
        status = failed(at, path, "expected a video stream");
    else if (f->streams[at]->codecpar->width < 1 || f->streams[at]->codecpar->height < 1)
        status = vl_err(VIOLET_EFORMAT, "%s: expected a video, its pictures have no size", path);
    else
        fill(out, f, f->streams[at]);
    avformat_close_input(&f);
    return status;
}
