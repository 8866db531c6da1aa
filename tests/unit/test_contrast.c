/* The dual encoder and its loss: vectors of length 1 that do not depend on padding or company, the
 * loss by hand, wrong pairs that are none, vectors of features, models without the head. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "model/dual.h"
#include "model/scorer.h"
#include "task/contrast.h"

enum { B = 3, NI = 4, X = 6, D = 64, E = 10 };

static const vl_config small = {.video = {8, {1, 1, 1, 1}, {1, 2, 2, 4}, {2, 3, 3}, 0.1, 0},
                                .frames = 6,
                                .positions = 197,
                                .grid = {7, 7},
                                .hidden = D,
                                .ct_layers = 2,
                                .ct_heads = 4,
                                .ct_mlp = 96,
                                .size_vocab = 50,
                                .size_code = 30,
                                .size_answer = 4,
                                .dual_width = E,
                                .drop = 0.1};

static vl_model m;
static vl_device *d;
static vl_tape t;
static int ids[B * X];
static uint8_t mask[B * X];

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

static int set_up(void **state)
{
    (void)state;
    ok(vl_model_init(&m, &small, VL_HEAD_DUAL, 1, 0));
    vl_params_draw(&m.params, 5);
    d = vl_backend_fast()->open(1);
    ok(vl_tape_init(&t, vl_backend_fast(), d, 0));
    for (int i = 0; i < B * X; i++) mask[i] = i % X < 3 + i / X;
    for (int i = 0; i < B * X; i++) ids[i] = mask[i] ? 1 + i * 7 % 49 : 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vl_tape_release(&t);
    vl_backend_fast()->close(d);
    vl_model_release(&m);
    return 0;
}

static vl_tensor *videos(void)
{
    vl_tensor *x = vl_tape_tensor(&t, B * NI, D, 0);
    for (int i = 0; i < B * NI * D; i++)
        x->x[i] = (real)((double)((unsigned)i * 2654435761u >> 16) / 65536 - 0.5);
    return x;
}

static void begin(void)
{
    vl_tape_reset(&t, 1, 1);
    t.grad_on = t.training = 0;
}

static void near(double is, double should, double tolerance)
{
    if (!(fabs(is - should) <= tolerance)) fail_msg("%.9g, expected %.9g", is, should);
}

static double dot(const real *a, const real *b)
{
    double sum = 0;
    for (int i = 0; i < E; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static void vectors_have_length_one_and_differ(void **state)
{
    (void)state;
    begin();
    vl_tensor *v = vl_dual_video(&t, &m, videos(), NULL, NI);
    vl_tensor *w = vl_dual_text(&t, &m, vl_model_text(&t, &m, ids, B, X), mask, X);
    ok(vl_tape_status(&t));
    for (int i = 0; i < B; i++) {
        near(dot(v->x + i * E, v->x + i * E), 1, 1e-5);
        near(dot(w->x + i * E, w->x + i * E), 1, 1e-5);
        assert_true(dot(w->x, w->x + i * E) < 0.999 || i == 0);
        assert_true(dot(v->x, v->x + i * E) < 0.999 || i == 0);
    }
}

/* What stands in the padding, and how much of it there is, does not matter; a word does. */
static void a_text_is_its_words_alone(void **state)
{
    (void)state;
    real alone[E], changed[E];
    int own[X + 3] = {0};
    uint8_t seen[X + 3] = {1, 1, 1};
    begin();
    vl_tensor *w = vl_dual_text(&t, &m, vl_model_text(&t, &m, ids, 1, 3), seen, 3);
    ok(vl_tape_status(&t));
    memcpy(alone, w->x, sizeof alone);
    memcpy(own, ids, 3 * sizeof *own);
    for (int i = 3; i < X + 3; i++) own[i] = 9; /* masked all the same */
    begin();
    w = vl_dual_text(&t, &m, vl_model_text(&t, &m, own, 1, X + 3), seen, X + 3);
    ok(vl_tape_status(&t));
    for (int i = 0; i < E; i++) near((double)w->x[i], (double)alone[i], 1e-5);
    own[2]++;
    begin();
    w = vl_dual_text(&t, &m, vl_model_text(&t, &m, own, 1, X + 3), seen, X + 3);
    memcpy(changed, w->x, sizeof changed);
    assert_true(dot(changed, alone) < 0.9999);
}

