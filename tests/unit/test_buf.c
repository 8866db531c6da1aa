/* The growable buffer: grows, stays closed by 0, is handed over. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"

static void grows_and_stays_closed(void **state)
{
    (void)state;
    vl_buf b = {0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(vl_buf_printf(&b, "%d,", i), VIOLET_OK);
        assert_int_equal(b.data[b.n], 0);
        assert_true(b.n < b.cap);
    }
    assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
    assert_string_equal(b.data + b.n - 8, "998,999,");
    vl_buf_clear(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(vl_buf_append(&b, "a\0b", 3), VIOLET_OK);
    assert_int_equal(vl_buf_putc(&b, 'c'), VIOLET_OK);
    assert_int_equal(vl_buf_puts(&b, "de"), VIOLET_OK);
    assert_int_equal(b.n, 6);
    assert_memory_equal(b.data, "a\0bcde", 7);
    vl_buf_free(&b);
    assert_null(b.data);
}

static void steal_hands_over(void **state)
{
    (void)state;
    vl_buf b = {0};
    assert_null(vl_buf_steal(&b));
    assert_int_equal(vl_buf_puts(&b, "mine"), VIOLET_OK);
    char *s = vl_buf_steal(&b);
    assert_string_equal(s, "mine");
    assert_int_equal(b.n + b.cap, 0);
    free(s);
    vl_buf_free(&b);
}

static void impossible_size_is_no_memory(void **state)
{
    (void)state;
    vl_buf b = {0};
    assert_int_equal(vl_buf_puts(&b, "kept"), VIOLET_OK);
    assert_int_equal(vl_buf_reserve(&b, SIZE_MAX), VIOLET_ENOMEM);
    assert_int_equal(vl_buf_reserve(&b, SIZE_MAX / 2), VIOLET_ENOMEM);
    assert_string_equal(b.data, "kept");
    vl_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_closed),
        cmocka_unit_test(steal_hands_over),
        cmocka_unit_test(impossible_size_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
