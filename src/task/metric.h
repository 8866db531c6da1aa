/* Metrics: the rank of what is right among scores, recall, median and mean rank; whether an answer
 * is right; how sure all of it is.
 *
 *     for (int i = 0; i < n_texts; i++)
 *         rank[i] = vl_rank(score + (size_t)i * n_videos, n_videos, video_of[i], VL_RANK_FAIR);
 *     vl_ranking result = vl_ranking_of(rank, n_texts, VL_RANK_FAIR);
 *
 * VL_RANK_FAIR gives equal scores the middle of their ranks and the median of an even number as
 * the mean of two. VL_RANK_COMPAT is the published evaluation: equal scores keep the order of the
 * columns, and the median is rounded down.
 *
 * Scores that come one by one, as rows of a matrix that is not in memory:
 *
 *     vl_tally t = {.ours = score of what is right};
 *     for each other: vl_tally_add(&t, score, it stands before what is right);
 *     rank = vl_tally_rank(&t, VL_RANK_FAIR); */
#ifndef VL_TASK_METRIC_H
#define VL_TASK_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef enum vl_rank_rule { VL_RANK_FAIR, VL_RANK_COMPAT } vl_rank_rule;

typedef struct vl_tally {
    double ours;
    int above, equal, before; /* scores; of the equal ones those that stand before ours */
} vl_tally;

static inline void vl_tally_add(vl_tally *t, double score, bool before)
{
    t->above += score > t->ours;
    t->equal += score == t->ours;
    t->before += before && score == t->ours;
}

double vl_tally_rank(const vl_tally *t, vl_rank_rule rule);

/* Rank, from 1, of column `right` among the scores of one row (n), largest first. A score that is
 * not a number is the lowest; right being one gives n. */
double vl_rank(const double *score, int n, int right, vl_rank_rule rule);

#define VL_RECALLS 3
extern const int vl_recall_at[VL_RECALLS]; /* 1, 5, 10 */

typedef struct vl_ranking {
    double recall[VL_RECALLS]; /* share of ranks that are at most vl_recall_at[i] */
    double median, mean;       /* 0 if there are no ranks */
} vl_ranking;

/* rank (n) gets sorted. */
vl_ranking vl_ranking_of(double *rank, int n, vl_rank_rule rule);
/* The same of ranks that are sorted, each counted times[i] times; NULL: once. */
vl_ranking vl_ranking_sorted(const double *rank, const int *times, int n, vl_rank_rule rule);

/* How right the choice of the largest score is: 1, 0, or, where others are as large, a share of 1
 * for all of them (VL_RANK_FAIR): what drawing one of them would give on average. VL_RANK_COMPAT
 * takes the first of them. */
double vl_hit(const double *score, int n, int right, vl_rank_rule rule);

/* ---- how sure ------------------------------------------------------------------------------- */

#define VL_RESAMPLES 1000

typedef struct vl_interval {
    double low, high; /* NaN: not known */
} vl_interval;

/* metric (n_metrics) of a sample that has unit i times[i] times; NaN: not defined there. */
typedef void (*vl_bootstrap_fn)(double *metric, const int *times, void *user);

/* The middle 95 % of each metric over VL_RESAMPLES samples of n_units, drawn with replacement by
 * seed alone. A unit is what is independent of the others: a video with all that belongs to it. */
violet_status vl_bootstrap(vl_interval *out, int n_metrics, int n_units, uint64_t seed,
                           vl_bootstrap_fn fn, void *user);

#endif
