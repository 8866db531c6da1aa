/* What a report is made of: escaping, numbers, charts, the choice of examples, counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after its four headers */
#include <cmocka.h>
#include <math.h>

#include "fixture.h"
#include "report/chart.h"
#include "report/counts.h"
#include "report/lines.h"
#include "report/page.h"
#include "report/predictions.h"

/* ---- text ------------------------------------------------------------------------------------ */

static void escapes(const char *text, const char *want)
{
    html h = {0};
    html_text(&h, text);
    html_put(&h, "");
    assert_int_equal(h.status, VIOLET_OK);
    assert_string_equal(h.b.data, want);
    html_release(&h);
}

static void text_becomes_markup(void **state)
{
    (void)state;
    escapes("a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;");
    escapes("ä 漢 – ok", "ä 漢 – ok");
    escapes("\x01\x7f x\ny\tz", "\xef\xbf\xbd\xef\xbf\xbd x y z");
    escapes("a\xff\xc3(", "a\xef\xbf\xbd\xef\xbf\xbd(");
    escapes("", "");
    html h = {0};
    html_element(&h, "td class=\"x\"", "<");
    assert_string_equal(h.b.data, "<td class=\"x\">&lt;</td>");
    html_release(&h);
}

static void number_is(double x, html_unit unit, const char *want)
{
    char text[HTML_NUMBER];
    assert_string_equal(html_number(text, x, unit), want);
}

static void numbers_are_readable(void **state)
{
    (void)state;
    number_is(0, HTML_PLAIN, "0");
    number_is(1234567, HTML_PLAIN, "1,234,567");
    number_is(-1234, HTML_PLAIN, "−1,234");
    number_is(0.12345, HTML_PLAIN, "0.123");
    number_is(1.2e-5, HTML_PLAIN, "1.2e-05");
    number_is(1e300, HTML_PLAIN, "1e+300");
    number_is(0.1234, HTML_SHARE, "12.3\u00a0%");
    number_is(10.5, HTML_RANK, "10.5");
    number_is(NAN, HTML_SHARE, "–");
    number_is(-INFINITY, HTML_PLAIN, "–");
}

/* ---- charts ---------------------------------------------------------------------------------- */

static void ticks_are_round(void **state)
{
    (void)state;
    double t[8];
    assert_int_equal(chart_ticks(t, 0, 1, 5), 6);
    for (int i = 0; i < 6; i++) assert_true(fabs(t[i] - 0.2 * i) < 1e-12 && !signbit(t[i]));
    assert_int_equal(chart_ticks(t, -0.03, 0.03, 3), 3);
    assert_true(t[1] == 0 && !signbit(t[1]));
    assert_int_equal(chart_ticks(t, 1, 1, 5), 0);
    assert_int_equal(chart_ticks(t, NAN, 1, 5), 0);
    for (double high = 1e-30; high < 1e30; high *= 3.7) {
        int n = chart_ticks(t, 0.3 * high, high, 5);
        assert_in_range(n, 2, 8);
        for (int i = 0; i < n; i++) assert_true(t[i] >= 0.299 * high && t[i] <= 1.001 * high);
    }
}

static void smoothing_is_the_mean_around(void **state)
{
    (void)state;
    const double y[] = {1, 2, NAN, 4, 1e30, 6, 7, 8, NAN, NAN, NAN};
    double s[11];
    chart_smooth(s, y, 11, 1);
    const double want[] = {1.5, 1.5, 3, 5e29, 5e29 /* a third of it */, 5e29, 7, 7.5, 8, NAN, NAN};
    for (int i = 0; i < 11; i++) {
        if (i >= 3 && i <= 5) continue;
        if (isnan(want[i])) assert_true(isnan(s[i]));
        else assert_true(fabs(s[i] - want[i]) < 1e-12);
    }
}

/* The points of the first polyline of a class into x, y; returns how many. */
static int read_points(double *x, double *y, int most, const char *svg, const char *class)
{
    int n = 0, used = 0;
    const char *at = strstr(svg, class);
    assert_non_null(at);
    at = strstr(at, "points=\"") + 8;
    for (; n < most && sscanf(at, "%lf,%lf%n", &x[n], &y[n], &used) == 2; n++) at += used;
    return n;
}

