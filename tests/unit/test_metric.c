/* Ranks, recall, median and mean, with and without ties; hits; intervals. The published values:
 * tests/golden. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "task/metric.h"

static void without_ties_the_rules_agree(void **state)
{
    (void)state;
    const double score[5] = {0.1, -3, 7, 0.5, 0.2};
    const double rank[5] = {4, 5, 1, 2, 3};
    for (int i = 0; i < 5; i++) {
        assert_true(vl_rank(score, 5, i, VL_RANK_FAIR) == rank[i]);
        assert_true(vl_rank(score, 5, i, VL_RANK_COMPAT) == rank[i]);
    }
    assert_true(vl_rank(score, 1, 0, VL_RANK_FAIR) == 1);
}

static void ties_share_the_middle_or_keep_their_order(void **state)
{
    (void)state;
    const double score[6] = {2, 1, 1, 3, 1, 0};
    const double fair[6] = {2, 4, 4, 1, 4, 6}, compat[6] = {2, 3, 4, 1, 5, 6};
    for (int i = 0; i < 6; i++) {
        assert_true(vl_rank(score, 6, i, VL_RANK_FAIR) == fair[i]);
        assert_true(vl_rank(score, 6, i, VL_RANK_COMPAT) == compat[i]);
    }
    const double two[2] = {5, 5};
    assert_true(vl_rank(two, 2, 0, VL_RANK_FAIR) == 1.5);
}

/* A model that gives the same score to everything must not look good. */
static void constant_scores_rank_in_the_middle(void **state)
{
    (void)state;
    double score[100] = {0}, rank[100];
    for (int i = 0; i < 100; i++) rank[i] = vl_rank(score, 100, i, VL_RANK_FAIR);
    vl_ranking r = vl_ranking_of(rank, 100, VL_RANK_FAIR);
    assert_true(r.median == 50.5 && r.recall[0] == 0 && r.recall[2] == 0);
}

static void nan_is_last(void **state)
{
    (void)state;
    const double score[4] = {NAN, 1, NAN, 2};
    assert_true(vl_rank(score, 4, 0, VL_RANK_FAIR) == 4);
    assert_true(vl_rank(score, 4, 1, VL_RANK_COMPAT) == 2);
    assert_true(vl_rank(score, 4, 3, VL_RANK_FAIR) == 1);
}

static void recall_and_median(void **state)
{
    (void)state;
    double rank[6] = {11, 1, 5, 10, 6, 1};
    vl_ranking r = vl_ranking_of(rank, 6, VL_RANK_FAIR);
    assert_true(r.recall[0] == 2 / 6.0 && r.recall[1] == 3 / 6.0 && r.recall[2] == 5 / 6.0);
    assert_true(r.median == 5.5 && r.mean == 34 / 6.0);
    assert_true(vl_ranking_of(rank, 6, VL_RANK_COMPAT).median == 5);
    assert_true(vl_ranking_of(rank, 5, VL_RANK_FAIR).median == 5);
    assert_true(vl_ranking_of(rank, 0, VL_RANK_FAIR).median == 0);
}

/* Scores that come one by one give what the whole row does, ties included. */
static void tallies_are_ranks(void **state)
{
    (void)state;
    const double score[7] = {2, 1, 1, 3, 1, 0, 3};
    for (int rule = VL_RANK_FAIR; rule <= VL_RANK_COMPAT; rule++)
        for (int i = 0; i < 7; i++) {
            vl_tally t = {.ours = score[i]};
            for (int j = 6; j >= 0; j--)
                if (j != i) vl_tally_add(&t, score[j], j < i);
            assert_true(vl_tally_rank(&t, (vl_rank_rule)rule) ==
                        vl_rank(score, 7, i, (vl_rank_rule)rule));
        }
}

/* Ranks counted several times are as if they stood there as often. */
static void counted_ranks(void **state)
{
    (void)state;
    const double rank[5] = {1, 2, 4.5, 8, 40};
    const int times[5] = {2, 0, 1, 3, 0};
    double list[6] = {1, 1, 4.5, 8, 8, 8};
    for (int rule = VL_RANK_FAIR; rule <= VL_RANK_COMPAT; rule++) {
        vl_ranking a = vl_ranking_sorted(rank, times, 5, (vl_rank_rule)rule);
        vl_ranking b = vl_ranking_of(list, 6, (vl_rank_rule)rule);
        for (int k = 0; k < VL_RECALLS; k++) assert_true(a.recall[k] == b.recall[k]);
        assert_true(a.median == b.median && a.mean == b.mean);
    }
    vl_ranking a = vl_ranking_sorted(rank, times, 5, VL_RANK_FAIR);
    assert_true(a.median == 6.25 && a.mean == 30.5 / 6 && a.recall[0] == 2 / 6.0);
    assert_true(vl_ranking_sorted(rank, times, 5, VL_RANK_COMPAT).median == 6);
    assert_true(vl_ranking_sorted(rank, NULL, 5, VL_RANK_FAIR).mean == 55.5 / 5);
    const int none[5] = {0};
    assert_true(vl_ranking_sorted(rank, none, 5, VL_RANK_FAIR).mean == 0);
}

