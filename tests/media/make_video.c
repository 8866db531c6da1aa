/* See make_video.h.
 *
 * A picture is 4 x 4 cells, light or dark. The first row is light dark light light, which tells up
 * from down and left from right; then 11 bits of the number, highest first, and their parity. Some
 * noise makes no two frames alike, so that decoding with a wrong reference shows. */
#include "media/make_video.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS 1000 /* time stamps a second */
#define APART 100  /* between two frames */
#define SOUND_RATE 16000

/* The encoder's own leaks are none of ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libx265";
}

static void need(int code, const char *what)
{
    char why[AV_ERROR_MAX_STRING_SIZE] = "";
    if (code >= 0) return;
    av_strerror(code, why, sizeof why);
    fprintf(stderr, "make_video: %s: %s\n", what, why);
    abort();
}

/* ---- the picture ----------------------------------------------------------------------------- */

static bool is_light(int number, int cell)
{
    static const bool mark[4] = {true, false, true, true};
    int parity = 0;
    if (cell < 4) return mark[cell];
    if (cell < 15) return number >> (14 - cell) & 1;
    for (int v = number; v; v >>= 1) parity ^= v & 1;
    return parity;
}

static int noise(int x, int y, int n)
{
    uint32_t h = (uint32_t)x * 2654435761u ^ (uint32_t)y * 2246822519u ^ (uint32_t)n * 3266489917u;
    h ^= h >> 15;
    h *= 2246822519u;
    return (int)(h >> 28) - 8;
}

static void draw(uint8_t *rgba, int width, int height, int number)
{
    static const uint8_t light[3] = {235, 225, 120}, dark[3] = {15, 25, 70};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgba += 4) {
            int cell = y * 4 / height * 4 + x * 4 / width, add = noise(x, y, number);
            const uint8_t *colour = is_light(number, cell) ? light : dark;
            for (int c = 0; c < 3; c++) rgba[c] = (uint8_t)(colour[c] + add);
            rgba[3] = 200;
        }
}

/* The mean of one colour over the middle of a cell. */
static int cell_mean(const vl_picture *p, int cell, int colour)
{
    int x0 = (cell % 4 * 4 + 1) * p->width / 16, x1 = (cell % 4 * 4 + 3) * p->width / 16;
    int y0 = (cell / 4 * 4 + 1) * p->height / 16, y1 = (cell / 4 * 4 + 3) * p->height / 16;
    int sum = 0, n = 0;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++, n++)
            sum += p->rgb[3 * ((size_t)y * (size_t)p->width + (size_t)x) + (size_t)colour];
    return sum / n;
}

int shown_number(const vl_picture *p)
{
    int number = 0;
    for (int cell = 4; cell < 15; cell++) number = number << 1 | (cell_mean(p, cell, 1) > 125);
    for (int cell = 0; cell < 16; cell++)
        if (is_light(number, cell) != (cell_mean(p, cell, 1) > 125)) return -1;
    return number;
}

bool is_coloured(const vl_picture *p)
{
    return cell_mean(p, 0, 0) > cell_mean(p, 0, 2) + 50 &&
           cell_mean(p, 1, 2) > cell_mean(p, 1, 0) + 20;
}

/* ---- streams --------------------------------------------------------------------------------- */

typedef struct track {
    AVFormatContext *out;
    AVCodecContext *encoder;
    AVStream *stream;
    AVPacket *packet;
} track;

static void write_packets(track *t, const AVFrame *frame)
{
    need(avcodec_send_frame(t->encoder, frame), "send a frame");
    while (avcodec_receive_packet(t->encoder, t->packet) == 0) {
        av_packet_rescale_ts(t->packet, t->encoder->time_base, t->stream->time_base);
        t->packet->stream_index = t->stream->index;
        need(av_interleaved_write_frame(t->out, t->packet), "write a packet");
    }
}

static AVCodecContext *open_picture_encoder(const clip *c, const char *name, int width,
                                            const AVOutputFormat *format)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    AVDictionary *options = NULL;
    need(codec ? 0 : AVERROR_ENCODER_NOT_FOUND, name);
    AVCodecContext *e = avcodec_alloc_context3(codec);
    e->width = width;
    e->height = c->height ? c->height : 48;
    e->time_base = (AVRational){1, TICKS};
    e->framerate = (AVRational){TICKS / APART, 1};
    /* some codecs and containers only know frames at even distances */
    if (!c->irregular) e->time_base = av_inv_q(e->framerate);
    e->gop_size = c->gop ? c->gop : 12;
    e->max_b_frames = c->b_frames;
    e->pix_fmt = codec->pix_fmts ? codec->pix_fmts[0] : AV_PIX_FMT_YUV420P;
    if (c->pixels) e->pix_fmt = av_get_pix_fmt(c->pixels);
    if (c->aspect[0]) e->sample_aspect_ratio = (AVRational){c->aspect[0], c->aspect[1]};
    e->thread_count = 1;
    e->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL; /* limited-range mjpeg */
    e->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_QSCALE;
    e->global_quality = 3 * FF_QP2LAMBDA;
    if (format && format->flags & AVFMT_GLOBALHEADER) e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (strncmp(name, "libvpx", 6) == 0) need(av_dict_set(&options, "cpu-used", "8", 0), name);
    if (strcmp(name, "libx265") == 0)
        need(av_dict_set(&options, "x265-params", "log-level=none", 0), name);
    if (c->options) need(av_dict_parse_string(&options, c->options, "=", ";", 0), c->options);
    need(avcodec_open2(e, codec, &options), name);
    av_dict_free(&options);
    return e;
}

