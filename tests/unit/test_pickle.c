/* Pickles: every protocol, numpy arrays, refusals; every truncation and flip of small files. */
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
#include "file/pickle.h"

#define GOLDEN "tests/golden/checkpoints/"
#define BYTES(s) s, sizeof s - 1

static const vl_value *key(const vl_value *v, const char *k)
{
    return vl_dict_find(v, k, strlen(k));
}

static vl_pickle *open_golden(const char *what, int protocol)
{
    char path[200];
    vl_pickle *doc;
    snprintf(path, sizeof path, GOLDEN "%s_proto%d.pkl", what, protocol);
    if (vl_pickle_open(&doc, path, NULL) != VIOLET_OK) fail_msg("%s", violet_error());
    return doc;
}

static void plain_data_of_all_protocols(void **state)
{
    (void)state;
    for (int protocol = 2; protocol <= 5; protocol++) {
        vl_pickle *doc = open_golden("plain", protocol);
        const vl_value *root = vl_pickle_root(doc), *n = key(root, "n");
        int64_t i;
        double f;
        size_t n_bytes;
        assert_true(vl_value_is(vl_value_at(key(root, "v1"), 1), "BBBB"));
        assert_int_equal(vl_value_n(key(root, "v1")), 2);
        assert_int_equal(vl_value_kind(key(root, "v\xc3\xa9")), VL_LIST);
        assert_int_equal(vl_value_n(key(root, "v\xc3\xa9")), 0);
        assert_true(vl_value_int(&i, key(n, "x")) && i == 1);
        assert_true(vl_value_int(&i, key(n, "y")) && i == -1099511627776);
        assert_int_equal(vl_value_kind(key(n, "z")), VL_BIGINT);
        assert_true(vl_value_float(&f, key(n, "f")) && f == 1.5);
        assert_non_null(key(n, "none"));
        assert_int_equal(vl_value_kind(vl_value_at(key(n, "t"), 1)), VL_BOOL);
        const uint8_t *b = vl_value_bytes(&n_bytes, key(n, "b"));
        assert_true(b && n_bytes == 2 && b[0] == 0 && b[1] == 0xff);
        assert_null(key(root, "absent"));
        vl_pickle_close(doc);
    }
}

static void numpy_of_all_protocols(void **state)
{
    (void)state;
    for (int protocol = 2; protocol <= 5; protocol++) {
        vl_pickle *doc = open_golden("numpy", protocol);
        const vl_value *root = vl_pickle_root(doc);
        vl_ndarray a;
        int32_t tokens[12];
        float f[6];
        assert_true(vl_value_array(&a, key(root, "v1")));
        assert_true(a.n_dim == 3 && a.shape[0] == 3 && a.shape[1] == 2 && a.shape[2] == 2);
        assert_int_equal(vl_ndarray_to_i32(tokens, &a), VIOLET_OK);
        for (int i = 0; i < 12; i++) assert_int_equal(tokens[i], i);
        assert_true(vl_value_array(&a, key(root, "f")) && a.fortran);
        assert_int_equal(vl_ndarray_to_float(f, &a), VIOLET_OK);
        for (int i = 0; i < 6; i++) assert_true(f[i] == (float)i);
        assert_int_not_equal(vl_ndarray_to_i32(tokens, &a), VIOLET_OK);
        assert_true(vl_value_array(&a, key(root, "i64")) && a.n == 3);
        vl_pickle_close(doc);
    }
}

static void evil_is_refused_by_name(void **state)
{
    (void)state;
    vl_pickle *doc;
    assert_int_equal(vl_pickle_open(&doc, GOLDEN "evil.pkl", NULL), VIOLET_EUNSUPPORTED);
    assert_non_null(strstr(violet_error(), "'posix.system'"));
    assert_null(doc);
    assert_int_not_equal(access("PWNED", F_OK), 0);
}

static violet_status parse(vl_pickle **doc, const char *s, size_t n)
{
    return vl_pickle_parse(doc, s, n, "test", NULL);
}

