/* How violet eval runs: stops, parts, folders, caches, errors. */
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

static corpus c;

static int set_up(void **state)
{
    (void)state;
    eval_corpus_open(&c);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static void remove_output(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "rm -rf %s/%s", c.folder, name);
    assert_int_equal(system(path), 0);
}

/* ---- stops, parts, caches -------------------------------------------------------------------- */

static const char *const kinds[] = {RETRIEVAL, CHOICE, OPEN};

static void same_files(const char *a, const char *b)
{
    corpus_same(&c, a, b, "scores.bin");
    corpus_same(&c, a, b, "result.json");
}

static void a_stop_changes_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        char flags[300];
        snprintf(flags, sizeof flags, "%s--predictions=FOLDER/whole/p.jsonl", kinds[k]);
        remove_output("whole");
        remove_output("stopped");
        eval_outcome r = eval_ok(&c, "whole", flags);
        int n = r.n_items;
        eval_outcome_release(&r);
        snprintf(flags, sizeof flags, "%s--predictions=FOLDER/stopped/p.jsonl", kinds[k]);
        for (int stops = 0; stops < 3; stops++) { /* a video each */
            r = eval_run(&c, "stopped", NULL, 1, flags);
            assert_int_equal(r.status, VIOLET_EINTERRUPTED);
            assert_int_equal(corpus_count(&c, "stopped", ""), 1); /* scores.bin */
        }
        r = eval_ok(&c, "stopped", flags);
        assert_int_equal(r.n_items, n - 3);
        eval_outcome_release(&r);
        same_files("whole", "stopped");
        corpus_same(&c, "whole", "stopped", "p.jsonl");
        r = eval_ok(&c, "stopped", kinds[k]); /* a finished one: nothing but the bad once more */
        assert_true(r.n_items <= 2 && !strstr(r.told, "pairs/s"));
        eval_outcome_release(&r);
        same_files("whole", "stopped");
    }
}

static void parts_make_the_same_whole(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        char flags[300];
        remove_output("whole");
        remove_output("parts");
        eval_outcome r = eval_ok(&c, "whole", kinds[k]);
        eval_outcome_release(&r);
        for (int i = 3; i >= 1; i--) {
            snprintf(flags, sizeof flags, "%s--shard=%d/3", kinds[k], i);
            r = eval_ok(&c, "parts", flags);
            assert_null(r.result);
            snprintf(flags, sizeof flags, "%s--merge=3", kinds[k]);
            if (i > 1) {
                r = eval_run(&c, "parts", NULL, 0, flags);
                assert_int_equal(r.status, VIOLET_EINVAL);
                assert_non_null(strstr(r.error, "not finished"));
                assert_false(corpus_has(&c, "parts", "scores.bin"));
            }
        }
        r = eval_ok(&c, "parts", flags);
        assert_non_null(r.result);
        eval_outcome_release(&r);
        same_files("whole", "parts");
    }
    eval_outcome r = eval_run(&c, "parts", NULL, 0, OPEN "--seed=2 --merge=2");
    assert_int_equal(r.status, VIOLET_EINVAL); /* parts of three, not of two */
    r = eval_run(&c, "parts", NULL, 0, OPEN "--size_txt=7 --merge=3");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "a part of another evaluation"));
}

