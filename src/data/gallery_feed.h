/* Batches of single pictures for training, shuffled anew each epoch, mirrored and cropped at random.
 *
 *     vl_feed_options o = {.gallery = g, .side = 56, .batch = 8, .seed = 1, .flip = true};
 *     vl_feed *f;
 *     status = vl_feed_open(&f, &o, training, n);     // training (n): numbers of pictures
 *     vl_feed_start(f, step);                         // the next batch is that of step `step`
 *     status = vl_feed_next(&image, f);               // (batch, 3, 56, 56), borrowed
 *     vl_feed_close(f);
 *
 * Batch k is a pure function of (seed, k) and the pictures: position k * batch + j of an endless
 * sequence of shuffles. A picture that cannot be read is replaced by the next in the sequence that
 * can. So a run resumes by its step alone, and the number of threads changes nothing.
 *
 * The gallery's squares are side + crop wide; a crop is a window of them at a random place.
 *
 * Threads decode ahead; with none, or with a gallery in memory, batches are made when asked for. */
#ifndef VL_DATA_GALLERY_FEED_H
#define VL_DATA_GALLERY_FEED_H

#include "data/gallery.h"

typedef struct vl_feed_options {
    const vl_gallery *gallery;
    int side, crop; /* the gallery keeps side + crop */
    int batch, workers;
    uint64_t seed;
    bool flip;
    /* called by the thread that asks, for every bad picture met; may be NULL */
    void (*report)(void *user, const char *message);
    void *user;
} vl_feed_options;

typedef struct vl_feed vl_feed;

/* training is borrowed. */
violet_status vl_feed_open(vl_feed **out, const vl_feed_options *o, const size_t *training,
                           size_t n);
void vl_feed_close(vl_feed *f);
violet_status vl_feed_start(vl_feed *f, uint64_t batch);
/* EFORMAT where hardly any picture can be read. */
violet_status vl_feed_next(const uint8_t **image, vl_feed *f);
uint64_t vl_feed_bad(const vl_feed *f); /* bad pictures met */
double vl_feed_waited(const vl_feed *f); /* seconds that vl_feed_next took in all */

#endif
