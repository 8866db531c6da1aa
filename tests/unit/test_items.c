/* Items of the downstream tasks: every format, every error, lists of answers, question types. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/items.h"
#include "make_data.h"

#define REAL "../shared/data"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static void put(const char *name, const char *text)
{
    write_text(folder, name, text, strlen(text));
}

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* By name in the folder. */
static violet_status try_task(vl_items **q, vl_task_kind kind, const char *task, const char *split)
{
    vl_items_options o = {.kind = kind, .folder = folder, .task = task, .split = split};
    return vl_items_open(q, &o);
}

static vl_items *open_task(vl_task_kind kind, const char *task, const char *split)
{
    vl_items *q;
    if (try_task(&q, kind, task, split) != VIOLET_OK) fail_msg("%s", violet_error());
    return q;
}

/* A file's message behind the folder; `name` decides the format. */
static void refused(vl_task_kind kind, const char *name, const char *text, const char *message)
{
    vl_items *q = NULL;
    char want[300];
    put(name, text);
    vl_items_options o = {.kind = kind, .path = in_folder(name), .split = "test"};
    violet_status status = vl_items_open(&q, &o);
    if (status == VIOLET_OK) fail_msg("%s was read", text);
    assert_int_equal(status, VIOLET_EFORMAT);
    assert_null(q);
    snprintf(want, sizeof want, "%s/%s", folder, message);
    assert_string_equal(violet_error(), want);
}

/* ---- formats --------------------------------------------------------------------------------- */

static void check_captions(const vl_items *q)
{
    static const char *const text[] = {"a man, \"walking\"", "he walks", "a dog"};
    assert_int_equal(vl_items_n(q), 3);
    assert_int_equal(vl_items_n_videos(q), 2);
    for (size_t i = 0; i < 3; i++) {
        const vl_item *x = vl_items_at(q, i);
        assert_string_equal(x->text, text[i]);
        assert_string_equal(vl_items_video(q, x->video), i < 2 ? "v\xc3\xa9 1" : "v2");
        assert_true(x->answer == -1 && x->n_options == 0 && x->type == -1);
    }
    int n;
    const int *of = vl_items_of(&n, q, 0);
    assert_true(n == 2 && of[0] == 0 && of[1] == 1);
    of = vl_items_of(&n, q, 1);
    assert_true(n == 1 && of[0] == 2);
    assert_true(!vl_items_is_last(q, 0) && vl_items_is_last(q, 1) && vl_items_is_last(q, 2));
    assert_null(vl_items_at(q, 3));
    assert_null(vl_items_video(q, 2));
}

