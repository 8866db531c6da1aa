/* violet eval --first-stage: with all of them the ranks of no first stage, to the bit; with few, no
 * more lost than the first stage lost; trained vectors find what they were shown; stops, caches,
 * one direction, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval_case.h"

#define FIRST "--type=retrieval --task=t --path_ckpt=FOLDER/d.safetensors "

/* Of the videos v0 to v7, v3 is bad; v0 has three captions, those of v1 and v4 are equal. */
enum { LISTED = 9, TEXTS = 9, N_CAPTIONS = 9, N_VIDEOS = 7 }; /* N_...: that are scored */
static const char *const own_video[LISTED] = {"v0", "v1", "v0", "v2", "v4",
                                             "v5", "v6", "v0", "v3"};
static const char *const own_caption[LISTED] = {
    "red cat runs", "blue dog", "cat here", "green bird flies there now", "blue dog",
    "red", "dog sits here now", "now now now", "bird"};

static corpus c;

static int set_up(void **state)
{
    (void)state;
    char text[2048] = "{\"train\": [";
    corpus_open(&c);
    corpus_add(&c, "a", 2, (const char *[]){"...j....", NULL}, NULL);
    corpus_add_videos(&c, "six", 6, 2, NULL);
    eval_checkpoint(&c, "d.safetensors",
                    &(eval_weights){.heads = VL_HEAD_MATCH | VL_HEAD_DUAL});
    eval_checkpoint(&c, "m.safetensors", &(eval_weights){.heads = VL_HEAD_MATCH});
    for (int i = 0; i < LISTED; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{\"video\": \"%s\", \"caption\": \"%s\"}", i ? ", " : "", own_video[i],
                 own_caption[i]);
    strcat(text, ", {\"video\": \"v7\", \"caption\": \"there sits\"}]}");
    eval_items(&c, "t", text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static int number(const eval_outcome *r, const char *key)
{
    const json_t *first = json_object_get(r->result, "first_stage");
    if (!first) fail_msg("no first stage in the result");
    return (int)json_integer_value(json_object_get(first, key));
}

static double rank_of(const json_t *lines, size_t i)
{
    return json_number_value(json_object_get(json_array_get(lines, i), "rank"));
}

static size_t top_of(const json_t *lines, size_t i)
{
    return json_array_size(json_object_get(json_array_get(lines, i), "top"));
}

/* ---- all and few ----------------------------------------------------------------------------- */

static void all_of_them_is_no_first_stage_to_the_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"recall_1", "recall_5", "recall_10", "median_rank",
                                        "mean_rank"};
    eval_outcome a = eval_ok(&c, "full", FIRST "--predictions=FOLDER/full.jsonl --top=100");
    eval_outcome b = eval_ok(&c, "all", FIRST "--first-stage=9 --top=100 "
                                                  "--predictions=FOLDER/all.jsonl");
    size_t n, m;
    char *x = corpus_read(&n, &c, ".", "full.jsonl"), *y = corpus_read(&m, &c, ".", "all.jsonl");
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
    for (int k = 0; k < 10; k++) {
        char name[40];
        snprintf(name, sizeof name, "%s_%s", k < 5 ? "t2v" : "v2t", names[k % 5]);
        const json_t *p = eval_metric_json(&a, name), *q = eval_metric_json(&b, name);
        assert_true(json_equal(json_object_get(p, "value"), json_object_get(q, "value")));
        assert_true(json_equal(json_object_get(p, "interval"), json_object_get(q, "interval")));
    }
    assert_true(eval_metric_of(&b, "t2v_within") == 1 && eval_metric_of(&b, "v2t_within") == 1);
    assert_null(json_object_get(a.result, "first_stage"));
    assert_int_equal(number(&b, "pairs"), N_VIDEOS * TEXTS);
    eval_outcome_release(&a);
    eval_outcome_release(&b);
}

/* What is found without a first stage and not with it was not among the K best; what is among them
 * is ranked by the same scores; who is not keeps its place behind them. */
static void few_lose_what_the_first_stage_lost(void **state)
{
    (void)state;
    eval_outcome full = eval_ok(&c, "full2", FIRST "--predictions=FOLDER/f.jsonl");
    json_t *all = eval_lines(&c, "f.jsonl");
    size_t n = json_array_size(all);
    assert_int_equal(n, N_CAPTIONS + N_VIDEOS);
    int pairs_before = 0;
    for (int K = 1; K <= 3; K++) {
        char flags[200], out[20];
        snprintf(out, sizeof out, "few%d", K);
        snprintf(flags, sizeof flags, FIRST "--first-stage=%d --predictions=FOLDER/k.jsonl", K);
        eval_outcome r = eval_ok(&c, out, flags);
        json_t *few = eval_lines(&c, "k.jsonl");
        int lost[2] = {0}, behind = 0;
        for (size_t i = 0; i < n; i++) {
            bool video = i >= N_CAPTIONS;
            lost[video] += rank_of(all, i) <= 1 && rank_of(few, i) > 1;
            behind += !video && rank_of(few, i) > K;
            assert_true(top_of(few, i) >= (size_t)K);
            if (!video) assert_int_equal(top_of(few, i), K);
        }
        double t2v = 1 - eval_metric_of(&r, "t2v_within");
        double v2t = 1 - eval_metric_of(&r, "v2t_within");
        assert_true(lost[0] <= t2v * N_CAPTIONS + 1e-6);
        assert_true(lost[1] <= v2t * N_VIDEOS + 1e-6);
        assert_true(fabs(behind - t2v * N_CAPTIONS) < 1e-6);
        for (int d = 0; K == 1 && d < 2; d++) { /* one is ranked anew: nothing changes */
            assert_true(eval_metric_of(&r, d ? "v2t_recall_1" : "t2v_recall_1") ==
                        eval_metric_of(&r, d ? "v2t_first_recall_1" : "t2v_first_recall_1"));
            assert_true(eval_near(eval_metric_of(&r, d ? "v2t_mean_rank" : "t2v_mean_rank"),
                                  eval_metric_of(&r, d ? "v2t_first_mean_rank"
                                                       : "t2v_first_mean_rank")));
        }
        assert_true(number(&r, "pairs") > pairs_before);
        assert_true(number(&r, "pairs") <= K * (TEXTS + N_VIDEOS));
        assert_int_equal(number(&r, "all_pairs"), 8 * TEXTS); /* of v3, too, which is bad */
        pairs_before = number(&r, "pairs");
        json_decref(few);
        eval_outcome_release(&r);
    }
    json_decref(all);
    eval_outcome_release(&full);
}

/* Four videos that no vector tells apart: who is not among the two that are taken is behind them,
 * and shares the places that are left with the other. */
static void who_is_lost_is_behind_whom_it_ties_with(void **state)
{
    (void)state;
    static const double rank[2][4] = {{1.5, 1.5, 3.5, 3.5}, {1, 2, 3, 4}};
    char text[1024] = "{\"train\": [", *jpeg = corpus_picture(0, 0), *tsv = malloc(8 * 20000);
    *tsv = 0;
    for (int i = 0; i < 4; i++) {
        sprintf(text + strlen(text), "%s{\"video\": \"v%d\", \"caption\": \"%s\"}",
                i ? ", " : "", i, own_caption[i]);
        sprintf(tsv + strlen(tsv), "v%d\t%s\t%s\n", i, jpeg, jpeg);
    }
    strcat(text, "]}");
    eval_items(&c, "same", text);
    corpus_write(&c, "data/img_same.tsv", tsv);
    free(jpeg);
    free(tsv);
    for (int compat = 0; compat < 2; compat++) {
        char flags[300];
        snprintf(flags, sizeof flags, "--type=retrieval --task=same --dataset=same "
                 "--first-stage=2 --path_ckpt=FOLDER/d.safetensors --compat=%s "
                 "--predictions=FOLDER/same.jsonl", compat ? "violet1" : "none");
        eval_outcome r = eval_ok(&c, "same", flags);
        json_t *lines = eval_lines(&c, "same.jsonl");
        for (size_t i = 0; i < 4; i++) {
            if (rank_of(lines, i) != rank[compat][i])
                fail_msg("compat %d, caption %zu: rank %g", compat, i, rank_of(lines, i));
        }
        assert_true(eval_metric_of(&r, "t2v_within") == 0.5);
        json_decref(lines);
        eval_outcome_release(&r);
    }
}

static void one_direction_costs_one(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "t2v", FIRST "--first-stage=2 --direction=text-to-video "
                                                  "--predictions=FOLDER/t.jsonl");
    json_t *lines = eval_lines(&c, "t.jsonl");
    assert_int_equal(json_array_size(lines), N_CAPTIONS);
    assert_int_equal(number(&r, "pairs"), 2 * TEXTS);
    assert_null(json_object_get(json_object_get(r.result, "metrics"), "v2t_recall_1"));
    eval_metric_json(&r, "t2v_first_recall_1");
    json_decref(lines);
    eval_outcome_release(&r);
    r = eval_ok(&c, "v2t", FIRST "--first-stage=2 --direction=video-to-text");
    assert_int_equal(number(&r, "pairs"), 2 * N_VIDEOS);
    assert_null(json_object_get(json_object_get(r.result, "metrics"), "t2v_recall_1"));
    eval_outcome_release(&r);
}

