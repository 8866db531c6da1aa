/* A corpus on disk: read by the tasks, whole after a stop, the same bytes of the same options. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clips.h"
#include "corpus/corpus.h"
#include "data/items.h"
#include "file/json_text.h"
#include "media/make_video.h"
#include "media/video.h"

enum { TRAIN = 9, VAL = 5, TEST = 12 };

static char folder[64];

static vl_corpus_options options_of(const char *name)
{
    return (vl_corpus_options){.output = clips_path(folder, name),
                               .name = "toy",
                               .clips = TRAIN,
                               .val = VAL,
                               .test = TEST,
                               .seed = 3,
                               .size = 32,
                               .frames = 10,
                               .fps = 8,
                               .workers = 2};
}

static void make(const char *name)
{
    vl_corpus_options o = options_of(name);
    if (vl_corpus_run(&o, NULL) != VIOLET_OK) fail_msg("%s", violet_error());
}

/* A field of corpus.json, as text; static. */
static const char *field(const char *name, const char *key)
{
    static char out[2][400];
    static int turn;
    char path[100];
    size_t n;
    json_t *root;
    snprintf(path, sizeof path, "%s/corpus.json", name);
    char *bytes = clips_read(&n, folder, path);
    assert_int_equal(vl_json_parse(&root, bytes, n, 1000, path), VIOLET_OK);
    char *text = json_dumps(json_object_get(root, key), JSON_ENCODE_ANY);
    turn = !turn;
    snprintf(out[turn], sizeof out[turn], "%s", text ? text : "");
    free(text), free(bytes);
    json_decref(root);
    return out[turn];
}

static int make_first(void **state)
{
    (void)state;
    clips_open(folder);
    make("a");
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    clips_close(folder);
    return 0;
}

/* ---- what is in it --------------------------------------------------------------------------- */

static void check_items(vl_task_kind kind, const char *task, const char *split, size_t n,
                        int videos)
{
    vl_items *q;
    const vl_items_options o = {.kind = kind, .folder = clips_path(folder, "a"), .task = task,
                                .split = split};
    if (vl_items_open(&q, &o) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(vl_items_n(q), n);
    assert_int_equal(vl_items_n_videos(q), videos);
    assert_int_equal(vl_items_n_unanswered(q), kind == VL_TASK_RETRIEVAL ? n : 0);
    for (size_t i = 0; i < n; i++) {
        const vl_item *x = vl_items_at(q, i);
        if (kind != VL_TASK_RETRIEVAL) assert_true(x->answer >= 0 && x->type >= 0);
        if (kind == VL_TASK_QAMC) assert_int_equal(x->n_options, 5);
    }
    vl_items_close(q);
}

static void tasks_read_it(void **state)
{
    (void)state;
    check_items(VL_TASK_RETRIEVAL, "toy-retrieval", "train", 3 * TRAIN, TRAIN);
    check_items(VL_TASK_RETRIEVAL, "toy-retrieval", "val", VAL, VAL);
    check_items(VL_TASK_RETRIEVAL, "toy-retrieval", "test", TEST, TEST);
    check_items(VL_TASK_RETRIEVAL, "toy", "test", 2 * TEST, TEST);
    check_items(VL_TASK_QAOE, "toy-qaoe", "train", 4 * TRAIN, TRAIN);
    check_items(VL_TASK_QAOE, "toy-qaoe", "test", 2 * TEST, TEST);
    check_items(VL_TASK_QAMC, "toy-qamc", "train", 2 * TRAIN, TRAIN);
    check_items(VL_TASK_QAMC, "toy-qamc", "val", VAL, VAL);
    check_items(VL_TASK_QAOE, "toy-fib", "test", TEST, TEST);
}

static violet_status see(void *user, int i, const vl_picture *p)
{
    (void)user, (void)i;
    assert_true(p->width == 32 && p->height == 32);
    return VIOLET_OK;
}

static void videos_have_their_frames(void **state)
{
    (void)state;
    static const struct {
        const char *split;
        int n;
    } splits[] = {{"train", TRAIN}, {"val", VAL}, {"test", TEST}};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < splits[k].n; i++) {
            char path[200];
            vl_video_result r;
            const vl_video_pick pick = {.n_samples = 4};
            snprintf(path, sizeof path, "%s/a/videos/%s_%05d.mp4", folder, splits[k].split, i);
            if (vl_video_sample(&r, path, &pick, see, NULL) != VIOLET_OK)
                fail_msg("%s", violet_error());
            assert_int_equal(r.n_frames, 10);
        }
}

static void scenes_tell_the_truth(void **state)
{
    (void)state;
    size_t n, n_lines = 0, n_held = 0;
    char *bytes = clips_read(&n, folder, "a/scenes.jsonl");
    for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n"), n_lines++) {
        json_t *x, *objects;
        assert_int_equal(vl_json_parse(&x, line, strlen(line), 100, "scene"), VIOLET_OK);
        objects = json_object_get(x, "objects");
        const char *caption = json_string_value(json_object_get(x, "caption"));
        bool held = json_is_true(json_object_get(x, "held_out"));
        assert_in_range(json_array_size(objects), 1, 3);
        for (size_t i = 0; i < json_array_size(objects); i++) {
            json_t *o = json_array_get(objects, i);
            assert_non_null(strstr(caption, json_string_value(json_object_get(o, "color"))));
            assert_non_null(strstr(caption, json_string_value(json_object_get(o, "shape"))));
        }
        assert_false(held && strcmp(json_string_value(json_object_get(x, "split")), "test") != 0);
        n_held += held;
        json_decref(x);
    }
    free(bytes);
    assert_int_equal(n_lines, TRAIN + VAL + TEST);
    assert_int_equal(n_held, atoi(field("a", "test_held_out")));
    assert_true(n_held > 0);
}

