/* Which stream, which way up, how wide: pictures as they are to be seen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "make_video.h"
#include "sampled.h"

/* Three frames of a clip of eight; the middle one of them must show a 4 where it is upright. */
static void sample_clip(sampled *s, const char *name, clip c, vl_video_pick pick)
{
    c.n = 8;
    pick.n_samples = 3;
    make_video(at(name), &c);
    sample_video(s, at(name), &pick);
    if (s->status != VIOLET_OK) fail_msg("%s: %s", name, violet_error());
    unlink(at(name));
}

static void check_size(const sampled *s, int width, int height)
{
    if (s->r.width != width || s->r.height != height)
        fail_msg("expected %d x %d pixels, found %d x %d", width, height, s->r.width, s->r.height);
}

static void mirror(vl_picture *p)
{
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width / 2; x++)
            for (int c = 0; c < 3; c++) {
                uint8_t *a = p->rgb + 3 * (y * p->width + x) + c;
                uint8_t *b = p->rgb + 3 * (y * p->width + p->width - 1 - x) + c, t = *a;
                *a = *b;
                *b = t;
            }
}

/* Turns clockwise by a quarter. */
static void turn(vl_picture *p)
{
    vl_picture q = {p->height, p->width, malloc((size_t)p->width * (size_t)p->height * 3)};
    for (int y = 0; y < q.height; y++)
        for (int x = 0; x < q.width; x++)
            memcpy(q.rgb + 3 * (y * q.width + x), p->rgb + 3 * ((p->height - 1 - x) * p->width + y),
                   3);
    vl_picture_release(p);
    *p = q;
}

/* The matrix says how the stored picture is turned for showing; undone here, it must be upright. */
static void turns_and_mirrors(void **state)
{
    (void)state;
    for (int quarter = 0; quarter < 4; quarter++)
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            sampled s;
            clip c = {.width = 64, .height = 32, .rotation = 90 * quarter, .mirrored = mirrored};
            sample_clip(&s, "r.mp4", c, (vl_video_pick){0});
            if (quarter % 2)
                check_size(&s, 32, 64);
            else
                check_size(&s, 64, 32);
            if (!mirrored) assert_int_equal(s.r.rotation, 90 * quarter);
            assert_int_equal(strstr(s.r.note, "mirrored") != NULL, mirrored);
            if (quarter || mirrored) assert_int_not_equal(shown_number(&s.picture[1]), 4);
            if (mirrored) mirror(&s.picture[1]);
            for (int k = quarter; k % 4; k++) turn(&s.picture[1]);
            assert_int_equal(shown_number(&s.picture[1]), 4);
            sampled_release(&s);
            sample_clip(&s, "r.mp4", c, (vl_video_pick){.shape = VL_SHAPE_STORED});
            check_size(&s, 64, 32);
            assert_int_equal(shown_number(&s.picture[1]), 4);
            sampled_release(&s);
        }
}

