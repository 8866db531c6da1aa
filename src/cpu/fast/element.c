/* The slots that go through memory once: copies, sums, gathers, patches, residuals, AdamW. */
#include <math.h>
#include <string.h>

#include "fast.h"

/* Arguments of one call, whichever it is. */
typedef struct flat {
    const vl_device *d;
    float *y, *m, *v;
    const float *a, *b;
    float scale;
    size_t n;
    int acc;
    double *sums;
    const float *coef;
} flat;

static void fill_part(void *context, int part, int parts)
{
    const flat *c = context;
    size_t from, to;
    vlf_range(c->n, 64, part, parts, &from, &to);
    c->d->k->fill(c->y + from, c->scale, to - from);
}

void vlf_fill(vl_device *d, float *x, float value, size_t n)
{
    flat c = {.d = d, .y = x, .scale = value, .n = n};
    vlf_run(d, vlf_parts(d, n), fill_part, &c);
}

/* One thread: the ranges of several would have to wait for each other where y and x overlap. */
void vlf_move(vl_device *d, float *y, const float *x, size_t n)
{
    (void)d;
    memmove(y, x, n * sizeof *y);
}

static void accumulate_part(void *context, int part, int parts)
{
    const flat *c = context;
    size_t from, to;
    vlf_range(c->n, 64, part, parts, &from, &to);
    c->d->k->scale(c->y + from, c->a + from, c->scale, to - from, c->acc);
}

void vlf_accumulate(vl_device *d, float *y, const float *x, float scale, size_t n, int acc)
{
    flat c = {.d = d, .y = y, .a = x, .scale = scale, .n = n, .acc = acc};
    vlf_run(d, vlf_parts(d, n), accumulate_part, &c);
}

static void add_part(void *context, int part, int parts)
{
    const flat *c = context;
    size_t from, to;
    vlf_range(c->n, 64, part, parts, &from, &to);
    c->d->k->add(c->y + from, c->a + from, c->b + from, to - from);
}

void vlf_add(vl_device *d, float *y, const float *a, const float *b, size_t n)
{
    flat c = {.d = d, .y = y, .a = a, .b = b, .n = n};
    vlf_run(d, vlf_parts(d, n), add_part, &c);
}

/* Blocks of a fixed size, added up in order: the bits do not depend on the threads. */
enum { SUM_BLOCK = 8192, SUM_BLOCKS = 4096 };

static void sum_part(void *context, int part, int parts)
{
    const flat *c = context;
    size_t from, to;
    vlf_range(c->n, SUM_BLOCK, part, parts, &from, &to);
    for (size_t i = from; i < to; i += SUM_BLOCK)
        c->sums[i / SUM_BLOCK] =
            c->d->k->sum_squares(c->a + i, to - i < SUM_BLOCK ? to - i : SUM_BLOCK);
}

double vlf_sum_squares(vl_device *d, const float *x, size_t n)
{
    double sums[SUM_BLOCKS], total = 0;
    size_t most = (size_t)SUM_BLOCK * SUM_BLOCKS;
    for (size_t i = 0; i < n; i += most) {
        size_t count = n - i < most ? n - i : most;
        flat c = {.d = d, .a = x + i, .n = count, .sums = sums};
        vlf_run(d, vlf_parts(d, count), sum_part, &c);
        for (size_t b = 0; b * SUM_BLOCK < count; b++) total += sums[b];
    }
    return total;
}

/* ---- rows by a table ------------------------------------------------------------------------ */

typedef struct gather {
    const vl_device *d;
    float *y;
    const float *a, *b;
    const int *table;
    size_t cols;
    int rows, a_rows, first, x_rows, acc;
} gather;

static void gather_part(void *context, int part, int parts)
{
    const gather *c = context;
    size_t from, to, bytes = c->cols * sizeof *c->y;
    vlf_range((size_t)c->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++) {
        float *y = c->y + i * c->cols;
        int t = c->table[i];
        if (t < 0)
            memset(y, 0, bytes);
        else if (t < c->a_rows)
            memcpy(y, c->a + (size_t)t * c->cols, bytes);
        else
            memcpy(y, c->b + (size_t)(t - c->a_rows) * c->cols, bytes);
    }
}