static void protocol_0_and_1(void **state)
{
    (void)state;
    vl_pickle *doc;
    int64_t i;
    static const char text[] = "(dp0\nS'a'\np1\n(lp2\nI1\naI-7\naI01\naL12L\naF2.5\nas"
                               "V\\u00e9\xff\ng2\nsS'q\\'\\x41\\n'\nNs.";
    assert_int_equal(parse(&doc, BYTES(text)), VIOLET_OK);
    const vl_value *root = vl_pickle_root(doc), *a = key(root, "a");
    assert_int_equal(vl_value_n(a), 5);
    assert_true(vl_value_int(&i, vl_value_at(a, 1)) && i == -7);
    assert_int_equal(vl_value_kind(vl_value_at(a, 2)), VL_BOOL);
    assert_true(vl_value_int(&i, vl_value_at(a, 3)) && i == 12);
    assert_ptr_equal(key(root, "\xc3\xa9\xc3\xbf"), a);
    assert_non_null(key(root, "q'A\n"));
    vl_pickle_close(doc);
    /* protocol 2: a set by __builtin__.set([1, 2]), 1: U strings */
    assert_int_equal(parse(&doc, BYTES("\x80\2c__builtin__\nset\n](K\1K\2e\x85R.")), VIOLET_OK);
    assert_int_equal(vl_value_kind(vl_pickle_root(doc)), VL_SET);
    assert_int_equal(vl_value_n(vl_pickle_root(doc)), 2);
    vl_pickle_close(doc);
}

static void refused(const char *s, size_t n, const char *why)
{
    vl_pickle *doc;
    assert_int_not_equal(parse(&doc, s, n), VIOLET_OK);
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
}

static void hostile_programs_are_refused(void **state)
{
    (void)state;
    refused(BYTES(""), "ends before STOP");
    refused(BYTES("."), "stack is empty");
    refused(BYTES("]q\0h\0a."), "contains itself");
    refused(BYTES("cos\nsystem\n)R."), "'os.system'");
    refused(BYTES("(ios\nsystem\n."), "'os.system'");
    refused(BYTES("(cos\nsystem\no."), "'os.system'");
    refused(BYTES("cos\nsystem\n)\x81."), "'os.system'");
    refused(BYTES("cos\nsystem\nNb."), "'os.system'");
    refused(BYTES("Pname\n."), "persistent id");
    refused(BYTES("NQ."), "persistent id");
    refused(BYTES("\x82\1."), "opcode 0x82");
    refused(BYTES("X\xff\xff\xff\xff.a"), "needs 4294967295 more bytes");
    refused(BYTES("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.a"), "more bytes");
    refused(BYTES("Nr\xff\xff\xff\x7f."), "memo index");
    refused(BYTES("h\5."), "memo index");
    refused(BYTES("}(K\1u."), "adds 1 items");
    refused(BYTES("NK\1a."), "to a None");
    refused(BYTES("(\x85."), "stack is empty");
    refused(BYTES("(N(a."), "stack is empty");
    refused(BYTES("(dt."), "no mark");
}

/* [[...]] nested deeper than allowed, and 40 levels of [x, x]: 2^40 nodes if unfolded. */
static void depth_and_sharing_are_bounded(void **state)
{
    (void)state;
    char deep[400], wide[400];
    size_t n = 0;
    memset(deep, ']', 100);
    memset(deep + 100, 'a', 99);
    deep[199] = '.';
    refused(deep, 200, "deeper than");
    wide[n++] = ']';
    for (int i = 0; i < 40; i++) {
        memcpy(wide + n, "q\0]h\0ah\0a", 9);
        wide[n + 1] = wide[n + 4] = wide[n + 7] = (char)i;
        n += 9;
    }
    wide[n++] = '.';
    refused(wide, n, "unfold");
}

/* 5000 keys: the index finds each, and the last of two equal ones. */
static void large_dictionary(void **state)
{
    (void)state;
    size_t n = 0, n_most = 5000 * 20 + 100;
    char *s = malloc(n_most), name[20];
    vl_pickle *doc;
    s[n++] = '}';
    s[n++] = '(';
    for (int i = 0; i < 5001; i++)
        n += (size_t)sprintf(s + n, "\x8c%ckey%04dI%d\n", 7, i % 5000, i);
    s[n++] = 'u';
    s[n++] = '.';
    assert_int_equal(parse(&doc, s, n), VIOLET_OK);
    for (int i = 0; i < 5000; i++) {
        int64_t x;
        snprintf(name, sizeof name, "key%04d", i);
        assert_true(vl_value_int(&x, key(vl_pickle_root(doc), name)));
        assert_int_equal(x, i ? i : 5000);
    }
    assert_null(key(vl_pickle_root(doc), "key5000"));
    vl_pickle_close(doc);
    free(s);
}

/* Reads everything that can be reached, as a caller would. */
static size_t touch(const vl_value *v)
{
    vl_ndarray a;
    float f;
    size_t n, sum = 1;
    const char *s = vl_value_str(&n, v);
    for (size_t i = 0; s && i < n; i++) sum += (uint8_t)s[i];
    if (vl_value_array(&a, v) && a.n == 1) sum += vl_ndarray_to_float(&f, &a) == VIOLET_OK;
    for (size_t i = 0; i < vl_value_n(v); i++)
        sum += touch(vl_value_at(v, i)) + touch(vl_dict_key(v, i));
    return sum;
}

