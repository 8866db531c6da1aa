/* What a fine-tuning tells, and what its files say of it, is so: the test, the best weights, what
 * is missing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus.h"
#include "data/items.h"
#include "eval_case.h"
#include "file/tensors.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"

#define RUN "--type=qaoe --task=oe --dataset=four --size_frame=2 --lr=1e-3 "

static corpus c;

static bool put_question(char *to, size_t room, const char *split, int i, const void *word)
{
    static const char *const answer[] = {"cat", "dog", "bird", "red"};
    if (i == 4) return false;
    snprintf(to, room, "\"video\": \"v%d\", \"question\": \"now %s there\", \"answer\": \"%s\"", i,
             strncmp(split, "te", 2) == 0 ? (const char *)word : "red", answer[i]);
    return true;
}

/* data/txt_NAME.json: four questions each in these splits, of `word` in those of tests. */
static void write_items(const char *name, const char *const *splits, const char *word)
{
    corpus_items(&c, name, splits, put_question, word);
}

static const char *const all_splits[] = {"train", "val", "test", "test2", NULL};

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add_videos(&c, "four", 4, 2, NULL);
    write_items("oe", all_splits, "here");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static void shell(const char *format, const char *name)
{
    char command[300], all[400];
    snprintf(command, sizeof command, format, name);
    snprintf(all, sizeof all, "cd %s && %s", c.folder, command);
    assert_int_equal(system(all), 0);
}

static long long number(const char *output, const char *key)
{
    json_t *test = corpus_json(&c, output, "test.json");
    long long n = json_integer_value(json_object_get(test, key));
    json_decref(test);
    return n;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("'%s' does not say '%s'", text, part);
}

/* ---- the test -------------------------------------------------------------------------------- */

static void another_split_or_other_items_are_tested_again(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "again", RUN);
    assert_int_equal(corpus_finetune_ok(&c, "again", RUN "--resume").n_test, 0);
    assert_int_equal(corpus_finetune_ok(&c, "again", RUN "--resume --test_split=test2").n_test, 1);
    json_t *test = corpus_json(&c, "again", "test.json");
    assert_string_equal(json_string_value(json_object_get(test, "split")), "test2");
    json_decref(test);
    assert_int_equal(corpus_finetune_ok(&c, "again", RUN "--resume --test_split=test2").n_test, 0);
    write_items("oe", all_splits, "green");
    assert_int_equal(corpus_finetune_ok(&c, "again", RUN "--resume --test_split=test2").n_test, 1);
    write_items("oe", all_splits, "here");
}

static void other_weights_or_more_steps_are_tested_again(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "weights", RUN "--keep --lr=0");
    corpus_finetune_ok(&c, "others", RUN "--seed=5 --lr=1e-2");
    shell("cp %s/best.safetensors weights/best.safetensors", "others");
    assert_int_equal(corpus_finetune_ok(&c, "weights", RUN "--lr=0 --resume").n_test, 1);
    assert_int_equal(corpus_finetune_ok(&c, "weights", RUN "--lr=0 --resume").n_test, 0);
    corpus_finetune_ok(&c, "more", RUN "--lr=0");
    corpus_finetune_ok(&c, "more-whole", RUN "--lr=0 --size_epoch=3");
    run_result r = corpus_finetune_ok(&c, "more", RUN "--lr=0 --size_epoch=3 --resume");
    assert_int_equal(r.n_test, 1); /* the best is as it was, the run is not */
    corpus_same(&c, "more-whole", "more", "test.json");
}

/* test.json of before it told so much. */
static void what_a_test_does_not_say_is_no_reason(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "says", RUN);
    shell("grep -v '\"steps\"\\|\"weights\"\\|\"data\"' %s/test.json >t && mv t says/test.json",
          "says");
    assert_int_equal(corpus_finetune_ok(&c, "says", RUN "--resume").n_test, 0);
}

/* Killed after best.safetensors, before the state. */
static void the_step_of_the_test_is_that_of_the_weights(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "ahead", RUN "--size_epoch=1");
    corpus_finetune_ok(&c, "later", RUN "--size_epoch=3 --keep");
    assert_int_equal(number("ahead", "step"), 1);
    shell("cp %s/3_all.safetensors ahead/best.safetensors", "later");
    run_result r = corpus_finetune_ok(&c, "ahead", RUN "--size_epoch=1 --resume");
    assert_says(r.first_warning, "is of step 3, the saved state's best validation of step 1");
    assert_int_equal(r.n_test, 1);
    assert_int_equal(number("ahead", "step"), 3);
    assert_int_equal(number("ahead", "steps"), 1);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void a_state_says_what_it_is_for(void **state)
{
    (void)state;
    char path[200], *text;
    corpus_finetune_ok(&c, "state", RUN);
    snprintf(path, sizeof path, "%s/state/last.safetensors", c.folder);
    assert_int_equal(vl_checkpoint_metadata(&text, path, "task"), VIOLET_OK);
    assert_non_null(text);
    assert_says(text, "\"type\":\"qaoe\"");
    assert_says(text, "\"answers\":[");
    free(text);
}

