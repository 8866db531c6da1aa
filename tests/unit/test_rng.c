/* The random generator: enough statistics that a broken mixer or key shows; first values of
 * parameters, each from its own name. Bounds are five to six deviations of a fixed draw. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tensor/params.h"

enum { N = 1 << 16 };

/* Element i of some stream: elements of one key, or the same element of neighbouring keys. */
static uint32_t draw(int stream, uint64_t i)
{
    switch (stream) {
    case 0: return vl_rng_u32(vl_rng_key(1, 0, 0), i);
    case 1: return vl_rng_u32(vl_rng_key(1, 0, 0), i << 8);
    case 2: return vl_rng_u32(vl_rng_key(1, 0, 0), i << 32);
    case 3: return vl_rng_u32(vl_rng_key(i, 0, 0), 0);
    case 4: return vl_rng_u32(vl_rng_key(1, i, 0), 0);
    case 5: return vl_rng_u32(vl_rng_key(1, 0, i), 7);
    }
    return vl_rng_u32(vl_rng_key(0, 0, 0), i + ((uint64_t)1 << 32) - N / 2); /* over the edge */
}

enum { STREAMS = 7 };

static void every_bit_is_set_half_of_the_time(void **state)
{
    (void)state;
    for (int s = 0; s < STREAMS; s++)
        for (int bit = 0; bit < 32; bit++) {
            int ones = 0;
            for (int i = 0; i < N; i++) ones += draw(s, (uint64_t)i) >> bit & 1;
            double z = (ones - N / 2) / sqrt(N / 4);
            if (fabs(z) > 5) fail_msg("stream %d bit %d: %d of %d", s, bit, ones, N);
        }
}

/* sum (seen - expected)^2 / expected over `bins`, as deviations from its mean. */
static double chi_z(const int *seen, int bins, int n)
{
    double want = (double)n / bins, chi = 0;
    for (int i = 0; i < bins; i++) chi += (seen[i] - want) * (seen[i] - want) / want;
    return (chi - (bins - 1)) / sqrt(2.0 * (bins - 1));
}

static void bytes_and_neighbours_are_uniform(void **state)
{
    (void)state;
    for (int s = 0; s < STREAMS; s++)
        for (int shift = 0; shift <= 24; shift += 8) {
            int one[256] = {0}, pair[256] = {0}, triple[512] = {0};
            for (int i = 0; i < N; i++) {
                uint32_t a = draw(s, (uint64_t)i) >> shift, b = draw(s, (uint64_t)i + 1) >> shift;
                uint32_t c = draw(s, (uint64_t)i + 2) >> shift;
                one[a & 255]++;
                pair[(a >> 4 & 15) << 4 | (b >> 4 & 15)]++;
                triple[(a >> 5 & 7) << 6 | (b >> 5 & 7) << 3 | (c >> 5 & 7)]++;
            }
            /* either way: too even is as wrong as too uneven */
            if (fabs(chi_z(one, 256, N)) > 6) fail_msg("stream %d byte at bit %d", s, shift);
            if (fabs(chi_z(pair, 256, N)) > 6) fail_msg("stream %d pairs at bit %d", s, shift);
            if (fabs(chi_z(triple, 512, N)) > 6) fail_msg("stream %d triples at bit %d", s, shift);
        }
}

static void draws_are_uncorrelated(void **state)
{
    (void)state;
    static const int lags[] = {1, 2, 3, 7, 16, 49, 96, 768, 1024};
    for (int s = 0; s < STREAMS; s++)
        for (size_t k = 0; k < sizeof lags / sizeof *lags; k++) {
            double sum = 0;
            for (int i = 0; i < N; i++)
                sum += (draw(s, (uint64_t)i) * 0x1p-32 - 0.5) *
                       (draw(s, (uint64_t)(i + lags[k])) * 0x1p-32 - 0.5);
            double z = sum * 12 / sqrt(N);
            if (fabs(z) > 5) fail_msg("stream %d lag %d: %g deviations", s, lags[k], z);
        }
}

/* One changed bit of the element changes every bit of the result half of the time. */
static void one_bit_changes_half_of_the_bits(void **state)
{
    (void)state;
    enum { TRIES = 8192 };
    for (int in = 0; in < 40; in++) {
        int changed[32] = {0};
        for (int i = 0; i < TRIES; i++) {
            uint64_t key = vl_rng_key(3, (uint64_t)i, 1), at = vl_rng_mix64((uint64_t)i) >> 20;
            uint32_t d = vl_rng_u32(key, at) ^ vl_rng_u32(key, at ^ (uint64_t)1 << in);
            for (int bit = 0; bit < 32; bit++) changed[bit] += d >> bit & 1;
        }
        for (int bit = 0; bit < 32; bit++) {
            double share = (double)changed[bit] / TRIES;
            if (fabs(share - 0.5) > 0.05) fail_msg("bit %d to bit %d: %g", in, bit, share);
        }
    }
}

