/* Pooling, and pixels to rows. */
#include <string.h>

#include "fast.h"
#include "tensor/pixel.h"

typedef struct picture {
    const vl_device *d;
    float *y;
    const float *x, *dy;
    const uint8_t *image;
    float scale, shift;
    int B, H, W, c, acc;
} picture;

static void pixels_part(void *context, int part, int parts)
{
    const picture *p = context;
    size_t plane = (size_t)p->H * (size_t)p->W, from, to;
    vlf_range((size_t)p->B * plane, 64, part, parts, &from, &to);
    for (size_t row = from; row < to; row++) {
        const uint8_t *v = p->image + row / plane * 3 * plane + row % plane;
        for (size_t c = 0; c < 3; c++)
            p->y[row * 3 + c] = vl_pixel(v[c * plane], p->scale, p->shift);
    }
}

void vlf_pixels(vl_device *d, float *y, const uint8_t *image, double scale, double shift, int B,
                int H, int W)
{
    picture p = {.y = y, .image = image, .scale = (float)scale, .shift = (float)shift,
                 .B = B, .H = H, .W = W};
    vlf_run(d, vlf_parts(d, 3 * (size_t)B * (size_t)H * (size_t)W), pixels_part, &p);
}

/* Where row `row` of the small picture begins in the large one, in floats. */
static size_t above(const picture *p, size_t row)
{
    size_t h = (size_t)p->H / 2, w = (size_t)p->W / 2;
    return ((row / w / h * (size_t)p->H + row / w % h * 2) * (size_t)p->W + row % w * 2) *
           (size_t)p->c;
}

static void maxpool_part(void *context, int part, int parts)
{
    const picture *p = context;
    size_t from, to, c = (size_t)p->c;
    vlf_range((size_t)p->B * (size_t)(p->H / 2) * (size_t)(p->W / 2), 1, part, parts, &from, &to);
    for (size_t row = from; row < to; row++)
        p->d->k->max_of_four(p->y + row * c, p->x + above(p, row), c, (size_t)p->W * c, c);
}

void vlf_maxpool_fwd(vl_device *d, float *y, const float *x, int B, int H, int W, int c)
{
    picture p = {.d = d, .y = y, .x = x, .B = B, .H = H, .W = W, .c = c};
    vlf_run(d, vlf_parts(d, (size_t)B * (size_t)H * (size_t)W * (size_t)c), maxpool_part, &p);
}

static void maxpool_grad_part(void *context, int part, int parts)
{
    const picture *p = context;
    size_t from, to, c = (size_t)p->c;
    vlf_range((size_t)p->B * (size_t)(p->H / 2) * (size_t)(p->W / 2), 1, part, parts, &from, &to);
    for (size_t row = from; row < to; row++) {
        size_t at = above(p, row);
        p->d->k->max_of_four_grad(p->y + at, p->dy + row * c, p->x + at, c, (size_t)p->W * c, c,
                                  p->acc);
    }
}

void vlf_maxpool_bwd(vl_device *d, float *dx, const float *dy, const float *x, int B, int H, int W,
                     int c, int acc)
{
    picture p = {.d = d, .y = dx, .x = x, .dy = dy, .B = B, .H = H, .W = W, .c = c, .acc = acc};
    vlf_run(d, vlf_parts(d, (size_t)B * (size_t)H * (size_t)W * (size_t)c), maxpool_grad_part, &p);
}
