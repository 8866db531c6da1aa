/* Files of named tensors, whatever their format: safetensors, and PyTorch's (.pt, .pth, .bin, a
 * pickled module) in either container. The format of a file to read is told from its content.
 *
 *     vl_tensors *f;
 *     status = vl_tensors_open(&f, "ckpt_violet.pt");
 *     const vl_stored *t = vl_tensors_find(f, "fc.1.weight");        // NULL: not there
 *     if (t) status = vl_tensors_read(x, f, t, 0, t->n);             // floats, C order
 *     vl_tensors_close(f);
 *
 * Reading is made for checkpoints: a plain float32 tensor goes from the page cache straight into
 * the caller's memory, and nothing is kept; any number of threads may read from one handle. */
#ifndef VL_FILE_TENSORS_H
#define VL_FILE_TENSORS_H

#include "file/safetensors.h"
#include "file/stored.h"

typedef struct vl_tensors vl_tensors;

violet_status vl_tensors_open(vl_tensors **out, const char *path);
void vl_tensors_close(vl_tensors *f);

/* "safetensors", "PyTorch, zip", "PyTorch, legacy" */
const char *vl_tensors_format(const vl_tensors *f);
/* What was cut off every name (file/torch.h), "" if nothing. */
const char *vl_tensors_prefix(const vl_tensors *f);
/* PyTorch's own: its class and attributes (file/torch.h); NULL for another format. */
const struct vl_torch *vl_tensors_torch(const vl_tensors *f);

size_t vl_tensors_n(const vl_tensors *f);
const vl_stored *vl_tensors_at(const vl_tensors *f, size_t i); /* in the file's order */
const vl_stored *vl_tensors_find(const vl_tensors *f, const char *name); /* NULL: none */
/* A metadata string, NULL if there is none of that key. In a .pt file: what our writer has put
 * beside the tensors. vl_tensors_all_metadata: an object of strings, NULL if there is none. */
const char *vl_tensors_metadata(const vl_tensors *f, const char *key);
const json_t *vl_tensors_all_metadata(const vl_tensors *f);

/* Elements first .. first + n - 1 of t in C order as float. VIOLET_EIO where the disk fails. */
violet_status vl_tensors_read(float *out, const vl_tensors *f, const vl_stored *t, size_t first,
                              size_t n);

/* ---- writing --------------------------------------------------------------------------------- */

/* A second name for the values of tensor number `of`. */
typedef struct vl_tensors_alias {
    const char *name;
    size_t of;
} vl_tensors_alias;

typedef struct vl_tensors_plan {
    const vl_safetensor *list; /* (n); data is not looked at */
    size_t n;
    const vl_tensors_alias *aliases; /* (n_aliases): PyTorch's files only, others leave them out */
    size_t n_aliases;
    const char *const *metadata; /* key, value, ... (2 * n_metadata) */
    size_t n_metadata;
} vl_tensors_plan;

typedef struct vl_tensors_writer vl_tensors_writer;

/* By extension: .safetensors; .pt, .pth, .bin, .pkl (PyTorch's zip). VIOLET_EINVAL for another.
 * Then all data in order, pieces as they come. The file appears whole, at the end, or not at
 * all. */
violet_status vl_tensors_create(vl_tensors_writer **out, const char *path,
                                const vl_tensors_plan *plan);
violet_status vl_tensors_push(vl_tensors_writer *w, const void *data, size_t n_bytes);
violet_status vl_tensors_finish(vl_tensors_writer *w); /* frees w, whatever comes */
void vl_tensors_abandon(vl_tensors_writer *w);

/* Whether vl_tensors_create would take this name: 0, or 's' (safetensors), or 't' (PyTorch's). */
int vl_tensors_kind_of_name(const char *path);

#endif