static void captions_in_every_format(void **state)
{
    (void)state;
#define MAN "\"v\xc3\xa9 1\""
#define ONE "\"a man, \\\"walking\\\"\""
    static const char *const files[][2] = {
        {"txt_a.json", "{\"version\": 12, \"test\": [{\"video\": " MAN ", \"caption\": " ONE "},"
                       "{\"caption\": [\"he walks\"], \"video\": " MAN "},\n"
                       "{\"video\": \"v2\", \"caption\": \"a dog\", \"url\": {\"x\": []}}],"
                       "\"train\": [1, [2], {}], \"note\": \"x\"}"},
        {"txt_b.json", "{\"test\": {" MAN ": [" ONE ", \"he walks\"], \"v2\": \"a dog\"}}"},
        {"txt_c_test.json", "[{\"video\": " MAN ", \"caption\": [" ONE ", \"he walks\"]},"
                            "{\"video\": \"v2\", \"caption\": \"a dog\", \"type\": null}]"},
        {"txt_d_test.jsonl", "\xef\xbb\xbf{\"video\": " MAN ", \"caption\": " ONE "}\r\n"
                             "{\"video\": " MAN ", \"caption\": \"he walks\"}\n\n"
                             "{\"video\": \"v2\", \"caption\": \"a dog\"}"},
        {"txt_e.jsonl", "{\"split\": \"test\", \"video\": " MAN ", \"caption\": " ONE "}\n"
                        "{\"video\": 7, \"split\": \"val\"}\n" /* another's need not be right */
                        "{\"split\": \"test\", \"video\": " MAN ", \"caption\": \"he walks\"}\n"
                        "{\"split\": \"test\", \"video\": \"v2\", \"caption\": \"a dog\"}\n"},
        {"txt_f_test.csv", "caption,video\n\"a man, \"\"walking\"\"\",v\xc3\xa9 1\n"
                           "he walks,v\xc3\xa9 1\r\n\"a dog\",v2"},
        {"txt_g.csv", "video,url,caption,split\nv\xc3\xa9 1,,\"a man, \"\"walking\"\"\",test\n"
                      "v,,,val\nv\xc3\xa9 1,x,he walks,test\nv2,,a dog,test\n"},
        {"h.json", "{\"test\": {" MAN ": [" ONE ", \"he walks\"], \"v2\": [\"a dog\"]}}\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char name[] = {(char)('a' + (char)i), 0};
        bool has;
        put(files[i][0], files[i][1]);
        vl_items *q = open_task(VL_TASK_RETRIEVAL, name, "test");
        assert_non_null(strstr(vl_items_path(q), files[i][0]));
        check_captions(q);
        vl_items_close(q);
        vl_items_options o = {.folder = folder, .task = name, .split = "test"};
        assert_int_equal(vl_items_has_split(&has, &o), VIOLET_OK);
        assert_true(has);
        o.split = "nothing";
        assert_int_equal(vl_items_has_split(&has, &o), VIOLET_OK);
        assert_false(has);
    }
    /* by path: a file without splits is taken whole, where none is asked for */
    vl_items *q;
    put("mine.csv", "video,caption\nv\xc3\xa9 1,\"a man, \"\"walking\"\"\"\nv\xc3\xa9 1,he walks\n"
                    "v2,a dog\n");
    vl_items_options o = {.path = in_folder("mine.csv")};
    assert_int_equal(vl_items_open(&q, &o), VIOLET_OK);
    check_captions(q);
    vl_items_close(q);
}

static void choices(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"txt_mc.json", "{\"test\": [{\"video\": \"v\", \"question\": \"What ___?\", \"answer\": 1,"
                        "\"option_1\": \"b\", \"option_0\": \"a\", \"option_2\": null,"
                        "\"option_count\": 2},"
                        "{\"video\": \"v\", \"question\": \"q\", \"option_0\": \"x\","
                        "\"option_1\": \"y\", \"option_2\": \"z\", \"answer\": -1,"
                        "\"type\": \"count\"}]}"},
        {"txt_mc_test.csv", "video,question,option_1,option_0,option_2,answer,type\n"
                            "v,What ___?,b,a,,1,\nv,q,y,x,z,-1,count\n"},
    };
    for (int i = 0; i < 2; i++) {
        put(files[i][0], files[i][1]);
        vl_items *q = open_task(VL_TASK_QAMC, "mc", "test");
        const vl_item *x = vl_items_at(q, 0), *y = vl_items_at(q, 1);
        assert_int_equal(vl_items_n(q), 2);
        assert_string_equal(x->text, "What ___?"); /* a blank is one in open-ended questions only */
        assert_true(x->n_options == 2 && x->answer == 1 && x->entry == 0);
        assert_string_equal(x->option[0], "a");
        assert_string_equal(x->option[1], "b");
        assert_true(y->n_options == 3 && y->answer == -1 && y->entry == 1);
        assert_string_equal(y->option[2], "z");
        assert_int_equal(vl_items_most_options(q), 3);
        assert_int_equal(vl_items_n_unanswered(q), 1);
        assert_string_equal(vl_items_type(q, x->type), "what");
        assert_string_equal(vl_items_type(q, y->type), "count");
        vl_items_close(q);
        remove(in_folder(files[i][0]));
    }
}

