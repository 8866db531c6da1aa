/* Pictures + captions + tokens; see dataset.h. */
#include "data/dataset.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/annotation.h"
#include "data/pictures.h"
#include "file/pickle.h"

#define SITE_CAPTION 0x63617074u
#define MOST_PATH PATH_MAX
#define VIDEO_FRAMES 4 /* T of videos where the options leave it open */

typedef struct piece {
    vl_pictures *pictures;
    size_t n;
    size_t *row;  /* (n) records of the pictures, where they serve several splits; NULL: all */
    int n_frames; /* T */
} piece;

struct vl_dataset {
    vl_dataset_options o; /* its strings are not kept */
    piece part[VL_MAX_PARTS];
    int n_parts;
    bool shared; /* the pictures' name does not say which split they are */
    vl_captions *captions;
    vl_pickle *tokens; /* NULL: none */
    int grid;
};

struct vl_scratch {
    vl_record record;
    int32_t *tokens; /* (VL_TSV_MAX_FRAMES, h, w) */
};

const char *vl_bad_name(vl_bad why)
{
    static const char *const names[] = {"line",    "frames", "picture",
                                        "caption", "tokens", "video"};
    return why < VL_BAD_REASONS ? names[why] : "other";
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The first of the patterns (%s: name) that is there; out[0] = 0: none. */
static violet_status find(char *out, const char *folder, const char *const *patterns, int n,
                          const char *name, const char *split, int number)
{
    char file[512];
    for (int i = 0; i < n; i++) {
        const char *p = patterns[i];
        size_t used = 0;
        for (; *p && used < sizeof file - 1; p++) { /* N: name, S: split, P: part */
            int k = 1;
            if (*p == 'N') k = snprintf(file + used, sizeof file - used, "%s", name);
            else if (*p == 'S') k = snprintf(file + used, sizeof file - used, "%s", split);
            else if (*p == 'P') k = snprintf(file + used, sizeof file - used, "%d", number);
            else file[used] = *p;
            used += (size_t)k;
        }
        if (used >= sizeof file - 1)
            return vl_err(VIOLET_EINVAL, "data set name '%.100s' is too long", name);
        file[used] = 0;
        violet_status status = vl_path_join(out, MOST_PATH, folder, file);
        if (status != VIOLET_OK) return status;
        if (vl_file_exists(out)) return VIOLET_OK;
    }
    out[0] = 0;
    return VIOLET_OK;
}

/* T of a part whose option is 0: the first record that can be read decides. */
static violet_status count_frames(piece *part)
{
    violet_status status = VIOLET_OK;
    const vl_pictures *p = part->pictures;
    part->n_frames = vl_pictures_are_videos(p) ? VIDEO_FRAMES : 0;
    vl_record *r = calloc(1, sizeof *r);
    if (!r) return vl_err_nomem();
    for (size_t i = 0; i < part->n && !part->n_frames && i < 64; i++) {
        status = vl_pictures_look(r, p, i);
        if (status == VIOLET_OK) part->n_frames = r->n_frames;
    }
    free(r);
    if (part->n_frames) return VIOLET_OK;
    if (status != VIOLET_OK) return vl_err_at(status, "no record has frames");
    return vl_err(VIOLET_EFORMAT, "%s: no record has frames", vl_pictures_path(p));
}

static violet_status open_part(vl_dataset *d, const char *path)
{
    piece *part = &d->part[d->n_parts++];
    vl_pictures_options o = {.videos = path == d->o.videos,
                             .fast = d->o.fast_video,
                             .shape = d->o.video_shape,
                             .jpeg = d->o.video_jpeg};
    violet_status status = vl_pictures_open(&part->pictures, path, &o);
    if (status != VIOLET_OK) return status;
    part->n = vl_pictures_n(part->pictures);
    part->n_frames = d->o.n_frames;
    return part->n_frames ? VIOLET_OK : count_frames(part);
}

static violet_status open_parts(vl_dataset *d, const vl_dataset_options *o)
{
    static const char *const parts[] = {"img_N_S_P.tsv"};
    static const char *const split[] = {"img_N_S.tsv"};
    static const char *const whole[] = {"img_N.tsv", "img_N.pkl", "N.tsv",    "N.pkl",
                                        "N/",        "img_N/",    "videos_N/"};
    char path[MOST_PATH];
    violet_status status;
    d->shared = o->videos != NULL;
    if (o->videos) return open_part(d, o->videos);
    for (;;) {
        if ((status = find(path, o->folder, parts, 1, o->name, o->split, d->n_parts)) != VIOLET_OK)
            return status;
        if (!path[0]) break;
        if (d->n_parts == VL_MAX_PARTS)
            return vl_err(VIOLET_EUNSUPPORTED, "%s: more than %d parts", o->name, VL_MAX_PARTS);
        if ((status = open_part(d, path)) != VIOLET_OK) return status;
    }
    if (d->n_parts) return VIOLET_OK;
    if ((status = find(path, o->folder, split, 1, o->name, o->split, 0)) != VIOLET_OK)
        return status;
    d->shared = !path[0];
    if (d->shared && (status = find(path, o->folder, whole, 7, o->name, o->split, 0)) != VIOLET_OK)
        return status;
    if (!path[0])
        return vl_err(VIOLET_EIO, "data set '%s': no img_%s_%s_0.tsv, img_%s_%s.tsv, img_%s.pkl, "
                      "%s.tsv, %s.pkl or folder %s of videos in '%s'", o->name, o->name, o->split,
                      o->name, o->split, o->name, o->name, o->name, o->name, o->folder);
    return open_part(d, path);
}

static violet_status open_captions(vl_dataset *d, const vl_dataset_options *o)
{
    static const char *const names[] = {"txt_N.json", "N.json"};
    char path[MOST_PATH];
    if (o->captions) return vl_captions_open(&d->captions, o->captions, o->split);
    violet_status status = find(path, o->folder, names, 2, o->name, o->split, 0);
    if (status != VIOLET_OK) return status;
    if (!path[0])
        return vl_err(VIOLET_EIO, "data set '%s': no txt_%s.json or %s.json in '%s'", o->name,
                      o->name, o->name, o->folder);
    return vl_captions_open(&d->captions, path, o->split);
}

static violet_status open_tokens(vl_dataset *d, const vl_dataset_options *o)
{
    static const char *const names[] = {"vq_N.pkl", "N_vq.pkl"};
    char path[MOST_PATH];
    if (o->no_tokens) return VIOLET_OK;
    violet_status status = find(path, o->folder, names, 2, o->name, o->split, 0);
    if (status != VIOLET_OK) return status;
    if (!o->tokens && !path[0]) return VIOLET_OK;
    if ((status = vl_pickle_open(&d->tokens, o->tokens ? o->tokens : path, NULL)) != VIOLET_OK)
        return status;
    if (vl_value_kind(vl_pickle_root(d->tokens)) != VL_DICT)
        return vl_err(VIOLET_EFORMAT, "%s: expected {video: tokens}", o->tokens ? o->tokens : path);
    d->grid = o->size_img / 32;
    return VIOLET_OK;
}

/* A file that serves several splits: only the records that have captions in this one belong. A
 * file that names its split keeps all of its records, and one without captions is a bad sample. */
static violet_status keep_split(vl_dataset *d)
{
    piece *part = &d->part[0];
    size_t n = 0;
    part->row = malloc(part->n * sizeof *part->row);
    if (!part->row) return vl_err_nomem();
    for (size_t i = 0; i < part->n; i++) {
        vl_slice id = vl_pictures_id(part->pictures, i);
        if (!id.s || vl_captions_n(d->captions, id.s, id.n)) part->row[n++] = i;
    }
    if (n == 0)
        return vl_err(VIOLET_EFORMAT, "%s: none of its %zu records has a caption in split '%s'",
                      vl_pictures_path(part->pictures), part->n, d->o.split);
    part->n = n;
    return VIOLET_OK;
}

violet_status vl_dataset_open(vl_dataset **out, const vl_dataset_options *o)
{
    violet_status status;
    *out = NULL;
    if (!o->folder || !o->name || !o->split || !o->wordpiece)
        return vl_err(VIOLET_EINVAL, "data set: folder, name, split and wordpiece are needed");
    if (o->size_img < 32 || o->size_img % 32 || o->size_img > 4096 || o->size_txt < 2 ||
        o->size_txt > 512 || o->n_frames < 0 || o->n_frames > VL_TSV_MAX_FRAMES)
        return vl_err(VIOLET_EINVAL, "data set: size_img %d, size_txt %d or n_frames %d cannot be",
                      o->size_img, o->size_txt, o->n_frames);
    if (o->size_small < 0 || o->size_small > o->size_img || o->video_jpeg < 0 ||
        o->video_jpeg > 100)
        return vl_err(VIOLET_EINVAL, "data set: size_small %d or video_jpeg %d cannot be",
                      o->size_small, o->video_jpeg);
    vl_dataset *d = calloc(1, sizeof *d);
    if (!d) return vl_err_nomem();
    d->o = *o;
    if (!d->o.n_codes) d->o.n_codes = 8192;
    if ((status = open_parts(d, o)) != VIOLET_OK) goto done;
    if ((status = open_captions(d, o)) != VIOLET_OK) goto done;
    if (d->shared && (status = keep_split(d)) != VIOLET_OK) goto done;
    status = open_tokens(d, o);
done:
    if (status == VIOLET_OK)
        *out = d;
    else
        vl_dataset_close(d);
    return status;
}

void vl_dataset_close(vl_dataset *d)
{
    if (!d) return;
    for (int i = 0; i < d->n_parts; i++) {
        vl_pictures_close(d->part[i].pictures);
        free(d->part[i].row);
    }
    vl_captions_close(d->captions);
    vl_pickle_close(d->tokens);
    free(d);
}

int vl_dataset_parts(const vl_dataset *d)
{
    return d->n_parts;
}

const char *vl_dataset_path(const vl_dataset *d, int part)
{
    return vl_pictures_path(d->part[part].pictures);
}

size_t vl_dataset_n(const vl_dataset *d, int part)
{
    return d->part[part].n;
}

int vl_dataset_frames(const vl_dataset *d, int part)
{
    return d->part[part].n_frames;
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
    out->n_text = vl_wordpiece_encode(d->o.wordpiece, out->text, d->o.size_txt,
                                      vl_captions_get(d->captions, id.s, id.n, i), NULL);
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

violet_status vl_dataset_read(vl_sample *out, vl_bad *why, const vl_dataset *d, int i_part,
                              size_t i, uint64_t epoch, vl_scratch *s)
{
    const piece *part = &d->part[i_part];
    const char *path = vl_pictures_path(part->pictures);
    vl_record *r = &s->record;
    frames f = {d, out};
    *why = VL_BAD_LINE;
    if (i >= part->n) return vl_err(VIOLET_EINVAL, "record %zu of %zu", i, part->n);
    violet_status status = vl_pictures_look(r, part->pictures, part->row ? part->row[i] : i);
    if (status != VIOLET_OK) return status;
    int T = part->n_frames, n = r->n_frames ? r->n_frames : T;
    int n_id = (int)(r->id.n < VL_ID_BYTES ? r->id.n : VL_ID_BYTES - 1);
    snprintf(out->id, sizeof out->id, "%.*s", n_id, r->id.s);
    *why = VL_BAD_FRAMES;
    if (n < T)
        return vl_err(VIOLET_EFORMAT, "%s video '%s': %d frames, expected %d or more", path,
                      out->id, n, T);
    *why = VL_BAD_CAPTION;
    status = read_caption(out, d, r->id, i, epoch);
    if (status != VIOLET_OK) return vl_err_at(status, "%s video '%s'", path, out->id);
    *why = VL_BAD_TOKENS;
    if (d->tokens && (status = read_tokens(out->vq, d, r->id, n, T, s)) != VIOLET_OK)
        return vl_err_at(status, "%s video '%s': VQ tokens", path, out->id);
    bool is_video = vl_pictures_are_videos(part->pictures);
    *why = is_video ? VL_BAD_VIDEO : VL_BAD_PICTURE;
    status = vl_pictures_decode(r, T, give_frame, &f);
    if (status == VIOLET_OK || is_video) return status; /* a video's message says where */
    return vl_err_at(status, "%s video '%s'", path, out->id);
}
