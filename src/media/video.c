/* Frames of a video, exact mode; see video.h. video_lean.c spares most of its work for H.264; fast
 * mode is video_fast.c.
 *
 *     file --packets--> decoder --frames, numbered--> kept (S pictures) --once N is certain--> give
 */
#include "media/video.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"
#include "media/video_work.h"

#define SHARE_MISSING 0.05 /* of a duration that may be declared amiss */

static const char *const endings[] = {
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v",
    ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".qt",
    ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m",
};

bool vl_video_has_name(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name ? name + 1 : path, '.');
    if (!dot) return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

size_t vl_video_without_ending(const char *id, size_t n)
{
    char end[8];
    const char *dot = memrchr(id, '.', n);
    size_t m = dot ? n - (size_t)(dot - id) : 0;
    if (!dot || dot == id || m >= sizeof end) return n;
    memcpy(end, dot, m);
    end[m] = 0;
    return vl_video_has_name(end) ? n - m : n;
}

const char *vl_shape_name(vl_shape shape)
{
    static const char *const names[] = {"upright", "square", "stored"};
    return names[shape];
}

int64_t vl_frame_index(int64_t n_frames, int n_samples, int i)
{
    double n = (double)n_frames / (n_samples + 1);
    return (int64_t)(n * (i + 1));
}

void vl_video_note(vl_video_result *r, const char *format, ...)
{
    char text[sizeof r->note];
    size_t used = strlen(r->note);
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (used + strlen(text) + 3 > sizeof r->note) return;
    snprintf(r->note + used, sizeof r->note - used, "%s%s", used ? "; " : "", text);
}

/* ---- the decoder ----------------------------------------------------------------------------- */

violet_status vl_video_decoder_open(vl_video_decoder *d, const char *path,
                                    const vl_video_pick *pick)
{
    memset(d, 0, sizeof *d);
    violet_status status = vl_video_file_open(&d->file, path, pick->stop);
    if (status != VIOLET_OK) return status;
    const AVCodecParameters *p = d->file.stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(p->codec_id);
    if (!codec)
        return vl_err(VIOLET_EUNSUPPORTED, "%s: this build of libav has no decoder for %s", path,
                      avcodec_get_name(p->codec_id));
    d->codec = avcodec_alloc_context3(codec);
    d->frame = av_frame_alloc();
    if (!d->codec || !d->frame) return vl_err_nomem();
    int code = avcodec_parameters_to_context(d->codec, p);
    d->codec->pkt_timebase = d->file.stream->time_base;
    d->codec->thread_count = 1; /* threads of frames are slower than one, here */
    d->codec->max_pixels = (int64_t)VL_PICTURE_PIXELS_MOST;
    if (code >= 0) code = avcodec_open2(d->codec, codec, NULL);
    if (code < 0) return vl_video_failed(&d->file, code, "open the decoder");
    d->painter.stream = d->file.stream;
    d->painter.max_side = pick->max_side;
    d->painter.shape = pick->shape;
    return VIOLET_OK;
}

void vl_video_decoder_close(vl_video_decoder *d)
{
    vl_painter_release(&d->painter);
    av_frame_free(&d->frame);
    avcodec_free_context(&d->codec);
    vl_video_file_close(&d->file);
}

violet_status vl_video_decoder_send(vl_video_decoder *d, bool last)
{
    int code = avcodec_send_packet(d->codec, last ? NULL : d->file.packet);
    if (vl_video_is_fatal(code)) return vl_video_failed(&d->file, code, "decode");
    if (code < 0 && code != AVERROR_EOF) d->n_bad++;
    return VIOLET_OK;
}

violet_status vl_video_decoder_receive(bool *got, vl_video_decoder *d)
{
    /* a decoder that reports damage may still hold frames; one that does so for ever is left */
    for (int tries = 0; tries < 64; tries++) {
        int code = avcodec_receive_frame(d->codec, d->frame);
        *got = code == 0;
        if (*got && (d->frame->flags & AV_FRAME_FLAG_CORRUPT || d->frame->decode_error_flags))
            d->flagged = true;
        if (*got || code == AVERROR(EAGAIN) || code == AVERROR_EOF) return VIOLET_OK;
        if (vl_video_is_fatal(code)) return vl_video_failed(&d->file, code, "decode");
        d->n_bad++;
    }
    return VIOLET_OK;
}

