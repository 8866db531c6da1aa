/* The tape: gradients that arrive twice, buffers that change hands, memory that repeats, blocks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "nn/ops.h"

enum { ROWS = 6, COLS = 16, WIDE = 64 };

typedef struct net {
    real w1[WIDE * COLS], b1[WIDE], w2[COLS * WIDE], b2[COLS], nw[COLS], nb[COLS], x[ROWS * COLS];
    real g[2 * WIDE * COLS + WIDE + 3 * COLS + ROWS * COLS];
    vl_tensor fc1, bias1, fc2, bias2, norm_w, norm_b, input;
} net;

static const vl_backend *backend;
static vl_device *device;
static vl_tape tape;

static void open_tape(const vl_backend *b, size_t limit)
{
    backend = b;
    device = b->open(1);
    assert_non_null(device);
    assert_int_equal(vl_tape_init(&tape, b, device, limit), VIOLET_OK);
    vl_tape_reset(&tape, 1, 1);
}

static void close_tape(void)
{
    vl_tape_release(&tape);
    backend->close(device);
}

static vl_tensor param(real *x, real *g, int rows, int cols)
{
    return (vl_tensor){.rows = rows, .cols = cols, .x = x, .g = g, .wants_grad = 1, .is_param = 1};
}

static vl_tensor constant(real *x, int rows, int cols)
{
    return (vl_tensor){.rows = rows, .cols = cols, .x = x};
}

static void assert_reals(const real *x, const real *want, int n)
{
    for (int i = 0; i < n; i++)
        if (x[i] != want[i]) fail_msg("element %d is %g, expected %g", i, x[i], want[i]);
}

/* ---- gradients ------------------------------------------------------------------------------ */

/* y = a + a W + a, where a = relu(p): whole numbers, so that the gradient is exact. */
static void a_gradient_that_arrives_three_times_is_the_sum(void **state)
{
    (void)state;
    real x[4] = {1, 2, 3, 4}, gx[4] = {0}, w[4] = {1, 2, 3, 5}, gw[4] = {0};
    const real g[4] = {1, 10, 100, 1000};
    open_tape(vl_backend_ref(), 0);
    vl_tensor p = param(x, gx, 2, 2), q = param(w, gw, 2, 2);
    vl_tensor *a = vl_activation(&tape, &p, VL_ACT_RELU);
    vl_tensor *y = vl_add(&tape, vl_add(&tape, a, vl_linear(&tape, a, &q, NULL, VL_ACT_NONE)), a);
    assert_reals(y->x, (real[4]){2 + 5, 4 + 13, 6 + 11, 8 + 29}, 4);
    vl_tape_seed_grad(&tape, y, g);
    assert_int_equal(vl_tape_backward_from(&tape), VIOLET_OK);
    /* dp = 2 g + g W (rows of g times W), dW = g^T a */
    assert_reals(gx, (real[4]){2 + 1 + 30, 20 + 2 + 50, 200 + 100 + 3000, 2000 + 200 + 5000}, 4);
    assert_reals(gw, (real[4]){1 + 300, 2 + 400, 10 + 3000, 20 + 4000}, 4);
    close_tape();
}

static void adding_a_tensor_to_itself_doubles_its_gradient(void **state)
{
    (void)state;
    real x[3] = {1, 2, 3}, gx[3] = {7, 0, 0};
    const real g[3] = {1, 10, 100};
    open_tape(vl_backend_ref(), 0);
    vl_tensor p = param(x, gx, 1, 3);
    vl_tensor *a = vl_activation(&tape, &p, VL_ACT_RELU);
    vl_tensor *y = vl_add(&tape, vl_add(&tape, a, a), vl_add(&tape, &p, &p));
    assert_reals(y->x, (real[3]){4, 8, 12}, 3);
    vl_tape_seed_grad(&tape, y, g);
    assert_int_equal(vl_tape_backward_from(&tape), VIOLET_OK);
    assert_reals(gx, (real[3]){7 + 4, 40, 400}, 3); /* parameters': added to what is there */
    close_tape();
}

