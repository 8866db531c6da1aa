/* Attention, its position bias, attention received. */
#include <math.h>

#include "base/rng.h"
#include "ops/families.h"

/* relbias: heads, n, m */
enum { TABLE, BIAS, DBIAS, DTABLE };

static void relbias_setup(op_run *r)
{
    int heads = r->c->dim[0], n = r->c->dim[1], m = r->c->dim[2], *index = op_table(r, 0, n);
    for (int i = 0; i < n; i++)
        index[i] = (int)vl_rng_below(op_key(r, 0), (uint64_t)i, (uint32_t)m);
    op_declare(r, TABLE, "table", OP_IN, (size_t)m * heads, 1);
    op_declare(r, BIAS, "bias", OP_OUT, (size_t)heads * n, 1);
    op_declare(r, DBIAS, "dbias", OP_COT, (size_t)heads * n, 1)->of = BIAS;
    op_declare_grad(r, DTABLE, "dtable", OP_SUM, TABLE, 0);
}

static void relbias_forward(op_run *r)
{
    const int *dim = r->c->dim;
    r->be->relbias_fwd(r->dev, op_at(r, BIAS), op_at(r, TABLE), r->table[0], dim[0], dim[1],
                       dim[2]);
}

static void relbias_backward(op_run *r)
{
    const int *dim = r->c->dim;
    if (op_at(r, DTABLE))
        r->be->relbias_bwd(r->dev, op_at(r, DTABLE), op_at(r, DBIAS), r->table[0], dim[0], dim[1],
                           dim[2]);
}

const op_family op_relbias = {
    .name = "relbias",
    .tolerance_fwd = 0,
    .tolerance_bwd = 1e-6,
    .setup = relbias_setup,
    .forward = relbias_forward,
    .backward = relbias_backward,
};

/* attention: samples, n_win, n_q, n_k, heads, head_dim, gap (elements between rows that belong to
 * nobody; 0 in the model). p[0]: dropout. OP_PACKED: q|k|v are one matrix. OP_ROWS: tokens stand in
 * shuffled rows, three rows a sample stay empty. OP_MASK: a third of the keys is masked, and every
 * key of sequence 0; OP_MASK_ALL: of every sequence. */
enum { Q, K, V, BIAS_IN, O, LSE, DO, DQ, DK, DV, DBIAS_SUM, RECEIVED };
enum { EMPTY_ROWS = 3 };

/* A shuffled table (n_win, n) into n_win * n + EMPTY_ROWS rows. */
static int *shuffled_rows(op_run *r, int i, int n)
{
    int count = r->c->dim[1] * n, rows = count + EMPTY_ROWS;
    int *table = op_table(r, i, (size_t)rows);
    for (int a = 0; a < rows; a++) table[a] = a;
    for (int a = rows - 1; a > 0; a--) {
        int b = (int)vl_rng_below(op_key(r, 20 + (uint64_t)i), (uint64_t)a, (uint32_t)a + 1);
        int t = table[a];
        table[a] = table[b], table[b] = t;
    }
    return table;
}

static void shape_tables(op_run *r)
{
    const int *dim = r->c->dim, flags = r->c->flags;
    vl_attention *s = &r->attention;
    *s = (vl_attention){.n_seq = dim[0] * dim[1], .n_q = dim[2], .n_k = dim[3], .heads = dim[4],
                        .head_dim = dim[5], .n_win = dim[1], .region_penalty = -100,
                        .scale = (real)(1 / sqrt(dim[5])),
                        .drop = {r->c->p[0], op_key(r, 3)}};
    s->rows_per_sample_q = dim[1] * dim[2] + EMPTY_ROWS;
    s->rows_per_sample_k = dim[1] * dim[3] + EMPTY_ROWS;
    if (flags & OP_ROWS) {
        s->rows_q = shuffled_rows(r, 0, dim[2]);
        s->rows_k = flags & OP_PACKED ? s->rows_q : shuffled_rows(r, 1, dim[3]);
    }
    if (flags & OP_REGION) {
        int n = dim[1] * dim[3], *region = op_table(r, 2, (size_t)n);
        for (int i = 0; i < n; i++)
            region[i] = (int)vl_rng_below(op_key(r, 4), (uint64_t)i, 3);
        s->region = region;
    }
    if (flags & (OP_MASK | OP_MASK_ALL)) {
        int n = s->n_seq * dim[3];
        uint8_t *mask = op_bytes(r, 0, (size_t)n);
        for (int i = 0; i < n; i++)
            mask[i] = i >= dim[3] && !(flags & OP_MASK_ALL) &&
                      vl_rng_below(op_key(r, 5), (uint64_t)i, 3) > 0;
        s->key_mask = mask;
    }
}

static size_t matrix_rows(const op_run *r, int n)
{
    const int *dim = r->c->dim;
    return (size_t)dim[0] * ((size_t)dim[1] * n + (r->c->flags & OP_ROWS ? EMPTY_ROWS : 0));
}

static int columns(const op_run *r)
{
    return r->c->dim[4] * r->c->dim[5];
}