static void any_number_of_options(void **state)
{
    (void)state;
    char text[8000] = "[{\"video\": \"v\", \"question\": \"q\", \"answer\": 99";
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), ", \"option_%d\": \"number %d\"", i, i);
    strcat(text, "}]");
    put("txt_many_test.json", text);
    vl_items *q = open_task(VL_TASK_QAMC, "many", "test");
    assert_int_equal(vl_items_at(q, 0)->n_options, 100);
    assert_string_equal(vl_items_at(q, 0)->option[99], "number 99");
    vl_items_close(q);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answers_by_the_files_own_list(void **state)
{
    (void)state;
    static const char *const vocab[] = {"{\"dog\": 1, \"cat\": 0}", "[\"cat\", \"dog\"]"};
    for (int i = 0; i < 2; i++) {
        char text[600];
        snprintf(text, sizeof text,
                 "{\"test\": [{\"video\": \"v\", \"question\": \"q\", \"answer\": \"dog\"},"
                 "{\"video\": \"v\", \"question\": \"q\", \"answer\": \"cow\"},"
                 "{\"video\": \"v\", \"question\": \"q\", \"answer\": 0},"
                 "{\"video\": \"v\", \"question\": \"q\", \"answer\": -1}], \"vocab\": %s}",
                 vocab[i]);
        put("txt_oe.json", text);
        vl_items *q = open_task(VL_TASK_QAOE, "oe", "test");
        static const int answer[] = {1, -1, 0, -1};
        for (size_t k = 0; k < 4; k++) assert_int_equal(vl_items_at(q, k)->answer, answer[k]);
        assert_string_equal(vl_items_at(q, 1)->word, "cow");
        assert_string_equal(vl_items_at(q, 2)->word, "cat");
        assert_null(vl_items_at(q, 3)->word);
        assert_int_equal(vl_answers_n(vl_items_vocab(q)), 2);
        assert_string_equal(vl_answers_word(vl_items_vocab(q), 1), "dog");
        assert_null(vl_answers_word(vl_items_vocab(q), 2));
        assert_int_equal(vl_items_n_unanswered(q), 2);
        /* a checkpoint's list instead of the file's: by words */
        vl_answers *a;
        const char *words[] = {"cow", "horse", "dog"};
        assert_int_equal(vl_answers_new(&a, words, 3), VIOLET_OK);
        assert_int_equal(vl_items_use(q, a), VIOLET_OK);
        static const int other[] = {2, 0, -1, -1};
        for (size_t k = 0; k < 4; k++) assert_int_equal(vl_items_at(q, k)->answer, other[k]);
        vl_answers_free(a);
        vl_items_close(q);
    }
}

/* c 3 times; b, a, zz twice: in the order of bytes; then B, "12" and an umlaut, once. */
static void answers_by_frequency(void **state)
{
    (void)state;
    static const char text[] = "video,question,answer\nv,q,zz\nv,q,b\nv,q,c\nv,q,a\nv,q,\xc3\xa4\n"
                               "v,q,c\nv,q,b\nv,q,a\nv,q,zz\nv,q,c\nv,q,B\nv,q,12\n";
    static const char *const want[] = {"c", "a", "b", "zz", "12", "B", "\xc3\xa4"};
    put("txt_f_train.csv", text);
    vl_items *q = open_task(VL_TASK_QAOE, "f", "train");
    assert_null(vl_items_vocab(q));
    assert_int_equal(vl_items_n_unanswered(q), 12); /* there is no list yet */
    for (size_t most = 1; most < 9; most++) {
        vl_answers *a;
        assert_int_equal(vl_answers_frequent(&a, q, most), VIOLET_OK);
        assert_int_equal(vl_answers_n(a), most < 7 ? most : 7);
        for (int i = 0; i < vl_answers_n(a); i++) {
            assert_string_equal(vl_answers_word(a, i), want[i]);
            assert_int_equal(vl_answers_find(a, want[i]), i);
        }
        assert_int_equal(vl_answers_find(a, "dog"), -1);
        assert_int_equal(vl_items_use(q, a), VIOLET_OK);
        if (most == 3) assert_int_equal(vl_items_n_unanswered(q), 5);
        if (most == 3) assert_true(vl_items_at(q, 3)->answer == 1 && !vl_items_at(q, 2)->answer);
        vl_answers_free(a);
    }
    vl_items_close(q);
}

