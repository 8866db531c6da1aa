/* The values of stored tensors looked at, a piece at a time: no tensor is ever held whole. */
#ifndef VL_TASK_TENSOR_VALUES_H
#define VL_TASK_TENSOR_VALUES_H

#include "file/tensors.h"

typedef struct vl_tensor_statistics {
    size_t finite, not_finite, zeros;
    double mean, deviation, least, most; /* of the finite ones; all 0 where there are none */
} vl_tensor_statistics;

violet_status vl_tensor_look(vl_tensor_statistics *out, const vl_tensors *f, const vl_stored *t);

typedef struct vl_tensor_difference {
    bool same_bits;      /* of one type, and every bit: then the rest is 0 */
    double largest;      /* of |a - b|, over the values that are finite in both */
    double relative;     /* L2 norm of a - b over that of a; over the same. 0 where nothing differs,
                          * infinite where a is zero */
    size_t not_finite;   /* places where only one is finite, or neither and they differ */
} vl_tensor_difference;

/* Two tensors of one shape. */
violet_status vl_tensor_compare(vl_tensor_difference *out, const vl_tensors *in_a,
                                const vl_stored *a, const vl_tensors *in_b, const vl_stored *b);

#endif
