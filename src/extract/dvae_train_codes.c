/* Where codes begin: spread over the data, so that all of them are in use from the first step.
 *
 * A code that no picture asks for gets no gradient but noise, and from random weights most codes
 * of a small run never are asked for. So the last layer of the encoder starts as a k-means of what
 * the (random) layers below it make of the pictures: with x a position's features and m_k the k-th
 * centre,
 *     logit_k = -alpha/2 |x - m_k|^2 + what is the same for all k
 * which is linear in x. alpha is such that the nearest centre has a probability of half, in the
 * mean: near enough to certain to tell the decoder something, far enough to be changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "data/sampler.h"
#include "extract/dvae_train_internal.h"

#define SITE_CODES 0x636f6465u /* "code": apart from all other draws of the seed */
#define VECTORS_A_CODE 32
#define ROUNDS 8
#define MOST_FOR_ALPHA 1024 /* vectors */
#define CERTAINTY 0.5

typedef struct codes {
    training *r;
    int C, V;          /* features, codes */
    vl_tensor x;       /* (n, C) vectors, without their mean */
    vl_tensor m;       /* (V, C) centres */
    double *mean;      /* (C) */
    double *sums;      /* (V, C) */
    int *count, *at;   /* (V); (n) the nearest centre */
    real *squares;     /* (V) |m|^2 */
} codes;

static violet_status matrix(vl_tensor *t, int rows, int cols)
{
    size_t bytes = ((size_t)rows * (size_t)cols * sizeof(real) + 63) / 64 * 64;
    *t = (vl_tensor){.rows = rows, .cols = cols, .x = aligned_alloc(64, bytes)};
    if (t->x) memset(t->x, 0, bytes);
    return t->x ? VIOLET_OK : vl_err_nomem();
}

/* ---- features -------------------------------------------------------------------------------- */

/* Fills x from training batches: the encoder with an identity as its last layer. */
static violet_status collect(codes *s)
{
    training *r = s->r;
    vl_tape *t = &r->tape;
    vl_dvae_half e = r->dvae->encoder;
    vl_tensor identity = {.x = NULL}, zero = {.x = NULL};
    const uint8_t *image;
    int B = r->o.size_batch, S = r->o.size, n = 0;
    violet_status status = matrix(&identity, s->C, s->C);
    if (status == VIOLET_OK) status = matrix(&zero, 1, s->C);
    for (int i = 0; i < s->C && status == VIOLET_OK; i++) identity.x[(size_t)i * s->C + i] = 1;
    e.output = (vl_conv){.w = identity, .b = zero, .k = 1};
    while (n < s->x.rows && status == VIOLET_OK) {
        if ((status = vl_feed_next(&image, r->feed)) != VIOLET_OK) break;
        vl_tape_reset(t, 0, 0);
        t->grad_on = 0;
        const vl_tensor *h = vl_dvae_encode(t, &e, vl_dvae_pixels(t, image, B, S), B, S);
        if ((status = vl_tape_status(t)) != VIOLET_OK) break;
        int take = h->rows < s->x.rows - n ? h->rows : s->x.rows - n;
        memcpy(s->x.x + (size_t)n * s->C, h->x, (size_t)take * s->C * sizeof(real));
        n += take;
    }
    free(identity.x);
    free(zero.x);
    return status;
}

static void centre(codes *s)
{
    for (int i = 0; i < s->x.rows; i++)
        for (int c = 0; c < s->C; c++) s->mean[c] += (double)s->x.x[(size_t)i * s->C + c];
    for (int c = 0; c < s->C; c++) s->mean[c] /= s->x.rows;
    for (int i = 0; i < s->x.rows; i++)
        for (int c = 0; c < s->C; c++) s->x.x[(size_t)i * s->C + c] -= (real)s->mean[c];
}

/* ---- k-means --------------------------------------------------------------------------------- */

static void set_squares(codes *s)
{
    for (int k = 0; k < s->V; k++) {
        double sum = 0;
        for (int c = 0; c < s->C; c++) {
            double v = (double)s->m.x[(size_t)k * s->C + c];
            sum += v * v;
        }
        s->squares[k] = (real)sum;
    }
}

/* Products of `n` vectors from `first` on with all centres: on the tape until its next reset. */
static const vl_tensor *products(codes *s, int first, int n)
{
    vl_tape *t = &s->r->tape;
    vl_tensor *part;
    vl_tape_reset(t, 0, 0);
    t->grad_on = 0;
    part = vl_tape_tensor(t, n, s->C, 0);
    if (vl_tape_failed(t)) return part;
    memcpy(part->x, s->x.x + (size_t)first * s->C, (size_t)n * s->C * sizeof(real));
    return vl_linear(t, part, &s->m, NULL, VL_ACT_NONE);
}

static violet_status assign(codes *s)
{
    enum { PART = 512 };
    for (int first = 0; first < s->x.rows; first += PART) {
        int n = s->x.rows - first < PART ? s->x.rows - first : PART;
        const vl_tensor *p = products(s, first, n);
        violet_status status = vl_tape_status(&s->r->tape);
        if (status != VIOLET_OK) return status;
        for (int i = 0; i < n; i++) {
            const real *row = p->x + (size_t)i * (size_t)s->V;
            int best = 0;
            for (int k = 1; k < s->V; k++)
                if (s->squares[k] - 2 * row[k] < s->squares[best] - 2 * row[best]) best = k;
            s->at[first + i] = best;
        }
    }
    return VIOLET_OK;
}

