/* Tensors in files that PyTorch wrote, and nothing else of them: no code of a file is ever run.
 *
 *     vl_torch *f;
 *     status = vl_torch_open(&f, "model.pt");
 *     const vl_stored *t = vl_torch_find(f, "enc_txt.emb_txt.word_embeddings.weight");
 *     if (t) vl_stored_floats(x, t, 0, t->n);                 // C order
 *     vl_torch_close(f);
 *
 * Containers: zip (PyTorch 1.6 and later) and legacy (torch.save before that), told by content;
 * state dicts, nested ones ({"model": {...}}, {"state_dict": ...}) with or without the "module."
 * of DistributedDataParallel, and whole pickled modules, of which an inert picture is built: class
 * names, plain attributes, parameters, buffers and sub-modules, named as state_dict() would.
 *
 * The tensors of the document are numbered in the file's order and named by their path: keys and
 * module names joined with '.', a leading "module." and the wrapping key dropped (vl_torch_prefix
 * says what was dropped; tensors outside the wrapped part, such as an optimiser's, keep all of
 * theirs). Views, strides and shared storages are honoured; sizes are checked
 * against the storage before anything is read. The file is mapped; elements are read in place. */
#ifndef VL_FILE_TORCH_H
#define VL_FILE_TORCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "file/pickle.h"
#include "file/stored.h"

typedef struct vl_torch vl_torch;

violet_status vl_torch_open(vl_torch **out, const char *path);
/* Bytes that outlive the handle. */
violet_status vl_torch_parse(vl_torch **out, const void *data, size_t n, const char *name);
void vl_torch_close(vl_torch *f);

/* Does a file that begins with these bytes look like one of PyTorch's (a zip archive, or the legacy
 * magic number)? 64 bytes are enough. */
bool vl_torch_looks(const void *head, size_t n);

size_t vl_torch_n(const vl_torch *f);
const vl_stored *vl_torch_at(const vl_torch *f, size_t i);
const vl_stored *vl_torch_find(const vl_torch *f, const char *name); /* NULL: none */
bool vl_torch_is_zip(const vl_torch *f);        /* else the legacy container */
/* What our writer has put beside the tensors (torch_write.h), an object; NULL: nothing. */
const json_t *vl_torch_metadata(const vl_torch *f);
const char *vl_torch_prefix(const vl_torch *f); /* what was dropped of every name; "" */
const char *vl_torch_class(const vl_torch *f);  /* "module.Class" of a pickled module; else NULL */
/* Its attributes, a dict, and one of them (such as n_hid); NULL: none. */
const vl_value *vl_torch_state(const vl_torch *f);
const vl_value *vl_torch_attribute(const vl_torch *f, const char *name);

#endif