static int ld(const op_run *r)
{
    return (r->c->flags & OP_PACKED ? 3 : 1) * columns(r) + r->c->dim[6];
}

static void declare_inputs(op_run *r)
{
    const int *dim = r->c->dim;
    size_t q_n = matrix_rows(r, dim[2]) * ld(r), k_n = matrix_rows(r, dim[3]) * ld(r);
    shape_tables(r);
    op_declare(r, Q, r->c->flags & OP_PACKED ? "qkv" : "q", OP_IN, q_n, 2);
    if (!(r->c->flags & OP_PACKED)) {
        op_declare(r, K, "k", OP_IN, k_n, 2);
        op_declare(r, V, "v", OP_IN, k_n, 1);
    }
    if (r->c->flags & OP_BIAS)
        op_declare(r, BIAS_IN, "bias", OP_IN, (size_t)dim[4] * dim[2] * dim[3], 1);
}

static void attention_setup(op_run *r)
{
    const int *dim = r->c->dim;
    declare_inputs(r);
    size_t o_n = matrix_rows(r, dim[2]) * (columns(r) + dim[6]);
    op_declare(r, O, "o", OP_OUT, o_n, 1);
    op_declare(r, LSE, "lse", OP_SAVED, (size_t)dim[0] * dim[1] * dim[4] * dim[2], 1);
    op_declare(r, DO, "do", OP_COT, o_n, 1)->of = O;
    op_buffer *dq = op_declare_grad(r, DQ, r->c->flags & OP_PACKED ? "dqkv" : "dq", OP_GRAD, Q, 0);
    dq->nullable = !(r->c->flags & OP_PACKED);
    if (!(r->c->flags & OP_PACKED)) {
        op_declare_grad(r, DK, "dk", OP_GRAD, K, 1);
        op_declare_grad(r, DV, "dv", OP_GRAD, V, 1);
    }
    if (r->c->flags & OP_BIAS) op_declare_grad(r, DBIAS_SUM, "dbias", OP_SUM, BIAS_IN, 0);
}

/* q, k or v, or their gradients from DQ on: packed, or each its own matrix. */
static real *part(const op_run *r, int first, int i)
{
    if (r->c->flags & OP_PACKED) return op_at(r, first) + i * columns(r);
    return op_at(r, first + i);
}

static void attention_forward(op_run *r)
{
    r->be->attention_fwd(r->dev, op_at(r, O), op_at(r, LSE), part(r, Q, 0), part(r, Q, 1),
                         part(r, Q, 2), op_at(r, BIAS_IN), columns(r) + r->c->dim[6], ld(r),
                         ld(r), &r->attention);
}

static void attention_backward(op_run *r)
{
    int acc_kv = r->c->flags & OP_PACKED ? r->acc & 1 : r->acc >> 1 & 1;
    r->be->attention_bwd(r->dev, part(r, DQ, 0), part(r, DQ, 1), part(r, DQ, 2),
                         op_at(r, DBIAS_SUM), op_at(r, DO), op_at(r, O), op_at(r, LSE),
                         part(r, Q, 0), part(r, Q, 1), part(r, Q, 2), op_at(r, BIAS_IN),
                         columns(r) + r->c->dim[6], ld(r), ld(r), &r->attention, r->acc & 1,
                         acc_kv);
}

/* Two products forward; five backward, one of them the recomputed scores. */
static double attention_flops(const op_case *c, bool backward)
{
    const int *d = c->dim;
    return (backward ? 10.0 : 4.0) * d[0] * d[1] * d[2] * d[3] * d[4] * d[5];
}

const op_family op_attention = {
    .name = "attention",
    .tolerance_fwd = 2e-6,
    .tolerance_bwd = 1e-5,
    .setup = attention_setup,
    .forward = attention_forward,
    .backward = attention_backward,
    .flops = attention_flops,
};

/* received: as attention; with OP_MASK also a query mask */
static void received_setup(op_run *r)
{
    declare_inputs(r);
    size_t n = (size_t)r->attention.n_seq * r->attention.n_q;
    op_declare(r, RECEIVED, "received", OP_SUM,
               (size_t)r->attention.n_seq * r->attention.n_k, 1);
    uint8_t *query = op_bytes(r, 1, n);
    for (size_t i = 0; i < n; i++) query[i] = (uint8_t)vl_rng_below(op_key(r, 6), i, 2);
}

static void received_run(op_run *r)
{
    r->be->attention_received(r->dev, op_at(r, RECEIVED), part(r, Q, 0), part(r, Q, 1),
                              op_at(r, BIAS_IN), ld(r), ld(r),
                              r->c->flags & OP_MASK ? r->bytes[1] : NULL, &r->attention);
}

static double received_flops(const op_case *c, bool backward)
{
    return attention_flops(c, backward) / 2;
}

const op_family op_received = {
    .name = "received",
    .tolerance_fwd = 2e-6,
    .setup = received_setup,
    .forward = received_run,
    .flops = received_flops,
};
