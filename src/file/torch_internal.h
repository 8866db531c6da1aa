/* What torch.c (containers), torch_names.c (names) and torch_pickle.c (the globals) share; for them
 * alone. */
#ifndef VL_FILE_TORCH_INTERNAL_H
#define VL_FILE_TORCH_INTERNAL_H

#include "file/pickle_node.h"
#include "file/torch.h"

/* A persistent id ('storage', class, key, location, elements[, view]): a run of elements whose
 * bytes stand elsewhere in the file. One key may come with several of these. */
typedef struct torch_storage {
    const char *key; /* (n_key), not terminated */
    uint32_t n_key;
    vl_dtype dtype;
    bool untyped;           /* elements are bytes */
    int64_t n;              /* elements of the whole storage */
    int64_t view, n_view;   /* the part that this is (old files): first element, elements */
    struct torch_storage *next;
    const uint8_t *data;    /* (n), once the container has told; NULL before */
} torch_storage;

/* A call of _rebuild_tensor and its kin, as it stands in the file: nothing is checked yet. */
typedef struct torch_tensor {
    const torch_storage *storage;
    const vl_value *offset, *shape, *stride;
    vl_dtype dtype;
} torch_tensor;

/* The options for torch's pickles: user is where found storages are linked, newest first. */
vl_pickle_options vl_torch_options(torch_storage **found);

/* NULL: the value is no tensor. */
const torch_tensor *vl_torch_tensor_of(const vl_value *v);

#endif
