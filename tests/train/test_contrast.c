/* Runs with --contrastive: the vectors find what they were shown, a stopped run goes on to the same
 * bytes, a run without it writes none of it, and heads come from files where they are there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

#define RETRIEVAL "--type=retrieval --task=ret --dataset=six --size_frame=2 "

static corpus c;

/* Videos v0 to v5 with a caption each; all: for all of them, NULL: one of their own. */
static bool put_caption(char *to, size_t room, const char *split, int i, const void *all)
{
    static const char *const captions[6] = {"red cat runs", "green dog sits", "blue bird flies",
                                            "cat here now", "dog there runs", "bird sits here"};
    (void)split;
    if (i == 6) return false;
    snprintf(to, room, "\"video\": \"v%d\", \"caption\": \"%s\"", i,
             all ? (const char *)all : captions[i]);
    return true;
}

static void write_captions(const char *name, const char *all)
{
    corpus_items(&c, name, (const char *const[]){"train", "val", "test", NULL}, put_caption, all);
}

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add_videos(&c, "six", 6, 2, NULL);
    corpus_add(&c, "few", 2, (const char *[]){"....", NULL}, "....");
    write_captions("ret", NULL);
    write_captions("same", "red cat runs");
    corpus_checkpoint(&c, "from.safetensors", 0.25);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static double mean_of_last(const json_t *steps, const char *key, size_t n)
{
    double sum = 0;
    size_t all = json_array_size(steps);
    for (size_t i = all - n; i < all; i++)
        sum += corpus_number(json_array_get(steps, i), key) / (double)n;
    return sum;
}

/* ---- learning -------------------------------------------------------------------------------- */

static void pairs_are_found_in_fine_tuning(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "learn", RETRIEVAL "--contrastive=1 --size_epoch=200 --lr=1.5e-3 "
                                              "--clip=1 --warmup=0.1 --schedule=linear --drop=0 "
                                              "--drop_path=0 --save_every=0 --save_seconds=60");
    json_t *steps = corpus_steps(&c, "learn"), *log = corpus_json(&c, "learn", "log.json");
    double accuracy = mean_of_last(steps, "ac_con", 20), loss = mean_of_last(steps, "ls_con", 20);
    if (accuracy < 1 - 1e-9 || loss > 0.1) fail_msg("accuracy %g, loss %g", accuracy, loss);
    const json_t *first = json_array_get(steps, 0);
    double sum = corpus_number(first, "ls_retrieval") + corpus_number(first, "ls_con");
    assert_true(fabs(corpus_number(first, "loss") - sum) < 1e-6 * sum);
    assert_int_equal(json_array_size(json_object_get(json_object_get(log, "six"), "ls_con")), 200);
    json_decref(steps);
    json_decref(log);
}

static void pairs_are_found_in_pretraining(void **state)
{
    (void)state;
    run_result r = corpus_run_ok(&c, "pre", "--dataset=few --contrastive=0.5 --size_epoch=150 "
                                            "--lr=2e-3 --clip=1 --schedule=linear --warmup=0.1 "
                                            "--drop=0 --drop_path=0 --keep=false --save_every=0 "
                                            "--save_seconds=60 --p_word=0 --p_use_attended=0");
    json_t *steps = corpus_steps(&c, "pre"), *log = corpus_json(&c, "pre", "log.json");
    double accuracy = mean_of_last(steps, "ac_con", 20);
    if (accuracy < 0.9) fail_msg("accuracy %g", accuracy);
    const json_t *first = json_array_get(steps, 0);
    double sum = corpus_number(first, "ls_mvm") + corpus_number(first, "ls_vtm") +
                 0.5 * corpus_number(first, "ls_con");
    assert_null(json_object_get(first, "ls_mtm")); /* no words are hidden */
    assert_true(fabs(corpus_number(first, "loss") - sum) < 1e-6 * sum);
    assert_int_equal(json_array_size(json_object_get(json_object_get(log, "few"), "ac_con")), 150);
    assert_int_equal(r.n_valid, 150);
    json_decref(steps);
    json_decref(log);
}

static void assert_nothing_asked(const char *output)
{
    json_t *steps = corpus_steps(&c, output);
    assert_true(json_array_size(steps) > 2);
    for (size_t i = 0; i < json_array_size(steps); i++)
        assert_null(json_object_get(json_array_get(steps, i), "ls_con"));
    json_decref(steps);
}

/* Where all videos have one caption, nothing can be asked. */
static void the_same_caption_is_no_wrong_pair(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "same", "--type=retrieval --task=same --dataset=six --size_frame=2 "
                                   "--size_epoch=3 --contrastive=1");
    assert_nothing_asked("same");
    corpus_add(&c, "alike", 2, (const char *[]){"....", NULL}, NULL);
    corpus_write(&c, "data/txt_alike.json",
                 "{\"train\": {\"v0\": [\"red\"], \"v1\": [\"red\"], \"v2\": [\"red\"], "
                 "\"v3\": [\"red\"]}}");
    corpus_run_ok(&c, "alike", "--dataset=alike --contrastive=1 --size_epoch=3 --valid_split=");
    assert_nothing_asked("alike");
}

