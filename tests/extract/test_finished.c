/* extract-frames over runs that are there: what is checked, what stays until something better is
 * done, what --retry takes over; and that no input is ever an output. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clips.h"

enum { N_CLIPS = 9, N_BAD = 3 };

static char folder[64];

static const char *clip_name(int i)
{
    static char name[20];
    snprintf(name, sizeof name, "v/c%d.y4m", i);
    return name;
}

/* A third of the videos cannot be read, until mend(). */
static int set_up(void **state)
{
    (void)state;
    clips_open(folder);
    mkdir(clips_path(folder, "v"), 0777);
    for (int i = 0; i < N_CLIPS; i++) {
        if (i % 3 == 1) clips_write(folder, clip_name(i), "nothing", 7);
        else clips_y4m(folder, clip_name(i), 32, 32 + 8 * i, 4 + i, i);
    }
    clips_ok(folder, "v", "broken", "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_close(folder);
    return 0;
}

static void mend(int i)
{
    clips_y4m(folder, clip_name(i), 32, 32 + 8 * i, 4 + i, i);
}

static void spoil(int i)
{
    clips_write(folder, clip_name(i), "nothing", 7);
}

static void remove_file(const char *name)
{
    assert_int_equal(unlink(clips_path(folder, name)), 0);
}

static void move(const char *from, const char *to)
{
    assert_int_equal(rename(clips_path(folder, from), clips_path(folder, to)), 0);
}

static void assert_no_partial(const char *output)
{
    static const char *const endings[] = {".tsv", ".lineidx", ".manifest.jsonl"};
    char name[60];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s.partial", output, endings[i]);
        if (clips_has(folder, name)) fail_msg("%s is left", name);
    }
}

/* ---- checked --------------------------------------------------------------------------------- */

static void an_index_is_made_again(void **state)
{
    (void)state;
    clips_ok(folder, "v", "index", "");
    for (int k = 0; k < 3; k++) {
        if (k == 0) remove_file("index.lineidx");
        if (k == 1) clips_write(folder, "index.lineidx", "0\n", 2);
        if (k == 2) clips_write(folder, "index.lineidx", "0\n7\n99\n", 7);
        clips_result r = clips_ok(folder, "v", "index", "");
        assert_non_null(strstr(r.messages, "index.lineidx was missing or damaged"));
        assert_non_null(strstr(r.messages, "finished before"));
        clips_same_data(folder, "broken", "index");
    }
}

static void a_cut_tsv_is_found(void **state)
{
    (void)state;
    size_t n;
    clips_ok(folder, "v", "cut", "");
    char *text = clips_read(&n, folder, "cut.tsv");
    for (int k = 0; k < 3; k++) {
        size_t keep = k == 0 ? n - 1 : k == 1 ? n / 2 : 0;
        clips_write(folder, "cut.tsv", text, keep);
        clips_fails(folder, "v", "cut", "", VIOLET_EFORMAT, "cut.tsv");
        clips_fails(folder, "v", "cut", "", VIOLET_EFORMAT, "--restart begins anew");
    }
    free(text);
    clips_ok(folder, "v", "cut", "--restart");
    clips_same_data(folder, "broken", "cut");
}

static void a_pickle_alone_is_no_tsv(void **state)
{
    (void)state;
    clips_ok(folder, "v", "only", "--pkl=only");
    clips_ok(folder, "v", "only", "--pkl=only");
    clips_fails(folder, "v", "only", "--pkl=also", VIOLET_EIO, "the run was --pkl only; violet "
                "extract-tsv --path ");
    clips_fails(folder, "v", "only", "", VIOLET_EIO, "only.pkl makes it");
    clips_fails(folder, "v", "only", "--pkl=only --retry", VIOLET_EIO, "only.pkl makes it");
    clips_fails(folder, "v", "part", "--pkl=only --shard=1/2", VIOLET_EINVAL, "--pkl only");
    assert_no_partial("part.1-of-2");
}

/* ---- kept ------------------------------------------------------------------------------------ */

static void results_stay_until_better_ones(void **state)
{
    (void)state;
    clips_ok(folder, "v", "kept", "");
    clips_result r = clips_run(folder, "v", "kept", "--workers=1 --sample=3 --restart", CLIPS_STOP,
                               1);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    clips_same(folder, "broken", "kept", ".tsv");
    clips_same(folder, "broken", "kept", ".lineidx");
    clips_same(folder, "broken", "kept", ".manifest.jsonl");
    r = clips_ok(folder, "v", "kept", ""); /* that run is there */
    assert_non_null(strstr(r.messages, "finished before"));
    clips_result other = clips_ok(folder, "v", "kept", "--sample=3"); /* and the other goes on */
    assert_non_null(strstr(other.messages, "going on after"));
    clips_ok(folder, "v", "three", "--sample=3");
    clips_same_data(folder, "three", "kept");
}

