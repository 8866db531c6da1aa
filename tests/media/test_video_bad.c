/* Files that are no videos, or were: each must end in a status with the file's name, or in
 * pictures, never in a crash or an endless loop; and no file may lead to another one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "make_video.h"
#include "sampled.h"

static void put(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Both modes; where the fast one decoded all, too, it has to agree. */
static violet_status survive(const char *path)
{
    sampled exact, fast;
    vl_video_pick pick = {.n_samples = 5};
    sample_video(&exact, path, &pick);
    if (exact.status != VIOLET_OK && exact.status != VIOLET_EFORMAT &&
        exact.status != VIOLET_EUNSUPPORTED)
        fail_msg("status %d: %s", exact.status, violet_error());
    pick.fast = true;
    sample_video(&fast, path, &pick);
    if (fast.r.counted || exact.status != VIOLET_OK) assert_same_pictures(&exact, &fast, path);
    sampled_release(&exact);
    sampled_release(&fast);
    return exact.status;
}

static void refuses(const char *path, violet_status status, const char *word)
{
    for (int fast = 0; fast < 2; fast++) {
        sampled s;
        sample_video(&s, path, &(vl_video_pick){.n_samples = 5, .fast = fast});
        if (s.status != status || !strstr(violet_error(), word))
            fail_msg("%s: status %d, no '%s' in '%s'", path, s.status, word, violet_error());
    }
}

/* ---- damage ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    clip c;
} sound_ones[] = {
    {"a.mp4", {.n = 24, .b_frames = 2, .muxing = "movflags=+faststart", .sound = true}},
    {"b.mkv", {.codec = "libx264", .n = 24, .b_frames = 2, .gop = 8}},
    {"c.avi", {.codec = "mjpeg", .n = 24}},
    {"d.gif", {.codec = "gif", .pixels = "rgb8", .n = 12}},
    {"e.webm", {.codec = "libvpx-vp9", .n = 12}},
    {"f.mov", {.codec = "png", .n = 12, .width = 33, .muxing = "movflags=+faststart"}},
    {"g.ts", {.codec = "mpeg2video", .options = "strict=-2", .n = 24}},
    {"h.mp4", {.codec = "libx264", .n = 24, .muxing = "movflags=frag_keyframe+empty_moov"}},
    {"i.flv", {.codec = "flv", .n = 24}},
    {"j.mp4", {.codec = "libx265", .n = 12, .b_frames = 2, .width = 128, .height = 128,
               .muxing = "movflags=+faststart"}},
    {"k.mkv", {.codec = "ffv1", .n = 12, .pixels = "yuva420p"}},
};
#define N_SOUND (sizeof sound_ones / sizeof *sound_ones)

static bool make_sound(size_t k)
{
    const char *codec = sound_ones[k].c.codec;
    if (codec && !can_make(codec)) return false;
    make_video(at(sound_ones[k].name), &sound_ones[k].c);
    return true;
}

static void survives_cuts(void **state)
{
    (void)state;
    size_t step = getenv("QUICK") ? 6 : 2;
    for (size_t k = 0; k < N_SOUND; k++) {
        if (!make_sound(k)) continue;
        char cut[32];
        size_t n = file_bytes(at(sound_ones[k].name)), n_good = 0;
        snprintf(cut, sizeof cut, "cut_%s", sound_ones[k].name);
        for (size_t i = 0; i < 150; i += step) {
            size_t at_byte = i < 50 ? i * 9 : n * (i - 50) / 100; /* headers in small steps */
            cut_file(at(cut), at(sound_ones[k].name), at_byte);
            n_good += survive(at(cut)) == VIOLET_OK;
        }
        /* the end holds frames, not the index, in all of these */
        if (n_good < 10 / step) fail_msg("%s: only %zu cuts left frames", cut, n_good);
        unlink(at(cut));
        unlink(at(sound_ones[k].name));
    }
}

/* A file that ends between two packets is not damaged, but shorter than it says. */
static void cut_videos_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        clip c;
    } whole[] = {
        {"a.mkv", {.n = 80, .sound = true}},
        {"b.mkv", {.codec = "libx264", .n = 80, .b_frames = 2, .start = 3000}},
        {"c.webm", {.codec = "libvpx-vp9", .n = 80}},
        {"d.flv", {.codec = "flv", .n = 80}},
        {"e.avi", {.codec = "mjpeg", .n = 80, .sound = true}},
        {"f.mp4", {.codec = "libx264", .n = 80, .start = -3000}},
        {"g.ts", {.codec = "mpeg2video", .options = "strict=-2", .n = 80, .sound = true}},
        {"h.gif", {.codec = "gif", .pixels = "rgb8", .n = 80}},
        {"i.mp4", {.n = 80, .start = 3000, .sound = true}},
    };
    for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) {
        if (whole[k].c.codec && !can_make(whole[k].c.codec)) continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, whole[k].name);
        make_video(path, &whole[k].c);
        size_t n = file_bytes(path);
        for (int fast = 0; fast < 2; fast++) {
            sampled s;
            vl_video_pick pick = {.n_samples = 5, .fast = fast};
            sample_video(&s, path, &pick);
            if (s.status != VIOLET_OK || strstr(s.r.note, "declared"))
                fail_msg("%s: '%s'", whole[k].name, s.r.note);
            sampled_release(&s);
            if (k > 2) continue;
            cut_file(at("cut.mkv"), path, n / 2);
            sample_video(&s, at("cut.mkv"), &pick);
            double seconds = 0;
            const char *told = strstr(s.r.note, "ends ");
            if (!told || sscanf(told, "ends %lf s before its declared", &seconds) != 1 ||
                seconds < 2 || seconds > 6)
                fail_msg("%s, cut: '%s'", whole[k].name, s.r.note);
            sampled_release(&s);
            unlink(at("cut.mkv"));
        }
        unlink(path);
    }
}

