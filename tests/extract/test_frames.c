/* extract-frames: the published rule, the same bytes whatever the threads, shards, kills and stops;
 * what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/rng.h"
#include "clips.h"
#include "file/pickle.h"
#include "file/tsv.h"
#include "media/picture.h"
#include "media/video.h"

enum { N_CLIPS = 12 };

static char folder[64];
static double whole_seconds;

static int set_up(void **state)
{
    (void)state;
    char name[40];
    clips_open(folder);
    mkdir(clips_path(folder, "v"), 0777);
    mkdir(clips_path(folder, "v/sub"), 0777);
    for (int i = 0; i < N_CLIPS; i++) {
        snprintf(name, sizeof name, "v/%sclip%d.y4m", i % 4 == 3 ? "sub/" : "", i);
        /* unevenly long, and two of them no videos */
        if (i % 6 == 4) clips_write(folder, name, "YUV4MPEG2 but not really", 24);
        else clips_y4m(folder, name, 32 + 8 * i, 48, i == 1 ? 300 : 3 + 5 * i, i);
    }
    clips_write(folder, "v/notes.txt", "no video", 8);
    double start = vl_now();
    clips_ok(folder, "v", "whole", "--workers=1 --pkl=also");
    whole_seconds = vl_now() - start;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_close(folder);
    return 0;
}

static void move(const char *from, const char *to)
{
    assert_int_equal(rename(clips_path(folder, from), clips_path(folder, to)), 0);
}

/* ---- what is taken --------------------------------------------------------------------------- */

static int grey_of(vl_slice text)
{
    vl_picture p;
    size_t n;
    uint8_t *jpeg = malloc(vl_base64_decoded_most(text.n));
    assert_int_equal(vl_base64_decode(jpeg, &n, text.s, text.n), VIOLET_OK);
    assert_int_equal(vl_jpeg_decode(&p, jpeg, n), VIOLET_OK);
    int grey = p.rgb[0];
    vl_picture_release(&p);
    free(jpeg);
    return grey;
}

static void the_published_rule(void **state)
{
    (void)state;
    vl_tsv *t;
    vl_tsv_row *row = malloc(sizeof *row);
    assert_int_equal(vl_tsv_open(&t, clips_path(folder, "whole.tsv")), VIOLET_OK);
    assert_int_equal(vl_tsv_n(t), N_CLIPS - 2);
    for (size_t i = 0; i < vl_tsv_n(t); i++) {
        assert_int_equal(vl_tsv_read(row, t, i), VIOLET_OK);
        assert_int_equal(row->n_frames, 5);
        int clip = atoi(strstr(row->id.s, "clip") + 4), n = clip == 1 ? 300 : 3 + 5 * clip;
        for (int k = 0; k < 5; k++) {
            int frame = (int)((double)n / 6 * (k + 1));
            int want = (2 * frame + clip) % 200 * 255 / 219;
            int grey = grey_of(row->frame[k]);
            if (abs(grey - want) > 1)
                fail_msg("clip %d frame %d is %d, not %d", clip, k, grey, want);
        }
    }
    vl_tsv_close(t);
    free(row);
}

static void the_manifest_tells(void **state)
{
    (void)state;
    int n_ok = 0, n_failed = 0;
    json_t *header = clips_line(folder, "whole.manifest.jsonl", 0);
    assert_int_equal(json_integer_value(json_object_get(header, "videos")), N_CLIPS);
    assert_int_equal(json_integer_value(json_object_get(header, "sample")), 5);
    json_decref(header);
    char before[100] = "";
    for (int i = 1; i <= N_CLIPS; i++) {
        json_t *o = clips_line(folder, "whole.manifest.jsonl", i);
        assert_true(strcmp(before, clips_text(o, "id")) < 0);
        snprintf(before, sizeof before, "%s", clips_text(o, "id"));
        int clip = atoi(strstr(before, "clip") + 4), n = clip == 1 ? 300 : 3 + 5 * clip;
        if (strcmp(clips_text(o, "status"), "ok") == 0) {
            const json_t *indices = json_object_get(o, "indices");
            n_ok++;
            assert_int_equal(json_integer_value(json_object_get(o, "frames")), n);
            assert_int_equal(json_array_size(indices), 5);
            assert_int_equal(json_integer_value(json_array_get(indices, 4)), (int)(n / 6.0 * 5));
            assert_int_equal(json_integer_value(json_object_get(o, "width")), 32 + 8 * clip);
            assert_string_equal(clips_text(o, "codec"), "rawvideo");
            assert_int_equal(n < 6, strstr(clips_text(o, "note"), "indices repeat") != NULL);
        } else {
            n_failed++;
            assert_string_equal(clips_text(o, "status"), "failed");
            assert_int_equal(clip % 6, 4);
            assert_true(strlen(clips_text(o, "error")) > 5);
            assert_null(strstr(clips_text(o, "error"), folder));
        }
        json_decref(o);
    }
    assert_int_equal(n_ok, N_CLIPS - 2);
    assert_int_equal(n_failed, 2);
}

