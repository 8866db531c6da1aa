/* Records of a data set as squares for the dVAE, decoded ahead by threads, given out in order.
 *
 *     vq_pool *p;
 *     status = vq_pool_start(&p, &options);
 *     while ((s = vq_pool_next(p))) {                  // NULL: no more, or stopped
 *         ... s->status, s->T, s->image (T, 3, side, side)
 *         vq_pool_done(p);                             // s is the pool's again
 *     }
 *     vq_pool_stop(p);
 *
 * Memory: VL_ORDERED_AHEAD (base/ordered.h) records a thread. */
#ifndef VL_EXTRACT_VQ_POOL_H
#define VL_EXTRACT_VQ_POOL_H

#include "data/pictures.h"

typedef struct vq_pool_options {
    const vl_pictures *pictures;
    size_t first, end;
    int side, n_samples /* frames of a video */, n_threads;
    vl_pad pad;
    const volatile sig_atomic_t *stop; /* may be NULL */
} vq_pool_options;

typedef struct vq_squares {
    violet_status status;
    char error[512];
    size_t i; /* the record */
    int T;
    uint8_t *image; /* (T, 3, side, side) */
    size_t cap;
} vq_squares;

typedef struct vq_pool vq_pool;

violet_status vq_pool_start(vq_pool **out, const vq_pool_options *o);
vq_squares *vq_pool_next(vq_pool *p);
void vq_pool_done(vq_pool *p);
/* Ends the threads and frees; NULL is fine. */
void vq_pool_stop(vq_pool *p);

#endif
