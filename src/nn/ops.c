/* Ops on the tape, but those of ops_attention.c, ops_conv.c, ops_pool.c and ops_vae.c; see ops.h.
 * Forward and backward of an op stand together; `saved` holds what the backward needs beside its
 * tensors. */
#include "nn/ops.h"

#include <string.h>

#include "base/rng.h"

static size_t count(const vl_tensor *x)
{
    return (size_t)x->rows * x->cols;
}

static vl_node *record(vl_tape *t, void (*backward)(vl_tape *, vl_node *), vl_tensor *out,
                       const vl_tensor *a, const vl_tensor *b, const vl_tensor *c,
                       size_t saved_bytes)
{
    vl_node *n = vl_tape_record(t, backward, out);
    if (!n) return NULL;
    n->in[0] = (vl_tensor *)a; /* their gradients will be written */
    n->in[1] = (vl_tensor *)b;
    n->in[2] = (vl_tensor *)c;
    n->saved = saved_bytes ? vl_tape_alloc(t, saved_bytes) : NULL;
    return saved_bytes && !n->saved ? NULL : n;
}

/* ---- linear --------------------------------------------------------------------------------- */

static void linear_backward(vl_tape *t, vl_node *n)
{
    vl_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    int acc_x = 0, acc_w = 1, acc;
    real *dx = vl_tape_grad(t, x, &acc_x);
    real *dw = vl_tape_grad(t, w, &acc_w), *db = vl_tape_grad(t, b, &acc);
    /* the backend adds to dw, which is a parameter's but where both are activations */
    if (dw && !acc_w) t->backend->fill(t->device, dw, 0, count(w));
    t->backend->linear_bwd(t->device, dx, dw, db, n->out->g, x->x, w->x, x->rows, w->rows, w->cols,
                           *(vl_act *)n->saved, acc_x);
}

vl_tensor *vl_linear(vl_tape *t, const vl_tensor *x, const vl_tensor *w, const vl_tensor *b,
                     vl_act act)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (x->cols != w->cols || (b && b->cols != w->rows)) {
        vl_tape_fail(t, VIOLET_ESHAPE, "linear: x is %dx%d, w is %dx%d, b has %d", x->rows, x->cols,
                     w->rows, w->cols, b ? b->cols : w->rows);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, x->rows, w->rows, x->wants_grad || w->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->linear_fwd(t->device, y->x, x->x, w->x, b ? b->x : NULL, x->rows, w->rows, w->cols,
                           act);
    vl_node *n = record(t, linear_backward, y, x, w, b, sizeof act);
    if (n) *(vl_act *)n->saved = act;
    return y;
}

/* ---- activation ----------------------------------------------------------------------------- */

static void activation_backward(vl_tape *t, vl_node *n)
{
    int acc;
    real *dx = vl_tape_grad(t, n->in[0], &acc);
    if (dx)
        t->backend->act_bwd(t->device, dx, n->out->g, n->in[0]->x, count(n->out),
                            *(vl_act *)n->saved, acc);
}

