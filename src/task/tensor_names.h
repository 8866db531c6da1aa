/* What the names in a file of tensors tell: of what model they are, which part of it each is, and
 * which stand for the values of another.
 *
 *     vl_tensor_names n;
 *     status = vl_tensor_names_init(&n, f);
 *     n.first[i] == vl_tensors_at(f, i)       // unless that is a second name of n.first[i]
 *     vl_tensor_names_release(&n);
 *
 * A second name is a tensor that is another one to the last stride (PyTorch's shared parameters),
 * or the language head's bias under the decoder's name, which the published model has twice. */
#ifndef VL_TASK_TENSOR_NAMES_H
#define VL_TASK_TENSOR_NAMES_H

#include "model/load_names.h"

typedef struct vl_tensor_names {
    size_t n;
    const vl_stored **first; /* (n) in the file's order */
    const vl_layout *layout; /* NULL: none that is known */
} vl_tensor_names;

violet_status vl_tensor_names_init(vl_tensor_names *n, const vl_tensors *f);
void vl_tensor_names_release(vl_tensor_names *n);

/* The name that the published model has `name` under, too (PREFIX.decoder.bias of PREFIX.bias, the
 * prefix ending in "predictions"); false if it is no such name. */
bool vl_tensor_second_name(char *out, size_t n_out, const char *name);

/* A moment of AdamW, in a training state. */
bool vl_tensor_is_moment(const char *name);

/* "video encoder", "heads", ..., "buffers"; what is of no model known here is in the part that its
 * name begins with, in `text`. */
const char *vl_tensor_part(char text[64], const vl_tensor_names *n, const char *name);

/* "VIOLET", "Video Swin", "Swin", "BERT", "dVAE"; NULL: of no model known here. */
const char *vl_tensors_model(const vl_tensors *f, const vl_tensor_names *n);

#endif
