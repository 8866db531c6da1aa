/* Convolution, pooling, pixels. */
#include "base/rng.h"
#include "ops/families.h"

/* conv2d: B, H, W, n, c, k, act; OP_BIAS */
enum { X, W, B, Y, DY, DX, DW, DB };

static size_t pixels_of(const op_case *c)
{
    return (size_t)c->dim[0] * c->dim[1] * c->dim[2];
}

static void conv2d_setup(op_run *r)
{
    const int *dim = r->c->dim;
    size_t m = pixels_of(r->c), n = (size_t)dim[3], c = (size_t)dim[4];
    op_declare(r, X, "x", OP_IN, m * c, 2);
    op_declare(r, W, "w", OP_IN, n * c * dim[5] * dim[5], 1);
    op_declare(r, B, "b", OP_IN, n, 1);
    op_declare(r, Y, "y", OP_OUT, m * n, 1);
    op_declare(r, DY, "dy", OP_COT, m * n, 1)->of = Y;
    op_declare_grad(r, DX, "dx", OP_GRAD, X, 0);
    op_declare_grad(r, DW, "dw", OP_SUM, W, 0);
    if (r->c->flags & OP_BIAS) op_declare_grad(r, DB, "db", OP_SUM, B, 0);
}

static void conv2d_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->conv2d_fwd(r->dev, op_at(r, Y), op_at(r, X), op_at(r, W),
                      r->c->flags & OP_BIAS ? op_at(r, B) : NULL, dim[0], dim[1], dim[2], dim[3],
                      dim[4], dim[5], (vl_act)dim[6]);
}

static void conv2d_backward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->conv2d_bwd(r->dev, op_at(r, DX), op_at(r, DW), op_at(r, DB), op_at(r, DY), op_at(r, X),
                      op_at(r, W), dim[0], dim[1], dim[2], dim[3], dim[4], dim[5], (vl_act)dim[6],
                      r->acc & 1);
}

static double conv2d_flops(const op_case *c, bool backward)
{
    return (backward ? 4.0 : 2.0) * (double)pixels_of(c) * c->dim[3] * c->dim[4] * c->dim[5] *
           c->dim[5];
}

const op_family op_conv2d = {
    .name = "conv2d",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 2e-6,
    .setup = conv2d_setup,
    .forward = conv2d_forward,
    .backward = conv2d_backward,
    .flops = conv2d_flops,
};

/* maxpool: B, H, W, c; with OP_TIES x is small whole numbers */
static void maxpool_setup(op_run *r)
{
    size_t n = pixels_of(r->c) * (size_t)r->c->dim[3];
    op_buffer *x = op_declare(r, X, "x", OP_IN, n, 2);
    for (size_t i = 0; r->c->flags & OP_TIES && i < n; i++)
        x->random[i] = (real)(int)x->random[i];
    op_declare(r, 1, "y", OP_OUT, n / 4, 1);
    op_declare(r, 2, "dy", OP_COT, n / 4, 1)->of = 1;
    op_declare_grad(r, 3, "dx", OP_GRAD, X, 0);
}

static void maxpool_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->maxpool_fwd(r->dev, op_at(r, 1), op_at(r, X), dim[0], dim[1], dim[2], dim[3]);
}

static void maxpool_backward(op_run *r)
{
    const int *dim = r->c->dim;
    if (op_at(r, 3))
        r->be->maxpool_bwd(r->dev, op_at(r, 3), op_at(r, 2), op_at(r, X), dim[0], dim[1], dim[2],
                           dim[3], r->acc & 1);
}

const op_family op_maxpool = {
    .name = "maxpool",
    .tolerance_fwd = 0,
    .tolerance_bwd = 0,
    .setup = maxpool_setup,
    .forward = maxpool_forward,
    .backward = maxpool_backward,
    .any_threads = true,
    .reads_back = true,
};

/* pixels: B, H, W */
static void pixels_setup(op_run *r)
{
    size_t n = 3 * pixels_of(r->c);
    uint8_t *image = op_bytes(r, 0, n);
    for (size_t i = 0; i < n; i++) image[i] = (uint8_t)vl_rng_below(op_key(r, 0), i, 256);
    op_declare(r, 0, "y", OP_OUT, n, 1);
}

static void pixels_run(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->pixels(r->dev, op_at(r, 0), r->bytes[0], 0.8, 0.1, dim[0], dim[1], dim[2]);
}

const op_family op_pixels = {
    .name = "pixels",
    .tolerance_fwd = 0,
    .setup = pixels_setup,
    .forward = pixels_run,
    .any_threads = true,
};