/* Nor where all samples are one video, whichever of its two captions they come with. */
static void the_same_video_is_no_wrong_pair(void **state)
{
    (void)state;
    size_t n;
    corpus_add(&c, "twin", 2, (const char *[]){"....", NULL}, NULL);
    char *tsv = corpus_read(&n, &c, "data", "img_twin_train_0.tsv"), path[200];
    for (size_t i = 0; i + 2 < n; i++)
        if ((i == 0 || tsv[i - 1] == '\n') && tsv[i] == 'v') tsv[i + 1] = '0';
    snprintf(path, sizeof path, "%s/img_twin_train_0.tsv", c.data);
    FILE *f = fopen(path, "w");
    assert_true(f && fwrite(tsv, 1, n, f) == n && fclose(f) == 0);
    free(tsv);
    corpus_run_ok(&c, "twin", "--dataset=twin --contrastive=1 --size_epoch=6 --caption=random "
                              "--valid_split=");
    assert_nothing_asked("twin");
}

/* ---- files ----------------------------------------------------------------------------------- */

static void stopped_runs_go_on_to_the_same_bytes(void **state)
{
    (void)state;
    const char *all = RETRIEVAL "--contrastive=0.5 --size_epoch=3 --accumulate=2 --save_every=1";
    char again[300];
    static const char *const files[] = {"steps.jsonl", "log.json", "last.safetensors",
                                        "best.safetensors", "test.json"};
    run_result r;
    int times = 0;
    snprintf(again, sizeof again, "%s --resume", all);
    corpus_finetune_ok(&c, "whole", all);
    do {
        r = corpus_finetune(&c, "cut", times ? again : all, 1);
        assert_true(times++ < 20);
    } while (r.status == VIOLET_EINTERRUPTED);
    if (r.status != VIOLET_OK) fail_msg("%s", r.error);
    assert_true(times > 2);
    for (size_t k = 0; k < sizeof files / sizeof *files; k++)
        corpus_same(&c, "whole", "cut", files[k]);
    snprintf(again, sizeof again, "%s --resume --size_epoch=4 --contrastive=1", all);
    r = corpus_finetune(&c, "cut", again, 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    if (!strstr(r.error, "'contrastive'")) fail_msg("%s", r.error);
}

static void without_it_nothing_of_it_is_written(void **state)
{
    (void)state;
    size_t n;
    corpus_finetune_ok(&c, "plain", RETRIEVAL "--steps=1");
    char *steps = corpus_read(&n, &c, "plain", "steps.jsonl");
    char *weights = corpus_read(&n, &c, "plain", "best.safetensors");
    assert_null(strstr(steps, "con"));
    assert_null(memmem(weights, n, "dual", 4));
    free(steps);
    free(weights);
}

/* A checkpoint without the head starts it fresh, and says so; one with it gives it on, and to a run
 * without it as what is not used. */
static void heads_come_from_files(void **state)
{
    (void)state;
    char path[] = "--steps=1 --lr=0 --path_ckpt=FOLDER/", flags[300];
    snprintf(flags, sizeof flags, RETRIEVAL "--contrastive=1 %sfrom.safetensors", path);
    run_result r = corpus_finetune_ok(&c, "fresh", flags);
    if (!strstr(r.told, "fresh: 2 tensors")) fail_msg("%s", r.told);
    strcat(flags, " --strict");
    r = corpus_finetune(&c, "strict", flags, 0);
    assert_int_equal(r.status, VIOLET_ESHAPE);
    if (!strstr(r.error, "dual.")) fail_msg("%s", r.error);
    snprintf(flags, sizeof flags, RETRIEVAL "--contrastive=1 --strict %sfresh/best.safetensors",
             path);
    corpus_finetune_ok(&c, "again", flags);
    corpus_same(&c, "fresh", "again", "best.safetensors");
    snprintf(flags, sizeof flags, RETRIEVAL "%sfresh/best.safetensors", path);
    r = corpus_finetune_ok(&c, "without", flags);
    if (!strstr(r.last_warning, "dual.")) fail_msg("%s", r.last_warning);
}

static void questions_have_no_contrastive_loss(void **state)
{
    (void)state;
    corpus_write(&c, "data/txt_oe.json",
                 "{\"train\": [{\"video\": \"v0\", \"question\": \"red\", \"answer\": \"cat\"}]}");
    run_result r = corpus_finetune(&c, "refused", "--type=qaoe --task=oe --dataset=six "
                                                  "--size_frame=2 --contrastive=1", 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    if (!strstr(r.error, "contrastive")) fail_msg("%s", r.error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_found_in_fine_tuning),
        cmocka_unit_test(pairs_are_found_in_pretraining),
        cmocka_unit_test(the_same_caption_is_no_wrong_pair),
        cmocka_unit_test(the_same_video_is_no_wrong_pair),
        cmocka_unit_test(stopped_runs_go_on_to_the_same_bytes),
        cmocka_unit_test(without_it_nothing_of_it_is_written),
        cmocka_unit_test(heads_come_from_files),
        cmocka_unit_test(questions_have_no_contrastive_loss),
    };
    return cmocka_run_group_tests_name("contrast", tests, set_up, tear_down);
}
