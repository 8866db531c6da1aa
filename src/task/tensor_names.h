/* What the names in a file of tensors tell: of what model they are, which part of it each is, and
 * which stand for the values of another.
 *
 *     vl_tensor_names n;
 *     status = vl_tensor_names_init(&n, f);
 *     n.first[i] == i       // unless that is a second name of tensor number n.first[i]
 *     vl_tensor_names_release(&n);
 *
 * A second name is a tensor that is another one to the last stride (PyTorch's shared parameters),
 * or the language head's bias under the decoder's name, which the published model has twice. Of
 * several names one is the first of all the others: n.first[n.first[i]] == n.first[i]. */
#ifndef VL_TASK_TENSOR_NAMES_H
#define VL_TASK_TENSOR_NAMES_H

#include "model/load_names.h"

typedef struct vl_tensor_names {
    size_t n;
    size_t *first;           /* (n) in the file's order */
    const vl_layout *layout; /* NULL: none that is known */
} vl_tensor_names;

violet_status vl_tensor_names_init(vl_tensor_names *n, const vl_tensors *f);
void vl_tensor_names_release(vl_tensor_names *n);

/* What has the name that the language head's bias goes by, if t has the second name of it; NULL. */
enum { VL_TENSOR_NAME = 512 };
const vl_stored *vl_tensor_bias(const vl_tensors *f, const vl_stored *t);
/* The number of a tensor that vl_tensors_find has found: vl_tensors_at(f, number) == t. */
size_t vl_tensor_number(const vl_tensors *f, const vl_stored *t);

/* "video encoder", "heads", ..., "buffers"; what is of no model known here is in the part that its
 * name begins with, in `text`. */
const char *vl_tensor_part(char text[64], const vl_tensor_names *n, const char *name);

/* "VIOLET", "Video Swin", "Swin", "BERT", "dVAE"; NULL: of no model known here. */
const char *vl_tensors_model(const vl_tensors *f, const vl_tensor_names *n);

#endif
