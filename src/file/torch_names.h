/* The tensors of a document with their names, for torch.c alone. */
#ifndef VL_FILE_TORCH_NAMES_H
#define VL_FILE_TORCH_NAMES_H

#include "base/buf.h"
#include "file/torch_internal.h"
#include "file/zip.h"

typedef struct torch_names {
    size_t most;       /* tensors, and 16 * most bytes of names: sharing cannot unfold to more */
    size_t file_bytes; /* and some elements for each of these */
    bool big_endian;
    size_t n, cap;
    vl_stored *tensors; /* (n) in the document's order */
    const vl_stored **sorted; /* (n) by name */
    size_t *name_at;  /* (cap) where each name starts in `text` */
    vl_buf text, path;
    size_t repeated, elements, spelled; /* so far: what has limits, see torch_names.c */
    size_t first, last; /* the tensors of the wrapped part: [first, last) */
    char prefix[256], class[256];
    const vl_value *top; /* the wrapped part */
} torch_names;

violet_status vl_torch_names_make(torch_names *s, const vl_value *root);
void vl_torch_names_release(torch_names *s);
const vl_stored *vl_torch_names_find(const torch_names *s, const char *name);

#endif