static void indices_repeat_only_where_they_must(void **state)
{
    (void)state;
    for (int n = 3; n <= 7; n++) {
        bool repeats = false;
        clips_y4m(folder, "few.y4m", 16, 16, n, 0);
        clips_ok(folder, "few.y4m", "few", "--restart");
        json_t *o = clips_line(folder, "few.manifest.jsonl", 1);
        const json_t *indices = json_object_get(o, "indices");
        for (size_t i = 1; i < 5; i++)
            repeats |= json_integer_value(json_array_get(indices, i)) ==
                       json_integer_value(json_array_get(indices, i - 1));
        assert_int_equal(repeats, n < 5);
        assert_int_equal(strstr(clips_text(o, "note"), "indices repeat") != NULL, repeats);
        json_decref(o);
    }
}

static void an_empty_shard_is_told(void **state)
{
    (void)state;
    clips_write(folder, "two.txt", "v/clip2.y4m\nv/clip5.y4m\n", 24);
    for (int i = 1; i <= 4; i++) {
        char flags[40];
        snprintf(flags, sizeof flags, "--shard=%d/4", i);
        clips_result r = clips_run(folder, "two.txt", "two4", flags, CLIPS_RUN, 0);
        assert_int_equal(r.status, VIOLET_OK);
        assert_int_equal(r.n_warnings, i % 2); /* of two videos, the parts 1 and 3 get none */
    }
}

static void a_pickle_holds_the_same(void **state)
{
    (void)state;
    vl_tsv *t;
    vl_pickle *doc;
    vl_tsv_row *row = malloc(sizeof *row);
    clips_result r = clips_ok(folder, "v", "only", "--pkl=only");
    assert_int_equal(r.n_bad, 0); /* the last items are those of the pickle */
    assert_int_equal(r.n_warnings, 2);
    clips_same(folder, "whole", "only", ".pkl");
    clips_same(folder, "whole", "only", ".manifest.jsonl");
    assert_false(clips_has(folder, "only.tsv") || clips_has(folder, "only.lineidx"));
    assert_int_equal(vl_tsv_open(&t, clips_path(folder, "whole.tsv")), VIOLET_OK);
    assert_int_equal(vl_pickle_open(&doc, clips_path(folder, "whole.pkl"), NULL), VIOLET_OK);
    assert_int_equal(vl_value_n(vl_pickle_root(doc)), vl_tsv_n(t));
    for (size_t i = 0; i < vl_tsv_n(t); i++) {
        assert_int_equal(vl_tsv_read(row, t, i), VIOLET_OK);
        const vl_value *list = vl_dict_find(vl_pickle_root(doc), row->id.s, row->id.n);
        assert_int_equal(vl_value_n(list), row->n_frames);
        for (int k = 0; k < row->n_frames; k++) {
            size_t n;
            const char *s = vl_value_str(&n, vl_value_at(list, (size_t)k));
            assert_true(n == row->frame[k].n && memcmp(s, row->frame[k].s, n) == 0);
        }
    }
    vl_tsv_close(t);
    vl_pickle_close(doc);
    free(row);
}