static void folders_are_not_mixed_up(void **state)
{
    (void)state;
    const char *other = "--type=retrieval --task=t --path_ckpt=FOLDER/other.safetensors ";
    eval_outcome r = eval_run(&c, "mixed", NULL, 2, RETRIEVAL);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    r = eval_run(&c, "mixed", NULL, 0, other);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "--restart begins anew"));
    r = eval_run(&c, "mixed", NULL, 0, RETRIEVAL "--task=u");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "other items"));
    r = eval_ok(&c, "mixed", RETRIEVAL); /* the first one was not hurt */
    double first = eval_metric_of(&r, "t2v_mean_rank");
    eval_outcome_release(&r);
    r = eval_ok(&c, "mixed", other); /* what is finished is replaced */
    assert_true(eval_metric_of(&r, "t2v_mean_rank") != first);
    eval_outcome_release(&r);
    r = eval_run(&c, "again", NULL, 2, RETRIEVAL);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    r = eval_run(&c, "again", NULL, 0, "--type=retrieval --task=t --restart=true "
                                       "--path_ckpt=FOLDER/other.safetensors");
    assert_int_equal(r.status, VIOLET_OK);
    eval_outcome_release(&r);
    same_files("mixed", "again");
    r = eval_run(&c, "", NULL, 0, RETRIEVAL); /* no folder at all */
    assert_int_equal(r.status, VIOLET_OK);
    assert_true(eval_metric_of(&r, "t2v_mean_rank") == first);
    eval_outcome_release(&r);
}