vl_tensor *vl_activation(vl_tape *t, const vl_tensor *x, vl_act act)
{
    if (vl_tape_failed(t)) return &t->dead;
    vl_tensor *y = vl_tape_tensor(t, x->rows, x->cols, x->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->act_fwd(t->device, y->x, x->x, count(x), act);
    vl_node *n = record(t, activation_backward, y, x, NULL, NULL, sizeof act);
    if (n) *(vl_act *)n->saved = act;
    return y;
}

/* ---- add ------------------------------------------------------------------------------------ */

static void add_backward(vl_tape *t, vl_node *n)
{
    int acc;
    vl_tensor *a = n->in[0], *b = n->in[1];
    real *db = vl_tape_grad(t, b, &acc); /* b first: passing on to a may take the buffer away */
    if (db) t->backend->accumulate(t->device, db, n->out->g, 1, count(b), acc);
    vl_tape_pass_grad(t, a, n->out);
}

vl_tensor *vl_add(vl_tape *t, const vl_tensor *a, const vl_tensor *b)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (a->rows != b->rows || a->cols != b->cols) {
        vl_tape_fail(t, VIOLET_ESHAPE, "add: a is %dx%d, b is %dx%d", a->rows, a->cols, b->rows,
                     b->cols);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, a->rows, a->cols, a->wants_grad || b->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->add(t->device, y->x, a->x, b->x, count(a));
    record(t, add_backward, y, a, b, NULL, 0);
    return y;
}

static void add_scaled_backward(vl_tape *t, vl_node *n)
{
    int acc;
    vl_tensor *a = n->in[0], *b = n->in[1];
    real *db = vl_tape_grad(t, b, &acc);
    if (db)
        t->backend->accumulate(t->device, db, n->out->g, *(real *)n->saved, count(b), acc);
    vl_tape_pass_grad(t, a, n->out);
}

vl_tensor *vl_add_scaled(vl_tape *t, const vl_tensor *a, const vl_tensor *b, real s)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (a->rows != b->rows || a->cols != b->cols) {
        vl_tape_fail(t, VIOLET_ESHAPE, "add: a is %dx%d, b is %dx%d", a->rows, a->cols, b->rows,
                     b->cols);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, a->rows, a->cols, a->wants_grad || b->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->accumulate(t->device, y->x, b->x, s, count(b), 0);
    t->backend->add(t->device, y->x, y->x, a->x, count(a));
    vl_node *n = record(t, add_scaled_backward, y, a, b, NULL, sizeof s);
    if (n) *(real *)n->saved = s;
    return y;
}

/* ---- gather --------------------------------------------------------------------------------- */

static void gather_backward(vl_tape *t, vl_node *n)
{
    const vl_index *s = n->saved;
    vl_tensor *a = n->in[0], *b = n->in[1];
    int acc, rows = s->rows * s->group;
    real *da = vl_tape_grad(t, a, &acc);
    if (da)
        t->backend->gather_bwd(t->device, da, n->out->g, s->to, s->back, rows, a->cols, 0, a->rows,
                               acc);
    real *db = vl_tape_grad(t, b, &acc);
    if (db)
        t->backend->gather_bwd(t->device, db, n->out->g, s->to, NULL, rows, a->cols, a->rows,
                               b->rows, acc);
}

static vl_tensor *gather(vl_tape *t, const vl_tensor *a, const vl_tensor *b, vl_index index,
                         vl_index way_back)
{
    vl_tensor *y =
        vl_tape_tensor(t, index.rows, a->cols * index.group, a->wants_grad || (b && b->wants_grad));
    if (vl_tape_failed(t)) return y;
    t->backend->gather_fwd(t->device, y->x, a->x, b ? b->x : NULL, index.to,
                           index.rows * index.group, a->cols, a->rows);
    vl_node *n = record(t, gather_backward, y, a, b, NULL, sizeof index);
    if (n) *(vl_index *)n->saved = way_back;
    return y;
}

vl_tensor *vl_gather(vl_tape *t, const vl_tensor *a, const vl_tensor *b, vl_index index)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (b && a->cols != b->cols) {
        vl_tape_fail(t, VIOLET_ESHAPE, "gather: a has %d columns, b has %d", a->cols, b->cols);
        return &t->dead;
    }
    return gather(t, a, b, index, index);
}

vl_tensor *vl_embedding(vl_tape *t, const vl_tensor *table, const int *ids, int n, int pad)
{
    int *to = vl_tape_alloc(t, n * sizeof *to), *back_to = to;
    if (pad >= 0) back_to = vl_tape_alloc(t, n * sizeof *to);
    if (vl_tape_failed(t)) return &t->dead;
    for (int i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= table->rows) {
            vl_tape_fail(t, VIOLET_EINVAL, "embedding: id %d at position %d, the table has %d rows",
                         ids[i], i, table->rows);
            return &t->dead;
        }
        to[i] = ids[i];
        if (pad >= 0) back_to[i] = ids[i] == pad ? -1 : ids[i];
    }
    return gather(t, table, NULL, (vl_index){to, NULL, n, 1}, (vl_index){back_to, NULL, n, 1});
}

/* ---- layer norm ----------------------------------------------------------------------------- */

static void layernorm_backward(vl_tape *t, vl_node *n)
{
    vl_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    int acc_x = 0, acc;
    real *dx = vl_tape_grad(t, x, &acc_x);
    real *dw = vl_tape_grad(t, w, &acc), *db = vl_tape_grad(t, b, &acc);
    t->backend->layernorm_bwd(t->device, dx, dw, db, n->out->g, n->saved, x->x, w->x, x->rows,
                              x->cols, acc_x);
}

vl_tensor *vl_layernorm(vl_tape *t, const vl_tensor *x, const vl_tensor *w, const vl_tensor *b,
                        real eps)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (w->cols != x->cols || b->cols != x->cols) {
        vl_tape_fail(t, VIOLET_ESHAPE, "layernorm: x has %d columns, w has %d, b has %d", x->cols,
                     w->cols, b->cols);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, x->rows, x->cols, x->wants_grad || w->wants_grad);
    real *stats = vl_tape_alloc(t, 2 * (size_t)x->rows * sizeof *stats);
    if (vl_tape_failed(t)) return &t->dead;
    t->backend->layernorm_fwd(t->device, y->x, stats, x->x, w->x, b->x, x->rows, x->cols, eps);
    vl_node *n = record(t, layernorm_backward, y, x, w, b, 0);
    if (n) n->saved = stats;
    return y;
}

/* ---- residual and dropout ------------------------------------------------------------------- */

typedef struct residual_saved {
    vl_drop elem, path;
    int rows_per_sample;
} residual_saved;

/* A draw of the next site; p = 0 outside training. The site counts up either way, so that turning
 * one dropout off does not change the draws of the others. */