/* ---- the pictures kept ----------------------------------------------------------------------- */

void vl_video_kept_release(vl_video_kept *k)
{
    for (int i = 0; i < k->n_samples; i++) vl_picture_release(&k->picture[i]);
    memset(k, 0, sizeof *k);
}

void vl_video_kept_aim(vl_video_kept *k, int64_t n_frames, int n_samples)
{
    vl_video_kept_release(k);
    k->n_samples = n_samples;
    for (int i = 0; i < n_samples; i++) k->index[i] = vl_frame_index(n_frames, n_samples, i);
}

violet_status vl_video_kept_take(vl_video_kept *k, vl_video_decoder *d)
{
    violet_status status = vl_painter_paint(&k->picture[k->next], &d->painter, d->frame);
    if (status != VIOLET_OK) return vl_err_at(status, "%s", d->file.path);
    int64_t taken = k->index[k->next];
    while (k->next < k->n_samples && k->index[k->next] == taken) k->next++;
    return VIOLET_OK;
}

static violet_status give_all(vl_video_result *r, const vl_video_kept *k, vl_video_give give,
                              void *user)
{
    const vl_picture *picture = NULL;
    bool same = true;
    for (int i = 0; i < k->n_samples; i++) {
        r->index[i] = k->index[i];
        if (k->picture[i].rgb) picture = &k->picture[i];
        if (i == 0) {
            r->width = picture->width;
            r->height = picture->height;
        }
        same &= r->width == picture->width && r->height == picture->height;
    }
    if (!same) vl_video_note(r, "pictures differ in size");
    for (int i = 0; i < k->n_samples; i++) {
        if (k->picture[i].rgb) picture = &k->picture[i];
        violet_status status = give(user, i, picture);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* ---- exact ----------------------------------------------------------------------------------- */

/* How many frames to expect: packets that the container means to be shown. */
static violet_status count_packets(int64_t *n, const vl_video_decoder *d)
{
    vl_video_file f;
    bool got = true;
    violet_status status = vl_video_file_again(&f, &d->file);
    *n = 0;
    while (status == VIOLET_OK && got) {
        status = vl_video_file_read(&got, &f);
        if (got && !(f.packet->flags & AV_PKT_FLAG_DISCARD)) ++*n;
    }
    vl_video_file_close(&f);
    return status;
}

/* Numbers the frames and keeps those that are asked for; to the end of the file, or, if N is known
 * for sure, until the last of them is there. */
static violet_status decode(int64_t *n_frames, vl_video_kept *k, vl_video_decoder *d, bool is_sure)
{
    bool more = true, got;
    *n_frames = 0;
    while (more && !(is_sure && k->next == k->n_samples)) {
        violet_status status = vl_video_file_read(&more, &d->file);
        if (status == VIOLET_OK) status = vl_video_decoder_send(d, !more);
        if (status != VIOLET_OK) return status;
        for (;;) {
            status = vl_video_decoder_receive(&got, d);
            if (status != VIOLET_OK) return status;
            if (!got) break;
            if (k->next < k->n_samples && k->index[k->next] == *n_frames) {
                status = vl_video_kept_take(k, d);
                if (status != VIOLET_OK) return status;
            }
            ++*n_frames;
        }
    }
    return VIOLET_OK;
}

static violet_status exact(vl_video_kept *k, vl_video_decoder *d, vl_video_result *r,
                           const vl_video_pick *pick)
{
    int64_t expected, again;
    const char *path = d->file.path;
    violet_status status = count_packets(&expected, d);
    if (status != VIOLET_OK) return status;
    vl_video_kept_aim(k, expected, pick->n_samples);
    status = decode(&r->n_frames, k, d, false);
    if (status != VIOLET_OK) return status;
    if (r->n_frames == 0)
        return vl_err(VIOLET_EFORMAT, "%s: expected a video, no frame of it can be decoded", path);
    r->counted = true;
    if (r->n_frames == expected) return VIOLET_OK;
    vl_video_note(r, "%lld packets, %lld frames", (long long)expected, (long long)r->n_frames);
    vl_video_kept_aim(k, r->n_frames, pick->n_samples);
    vl_video_decoder second;
    status = vl_video_decoder_open(&second, path, pick);
    if (status == VIOLET_OK) status = decode(&again, k, &second, true);
    if (status == VIOLET_OK && k->next < k->n_samples)
        status = vl_err(VIOLET_EFORMAT, "%s: %lld frames at first, then only %lld", path,
                        (long long)r->n_frames, (long long)again);
    d->painter.seen = second.painter.seen;
    vl_video_decoder_close(&second);
    return status;
}

static void note_damage(vl_video_result *r, const vl_video_decoder *d)
{
    double missing = vl_video_file_missing(&d->file);
    if (d->file.cut) vl_video_note(r, "damaged or cut off");
    if (missing > 1 && missing > SHARE_MISSING * r->info.seconds)
        vl_video_note(r, "ends %.1f s before its declared duration", missing);
    if (d->n_bad) vl_video_note(r, "%lld packets cannot be decoded", (long long)d->n_bad);
    if (d->flagged) vl_video_note(r, "damaged frames");
    if (d->painter.seen.mirrored) vl_video_note(r, "mirrored");
    if (d->painter.seen.odd_angle) vl_video_note(r, "turned by an odd angle");
    if (d->painter.seen.oblong) vl_video_note(r, "pixels are not square (see --shape)");
    if (d->painter.seen.aspect_dropped) vl_video_note(r, "aspect ratio beyond limits, dropped");
}

static bool is_stopped(const vl_video_pick *pick)
{
    return pick->stop && *pick->stop;
}

violet_status vl_video_sample(vl_video_result *r, const char *path, const vl_video_pick *pick,
                              vl_video_give give, void *user)
{
    memset(r, 0, sizeof *r);
    if (pick->n_samples < 1 || pick->n_samples > VL_VIDEO_SAMPLES_MOST)
        return vl_err(VIOLET_EINVAL, "%d samples of a video, expected 1 to %d", pick->n_samples,
                      VL_VIDEO_SAMPLES_MOST);
    const char *doubt = "";
    vl_video_decoder d;
    vl_video_kept *kept = calloc(1, sizeof *kept);
    violet_status status = vl_video_decoder_open(&d, path, pick);
    if (d.file.stream) vl_video_file_info(&r->info, &d.file);
    if (status == VIOLET_OK && !kept) status = vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    if (pick->fast || d.codec->codec_id == AV_CODEC_ID_H264) {
        status = (pick->fast ? vl_video_fast : vl_video_lean)(&doubt, &r->n_frames, kept, &d,
                                                              pick->n_samples);
        if (status != VIOLET_OK) goto done;
        r->counted = !pick->fast && !doubt;
        if (doubt) {
            if (pick->fast) vl_video_note(r, "every frame decoded: %s", doubt);
            vl_video_decoder_close(&d);
            status = vl_video_decoder_open(&d, path, pick);
            if (status != VIOLET_OK) goto done;
        }
    }
    if (doubt) status = exact(kept, &d, r, pick);
    /* a demuxer may take a read that was stopped for damage, or for the end */
    if (is_stopped(pick)) status = vl_err(VIOLET_EINTERRUPTED, "%s: stopped", path);
    r->rotation = d.painter.seen.rotation;
    note_damage(r, &d);
    if (status == VIOLET_OK) status = give_all(r, kept, give, user);
done:
    if (status != VIOLET_OK && is_stopped(pick))
        status = vl_err(VIOLET_EINTERRUPTED, "%s: stopped", path);
    if (kept) vl_video_kept_release(kept);
    free(kept);
    vl_video_decoder_close(&d);
    return status;
}
