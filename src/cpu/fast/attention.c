/* Attention and relative position bias: who computes which head of which sequence.
 *
 * The rows of a sequence should be fetched once for several heads, for their pieces lie side by
 * side; but a head's bias, and its gradient, should stay in cache from one sequence to the next.
 * So units of work are numbered group by group of a few heads, in a group sequence by sequence, in
 * a sequence head by head, and a thread takes a stretch of that numbering. A bias gradient then
 * has at most two groups a thread (first and last of its stretch) that another thread works on
 * too: those are summed in scratch and added up in the order of the threads; the groups between
 * belong to the thread alone and are added to dbias directly. */
#include <string.h>

#include "fast.h"

typedef struct call {
    const vl_device *d;
    vlf_attention a;
    float *scratch;    /* for each part: `stride` floats */
    size_t stride;
    float *edges;      /* for each part: sums of its first and last group (2, group, n_q, n_k) */
    size_t group;      /* heads in a group; the last may have fewer */
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

/* As many heads as have half a megabyte of bias between them. */
static size_t group_of(const vlf_attention *a)
{
    size_t heads = (size_t)a->s->heads, bias = (size_t)a->s->n_q * (size_t)a->s->n_k;
    size_t most = bias ? ((size_t)128 << 10) / bias : heads;
    if (!a->bias || most > heads) most = heads;
    return most ? most : 1;
}

typedef struct place {
    size_t group, seq, head;
} place;

static place place_of(const call *c, size_t unit)
{
    size_t n_seq = (size_t)c->a.s->n_seq, heads = (size_t)c->a.s->heads;
    size_t group = unit / (n_seq * c->group), first = group * c->group;
    size_t in_group = heads - first < c->group ? heads - first : c->group;
    unit -= n_seq * first;
    return (place){group, unit / in_group, first + unit % in_group};
}

/* Scratch for `parts`, and `more` floats after it; NULL: out of memory. */
static float *prepare(vl_device *d, call *c, int parts, size_t more)
{
    c->d = d;
    c->group = group_of(&c->a);
    c->stride = round64(d->k->attention_scratch(c->a.s));
    c->scratch = vlf_scratch(d, ((size_t)parts * c->stride + more) * sizeof *c->scratch);
    return c->scratch;
}

static void attention_part(void *context, int part, int parts)
{
    const call *c = context;
    size_t from, to;
    vlf_range(n_units(c->a.s), 1, part, parts, &from, &to);
    for (size_t u = from; u < to; u++) {
        place at = place_of(c, u);
        c->d->k->attention(&c->a, (int)at.seq, (int)at.head,
                           c->scratch + (size_t)part * c->stride);
    }
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
    size_t from, to, n = (size_t)s->n_q * (size_t)s->n_k, edge_size = c->group * n;
    float *edge = c->edges ? c->edges + (size_t)part * 2 * edge_size : NULL;
    vlf_range(n_units(s), 1, part, parts, &from, &to);
    if (from == to) return;
    if (edge) memset(edge, 0, 2 * edge_size * sizeof *edge);
    size_t first = place_of(c, from).group, last = place_of(c, to - 1).group;
    for (size_t u = from; u < to; u++) {
        place at = place_of(c, u);
        float *sum = NULL;
        if (edge && at.group == first)
            sum = edge + (at.head - first * c->group) * n;
        else if (edge && at.group == last)
            sum = edge + edge_size + (at.head - last * c->group) * n;
        else if (edge)
            sum = c->a.dbias + at.head * n;
        c->d->k->attention_grad(&c->a, (int)at.seq, (int)at.head, sum,
                                c->scratch + (size_t)part * c->stride);
    }
}

static void add_edge(const call *c, size_t group, const float *sums)
{
    size_t n = (size_t)c->a.s->n_q * (size_t)c->a.s->n_k, heads = (size_t)c->a.s->heads;
    size_t first = group * c->group, end = first + c->group < heads ? first + c->group : heads;
    c->d->k->scale(c->a.dbias + first * n, sums, 1, (end - first) * n, 1);
}

static void add_edges(const call *c, int parts)
{
    const vl_attention *s = c->a.s;
    size_t edge_size = c->group * (size_t)s->n_q * (size_t)s->n_k;
    for (int part = 0; part < parts; part++) {
        size_t from, to;
        vlf_range(n_units(s), 1, part, parts, &from, &to);
        if (from == to) continue;
        const float *edge = c->edges + (size_t)part * 2 * edge_size;
        size_t first = place_of(c, from).group, last = place_of(c, to - 1).group;
        add_edge(c, first, edge);
        if (last != first) add_edge(c, last, edge + edge_size);
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
    size_t edges = dbias ? (size_t)parts * 2 * group_of(&c.a) * (size_t)s->n_q * (size_t)s->n_k : 0;
    if (!prepare(d, &c, parts, edges)) return;
    if (dbias) c.edges = c.scratch + (size_t)parts * c.stride;
    vlf_run(d, parts, attention_grad_part, &c);
    if (dbias) add_edges(&c, parts);
}

/* ---- attention received ---------------------------------------------------------------------- */

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

/* ---- relative position bias ------------------------------------------------------------------ */

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
