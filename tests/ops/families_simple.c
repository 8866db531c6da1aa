/* Copies and sums, rows by a table, pictures, loss, optimiser. */
#include <stdlib.h>

#include "base/rng.h"
#include "ops/families.h"

/* fill: n */
static void fill_setup(op_run *r)
{
    op_declare(r, 0, "x", OP_OUT, (size_t)r->c->dim[0], 1);
}

static void fill_run(op_run *r)
{
    r->be->fill(r->dev, op_at(r, 0), (real)0.3, (size_t)r->c->dim[0]);
}

const op_family op_fill = {
    .name = "fill",
    .tolerance_fwd = 0,
    .setup = fill_setup,
    .forward = fill_run,
    .any_threads = true,
};

/* move: n, elements to shift by (negative: down); the two overlap */
static void move_setup(op_run *r)
{
    op_declare(r, 0, "x", OP_INOUT, (size_t)(r->c->dim[0] + abs(r->c->dim[1])), 1);
}

static void move_run(op_run *r)
{
    int by = r->c->dim[1];
    real *x = op_at(r, 0);
    r->be->move(r->dev, by > 0 ? x + by : x, by > 0 ? x : x - by, (size_t)r->c->dim[0]);
}

const op_family op_move = {
    .name = "move",
    .tolerance_fwd = 0,
    .setup = move_setup,
    .forward = move_run,
    .any_threads = true,
};

/* accumulate: n */
static void accumulate_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0];
    op_declare(r, 0, "x", OP_IN, n, 1);
    op_declare(r, 1, "y", OP_GRAD, n, 1);
}

static void accumulate_run(op_run *r)
{
    r->be->accumulate(r->dev, op_at(r, 1), op_at(r, 0), (real)0.7, (size_t)r->c->dim[0],
                      r->acc & 1);
}

const op_family op_accumulate = {
    .name = "accumulate",
    .tolerance_fwd = 2e-7,
    .setup = accumulate_setup,
    .forward = accumulate_run,
    .any_threads = true,
};

/* add: n, alias (0: none, 1: y is a, 2: y is b, 3: all the same) */
static void add_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0];
    int alias = r->c->dim[1];
    op_declare(r, 0, "a", alias & 1 ? OP_INOUT : OP_IN, n, 1);
    op_declare(r, 1, "b", alias == 2 ? OP_INOUT : OP_IN, n, 1);
    op_declare(r, 2, "y", alias ? OP_IN : OP_OUT, n, 1);
}

static void add_run(op_run *r)
{
    static const int y_of[4] = {2, 0, 1, 0};
    int alias = r->c->dim[1];
    r->be->add(r->dev, op_at(r, y_of[alias]), op_at(r, 0), op_at(r, alias == 3 ? 0 : 1),
               (size_t)r->c->dim[0]);
}

const op_family op_add = {
    .name = "add",
    .tolerance_fwd = 0,
    .setup = add_setup,
    .forward = add_run,
    .any_threads = true,
};

/* sum_squares: n. The sum is kept as two reals, so that a float keeps most of the double. */
static void sum_squares_setup(op_run *r)
{
    op_declare(r, 0, "x", OP_IN, (size_t)r->c->dim[0], 1);
    op_declare(r, 1, "sum", OP_OUT, 2, 1);
}

static void sum_squares_run(op_run *r)
{
    double sum = r->be->sum_squares(r->dev, op_at(r, 0), (size_t)r->c->dim[0]);
    op_at(r, 1)[0] = (real)sum;
    op_at(r, 1)[1] = (real)(sum - op_at(r, 1)[0]);
}

const op_family op_sum_squares = {
    .name = "sum_squares",
    .tolerance_fwd = 1e-12,
    .setup = sum_squares_setup,
    .forward = sum_squares_run,
    .any_threads = true,
};

/* gather: rows, cols, a_rows, b_rows (0: NULL). The table has random rows and -1s, rows repeat; or
 * with OP_INVERSE it is injective and the backward is told its inverse. */
enum { GATHER_A, GATHER_B, GATHER_Y, GATHER_DY, GATHER_DA, GATHER_DB };

