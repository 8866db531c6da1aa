/* Matrix products, activations, normalisation and residuals. */
#include "base/rng.h"
#include "ops/families.h"

/* linear: m, n, k, act; OP_BIAS */
enum { X, W, B, Y, DY, DX, DW, DB };

static void linear_setup(op_run *r)
{
    size_t m = (size_t)r->c->dim[0], n = (size_t)r->c->dim[1], k = (size_t)r->c->dim[2];
    op_declare(r, X, "x", OP_IN, m * k, 2);
    op_declare(r, W, "w", OP_IN, n * k, 1);
    op_declare(r, B, "b", OP_IN, n, 1);
    op_declare(r, Y, "y", OP_OUT, m * n, 1);
    op_declare(r, DY, "dy", OP_COT, m * n, 1)->of = Y;
    op_declare_grad(r, DX, "dx", OP_GRAD, X, 0);
    op_declare_grad(r, DW, "dw", OP_SUM, W, 0);
    if (r->c->flags & OP_BIAS) op_declare_grad(r, DB, "db", OP_SUM, B, 0);
}

static void linear_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->linear_fwd(r->dev, op_at(r, Y), op_at(r, X), op_at(r, W),
                      r->c->flags & OP_BIAS ? op_at(r, B) : NULL, dim[0], dim[1], dim[2],
                      (vl_act)dim[3]);
}

static void linear_backward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->linear_bwd(r->dev, op_at(r, DX), op_at(r, DW), op_at(r, DB), op_at(r, DY), op_at(r, X),
                      op_at(r, W), dim[0], dim[1], dim[2], (vl_act)dim[3], r->acc & 1);
}

static double linear_flops(const op_case *c, bool backward)
{
    return (backward ? 4.0 : 2.0) * c->dim[0] * c->dim[1] * c->dim[2];
}

const op_family op_linear = {
    .name = "linear",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 2e-6,
    .setup = linear_setup,
    .forward = linear_forward,
    .backward = linear_backward,
    .flops = linear_flops,
};

/* act: n, act, largest x */
static void act_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0];
    op_declare(r, X, "x", OP_IN, n, r->c->dim[2]);
    op_declare(r, Y, "y", OP_OUT, n, 1);
    op_declare(r, DY, "dy", OP_COT, n, 1)->of = Y;
    op_declare_grad(r, DX, "dx", OP_GRAD, X, 0);
}

static void act_forward(op_run *r)
{
    r->be->act_fwd(r->dev, op_at(r, Y), op_at(r, X), (size_t)r->c->dim[0], (vl_act)r->c->dim[1]);
}

static void act_backward(op_run *r)
{
    if (op_at(r, DX))
        r->be->act_bwd(r->dev, op_at(r, DX), op_at(r, DY), op_at(r, X), (size_t)r->c->dim[0],
                       (vl_act)r->c->dim[1], r->acc & 1);
}

const op_family op_act = {
    .name = "act",
    .tolerance_fwd = 1e-6,
    .tolerance_bwd = 1e-6,
    .setup = act_setup,
    .forward = act_forward,
    .backward = act_backward,
    .reads_back = true,
};

/* layernorm: rows, cols, offset added to x (a mean far from zero costs digits) */
enum { STATS = DB + 1 };

static void layernorm_setup(op_run *r)
{
    size_t rows = (size_t)r->c->dim[0], cols = (size_t)r->c->dim[1];
    op_buffer *x = op_declare(r, X, "x", OP_IN, rows * cols, 1);
    for (size_t i = 0; i < x->n; i++) x->random[i] += (real)r->c->dim[2];
    op_declare(r, W, "w", OP_IN, cols, 2);
    op_declare(r, B, "b", OP_IN, cols, 1);
    op_declare(r, Y, "y", OP_OUT, rows * cols, 1);
    op_declare(r, DY, "dy", OP_COT, rows * cols, 1)->of = Y;
    op_declare_grad(r, DX, "dx", OP_GRAD, X, 0);
    op_declare_grad(r, DW, "dw", OP_SUM, W, 0);
    op_declare_grad(r, DB, "db", OP_SUM, B, 0);
    op_declare(r, STATS, "stats", OP_SAVED, rows * 2, 1);
}

