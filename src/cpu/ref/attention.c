/* Reference: attention and its relative position bias.
 *
 * One head of one sequence at a time. Names: seq sequence, h head, i query, j key, c column in the
 * head; P = softmax, D = the dropout factor of an element, S = the scores.
 *     O_i  = sum_j D_ij P_ij v_j
 *     dP_ij = D_ij (dO_i . v_j),   dS_ij = P_ij (dP_ij - sum_l P_il dP_il)
 *     dq_i = scale sum_j dS_ij k_j,  dk_j = scale sum_i dS_ij q_i,  dv_j = sum_i D_ij P_ij dO_i */
#include <math.h>

#include "cpu/ref/ref.h"

void vl_ref_relbias_fwd(vl_device *d, real *bias, const real *table, const int *index, int heads,
                        int n, int m)
{
    (void)d, (void)m;
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < n; i++)
            bias[(size_t)h * n + i] = table[(size_t)index[i] * heads + h];
}

void vl_ref_relbias_bwd(vl_device *d, real *dtable, const real *dbias, const int *index, int heads,
                        int n, int m)
{
    double *sum = vl_ref_scratch(d, (size_t)m * heads); // (m, heads)
    if (!sum) return;
    for (size_t i = 0; i < (size_t)m * heads; i++) sum[i] = 0;
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < n; i++) sum[(size_t)index[i] * heads + h] += dbias[(size_t)h * n + i];
    for (size_t i = 0; i < (size_t)m * heads; i++) vl_ref_put(&dtable[i], sum[i], 1);
}

/* The row that token i of a sequence stands in. */
static size_t token_row(const int *rows, int rows_per_sample, int n, int n_win, int seq, int i)
{
    if (!rows) return (size_t)seq * n + i;
    return (size_t)(seq / n_win) * rows_per_sample + rows[(size_t)(seq % n_win) * n + i];
}

static size_t row_q(const vl_attention *s, int seq, int i)
{
    return token_row(s->rows_q, s->rows_per_sample_q, s->n_q, s->n_win, seq, i);
}

static size_t row_k(const vl_attention *s, int seq, int j)
{
    return token_row(s->rows_k, s->rows_per_sample_k, s->n_k, s->n_win, seq, j);
}

static uint64_t element(const vl_attention *s, int seq, int h, int i, int j)
{
    return (((uint64_t)seq * s->heads + h) * s->n_q + i) * s->n_k + j;
}

static double dot(const real *a, const real *b, int n)
{
    double sum = 0;
    for (int c = 0; c < n; c++) sum += (double)a[c] * b[c];
    return sum;
}

/* The scores of one query, S (n_k); -inf for masked keys. */
static void scores(double *S, const real *q, const real *k, const real *bias, int ldq, int ldkv,
                   const vl_attention *s, int seq, int h, int i)
{
    const int *region = s->region ? s->region + (size_t)(seq % s->n_win) * s->n_k : NULL;
    const real *qi = q + row_q(s, seq, i) * ldq + h * s->head_dim;
    for (int j = 0; j < s->n_k; j++) {
        if (s->key_mask && !s->key_mask[(size_t)seq * s->n_k + j]) {
            S[j] = -INFINITY;
            continue;
        }
        const real *kj = k + row_k(s, seq, j) * ldkv + h * s->head_dim;
        S[j] = s->scale * dot(qi, kj, s->head_dim);
        if (bias) S[j] += bias[((size_t)h * s->n_q + i) * s->n_k + j];
        if (region && region[i] != region[j]) S[j] += s->region_penalty;
    }
}

/* log sum exp of S (n); -inf if all are. */
static double log_sum_exp(const double *S, int n)
{
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++) most = fmax(most, S[j]);
    if (most == -INFINITY) return most;
    for (int j = 0; j < n; j++) sum += exp(S[j] - most);
    return most + log(sum);
}

