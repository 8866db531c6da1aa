/* Videos found by sentences: the order is that of violet_score and violet_embed, and an index
 * changes nothing but what has to be encoded. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "media/make_video.h"
#include "use/world.h"

enum { E = 10 };

static char index_path[128], bad_path[128];
static char told[4096]; /* all events with words */
static int stop_at;     /* videos done when it is asked to stop; 0: never */
static volatile sig_atomic_t stop;

static void tell(void *user, const violet_event *e)
{
    (void)user;
    size_t n = strlen(told);
    if (e->kind == VIOLET_EVENT_MESSAGE || e->kind == VIOLET_EVENT_WARNING)
        snprintf(told + n, sizeof told - n, "%s\n", e->text);
    if (e->kind == VIOLET_EVENT_ITEM && stop_at && strcmp(e->text, "videos") == 0)
        stop = (int)e->step >= stop_at;
}

static const violet_hooks hooks = {.event = tell, .stop = &stop};

static void is_told(const char *words)
{
    if (!strstr(told, words)) fail_msg("no '%s' in '%s'", words, told);
}

/* A collection of the folder; expected: encoded, kept, gone, bad. */
static violet_collection *collect(const char *index, int encoded, int kept, int gone, int bad)
{
    violet_collection *c;
    violet_collection_facts f;
    told[0] = 0;
    ok(violet_collection_open(&c, session, folder, index, &hooks));
    violet_collection_describe(&f, c);
    assert_int_equal(f.n_encoded, encoded);
    assert_int_equal(f.n_kept, kept);
    assert_int_equal(f.n_gone, gone);
    assert_int_equal(f.n_bad, bad);
    assert_int_equal(f.n_videos, encoded + kept);
    return c;
}

static int number_of(const violet_found *x)
{
    for (int v = 0; v < VIDEOS; v++)
        if (strcmp(x->path, clips[v]) == 0) {
            assert_string_equal(x->name, strrchr(clips[v], '/') + 1);
            return v;
        }
    fail_msg("found '%s'", x->path);
    return 0;
}

/* All of them, in the order of right[v][t]. */
static void expect(const violet_found *best, int top, const float *right)
{
    for (int t = 0; t < TEXTS; t++)
        for (int i = 0; i < top; i++) {
            const violet_found *x = &best[t * top + i];
            near((double)x->score, (double)right[number_of(x) * TEXTS + t]);
            if (i) assert_true(x[-1].score >= x->score);
            for (int k = 0; k < i; k++) assert_true(number_of(x) != number_of(x - i + k));
        }
}

static void products(float *right)
{
    float of_videos[VIDEOS * E], of_texts[TEXTS * E];
    ok(violet_embed_videos(of_videos, session, video, VIDEOS));
    ok(violet_embed_texts(of_texts, session, texts, TEXTS));
    for (int v = 0; v < VIDEOS; v++)
        for (int t = 0; t < TEXTS; t++) {
            double sum = 0;
            for (int k = 0; k < E; k++)
                sum += (double)of_videos[v * E + k] * (double)of_texts[t * E + k];
            right[v * TEXTS + t] = (float)sum;
        }
}

/* Searches and compares with what violet_score gives. */
static void find_all(const violet_collection *c)
{
    violet_found best[TEXTS * VIDEOS];
    float right[VIDEOS * TEXTS];
    int top = 100;
    ok(violet_score(right, session, video, VIDEOS, texts, TEXTS));
    violet_found *many = calloc(TEXTS * 100, sizeof *many);
    ok(violet_search(many, &top, c, session, texts, TEXTS, 0, &hooks));
    assert_int_equal(top, VIDEOS);
    memcpy(best, many, sizeof best);
    free(many);
    expect(best, top, right);
}

/* ---- ranks ----------------------------------------------------------------------------------- */

static void ranks_are_those_of_score(void **state)
{
    (void)state;
    open_world(VL_HEAD_MATCH, TASK(""));
    violet_collection *c = collect(NULL, VIDEOS, 0, 0, 0);
    find_all(c);
    violet_collection_close(c);
    close_world();
}

