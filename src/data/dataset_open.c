/* Opening a data set: which files, which of their records; see dataset.h. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_internal.h"
#include "data/names.h"

#define VIDEO_FRAMES 4 /* T of videos where the options leave it open */
#define TASK_FRAMES 5  /* and of a task */

/* T of a part whose option is 0: the first record that can be read decides. */
static violet_status count_frames(vl_piece *piece, int of_videos)
{
    violet_status status = VIOLET_OK;
    const vl_pictures *p = piece->pictures;
    piece->n_frames = vl_pictures_are_videos(p) ? of_videos : 0;
    vl_record *r = calloc(1, sizeof *r);
    if (!r) return vl_err_nomem();
    for (size_t i = 0; i < piece->n && !piece->n_frames && i < 64; i++) {
        status = vl_pictures_look(r, p, i);
        if (status == VIOLET_OK) piece->n_frames = r->n_frames;
    }
    free(r);
    if (piece->n_frames) return VIOLET_OK;
    if (status != VIOLET_OK) return vl_err_at(status, "no record has frames");
    return vl_err(VIOLET_EFORMAT, "%s: no record has frames", vl_pictures_path(p));
}

static violet_status open_part(vl_dataset *d, const char *path)
{
    vl_piece *piece = &d->piece[d->n_pieces++];
    vl_pictures_options o = {.videos = path == d->o.videos,
                             .fast = d->o.fast_video,
                             .shape = d->o.video_shape,
                             .jpeg = d->o.video_jpeg};
    violet_status status = vl_pictures_open(&piece->pictures, path, &o);
    if (status != VIOLET_OK) return status;
    piece->n = vl_pictures_n(piece->pictures);
    piece->n_frames = d->o.n_frames;
    if (piece->n_frames) return VIOLET_OK;
    return count_frames(piece, d->o.items ? TASK_FRAMES : VIDEO_FRAMES);
}

/* A task has one T, which the first of its pieces decides. */
static void agree_on_frames(vl_dataset *d)
{
    int T = d->piece[0].n_frames;
    if (!d->o.n_frames && T > TASK_FRAMES) T = TASK_FRAMES;
    for (int i = 0; i < d->n_pieces; i++) d->piece[i].n_frames = T;
}

static violet_status no_pictures(const vl_dataset_options *o)
{
    vl_nearest x = vl_nearest_to(o->name, strlen(o->name));
    vl_name_try_pictures(&x, o->folder, o->split);
    return vl_err(VIOLET_EIO, "data set '%s': no img_%s_%s_0.tsv, img_%s_%s.tsv, img_%s.pkl, "
                  "%s.tsv, %s.pkl or folder %s of videos in '%s'%s", o->name, o->name, o->split,
                  o->name, o->split, o->name, o->name, o->name, o->name, o->folder,
                  vl_nearest_hint(&x));
}

static violet_status open_parts(vl_dataset *d, const vl_dataset_options *o)
{
    char path[VL_PATH_BYTES];
    d->shared = o->videos != NULL;
    if (o->videos) return open_part(d, o->videos);
    for (;;) {
        bool whole;
        violet_status status =
            vl_name_pictures(path, &whole, o->folder, o->name, o->split, d->n_pieces);
        if (status != VIOLET_OK) return status;
        if (!path[0]) break;
        if (d->n_pieces == VL_MAX_PARTS)
            return vl_err(VIOLET_EUNSUPPORTED, "%s: more than %d parts", o->name, VL_MAX_PARTS);
        if ((status = open_part(d, path)) != VIOLET_OK) return status;
        d->shared = whole;
    }
    return d->n_pieces ? VIOLET_OK : no_pictures(o);
}

static violet_status open_captions(vl_dataset *d, const vl_dataset_options *o)
{
    static const char *const names[] = {"txt_N.json", "N.json"};
    char path[VL_PATH_BYTES];
    if (o->captions) return vl_captions_open(&d->captions, o->captions, o->split);
    violet_status status = vl_name_find(path, o->folder, names, 2, o->name, o->split, 0);
    if (status != VIOLET_OK) return status;
    if (!path[0]) {
        vl_nearest x = vl_nearest_to(o->name, strlen(o->name));
        vl_name_try_all(&x, o->folder, names, 2, o->split);
        return vl_err(VIOLET_EIO, "data set '%s': no txt_%s.json or %s.json in '%s'%s", o->name,
                      o->name, o->name, o->folder, vl_nearest_hint(&x));
    }
    return vl_captions_open(&d->captions, path, o->split);
}

