/* Strings that live together, and finding them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/strings.h"

enum { N = 20000 };

static void strings_stay_where_they_are(void **state)
{
    (void)state;
    static const char *kept[N];
    static const int *numbers[N];
    static char large[100000];
    vl_strings s = {0};
    for (int i = 0; i < N; i++) {
        char text[20];
        snprintf(text, sizeof text, "string %d", i);
        kept[i] = vl_strings_keep(&s, text, strlen(text));
        int *two = vl_strings_take(&s, 2 * sizeof *two);
        assert_true(kept[i] && two && (uintptr_t)two % sizeof(void *) == 0);
        two[0] = two[1] = i;
        numbers[i] = two;
    }
    memset(large, 'x', sizeof large);
    const char *big = vl_strings_keep(&s, large, sizeof large);
    assert_string_equal(vl_strings_keep(&s, NULL, 0), "");
    assert_int_equal(strlen(big), sizeof large);
    for (int i = 0; i < N; i++) {
        char text[20];
        snprintf(text, sizeof text, "string %d", i);
        assert_string_equal(kept[i], text);
        assert_true(numbers[i][0] == i && numbers[i][1] == i);
    }
    vl_strings_release(&s);
    vl_strings_release(&s);
}

static void an_index_finds_what_was_added(void **state)
{
    (void)state;
    vl_strings s = {0};
    vl_string_index x = {0};
    uint32_t value;
    assert_false(vl_index_find(&x, &value, "a", 1));
    vl_index_set(&x, 1, "a", 1);
    for (int i = 0; i < N; i++) {
        char text[20];
        int n = snprintf(text, sizeof text, "%d", i % (N / 2));
        value = (uint32_t)i;
        const char *kept = vl_strings_keep(&s, text, (size_t)n);
        assert_int_equal(vl_index_add(&x, &value, kept, (size_t)n), VIOLET_OK);
        assert_int_equal(value, i % (N / 2)); /* the second time it is the first one's */
    }
    assert_int_equal(x.n, N / 2);
    for (int i = 0; i < N; i++) {
        char text[20];
        int n = snprintf(text, sizeof text, "%dx", i);
        assert_int_equal(vl_index_find(&x, &value, text, (size_t)n - 1), i < N / 2);
        if (i < N / 2) assert_int_equal(value, i);
        assert_false(vl_index_find(&x, &value, text, (size_t)n));
    }
    vl_index_set(&x, 7, "12", 2);
    assert_true(vl_index_find(&x, &value, "12", 2) && value == 7);
    value = 5; /* the empty string is one, and so is one with a 0 in it */
    assert_int_equal(vl_index_add(&x, &value, "", 0), VIOLET_OK);
    assert_false(vl_index_find(&x, &value, "\0", 1));
    assert_true(vl_index_find(&x, &value, "", 0) && value == 5);
    vl_index_free(&x);
    vl_strings_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_stay_where_they_are),
        cmocka_unit_test(an_index_finds_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
