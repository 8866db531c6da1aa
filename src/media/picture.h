/* Pictures: JPEG in and out, and the reference's way to a square of the model's size.
 *
 *     vl_picture p;
 *     uint8_t *x = malloc(3 * 224 * 224);                      // (3, S, S)
 *     if ((status = vl_jpeg_decode(&p, bytes, n)) != VIOLET_OK) return status;
 *     status = vl_picture_square(x, 224, &p, VL_PAD_EXACT);
 *     vl_picture_release(&p);
 *
 * All of it is bit for bit what Pillow does (Image.open().convert('RGB'), ImageOps-like padding,
 * resize(BILINEAR)); for CMYK files at most two levels off. */
#ifndef VL_MEDIA_PICTURE_H
#define VL_MEDIA_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "violet.h"

#define VL_PICTURE_SIDE_MOST 16384
#define VL_PICTURE_PIXELS_MOST ((size_t)64 << 20)

typedef struct vl_picture {
    int width, height;
    uint8_t *rgb; /* (height, width, 3), no gaps; malloc */
} vl_picture;

/* Frees the pixels and empties the struct. */
void vl_picture_release(vl_picture *p);

/* Any 8-bit JPEG (grey, YCbCr, RGB, CMYK, YCCK; baseline or progressive) as RGB. The size is
 * looked at before memory is taken. A file that ends early is VIOLET_EFORMAT, never a picture with
 * a grey bottom. *out is empty after an error. */
violet_status vl_jpeg_decode(vl_picture *out, const void *bytes, size_t n);

#define VL_PUBLISHED_QUALITY 75 /* of the JPEGs that the published tool makes of videos' frames */

/* Appends a JPEG with 4:2:0 chroma; quality is 1 to 100. */
violet_status vl_jpeg_encode(vl_buf *out, const vl_picture *p, int quality);

/* The reference pads both sides by floor(difference / 2), so that an odd difference leaves a
 * picture one pixel off square that the resize then squashes: VL_PAD_COMPAT. VL_PAD_EXACT puts the
 * odd pixel on the right or bottom. */
typedef enum vl_pad { VL_PAD_EXACT, VL_PAD_COMPAT } vl_pad;

/* Pads with black to a square and resizes to size x size; out is (3, size, size). */
violet_status vl_picture_square(uint8_t *out, int size, const vl_picture *p, vl_pad pad);

#endif
