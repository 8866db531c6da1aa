/* Large numbers in words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/words.h"

static void counts_are_grouped(void **state)
{
    char text[VL_WORDS];
    (void)state;
    assert_string_equal(vl_words_count(text, 0), "0");
    assert_string_equal(vl_words_count(text, 999), "999");
    assert_string_equal(vl_words_count(text, 1000), "1,000");
    assert_string_equal(vl_words_count(text, 197577489), "197,577,489");
    assert_string_equal(vl_words_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void bytes_have_units(void **state)
{
    char text[VL_WORDS];
    (void)state;
    assert_string_equal(vl_words_bytes(text, 0), "0 bytes");
    assert_string_equal(vl_words_bytes(text, 999), "999 bytes");
    assert_string_equal(vl_words_bytes(text, 1000), "1.0 kB");
    assert_string_equal(vl_words_bytes(text, 999949), "999.9 kB");
    assert_string_equal(vl_words_bytes(text, 999950), "1.0 MB"); /* never 1000.0 kB */
    assert_string_equal(vl_words_bytes(text, 790371604), "790.4 MB");
    assert_string_equal(vl_words_bytes(text, UINT64_MAX), "18.4 EB");
}

static void shapes_are_products(void **state)
{
    char text[VL_WORDS_SHAPE];
    int64_t shape[9];
    (void)state;
    assert_string_equal(vl_words_shape(text, 2, (const int64_t[]){1, 1536}), "1 x 1536");
    assert_string_equal(vl_words_shape(text, 1, (const int64_t[]){0}), "0");
    assert_string_equal(vl_words_shape(text, 0, NULL), "one number");
    for (int i = 0; i < 9; i++) shape[i] = INT64_MIN;
    assert_int_equal(strlen(vl_words_shape(text, 9, shape)), 8 * 20 + 7 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_grouped),
        cmocka_unit_test(bytes_have_units),
        cmocka_unit_test(shapes_are_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