static void features_have_the_same_vectors(void **state)
{
    (void)state;
    static const int item[B] = {0, 1, 2};
    real of_videos[B * E], of_texts[B * E];
    vl_features *f, *g;
    vl_features_key key = {.kind = "video", .n = B, .rows = NI, .cols = D, .dtype = VL_DT_F32};
    begin();
    vl_tensor *image = videos(), *v = vl_dual_video(&t, &m, image, NULL, NI);
    vl_tensor *w = vl_dual_text(&t, &m, vl_model_text(&t, &m, ids, B, X), mask, X);
    ok(vl_tape_status(&t));
    real want_v[B * E], want_w[B * E];
    memcpy(want_v, v->x, sizeof want_v);
    memcpy(want_w, w->x, sizeof want_w);
    ok(vl_features_open(&f, NULL, &key));
    for (int b = 0; b < B; b++) ok(vl_features_put(f, b, image->x + b * NI * D, NI));
    key = (vl_features_key){.kind = "text", .n = B, .rows = X, .cols = D, .dtype = VL_DT_F32};
    ok(vl_features_open(&g, NULL, &key));
    assert_int_equal(vl_dual_texts_of(of_texts, &t, &m, g, item, B), VIOLET_EINVAL);
    ok(vl_encode_texts(g, item, &t, &m, ids, mask, B, X));
    ok(vl_dual_videos_of(of_videos, &t, &m, f, item, B));
    ok(vl_dual_texts_of(of_texts, &t, &m, g, item, B));
    for (int i = 0; i < B * E; i++) {
        near((double)of_videos[i], (double)want_v[i], 1e-5);
        near((double)of_texts[i], (double)want_w[i], 1e-5);
    }
    vl_features_close(f);
    vl_features_close(g);
}

/* ---- the loss -------------------------------------------------------------------------------- */

static vl_contrast_output loss_of(const uint8_t *same, double cosine[B][B])
{
    vl_contrast_output out;
    begin();
    vl_tensor *image = videos(), *text = vl_model_text(&t, &m, ids, B, X);
    const vl_contrast_input in = {B, NI, X, image, text, mask, same};
    vl_contrast_forward(&t, &m, &in, &out);
    vl_tensor *v = vl_dual_video(&t, &m, image, NULL, NI);
    vl_tensor *w = vl_dual_text(&t, &m, text, mask, X);
    ok(vl_tape_status(&t));
    for (int i = 0; i < B * B; i++) cosine[i / B][i % B] = dot(v->x + i / B * E, w->x + i % B * E);
    return out;
}

/* Mean of -log softmax(20 cosine)[own] over the rows that have a wrong pair, both ways. */
static double by_hand(int *asked, int *right, double cosine[B][B], const uint8_t *same)
{
    double sum = 0;
    *asked = *right = 0;
    for (int i = 0; i < 2 * B; i++) {
        double all = 0, own = 0, most = -2;
        int others = 0, best = 0;
        for (int k = 0; k < B; k++) {
            int v = i < B ? i : k, w = i < B ? k : i - B;
            if (v != w && same && same[v * B + w]) continue;
            if (cosine[v][w] > most) most = cosine[v][w], best = v == w;
            all += exp(20 * cosine[v][w]);
            if (v == w) own = 20 * cosine[v][w];
            others += v != w;
        }
        if (!others) continue;
        ++*asked;
        *right += best;
        sum += log(all) - own;
    }
    return *asked ? sum / *asked : 0;
}

