/* The contrastive loss against central differences, in double (CONFIG=double): from the embeddings
 * of texts and a model's parameters through the text tower, means, projections, rows of length 1
 * and a product of two activations; with pairs that take no part. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "task/contrast.h"

#define STEP 1e-5
#define TOLERANCE 1e-6 /* relative to the largest gradient of the parameter */
enum { B = 4, NI = 3, X = 5, D = 64, TRIED = 12 };

static const vl_config small = {.video = {8, {1, 1, 1, 1}, {1, 2, 2, 4}, {2, 3, 3}, 0, 0},
                                .frames = 6,
                                .positions = 197,
                                .grid = {7, 7},
                                .hidden = D,
                                .ct_layers = 7,
                                .ct_heads = 4,
                                .ct_mlp = 96,
                                .size_vocab = 50,
                                .size_code = 30,
                                .size_answer = 4,
                                .dual_width = 9};

static vl_model m;
static vl_tape t;
static real features[B * NI * D];

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

static double loss_of(int grad)
{
    static const uint8_t mask[B * X] = {1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0};
    static const uint8_t same[B * B] = {1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1};
    int ids[B * X];
    vl_contrast_output out;
    for (int i = 0; i < B * X; i++) ids[i] = mask[i] ? 1 + i * 7 % 49 : 0;
    vl_tape_reset(&t, 1, 1);
    t.grad_on = grad;
    vl_tensor *image = vl_tape_tensor(&t, B * NI, D, 0);
    ok(vl_tape_status(&t));
    memcpy(image->x, features, sizeof features);
    vl_tensor *text = vl_model_text(&t, &m, ids, B, X);
    const vl_contrast_input in = {B, NI, X, image, text, mask, same};
    vl_contrast_forward(&t, &m, &in, &out);
    ok(vl_tape_status(&t));
    assert_int_equal(out.asked, 2 * B);
    if (grad) ok(vl_tape_backward(&t, vl_contrast_add(&t, NULL, &out, 1)));
    return (double)out.loss->x[0];
}

static void check(const vl_param *e)
{
    const real *g = vl_param_grads(&m.params, e);
    real *w = vl_param_weights(&m.params, e);
    double most = 0;
    for (size_t i = 0; i < e->count; i++) most = fmax(most, fabs((double)g[i]));
    if (most < 1e-6) fail_msg("%s: no gradient", e->name);
    for (int k = 0; k < TRIED; k++) {
        size_t i = vl_rng_below(17, (uint64_t)k, (uint32_t)e->count);
        double was = (double)w[i];
        w[i] = (real)(was + STEP);
        double above = loss_of(0);
        w[i] = (real)(was - STEP);
        double below = loss_of(0);
        w[i] = (real)was;
        double should = (above - below) / (2 * STEP);
        if (fabs((double)g[i] - should) > TOLERANCE * most)
            fail_msg("%s[%zu]: %.12g, should be %.12g", e->name, i, (double)g[i], should);
    }
}

static void the_gradient_is_right(void **state)
{
    (void)state;
    static const char *const names[] = {
        "dual.video.weight", "dual.text.weight", "trsfr.layer.0.attention.self.value.weight",
        "trsfr.layer.1.output.dense.weight", "enc_txt.emb_txt.word_embeddings.weight"};
    if (sizeof(real) != sizeof(double)) skip();
    vl_device *d = vl_backend_ref()->open(1);
    assert_non_null(d);
    ok(vl_tape_init(&t, vl_backend_ref(), d, 0));
    ok(vl_model_init(&m, &small, VL_HEAD_DUAL, 1, 0));
    assert_int_equal(vl_config_dual_layers(&small), 2);
    vl_params_draw(&m.params, 3);
    for (int i = 0; i < B * NI * D; i++)
        features[i] = (real)(vl_rng_u32(7, (uint64_t)i) / 4294967296.0 - 0.4);
    loss_of(1); /* the second time, gradients of activations find other numbers where they go */
    memset(m.params.grads.base, 0, vl_params_size(&m.params) * sizeof(real));
    loss_of(1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(vl_params_find(&m.params, names[i]));
    /* layers behind the text tower have no part in it */
    const vl_param *behind = vl_params_find(&m.params, "trsfr.layer.2.output.dense.weight");
    for (size_t i = 0; i < behind->count; i++)
        assert_true(vl_param_grads(&m.params, behind)[i] == 0);
    vl_model_release(&m);
    vl_tape_release(&t);
    vl_backend_ref()->close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_gradient_is_right)};
    return cmocka_run_group_tests_name("gradient_contrast", tests, NULL, NULL);
}