static void gather_setup(op_run *r)
{
    const int *dim = r->c->dim;
    int rows = dim[0], all = dim[2] + dim[3];
    size_t cols = (size_t)dim[1];
    int *table = op_table(r, 0, (size_t)rows), *back = op_table(r, 1, (size_t)all);
    for (int j = 0; j < all; j++) back[j] = -1;
    for (int i = 0; i < rows; i++) {
        int to = (int)vl_rng_below(op_key(r, 0), (uint64_t)i, (uint32_t)all + 1) - 1;
        if (r->c->flags & OP_INVERSE && to >= 0 && back[to] >= 0) to = -1;
        if (to >= 0) back[to] = i;
        table[i] = to;
    }
    op_declare(r, GATHER_A, "a", OP_IN, dim[2] * cols, 1);
    op_declare(r, GATHER_B, "b", OP_IN, dim[3] * cols, 1);
    op_declare(r, GATHER_Y, "y", OP_OUT, rows * cols, 1);
    op_declare(r, GATHER_DY, "dy", OP_COT, rows * cols, 1)->of = GATHER_Y;
    op_declare_grad(r, GATHER_DA, "da", OP_GRAD, GATHER_A, 0);
    op_declare_grad(r, GATHER_DB, "db", OP_GRAD, GATHER_B, 0);
}

static void gather_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->gather_fwd(r->dev, op_at(r, GATHER_Y), op_at(r, GATHER_A),
                      dim[3] ? op_at(r, GATHER_B) : NULL, r->table[0], dim[0], dim[1], dim[2]);
}

static void gather_backward(op_run *r)
{
    const int *dim = r->c->dim, *back = r->c->flags & OP_INVERSE ? r->table[1] : NULL;
    if (op_at(r, GATHER_DA))
        r->be->gather_bwd(r->dev, op_at(r, GATHER_DA), op_at(r, GATHER_DY), r->table[0], back,
                          dim[0], dim[1], 0, dim[2], r->acc & 1);
    if (op_at(r, GATHER_DB) && dim[3])
        r->be->gather_bwd(r->dev, op_at(r, GATHER_DB), op_at(r, GATHER_DY), r->table[0],
                          back ? back + dim[2] : NULL, dim[0], dim[1], dim[2], dim[3],
                          r->acc & 1);
}

const op_family op_gather = {
    .name = "gather",
    .tolerance_fwd = 0,
    .tolerance_bwd = 1e-6,
    .setup = gather_setup,
    .forward = gather_forward,
    .backward = gather_backward,
};

/* patches: B, T, H, W */
static void patches_setup(op_run *r)
{
    const int *dim = r->c->dim;
    size_t n = (size_t)dim[0] * dim[1] * 3 * dim[2] * dim[3];
    uint8_t *image = op_bytes(r, 0, n);
    for (size_t i = 0; i < n; i++) image[i] = (uint8_t)vl_rng_below(op_key(r, 0), i, 256);
    size_t rows = (size_t)dim[0] * dim[1] * ((dim[2] + 3) / 4) * ((dim[3] + 3) / 4);
    op_declare(r, 0, "y", OP_OUT, rows * 96, 1);
}

static void patches_run(op_run *r)
{
    static const real mean[3] = {(real)0.485, (real)0.456, (real)0.406};
    static const real deviation[3] = {(real)0.229, (real)0.224, (real)0.225};
    const int *dim = r->c->dim;
    r->be->patches(r->dev, op_at(r, 0), r->bytes[0], mean, deviation, dim[0], dim[1], dim[2],
                   dim[3]);
}

const op_family op_patches = {
    .name = "patches",
    .tolerance_fwd = 1e-6,
    .setup = patches_setup,
    .forward = patches_run,
};

/* xent: m, n, hundredths of scale, largest logit (0: 4). A fifth of the rows is ignored, all with
 * OP_IGNORE_ALL; with OP_TIES logits are small whole numbers. */
enum { XENT_LOGITS, XENT_LOSS, XENT_LSE, XENT_BEST, XENT_DLOSS, XENT_DLOGITS };

static real xent_scale(const op_run *r)
{
    return (real)(r->c->dim[2] / 100.0);
}