/* A sum with something that wants no gradient costs no buffer; a chain of others takes turns. */
static void gradient_buffers_are_passed_on_and_used_again(void **state)
{
    (void)state;
    real x[32], gx[32] = {0}, c[32];
    const size_t one = 32 * sizeof(real);
    for (int i = 0; i < 32; i++) x[i] = c[i] = 1;
    open_tape(vl_backend_ref(), 0);
    vl_tensor p = param(x, gx, 2, 16), k = constant(c, 2, 16);
    for (int kind = 0; kind < 2; kind++) {
        vl_tape_reset(&tape, 1, 1);
        vl_tensor *y = vl_activation(&tape, &p, VL_ACT_RELU);
        for (int i = 0; i < 50; i++)
            y = kind ? vl_activation(&tape, y, VL_ACT_RELU) : vl_add(&tape, y, &k);
        vl_tape_seed_grad(&tape, y, c);
        assert_int_equal(vl_tape_backward_from(&tape), VIOLET_OK);
        assert_true(tape.grads.used == (kind ? 2 : 1) * one);
    }
    for (int i = 0; i < 32; i++) assert_true(gx[i] == 2);
    close_tape();
}

static void what_wants_no_gradient_leaves_no_nodes(void **state)
{
    (void)state;
    real x[4] = {1, 2, 3, 4};
    open_tape(vl_backend_ref(), 0);
    vl_tensor c = constant(x, 2, 2);
    vl_tensor *y = vl_add(&tape, &c, vl_activation(&tape, &c, VL_ACT_RELU));
    assert_int_equal(tape.n_nodes, 0);
    assert_int_equal(y->wants_grad, 0);
    close_tape();
}

/* ---- errors --------------------------------------------------------------------------------- */

static void the_first_failure_keeps_its_message(void **state)
{
    (void)state;
    real x[6] = {1, 2, 3, 4, 5, 6}, gx[6] = {0};
    open_tape(vl_backend_ref(), 0);
    vl_tensor p = param(x, gx, 2, 3), q = param(x, gx, 3, 2);
    vl_tensor *good = vl_activation(&tape, &p, VL_ACT_RELU);
    vl_tensor *bad = vl_linear(&tape, &p, &q, NULL, VL_ACT_NONE);
    assert_true(vl_tape_failed(&tape));
    size_t used = tape.keep.used;
    vl_tensor *y = vl_add(&tape, bad, &q); /* would have another message */
    y = vl_layernorm(&tape, vl_dropout(&tape, y, 0.5), &p, &p, 1);
    int id = 99, target = 99;
    y = vl_add(&tape, y, vl_embedding(&tape, &q, &id, 1, -1));
    vl_xent(&tape, y, &target, 1, NULL);
    assert_ptr_equal(vl_gather(&tape, y, NULL, (vl_index){&id, NULL, 1, 1}), &tape.dead);
    assert_true(tape.keep.used == used);
    assert_int_equal(vl_tape_status(&tape), VIOLET_ESHAPE);
    assert_string_equal(violet_error(), "linear: x is 2x3, w is 3x2, b has 3");
    vl_tape_fail(&tape, VIOLET_EIO, "a later failure");
    vl_err(VIOLET_EIO, "something else in between");
    vl_tape_seed_grad(&tape, good, x);
    assert_int_equal(vl_tape_backward(&tape, y), VIOLET_ESHAPE);
    assert_string_equal(violet_error(), "linear: x is 2x3, w is 3x2, b has 3");
    for (int i = 0; i < 6; i++) assert_true(gx[i] == 0);
    vl_tape_reset(&tape, 1, 2);
    y = vl_activation(&tape, &p, VL_ACT_RELU);
    vl_tape_seed_grad(&tape, y, x);
    assert_int_equal(vl_tape_backward_from(&tape), VIOLET_OK);
    assert_reals(gx, x, 6);
    close_tape();
}

