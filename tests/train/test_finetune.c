/* Whole fine-tuning runs on a tiny corpus: each task learns what it is shown, the best weights are
 * kept and tested, a stopped run goes on to the same bytes, and bad input is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corpus.h"
#include "model/checkpoint.h"
#include "train/run.h"

/* Enough to learn a handful of samples by heart. */
#define LEARN                                                                                      \
    "--size_frame=2 --size_epoch=250 --lr=1.5e-3 --clip=1 --warmup=0.1 --schedule=linear "         \
    "--drop=0 --drop_path=0 --save_every=0 --save_seconds=60 "
/* Of one batch an epoch, 4 of the 6. */
#define RETRIEVAL "--type=retrieval --task=ret --dataset=six --size_frame=2 "
#define QAMC      "--type=qamc --task=mc --dataset=six --size_frame=2 "
#define QAOE      "--type=qaoe --task=oe --dataset=six --size_frame=2 "
#define FIB       "--type=fib --task=fib --dataset=six --size_frame=2 "

static corpus c;

static const char *const caption[6] = {"red cat runs", "green dog sits", "blue bird flies",
                                       "cat here now", "dog there runs", "bird sits here"};
static const char *const answer[6] = {"cat", "dog", "bird", "red", "green", "blue"};

typedef struct entries {
    int n;
    void (*put)(char *to, size_t room, int i);
} entries;

static bool put_entry(char *to, size_t room, const char *split, int i, const void *user)
{
    const entries *e = user;
    (void)split;
    if (i == e->n) return false;
    int at = snprintf(to, room, "\"video\": \"v%d\", ", i % 6);
    e->put(to + at, room - (size_t)at, i);
    return true;
}

/* data/txt_NAME.json of three equal splits, an entry a video as `put` writes it. */
static void write_items(const char *name, int n, void (*put)(char *to, size_t room, int i))
{
    static const char *const splits[] = {"train", "val", "test", NULL};
    corpus_items(&c, name, splits, put_entry, &(entries){n, put});
}

static void put_caption(char *to, size_t room, int i)
{
    snprintf(to, room, "\"caption\": \"%s\"", caption[i]);
}

/* The right option stands at another place in each question; the last question has an option less.
 */
static void put_choice(char *to, size_t room, int i)
{
    int right = i % 3, n = i == 5 ? 3 : 4, at = 0;
    at += snprintf(to, room, "\"question\": \"now red there\", \"answer\": %d", right);
    for (int k = 0; k < n; k++)
        at += snprintf(to + at, room - (size_t)at, ", \"option_%d\": \"%s\"", k,
                       answer[(i + k - right + 6) % 6]);
}

static void put_question(char *to, size_t room, int i)
{
    snprintf(to, room, "\"question\": \"now red there\", \"answer\": \"%s\"", answer[i]);
}

static void put_blank(char *to, size_t room, int i)
{
    snprintf(to, room, "\"question\": \"now %s ___ there\", \"answer\": \"%s\"",
             i % 2 ? "red" : "here now", answer[i]);
}

static void put_other_answer(char *to, size_t room, int i)
{
    snprintf(to, room, "\"question\": \"now red there\", \"answer\": \"%s\"",
             i ? answer[i] : "fish");
}

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add_videos(&c, "six", 6, 2, NULL);
    write_items("ret", 6, put_caption);
    write_items("mc", 6, put_choice);
    write_items("oe", 6, put_question);
    write_items("fib", 6, put_blank);
    corpus_checkpoint(&c, "from.safetensors", 0.25);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

/* The metadata `task` of a file of the run. */
static json_t *description(const char *output, const char *name)
{
    char path[256], *text;
    snprintf(path, sizeof path, "%s/%s/%s", c.folder, output, name);
    if (vl_checkpoint_metadata(&text, path, "task") != VIOLET_OK) fail_msg("%s", violet_error());
    if (!text) fail_msg("%s has no 'task'", path);
    json_t *object = json_loads(text, 0, NULL);
    if (!object) fail_msg("%s", text);
    free(text);
    return object;
}

