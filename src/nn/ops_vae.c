/* What a discrete VAE is trained with, on the tape; see ops.h. */
#include "base/rng.h"
#include "nn/ops.h"

/* ---- Gumbel-softmax ------------------------------------------------------------------------- */

static void gumbel_backward(vl_tape *t, vl_node *n)
{
    vl_tensor *y = n->out;
    int acc;
    real *dx = vl_tape_grad(t, n->in[0], &acc);
    if (dx)
        t->backend->gumbel_bwd(t->device, dx, y->g, y->x, *(real *)n->saved, y->rows, y->cols, acc);
}

vl_tensor *vl_gumbel_softmax(vl_tape *t, const vl_tensor *logits, real tau)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (!(tau > 0)) {
        vl_tape_fail(t, VIOLET_EINVAL, "gumbel-softmax: temperature %g, expected more than 0",
                     (double)tau);
        return &t->dead;
    }
    uint64_t key = vl_rng_key(t->seed, t->step, t->site++);
    vl_tensor *y = vl_tape_tensor(t, logits->rows, logits->cols, logits->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->gumbel_fwd(t->device, y->x, logits->x, key, tau, y->rows, y->cols);
    vl_node *n = vl_tape_record(t, gumbel_backward, y);
    real *s = n ? vl_tape_alloc(t, sizeof *s) : NULL;
    if (!s) return y;
    *s = tau;
    n->saved = s;
    n->in[0] = (vl_tensor *)logits; /* its gradient will be written */
    return y;
}

/* ---- divergence ----------------------------------------------------------------------------- */

static void kl_backward(vl_tape *t, vl_node *n)
{
    vl_tensor *x = n->in[0];
    int acc;
    real *dx = vl_tape_grad(t, x, &acc);
    if (dx)
        t->backend->kl_uniform_bwd(t->device, dx, n->out->g, n->saved, x->x, x->rows, x->cols, acc);
}

vl_tensor *vl_kl_uniform(vl_tape *t, const vl_tensor *logits)
{
    if (vl_tape_failed(t)) return &t->dead;
    vl_tensor *loss = vl_tape_tensor(t, 1, 1, logits->wants_grad);
    real *stats = vl_tape_alloc(t, 2 * (size_t)logits->rows * sizeof *stats);
    if (vl_tape_failed(t)) return &t->dead;
    t->backend->kl_uniform_fwd(t->device, loss->x, stats, logits->x, logits->rows, logits->cols);
    vl_node *n = vl_tape_record(t, kl_backward, loss);
    if (!n) return loss;
    n->saved = stats;
    n->in[0] = (vl_tensor *)logits;
    return loss;
}

/* ---- likelihood ----------------------------------------------------------------------------- */

static void laplace_backward(vl_tape *t, vl_node *n)
{
    vl_tensor *y = n->in[0], *x = n->in[1];
    int acc;
    real *dy = vl_tape_grad(t, y, &acc);
    if (dy)
        t->backend->logit_laplace_bwd(t->device, dy, n->out->g, y->x, x->x, x->rows, acc);
}

vl_tensor *vl_logit_laplace(vl_tape *t, const vl_tensor *y, const vl_tensor *x)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (y->rows != x->rows || y->cols != 6 || x->cols != 3) {
        vl_tape_fail(t, VIOLET_ESHAPE,
                     "likelihood: y is %dx%d, x is %dx%d, expected rows of 6 and of 3", y->rows,
                     y->cols, x->rows, x->cols);
        return &t->dead;
    }
    vl_tensor *loss = vl_tape_tensor(t, 1, 1, y->wants_grad);
    if (vl_tape_failed(t)) return loss;
    t->backend->logit_laplace_fwd(t->device, loss->x, y->x, x->x, x->rows);
    vl_node *n = vl_tape_record(t, laplace_backward, loss);
    if (!n) return loss;
    n->in[0] = (vl_tensor *)y;
    n->in[1] = (vl_tensor *)x;
    return loss;
}