static void a_full_arena_is_out_of_memory(void **state)
{
    (void)state;
    real x[64] = {0}, gx[64] = {0};
    open_tape(vl_backend_ref(), 4096);
    vl_tensor p = param(x, gx, 8, 8), *y = &p;
    for (int i = 0; i < 40; i++) y = vl_add(&tape, y, &p);
    assert_int_equal(vl_tape_status(&tape), VIOLET_ENOMEM);
    assert_non_null(strstr(violet_error(), "activations need more than"));
    assert_true(tape.keep.used <= 4096);
    vl_tape_reset(&tape, 1, 2); /* small enough again */
    y = vl_activation(&tape, vl_activation(&tape, &p, VL_ACT_RELU), VL_ACT_RELU);
    assert_int_equal(vl_tape_status(&tape), VIOLET_OK);
    tape.grads.limit = 300; /* one of the two buffers of 256 bytes */
    vl_tape_seed_grad(&tape, y, x);
    assert_int_equal(vl_tape_backward_from(&tape), VIOLET_ENOMEM);
    assert_non_null(strstr(violet_error(), "gradients need more than"));
    tape.grads.limit = 4096;
    close_tape();
}

/* ---- a small network in blocks -------------------------------------------------------------- */

static void fill_net(net *n)
{
    struct {
        real *x;
        vl_tensor *t;
        int rows, cols;
    } all[] = {{n->w1, &n->fc1, WIDE, COLS}, {n->b1, &n->bias1, 1, WIDE},
               {n->w2, &n->fc2, COLS, WIDE}, {n->b2, &n->bias2, 1, COLS},
               {n->nw, &n->norm_w, 1, COLS}, {n->nb, &n->norm_b, 1, COLS},
               {n->x, &n->input, ROWS, COLS}};
    real *g = n->g;
    for (size_t k = 0; k < 7; k++) {
        int count = all[k].rows * all[k].cols;
        for (int i = 0; i < count; i++)
            all[k].x[i] = (real)(((i * 37 + (int)k * 11) % 101 - 50) / 100.0);
        *all[k].t = param(all[k].x, g, all[k].rows, all[k].cols);
        g += count;
    }
    memset(n->g, 0, sizeof n->g);
}

static vl_tensor *mlp(vl_tape *t, const void *arg, vl_tensor *x)
{
    const net *n = arg;
    vl_tensor *y = vl_layernorm(t, x, &n->norm_w, &n->norm_b, (real)1e-5);
    y = vl_dropout(t, vl_linear(t, y, &n->fc1, &n->bias1, VL_ACT_NONE), 0.2);
    y = vl_linear(t, y, &n->fc2, &n->bias2, VL_ACT_GELU);
    return vl_residual(t, x, y, 0.3, 0.2, 2);
}

/* A block of blocks. */
static vl_tensor *two(vl_tape *t, const void *arg, vl_tensor *x)
{
    return vl_block(t, mlp, arg, vl_block(t, mlp, arg, x));
}

static vl_tensor *loss_of(net *n, vl_tensor **last)
{
    static const int target[ROWS] = {3, 0, 15, -1, 7, 7};
    vl_tensor *x = vl_dropout(&tape, &n->input, 0.1);
    x = vl_block(&tape, mlp, n, x);
    x = vl_block(&tape, two, n, x);
    x = vl_block(&tape, mlp, n, vl_dropout(&tape, x, 0.1));
    if (last) *last = x;
    return vl_xent(&tape, x, target, 2, NULL);
}

static void addresses_and_memory_repeat_from_step_to_step(void **state)
{
    (void)state;
    net *n = calloc(1, sizeof *n);
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        vl_tensor *x[4], *last = NULL;
        real *data[4] = {0};
        size_t allocs = 0, keep = 0, grads = 0;
        fill_net(n);
        open_tape(vl_backend_ref(), 0);
        tape.training = 1;
        tape.checkpoint_on = checkpoint;
        for (int step = 0; step < 4; step++) {
            vl_tape_reset(&tape, 5, (uint64_t)step);
            vl_tensor *loss = loss_of(n, &last);
            x[step] = last;
            data[step] = last->x;
            assert_int_equal(vl_tape_backward(&tape, loss), VIOLET_OK);
            if (step == 0) {
                allocs = tape.n_host_allocs;
                keep = tape.keep.peak;
                grads = tape.grads.peak;
            }
            assert_ptr_equal(x[step], x[0]);
            assert_ptr_equal(data[step], data[0]);
        }
        assert_true(allocs > 0 && tape.n_host_allocs == allocs);
        assert_true(tape.keep.peak == keep && tape.grads.peak == grads);
        assert_int_equal(tape.n_nodes, 0);
        close_tape();
    }
    free(n);
}

