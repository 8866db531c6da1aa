/* Fine-tuning and evaluation with --blind: of every task, whatever the pictures are, told wherever
 * such a model goes, and kept by a run that goes on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval_case.h"
#include "model/checkpoint.h"

/* Data set "b" has the videos of "a", and not one picture that can be read. */
#define OF(type, task) "--type=" type " --task=" task " --valid_split=train --test_split=train "
#define TUNE "--steps=4 --size_frame=2 --lr=3e-3 --save_every=1 "

static corpus c;

static const struct kind {
    const char *type, *flags, *metric;
} kinds[4] = {
    {"retrieval", OF("retrieval", "t") TUNE, "t2v_recall_1"},
    {"qamc", OF("qamc", "mc") TUNE, "accuracy"},
    {"qaoe", OF("qaoe", "oe") TUNE, "accuracy"},
    {"fib", OF("fib", "oe") TUNE, "accuracy"},
};

static int set_up(void **state)
{
    (void)state;
    eval_corpus_open(&c);
    corpus_add(&c, "b", 2, (const char *[]){"jjjjbjjj", NULL}, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

/* Tunes the kind to FOLDER/PREFIX-TYPE, whose name it gives. */
static run_result tune(char output[40], const struct kind *k, const char *prefix, const char *more)
{
    char flags[400];
    snprintf(output, 40, "%s-%s", prefix, k->type);
    snprintf(flags, sizeof flags, "%s%s", k->flags, more);
    return corpus_finetune_ok(&c, output, flags);
}

static bool is_blind(const char *output, const char *name)
{
    json_t *o = corpus_json(&c, output, name);
    bool blind = json_is_true(json_object_get(o, "blind"));
    json_decref(o);
    return blind;
}

static bool says_blind(const char *output)
{
    char path[256], *text;
    snprintf(path, sizeof path, "%s/%s/best.safetensors", c.folder, output);
    assert_int_equal(vl_checkpoint_metadata(&text, path, "task"), VIOLET_OK);
    bool blind = strstr(text, "\"blind\":true") != NULL;
    assert_true(blind || strstr(text, "\"blind\":false"));
    free(text);
    return blind;
}

static void all_tasks_learn_without_a_picture(void **state)
{
    (void)state;
    static const char *const files[] = {"test.json", "best.safetensors"}; /* no set is named */
    for (int k = 0; k < 4; k++) {
        char good[40], bad[40], seen[40];
        run_result r = tune(good, &kinds[k], "good", "--dataset=a --blind=true");
        run_result s = tune(bad, &kinds[k], "bad", "--dataset=b --blind=true");
        assert_true(r.n_bad == 0 && s.n_bad == 0);
        assert_null(strstr(s.told, "skipped ("));
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            corpus_same(&c, good, bad, files[i]);
        tune(seen, &kinds[k], "seen", "--dataset=a");
        json_t *one = corpus_steps(&c, good), *two = corpus_steps(&c, seen);
        assert_false(json_equal(one, two));
        json_decref(one);
        json_decref(two);
        assert_true(is_blind(bad, "args.json") && is_blind(bad, "test.json") && says_blind(bad));
        assert_false(is_blind(seen, "args.json") || is_blind(seen, "test.json") ||
                     says_blind(seen));
        corpus_fails(corpus_finetune(&c, "no", kinds[k].flags, 0), VIOLET_EINVAL, "dataset");
    }
}

/* An evaluation by the args.json of a run, of bad-TYPE above. */
static eval_outcome evaluate(const struct kind *k, const char *prefix, const char *flags)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s-%s/args.json", c.folder, prefix, k->type);
    eval_outcome r = eval_run(&c, "ev", path, 0, flags);
    if (r.status != VIOLET_OK) fail_msg("%s: %s", path, r.error);
    return r;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void its_evaluation_is_blind(void **state)
{
    (void)state;
    static const char note[] = "blind: no pictures are seen";
    for (int k = 0; k < 4; k++) {
        char name[40];
        snprintf(name, sizeof name, "bad-%s", kinds[k].type);
        json_t *test = corpus_json(&c, name, "test.json");
        eval_outcome r = evaluate(&kinds[k], "bad", "");
        const json_t *m = eval_metric_json(&r, kinds[k].metric);
        const char *own = k == 0 ? "recall_1" : kinds[k].metric;
        assert_true(eval_near(eval_metric_of(&r, kinds[k].metric), corpus_number(test, own)));
        assert_true(json_is_true(json_object_get(r.result, "blind")));
        assert_non_null(strstr(text_of(m, "protocol"), note));
        assert_null(strstr(r.told, "was fine-tuned"));
        assert_null(strstr(r.told, "left out (picture)"));
        eval_outcome_release(&r);
        json_decref(test);
    }
}

/* All videos are one to a blind model: each ties with all others. */
static void blind_ranks_are_chance(void **state)
{
    (void)state;
    enum { N = 7 }; /* videos of the captions that are there */
    eval_outcome r = evaluate(&kinds[0], "bad", "");
    json_t *test = corpus_json(&c, "bad-retrieval", "test.json");
    assert_true(eval_metric_of(&r, "t2v_median_rank") == (N + 1) / 2.0);
    assert_true(eval_metric_of(&r, "t2v_mean_rank") == (N + 1) / 2.0);
    assert_true(corpus_number(test, "median_rank") == (N + 1) / 2.0);
    assert_true(corpus_number(test, "recall_1") == 0);
    eval_outcome_release(&r);
    json_decref(test);
}

static void a_difference_is_told(void **state)
{
    (void)state;
    eval_outcome r = evaluate(&kinds[2], "good", "--blind=false");
    assert_non_null(strstr(r.told, "was fine-tuned with --blind, this is without"));
    assert_true(json_is_false(json_object_get(r.result, "blind")));
    assert_null(strstr(text_of(eval_metric_json(&r, "accuracy"), "protocol"), "blind"));
    char *key = strdup(text_of(r.result, "key"));
    eval_outcome_release(&r);
    r = evaluate(&kinds[2], "good", "");
    assert_string_not_equal(text_of(r.result, "key"), key);
    free(key);
    eval_outcome_release(&r);
    r = evaluate(&kinds[2], "seen", "--blind=true");
    assert_non_null(strstr(r.told, "was fine-tuned without --blind, this is with it"));
    eval_outcome_release(&r);
    eval_checkpoint(&c, "odd.safetensors", &(eval_weights){.heads = VL_HEAD_ANSWER,
                                                           .task = "{\"blind\": 1}"});
    eval_fails(&c, VIOLET_EFORMAT, "blind: expected true or false",
               "--type=qaoe --task=oe --path_ckpt=FOLDER/odd.safetensors");
}

static void a_run_goes_on_blind(void **state)
{
    (void)state;
    char flags[400];
    snprintf(flags, sizeof flags, "%s--dataset=b --blind=true", kinds[2].flags);
    run_result r = corpus_finetune(&c, "cut", flags, 2);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    snprintf(flags, sizeof flags, "%s--dataset=b --resume=true", kinds[2].flags);
    corpus_fails(corpus_finetune(&c, "cut", flags, 0), VIOLET_EINVAL, "another 'blind'");
    snprintf(flags, sizeof flags, "%s--dataset=b --blind=true --resume=true", kinds[2].flags);
    corpus_finetune_ok(&c, "cut", flags);
    corpus_same(&c, "cut", "bad-qaoe", "steps.jsonl");
    corpus_same(&c, "cut", "bad-qaoe", "best.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tasks_learn_without_a_picture), /* the others are of its runs */
        cmocka_unit_test(its_evaluation_is_blind),
        cmocka_unit_test(blind_ranks_are_chance),
        cmocka_unit_test(a_difference_is_told),
        cmocka_unit_test(a_run_goes_on_blind),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
