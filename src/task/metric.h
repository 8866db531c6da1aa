/* Retrieval metrics: the rank of what is right among scores, recall, median rank.
 *
 *     for (int i = 0; i < n_texts; i++)
 *         rank[i] = vl_rank(score + (size_t)i * n_videos, n_videos, video_of[i], VL_RANK_FAIR);
 *     vl_ranking result = vl_ranking_of(rank, n_texts, VL_RANK_FAIR);
 *
 * VL_RANK_FAIR gives equal scores the middle of their ranks and the median of an even number as
 * the mean of two. VL_RANK_COMPAT is the published evaluation: equal scores keep the order of the
 * columns, and the median is rounded down. */
#ifndef VL_TASK_METRIC_H
#define VL_TASK_METRIC_H

typedef enum vl_rank_rule { VL_RANK_FAIR, VL_RANK_COMPAT } vl_rank_rule;

/* Rank, from 1, of column `right` among the scores of one row (n), largest first. A score that is
 * not a number is the lowest; right being one gives n. */
double vl_rank(const double *score, int n, int right, vl_rank_rule rule);

#define VL_RECALLS 3
extern const int vl_recall_at[VL_RECALLS]; /* 1, 5, 10 */

typedef struct vl_ranking {
    double recall[VL_RECALLS]; /* share of ranks that are at most vl_recall_at[i] */
    double median;             /* 0 if there are no ranks */
} vl_ranking;

/* rank (n) gets sorted. */
vl_ranking vl_ranking_of(double *rank, int n, vl_rank_rule rule);

#endif
