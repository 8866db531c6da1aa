/* Encoding and scoring with allocations failing (allocator.h): in memory, and in files that are
 * gone on with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "fault/allocator.h"
#include "model/scorer.h"

enum { VIDEOS = 2, TEXTS = 3, X = 5, SIDE = 32, NI = 1 + 1 };

static const vl_config small = {.video = {8, {1, 1, 1, 1}, {1, 1, 1, 1}, {2, 3, 3}, 0.1, 0},
                                .frames = 6, .positions = 197, .grid = {7, 7},
                                .hidden = 64,
                                .ct_layers = 2,
                                .ct_heads = 4,
                                .ct_mlp = 32,
                                .size_vocab = 50,
                                .size_code = 30,
                                .size_answer = 4,
                                .drop = 0.1};

static char folder[] = "/tmp/scorer-XXXXXX", at_videos[128], at_texts[128];
static int in_files;
static real right[VIDEOS * TEXTS];

static violet_status open_caches(vl_features **videos, vl_features **texts)
{
    vl_features_key key = {.kind = "video", .n = VIDEOS, .rows = NI, .cols = 64,
                           .dtype = VL_DT_BF16};
    violet_status status = vl_features_open(videos, in_files ? at_videos : NULL, &key);
    key.kind = "text", key.n = TEXTS, key.rows = X;
    if (status == VIOLET_OK) status = vl_features_open(texts, in_files ? at_texts : NULL, &key);
    return status;
}

static violet_status encode(vl_features *videos, vl_features *texts, vl_tape *t, const vl_model *m)
{
    static uint8_t image[VIDEOS * 3 * SIDE * SIDE];
    int item[TEXTS] = {0, 1, 2}, ids[TEXTS * X] = {1, 2, 3, 0, 0, 4, 5, 6, 7, 8, 9, 8, 7, 6, 0};
    for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)(i * 7);
    vl_swin_plan plan;
    violet_status status = vl_swin_plan_init(&plan, &small.video, VIDEOS, 1, SIDE, SIDE);
    if (status != VIOLET_OK) return status;
    if (vl_features_done(videos) < VIDEOS)
        status = vl_encode_videos(videos, item, t, m, &plan, image);
    if (status == VIOLET_OK && vl_features_done(texts) < TEXTS)
        status = vl_encode_texts(texts, item, t, m, ids, NULL, TEXTS, X);
    vl_swin_plan_release(&plan);
    return status;
}

/* All pairs' scores; they are those of before, whatever failed on the way to the files. */
static violet_status scores(vl_tape *t, const vl_model *m)
{
    vl_features *videos = NULL, *texts = NULL;
    vl_scorer *s = NULL;
    int video[VIDEOS * TEXTS], text[VIDEOS * TEXTS];
    real score[VIDEOS * TEXTS];
    for (int i = 0; i < VIDEOS * TEXTS; i++) video[i] = i / TEXTS, text[i] = i % TEXTS;
    violet_status status = open_caches(&videos, &texts);
    if (status == VIOLET_OK) status = encode(videos, texts, t, m);
    if (status == VIOLET_OK) status = vl_scorer_open(&s, m, t, videos, texts, NULL);
    if (status == VIOLET_OK) status = vl_scorer_score(s, score, video, text, VIDEOS * TEXTS);
    if (status == VIOLET_OK && right[0] == 0) memcpy(right, score, sizeof right);
    if (status == VIOLET_OK && memcmp(right, score, sizeof right) != 0)
        status = vl_err(VIOLET_EFORMAT, "other scores than before");
    vl_scorer_close(s);
    vl_features_close(videos);
    vl_features_close(texts);
    return status;
}

static violet_status evaluate(void)
{
    vl_model m;
    vl_tape t = {0};
    const vl_backend *b = vl_backend_fast();
    vl_device *d = NULL;
    violet_status status = vl_model_init(&m, &small, VL_HEAD_MATCH, 0, 0);
    if (status != VIOLET_OK) return status;
    vl_params_draw(&m.params, 3);
    if (!(d = b->open(1))) status = VIOLET_ENOMEM;
    if (status == VIOLET_OK) status = vl_tape_init(&t, b, d, 0);
    if (status == VIOLET_OK) status = scores(&t, &m);
    vl_tape_release(&t);
    if (d) b->close(d);
    vl_model_release(&m);
    return status;
}

static void scoring_survives(void **state)
{
    (void)state;
    in_files = 0;
    sweep("encode and score", evaluate, 1000, 1);
}

static void caches_survive(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(at_videos, sizeof at_videos, "%s/videos", folder);
    snprintf(at_texts, sizeof at_texts, "%s/texts", folder);
    in_files = 1;
    sweep("encode into files and score", evaluate, 1000, 1);
    assert_int_equal(unlink(at_videos) | unlink(at_texts) | rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scoring_survives),
        cmocka_unit_test(caches_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
