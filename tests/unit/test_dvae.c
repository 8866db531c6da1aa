/* The discrete VAE on the tape: shapes refused, no allocation after the first step, the same bits
 * again, codes as one-hot rows, samples that follow the step. Its numbers are the golden tests'. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "nn/dvae.h"

enum { B = 2, S = 16, H = S / 8, V = 12 };

typedef struct fixture {
    vl_params params;
    vl_dvae_half encoder, decoder;
    vl_device *device;
    vl_tape tape;
    uint8_t image[B * 3 * S * S];
} fixture;

static int set_up(void **state)
{
    const vl_dvae_config c = {8, 4, V};
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || vl_params_init(&f->params, 1, 0) != VIOLET_OK) return 1;
    vl_dvae_encoder_init(&f->encoder, &f->params, &c, "encoder/");
    vl_dvae_decoder_init(&f->decoder, &f->params, &c, "decoder/");
    vl_params_draw(&f->params, 5);
    f->device = vl_backend_fast()->open(2);
    for (size_t i = 0; i < sizeof f->image; i++) f->image[i] = (uint8_t)(i * 37 % 251);
    return !f->device || vl_tape_init(&f->tape, vl_backend_fast(), f->device, 0) != VIOLET_OK;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    vl_tape_release(&f->tape);
    vl_backend_fast()->close(f->device);
    vl_params_release(&f->params);
    free(f);
    return 0;
}

/* Loss of one training step, its gradients in the parameters' block. */
static real step(fixture *f, uint64_t number, int checkpoint)
{
    vl_tape *t = &f->tape;
    vl_tape_reset(t, 1, number);
    t->checkpoint_on = checkpoint;
    memset(f->params.grads.base, 0, f->params.grads.used);
    vl_tensor *x = vl_dvae_pixels(t, f->image, B, S);
    vl_tensor *y = vl_dvae_encode(t, &f->encoder, x, B, S);
    vl_tensor *d = vl_dvae_decode(t, &f->decoder, vl_gumbel_softmax(t, y, (real)0.7), B, H);
    vl_tensor *loss = vl_add(t, vl_logit_laplace(t, d, x), vl_kl_uniform(t, y));
    assert_int_equal(vl_tape_backward(t, loss), VIOLET_OK);
    assert_true(isfinite(loss->x[0]));
    return loss->x[0];
}

static void names_are_the_published_ones(void **state)
{
    fixture *f = *state;
    const vl_param *w = vl_params_find(&f->params,
                                       "encoder/blocks.group_2.block_1.res_path.conv_1.w");
    assert_non_null(w);
    const int want[] = {16 / 4, 8, 3, 3};
    assert_int_equal(w->n_dims, 4);
    assert_memory_equal(w->shape, want, sizeof want);
    assert_non_null(vl_params_find(&f->params, "decoder/blocks.group_1.block_1.id_path.b"));
    assert_null(vl_params_find(&f->params, "encoder/blocks.group_1.block_1.id_path.w"));
    assert_non_null(vl_params_find(&f->params, "encoder/blocks.output.conv.w"));
}

static void a_step_repeats_to_the_bit_and_allocates_once(void **state)
{
    fixture *f = *state;
    size_t bytes = f->params.grads.used;
    real first = step(f, 1, 0), *grads = malloc(bytes);
    assert_non_null(grads);
    memcpy(grads, f->params.grads.base, bytes);
    size_t allocs = f->tape.n_host_allocs, peak = f->tape.keep.peak;
    assert_true(step(f, 1, 0) == first);
    assert_memory_equal(f->params.grads.base, grads, bytes);
    assert_int_equal(f->tape.n_host_allocs, allocs);
    assert_int_equal(f->tape.keep.peak, peak);
    assert_true(step(f, 2, 0) != first); /* another draw */
    /* blocks computed again: the same */
    assert_true(step(f, 1, 1) == first);
    assert_memory_equal(f->params.grads.base, grads, bytes);
    free(grads);
}