static void points_stand_where_they_should(void **state)
{
    (void)state;
    static double x[CHART_POINTS], y[CHART_POINTS];
    const double step[] = {0, 50, 100}, value[] = {0, 3, 2};
    const chart_series s = {"it", step, value, 3, 2, false};
    const chart c = {.title = "T", .series = &s, .n = 1, .from_zero = true};
    html h = {0};
    assert_true(chart_lines(&h, &c));
    assert_int_equal(read_points(x, y, 600, h.b.data, "line c2"), 3);
    assert_true(x[0] < x[1] && fabs(x[2] - x[1] - (x[1] - x[0])) < 0.2);
    assert_true(fabs((y[0] - y[1]) - 1.5 * (y[0] - y[2])) < 0.3);
    assert_true(x[0] > 40 && x[2] < 440 && y[1] > 5 && y[1] < y[0] && y[0] <= 212.1);
    assert_int_equal(fixture_count(h.b.data, "<circle"), 3);
    html_release(&h);
}

/* Thinned curves keep what stands out. */
static void peaks_stay(void **state)
{
    (void)state;
    enum { N = 20000 };
    static double step[N], value[N], x[CHART_POINTS], y[CHART_POINTS];
    for (int i = 0; i < N; i++) step[i] = i, value[i] = i == 12345 ? 9 : 1;
    const chart_series s = {"", step, value, N, 0, false};
    const chart c = {.title = "T", .series = &s, .n = 1};
    html h = {0};
    double top = 1e9;
    assert_true(chart_lines(&h, &c));
    int n = read_points(x, y, CHART_POINTS, h.b.data, "line c0"), at = 0;
    assert_in_range(n, 300, CHART_POINTS);
    for (int i = 0; i < n; i++)
        if (y[i] < top) top = y[i], at = i;
    assert_true(top < 25 && fabs((x[at] - x[0]) / (x[n - 1] - x[0]) - 12345.0 / N) < 0.001);
    html_release(&h);
}

static void nothing_to_draw_is_nothing(void **state)
{
    (void)state;
    const double step[] = {1, 2}, none[] = {NAN, INFINITY}, same[] = {5, 5};
    const chart_series s[] = {{"", step, none, 2, 0, true}, {"", step, same, 1, 0, false},
                              {"", step, same, 2, 0, true}};
    html h = {0};
    for (int k = 0; k < 3; k++) {
        const chart c = {.title = "T", .series = &s[k], .n = 1};
        assert_int_equal(chart_lines(&h, &c), k == 2);
    }
    assert_int_equal(fixture_count(h.b.data, "<svg"), 1);
    html_release(&h);
}

/* ---- logs ------------------------------------------------------------------------------------ */

static void lines_become_columns(void **state)
{
    (void)state;
    fixture f;
    char path[100];
    log_lines l = {0};
    fixture_open(&f);
    fixture_write(&f, "x.jsonl", "{\"step\": 1, \"a\": 2, \"epoch\": 1, \"unit\": \"u\", "
                  "\"set\": \"s\"}\n"
                  "{\"step\": 2, \"b\": 3, \"epoch\": 1, \"unit\": \"u\"}\n\n"
                  "{\"step\": 3, \"a\": \"no\", \"epoch\": 2, \"unit\": \"u\"}\n{\"step\": 4");
    snprintf(path, sizeof path, "%s/x.jsonl", f.folder);
    assert_int_equal(log_lines_read(&l, path), VIOLET_OK);
    assert_int_equal(l.n, 3);
    assert_int_equal(l.n_bad, 1);
    const double *a = log_lines_column(&l, "a"), *b = log_lines_column(&l, "b");
    assert_true(a[0] == 2 && isnan(a[1]) && isnan(a[2]) && isnan(b[0]) && b[1] == 3);
    assert_null(log_lines_column(&l, "c"));
    assert_int_equal(l.n_units, 2);
    assert_true(l.unit[0].step == 2 && strcmp(l.unit[0].set, "s") == 0 && l.unit[1].step == 3);
    log_lines_release(&l);
    fixture_close(&f);
}

/* ---- choosing -------------------------------------------------------------------------------- */