static AVFrame *make_frame(const AVCodecContext *e, int number, const clip *c)
{
    AVFrame *rgb = av_frame_alloc(), *frame = av_frame_alloc();
    rgb->width = frame->width = e->width;
    rgb->height = frame->height = e->height;
    rgb->format = AV_PIX_FMT_RGBA;
    frame->format = e->pix_fmt;
    need(av_frame_get_buffer(rgb, 4), "picture");
    need(av_frame_get_buffer(frame, 0), "picture");
    uint8_t *rgba = malloc((size_t)e->width * (size_t)e->height * 4);
    draw(rgba, e->width, e->height, number);
    for (int y = 0; y < e->height; y++)
        memcpy(rgb->data[0] + (ptrdiff_t)y * rgb->linesize[0],
               rgba + (size_t)y * (size_t)e->width * 4, (size_t)e->width * 4);
    struct SwsContext *sws =
        sws_getContext(e->width, e->height, AV_PIX_FMT_RGBA, e->width, e->height, e->pix_fmt,
                       SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
    need(sws ? 0 : AVERROR(EINVAL), "no way to the encoder's pixels");
    sws_scale(sws, (const uint8_t *const *)rgb->data, rgb->linesize, 0, e->height, frame->data,
              frame->linesize);
    sws_freeContext(sws);
    free(rgba);
    av_frame_free(&rgb);
    frame->quality = e->global_quality;
    frame->sample_aspect_ratio = e->sample_aspect_ratio;
    frame->pts = c->irregular ? (int64_t)number * APART + number * 37 % 60 : number;
    if (c->start) frame->pts += av_rescale_q(c->start, (AVRational){1, TICKS}, e->time_base);
    return frame;
}

static void add_video(track *t, AVFormatContext *out, const clip *c)
{
    *t = (track){.out = out, .packet = av_packet_alloc(), .stream = avformat_new_stream(out, NULL)};
    t->encoder = open_picture_encoder(c, c->codec ? c->codec : "mpeg4", c->width ? c->width : 64,
                                      out->oformat);
    need(avcodec_parameters_from_context(t->stream->codecpar, t->encoder), "parameters");
    t->stream->time_base = t->encoder->time_base;
    t->stream->avg_frame_rate = t->encoder->framerate;
    t->stream->sample_aspect_ratio = t->encoder->sample_aspect_ratio;
    if (!c->rotation && !c->mirrored) return;
    int32_t *matrix = (int32_t *)av_stream_new_side_data(t->stream, AV_PKT_DATA_DISPLAYMATRIX, 36);
    av_display_rotation_set(matrix, c->rotation);
    if (c->mirrored) av_display_matrix_flip(matrix, 1, 0);
}

static void add_sound(track *t, AVFormatContext *out)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    *t = (track){.out = out, .packet = av_packet_alloc(), .stream = avformat_new_stream(out, NULL)};
    t->encoder = avcodec_alloc_context3(codec);
    t->encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    t->encoder->sample_rate = SOUND_RATE;
    t->encoder->time_base = (AVRational){1, SOUND_RATE};
    t->encoder->bit_rate = 32000;
    av_channel_layout_default(&t->encoder->ch_layout, 1);
    if (out->oformat->flags & AVFMT_GLOBALHEADER) t->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    need(avcodec_open2(t->encoder, codec, NULL), "aac");
    need(avcodec_parameters_from_context(t->stream->codecpar, t->encoder), "parameters");
    t->stream->time_base = t->encoder->time_base;
}

static void write_sound(track *t, int seconds)
{
    AVFrame *f = av_frame_alloc();
    f->format = t->encoder->sample_fmt;
    f->nb_samples = t->encoder->frame_size;
    f->sample_rate = SOUND_RATE;
    need(av_channel_layout_copy(&f->ch_layout, &t->encoder->ch_layout), "sound");
    need(av_frame_get_buffer(f, 0), "sound");
    memset(f->data[0], 0, (size_t)f->nb_samples * 4);
    for (int64_t at = 0; at < (int64_t)seconds * SOUND_RATE; at += f->nb_samples) {
        f->pts = at;
        write_packets(t, f);
    }
    write_packets(t, NULL);
    av_frame_free(&f);
}

static AVStream *add_cover(AVFormatContext *out)
{
    AVStream *s = avformat_new_stream(out, NULL);
    s->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    s->codecpar->codec_id = AV_CODEC_ID_MJPEG;
    s->codecpar->width = s->codecpar->height = 32;
    s->disposition = AV_DISPOSITION_ATTACHED_PIC;
    return s;
}

