/* Annotations and orders. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/annotation.h"
#include "data/sampler.h"
#include "make_data.h"

static char folder[64], path[100];

static void put(const char *json)
{
    write_text(folder, "t.json", json, strlen(json));
}

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/t.json", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static void captions(void **state)
{
    (void)state;
    vl_captions *c;
    put("{\"train\": {\"v1\": [\"one\", \"two\"], \"v2\": []}, \"bad\": {\"v\": \"x\"},"
        "\"b2\": {\"v\": [3]}}");
    assert_int_equal(vl_captions_open(&c, path, "train"), VIOLET_OK);
    assert_int_equal(vl_captions_n_videos(c), 2);
    assert_int_equal(vl_captions_n(c, "v1xx", 2), 2);
    assert_string_equal(vl_captions_get(c, "v1", 2, 1), "two");
    assert_null(vl_captions_get(c, "v1", 2, 2));
    assert_int_equal(vl_captions_n(c, "v2", 2), 0);
    assert_int_equal(vl_captions_n(c, "v3", 2), 0);
    vl_captions_close(c);
    assert_int_equal(vl_captions_open(&c, path, "val"), VIOLET_EFORMAT);
    assert_int_equal(vl_captions_open(&c, path, "bad"), VIOLET_EFORMAT);
    assert_int_equal(vl_captions_open(&c, path, "b2"), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "'v'"));
    put("{\"train\": ");
    assert_int_equal(vl_captions_open(&c, path, "train"), VIOLET_EFORMAT);
    assert_null(c);
}

static void real_files(void **state)
{
    (void)state;
    if (!vl_file_exists("../shared/data/txt_cc3m.json")) {
        printf("skip: ../shared/data is not here\n");
        skip();
    }
    vl_captions *c;
    assert_int_equal(vl_captions_open(&c, "../shared/data/txt_cc3m.json", "train"), VIOLET_OK);
    assert_string_equal(vl_captions_get(c, "00000000", 8, 0), "a very typical bus station");
    vl_captions_close(c);
}

static void an_order_visits_each_once(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 300; n += n < 20 ? 1 : 37) {
        uint8_t seen[300] = {0};
        size_t fixed = 0;
        vl_order o = vl_order_init(1, 2, 3, n), again = vl_order_init(1, 2, 3, n);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t x = vl_order_at(&o, i);
            assert_true(x < n && !seen[x]++);
            assert_true(x == vl_order_at(&again, i));
            fixed += x == i;
        }
        if (n > 100) assert_true(fixed < 12);
    }
    /* other seeds, epochs and parts: other orders; where position 0 goes is spread evenly */
    size_t same = 0, low = 0;
    vl_order a = vl_order_init(1, 0, 0, 1000), b = vl_order_init(1, 1, 0, 1000);
    for (uint64_t i = 0; i < 1000; i++) same += vl_order_at(&a, i) == vl_order_at(&b, i);
    assert_true(same < 10);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        vl_order o = vl_order_init(seed, 0, 0, 1000);
        low += vl_order_at(&o, 0) < 500;
    }
    assert_in_range(low, 900, 1100);
    vl_order big = vl_order_init(1, 0, 0, (uint64_t)1 << 40);
    assert_true(vl_order_at(&big, 12345) < (uint64_t)1 << 40);
}

static void plans(void **state)
{
    (void)state;
    const uint64_t n[3] = {5, 1, 7};
    vl_plan p;
    for (int kind = 0; kind < 2; kind++) {
        int count[3] = {0}, changes = 0, last = 0, part;
        uint64_t batch;
        assert_int_equal(vl_plan_init(&p, 1, 0, (vl_plan_kind)kind, n, 3), VIOLET_OK);
        assert_int_equal(p.n, 13);
        for (uint64_t i = 0; i < p.n; i++) {
            vl_plan_at(&part, &batch, &p, i);
            assert_true(batch < n[part]);
            count[part]++;
            changes += part != last;
            last = part;
        }
        assert_true(count[0] == 5 && count[1] == 1 && count[2] == 7);
        assert_true(kind == VL_PLAN_SEQUENTIAL ? changes == 2 : changes > 2);
    }
    assert_int_equal(vl_plan_init(&p, 1, 0, VL_PLAN_MIXED, n, 0), VIOLET_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions),
        cmocka_unit_test(real_files),
        cmocka_unit_test(an_order_visits_each_once),
        cmocka_unit_test(plans),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
