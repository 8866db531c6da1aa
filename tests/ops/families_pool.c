/* Means over rows, rows of length 1. */
#include "ops/families.h"

enum { X, Y, DY, DX, NORM };

/* mean: n_seq, n, cols; OP_MASK: every third row unseen, OP_MASK_ALL: the last sequence, too */
static const uint8_t *mask_of(const op_run *r)
{
    return r->c->flags & (OP_MASK | OP_MASK_ALL) ? r->bytes[0] : NULL;
}

static void mean_setup(op_run *r)
{
    size_t n_seq = (size_t)r->c->dim[0], n = (size_t)r->c->dim[1], cols = (size_t)r->c->dim[2];
    op_declare(r, X, "x", OP_IN, n_seq * n * cols, 1);
    op_declare(r, Y, "y", OP_OUT, n_seq * cols, 1);
    op_declare(r, DY, "dy", OP_COT, n_seq * cols, 1)->of = Y;
    op_declare_grad(r, DX, "dx", OP_GRAD, X, 0);
    if (!(r->c->flags & (OP_MASK | OP_MASK_ALL))) return;
    uint8_t *mask = op_bytes(r, 0, n_seq * n);
    for (size_t i = 0; i < n_seq * n; i++) {
        bool none = r->c->flags & OP_MASK_ALL && i >= (n_seq - 1) * n;
        mask[i] = !none && (i + r->seed) % 3 != 0;
    }
}

static void mean_forward(op_run *r)
{
    r->be->mean_fwd(r->dev, op_at(r, Y), op_at(r, X), mask_of(r), r->c->dim[0], r->c->dim[1],
                    r->c->dim[2]);
}

static void mean_backward(op_run *r)
{
    if (op_at(r, DX))
        r->be->mean_bwd(r->dev, op_at(r, DX), op_at(r, DY), mask_of(r), r->c->dim[0],
                        r->c->dim[1], r->c->dim[2], r->acc & 1);
}

const op_family op_mean = {
    .name = "mean",
    .tolerance_fwd = 1e-6,
    .tolerance_bwd = 2e-7,
    .setup = mean_setup,
    .forward = mean_forward,
    .backward = mean_backward,
    .any_threads = true,
};

/* unit: rows, cols; OP_IGNORE_ALL: the first row is zeros */
static void unit_setup(op_run *r)
{
    size_t rows = (size_t)r->c->dim[0], cols = (size_t)r->c->dim[1];
    op_buffer *x = op_declare(r, X, "x", OP_IN, rows * cols, 3);
    for (size_t i = 0; r->c->flags & OP_IGNORE_ALL && i < cols; i++) x->random[i] = 0;
    op_declare(r, Y, "y", OP_OUT, rows * cols, 1);
    op_declare(r, DY, "dy", OP_COT, rows * cols, 1)->of = Y;
    op_declare_grad(r, DX, "dx", OP_GRAD, X, 0);
    op_declare(r, NORM, "norm", OP_SAVED, rows, 1);
}

static void unit_forward(op_run *r)
{
    r->be->unit_fwd(r->dev, op_at(r, Y), op_at(r, NORM), op_at(r, X), r->c->dim[0], r->c->dim[1]);
}

static void unit_backward(op_run *r)
{
    if (op_at(r, DX))
        r->be->unit_bwd(r->dev, op_at(r, DX), op_at(r, DY), op_at(r, Y), op_at(r, NORM),
                        r->c->dim[0], r->c->dim[1], r->acc & 1);
}

const op_family op_unit = {
    .name = "unit",
    .tolerance_fwd = 2e-7,
    .tolerance_bwd = 1e-6,
    .setup = unit_setup,
    .forward = unit_forward,
    .backward = unit_backward,
    .any_threads = true,
    .reads_back = true,
};
