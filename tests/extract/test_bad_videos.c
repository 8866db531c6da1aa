/* A folder of some hundred files, most of which are bad in some way: every one gets its line in the
 * manifest, none stops the work, and the odd but sound ones give their frames. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "clips.h"
#include "file/tsv.h"
#include "media/make_video.h"

static char folder[64];
static int n_files;

/* FOLDER/bad/NAME, one more file. */
static char *bad_file(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *bad_file(const char *format, ...)
{
    char name[200] = "bad/";
    va_list ap;
    va_start(ap, format);
    vsnprintf(name + 4, sizeof name - 4, format, ap);
    va_end(ap);
    n_files++;
    return clips_path(folder, name);
}

/* ---- sound, but odd -------------------------------------------------------------------------- */

static const struct odd {
    const char *name;
    clip c;
    int width, height; /* of the pictures */
} odd[] = {
    {"sound.mp4", {.n = 20, .sound = true}, 64, 48},
    {"one frame.mp4", {.n = 1}, 64, 48},
    {"odd.mkv", {.codec = "ffv1", .pixels = "yuv420p", .n = 9, .width = 37, .height = 53}, 37, 53},
    {"line.mkv", {.codec = "ffv1", .pixels = "yuv420p", .n = 9, .width = 33, .height = 1}, 33, 1},
    {"grey.mkv", {.codec = "ffv1", .pixels = "gray", .n = 9}, 64, 48},
    {"alpha.mov", {.codec = "png", .pixels = "rgba", .n = 9}, 64, 48},
    {"deep.mkv", {.codec = "ffv1", .pixels = "yuv420p10le", .n = 9}, 64, 48},
    {"palette.gif", {.codec = "gif", .n = 9}, 64, 48},
    {"jpeg.avi", {.codec = "mjpeg", .n = 9}, 64, 48},
    {"uneven.mkv", {.n = 20, .irregular = true}, 64, 48},
    {"late.mkv", {.n = 20, .start = 5000}, 64, 48},
    {"turned.mp4", {.n = 20, .rotation = 90}, 48, 64},
    {"wide.mp4", {.n = 20, .aspect = {4, 3}}, 85, 48},
    {"tab\tand\nline.mp4", {.n = 9}, 64, 48},
    {"\xe5\x8b\x95\xe7\x94\xbb.mp4", {.n = 9}, 64, 48},
    {"not utf8 \xfe.mp4", {.n = 9}, 64, 48},
};
enum { N_ODD = sizeof odd / sizeof *odd };

/* ---- bad ------------------------------------------------------------------------------------- */

/* What is cut and bent; the letter begins the names. */
static const struct base {
    const char *ending;
    clip c;
} bases[] = {
    {"mp4", {.n = 12}},
    {"mov", {.n = 12, .muxing = "movflags=faststart"}},
    {"mkv", {.n = 12}},
    {"avi", {.n = 12}},
    {"gif", {.codec = "gif", .n = 12}},
    {"ts", {.codec = "mpeg2video", .n = 12, .b_frames = 1}},
    {"y4m", {0}}, /* clips_y4m's */
};
enum { N_BASES = sizeof bases / sizeof *bases, CUTS = 12, FLIPS = 8 };

static void write_random(char *path, uint64_t key, size_t n, const char *head, size_t n_head)
{
    char bytes[20000];
    for (size_t i = 0; i < n; i++) bytes[i] = (char)vl_rng_u32(key, i);
    memcpy(bytes, head, n_head);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) fail_msg("cannot write %s", path);
}

static void bend(const char *from, char *to, size_t n, uint64_t key)
{
    cut_file(to, from, n);
    FILE *f = fopen(to, "r+b");
    for (unsigned i = 0; f && i < 6; i++) {
        fseek(f, (long)vl_rng_below(key, 2 * i, (uint32_t)n), SEEK_SET);
        fputc((int)vl_rng_u32(key, 2 * i + 1) & 255, f);
    }
    if (!f || fclose(f)) fail_msg("cannot bend %s", to);
}

