/* Values of a file into memory, by all cores; for load.c and checkpoint.c.
 *
 *     vl_values v = {0};
 *     status = vl_values_add(&v, vl_param_weights(p, e), t);    // for each tensor
 *     if (status == VIOLET_OK) status = vl_values_read(&v, f);
 *     vl_values_free(&v);
 *
 * Pieces are small enough to be in the cache still when their values are looked at. */
#ifndef VL_MODEL_LOAD_VALUES_H
#define VL_MODEL_LOAD_VALUES_H

#include "file/tensors.h"
#include "tensor/params.h"

typedef struct vl_values_piece {
    real *to; /* (n) */
    const vl_stored *from;
    size_t first, n;
} vl_values_piece;

typedef struct vl_values {
    vl_values_piece *list;
    size_t n, cap;
} vl_values;

/* Whether t has the parameter's shape. */
bool vl_values_fit(const vl_param *e, const vl_stored *t);

/* All of t goes to `to` (t->n). */
violet_status vl_values_add(vl_values *v, real *to, const vl_stored *t);

/* VIOLET_EFORMAT, naming tensor and place, for a value that is not finite; what was read until then
 * stays. Of several errors the first in order is told, whichever thread saw which. */
violet_status vl_values_read(const vl_values *v, const vl_tensors *f);
void vl_values_free(vl_values *v);

/* The same of floats that are somewhere already. */
violet_status vl_values_check(const float *x, size_t n, const char *name);

#endif
