/* The page of a report: every part is there, it is one whole, closed document, whatever the files
 * hold or lack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after its four headers */
#include <cmocka.h>
#include <unistd.h>

#include "base/base64.h"
#include "fixture.h"
#include "media/picture.h"

static fixture f;

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f);
    fixture_pictures(&f, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

static void has(const char *page, const char *what)
{
    if (!strstr(page, what)) fail_msg("the page has no '%s'", what);
}

static void has_not(const char *page, const char *what)
{
    const char *at = strstr(page, what);
    if (at) fail_msg("the page has '%.80s'", at);
}

/* ---- the document ---------------------------------------------------------------------------- */

static const char *body_of(const char *page)
{
    const char *at = strstr(page, "<body>");
    assert_non_null(at);
    return at;
}

/* Every tag is closed where it must be, and in order; text has no other angle brackets. */
static void is_closed(const char *page)
{
    char open[64][16];
    int depth = 0;
    for (const char *s = body_of(page); (s = strchr(s, '<')); s++) {
        char name[16] = "";
        const char *end = strchr(s, '>');
        assert_non_null(end);
        if (sscanf(s + 1, "%15[a-zA-Z0-9/]", name) != 1) fail_msg("a lone <: %.60s", s);
        if (end[-1] == '/' || !strcmp(name, "img") || !strcmp(name, "br")) continue;
        if (name[0] == '/') {
            if (depth == 0) break; /* </html>, which <body> is in */
            if (strcmp(open[--depth], name + 1) != 0)
                fail_msg("<%s> is closed by <%s>: %.80s", open[depth], name, s);
            continue;
        }
        assert_in_range(depth, 0, 63);
        snprintf(open[depth++], sizeof open[0], "%s", name);
    }
    assert_int_equal(depth, 0);
    has(page, "</html>");
}

/* All pictures are JPEGs; returns how many. */
static int check_pictures(const char *page)
{
    static const char begin[] = "src=\"data:image/jpeg;base64,";
    int n = 0;
    for (const char *s = page; (s = strstr(s, begin)); n++) {
        vl_picture p;
        size_t text, bytes;
        s += sizeof begin - 1;
        text = strcspn(s, "\"");
        uint8_t *jpeg = malloc(vl_base64_decoded_most(text) + 1);
        assert_int_equal(vl_base64_decode(jpeg, &bytes, s, text), VIOLET_OK);
        assert_int_equal(vl_jpeg_decode(&p, jpeg, bytes), VIOLET_OK);
        assert_true(p.width <= 144 && p.height <= 144 && p.width > p.height);
        vl_picture_release(&p);
        free(jpeg);
    }
    assert_int_equal(fixture_count(page, "<img "), n);
    return n;
}

/* Points of the first line of a class. */
static int points_of(const char *page, const char *class)
{
    const char *at = strstr(page, class);
    assert_non_null(at);
    at = strstr(at, "points=\"") + 8;
    int n = 0;
    for (const char *end = strchr(at, '"'); at < end; at++) n += *at == ',';
    return n;
}

/* ---- what is on it --------------------------------------------------------------------------- */

static void everything_is_there(void **state)
{
    (void)state;
    fixture_pretraining(&f, "demo/pre", 60);
    fixture_finetuning(&f, "demo/fine", 40);
    fixture_dvae(&f, "demo/dvae", 30);
    fixture_retrieval(&f, "demo/eval", 8, "a dog runs");
    fixture_questions(&f, "demo/qa", 8, "blue");
    fixture_retrieval(&f, "other", 8, "a dog runs");
    char base[100];
    snprintf(base, sizeof base, "baseline=one frame=%s/other", f.folder);
    char *page = fixture_page(&f, (const char *[]){"demo", NULL}, (const char *[]){base, NULL});
    is_closed(page);
    static const char *const parts[] = {
        "id=\"results\"", ">one frame</th>", ">chance</th>", "25.0 to 75.0", "12.5", "37.5",
        "Loss: masked words", "Accuracy: masked words", "Loss: retrieval", "Validation: rank",
        "Codes in use", "Learning rate", "Samples a second", "Time waiting for data", "Memory, MiB",
        "Found by a sentence", "“a dog runs 0”", "the right one", "Questions and answers",
        "what colour?", "By type of question", "width:62.50%", "Right answers and given ones",
        "violet pretrain", "--lr 0.0003", "--no-decay-all", "--data &#39;it&#39;\\&#39;&#39;s here",
        "a machine of the test", "violet 0.0.7", "seed 17", "how it was done",
        "prefers-color-scheme:dark", "Always answering “red”"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) has(page, parts[i]);
    assert_int_equal(fixture_count(page, "<section id=\"p"), 5);
    assert_true(strstr(page, "id=\"p0\">\n<h2>dvae") && strstr(page, "id=\"p4\">\n<h2>qa"));
    has_not(page, "<script");
    has_not(page, "src=\"http");
    /* two frames a video; 8 queries, one in four with a sixth; 8 questions */
    assert_int_equal(check_pictures(page), 2 * (8 * 5 + 2 + 8));
    assert_int_equal(fixture_count(page, "class=\"right\""), 6);
    assert_int_equal(fixture_count(page, "class=\"right away\""), 2);
    free(page);
}

static void curves_have_their_points(void **state)
{
    (void)state;
    fixture_pretraining(&f, "short", 60);
    char *page = fixture_page(&f, (const char *[]){"short", NULL}, NULL);
    assert_int_equal(points_of(page, "class=\"raw c0\""), 60);
    assert_int_equal(points_of(page, "class=\"line c0\""), 60);
    assert_int_equal(points_of(page, "class=\"line c1\""), 3); /* validations, after each 20 */
    free(page);
    fixture_pretraining(&f, "long", 5000);
    page = fixture_page(&f, (const char *[]){"long", NULL}, NULL);
    assert_in_range(points_of(page, "class=\"raw c0\""), 300, 600);
    is_closed(page);
    free(page);
}

static void one_folder_has_its_page_in_it(void **state)
{
    (void)state;
    char path[100];
    const char *folder = path;
    fixture_finetuning(&f, "alone", 40);
    snprintf(path, sizeof path, "%s/alone", f.folder);
    assert_int_equal(violet_report(&folder, 1, NULL, NULL), VIOLET_OK);
    char *page = fixture_read(&f, "alone/report.html");
    has(page, "<title>fine-tuning: alone</title>");
    has(page, "R@1 37.5");
    has_not(page, "<nav>");
    free(page);
}

static void seeds_have_a_mean(void **state)
{
    (void)state;
    fixture_retrieval(&f, "all/seed1/eval", 8, "a");
    fixture_retrieval(&f, "all/seed2/eval", 8, "a");
    char *page = fixture_page(&f, (const char *[]){"all", NULL}, NULL);
    has(page, ">mean</th>");
    free(page);
    page = fixture_page(&f, (const char *[]){"all/seed1", NULL}, NULL);
    has_not(page, ">mean</th>");
    free(page);
}

static void examples_can_be_left_out(void **state)
{
    (void)state;
    fixture_retrieval(&f, "few", 8, "a");
    char *page = fixture_page(&f, (const char *[]){"few", NULL},
                              (const char *[]){"examples=0", NULL});
    assert_int_equal(check_pictures(page), 0);
    free(page);
    page = fixture_page(&f, (const char *[]){"few", NULL},
                        (const char *[]){"examples=2", "frames=1", NULL});
    assert_int_equal(fixture_count(page, "class=\"card\""), 2);
    assert_int_equal(fixture_count(page, "✓ rank 1<"), 1);
    free(page);
}

/* ---- strangers' files ------------------------------------------------------------------------ */

#define EVIL "</h4><script>alert(1)</script>&\\\"'\\u202e\\u0001"

static void text_is_escaped(void **state)
{
    (void)state;
    fixture_retrieval(&f, "<b>&'/x", 8, EVIL);
    fixture_questions(&f, "<b>&'/y", 8, EVIL);
    fixture_pretraining(&f, "<b>&'/z", 40);
    fixture_write(&f, "<b>&'/z/log.json", "{\"<i>\": {\"ac_mtm\": [0.1, 0.2]}, "
                                             "\"b\": {\"ac_mtm\": [1]}}");
    char *page = fixture_page(&f, (const char *[]){"<b>&'", NULL},
                              (const char *[]){"title=<u>\"T\"", NULL});
    is_closed(page);
    has_not(page, "<script");
    has_not(page, "<i>\"");
    has_not(page, "\x01");
    has(page, "&lt;/h4&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;");
    has(page, "<h1>&lt;u&gt;&quot;T&quot;</h1>");
    has(page, "validation, &lt;i&gt;");
    free(page);
}

static void numbers_that_are_none(void **state)
{
    (void)state;
    fixture_pretraining(&f, "nan", 40);
    fixture_write(&f, "nan/steps.jsonl",
                  "{\"step\": 1, \"ls_mtm\": 5, \"ls_vtm\": null, \"norm\": 1e308}\n"
                  "{\"step\": 2, \"ls_mtm\": null, \"ls_vtm\": null, \"norm\": -1e308}\n"
                  "{\"step\": 3, \"ls_mtm\": 4, \"ls_vtm\": null, \"norm\": 1e308}\n"
                  "{\"step\": 4, \"ls_mtm\": 1e300, \"ls_vtm\": null, \"norm\": null}\n"
                  "{\"step\": 5, \"ls_mtm\": 3, \"ls_vtm\": null, \"norm\": 1}\n"
                  "{\"step\": 6, \"ls_mtm\": NaN}\n[1, 2]\nnonsense\n{\"step\": 7, \"ls_m");
    fixture_write(&f, "nan/timing.jsonl", "{\"step\": 1, \"seconds\": 0}\n"
                                       "{\"step\": 2, \"seconds\": -1}\n");
    fixture_retrieval(&f, "nan/eval", 8, "a");
    fixture_write(&f, "nan/eval/result.json", "{\"metrics\": {\"t2v_recall_1\": {\"value\": null}, "
                  "\"accuracy_x\": 7, \"v2t_mean_rank\": {\"value\": 1e300, \"interval\": [1]}}}");
    char *page = fixture_page(&f, (const char *[]){"nan", NULL}, NULL);
    is_closed(page);
    has(page, "4 lines of steps.jsonl could not be read");
    has(page, "Loss: masked words");
    for (const char *s = body_of(page); (s = strstr(s, "<svg")); s++) {
        const char *end = strstr(s, "</svg>"), *nan = strstr(s, "nan"), *inf = strstr(s, "inf");
        assert_non_null(end);
        if ((nan && nan < end) || (inf && inf < end)) fail_msg("%.*s", (int)(end - s), s);
    }
    free(page);
}

static void resumed_runs_repeat_no_steps(void **state)
{
    (void)state;
    fixture_pretraining(&f, "again", 40);
    char *text = fixture_read(&f, "again/timing.jsonl");
    vl_buf twice = {0};
    assert_int_equal(vl_buf_printf(&twice, "%s%s", text, text), VIOLET_OK);
    fixture_write(&f, "again/timing.jsonl", twice.data);
    char *page = fixture_page(&f, (const char *[]){"again", NULL}, NULL);
    const char *memory = strstr(page, "Memory, MiB");
    assert_non_null(memory);
    assert_int_equal(points_of(memory, "class=\"line c5\""), 40);
    free(page);
    free(text);
    vl_buf_free(&twice);
}

/* ---- what is missing ------------------------------------------------------------------------- */

static void missing_pieces_make_it_shorter(void **state)
{
    (void)state;
    char path[200];
    fixture_pretraining(&f, "less", 40);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"timing.jsonl", "machine.json", "steps.jsonl"};
        snprintf(path, sizeof path, "%s/less/%s", f.folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    fixture_write(&f, "less/log.json", "[]");
    fixture_retrieval(&f, "less/a", 8, "a");
    snprintf(path, sizeof path, "%s/less/a/predictions.jsonl", f.folder);
    assert_int_equal(unlink(path), 0);
    fixture_retrieval(&f, "less/b", 8, "a");
    fixture_write(&f, "less/b/eval_args.json", "{\"data\": \"/nowhere\", \"dataset\": \"toy\"}");
    fixture_questions(&f, "less/c", 8, "blue");
    snprintf(path, sizeof path, "%s/less/c/eval_args.json", f.folder);
    assert_int_equal(unlink(path), 0);
    fixture_retrieval(&f, "less/d", 12, "a"); /* videos v8 and on have no pictures */
    char *page = fixture_page(&f, (const char *[]){"less", NULL}, NULL);
    is_closed(page);
    has(page, "no curves");
    has(page, "There are no predictions");
    has(page, "folder &#39;/nowhere&#39; is not there");
    has(page, "eval_args.json, which says where they are, is not there");
    has(page, "no picture: no pictures of it");
    has(page, "Its options are not in the folder");
    has(page, "“a 0”");
    free(page);
}

static void errors_are_one_line(void **state)
{
    (void)state;
    fixture_write(&f, "empty/args.json", "{\"type\": \"pretrain\"}");
    assert_int_equal(fixture_report(&f, (const char *[]){"empty", NULL}, NULL), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "empty: no run: expected args.json and steps.jsonl"));
    assert_int_equal(fixture_report(&f, (const char *[]){"nowhere", NULL}, NULL), VIOLET_EIO);
    assert_int_equal(fixture_report(&f, (const char *[]){NULL}, NULL), VIOLET_EINVAL);
    fixture_retrieval(&f, "fine", 8, "a");
    const char *const wrong[] = {"baseline=x", "baseline==y", "baseline=x=/nowhere"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_report(&f, (const char *[]){"fine", NULL},
                                        (const char *[]){wrong[i], NULL}), VIOLET_EINVAL);
}

static void a_stop_leaves_nothing(void **state)
{
    (void)state;
    char path[100];
    const char *folder = path;
    volatile sig_atomic_t stop = 1;
    const violet_hooks hooks = {.stop = &stop};
    fixture_retrieval(&f, "stopped", 8, "a");
    snprintf(path, sizeof path, "%s/stopped", f.folder);
    assert_int_equal(violet_report(&folder, 1, NULL, &hooks), VIOLET_EINTERRUPTED);
    snprintf(path, sizeof path, "%s/stopped/report.html", f.folder);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_there),
        cmocka_unit_test(curves_have_their_points),
        cmocka_unit_test(one_folder_has_its_page_in_it),
        cmocka_unit_test(seeds_have_a_mean),
        cmocka_unit_test(examples_can_be_left_out),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(resumed_runs_repeat_no_steps),
        cmocka_unit_test(missing_pieces_make_it_shorter),
        cmocka_unit_test(errors_are_one_line),
        cmocka_unit_test(a_stop_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