static void layernorm_forward(op_run *r)
{
    r->be->layernorm_fwd(r->dev, op_at(r, Y), op_at(r, STATS), op_at(r, X), op_at(r, W),
                         op_at(r, B), r->c->dim[0], r->c->dim[1], (real)1e-5);
}

static void layernorm_backward(op_run *r)
{
    r->be->layernorm_bwd(r->dev, op_at(r, DX), op_at(r, DW), op_at(r, DB), op_at(r, DY),
                         op_at(r, STATS), op_at(r, X), op_at(r, W), r->c->dim[0], r->c->dim[1],
                         r->acc & 1);
}

const op_family op_layernorm = {
    .name = "layernorm",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 2e-6,
    .setup = layernorm_setup,
    .forward = layernorm_forward,
    .backward = layernorm_backward,
    .reads_back = true,
};

/* residual: rows, cols, rows_per_sample; OP_NO_X; p = {elem, path} */
enum { R = W, DR = DW };

static vl_drop drop_of(const op_run *r, int i)
{
    return (vl_drop){r->c->p[i], op_key(r, 10 + (uint64_t)i)};
}

static void residual_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0] * r->c->dim[1];
    op_declare(r, X, "x", OP_IN, n, 1);
    op_declare(r, R, "r", OP_IN, n, 1);
    op_declare(r, Y, "y", OP_OUT, n, 1);
    op_declare(r, DY, "dy", OP_COT, n, 1)->of = Y;
    op_declare_grad(r, DR, "dr", OP_GRAD, R, 0);
}

static void residual_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->residual_fwd(r->dev, op_at(r, Y), r->c->flags & OP_NO_X ? NULL : op_at(r, X),
                        op_at(r, R), drop_of(r, 0), drop_of(r, 1), dim[2], dim[0], dim[1]);
}

static void residual_backward(op_run *r)
{
    const int *dim = r->c->dim;
    if (op_at(r, DR))
        r->be->residual_bwd(r->dev, op_at(r, DR), op_at(r, DY), drop_of(r, 0), drop_of(r, 1),
                            dim[2], dim[0], dim[1], r->acc & 1);
}

const op_family op_residual = {
    .name = "residual",
    .tolerance_fwd = 2e-7,
    .tolerance_bwd = 2e-7,
    .setup = residual_setup,
    .forward = residual_forward,
    .backward = residual_backward,
    .any_threads = true,
};

/* residual in place: rows, cols, rows_per_sample, alias (0: y is x, 1: y is r); dr is dy */
static void residual_in_place_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0] * r->c->dim[1];
    op_declare(r, X, "x", r->c->dim[3] == 0 ? OP_INOUT : OP_IN, n, 1);
    op_declare(r, R, "r", r->c->dim[3] == 1 ? OP_INOUT : OP_IN, n, 1);
    op_declare(r, DY, "dy", OP_INOUT, n, 1)->backward = true;
}

static void residual_in_place_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->residual_fwd(r->dev, op_at(r, dim[3] ? R : X),
                        r->c->flags & OP_NO_X ? NULL : op_at(r, X), op_at(r, R), drop_of(r, 0),
                        drop_of(r, 1), dim[2], dim[0], dim[1]);
}

static void residual_in_place_backward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->residual_bwd(r->dev, op_at(r, DY), op_at(r, DY), drop_of(r, 0), drop_of(r, 1), dim[2],
                        dim[0], dim[1], 0);
}

const op_family op_residual_in_place = {
    .name = "residual in place",
    .tolerance_fwd = 2e-7,
    .tolerance_bwd = 2e-7,
    .setup = residual_in_place_setup,
    .forward = residual_in_place_forward,
    .backward = residual_in_place_backward,
    .any_threads = true,
};
