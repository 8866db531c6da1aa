/* The error message: one line, prefixed by callers, cut and cleaned. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/status.h"

static void message_and_code_are_one_expression(void **state)
{
    (void)state;
    assert_int_equal(vl_err(VIOLET_ESHAPE, "expected %d, found %d", 3, 4), VIOLET_ESHAPE);
    assert_string_equal(violet_error(), "expected 3, found 4");
}

static void place_goes_in_front(void **state)
{
    (void)state;
    vl_err(VIOLET_EFORMAT, "bad byte");
    assert_int_equal(vl_err_at(VIOLET_EFORMAT, "%s line %d", "a.tsv", 7), VIOLET_EFORMAT);
    assert_string_equal(violet_error(), "a.tsv line 7: bad byte");
}

static void message_stays_one_printable_line(void **state)
{
    (void)state;
    vl_err(VIOLET_EFORMAT, "name 'a\nb\033[31m'");
    assert_string_equal(violet_error(), "name 'a?b?[31m'");
    char big[3000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    vl_err(VIOLET_EFORMAT, "%s", big);
    assert_true(strlen(violet_error()) == 1023);
}

static void errno_is_told_in_words(void **state)
{
    (void)state;
    errno = ENOSPC;
    assert_int_equal(vl_err_errno("write '%s'", "x"), VIOLET_EIO);
    assert_string_equal(violet_error(), "write 'x': No space left on device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_and_code_are_one_expression),
        cmocka_unit_test(place_goes_in_front),
        cmocka_unit_test(message_stays_one_printable_line),
        cmocka_unit_test(errno_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