/* ---- learning -------------------------------------------------------------------------------- */

static void learns(const char *output, const char *flags)
{
    char all[600];
    snprintf(all, sizeof all, "%s %s", flags, LEARN);
    run_result r = corpus_finetune_ok(&c, output, all);
    assert_int_equal(r.n_valid, 250);
    assert_int_equal(r.n_test, 1);
    if (r.last_loss > 0.5 * r.first_loss) fail_msg("%g to %g", r.first_loss, r.last_loss);
    if (r.test[0] != 1) fail_msg("%s: test %g, last validation %g", output, r.test[0], r.metric[0]);
    json_t *test = corpus_json(&c, output, "test.json");
    assert_int_equal(corpus_number(test, "items"), 6);
    assert_int_equal(corpus_number(test, "steps"), r.n_steps);
    json_decref(test);
    assert_true(corpus_has(&c, output, "best.safetensors"));
}

static void retrieval_is_learnt(void **state)
{
    (void)state;
    learns("learn-ret", RETRIEVAL);
    json_t *log = corpus_json(&c, "learn-ret", "log.json"), *of = json_object_get(log, "six");
    static const char *const keys[] = {"ls_retrieval", "recall_1", "recall_5", "recall_10",
                                       "median_rank"};
    assert_int_equal(json_object_size(of), 5);
    for (int k = 0; k < 5; k++)
        assert_int_equal(json_array_size(json_object_get(of, keys[k])), 250);
    assert_true(json_number_value(json_array_get(json_object_get(of, "recall_10"), 0)) == 1);
    json_decref(log);
}

static void multiple_choice_is_learnt(void **state)
{
    (void)state;
    learns("learn-mc", QAMC);
}

static void answers_are_learnt(void **state)
{
    (void)state;
    learns("learn-oe", QAOE);
    json_t *d = description("learn-oe", "best.safetensors"), *list = json_object_get(d, "answers");
    assert_string_equal(json_string_value(json_object_get(d, "type")), "qaoe");
    assert_string_equal(json_string_value(json_object_get(d, "protocol")), "violet");
    assert_int_equal(corpus_number(d, "size_frame"), 2);
    assert_int_equal(corpus_number(d, "size_txt"), 8);
    assert_int_equal(corpus_number(d, "size_img"), 64);
    assert_int_equal(json_array_size(list),
                     6); /* of the training split, equally frequent: sorted */
    assert_string_equal(json_string_value(json_array_get(list, 0)), "bird");
    json_decref(d);
}

static void blanks_are_learnt(void **state)
{
    (void)state;
    learns("learn-fib", FIB);
}

/* The same sentences as questions are read at [CLS]: other losses. */
static void a_blank_is_read_where_it_is(void **state)
{
    (void)state;
    const char *flags = "--task=fib --dataset=six --size_frame=2 --steps=1 --lr=0 --drop=0 "
                        "--drop_path=0 ";
    char all[300];
    snprintf(all, sizeof all, "%s --type=fib", flags);
    corpus_finetune_ok(&c, "blank", all);
    snprintf(all, sizeof all, "%s --type=qaoe", flags);
    corpus_finetune_ok(&c, "whole", all);
    json_t *a = corpus_steps(&c, "blank"), *b = corpus_steps(&c, "whole");
    double x = corpus_number(json_array_get(a, 0), "ls_fib");
    double y = corpus_number(json_array_get(b, 0), "ls_qaoe");
    assert_true(fabs(x - y) > 1e-6);
    json_decref(a);
    json_decref(b);
}

/* ---- the protocol ---------------------------------------------------------------------------- */

