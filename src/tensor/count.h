/* The counting backend: fills every slot of the table, computes nothing, never touches a tensor's
 * memory, and adds up what the calls would have cost.
 *
 *     const vl_backend *b = vl_backend_count();
 *     vl_device *d = b->open(0);
 *     vl_tape_init(&t, b, d, 0);
 *     ... any forward and backward on the tape ...
 *     vl_count c = vl_count_get(d);              // arithmetic
 *     t.keep.peak, t.grads.peak                  // memory, exactly as a real run would have it
 *
 * Conventions: a multiply-add is 2 FLOPs. linear, convolution and attention count their matrix
 * products alone (a convolution the zeros around the picture, too, as is usual), and a backward is
 * what the mathematics asks for (products that a backend computes a second time rather than keep,
 * such as attention's scores, do not count): so a share of peak is comparable between backends. A
 * block computed again by checkpointing is a forward and counts as one. "other" is a rough number
 * of operations an element; it never matters. Bytes: each operand once, as if every call began with
 * cold caches.
 */
#ifndef VL_TENSOR_COUNT_H
#define VL_TENSOR_COUNT_H

#include "tensor/backend.h"

typedef enum vl_count_family {
    VL_COUNT_LINEAR,    /* matrix products and convolutions */
    VL_COUNT_ATTENTION, /* q k^T and p v */
    VL_COUNT_OTHER,     /* norms, residuals, gathers, losses, the optimiser */
    VL_COUNT_FAMILIES,
} vl_count_family;

enum { VL_COUNT_FORWARD, VL_COUNT_BACKWARD, VL_COUNT_DIRECTIONS };

typedef struct vl_count {
    double flops[VL_COUNT_FAMILIES][VL_COUNT_DIRECTIONS];
    double bytes[VL_COUNT_FAMILIES][VL_COUNT_DIRECTIONS];
    double calls[VL_COUNT_FAMILIES][VL_COUNT_DIRECTIONS];
} vl_count;

/* What the device has been asked to do since it was opened. */
vl_count vl_count_get(const vl_device *d);

/* after - before, number by number. */
vl_count vl_count_between(const vl_count *before, const vl_count *after);

/* FLOPs of matrix products (linear and attention) in one direction. */
double vl_count_products(const vl_count *c, int direction);

#endif