/* The best of each sentence by the vectors are scored; the others are not told. */
static void the_first_stage_chooses(void **state)
{
    (void)state;
    violet_found best[TEXTS * 2];
    float score[VIDEOS * TEXTS], product[VIDEOS * TEXTS];
    int top = 2;
    open_world(VL_HEAD_MATCH | VL_HEAD_DUAL, TASK(""));
    violet_collection *c = collect(NULL, VIDEOS, 0, 0, 0);
    ok(violet_score(score, session, video, VIDEOS, texts, TEXTS));
    products(product);
    ok(violet_search(best, &top, c, session, texts, TEXTS, 1, &hooks)); /* at least `top` */
    expect(best, 2, score);
    for (int t = 0; t < TEXTS; t++) {
        int left_out = VIDEOS - number_of(&best[2 * t]) - number_of(&best[2 * t + 1]);
        for (int v = 0; v < VIDEOS; v++)
            assert_true(product[v * TEXTS + t] >= product[left_out * TEXTS + t]);
    }
    find_all(c); /* first stage 0: all are scored */
    violet_collection_close(c);
    close_world();
}

static void vectors_alone_rank_without_the_head(void **state)
{
    (void)state;
    violet_found best[TEXTS * VIDEOS];
    float right[VIDEOS * TEXTS];
    int top = VIDEOS;
    open_world(VL_HEAD_DUAL, TASK(""));
    violet_collection *c = collect(NULL, VIDEOS, 0, 0, 0);
    products(right);
    ok(violet_search(best, &top, c, session, texts, TEXTS, 20, NULL));
    expect(best, top, right);
    violet_collection_close(c);
    close_world();
}

/* ---- the index ------------------------------------------------------------------------------- */

static void replace_clip(int v, int frames)
{
    make_video(clips[v], &(clip){.n = frames, .width = 64, .height = 48});
}

static void an_index_keeps_what_is_encoded(void **state)
{
    (void)state;
    open_world(VL_HEAD_MATCH | VL_HEAD_DUAL, TASK(""));
    for (int turn = 0; turn < 3; turn++) {
        violet_collection *c = turn ? collect(index_path, 0, VIDEOS, 0, 0)
                                    : collect(index_path, VIDEOS, 0, 0, 0);
        find_all(c);
        violet_collection_close(c);
    }
    char moved[128];
    snprintf(moved, sizeof moved, "%s.away", clips[1]);
    replace_clip(0, 50); /* another file of the name, and one that is gone */
    assert_int_equal(rename(clips[1], moved), 0);
    violet_collection_close(collect(index_path, 1, 1, 1, 0));
    violet_collection_close(collect(index_path, 0, 2, 0, 0));
    assert_int_equal(rename(moved, clips[1]), 0);
    violet_video_free(video[0]);
    ok(violet_video_encode(&video[0], session, clips[0]));
    violet_collection *c = collect(index_path, 1, 2, 0, 0);
    find_all(c);
    violet_collection_close(c);
    close_world();
    unlink(index_path);
}

/* What was encoded before the stop is not encoded again. */
static void an_index_goes_on_after_a_stop(void **state)
{
    (void)state;
    violet_collection *c = (violet_collection *)&c;
    open_world(VL_HEAD_MATCH, TASK(""));
    stop_at = 2;
    violet_status status = violet_collection_open(&c, session, folder, index_path, &hooks);
    stop = stop_at = 0;
    fails(status, VIOLET_EINTERRUPTED, "search: stopped");
    assert_null(c);
    c = collect(index_path, VIDEOS - 2, 2, 0, 0);
    find_all(c);
    violet_collection_close(c);
    close_world();
    unlink(index_path);
}