static void options_of_pictures(void **state)
{
    (void)state;
    vl_tsv *t;
    vl_tsv_row *row = malloc(sizeof *row);
    vl_picture p;
    size_t n;
    clips_ok(folder, "v/clip2.y4m", "small", "--max-side=20 --sample=3 --quality=40");
    assert_int_equal(vl_tsv_open(&t, clips_path(folder, "small.tsv")), VIOLET_OK);
    assert_int_equal(vl_tsv_read(row, t, 0), VIOLET_OK);
    assert_true(row->n_frames == 3 && row->id.n == 5 && memcmp(row->id.s, "clip2", 5) == 0);
    uint8_t *jpeg = malloc(row->frame[0].n);
    assert_int_equal(vl_base64_decode(jpeg, &n, row->frame[0].s, row->frame[0].n), VIOLET_OK);
    assert_int_equal(vl_jpeg_decode(&p, jpeg, n), VIOLET_OK);
    assert_int_equal(p.width, 20);
    vl_picture_release(&p);
    free(jpeg);
    vl_tsv_close(t);
    free(row);
}

/* ---- the same bytes -------------------------------------------------------------------------- */

static void threads_do_not_matter(void **state)
{
    (void)state;
    static const char *const flags[] = {"--workers=3", "--workers=100", "--workers=0"};
    for (int i = 0; i < 3; i++) {
        char output[20];
        snprintf(output, sizeof output, "threads%d", i);
        clips_result r = clips_ok(folder, "v", output, flags[i]);
        assert_int_equal(r.n_items, N_CLIPS);
        assert_int_equal(r.n_bad, 2);
        assert_int_equal(r.n_warnings, 2);
        clips_same_data(folder, "whole", output);
    }
}

static void shards_join(void **state)
{
    (void)state;
    for (int n = 2; n <= 20; n += 6) { /* 20: more than there are videos */
        char output[20], flags[60];
        snprintf(output, sizeof output, "parts%d", n);
        for (int i = n; i >= 1; i--) {
            snprintf(flags, sizeof flags, "--shard=%d/%d --workers=2", i, n);
            clips_result r = clips_run(folder, "v", output, flags, CLIPS_RUN, 0);
            /* a shard may have none but bad videos: its status says so, it is whole all the same */
            assert_true(r.status == VIOLET_OK || strstr(r.error, "gave frames"));
        }
        snprintf(flags, sizeof flags, "--merge=%d --pkl=also", n);
        clips_ok(folder, "v", output, flags);
        clips_same_data(folder, "whole", output);
        clips_same(folder, "whole", output, ".pkl");
        clips_ok(folder, "v", output, flags); /* merged before */
        clips_ok(folder, "v", output, ""); /* and as good as a run without shards */
    }
}

static void wrong_shards_are_refused(void **state)
{
    (void)state;
    clips_fails(folder, "v", "w", "--shard=0/2", VIOLET_EINVAL, "1/4 to 4/4");
    clips_fails(folder, "v", "w", "--shard=3/2", VIOLET_EINVAL, "1/4 to 4/4");
    clips_fails(folder, "v", "w", "--shard=1/2x", VIOLET_EINVAL, "1/4 to 4/4");
    clips_fails(folder, "v", "w", "--shard=1/2 --merge=2", VIOLET_EINVAL, "exclude");
    clips_ok(folder, "v", "w", "--shard=1/2");
    clips_fails(folder, "v", "w", "--merge=2", VIOLET_EIO, "w.2-of-2.manifest.jsonl");
    clips_ok(folder, "v", "w", "--shard=2/2 --sample=4");
    clips_fails(folder, "v", "w", "--merge=2", VIOLET_EINVAL, "sample");
    clips_ok(folder, "v", "w", "--shard=2/2 --restart");
    move("w.2-of-2.manifest.jsonl", "w.2-of-2.manifest.jsonl.partial");
    clips_fails(folder, "v", "w", "--merge=2", VIOLET_EINVAL, "not finished");
    assert_false(clips_has(folder, "w.tsv") || clips_has(folder, "w.tsv.partial"));
    clips_ok(folder, "v", "w", "--shard=2/2");
    /* a merge that is stopped starts anew */
    clips_result r = clips_run(folder, "v", "w", "--merge=2", CLIPS_STOP, 4);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    clips_ok(folder, "v", "w", "--merge=2");
    clips_same_data(folder, "whole", "w");
    /* a line that is missing is found */
    assert_int_equal(unlink(clips_path(folder, "w.tsv")), 0);
    clips_fails(folder, "v", "w", "", VIOLET_EIO, "w.tsv is not");
    clips_write(folder, "w.1-of-2.tsv", "x\t/9j/\n", 7);
    clips_write(folder, "w.1-of-2.lineidx", "0\n", 2);
    clips_fails(folder, "v", "w", "--merge=2 --restart", VIOLET_EFORMAT, "w.1-of-2.tsv: 1 lines");
}