static void caches_are_used(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "cached", RETRIEVAL "--cache=FOLDER/videos.cache");
    assert_non_null(strstr(r.told, "and 6 videos in"));
    double rank = eval_metric_of(&r, "t2v_mean_rank");
    eval_outcome_release(&r);
    r = eval_ok(&c, "plain", RETRIEVAL);
    eval_outcome_release(&r);
    same_files("cached", "plain");
    r = eval_ok(&c, "cached", RETRIEVAL "--cache=FOLDER/videos.cache --size_txt=7");
    assert_non_null(strstr(r.told, "and 0 videos in"));
    eval_outcome_release(&r);
    r = eval_run(&c, "other", NULL, 0, "--type=retrieval --task=t --cache=FOLDER/videos.cache "
                                       "--path_ckpt=FOLDER/other.safetensors");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "other weights"));
    r = eval_ok(&c, "half", RETRIEVAL "--cache_dtype=bfloat16 --predictions=FOLDER/half.jsonl");
    assert_true(fabs(eval_metric_of(&r, "t2v_mean_rank") - rank) < 1);
    eval_outcome_release(&r);
    json_t *half = eval_lines(&c, "half.jsonl"), *whole;
    r = eval_ok(&c, "plain", RETRIEVAL "--predictions=FOLDER/plain.jsonl");
    eval_outcome_release(&r);
    whole = eval_lines(&c, "plain.jsonl");
    double a = eval_told(half, "v0", "red cat runs"), b = eval_told(whole, "v0", "red cat runs");
    assert_true(a != b && fabs(a - b) < 0.1 * (1 + fabs(b)));
    json_decref(half);
    json_decref(whole);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void wrong_runs_are_told(void **state)
{
    (void)state;
    eval_fails(&c, VIOLET_EINVAL, "'type' is 'caption', expected", "--type=caption --task=t");
    eval_fails(&c, VIOLET_EINVAL, "--checkpoint", "--type=retrieval --task=t");
    eval_fails(&c, VIOLET_EINVAL, "--items", "--type=retrieval --path_ckpt=FOLDER/m.safetensors");
    eval_fails(&c, VIOLET_EIO, "gone.pt", "--type=qamc --task=mc --path_ckpt=FOLDER/gone.pt");
    eval_fails(&c, VIOLET_EINVAL, "size_img 65", RETRIEVAL "--size_img=65");
    eval_fails(&c, VIOLET_ESHAPE, "has no head of answers",
               "--type=qaoe --task=oe --path_ckpt=FOLDER/m.safetensors");
    eval_fails(&c, VIOLET_ESHAPE, "has no head that matches",
               "--type=retrieval --task=t --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "long", "{\"train\": [{\"video\": \"v0\", \"question\": \"what\", "
                           "\"answer\": 1}], \"vocab\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}");
    eval_fails(&c, VIOLET_ESHAPE, "has 4 answers, the list of",
               "--type=qaoe --task=long --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "none", "{\"train\": [{\"video\": \"v0\", \"question\": \"what\", "
                           "\"answer\": \"cat\"}]}");
    eval_fails(&c, VIOLET_EFORMAT, "no list of answers",
               "--type=qaoe --task=none --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "whole", "{\"train\": [{\"video\": \"v0\", \"question\": \"what\", "
                            "\"answer\": 1}], \"vocab\": [\"a\", \"b\"]}");
    eval_fails(&c, VIOLET_EFORMAT, "no sentence has a blank",
               "--type=fib --task=whole --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "far", "{\"train\": [{\"video\": \"x\", \"caption\": \"cat\"}]}");
    eval_fails(&c, VIOLET_EFORMAT, "none of the 1 videos",
               "--type=retrieval --task=far --path_ckpt=FOLDER/m.safetensors");
    eval_items(&c, "bad", "{\"train\": [{\"video\": \"v3\", \"caption\": \"cat\"}]}");
    eval_fails(&c, VIOLET_EFORMAT, "none of its videos could be scored",
               "--type=retrieval --task=bad --path_ckpt=FOLDER/m.safetensors");
    eval_fails(&c, VIOLET_EINVAL, "one of them", RETRIEVAL "--shard=1/2 --merge=2");
    eval_fails(&c, VIOLET_EINVAL, "2 or more", RETRIEVAL "--merge=1");
    eval_fails(&c, VIOLET_EINVAL, "--merge writes them", RETRIEVAL "--shard=1/2 --predictions=x");
    eval_fails(&c, VIOLET_EINVAL, "shard is '3/2'", RETRIEVAL "--shard=3/2");
    eval_fails(&c, VIOLET_EINVAL, "parts need a folder", RETRIEVAL "--shard=1/2 --output=");
    eval_fails(&c, VIOLET_ESHAPE, "2 x 2", RETRIEVAL "--size_img=96");
    assert_int_equal(corpus_count(&c, "wrong", ""), 0); /* nothing that would be in the way */
    eval_fails(&c, VIOLET_EIO, "nowhere/p.jsonl", RETRIEVAL "--predictions=FOLDER/nowhere/p.jsonl");
}

/* What a checkpoint says of itself is anybody's. */
static void hostile_descriptions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *task, *error;
    } of[] = {
        {"{", "task.safetensors: metadata 'task'"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "17 brackets"},
        {"{\"type\": \"a\\u001b[31m\"}", "type: expected a word"},
        {"{\"type\": \"retrievalretrieval\"}", "type: expected a word"},
        {"{\"type\": \"qaoe\", \"type\": \"qaoe\"}", "duplicate"},
        {"{\"size_img\": 1e30}", "size_img: expected a number from 32 to 1024"},
        {"{\"size_frame\": 4294967298}", "size_frame: expected a number from 1 to 64"},
        {"{\"size_txt\": [8]}", "size_txt: expected a number"},
        {"{\"answers\": [\"a\", 7]}", "answers: 1: expected a word, found a number"},
        {"{\"answers\": [\"a\", \"a\"]}", "is twice in the list"},
        {"{\"answers\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}", "has 4 answers, the list of"},
    };
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        eval_checkpoint(&c, "task.safetensors",
                        &(eval_weights){.heads = VL_HEAD_ANSWER, .task = of[k].task});
        eval_outcome r = eval_run(&c, "task", NULL, 0,
                                  "--type=qaoe --task=oe --path_ckpt=FOLDER/task.safetensors");
        if (r.status == VIOLET_OK || !strstr(r.error, of[k].error) || strchr(r.error, 27))
            fail_msg("%s: %d %s", of[k].task, r.status, r.error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_changes_nothing),
        cmocka_unit_test(parts_make_the_same_whole),
        cmocka_unit_test(folders_are_not_mixed_up),
        cmocka_unit_test(caches_are_used),
        cmocka_unit_test(wrong_runs_are_told),
        cmocka_unit_test(hostile_descriptions_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