/* Answers outside the list are wrong in one number and left out of the other. */
static void answers_outside_the_list_count_as_wrong(void **state)
{
    (void)state;
    char text[1500];
    strcpy(text, "{\"vocab\": [\"cat\", \"dog\"], \"train\": [");
    for (int i = 0; i < 4; i++)
        sprintf(text + strlen(text),
                "%s{\"video\": \"v%d\", \"question\": \"red\", \"answer\": %d}", i ? ", " : "", i,
                i % 2);
    strcat(text, "], \"val\": [");
    for (int i = 0; i < 4; i++)
        sprintf(text + strlen(text),
                "%s{\"video\": \"v%d\", \"question\": \"red\", \"answer\": %d}", i ? ", " : "", i,
                i < 2 ? i : -1);
    strcat(text, "]}\n");
    corpus_write(&c, "data/txt_out.json", text);
    run_result r = corpus_finetune_ok(
        &c, "out", "--type=qaoe --task=out --dataset=six " LEARN " --test_split=");
    if (r.metric[0] != 0.5 || r.metric[1] != 1) fail_msg("%g, %g", r.metric[0], r.metric[1]);
    assert_int_equal(r.n_test, 0);
    assert_false(corpus_has(&c, "out", "test.json"));
}

/* A batch of one caption alone: no pair is wrong, and nothing is learnt. */
static void the_same_caption_is_no_wrong_pair(void **state)
{
    (void)state;
    char text[1500];
    strcpy(text, "{\"train\": [");
    for (int i = 0; i < 4; i++)
        sprintf(text + strlen(text), "%s{\"video\": \"v%d\", \"caption\": \"red cat\"}",
                i ? ", " : "", i);
    strcat(text, "]}\n");
    corpus_write(&c, "data/txt_same.json", text);
    const char *flags = RETRIEVAL "--task=same --valid_split= --test_split= "
                                  "--steps=1 --lr=0";
    char compat[300];
    corpus_finetune_ok(&c, "same", flags);
    json_t *steps = corpus_steps(&c, "same");
    assert_null(json_object_get(json_array_get(steps, 0), "ls_retrieval")); /* nothing is asked */
    assert_true(corpus_number(json_array_get(steps, 0), "norm") == 0);
    json_decref(steps);
    snprintf(compat, sizeof compat, "%s --compat=violet1", flags);
    corpus_finetune_ok(&c, "same-compat", compat);
    steps = corpus_steps(&c, "same-compat");
    assert_true(corpus_number(json_array_get(steps, 0), "ls_retrieval") > 0);
    json_decref(steps);
}

/* Several captions of one video: all are ranked; as published, the last. */
static void captions_of_a_video_are_all_ranked_but_as_published(void **state)
{
    (void)state;
    const char *flags = "--type=retrieval --task=two --dataset=six --steps=1 --lr=0 --size_frame=2";
    char compat[300];
    corpus_write(&c, "data/txt_two.json",
                 "{\"train\": {\"v0\": [\"red cat\"], \"v1\": [\"dog\"], \"v2\": [\"bird\"], "
                 "\"v3\": [\"now\"]}, \"val\": {\"v0\": [\"red cat\", \"red\"], "
                 "\"v1\": [\"green dog\"]}, \"test\": {\"v0\": [\"red cat\", \"red\"], "
                 "\"v1\": [\"green dog\"]}}\n");
    corpus_finetune_ok(&c, "two", flags);
    json_t *test = corpus_json(&c, "two", "test.json");
    assert_int_equal(corpus_number(test, "items"), 3);
    json_decref(test);
    snprintf(compat, sizeof compat, "%s --compat=violet1", flags);
    corpus_finetune_ok(&c, "two-compat", compat);
    test = corpus_json(&c, "two-compat", "test.json");
    assert_int_equal(corpus_number(test, "items"), 2);
    assert_string_equal(json_string_value(json_object_get(test, "protocol")), "violet1");
    json_decref(test);
}

/* ---- the best -------------------------------------------------------------------------------- */

