/* Evaluation and use of a model with allocations failing (allocator.h): of every task, with a first
 * stage, in a folder and in none; scores, choices, answers and vectors of single videos. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/allocator.h"
#include "train/corpus.h"
#include "base/file.h"
#include "base/status.h"
#include "media/make_video.h"
#include "model/checkpoint.h"
#include "task/eval.h"
#include "use/use.h"

static corpus c;

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", c.folder, name);
    return path;
}

static void write_model(const char *name, int heads, const char *task)
{
    vl_config config;
    vl_model m;
    const char *extra[] = {"task", task};
    if (vl_config_find(&config, in_folder("model.json")) != VIOLET_OK ||
        vl_model_init(&m, &config, heads, 1, 0) != VIOLET_OK)
        fail_msg("%s", violet_error());
    vl_params_draw(&m.params, 3);
    if (vl_checkpoint_write(in_folder(name), &m, 0, extra, 1) != VIOLET_OK)
        fail_msg("%s", violet_error());
    vl_model_release(&m);
}

/* ---- evaluation ------------------------------------------------------------------------------ */

static vl_eval_options options;
static char *right; /* what is written with all the memory one wants */

static void set(const char *name, const char *value)
{
    if (vl_option_set(vl_eval_option_table, &options, name, value) != VIOLET_OK)
        fail_msg("%s", violet_error());
}

static void set_options(const char *type, const char *task, const char *checkpoint)
{
    if (vl_option_defaults(vl_eval_option_table, &options) != VIOLET_OK) fail_msg("options");
    set("type", type);
    set("task", task);
    set("checkpoint", in_folder(checkpoint));
    set("data", c.data);
    set("dataset", "six");
    set("vocab", in_folder("vocab.txt"));
    set("size_img", "64");
    set("size_txt", "8");
    set("threads", "1");
    set("output", in_folder("eval"));
    set("predictions", in_folder("predictions.jsonl"));
    free(right);
    right = NULL;
}

