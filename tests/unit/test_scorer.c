/* Scores of many pairs: those of vl_model_score, whatever the order, the blocks and the slots; what
 * is computed, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "model/scorer.h"
#include "tensor/count.h"

enum { VIDEOS = 5, TEXTS = 11, T = 2, SIDE = 64, X = 9, NI = T * (1 + 4), ANSWERS = 4 };
enum { PAIRS = VIDEOS * TEXTS };

static const vl_config small = {.video = {8, {1, 2, 1, 1}, {1, 2, 2, 4}, {2, 3, 3}, 0.1, 0},
                                .frames = 6, .positions = 197, .grid = {7, 7},
                                .hidden = 64,
                                .ct_layers = 3,
                                .ct_heads = 4,
                                .ct_mlp = 96,
                                .size_vocab = 50,
                                .size_code = 30,
                                .size_answer = ANSWERS,
                                .drop = 0.1};

/* A model, its videos and texts, encoded, and the scores of all pairs as vl_model_score gives
 * them. */
typedef struct world {
    vl_model m;
    const vl_backend *backend;
    vl_device *d;
    vl_tape t;
    vl_swin_plans plans;
    uint8_t image[VIDEOS * T * 3 * SIDE * SIDE], mask[TEXTS * X];
    int ids[TEXTS * X], length[TEXTS];
    vl_features *videos, *texts;
    int columns, video[PAIRS], text[PAIRS];
    real right[PAIRS * ANSWERS];
} world;

static world w;

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

static const vl_swin_plan *plan_of(int B)
{
    return vl_swin_plans_get(&w.plans, &small.video, B, T, SIDE, SIDE);
}

static vl_features *fresh(const char *kind, int n, int rows, vl_dtype dtype)
{
    vl_features *f;
    vl_features_key key = {.kind = kind, .n = n, .rows = rows, .cols = w.m.config.hidden,
                           .dtype = dtype};
    ok(vl_features_open(&f, NULL, &key));
    return f;
}

/* Padding within a text, too: text 4 has a hole. */
static void draw_items(void)
{
    static const int length[TEXTS] = {9, 3, 5, 4, 7, 3, 9, 6, 5, 2, 7};
    uint64_t key = vl_rng_key(1, 2, 3);
    for (size_t i = 0; i < sizeof w.image; i++) w.image[i] = (uint8_t)vl_rng_below(key, i, 256);
    for (int i = 0; i < TEXTS * X; i++) {
        int at = i % X, k = i / X;
        w.mask[i] = at < length[k] && !(k == 4 && at == 3);
        w.ids[i] = w.mask[i] ? 1 + (int)vl_rng_below(~key, (uint64_t)i, 49) : 0;
    }
    for (int k = 0; k < TEXTS; k++) w.length[k] = length[k] - (k == 4);
    for (int i = 0; i < PAIRS; i++) w.video[i] = i / TEXTS, w.text[i] = i % TEXTS;
}

/* With gradients on, though no parameter has one: the layers as they are trained. */
static void score_all_pairs(void)
{
    vl_tape_reset(&w.t, 0, 0);
    w.t.training = 0;
    w.t.grad_on = 1;
    vl_tensor *image = vl_model_image(&w.t, &w.m, plan_of(VIDEOS), w.image);
    vl_tensor *text = vl_model_text(&w.t, &w.m, w.ids, TEXTS, X);
    vl_pairs pairs = {PAIRS, w.video, w.text, VIDEOS, TEXTS, NI, X, w.mask};
    vl_tensor *y = vl_model_score(&w.t, &w.m, &pairs, image, text);
    ok(vl_tape_status(&w.t));
    w.columns = y->cols;
    memcpy(w.right, y->x, (size_t)PAIRS * (size_t)y->cols * sizeof *y->x);
}

