/* Pad to a square and resize: Pillow's bilinear filter; see picture.h.
 *
 * The filter is a triangle whose support grows with the scale when shrinking. A horizontal pass
 * rounds to 8 bits, then a vertical one does:
 *
 *     (h, w, 3) --rows--> (3, h, S) --columns--> (3, S, S)
 *
 * The black border is never made: it adds zeros to sums of integers, so leaving its taps out
 * changes no bit. Nor need a pass be skipped where the size stays, as Pillow does: its weights are
 * then exactly 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/picture.h"
#include "media/resize_pass.h"

static void taps_free(vl_taps *t)
{
    free(t->first);
    free(t->n);
    free(t->weight);
    free(t->hi);
    free(t->lo);
    *t = (vl_taps){0};
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Weights of output i over `padded` inputs, in Pillow's order of operations: the same doubles. */
static int weigh(double *k, int *first, int i, int padded, double scale, double support)
{
    double center = (i + 0.5) * scale, sum = 0.0, inverse = 1.0 / support;
    int lo = (int)(center - support + 0.5), hi = (int)(center + support + 0.5);
    if (lo < 0) lo = 0;
    if (hi > padded) hi = padded;
    for (int x = 0; x < hi - lo; x++) {
        k[x] = triangle((x + lo - center + 0.5) * inverse);
        sum += k[x];
    }
    for (int x = 0; x < hi - lo; x++)
        if (sum != 0.0) k[x] /= sum;
    *first = lo;
    return hi - lo;
}

/* Taps on the real inputs 0..size-1, which stand at `before` in a padded line. */
static violet_status taps_init(vl_taps *t, int n_out, int size, int before, int padded)
{
    violet_status status = VIOLET_OK;
    double scale = (double)padded / n_out, support = scale < 1.0 ? 1.0 : scale;
    t->n_out = n_out;
    t->stride = ((int)ceil(support) * 2 + 1 + 3) & ~3;
    size_t n = (size_t)n_out * (size_t)t->stride;
    t->first = calloc((size_t)n_out, sizeof *t->first);
    t->n = calloc((size_t)n_out, sizeof *t->n);
    t->weight = calloc(n, sizeof *t->weight);
    t->hi = calloc(n, sizeof *t->hi);
    t->lo = calloc(n, sizeof *t->lo);
    double *k = malloc((size_t)t->stride * sizeof *k);
    if (!t->first || !t->n || !t->weight || !t->hi || !t->lo || !k) {
        status = vl_err_nomem();
        goto done;
    }
    for (int i = 0; i < n_out; i++) {
        int first, m = weigh(k, &first, i, padded, scale, support), kept = 0;
        size_t at = (size_t)i * (size_t)t->stride;
        for (int x = 0; x < m; x++) {
            int real = first + x - before;
            if (real < 0 || real >= size) continue;
            if (kept == 0) t->first[i] = real;
            int32_t w = (int32_t)(0.5 + k[x] * (1 << WEIGHT_BITS));
            t->weight[at + (size_t)kept] = w;
            t->hi[at + (size_t)kept] = (int16_t)(w >> LOW_BITS);
            t->lo[at + (size_t)kept] = (int16_t)(w & ((1 << LOW_BITS) - 1));
            kept++;
        }
        t->n[i] = kept;
        int reach = t->first[i] + ((kept + 3) & ~3);
        if (reach > t->reach) t->reach = reach;
    }
done:
    free(k);
    return status;
}

static inline uint8_t round_off(int32_t sum)
{
    int32_t v = sum >> WEIGHT_BITS; /* rounded weights may add up to a little more than 1 */
    return (uint8_t)(v > 255 ? 255 : v);
}

void vl_resize_row_plain(uint8_t *out, long plane, const uint8_t *row, const vl_taps *t)
{
    for (int i = 0; i < t->n_out; i++) {
        const uint8_t *p = row + 3 * (size_t)t->first[i];
        const int32_t *w = t->weight + (size_t)i * (size_t)t->stride;
        int32_t r = 1 << (WEIGHT_BITS - 1), g = r, b = r;
        for (int k = 0; k < t->n[i]; k++, p += 3) {
            r += p[0] * w[k];
            g += p[1] * w[k];
            b += p[2] * w[k];
        }
        out[i] = round_off(r);
        out[i + plane] = round_off(g);
        out[i + 2 * plane] = round_off(b);
    }
}

void vl_resize_rows_plain(uint8_t *out, const uint8_t *rows, int w, int h, const vl_taps *t)
{
    long S = t->n_out;
    for (int y = 0; y < h; y++) vl_resize_row_plain(out + y * S, S * h, rows + 3L * w * y, t);
}

void vl_resize_column_plain(uint8_t *out, const uint8_t *rows, long stride, int width,
                            const vl_taps *t, int y)
{
    const int32_t *w = t->weight + (size_t)y * (size_t)t->stride;
    const uint8_t *p = rows + t->first[y] * stride;
    for (int x = 0; x < width; x++) {
        int32_t sum = 1 << (WEIGHT_BITS - 1);
        for (int k = 0; k < t->n[y]; k++) sum += p[x + k * stride] * w[k];
        out[x] = round_off(sum);
    }
}

static int pad_before(int size, int other)
{
    return other > size ? (other - size) / 2 : 0;
}

static int padded_size(int size, int other, vl_pad pad)
{
    if (pad == VL_PAD_COMPAT) return size + 2 * pad_before(size, other);
    return other > size ? other : size;
}

violet_status vl_picture_square(uint8_t *out, int size, const vl_picture *p, vl_pad pad)
{
    int w = p->width, h = p->height;
    if (size < 1 || size > VL_PICTURE_SIDE_MOST)
        return vl_err(VIOLET_EINVAL, "resize to %d, expected 1 to %d", size, VL_PICTURE_SIDE_MOST);
    if (w < 1 || h < 1 || w > VL_PICTURE_SIDE_MOST || h > VL_PICTURE_SIDE_MOST)
        return vl_err(VIOLET_EINVAL, "resize of %d x %d pixels, expected sides of 1 to %d", w, h,
                      VL_PICTURE_SIDE_MOST);
    violet_status status;
    vl_taps across = {0}, down = {0};
    long plane = (long)h * size;
    uint8_t *rows = malloc(3 * (size_t)plane); /* (3, h, S) */
    if (!rows) {
        status = vl_err_nomem();
        goto done;
    }
    status = taps_init(&across, size, w, pad_before(w, h), padded_size(w, h, pad));
    if (status != VIOLET_OK) goto done;
    status = taps_init(&down, size, h, pad_before(h, w), padded_size(h, w, pad));
    if (status != VIOLET_OK) goto done;
    vl_resize_rows *resize_rows = vl_resize_rows_plain;
    vl_resize_column *column = vl_resize_column_plain;
    if (__builtin_cpu_supports("avx2")) {
        resize_rows = vl_resize_rows_avx2;
        column = vl_resize_column_avx2;
    }
    resize_rows(rows, p->rgb, w, h, &across);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < size; y++)
            column(out + ((long)c * size + y) * size, rows + c * plane, size, size, &down, y);
done:
    taps_free(&across);
    taps_free(&down);
    free(rows);
    return status;
}