/* ---- trained --------------------------------------------------------------------------------- */

static void trained_vectors_find_what_they_were_shown(void **state)
{
    (void)state;
    static const char *const captions[6] = {"red cat runs", "green dog sits", "blue bird flies",
                                            "cat here now", "dog there runs", "bird sits here"};
    char text[1024] = "{\"train\": [";
    for (int i = 0; i < 6; i++)
        sprintf(text + strlen(text), "%s{\"video\": \"v%d\", \"caption\": \"%s\"}", i ? ", " : "",
                i, captions[i]);
    strcat(text, "]}");
    eval_items(&c, "six", text);
    corpus_finetune_ok(&c, "trained",
                       "--type=retrieval --task=six --dataset=six --size_frame=2 --valid_split= "
                       "--test_split= --contrastive=1 --size_epoch=250 --lr=1.5e-3 --clip=1 "
                       "--warmup=0.1 --schedule=linear --drop=0 --drop_path=0 --save_every=0 "
                       "--save_seconds=60");
    eval_outcome r = eval_ok(&c, "found", "--type=retrieval --task=six --dataset=six "
                                          "--first-stage=1 "
                                          "--path_ckpt=FOLDER/trained/best.safetensors");
    assert_true(eval_metric_of(&r, "t2v_first_recall_1") == 1);
    assert_true(eval_metric_of(&r, "v2t_first_recall_1") == 1);
    assert_true(eval_metric_of(&r, "t2v_recall_1") == 1);
    assert_true(eval_metric_of(&r, "t2v_within") == 1);
    assert_int_equal(number(&r, "pairs"), 6);
    eval_outcome_release(&r);
}

