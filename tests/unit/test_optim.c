/* AdamW against the formula in double, learning rates against their closed forms. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/optim.h"

enum { STEPS = 20 };

typedef struct setup {
    const vl_backend *backend;
    vl_device *device;
    vl_params p;
} setup;

static const vl_optim published = {.lr = 2e-3, .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-8,
                                   .decay = 0.1, .decay_all = 1};

static void open_setup(setup *s, const vl_backend *backend)
{
    s->backend = backend;
    s->device = backend->open(1);
    assert_int_equal(vl_params_init(&s->p, 1, 0), VIOLET_OK);
    vl_params_matrix(&s->p, VL_INIT_NORMAL, 0, 13, 7, "", "w");
    vl_params_vector(&s->p, VL_INIT_UNIFORM, 4, 5, "", "b"); /* a gap behind it */
    vl_params_matrix(&s->p, VL_INIT_NORMAL, 0, 3, 4, "", "v");
    vl_params_draw(&s->p, 3);
}

static void close_setup(setup *s)
{
    vl_params_release(&s->p);
    s->backend->close(s->device);
}

static real gradient_at(int step, size_t i)
{
    return (real)(((int)(i * 29) + step * 17) % 41 - 20) / 40;
}

static void set_gradients(setup *s, int step)
{
    for (int k = 0; k < s->p.n; k++)
        for (size_t i = 0; i < s->p.list[k].count; i++)
            vl_param_grads(&s->p, &s->p.list[k])[i] =
                gradient_at(step, s->p.list[k].first + i);
}

/* Parameter k's element i after n steps of optimiser `o`, all in double. */
static double by_the_book(const vl_optim *o, const setup *s, int k, size_t i, double start,
                          double gscale, int n)
{
    double x = start, m = 0, v = 0, decay = o->decay_all || s->p.list[k].is_matrix ? o->decay : 0;
    double lr = s->p.list[k].first < o->n_slow ? o->lr * o->slow : o->lr;
    for (int step = 1; step <= n; step++) {
        double g = (double)gradient_at(step, s->p.list[k].first + i) * gscale;
        x -= lr * decay * x;
        m = o->beta1 * m + (1 - o->beta1) * g;
        v = o->beta2 * v + (1 - o->beta2) * g * g;
        double mh = m / (1 - pow(o->beta1, step)), vh = v / (1 - pow(o->beta2, step));
        x -= lr * mh / (sqrt(vh) + o->eps);
    }
    return x;
}

/* gscale 0: what clipping at o->clip makes of it. All gradients have the norm of step 1 only if
 * clipping is off, so the clipped run takes one step. */
static void check_against_double(const vl_backend *backend, const vl_optim *o, int steps,
                                 double gscale)
{
    setup s;
    double norm, start[3][91];
    open_setup(&s, backend);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < s.p.list[k].count; i++)
            start[k][i] = vl_param_weights(&s.p, &s.p.list[k])[i];
    for (int step = 1; step <= steps; step++) {
        double want = 0;
        set_gradients(&s, step);
        for (int k = 0; k < 3; k++)
            for (size_t i = 0; i < s.p.list[k].count; i++)
                want += pow(gscale * (double)gradient_at(step, s.p.list[k].first + i), 2);
        vl_optim_step(o, s.backend, s.device, &s.p, o->lr, (uint64_t)step, gscale, &norm);
        assert_true(fabs(norm / sqrt(want) - 1) < 1e-6);
        if (o->clip > 0 && norm > o->clip) gscale *= o->clip / norm;
    }
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < s.p.list[k].count; i++) {
            double x = vl_param_weights(&s.p, &s.p.list[k])[i];
            double want = by_the_book(o, &s, k, i, start[k][i], gscale, steps);
            if (fabs(x - want) > 2e-6) fail_msg("%s[%zu]: %.9g, expected %.9g",
                                                s.p.list[k].name, i, x, want);
        }
    for (size_t i = 0; i < vl_params_size(&s.p); i++) { /* the gaps stay zero */
        int inside = 0;
        for (int k = 0; k < 3; k++)
            inside |= i >= s.p.list[k].first && i < s.p.list[k].first + s.p.list[k].count;
        if (!inside) assert_true(((real *)s.p.weights.base)[i] == 0);
    }
    close_setup(&s);
}