/* S (n) becomes the softmax; zeros if no key is seen. */
static void softmax(double *S, double lse, int n)
{
    for (int j = 0; j < n; j++) S[j] = S[j] == -INFINITY ? 0 : exp(S[j] - lse);
}

/* lse of a row whose keys are all masked is -inf. */
void vl_ref_attention_fwd(vl_device *d, real *o, real *lse, const real *q, const real *k,
                          const real *v, const real *bias, int ldo, int ldq, int ldkv,
                          const vl_attention *s)
{
    double *P = vl_ref_scratch(d, (size_t)s->n_k + s->head_dim); // (n_k)
    if (!P) return;
    double *sum = P + s->n_k; // (head_dim), a row of O
    for (int seq = 0; seq < s->n_seq; seq++) {
        for (int h = 0; h < s->heads; h++) {
            for (int i = 0; i < s->n_q; i++) {
                scores(P, q, k, bias, ldq, ldkv, s, seq, h, i);
                double row_lse = log_sum_exp(P, s->n_k);
                lse[((size_t)seq * s->heads + h) * s->n_q + i] = (real)row_lse;
                softmax(P, row_lse, s->n_k);
                for (int c = 0; c < s->head_dim; c++) sum[c] = 0;
                for (int j = 0; j < s->n_k; j++) {
                    const real *vj = v + row_k(s, seq, j) * ldkv + h * s->head_dim;
                    double p = P[j] * vl_drop_scale(s->drop, element(s, seq, h, i, j));
                    for (int c = 0; c < s->head_dim; c++) sum[c] += p * vj[c];
                }
                real *oi = o + row_q(s, seq, i) * ldo + h * s->head_dim;
                for (int c = 0; c < s->head_dim; c++) oi[c] = (real)sum[c];
            }
        }
    }
}

/* One head's working memory in the backward. */
struct head {
    double *P, *D, *dS;   // (n_q, n_k)
    double *dbias;        // (n_q, n_k), over all sequences
    double *a, *b;        // (head_dim), sums
};

/* P, D and dS of one head of one sequence. */
static void score_gradients(struct head *w, const real *do_, const real *lse, const real *q,
                            const real *k, const real *v, const real *bias, int ldo, int ldq,
                            int ldkv, const vl_attention *s, int seq, int h)
{
    for (int i = 0; i < s->n_q; i++) {
        double *P = w->P + (size_t)i * s->n_k;
        double *D = w->D + (size_t)i * s->n_k, *dS = w->dS + (size_t)i * s->n_k;
        const real *doi = do_ + row_q(s, seq, i) * ldo + h * s->head_dim;
        double mean = 0;
        scores(P, q, k, bias, ldq, ldkv, s, seq, h, i);
        softmax(P, lse[((size_t)seq * s->heads + h) * s->n_q + i], s->n_k);
        for (int j = 0; j < s->n_k; j++) {
            const real *vj = v + row_k(s, seq, j) * ldkv + h * s->head_dim;
            D[j] = vl_drop_scale(s->drop, element(s, seq, h, i, j));
            dS[j] = D[j] * dot(doi, vj, s->head_dim); // dP for now
            mean += P[j] * dS[j];
        }
        for (int j = 0; j < s->n_k; j++) dS[j] = P[j] * (dS[j] - mean);
    }
}

static void head_dq(const struct head *w, real *dq, const real *k, int ldq, int ldkv,
                    const vl_attention *s, int seq, int h, int acc)
{
    for (int i = 0; i < s->n_q; i++) {
        for (int c = 0; c < s->head_dim; c++) w->a[c] = 0;
        for (int j = 0; j < s->n_k; j++) {
            const real *kj = k + row_k(s, seq, j) * ldkv + h * s->head_dim;
            double dS = w->dS[(size_t)i * s->n_k + j];
            for (int c = 0; c < s->head_dim; c++) w->a[c] += dS * kj[c];
        }
        real *dqi = dq + row_q(s, seq, i) * ldq + h * s->head_dim;
        for (int c = 0; c < s->head_dim; c++) vl_ref_put(&dqi[c], s->scale * w->a[c], acc);
    }
}

