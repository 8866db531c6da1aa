/* tsv: columns, indexes right and wrong, truncation at every byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "file/tsv.h"

#define TSV "a\t/9j/1\t/9j/2\nbb\t{\"x\": 1}\t/9j/3\nc\t/9j/4\n"

static bool is(vl_slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.s, text, s.n) == 0;
}

static violet_status parse(vl_tsv **t, const char *data, const char *index)
{
    return vl_tsv_parse(t, data, strlen(data), index, index ? strlen(index) : 0, false, "x.tsv");
}

static void check_rows(const vl_tsv *t)
{
    vl_tsv_row row;
    assert_int_equal(vl_tsv_n(t), 3);
    assert_int_equal(vl_tsv_read(&row, t, 0), VIOLET_OK);
    assert_true(is(row.id, "a") && row.n_frames == 2 && is(row.frame[1], "/9j/2") && !row.meta.s);
    assert_int_equal(vl_tsv_read(&row, t, 1), VIOLET_OK);
    assert_true(is(row.id, "bb") && row.n_frames == 1 && is(row.frame[0], "/9j/3"));
    assert_true(is(row.meta, "{\"x\": 1}"));
    assert_int_equal(vl_tsv_read(&row, t, 2), VIOLET_OK);
    assert_true(is(row.frame[0], "/9j/4"));
    assert_int_equal(vl_tsv_read(&row, t, 3), VIOLET_EINVAL);
}

static void every_kind_of_index(void **state)
{
    (void)state;
    static const uint64_t binary[] = {0, 14, 32};
    static const char *const text[] = {NULL, "0\n14\n32\n", "0\r\n14\r\n32", "00\n14\n32"};
    vl_tsv *t;
    for (size_t i = 0; i < 4; i++) {
        if (parse(&t, TSV, text[i]) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(vl_tsv_scanned(t), i == 0);
        check_rows(t);
        vl_tsv_close(t);
    }
    assert_int_equal(vl_tsv_parse(&t, TSV, strlen(TSV), binary, sizeof binary, true, "x"),
                     VIOLET_OK);
    check_rows(t);
    vl_tsv_close(t);
    assert_int_equal(vl_tsv_parse(&t, TSV, strlen(TSV), binary, 23, true, "x"), VIOLET_EFORMAT);
}

static void wrong_indexes(void **state)
{
    (void)state;
    static const struct {
        const char *index, *why;
    } cases[] = {
        {"0\n14\n14\n", "line 3 starts at byte 14"}, {"0\n14\n13\n", "line 3"},
        {"0\n14\n99\n", "the file has 40"},           {"1\n", "expected 0"},
        {"", "empty"},                                {"0\nx\n", "line 2: expected a byte offset"},
        {"0\n-14\n", "line 2"},                       {"0\n99999999999999999999999\n", "line 2"},
    };
    vl_tsv *t;
    vl_tsv_row row;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(&t, TSV, cases[i].index), VIOLET_EFORMAT);
        if (!strstr(violet_error(), cases[i].why)) fail_msg("'%s'", violet_error());
    }
    assert_int_equal(parse(&t, TSV, "0\n15\n32\n"), VIOLET_OK);
    assert_int_equal(vl_tsv_read(&row, t, 0), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "x.tsv line 1:"));
    assert_int_equal(vl_tsv_read(&row, t, 1), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "x.tsv line 2:"));
    assert_int_equal(vl_tsv_read(&row, t, 2), VIOLET_OK);
    vl_tsv_close(t);
    assert_int_equal(parse(&t, TSV, "0\n32\n"), VIOLET_OK); /* a line left out */
    assert_int_equal(vl_tsv_read(&row, t, 0), VIOLET_EFORMAT);
    vl_tsv_close(t);
}

static void truncations(void **state)
{
    (void)state;
    static const char index[] = "0\n14\n32\n";
    vl_tsv_row *row = malloc(sizeof *row);
    vl_tsv *t;
    size_t n = strlen(TSV);
    for (size_t i = 0; i < n; i++) {
        char *part = malloc(i + 1);
        memcpy(part, TSV, i);
        int good = 0;
        if (vl_tsv_parse(&t, part, i, i > 32 ? index : NULL, i > 32 ? 8 : 0, false, "x") ==
            VIOLET_OK) {
            for (size_t k = 0; k < vl_tsv_n(t); k++) good += vl_tsv_read(row, t, k) == VIOLET_OK;
            vl_tsv_close(t);
        }
        assert_int_equal(good, i < 14 ? 0 : i < 32 ? 1 : 2);
        free(part);
    }
    for (size_t i = 0; i < sizeof index; i++)
        if (vl_tsv_parse(&t, TSV, n, index, i, false, "x") == VIOLET_OK) {
            for (size_t k = 0; k < vl_tsv_n(t); k++) (void)vl_tsv_read(row, t, k);
            vl_tsv_close(t);
        }
    free(row);
}

static void columns(void **state)
{
    (void)state;
    vl_tsv *t;
    vl_tsv_row row;
    assert_int_equal(parse(&t, "only an id\nx\tnot a jpeg\r\ny\t\n", NULL), VIOLET_OK);
    assert_int_equal(vl_tsv_read(&row, t, 0), VIOLET_EFORMAT);
    assert_int_equal(vl_tsv_read(&row, t, 1), VIOLET_OK);
    assert_true(row.n_frames == 1 && is(row.frame[0], "not a jpeg"));
    vl_tsv_close(t);
    char many[2000] = "x";
    for (int i = 0; i < VL_TSV_MAX_FRAMES + 1; i++) strcat(many, "\t/9j/");
    strcat(many, "\n");
    assert_int_equal(parse(&t, many, NULL), VIOLET_OK);
    assert_int_equal(vl_tsv_read(&row, t, 0), VIOLET_EUNSUPPORTED);
    vl_tsv_close(t);
}

static void real_files(void **state)
{
    (void)state;
    vl_tsv *t;
    vl_tsv_row row;
    if (!vl_file_exists("../shared/data/msrvtt.tsv")) {
        printf("skip: ../shared/data is not here\n");
        skip();
    }
    assert_int_equal(vl_tsv_open(&t, "../shared/data/msrvtt.tsv"), VIOLET_OK);
    assert_int_equal(vl_tsv_n(t), 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(vl_tsv_read(&row, t, i), VIOLET_OK);
        assert_int_equal(row.n_frames, 5);
        assert_int_equal(row.frame[4].n % 4, 0); /* no newline left in the last field */
    }
    vl_tsv_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_index), cmocka_unit_test(wrong_indexes),
        cmocka_unit_test(truncations),         cmocka_unit_test(columns),
        cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
