/* Pictures + captions + tokens; see dataset.h. */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/dataset_internal.h"

#define SITE_CAPTION 0x63617074u

const char *vl_bad_name(vl_bad why)
{
    static const char *const names[] = {"line",   "frames", "picture", "caption",
                                        "tokens", "video",  "unknown"};
    return why < VL_BAD_REASONS ? names[why] : "other";
}

int vl_dataset_parts(const vl_dataset *d)
{
    return d->o.items ? 1 : d->n_pieces;
}

const char *vl_dataset_path(const vl_dataset *d, int part)
{
    return vl_pictures_path(d->piece[part].pictures);
}

size_t vl_dataset_n(const vl_dataset *d, int part)
{
    if (!d->o.items) return d->piece[part].n;
    return d->o.each_video ? (size_t)vl_items_n_videos(d->o.items) : vl_items_n(d->o.items);
}

int vl_dataset_frames(const vl_dataset *d, int part)
{
    return d->piece[part].n_frames;
}

int vl_dataset_grid(const vl_dataset *d)
{
    return d->grid;
}

int vl_dataset_size_img(const vl_dataset *d)
{
    return d->o.size_img;
}

int vl_dataset_size_small(const vl_dataset *d)
{
    return d->o.size_small;
}

int vl_dataset_size_txt(const vl_dataset *d)
{
    return d->o.size_txt;
}

int vl_dataset_texts(const vl_dataset *d)
{
    return d->n_texts;
}

int vl_dataset_missing(const vl_dataset *d)
{
    return d->n_missing;
}

/* ---- reading --------------------------------------------------------------------------------- */

violet_status vl_scratch_new(vl_scratch **out, const vl_dataset *d)
{
    size_t n = (size_t)VL_TSV_MAX_FRAMES * (size_t)(d->grid * d->grid);
    *out = NULL;
    vl_scratch *s = calloc(1, sizeof *s);
    if (!s || !(s->tokens = malloc((n + 1) * sizeof *s->tokens))) {
        vl_scratch_free(s);
        return vl_err_nomem();
    }
    *out = s;
    return VIOLET_OK;
}

void vl_scratch_free(vl_scratch *s)
{
    if (!s) return;
    vl_record_release(&s->record);
    vl_buf_free(&s->pieces);
    free(s->tokens);
    free(s);
}

/* A sample's pictures on their way into it. */
typedef struct frames {
    const vl_dataset *d;
    vl_sample *out;
} frames;

static violet_status give_frame(void *user, int i, const vl_picture *p)
{
    const frames *f = user;
    const vl_dataset_options *o = &f->d->o;
    size_t S = (size_t)o->size_img, s = (size_t)o->size_small, k = (size_t)i;
    violet_status status = vl_picture_square(f->out->image + k * 3 * S * S, (int)S, p, o->pad);
    if (status != VIOLET_OK || s == 0) return status;
    return vl_picture_square(f->out->small + k * 3 * s * s, (int)s, p, o->pad);
}

static violet_status read_caption(vl_sample *out, const vl_dataset *d, vl_slice id, size_t record,
                                  uint64_t epoch)
{
    int n = vl_captions_n(d->captions, id.s, id.n), i = 0;
    if (n == 0) return vl_err(VIOLET_EFORMAT, "no caption");
    if (d->o.random_caption)
        i = (int)vl_rng_below(vl_rng_key(d->o.seed, epoch, SITE_CAPTION), record, (uint32_t)n);
    int X = d->o.size_txt, n_whole;
    const char *text = vl_captions_get(d->captions, id.s, id.n, i);
    *out->n_text = vl_wordpiece_encode(d->o.wordpiece, out->text, X, text, &n_whole);
    out->facts = (vl_item_facts){.item = -1, .video = -1, .type = -1, .answer = -1, .blank = -1};
    out->facts.shortened = n_whole > X;
    out->facts.text = vl_text_hash(out->text, (size_t)X);
    return VIOLET_OK;
}

/* One array of n_frames * h * w tokens; an array of one frame may leave the first dimension out. */
static violet_status read_array(int32_t *out, const vl_value *v, int n_frames, int grid)
{
    vl_ndarray a;
    if (!vl_value_array(&a, v))
        return vl_err(VIOLET_EFORMAT, "expected an array, found a %s",
                      vl_kind_name(vl_value_kind(v)));
    int lead = a.n_dim - 2;
    if (lead < 0 || lead > 1 || (lead ? a.shape[0] : 1) != n_frames || a.shape[lead] != grid ||
        a.shape[lead + 1] != grid) {
        char text[100] = "";
        for (int i = 0, used = 0; i < a.n_dim && used < 80; i++)
            used += snprintf(text + used, 20, "%s%lld", i ? "," : "",
                             (long long)a.shape[i] % 1000000);
        return vl_err(VIOLET_EFORMAT, "shape (%s), expected (%d,%d,%d)", text, n_frames, grid,
                      grid);
    }
    return vl_ndarray_to_i32(out, &a);
}

