/* Rounding of floats to the narrower types of tensor files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "file/dtype.h"

static uint16_t narrow(float x, vl_dtype t)
{
    uint16_t h;
    (void)vl_dtype_from_float(&h, t, &x, 1);
    return h;
}

static float wide(uint16_t h, vl_dtype t)
{
    float x;
    vl_dtype_to_float(&x, &h, t, 1);
    return x;
}

/* Every value comes back; the middle between two goes to the even one, what is beside it to the
 * nearer; for all positive and negative values, subnormal ones too. */
static void nearest_and_even(vl_dtype t, uint16_t infinity)
{
    for (uint16_t h = 0; h < infinity; h++)
        for (int negative = 0; negative < 2; negative++) {
            uint16_t sign = negative ? 0x8000 : 0, even = h & 1 ? (uint16_t)(h + 1) : h;
            float x = fabsf(wide(h, t)), next = fabsf(wide((uint16_t)(h + 1), t));
            if (h + 1 == infinity) next = 2 * x - fabsf(wide((uint16_t)(h - 1), t));
            float middle = x + (next - x) / 2;
            if (negative) x = -x;
            assert_int_equal(narrow(x, t), h | sign);
            if (!isfinite(middle)) continue;
            assert_int_equal(narrow(negative ? -middle : middle, t), even | sign);
            float below = nextafterf(middle, 0), above = nextafterf(middle, INFINITY);
            assert_int_equal(narrow(negative ? -below : below, t), h | sign);
            assert_int_equal(narrow(negative ? -above : above, t), (h + 1) | sign);
        }
}

static void halves(void **state)
{
    (void)state;
    nearest_and_even(VL_DT_F16, 0x7c00);
}

static void bfloats(void **state)
{
    (void)state;
    /* the middles of the smallest are no floats */
    for (uint16_t h = 0; h < 0x80; h++)
        assert_int_equal(narrow(wide(h, VL_DT_BF16), VL_DT_BF16), h);
    nearest_and_even(VL_DT_BF16, 0x7f80);
}

static void what_does_not_fit(void **state)
{
    (void)state;
    float x[3] = {1, 65519, 65520};
    double d[3];
    uint16_t h[3];
    assert_int_equal(vl_dtype_from_float(h, VL_DT_F16, x, 2), VIOLET_OK);
    assert_int_equal(h[1], 0x7bff);
    assert_int_equal(vl_dtype_from_float(h, VL_DT_F16, x, 3), VIOLET_ESHAPE);
    assert_non_null(strstr(violet_error(), "value 2"));
    x[0] = INFINITY, x[1] = -INFINITY, x[2] = NAN;
    for (int k = 0; k < 2; k++) {
        vl_dtype t = k ? VL_DT_BF16 : VL_DT_F16;
        assert_int_equal(vl_dtype_from_float(h, t, x, 3), VIOLET_OK);
        assert_true(wide(h[0], t) == INFINITY && wide(h[1], t) == -INFINITY);
        assert_true(isnan(wide(h[2], t)));
    }
    uint32_t quiet = 0x7f800001; /* a NaN whose upper half is an infinity's */
    memcpy(x, &quiet, 4);
    assert_true(isnan(wide(narrow(x[0], VL_DT_BF16), VL_DT_BF16)));
    assert_true(isnan(wide(narrow(x[0], VL_DT_F16), VL_DT_F16)));
    x[0] = 0.1f;
    assert_int_equal(vl_dtype_from_float(d, VL_DT_F64, x, 1), VIOLET_OK);
    assert_true(d[0] == (double)0.1f);
    assert_int_equal(vl_dtype_from_float(d, VL_DT_I32, x, 1), VIOLET_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves),
        cmocka_unit_test(bfloats),
        cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
