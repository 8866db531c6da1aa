/* Exact counting without the work that nobody sees; see video.h. H.264 alone.
 *
 *     packets:  K . r . r w r . r . w . r . r        w wanted, r others refer to it, . nobody does
 *     whole:    K   r   r w r   r   w                the rest goes in cut off behind its headers
 *
 * Whether and when a frame comes out of libav's H.264 decoder depends on the headers of its slices
 * alone: damage behind them is painted over. So every packet goes in and every frame is counted as
 * it comes out, but those that neither the rule nor another frame asks for have nothing behind
 * their headers to be decoded; nor have any once the last wanted frame is there.
 *
 * That must come to one frame a packet, in the order of the time stamps. What else happens, and any
 * damage, is a doubt: then all is decoded whole, from the begin. */
#include <string.h>

#include "base/status.h"
#include "media/video_index.h"

/* Slice headers are shorter but for explicit weights of many references; a header that suffers
 * loses its frame, and that is noticed. */
#define HEAD_BYTES 64

typedef struct run {
    vl_video_decoder *d;
    vl_video_kept *kept;
    vl_video_index x;
    size_t n_out;
    int concealment; /* as the decoder was opened */
    const char *doubt;
} run;

static bool is_slice(const uint8_t *nal)
{
    int type = nal[0] & 31;
    return type == 1 || type == 5;
}

/* Leaves a packet alone that does not consist of NAL units from begin to end: libav refuses it. */
static bool is_whole(const AVPacket *packet, int length_bytes)
{
    const uint8_t *p = packet->data, *end = p + packet->size, *nal, *next;
    while ((next = vl_video_next_nal(&nal, p, end, length_bytes))) p = next;
    return p == end;
}

/* Shortens every slice in place. */
static void cut(AVPacket *packet, int length_bytes)
{
    const uint8_t *p = packet->data, *end = p + packet->size, *nal, *next;
    uint8_t *to = packet->data;
    for (; (next = vl_video_next_nal(&nal, p, end, length_bytes)); p = next) {
        size_t n = (size_t)(next - nal);
        if (is_slice(nal) && n > HEAD_BYTES) n = HEAD_BYTES;
        memmove(to + length_bytes, nal, n);
        for (int i = 0; i < length_bytes; i++) to[i] = (uint8_t)(n >> 8 * (length_bytes - 1 - i));
        to += (size_t)length_bytes + n;
    }
    av_shrink_packet(packet, (int)(to - packet->data));
}

static violet_status send(run *w)
{
    vl_video_decoder *d = w->d;
    AVPacket *packet = d->file.packet;
    vl_video_entry *e = vl_video_index_find(&w->x, packet->pts);
    bool is_over = w->kept->next == w->kept->n_samples;
    if (!e) {
        w->doubt = "packets come with other time stamps the second time";
        return VIOLET_OK;
    }
    bool is_unused = e->marks & VL_ENTRY_UNUSED && !(e->marks & VL_ENTRY_WANTED);
    if ((is_over || is_unused) && is_whole(packet, w->x.length_bytes)) {
        if (av_packet_make_writable(packet) < 0) return vl_err_nomem();
        cut(packet, w->x.length_bytes);
        e->marks |= VL_ENTRY_CUT;
    }
    bool is_cut = e->marks & VL_ENTRY_CUT;
    d->codec->skip_loop_filter = is_cut ? AVDISCARD_ALL : AVDISCARD_DEFAULT;
    d->codec->error_concealment = is_cut ? 0 : w->concealment;
    d->codec->err_recognition = is_cut ? 0 : AV_EF_EXPLODE; /* damage is for decoding whole */
    return vl_video_decoder_send(d, false);
}

static violet_status take_frames(run *w)
{
    for (;;) {
        bool got, flagged = w->d->flagged;
        violet_status status = vl_video_decoder_receive(&got, w->d);
        if (status != VIOLET_OK || !got) return status;
        const vl_video_entry *e = &w->x.entry[w->n_out];
        if (w->n_out == w->x.n || w->d->frame->pts != e->pts) {
            w->doubt = "frames come in another order than their time stamps";
            return VIOLET_OK;
        }
        if (e->marks & VL_ENTRY_CUT) w->d->flagged = flagged; /* the damage is ours */
        if (e->marks & VL_ENTRY_WANTED) {
            status = vl_video_kept_take(w->kept, w->d);
            if (status != VIOLET_OK) return status;
        }
        w->n_out++;
    }
}

static violet_status decode(run *w)
{
    bool more = true;
    while (more && !w->doubt) {
        violet_status status = vl_video_file_read(&more, &w->d->file);
        if (status != VIOLET_OK) return status;
        status = more ? send(w) : vl_video_decoder_send(w->d, true);
        if (status == VIOLET_OK && !w->doubt) status = take_frames(w);
        if (status != VIOLET_OK) return status;
        if (w->d->n_bad || w->d->flagged || w->d->file.cut) w->doubt = "damage";
    }
    if (!w->doubt && w->n_out < w->x.n) w->doubt = "packets without a frame";
    return VIOLET_OK;
}

violet_status vl_video_lean(const char **doubt, int64_t *n_frames, vl_video_kept *kept,
                            vl_video_decoder *d, int n_samples)
{
    run w = {.d = d, .kept = kept, .concealment = d->codec->error_concealment};
    violet_status status = vl_video_index_read(&w.x, d);
    if (status != VIOLET_OK) goto done;
    w.doubt = w.x.doubt;
    if (!w.doubt && !w.x.length_bytes) w.doubt = "start codes";
    if (w.doubt) goto done;
    vl_video_kept_aim(kept, (int64_t)w.x.n, n_samples);
    for (int i = 0; i < n_samples; i++) w.x.entry[kept->index[i]].marks |= VL_ENTRY_WANTED;
    status = decode(&w);
done:
    *doubt = w.doubt;
    *n_frames = (int64_t)w.x.n;
    vl_video_index_release(&w.x);
    return status;
}