static void survives_flips(void **state)
{
    (void)state;
    int times = getenv("QUICK") ? 15 : 80;
    for (size_t k = 0; k < N_SOUND; k++) {
        if (!make_sound(k)) continue;
        const char *path = at(sound_ones[k].name);
        char flipped[512];
        size_t n = file_bytes(path);
        snprintf(flipped, sizeof flipped, "%s/flip_%s", folder, sound_ones[k].name);
        for (int i = 0; i < times; i++) {
            uint64_t key = vl_rng_key(1, k, (uint64_t)i);
            cut_file(flipped, path, n);
            for (int j = 0; j < 1 + i % 4; j++) {
                size_t range = i % 2 || n < 1200 ? n : 1200; /* every other time the header */
                flip_byte(flipped, vl_rng_below(key, (uint64_t)j, (uint32_t)range),
                          1 << (i + j) % 8);
            }
            survive(flipped);
        }
        unlink(flipped);
        unlink(path);
    }
}

static void refuses_noise(void **state)
{
    (void)state;
    static const char *const names[] = {
        "x.mp4",  "x.mkv", "x.avi", "x.gif", "x.webm", "x.mov", "x.ts",   "x.mpg", "x.h264",
        "x.m4v",  "x.flv", "x.wmv", "x.ogv", "x.y4m",  "x.jpg", "x.m3u8", "x.txt", "x%03d.png",
    };
    uint8_t *bytes = malloc(40000);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        for (size_t n = 1; n <= 40000; n = n * 3 + k) {
            for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)vl_rng_u32(vl_rng_key(2, n, k), i);
            put(at(names[k]), bytes, n);
            assert_int_not_equal(survive(at(names[k])), VIOLET_OK);
            unlink(at(names[k]));
        }
    free(bytes);
}

/* ---- not a video ----------------------------------------------------------------------------- */

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    put(at("empty.mp4"), "", 0);
    refuses(at("empty.mp4"), VIOLET_EFORMAT, "empty");
    unlink(at("empty.mp4"));
    refuses(at("missing.mp4"), VIOLET_EIO, "No such file");
    refuses(folder, VIOLET_EFORMAT, "folder");
    assert_int_equal(mkfifo(at("pipe.mp4"), 0600), 0);
    refuses(at("pipe.mp4"), VIOLET_EFORMAT, "no regular file");
    unlink(at("pipe.mp4"));
    refuses("/dev/zero", VIOLET_EFORMAT, "no regular file");
    /* names of protocols and of standard input are names of files that are not there */
    refuses("http://localhost/x.mp4", VIOLET_EIO, "No such file");
    refuses("-", VIOLET_EIO, "No such file");
    refuses("pipe:0", VIOLET_EIO, "No such file");
    make_video(at("sound.mp4"), &(clip){.only_sound = true, .n = 10});
    refuses(at("sound.mp4"), VIOLET_EFORMAT, "no video stream");
    unlink(at("sound.mp4"));
}

/* Each leads to a.ts, which is a sound video, and must not be followed. */
static void follows_no_other_file(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } lists[] = {
        {"l.m3u8", "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n"
                   "#EXTINF:3.0,\na.ts\n#EXT-X-ENDLIST\n"},
        {"l.mp4", "ffconcat version 1.0\nfile 'a.ts'\n"},
        {"l.txt", "ffconcat version 1.0\nfile 'a.ts'\n"},
        {"l.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                  "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"},
        {"l.svg", "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" "
                  "height=\"8\"><image href=\"a.ts\"/></svg>"},
        {"l.mpd", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
                  "type=\"static\" mediaPresentationDuration=\"PT3S\" minBufferTime=\"PT1S\" "
                  "profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period><AdaptationSet>"
                  "<Representation id=\"1\" bandwidth=\"1\"><BaseURL>a.ts</BaseURL>"
                  "</Representation></AdaptationSet></Period></MPD>"},
        {"l.avs", "AviSource(\"a.ts\")\n"},
    };
    make_video(at("a.ts"), &(clip){.codec = "mpeg2video", .options = "strict=-2", .n = 30});
    assert_int_equal(survive(at("a.ts")), VIOLET_OK);
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        put(lists[i].name, lists[i].text, strlen(lists[i].text));
        refuses(lists[i].name, VIOLET_EFORMAT, "expected a video");
        refuses(at(lists[i].name), VIOLET_EFORMAT, "expected a video");
        unlink(lists[i].name);
    }
    assert_int_equal(chdir(before), 0);
    unlink(at("a.ts"));
}

