/* PNG out: a picture as a file's bytes, without loss.
 *
 *     vl_buf png = {0};
 *     status = vl_png_encode(&png, &picture);
 *     ...
 *     vl_buf_free(&png);
 */
#ifndef VL_MEDIA_PNG_H
#define VL_MEDIA_PNG_H

#include "media/picture.h"

/* Appends an 8-bit RGB PNG. */
violet_status vl_png_encode(vl_buf *out, const vl_picture *p);

#endif