static void encode(vl_features *videos, vl_features *texts)
{
    int item[VIDEOS + TEXTS];
    for (int i = 0; i < VIDEOS + TEXTS; i++) item[i] = i;
    size_t each = sizeof w.image / VIDEOS;
    ok(vl_encode_videos(videos, item, &w.t, &w.m, plan_of(2), w.image));
    ok(vl_encode_videos(videos, item + 2, &w.t, &w.m, plan_of(3), w.image + 2 * each));
    ok(vl_encode_texts(texts, item, &w.t, &w.m, w.ids, w.mask, 7, X));
    ok(vl_encode_texts(texts, item + 7, &w.t, &w.m, w.ids + 7 * X, NULL, TEXTS - 7, X));
    for (int i = 0; i < VIDEOS; i++) assert_int_equal(vl_features_rows(videos, i), NI);
    for (int i = 0; i < TEXTS; i++) assert_int_equal(vl_features_rows(texts, i), w.length[i]);
}

static void open_world(const vl_config *config, int heads, const vl_backend *backend)
{
    memset(&w, 0, sizeof w);
    w.backend = backend;
    w.d = backend->open(2);
    ok(vl_model_init(&w.m, config, heads, 0, 0));
    vl_params_draw(&w.m.params, 5);
    /* so that scores tell pairs apart (small weights make all tokens alike) and no bias is 0 */
    real *x = (real *)w.m.params.weights.base;
    for (size_t i = 0; i < w.m.params.weights.used / sizeof *x; i++)
        x[i] = 3 * x[i] + (real)(0.1 * vl_rng_uniform(8, i) - 0.05);
    ok(vl_tape_init(&w.t, backend, w.d, 0));
    draw_items();
    w.videos = fresh("video", VIDEOS, NI, VL_DT_F32);
    w.texts = fresh("text", TEXTS, X, VL_DT_F32);
    if (backend == vl_backend_count()) return;
    score_all_pairs();
    encode(w.videos, w.texts);
}

static void close_world(void)
{
    vl_features_close(w.videos);
    vl_features_close(w.texts);
    vl_swin_plans_release(&w.plans);
    vl_tape_release(&w.t);
    w.backend->close(w.d);
    vl_model_release(&w.m);
}

static vl_scorer *scorer(const vl_scorer_options *o)
{
    vl_scorer *s;
    ok(vl_scorer_open(&s, &w.m, &w.t, w.videos, w.texts, o));
    assert_int_equal(vl_scorer_columns(s), w.columns);
    return s;
}

/* Relative to the spread of the scores: their mean is the head's bias. */
static void expect(const real *score, const int *video, const int *text, int n, double tolerance)
{
    double apart = 0, spread = 0, mean = 0;
    for (int i = 0; i < PAIRS * w.columns; i++) mean += (double)w.right[i] / (PAIRS * w.columns);
    for (int i = 0; i < PAIRS * w.columns; i++)
        spread = fmax(spread, fabs((double)w.right[i] - mean));
    assert_true(spread > 0.01);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < w.columns; k++) {
            real right = w.right[(video[i] * TEXTS + text[i]) * w.columns + k];
            double d = fabs((double)(score[i * w.columns + k] - right));
            if (!(d <= apart)) apart = d; /* a NaN, too */
            if (!(apart <= tolerance * spread)) fail_msg("%g of %g apart", apart, spread);
        }
}

static void by_videos(vl_scorer *s, double tolerance)
{
    real score[TEXTS * ANSWERS];
    for (int v = 0; v < VIDEOS; v++) {
        memset(score, 0xff, sizeof score);
        ok(vl_scorer_score(s, score, w.video + v * TEXTS, w.text + v * TEXTS, TEXTS));
        expect(score, w.video + v * TEXTS, w.text + v * TEXTS, TEXTS, tolerance);
    }
}

static void by_texts(vl_scorer *s, double tolerance)
{
    real score[VIDEOS * ANSWERS];
    int video[VIDEOS], text[VIDEOS];
    for (int k = 0; k < TEXTS; k++) {
        for (int v = 0; v < VIDEOS; v++) video[v] = v, text[v] = k;
        memset(score, 0xff, sizeof score);
        ok(vl_scorer_score(s, score, video, text, VIDEOS));
        expect(score, video, text, VIDEOS, tolerance);
    }
}

