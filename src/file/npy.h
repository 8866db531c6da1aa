/* numpy's .npy, version 1.0, of a float32 matrix: what numpy.load reads, also as a memory map.
 *
 *     status = vl_npy_write("vectors.npy", x, n, 768);               // x (n, 768)
 */
#ifndef VL_FILE_NPY_H
#define VL_FILE_NPY_H

#include <stddef.h>

#include "base/status.h"

/* Whole, or not at all. */
violet_status vl_npy_write(const char *path, const float *x, size_t rows, size_t cols);

#endif
