/* A data set: pretraining's (pictures, captions and VQ tokens, one sample a video) or a task's
 * (pictures and items, one sample an item).
 *
 *     vl_dataset_options o = {.folder = "data", .name = "cc3m", .split = "train",
 *                             .size_img = 224, .size_txt = 32, .wordpiece = wp};
 *     vl_dataset *d;
 *     status = vl_dataset_open(&d, &o);
 *     for part 0 .. vl_dataset_parts(d) - 1, record 0 .. vl_dataset_n(d, part) - 1:
 *         status = vl_dataset_read(&sample, &why, d, part, record, epoch, scratch);
 *
 * Files, looked for in this order in the folder (NAME, SPLIT of the options):
 *     pictures  img_NAME_SPLIT_0.tsv, _1.tsv, ...   as many parts as there are
 *               img_NAME_SPLIT.tsv, img_NAME.tsv, img_NAME.pkl, NAME.tsv, NAME.pkl
 *               NAME/, img_NAME/, videos_NAME/        folders of videos (data/pictures.h)
 *     captions  txt_NAME.json, NAME.json            {split: {video: [captions]}}
 *     tokens    vq_NAME.pkl, NAME_vq.pkl            {video: (T,h,w) ints, or a list of T (h,w)}
 * Pictures whose name does not say the split serve all splits: the records of a split are those
 * with captions in it. Without a token file samples have no tokens (vl_dataset_grid is 0).
 *
 * T, the frames of a sample, is fixed a part: the option, or what its first record has (4 for
 * videos). From n > T frames those at int((i + 0.5) n / T) are taken, and their tokens; a video is
 * sampled for T. A record with anything missing or wrong is a bad sample: EFORMAT (or EUNSUPPORTED)
 * with a message, and a reason to count.
 *
 * A task's data set has `items` (data/items.h) in the options, and neither captions nor tokens:
 *
 *     o.items = q;
 *
 * Its records are the items, in one part whatever the number of picture files; each has its video
 * found by id (data/pictures.h), and its rows of text and its facts from data/item_text.h. With
 * `each_video` the records are the items' videos, once each in the order in which they first come,
 * without texts: what an evaluation encodes once (the texts it takes from vl_item_encode, without
 * pictures). An unknown video is a bad sample; if all are, opening fails. T is at most 5, and 5 of
 * videos, where the option leaves it open. With `colour` no picture is read: all are of that one,
 * of the same videos, those that cannot be read included.
 *
 * Letters: T frames, S size_img, s size_small, X size_txt, h = w = S/32, n_texts rows of text a
 * sample. A data set is read-only
 * once open: any number of threads may read, each with its own scratch. */
#ifndef VL_DATA_DATASET_H
#define VL_DATA_DATASET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "data/item_text.h"
#include "media/video.h"
#include "text/wordpiece.h"

#define VL_ID_BYTES 128
#define VL_MAX_PARTS 64

typedef struct vl_dataset_options {
    const char *folder, *name, *split;
    const char *captions, *tokens, *videos; /* paths instead of what the names say; NULL: by name */
    int size_img, size_txt;
    int size_small;      /* s: each frame also at this side, as a dVAE sees it; 0: not */
    int n_frames;        /* T; 0: as the first record */
    int n_codes;         /* VQ tokens are 0 .. n_codes - 1; 0: 8192 */
    bool no_tokens;      /* do not read VQ tokens */
    bool random_caption; /* by seed, epoch and record; else the first, as the reference */
    const vl_items *items; /* a task's; borrowed. NULL: pretraining */
    bool each_video;       /* of a task: its videos, without texts */
    bool cut_options;      /* of multiple choice: as published, data/item_text.h */
    const uint8_t *colour; /* of a task: (3) of all pictures; borrowed. NULL: they are read */
    /* frames of videos: data/pictures.h */
    bool fast_video;
    vl_shape video_shape;
    int video_jpeg;      /* quality of a JPEG that frames of videos go through; 0: none */
    uint64_t seed;
    vl_pad pad;
    const vl_wordpiece *wordpiece; /* borrowed */
} vl_dataset_options;

typedef enum vl_bad { VL_BAD_LINE, VL_BAD_FRAMES, VL_BAD_PICTURE, VL_BAD_CAPTION, VL_BAD_TOKENS,
                      VL_BAD_VIDEO, VL_BAD_UNKNOWN /* video */, VL_BAD_REASONS } vl_bad;

const char *vl_bad_name(vl_bad why);

/* The caller's buffers. */
typedef struct vl_sample {
    char id[VL_ID_BYTES]; /* cut when longer */
    uint8_t *image;       /* (T, 3, S, S) */
    uint8_t *small;       /* (T, 3, s, s); untouched if s is 0 */
    int32_t *text;        /* (n_texts, X) */
    int *n_text;          /* (n_texts) not padding */
    vl_item_facts facts;
    int32_t *vq;          /* (T, h, w); untouched when the data set has no tokens */
} vl_sample;

typedef struct vl_dataset vl_dataset;
typedef struct vl_scratch vl_scratch; /* one a thread */

violet_status vl_dataset_open(vl_dataset **out, const vl_dataset_options *o);
void vl_dataset_close(vl_dataset *d);

int vl_dataset_parts(const vl_dataset *d);
const char *vl_dataset_path(const vl_dataset *d, int part); /* the picture file, or folder */
size_t vl_dataset_n(const vl_dataset *d, int part);
int vl_dataset_frames(const vl_dataset *d, int part); /* T */
int vl_dataset_grid(const vl_dataset *d);             /* h; 0: no tokens */
int vl_dataset_size_img(const vl_dataset *d);
int vl_dataset_size_small(const vl_dataset *d);
int vl_dataset_size_txt(const vl_dataset *d);
int vl_dataset_texts(const vl_dataset *d);   /* n_texts: 1 in pretraining */
int vl_dataset_missing(const vl_dataset *d); /* videos of a task without pictures */
/* Of what it gives: items or captions, which records, which videos have pictures, frames; not of
 * paths, nor of the pictures themselves. */
uint64_t vl_dataset_identity(const vl_dataset *d);
bool vl_dataset_has(const vl_dataset *d, int video); /* of a task: there are pictures of it */
/* What the pictures of all videos of a task are (vl_pictures_hash), in the items' order; with
 * `colour` which videos they are. */
uint64_t vl_dataset_hash(const vl_dataset *d);

violet_status vl_scratch_new(vl_scratch **out, const vl_dataset *d);
void vl_scratch_free(vl_scratch *s);
/* While *stop is not 0, a video's decoding ends with EINTERRUPTED, which is no bad sample. */
void vl_scratch_stop(vl_scratch *s, const volatile sig_atomic_t *stop);

/* On a bad sample *why says of what kind. ENOMEM is no bad sample, nor is EINTERRUPTED. */
violet_status vl_dataset_read(vl_sample *out, vl_bad *why, const vl_dataset *d, int part,
                              size_t record, uint64_t epoch, vl_scratch *scratch);

#endif