static void xent_setup(op_run *r)
{
    int m = r->c->dim[0], n = r->c->dim[1];
    int *target = op_table(r, 0, (size_t)m);
    op_table(r, 1, (size_t)m + 1)[m] = 0x5a5a5a5a;
    for (int i = 0; i < m; i++) {
        target[i] = (int)vl_rng_below(op_key(r, 0), (uint64_t)i, (uint32_t)n);
        bool ignored = vl_rng_below(op_key(r, 1), (uint64_t)i, 5) == 0 && m > 1;
        if (ignored || r->c->flags & OP_IGNORE_ALL) target[i] = -1;
    }
    double most = r->c->dim[3] ? r->c->dim[3] : 4;
    op_buffer *logits = op_declare(r, XENT_LOGITS, "logits", OP_IN, (size_t)m * n, most);
    for (size_t i = 0; r->c->flags & OP_TIES && i < logits->n; i++)
        logits->random[i] = (real)(int)logits->random[i];
    op_declare(r, XENT_LOSS, "loss", OP_OUT, 1, 1);
    op_declare(r, XENT_LSE, "lse", OP_SAVED, (size_t)m, 1);
    op_declare(r, XENT_BEST, "best", OP_OUT, (size_t)m, 1);
    op_declare(r, XENT_DLOSS, "dloss", OP_COT, 1, 1)->of = XENT_LOSS;
    op_declare_grad(r, XENT_DLOGITS, "dlogits", OP_GRAD, XENT_LOGITS, 0);
}

static void xent_forward(op_run *r)
{
    int m = r->c->dim[0], *best = r->table[1];
    for (int i = 0; i < m; i++) best[i] = -1;
    r->be->xent_fwd(r->dev, op_at(r, XENT_LOSS), op_at(r, XENT_LSE), best, op_at(r, XENT_LOGITS),
                    r->table[0], m, r->c->dim[1], xent_scale(r));
    /* best as reals, to be compared with the others; a guard int written over shows up as -2 */
    for (int i = 0; i < m; i++)
        op_at(r, XENT_BEST)[i] = best[m] == 0x5a5a5a5a ? (real)best[i] : -2;
}

static void xent_backward(op_run *r)
{
    if (op_at(r, XENT_DLOGITS))
        r->be->xent_bwd(r->dev, op_at(r, XENT_DLOGITS), op_at(r, XENT_DLOSS), op_at(r, XENT_LSE),
                        op_at(r, XENT_LOGITS), r->table[0], r->c->dim[0], r->c->dim[1],
                        xent_scale(r), r->acc & 1);
}

const op_family op_xent = {
    .name = "xent",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 1e-5,
    .setup = xent_setup,
    .forward = xent_forward,
    .backward = xent_backward,
    .reads_back = true,
};

/* adamw: n, step */
enum { ADAMW_P, ADAMW_M, ADAMW_V, ADAMW_G };

static void adamw_setup(op_run *r)
{
    size_t n = (size_t)r->c->dim[0];
    op_declare(r, ADAMW_P, "p", OP_INOUT, n, 1);
    op_declare(r, ADAMW_M, "m", OP_INOUT, n, 0.1);
    op_buffer *v = op_declare(r, ADAMW_V, "v", OP_INOUT, n, 0.1);
    op_buffer *g = op_declare(r, ADAMW_G, "g", OP_IN, n, 2);
    for (size_t i = 0; i < n; i++) v->random[i] *= v->random[i];
    for (size_t i = 0; i < n; i += 7) g->random[i] = v->random[i] = 0; /* only eps is left below */
}

static void adamw_run(op_run *r)
{
    double b1 = 0.9, b2 = 0.98, c1 = 1, c2 = 1;
    for (int i = 0; i < r->c->dim[1]; i++) c1 *= b1, c2 *= b2;
    r->be->adamw(r->dev, op_at(r, ADAMW_P), op_at(r, ADAMW_M), op_at(r, ADAMW_V),
                 op_at(r, ADAMW_G), (size_t)r->c->dim[0], 0.37, 0.01, b1, b2, 1e-4, 0.05, 1 - c1,
                 1 - c2);
}

const op_family op_adamw = {
    .name = "adamw",
    .tolerance_fwd = 1e-6,
    .setup = adamw_setup,
    .forward = adamw_run,
    .any_threads = true,
};
