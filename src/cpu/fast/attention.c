/* Attention and relative position bias: who computes which head of which sequence.
 *
 * Units are numbered head by head, all sequences of a head after each other, and a thread takes a
 * stretch of that numbering: a head's bias stays in its cache, and the gradient of a bias has at
 * most two heads a thread (first and last of its stretch) that another thread works on too. Those
 * two are summed in scratch and added up in the order of the threads; the heads between belong to
 * the thread alone and are added to dbias directly. */
#include <string.h>

#include "fast.h"

typedef struct call {
    const vl_device *d;
    vlf_attention a;
    float *scratch;    /* for each part: `stride` floats */
    size_t stride;
    float *edges;      /* for each part: the sums of its first and last head (2, n_q, n_k) */
    float *received;   /* (n_seq, heads, n_k) */
} call;

static size_t n_units(const vl_attention *s)
{
    return (size_t)s->n_seq * (size_t)s->heads;
}

static size_t round64(size_t n) { return (n + 63) / 64 * 64; }

/* One part a thread, unless that would wake threads for next to nothing. */
static int parts_of(const vl_device *d, const vl_attention *s)
{
    size_t units = n_units(s), work = units * (size_t)s->n_q * (size_t)s->n_k;
    int parts = vlf_parts(d, work);
    return units < (size_t)parts ? (int)(units ? units : 1) : parts;
}

/* Scratch for `parts`, and `more` floats after it; NULL: out of memory. */
static float *prepare(vl_device *d, call *c, int parts, size_t more)
{
    c->d = d;
    c->stride = round64(d->k->attention_scratch(c->a.s));
    c->scratch = vlf_scratch(d, ((size_t)parts * c->stride + more) * sizeof *c->scratch);
    return c->scratch;
}

static void attention_part(void *context, int part, int parts)
{
    const call *c = context;
    size_t from, to, n_seq = (size_t)c->a.s->n_seq;
    vlf_range(n_units(c->a.s), 1, part, parts, &from, &to);
    for (size_t u = from; u < to; u++)
        c->d->k->attention(&c->a, (int)(u % n_seq), (int)(u / n_seq),
                           c->scratch + (size_t)part * c->stride);
}

void vlf_attention_fwd(vl_device *d, float *o, float *lse, const float *q, const float *k,
                       const float *v, const float *bias, int ldo, int ldq, int ldkv,
                       const vl_attention *s)
{
    call c = {.a = {.o = o, .lse_out = lse, .q = q, .k = k, .v = v, .bias = bias, .ldo = ldo,
                    .ldq = ldq, .ldkv = ldkv, .s = s}};
    int parts = parts_of(d, s);
    if (prepare(d, &c, parts, 0)) vlf_run(d, parts, attention_part, &c);
}

static void attention_grad_part(void *context, int part, int parts)
{
    const call *c = context;
    const vl_attention *s = c->a.s;
    size_t from, to, n_seq = (size_t)s->n_seq, n = (size_t)s->n_q * (size_t)s->n_k;
    float *edge = c->edges ? c->edges + (size_t)part * 2 * n : NULL;
    vlf_range(n_units(s), 1, part, parts, &from, &to);
    if (edge) memset(edge, 0, 2 * n * sizeof *edge);
    for (size_t u = from; u < to; u++) {
        size_t head = u / n_seq;
        float *sum = NULL;
        if (edge && head == from / n_seq)
            sum = edge;
        else if (edge && head == (to - 1) / n_seq)
            sum = edge + n;
        else if (edge)
            sum = c->a.dbias + head * n;
        c->d->k->attention_grad(&c->a, (int)(u % n_seq), (int)head, sum,
                                c->scratch + (size_t)part * c->stride);
    }
}

static void add_edges(const call *c, int parts)
{
    const vl_attention *s = c->a.s;
    size_t n_seq = (size_t)s->n_seq, n = (size_t)s->n_q * (size_t)s->n_k;
    for (int part = 0; part < parts; part++) {
        size_t from, to;
        vlf_range(n_units(s), 1, part, parts, &from, &to);
        if (from == to) continue;
        const float *edge = c->edges + (size_t)part * 2 * n;
        size_t first = from / n_seq, last = (to - 1) / n_seq;
        c->d->k->scale(c->a.dbias + first * n, edge, 1, n, 1);
        if (last != first) c->d->k->scale(c->a.dbias + last * n, edge + n, 1, n, 1);
    }
}