static void lists_that_cannot_be(void **state)
{
    (void)state;
    vl_answers *a;
    vl_items *q;
    static const char *const twice[] = {"a", "b", "a"}, *const empty[] = {"a", ""};
    assert_int_equal(vl_answers_new(&a, twice, 3), VIOLET_EFORMAT);
    assert_string_equal(violet_error(), "answer 'a' is twice in the list, as 0 and as 2");
    assert_int_equal(vl_answers_new(&a, empty, 2), VIOLET_EFORMAT);
    assert_null(a);
    /* numbers without a list: nothing to make one of; one that is too short is noticed */
    put("txt_n_test.jsonl", "{\"video\": \"v\", \"question\": \"q\", \"answer\": 2}");
    q = open_task(VL_TASK_QAOE, "n", "test");
    assert_int_equal(vl_answers_frequent(&a, q, 9), VIOLET_EFORMAT);
    assert_int_equal(vl_answers_new(&a, twice, 2), VIOLET_OK);
    assert_int_equal(vl_items_use(q, a), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "entry 0: answer: 2, the list has 2"));
    assert_int_equal(vl_items_at(q, 0)->answer, 2);
    vl_answers_free(a);
    vl_items_close(q);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void types_of_questions(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"what is it?", "what"},         {"Who runs", "who"},
        {"How many men?", "how"},        {" \\\"Where\\\" is it", "where"},
        {"when?", "when"},               {"WHY", "why"},
        {"which one", "which"},          {"whose hat", "whose"},
        {"to whom", "other"},            {"is it red?", "other"},
        {"whatever", "other"},           {"whats", "other"},
        {"a man _____ a guitar", "blank"}, {"what [MASK] it", "blank"},
        {"?", "other"},                  {"what's this", "what"},
    };
    char text[3000] = "[";
    int n = (int)(sizeof cases / sizeof *cases);
    for (int i = 0; i < n; i++)
        sprintf(text + strlen(text), "%s{\"video\": \"v\", \"question\": \"%s\", \"answer\": 0}",
                i ? "," : "", cases[i][0]);
    strcat(text, "]");
    put("txt_t_test.json", text);
    vl_items *q = open_task(VL_TASK_QAOE, "t", "test");
    for (int i = 0; i < n; i++)
        assert_string_equal(vl_items_type(q, vl_items_at(q, (size_t)i)->type), cases[i][1]);
    assert_int_equal(vl_items_n_types(q), 10);
    assert_null(vl_items_type(q, 10));
    assert_null(vl_items_type(q, -1));
    vl_items_close(q);
}

static void blanks(void **state)
{
    (void)state;
    put("txt_fill_test.csv", "video,question,answer\nv,a man _____ a guitar,plays\n"
                          "v,a [MASK] runs,dog\nv,he said __init__ ___.,x\n");
    vl_items *q = open_task(VL_TASK_QAOE, "fill", "test");
    assert_string_equal(vl_items_at(q, 0)->text, "a man [MASK] a guitar");
    assert_string_equal(vl_items_at(q, 1)->text, "a [MASK] runs");
    assert_string_equal(vl_items_at(q, 2)->text, "he said __init__ [MASK].");
    vl_items_close(q);
    refused(VL_TASK_QAOE, "two_test.csv", "video,question,answer\nv,a ___ and a [MASK],x\n",
            "two_test.csv line 2: test entry 0: question: 2 blanks, expected one");
}

/* ---- errors ---------------------------------------------------------------------------------- */

#define MC "\"video\": \"v\", \"question\": \"q\", \"option_0\": \"a\""

