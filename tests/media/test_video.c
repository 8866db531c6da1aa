/* Frames of videos made here: each shows its number, so the right ones are known. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "make_video.h"
#include "sampled.h"

/* ---- the rule -------------------------------------------------------------------------------- */

/* Of Python: n = N / (S+1); [int(n * (i+1)) for i in range(S)]. */
static void rule_is_the_published_one(void **state)
{
    (void)state;
    static const struct {
        int64_t n_frames;
        int n_samples;
        int64_t want[6];
    } cases[] = {
        {270, 5, {45, 90, 135, 180, 225}}, {384, 5, {64, 128, 192, 256, 320}},
        {335, 5, {55, 111, 167, 223, 279}}, {1, 5, {0, 0, 0, 0, 0}}, {3, 4, {0, 1, 1, 2}},
        {7, 1, {3}}, {6, 5, {1, 2, 3, 4, 5}}, {100, 6, {14, 28, 42, 57, 71, 85}},
        {49, 6, {7, 14, 21, 28, 35, 42}}, {11, 2, {3, 7}}, {94, 5, {15, 31, 47, 62, 78}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int i = 0; i < cases[k].n_samples; i++)
            assert_int_equal(vl_frame_index(cases[k].n_frames, cases[k].n_samples, i),
                             cases[k].want[i]);
    for (int64_t n = 1; n < 3000; n++)
        for (int s = 1; s <= VL_VIDEO_SAMPLES_MOST; s += 17)
            assert_in_range(vl_frame_index(n, s, s - 1), 0, n - 1);
}

static void names_of_videos(void **state)
{
    (void)state;
    assert_true(vl_video_has_name("a/b.mp4"));
    assert_true(vl_video_has_name("B.WebM"));
    assert_true(vl_video_has_name(".x.mkv"));
    assert_false(vl_video_has_name("a.mp4/b"));
    assert_false(vl_video_has_name("mp4"));
    assert_false(vl_video_has_name("a.mp4.txt"));
    assert_false(vl_video_has_name(""));
}

/* ---- every codec and container --------------------------------------------------------------- */

typedef struct kind {
    const char *name;
    clip c;
    bool unsure;    /* fast mode has to decode all: the container leaves room for doubt */
    bool colourless;
} kind;

static const kind kinds[] = {
    {"mpeg4.mp4", {.n = 50}, false, false},
    {"mpeg4_b.mp4", {.n = 50, .b_frames = 2, .gop = 10}, false, false},
    {"mpeg4_b.mkv", {.n = 40, .b_frames = 2, .gop = 10, .sound = true}, false, false},
    {"mpeg4.avi", {.n = 40}, true, false},
    {"mpeg4_b.avi", {.n = 40, .b_frames = 2}, true, false},
    {"irregular.mkv", {.n = 40, .irregular = true}, false, false},
    {"irregular_b.mp4", {.n = 40, .irregular = true, .b_frames = 1}, false, false},
    {"late.mp4", {.n = 30, .start = 700, .b_frames = 2}, false, false},
    {"sound.mp4", {.n = 30, .sound = true, .cover = true}, false, false},
    {"odd.mp4", {.n = 20, .width = 61, .height = 47, .gop = 5}, false, false},
    {"mjpeg.avi", {.codec = "mjpeg", .n = 30}, false, false},
    {"mjpeg.mov", {.codec = "mjpeg", .n = 30, .width = 55, .height = 33}, false, false},
    {"full.mkv", {.codec = "mjpeg", .n = 30, .pixels = "yuvj444p"}, false, false},
    {"grey.mkv", {.codec = "ffv1", .n = 30, .pixels = "gray"}, false, true},
    {"alpha.mkv", {.codec = "ffv1", .n = 30, .pixels = "yuva420p"}, false, false},
    {"ten.mkv", {.codec = "ffv1", .n = 30, .pixels = "yuv420p10le"}, false, false},
    {"rgb48.mov", {.codec = "png", .n = 20, .pixels = "rgb48be"}, false, false},
    {"rgba.mov", {.codec = "png", .n = 20, .pixels = "rgba"}, false, false},
    {"huffyuv.avi", {.codec = "huffyuv", .n = 20}, false, false},
    {"prores.mov", {.codec = "prores_ks", .n = 20}, false, false},
    {"raw.avi", {.codec = "rawvideo", .n = 20, .pixels = "bgr24"}, false, false},
    {"raw.nut", {.codec = "rawvideo", .n = 20, .pixels = "yuv420p"}, false, false},
    {"raw.y4m", {.codec = "wrapped_avframe", .n = 20, .pixels = "yuv420p"}, false, false},
    {"g.gif", {.codec = "gif", .n = 30, .pixels = "rgb8"}, false, false},
    {"a.apng", {.codec = "apng", .n = 20, .pixels = "rgb24"}, false, false},
    {"mpeg2.mpg", {.codec = "mpeg2video", .options = "strict=-2", .n = 30, .b_frames = 2}, true,
     false},
    {"mpeg2.ts", {.codec = "mpeg2video", .options = "strict=-2", .n = 30, .sound = true}, true,
     false},
    {"flv1.flv", {.codec = "flv", .n = 30}, false, false},
    {"one.mp4", {.n = 1}, false, false},
    {"two.mkv", {.n = 2, .codec = "ffv1"}, false, false},
    {"x264.mp4", {.codec = "libx264", .n = 90, .b_frames = 3, .gop = 15}, false, false},
    {"x264_crop.mp4", {.codec = "libx264", .n = 30, .width = 50, .height = 38}, false, false},
    {"x264_open.mkv",
     {.codec = "libx264", .n = 90, .b_frames = 3, .gop = 15,
      .options = "x264-params=open-gop=1:b-adapt=0:scenecut=0"}, false, false},
    {"x264_refresh.mp4",
     {.codec = "libx264", .n = 60, .gop = 20, .options = "x264-params=intra-refresh=1"}, false,
     false},
    {"x264_ten.mkv", {.codec = "libx264", .n = 40, .b_frames = 2, .pixels = "yuv420p10le"}, false,
     false},
    {"x264_fields.mp4",
     {.codec = "libx264", .n = 40, .b_frames = 2, .options = "x264-params=interlaced=1"}, false,
     false},
    {"x264.avi", {.codec = "libx264", .n = 40, .b_frames = 2}, true, false},
    {"x264.ts", {.codec = "libx264", .n = 40, .b_frames = 2}, true, false},
    {"x264.flv", {.codec = "libx264", .n = 40, .b_frames = 2, .gop = 10}, false, false},
    {"x264_bare.h264", {.codec = "libx264", .n = 40, .b_frames = 2, .format = "h264"}, true, false},
    {"x264_parts.mp4",
     {.codec = "libx264", .n = 60, .b_frames = 2, .gop = 10,
      .muxing = "movflags=frag_keyframe+empty_moov"}, false, false},
    /* libx265 itself fails on pictures smaller than its largest block of 64 x 64 */
    {"x265.mp4",
     {.codec = "libx265", .n = 60, .b_frames = 3, .gop = 15, .width = 128, .height = 128}, false,
     false},
    {"x265_layers.mkv",
     {.codec = "libx265", .n = 60, .b_frames = 3, .gop = 15, .width = 128, .height = 128,
      .options = "x265-params=temporal-layers=1:log-level=none"}, false, false},
    {"vp8.webm", {.codec = "libvpx", .n = 40}, false, false},
    {"vp9.webm", {.codec = "libvpx-vp9", .n = 60, .gop = 20}, false, false},
    {"vp9_444.mkv", {.codec = "libvpx-vp9", .n = 20, .pixels = "yuv444p"}, false, false},
    {"raw.mjpeg", {.codec = "mjpeg", .n = 20, .format = "mjpeg"}, false, false},
    {"raw.m4v", {.n = 20, .b_frames = 1, .format = "m4v"}, true, false},
    {"raw.hevc", {.codec = "libx265", .n = 20, .width = 128, .height = 128, .format = "hevc"}, true,
     false},
    {"raw.ivf", {.codec = "libvpx-vp9", .n = 20}, false, false},
    {"wmv2.wmv", {.codec = "wmv2", .n = 20, .format = "asf"}, false, false},
    {"theora.ogv", {.codec = "libtheora", .n = 20}, false, false},
    {"small.3gp", {.codec = "mpeg4", .n = 20}, false, false},
    {"av1.mkv", {.codec = "libaom-av1", .n = 20, .gop = 10}, false, false},
};

static void check_numbers(const sampled *s, const kind *k)
{
    if (s->status != VIOLET_OK) fail_msg("%s: %s", k->name, violet_error());
    if (s->r.n_frames != k->c.n)
        fail_msg("%s: %d frames were made, %lld found", k->name, k->c.n, (long long)s->r.n_frames);
    for (int i = 0; i < s->n; i++) {
        int shown = shown_number(&s->picture[i]);
        if (shown != s->r.index[i])
            fail_msg("%s: frame %d expected, %d shown", k->name, (int)s->r.index[i], shown);
        if (!k->colourless && !is_coloured(&s->picture[i])) fail_msg("%s: colours", k->name);
    }
}

static void every_kind_gives_its_frames(void **state)
{
    (void)state;
    static const int n_samples[] = {1, 4, 5, 12};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const char *path = at(kinds[k].name);
        if (kinds[k].c.codec && !can_make(kinds[k].c.codec)) {
            printf("skip: libav cannot write %s here\n", kinds[k].c.codec);
            continue;
        }
        make_video(path, &kinds[k].c);
        for (size_t j = 0; j < sizeof n_samples / sizeof *n_samples; j++) {
            sampled exact, fast;
            vl_video_pick pick = {.n_samples = n_samples[j]};
            sample_video(&exact, path, &pick);
            check_numbers(&exact, &kinds[k]);
            assert_true(exact.r.counted);
            pick.fast = true;
            sample_video(&fast, path, &pick);
            assert_same_pictures(&exact, &fast, kinds[k].name);
            if (fast.r.counted != kinds[k].unsure || (fast.r.note[0] != 0) != kinds[k].unsure)
                fail_msg("%s: counted %d, note '%s'", kinds[k].name, fast.r.counted, fast.r.note);
            sampled_release(&exact);
            sampled_release(&fast);
        }
        unlink(path);
    }
}

