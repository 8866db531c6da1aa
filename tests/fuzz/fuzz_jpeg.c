/* Any bytes as a JPEG: decoded or refused, and what was decoded can be squared and encoded. */
#include <stdlib.h>

#include "media/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t out[3 * 56 * 56];
    vl_picture p;
    if (vl_jpeg_decode(&p, data, n) != VIOLET_OK) {
        if (p.rgb) abort();
        return 0;
    }
    if ((size_t)p.width * (size_t)p.height < 1 << 20) {
        vl_buf b = {0};
        vl_pad pad = n % 2 ? VL_PAD_EXACT : VL_PAD_COMPAT;
        if (vl_picture_square(out, 56, &p, pad) != VIOLET_OK) abort();
        if (vl_jpeg_encode(&b, &p, 75) != VIOLET_OK) abort();
        vl_buf_free(&b);
    }
    vl_picture_release(&p);
    return 0;
}
