/* Single pictures from several places, each padded and resized to a square: what a model that knows
 * nothing of videos and captions trains on.
 *
 *     vl_gallery_options o = {.path = "img_cc3m_val.tsv,clips", .side = 56, .n_frames = 5,
 *                             .most_bytes = 1 << 30};
 *     vl_gallery *g;
 *     status = vl_gallery_open(&g, &o);
 *     vl_gallery_scratch *s;                                  // one a thread
 *     status = vl_gallery_scratch_new(&s);
 *     status = vl_gallery_read(out, 56, g, i, s);             // (3, 56, 56), i < vl_gallery_n(g)
 *
 * A place is X.tsv, X.pkl (data/pictures.h), a folder of JPEGs, a folder of videos, or a video. A
 * record is a line, an entry, a JPEG, or a video; its pictures are all of its frames, n_frames of a
 * video.
 *
 * If all pictures fit into most_bytes, opening decodes them once, with threads, and keeps their
 * squares; those that cannot be read are reported and do not count. Otherwise each read decodes,
 * and is where a bad picture shows. Of a video a single frame then costs a whole pass over it: take
 * the frames of large collections with extract-frames first.
 *
 * Read-only once open: any number of threads may read, each with its own scratch. */
#ifndef VL_DATA_GALLERY_H
#define VL_DATA_GALLERY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vl_gallery_options {
    const char *path;  /* places, separated by commas */
    int side;          /* of the squares kept */
    int n_frames;      /* of a video */
    bool fast;         /* find a video's frames by seeking */
    int threads;       /* that decode at opening */
    size_t most_bytes; /* of squares kept */
    const volatile sig_atomic_t *stop; /* non-zero: VIOLET_EINTERRUPTED soon; may be NULL */
    /* Both may be NULL; called by the thread that opens. */
    void (*progress)(void *user, size_t done, size_t n, size_t n_bad); /* records */
    void (*report)(void *user, const char *message); /* of a record or picture left out */
    void *user;
} vl_gallery_options;

typedef struct vl_gallery vl_gallery;
typedef struct vl_gallery_scratch vl_gallery_scratch;

violet_status vl_gallery_open(vl_gallery **out, const vl_gallery_options *o);
void vl_gallery_close(vl_gallery *g);

size_t vl_gallery_n(const vl_gallery *g); /* pictures; at least one */
size_t vl_gallery_record(const vl_gallery *g, size_t i); /* which record picture i is of */
size_t vl_gallery_bad(const vl_gallery *g); /* pictures and records left out when it was opened */
bool vl_gallery_cached(const vl_gallery *g);

violet_status vl_gallery_scratch_new(vl_gallery_scratch **out);
void vl_gallery_scratch_free(vl_gallery_scratch *s);

/* Picture i as a square of any side; of the side kept, it may come from memory. Whatever fails
 * while `stop` is set is EINTERRUPTED: never a bad picture. */
violet_status vl_gallery_read(uint8_t *out, int side, const vl_gallery *g, size_t i,
                              vl_gallery_scratch *s);

#endif
