/* How well a dVAE draws pictures from hard codes, and the contact sheet to look at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "extract/dvae_train_internal.h"
#include "media/png.h"

#define SHEET_SIDE 112 /* pictures on the sheet are enlarged by whole numbers to about this side */
#define SHEET_GAP 2

/* ---- the mean colour ------------------------------------------------------------------------- */

/* The k-th of n pictures spread evenly over `of` of them. */
static size_t spread(size_t k, size_t n, size_t of)
{
    return (size_t)((double)k * (double)of / (double)n);
}

static size_t fewer(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Whatever is wrong with a picture (its file may have gone meanwhile) is no reason to end a run: it
 * is counted, and *good is false. */
static violet_status read_picture(bool *good, uint8_t *out, training *r, size_t k)
{
    violet_status status =
        vl_gallery_read(out, r->o.size, r->gallery, r->pictures[k], r->scratch);
    *good = status == VIOLET_OK;
    if (*good || status == VIOLET_ENOMEM || status == VIOLET_EINTERRUPTED) return status;
    r->n_bad++;
    train_report_bad(r, violet_error());
    return VIOLET_OK;
}

violet_status valid_base(training *r)
{
    size_t area = (size_t)r->o.size * (size_t)r->o.size, used = 0;
    size_t n = fewer(r->n_train, (size_t)r->o.valid_most);
    double sum[3] = {0}, squares[3] = {0};
    uint8_t *x = malloc(3 * area);
    if (!x) return vl_err_nomem();
    for (size_t k = 0; k < n; k++) {
        bool good;
        violet_status status = read_picture(&good, x, r, spread(k, n, r->n_train));
        if (status != VIOLET_OK) {
            free(x);
            return status;
        }
        used += good;
        for (size_t i = 0; good && i < 3 * area; i++) {
            double v = x[i] / 255.0;
            sum[i / area] += v;
            squares[i / area] += v * v;
        }
    }
    free(x);
    if (!used) return vl_err(VIOLET_EFORMAT, "%s: no picture that can be read", r->o.path);
    r->base = 0;
    for (int c = 0; c < 3; c++) {
        double values = (double)used * (double)area;
        r->mean[c] = sum[c] / values;
        r->base += (squares[c] / values - r->mean[c] * r->mean[c]) / 3;
    }
    if (r->base > 1e-9) return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "%s: all pictures are of one colour", r->o.path);
}

/* ---- one batch ------------------------------------------------------------------------------- */

/* A mean of the decoder as a pixel, 0 .. 1. */
static double pixel(real mu)
{
    double x = (1 / (1 + exp(-(double)mu)) - VL_DVAE_EPS) / (1 - 2 * VL_DVAE_EPS);
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Draws n pictures from their hard codes: drawn (n, 3, S, S), codes (n, h, h). */
static violet_status redraw(uint8_t *drawn, int32_t *codes, training *r, const uint8_t *image,
                            int n)
{
    int S = r->o.size, h = S / 8;
    vl_tape *t = &r->tape;
    violet_status status = vl_dvae_tokens(codes, r->dvae, t, image, n, S);
    if (status != VIOLET_OK) return status;
    vl_tape_reset(t, 0, 0);
    t->grad_on = 0;
    const vl_tensor *y = vl_dvae_decode_codes(t, &r->dvae->decoder, codes, n, h); // (n*S*S, 6)
    if ((status = vl_tape_status(t)) != VIOLET_OK) return status;
    size_t area = (size_t)S * (size_t)S;
    for (size_t b = 0; b < (size_t)n; b++)
        for (size_t i = 0; i < area; i++)
            for (size_t c = 0; c < 3; c++)
                drawn[(b * 3 + c) * area + i] =
                    (uint8_t)lrint(255 * pixel(y->x[(b * area + i) * 6 + c]));
    return VIOLET_OK;
}

/* ---- the contact sheet ----------------------------------------------------------------------- */

typedef struct sheet {
    vl_picture picture;
    int columns, side, zoom; /* side of a picture before the enlargement */
} sheet;

static violet_status sheet_init(sheet *s, int columns, int rows, int side)
{
    s->columns = columns;
    s->side = side;
    s->zoom = side < SHEET_SIDE ? SHEET_SIDE / side : 1;
    int cell = side * s->zoom + SHEET_GAP;
    s->picture = (vl_picture){columns * cell + SHEET_GAP, rows * cell + SHEET_GAP, NULL};
    size_t bytes = 3 * (size_t)s->picture.width * (size_t)s->picture.height;
    if (!(s->picture.rgb = malloc(bytes))) return vl_err_nomem();
    memset(s->picture.rgb, 255, bytes);
    return VIOLET_OK;
}

static void sheet_put(sheet *s, int column, int row, const uint8_t *image)
{
    int cell = s->side * s->zoom + SHEET_GAP;
    for (int y = 0; y < s->side * s->zoom; y++)
        for (int x = 0; x < s->side * s->zoom; x++) {
            size_t to = (size_t)(row * cell + SHEET_GAP + y) * (size_t)s->picture.width +
                        (size_t)(column * cell + SHEET_GAP + x);
            int from = y / s->zoom * s->side + x / s->zoom;
            for (int c = 0; c < 3; c++)
                s->picture.rgb[3 * to + (size_t)c] = image[c * s->side * s->side + from];
        }
}

static violet_status sheet_write(const sheet *s, const training *r)
{
    char path[4096];
    vl_buf png = {0};
    vl_out out;
    violet_status status = train_path(r, path, "contact.png");
    if (status == VIOLET_OK) status = vl_png_encode(&png, &s->picture);
    if (status == VIOLET_OK) status = vl_out_open(&out, path);
    if (status == VIOLET_OK) status = vl_out_write(&out, png.data, png.n);
    if (status == VIOLET_OK) status = vl_out_commit(&out);
    vl_buf_free(&png);
    return status;
}

/* ---- a validation ---------------------------------------------------------------------------- */

typedef struct work {
    training *r;
    uint8_t *image, *drawn; /* (B, 3, S, S) */
    int32_t *codes;         /* (B, h, h) */
    uint8_t *in_use;        /* (V) by the present kind */
    sheet *sheet;
    int row, columns_left;  /* where the present kind's pictures go on the sheet */
    double squares, of_mean; /* of the drawn pictures, of the mean colour */
    valid_numbers sums;
} work;

/* The n pictures of w->image. */
static violet_status measure(work *w, int n)
{
    training *r = w->r;
    size_t plane = 3 * (size_t)r->o.size * (size_t)r->o.size;
    size_t h = (size_t)r->o.size / 8;
    violet_status status = redraw(w->drawn, w->codes, r, w->image, n);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < (size_t)n * plane; i++) {
        double d = ((double)w->image[i] - (double)w->drawn[i]) / 255;
        double m = w->image[i] / 255.0 - r->mean[i % plane / (plane / 3)];
        w->squares += d * d;
        w->of_mean += m * m;
    }
    for (size_t i = 0; i < (size_t)n * h * h; i++) w->in_use[w->codes[i]] = 1;
    for (int i = 0; i < n && w->columns_left; i++, w->columns_left--) {
        int column = w->sheet->columns - w->columns_left;
        sheet_put(w->sheet, column, w->row, w->image + (size_t)i * plane);
        sheet_put(w->sheet, column, w->row + 1, w->drawn + (size_t)i * plane);
    }
    w->sums.n += (size_t)n;
    return VIOLET_OK;
}