/* ---- the same again -------------------------------------------------------------------------- */

static void assert_same_file(const char *a, const char *b, const char *name)
{
    char x[200], y[200];
    size_t n_x, n_y;
    snprintf(x, sizeof x, "%s/%s", a, name), snprintf(y, sizeof y, "%s/%s", b, name);
    char *p = clips_read(&n_x, folder, x), *q = clips_read(&n_y, folder, y);
    assert_int_equal(n_x, n_y);
    assert_memory_equal(p, q, n_x);
    free(p), free(q);
}

static void assert_same_corpus(const char *a, const char *b)
{
    static const char *const names[] = {"corpus.json",       "scenes.jsonl",     "txt_toy.json",
                                        "txt_toy-qaoe.json", "txt_toy-fib.json",
                                        "txt_toy-qamc.json", "videos/train_00004.mp4",
                                        "videos/test_00011.mp4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_same_file(a, b, names[i]);
}

static void a_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    vl_corpus_options o = options_of("b");
    o.workers = 1;
    assert_int_equal(vl_corpus_run(&o, NULL), VIOLET_OK);
    assert_same_corpus("a", "b");
    o = options_of("c");
    o.seed = 4;
    assert_int_equal(vl_corpus_run(&o, NULL), VIOLET_OK);
    assert_string_not_equal(field("a", "hash"), field("c", "hash"));
    assert_string_not_equal(field("a", "held_out"), field("c", "held_out"));
}

static volatile sig_atomic_t stopped;

static void stop_at_five(void *user, const violet_event *e)
{
    (void)user;
    if (e->kind == VIOLET_EVENT_ITEM && e->step == 5) stopped = 1;
}

static void a_stop_is_gone_on_with(void **state)
{
    (void)state;
    vl_corpus_options o = options_of("d");
    const violet_hooks hooks = {.event = stop_at_five, .stop = &stopped};
    stopped = 0;
    assert_int_equal(vl_corpus_run(&o, &hooks), VIOLET_EINTERRUPTED);
    assert_true(clips_has(folder, "d/videos/train_00004.mp4"));
    assert_false(clips_has(folder, "d/videos/test_00011.mp4"));
    assert_false(clips_has(folder, "d/txt_toy.json"));
    make("d");
    assert_same_corpus("a", "d");
    /* what is there is not made anew; what is missing, or damaged, is */
    cut_file(clips_path(folder, "d/videos/test_00011.mp4"),
             clips_path(folder, "a/videos/test_00011.mp4"), 500);
    unlink(clips_path(folder, "d/videos/train_00004.mp4"));
    cut_file(clips_path(folder, "d/videos/train_00000.mp4"),
             clips_path(folder, "a/videos/train_00001.mp4"), 1 << 20);
    make("d");
    assert_same_file("a", "d", "videos/train_00004.mp4");
    assert_same_file("a", "d", "videos/test_00011.mp4");
    assert_string_not_equal(field("a", "hash"), field("d", "hash"));
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void refused(const vl_corpus_options *o, const char *words)
{
    assert_int_equal(vl_corpus_run(o, NULL), VIOLET_EINVAL);
    if (!strstr(violet_error(), words)) fail_msg("'%s' not in '%s'", words, violet_error());
}

static void another_corpus_stays(void **state)
{
    (void)state;
    vl_corpus_options o = options_of("a");
    o.seed = 5;
    refused(&o, "another 'seed'");
    o = options_of("a");
    o.test++;
    refused(&o, "another 'test'");
    o = options_of("a");
    o.frames = 12;
    refused(&o, "another 'frames'");
    o = options_of("mine");
    mkdir(clips_path(folder, "mine"), 0777), mkdir(clips_path(folder, "mine/videos"), 0777);
    refused(&o, "no corpus.json");
}

static void bad_options_are_told(void **state)
{
    (void)state;
    vl_corpus_options o = options_of("e");
    o.name = "a/b";
    refused(&o, "name is 'a/b'");
    o = options_of("e");
    o.size = 33;
    refused(&o, "size is 33");
    o.output = NULL;
    refused(&o, "DIR is missing");
    o = options_of("e");
    o.val = 2000000;
    refused(&o, "val clips");
    assert_false(clips_has(folder, "e"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_read_it),
        cmocka_unit_test(videos_have_their_frames),
        cmocka_unit_test(scenes_tell_the_truth),
        cmocka_unit_test(a_seed_gives_the_same_bytes),
        cmocka_unit_test(a_stop_is_gone_on_with),
        cmocka_unit_test(another_corpus_stays),
        cmocka_unit_test(bad_options_are_told),
    };
    return cmocka_run_group_tests(tests, make_first, remove_all);
}
