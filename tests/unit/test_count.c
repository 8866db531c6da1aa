/* The counting backend: FLOPs as worked out by hand, memory as a real run has it, and no tensor's
 * memory touched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nn/ops.h"
#include "task/pretrain.h"
#include "tensor/count.h"

static void every_slot_is_filled(void **state)
{
    (void)state;
    /* the struct is a name and function pointers alone */
    void *const *slot = (void *const *)vl_backend_count();
    for (size_t i = 0; i < sizeof(vl_backend) / sizeof *slot; i++) assert_non_null(slot[i]);
}

static void products_are_counted_by_hand(void **state)
{
    (void)state;
    const vl_backend *b = vl_backend_count();
    vl_device *d = b->open(0);
    b->linear_fwd(d, NULL, NULL, NULL, NULL, 3, 5, 7, VL_ACT_NONE);
    vl_count c = vl_count_get(d);
    assert_true(c.flops[VL_COUNT_LINEAR][VL_COUNT_FORWARD] == 2 * 3 * 5 * 7);
    real x;
    b->linear_bwd(d, &x, &x, NULL, NULL, NULL, NULL, 3, 5, 7, VL_ACT_NONE, 0);
    b->linear_bwd(d, NULL, &x, NULL, NULL, NULL, NULL, 3, 5, 7, VL_ACT_NONE, 0);
    vl_attention s = {.n_seq = 2, .n_q = 3, .n_k = 5, .heads = 4, .head_dim = 8, .n_win = 1};
    b->attention_fwd(d, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, &s);
    b->attention_bwd(d, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0,
                     &s, 0, 0);
    vl_count e = vl_count_get(d), between = vl_count_between(&c, &e);
    assert_true(between.flops[VL_COUNT_LINEAR][VL_COUNT_BACKWARD] == 3 * 2 * 3 * 5 * 7);
    assert_true(between.flops[VL_COUNT_LINEAR][VL_COUNT_FORWARD] == 0);
    double product = 2.0 * 2 * 4 * 3 * 5 * 8;
    assert_true(e.flops[VL_COUNT_ATTENTION][VL_COUNT_FORWARD] == 2 * product);
    assert_true(e.flops[VL_COUNT_ATTENTION][VL_COUNT_BACKWARD] == 4 * product);
    assert_true(vl_count_products(&e, VL_COUNT_BACKWARD) == 3 * 2 * 3 * 5 * 7 + 4 * product);
    assert_true(e.calls[VL_COUNT_LINEAR][VL_COUNT_BACKWARD] == 2);
    b->conv2d_fwd(d, NULL, NULL, NULL, NULL, 2, 4, 5, 6, 7, 3, VL_ACT_NONE);
    b->conv2d_bwd(d, NULL, &x, NULL, NULL, NULL, NULL, 2, 4, 5, 6, 7, 3, VL_ACT_NONE, 0);
    vl_count g = vl_count_get(d), conv = vl_count_between(&e, &g);
    double one = 2.0 * (2 * 4 * 5) * 6 * 7 * 9;
    assert_true(conv.flops[VL_COUNT_LINEAR][VL_COUNT_FORWARD] == one);
    assert_true(conv.flops[VL_COUNT_LINEAR][VL_COUNT_BACKWARD] == one);
    b->close(d);
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum { B = 2, T = 2, SIDE = 64, X = 6, NI = T * (1 + 4) };

static const vl_config small = {.video = {8, {1, 2, 1, 1}, {1, 2, 2, 4}, {2, 3, 3}, 0.1, 0},
                                .frames = 6, .positions = 197, .grid = {7, 7},
                                .hidden = 64,
                                .ct_layers = 2,
                                .ct_heads = 4,
                                .ct_mlp = 96,
                                .size_vocab = 50,
                                .size_code = 30,
                                .size_answer = 4,
                                .drop = 0.1};

typedef struct peaks {
    size_t keep, grads;
    uint64_t sites;
} peaks;

static peaks one_step(const vl_backend *backend, int checkpoint)
{
    static uint8_t image[B * T * 3 * SIDE * SIDE];
    int text[B * X], mtm[B * X], mvm[B * NI], negative[B] = {1, 0};
    uint8_t mask[B * X];
    for (int i = 0; i < B * X; i++) text[i] = 1 + i, mask[i] = 1, mtm[i] = i % 3 ? -1 : 7;
    for (int i = 0; i < B * NI; i++) mvm[i] = i % 5 == 2 ? 9 : -1;
    vl_model m;
    vl_tape t;
    vl_swin_plan plan;
    vl_device *d = backend->open(1);
    assert_int_equal(vl_model_init(&m, &small, VL_HEADS_PRETRAIN, 1, 0), VIOLET_OK);
    if (backend != vl_backend_count()) vl_params_draw(&m.params, 1);
    assert_int_equal(vl_tape_init(&t, backend, d, 0), VIOLET_OK);
    assert_int_equal(vl_swin_plan_init(&plan, &small.video, B, T, SIDE, SIDE), VIOLET_OK);
    vl_pretrain_input in = {.B = B,
                            .X = X,
                            .n_negative = 1,
                            .plan = &plan,
                            .image = image,
                            .text = text,
                            .text_mask = mask,
                            .answer_mtm = mtm,
                            .answer_mvm = mvm,
                            .negative = negative};
    vl_pretrain_output out;
    vl_tape_reset(&t, 1, 1);
    t.training = 1;
    t.checkpoint_on = checkpoint;
    vl_pretrain_forward(&t, &m, &in, &out);
    assert_int_equal(vl_tape_status(&t), VIOLET_OK);
    assert_int_equal(vl_tape_backward(&t, out.loss), VIOLET_OK);
    peaks p = {t.keep.peak, t.grads.peak, t.site};
    vl_swin_plan_release(&plan);
    vl_tape_release(&t);
    vl_model_release(&m);
    backend->close(d);
    return p;
}

static void memory_is_that_of_a_real_step(void **state)
{
    (void)state;
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        peaks counted = one_step(vl_backend_count(), checkpoint);
        peaks real_run = one_step(vl_backend_ref(), checkpoint);
        assert_true(counted.keep > 100000);
        assert_int_equal(counted.keep, real_run.keep);
        assert_int_equal(counted.grads, real_run.grads);
        assert_int_equal(counted.sites, real_run.sites);
    }
    assert_true(one_step(vl_backend_count(), 1).keep < one_step(vl_backend_count(), 0).keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_is_filled),
        cmocka_unit_test(products_are_counted_by_hand),
        cmocka_unit_test(memory_is_that_of_a_real_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