static void at_random(vl_scorer *s, double tolerance)
{
    real score[PAIRS * ANSWERS];
    int video[PAIRS], text[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        video[i] = (int)vl_rng_below(9, (uint64_t)i, VIDEOS);
        text[i] = (int)vl_rng_below(10, (uint64_t)i, TEXTS);
    }
    memset(score, 0xff, sizeof score);
    ok(vl_scorer_score(s, score, video, text, PAIRS));
    expect(score, video, text, PAIRS, tolerance);
}

static void scores_are_those_of_single_pairs(void **state)
{
    (void)state;
    static const vl_scorer_options options[] = {
        {0, 0, 0, 0}, {1, 1, 1, 0}, {3, 4, 5, 1}, {2, 100, 100, 0.1}, {0, 0, 0, 1}};
    static const int layers[] = {3, 2, 1};
    for (int answers = 0; answers < 2; answers++)
        for (int l = 0; l < 3; l++) {
            vl_config c = small;
            c.ct_layers = layers[l];
            open_world(&c, answers ? VL_HEAD_ANSWER : VL_HEAD_MATCH, vl_backend_fast());
            assert_int_equal(w.columns, answers ? ANSWERS : 1);
            for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
                vl_scorer *s = scorer(&options[o]);
                by_videos(s, 1e-5);
                by_texts(s, 1e-5);
                at_random(s, 1e-5);
                vl_scorer_close(s);
            }
            close_world();
        }
}

/* What has no way back is refused where one is asked for, and so is what does not fit. */
static void shared_rows_have_no_gradient(void **state)
{
    (void)state;
    open_world(&small, VL_HEAD_MATCH, vl_backend_fast());
    vl_tape_reset(&w.t, 0, 0);
    w.t.grad_on = 1;
    vl_bert_batch batch = {1, 1, NULL};
    vl_tensor x = {.rows = 1, .cols = 64}, qkv = {.rows = 1, .cols = 192};
    int row = 0;
    vl_bert_encode_shared(&w.t, w.m.layers, 3, &batch, &row, (vl_bert_rows){&x, &qkv},
                          (vl_bert_rows){&x, &qkv}, 0);
    assert_int_equal(vl_tape_status(&w.t), VIOLET_EINVAL);
    vl_tape_reset(&w.t, 0, 0);
    const vl_bert_layer *l = &w.m.layers[0];
    vl_attention s = {.n_seq = 2, .n_q = 1, .n_k = 1, .heads = 4, .head_dim = 16, .n_win = 1};
    vl_attention_one(&w.t, &x, &x, &l->kv_w, &l->kv_b, s);
    assert_int_equal(vl_tape_status(&w.t), VIOLET_ESHAPE);
    close_world();
}

static void the_reference_backend_agrees(void **state)
{
    (void)state;
    open_world(&small, VL_HEAD_MATCH, vl_backend_ref());
    vl_scorer *s = scorer(NULL);
    at_random(s, 1e-5);
    vl_scorer_close(s);
    close_world();
}

static void bfloat16_is_near(void **state)
{
    (void)state;
    open_world(&small, VL_HEAD_MATCH, vl_backend_fast());
    vl_features_close(w.videos);
    vl_features_close(w.texts);
    w.videos = fresh("video", VIDEOS, NI, VL_DT_BF16);
    w.texts = fresh("text", TEXTS, X, VL_DT_BF16);
    encode(w.videos, w.texts);
    vl_scorer *s = scorer(NULL);
    by_videos(s, 2e-2);
    by_texts(s, 2e-2);
    vl_scorer_close(s);
    close_world();
}

/* Videos of other lengths in one call, as pictures among them: one frame, two frames. */
static void videos_of_two_lengths(void **state)
{
    (void)state;
    real score[PAIRS], again[PAIRS];
    open_world(&small, VL_HEAD_MATCH, vl_backend_fast());
    int item[1] = {3};
    const vl_swin_plan *one = vl_swin_plans_get(&w.plans, &small.video, 1, 1, SIDE, SIDE);
    ok(vl_encode_videos(w.videos, item, &w.t, &w.m, one, w.image));
    assert_int_equal(vl_features_rows(w.videos, 3), NI / 2);
    vl_scorer *s = scorer(NULL);
    ok(vl_scorer_score(s, score, w.video, w.text, PAIRS));
    for (int i = 0; i < PAIRS; i++)
        ok(vl_scorer_score(s, again + i, w.video + i, w.text + i, 1));
    for (int i = 0; i < PAIRS; i++)
        assert_true(fabs((double)(score[i] - again[i])) <= 1e-5 * (1 + fabs((double)score[i])));
    for (int i = 0; i < PAIRS; i++) /* the others are as they were, this one is not */
        if (w.video[i] == 3)
            assert_true(score[i] != w.right[i]);
        else
            expect(score + i, w.video + i, w.text + i, 1, 1e-5);
    vl_scorer_close(s);
    close_world();
}