static void choices_have_one_accuracy(void **state)
{
    (void)state;
    corpus_write(&c, "data/txt_mc.json",
                 "{\"train\": [{\"video\": \"v0\", \"question\": \"red\", \"option_0\": \"cat\", "
                 "\"option_1\": \"dog\", \"answer\": 0}, "
                 "{\"video\": \"v1\", \"question\": \"red\", \"option_0\": \"cat\", "
                 "\"option_1\": \"dog\", \"answer\": 1}]}\n");
    corpus_finetune_ok(&c, "mc", "--type=qamc --task=mc --dataset=four --size_frame=2 "
                                 "--size_batch=2 --valid_split=train --test_split=train");
    json_t *log = corpus_json(&c, "mc", "log.json"), *of = json_object_get(log, "four");
    assert_non_null(json_object_get(of, "accuracy"));
    assert_null(json_object_get(of, "accuracy_listed"));
    json_decref(log);
}

/* ---- what is missing ------------------------------------------------------------------------- */

static void a_default_split_may_be_missing_but_not_its_videos(void **state)
{
    (void)state;
    static const char *const train[] = {"train", NULL};
    write_items("only", train, "here");
    run_result r = corpus_finetune_ok(&c, "only", RUN "--task=only");
    assert_int_equal(r.n_valid, 0);
    assert_says(r.first_warning, "no test: the items have no split 'test'");
    assert_says(r.last_warning, "no validation: the items have no split 'val'");
    corpus_write(&c, "data/txt_gone.json",
                 "{\"train\": [{\"video\": \"v0\", \"question\": \"red\", \"answer\": \"cat\"}], "
                 "\"val\": [{\"video\": \"gone\", \"question\": \"red\", \"answer\": \"cat\"}]}\n");
    r = corpus_finetune(&c, "gone", RUN "--task=gone --size_batch=1 --test_split=", 0);
    assert_int_equal(r.status, VIOLET_EFORMAT);
    assert_says(r.error, "validation split 'val'");
    corpus_finetune_ok(&c, "gone", RUN "--task=gone --size_batch=1 --test_split= --valid_split=");
}

static void a_forgotten_checkpoint_is_told(void **state)
{
    (void)state;
    run_result r = corpus_finetune(&c, "random", RUN "--config= --dataset=none", 0);
    assert_int_equal(r.status, VIOLET_EIO);
    assert_says(r.first_warning, "all weights are random");
    r = corpus_finetune(&c, "random", RUN "--dataset=none", 0);
    assert_string_equal(r.first_warning, "");
}

static void missing_videos_are_told_once(void **state)
{
    (void)state;
    corpus_add_videos(&c, "three", 3, 2, NULL);
    run_result r = corpus_finetune_ok(&c, "three", RUN "--dataset=three --size_batch=2");
    assert_says(r.first_warning, "1 of 4 videos have no pictures");
    if (r.n_warnings != 3) fail_msg("%d warnings, the last '%s'", r.n_warnings, r.last_warning);
    assert_int_equal(r.n_bad, 0);
}