void vlf_gather_fwd(vl_device *d, float *y, const float *a, const float *b, const int *table,
                    int rows, int cols, int a_rows)
{
    gather c = {.d = d, .y = y, .a = a, .b = b, .table = table, .cols = (size_t)cols, .rows = rows,
                .a_rows = a_rows};
    vlf_run(d, vlf_parts(d, (size_t)rows * (size_t)cols), gather_part, &c);
}

/* with the inverse table: one source row, or none, for each row of dx */
static void gather_back_part(void *context, int part, int parts)
{
    const gather *c = context;
    size_t from, to, bytes = c->cols * sizeof *c->y;
    vlf_range((size_t)c->x_rows, 1, part, parts, &from, &to);
    for (size_t j = from; j < to; j++) {
        float *dx = c->y + j * c->cols;
        int t = c->table[j];
        if (t < 0) {
            if (!c->acc) memset(dx, 0, bytes);
        } else if (c->acc) {
            c->d->k->scale(dx, c->a + (size_t)t * c->cols, 1, c->cols, 1);
        } else {
            memcpy(dx, c->a + (size_t)t * c->cols, bytes);
        }
    }
}

/* without: rows may repeat, so each part owns columns and takes the rows in order */
static void gather_sum_part(void *context, int part, int parts)
{
    const gather *c = context;
    size_t from, to;
    vlf_range(c->cols, 16, part, parts, &from, &to);
    if (from == to) return;
    for (size_t j = 0; !c->acc && j < (size_t)c->x_rows; j++)
        memset(c->y + j * c->cols + from, 0, (to - from) * sizeof *c->y);
    for (size_t i = 0; i < (size_t)c->rows; i++) {
        int t = c->table[i] - c->first;
        if (c->table[i] < c->first || t >= c->x_rows) continue;
        float *dx = c->y + (size_t)t * c->cols + from;
        c->d->k->scale(dx, c->a + i * c->cols + from, 1, to - from, 1);
    }
}

void vlf_gather_bwd(vl_device *d, float *dx, const float *dy, const int *table, const int *back,
                    int rows, int cols, int first, int x_rows, int acc)
{
    gather c = {.d = d, .y = dx, .a = dy, .table = back ? back : table, .cols = (size_t)cols,
                .rows = rows, .first = first, .x_rows = x_rows, .acc = acc};
    size_t work = ((size_t)rows + (size_t)x_rows) * (size_t)cols;
    vlf_run(d, vlf_parts(d, work), back ? gather_back_part : gather_sum_part, &c);
}

/* ---- pictures -------------------------------------------------------------------------------- */

typedef struct pictures {
    const vl_device *d;
    float *y;
    const uint8_t *image;
    float scale[3], shift[3], value[3];
    int B, T, H, W, h, w;
} pictures;

enum { PATCH = 3 * 2 * 4 * 4 };

/* Columns (c, dt, dy, 0..3) of the patches in row `ph` of picture (b, t): one row of pixels, or
 * nothing where the picture or the clip has ended. */
static void patch_line(const pictures *c, float *y, int frame, int ph, int channel, int dt, int dy)
{
    int row = ph * 4 + dy, whole = c->W / 4;
    bool inside = frame % c->T + dt < c->T && row < c->H;
    y += channel * 32 + dt * 16 + dy * 4;
    if (!inside) whole = 0;
    const uint8_t *pixels = NULL;
    if (inside) {
        pixels = c->image + (((size_t)(frame + dt) * 3 + (size_t)channel) * (size_t)c->H +
                             (size_t)row) * (size_t)c->W;
        c->d->k->patch_row(y, PATCH, pixels, whole, c->scale[channel], c->shift[channel]);
    }
    for (int p = whole; p < c->w; p++)
        for (int x = 0; x < 4; x++) {
            int col = p * 4 + x;
            y[(size_t)p * PATCH + (size_t)x] =
                inside && col < c->W ? (float)pixels[col] * c->scale[channel] + c->shift[channel]
                                     : 0;
        }
}