/* ---- going on -------------------------------------------------------------------------------- */

/* This program again, see child(), killed after `seconds` (0: it ends by itself). -1: killed. */
static int in_process(const char *output, const char *flags, int kill_at, double seconds)
{
    char self[256], count[20];
    int status;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    snprintf(count, sizeof count, "%d", kill_at);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {self, folder, (char *)output, (char *)flags, count, NULL};
        execv(self, argv);
        _exit(99);
    }
    if (seconds > 0) {
        struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

static int child(char **argv)
{
    snprintf(folder, sizeof folder, "%s", argv[1]);
    clips_result r = clips_run(folder, "v", argv[2], argv[3], CLIPS_KILL, atoi(argv[4]));
    if (r.status != VIOLET_OK) fprintf(stderr, "%s\n", r.error);
    return (int)r.status;
}

static void killed_after_any_video(void **state)
{
    (void)state;
    for (int n = 1; n <= N_CLIPS; n++) {
        char output[20];
        snprintf(output, sizeof output, "kill%d", n);
        assert_int_equal(in_process(output, "--workers=2", n, 0), -1);
        if (n < N_CLIPS - 1) assert_int_equal(in_process(output, "--workers=3", 1, 0), -1);
        clips_result r = clips_ok(folder, "v", output, "--workers=2");
        assert_true(r.n_items <= N_CLIPS - n);
        clips_same_data(folder, "whole", output);
    }
}

static void killed_at_any_time(void **state)
{
    (void)state;
    int kills = 0;
    for (int k = 0; k < 12; k++) {
        char output[20];
        int status = -1;
        snprintf(output, sizeof output, "time%d", k);
        for (int i = 0; i < 40 && status == -1; i++) {
            double share = 0.2 + 1.3 * (double)((k * 7 + i * 11) % 17) / 17;
            status = in_process(output, "--pkl=also", 0, 0.004 + whole_seconds * share);
            kills += status == -1;
        }
        if (status == -1) status = in_process(output, "--pkl=also", 0, 0);
        assert_int_equal(status, VIOLET_OK);
        clips_same_data(folder, "whole", output);
        clips_same(folder, "whole", output, ".pkl");
    }
    assert_true(kills > 6);
}

/* Whatever part of each file came to the disk, the rest is made again. */
static void resumed_from_any_lengths(void **state)
{
    (void)state;
    static const char *const endings[] = {".tsv", ".lineidx", ".manifest.jsonl"};
    uint64_t key = vl_rng_key(3, 0, 0);
    char *whole[3], name[60];
    size_t n[3];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "whole%s", endings[i]);
        whole[i] = clips_read(&n[i], folder, name);
    }
    char *zeros = malloc(2 * n[0]);
    assert_true(n[0] > n[1] && n[0] > n[2]);
    const char *quick = getenv("QUICK");
    int times = quick && *quick ? 30 : 150;
    for (int k = 0; k < times; k++) {
        for (int i = 0; i < 3; i++) {
            /* mostly near each other, as a kill leaves them; the header alone is tried, too */
            size_t most = n[i], cut = vl_rng_below(key, (uint64_t)(3 * k + i), (uint32_t)most + 1);
            if (k % 3 == 0) cut = i == 2 ? cut : most;
            if (k % 3 == 1) cut = i == 2 ? most : cut;
            snprintf(name, sizeof name, "cut%s.partial", endings[i]);
            size_t n_zeros = k % 4 == 3 ? n[i] : 0; /* as a power cut may leave them */
            memcpy(zeros, whole[i], cut);
            memset(zeros + cut, 0, n_zeros);
            clips_write(folder, name, zeros, cut + n_zeros);
        }
        clips_ok(folder, "v", "cut", "--workers=2");
        clips_same_data(folder, "whole", "cut");
        for (int i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "cut%s", endings[i]);
            assert_int_equal(unlink(clips_path(folder, name)), 0);
        }
    }
    for (int i = 0; i < 3; i++) free(whole[i]);
    free(zeros);
}