static void wrong_entries(void **state)
{
    (void)state;
    static const struct {
        vl_task_kind kind;
        const char *entry, *message;
    } cases[] = {
        {VL_TASK_RETRIEVAL, "7", "expected {\"video\": ...}, found a number"},
        {VL_TASK_RETRIEVAL, "{\"caption\": \"c\"}", "video: not there"},
        {VL_TASK_RETRIEVAL, "{\"video\": \" \", \"caption\": \"c\"}", "video: empty"},
        {VL_TASK_RETRIEVAL, "{\"video\": 3, \"caption\": \"c\"}",
         "video: expected a string, found a number"},
        {VL_TASK_RETRIEVAL, "{\"video\": \"v\"}", "caption: not there"},
        {VL_TASK_RETRIEVAL, "{\"video\": \"v\", \"caption\": []}", "caption: not there"},
        {VL_TASK_RETRIEVAL, "{\"video\": \"v\", \"caption\": [\"a\", \"\"]}", "caption 1: empty"},
        {VL_TASK_RETRIEVAL, "{\"video\": \"v\", \"caption\": [\"a\", 1.5]}",
         "caption 1: expected a string, found a fraction"},
        {VL_TASK_RETRIEVAL, "{\"video\": \"v\", \"caption\": {}}",
         "caption: expected a string, found an object"},
        {VL_TASK_QAMC, "{\"video\": \"v\", \"answer\": 0}", "question: not there"},
        {VL_TASK_QAMC, "{" MC ", \"answer\": 0}",
         "option_1: not there, expected two options or more"},
        {VL_TASK_QAMC, "{" MC ", \"option_2\": \"b\", \"answer\": 0}",
         "option_1: not there, although there are 2 options"},
        {VL_TASK_QAMC, "{" MC ", \"option_1\": \"\\t\", \"answer\": 0}", "option_1: empty"},
        {VL_TASK_QAMC, "{" MC ", \"option_1\": true, \"answer\": 0}",
         "option_1: expected a string, found true or false"},
        {VL_TASK_QAMC, "{" MC ", \"option_1\": \"b\"}", "answer: not there"},
        {VL_TASK_QAMC, "{" MC ", \"option_1\": \"b\", \"answer\": 2}",
         "answer: 2, expected a number from -1 to 1"},
        {VL_TASK_QAMC, "{" MC ", \"option_1\": \"b\", \"answer\": -2}",
         "answer: -2, expected a number from -1 to 1"},
        {VL_TASK_QAMC, "{" MC ", \"option_1\": \"b\", \"answer\": \"b\"}",
         "answer: expected an option's number, found 'b'"},
        {VL_TASK_QAOE, "{\"video\": \"v\", \"question\": \"\", \"answer\": 0}", "question: empty"},
        {VL_TASK_QAOE, "{\"video\": \"v\", \"question\": \"q\", \"answer\": \"\"}",
         "answer: empty"},
        {VL_TASK_QAOE, "{\"video\": \"v\", \"question\": \"q\", \"answer\": 0.5}",
         "answer: expected a number or a word, found a fraction"},
        {VL_TASK_QAOE, "{\"video\": \"v\", \"question\": \"q\", \"answer\": [1]}",
         "answer: expected a number or a word, found a list"},
        {VL_TASK_QAOE, "{\"video\": \"v\", \"question\": \"q\", \"answer\": 1, \"type\": 1}",
         "type: expected a string, found a number"},
        {VL_TASK_QAOE, "{\"video\": \"v\", \"question\": \"q\", \"answer\": 99999999999}",
         "answer: 99999999999, expected a number from -1 to 2147483647"},
    };
    static const char *const good[] = {
        "{\"video\": \"v\", \"caption\": \"c\"}",
        "{" MC ", \"option_1\": \"b\", \"answer\": 0}",
        "{\"video\": \"v\", \"question\": \"q\", \"answer\": 0}",
    };
    char text[600], message[300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "{\"test\": [%s, %s]}", good[cases[i].kind], cases[i].entry);
        snprintf(message, sizeof message, "w.json: test entry 1: %s", cases[i].message);
        refused(cases[i].kind, "w.json", text, message);
        snprintf(text, sizeof text, "%s\n%s\n", good[cases[i].kind], cases[i].entry);
        snprintf(message, sizeof message, "w_test.jsonl line 2: test entry 1: %s",
                 cases[i].message);
        refused(cases[i].kind, "w_test.jsonl", text, message);
    }
}