/* Centres become the means of what is nearest to them; one that has nothing goes to some vector. */
static void move(codes *s, uint64_t key)
{
    size_t C = (size_t)s->C;
    memset(s->sums, 0, (size_t)s->V * C * sizeof *s->sums);
    memset(s->count, 0, (size_t)s->V * sizeof *s->count);
    for (int i = 0; i < s->x.rows; i++) {
        double *sum = s->sums + (size_t)s->at[i] * C;
        for (size_t c = 0; c < C; c++) sum[c] += (double)s->x.x[(size_t)i * C + c];
        s->count[s->at[i]]++;
    }
    for (int k = 0; k < s->V; k++) {
        real *m = s->m.x + (size_t)k * C;
        size_t other = vl_rng_below(key, (uint64_t)k, (uint32_t)s->x.rows);
        if (!s->count[k]) memcpy(m, s->x.x + other * C, C * sizeof *m);
        else
            for (size_t c = 0; c < C; c++) m[c] = (real)(s->sums[(size_t)k * C + c] / s->count[k]);
    }
    set_squares(s);
}

static violet_status cluster(codes *s)
{
    uint64_t seed = (uint64_t)s->r->o.seed;
    size_t C = (size_t)s->C;
    vl_order order = vl_order_init(seed, 0, SITE_CODES, (uint64_t)s->x.rows);
    for (int k = 0; k < s->V; k++) {
        size_t i = (size_t)vl_order_at(&order, (uint64_t)(k % s->x.rows));
        memcpy(s->m.x + (size_t)k * C, s->x.x + i * C, C * sizeof(real));
    }
    set_squares(s);
    violet_status status = VIOLET_OK;
    for (uint64_t round = 0; round < ROUNDS && status == VIOLET_OK; round++) {
        status = assign(s);
        if (status == VIOLET_OK) move(s, vl_rng_key(seed, round, SITE_CODES));
    }
    return status;
}

/* ---- alpha and the weights ------------------------------------------------------------------- */

/* Mean probability of the nearest centre; p: products of n vectors. */
static double certainty(const codes *s, const vl_tensor *p, double alpha)
{
    double sum = 0;
    for (int i = 0; i < p->rows; i++) {
        const real *row = p->x + (size_t)i * (size_t)s->V;
        double best = -INFINITY, all = 0;
        for (int k = 0; k < s->V; k++) best = fmax(best, (double)(row[k] - s->squares[k] / 2));
        for (int k = 0; k < s->V; k++)
            all += exp(alpha * ((double)(row[k] - s->squares[k] / 2) - best));
        sum += 1 / all;
    }
    return sum / p->rows;
}

static violet_status find_alpha(double *alpha, codes *s)
{
    int n = s->x.rows < MOST_FOR_ALPHA ? s->x.rows : MOST_FOR_ALPHA;
    const vl_tensor *p = products(s, 0, n);
    violet_status status = vl_tape_status(&s->r->tape);
    double low = -30, high = 30; /* of log alpha */
    for (int i = 0; i < 30 && status == VIOLET_OK; i++) {
        double middle = (low + high) / 2;
        if (certainty(s, p, exp(middle)) < CERTAINTY) low = middle;
        else high = middle;
    }
    *alpha = exp(high);
    return status;
}

static void set_weights(const codes *s, double alpha)
{
    const vl_conv *out = &s->r->dvae->encoder.output;
    for (int k = 0; k < s->V; k++) {
        double b = (double)s->squares[k] / 2;
        for (int c = 0; c < s->C; c++) {
            size_t i = (size_t)k * s->C + c;
            b += s->mean[c] * (double)s->m.x[i];
            out->w.x[i] = (real)(alpha * (double)s->m.x[i]);
        }
        out->b.x[k] = (real)(-alpha * b);
    }
}

violet_status codes_spread(training *r)
{
    codes s = {.r = r, .C = 8 * r->o.n_hid, .V = r->o.n_code};
    double alpha;
    size_t h = (size_t)r->o.size / 8, n = (size_t)VECTORS_A_CODE * (size_t)s.V;
    if (n > r->n_train * h * h) n = r->n_train * h * h;
    violet_status status = matrix(&s.x, (int)n, s.C);
    if (status == VIOLET_OK) status = matrix(&s.m, s.V, s.C);
    s.mean = calloc((size_t)s.C, sizeof *s.mean);
    s.sums = malloc((size_t)s.V * (size_t)s.C * sizeof *s.sums);
    s.count = malloc((size_t)s.V * sizeof *s.count);
    s.at = malloc(n * sizeof *s.at);
    s.squares = malloc((size_t)s.V * sizeof *s.squares);
    if (!s.mean || !s.sums || !s.count || !s.at || !s.squares) status = vl_err_nomem();
    if (status == VIOLET_OK) status = collect(&s);
    if (status == VIOLET_OK) {
        centre(&s);
        status = cluster(&s);
    }
    if (status == VIOLET_OK) status = find_alpha(&alpha, &s);
    if (status == VIOLET_OK) set_weights(&s, alpha);
    free(s.x.x);
    free(s.m.x);
    free(s.mean);
    free(s.sums);
    free(s.count);
    free(s.at);
    free(s.squares);
    return status == VIOLET_OK ? vl_feed_start(r->feed, 0) : status;
}