static void adamw_is_the_formula(void **state)
{
    (void)state;
    const vl_backend *backends[2] = {vl_backend_ref(), vl_backend_fast()};
    for (int k = 0; k < 2; k++) {
        vl_optim o = published;
        check_against_double(backends[k], &o, STEPS, 1);
        check_against_double(backends[k], &o, STEPS, 0.25); /* four batches an update */
        o.decay = 0;
        check_against_double(backends[k], &o, STEPS, 1);
        o = published;
        o.decay_all = 0; /* the vector keeps its size */
        check_against_double(backends[k], &o, STEPS, 1);
        o.eps = 1e-1;
        check_against_double(backends[k], &o, 3, 1);
    }
}

/* The first parameter, up to where the second begins. */
static void some_parameters_may_learn_slower(void **state)
{
    (void)state;
    setup s;
    open_setup(&s, vl_backend_ref());
    vl_optim o = published;
    o.n_slow = s.p.list[1].first;
    close_setup(&s);
    for (int all = 0; all < 2; all++) {
        o.decay_all = all;
        o.slow = 0.25;
        check_against_double(vl_backend_fast(), &o, 5, 1);
        o.slow = 0; /* they stand still, their moments do not */
        check_against_double(vl_backend_fast(), &o, 5, 1);
    }
}

static void gradients_are_clipped_to_a_norm(void **state)
{
    (void)state;
    vl_optim o = published;
    o.eps = 1; /* else the size of a gradient hardly shows in a first step */
    o.clip = 0.5;
    check_against_double(vl_backend_fast(), &o, 1, 1);
    check_against_double(vl_backend_fast(), &o, 1, 0.5);
    o.clip = 1000; /* never reached: as without */
    check_against_double(vl_backend_fast(), &o, 5, 1);
}

static void without_decay_on_all_only_matrices_shrink(void **state)
{
    (void)state;
    setup s;
    double norm;
    vl_optim o = published;
    o.decay_all = 0;
    o.decay = 0.5;
    o.lr = 0.1;
    open_setup(&s, vl_backend_fast());
    real w = vl_param_weights(&s.p, &s.p.list[0])[3], b = vl_param_weights(&s.p, &s.p.list[1])[2];
    vl_optim_step(&o, s.backend, s.device, &s.p, o.lr, 1, 1, &norm); /* all gradients are 0 */
    assert_true(norm == 0);
    assert_true(vl_param_weights(&s.p, &s.p.list[1])[2] == b);
    assert_true(fabs(vl_param_weights(&s.p, &s.p.list[0])[3] / w - 0.95) < 1e-6);
    close_setup(&s);
}