static void wrong_files(void **state)
{
    (void)state;
#define GOOD "{\"video\": \"v\", \"caption\": \"c\"}"
#define OPEN "{\"video\": \"v\", \"question\": \"q\", \"answer\": 2}"
    static const struct {
        vl_task_kind kind;
        const char *name, *text, *message;
    } cases[] = {
        {0, "x.json", "", "x.json line 1: expected '{', found the end of the file"},
        {0, "x.json", "{}", "x.json: no entries of split 'test'"},
        {0, "x.json", "{\"test\": []}", "x.json: no entries of split 'test'"},
        {0, "x.json", "{\"val\": []} x", "x.json line 1: something behind the end"},
        {0, "x.json", "{\"test\"\n: [" GOOD "\n" GOOD "]}", "x.json line 3: expected ']'"},
        {0, "x.json", "{\"test\": [" GOOD ",\n]}", "x.json line 2: unexpected token near ']'"},
        {0, "x.json", "{\"test\": [" GOOD "], \"test\": []}",
         "x.json line 1: split 'test' a second time"},
        {0, "x.json", "{\"test\": [" GOOD "]",
         "x.json line 1: expected '}', found the end of the file"},
        {0, "x.json", "{3: 4}", "x.json line 1: expected a name, found a number"},
        {0, "x.json", "{\"test\": 3}", "x.json line 1: expected '['"},
        {0, "x.json", "{\"test\": {\"v\": [\"\"]}}", "x.json: test entry 0: caption 0: empty"},
        {0, "x.json", "{\"test\": {\"v\": 1}}",
         "x.json: test entry 0: caption: expected a string, found a number"},
        {0, "x.json", "{\"test\": [{\"video\": \"v\",\n \"video\": \"w\"}]}",
         "x.json line 2: duplicate object key near '\"video\"'"},
        {VL_TASK_QAMC, "x.json", "{\"test\": {\"v\": [\"c\"]}}", "x.json line 1: expected '['"},
        {0, "x.jsonl", GOOD, "x.jsonl line 1: test entry 0: split: not there"},
        {0, "x_test.jsonl", GOOD " " GOOD, "x_test.jsonl line 1: something behind the entry"},
        {0, "x_test.jsonl", "{\"video\": \"v\",\n\"caption\": \"c\"}",
         "x_test.jsonl line 1: string or '}' expected near end of file"},
        {0, "x_test.jsonl", "{\"video\": \"v\", \"caption\": \"\xc3(\"}",
         "x_test.jsonl line 1: unable to decode byte 0xc3 near '\"'"},
        {0, "x_test.csv", "", "x_test.csv: expected a line of names"},
        {0, "x_test.csv", "video,text\nv,c\n", "x_test.csv line 1: no column 'caption'"},
        {VL_TASK_QAOE, "x_test.csv", "video,question\nv,c\n",
         "x_test.csv line 1: no column 'answer'"},
        {0, "x_test.csv", "video,caption,video\n", "x_test.csv line 1: column 'video' comes twice"},
        {VL_TASK_QAMC, "x_test.csv", "video,question,answer,option_0,option_0\n",
         "x_test.csv line 1: column 'option_0' comes twice"},
        {VL_TASK_QAMC, "x_test.csv", "video,question,answer,option_0,option_2\n",
         "x_test.csv line 1: there is a column 'option_2', but none 'option_1'"},
        {0, "x_test.csv", "video,caption\n", "x_test.csv: no entries of split 'test'"},
        {0, "x_test.csv", "video,caption\nv,c\nv\n",
         "x_test.csv line 3: 1 cells, the first row has 2"},
        {0, "x_test.csv", "video,caption\nv,c\nv,\n",
         "x_test.csv line 3: test entry 1: caption: not there"},
        {0, "x.csv", "video,caption\nv,c\n", "x.csv line 2: test entry 0: split: not there"},
        {VL_TASK_QAMC, "x_test.csv", "video,question,answer,option_0,option_1\nv,q,1x,a,b\n",
         "x_test.csv line 2: test entry 0: answer: expected a number, found '1x'"},
        {VL_TASK_QAMC, "x_test.csv", "video,question,answer,option_0,option_1\nv,q,1,,b\n",
         "x_test.csv line 2: test entry 0: option_0: empty"},
        {VL_TASK_QAOE, "x.json", "{\"test\": [" OPEN "], \"vocab\": [\"a\", \"b\"]}",
         "x.json: test: entry 0: answer: 2, expected a number from -1 to 1"},
        {VL_TASK_QAOE, "x.json", "{\"vocab\": 3, \"test\": [" OPEN "]}",
         "x.json: vocab: expected {word: number} or a list, found a number"},
        {VL_TASK_QAOE, "x.json", "{\"vocab\": {\"a\": 0, \"b\": 0}, \"test\": [" OPEN "]}",
         "x.json: vocab: 'b': expected a number of its own below 2"},
        {VL_TASK_QAOE, "x.json", "{\"vocab\": [\"a\", 1], \"test\": [" OPEN "]}",
         "x.json: vocab: 1: expected a word, found a number"},
        {VL_TASK_QAOE, "x.json", "{\"vocab\": [\"a\", \"a\"], \"test\": [" OPEN "]}",
         "x.json: vocab: answer 'a' is twice in the list, as 0 and as 1"},
        {VL_TASK_QAOE, "x.json", "{\"vocab\": [], \"vocab\": []}",
         "x.json line 1: vocab a second time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refused(cases[i].kind, cases[i].name, cases[i].text, cases[i].message);
    }
}

static void which_file(void **state)
{
    (void)state;
    vl_items *q;
    bool has = true;
    assert_int_equal(try_task(&q, VL_TASK_QAOE, "none", "test"), VIOLET_EIO);
    assert_non_null(strstr(violet_error(), "txt_none_test.json (or .jsonl, .csv), "
                                             "txt_none.jsonl (or .csv) or none.json"));
    vl_items_options o = {.folder = folder, .task = "none", .split = "test"};
    assert_int_equal(vl_items_has_split(&has, &o), VIOLET_OK);
    assert_false(has);
    o = (vl_items_options){.folder = folder, .task = "none"};
    assert_int_equal(vl_items_open(&q, &o), VIOLET_EINVAL);
    o = (vl_items_options){.path = "/nonexistent.csv"};
    assert_int_equal(vl_items_open(&q, &o), VIOLET_EIO);
    /* splits in a file that is asked for whole */
    put("s.json", "{\"test\": []}");
    o = (vl_items_options){.path = in_folder("s.json")};
    assert_int_equal(vl_items_open(&q, &o), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "found splits: say which"));
    /* a wrong file is one, also when it is only asked what it has */
    put("txt_cut.json", "{\"val\": [{}, ");
    o = (vl_items_options){.folder = folder, .task = "cut", .split = "test"};
    assert_int_equal(vl_items_has_split(&has, &o), VIOLET_EFORMAT);
    assert_false(has);
}