static void every_parameter_gets_a_gradient(void **state)
{
    fixture *f = *state;
    step(f, 1, 0);
    for (int i = 0; i < f->params.n; i++) {
        const vl_param *e = &f->params.list[i];
        const real *g = vl_param_grads(&f->params, e);
        double sum = 0;
        for (size_t j = 0; j < e->count; j++) sum += fabs((double)g[j]);
        if (!(sum > 0)) fail_msg("%s has no gradient", e->name);
    }
}

static void codes_are_one_hot_rows(void **state)
{
    fixture *f = *state;
    vl_tape *t = &f->tape;
    int codes[B * H * H];
    vl_tape_reset(t, 0, 0);
    vl_tensor *z = vl_tape_tensor(t, B * H * H, V, 0);
    memset(z->x, 0, sizeof(real) * B * H * H * V);
    for (int i = 0; i < B * H * H; i++) {
        codes[i] = i * 5 % V;
        z->x[i * V + codes[i]] = 1;
    }
    const vl_tensor *a = vl_dvae_decode(t, &f->decoder, z, B, H);
    const vl_tensor *b = vl_dvae_decode_codes(t, &f->decoder, codes, B, H);
    assert_int_equal(vl_tape_status(t), VIOLET_OK);
    assert_int_equal(b->rows, B * S * S);
    assert_int_equal(b->cols, VL_DVAE_CHANNELS);
    for (int i = 0; i < B * S * S * VL_DVAE_CHANNELS; i++)
        assert_true(fabs((double)(a->x[i] - b->x[i])) <= 1e-6 * (1 + fabs((double)a->x[i])));
    codes[3] = V;
    vl_dvae_decode_codes(t, &f->decoder, codes, B, H);
    assert_int_equal(vl_tape_status(t), VIOLET_EINVAL);
    assert_string_equal(violet_error(), "dVAE: code 12 at position 3, there are 12");
}

static void wrong_shapes_are_refused(void **state)
{
    fixture *f = *state;
    vl_tape *t = &f->tape;
    vl_tape_reset(t, 0, 0);
    vl_dvae_encode(t, &f->encoder, vl_dvae_pixels(t, f->image, 1, 12), 1, 12);
    assert_int_equal(vl_tape_status(t), VIOLET_ESHAPE);
    assert_string_equal(violet_error(), "dVAE: pictures of 12 pixels, expected a multiple of 8");
    vl_tape_reset(t, 0, 0);
    vl_tensor *x = vl_dvae_pixels(t, f->image, B, S);
    vl_maxpool(t, x, B, S / 2, S);
    assert_string_equal((vl_tape_status(t), violet_error()),
                        "max-pooling: x has 512 rows, the pictures are 2 of 8x16");
    vl_tape_reset(t, 0, 0);
    x = vl_dvae_pixels(t, f->image, B, S);
    vl_conv2d(t, x, &f->encoder.block[0][0].res[0].w, NULL, B, S, S, 3, VL_ACT_NONE);
    assert_string_equal((vl_tape_status(t), violet_error()),
                        "convolution 3x3: x has 3 channels, w is 2x72, b has 2");
}

static void doubling_repeats_pixels(void **state)
{
    fixture *f = *state;
    vl_tape *t = &f->tape;
    vl_tape_reset(t, 0, 0);
    vl_tensor *x = vl_tape_tensor(t, 2 * 1 * 2, 1, 0); // (2,1,2)
    for (int i = 0; i < 4; i++) x->x[i] = (real)i;
    const vl_tensor *y = vl_upsample(t, x, 2, 1, 2);
    const real want[] = {0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3};
    assert_int_equal(y->rows, 16);
    assert_memory_equal(y->x, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_published_ones),
        cmocka_unit_test(a_step_repeats_to_the_bit_and_allocates_once),
        cmocka_unit_test(every_parameter_gets_a_gradient),
        cmocka_unit_test(codes_are_one_hot_rows),
        cmocka_unit_test(wrong_shapes_are_refused),
        cmocka_unit_test(doubling_repeats_pixels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
