/* Numbers by key. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/groups.h"

enum { KEYS = 5, NUMBERS = 7 };

static void open_groups(vl_groups *g, const int *key, int n_keys, int n)
{
    assert_int_equal(vl_groups_open(g, n_keys, (size_t)n), VIOLET_OK);
    for (int i = 0; i < n; i++) vl_groups_count(g, key[i]);
    vl_groups_counted(g);
    for (int i = 0; i < n; i++) vl_groups_put(g, key[i], 10 * i);
}

static void lists_keep_the_order(void **state)
{
    static const int key[NUMBERS] = {3, 0, 4, 3, 0, 3, 1}; /* nothing of key 2 */
    static const size_t first[KEYS + 1] = {0, 2, 3, 3, 6, 7};
    static const int of[NUMBERS] = {10, 40, 60, 0, 30, 50, 20};
    vl_groups g;
    (void)state;
    open_groups(&g, key, KEYS, NUMBERS);
    assert_int_equal(g.n, KEYS);
    assert_memory_equal(g.first, first, sizeof first);
    assert_memory_equal(g.of, of, sizeof of);
    vl_groups_release(&g);
    vl_groups_release(&g);
}

static void one_key(void **state)
{
    static const int key[3] = {0, 0, 0}, of[3] = {0, 10, 20};
    vl_groups g;
    (void)state;
    open_groups(&g, key, 1, 3);
    assert_int_equal(g.first[0], 0);
    assert_int_equal(g.first[1], 3);
    assert_memory_equal(g.of, of, sizeof of);
    vl_groups_release(&g);
}

static void nothing(void **state)
{
    vl_groups g;
    (void)state;
    open_groups(&g, NULL, 0, 0);
    assert_int_equal(g.first[0], 0);
    vl_groups_release(&g);
    open_groups(&g, NULL, 2, 0);
    for (int k = 0; k <= 2; k++) assert_int_equal(g.first[k], 0);
    vl_groups_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_keep_the_order),
        cmocka_unit_test(one_key),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
