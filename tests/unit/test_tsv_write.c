/* Writing tsv + lineidx: the published bytes, refused text, going on after every kind of end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "file/tsv_write.h"
#include "make_data.h"

#define TSV "a\t/9j/1\t/9j/22\nlonger id\t/9j/3\nnone\nc\t/9j/4\n"
#define INDEX "0\n15\n31\n36\n"

static char folder[64], path[100];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/x.tsv", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static char *file(const char *name)
{
    static char full[160];
    snprintf(full, sizeof full, "%s/%s", folder, name);
    return full;
}

static void assert_holds(const char *name, const char *text)
{
    char *s;
    size_t n;
    if (vl_file_read(&s, &n, file(name), 1 << 20) != VIOLET_OK) fail_msg("%s", violet_error());
    if (n != strlen(text) || memcmp(s, text, n) != 0) fail_msg("%s: '%s', not '%s'", name, s, text);
    free(s);
}

/* Writes lines `from` to 3 of the example. */
static void put_from(vl_tsv_writer *w, size_t from)
{
    static const struct {
        const char *id;
        int n;
        vl_slice frame[2];
    } line[] = {{"a", 2, {{"/9j/1", 5}, {"/9j/22 not this", 6}}},
                {"longer id", 1, {{"/9j/3", 5}}},
                {"none", 0, {{0}}},
                {"c", 1, {{"/9j/4", 5}}}};
    for (size_t i = from; i < 4; i++)
        if (vl_tsv_put(w, line[i].id, strlen(line[i].id), line[i].frame, line[i].n) != VIOLET_OK)
            fail_msg("%s", violet_error());
    assert_int_equal(vl_tsv_put_n(w), 4);
}

static vl_tsv_writer *create(bool resume, size_t n)
{
    vl_tsv_writer *w;
    if (vl_tsv_create(&w, path, resume) != VIOLET_OK) fail_msg("%s", violet_error());
    if (vl_tsv_put_n(w) != n) fail_msg("%zu lines, expected %zu", vl_tsv_put_n(w), n);
    return w;
}

static void assert_finished(void)
{
    assert_holds("x.tsv", TSV);
    assert_holds("x.lineidx", INDEX);
    assert_false(vl_file_exists(file("x.tsv.partial")));
    assert_false(vl_file_exists(file("x.lineidx.partial")));
}

static void published_bytes(void **state)
{
    (void)state;
    vl_tsv *t;
    vl_tsv_writer *w = create(false, 0);
    put_from(w, 0);
    assert_false(vl_file_exists(path));
    assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
    assert_finished();
    assert_int_equal(vl_tsv_open(&t, path), VIOLET_OK);
    assert_int_equal(vl_tsv_n(t), 4);
    vl_tsv_close(t);
    /* an empty one, begun over it */
    w = create(false, 0);
    assert_holds("x.tsv", TSV);
    assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
    assert_holds("x.tsv", "");
    assert_holds("x.lineidx", "");
}

static void text_that_fits_no_line(void **state)
{
    (void)state;
    vl_tsv_writer *w = create(false, 0);
    vl_slice good = {"/9j/", 4}, bad[] = {{"/9\tj", 4}, {"/9\nj", 4}, {"/9\0j", 4}};
    assert_int_equal(vl_tsv_put(w, "", 0, &good, 1), VIOLET_EINVAL);
    assert_int_equal(vl_tsv_put(w, "a\tb", 3, &good, 1), VIOLET_EINVAL);
    assert_int_equal(vl_tsv_put(w, "a\n", 2, &good, 1), VIOLET_EINVAL);
    assert_int_equal(vl_tsv_put(w, "a\0b", 3, &good, 1), VIOLET_EINVAL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(vl_tsv_put(w, "a", 1, &bad[i], 1), VIOLET_EINVAL);
    put_from(w, 0);
    assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
    assert_finished();
}

static void leave(const char *tsv, size_t n_tsv, const char *index, size_t n_index)
{
    write_text(folder, "x.tsv.partial", tsv, n_tsv);
    write_text(folder, "x.lineidx.partial", index, n_index);
}

static size_t lines_in(const char *text, size_t n)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    return lines;
}