/* Every epoch's accuracy by the log; the best file is of the first that has the most. */
static void the_first_best_validation_is_kept(void **state)
{
    (void)state;
    size_t best = 0, n;
    corpus_finetune_ok(&c, "best", QAOE "--size_epoch=12 --lr=1e-2 --keep");
    json_t *log = corpus_json(&c, "best", "log.json");
    json_t *list = json_object_get(json_object_get(log, "six"), "accuracy");
    n = json_array_size(list);
    assert_int_equal(n, 12);
    for (size_t i = 1; i < n; i++)
        if (json_number_value(json_array_get(list, i)) >
            json_number_value(json_array_get(list, best)))
            best = i;
    char name[40];
    snprintf(name, sizeof name, "%zu_all.safetensors", best + 1);
    size_t n_a, n_b;
    char *a = corpus_read(&n_a, &c, "best", "best.safetensors");
    char *b = corpus_read(&n_b, &c, "best", name);
    if (n_a != n_b || memcmp(a, b, n_a) != 0) fail_msg("best.safetensors is not %s", name);
    free(a);
    free(b);
    json_t *test = corpus_json(&c, "best", "test.json");
    assert_int_equal(corpus_number(test, "step"), best + 1);
    json_decref(test);
    json_decref(log);
}

static void better_is_more_of_the_first_that_differs(void **state)
{
    (void)state;
    static const struct {
        double metric[3];
        bool better;
    } cases[] = {{{0.5, 0.7, 9}, false}, {{0.6, 0, 0}, true},     {{0.4, 0.9, 0}, false},
                 {{0.5, 0.71, 0}, true}, {{0.5, 0.6, 99}, false}, {{NAN, 0.9, 0}, false},
                 {{0.5, 0.7, 10}, false}};
    const vl_run_task task = {.n_metrics = 3, .n_deciding = 2}, none = {.n_metrics = 3};
    vl_run *r = calloc(1, sizeof *r);
    vl_run_result result = {0};
    assert_non_null(r);
    r->task = &task;
    assert_true(vl_run_is_better(r, &result)); /* the first of all, whatever it is */
    r->best = (vl_run_best){.step = 3, .metric = {0.5, 0.7, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(result.metric, cases[i].metric, sizeof cases[i].metric);
        assert_int_equal(vl_run_is_better(r, &result), cases[i].better);
    }
    r->task = &none;
    result.metric[0] = 1;
    assert_false(vl_run_is_better(r, &result));
    free(r);
}

static void the_test_is_of_the_best_weights(void **state)
{
    (void)state;
    char path[200];
    corpus_finetune_ok(&c, "which", QAOE);
    snprintf(path, sizeof path, "%s/which/test.json", c.folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/which/best.safetensors", c.folder);
    assert_int_equal(unlink(path), 0);
    run_result r = corpus_finetune(&c, "which", QAOE "--resume", 0);
    corpus_fails(r, VIOLET_EIO, "best.safetensors");
    corpus_checkpoint(&c, "which/best.safetensors", 0.5); /* of another task */
    r = corpus_finetune(&c, "which", QAOE "--resume", 0);
    corpus_fails(r, VIOLET_ESHAPE, "best.safetensors");
    assert_false(corpus_has(&c, "which", "test.json"));
}

/* At rate 0 no validation is better than the first. */
static void a_run_without_progress_stops_early(void **state)
{
    (void)state;
    run_result r = corpus_finetune_ok(&c, "early", QAMC "--size_epoch=20 --lr=0 --patience=3");
    assert_int_equal(r.n_valid, 4);
    assert_int_equal(r.n_test, 1);
    if (!strstr(r.told, "stopped early")) fail_msg("%s", r.told);
    r = corpus_finetune_ok(&c, "early", QAMC "--size_epoch=20 --lr=0 --patience=3 --resume");
    assert_int_equal(r.n_steps, 0); /* it stays stopped, and is not tested again */
    assert_int_equal(r.n_test, 0);
}

static void without_validation_the_last_weights_are_the_best(void **state)
{
    (void)state;
    size_t n_a, n_b;
    corpus_finetune_ok(&c, "last", QAOE "--valid_split= --test_split= --keep");
    char *a = corpus_read(&n_a, &c, "last", "best.safetensors");
    char *b = corpus_read(&n_b, &c, "last", "2_all.safetensors");
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    free(a);
    free(b);
}

/* ---- stopping and going on ------------------------------------------------------------------- */

static void assert_resumes(const char *flags, const char *name)
{
    char whole[40], cut[40], all[300], again[320];
    run_result r;
    snprintf(whole, sizeof whole, "%s-whole", name);
    snprintf(cut, sizeof cut, "%s-cut", name);
    snprintf(all, sizeof all, "%s --size_epoch=3 --accumulate=2 --seed=4 --save_every=1", flags);
    snprintf(again, sizeof again, "%s --resume", all);
    corpus_finetune_ok(&c, whole, all);
    int times = 0;
    do {
        r = corpus_finetune(&c, cut, times ? again : all, 1);
        assert_true(times++ < 20);
    } while (r.status == VIOLET_EINTERRUPTED);
    if (r.status != VIOLET_OK) fail_msg("%s", r.error);
    assert_true(times > 2);
    static const char *const files[] = {"steps.jsonl", "log.json", "last.safetensors",
                                        "best.safetensors", "test.json"};
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) corpus_same(&c, whole, cut, files[k]);
}

static void stopped_runs_go_on_to_the_same_bytes(void **state)
{
    (void)state;
    assert_resumes(RETRIEVAL, "r-ret");
    assert_resumes(QAMC, "r-mc");
    assert_resumes(QAOE, "r-oe");
    assert_resumes(FIB, "r-fib");
}

static void a_stop_in_a_validation_or_the_test_leaves_it_to_be_done(void **state)
{
    (void)state;
    static const char *const files[] = {"steps.jsonl", "log.json", "best.safetensors", "test.json"};
    corpus_finetune_ok(&c, "v-whole", RETRIEVAL);
    for (int k = 1; k <= 3; k++) { /* two validations, and the test */
        char cut[20];
        snprintf(cut, sizeof cut, "v-cut%d", k);
        run_result r = corpus_finetune(&c, cut, RETRIEVAL, -k);
        assert_int_equal(r.status, VIOLET_EINTERRUPTED);
        assert_int_equal(r.n_valid, k - 1);
        r = corpus_finetune_ok(&c, cut, RETRIEVAL "--resume");
        assert_int_equal(r.n_test, 1);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            corpus_same(&c, "v-whole", cut, files[i]);
    }
}

static void a_run_goes_on_with_other_answers_no_more(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "answers", QAOE);
    run_result r = corpus_finetune(&c, "answers", QAOE "--resume --size_epoch=3 --size_vocab=7", 0);
    corpus_fails(r, VIOLET_ESHAPE, "fc.3.weight");
    write_items("oe", 5, put_question);
    r = corpus_finetune(&c, "answers", QAOE "--resume --size_epoch=3", 0);
    write_items("oe", 6, put_question);
    if (r.status == VIOLET_OK) fail_msg("it went well with another list");
    corpus_finetune_ok(&c, "answers", QAOE "--resume --size_epoch=3");
}