static void the_loss_is_symmetric_and_without_false_negatives(void **state)
{
    (void)state;
    static const uint8_t two[B * B] = {1, 1, 0, 1, 1, 0, 0, 0, 1},
                         one_way[B * B] = {1, 1, 0, 0, 1, 0, 0, 0, 1},
                         lonely[B * B] = {1, 1, 1, 1, 1, 0, 1, 0, 1},
                         all[B * B] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const uint8_t *const cases[] = {NULL, two, one_way, lonely, all};
    static const int expected[] = {6, 6, 6, 4, 0};
    double losses[5];
    for (int k = 0; k < 5; k++) {
        double cosine[B][B];
        int asked, right;
        vl_contrast_output out = loss_of(cases[k], cosine);
        losses[k] = by_hand(&asked, &right, cosine, cases[k]);
        near((double)out.loss->x[0], losses[k], 1e-4);
        assert_int_equal(asked, expected[k]);
        assert_int_equal(out.asked, asked);
        assert_int_equal(out.right, right);
    }
    assert_true(losses[0] > losses[1] && losses[1] > 0);
    assert_true(losses[4] == 0);
}

static void the_weight_counts(void **state)
{
    (void)state;
    double cosine[B][B];
    vl_contrast_output out = loss_of(NULL, cosine);
    vl_tensor *one = vl_tape_tensor(&t, 1, 1, 0);
    one->x[0] = 1;
    double con = (double)out.loss->x[0];
    near((double)vl_contrast_add(&t, one, &out, 0.5)->x[0], 1 + 0.5 * con, 1e-5);
    near((double)vl_contrast_add(&t, NULL, &out, 0.25)->x[0], 0.25 * con, 1e-5);
}

/* ---- models and sizes ------------------------------------------------------------------------ */

static void a_model_without_the_head_is_told(void **state)
{
    (void)state;
    int heads = m.heads;
    m.heads = VL_HEAD_MATCH;
    begin();
    vl_dual_video(&t, &m, videos(), NULL, NI);
    assert_int_equal(vl_tape_status(&t), VIOLET_EINVAL);
    if (!strstr(violet_error(), "no dual encoder")) fail_msg("%s", violet_error());
    m.heads = heads;
    vl_model other;
    vl_config none = small;
    none.dual_width = 0;
    assert_int_equal(vl_model_init(&other, &none, VL_HEAD_DUAL, 0, 0), VIOLET_EINVAL);
    none.dual_width = 8;
    none.dual_layers = 3;
    assert_int_equal(vl_config_check(&none), VIOLET_EINVAL);
}

/* Files of models without the head are as they were before there was one. */
static void usual_sizes_are_not_written(void **state)
{
    (void)state;
    vl_config a, b;
    ok(vl_config_preset(&a, "violet1"));
    assert_int_equal(vl_config_dual_layers(&a), 2);
    json_t *usual = vl_config_save(&a);
    assert_null(json_object_get(usual, "dual_width"));
    json_decref(usual);
    ok(vl_config_preset(&a, "tiny"));
    assert_int_equal(vl_config_dual_layers(&a), 1);
    a.dual_width = 64;
    a.dual_layers = 2;
    json_t *own = vl_config_save(&a);
    ok(vl_config_preset(&b, "violet1"));
    ok(vl_config_load(&b, own, NULL));
    json_decref(own);
    assert_int_equal(b.dual_width, 64);
    assert_int_equal(vl_config_dual_layers(&b), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_have_length_one_and_differ),
        cmocka_unit_test(a_text_is_its_words_alone),
        cmocka_unit_test(features_have_the_same_vectors),
        cmocka_unit_test(the_loss_is_symmetric_and_without_false_negatives),
        cmocka_unit_test(the_weight_counts),
        cmocka_unit_test(a_model_without_the_head_is_told),
        cmocka_unit_test(usual_sizes_are_not_written),
    };
    return cmocka_run_group_tests_name("contrast", tests, set_up, tear_down);
}
