/* Ranks, recall, median, hits, intervals; see metric.h. */
#include "task/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define SITE 0x626f6f7473747261 /* of the draws among all random numbers */

const int vl_recall_at[VL_RECALLS] = {1, 5, 10};

double vl_tally_rank(const vl_tally *t, vl_rank_rule rule)
{
    return 1 + t->above + (rule == VL_RANK_COMPAT ? t->before : 0.5 * t->equal);
}

double vl_rank(const double *score, int n, int right, vl_rank_rule rule)
{
    vl_tally t = {.ours = score[right]};
    if (isnan(t.ours)) return n;
    for (int j = 0; j < n; j++)
        if (j != right) vl_tally_add(&t, score[j], j < right);
    return vl_tally_rank(&t, rule);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Number `at`, from 0, of the sorted ranks, each counted its times. */
static double number(const double *rank, const int *times, int n, int64_t at)
{
    for (int i = 0; i < n; i++)
        if ((at -= times ? times[i] : 1) < 0) return rank[i];
    return rank[n - 1];
}

vl_ranking vl_ranking_sorted(const double *rank, const int *times, int n, vl_rank_rule rule)
{
    vl_ranking r = {{0}, 0, 0};
    int64_t all = 0, hits[VL_RECALLS] = {0};
    double sum = 0;
    for (int i = 0; i < n; i++) {
        int64_t count = times ? times[i] : 1;
        all += count;
        sum += (double)count * rank[i];
        for (int k = 0; k < VL_RECALLS; k++) hits[k] += rank[i] <= vl_recall_at[k] ? count : 0;
    }
    if (all == 0) return r;
    for (int k = 0; k < VL_RECALLS; k++) r.recall[k] = (double)hits[k] / (double)all;
    r.mean = sum / (double)all;
    r.median = (number(rank, times, n, (all - 1) / 2) + number(rank, times, n, all / 2)) / 2;
    if (rule == VL_RANK_COMPAT) r.median = floor(r.median);
    return r;
}

vl_ranking vl_ranking_of(double *rank, int n, vl_rank_rule rule)
{
    if (n > 0) qsort(rank, (size_t)n, sizeof *rank, by_size);
    return vl_ranking_sorted(rank, NULL, n, rule);
}

double vl_hit(const double *score, int n, int right, vl_rank_rule rule)
{
    if (right < 0 || right >= n) return 0;
    vl_tally t = {.ours = score[right]};
    for (int j = 0; j < n; j++)
        if (j != right) vl_tally_add(&t, score[j], j < right);
    if (t.above || isnan(t.ours)) return 0;
    return rule == VL_RANK_COMPAT ? t.before == 0 : 1.0 / (1 + t.equal);
}

/* ---- how sure ------------------------------------------------------------------------------- */

/* The value that a share of the sorted ones lies below; between two of them in proportion. */
static double percentile(const double *sorted, int n, double share)
{
    double at = share * (n - 1);
    int below = (int)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/* Of values[k * stride], k < VL_RESAMPLES; those that are not defined are left out. */
static vl_interval middle(const double *values, int stride)
{
    double sorted[VL_RESAMPLES];
    int n = 0;
    for (int k = 0; k < VL_RESAMPLES; k++) {
        double x = values[(size_t)k * (size_t)stride];
        if (!isnan(x)) sorted[n++] = x;
    }
    if (n == 0) return (vl_interval){NAN, NAN};
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    return (vl_interval){percentile(sorted, n, 0.025), percentile(sorted, n, 0.975)};
}

violet_status vl_bootstrap(vl_interval *out, int n_metrics, int n_units, uint64_t seed,
                           vl_bootstrap_fn fn, void *user)
{
    double *values = calloc((size_t)VL_RESAMPLES * (size_t)n_metrics + 1, sizeof *values);
    int *times = malloc(((size_t)n_units + 1) * sizeof *times);
    violet_status status = values && times ? VIOLET_OK : vl_err_nomem();
    for (int k = 0; k < VL_RESAMPLES && status == VIOLET_OK; k++) {
        uint64_t key = vl_rng_key(seed, (uint64_t)k, SITE);
        memset(times, 0, (size_t)n_units * sizeof *times);
        for (int i = 0; i < n_units; i++)
            times[vl_rng_below(key, (uint64_t)i, (uint32_t)n_units)]++;
        fn(values + (size_t)k * (size_t)n_metrics, times, user);
    }
    for (int m = 0; m < n_metrics && status == VIOLET_OK; m++)
        out[m] = middle(values + m, n_metrics);
    free(values);
    free(times);
    return status;
}