static void hits_share_ties(void **state)
{
    (void)state;
    const double score[5] = {1, 4, 4, 0, 4};
    assert_true(vl_hit(score, 5, 0, VL_RANK_FAIR) == 0 && vl_hit(score, 5, 3, VL_RANK_FAIR) == 0);
    assert_true(vl_hit(score, 5, 1, VL_RANK_FAIR) == 1 / 3.0);
    assert_true(vl_hit(score, 5, 4, VL_RANK_FAIR) == 1 / 3.0);
    assert_true(vl_hit(score, 5, 1, VL_RANK_COMPAT) == 1);
    assert_true(vl_hit(score, 5, 2, VL_RANK_COMPAT) == 0);
    assert_true(vl_hit(score, 2, 1, VL_RANK_FAIR) == 1); /* of the first two only */
    assert_true(vl_hit(score, 5, -1, VL_RANK_FAIR) == 0 && vl_hit(score, 2, 2, VL_RANK_FAIR) == 0);
    const double nan[2] = {NAN, 1};
    assert_true(vl_hit(nan, 2, 0, VL_RANK_FAIR) == 0 && vl_hit(nan, 2, 1, VL_RANK_FAIR) == 1);
}

/* ---- intervals ------------------------------------------------------------------------------ */

typedef struct sample {
    const double *value;
    int n, calls;
    uint64_t sum; /* of what was drawn, in order */
} sample;

/* metric 0: the mean; 1: not defined where unit 0 was not drawn; 2: never defined. */
static void mean_of(double *metric, const int *times, void *user)
{
    sample *s = user;
    double sum = 0;
    int all = 0;
    for (int i = 0; i < s->n; i++) {
        sum += times[i] * s->value[i];
        all += times[i];
        s->sum = s->sum * 31 + (uint64_t)times[i];
    }
    assert_int_equal(all, s->n);
    s->calls++;
    metric[0] = sum / all;
    metric[1] = times[0] ? 7 : NAN;
    metric[2] = NAN;
}

static void intervals_of_a_mean(void **state)
{
    (void)state;
    enum { N = 400 };
    static double value[N];
    for (int i = 0; i < N; i++) value[i] = i % 4 == 0; /* mean 1/4, deviation sqrt(3)/4 */
    sample s = {.value = value, .n = N};
    vl_interval x[3];
    assert_int_equal(vl_bootstrap(x, 3, N, 1, mean_of, &s), VIOLET_OK);
    assert_int_equal(s.calls, VL_RESAMPLES);
    double half = 1.96 * sqrt(3) / 4 / sqrt(N); /* 0.0424 */
    assert_true(fabs(x[0].low - (0.25 - half)) < 0.006 && fabs(x[0].high - (0.25 + half)) < 0.006);
    assert_true(x[1].low == 7 && x[1].high == 7);
    assert_true(isnan(x[2].low) && isnan(x[2].high));
}

static void intervals_are_of_the_seed_alone(void **state)
{
    (void)state;
    enum { N = 37 };
    double value[N];
    for (int i = 0; i < N; i++) value[i] = i * i % 11;
    sample a = {.value = value, .n = N}, b = a, other = a;
    vl_interval x[3], y[3], z[3];
    assert_int_equal(vl_bootstrap(x, 3, N, 5, mean_of, &a), VIOLET_OK);
    assert_int_equal(vl_bootstrap(y, 3, N, 5, mean_of, &b), VIOLET_OK);
    assert_int_equal(vl_bootstrap(z, 3, N, 6, mean_of, &other), VIOLET_OK);
    assert_true(a.sum == b.sum && a.sum != other.sum);
    assert_true(x[0].low == y[0].low && x[0].high == y[0].high);
    assert_true(x[0].low != z[0].low || x[0].high != z[0].high);
    assert_true(x[0].low < x[0].high);
    sample one = {.value = value + 3, .n = 1};
    assert_int_equal(vl_bootstrap(x, 3, 1, 5, mean_of, &one), VIOLET_OK);
    assert_true(x[0].low == value[3] && x[0].high == value[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_ties_the_rules_agree),
        cmocka_unit_test(ties_share_the_middle_or_keep_their_order),
        cmocka_unit_test(constant_scores_rank_in_the_middle),
        cmocka_unit_test(nan_is_last),
        cmocka_unit_test(recall_and_median),
        cmocka_unit_test(tallies_are_ranks),
        cmocka_unit_test(counted_ranks),
        cmocka_unit_test(hits_share_ties),
        cmocka_unit_test(intervals_of_a_mean),
        cmocka_unit_test(intervals_are_of_the_seed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