static void a_run_without_frames_replaces_nothing(void **state)
{
    (void)state;
    clips_ok(folder, "v", "good", "");
    clips_write(folder, "wrong.txt", "no.mp4\nneither.mp4\n", 19);
    clips_fails(folder, "wrong.txt", "good", "--restart", VIOLET_EFORMAT,
                "none of 2 videos gave frames");
    clips_fails(folder, "wrong.txt", "good", "--restart", VIOLET_EFORMAT,
                "good.tsv stays as it was");
    clips_same_data(folder, "broken", "good");
    clips_ok(folder, "v", "good", "");
}

/* ---- tried again ----------------------------------------------------------------------------- */

static void failed_videos_are_tried_again(void **state)
{
    (void)state;
    clips_ok(folder, "v", "again", "--pkl=also");
    mend(1), mend(7);
    clips_result r = clips_ok(folder, "v", "again", "--retry --workers=2");
    assert_non_null(strstr(r.messages, "trying again those that failed: 3"));
    assert_non_null(strstr(r.messages, "9 videos: 8 with frames, 1 failed"));
    assert_int_equal(r.n_warnings, 2); /* the one, and that the .pkl is an old one */
    clips_ok(folder, "v", "fresh", "--pkl=also");
    clips_same_data(folder, "fresh", "again");
    clips_ok(folder, "v", "again", "--pkl=also"); /* made again, for it is older */
    clips_same(folder, "fresh", "again", ".pkl");
    mend(4);
    clips_ok(folder, "v", "again", "--retry");
    r = clips_ok(folder, "v", "again", "--retry"); /* none is left */
    assert_non_null(strstr(r.messages, "finished before: 9 videos: 9 with frames"));
    clips_ok(folder, "v", "all", "");
    clips_same_data(folder, "all", "again");
    for (int i = 1; i < N_CLIPS; i += 3) spoil(i);
}

/* What is taken over is not decoded: good videos may even be gone. */
static void good_videos_are_not_read(void **state)
{
    (void)state;
    clips_ok(folder, "v", "gone", "");
    clips_result r = clips_ok(folder, "v", "gone", "");
    assert_non_null(strstr(r.messages, "--retry tries them again"));
    spoil(0);
    mend(1);
    clips_ok(folder, "v", "gone", "--retry");
    mend(0);
    clips_ok(folder, "v", "one", "");
    clips_same_data(folder, "one", "gone");
    spoil(1);
}

static void a_retry_goes_on(void **state)
{
    (void)state;
    clips_ok(folder, "v", "stop", "");
    clips_result r;
    int times = 0;
    for (int i = 1; i < N_CLIPS; i += 3) mend(i);
    spoil(0); /* is taken over all the same */
    do {
        r = clips_run(folder, "v", "stop", "--workers=1 --retry", CLIPS_STOP, 1);
        assert_true(r.status == VIOLET_OK || r.status == VIOLET_EINTERRUPTED);
        if (r.status != VIOLET_OK) clips_same(folder, "broken", "stop", ".tsv");
        times++;
    } while (r.status != VIOLET_OK && times < 30);
    assert_true(times > 1 && times < 30);
    mend(0);
    clips_ok(folder, "v", "mended", "");
    clips_same_data(folder, "mended", "stop");
    for (int i = 1; i < N_CLIPS; i += 3) spoil(i);
}

/* A run that was stopped before its end is ended, then its failed videos are tried again. */
static void an_unfinished_run_is_retried(void **state)
{
    (void)state;
    clips_result r = clips_run(folder, "v", "half", "--workers=1", CLIPS_STOP, 2);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    mend(1);
    clips_ok(folder, "v", "half", "--retry");
    clips_ok(folder, "v", "mend1", "");
    clips_same_data(folder, "mend1", "half");
    clips_ok(folder, "v", "new", "--retry"); /* without an earlier run it is a run */
    clips_same_data(folder, "mend1", "new");
    spoil(1);
}

/* Killed between the renames of the end. */
static void an_interrupted_finish_of_a_retry(void **state)
{
    (void)state;
    for (int i = 1; i < N_CLIPS; i += 3) mend(i);
    clips_ok(folder, "v", "whole", "");
    for (int i = 1; i < N_CLIPS; i += 3) spoil(i);
    for (int k = 0; k < 3; k++) {
        clips_ok(folder, "v", "end", "--restart");
        move("end.manifest.jsonl", "old.manifest.jsonl");
        for (int i = 1; i < N_CLIPS; i += 3) mend(i);
        clips_ok(folder, "v", "end", "--restart");
        move("end.manifest.jsonl", "end.manifest.jsonl.partial");
        move("old.manifest.jsonl", "end.manifest.jsonl");
        if (k < 2) move("end.lineidx", "end.lineidx.partial");
        if (k < 1) move("end.tsv", "end.tsv.partial");
        clips_ok(folder, "v", "end", "--retry");
        clips_same_data(folder, "whole", "end");
        for (int i = 1; i < N_CLIPS; i += 3) spoil(i);
    }
}