/* A file cut anywhere is refused, but where only white space is missing. */
/* A list whose entries name no split is one, where that is asked for. */
static void a_list_without_splits(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"any.jsonl", "{\"video\": \"a\", \"caption\": \"x\"}\n"
                      "{\"video\": \"b\", \"caption\": \"y\"}\n"},
        {"any.csv", "video,caption\na,x\nb,y\n"},
        {"any.json", "[{\"video\": \"a\", \"caption\": \"x\"}, "
                     "{\"video\": \"b\", \"caption\": \"y\"}]"},
    };
    for (int i = 0; i < 3; i++) {
        vl_items *q;
        put(files[i][0], files[i][1]);
        vl_items_options o = {.path = in_folder(files[i][0]), .split = "test"};
        assert_int_equal(vl_items_open(&q, &o), VIOLET_EFORMAT);
        assert_non_null(strstr(violet_error(), "split: not there"));
        o.any = true;
        if (vl_items_open(&q, &o) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_true(vl_items_n(q) == 2 && vl_items_any(q));
        vl_items_close(q);
    }
    static const char *const mixed[] = {
        "{\"video\": \"a\", \"caption\": \"x\"}\n{\"video\": \"b\", \"split\": \"val\"}\n",
        "{\"video\": \"a\", \"split\": \"val\"}\n{\"video\": \"b\", \"caption\": \"x\"}\n"};
    for (int i = 0; i < 2; i++) {
        vl_items *q;
        put("any.jsonl", mixed[i]);
        vl_items_options o = {.path = in_folder("any.jsonl"), .split = "test", .any = true};
        assert_int_equal(vl_items_open(&q, &o), VIOLET_EFORMAT);
    }
    put("any.jsonl", "{\"video\": \"a\", \"caption\": \"x\", \"split\": \"test\"}\n");
    vl_items *q;
    vl_items_options o = {.path = in_folder("any.jsonl"), .split = "test", .any = true};
    assert_int_equal(vl_items_open(&q, &o), VIOLET_OK);
    assert_false(vl_items_any(q));
    vl_items_close(q);
}

