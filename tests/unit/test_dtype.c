/* Values of tensor files to and from float: all 65536 halves and brain floats both ways, every
 * rounding tie and its neighbours, NaN, infinities, overflow, unaligned bytes. What is expected is
 * worked out in double, with none of the tricks of dtype.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/dtype.h"

/* A 16-bit type: bits of the mantissa, and the exponent of its smallest normal value. */
typedef struct small {
    vl_dtype type;
    int mantissa, least;
} small;

static const small half = {VL_DT_F16, 10, -14}, brain = {VL_DT_BF16, 7, -126};

static double value_of(small s, int bits)
{
    int exponent = (bits & 0x7fff) >> s.mantissa, mantissa = bits & ((1 << s.mantissa) - 1);
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == (0x7fff >> s.mantissa)) return mantissa ? NAN : sign * INFINITY;
    if (!exponent) return sign * ldexp(mantissa, s.least - s.mantissa);
    return sign * ldexp(mantissa + (1 << s.mantissa), exponent - 1 + s.least - s.mantissa);
}

static int same(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static uint16_t one(small s, float x)
{
    uint16_t h;
    if (vl_dtype_from_float(&h, s.type, &x, 1) != VIOLET_OK) fail_msg("%a: %s", (double)x,
                                                                      violet_error());
    return h;
}

static void all_values_there_and_back(small s)
{
    static uint16_t in[65536], out[65536];
    static float x[65536];
    for (int i = 0; i < 65536; i++) in[i] = (uint16_t)i;
    vl_dtype_to_float(x, in, s.type, 65536);
    assert_int_equal(vl_dtype_from_float(out, s.type, x, 65536), VIOLET_OK);
    for (int i = 0; i < 65536; i++) {
        if (!same((double)x[i], value_of(s, i))) fail_msg("%04x is %a", i, (double)x[i]);
        /* NaN stays NaN, of the same sign and mantissa, but quiet */
        int expected = isnan(x[i]) ? i | 1 << (s.mantissa - 1) : i;
        if (out[i] != expected) fail_msg("%04x becomes %04x", i, out[i]);
        if (s.type == VL_DT_F16) assert_true(same((double)vl_half_to_float(in[i]), value_of(s, i)));
    }
}

static void there_and_back(void **state)
{
    (void)state;
    all_values_there_and_back(half);
    all_values_there_and_back(brain);
}

/* Between each two neighbours: the tie, what is just below and just above it. */
static void ties_of(small s)
{
    int n = 0;
    for (int i = 0; value_of(s, i + 1) < (double)INFINITY; i++, n++) {
        float tie = (float)((value_of(s, i) + value_of(s, i + 1)) / 2);
        for (int sign = 0; sign < 2; sign++) {
            int bit = sign << 15;
            float by = sign ? -1.0f : 1.0f;
            assert_int_equal(one(s, by * tie), (i + (i & 1)) | bit);
            assert_int_equal(one(s, by * nextafterf(tie, 0)), i | bit);
            assert_int_equal(one(s, by * nextafterf(tie, INFINITY)), (i + 1) | bit);
        }
    }
    assert_int_equal(n, s.type == VL_DT_F16 ? 0x7bff : 0x7f7f);
}

static void ties_go_to_even(void **state)
{
    (void)state;
    ties_of(half);
    ties_of(brain);
    assert_int_equal(one(half, 0x1p-126f), 0); /* far below what there is, and float's least */
    assert_int_equal(one(half, -0x1p-149f), 0x8000);
    assert_int_equal(one(half, NAN) & 0x7e00, 0x7e00);
    assert_int_equal(one(brain, NAN) & 0x7fc0, 0x7fc0);
}

/* The first value that would become infinite, the last that does not, at any place of a run. */
static void too_large_is_named_by_its_place(void **state)
{
    (void)state;
    const struct {
        small s;
        float limit;
        const char *name;
    } cases[] = {{half, 65520.0f, "F16"}, {brain, 0x1.ffp127f, "BF16"}};
    for (int k = 0; k < 2; k++) {
        float x[67], last = nextafterf(cases[k].limit, 0);
        uint16_t h[67];
        char expected[80];
        for (int i = 0; i < 67; i++) x[i] = i % 3 ? (i % 2 ? last : -INFINITY) : NAN;
        assert_int_equal(vl_dtype_from_float(h, cases[k].s.type, x, 67), VIOLET_OK);
        assert_int_equal(h[1], k ? 0x7f7f : 0x7bff);
        assert_int_equal(h[2], k ? 0xff80 : 0xfc00);
        for (int i = 0; i < 67; i++) {
            float kept = x[i];
            x[i] = i % 2 ? cases[k].limit : -cases[k].limit;
            assert_int_equal(vl_dtype_from_float(h, cases[k].s.type, x, 67), VIOLET_ESHAPE);
            snprintf(expected, sizeof expected, "value %d, %g, is too large for %s", i,
                     (double)x[i], cases[k].name);
            assert_string_equal(violet_error(), expected);
            x[i] = kept;
        }
    }
}

static void wider_and_other_types(void **state)
{
    (void)state;
    const float x[] = {1.5f, -0.0f, INFINITY, 0x1p-149f, 3e38f};
    float back[5];
    char bytes[48];
    const vl_dtype types[] = {VL_DT_F64, VL_DT_F32};
    for (int k = 0; k < 2; k++) { /* bytes + 1: not aligned */
        assert_int_equal(vl_dtype_from_float(bytes + 1, types[k], x, 5), VIOLET_OK);
        vl_dtype_to_float(back, bytes + 1, types[k], 5);
        assert_memory_equal(back, x, sizeof x);
    }
    assert_int_equal(vl_dtype_from_float(bytes + 1, VL_DT_BF16, x, 2), VIOLET_OK);
    vl_dtype_to_float(back, bytes + 1, VL_DT_BF16, 2);
    assert_memory_equal(back, x, 8);
    assert_int_equal(vl_dtype_from_float(bytes, VL_DT_I32, x, 1), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "I32"));
    assert_int_equal(vl_dtype_from_float(NULL, VL_DT_F16, NULL, 0), VIOLET_OK);
    vl_dtype_to_float(NULL, NULL, VL_DT_F32, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(ties_go_to_even),
        cmocka_unit_test(too_large_is_named_by_its_place),
        cmocka_unit_test(wider_and_other_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