static void head_dkv(const struct head *w, real *dk, real *dv, const real *do_, const real *q,
                     int ldo, int ldq, int ldkv, const vl_attention *s, int seq, int h, int acc)
{
    for (int j = 0; j < s->n_k; j++) {
        for (int c = 0; c < s->head_dim; c++) w->a[c] = w->b[c] = 0;
        for (int i = 0; i < s->n_q; i++) {
            size_t row = row_q(s, seq, i), ij = (size_t)i * s->n_k + j;
            const real *qi = q + row * ldq + h * s->head_dim;
            const real *doi = do_ + row * ldo + h * s->head_dim;
            for (int c = 0; c < s->head_dim; c++) {
                w->a[c] += w->dS[ij] * qi[c];
                w->b[c] += w->D[ij] * w->P[ij] * doi[c];
            }
        }
        size_t at = row_k(s, seq, j) * ldkv + h * s->head_dim;
        for (int c = 0; c < s->head_dim; c++) {
            if (dk) vl_ref_put(&dk[at + c], s->scale * w->a[c], acc);
            if (dv) vl_ref_put(&dv[at + c], w->b[c], acc);
        }
    }
}

/* Does without o: sum_l P_il dP_il is added up, where a fast backward would take dO_i . O_i. */
void vl_ref_attention_bwd(vl_device *d, real *dq, real *dk, real *dv, real *dbias, const real *do_,
                          const real *o, const real *lse, const real *q, const real *k,
                          const real *v, const real *bias, int ldo, int ldq, int ldkv,
                          const vl_attention *s, int acc_q, int acc_kv)
{
    (void)o;
    size_t n = (size_t)s->n_q * s->n_k;
    double *scratch = vl_ref_scratch(d, 4 * n + 2 * (size_t)s->head_dim);
    if (!scratch) return;
    struct head w = {scratch,         scratch + n,     scratch + 2 * n,
                     scratch + 3 * n, scratch + 4 * n, scratch + 4 * n + s->head_dim};
    for (int h = 0; h < s->heads; h++) {
        for (size_t i = 0; i < n; i++) w.dbias[i] = 0;
        for (int seq = 0; seq < s->n_seq; seq++) {
            score_gradients(&w, do_, lse, q, k, v, bias, ldo, ldq, ldkv, s, seq, h);
            if (dq) head_dq(&w, dq, k, ldq, ldkv, s, seq, h, acc_q);
            head_dkv(&w, dk, dv, do_, q, ldo, ldq, ldkv, s, seq, h, acc_kv);
            for (size_t i = 0; i < n; i++) w.dbias[i] += w.dS[i];
        }
        for (size_t i = 0; dbias && i < n; i++) vl_ref_put(&dbias[h * n + i], w.dbias[i], 1);
    }
}

void vl_ref_attention_received(vl_device *d, real *received, const real *q, const real *k,
                               const real *bias, int ldq, int ldkv, const uint8_t *query_mask,
                               const vl_attention *s)
{
    double *P = vl_ref_scratch(d, 2 * (size_t)s->n_k); // (n_k)
    if (!P) return;
    double *sum = P + s->n_k; // (n_k)
    for (int seq = 0; seq < s->n_seq; seq++) {
        for (int j = 0; j < s->n_k; j++) sum[j] = 0;
        for (int i = 0; i < s->n_q; i++) {
            if (query_mask && !query_mask[(size_t)seq * s->n_q + i]) continue;
            for (int h = 0; h < s->heads; h++) {
                scores(P, q, k, bias, ldq, ldkv, s, seq, h, i);
                softmax(P, log_sum_exp(P, s->n_k), s->n_k);
                for (int j = 0; j < s->n_k; j++) sum[j] += P[j] / s->heads;
            }
        }
        for (int j = 0; j < s->n_k; j++)
            vl_ref_put(&received[(size_t)seq * s->n_k + j], sum[j], 1);
    }
}
