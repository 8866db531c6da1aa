/* See npy.h. The layout: "\x93NUMPY", version, length of the header (2 bytes, little-endian), the
 * header as a Python dict, spaces up to a multiple of 64 bytes in all, a newline; then values. */
#include "file/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are written as they are in memory"
#endif

enum { HEADER = 128 }; /* more than two numbers of 20 digits need */

violet_status vl_npy_write(const char *path, const float *x, size_t rows, size_t cols)
{
    char header[HEADER + 1];
    vl_out o;
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = HEADER - 10;
    header[9] = 0;
    int n = snprintf(header + 10, sizeof header - 10,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, cols);
    memset(header + 10 + n, ' ', (size_t)(HEADER - 10 - n));
    header[HEADER - 1] = '\n';
    violet_status status = vl_out_open(&o, path);
    if (status != VIOLET_OK) return status;
    status = vl_out_write(&o, header, HEADER);
    if (status == VIOLET_OK) status = vl_out_write(&o, x, rows * cols * sizeof *x);
    if (status == VIOLET_OK) return vl_out_commit(&o);
    vl_out_abandon(&o);
    return status;
}