static violet_status open_tokens(vl_dataset *d, const vl_dataset_options *o)
{
    static const char *const names[] = {"vq_N.pkl", "N_vq.pkl"};
    char path[VL_PATH_BYTES];
    if (o->no_tokens) return VIOLET_OK;
    violet_status status = vl_name_find(path, o->folder, names, 2, o->name, o->split, 0);
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
    vl_piece *piece = &d->piece[0];
    size_t n = 0;
    piece->row = malloc(piece->n * sizeof *piece->row);
    if (!piece->row) return vl_err_nomem();
    for (size_t i = 0; i < piece->n; i++) {
        vl_slice id = vl_pictures_id(piece->pictures, i);
        if (!id.s || vl_captions_n(d->captions, id.s, id.n)) piece->row[n++] = i;
    }
    if (n == 0)
        return vl_err(VIOLET_EFORMAT, "%s: none of its %zu records has a caption in split '%s'",
                      vl_pictures_path(piece->pictures), piece->n, d->o.split);
    piece->n = n;
    return VIOLET_OK;
}

static violet_status check_options(const vl_dataset_options *o)
{
    int least = o->items ? 3 : 2; /* [CLS], what there is, [SEP] */
    if (!o->folder || !o->name || !o->split || !o->wordpiece)
        return vl_err(VIOLET_EINVAL, "data set: folder, name, split and wordpiece are needed");
    if (o->size_img < 32 || o->size_img % 32 || o->size_img > 4096 || o->size_txt < least ||
        o->size_txt > 512 || o->n_frames < 0 || o->n_frames > VL_TSV_MAX_FRAMES)
        return vl_err(VIOLET_EINVAL, "data set: size_img %d, size_txt %d or n_frames %d cannot be",
                      o->size_img, o->size_txt, o->n_frames);
    if (o->size_small < 0 || o->size_small > o->size_img || o->video_jpeg < 0 ||
        o->video_jpeg > 100)
        return vl_err(VIOLET_EINVAL, "data set: size_small %d or video_jpeg %d cannot be",
                      o->size_small, o->video_jpeg);
    if (o->colour && (!o->items || o->size_small))
        return vl_err(VIOLET_EINVAL, "data set: colour is for pictures of a task's items");
    return VIOLET_OK;
}

static violet_status open_pretraining(vl_dataset *d, const vl_dataset_options *o)
{
    d->n_texts = 1;
    violet_status status = open_captions(d, o);
    if (status == VIOLET_OK && d->shared) status = keep_split(d);
    return status == VIOLET_OK ? open_tokens(d, o) : status;
}

violet_status vl_dataset_open(vl_dataset **out, const vl_dataset_options *o)
{
    *out = NULL;
    violet_status status = check_options(o);
    if (status != VIOLET_OK) return status;
    vl_dataset *d = calloc(1, sizeof *d);
    if (!d) return vl_err_nomem();
    d->o = *o;
    if (!d->o.n_codes) d->o.n_codes = 8192;
    status = open_parts(d, o);
    if (status == VIOLET_OK && o->items) {
        agree_on_frames(d);
        status = vl_dataset_place(d);
    } else if (status == VIOLET_OK) {
        status = open_pretraining(d, o);
    }
    if (status == VIOLET_OK)
        *out = d;
    else
        vl_dataset_close(d);
    return status;
}

void vl_dataset_close(vl_dataset *d)
{
    if (!d) return;
    for (int i = 0; i < d->n_pieces; i++) {
        vl_pictures_close(d->piece[i].pictures);
        free(d->piece[i].row);
    }
    vl_captions_close(d->captions);
    vl_pickle_close(d->tokens);
    free(d->place);
    free(d);
}