static void too_large_a_batch_is_told(void **state)
{
    (void)state;
    run_result r = corpus_finetune(&c, "large", RUN "--size_batch=5", 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_string_equal(r.error,
                        "no whole batch of 5 samples: four has 4; --size-batch 4 or less");
}

/* A folder on a disk of 64 KiB, where this may make one. */
static void a_full_disk_is_told_before_the_first_step(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s/small", c.folder);
    assert_int_equal(mkdir(path, 0777), 0);
    if (mount("tmpfs", path, "tmpfs", 0, "size=64k") != 0) {
        print_message("skip: cannot mount a file system\n");
        skip();
    }
    run_result r = corpus_finetune(&c, "small", RUN, 0);
    bool written = corpus_has(&c, "small", "last.safetensors");
    assert_int_equal(umount(path), 0);
    assert_int_equal(r.status, VIOLET_EIO);
    assert_says(r.error, "a saved state takes");
    assert_int_equal(r.n_steps, 0);
    assert_false(written);
}

static void a_head_that_is_not_whole_is_told(void **state)
{
    (void)state;
    static const char *const has[] = {"fc.1.weight", "fc.1.bias", "fc.3.bias"};
    char path[200], header[400] = "{";
    for (size_t i = 0; i < 3; i++)
        sprintf(header + strlen(header), "%s\"%s\": {\"dtype\": \"F32\", \"shape\": [0], "
                "\"data_offsets\": [0, 0]}", i ? ", " : "", has[i]);
    strcat(header, "}");
    uint64_t n = strlen(header);
    snprintf(path, sizeof path, "%s/part.safetensors", c.folder);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(&n, 8, 1, f);
    fwrite(header, 1, n, f);
    assert_int_equal(fclose(f), 0);
    vl_tensors *t;
    assert_int_equal(vl_tensors_open(&t, path), VIOLET_OK);
    assert_string_equal(vl_head_lacks(t), "fc.3.weight");
    vl_tensors_close(t);
    corpus_checkpoint(&c, "whole.safetensors", 0);
    snprintf(path, sizeof path, "%s/whole.safetensors", c.folder);
    assert_int_equal(vl_tensors_open(&t, path), VIOLET_OK);
    assert_null(vl_head_lacks(t));
    vl_tensors_close(t);
}

/* ---- items ----------------------------------------------------------------------------------- */

static void a_clip_with_and_without_its_ending_is_one_video(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"video\": \"a.mp4\", \"caption\": \"x\"}, {\"video\": \"a\", \"caption\": \"y\"}, "
        "{\"video\": \"b\", \"caption\": \"x\"}, {\"video\": \"b.webm\", \"caption\": \"y\"}, "
        "{\"video\": \"c.mp4\", \"caption\": \"x\"}, {\"video\": \"c.avi\", \"caption\": \"y\"}, "
        "{\"video\": \"c\", \"caption\": \"z\"}, {\"video\": \"d.1\", \"caption\": \"x\"}, "
        "{\"video\": \"d\", \"caption\": \"x\"}]";
    static const int video[] = {0, 0, 1, 1, 2, 3, 2, 4, 5};
    const vl_items_options o = {.kind = VL_TASK_RETRIEVAL};
    vl_items *q;
    assert_int_equal(vl_items_parse(&q, &o, text, sizeof text - 1, "x.json"), VIOLET_OK);
    for (size_t i = 0; i < vl_items_n(q); i++)
        assert_int_equal(vl_items_at(q, i)->video, video[i]);
    assert_int_equal(vl_items_n_videos(q), 6);
    assert_string_equal(vl_items_video(q, 0), "a.mp4");
    vl_items_close(q);
}

/* A list of entries whose answers are numbers of a list that stands elsewhere. */
static void answers_may_stand_in_a_file(void **state)
{
    (void)state;
    corpus_write(&c, "data/num.json",
                 "[{\"video\": \"v0\", \"question\": \"red\", \"answer\": 1}, "
                 "{\"video\": \"v1\", \"question\": \"red\", \"answer\": 0}]\n");
    corpus_write(&c, "list.json", "{\"vocab\": [\"cat\", \"dog\", \"bird\"]}\n");
    const char *flags = "--type=qaoe --items=FOLDER/data/num.json --dataset=four --size_frame=2 "
                        "--size_batch=2 --split=num --valid_split= --test_split= ";
    char all[400];
    run_result r = corpus_finetune(&c, "num", flags, 0);
    assert_int_equal(r.status, VIOLET_EFORMAT);
    snprintf(all, sizeof all, "%s --answers=FOLDER/list.json", flags);
    corpus_finetune_ok(&c, "num", all);
    char path[200], *text;
    snprintf(path, sizeof path, "%s/num/best.safetensors", c.folder);
    assert_int_equal(vl_checkpoint_metadata(&text, path, "task"), VIOLET_OK);
    assert_says(text, "\"answers\":[\"cat\",\"dog\",\"bird\"]");
    free(text);
#define EVAL                                                                                       \
    "--type=qaoe --items=FOLDER/data/num.json --dataset=four --split=num "                         \
    "--path_ckpt=FOLDER/num/best.safetensors --answers=FOLDER/"
    corpus_write(&c, "more.json", "[\"cat\", \"dog\", \"bird\", \"red\"]\n");
    corpus_write(&c, "fewer.json", "[\"cat\"]\n");
    eval_outcome e = eval_ok(&c, "num-eval", EVAL "list.json");
    eval_outcome_release(&e);
    eval_fails(&c, VIOLET_ESHAPE, "more.json has 4", EVAL "more.json");
    eval_fails(&c, VIOLET_EFORMAT, "the list has 1", EVAL "fewer.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_split_or_other_items_are_tested_again),
        cmocka_unit_test(other_weights_or_more_steps_are_tested_again),
        cmocka_unit_test(what_a_test_does_not_say_is_no_reason),
        cmocka_unit_test(the_step_of_the_test_is_that_of_the_weights),
        cmocka_unit_test(a_state_says_what_it_is_for),
        cmocka_unit_test(choices_have_one_accuracy),
        cmocka_unit_test(a_default_split_may_be_missing_but_not_its_videos),
        cmocka_unit_test(a_forgotten_checkpoint_is_told),
        cmocka_unit_test(missing_videos_are_told_once),
        cmocka_unit_test(too_large_a_batch_is_told),
        cmocka_unit_test(a_full_disk_is_told_before_the_first_step),
        cmocka_unit_test(a_head_that_is_not_whole_is_told),
        cmocka_unit_test(a_clip_with_and_without_its_ending_is_one_video),
        cmocka_unit_test(answers_may_stand_in_a_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
