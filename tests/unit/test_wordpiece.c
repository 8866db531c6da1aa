/* WordPiece against Hugging Face's ids (golden), and its edges: cuts, special tokens, bad UTF-8,
 * vocabularies that are not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "text/normalise.h"
#include "text/wordpiece.h"

static vl_wordpiece *bert;

static int open_bert(void **state)
{
    (void)state;
    return vl_wordpiece_open(&bert, NULL) == VIOLET_OK ? 0 : -1;
}

static int close_bert(void **state)
{
    (void)state;
    vl_wordpiece_free(bert);
    return 0;
}

static void check_golden(const char *path)
{
    json_t *cases = json_load_file(path, 0, NULL), *c;
    size_t i, k, n_checked = 0;
    assert_non_null(cases);
    json_array_foreach(cases, i, c) {
        int size = (int)json_integer_value(json_object_get(c, "size"));
        const char *text = json_string_value(json_object_get(c, "text"));
        json_t *want = json_object_get(c, "ids"), *id;
        int32_t *ids = malloc((size_t)size * sizeof *ids);
        vl_wordpiece_encode(bert, ids, size, text, NULL);
        assert_int_equal(json_array_size(want), size);
        json_array_foreach(want, k, id) {
            if (ids[k] != json_integer_value(id))
                fail_msg("%s case %zu '%s': id %zu is %d, expected %d", path, i, text, k,
                         (int)ids[k], (int)json_integer_value(id));
        }
        free(ids);
        n_checked++;
    }
    assert_true(n_checked > 0);
    json_decref(cases);
}

static void golden(void **state)
{
    (void)state;
    check_golden("tests/golden/wordpiece.json");
}

static void golden_captions(void **state)
{
    (void)state;
    const char *path = "../shared/oracle/wordpiece-captions.json";
    if (access(path, R_OK) != 0) {
        puts("skip: shared/oracle/wordpiece-captions.json is not here");
        skip();
    }
    check_golden(path);
}

/* Taken down from tokenizers 0.22.1: strings in which a tokeniser written by ear goes wrong. */
static void hard_cases(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int n;
        int32_t ids[8];
    } cases[] = {
        {"a\315\270b", 1, {100}},
        {"x\340\253\206 y", 2, {100, 1061}},
        {"e\340\243\224x", 1, {100}},
        {"e\314\200x", 1, {4654}},
        {"a\342\271\222b", 1, {100}},
        {"a\342\271\202b", 3, {1037, 100, 1038}},
        {"\341\231\255", 1, {100}},
        {"a\360\221\207\211b", 3, {1037, 100, 1038}},
        {"\357\244\200", 1, {100}},
        {"\342\211\257", 1, {1028}},
        {"\341\277\257", 1, {1036}},
        {"\304\260", 1, {1045}},
        {"\316\237\316\224\316\237\316\243", 4, {1169, 29722, 29730, 29733}},
        {"[mask] [MASK]s", 5, {1031, 7308, 1033, 103, 1055}},
        {"[MASK", 2, {1031, 7308}},
        {"a\342\200\250b", 2, {1037, 1038}},
        {"a\302\205b", 1, {11113}},
        {"a\302\240b\343\200\200c", 3, {1037, 1038, 1039}},
        {"ne\302\255ver", 1, {2196}},
        {"\356\200\200no", 1, {2053}},
        {"\340\270\252\340\270\247", 2, {1420, 29955}},
        {"\360\237\230\200", 1, {100}},
        {"\341\234\264x", 1, {1060}},
        {"\357\254\201", 1, {1984}},
        {"##ing", 3, {1001, 1001, 13749}},
        {"$5+<=>^`", 8, {1002, 1019, 1009, 1026, 1027, 1028, 1034, 1036}},
        {"\360\253\240\240a", 1, {100}},
        {"\340\253\277a", 1, {100}},
        {"\327\251\327\201", 1, {1266}},
        {"\331\205\331\216", 1, {1295}},
        {"\352\260\200", 2, {1455, 30006}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t ids[16];
        int n = vl_wordpiece_encode(bert, ids, 16, cases[i].text, NULL);
        if (n != cases[i].n + 2) fail_msg("case %zu '%s': %d ids", i, cases[i].text, n - 2);
        assert_memory_equal(ids + 1, cases[i].ids, (size_t)cases[i].n * sizeof ids[0]);
    }
}

/* Every code point's characters, as compared one by one with tokenizers 0.22.1. If this goes red
 * with another utf8proc, its Unicode is newer: extend the table in src/text/normalise.c. */
static void all_code_points(void **state)
{
    (void)state;
    uint64_t h = 0xcbf29ce484222325u;
    for (uint32_t c = 0; c < 0x110000; c++) {
        vl_bert_char out[VL_BERT_CHARS];
        int n = vl_bert_chars(out, c);
        h = (h ^ (uint64_t)n) * 0x100000001b3u;
        for (int i = 0; i < n; i++) h = (h ^ (out[i].c * 4u + out[i].kind)) * 0x100000001b3u;
    }
    assert_int_equal(h, 0xee09562eca77d069u);
}

static void cut_keeps_sep_last(void **state)
{
    (void)state;
    int32_t ids[8] = {0};
    int whole;
    assert_int_equal(vl_wordpiece_encode(bert, ids, 2, "a b c", &whole), 2);
    assert_int_equal(whole, 5);
    assert_int_equal(ids[0], 101);
    assert_int_equal(ids[1], 102);
    assert_int_equal(vl_wordpiece_encode(bert, ids, 4, "a b c", &whole), 4);
    assert_int_equal(ids[2], 1038);
    assert_int_equal(ids[3], 102);
    assert_int_equal(vl_wordpiece_encode(bert, ids, 8, "a b c", &whole), 5);
    assert_int_equal(whole, 5);
    assert_int_equal(ids[4], 102);
    assert_int_equal(ids[7], 0);
}

