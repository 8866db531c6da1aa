/* Comma-separated values: what is a row, and what is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "file/csv.h"

/* Rows as "cell|cell\n"; NULL: an error, whose message is violet_error(). */
static char *rows(const char *text, size_t n)
{
    vl_csv c;
    vl_buf out = {0};
    char *exact = malloc(n ? n : 1); /* nothing behind it, for the address sanitizer */
    bool more;
    violet_status status;
    memcpy(exact, text, n);
    vl_csv_open(&c, exact, n, "t.csv");
    while ((status = vl_csv_next(&more, &c)) == VIOLET_OK && more)
        for (int i = 0; i < c.n_cells; i++)
            vl_buf_printf(&out, "%s%c", vl_csv_cell(&c, i), i + 1 < c.n_cells ? '|' : '\n');
    vl_csv_close(&c);
    free(exact);
    if (status != VIOLET_OK) assert_int_equal(status, VIOLET_EFORMAT);
    if (status == VIOLET_OK) return out.data ? out.data : calloc(1, 1);
    vl_buf_free(&out);
    return NULL;
}

static void want(const char *text, const char *expected)
{
    char *found = rows(text, strlen(text));
    if (!found) fail_msg("%s: %s", text, violet_error());
    assert_string_equal(found, expected);
    free(found);
}

static void refused(const char *text, const char *message)
{
    char *found = rows(text, strlen(text));
    if (found) fail_msg("%s: read as %s", text, found);
    assert_string_equal(violet_error(), message);
}

static void well_formed(void **state)
{
    (void)state;
    want("", "");
    want("\n\r\n", "");
    want("a,b\n1,2\n", "a|b\n1|2\n");
    want("a,b\r\n1,2", "a|b\n1|2\n");
    want("\xef\xbb\xbf" "a,b\n\n\n1, 2 \n", "a|b\n1| 2 \n");
    want("a,b\n,\n", "a|b\n|\n");
    want("a\n\"\"\n", "a\n\n"); /* an empty line is none, an empty cell is one */
    want("\"a\",\"b,c\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n", "a|b,c\nsay \"hi\"|two\nlines\n");
    want("\"\"\"\"\n", "\"\n");
    want("\"x\r\ny\"\r\n", "x\r\ny\n");
    want("caf\xc3\xa9,\xf0\x9f\x8e\xb8\n", "caf\xc3\xa9|\xf0\x9f\x8e\xb8\n");
}

static void malformed(void **state)
{
    (void)state;
    refused("a,b\n1\n", "t.csv line 2: 1 cells, the first row has 2");
    refused("a\n\n1,2\n", "t.csv line 3: 2 cells, the first row has 1");
    refused("a,\"b\n", "t.csv line 1: cell 2: a quote is not closed");
    refused("\"x\ny\"\n\"", "t.csv line 3: cell 1: a quote is not closed");
    refused("a\"b\n", "t.csv line 1: cell 1: a quote inside a cell that does not begin with one");
    refused("\"a\" ,b\n", "t.csv line 1: cell 1: text behind a closing quote");
    refused("a\rb\n", "t.csv line 1: cell 1: CR without LF");
    refused("a\r", "t.csv line 1: cell 1: CR without LF");
    refused("\"a\"\r", "t.csv line 1: cell 1: text behind a closing quote");
    refused("a,\xc3(\n", "t.csv line 1: cell 2: not UTF-8");
    refused("a,\xc3", "t.csv line 1: cell 2: not UTF-8");
    assert_null(rows("a,\0b\n", 5));
    assert_string_equal(violet_error(), "t.csv line 1: cell 2: a 0 byte");
}

/* A file that ends early gives its rows or an error, never more than it has. */
static void every_beginning_ends_well(void **state)
{
    (void)state;
    const char text[] = "video,caption\r\nv1,\"a \"\"man\"\", walks\"\r\nv2,\"two\nlines\"\n";
    for (size_t n = 0; n < sizeof text; n++) free(rows(text, n));
    want(text, "video|caption\nv1|a \"man\", walks\nv2|two\nlines\n");
}

static void wide(void **state)
{
    (void)state;
    vl_buf text = {0};
    for (int row = 0; row < 2; row++)
        for (int i = 0; i < 1000; i++) vl_buf_printf(&text, "%d%c", i, i < 999 ? ',' : '\n');
    vl_csv c;
    bool more;
    vl_csv_open(&c, text.data, text.n, "t.csv");
    for (int row = 0; row < 2; row++) {
        assert_int_equal(vl_csv_next(&more, &c), VIOLET_OK);
        assert_true(more && c.n_cells == 1000 && c.line == (size_t)row + 1);
        assert_string_equal(vl_csv_cell(&c, 999), "999");
        assert_string_equal(vl_csv_cell(&c, 17), "17");
    }
    vl_csv_close(&c);
    vl_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed),
        cmocka_unit_test(malformed),
        cmocka_unit_test(every_beginning_ends_well),
        cmocka_unit_test(wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