/* Killed between the renames of the end. */
static void an_interrupted_finish_is_finished(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        clips_ok(folder, "v", "finish", "--restart --pkl=also");
        move("finish.manifest.jsonl", "finish.manifest.jsonl.partial");
        if (k < 3) unlink(clips_path(folder, "finish.pkl"));
        if (k < 2) move("finish.lineidx", "finish.lineidx.partial");
        if (k < 1) move("finish.tsv", "finish.tsv.partial");
        clips_result r = clips_ok(folder, "v", "finish", "--pkl=also");
        assert_non_null(strstr(r.messages, "going on after 12"));
        clips_same_data(folder, "whole", "finish");
        clips_same(folder, "whole", "finish", ".pkl");
    }
}

static void stopped_and_resumed(void **state)
{
    (void)state;
    int times = 0;
    clips_result r;
    do {
        /* one worker is at most 8 videos ahead of the one that is written */
        r = clips_run(folder, "v", "stop", "--workers=1", CLIPS_STOP, 1);
        times++;
        assert_true(r.status == VIOLET_OK || r.status == VIOLET_EINTERRUPTED);
        assert_int_equal(clips_has(folder, "stop.tsv"), r.status == VIOLET_OK);
    } while (r.status != VIOLET_OK && times < 30);
    assert_true(times > 1 && times < 30);
    clips_same_data(folder, "whole", "stop");
}