static void without_gradient_a_block_keeps_its_result_only(void **state)
{
    (void)state;
    net *n = calloc(1, sizeof *n);
    real want[ROWS * COLS];
    fill_net(n);
    open_tape(vl_backend_ref(), 0);
    memcpy(want, two(&tape, n, &n->input)->x, sizeof want);
    assert_true(tape.n_nodes > 0);
    vl_tape_reset(&tape, 1, 1);
    tape.grad_on = 0;
    size_t before = vl_arena_mark(&tape.keep);
    vl_tensor *y = vl_block(&tape, two, n, &n->input);
    size_t result = sizeof want + (sizeof(vl_tensor) + 63) / 64 * 64;
    assert_true(tape.keep.used - before == result);
    assert_int_equal(tape.n_nodes, 0);
    assert_reals(y->x, want, ROWS * COLS);
    close_tape();
    free(n);
}

static void checkpointing_changes_no_bit(const vl_backend *b)
{
    net *n[2];
    real loss[2];
    size_t peak[2];
    for (int k = 0; k < 2; k++) {
        n[k] = calloc(1, sizeof *n[k]);
        fill_net(n[k]);
        open_tape(b, 0);
        tape.training = 1;
        tape.checkpoint_on = k;
        for (int step = 0; step < 3; step++) {
            vl_tape_reset(&tape, 9, (uint64_t)step);
            vl_tensor *l = loss_of(n[k], NULL);
            loss[k] = l->x[0];
            assert_int_equal(vl_tape_backward(&tape, l), VIOLET_OK);
        }
        peak[k] = tape.keep.peak;
        close_tape();
    }
    assert_true(loss[0] == loss[1]);
    for (size_t i = 0, some = 0; i < sizeof n[0]->g / sizeof(real); i++) {
        if (n[0]->g[i] != n[1]->g[i])
            fail_msg("%s: gradient %zu is %g, with checkpointing %g", b->name, i, n[0]->g[i],
                     n[1]->g[i]);
        some += n[0]->g[i] != 0;
        if (i + 1 == sizeof n[0]->g / sizeof(real)) assert_true(some > i / 2);
    }
    assert_true(peak[1] < peak[0]);
    free(n[0]);
    free(n[1]);
}

static void checkpointing_changes_no_bit_ref(void **state)
{
    (void)state;
    checkpointing_changes_no_bit(vl_backend_ref());
}

static void checkpointing_changes_no_bit_fast(void **state)
{
    (void)state;
    checkpointing_changes_no_bit(vl_backend_fast());
}

/* Dropout that is off hands its input back: such a block must not count its gradient twice. */
static vl_tensor *nothing(vl_tape *t, const void *arg, vl_tensor *x)
{
    (void)arg;
    return vl_dropout(t, x, 0);
}

static void a_block_may_return_its_input(void **state)
{
    (void)state;
    real x[2] = {1, 2}, gx[2] = {0};
    const real g[2] = {3, 5};
    open_tape(vl_backend_ref(), 0);
    tape.checkpoint_on = 1;
    vl_tensor p = param(x, gx, 1, 2);
    vl_tensor *a = vl_activation(&tape, &p, VL_ACT_RELU);
    vl_tensor *y = vl_activation(&tape, vl_block(&tape, nothing, NULL, a), VL_ACT_RELU);
    vl_tape_seed_grad(&tape, y, g);
    assert_int_equal(vl_tape_backward_from(&tape), VIOLET_OK);
    assert_reals(gx, g, 2);
    close_tape();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gradient_that_arrives_three_times_is_the_sum),
        cmocka_unit_test(adding_a_tensor_to_itself_doubles_its_gradient),
        cmocka_unit_test(gradient_buffers_are_passed_on_and_used_again),
        cmocka_unit_test(what_wants_no_gradient_leaves_no_nodes),
        cmocka_unit_test(the_first_failure_keeps_its_message),
        cmocka_unit_test(a_full_arena_is_out_of_memory),
        cmocka_unit_test(addresses_and_memory_repeat_from_step_to_step),
        cmocka_unit_test(without_gradient_a_block_keeps_its_result_only),
        cmocka_unit_test(checkpointing_changes_no_bit_ref),
        cmocka_unit_test(checkpointing_changes_no_bit_fast),
        cmocka_unit_test(a_block_may_return_its_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