static vl_drop next_drop(vl_tape *t, double p)
{
    uint64_t site = t->site++;
    if (!t->training || p <= 0) return (vl_drop){0, 0};
    return (vl_drop){p, vl_rng_key(t->seed, t->step, site)};
}

static void residual_backward(vl_tape *t, vl_node *n)
{
    const residual_saved *s = n->saved;
    vl_tensor *x = n->in[0], *r = n->in[1];
    int acc;
    if (s->elem.p <= 0 && s->path.p <= 0) {
        real *dr = vl_tape_grad(t, r, &acc);
        if (dr) t->backend->accumulate(t->device, dr, n->out->g, 1, count(r), acc);
    } else {
        real *dr = vl_tape_grad(t, r, &acc);
        if (dr)
            t->backend->residual_bwd(t->device, dr, n->out->g, s->elem, s->path, s->rows_per_sample,
                                     r->rows, r->cols, acc);
    }
    if (x) vl_tape_pass_grad(t, x, n->out);
}

static vl_tensor *residual(vl_tape *t, const vl_tensor *x, const vl_tensor *r, residual_saved s)
{
    vl_tensor *y = vl_tape_tensor(t, r->rows, r->cols, r->wants_grad || (x && x->wants_grad));
    if (vl_tape_failed(t)) return y;
    t->backend->residual_fwd(t->device, y->x, x ? x->x : NULL, r->x, s.elem, s.path,
                             s.rows_per_sample, r->rows, r->cols);
    vl_node *n = record(t, residual_backward, y, x, r, NULL, sizeof s);
    if (n) *(residual_saved *)n->saved = s;
    return y;
}

vl_tensor *vl_residual(vl_tape *t, const vl_tensor *x, const vl_tensor *r, double p_drop,
                       double p_path, int rows_per_sample)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (x->rows != r->rows || x->cols != r->cols) {
        vl_tape_fail(t, VIOLET_ESHAPE, "residual: x is %dx%d, r is %dx%d", x->rows, x->cols,
                     r->rows, r->cols);
        return &t->dead;
    }
    vl_drop elem = next_drop(t, p_drop), path = next_drop(t, p_path);
    return residual(t, x, r, (residual_saved){elem, path, rows_per_sample});
}

vl_tensor *vl_dropout(vl_tape *t, const vl_tensor *x, double p)
{
    if (vl_tape_failed(t)) return &t->dead;
    vl_drop elem = next_drop(t, p);
    if (elem.p <= 0) return (vl_tensor *)x;
    return residual(t, NULL, x, (residual_saved){elem, {0, 0}, 1});
}

/* ---- pictures ------------------------------------------------------------------------------- */

vl_tensor *vl_patches(vl_tape *t, const uint8_t *image, const real mean[3], const real deviation[3],
                      int B, int T, int H, int W)
{
    vl_tensor *y = vl_tape_tensor(t, B * T * ((H + 3) / 4) * ((W + 3) / 4), 96, 0);
    if (vl_tape_failed(t)) return y;
    t->backend->patches(t->device, y->x, image, mean, deviation, B, T, H, W);
    return y;
}

/* ---- loss ----------------------------------------------------------------------------------- */

typedef struct xent_saved {
    real *lse;
    int *target;
    real scale;
} xent_saved;

static void xent_backward(vl_tape *t, vl_node *n)
{
    const xent_saved *s = n->saved;
    vl_tensor *logits = n->in[0];
    int acc;
    real *dx = vl_tape_grad(t, logits, &acc);
    if (dx)
        t->backend->xent_bwd(t->device, dx, n->out->g, s->lse, logits->x, s->target, logits->rows,
                             logits->cols, s->scale, acc);
}

vl_tensor *vl_xent(vl_tape *t, const vl_tensor *logits, const int *target, real scale, int *best)
{
    if (vl_tape_failed(t)) return &t->dead;
    int m = logits->rows;
    for (int i = 0; i < m; i++)
        if (target[i] < -1 || target[i] >= logits->cols) {
            vl_tape_fail(t, VIOLET_EINVAL,
                         "cross-entropy: target %d in row %d, there are %d classes", target[i], i,
                         logits->cols);
            return &t->dead;
        }
    vl_tensor *loss = vl_tape_tensor(t, 1, 1, logits->wants_grad);
    xent_saved s = {vl_tape_alloc(t, m * sizeof(real)), vl_tape_alloc(t, m * sizeof(int)), scale};
    if (!best) best = vl_tape_alloc(t, m * sizeof(int));
    if (vl_tape_failed(t)) return &t->dead;
    memcpy(s.target, target, m * sizeof(int));
    t->backend->xent_fwd(t->device, loss->x, s.lse, best, logits->x, s.target, m, logits->cols,
                         scale);
    vl_node *n = record(t, xent_backward, loss, logits, NULL, NULL, sizeof s);
    if (n) *(xent_saved *)n->saved = s;
    return loss;
}
