/* The two passes of the resize, portable and AVX2; between resize.c and resize_avx2.c only.
 *
 * S: output size; w, h: the real picture; every output takes `n` taps from `first` on. Weights are
 * 22-bit fixed point; the same ones stand split in two for 16-bit multipliers:
 * weight = hi * 2^11 + lo, both at most 2^11, so pairs of products with bytes add up exactly. */
#ifndef VL_MEDIA_RESIZE_PASS_H
#define VL_MEDIA_RESIZE_PASS_H

#include <stdint.h>

#define WEIGHT_BITS 22
#define LOW_BITS 11

typedef struct vl_taps {
    int n_out;
    int stride;      /* of the weight tables: the most taps of any output, up to a multiple of 4 */
    int reach;       /* one behind the last input that four taps a turn would touch */
    int *first;      /* (n_out) */
    int *n;          /* (n_out) 0 where the output lies in the padding */
    int32_t *weight; /* (n_out, stride), 0 behind the last tap; so are the next two */
    int16_t *hi, *lo;
} vl_taps;

/* out (3, h, S) of rows (h, w, 3). */
typedef void vl_resize_rows(uint8_t *out, const uint8_t *rows, int w, int h, const vl_taps *t);

/* out (3, S) at `plane` bytes a channel, of one row (w, 3). */
void vl_resize_row_plain(uint8_t *out, long plane, const uint8_t *row, const vl_taps *t);

/* out (S) from n rows (S) that lie `stride` bytes apart; output row y. */
typedef void vl_resize_column(uint8_t *out, const uint8_t *rows, long stride, int width,
                              const vl_taps *t, int y);

vl_resize_rows vl_resize_rows_plain, vl_resize_rows_avx2;
vl_resize_column vl_resize_column_plain, vl_resize_column_avx2;

#endif
