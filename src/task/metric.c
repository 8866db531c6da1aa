/* Ranks, recall, median; see metric.h. */
#include "task/metric.h"

#include <math.h>
#include <stdlib.h>

const int vl_recall_at[VL_RECALLS] = {1, 5, 10};

double vl_rank(const double *score, int n, int right, vl_rank_rule rule)
{
    int above = 0, equal_before = 0, equal = 0;
    double ours = score[right];
    if (isnan(ours)) return n;
    for (int j = 0; j < n; j++) {
        above += score[j] > ours;
        if (j == right || score[j] != ours) continue;
        equal++;
        equal_before += j < right;
    }
    return 1 + above + (rule == VL_RANK_COMPAT ? equal_before : 0.5 * equal);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

vl_ranking vl_ranking_of(double *rank, int n, vl_rank_rule rule)
{
    vl_ranking r = {{0}, 0};
    if (n < 1) return r;
    qsort(rank, (size_t)n, sizeof *rank, by_size);
    for (int k = 0; k < VL_RECALLS; k++) {
        int hits = 0;
        while (hits < n && rank[hits] <= vl_recall_at[k]) hits++;
        r.recall[k] = (double)hits / n;
    }
    r.median = n % 2 ? rank[n / 2] : (rank[n / 2 - 1] + rank[n / 2]) / 2;
    if (rule == VL_RANK_COMPAT) r.median = floor(r.median);
    return r;
}
