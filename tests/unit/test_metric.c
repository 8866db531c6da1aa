/* Ranks, recall and median, with and without ties. The published values: tests/golden. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

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
    assert_true(r.median == 5.5);
    assert_true(vl_ranking_of(rank, 6, VL_RANK_COMPAT).median == 5);
    assert_true(vl_ranking_of(rank, 5, VL_RANK_FAIR).median == 5);
    assert_true(vl_ranking_of(rank, 0, VL_RANK_FAIR).median == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_ties_the_rules_agree),
        cmocka_unit_test(ties_share_the_middle_or_keep_their_order),
        cmocka_unit_test(constant_scores_rank_in_the_middle),
        cmocka_unit_test(nan_is_last),
        cmocka_unit_test(recall_and_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
