/* Videos that are written are read again: as many frames, the same pictures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "media/make_video.h"
#include "media/sampled.h"
#include "media/video_write.h"

enum { SIDE = 64, N = 11 };

/* A light square that moves to the right on a coloured ground. */
static vl_picture picture_of(int number)
{
    vl_picture p = {SIDE, SIDE, malloc(3 * SIDE * SIDE)};
    assert_non_null(p.rgb);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            bool in = x >= 4 * number && x < 4 * number + 16 && y >= 24 && y < 40;
            uint8_t *to = p.rgb + 3 * (y * SIDE + x);
            to[0] = in ? 240 : 40, to[1] = in ? 220 : 90, to[2] = in ? 60 : 150;
        }
    return p;
}

static void write_it(const char *path, vl_video_codec codec)
{
    const vl_video_write_options o = {.width = SIDE, .height = SIDE, .fps = 8, .codec = codec};
    vl_video_writer *w;
    assert_int_equal(vl_video_write_open(&w, path, &o), VIOLET_OK);
    for (int i = 0; i < N; i++) {
        vl_picture p = picture_of(i);
        assert_int_equal(vl_video_write_frame(w, &p), VIOLET_OK);
        vl_picture_release(&p);
    }
    assert_false(vl_file_exists(path));
    assert_int_equal(vl_video_write_commit(w), VIOLET_OK);
    vl_video_write_free(w);
}

static double difference(const vl_picture *a, const vl_picture *b)
{
    double sum = 0;
    for (int i = 0; i < 3 * SIDE * SIDE; i++) sum += abs(a->rgb[i] - b->rgb[i]);
    return sum / (3 * SIDE * SIDE);
}

static void reads_back(vl_video_codec codec, const char *name)
{
    const char *path = at("a.mp4");
    vl_video_pick pick = {.n_samples = 4};
    sampled *s = calloc(1, sizeof *s);
    write_it(path, codec);
    sample_video(s, path, &pick);
    assert_int_equal(s->status, VIOLET_OK);
    assert_int_equal(s->r.n_frames, N);
    assert_string_equal(s->r.info.codec, name);
    assert_true(s->r.info.seconds > 1.3 && s->r.info.seconds < 1.45);
    for (int i = 0; i < 4; i++) {
        vl_picture right = picture_of((int)s->r.index[i]), wrong = picture_of(i ? 0 : N - 1);
        assert_true(difference(&s->picture[i], &right) < 5);
        assert_true(difference(&s->picture[i], &wrong) > 8);
        vl_picture_release(&right);
        vl_picture_release(&wrong);
    }
    sampled_release(s);
    free(s);
    unlink(path);
}

static void mpeg4_reads_back(void **state)
{
    (void)state;
    reads_back(VL_CODEC_MPEG4, "mpeg4");
}

static void h264_reads_back(void **state)
{
    (void)state;
    if (!can_make("libx264")) skip();
    reads_back(VL_CODEC_H264, "h264");
    assert_int_equal(vl_video_codec_found(VL_CODEC_AUTO), VL_CODEC_H264);
}

static void the_same_pictures_give_the_same_bytes(void **state)
{
    (void)state;
    char *a, *b;
    size_t n_a, n_b;
    for (int codec = VL_CODEC_AUTO; codec <= VL_CODEC_MPEG4; codec++) {
        if (codec == VL_CODEC_H264 && !can_make("libx264")) continue;
        write_it(at("a.mp4"), (vl_video_codec)codec);
        write_it(at("b.mp4"), (vl_video_codec)codec);
        assert_int_equal(vl_file_read(&a, &n_a, at("a.mp4"), 1 << 20), VIOLET_OK);
        assert_int_equal(vl_file_read(&b, &n_b, at("b.mp4"), 1 << 20), VIOLET_OK);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_a);
        free(a), free(b);
        unlink(at("a.mp4")), unlink(at("b.mp4"));
    }
}

static void what_is_not_committed_is_not_there(void **state)
{
    (void)state;
    const vl_video_write_options o = {.width = SIDE, .height = SIDE, .fps = 8};
    vl_video_writer *w;
    vl_picture p = picture_of(1), small = {16, 16, p.rgb};
    assert_int_equal(vl_video_write_open(&w, at("a.mp4"), &o), VIOLET_OK);
    assert_int_equal(vl_video_write_frame(w, &p), VIOLET_OK);
    assert_int_equal(vl_video_write_frame(w, &small), VIOLET_ESHAPE);
    assert_non_null(strstr(violet_error(), "16 x 16, expected 64 x 64"));
    vl_video_write_free(w);
    assert_false(vl_file_exists(at("a.mp4")));
    vl_picture_release(&p);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state;
    const vl_video_write_options odd = {.width = 63, .height = 64, .fps = 8};
    const vl_video_write_options o = {.width = SIDE, .height = SIDE, .fps = 8};
    vl_video_writer *w;
    vl_picture p = picture_of(1);
    assert_int_equal(vl_video_write_open(&w, at("a.mp4"), &odd), VIOLET_EINVAL);
    assert_null(w);
    assert_int_equal(vl_video_write_open(&w, at("no/a.mp4"), &o), VIOLET_OK);
    assert_int_equal(vl_video_write_frame(w, &p), VIOLET_OK);
    assert_int_equal(vl_video_write_commit(w), VIOLET_EIO);
    assert_non_null(strstr(violet_error(), "no/a.mp4"));
    vl_video_write_free(w);
    vl_video_write_free(NULL);
    vl_picture_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mpeg4_reads_back),
        cmocka_unit_test(h264_reads_back),
        cmocka_unit_test(the_same_pictures_give_the_same_bytes),
        cmocka_unit_test(what_is_not_committed_is_not_there),
        cmocka_unit_test(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