/* ---- what a run starts from ------------------------------------------------------------------ */

static void heads_are_taken_where_they_fit(void **state)
{
    (void)state;
    const char *from = "--steps=1 --lr=0 --path_ckpt=FOLDER/from.safetensors ";
    char flags[400];
    /* the matching head serves whole; the configuration is the checkpoint's */
    snprintf(flags, sizeof flags, "%s %s --config=", QAMC, from);
    run_result r = corpus_finetune_ok(&c, "from-mc", flags);
    if (!strstr(r.told, "starts with ") || strstr(r.told, "fresh")) fail_msg("%s", r.told);
    /* an open-ended one takes fc.1 */
    snprintf(flags, sizeof flags, "%s %s", QAOE, from);
    r = corpus_finetune_ok(&c, "from-oe", flags);
    if (!strstr(r.told, "fresh: 2 tensors")) fail_msg("%s", r.told);
    if (!strstr(r.first_warning, "from.safetensors")) fail_msg("%s", r.first_warning);
    snprintf(flags, sizeof flags, "%s %s --strict", QAOE, from);
    corpus_fails(corpus_finetune(&c, "from-strict", flags, 0), VIOLET_ESHAPE, "fc.");
    if (strstr(r.told, "other answers")) fail_msg("%s", r.told);
    /* a head of as many classes fits, whatever they stand for */
    write_items("oe", 6, put_blank);
    const char *again = QAOE "--steps=1 --lr=0 --path_ckpt=FOLDER/from-oe/best.safetensors";
    r = corpus_finetune_ok(&c, "from-same", again);
    if (strstr(r.first_warning, "other answers")) fail_msg("%s", r.first_warning);
    write_items("oe", 6, put_other_answer);
    r = corpus_finetune_ok(&c, "from-others", again);
    if (!strstr(r.first_warning, "fine-tuned for other answers")) fail_msg("%s", r.first_warning);
    write_items("oe", 6, put_question);
    /* and a matching head of an open-ended checkpoint likewise */
    r = corpus_finetune_ok(&c, "from-back",
                           RETRIEVAL "--steps=1 --lr=0 "
                                     "--path_ckpt=FOLDER/from-oe/best.safetensors");
    if (!strstr(r.told, "fresh: 2 tensors")) fail_msg("%s", r.told);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void bad_samples_are_skipped_and_counted(void **state)
{
    (void)state;
    corpus_add_videos(&c, "bad", 6, 2, ".j..f.");
    run_result r = corpus_finetune_ok(&c, "bad-oe",
                                      "--type=qaoe --task=oe --dataset=bad "
                                      "--size_frame=2 --size_epoch=1");
    json_t *test = corpus_json(&c, "bad-oe", "test.json");
    assert_int_equal(corpus_number(test, "items"), 4);
    assert_true(r.n_bad > 0);
    json_decref(test);
    corpus_finetune_ok(&c, "bad-ret",
                       "--type=retrieval --task=ret --dataset=bad --size_frame=2 "
                       "--size_epoch=1");
    test = corpus_json(&c, "bad-ret", "test.json");
    assert_int_equal(corpus_number(test, "items"), 4);
    json_decref(test);
    corpus_add_videos(&c, "few", 4, 2, NULL); /* no v4, v5 */
    r = corpus_finetune_ok(&c, "few-ret",
                           "--type=retrieval --task=ret --dataset=few "
                           "--size_frame=2 --size_epoch=1");
    if (!strstr(r.first_warning, "2 of 6 videos have no pictures")) fail_msg("%s", r.first_warning);
}

/* Of six questions two are longer than the eight positions; so often are they told. */
static void put_long(char *to, size_t room, int i)
{
    snprintf(to, room, "\"question\": \"%s\", \"answer\": %d, \"option_0\": \"cat\", "
             "\"option_1\": \"dog bird\"", i < 2 ? "red green blue here there now" : "red", i % 2);
}

static void long_questions_are_shortened_and_told(void **state)
{
    (void)state;
    write_items("long", 6, put_long);
    run_result r = corpus_finetune_ok(&c, "long", "--type=qamc --task=long --dataset=six "
                                      "--size_frame=2 --size_epoch=1 --size_batch=6 --lr=0");
    if (!strstr(r.told, "2 times a text was shortened to 8 positions")) fail_msg("%s", r.told);
    r = corpus_finetune_ok(&c, "short", "--type=qamc --task=long --dataset=six --size_txt=16 "
                           "--size_frame=2 --size_epoch=1 --size_batch=6 --lr=0");
    if (strstr(r.told, "shortened")) fail_msg("%s", r.told);
}

static void what_cannot_run_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        violet_status status;
        const char *says;
    } runs[] = {
        {"--task=ret --dataset=six", VIOLET_EINVAL, "expected retrieval, qamc, qaoe or fib"},
        {"--type=pretrain --task=ret --dataset=six", VIOLET_EINVAL, "'type' is 'pretrain'"},
        {"--type=retrieval --dataset=six", VIOLET_EINVAL, "'task'"},
        {"--type=retrieval --task=ret", VIOLET_EINVAL, "'dataset'"},
        {"--type=retrieval --task=ret --dataset=six,six", VIOLET_EINVAL, "expected one data set"},
        {"--type=retrieval --task=none --dataset=six", VIOLET_EIO, "none"},
        {"--type=retrieval --task=ret --dataset=none", VIOLET_EIO, "none"},
        {"--type=retrieval --task=ret --dataset=six --size_batch=1", VIOLET_EINVAL, "size_batch 1"},
        {"--type=retrieval --task=ret --dataset=six --size_batch=7", VIOLET_EINVAL, "whole batch"},
        {"--type=retrieval --task=oe --dataset=six", VIOLET_EFORMAT, "caption"},
        {"--type=qamc --task=oe --dataset=six", VIOLET_EFORMAT, "option"},
        {"--type=qamc --task=mc --dataset=six --size_option=3", VIOLET_EINVAL, "size_option 3"},
        {"--type=fib --task=oe --dataset=six", VIOLET_EFORMAT, "blank"},
        {"--type=qaoe --task=list --dataset=six --size_vocab=2", VIOLET_EINVAL, "size_vocab 2"},
        {"--type=qaoe --task=range --dataset=six", VIOLET_EFORMAT, "answer"},
        {"--type=qamc --task=empty --dataset=six", VIOLET_EFORMAT, "entry 0: option_1: empty"},
        {"--type=qamc --task=far --dataset=six", VIOLET_EFORMAT,
         "entry 0: answer: 2, expected a number from -1 to 1"},
        {"--type=retrieval --task=away --dataset=six", VIOLET_EFORMAT, "none of the 2 videos of"},
        {"--type=qaoe --task=oe --dataset=six --path_ckpt=FOLDER/gone.pt", VIOLET_EIO, "gone.pt"},
    };
    corpus_write(&c, "data/txt_list.json",
                 "{\"vocab\": [\"cat\", \"dog\", \"bird\"], \"train\": [{\"video\": \"v0\", "
                 "\"question\": \"red\", \"answer\": 1}]}\n");
    corpus_write(&c, "data/txt_range.json",
                 "{\"vocab\": [\"cat\", \"dog\"], \"train\": [{\"video\": \"v0\", "
                 "\"question\": \"red\", \"answer\": 2}]}\n");
    corpus_write(&c, "data/txt_empty.json",
                 "{\"train\": [{\"video\": \"v0\", \"question\": \"red\", \"option_0\": \"cat\", "
                 "\"option_1\": \" \", \"answer\": 0}]}\n");
    corpus_write(&c, "data/txt_far.json",
                 "{\"train\": [{\"video\": \"v0\", \"question\": \"red\", \"option_0\": \"cat\", "
                 "\"option_1\": \"dog\", \"answer\": 2}]}\n");
    corpus_write(&c, "data/txt_away.json",
                 "{\"train\": {\"v8\": [\"red\"], \"v9\": [\"cat\"]}}\n");
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        run_result r = corpus_finetune(&c, "refused", runs[i].flags, 0);
        if (r.status != runs[i].status || !strstr(r.error, runs[i].says))
            fail_msg("%s: %d %s", runs[i].flags, r.status, r.error);
        assert_false(corpus_has(&c, "refused", "last.safetensors"));
    }
}