static void word_of_101_characters_is_unknown(void **state)
{
    (void)state;
    char word[2 * 101 + 1] = "";
    int32_t ids[128];
    for (int i = 0; i < 100; i++) strcat(word, "\303\251"); /* e with acute: characters count */
    assert_true(vl_wordpiece_encode(bert, ids, 128, word, NULL) > 3);
    strcat(word, "e");
    assert_int_equal(vl_wordpiece_encode(bert, ids, 128, word, NULL), 3);
    assert_int_equal(ids[1], 100);
}

static void special_tokens_and_size(void **state)
{
    (void)state;
    assert_int_equal(vl_wordpiece_size(bert), 30522);
    assert_int_equal(vl_wordpiece_special(bert, VL_PAD), 0);
    assert_int_equal(vl_wordpiece_special(bert, VL_UNK), 100);
    assert_int_equal(vl_wordpiece_special(bert, VL_CLS), 101);
    assert_int_equal(vl_wordpiece_special(bert, VL_SEP), 102);
    assert_int_equal(vl_wordpiece_special(bert, VL_MASK), 103);
    assert_string_equal(vl_wordpiece_token(bert, 2075), "##ing");
    assert_string_equal(vl_wordpiece_token(bert, 30521), "##～");
    assert_null(vl_wordpiece_token(bert, 30522));
    assert_null(vl_wordpiece_token(bert, -1));
}

static void bad_utf8_is_passed_over(void **state)
{
    (void)state;
    int32_t clean[8], dirty[8];
    vl_wordpiece_encode(bert, clean, 8, "hello world", NULL);
    const char *text = "\xff" "hel\xed\xa0\x80lo\xc3 wor\xf4\x90\x80\x80ld\xe4\xb8";
    vl_wordpiece_encode(bert, dirty, 8, text, NULL);
    assert_memory_equal(clean, dirty, sizeof clean);
}

static void text_comes_back(void **state)
{
    (void)state;
    int32_t ids[32];
    vl_buf b = {0};
    int n = vl_wordpiece_encode(bert, ids, 32, "Don't juggle 3 bowling-pins, [MASK]!", NULL);
    assert_true(n < 32);
    assert_int_equal(vl_wordpiece_decode(bert, &b, ids, 32), VIOLET_OK);
    assert_string_equal(b.data, "don't juggle 3 bowling - pins, [MASK]!");
    ids[3] = 30522;
    assert_int_equal(vl_wordpiece_decode(bert, &b, ids, 32), VIOLET_EINVAL);
    assert_string_equal(violet_error(), "token 3 is 30522, expected 0 to 30521");
    vl_buf_free(&b);
}

static void bad_vocabularies(void **state)
{
    (void)state;
    vl_wordpiece *wp;
    assert_int_equal(vl_wordpiece_open(&wp, "no/such/file"), VIOLET_EIO);
    assert_string_equal(violet_error(), "open 'no/such/file': No such file or directory");
    assert_int_equal(vl_wordpiece_parse(&wp, "", 0, "v.txt"), VIOLET_EFORMAT);
    assert_string_equal(violet_error(), "v.txt: empty, expected a token a line");
    const char *text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
    assert_int_equal(vl_wordpiece_parse(&wp, text, strlen(text), "v.txt"), VIOLET_EFORMAT);
    assert_string_equal(violet_error(), "v.txt: no line with the special token [MASK]");
    text = "a\n[PAD]\na\n";
    assert_int_equal(vl_wordpiece_parse(&wp, text, strlen(text), "v.txt"), VIOLET_EFORMAT);
    assert_string_equal(violet_error(), "v.txt: token 'a' is on lines 1 and 3");
    assert_int_equal(vl_wordpiece_parse(&wp, "a\0b\n", 4, "v.txt"), VIOLET_EFORMAT);
    assert_null(wp);
}

static void own_vocabulary_with_crlf(void **state)
{
    (void)state;
    vl_wordpiece *wp;
    int32_t ids[8];
    const char *text = "[MASK]\r\n[SEP]\r\n[CLS]\r\n[UNK]\r\n[PAD]\r\nab\r\n##c";
    assert_int_equal(vl_wordpiece_parse(&wp, text, strlen(text), "v.txt"), VIOLET_OK);
    assert_int_equal(vl_wordpiece_size(wp), 7);
    assert_int_equal(vl_wordpiece_encode(wp, ids, 8, "abcc abd", NULL), 6);
    const int32_t want[8] = {2, 5, 6, 6, 3, 1, 4, 4};
    assert_memory_equal(ids, want, sizeof want);
    vl_wordpiece_free(wp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(golden_captions),
        cmocka_unit_test(hard_cases),
        cmocka_unit_test(all_code_points),
        cmocka_unit_test(cut_keeps_sep_last),
        cmocka_unit_test(word_of_101_characters_is_unknown),
        cmocka_unit_test(special_tokens_and_size),
        cmocka_unit_test(bad_utf8_is_passed_over),
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(bad_vocabularies),
        cmocka_unit_test(own_vocabulary_with_crlf),
    };
    return cmocka_run_group_tests(tests, open_bert, close_bert);
}