/* ---- cost ------------------------------------------------------------------------------------ */

static void nothing_is_allocated_later(void **state)
{
    (void)state;
    open_world(&small, VL_HEAD_MATCH, vl_backend_fast());
    static real score[PAIRS];
    vl_scorer *s = scorer(NULL);
    ok(vl_scorer_score(s, score, w.video, w.text, PAIRS));
    size_t peak = w.t.keep.peak, host = w.t.n_host_allocs;
    struct mallinfo2 before = mallinfo2();
    for (int turn = 0; turn < 3; turn++)
        ok(vl_scorer_score(s, score, w.video, w.text, PAIRS - turn));
    struct mallinfo2 after = mallinfo2();
    assert_int_equal(w.t.keep.peak, peak);
    assert_int_equal(w.t.n_host_allocs, host);
    assert_int_equal(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd);
    vl_scorer_close(s);
    close_world();
}

/* FLOPs of the matrix products of `P` pairs of n tokens, from the first layer's attention on. In
 * the last, the one query meets the tokens themselves, head by head: no keys, no values. */
static double pair_flops(const vl_config *c, double P, double n)
{
    double D = c->hidden, M = c->ct_mlp, L = c->ct_layers;
    double rest = 2 * n * D * D + 4 * n * n * D + 4 * n * D * M, qkv = 6 * n * D * D;
    double last = 4 * n * D * c->ct_heads + 8 * D * D + 4 * D * M, head = 4 * D * D + 4 * D;
    return P * (rest + (L - 2) * (qkv + rest) + last + head);
}

/* The query through the keys' weights is a way back. */
static double products(const vl_count *c)
{
    return vl_count_products(c, VL_COUNT_FORWARD) + vl_count_products(c, VL_COUNT_BACKWARD);
}

static void only_what_is_needed_is_computed(void **state)
{
    (void)state;
    open_world(&small, VL_HEAD_MATCH, vl_backend_count());
    w.columns = 1;
    real x[NI * 64] = {0}, score[VIDEOS];
    double D = small.hidden;
    for (int i = 0; i < VIDEOS; i++) ok(vl_features_put(w.videos, i, x, NI));
    for (int i = 0; i < TEXTS; i++) ok(vl_features_put(w.texts, i, x, 5));
    vl_scorer *s = scorer(NULL);
    int video[3] = {1, 1, 1}, text[3] = {4, 2, 6};
    ok(vl_scorer_score(s, score, video, text, 3));
    vl_count first = vl_count_get(w.d);
    double firsts = 6 * D * D * (NI + 3 * 5), pairs = pair_flops(&small, 3, NI + 5);
    assert_true(products(&first) == firsts + pairs);
    text[2] = 3; /* one text is new, all else is kept */
    ok(vl_scorer_score(s, score, video, text, 3));
    vl_count second = vl_count_get(w.d), between = vl_count_between(&first, &second);
    assert_true(products(&between) == 6 * D * D * 5 + pairs);
    vl_scorer_close(s);
    close_world();
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void what_cannot_be_scored(void **state)
{
    (void)state;
    real score[2];
    vl_scorer *s;
    open_world(&small, VL_HEAD_MATCH, vl_backend_fast());
    vl_features *few = fresh("text", TEXTS, X, VL_DT_F32);
    ok(vl_scorer_open(&s, &w.m, &w.t, w.videos, few, NULL));
    int video[2] = {0, VIDEOS}, text[2] = {0, 1};
    assert_int_equal(vl_scorer_score(s, score, video, text, 2), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "pair 1: video 5 of 5"));
    video[1] = 1;
    assert_int_equal(vl_scorer_score(s, score, video, text, 2), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "pair 0: text 0 of 11 is not encoded"));
    assert_int_equal(vl_scorer_score(s, score, video, text, 0), VIOLET_OK);
    vl_scorer_close(s);
    int item[1] = {0}, ids[X] = {0};
    assert_int_equal(vl_encode_texts(few, item, &w.t, &w.m, ids, NULL, 1, X), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "begins with padding"));
    ids[0] = 3, ids[2] = 4; /* a text that spells [PAD] */
    ok(vl_encode_texts(few, item, &w.t, &w.m, ids, NULL, 1, X));
    assert_int_equal(vl_features_rows(few, 0), 3);
    ids[0] = 1000; /* no such word */
    assert_int_equal(vl_encode_texts(few, item, &w.t, &w.m, ids, NULL, 1, X), VIOLET_EINVAL);
    vl_features_close(few);
    few = w.texts;
    vl_features_key narrow = {.kind = "text", .n = 1, .rows = 1, .cols = 8, .dtype = VL_DT_F32};
    ok(vl_features_open(&w.texts, NULL, &narrow));
    assert_int_equal(vl_scorer_open(&s, &w.m, &w.t, w.videos, w.texts, NULL), VIOLET_ESHAPE);
    assert_null(s);
    vl_features_close(few);
    close_world();
    open_world(&small, VL_HEAD_ANSWER, vl_backend_fast());
    w.m.heads = VL_HEAD_MTM;
    assert_int_equal(vl_scorer_open(&s, &w.m, &w.t, w.videos, w.texts, NULL), VIOLET_EINVAL);
    close_world();
}