static void a_finished_run_is_left_alone(void **state)
{
    (void)state;
    struct stat before, after;
    clips_ok(folder, "v", "done", "");
    assert_int_equal(stat(clips_path(folder, "done.tsv"), &before), 0);
    clips_result r = clips_ok(folder, "v", "done", "--workers=2");
    assert_int_equal(r.n_items, 0);
    assert_non_null(strstr(r.messages, "finished before: 12 videos: 10 with frames, 2 failed"));
    assert_int_equal(stat(clips_path(folder, "done.tsv"), &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_mtime == after.st_mtime);
    clips_ok(folder, "v", "done", "--pkl=also"); /* only the pickle is missing */
    clips_same(folder, "whole", "done", ".pkl");
    clips_same_data(folder, "whole", "done");
}

static void other_options_are_refused(void **state)
{
    (void)state;
    static const char *const flags[] = {"--sample=4",    "--quality=80", "--max-side=20", "--fast",
                                        "--shape=square"};
    static const char *const names[] = {"sample", "quality", "max_side", "fast", "shape"};
    clips_result r = clips_run(folder, "v", "other", "--workers=1", CLIPS_STOP, 2);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    for (int i = 0; i < 5; i++) {
        clips_fails(folder, "v", "other", flags[i], VIOLET_EINVAL, names[i]);
        clips_fails(folder, "v", "other", flags[i], VIOLET_EINVAL, "--restart");
        clips_fails(folder, "v", "done", flags[i], VIOLET_EINVAL, names[i]);
    }
    clips_y4m(folder, "v/more.y4m", 16, 16, 9, 0);
    clips_fails(folder, "v", "other", "", VIOLET_EINVAL, "videos 12, now it is 13");
    move("v/more.y4m", "more.y4m");
    move("v/clip2.y4m", "v/clip2b.y4m");
    clips_fails(folder, "v", "other", "", VIOLET_EINVAL, "other videos");
    move("v/clip2b.y4m", "v/clip2.y4m");
    clips_ok(folder, "v", "other", "");
    clips_same_data(folder, "whole", "other");
    clips_ok(folder, "v", "other", "--sample=2 --restart");
    json_t *header = clips_line(folder, "other.manifest.jsonl", 0);
    assert_int_equal(json_integer_value(json_object_get(header, "sample")), 2);
    json_decref(header);
}

static void other_files_are_not_overwritten(void **state)
{
    (void)state;
    clips_write(folder, "mine.tsv", "precious", 8);
    clips_fails(folder, "v", "mine", "", VIOLET_EINVAL, "mine.tsv is there");
    clips_write(folder, "mine2.pkl", "precious", 8);
    clips_fails(folder, "v", "mine2", "--pkl=also", VIOLET_EINVAL, "mine2.pkl is there");
    assert_false(clips_has(folder, "mine2.tsv"));
    clips_ok(folder, "v", "mine2", "");
    clips_ok(folder, "v", "mine", "--restart");
    clips_same_data(folder, "whole", "mine");
    clips_write(folder, "bad.manifest.jsonl", "no json\n", 8);
    clips_fails(folder, "v", "bad", "", VIOLET_EFORMAT, "no manifest");
}

static void two_at_once_are_refused(void **state)
{
    (void)state;
    int fd = open(clips_path(folder, "two.manifest.jsonl.partial"), O_RDWR | O_CREAT, 0666);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    clips_fails(folder, "v", "two", "", VIOLET_EINVAL, "another process");
    clips_fails(folder, "v", "two", "--restart", VIOLET_EINVAL, "another process");
    close(fd);
    clips_ok(folder, "v", "two", "");
    clips_same_data(folder, "whole", "two");
}

/* ---- bad ones -------------------------------------------------------------------------------- */

static void nothing_but_bad_videos(void **state)
{
    (void)state;
    clips_write(folder, "bad.txt", "v/clip4.y4m\nnowhere.mp4\nv/clip10.y4m", 36);
    clips_fails(folder, "bad.txt", "allbad", "", VIOLET_EFORMAT, "none of 3 videos gave frames");
    for (int i = 1; i <= 3; i++) {
        json_t *o = clips_line(folder, "allbad.manifest.jsonl", i);
        assert_string_equal(clips_text(o, "status"), "failed");
        json_decref(o);
    }
    clips_fails(folder, "bad.txt", "allbad", "", VIOLET_EFORMAT, "none of 3 videos gave frames");
}

static void many_failures_are_told_a_few_times(void **state)
{
    (void)state;
    char text[2000];
    int n = snprintf(text, sizeof text, "v/clip0.y4m\n");
    for (int i = 0; i < 60; i++) n += snprintf(text + n, sizeof text - (size_t)n, "no%d.mp4\n", i);
    clips_write(folder, "many.txt", text, (size_t)n);
    clips_result r = clips_ok(folder, "many.txt", "many", "--workers=3");
    assert_int_equal(r.n_bad, 60);
    assert_int_equal(r.n_warnings, 21);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_rule),
        cmocka_unit_test(the_manifest_tells),
        cmocka_unit_test(indices_repeat_only_where_they_must),
        cmocka_unit_test(an_empty_shard_is_told),
        cmocka_unit_test(a_pickle_holds_the_same),
        cmocka_unit_test(options_of_pictures),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(shards_join),
        cmocka_unit_test(wrong_shards_are_refused),
        cmocka_unit_test(killed_after_any_video),
        cmocka_unit_test(killed_at_any_time),
        cmocka_unit_test(resumed_from_any_lengths),
        cmocka_unit_test(an_interrupted_finish_is_finished),
        cmocka_unit_test(stopped_and_resumed),
        cmocka_unit_test(a_finished_run_is_left_alone),
        cmocka_unit_test(other_options_are_refused),
        cmocka_unit_test(other_files_are_not_overwritten),
        cmocka_unit_test(two_at_once_are_refused),
        cmocka_unit_test(nothing_but_bad_videos),
        cmocka_unit_test(many_failures_are_told_a_few_times),
    };
    if (argc == 5) return child(argv);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
