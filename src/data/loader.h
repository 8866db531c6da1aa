/* Batches, decoded ahead by worker threads; the same batches whatever their number.
 *
 *     vl_loader_options o = {.batch = 12, .workers = 4, .seed = 1, .plan = VL_PLAN_MIXED};
 *     vl_cursor at = {0};                                  // epoch 0, its first batch
 *     status = vl_loader_open(&l, d, &o);
 *     status = vl_loader_start(l, &at);
 *     while ((status = vl_loader_next(&b, l)) == VIOLET_OK && b) ... // b NULL: the epoch ended
 *     vl_loader_close(l);                                  // at any time
 *
 * A batch is the next B good samples of one part, in the part's order, from its cursor: bad samples
 * are skipped there, counted and reported. Which part comes is the plan's (sampler.h). Training
 * has as many batches a part as it has whole ones, begins a part anew if bad samples leave too few,
 * and so gives every rank the same number of full batches. With `once` (validation) every good
 * sample comes exactly once over all ranks, in file order, the last batch being smaller; a rank
 * may get a batch fewer.
 *
 * All state is the cursor: integers. Starting at a batch's `after` goes on exactly behind it.
 *
 * Workers fill a ring of slots in the order the plan expects; the consumer looks for the sample it
 * needs by (part, position) and decodes it itself if nobody has it in hand, which also is how
 * workers = 0 works. Nothing is allocated for a batch, except by the picture decoder. */
#ifndef VL_DATA_LOADER_H
#define VL_DATA_LOADER_H

#include "data/dataset.h"
#include "data/sampler.h"

typedef struct vl_cursor {
    uint64_t epoch, step;      /* batches done in this epoch */
    uint64_t at[VL_MAX_PARTS]; /* positions used in each part's order */
} vl_cursor;

typedef struct vl_loader_options {
    int batch, workers;
    int ahead;         /* slots; 0: two batches and one a worker */
    uint64_t seed;
    vl_plan_kind plan;
    bool once;         /* validation */
    int rank, n_ranks; /* n_ranks 0: 1 */
    /* called by the thread that asks for batches, for every bad sample in order */
    void (*report)(void *user, vl_bad why, const char *message);
    void *user;
} vl_loader_options;

typedef struct vl_batch {
    int n, T, S, X, grid; /* n samples; grid 0: no tokens */
    int n_texts;
    int side;                 /* s; 0: no small pictures */
    int part;
    const uint8_t *image;     /* (n, T, 3, S, S) */
    const uint8_t *small;     /* (n, T, 3, s, s) */
    const int32_t *text;      /* (n, n_texts, X); n_texts is 1 but for tasks */
    const int *n_text;        /* (n, n_texts) */
    const vl_item_facts *facts; /* (n) of a task's items */
    const int32_t *vq;        /* (n, T, grid, grid); NULL: no tokens */
    const char (*id)[VL_ID_BYTES]; /* (n) */
    vl_cursor before, after;
    double waited_s; /* how long this batch kept the caller waiting */
} vl_batch;

typedef struct vl_loader vl_loader;

violet_status vl_loader_open(vl_loader **out, const vl_dataset *d, const vl_loader_options *o);
void vl_loader_close(vl_loader *l);
/* Goes to a cursor; {.epoch = e} is the beginning of epoch e. */
violet_status vl_loader_start(vl_loader *l, const vl_cursor *at);
/* *out is borrowed until the next call; NULL: the epoch is over. EFORMAT when a part has no good
 * sample at all. */
violet_status vl_loader_next(const vl_batch **out, vl_loader *l);

uint64_t vl_loader_batches(const vl_loader *l); /* of the epoch; `once`: at most */
uint64_t vl_loader_bad(const vl_loader *l, vl_bad why); /* skipped since opening */
uint64_t vl_loader_shortened(const vl_loader *l); /* samples given whose text was too long */
double vl_loader_waited(const vl_loader *l);            /* seconds since opening */

#endif