static void truncations_and_flips(void **state)
{
    (void)state;
    static const char *const names[] = {"plain_proto2", "plain_proto4", "numpy_proto2",
                                        "numpy_proto4", "numpy_proto5"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char path[200], *s;
        size_t n;
        vl_pickle *doc;
        snprintf(path, sizeof path, GOLDEN "%s.pkl", names[k]);
        assert_int_equal(vl_file_read(&s, &n, path, 10000), VIOLET_OK);
        for (size_t i = 0; i < n; i++) {
            char *part = malloc(i + 1); /* exactly as long, for the address sanitizer */
            memcpy(part, s, i);
            assert_int_not_equal(parse(&doc, part, i), VIOLET_OK);
            free(part);
        }
        for (size_t i = 0; i < n * 8; i++) {
            s[i / 8] ^= (char)(1 << i % 8);
            if (parse(&doc, s, n) == VIOLET_OK) {
                assert_true(touch(vl_pickle_root(doc)) > 0);
                vl_pickle_close(doc);
            }
            s[i / 8] ^= (char)(1 << i % 8);
        }
        free(s);
    }
}

static void writer_and_reader_agree(void **state)
{
    (void)state;
    vl_pickle_writer *w;
    vl_pickle *doc;
    const char *strings[] = {"/9j/4AAQ", ""};
    const size_t n_bytes[] = {8, 0};
    const int16_t tokens[] = {1, -2, 8191, 4, 5, 6};
    const int64_t shape[] = {1, 2, 3};
    char path[] = "/tmp/vl_pickle_XXXXXX", name[20];
    close(mkstemp(path));
    assert_int_equal(vl_pickle_create(&w, path), VIOLET_OK);
    for (int i = 0; i < 3000; i++) { /* several batches of 1000 items */
        snprintf(name, sizeof name, "v%d", i);
        if (i % 2)
            assert_int_equal(vl_pickle_put_strings(w, name, strings, n_bytes, 2), VIOLET_OK);
        else
            assert_int_equal(vl_pickle_put_i16(w, name, tokens, shape, 3), VIOLET_OK);
    }
    assert_int_equal(vl_pickle_finish(w), VIOLET_OK);
    if (vl_pickle_open(&doc, path, NULL) != VIOLET_OK) fail_msg("%s", violet_error());
    vl_ndarray a;
    int32_t back[6];
    assert_int_equal(vl_value_n(vl_pickle_root(doc)), 3000);
    assert_true(vl_value_array(&a, key(vl_pickle_root(doc), "v2998")) && a.n_dim == 3);
    assert_int_equal(vl_ndarray_to_i32(back, &a), VIOLET_OK);
    assert_true(back[1] == -2 && back[2] == 8191);
    assert_true(vl_value_is(vl_value_at(key(vl_pickle_root(doc), "v2999"), 0), "/9j/4AAQ"));
    vl_pickle_close(doc);
    unlink(path);
}

static void real_files(void **state)
{
    (void)state;
    vl_pickle *doc;
    vl_ndarray a;
    if (!vl_file_exists("../shared/data/vq_webvid2.5m.pkl")) {
        printf("skip: ../shared/data is not here\n");
        skip();
    }
    assert_int_equal(vl_pickle_open(&doc, "../shared/data/vq_cc3m.pkl", NULL), VIOLET_OK);
    assert_true(vl_value_array(&a, key(vl_pickle_root(doc), "00000000")));
    assert_true(a.n_dim == 3 && a.n == 49);
    vl_pickle_close(doc);
    assert_int_equal(vl_pickle_open(&doc, "../shared/data/vq_webvid2.5m.pkl", NULL), VIOLET_OK);
    const vl_value *v = key(vl_pickle_root(doc), "31353427");
    assert_true(vl_value_array(&a, vl_value_at(v, 0)) && a.type == 'u' && a.n == 49);
    vl_pickle_close(doc);
    assert_int_equal(vl_pickle_open(&doc, "../shared/data/msrvtt.pkl", NULL), VIOLET_OK);
    assert_int_equal(vl_value_n(key(vl_pickle_root(doc), "video7010")), 5);
    assert_true(vl_pickle_bytes(doc) < 16384); /* of 750 kB: the pictures are borrowed */
    vl_pickle_close(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_data_of_all_protocols),
        cmocka_unit_test(numpy_of_all_protocols),
        cmocka_unit_test(evil_is_refused_by_name),
        cmocka_unit_test(protocol_0_and_1),
        cmocka_unit_test(hostile_programs_are_refused),
        cmocka_unit_test(depth_and_sharing_are_bounded),
        cmocka_unit_test(large_dictionary),
        cmocka_unit_test(truncations_and_flips),
        cmocka_unit_test(writer_and_reader_agree),
        cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