static void write_bytes(const char *bytes, size_t n)
{
    FILE *f = fopen(index_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Cut off or changed anywhere, it is told, and what is found stays the same. */
static void damage_is_told_and_made_good(void **state)
{
    (void)state;
    char *bytes, *whole;
    size_t n;
    open_world(VL_HEAD_MATCH | VL_HEAD_DUAL, TASK(""));
    violet_collection_close(collect(index_path, VIDEOS, 0, 0, 0));
    ok(vl_file_read(&bytes, &n, index_path, 1 << 20));
    whole = malloc(n);
    memcpy(whole, bytes, n);
    const size_t record = (n - 64) / VIDEOS;
    bytes[64 + record + record / 2] ^= 1; /* the second one's tokens */
    write_bytes(bytes, n);
    violet_collection *c = collect(index_path, 1, 2, 0, 0);
    is_told("damaged; 1 of its 3 videos are encoded anew");
    find_all(c);
    violet_collection_close(c);
    violet_collection_close(collect(index_path, 0, VIDEOS, 0, 0));
    bytes[30] ^= 1; /* the header */
    write_bytes(bytes, n);
    violet_collection_close(collect(index_path, VIDEOS, 0, 0, 0));
    is_told("damaged; it is made anew");
    for (size_t cut = 1; cut < n; cut += cut < 100 ? 9 : record / 3) {
        write_bytes(whole, cut);
        told[0] = 0;
        ok(violet_collection_open(&c, session, folder, index_path, &hooks));
        is_told("damaged");
        violet_collection_close(c);
    }
    write_bytes("RIFF, a video, say", 18);
    fails(violet_collection_open(&c, session, folder, index_path, &hooks), VIOLET_EINVAL,
          "expected an index of 'violet search'");
    free(bytes);
    free(whole);
    close_world();
    unlink(index_path);
}

/* Of other weights, or of frames that are found another way. */
static void an_index_belongs_to_a_model(void **state)
{
    (void)state;
    const char *const how[] = {"fast_video", "true"};
    violet_model *first;
    open_world(VL_HEAD_MATCH, TASK(""));
    violet_collection_close(collect(index_path, VIDEOS, 0, 0, 0));
    violet_session_free(session);
    first = model;
    violet_options *o = set("search", 1, how);
    ok(violet_model_open(&model, path, o));
    ok(violet_session_new(&session, model, 1));
    violet_collection_close(collect(index_path, VIDEOS, 0, 0, 0));
    is_told("of another checkpoint or other options; it is made anew");
    violet_collection_close(collect(index_path, 0, VIDEOS, 0, 0));
    violet_options_free(o);
    violet_model_close(first);
    close_world();
    open_world(VL_HEAD_MATCH | VL_HEAD_DUAL, TASK(""));
    violet_collection_close(collect(index_path, VIDEOS, 0, 0, 0));
    is_told("of another checkpoint");
    close_world();
    unlink(index_path);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void bad_videos_are_left_out(void **state)
{
    (void)state;
    FILE *f = fopen(bad_path, "wb");
    assert_non_null(f);
    fputs("this is no video", f);
    fclose(f);
    open_world(VL_HEAD_MATCH, TASK(""));
    violet_collection *c = collect(index_path, VIDEOS, 0, 0, 1);
    is_told("skipped: ");
    is_told("bad.mp4: expected a video");
    is_told("1 could not be used");
    find_all(c);
    violet_collection_close(c);
    violet_collection_close(collect(index_path, 0, VIDEOS, 0, 1));
    fails(violet_collection_open(&c, session, bad_path, NULL, NULL), VIOLET_EFORMAT,
          "none of its 1 videos can be used");
    close_world();
    unlink(bad_path);
    unlink(index_path);
}

static void what_cannot_be_searched_is_told(void **state)
{
    (void)state;
    const char *const empty[] = {"dogs", " "};
    violet_found best[TEXTS];
    violet_collection *c;
    int top = 1;
    open_world(0, TASK(""));
    fails(violet_collection_open(&c, session, folder, NULL, NULL), VIOLET_ESHAPE, "to search");
    fails(violet_search(best, &top, NULL, session, texts, TEXTS, 0, NULL), VIOLET_ESHAPE,
          "no head for either");
    close_world();
    open_world(VL_HEAD_MATCH, TASK(""));
    ok(violet_search(NULL, &top, NULL, session, texts, TEXTS, 0, NULL)); /* only checks */
    fails(violet_search(best, &top, NULL, session, empty, 2, 0, NULL), VIOLET_EINVAL,
          "sentence 2 has no word");
    fails(violet_search(best, &top, NULL, session, texts, 0, 0, NULL), VIOLET_EINVAL,
          "of 0 sentences");
    fails(violet_collection_open(&c, session, "/nowhere", NULL, NULL), VIOLET_EIO, "/nowhere");
    violet_collection_close(NULL);
    close_world();
}

static int set_up_search(void **state)
{
    if (set_up(state)) return 1;
    snprintf(index_path, sizeof index_path, "%s.index", folder);
    snprintf(bad_path, sizeof bad_path, "%s/bad.mp4", folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_those_of_score),
        cmocka_unit_test(the_first_stage_chooses),
        cmocka_unit_test(vectors_alone_rank_without_the_head),
        cmocka_unit_test(an_index_keeps_what_is_encoded),
        cmocka_unit_test(an_index_goes_on_after_a_stop),
        cmocka_unit_test(damage_is_told_and_made_good),
        cmocka_unit_test(an_index_belongs_to_a_model),
        cmocka_unit_test(bad_videos_are_left_out),
        cmocka_unit_test(what_cannot_be_searched_is_told),
    };
    return cmocka_run_group_tests(tests, set_up_search, tear_down);
}
