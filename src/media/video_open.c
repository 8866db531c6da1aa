/* Opens videos through libavformat, trusting them with nothing; see video_open.h. */
#include "media/video_open.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavutil/avstring.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/parseutils.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "media/picture.h"

#define BUFFER_BYTES (64 << 10)

/* A header may declare tables and pictures of any size: no single allocation of libav is larger.
 * Enough for the largest picture in any 8-bit format, and for the index of a day of video. */
#define ALLOCATION_MOST ((size_t)256 << 20)

/* They open other files, are scripts or single pictures (svg_pipe reads files, too), or are text
 * that libav paints. image2 is the one format that libav probes by name alone. */
static const char *const refused[] = {
    "applehttp", "avisynth", "concat", "dash", "ffmetadata", "hls", "image2", "image2pipe",
    "imf", "lavfi", "libgme", "libmodplug", "libopenmpt", "rtp", "rtsp", "sap", "sdp",
    "tedcaptions", "tty", "vapoursynth", "vobsub", "webm_dash_manifest",
};

/* libav reports a size beyond ALLOCATION_MOST as lack of memory, too. */
static bool is_memory_out(void)
{
    void *volatile probe = malloc(ALLOCATION_MOST);
    free(probe);
    return !probe;
}

bool vl_video_is_fatal(int code)
{
    return code == AVERROR_EXIT || (code == AVERROR(ENOMEM) && is_memory_out());
}

