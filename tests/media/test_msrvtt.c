/* The published frames of real clips: ../shared/data/msrvtt.pkl was made by the published tool. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "file/pickle.h"
#include "media/video.h"

#define SAMPLES 5

static const int clips[] = {7010, 7011, 7012, 7013, 7014, 7015, 7016};
#define N_CLIPS ((int)(sizeof clips / sizeof *clips))

/* What a clip's pictures are compared with, and what came of it. */
typedef struct compared {
    vl_picture published[SAMPLES];
    double plain, as_jpeg; /* sums of PSNR */
    int n;
} compared;

static double psnr(const vl_picture *a, const vl_picture *b)
{
    double sum = 0;
    size_t n = (size_t)a->width * (size_t)a->height * 3;
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (size_t i = 0; i < n; i++) sum += (a->rgb[i] - b->rgb[i]) * (a->rgb[i] - b->rgb[i]);
    return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * (double)n / sum);
}

static void read_published(vl_picture *out, const vl_value *video)
{
    assert_int_equal(vl_value_n(video), SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t n, bytes;
        const char *text = vl_value_str(&n, vl_value_at(video, i));
        uint8_t *jpeg = malloc(vl_base64_decoded_most(n));
        assert_int_equal(vl_base64_decode(jpeg, &bytes, text, n), VIOLET_OK);
        assert_int_equal(vl_jpeg_decode(&out[i], jpeg, bytes), VIOLET_OK);
        free(jpeg);
    }
}

static violet_status compare(void *user, int i, const vl_picture *picture)
{
    compared *c = user;
    vl_buf jpeg = {0};
    vl_picture back;
    assert_int_equal(i, c->n);
    assert_int_equal(vl_jpeg_encode(&jpeg, picture, 75), VIOLET_OK);
    assert_int_equal(vl_jpeg_decode(&back, jpeg.data, jpeg.n), VIOLET_OK);
    c->plain += psnr(picture, &c->published[i]);
    c->as_jpeg += psnr(&back, &c->published[i]);
    c->n++;
    vl_picture_release(&back);
    vl_buf_free(&jpeg);
    return VIOLET_OK;
}

static void sample_clip(double *plain, double *as_jpeg, int clip, const vl_pickle *doc, bool fast)
{
    char key[16], path[64];
    compared c = {0};
    vl_video_result r;
    vl_video_pick pick = {.n_samples = SAMPLES, .fast = fast, .as_stored = true};
    snprintf(key, sizeof key, "video%d", clip);
    snprintf(path, sizeof path, "../shared/data/msrvtt/%s.mp4", key);
    const vl_value *video = vl_dict_find(vl_pickle_root(doc), key, strlen(key));
    assert_non_null(video);
    read_published(c.published, video);
    if (vl_video_sample(&r, path, &pick, compare, &c) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(c.n, SAMPLES);
    assert_string_equal(r.note, "");
    assert_int_equal(r.counted, !fast);
    assert_int_equal(r.n_frames, r.info.n_frames);
    for (int i = 0; i < SAMPLES; i++) vl_picture_release(&c.published[i]);
    printf("%s: %lld frames, PSNR %.2f dB, %.2f as JPEG\n", key, (long long)r.n_frames,
           c.plain / SAMPLES, c.as_jpeg / SAMPLES);
    *plain += c.plain / SAMPLES / N_CLIPS;
    *as_jpeg += c.as_jpeg / SAMPLES / N_CLIPS;
}

static void pictures_agree(void **state)
{
    (void)state;
    vl_pickle *doc;
    if (!vl_file_exists("../shared/data/msrvtt.pkl")) {
        printf("skip: ../shared/data is not here\n");
        skip();
    }
    assert_int_equal(vl_pickle_open(&doc, "../shared/data/msrvtt.pkl", NULL), VIOLET_OK);
    for (int fast = 0; fast < 2; fast++) {
        double plain = 0, as_jpeg = 0;
        for (int i = 0; i < N_CLIPS; i++) sample_clip(&plain, &as_jpeg, clips[i], doc, fast);
        printf("mean: %.2f dB, %.2f as JPEG\n", plain, as_jpeg);
        assert_true(plain >= 35);
        assert_true(as_jpeg >= 35);
    }
    vl_pickle_close(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