/* A validation of retrieval keeps all texts, here a terabyte of them: told before anything is
 * trained; without that split the run fits. */
static void a_validation_that_does_not_fit_is_told(void **state)
{
    (void)state;
    enum { CAPTIONS = 1 << 20 };
    const char *flags = "--type=retrieval --task=wide --dataset=six --size_frame=1 --steps=1 "
                        "--config=FOLDER/wide.json --size_txt=512 --size_batch=2 --test_split= ";
    char *text = malloc(CAPTIONS * 4 + 400), all[400];
    corpus_write(&c, "wide.json",
                 "{\"embed_dim\": 64, \"depths\": [1, 1, 1, 1], \"heads\": [1, 1, 2, 2],\n"
                 " \"window\": [2, 4, 4], \"hidden\": 512, \"ct_layers\": 1, \"ct_heads\": 2,\n"
                 " \"ct_mlp\": 64, \"size_vocab\": 17, \"size_code\": 16, \"grid\": [2, 2]}\n");
    assert_non_null(text);
    strcpy(text, "{\"train\": {\"v0\": [\"red\"], \"v1\": [\"cat\"]}, \"val\": {\"v2\": [\"a\"");
    size_t n = strlen(text);
    for (int i = 1; i < CAPTIONS; i++, n += 4) memcpy(text + n, ",\"a\"", 4);
    strcpy(text + n, "]}}");
    corpus_write(&c, "data/txt_wide.json", text);
    free(text);
    corpus_fails(corpus_finetune(&c, "wide", flags, 0), VIOLET_ENOMEM, "or --valid-batches");
    assert_false(corpus_has(&c, "wide", "args.json"));
    snprintf(all, sizeof all, "%s--valid_split=", flags);
    corpus_finetune_ok(&c, "wide", all);
}