violet_status vl_video_failed(const vl_video_file *v, int code, const char *doing)
{
    char why[AV_ERROR_MAX_STRING_SIZE];
    if (code == AVERROR_EXIT) return vl_err(VIOLET_EINTERRUPTED, "%s: stopped", v->path);
    if (vl_video_is_fatal(code)) return vl_err_at(vl_err_nomem(), "%s", v->path);
    av_strerror(code, why, sizeof why);
    if (code == AVERROR(ENOMEM)) av_strlcpy(why, "it declares too large a size", sizeof why);
    return vl_err(VIOLET_EFORMAT, "%s: %s: %s", v->path, doing, why);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int is_stopped(void *user)
{
    const vl_video_file *v = user;
    return v->stop && __atomic_load_n(v->stop, __ATOMIC_RELAXED);
}

static int read_some(void *user, uint8_t *to, int n)
{
    vl_video_file *v = user;
    ssize_t got;
    if (is_stopped(v)) return AVERROR_EXIT;
    do {
        got = pread(v->fd, to, (size_t)n, v->at);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return AVERROR(errno);
    v->at += got;
    return got > 0 ? (int)got : AVERROR_EOF;
}

static int64_t seek(void *user, int64_t offset, int whence)
{
    vl_video_file *v = user;
    int64_t from = 0;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE) return v->n_bytes;
    if (whence == SEEK_CUR) from = v->at;
    if (whence == SEEK_END) from = v->n_bytes;
    if (offset < -from || offset > INT64_MAX - from) return AVERROR(EINVAL);
    return v->at = from + offset;
}

static int open_nothing(AVFormatContext *f, AVIOContext **out, const char *url, int flags,
                        AVDictionary **options)
{
    (void)f, (void)url, (void)flags, (void)options;
    *out = NULL;
    return AVERROR(EPERM);
}

static violet_status open_file(vl_video_file *v)
{
    struct stat st;
    /* without O_NONBLOCK a named pipe would wait for its writer */
    v->fd = open(v->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (v->fd < 0) return vl_err_errno("open '%s'", v->path);
    if (fstat(v->fd, &st) != 0) return vl_err_errno("stat '%s'", v->path);
    if (!S_ISREG(st.st_mode))
        return vl_err(VIOLET_EFORMAT, "%s: expected a video, it is %s", v->path,
                      S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
    if (st.st_size == 0)
        return vl_err(VIOLET_EFORMAT, "%s: expected a video, it is empty", v->path);
    v->n_bytes = st.st_size;
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (!buffer) return vl_err_nomem();
    v->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, v, read_some, NULL, seek);
    if (!v->io) {
        av_free(buffer);
        return vl_err_nomem();
    }
    return VIOLET_OK;
}

/* ---- the container --------------------------------------------------------------------------- */

static int is_refused(const char *name)
{
    size_t n = strlen(name);
    if (n > 5 && strcmp(name + n - 5, "_pipe") == 0) return 1;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (av_match_name(refused[i], name)) return 1;
    return 0;
}

static violet_status open_container(vl_video_file *v)
{
    const AVInputFormat *kind = NULL;
    AVDictionary *options = NULL;
    int code = av_probe_input_buffer2(v->io, &kind, "", NULL, 0, 0);
    if (code < 0) return vl_video_failed(v, code, "expected a video");
    if (is_refused(kind->name))
        return vl_err(VIOLET_EFORMAT, "%s: expected a video, found the format %s", v->path,
                      kind->name);
    v->format = avformat_alloc_context();
    if (!v->format) return vl_err_nomem();
    v->format->pb = v->io;
    v->format->io_open = open_nothing;
    v->format->interrupt_callback = (AVIOInterruptCB){is_stopped, v};
    if (av_dict_set(&options, "protocol_whitelist", "none", 0) < 0) return vl_err_nomem();
    code = avformat_open_input(&v->format, "", kind, &options);
    av_dict_free(&options);
    return code < 0 ? vl_video_failed(v, code, "expected a video") : VIOLET_OK;
}

/* Decodes as many frames as it takes to know size, pixels and the order of frames. */
static violet_status look_inside(vl_video_file *v)
{
    int code = AVERROR(ENOMEM);
    unsigned n = v->format->nb_streams; /* more may come up while looking */
    AVDictionary **options = av_calloc(n + 1, sizeof *options);
    if (!options) return vl_err_nomem();
    for (unsigned i = 0; i < n; i++)
        if (av_dict_set_int(&options[i], "max_pixels", (int64_t)VL_PICTURE_PIXELS_MOST, 0) < 0)
            goto done;
    code = avformat_find_stream_info(v->format, n ? options : NULL);
done:
    for (unsigned i = 0; i < n; i++) av_dict_free(&options[i]);
    av_free(options);
    return code < 0 ? vl_video_failed(v, code, "expected a video") : VIOLET_OK;
}

static int is_cover(const AVStream *s)
{
    return (s->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

/* Cover art is a video only where there is no other. */
static int best_stream(AVFormatContext *f)
{
    const AVCodec *decoder;
    int best = av_find_best_stream(f, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (best < 0 || !is_cover(f->streams[best])) return best;
    for (unsigned i = 0; i < f->nb_streams; i++) {
        const AVCodecParameters *p = f->streams[i]->codecpar;
        if (p->codec_type == AVMEDIA_TYPE_VIDEO && !is_cover(f->streams[i]) && p->width > 0 &&
            avcodec_find_decoder(p->codec_id))
            return (int)i;
    }
    return best;
}

static void follow(vl_video_file *v, int which)
{
    v->which = which;
    for (unsigned i = 0; i < v->format->nb_streams; i++)
        v->format->streams[i]->discard = (int)i == which ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

static violet_status check_size(const vl_video_file *v, const AVCodecParameters *p)
{
    if (p->width > VL_PICTURE_SIDE_MOST || p->height > VL_PICTURE_SIDE_MOST ||
        (p->width > 0 && p->height > 0 &&
         (size_t)p->width * (size_t)p->height > VL_PICTURE_PIXELS_MOST))
        return vl_err(VIOLET_EFORMAT, "%s: %d x %d pixels, at most %d a side and %zu in all",
                      v->path, p->width, p->height, VL_PICTURE_SIDE_MOST, VL_PICTURE_PIXELS_MOST);
    return VIOLET_OK;
}

static violet_status choose_stream(vl_video_file *v)
{
    int at = best_stream(v->format);
    if (at == AVERROR_DECODER_NOT_FOUND)
        return vl_err(VIOLET_EUNSUPPORTED, "%s: this build of libav has no decoder for it",
                      v->path);
    if (at < 0)
        return vl_err(VIOLET_EFORMAT, "%s: expected a video, there is no video stream", v->path);
    v->stream = v->format->streams[at];
    follow(v, at);
    const AVCodecParameters *p = v->stream->codecpar;
    if (p->width < 1 || p->height < 1)
        return vl_err(VIOLET_EFORMAT, "%s: expected a video, its pictures have no size", v->path);
    return check_size(v, p);
}

static violet_status open_headers(vl_video_file *v, const char *path,
                                  const volatile sig_atomic_t *stop)
{
    *v = (vl_video_file){.path = path, .stop = stop, .fd = -1};
    av_log_set_level(AV_LOG_QUIET); /* libav prints otherwise; errors come back as codes */
    av_max_alloc(ALLOCATION_MOST);
    v->packet = av_packet_alloc();
    if (!v->packet) return vl_err_nomem();
    violet_status status = open_file(v);
    return status == VIOLET_OK ? open_container(v) : status;
}

violet_status vl_video_file_open(vl_video_file *v, const char *path,
                                 const volatile sig_atomic_t *stop)
{
    violet_status status = open_headers(v, path, stop);
    /* before frames are decoded: a size too large for that is known from most headers already */
    for (unsigned i = 0; status == VIOLET_OK && i < v->format->nb_streams; i++)
        if (v->format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
            status = check_size(v, v->format->streams[i]->codecpar);
    if (status == VIOLET_OK) status = look_inside(v);
    if (status == VIOLET_OK) status = choose_stream(v);
    return status;
}

violet_status vl_video_file_again(vl_video_file *v, const vl_video_file *first)
{
    violet_status status = open_headers(v, first->path, first->stop);
    if (status != VIOLET_OK) return status;
    follow(v, first->which);
    if (first->which < (int)v->format->nb_streams) v->stream = v->format->streams[first->which];
    return VIOLET_OK;
}

void vl_video_file_close(vl_video_file *v)
{
    av_packet_free(&v->packet);
    avformat_close_input(&v->format);
    if (v->io) av_freep(&v->io->buffer);
    avio_context_free(&v->io);
    if (v->fd >= 0) close(v->fd);
    *v = (vl_video_file){.fd = -1};
}

violet_status vl_video_file_read(bool *got, vl_video_file *v)
{
    *got = false;
    for (;;) {
        av_packet_unref(v->packet);
        if (is_stopped(v)) return vl_video_failed(v, AVERROR_EXIT, "read");
        int code = av_read_frame(v->format, v->packet);
        if (code == AVERROR_EOF) return VIOLET_OK;
        if (vl_video_is_fatal(code)) return vl_video_failed(v, code, "read");
        /* a demuxer that makes up more packets than there are bytes would go on for ever */
        if (code < 0 || v->n_read++ > v->n_bytes) {
            v->cut = true;
            return VIOLET_OK;
        }
        if (v->packet->stream_index != v->which) continue;
        if (v->packet->flags & AV_PKT_FLAG_CORRUPT) v->cut = true;
        if (v->packet->size == 0) continue; /* would tell the decoder that the end is there */
        int64_t pts = v->packet->pts != AV_NOPTS_VALUE ? v->packet->pts : v->packet->dts;
        if (pts != AV_NOPTS_VALUE && pts < INT64_MAX / 2 && pts + v->packet->duration > v->end)
            v->end = pts + v->packet->duration;
        *got = true;
        return VIOLET_OK;
    }
}

/* Durations that libav makes of the bit rate or the last packet declare nothing. Matroska knows
 * that of all streams, and that of each in a tag. */
static double declared_seconds(const vl_video_file *v)
{
    const AVFormatContext *f = v->format;
    const AVDictionaryEntry *tag = av_dict_get(v->stream->metadata, "DURATION", NULL, 0);
    int64_t us;
    if (f->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return 0;
    if (tag && av_parse_time(&us, tag->value, 1) >= 0) return 1e-6 * (double)us;
    if (v->stream->duration != AV_NOPTS_VALUE)
        return (double)v->stream->duration * av_q2d(v->stream->time_base);
    return f->duration != AV_NOPTS_VALUE ? (double)f->duration / AV_TIME_BASE : 0;
}

double vl_video_file_missing(const vl_video_file *v)
{
    if (v->end <= 0) return 0;
    int64_t start = v->stream->start_time;
    double length = (double)v->end;
    if (start != AV_NOPTS_VALUE && start < 0) length -= (double)start;
    double missing = declared_seconds(v) - length * av_q2d(v->stream->time_base);
    return missing > 0 ? missing : 0;
}

/* ---- what it says of itself ------------------------------------------------------------------ */

static void copy(char *to, size_t n, const char *from)
{
    av_strlcpy(to, from ? from : "", n);
}

void vl_video_file_info(vl_video_info *out, const vl_video_file *v)
{
    const AVFormatContext *f = v->format;
    const AVStream *s = v->stream;
    const AVCodecParameters *p = s->codecpar;
    *out = (vl_video_info){.width = p->width, .height = p->height, .n_frames = s->nb_frames,
                           .n_streams = (int)f->nb_streams};
    copy(out->container, sizeof out->container, f->iformat->name);
    copy(out->codec, sizeof out->codec, avcodec_get_name(p->codec_id));
    copy(out->pixels, sizeof out->pixels, av_get_pix_fmt_name((enum AVPixelFormat)p->format));
    if (s->avg_frame_rate.num > 0 && s->avg_frame_rate.den > 0)
        out->frames_per_s = av_q2d(s->avg_frame_rate);
    if (s->duration != AV_NOPTS_VALUE)
        out->seconds = (double)s->duration * av_q2d(s->time_base);
    else if (f->duration != AV_NOPTS_VALUE)
        out->seconds = (double)f->duration / AV_TIME_BASE;
    for (unsigned i = 0; i < f->nb_streams; i++)
        out->has_audio |= f->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}