/* A tape with too little room fails, says so, and what fits is scored as ever: slots that could not
 * be filled are not taken for full. */
static void errors_are_kept(void **state)
{
    (void)state;
    static real score[PAIRS];
    int failed = 0, only_one = 0;
    vl_config c = small;
    c.ct_layers = 1;
    open_world(&c, VL_HEAD_MATCH, vl_backend_fast());
    mallopt(M_PERTURB, 0x55); /* what was there before must not look like a filled slot */
    for (size_t limit = 4096; limit < 400000; limit += limit / 4) {
        vl_tape tight;
        vl_scorer *s;
        ok(vl_tape_init(&tight, w.backend, w.d, limit));
        ok(vl_scorer_open(&s, &w.m, &tight, w.videos, w.texts, NULL));
        violet_status all = vl_scorer_score(s, score, w.video, w.text, PAIRS);
        if (all == VIOLET_OK) expect(score, w.video, w.text, PAIRS, 1e-5);
        violet_status one = vl_scorer_score(s, score, w.video, w.text, 1);
        if (one == VIOLET_OK) expect(score, w.video, w.text, 1, 1e-5);
        if (all != VIOLET_OK) assert_int_equal(all, VIOLET_ENOMEM);
        failed += all != VIOLET_OK;
        only_one += all != VIOLET_OK && one == VIOLET_OK;
        vl_scorer_close(s);
        vl_tape_release(&tight);
    }
    mallopt(M_PERTURB, 0);
    assert_true(failed > 1 && only_one > 1);
    close_world();
}

/* What a pair gives where it is read at position `at` of its text, all of it computed. */
static void read_at(real *score, int video, int text, int at)
{
    int row = NI + at, zero = 0;
    vl_bert_batch batch;
    vl_pairs pair = {1, &video, &zero, VIDEOS, 1, NI, X, w.mask + text * X};
    vl_tape_reset(&w.t, 0, 0);
    w.t.grad_on = w.t.training = 0;
    vl_tensor *image = vl_model_image(&w.t, &w.m, plan_of(VIDEOS), w.image);
    vl_tensor *words = vl_model_text(&w.t, &w.m, w.ids + text * X, 1, X);
    vl_tensor *x = vl_model_pair(&w.t, &pair, image, words, &batch);
    x = vl_bert_encode(&w.t, w.m.layers, w.m.config.ct_layers, &batch, x);
    x = vl_gather(&w.t, x, NULL, (vl_index){&row, NULL, 1, 1});
    x = vl_mlp_head_forward(&w.t, &w.m.fc, x);
    ok(vl_tape_status(&w.t));
    memcpy(score, x->x, (size_t)x->cols * sizeof *score);
}