static void every_beginning_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"train\": [{}], \"test\": [{\"video\": \"v\", \"question\": \"q\", \"answer\": \"a\"}],"
        " \"vocab\": {\"a\": 0}}";
    for (size_t n = 0; n < sizeof text; n++) {
        vl_items *q;
        write_text(folder, "txt_cut2.json", text, n);
        violet_status status = try_task(&q, VL_TASK_QAOE, "cut2", "test");
        assert_int_equal(status, n + 1 < sizeof text ? VIOLET_EFORMAT : VIOLET_OK);
        if (status == VIOLET_OK) vl_items_close(q);
    }
}

/* ---- the published files --------------------------------------------------------------------- */

static void published_files(void **state)
{
    (void)state;
    static const char *const tasks[] = {"msrvtt-retrieval", "tgif-action", "msvd-qa"};
    static const char *const splits[] = {"train", "val", "test"};
    static const int n_videos[3][3] = {{196, 50, 50}, {200, 50, 50}, {181, 45, 48}};
    if (!vl_file_exists(REAL "/txt_msvd-qa.json")) {
        printf("skip: " REAL " is not here\n");
        skip();
    }
    for (int i = 0; i < 9; i++) {
        vl_items *q;
        bool has;
        vl_task_kind kind = (vl_task_kind)(i / 3);
        vl_items_options o = {.kind = kind, .folder = REAL, .task = tasks[i / 3],
                              .split = splits[i % 3]};
        assert_int_equal(vl_items_has_split(&has, &o), VIOLET_OK);
        assert_true(has);
        if (vl_items_open(&q, &o) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(vl_items_n(q), i % 3 ? 50 : 200);
        assert_int_equal(vl_items_most_options(q), kind == VL_TASK_QAMC ? 5 : 0);
        assert_int_equal(vl_items_n_videos(q), n_videos[i / 3][i % 3]);
        if (kind == VL_TASK_QAOE) assert_int_equal(vl_answers_n(vl_items_vocab(q)), 1000);
        if (kind != VL_TASK_RETRIEVAL) assert_int_equal(vl_items_n_unanswered(q), 0);
        if (i == 6) { /* the first: "what is someone whisking a sauce in?", 91 */
            const vl_item *x = vl_items_at(q, 0);
            assert_string_equal(vl_items_video(q, x->video), "7xNG7qGY9rw_14_29");
            assert_int_equal(x->answer, 91);
            assert_string_equal(x->word, vl_answers_word(vl_items_vocab(q), 91));
            assert_string_equal(vl_items_type(q, x->type), "what");
        }
        vl_items_close(q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_in_every_format),
        cmocka_unit_test(choices),
        cmocka_unit_test(any_number_of_options),
        cmocka_unit_test(answers_by_the_files_own_list),
        cmocka_unit_test(answers_by_frequency),
        cmocka_unit_test(lists_that_cannot_be),
        cmocka_unit_test(types_of_questions),
        cmocka_unit_test(blanks),
        cmocka_unit_test(wrong_entries),
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(which_file),
        cmocka_unit_test(a_list_without_splits),
        cmocka_unit_test(every_beginning_is_refused),
        cmocka_unit_test(published_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
