/* Reads packets and looks at them; see video_index.h. */
#include "media/video_index.h"

#include <libavutil/avstring.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* These store when a frame is shown. Others only store in which order frames come, and libav
 * guesses the rest: good enough where nothing is reordered. */
static const char *const with_time_stamps[] = {"mov", "matroska", "flv", "nut"};

/* Codecs whose key frames, as containers and parsers mark them, are new beginnings. H.264 and HEVC
 * are looked into instead. */
static const enum AVCodecID clean_keys[] = {
    AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4, AV_CODEC_ID_H263,
    AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_CODEC_ID_AV1, AV_CODEC_ID_THEORA,
};

/* What a codec tells about one packet. */
typedef struct look {
    bool is_key, is_unused, is_hidden;
} look;

typedef struct scan {
    vl_video_index *x;
    enum AVCodecID codec;
    bool is_clean;        /* is_key can be believed */
    const char *container;
} scan;

static void doubt(vl_video_index *x, const char *why)
{
    if (!x->doubt) x->doubt = why;
}

/* ---- H.264 and HEVC: NAL units --------------------------------------------------------------- */

static void scan_init(scan *s, vl_video_index *x, const vl_video_decoder *d)
{
    const AVCodecParameters *p = d->file.stream->codecpar;
    const AVCodecDescriptor *what = avcodec_descriptor_get(p->codec_id);
    *s = (scan){.x = x, .codec = p->codec_id, .container = d->file.format->iformat->name};
    if (s->codec == AV_CODEC_ID_H264 && p->extradata_size > 4 && p->extradata[0] == 1)
        x->length_bytes = (p->extradata[4] & 3) + 1;
    if (s->codec == AV_CODEC_ID_HEVC && p->extradata_size > 21 && p->extradata[0] == 1)
        x->length_bytes = (p->extradata[21] & 3) + 1;
    for (size_t i = 0; i < sizeof clean_keys / sizeof *clean_keys; i++)
        s->is_clean |= s->codec == clean_keys[i];
    s->is_clean |= what && what->props & AV_CODEC_PROP_INTRA_ONLY;
    bool has_stamps = !(what && what->props & AV_CODEC_PROP_REORDER);
    for (size_t i = 0; i < sizeof with_time_stamps / sizeof *with_time_stamps; i++)
        has_stamps |= av_match_name(with_time_stamps[i], s->container);
    if (!has_stamps) doubt(x, "the container does not say when frames are shown");
}

const uint8_t *vl_video_next_nal(const uint8_t **nal, const uint8_t *p, const uint8_t *end,
                                 int length_bytes)
{
    if (length_bytes) {
        size_t n = 0;
        if (end - p < length_bytes) return NULL;
        for (int i = 0; i < length_bytes; i++) n = n << 8 | *p++;
        *nal = p;
        return n >= 2 && n <= (size_t)(end - p) ? p + n : NULL;
    }
    while (end - p > 4 && !(p[0] == 0 && p[1] == 0 && p[2] == 1)) p++;
    *nal = p + 3;
    return end - p > 4 ? p + 3 : NULL;
}

static look look_h264(const AVPacket *packet, int length_bytes)
{
    const uint8_t *p = packet->data, *end = p + packet->size, *nal;
    look at = {0};
    bool is_picture = false, is_used = false;
    while ((p = vl_video_next_nal(&nal, p, end, length_bytes))) {
        int type = nal[0] & 31;
        if (type == 5) at.is_key = true;
        if (type < 1 || type > 5) continue; /* no part of a picture */
        is_picture = true;
        if (nal[0] >> 5 & 3) is_used = true;
    }
    at.is_unused = is_picture && !is_used;
    return at;
}

/* A frame of a type "not referred to" may be referred to from a higher temporal layer: where there
 * are any, nothing is skipped. */
static look look_hevc(const AVPacket *packet, int length_bytes, bool *is_layered)
{
    const uint8_t *p = packet->data, *end = p + packet->size, *nal;
    look at = {0};
    bool is_picture = false, is_used = false;
    while ((p = vl_video_next_nal(&nal, p, end, length_bytes))) {
        int type = nal[0] >> 1 & 63;
        if (type > 31) continue; /* no part of a picture */
        if ((nal[1] & 7) != 1) *is_layered = true;
        if (type >= 16 && type <= 21) at.is_key = true;
        is_picture = true;
        if (type > 14 || type % 2) is_used = true;
    }
    at.is_unused = is_picture && !is_used;
    return at;
}

/* ---- VP8 and VP9: frames that are never shown ------------------------------------------------ */