static void write_cover(AVFormatContext *out, const AVStream *s)
{
    clip c = {.width = 32, .height = 32};
    track t = {.packet = av_packet_alloc(), .encoder = open_picture_encoder(&c, "mjpeg", 32, NULL)};
    AVFrame *f = make_frame(t.encoder, 2047, &c);
    need(avcodec_send_frame(t.encoder, f), "cover");
    need(avcodec_receive_packet(t.encoder, t.packet), "cover");
    t.packet->stream_index = s->index;
    t.packet->pts = t.packet->dts = 0;
    need(av_interleaved_write_frame(out, t.packet), "cover");
    av_frame_free(&f);
    av_packet_free(&t.packet);
    avcodec_free_context(&t.encoder);
}

static void close_track(track *t)
{
    av_packet_free(&t->packet);
    avcodec_free_context(&t->encoder);
}

static void write_frames(track *t, const clip *c)
{
    int n = c->n ? c->n : 1;
    AVCodecContext *narrow = t->encoder, *wide = NULL;
    if (c->wide_from) wide = open_picture_encoder(c, narrow->codec->name, narrow->width * 2, NULL);
    for (int i = 0; i < n; i++) {
        t->encoder = wide && i >= c->wide_from ? wide : narrow;
        AVFrame *f = make_frame(t->encoder, i, c);
        write_packets(t, f);
        av_frame_free(&f);
    }
    t->encoder = narrow;
    write_packets(t, NULL);
    avcodec_free_context(&wide);
}

void make_video(const char *path, const clip *c)
{
    AVFormatContext *out = NULL;
    AVDictionary *options = NULL;
    track video = {0}, sound = {0};
    AVStream *cover = NULL;
    bool has_video = !c->only_sound && !(c->cover && !c->n);
    av_log_set_level(AV_LOG_QUIET);
    need(avformat_alloc_output_context2(&out, NULL, c->format, path), path);
    out->flags |= AVFMT_FLAG_BITEXACT;
    if (has_video) add_video(&video, out, c);
    if (c->sound || c->only_sound) add_sound(&sound, out);
    if (c->cover) cover = add_cover(out);
    char url[1024]; /* a path alone may be taken for something else */
    snprintf(url, sizeof url, "file:%s", path);
    need(avio_open(&out->pb, url, AVIO_FLAG_WRITE), path);
    if (c->muxing) need(av_dict_parse_string(&options, c->muxing, "=", ";", 0), c->muxing);
    need(avformat_write_header(out, &options), path);
    if (cover) write_cover(out, cover);
    if (has_video) write_frames(&video, c);
    if (sound.stream) write_sound(&sound, c->n * APART / TICKS + 1);
    need(av_write_trailer(out), path);
    av_dict_free(&options);
    close_track(&video);
    close_track(&sound);
    avio_closep(&out->pb);
    avformat_free_context(out);
}

bool can_make(const char *codec)
{
    return avcodec_find_encoder_by_name(codec) != NULL;
}

/* ---- damage ---------------------------------------------------------------------------------- */

static uint8_t *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    need(f ? 0 : AVERROR(errno), path);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*n + 1);
    need(fread(bytes, 1, *n, f) == *n ? 0 : AVERROR(EIO), path);
    fclose(f);
    return bytes;
}

static void write_all(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    need(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0 ? 0 : AVERROR(EIO), path);
}

size_t patch_file(const char *path, const void *find, size_t n_find, size_t behind,
                  const void *put, size_t n_put)
{
    size_t n, count = 0;
    uint8_t *bytes = read_all(path, &n);
    for (size_t i = 0; i + n_find <= n && i + behind + n_put <= n; i++) {
        if (memcmp(bytes + i, find, n_find) != 0) continue;
        memcpy(bytes + i + behind, put, n_put);
        count++;
    }
    write_all(path, bytes, n);
    free(bytes);
    return count;
}

void flip_byte(const char *path, size_t byte, int mask)
{
    size_t n;
    uint8_t *bytes = read_all(path, &n);
    need(byte < n ? 0 : AVERROR(EINVAL), "byte of a file");
    bytes[byte] ^= (uint8_t)mask;
    write_all(path, bytes, n);
    free(bytes);
}

void patch_packet(const char *path, int i, size_t byte, int mask)
{
    AVFormatContext *in = NULL;
    AVPacket *p = av_packet_alloc();
    uint8_t flipped;
    need(avformat_open_input(&in, path, NULL, NULL), path);
    do {
        av_packet_unref(p);
        need(av_read_frame(in, p), path);
    } while (i--);
    need(byte < (size_t)p->size ? 0 : AVERROR(EINVAL), "byte of a packet");
    flipped = p->data[byte] ^ (uint8_t)mask;
    need(patch_file(path, p->data, (size_t)p->size, byte, &flipped, 1) == 1 ? 0 : AVERROR(EINVAL),
         "find a packet");
    av_packet_free(&p);
    avformat_close_input(&in);
}

size_t file_bytes(const char *path)
{
    size_t n;
    free(read_all(path, &n));
    return n;
}

void cut_file(const char *to, const char *from, size_t n)
{
    size_t all;
    uint8_t *bytes = read_all(from, &all);
    write_all(to, bytes, n < all ? n : all);
    free(bytes);
}