/* Pictures first .. first + of: as many as --valid-most says, spread evenly; for the sheet, those
 * that come first. */
static violet_status measure_kind(valid_numbers *out, work *w, size_t first, size_t of, int row)
{
    training *r = w->r;
    size_t n = fewer(of, (size_t)r->o.valid_most);
    size_t plane = 3 * (size_t)r->o.size * (size_t)r->o.size;
    int in_batch = 0;
    violet_status status = VIOLET_OK;
    w->row = row;
    w->columns_left = w->sheet->columns;
    w->sums = (valid_numbers){0};
    w->squares = w->of_mean = 0;
    memset(w->in_use, 0, (size_t)r->o.n_code);
    for (size_t k = 0; k < n && status == VIOLET_OK; k++) {
        uint8_t *to = w->image + (size_t)in_batch * plane;
        bool good;
        status = read_picture(&good, to, r, first + spread(k, n, of));
        in_batch += good;
        if (status == VIOLET_OK && (in_batch == r->o.size_batch || (k + 1 == n && in_batch))) {
            status = measure(w, in_batch);
            in_batch = 0;
        }
    }
    *out = w->sums;
    if (out->n) out->error = w->squares / w->of_mean;
    for (int i = 0; i < r->o.n_code; i++) out->used += w->in_use[i];
    return status;
}

static void tell_kind(const training *r, const char *name, const valid_numbers *v)
{
    if (!v->n) return;
    static const char *const names[] = {"error", "used"};
    violet_event e = {.kind = VIOLET_EVENT_VALID,
                      .text = name,
                      .step = r->step,
                      .n_steps = (unsigned long long)r->o.steps,
                      .epoch = (int)(r->step / train_epoch_steps(r)) + 1,
                      .names = names,
                      .n_tasks = 2,
                      .loss_of = {v->error, (double)v->used / r->o.n_code},
                      .accuracy = {NAN, NAN}};
    if (r->hooks.event) r->hooks.event(r->hooks.user, &e);
}

static violet_status measure_all(work *w, int pairs)
{
    training *r = w->r;
    char path[4096];
    valid_numbers train = {0}, held = {0};
    violet_status status = measure_kind(&train, w, 0, r->n_train, 0);
    if (status == VIOLET_OK && pairs > 1)
        status = measure_kind(&held, w, r->n_train, r->n_held, 2);
    if (status == VIOLET_OK) status = sheet_write(w->sheet, r);
    if (status == VIOLET_OK) status = train_path(r, path, "dvae.safetensors");
    if (status == VIOLET_OK) status = vl_dvae_write(path, r->dvae, 0, NULL, 0);
    if (status == VIOLET_OK) status = train_log_valid(r, &train, &held);
    if (status != VIOLET_OK) return status;
    tell_kind(r, "training pictures", &train);
    tell_kind(r, "held-out pictures", &held);
    return VIOLET_OK;
}

violet_status valid_run(training *r)
{
    size_t S = (size_t)r->o.size, B = (size_t)r->o.size_batch;
    sheet s = {{0, 0, NULL}, 0, 0, 0};
    work w = {.r = r, .sheet = &s};
    int pairs = r->n_held ? 2 : 1;
    size_t most = fewer(r->n_train > r->n_held ? r->n_train : r->n_held, (size_t)r->o.columns);
    w.image = malloc(B * 3 * S * S);
    w.drawn = malloc(B * 3 * S * S);
    w.codes = malloc(B * (S / 8) * (S / 8) * sizeof *w.codes);
    w.in_use = malloc((size_t)r->o.n_code);
    violet_status status = VIOLET_OK;
    if (!w.image || !w.drawn || !w.codes || !w.in_use) status = vl_err_nomem();
    if (status == VIOLET_OK) status = sheet_init(&s, (int)most, 2 * pairs, r->o.size);
    if (status == VIOLET_OK) status = measure_all(&w, pairs);
    vl_picture_release(&s.picture);
    free(w.image);
    free(w.drawn);
    free(w.codes);
    free(w.in_use);
    return status;
}