void vlf_attention_bwd(vl_device *d, float *dq, float *dk, float *dv, float *dbias,
                       const float *do_, const float *o, const float *lse, const float *q,
                       const float *k, const float *v, const float *bias, int ldo, int ldq,
                       int ldkv, const vl_attention *s, int acc_q, int acc_kv)
{
    (void)o; /* D comes from the scores' own rows, see grad_row */
    call c = {.a = {.lse = lse, .dq = dq, .dk = dk, .dv = dv, .dbias = dbias, .q = q,
                    .k = k, .v = v, .bias = bias, .do_ = do_, .ldo = ldo, .ldq = ldq, .ldkv = ldkv,
                    .acc_q = acc_q, .acc_kv = acc_kv, .s = s}};
    int parts = parts_of(d, s);
    size_t edges = dbias ? (size_t)parts * 2 * (size_t)s->n_q * (size_t)s->n_k : 0;
    if (!prepare(d, &c, parts, edges)) return;
    if (dbias) c.edges = c.scratch + (size_t)parts * c.stride;
    vlf_run(d, parts, attention_grad_part, &c);
    if (dbias) add_edges(&c, parts);
}

/* ---- attention received ----------------------------------------------------------------------- */

static void received_part(void *context, int part, int parts)
{
    const call *c = context;
    const vl_attention *s = c->a.s;
    size_t from, to, heads = (size_t)s->heads;
    vlf_range(n_units(s), 1, part, parts, &from, &to);
    for (size_t u = from; u < to; u++)
        c->d->k->attention_received(&c->a, (int)(u / heads), (int)(u % heads),
                                    c->received + u * (size_t)s->n_k,
                                    c->scratch + (size_t)part * c->stride);
}

void vlf_attention_received(vl_device *d, float *received, const float *q, const float *k,
                            const float *bias, int ldq, int ldkv, const uint8_t *query_mask,
                            const vl_attention *s)
{
    call c = {.a = {.q = q, .k = k, .bias = bias, .ldq = ldq, .ldkv = ldkv,
                    .query_mask = query_mask, .s = s}};
    int parts = parts_of(d, s);
    size_t n_k = (size_t)s->n_k;
    if (!prepare(d, &c, parts, n_units(s) * n_k)) return;
    c.received = c.scratch + (size_t)parts * c.stride;
    vlf_run(d, parts, received_part, &c);
    for (size_t u = 0; u < n_units(s); u++)
        d->k->scale(received + u / (size_t)s->heads * n_k, c.received + u * n_k,
                    1 / (float)s->heads, n_k, 1);
}

/* ---- relative position bias ------------------------------------------------------------------- */

typedef struct relbias {
    const vl_device *d;
    float *bias, *dtable, *sums;
    const float *table, *dbias;
    const int *index;
    int heads, n, m;
} relbias;

static void relbias_part(void *context, int part, int parts)
{
    const relbias *c = context;
    size_t from, to;
    vlf_range((size_t)c->heads, 1, part, parts, &from, &to);
    for (size_t h = from; h < to; h++)
        c->d->k->lookup(c->bias + h * (size_t)c->n, c->table + h, c->heads, c->index, c->n);
}

void vlf_relbias_fwd(vl_device *d, float *bias, const float *table, const int *index, int heads,
                     int n, int m)
{
    relbias c = {.d = d, .bias = bias, .table = table, .index = index, .heads = heads, .n = n,
                 .m = m};
    vlf_run(d, vlf_parts(d, (size_t)heads * (size_t)n), relbias_part, &c);
}

static void relbias_grad_part(void *context, int part, int parts)
{
    const relbias *c = context;
    size_t from, to, n = (size_t)c->n, m = (size_t)c->m, heads = (size_t)c->heads;
    float *sum = c->sums + (size_t)part * round64(m); /* (m) of one head, contiguous */
    vlf_range(heads, 1, part, parts, &from, &to);
    for (size_t h = from; h < to; h++) {
        memset(sum, 0, m * sizeof *sum);
        for (size_t i = 0; i < n; i++) sum[c->index[i]] += c->dbias[h * n + i];
        for (size_t r = 0; r < m; r++) c->dtable[r * heads + h] += sum[r];
    }
}

void vlf_relbias_bwd(vl_device *d, float *dtable, const float *dbias, const int *index, int heads,
                     int n, int m)
{
    relbias c = {.d = d, .dtable = dtable, .dbias = dbias, .index = index, .heads = heads, .n = n,
                 .m = m};
    int parts = vlf_parts(d, (size_t)heads * (size_t)n);
    c.sums = vlf_scratch(d, (size_t)parts * round64((size_t)m) * sizeof *c.sums);
    if (c.sums) vlf_run(d, parts, relbias_grad_part, &c);
}
