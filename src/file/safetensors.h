/* safetensors: named tensors behind a JSON header.
 *
 *     vl_safetensors *f;
 *     status = vl_safetensors_open(&f, "golden.safetensors");
 *     const vl_safetensor *t = vl_safetensors_find(f, "in.image");   // NULL: not there
 *     vl_dtype_to_float(values, t->data, t->dtype, t->n);
 *     vl_safetensors_close(f);
 *
 * The file stays mapped; tensors borrow from the map and are aligned only as the file is. Layout:
 * 8 bytes little-endian header length, the header {"name": {"dtype", "shape", "data_offsets"},
 * "__metadata__": {string: string}}, then the data. Every offset is checked at opening: inside the
 * file, as long as dtype and shape say, no two overlapping. Machines are taken to be little-endian.
 * A hostile header costs at most 64 bytes of memory for each of its own.
 *
 * Writing: describe all tensors, then push the data in that order; nothing is kept in memory.
 *
 *     vl_safetensors_writer *w;
 *     status = vl_safetensors_create(&w, path, described, n, metadata, n_metadata);
 *     status = vl_safetensors_push(w, data, bytes);       // as often as needed, in order
 *     status = vl_safetensors_finish(w);                  // or vl_safetensors_abandon(w)
 */
#ifndef VL_FILE_SAFETENSORS_H
#define VL_FILE_SAFETENSORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "file/dtype.h"

#define VL_SAFETENSORS_MAX_DIM 8

typedef struct vl_safetensor {
    const char *name;
    vl_dtype dtype;
    int n_dim;
    int64_t shape[VL_SAFETENSORS_MAX_DIM];
    size_t n;            /* elements: the product of shape, 1 without dimensions */
    const uint8_t *data; /* (n * vl_dtype_bytes); ignored by the writer */
} vl_safetensor;

typedef struct vl_safetensors vl_safetensors;

violet_status vl_safetensors_open(vl_safetensors **out, const char *path);
/* The same on bytes that outlive the handle. */
violet_status vl_safetensors_parse(vl_safetensors **out, const void *data, size_t n,
                                   const char *name);
void vl_safetensors_close(vl_safetensors *f);

size_t vl_safetensors_n(const vl_safetensors *f);
const vl_safetensor *vl_safetensors_at(const vl_safetensors *f, size_t i); /* by offset */
const vl_safetensor *vl_safetensors_find(const vl_safetensors *f, const char *name);
/* A metadata string, NULL if there is none. */
const char *vl_safetensors_metadata(const vl_safetensors *f, const char *key);
/* All of it, an object; NULL if there is none. */
const json_t *vl_safetensors_all_metadata(const vl_safetensors *f);

typedef struct vl_safetensors_writer vl_safetensors_writer;

/* metadata: key, value, key, value, ... (2 * n_metadata strings). */
violet_status vl_safetensors_create(vl_safetensors_writer **out, const char *path,
                                    const vl_safetensor *tensors, size_t n,
                                    const char *const *metadata, size_t n_metadata);
violet_status vl_safetensors_push(vl_safetensors_writer *w, const void *data, size_t n_bytes);
violet_status vl_safetensors_finish(vl_safetensors_writer *w); /* frees w, whatever comes */
void vl_safetensors_abandon(vl_safetensors_writer *w);

#endif