static void choice(const fixture *f, int good, int bad, int wanted, int want_good, int want_bad)
{
    char path[100];
    int chosen[100], n_good = 0;
    vl_buf b = {0};
    predictions q = {0};
    for (int i = 0; i < good + bad; i++)
        assert_int_equal(vl_buf_printf(&b, "{\"query\":\"text\",\"video\":\"v\",\"rank\":%d}\n",
                                       i < good ? 1 : 2 + i), VIOLET_OK);
    assert_int_equal(vl_buf_puts(&b, "{\"query\":\"video\",\"video\":\"v\",\"rank\":1}\n{}\n"
                                     "[]\n!"), VIOLET_OK);
    fixture_write(f, "p.jsonl", b.data);
    snprintf(path, sizeof path, "%s/p.jsonl", f->folder);
    assert_int_equal(predictions_read(&q, path), VIOLET_OK);
    assert_int_equal(q.n, good + bad + 1);
    int n = predictions_choose(&q, chosen, wanted, PREDICTION_TEXT);
    for (int i = 0; i < n; i++) {
        n_good += chosen[i] < good;
        assert_true(i == 0 || chosen[i] > chosen[i - 1]);
    }
    assert_int_equal(n_good, want_good);
    assert_int_equal(n - n_good, want_bad);
    predictions_release(&q);
    vl_buf_free(&b);
}

static void failures_are_half(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    choice(&f, 50, 50, 8, 4, 4);
    choice(&f, 50, 2, 8, 6, 2);
    choice(&f, 1, 50, 8, 1, 7);
    choice(&f, 2, 3, 8, 2, 3);
    choice(&f, 10, 10, 7, 4, 3);
    choice(&f, 0, 4, 2, 0, 2);
    choice(&f, 4, 0, 0, 0, 0);
    fixture_close(&f);
}

static void counts_are_sorted(void **state)
{
    (void)state;
    counts c = {0};
    const char *const words[] = {"b", "a", "c", "c", "a", "c", "d"};
    for (int i = 0; i < 7; i++) assert_int_equal(counts_add(&c, words[i]), VIOLET_OK);
    const counts_word *w = counts_sort(&c);
    assert_int_equal(c.n, 4);
    assert_string_equal(w[0].word, "c");
    assert_int_equal(w[0].times, 3);
    assert_string_equal(w[1].word, "a");
    assert_string_equal(w[2].word, "b");
    counts_release(&c);
}

/* ---- chance ---------------------------------------------------------------------------------- */

static void chance_is(const char *result, const char *metric, double want)
{
    phase p = {.kind = PHASE_EVAL, .result = json_loads(result, 0, NULL)};
    assert_non_null(p.result);
    double x = page_chance(&p, metric);
    if (isnan(want)) assert_true(isnan(x));
    else if (!(fabs(x - want) < 1e-12)) fail_msg("%s: %.12g, expected %.12g", metric, x, want);
    json_decref(p.result);
}

static void chance_is_exact(void **state)
{
    (void)state;
    static const char one[] = "{\"scored_videos\": 100, \"scored_items\": 100}";
    chance_is(one, "t2v_recall_1", 0.01);
    chance_is(one, "t2v_recall_10", 0.1);
    chance_is(one, "v2t_recall_5", 0.05);
    chance_is(one, "t2v_median_rank", 50.5);
    chance_is(one, "v2t_mean_rank", 50.5);
    chance_is(one, "accuracy", NAN);
    static const char two[] = "{\"scored_videos\": 3, \"scored_items\": 6, "
                              "\"chance\": {\"uniform\": 0.2}}";
    chance_is(two, "t2v_recall_1", 1.0 / 3);
    chance_is(two, "t2v_recall_10", 1);
    chance_is(two, "v2t_recall_1", 2.0 / 6);
    chance_is(two, "v2t_recall_2", 1 - 4.0 / 6 * 3 / 5); /* 1 - neither of its two */
    chance_is(two, "v2t_median_rank", NAN);
    chance_is(two, "accuracy", 0.2);
    static const char listed[] = "{\"chance\": {\"uniform\": 0.2}, "
                                 "\"metrics\": {\"accuracy\": {\"n\": 10}, "
                                 "\"accuracy_listed\": {\"n\": 8}}}";
    chance_is(listed, "accuracy_listed", 0.25);
    chance_is("{}", "t2v_recall_1", NAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_markup),
        cmocka_unit_test(numbers_are_readable),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(smoothing_is_the_mean_around),
        cmocka_unit_test(points_stand_where_they_should),
        cmocka_unit_test(peaks_stay),
        cmocka_unit_test(nothing_to_draw_is_nothing),
        cmocka_unit_test(lines_become_columns),
        cmocka_unit_test(failures_are_half),
        cmocka_unit_test(counts_are_sorted),
        cmocka_unit_test(chance_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