static void retry_refuses(void **state)
{
    (void)state;
    size_t n;
    clips_fails(folder, "v", "x", "--retry --restart", VIOLET_EINVAL, "--retry and --restart");
    clips_fails(folder, "v", "x", "--retry --merge=2", VIOLET_EINVAL, "--retry and --merge");
    clips_ok(folder, "v", "mixed", "");
    clips_fails(folder, "v", "mixed", "--retry --sample=4", VIOLET_EINVAL, "begun with sample 5");
    char *text = clips_read(&n, folder, "mixed.tsv");
    text[1] = 'x'; /* the first id */
    clips_write(folder, "mixed.tsv", text, n);
    free(text);
    clips_fails(folder, "v", "mixed", "--retry", VIOLET_EFORMAT, "line 1: expected the video 'c0'");
}

static void a_retried_shard_is_merged_again(void **state)
{
    (void)state;
    clips_ok(folder, "v", "s", "--shard=1/2");
    clips_ok(folder, "v", "s", "--shard=2/2");
    clips_ok(folder, "v", "s", "--merge=2");
    clips_same_data(folder, "broken", "s");
    mend(1);
    clips_ok(folder, "v", "s", "--shard=1/2 --retry");
    clips_fails(folder, "v", "s", "--merge=2", VIOLET_EINVAL, "--restart joins them anew");
    clips_ok(folder, "v", "s", "--merge=2 --restart");
    clips_ok(folder, "v", "s1", "");
    clips_same_data(folder, "s1", "s");
    spoil(1);
}

static void a_refused_merge_leaves_nothing(void **state)
{
    (void)state;
    clips_ok(folder, "v", "m", "--shard=1/2");
    clips_ok(folder, "v", "m", "--shard=2/2 --quality=80");
    clips_fails(folder, "v", "m", "--merge=2", VIOLET_EINVAL,
                "m.2-of-2.manifest.jsonl: quality 80, but ");
    clips_fails(folder, "v", "m", "--merge=2", VIOLET_EINVAL, "m.1-of-2.manifest.jsonl has 75");
    clips_ok(folder, "v", "m", "--shard=2/2 --restart");
    remove_file("m.2-of-2.tsv");
    clips_fails(folder, "v", "m", "--merge=2", VIOLET_EIO, "m.2-of-2.tsv");
    assert_no_partial("m");
}

/* ---- apart ----------------------------------------------------------------------------------- */

static void no_input_is_replaced(void **state)
{
    (void)state;
    size_t n;
    char *text;
    static const char *const flags[] = {"", "--restart"};
    static const char *const names[] = {"in.tsv", "in.manifest.jsonl", "in.pkl", "in.tsv.partial"};
    for (int i = 0; i < 4; i++) {
        clips_write(folder, names[i], "v/c0.y4m\n", 9);
        for (int k = 0; k < 2; k++)
            clips_fails(folder, names[i], "in", flags[k], VIOLET_EINVAL, "it is the input");
        text = clips_read(&n, folder, names[i]);
        assert_string_equal(text, "v/c0.y4m\n");
        free(text);
        remove_file(names[i]);
    }
    /* under another name, and as a video of a list */
    clips_write(folder, "real.txt", "v/c0.y4m\n", 9);
    assert_int_equal(symlink("real.txt", clips_path(folder, "in.tsv")), 0);
    clips_fails(folder, "real.txt", "in", "--restart", VIOLET_EINVAL, "it is the input");
    remove_file("in.tsv");
    clips_y4m(folder, "in.tsv", 16, 16, 9, 0);
    clips_write(folder, "list.txt", "in.tsv\n", 7);
    clips_fails(folder, "list.txt", "in", "--restart", VIOLET_EINVAL, "it is the input");
    clips_ok(folder, "list.txt", "apart", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_made_again),
        cmocka_unit_test(a_cut_tsv_is_found),
        cmocka_unit_test(a_pickle_alone_is_no_tsv),
        cmocka_unit_test(results_stay_until_better_ones),
        cmocka_unit_test(a_run_without_frames_replaces_nothing),
        cmocka_unit_test(failed_videos_are_tried_again),
        cmocka_unit_test(good_videos_are_not_read),
        cmocka_unit_test(a_retry_goes_on),
        cmocka_unit_test(an_unfinished_run_is_retried),
        cmocka_unit_test(an_interrupted_finish_of_a_retry),
        cmocka_unit_test(retry_refuses),
        cmocka_unit_test(a_retried_shard_is_merged_again),
        cmocka_unit_test(a_refused_merge_leaves_nothing),
        cmocka_unit_test(no_input_is_replaced),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