/* ---- doubts of the fast mode ----------------------------------------------------------------- */

/* Both modes must agree, and the fast one must say `why` it could not know. */
static void check_doubt(const char *path, const char *why, int64_t n_frames)
{
    sampled exact, fast;
    vl_video_pick pick = {.n_samples = 5};
    sample_video(&exact, path, &pick);
    if (exact.status != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(exact.r.n_frames, n_frames);
    pick.fast = true;
    sample_video(&fast, path, &pick);
    assert_same_pictures(&exact, &fast, path);
    assert_true(fast.r.counted);
    if (!strstr(fast.r.note, why)) fail_msg("%s: no '%s' in '%s'", path, why, fast.r.note);
    sampled_release(&exact);
    sampled_release(&fast);
}

static void doubts_are_told(void **state)
{
    (void)state;
    const char *path;
    size_t n;
    if (can_make("libvpx")) {
        make_video(path = at("hidden.webm"), &(clip){.codec = "libvpx", .n = 40});
        patch_packet(path, 7, 0, 0x10);
        check_doubt(path, "hidden frames", 39);
        unlink(path);
    }
    make_video(path = at("no_stamps.avi"), &(clip){.n = 20});
    check_doubt(path, "does not say when frames are shown", 20);
    unlink(path);
    /* a picture that is asked for but cannot be decoded */
    make_video(path = at("bad.mov"), &(clip){.codec = "png", .n = 30});
    patch_packet(path, 10, 1, 0xff);
    check_doubt(path, "decode", 29);
    unlink(path);
    make_video(path = at("whole.mp4"), &(clip){.n = 30, .muxing = "movflags=+faststart"});
    n = file_bytes(path);
    cut_file(at("cut.mp4"), path, n - n / 3);
    unlink(path);
    path = at("cut.mp4");
    check_doubt(path, "cut off", 20);
    unlink(path);
}

/* Frames before the edit list's begin are decoded but not shown, and not counted. */
static void edit_lists_hide_frames(void **state)
{
    (void)state;
    const char *path = at("edited.mp4");
    for (int b_frames = 0; b_frames < 3; b_frames += 2) {
        sampled s[2];
        make_video(path, &(clip){.n = 30, .start = -300, .b_frames = b_frames,
                                 .muxing = "avoid_negative_ts=disabled"});
        for (int fast = 0; fast < 2; fast++) {
            sample_video(&s[fast], path, &(vl_video_pick){.n_samples = 4, .fast = fast});
            assert_int_equal(s[fast].r.n_frames, 27);
            for (int i = 0; i < 4; i++)
                assert_int_equal(shown_number(&s[fast].picture[i]), s[fast].r.index[i] + 3);
        }
        assert_string_equal(s[0].r.note, "");
        assert_string_equal(s[1].r.note, "every frame decoded: packets that are not to be shown");
        sampled_release(&s[0]);
        sampled_release(&s[1]);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_is_the_published_one),
        cmocka_unit_test(names_of_videos),
        cmocka_unit_test(every_kind_gives_its_frames),
        cmocka_unit_test(doubts_are_told),
        cmocka_unit_test(edit_lists_hide_frames),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
