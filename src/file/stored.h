/* A tensor as it lies in a file: any type, strides and byte order. What reads files of tensors
 * gives these; their values come out in C order, any piece of them.
 *
 *     float x[100];
 *     vl_stored_floats(x, t, 0, 100);      // the first hundred of t->n
 */
#ifndef VL_FILE_STORED_H
#define VL_FILE_STORED_H

#include "file/dtype.h"

#define VL_STORED_MAX_DIM 8

typedef struct vl_stored {
    const char *name;
    vl_dtype dtype;
    int n_dim;
    int64_t shape[VL_STORED_MAX_DIM], stride[VL_STORED_MAX_DIM]; /* strides in elements */
    size_t n;            /* elements */
    bool big_endian;     /* the bytes of an element */
    const uint8_t *data; /* of the first element, inside the file's map; NULL if n is 0 */
} vl_stored;

/* Whether the bytes lie as this machine would write them in C order, one after the other. */
bool vl_stored_is_plain(const vl_stored *t);

/* Elements first .. first + n - 1 in C order: converted from any type; as they are, in this
 * machine's byte order (n * vl_dtype_bytes(t->dtype) bytes). */
void vl_stored_floats(float *out, const vl_stored *t, size_t first, size_t n);
void vl_stored_bytes(void *out, const vl_stored *t, size_t first, size_t n);

#endif