static void make_bad(int k)
{
    static const uint8_t zeros[4096];
    const char *ending = bases[k].ending;
    char from[200], head[64];
    snprintf(from, sizeof from, "%s/base.%s", folder, ending);
    if (bases[k].c.n) make_video(from, &bases[k].c);
    else clips_y4m(folder, "base.y4m", 64, 48, 6, 0);
    size_t n = file_bytes(from), n_head = sizeof head;
    FILE *f = fopen(from, "rb");
    assert_true(f && fread(head, 1, n_head, f) == n_head);
    fclose(f);
    cut_file(bad_file("whole_%s.%s", ending, ending), from, n);
    for (int i = 0; i < CUTS; i++) {
        size_t at = i < 4 ? (size_t)i * 16 + 1 : n * (size_t)(i - 3) / (CUTS - 3) - 1;
        cut_file(bad_file("cut_%s_%d.%s", ending, i, ending), from, at);
    }
    for (int i = 0; i < FLIPS; i++)
        bend(from, bad_file("bent_%s_%d.%s", ending, i, ending), n, vl_rng_key(1, (uint64_t)k, i));
    write_random(bad_file("random_%s.%s", ending, ending), vl_rng_key(2, 0, (uint64_t)k), 9000, "",
                 0);
    write_random(bad_file("header_%s.%s", ending, ending), vl_rng_key(3, 0, (uint64_t)k), 20000,
                 head, n_head);
    write_random(bad_file("empty_%s.%s", ending, ending), 0, 0, "", 0);
    write_random(bad_file("zero_%s.%s", ending, ending), 0, sizeof zeros, (const char *)zeros,
                 sizeof zeros);
}

/* Pictures that a header says are larger than anything. */
static void make_huge(void)
{
    static const char y4m[] = "YUV4MPEG2 W100000 H100000 F25:1 C420jpeg\nFRAME\n";
    static const char y4m2[] = "YUV4MPEG2 W2147483647 H2147483647 F25:1 C420jpeg\nFRAME\n";
    static const uint8_t gif[] = "GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff"
                                 ",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0;";
    static const uint8_t small[4] = {0, 64, 0, 48}, large[4] = {0xff, 0xff, 0xff, 0xff};
    write_random(bad_file("huge1.y4m"), 0, sizeof y4m - 1, y4m, sizeof y4m - 1);
    write_random(bad_file("huge2.y4m"), 0, sizeof y4m2 - 1, y4m2, sizeof y4m2 - 1);
    write_random(bad_file("huge.gif"), 0, sizeof gif - 1, (const char *)gif, sizeof gif - 1);
    char *path = bad_file("huge.mov");
    make_video(path, &(clip){.codec = "mjpeg", .n = 5});
    assert_true(patch_file(path, small, 4, 0, large, 4) > 0);
    path = bad_file("huge.avi");
    make_video(path, &(clip){.codec = "rawvideo", .pixels = "bgr24", .n = 5});
    static const uint8_t small2[4] = {64, 0, 0, 0}, large2[4] = {0xff, 0xff, 0xff, 0x7f};
    /* in two headers; the height may be negative, if the picture hangs from its top */
    assert_true(patch_file(path, small2, 4, 0, large2, 4) > 1);
}