static void patches_part(void *context, int part, int parts)
{
    const pictures *c = context;
    size_t from, to;
    vlf_range((size_t)c->B * (size_t)c->T * (size_t)c->h, 1, part, parts, &from, &to);
    for (size_t line = from; line < to; line++) {
        float *y = c->y + line * (size_t)c->w * PATCH;
        int frame = (int)(line / (size_t)c->h), ph = (int)(line % (size_t)c->h);
        for (int channel = 0; channel < 3; channel++)
            for (int dt = 0; dt < 2; dt++)
                for (int dy = 0; dy < 4; dy++) patch_line(c, y, frame, ph, channel, dt, dy);
    }
}

void vlf_patches(vl_device *d, float *y, const uint8_t *image, const float mean[3],
                 const float deviation[3], int B, int T, int H, int W)
{
    pictures c = {.d = d, .y = y, .image = image, .B = B, .T = T, .H = H, .W = W,
                  .h = (H + 3) / 4, .w = (W + 3) / 4};
    for (int i = 0; i < 3; i++) {
        c.scale[i] = (float)(1 / (255.0 * (double)deviation[i]));
        c.shift[i] = (float)(-(double)mean[i] / (double)deviation[i]);
    }
    vlf_run(d, vlf_parts(d, (size_t)B * (size_t)T * (size_t)c.h * (size_t)c.w * PATCH),
            patches_part, &c);
}

/* ---- residuals ------------------------------------------------------------------------------- */

typedef struct residual {
    const vl_device *d;
    float *y;
    const float *x, *r;
    vl_drop elem, path;
    size_t n, per_sample;
} residual;

static void residual_part(void *context, int part, int parts)
{
    const residual *c = context;
    size_t from, to;
    vlf_range(c->n, 64, part, parts, &from, &to);
    while (from < to) { /* a stretch of one sample, where drop path is one number */
        size_t sample = from / c->per_sample, end = (sample + 1) * c->per_sample;
        if (end > to) end = to;
        c->d->k->residual(c->y + from, c->x ? c->x + from : NULL, c->r + from, end - from,
                          vl_drop_scale(c->path, sample), c->elem, from);
        from = end;
    }
}

void vlf_residual_fwd(vl_device *d, float *y, const float *x, const float *r, vl_drop elem,
                      vl_drop path, int rows_per_sample, int rows, int cols)
{
    size_t per_sample = (size_t)(rows_per_sample > 0 ? rows_per_sample : rows) * (size_t)cols;
    residual c = {.d = d, .y = y, .x = x, .r = r, .elem = elem, .path = path,
                  .n = (size_t)rows * (size_t)cols, .per_sample = per_sample};
    vlf_run(d, vlf_parts(d, c.n), residual_part, &c);
}

void vlf_residual_bwd(vl_device *d, float *dr, const float *dy, vl_drop elem, vl_drop path,
                      int rows_per_sample, int rows, int cols, int acc)
{
    vlf_residual_fwd(d, dr, acc ? dr : NULL, dy, elem, path, rows_per_sample, rows, cols);
}

/* ---- optimiser ------------------------------------------------------------------------------- */

static void adamw_part(void *context, int part, int parts)
{
    const flat *c = context;
    size_t from, to;
    vlf_range(c->n, 64, part, parts, &from, &to);
    c->d->k->adamw(c->y + from, c->m + from, c->v + from, c->a + from, to - from, c->coef);
}

void vlf_adamw(vl_device *d, float *p, float *m, float *v, const float *g, size_t n, double gscale,
               double lr, double beta1, double beta2, double eps, double decay, double c1,
               double c2)
{
    const float coef[] = {(float)gscale,       (float)beta1,       (float)(1 - beta1),
                          (float)beta2,        (float)(1 - beta2), (float)(lr * decay),
                          (float)(lr / c1),    (float)(1 / sqrt(c2)), (float)eps};
    flat c = {.d = d, .y = p, .m = m, .v = v, .a = g, .n = n, .coef = coef};
    vlf_run(d, vlf_parts(d, n), adamw_part, &c);
}
