/* Two files of tensors beside each other, by name: for `violet info --diff`. */
#ifndef VL_TASK_INFO_DIFF_H
#define VL_TASK_INFO_DIFF_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends lines or (VIOLET_INFO_JSON) an object; flags as in violet.h. *differ: whether anything
 * does. Only tensors count, not metadata, order or container; nor does a second name
 * (tensor_names.h) of a tensor that the other file has too. */
violet_status vl_info_diff(vl_buf *out, bool *differ, const char *path_a, const char *path_b,
                           int flags);

#endif