static void a_split_that_is_not_there_is_told(void **state)
{
    (void)state;
    run_result r = corpus_finetune(&c, "no-test", QAOE "--test_split=none --size_epoch=1", 0);
    corpus_fails(r, VIOLET_EFORMAT, "test split 'none'");
    r = corpus_finetune(&c, "no-valid", QAOE "--valid_split=vall --size_epoch=1", 0);
    corpus_fails(r, VIOLET_EFORMAT, "validation split 'vall'");
    assert_false(corpus_has(&c, "no-valid", "last.safetensors"));
    r = corpus_finetune(&c, "no-train", "--type=qaoe --task=oe --dataset=six:none", 0);
    corpus_fails(r, VIOLET_EFORMAT, "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retrieval_is_learnt),
        cmocka_unit_test(multiple_choice_is_learnt),
        cmocka_unit_test(answers_are_learnt),
        cmocka_unit_test(blanks_are_learnt),
        cmocka_unit_test(a_blank_is_read_where_it_is),
        cmocka_unit_test(answers_outside_the_list_count_as_wrong),
        cmocka_unit_test(the_same_caption_is_no_wrong_pair),
        cmocka_unit_test(captions_of_a_video_are_all_ranked_but_as_published),
        cmocka_unit_test(the_first_best_validation_is_kept),
        cmocka_unit_test(better_is_more_of_the_first_that_differs),
        cmocka_unit_test(the_test_is_of_the_best_weights),
        cmocka_unit_test(a_run_without_progress_stops_early),
        cmocka_unit_test(without_validation_the_last_weights_are_the_best),
        cmocka_unit_test(stopped_runs_go_on_to_the_same_bytes),
        cmocka_unit_test(a_stop_in_a_validation_or_the_test_leaves_it_to_be_done),
        cmocka_unit_test(a_run_goes_on_with_other_answers_no_more),
        cmocka_unit_test(heads_are_taken_where_they_fit),
        cmocka_unit_test(bad_samples_are_skipped_and_counted),
        cmocka_unit_test(long_questions_are_shortened_and_told),
        cmocka_unit_test(what_cannot_run_is_told),
        cmocka_unit_test(a_validation_that_does_not_fit_is_told),
        cmocka_unit_test(a_split_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
