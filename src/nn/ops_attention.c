/* Attention on the tape; see ops.h. The scores are never stored: the backward computes them again
 * from q, k and the log-sum-exp of each row. */
#include "nn/ops.h"

#include "base/rng.h"

/* ---- relative position bias ----------------------------------------------------------------- */

typedef struct relbias_saved {
    const int *index;
    int n;
} relbias_saved;

static void relbias_backward(vl_tape *t, vl_node *n)
{
    const relbias_saved *s = n->saved;
    vl_tensor *table = n->in[0];
    int acc;
    real *dtable = vl_tape_grad(t, table, &acc);
    if (dtable)
        t->backend->relbias_bwd(t->device, dtable, n->out->g, s->index, table->cols, s->n,
                                table->rows);
}

vl_tensor *vl_relative_bias(vl_tape *t, const vl_tensor *table, const int *index, int n)
{
    vl_tensor *y = vl_tape_tensor(t, table->cols, n, table->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->relbias_fwd(t->device, y->x, table->x, index, table->cols, n, table->rows);
    vl_node *node = vl_tape_record(t, relbias_backward, y);
    relbias_saved *s = node ? vl_tape_alloc(t, sizeof *s) : NULL;
    if (!s) return y;
    *s = (relbias_saved){index, n};
    node->in[0] = (vl_tensor *)table;
    node->saved = s;
    return y;
}

/* ---- attention ------------------------------------------------------------------------------ */

typedef struct attention_saved {
    vl_attention shape;
    real *lse;
} attention_saved;

/* Where q, k and v (or their gradients) stand in one packed matrix, or in a q and a k|v. */
typedef struct parts {
    real *q, *k, *v;
    int ldq, ldkv;
} parts;

static parts parts_of(real *q, real *kv, int C)
{
    if (kv) return (parts){q, kv, kv + C, C, 2 * C};
    return (parts){q, q ? q + C : NULL, q ? q + 2 * C : NULL, 3 * C, 3 * C};
}

/* The bias' gradient is always added to, so a first arrival starts from zero. */
static real *bias_grad(vl_tape *t, vl_tensor *bias)
{
    int acc = 1;
    real *g = bias ? vl_tape_grad(t, bias, &acc) : NULL;
    if (g && !acc) t->backend->fill(t->device, g, 0, (size_t)bias->rows * bias->cols);
    return g;
}

/* Whether tokens stand in all `rows` rows; where they do not, gradients and outputs begin as 0. */
static int covers(const vl_attention *s, int n, int rows)
{
    return (long)s->n_seq * n == rows;
}

static real *grad_zeroed_if(vl_tape *t, vl_tensor *x, int *acc, int zero)
{
    real *g = vl_tape_grad(t, x, acc);
    if (g && !*acc && zero) {
        t->backend->fill(t->device, g, 0, (size_t)x->rows * x->cols);
        *acc = 1;
    }
    return g;
}

static void attention_backward(vl_tape *t, vl_node *n)
{
    const attention_saved *s = n->saved;
    vl_tensor *q = n->in[0], *kv = n->in[1], *bias = n->in[2], *o = n->out;
    int C = o->cols, acc_q = 0, acc_kv = 0;
    real *dq = grad_zeroed_if(t, q, &acc_q, !covers(&s->shape, s->shape.n_q, q->rows));
    real *dkv =
        kv ? grad_zeroed_if(t, kv, &acc_kv, !covers(&s->shape, s->shape.n_k, kv->rows)) : NULL;
    real *dbias = bias_grad(t, bias);
    if (vl_tape_failed(t)) return;
    if (!kv) acc_kv = acc_q;
    parts x = parts_of(q->x, kv ? kv->x : NULL, C), g = parts_of(dq, dkv, C);
    t->backend->attention_bwd(t->device, g.q, g.k, g.v, dbias, o->g, o->x, s->lse, x.q, x.k, x.v,
                              bias ? bias->x : NULL, C, x.ldq, x.ldkv, &s->shape, acc_q, acc_kv);
}

static vl_tensor *attention(vl_tape *t, const vl_tensor *q, const vl_tensor *kv,
                            const vl_tensor *bias, vl_attention s)
{
    int C = s.heads * s.head_dim;
    long pairs = (long)s.n_q * s.n_k;
    if (q->cols != (kv ? C : 3 * C) || (kv && kv->cols != 2 * C) ||
        (bias && (bias->rows != s.heads || bias->cols != pairs)) || s.n_seq % s.n_win ||
        (!s.rows_q && q->rows != s.n_seq * s.n_q)) {
        vl_tape_fail(
            t, VIOLET_ESHAPE,
            "attention: q is %dx%d, %d sequences of %d queries and %d keys, %d heads of %d",
            q->rows, q->cols, s.n_seq, s.n_q, s.n_k, s.heads, s.head_dim);
        return &t->dead;
    }
    uint64_t site = t->site++;
    if (t->training && s.drop.p > 0)
        s.drop.key = vl_rng_key(t->seed, t->step, site);
    else
        s.drop = (vl_drop){0, 0};
    int wants = q->wants_grad || (kv && kv->wants_grad) || (bias && bias->wants_grad);
    vl_tensor *o = vl_tape_tensor(t, q->rows, C, wants);
    real *lse = vl_tape_alloc(t, (size_t)s.n_seq * s.heads * s.n_q * sizeof *lse);
    if (vl_tape_failed(t)) return &t->dead;
    if (!covers(&s, s.n_q, q->rows)) t->backend->fill(t->device, o->x, 0, (size_t)o->rows * C);
    parts x = parts_of(q->x, kv ? kv->x : NULL, C);
    t->backend->attention_fwd(t->device, o->x, lse, x.q, x.k, x.v, bias ? bias->x : NULL, C, x.ldq,
                              x.ldkv, &s);
    vl_node *n = vl_tape_record(t, attention_backward, o);
    attention_saved *saved = n ? vl_tape_alloc(t, sizeof *saved) : NULL;
    if (!saved) return o;
    *saved = (attention_saved){s, lse};
    n->in[0] = (vl_tensor *)q;
    n->in[1] = (vl_tensor *)kv;
    n->in[2] = (vl_tensor *)bias;
    n->saved = saved;
    return o;
}

vl_tensor *vl_attention_packed(vl_tape *t, const vl_tensor *qkv, const vl_tensor *bias,
                               vl_attention s)
{
    if (vl_tape_failed(t)) return &t->dead;
    return attention(t, qkv, NULL, bias, s);
}

vl_tensor *vl_attention_cross(vl_tape *t, const vl_tensor *q, const vl_tensor *kv,
                              const vl_tensor *bias, vl_attention s)
{
    if (vl_tape_failed(t)) return &t->dead;
    return attention(t, q, kv, bias, s);
}

/* ---- one query a sequence -------------------------------------------------------------------- */

/* Tables between rows by sequence, (n_seq, heads), and by head, where each head's block begins at a
 * multiple of 16 rows, so that it is aligned whatever a row's length. */
typedef struct by_head {
    int block;      /* rows of a head */
    int *to, *back; /* (heads * block), (n_seq * heads) */
} by_head;

static int fill_by_head(vl_tape *t, by_head *k, int n_seq, int heads)
{
    k->block = (n_seq + 15) / 16 * 16;
    k->to = vl_tape_alloc(t, (size_t)heads * (size_t)k->block * sizeof *k->to);
    k->back = vl_tape_alloc(t, (size_t)n_seq * (size_t)heads * sizeof *k->back);
    if (vl_tape_failed(t)) return 0;
    for (int i = 0; i < heads * k->block; i++) {
        int h = i / k->block, seq = i % k->block;
        k->to[i] = seq < n_seq ? seq * heads + h : -1;
        if (seq < n_seq) k->back[k->to[i]] = i;
    }
    return 1;
}

/* What queries by head, (heads * block, head_dim), make of x: sums of its rows, weighted by
 * softmax, (heads * block, C). The keys' bias adds the same to all scores of a query, so it is left
 * out. */
static vl_tensor *weighted_rows(vl_tape *t, const by_head *k, const vl_tensor *q,
                                const vl_tensor *x, const vl_tensor *kv_w, vl_attention s)
{
    int H = s.heads, d = s.head_dim, C = x->cols, n = s.n_seq;
    vl_tensor *u = vl_tape_tensor(t, H * k->block, C, 0), *z = vl_tape_tensor(t, u->rows, C, 0);
    real *lse = vl_tape_alloc(t, (size_t)n * (size_t)H * sizeof *lse);
    if (vl_tape_failed(t)) return &t->dead;
    for (int h = 0; h < H; h++) { /* u = q w is the way back through a linear layer */
        size_t row = (size_t)h * (size_t)k->block;
        t->backend->linear_bwd(t->device, u->x + row * (size_t)C, NULL, NULL,
                               q->x + row * (size_t)d, NULL, kv_w->x + (size_t)h * d * (size_t)C, n,
                               d, C, VL_ACT_NONE, 0);
    }
    s.n_q = H;
    s.heads = 1;
    s.head_dim = C;
    s.n_win = n; /* windows of one sample, so that every sequence has a line of rows_q */
    s.rows_q = k->back;
    s.drop = (vl_drop){0, 0};
    t->backend->attention_fwd(t->device, z->x, lse, u->x, x->x, x->x, NULL, C, C, C, &s);
    return z;
}

vl_tensor *vl_attention_one(vl_tape *t, const vl_tensor *q, const vl_tensor *x,
                            const vl_tensor *kv_w, const vl_tensor *kv_b, vl_attention s)
{
    if (vl_tape_failed(t)) return &t->dead;
    int C = s.heads * s.head_dim, n = s.n_seq * s.heads;
    if (s.n_q != 1 || q->rows != s.n_seq || q->cols != C || x->rows != s.n_seq * s.n_k ||
        x->cols != C || kv_w->rows != 2 * C || kv_w->cols != C || kv_b->cols != 2 * C) {
        vl_tape_fail(t, VIOLET_ESHAPE, "attention of one query: q is %dx%d, x %dx%d, w %dx%d",
                     q->rows, q->cols, x->rows, x->cols, kv_w->rows, kv_w->cols);
        return &t->dead;
    }
    by_head k;
    if (!fill_by_head(t, &k, s.n_seq, s.heads)) return &t->dead;
    vl_tensor rows = {.rows = n, .cols = s.head_dim, .x = q->x};
    vl_tensor *by = vl_gather(t, &rows, NULL, (vl_index){k.to, NULL, s.heads * k.block, 1});
    vl_tensor *z = weighted_rows(t, &k, by, x, kv_w, s);
    if (vl_tape_failed(t)) return &t->dead;
    for (int h = 0; h < s.heads; h++) { /* values of the sums, into the queries' place */
        size_t row = (size_t)h * (size_t)k.block, first = (size_t)(C + h * s.head_dim);
        t->backend->linear_fwd(t->device, by->x + row * (size_t)s.head_dim,
                               z->x + row * (size_t)C, kv_w->x + first * (size_t)C, kv_b->x + first,
                               s.n_seq, s.head_dim, C, VL_ACT_NONE);
    }
    vl_tensor *y = vl_gather(t, by, NULL, (vl_index){k.back, NULL, n, 1}); // (n_seq * heads, ..)
    if (vl_tape_failed(t)) return &t->dead;
    y->rows = s.n_seq; // the same memory: (n_seq, C)
    y->cols = C;
    return y;
}

/* ---- attention received ---------------------------------------------------------------------- */

void vl_attention_received(vl_tape *t, vl_tensor *received, const vl_tensor *qkv,
                           const uint8_t *query_mask, vl_attention s)
{
    if (vl_tape_failed(t)) return;
    parts x = parts_of(qkv->x, NULL, s.heads * s.head_dim);
    s.drop = (vl_drop){0, 0};
    t->backend->attention_received(t->device, received->x, x.q, x.k, NULL, x.ldq, x.ldkv,
                                   query_mask, &s);
}