static bool is_hidden_vp9(const AVPacket *packet)
{
    const uint8_t *p = packet->data;
    int last = p[packet->size - 1];
    if ((last & 0xe0) == 0xc0) return false; /* several frames, the last of them is shown */
    int profile = (p[0] >> 5 & 1) | (p[0] >> 3 & 2), bit = profile == 3 ? 2 : 3;
    if (p[0] >> bit & 1) return false; /* shows an earlier one */
    return !(p[0] >> (bit - 2) & 1);
}

static look look_at(scan *s, const AVPacket *p)
{
    look at = {.is_key = p->flags & AV_PKT_FLAG_KEY && s->is_clean};
    if (s->codec == AV_CODEC_ID_H264) at = look_h264(p, s->x->length_bytes);
    if (s->codec == AV_CODEC_ID_HEVC) at = look_hevc(p, s->x->length_bytes, &s->x->is_layered);
    if (s->codec == AV_CODEC_ID_VP8) at.is_hidden = !(p->data[0] & 0x10);
    if (s->codec == AV_CODEC_ID_VP9) at.is_hidden = is_hidden_vp9(p);
    return at;
}

/* ---- all packets ----------------------------------------------------------------------------- */

static violet_status add(scan *s, const AVPacket *p)
{
    vl_video_index *x = s->x;
    if (x->n == x->room) {
        size_t room = x->room ? x->room * 2 : 1024;
        vl_video_entry *more = realloc(x->entry, room * sizeof *more);
        if (!more) return vl_err_nomem();
        x->entry = more;
        x->room = room;
    }
    look at = look_at(s, p);
    bool is_inside = s->codec == AV_CODEC_ID_H264 || s->codec == AV_CODEC_ID_HEVC;
    bool is_key = at.is_key || (!is_inside && p->flags & AV_PKT_FLAG_KEY);
    if (p->pts == AV_NOPTS_VALUE) doubt(x, "packets without a time stamp");
    if (p->flags & AV_PKT_FLAG_DISCARD) doubt(x, "packets that are not to be shown");
    if (p->flags & AV_PKT_FLAG_CORRUPT) doubt(x, "damaged packets");
    if (at.is_hidden) doubt(x, "hidden frames");
    if (x->n == 0 && !is_key) doubt(x, "it does not begin with a key frame");
    if (x->n > 0 && p->pts < x->entry[0].pts) doubt(x, "frames before the first key frame");
    if (x->n == UINT32_MAX) doubt(x, "more packets than can be counted");
    x->entry[x->n] = (vl_video_entry){
        .pts = p->pts, .dts = p->dts, .at = (uint32_t)x->n,
        .marks = (uint8_t)((at.is_key ? VL_ENTRY_KEY : 0) | (at.is_unused ? VL_ENTRY_UNUSED : 0))};
    x->n++;
    return VIOLET_OK;
}

static int by_pts(const void *a, const void *b)
{
    const vl_video_entry *x = a, *y = b;
    if (x->pts != y->pts) return x->pts < y->pts ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void sort(vl_video_index *x, int64_t n_said)
{
    if (x->n) qsort(x->entry, x->n, sizeof *x->entry, by_pts);
    for (size_t i = 1; i < x->n; i++)
        if (x->entry[i].pts == x->entry[i - 1].pts) doubt(x, "a time stamp comes twice");
    if (n_said > 0 && n_said != (int64_t)x->n) doubt(x, "the container counts other than packets");
    if (x->n == 0) doubt(x, "no packets");
}

violet_status vl_video_index_read(vl_video_index *x, const vl_video_decoder *d)
{
    scan s;
    vl_video_file f;
    bool got = true;
    memset(x, 0, sizeof *x);
    scan_init(&s, x, d);
    violet_status status = vl_video_file_again(&f, &d->file);
    while (status == VIOLET_OK && !x->doubt) {
        status = vl_video_file_read(&got, &f);
        if (status != VIOLET_OK || !got) break;
        status = add(&s, f.packet);
    }
    if (f.cut) doubt(x, "damaged or cut off");
    x->end = f.end;
    vl_video_file_close(&f);
    if (status == VIOLET_OK && !x->doubt) sort(x, d->file.stream->nb_frames);
    return status;
}

void vl_video_index_release(vl_video_index *x)
{
    free(x->entry);
    *x = (vl_video_index){0};
}

vl_video_entry *vl_video_index_find(const vl_video_index *x, int64_t pts)
{
    size_t least = 0, most = x->n;
    while (least < most) {
        size_t middle = least + (most - least) / 2;
        if (x->entry[middle].pts < pts)
            least = middle + 1;
        else
            most = middle;
    }
    return least < x->n && x->entry[least].pts == pts ? &x->entry[least] : NULL;
}