/* ---- odd, but sound -------------------------------------------------------------------------- */

static void any_name_will_do(void **state)
{
    (void)state;
    static const char *const names[] = {
        " a b .mp4", "a\tb.mp4",  "a\nb.mp4",  "\xc3\xa4\xe6\xbc\xa2.mp4", "%s%d%03d.mp4", "-",
        "http:x",    "file:a",    "\xff\xfe",  "concat:a|b",               "a'\"\\b.mp4",  "a.txt",
        "a.m3u8",    "pipe:1.mp4", "no_ending", "a.jpg",
    };
    make_video(at("made.mp4"), &(clip){.n = 9});
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sampled s;
        assert_int_equal(rename(i ? names[i - 1] : "made.mp4", names[i]), 0);
        sample_video(&s, names[i], &(vl_video_pick){.n_samples = 2});
        if (s.status != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(s.r.n_frames, 9);
        sampled_release(&s);
    }
    unlink(names[sizeof names / sizeof *names - 1]);
    assert_int_equal(chdir(before), 0);
}

/* ---- sizes declared -------------------------------------------------------------------------- */

static void refuses_huge_pictures(void **state)
{
    (void)state;
    make_video(at("h.gif"), &(clip){.codec = "gif", .pixels = "rgb8", .n = 3});
    assert_int_equal(patch_file(at("h.gif"), "GIF89a", 6, 6, "\xff\xff\xff\xff", 4), 1);
    refuses(at("h.gif"), VIOLET_EFORMAT, "65535 x 65535 pixels");
    unlink(at("h.gif"));
    make_video(at("h.avi"), &(clip){.codec = "rawvideo", .pixels = "bgr24", .n = 3});
    assert_int_equal(patch_file(at("h.avi"), "strf\x28\0\0\0\x28\0\0\0", 12, 12,
                                "\0\x40\0\0\0\x40\0\0", 8), 1);
    refuses(at("h.avi"), VIOLET_EFORMAT, "16384 x 16384 pixels");
    unlink(at("h.avi"));
    make_video(at("h.y4m"), &(clip){.codec = "wrapped_avframe", .pixels = "yuv420p", .n = 3,
                                    .width = 1000, .height = 1000});
    assert_true(patch_file(at("h.y4m"), "W1000 H1000", 11, 0, "W9999 H9999", 11) == 1);
    refuses(at("h.y4m"), VIOLET_EFORMAT, "9999 x 9999 pixels");
    unlink(at("h.y4m"));
    /* the container tells the truth, the pictures do not */
    make_video(at("h.mov"), &(clip){.codec = "png", .n = 3});
    assert_int_equal(patch_file(at("h.mov"), "IHDR\0\0\0\x40\0\0\0\x30", 12, 4,
                                "\0\0\x7f\xff\0\0\x7f\xff", 8), 3);
    refuses(at("h.mov"), VIOLET_EFORMAT, "");
    unlink(at("h.mov"));
    make_video(at("h.mkv"), &(clip){.codec = "mjpeg", .n = 3});
    assert_int_equal(patch_file(at("h.mkv"), "\xff\xc0\0\x11\x08\0\x30\0\x40", 9, 5,
                                "\xff\xff\xff\xff", 4), 3);
    refuses(at("h.mkv"), VIOLET_EFORMAT, "");
    unlink(at("h.mkv"));
}

static long peak_kib(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_maxrss;
}

/* Twenty minutes cost no more memory than one second, but for the index. */
static void memory_does_not_grow_with_length(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* freed memory is kept there */
#endif
    if (getenv("QUICK")) skip();
    make_video(at("long.mp4"), &(clip){.n = 20 * 60 * 10, .width = 160, .height = 120, .gop = 250});
    long before = peak_kib();
    for (int fast = 0; fast < 2; fast++) {
        sampled s;
        sample_video(&s, at("long.mp4"), &(vl_video_pick){.n_samples = 5, .fast = fast});
        assert_int_equal(s.status, VIOLET_OK);
        assert_int_equal(s.r.n_frames, 12000);
        assert_string_equal(s.r.note, "");
        sampled_release(&s);
    }
    printf("peak: %ld KiB before, %ld KiB after\n", before, peak_kib());
    assert_in_range(peak_kib(), 0, 150 << 10);
    assert_in_range(peak_kib() - before, 0, 20 << 10);
    unlink(at("long.mp4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_length), /* first: a peak does not come down */
        cmocka_unit_test(survives_cuts),
        cmocka_unit_test(cut_videos_are_told),
        cmocka_unit_test(survives_flips),
        cmocka_unit_test(refuses_noise),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(follows_no_other_file),
        cmocka_unit_test(any_name_will_do),
        cmocka_unit_test(refuses_huge_pictures),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