/* Wherever each file ends, the writer goes on after the lines that are whole in both. */
static void resumes_from_every_pair_of_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i <= strlen(TSV); i++)
        for (size_t k = 0; k <= strlen(INDEX); k++) {
            size_t a = lines_in(TSV, i), b = lines_in(INDEX, k);
            leave(TSV, i, INDEX, k);
            vl_tsv_writer *w = create(true, a < b ? a : b);
            put_from(w, vl_tsv_put_n(w));
            assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
            assert_finished();
            unlink(path);
            unlink(file("x.lineidx"));
        }
}

static void resumes_after_a_power_cut(void **state)
{
    (void)state;
    char zeros[sizeof TSV];
    static const char *const wrong[] = {"0\n14\n31\n36\n", "0\n15\n15\n36\n", "0\n15\nx\n36\n",
                                        "1\n15\n31\n36\n", "0\n15\n\n36\n"};
    static const size_t left[] = {0, 2, 2, 0, 2};
    for (size_t i = 0; i < strlen(TSV); i++) { /* pages that never came to the disk */
        memcpy(zeros, TSV, sizeof zeros);
        memset(zeros + i, 0, strlen(TSV) - i);
        leave(zeros, strlen(TSV), INDEX, strlen(INDEX));
        vl_tsv_suspend(create(true, lines_in(TSV, i)));
    }
    for (size_t i = 0; i < strlen(TSV); i++) { /* a byte of a line, or its end */
        memcpy(zeros, TSV, sizeof zeros);
        zeros[i] = 0;
        leave(zeros, strlen(TSV), INDEX, strlen(INDEX));
        vl_tsv_suspend(create(true, lines_in(TSV, i)));
    }
    for (size_t i = 0; i < 5; i++) {
        leave(TSV, strlen(TSV), wrong[i], strlen(wrong[i]));
        vl_tsv_suspend(create(true, left[i]));
    }
    leave(TSV, strlen(TSV), INDEX, strlen(INDEX));
    vl_tsv_writer *w = create(true, 4);
    vl_tsv_suspend(w);
    assert_holds("x.tsv.partial", TSV);
}

static void resumes_an_interrupted_finish(void **state)
{
    (void)state;
    for (int done = 0; done <= 2; done++) {
        leave(TSV, strlen(TSV), INDEX, strlen(INDEX));
        char from[160];
        strcpy(from, file("x.tsv.partial"));
        if (done > 0) assert_int_equal(rename(from, path), 0);
        strcpy(from, file("x.lineidx.partial"));
        if (done > 1) assert_int_equal(rename(from, file("x.lineidx")), 0);
        vl_tsv_writer *w = create(true, 4);
        assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
        assert_finished();
        unlink(path);
        unlink(file("x.lineidx"));
    }
}

static void cuts(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 5; n++) {
        vl_tsv_writer *w = create(false, 0);
        put_from(w, 0);
        assert_int_equal(vl_tsv_flush(w), VIOLET_OK);
        assert_int_equal(vl_tsv_cut(w, n), VIOLET_OK);
        assert_int_equal(vl_tsv_put_n(w), n < 4 ? n : 4);
        put_from(w, vl_tsv_put_n(w));
        assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
        assert_finished();
    }
    vl_tsv_writer *w = create(false, 0);
    put_from(w, 0);
    vl_tsv_abandon(w);
    assert_finished(); /* the one from before, and nothing beside it */
}

