/* Element types of tensor files, and values converted between them.
 *
 *     float x[4];
 *     vl_dtype_to_float(x, bytes, VL_DT_BF16, 4);
 *     status = vl_dtype_from_float(bytes, VL_DT_F16, x, 4);     // ESHAPE where one does not fit
 */
#ifndef VL_FILE_DTYPE_H
#define VL_FILE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum vl_dtype {
    VL_DT_F64, VL_DT_F32, VL_DT_F16, VL_DT_BF16, VL_DT_I64, VL_DT_I32, VL_DT_I16,
    VL_DT_I8, VL_DT_U64, VL_DT_U32, VL_DT_U16, VL_DT_U8, VL_DT_BOOL,
} vl_dtype;

size_t vl_dtype_bytes(vl_dtype t);
const char *vl_dtype_name(vl_dtype t); /* safetensors': "F32" */
const char *vl_dtype_word(vl_dtype t); /* PyTorch's and ours: "float32" */
/* float64, float32, float16, bfloat16 */
bool vl_dtype_is_float(vl_dtype t);

float vl_half_to_float(uint16_t h);

/* n values as float; `data` need not be aligned. */
void vl_dtype_to_float(float *out, const void *data, vl_dtype t, size_t n);

/* n values as a floating type, rounded to nearest, ties to even. What was float64 is rounded to
 * float first, and so twice on its way to a half, as PyTorch does. A finite value that would become
 * infinite is an error, VIOLET_ESHAPE, which names it by its place; NaN and infinities stay. */
violet_status vl_dtype_from_float(void *data, vl_dtype t, const float *x, size_t n);

#endif