/* Text 4 has a hole before its position 5. */
static void texts_are_read_where_asked(void **state)
{
    (void)state;
    static const int at[TEXTS] = {8, 0, 2, 1, 5, 2, 0, 3, 4, 1, 6}, late[1] = {3}, out[1] = {X};
    int item[TEXTS];
    real score[PAIRS * ANSWERS], right[ANSWERS];
    open_world(&small, VL_HEAD_ANSWER, vl_backend_fast());
    for (int i = 0; i < TEXTS; i++) item[i] = i;
    vl_features *texts = fresh("text", TEXTS, X, VL_DT_F32);
    ok(vl_encode_texts_at(texts, item, &w.t, &w.m, w.ids, w.mask, at, TEXTS, X));
    assert_int_equal(vl_encode_texts_at(texts, item, &w.t, &w.m, w.ids + 4 * X, w.mask + 4 * X,
                                        late, 1, X), VIOLET_EINVAL);
    assert_int_equal(vl_encode_texts_at(texts, item, &w.t, &w.m, w.ids, w.mask, out, 1, X),
                     VIOLET_EINVAL);
    vl_features_close(w.texts);
    w.texts = texts;
    vl_scorer *s = scorer(NULL);
    ok(vl_scorer_score(s, score, w.video, w.text, PAIRS));
    for (int i = 0; i < PAIRS; i++) {
        double moved = 0;
        read_at(right, w.video[i], w.text[i], at[w.text[i]]);
        for (int k = 0; k < ANSWERS; k++) {
            real x = score[i * ANSWERS + k];
            assert_true(fabs((double)(x - right[k])) < 1e-4 * (1 + fabs((double)right[k])));
            moved = fmax(moved, fabs((double)(x - w.right[i * ANSWERS + k])));
        }
        assert_true(at[w.text[i]] == 0 ? moved < 1e-4 : moved > 1e-3);
    }
    vl_scorer_close(s);
    close_world();
}

/* After it, scores are to the bit what a fresh scorer gives; and items may be others. */
static void what_was_kept_can_be_forgotten(void **state)
{
    (void)state;
    real first[TEXTS], again[TEXTS];
    const int one = 1, zero = 0;
    open_world(&small, VL_HEAD_MATCH, vl_backend_fast());
    const int *last = w.video + (VIDEOS - 1) * TEXTS;
    vl_scorer *s = scorer(NULL);
    ok(vl_scorer_score(s, first, last, w.text, TEXTS));
    vl_scorer_close(s);
    s = scorer(&(vl_scorer_options){.block = 3, .keep_texts = 4});
    by_videos(s, 1e-4);
    vl_scorer_close(s);
    s = scorer(NULL);
    by_texts(s, 1e-4);
    vl_scorer_forget(s);
    ok(vl_scorer_score(s, again, last, w.text, TEXTS));
    assert_memory_equal(first, again, sizeof first);
    ok(vl_scorer_score(s, first, &one, w.text, 1));
    size_t each = sizeof w.image / VIDEOS;
    ok(vl_encode_videos(w.videos, &zero, &w.t, &w.m, plan_of(1), w.image + each));
    vl_scorer_forget(s);
    ok(vl_scorer_score(s, again, &zero, w.text, 1)); /* video 0 is video 1 now */
    assert_true(fabs((double)(first[0] - again[0])) < 1e-5);
    assert_true(fabs((double)(again[0] - w.right[0])) > 1e-4);
    vl_scorer_close(s);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_single_pairs),
        cmocka_unit_test(shared_rows_have_no_gradient),
        cmocka_unit_test(the_reference_backend_agrees),
        cmocka_unit_test(bfloat16_is_near),
        cmocka_unit_test(videos_of_two_lengths),
        cmocka_unit_test(nothing_is_allocated_later),
        cmocka_unit_test(only_what_is_needed_is_computed),
        cmocka_unit_test(texts_are_read_where_asked),
        cmocka_unit_test(what_was_kept_can_be_forgotten),
        cmocka_unit_test(what_cannot_be_scored),
        cmocka_unit_test(errors_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