/* More lines than are looked at, and lines longer than what is read at a time. */
static void many_and_long_lines(void **state)
{
    (void)state;
    enum { N = 1000, LONG = 200000 };
    char id[16], *text = malloc(LONG);
    vl_tsv *t;
    vl_tsv_writer *w = create(false, 0);
    memset(text, 'A', LONG);
    for (int i = 0; i < N; i++) {
        vl_slice frame = {text, i > N - 5 ? LONG : 8};
        snprintf(id, sizeof id, "v%d", i);
        assert_int_equal(vl_tsv_put(w, id, strlen(id), &frame, 1), VIOLET_OK);
        if (i % 300 != 299) continue;
        vl_tsv_suspend(w);
        w = create(true, (size_t)i + 1);
    }
    vl_tsv_suspend(w);
    char *s;
    size_t n;
    assert_int_equal(vl_file_read(&s, &n, file("x.tsv.partial"), 1 << 24), VIOLET_OK);
    free(s);
    assert_int_equal(truncate(file("x.tsv.partial"), (off_t)n - 1), 0);
    w = create(true, N - 1);
    assert_int_equal(vl_tsv_cut(w, 998), VIOLET_OK);
    assert_int_equal(vl_tsv_finish(w), VIOLET_OK);
    assert_int_equal(vl_tsv_open(&t, path), VIOLET_OK);
    vl_tsv_row *row = malloc(sizeof *row);
    assert_int_equal(vl_tsv_n(t), 998);
    for (size_t i = 0; i < 998; i++) assert_int_equal(vl_tsv_read(row, t, i), VIOLET_OK);
    assert_int_equal(row->frame[0].n, LONG);
    vl_tsv_close(t);
    free(row);
    free(text);
}

/* More lines were lost than are looked at: what stays is what vl_tsv_put_n counts. */
static void resumes_where_most_was_lost(void **state)
{
    (void)state;
    enum { N = 1000 };
    static const int zeroed_from[] = {0, 1, 4, 250, 500, 743, 744, 745, 999}; /* thousandths */
    char id[16], *tsv, *lost, *index;
    size_t n, n_index;
    vl_slice frame = {"/9j/4AAQ", 8};
    vl_tsv_writer *w = create(false, 0);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "video%d", i);
        assert_int_equal(vl_tsv_put(w, id, strlen(id), &frame, 1), VIOLET_OK);
    }
    vl_tsv_suspend(w);
    assert_int_equal(vl_file_read(&tsv, &n, file("x.tsv.partial"), 1 << 20), VIOLET_OK);
    assert_int_equal(vl_file_read(&index, &n_index, file("x.lineidx.partial"), 1 << 20), VIOLET_OK);
    lost = malloc(n + 1);
    for (size_t k = 0; k < sizeof zeroed_from / sizeof *zeroed_from; k++) {
        size_t from = n * (size_t)zeroed_from[k] / 1000, whole = lines_in(tsv, from);
        memcpy(lost, tsv, n);
        memset(lost + from, 0, n - from);
        leave(lost, n, index, n_index);
        w = create(true, whole);
        assert_int_equal(vl_tsv_cut(w, whole), VIOLET_OK);
        for (size_t i = whole; i < N; i++) {
            snprintf(id, sizeof id, "video%zu", i);
            assert_int_equal(vl_tsv_put(w, id, strlen(id), &frame, 1), VIOLET_OK);
        }
        vl_tsv_suspend(w);
        assert_holds("x.tsv.partial", tsv);
        assert_holds("x.lineidx.partial", index);
    }
    free(tsv);
    free(index);
    free(lost);
}

static void nowhere_to_write(void **state)
{
    (void)state;
    vl_tsv_writer *w;
    assert_int_equal(vl_tsv_create(&w, "/nowhere/x.tsv", false), VIOLET_EIO);
    assert_null(w);
    assert_non_null(strstr(violet_error(), "/nowhere/x.tsv.partial"));
    vl_tsv_suspend(NULL);
    vl_tsv_abandon(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(published_bytes),
        TEST(text_that_fits_no_line),
        TEST(resumes_from_every_pair_of_lengths),
        TEST(resumes_after_a_power_cut),
        TEST(resumes_an_interrupted_finish),
        TEST(cuts),
        TEST(many_and_long_lines),
        TEST(resumes_where_most_was_lost),
        TEST(nowhere_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
