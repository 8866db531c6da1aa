/* What a discrete VAE is trained with. */
#include "base/rng.h"
#include "ops/families.h"

/* gumbel: rows, cols, hundredths of tau */
enum { LOGITS, Y, DY, DLOGITS };

static real tau_of(const op_run *r)
{
    return (real)(r->c->dim[2] / 100.0);
}

static void gumbel_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0] * r->c->dim[1];
    op_declare(r, LOGITS, "logits", OP_IN, n, 4);
    op_declare(r, Y, "y", OP_OUT, n, 1);
    op_declare(r, DY, "dy", OP_COT, n, 1)->of = Y;
    op_declare_grad(r, DLOGITS, "dlogits", OP_GRAD, LOGITS, 0);
}

static void gumbel_forward(op_run *r)
{
    r->be->gumbel_fwd(r->dev, op_at(r, Y), op_at(r, LOGITS), op_key(r, 10), tau_of(r),
                      r->c->dim[0], r->c->dim[1]);
}

static void gumbel_backward(op_run *r)
{
    if (op_at(r, DLOGITS))
        r->be->gumbel_bwd(r->dev, op_at(r, DLOGITS), op_at(r, DY), op_at(r, Y), tau_of(r),
                          r->c->dim[0], r->c->dim[1], r->acc & 1);
}

const op_family op_gumbel = {
    .name = "gumbel",
    .tolerance_fwd = 1e-5, /* a rounding of logits + gumbel counts 1 / tau times */
    .tolerance_bwd = 1e-5,
    .setup = gumbel_setup,
    .forward = gumbel_forward,
    .backward = gumbel_backward,
    .any_threads = true,
    .reads_back = true,
};

/* kl_uniform: rows, cols, largest logit */
enum { KL_LOSS = 1, KL_STATS, KL_DLOSS, KL_DLOGITS };

static void kl_uniform_setup(op_run *r)
{
    size_t rows = (size_t)r->c->dim[0];
    op_declare(r, LOGITS, "logits", OP_IN, rows * r->c->dim[1], r->c->dim[2]);
    op_declare(r, KL_LOSS, "loss", OP_OUT, 1, 1);
    op_declare(r, KL_STATS, "stats", OP_SAVED, 2 * rows, 1);
    op_declare(r, KL_DLOSS, "dloss", OP_COT, 1, 1)->of = KL_LOSS;
    op_declare_grad(r, KL_DLOGITS, "dlogits", OP_GRAD, LOGITS, 0);
}

static void kl_uniform_forward(op_run *r)
{
    r->be->kl_uniform_fwd(r->dev, op_at(r, KL_LOSS), op_at(r, KL_STATS), op_at(r, LOGITS),
                          r->c->dim[0], r->c->dim[1]);
}

static void kl_uniform_backward(op_run *r)
{
    if (op_at(r, KL_DLOGITS))
        r->be->kl_uniform_bwd(r->dev, op_at(r, KL_DLOGITS), op_at(r, KL_DLOSS),
                              op_at(r, KL_STATS), op_at(r, LOGITS), r->c->dim[0], r->c->dim[1],
                              r->acc & 1);
}

const op_family op_kl_uniform = {
    .name = "kl_uniform",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 1e-5,
    .setup = kl_uniform_setup,
    .forward = kl_uniform_forward,
    .backward = kl_uniform_backward,
    .any_threads = true,
    .reads_back = true,
};

/* logit_laplace: rows */
enum { LAPLACE_Y, LAPLACE_X, LAPLACE_LOSS, LAPLACE_DLOSS, LAPLACE_DY };

static void logit_laplace_setup(op_run *r)
{
    size_t rows = (size_t)r->c->dim[0];
    op_declare(r, LAPLACE_Y, "y", OP_IN, 6 * rows, 2);
    op_buffer *x = op_declare(r, LAPLACE_X, "x", OP_IN, 3 * rows, 0.4);
    for (size_t i = 0; i < x->n; i++) x->random[i] += (real)0.5;
    op_declare(r, LAPLACE_LOSS, "loss", OP_OUT, 1, 1);
    op_declare(r, LAPLACE_DLOSS, "dloss", OP_COT, 1, 1)->of = LAPLACE_LOSS;
    op_declare_grad(r, LAPLACE_DY, "dy", OP_GRAD, LAPLACE_Y, 0);
}

static void logit_laplace_forward(op_run *r)
{
    r->be->logit_laplace_fwd(r->dev, op_at(r, LAPLACE_LOSS), op_at(r, LAPLACE_Y),
                             op_at(r, LAPLACE_X), r->c->dim[0]);
}

static void logit_laplace_backward(op_run *r)
{
    if (op_at(r, LAPLACE_DY))
        r->be->logit_laplace_bwd(r->dev, op_at(r, LAPLACE_DY), op_at(r, LAPLACE_DLOSS),
                                 op_at(r, LAPLACE_Y), op_at(r, LAPLACE_X), r->c->dim[0],
                                 r->acc & 1);
}

const op_family op_logit_laplace = {
    .name = "logit_laplace",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 2e-6,
    .setup = logit_laplace_setup,
    .forward = logit_laplace_forward,
    .backward = logit_laplace_backward,
    .reads_back = true,
};
