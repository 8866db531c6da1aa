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
#include "media/video_work.h"

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

/* After a way through JPEG as the published tool's. */
static double psnr_as_jpeg(const vl_picture *ours, const vl_picture *published)
{
    vl_buf jpeg = {0};
    vl_picture back;
    assert_int_equal(vl_jpeg_encode(&jpeg, ours, 75), VIOLET_OK);
    assert_int_equal(vl_jpeg_decode(&back, jpeg.data, jpeg.n), VIOLET_OK);
    double found = psnr(&back, published);
    vl_picture_release(&back);
    vl_buf_free(&jpeg);
    return found;
}

static violet_status compare(void *user, int i, const vl_picture *picture)
{
    compared *c = user;
    assert_int_equal(i, c->n);
    c->plain += psnr(picture, &c->published[i]);
    c->as_jpeg += psnr_as_jpeg(picture, &c->published[i]);
    c->n++;
    return VIOLET_OK;
}

static void sample_clip(double *plain, double *as_jpeg, int clip, const vl_pickle *doc, bool fast)
{
    char key[16], path[64];
    compared c = {0};
    vl_video_result r;
    vl_video_pick pick = {.n_samples = SAMPLES, .fast = fast};
    snprintf(key, sizeof key, "video%d", clip);
    snprintf(path, sizeof path, "../shared/data/msrvtt/%s.mp4", key);
    const vl_value *video = vl_dict_find(vl_pickle_root(doc), key, strlen(key));
    assert_non_null(video);
    read_published(c.published, video);
    if (vl_video_sample(&r, path, &pick, compare, &c) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(c.n, SAMPLES);
    /* nearly all of them say that their pixels are 4:3 */
    if (r.note[0]) assert_string_equal(r.note, "pixels are not square (see --shape)");
    assert_int_equal(r.counted, !fast);
    assert_int_equal(r.n_frames, r.info.n_frames);
    for (int i = 0; i < SAMPLES; i++) vl_picture_release(&c.published[i]);
    printf("%s: %lld frames, PSNR %.2f dB, %.2f as JPEG\n", key, (long long)r.n_frames,
           c.plain / SAMPLES, c.as_jpeg / SAMPLES);
    *plain += c.plain / SAMPLES / N_CLIPS;
    *as_jpeg += c.as_jpeg / SAMPLES / N_CLIPS;
}

/* Of the published picture of frame k and ours of k-1, k, k+1: is ours of k the most alike? Decodes
 * the clip by the inner functions, since the rule gives no neighbours. */
static int count_same_frames(int clip, const vl_value *video)
{
    char path[64];
    vl_video_pick pick = {.n_samples = SAMPLES};
    vl_video_decoder d;
    vl_picture published[SAMPLES];
    double psnr_of[SAMPLES][3] = {{0}};
    int n_same = 0, number = 0;
    bool more = true, got;
    snprintf(path, sizeof path, "../shared/data/msrvtt/video%d.mp4", clip);
    read_published(published, video);
    assert_int_equal(vl_video_decoder_open(&d, path, &pick), VIOLET_OK);
    int64_t n_frames = d.file.stream->nb_frames;
    while (more) {
        assert_int_equal(vl_video_file_read(&more, &d.file), VIOLET_OK);
        assert_int_equal(vl_video_decoder_send(&d, !more), VIOLET_OK);
        for (;; number++) {
            assert_int_equal(vl_video_decoder_receive(&got, &d), VIOLET_OK);
            if (!got) break;
            for (int i = 0; i < SAMPLES; i++) {
                vl_picture p;
                int64_t apart = number - vl_frame_index(n_frames, SAMPLES, i);
                if (apart < -1 || apart > 1) continue;
                assert_int_equal(vl_painter_paint(&p, &d.painter, d.frame), VIOLET_OK);
                psnr_of[i][apart + 1] = psnr_as_jpeg(&p, &published[i]);
                vl_picture_release(&p);
            }
        }
    }
    for (int i = 0; i < SAMPLES; i++) {
        n_same += psnr_of[i][1] > psnr_of[i][0] && psnr_of[i][1] > psnr_of[i][2];
        vl_picture_release(&published[i]);
    }
    vl_video_decoder_close(&d);
    return n_same;
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

static void frames_are_the_same_ones(void **state)
{
    (void)state;
    vl_pickle *doc;
    int n_same = 0;
    if (!vl_file_exists("../shared/data/msrvtt.pkl")) skip();
    assert_int_equal(vl_pickle_open(&doc, "../shared/data/msrvtt.pkl", NULL), VIOLET_OK);
    for (int i = 0; i < N_CLIPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "video%d", clips[i]);
        int same = count_same_frames(
            clips[i], vl_dict_find(vl_pickle_root(doc), key, strlen(key)));
        printf("%s: %d of %d the same frame\n", key, same, SAMPLES);
        n_same += same;
    }
    vl_pickle_close(doc);
    printf("%d of %d\n", n_same, N_CLIPS * SAMPLES);
    assert_true(n_same >= 33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_agree),
        cmocka_unit_test(frames_are_the_same_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