/* ---- stops and caches ------------------------------------------------------------------------ */

static void stops_change_nothing(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "whole", FIRST "--first-stage=2");
    eval_outcome_release(&r);
    int times = 0;
    do {
        r = eval_run(&c, "cut", NULL, 2, FIRST "--first-stage=2");
        assert_true(times++ < 20);
        if (r.status != VIOLET_OK && r.status != VIOLET_EINTERRUPTED) fail_msg("%s", r.error);
        if (r.status == VIOLET_OK) break;
        eval_outcome_release(&r);
    } while (1);
    assert_true(times > 3);
    eval_outcome_release(&r);
    corpus_same(&c, "whole", "cut", "result.json");
    corpus_same(&c, "whole", "cut", "scores.bin");
    corpus_same(&c, "whole", "cut", "vectors.bin");
    /* once more: nothing is left to do; another K begins anew */
    r = eval_ok(&c, "cut", FIRST "--first-stage=2");
    if (strstr(r.told, "pairs/s")) fail_msg("%s", r.told);
    eval_outcome_release(&r);
    r = eval_ok(&c, "cut", FIRST "--first-stage=3");
    assert_int_equal(number(&r, "best"), 3);
    eval_outcome_release(&r);
}

/* Which pairs there are scores of is part of what is gone on with. */
static void another_choice_is_another_evaluation(void **state)
{
    (void)state;
    static const char *const other[] = {"", "--first-stage=3",
                                        "--first-stage=2 --direction=text-to-video"};
    for (size_t k = 0; k < 3; k++) {
        char flags[200];
        eval_outcome r = eval_run(&c, "choice", NULL, 10, FIRST "--first-stage=2 --restart=true");
        assert_int_equal(r.status, VIOLET_EINTERRUPTED);
        snprintf(flags, sizeof flags, FIRST "%s", other[k]);
        r = eval_run(&c, "choice", NULL, 0, flags);
        assert_int_equal(r.status, VIOLET_EINVAL);
        assert_non_null(strstr(r.error, k ? "other items" : "other weights"));
    }
}

/* The cache of an evaluation without a first stage serves one with it. */
static void encoded_videos_are_taken_from_the_cache(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "c1", FIRST "--cache=FOLDER/v.cache");
    eval_outcome_release(&r);
    eval_outcome a = eval_ok(&c, "c2", FIRST "--cache=FOLDER/v.cache --first-stage=2");
    if (!strstr(a.told, " 0 videos in ")) fail_msg("%s", a.told);
    eval_outcome b = eval_ok(&c, "c3", FIRST "--first-stage=2");
    assert_true(json_equal(json_object_get(a.result, "metrics"),
                           json_object_get(b.result, "metrics")));
    eval_outcome_release(&a);
    eval_outcome_release(&b);
}

static void what_cannot_be_is_told(void **state)
{
    (void)state;
    eval_fails(&c, VIOLET_ESHAPE, "has no dual encoder",
               "--type=retrieval --task=t --path_ckpt=FOLDER/m.safetensors --first-stage=2");
    eval_fails(&c, VIOLET_EINVAL, "only retrieval",
               "--type=qamc --task=t --path_ckpt=FOLDER/d.safetensors --first-stage=2");
    eval_fails(&c, VIOLET_EINVAL, "no parts", FIRST "--first-stage=2 --shard=1/2");
    eval_fails(&c, VIOLET_EINVAL, "no parts", FIRST "--first-stage=2 --merge=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_is_no_first_stage_to_the_bit),
        cmocka_unit_test(few_lose_what_the_first_stage_lost),
        cmocka_unit_test(who_is_lost_is_behind_whom_it_ties_with),
        cmocka_unit_test(one_direction_costs_one),
        cmocka_unit_test(trained_vectors_find_what_they_were_shown),
        cmocka_unit_test(stops_change_nothing),
        cmocka_unit_test(another_choice_is_another_evaluation),
        cmocka_unit_test(encoded_videos_are_taken_from_the_cache),
        cmocka_unit_test(what_cannot_be_is_told),
    };
    return cmocka_run_group_tests_name("first_stage", tests, set_up, tear_down);
}