static int set_up(void **state)
{
    (void)state;
    clips_open(folder);
    mkdir(clips_path(folder, "bad"), 0777);
    for (int i = 0; i < N_ODD; i++) make_video(bad_file("%s", odd[i].name), &odd[i].c);
    for (int k = 0; k < N_BASES; k++) make_bad(k);
    make_huge();
    make_video(bad_file("only sound.mp4"), &(clip){.n = 20, .sound = true, .only_sound = true});
    make_video(bad_file("only cover.mp4"), &(clip){.n = 1, .cover = true, .only_sound = true});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_close(folder);
    return 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static bool is_ok(const json_t *o)
{
    const char *what = clips_text(o, "status");
    if (strcmp(what, "failed") == 0) {
        if (strlen(clips_text(o, "error")) < 5) fail_msg("%s: no reason", clips_text(o, "id"));
        return false;
    }
    assert_string_equal(what, "ok");
    json_int_t n = json_integer_value(json_object_get(o, "frames")), before = 0;
    const json_t *indices = json_object_get(o, "indices");
    assert_int_equal(json_array_size(indices), 4);
    for (int i = 0; i < 4; i++) {
        json_int_t k = json_integer_value(json_array_get(indices, (size_t)i));
        if (k < before || k >= n)
            fail_msg("%s: index %d of %d", clips_text(o, "id"), (int)k, (int)n);
        before = k;
    }
    return true;
}

static void every_file_has_its_line(const char *output, const char *flags)
{
    char name[60], before[200] = "";
    clips_result r = clips_ok(folder, "bad", output, flags);
    assert_int_equal(r.n_items, n_files);
    snprintf(name, sizeof name, "%s.manifest.jsonl", output);
    size_t n_ok = 0;
    for (int i = 1; i <= n_files; i++) {
        json_t *o = clips_line(folder, name, i);
        if (strcmp(before, clips_text(o, "id")) >= 0) fail_msg("'%s' again", before);
        snprintf(before, sizeof before, "%s", clips_text(o, "id"));
        n_ok += is_ok(o);
        /* what is not a whole file, or says that it is immense, gave no frames */
        bool hopeless = strncmp(before, "huge", 4) == 0 || strncmp(before, "empty", 5) == 0 ||
                        strncmp(before, "zero", 4) == 0 || strncmp(before, "random", 6) == 0 ||
                        strncmp(before, "only sound", 10) == 0;
        if (hopeless && strcmp(clips_text(o, "status"), "ok") == 0)
            fail_msg("%s gave frames", before);
        if (strncmp(before, "whole", 5) == 0 && strcmp(clips_text(o, "status"), "ok") != 0)
            fail_msg("%s: %s", before, clips_text(o, "error"));
        json_decref(o);
    }
    assert_int_equal((int)n_ok + (int)r.n_bad, n_files);
    vl_tsv *t;
    snprintf(name, sizeof name, "%s.tsv", output);
    assert_int_equal(vl_tsv_open(&t, clips_path(folder, name)), VIOLET_OK);
    assert_int_equal(vl_tsv_n(t), n_ok);
    vl_tsv_close(t);
}

static void exact(void **state)
{
    (void)state;
    every_file_has_its_line("exact", "--sample=4 --shape=square --workers=3");
    clips_ok(folder, "bad", "exact1", "--sample=4 --shape=square --workers=1");
    clips_same_data(folder, "exact", "exact1");
}

static void fast(void **state)
{
    (void)state;
    every_file_has_its_line("fast", "--sample=4 --shape=square --fast --workers=3");
    clips_ok(folder, "bad", "fast1", "--sample=4 --shape=square --fast --workers=1");
    clips_same_data(folder, "fast", "fast1");
}

/* The line of a path; NULL: none. */
static json_t *find(const char *manifest, const char *path)
{
    for (int i = 1; i <= n_files; i++) {
        json_t *o = clips_line(folder, manifest, i);
        if (strcmp(clips_text(o, "path"), path) == 0) return o;
        json_decref(o);
    }
    return NULL;
}

static void odd_ones_give_frames(void **state)
{
    (void)state;
    static const char *const manifests[] = {"exact.manifest.jsonl", "fast.manifest.jsonl"};
    for (int i = 0; i < 2 * N_ODD; i++) {
        const struct odd *a = &odd[i / 2];
        const char *name = strchr(a->name, '\t')     ? "tab%09and%0Aline.mp4"
                           : strchr(a->name, '\xfe') ? "not utf8 %FE.mp4"
                                                     : a->name;
        json_t *o = find(manifests[i % 2], name);
        if (!o) fail_msg("no line for %s", name);
        if (strcmp(clips_text(o, "status"), "ok") != 0)
            fail_msg("%s: %s", name, clips_text(o, "error"));
        json_int_t n = json_integer_value(json_object_get(o, "frames"));
        json_int_t width = json_integer_value(json_object_get(o, "width"));
        json_int_t height = json_integer_value(json_object_get(o, "height"));
        if (n != a->c.n || width != a->width || height != a->height)
            fail_msg("%s: %d frames of %d x %d", name, (int)n, (int)width, (int)height);
        if (a->c.n < 5) assert_non_null(strstr(clips_text(o, "note"), "indices repeat"));
        if (a->c.rotation) assert_int_equal(json_integer_value(json_object_get(o, "rotation")), 90);
        json_decref(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact),
        cmocka_unit_test(fast),
        cmocka_unit_test(odd_ones_give_frames),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