static void seed_step_and_site_all_count(void **state)
{
    (void)state;
    static uint64_t keys[3 * 40 * 40];
    int n = 0;
    for (uint64_t a = 0; a < 40; a++)
        for (uint64_t b = 0; b < 40; b++) {
            keys[n++] = vl_rng_key(a, b, 100);
            keys[n++] = vl_rng_key(a, 100, b);
            keys[n++] = vl_rng_key(100, a, b);
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (keys[i] == keys[j]) fail_msg("keys %d and %d are the same", i, j);
}

/* Keys that differ in one bit, of either half, are other streams. */
static void every_bit_of_a_key_counts(void **state)
{
    (void)state;
    for (int in = 0; in < 64; in++) {
        int changed = 0;
        for (uint64_t i = 0; i < 2048; i++) {
            uint64_t key = vl_rng_key(3, 1, i);
            changed += __builtin_popcount(vl_rng_u32(key, 5) ^
                                          vl_rng_u32(key ^ (uint64_t)1 << in, 5));
        }
        if (changed < 2048 * 32 / 5) fail_msg("bit %d: %g bits change", in, changed / 2048.0);
    }
}

static void numbers_below_n_are_uniform(void **state)
{
    (void)state;
    static const int most[] = {1, 2, 3, 7, 30};
    for (size_t k = 0; k < 5; k++) {
        int seen[30] = {0};
        for (int i = 0; i < N; i++) {
            uint32_t x = vl_rng_below(vl_rng_key(2, 0, 0), (uint64_t)i, (uint32_t)most[k]);
            assert_true(x < (uint32_t)most[k]);
            seen[x]++;
        }
        if (most[k] > 1 && fabs(chi_z(seen, most[k], N)) > 6) fail_msg("below %d", most[k]);
    }
}

/* ---- first values --------------------------------------------------------------------------- */

static void add_some(vl_params *p, int more)
{
    if (more) vl_params_vector(p, VL_INIT_UNIFORM, 4, 1000, "", "in.front");
    vl_params_matrix(p, VL_INIT_NORMAL, 0, 200, 300, "", "a.weight");
    if (more) vl_params_matrix(p, VL_INIT_NORMAL, 0, 7, 9, "", "between");
    vl_params_matrix(p, VL_INIT_EMBEDDING, 0, 50, 64, "", "words");
    vl_params_vector(p, VL_INIT_UNIFORM, 25, 4000, "", "u");
    vl_params_vector(p, VL_INIT_ONE, 0, 5, "", "one");
    vl_params_vector(p, VL_INIT_ZERO, 0, 5, "", "zero");
    assert_int_equal(p->status, VIOLET_OK);
}

static void a_parameter_does_not_depend_on_the_others(void **state)
{
    (void)state;
    vl_params few, many;
    assert_int_equal(vl_params_init(&few, 0, 0), VIOLET_OK);
    assert_int_equal(vl_params_init(&many, 1, 0), VIOLET_OK);
    add_some(&few, 0);
    add_some(&many, 1);
    vl_params_draw(&few, 42);
    vl_params_draw(&many, 42);
    for (int i = 0; i < few.n; i++) {
        const vl_param *a = &few.list[i], *b = vl_params_find(&many, a->name);
        assert_memory_equal(vl_param_weights(&few, a), vl_param_weights(&many, b),
                            a->count * sizeof(real));
    }
    const vl_param *a = vl_params_find(&few, "a.weight"), *b = vl_params_find(&many, "between");
    assert_true(vl_param_weights(&few, a)[0] != vl_param_weights(&many, b)[0]);
    vl_params_draw(&many, 43); /* another seed, other values */
    b = vl_params_find(&many, "a.weight");
    int same = 0;
    for (size_t i = 0; i < a->count; i++)
        same += vl_param_weights(&few, a)[i] == vl_param_weights(&many, b)[i];
    assert_true(same < 100);
    vl_params_release(&few);
    vl_params_release(&many);
}

static void check_values(const vl_params *p, const char *name, size_t from, double deviation,
                         double most)
{
    const vl_param *e = vl_params_find(p, name);
    const real *x = vl_param_weights(p, e);
    double sum = 0, squares = 0, n = (double)(e->count - from);
    for (size_t i = from; i < e->count; i++) {
        sum += x[i];
        squares += (double)x[i] * x[i];
        assert_true(fabs(x[i]) <= most);
    }
    if (fabs(sum / n) > 5 * deviation / sqrt(n)) fail_msg("%s: mean %g", name, sum / n);
    if (fabs(sqrt(squares / n) / deviation - 1) > 5 / sqrt(n))
        fail_msg("%s: deviation %g, expected %g", name, sqrt(squares / n), deviation);
}

static void first_values_are_distributed_as_they_should(void **state)
{
    (void)state;
    vl_params p;
    assert_int_equal(vl_params_init(&p, 0, 0), VIOLET_OK);
    add_some(&p, 0);
    vl_params_draw(&p, 7);
    const double cut = 0.879626; /* deviation of a normal that is cut at two */
    check_values(&p, "a.weight", 0, 0.02 * cut, 0.04 + 1e-9);
    check_values(&p, "words", 64, 0.02 * cut, 0.04 + 1e-9);
    check_values(&p, "u", 0, 0.2 / sqrt(3), 0.2);
    for (int i = 0; i < 64; i++)
        assert_true(vl_param_weights(&p, vl_params_find(&p, "words"))[i] == 0);
    for (int i = 0; i < 5; i++) {
        assert_true(vl_param_weights(&p, vl_params_find(&p, "one"))[i] == 1);
        assert_true(vl_param_weights(&p, vl_params_find(&p, "zero"))[i] == 0);
    }
    vl_params_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_is_set_half_of_the_time),
        cmocka_unit_test(bytes_and_neighbours_are_uniform),
        cmocka_unit_test(draws_are_uncorrelated),
        cmocka_unit_test(one_bit_changes_half_of_the_bits),
        cmocka_unit_test(seed_step_and_site_all_count),
        cmocka_unit_test(every_bit_of_a_key_counts),
        cmocka_unit_test(numbers_below_n_are_uniform),
        cmocka_unit_test(a_parameter_does_not_depend_on_the_others),
        cmocka_unit_test(first_values_are_distributed_as_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