static void gradients_that_are_not_finite_change_nothing(void **state)
{
    (void)state;
    const real bad[4] = {NAN, INFINITY, -INFINITY, (real)3e38}; /* the last: two of them, and a
                                                                 * float sum would overflow */
    setup s;
    double norm;
    open_setup(&s, vl_backend_fast());
    set_gradients(&s, 1);
    vl_optim_step(&published, s.backend, s.device, &s.p, 1e-3, 1, 1, &norm);
    size_t bytes = vl_params_size(&s.p) * sizeof(real);
    char *was = malloc(3 * bytes);
    memcpy(was, s.p.weights.base, bytes);
    memcpy(was + bytes, s.p.m.base, bytes);
    memcpy(was + 2 * bytes, s.p.v.base, bytes);
    for (int k = 0; k < 3; k++) {
        set_gradients(&s, 2);
        vl_param_grads(&s.p, &s.p.list[2])[11] = bad[k];
        vl_optim_step(&published, s.backend, s.device, &s.p, 1e-3, 2, 1, &norm);
        assert_false(isfinite(norm));
        assert_memory_equal(was, s.p.weights.base, bytes);
        assert_memory_equal(was + bytes, s.p.m.base, bytes);
        assert_memory_equal(was + 2 * bytes, s.p.v.base, bytes);
    }
    vl_optim clipped = published;
    clipped.clip = 1;
    set_gradients(&s, 2);
    vl_param_grads(&s.p, &s.p.list[2])[10] = vl_param_grads(&s.p, &s.p.list[2])[11] = bad[3];
    vl_optim_step(&clipped, s.backend, s.device, &s.p, 1e-3, 2, 1, &norm);
    assert_true(isfinite(norm) && norm > 4e38);
    for (size_t i = 0; i < vl_params_size(&s.p); i++) {
        assert_true(isfinite(((real *)s.p.weights.base)[i]));
        assert_true(isfinite(((real *)s.p.v.base)[i]));
    }
    free(was);
    close_setup(&s);
}

/* ---- learning rate -------------------------------------------------------------------------- */

static void assert_rate(const vl_optim *o, uint64_t step, uint64_t n, double want)
{
    double rate = vl_optim_rate(o, step, n);
    if (fabs(rate - want) > 1e-12)
        fail_msg("step %d of %d: rate %.12g, expected %.12g", (int)step, (int)n, rate, want);
}

static void rates_follow_their_schedule(void **state)
{
    (void)state;
    vl_optim o = {.lr = 1, .schedule = VL_SCHEDULE_CONSTANT};
    for (uint64_t step = 1; step <= 10; step++) assert_rate(&o, step, 10, 1);
    o.schedule = VL_SCHEDULE_LINEAR;
    for (uint64_t step = 1; step <= 11; step++) assert_rate(&o, step, 11, 1 - (step - 1) / 10.0);
    o.lr_end = 0.2;
    assert_rate(&o, 6, 11, 0.6);
    assert_rate(&o, 11, 11, 0.2);
    o.schedule = VL_SCHEDULE_COSINE;
    assert_rate(&o, 1, 11, 1);
    assert_rate(&o, 6, 11, 0.6);
    assert_rate(&o, 11, 11, 0.2);
    o.lr_end = 0;
    assert_rate(&o, 3, 9, 0.5 * (1 + sqrt(0.5)));
    assert_rate(&o, 12, 9, 0); /* beyond the end: the last rate */
}

static void warm_up_rises_evenly_to_the_full_rate(void **state)
{
    (void)state;
    for (int k = VL_SCHEDULE_CONSTANT; k <= VL_SCHEDULE_COSINE; k++) {
        vl_optim o = {.lr = 2, .schedule = (vl_schedule)k, .warmup = 0.1};
        for (uint64_t step = 1; step <= 10; step++) assert_rate(&o, step, 100, 2 * step / 11.0);
        assert_rate(&o, 11, 100, 2); /* the first after it has all of it */
        assert_rate(&o, 100, 100, k == VL_SCHEDULE_CONSTANT ? 2 : 0);
        for (uint64_t step = 12; step < 100; step++)
            assert_true(vl_optim_rate(&o, step, 100) <= vl_optim_rate(&o, step - 1, 100));
        o.warmup = 1; /* all of it warm-up: rising to the end, never a division by zero */
        assert_rate(&o, 100, 100, 2 * 100 / 101.0);
        o.warmup = 0;
        assert_rate(&o, 1, 1, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_is_the_formula),
        cmocka_unit_test(some_parameters_may_learn_slower),
        cmocka_unit_test(gradients_are_clipped_to_a_norm),
        cmocka_unit_test(without_decay_on_all_only_matrices_shrink),
        cmocka_unit_test(gradients_that_are_not_finite_change_nothing),
        cmocka_unit_test(rates_follow_their_schedule),
        cmocka_unit_test(warm_up_rises_evenly_to_the_full_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