static violet_status read_tokens(int32_t *out, const vl_dataset *d, vl_slice id, int n, int T,
                                 vl_scratch *s)
{
    const vl_value *v = vl_dict_find(vl_pickle_root(d->tokens), id.s, id.n);
    size_t hw = (size_t)(d->grid * d->grid);
    violet_status status = VIOLET_OK;
    if (!v) return vl_err(VIOLET_EFORMAT, "no entry");
    if (vl_value_kind(v) == VL_LIST || vl_value_kind(v) == VL_TUPLE) {
        if (vl_value_n(v) != (size_t)n)
            return vl_err(VIOLET_EFORMAT, "of %zu frames, the video has %d", vl_value_n(v), n);
        for (int i = 0; i < n && status == VIOLET_OK; i++)
            status = read_array(s->tokens + (size_t)i * hw, vl_value_at(v, (size_t)i), 1, d->grid);
    } else {
        status = read_array(s->tokens, v, n, d->grid);
    }
    for (int i = 0; i < T && status == VIOLET_OK; i++)
        for (size_t k = 0; k < hw; k++) {
            int32_t x = s->tokens[(size_t)vl_pictures_pick(i, n, T) * hw + k];
            if (x < 0 || x >= d->o.n_codes)
                return vl_err(VIOLET_EFORMAT, "%d, expected 0 to %d", x, d->o.n_codes - 1);
            out[(size_t)i * hw + k] = x;
        }
    return status;
}

void vl_scratch_stop(vl_scratch *s, const volatile sig_atomic_t *stop)
{
    s->record.stop = stop;
}

violet_status vl_dataset_look(vl_sample *out, vl_bad *why, const vl_piece *piece, size_t record,
                              vl_record *r)
{
    *why = VL_BAD_LINE;
    violet_status status = vl_pictures_look(r, piece->pictures, record);
    if (status != VIOLET_OK) return status;
    int T = piece->n_frames, n = r->n_frames ? r->n_frames : T;
    int n_id = (int)(r->id.n < VL_ID_BYTES ? r->id.n : VL_ID_BYTES - 1);
    snprintf(out->id, sizeof out->id, "%.*s", n_id, r->id.s);
    *why = VL_BAD_FRAMES;
    if (n >= T) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s video '%s': %d frames, expected %d or more",
                  vl_pictures_path(piece->pictures), out->id, n, T);
}

violet_status vl_dataset_pictures(vl_sample *out, vl_bad *why, const vl_dataset *d,
                                  const vl_piece *piece, vl_record *r)
{
    frames f = {d, out};
    bool is_video = vl_pictures_are_videos(piece->pictures);
    *why = is_video ? VL_BAD_VIDEO : VL_BAD_PICTURE;
    violet_status status = vl_pictures_decode(r, piece->n_frames, give_frame, &f);
    if (status == VIOLET_OK || is_video) return status; /* a video's message says where */
    return vl_err_at(status, "%s video '%s'", vl_pictures_path(piece->pictures), out->id);
}

violet_status vl_dataset_read(vl_sample *out, vl_bad *why, const vl_dataset *d, int part,
                              size_t i, uint64_t epoch, vl_scratch *s)
{
    const vl_piece *piece = &d->piece[part];
    const char *path = vl_pictures_path(piece->pictures);
    vl_record *r = &s->record;
    *why = VL_BAD_LINE;
    if (i >= vl_dataset_n(d, part))
        return vl_err(VIOLET_EINVAL, "record %zu of %zu", i, vl_dataset_n(d, part));
    if (d->o.items) return vl_dataset_read_item(out, why, d, i, s);
    violet_status status = vl_dataset_look(out, why, piece, piece->row ? piece->row[i] : i, r);
    if (status != VIOLET_OK) return status;
    *why = VL_BAD_CAPTION;
    status = read_caption(out, d, r->id, i, epoch);
    if (status != VIOLET_OK) return vl_err_at(status, "%s video '%s'", path, out->id);
    *why = VL_BAD_TOKENS;
    int T = piece->n_frames, n = r->n_frames ? r->n_frames : T;
    if (d->tokens && (status = read_tokens(out->vq, d, r->id, n, T, s)) != VIOLET_OK)
        return vl_err_at(status, "%s video '%s': VQ tokens", path, out->id);
    return vl_dataset_pictures(out, why, d, piece, r);
}