static void makes_pixels_square(void **state)
{
    (void)state;
    static const struct {
        int aspect[2], width, height, rotation, max_side, want[2];
    } cases[] = {
        {{4, 3}, 60, 40, 0, 0, {80, 40}},   {{3, 4}, 60, 40, 0, 0, {60, 53}},
        {{4, 3}, 60, 40, 90, 0, {40, 80}},  {{1, 1}, 60, 40, 0, 0, {60, 40}},
        {{2, 1}, 60, 40, 0, 60, {60, 20}},  {{4, 3}, 60, 40, 270, 20, {10, 20}},
        {{1, 1}, 60, 40, 0, 30, {30, 20}},  {{1, 1}, 60, 40, 0, 100, {60, 40}},
        {{8, 9}, 41, 37, 0, 0, {41, 42}},   {{1, 1}, 1000, 16, 0, 10, {10, 1}},
        {{30, 1}, 600, 40, 0, 0, {600, 40}}, /* beyond a picture's limits: not believed */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sampled s;
        clip c = {.codec = "ffv1", .width = cases[i].width, .height = cases[i].height,
                  .rotation = cases[i].rotation,
                  .aspect = {cases[i].aspect[0], cases[i].aspect[1]}};
        /* Matroska stores the size to show, not the ratio, and would round it; only QuickTime's
         * family has both a ratio and a rotation */
        sample_clip(&s, "a.mov", c, (vl_video_pick){.shape = VL_SHAPE_SQUARE,
                                                    .max_side = cases[i].max_side});
        check_size(&s, cases[i].want[0], cases[i].want[1]);
        assert_int_equal(strstr(s.r.note, "aspect") != NULL, cases[i].aspect[0] == 30);
        if (!cases[i].rotation && s.r.height >= 16)
            assert_int_equal(shown_number(&s.picture[1]), 4);
        sampled_release(&s);
        sample_clip(&s, "a.mov", c, (vl_video_pick){.shape = VL_SHAPE_STORED});
        check_size(&s, cases[i].width, cases[i].height);
        sampled_release(&s);
        sample_clip(&s, "a.mov", c, (vl_video_pick){.shape = VL_SHAPE_UPRIGHT});
        if (cases[i].rotation % 180)
            check_size(&s, cases[i].height, cases[i].width);
        else
            check_size(&s, cases[i].width, cases[i].height);
        assert_int_equal(strstr(s.r.note, "not square") != NULL,
                         cases[i].aspect[0] != cases[i].aspect[1]);
        sampled_release(&s);
    }
}

static void smallest_pictures(void **state)
{
    (void)state;
    static const char *const pixels[] = {"yuv420p", "yuv444p", "gray", "bgr0", "yuva420p"};
    for (int width = 1; width <= 5; width++)
        for (int height = 1; height <= 5; height++)
            for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++) {
                sampled s;
                clip c = {.codec = "ffv1", .width = width, .height = height, .pixels = pixels[i]};
                sample_clip(&s, "s.mkv", c, (vl_video_pick){0});
                check_size(&s, width, height);
                sampled_release(&s);
            }
}

/* mjpeg pictures may each have their own size. */
static void sizes_may_change(void **state)
{
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        sampled s;
        sample_clip(&s, "c.mkv", (clip){.codec = "mjpeg", .wide_from = 4},
                    (vl_video_pick){.fast = fast});
        assert_int_equal(s.picture[0].width, 64);
        assert_int_equal(s.picture[1].width, 128);
        assert_int_equal(shown_number(&s.picture[0]), 2);
        assert_int_equal(shown_number(&s.picture[2]), 6);
        assert_non_null(strstr(s.r.note, "differ in size"));
        sampled_release(&s);
    }
}

/* Light is light whatever the range: 235 where it is limited is 255 where it is full. */
static void full_range_is_told_apart(void **state)
{
    (void)state;
    int means[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        sampled s;
        clip c = {.codec = "mjpeg", .pixels = k ? "yuvj420p" : "yuv420p"};
        if (!k) c.codec = "ffv1";
        sample_clip(&s, "range.mkv", c, (vl_video_pick){0});
        for (int i = 0; i < 64 * 48 * 3; i++) means[k] += s.picture[1].rgb[i];
        sampled_release(&s);
    }
    assert_in_range(abs(means[0] - means[1]), 0, 64 * 48 * 3 * 2);
}

static void the_film_not_its_cover(void **state)
{
    (void)state;
    sampled s;
    sample_clip(&s, "cover.mp4", (clip){.cover = true, .sound = true}, (vl_video_pick){0});
    check_size(&s, 64, 48);
    assert_int_equal(s.r.n_frames, 8);
    assert_int_equal(s.r.info.n_streams, 3);
    assert_int_equal(s.r.info.has_audio, 1);
    assert_string_equal(s.r.info.codec, "mpeg4");
    sampled_release(&s);
    make_video(at("only_cover.m4a"), &(clip){.cover = true, .sound = true, .format = "mp4"});
    sample_video(&s, at("only_cover.m4a"), &(vl_video_pick){.n_samples = 2});
    assert_int_equal(s.status, VIOLET_OK);
    assert_int_equal(s.r.n_frames, 1);
    assert_int_equal(shown_number(&s.picture[1]), 2047);
    sampled_release(&s);
    unlink(at("only_cover.m4a"));
}