static void drop_outputs(void)
{
    static const char *const names[] = {"eval/scores.bin", "eval/result.json", "eval/vectors.bin",
                                        "predictions.jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_folder(names[i]));
}

/* Result and predictions, one behind the other. */
static char *read_outputs(void)
{
    static const char *const names[] = {"eval/result.json", "predictions.jsonl"};
    vl_buf all = {0};
    for (size_t i = 0; i < 2; i++) {
        char *text;
        size_t n;
        if (vl_file_read(&text, &n, in_folder(names[i]), 1 << 20) != VIOLET_OK)
            fail_msg("%s", violet_error());
        if (vl_buf_append(&all, text, n) != VIOLET_OK) fail_msg("%s", violet_error());
        free(text);
    }
    return all.data;
}

static violet_status evaluate(void)
{
    vl_buf text = {0};
    drop_outputs();
    violet_status status = vl_eval_run(&text, &options, 0, NULL);
    left = -1;
    vl_buf_free(&text);
    if (status != VIOLET_OK) {
        if (vl_file_exists(in_folder("eval/result.json")) &&
            vl_file_exists(in_folder("predictions.jsonl")))
            return status; /* only telling of it went wrong */
        return vl_file_exists(in_folder("eval/result.json"))
                   ? vl_err(VIOLET_EFORMAT, "a result, and no predictions")
                   : status;
    }
    char *all = read_outputs();
    if (!right) right = __real_strdup(all);
    verified = strcmp(right, all) == 0;
    free(all);
    return status;
}

/* jansson's allocations fail, too, once all that has to be read is read. */
static void note(void *user, const violet_event *e)
{
    (void)user;
    if (e->kind == VIOLET_EVENT_ITEM && e->step == e->n_steps) json_on = JSON_MOSTLY;
}

static violet_status evaluate_as_json(void)
{
    vl_buf text = {0};
    const violet_hooks hooks = {.event = note};
    violet_status status = vl_eval_run(&text, &options, VIOLET_INFO_JSON, &hooks);
    left = -1;
    json_on = 0;
    const char *told = text.n ? strstr(text.data, "\"metrics\"") : NULL;
    size_t n = told ? strcspn(told, "}") : 0;
    if (status == VIOLET_OK && !right && told) right = strndup(told, n);
    verified = told && right && strncmp(told, right, n) == 0;
    vl_buf_free(&text);
    return status;
}

static void retrieval_survives(void **state)
{
    (void)state;
    set_options("retrieval", "tune", "match.safetensors");
    sweep("evaluate retrieval", evaluate, 300, 17);
    set("first_stage", "1");
    free(right);
    right = NULL;
    sweep("evaluate behind a first stage", evaluate, 300, 17);
    set("first_stage", "0");
    set("output", "");
    set("predictions", "");
    set("cache", in_folder("videos.cache"));
    free(right);
    right = NULL;
    sweep("evaluate without a folder, with a cache", evaluate_as_json, 300, 17);
    vl_option_release(vl_eval_option_table, &options);
}

static void questions_survive(void **state)
{
    (void)state;
    set_options("qaoe", "ask", "answer.safetensors");
    sweep("evaluate questions", evaluate, 300, 17);
    vl_option_release(vl_eval_option_table, &options);
    set_options("fib", "blank", "answer.safetensors");
    sweep("evaluate blanks", evaluate, 300, 17);
    vl_option_release(vl_eval_option_table, &options);
    set_options("qamc", "choose", "match.safetensors");
    sweep("evaluate multiple choice", evaluate, 300, 17);
    vl_option_release(vl_eval_option_table, &options);
}

/* ---- use ------------------------------------------------------------------------------------- */

static vl_use_options use;
static const char *checkpoint;
static float found[64], expected[64]; /* what a call gives, and gave the first time */
static violet_status (*call)(violet_session *s, violet_video *const *video);

static violet_status score(violet_session *s, violet_video *const *video)
{
    const char *texts[] = {"red cat", "dog runs here"};
    return violet_score(found, s, video, 2, texts, 2);
}

static violet_status choose(violet_session *s, violet_video *const *video)
{
    const char *options_of[] = {"red cat", "dog"};
    return violet_choose(found, s, video[0], "now now now now now now now", options_of, 2);
}

static violet_status ask(violet_session *s, violet_video *const *video)
{
    violet_answer best[4];
    int n = 4;
    violet_status status = violet_ask(best, &n, s, video[0], "red ___ runs");
    for (int i = 0; i < n && status == VIOLET_OK; i++) found[i] = best[i].probability;
    return status;
}

static violet_status embed(violet_session *s, violet_video *const *video)
{
    const char *texts[] = {"red cat", "dog runs here"};
    violet_status status = violet_embed_videos(found, s, video, 1);
    return status == VIOLET_OK ? violet_embed_texts(found + 16, s, texts, 2) : status;
}

/* From the file of weights to the numbers. */
static violet_status use_model(void)
{
    violet_model *model = NULL;
    violet_session *session = NULL;
    violet_video *video[2] = {NULL, NULL};
    static const char *const clips[] = {"clips/v0.mp4", "clips/v1.mp4"};
    memset(found, 0, sizeof found);
    violet_status status = vl_use_open(&model, in_folder(checkpoint), &use);
    if (status == VIOLET_OK) status = violet_session_new(&session, model, 1);
    for (int v = 0; v < 2 && status == VIOLET_OK; v++)
        status = violet_video_encode(&video[v], session, in_folder(clips[v]));
    if (status == VIOLET_OK) status = call(session, video);
    if (status == VIOLET_OK) (void)violet_session_notes(session);
    for (int v = 0; v < 2; v++) violet_video_free(video[v]);
    violet_session_free(session);
    violet_model_close(model);
    left = -1;
    if (status != VIOLET_OK) return status;
    if (expected[0] == 0) memcpy(expected, found, sizeof found);
    verified = memcmp(found, expected, sizeof found) == 0;
    return status;
}

static void uses(const char *name, violet_status (*fn)(violet_session *, violet_video *const *),
                 const char *file)
{
    call = fn;
    checkpoint = file;
    memset(expected, 0, sizeof expected);
    sweep(name, use_model, 400, 7);
}

static void use_survives(void **state)
{
    (void)state;
    if (vl_option_defaults(vl_ask_option_table, &use) != VIOLET_OK ||
        vl_option_set(vl_ask_option_table, &use, "vocab", in_folder("vocab.txt")) != VIOLET_OK)
        fail_msg("%s", violet_error());
    uses("score", score, "match.safetensors");
    uses("choose", choose, "match.safetensors");
    uses("ask", ask, "answer.safetensors");
    uses("embed", embed, "match.safetensors");
    vl_option_release(vl_ask_option_table, &use);
}

/* ---- what there is --------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    json_set_alloc_funcs(json_alloc, free);
    corpus_open(&c);
    corpus_write(&c, "model.json",
                 "{\"embed_dim\": 8, \"depths\": [1, 1, 1, 1], \"heads\": [1, 1, 2, 2],\n"
                 " \"window\": [2, 4, 4], \"hidden\": 64, \"ct_layers\": 1, \"ct_heads\": 2,\n"
                 " \"ct_mlp\": 64, \"size_vocab\": 17, \"size_code\": 16, \"grid\": [2, 2],\n"
                 " \"size_answer\": 4, \"dual_width\": 16}\n");
    corpus_add_videos(&c, "six", 3, 1, ".j."); /* v1 is bad, v9 is not there */
    corpus_write(&c, "data/txt_tune.json",
                 "{\"test\": {\"v0\": [\"red\", \"cat\"], \"v2\": [\"dog\"], \"v1\": [\"now\"], "
                 "\"v9\": [\"here\"]}}");
    corpus_write(&c, "data/txt_ask_test.csv",
                 "video,question,answer\nv0,red,cat\nv0,who runs,dog\nv2,red,fish\n");
    corpus_write(&c, "data/txt_blank_test.jsonl",
                 "{\"video\": \"v0\", \"question\": \"red ___ runs\", \"answer\": \"cat\"}\n");
    corpus_write(&c, "data/txt_choose_test.csv", "video,question,option_0,option_1,answer\n"
                                                 "v0,red,cat,dog,1\nv2,now now now now now now now,"
                                                 "cat,dog,-1\n");
    write_model("match.safetensors", VL_HEAD_MATCH | VL_HEAD_DUAL,
                "{\"size_img\": 64, \"size_txt\": 8, \"size_frame\": 1}");
    write_model("answer.safetensors", VL_HEAD_ANSWER,
                "{\"type\": \"qaoe\", \"size_img\": 64, \"size_txt\": 8, \"size_frame\": 1, "
                "\"answers\": [\"cat\", \"dog\", \"bird\", \"here\"]}");
    mkdir(in_folder("clips"), 0777);
    make_video(in_folder("clips/v0.mp4"), &(clip){.n = 9});
    make_video(in_folder("clips/v1.mp4"), &(clip){.n = 5});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(right);
    corpus_close(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retrieval_survives),
        cmocka_unit_test(questions_survive),
        cmocka_unit_test(use_survives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
