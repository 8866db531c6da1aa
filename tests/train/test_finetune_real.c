/* The published annotation and argument files, end to end: a few steps of each task on a tiny
 * model, with pictures made for the videos that the files name. Skipped where ../shared is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/file.h"
#include "corpus.h"
#include "data/items.h"
#include "media/picture.h"

#define REAL "../shared/data/"

static corpus c;

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

/* A line of 5 frames of one colour. */
static void put_video(FILE *tsv, FILE *index, const char *id, int number)
{
    enum { SIDE = 32 };
    static uint8_t rgb[SIDE * SIDE * 3];
    vl_picture p = {SIDE, SIDE, rgb};
    vl_buf jpeg = {0};
    for (int i = 0; i < SIDE * SIDE * 3; i++) rgb[i] = (uint8_t)(number * (11 + i % 3 * 20));
    if (vl_jpeg_encode(&jpeg, &p, 75) != VIOLET_OK) fail_msg("%s", violet_error());
    size_t n = vl_base64_encoded(jpeg.n);
    char *text = malloc(n + 1);
    vl_base64_encode(text, (const uint8_t *)jpeg.data, jpeg.n);
    text[n] = 0;
    fprintf(index, "%ld\n", ftell(tsv));
    fputs(id, tsv);
    for (int t = 0; t < 5; t++) fprintf(tsv, "\t%s", text);
    fputc('\n', tsv);
    free(text);
    vl_buf_free(&jpeg);
}

/* Pictures for all videos of a task's splits, and its file beside them. */
static void make_data(vl_task_kind kind, const char *task, const char *set)
{
    static const char *const splits[] = {"train", "val", "test"};
    char path[300], command[400];
    snprintf(path, sizeof path, "%s/img_%s.tsv", c.data, set);
    FILE *tsv = fopen(path, "w");
    snprintf(path, sizeof path, "%s/img_%s.lineidx", c.data, set);
    FILE *index = fopen(path, "w");
    assert_true(tsv && index);
    for (int s = 0, number = 0; s < 3; s++) {
        vl_items *q;
        vl_items_options o = {.kind = kind, .folder = REAL, .task = task, .split = splits[s]};
        if (vl_items_open(&q, &o) != VIOLET_OK) fail_msg("%s", violet_error());
        for (int v = 0; v < vl_items_n_videos(q); v++)
            put_video(tsv, index, vl_items_video(q, v), number++);
        vl_items_close(q);
    }
    fclose(tsv);
    fclose(index);
    snprintf(command, sizeof command, "cp " REAL "txt_%s.json %s", task, c.data);
    assert_int_equal(system(command), 0);
}

typedef struct seen {
    int steps, valid, test;
    double metric;
    char names[200];
} seen;

static void note(void *user, const violet_event *e)
{
    seen *s = user;
    s->steps += e->kind == VIOLET_EVENT_STEP;
    s->valid += e->kind == VIOLET_EVENT_VALID;
    if (e->kind != VIOLET_EVENT_TEST) return;
    s->test++;
    s->metric = e->metric[0];
    for (int k = 0; k < e->n_metrics; k++) {
        strcat(s->names, e->metric_names[k]);
        strcat(s->names, " ");
    }
}

static void set(violet_options *o, const char *name, const char *value)
{
    if (violet_options_set(o, name, value) != VIOLET_OK) fail_msg("%s", violet_error());
}

/* The published args file as it is, but for where things are and how large the model is. */
static void runs(const char *args, vl_task_kind kind, const char *task, const char *set_name,
                 const char *metrics)
{
    char path[300];
    seen s = {0};
    violet_options *o;
    violet_hooks hooks = {.user = &s, .event = note};
    snprintf(path, sizeof path, REAL "%s", args);
    if (!vl_file_exists(path)) {
        printf("skip: %s is not here\n", path);
        skip();
    }
    make_data(kind, task, set_name);
    assert_int_equal(violet_options_new(&o, "finetune"), VIOLET_OK);
    if (violet_options_load(o, path) != VIOLET_OK) fail_msg("%s", violet_error());
    corpus_write(&c, "real.json",
                 "{\"embed_dim\": 8, \"depths\": [1, 1, 1, 1], \"heads\": [1, 1, 2, 2],\n"
                 " \"window\": [2, 4, 4], \"hidden\": 64, \"ct_layers\": 1, \"ct_heads\": 2,\n"
                 " \"ct_mlp\": 64, \"size_vocab\": 30522, \"size_code\": 16}\n");
    snprintf(path, sizeof path, "%s/real.json", c.folder);
    set(o, "config", path);
    set(o, "data", c.data);
    snprintf(path, sizeof path, "%s/run_%s", c.folder, set_name);
    set(o, "output", path);
    set(o, "path_ckpt", "");
    set(o, "size_img", "32");
    set(o, "steps", "3");
    set(o, "threads", "1");
    if (violet_finetune(o, &hooks) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(s.steps, 3);
    assert_int_equal(s.valid, 1);
    assert_int_equal(s.test, 1);
    assert_true(s.metric >= 0 && s.metric <= 1);
    assert_string_equal(s.names, metrics);
    violet_options_free(o);
    snprintf(path, sizeof path, "run_%s", set_name);
    json_t *test = corpus_json(&c, path, "test.json");
    assert_int_equal(json_integer_value(json_object_get(test, "items")), 50);
    json_decref(test);
}

static void retrieval_runs(void **state)
{
    (void)state;
    runs("args_msrvtt-retrieval.json", VL_TASK_RETRIEVAL, "msrvtt-retrieval", "msrvtt",
         "recall_1 recall_5 recall_10 median_rank ");
}

static void multiple_choice_runs(void **state)
{
    (void)state;
    runs("args_tgif-action.json", VL_TASK_QAMC, "tgif-action", "tgif", "accuracy ");
}

static void open_ended_questions_run(void **state)
{
    (void)state;
    runs("args_msvd-qa.json", VL_TASK_QAOE, "msvd-qa", "msvd", "accuracy accuracy_listed ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retrieval_runs),
        cmocka_unit_test(multiple_choice_runs),
        cmocka_unit_test(open_ended_questions_run),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