/* ---- the caller ------------------------------------------------------------------------------ */

static violet_status stop_at_second(void *user, int i, const vl_picture *picture)
{
    (void)picture;
    ++*(int *)user;
    return i == 1 ? vl_err(VIOLET_EINVAL, "enough") : VIOLET_OK;
}

static void caller_ends_the_work(void **state)
{
    (void)state;
    int n = 0;
    volatile sig_atomic_t stop = 1;
    vl_video_result r;
    vl_video_pick pick = {.n_samples = 4};
    make_video(at("w.mp4"), &(clip){.n = 9});
    assert_int_equal(vl_video_sample(&r, at("w.mp4"), &pick, stop_at_second, &n), VIOLET_EINVAL);
    assert_string_equal(violet_error(), "enough");
    assert_int_equal(n, 2);
    pick.stop = &stop;
    n = 0;
    for (int fast = 0; fast < 2; fast++) {
        pick.fast = fast;
        assert_int_equal(vl_video_sample(&r, at("w.mp4"), &pick, stop_at_second, &n),
                         VIOLET_EINTERRUPTED);
    }
    stop = 0;
    pick.n_samples = 0;
    assert_int_equal(vl_video_sample(&r, at("w.mp4"), &pick, stop_at_second, &n), VIOLET_EINVAL);
    pick.n_samples = VL_VIDEO_SAMPLES_MOST + 1;
    assert_int_equal(vl_video_sample(&r, at("w.mp4"), &pick, stop_at_second, &n), VIOLET_EINVAL);
    assert_int_equal(n, 0);
    unlink(at("w.mp4"));
}

static volatile sig_atomic_t stop_soon;
static long stop_after_ns;

static void *raise_stop(void *arg)
{
    nanosleep(&(struct timespec){0, stop_after_ns}, NULL);
    stop_soon = 1;
    return arg;
}

static violet_status give_nothing(void *user, int i, const vl_picture *picture)
{
    return (void)user, (void)i, (void)picture, VIOLET_OK;
}

/* Whenever the stop comes, it is a stop and nothing else: no damage, no shorter video. */
static void a_stop_is_no_damage(void **state)
{
    (void)state;
    enum { RUNS = 300 };
    int n_of[2] = {0};
    make_video(at("s.mp4"), &(clip){.n = 40, .width = 64, .height = 48});
    for (int i = 0; i < RUNS; i++) {
        vl_video_result r;
        vl_video_pick pick = {.n_samples = 3, .fast = i % 2, .stop = &stop_soon};
        pthread_t thread;
        stop_soon = 0;
        stop_after_ns = 10000L * (i / 2);
        assert_int_equal(pthread_create(&thread, NULL, raise_stop, NULL), 0);
        violet_status status = vl_video_sample(&r, at("s.mp4"), &pick, give_nothing, NULL);
        pthread_join(thread, NULL);
        if (status != VIOLET_OK && status != VIOLET_EINTERRUPTED)
            fail_msg("status %d: %s", status, violet_error());
        if (status == VIOLET_OK) assert_int_equal(r.n_frames, 40);
        n_of[status == VIOLET_OK]++;
    }
    assert_true(n_of[0] > 0);
    unlink(at("s.mp4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_and_mirrors),
        cmocka_unit_test(makes_pixels_square),
        cmocka_unit_test(smallest_pictures),
        cmocka_unit_test(sizes_may_change),
        cmocka_unit_test(full_range_is_told_apart),
        cmocka_unit_test(the_film_not_its_cover),
        cmocka_unit_test(caller_ends_the_work),
        cmocka_unit_test(a_stop_is_no_damage),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
