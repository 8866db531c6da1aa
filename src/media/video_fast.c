/* Fast mode: of the frames that are not asked for, decode only those that matter; see video.h.
 *
 *     packets:  K . . . . K . w . . . . K . . w . . .        K key frame, w wanted
 *     decoded:            K . w         K . . w              and, of the dots, only those that
 *                                                            other frames refer to
 *
 * What the index claims is checked on every stretch decoded: the same packets come again in the
 * same order, each gives one frame with its time stamp, and these ascend. What does not hold is a
 * doubt, and then all is decoded from the begin. */
#include <libavutil/avstring.h>
#include <string.h>

#include "base/status.h"
#include "media/video_index.h"

typedef struct run {
    vl_video_decoder *d;
    vl_video_kept *kept;
    vl_video_index x;
    uint32_t next;    /* the packet that is read next, in the order of decoding */
    uint32_t begin;   /* the first packet of the stretch */
    int64_t high;     /* of the last frame that came out in it; INT64_MIN: none did */
    const vl_video_entry *key; /* the last key frame before wanted frame `key_of`, or NULL */
    int key_of;
    bool can_skip;    /* the decoder knows which frames nobody refers to */
    bool by_dts;      /* what the container's seeking goes by */
    const char *doubt;
} run;

static vl_video_entry *wanted(const run *w)
{
    return &w->x.entry[w->kept->index[w->kept->next]];
}

/* ---- stretches ------------------------------------------------------------------------------- */

/* Everything that went in and is older than what came out has come out itself. */
static void end_stretch(run *w)
{
    vl_video_entry *e = w->high == INT64_MIN ? NULL : vl_video_index_find(&w->x, w->high);
    for (; e && e > w->x.entry && !(e->at == w->begin); e--) {
        bool may_miss = w->can_skip && e->marks & VL_ENTRY_UNUSED && !(e->marks & VL_ENTRY_WANTED);
        if (e->at >= w->begin && e->at < w->next && !may_miss && !(e->marks & VL_ENTRY_CAME_OUT))
            w->doubt = "packets without a frame";
    }
    w->high = INT64_MIN;
}

static const vl_video_entry *find_key(const run *w)
{
    const vl_video_entry *goal = wanted(w);
    for (const vl_video_entry *e = goal;; e--) {
        if (e->marks & VL_ENTRY_KEY && e->at <= goal->at) return e;
        if (e == w->x.entry) return NULL;
    }
}

/* The last key frame before the wanted frame if it lies ahead, else NULL. Asked for every packet,
 * so it is looked for once a wanted frame. */
static const vl_video_entry *key_ahead(run *w)
{
    if (w->key_of != w->kept->next) w->key = find_key(w);
    w->key_of = w->kept->next;
    return w->key && w->key->at > w->next ? w->key : NULL;
}

/* Reads up to the packet before the key frame; containers land on it or before it. */
static violet_status seek(run *w, const vl_video_entry *key)
{
    vl_video_file *f = &w->d->file;
    int64_t to = w->by_dts && key->dts != AV_NOPTS_VALUE ? key->dts : key->pts;
    end_stretch(w);
    avcodec_flush_buffers(w->d->codec);
    if (av_seek_frame(f->format, f->which, to, AVSEEK_FLAG_BACKWARD) < 0) {
        w->doubt = "the container cannot seek";
        return VIOLET_OK;
    }
    for (uint32_t last = 0;;) {
        bool got;
        violet_status status = vl_video_file_read(&got, f);
        if (status != VIOLET_OK) return status;
        const vl_video_entry *e = got ? vl_video_index_find(&w->x, f->packet->pts) : NULL;
        if (!e || e->at > key->at || e->at < last) {
            w->doubt = "seeking misses the key frame";
            return VIOLET_OK;
        }
        last = e->at;
        if (e == key) break;
    }
    w->next = w->begin = key->at;
    return VIOLET_OK;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static violet_status take_frames(run *w)
{
    for (;;) {
        bool got;
        violet_status status = vl_video_decoder_receive(&got, w->d);
        if (status != VIOLET_OK || !got) return status;
        int64_t pts = w->d->frame->pts;
        vl_video_entry *e = pts == AV_NOPTS_VALUE ? NULL : vl_video_index_find(&w->x, pts);
        if (!e || (w->high != INT64_MIN && pts <= w->high)) {
            w->doubt = "frames come in another order than their time stamps";
            return VIOLET_OK;
        }
        w->high = pts;
        e->marks |= VL_ENTRY_CAME_OUT;
        if (w->kept->next == w->kept->n_samples || e < wanted(w)) continue;
        if (e > wanted(w)) {
            w->doubt = "a packet without a frame";
            return VIOLET_OK;
        }
        status = vl_video_kept_take(w->kept, w->d);
        if (status != VIOLET_OK) return status;
    }
}

/* The packet read last goes in: one more of the stretch. */
static violet_status decode_packet(run *w)
{
    vl_video_decoder *d = w->d;
    const vl_video_entry *e = vl_video_index_find(&w->x, d->file.packet->pts);
    if (!e || e->at != w->next) {
        w->doubt = "packets come in another order the second time";
        return VIOLET_OK;
    }
    w->next++;
    d->codec->skip_frame = w->can_skip && !(e->marks & VL_ENTRY_WANTED) ? AVDISCARD_NONREF
                                                                        : AVDISCARD_DEFAULT;
    violet_status status = vl_video_decoder_send(d, false);
    return status == VIOLET_OK ? take_frames(w) : status;
}

static violet_status decode_wanted(run *w)
{
    while (w->kept->next < w->kept->n_samples && !w->doubt) {
        bool got = true;
        violet_status status = VIOLET_OK;
        const vl_video_entry *key = key_ahead(w);
        if (key)
            status = seek(w, key);
        else
            status = vl_video_file_read(&got, &w->d->file);
        if (status != VIOLET_OK || w->doubt) return status;
        if (got) {
            status = decode_packet(w);
        } else {
            status = vl_video_decoder_send(w->d, true);
            if (status == VIOLET_OK) status = take_frames(w);
            if (w->kept->next < w->kept->n_samples) w->doubt = "frames are missing at the end";
        }
        if (status != VIOLET_OK) return status;
        if (w->d->n_bad || w->d->flagged || w->d->file.cut) w->doubt = "damage";
    }
    if (!w->doubt) end_stretch(w);
    return VIOLET_OK;
}

violet_status vl_video_fast(const char **doubt, int64_t *n_frames, vl_video_kept *kept,
                            vl_video_decoder *d, int n_samples)
{
    enum AVCodecID codec = d->file.stream->codecpar->codec_id;
    run w = {.d = d, .kept = kept, .high = INT64_MIN, .key_of = -1};
    w.by_dts = av_match_name("mov", d->file.format->iformat->name);
    violet_status status = vl_video_index_read(&w.x, d);
    if (status != VIOLET_OK) goto done;
    d->file.end = w.x.end; /* what is decoded may end earlier */
    w.doubt = w.x.doubt;
    if (w.doubt) goto done;
    w.can_skip = !w.x.is_layered && (codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC);
    vl_video_kept_aim(kept, (int64_t)w.x.n, n_samples);
    for (int i = 0; i < n_samples; i++) w.x.entry[kept->index[i]].marks |= VL_ENTRY_WANTED;
    status = decode_wanted(&w);
done:
    *doubt = w.doubt;
    *n_frames = (int64_t)w.x.n;
    vl_video_index_release(&w.x);
    return status;
}
