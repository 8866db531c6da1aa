/* Encoded items: what enters the cross-modal transformer, kept, so that each video and each text
 * is encoded once however many pairs it is part of; in memory, or in a file that an interrupted
 * evaluation goes on with.
 *
 *     vl_features_key key = {.kind = "video", .weights = vl_params_hash(&m.params), .items = ...,
 *                            .n = 1000, .rows = 250, .cols = 768, .dtype = VL_DT_BF16, ...};
 *     status = vl_features_open(&f, "videos.cache", &key);           // NULL: in memory
 *     for (int i = 0; i < key.n; i++)
 *         if (!vl_features_rows(f, i))                               // not done before
 *             status = vl_features_put(f, i, x, rows);               // any order
 *     vl_features_get(x, f, i);                                      // (rows, cols)
 *     vl_features_close(f);
 *
 * A file says what made it (the key); with another key it is refused, never read. An item counts
 * once its values are in the file and agree with their hash: what a crash has cut off is done again
 * (vl_features_lost). Values are written by write(), so that a full disk is an error, and read
 * through a map. One process at a time has a file.
 *
 *     header (80 bytes) | 8 bytes an item: rows, hash of values | to a page | items, n of one size
 */
#ifndef VL_MODEL_FEATURES_H
#define VL_MODEL_FEATURES_H

#include "file/dtype.h"
#include "tensor/backend.h"

/* What the items are and what made them. */
typedef struct vl_features_key {
    const char *kind;           /* "video", "text": at most 15 letters */
    uint64_t weights;           /* hash of the model's */
    uint64_t items;             /* hash of what is encoded, in its order: names, captions */
    int n, rows, cols;          /* items; rows of the longest; columns */
    vl_dtype dtype;             /* VL_DT_F32, VL_DT_BF16 */
    int frames, height, width;  /* of videos; 0 for texts */
} vl_features_key;

typedef struct vl_features vl_features;

/* VIOLET_EINVAL for a file that another key has made; VIOLET_EIO for one that another process has
 * open. */
violet_status vl_features_open(vl_features **out, const char *path, const vl_features_key *key);
/* The same, but what the file has, of whatever key, is thrown away: once it is known that nobody
 * else has it open. path NULL: as above. */
violet_status vl_features_renew(vl_features **out, const char *path, const vl_features_key *key);
/* The same, to be read only: the file must be there, and whole. */
violet_status vl_features_view(vl_features **out, const char *path, const vl_features_key *key);
void vl_features_close(vl_features *f);

const vl_features_key *vl_features_key_of(const vl_features *f);
int vl_features_rows(const vl_features *f, int i); /* of item i, 0: not done */
int vl_features_done(const vl_features *f);        /* how many are */
/* Items of the file that were marked as done and are not as they were written. */
int vl_features_lost(const vl_features *f);

/* Item i, x (rows, cols). A value that is not finite is an error: nothing that follows would
 * be. */
violet_status vl_features_put(vl_features *f, int i, const real *x, int rows);
/* x (rows of i, cols); of an item that is done. From any number of threads. */
void vl_features_get(real *x, const vl_features *f, int i);

#endif
