/* Backgrounds, objects, noise; see draw.h. */
#include "corpus/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define PI 3.14159265358979323846
#define STRIPE 0.62  /* from stripe to stripe, in radii */
#define DOT 0.62     /* from dot to dot */
#define DOT_RADIUS 0.2
#define MARK 0.6     /* how much of the other colour stripes and dots have */

violet_status vl_canvas_open(vl_canvas *c, int side)
{
    size_t n = 3 * (size_t)side * (size_t)side;
    *c = (vl_canvas){side, malloc(n * sizeof *c->back), malloc(n * sizeof *c->work)};
    if (c->back && c->work) return VIOLET_OK;
    vl_canvas_close(c);
    return vl_err_nomem();
}

void vl_canvas_close(vl_canvas *c)
{
    free(c->back);
    free(c->work);
    *c = (vl_canvas){0};
}

static double limit(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* ---- backgrounds ----------------------------------------------------------------------------- */

/* Smooth noise: between the values of a grid of 12 cells a side. */
static double cloud(uint64_t key, double x, double y)
{
    enum { CELLS = 12 };
    double u = x * CELLS, v = y * CELLS, value[2][2];
    int i = (int)u, j = (int)v;
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++)
            value[a][b] = vl_rng_uniform(key, (uint64_t)((j + b) * (CELLS + 1) + i + a));
    u -= i, v -= j;
    return (value[0][0] * (1 - u) + value[1][0] * u) * (1 - v) +
           (value[0][1] * (1 - u) + value[1][1] * u) * v;
}

/* How much of the second colour there is at (x, y). */
static double second(const vl_back *b, double x, double y)
{
    double along = (x - 0.5) * cos(b->angle) + (y - 0.5) * sin(b->angle), most = 0;
    switch (b->kind) {
    case VL_BACK_GRADIENT: return limit(along / 1.2 + 0.5);
    case VL_BACK_STRIPES: return 0.5 + 0.5 * sin(2 * PI * along / b->period);
    case VL_BACK_NOISE: return cloud(b->key, x, y);
    case VL_BACK_BLOBS:
        for (int i = 0; i < 5; i++) {
            double r = hypot(x - b->blob[i][0], y - b->blob[i][1]) / b->blob[i][2];
            most = fmax(most, exp(-r * r));
        }
        return most;
    default: return 0;
    }
}

void vl_canvas_start(vl_canvas *c, const vl_look *l)
{
    float *to = c->back;
    for (int y = 0; y < c->side; y++)
        for (int x = 0; x < c->side; x++, to += 3) {
            double w = second(&l->back, (x + 0.5) / c->side, (y + 0.5) / c->side);
            for (int k = 0; k < 3; k++)
                to[k] = (float)(l->back.rgb[0][k] * (1 - w) + l->back.rgb[1][k] * w);
        }
}

/* ---- objects --------------------------------------------------------------------------------- */

/* How much of the mark's colour there is at (u, v), in radii; pixel: of one, in radii. */
static double marked(int texture, double u, double v, double pixel)
{
    if (texture == VL_PLAIN) return 0;
    double a = u / STRIPE - floor(u / STRIPE) - 0.5, b = v / DOT - floor(v / DOT) - 0.5;
    double inside = texture == VL_STRIPED ? STRIPE * (0.22 - fabs(a))
                                          : DOT_RADIUS - DOT * hypot(a, b);
    return limit(inside / pixel + 0.5);
}

/* Dark marks, on dark objects light ones. */
static void mark_colour(double mark[3], const double rgb[3])
{
    double light = (rgb[0] + rgb[1] + rgb[2]) / 3, to = light < 0.25 ? 0.9 : 0.0;
    for (int k = 0; k < 3; k++) mark[k] = rgb[k] + (to - rgb[k]) * MARK;
}

static void draw_body(vl_canvas *c, const vl_body *b, const vl_pose *p)
{
    double r = p->radius * c->side, reach = r * vl_shapes[b->shape].radius + 1;
    double x0 = p->x * c->side, y0 = p->y * c->side, cs = cos(p->angle), sn = sin(p->angle);
    double mark[3];
    mark_colour(mark, b->rgb);
    int left = (int)fmax(0, x0 - reach), right = (int)fmin(c->side - 1, x0 + reach);
    int top = (int)fmax(0, y0 - reach), bottom = (int)fmin(c->side - 1, y0 + reach);
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            double dx = (x + 0.5 - x0) / r, dy = (y + 0.5 - y0) / r;
            double u = dx * cs + dy * sn, v = dy * cs - dx * sn;
            double cover = limit(0.5 - vl_shape_distance(b->shape, u, v) * r) * p->alpha;
            if (cover <= 0) continue;
            double m = marked(b->texture, u, v, 1 / r);
            float *to = c->work + 3 * ((size_t)y * (size_t)c->side + (size_t)x);
            for (int k = 0; k < 3; k++)
                to[k] += (float)(cover * (b->rgb[k] + m * (mark[k] - b->rgb[k]) - to[k]));
        }
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* About normal: the sum of the four bytes of a word, of variance 4 * (256^2 - 1) / 12. */
static double about_normal(uint32_t bits)
{
    uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
    return ((double)sum - 510) / 147.8;
}

void vl_canvas_frame(vl_picture *out, vl_canvas *c, const vl_look *l, int i, int n)
{
    size_t values = 3 * (size_t)c->side * (size_t)c->side;
    uint64_t key = vl_rng_key(l->noise_key, (uint64_t)i, 0);
    memcpy(c->work, c->back, values * sizeof *c->work);
    for (int k = 0; k < l->n; k++) {
        vl_pose p = vl_look_pose(l, l->order[k], vl_look_time(i, n));
        if (p.alpha > 0) draw_body(c, &l->body[l->order[k]], &p);
    }
    for (size_t k = 0; k < values; k++) {
        double x = 255 * c->work[k] + l->noise * about_normal(vl_rng_u32(key, k));
        out->rgb[k] = (uint8_t)lrint(255 * limit(x / 255));
    }
}
