/* safetensors: golden file, writer, hostile headers, truncation at every byte, flips. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "file/safetensors.h"
#include "make_data.h"

#define GOLDEN "tests/golden/checkpoints/expected_float32.safetensors"

static size_t make(char *out, const char *header, size_t n_data)
{
    uint64_t n = strlen(header);
    memcpy(out, &n, 8);
    memcpy(out + 8, header, n);
    memset(out + 8 + n, 0, n_data);
    return 8 + n + n_data;
}

static void golden_file(void **state)
{
    (void)state;
    vl_safetensors *f;
    if (vl_safetensors_open(&f, GOLDEN) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_true(vl_safetensors_n(f) > 3);
    for (size_t i = 0; i < vl_safetensors_n(f); i++) {
        const vl_safetensor *t = vl_safetensors_at(f, i);
        assert_ptr_equal(vl_safetensors_find(f, t->name), t);
        assert_int_equal(t->dtype, VL_DT_F32);
    }
    assert_null(vl_safetensors_find(f, "absent"));
    assert_null(vl_safetensors_metadata(f, "absent"));
    vl_safetensors_close(f);
}

static void refused(const char *header, size_t n_data, const char *why)
{
    char bytes[1000];
    vl_safetensors *f;
    size_t n = make(bytes, header, n_data);
    assert_int_not_equal(vl_safetensors_parse(&f, bytes, n, "x"), VIOLET_OK);
    assert_null(f);
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
}

#define ENTRY(name, dtype, shape, offsets)                                                         \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void hostile_headers(void **state)
{
    (void)state;
    refused("[]", 0, "expected an object");
    refused("{", 0, "header byte 1: expected a name");
    refused("", 0, "expected an object");
    refused("{\"a\":1}", 0, "'a'");
    refused("{" ENTRY("a", "F32", "[2]", "[0,9]") "}", 8, "outside");
    refused("{" ENTRY("a", "F32", "[2]", "[-8,0]") "}", 8, "outside");
    refused("{" ENTRY("a", "F32", "[2]", "[8,0]") "}", 8, "outside");
    refused("{" ENTRY("a", "F32", "[3]", "[0,8]") "}", 8, "needs 12 bytes");
    refused("{" ENTRY("a", "F32", "[-2]", "[0,8]") "}", 8, "integers of 0 or more");
    refused("{" ENTRY("a", "F99", "[2]", "[0,8]") "}", 8, "dtype 'F99'");
    refused("{" ENTRY("a", "F64", "[4611686018427387904,4]", "[0,0]") "}", 0, "overflows");
    refused("{" ENTRY("a", "F64", "[2305843009213693952]", "[0,0]") "}", 0, "overflows");
    refused("{" ENTRY("a", "U8", "[8]", "[0,8]") "," ENTRY("b", "U8", "[4]", "[4,8]") "}", 8,
            "overlap");
    refused("{" ENTRY("a", "U8", "[8]", "[0,8]") "," ENTRY("a", "U8", "[8]", "[0,8]") "}", 8,
            "'a' is there twice");
    refused("{" ENTRY("a", "U8", "[8]", "[0,8]") ",}", 8, "expected a name");
    refused("{," ENTRY("a", "U8", "[8]", "[0,8]") "}", 8, "expected a name");
    refused("{" ENTRY("a", "U8", "[8]", "[0,8]") "}}", 8, "expected its end");
    refused("{" ENTRY("a", "U8", "[8]", "[0,8]") " " ENTRY("b", "U8", "[0]", "[8,8]") "}", 8,
            "expected '}'");
    refused("{\"a\" {}}", 8, "expected ':'");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 8, "__metadata__ is there twice");
    refused("{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "9 dimensions");
    refused("{\"__metadata__\":3}", 0, "__metadata__");
    char huge[16] = "\xff\xff\xff\xff\xff\xff\xff\x7f{}";
    vl_safetensors *f;
    assert_int_equal(vl_safetensors_parse(&f, huge, 10, "x"), VIOLET_EFORMAT);
}

static vl_safetensors *read_header(char *bytes, const char *header, size_t n_data)
{
    vl_safetensors *f;
    size_t n = make(bytes, header, n_data);
    if (vl_safetensors_parse(&f, bytes, n, "x") != VIOLET_OK) fail_msg("%s", violet_error());
    return f;
}

/* Tensors without elements lie where others begin, and come first. */
static void empty_tensors_beside_others(void **state)
{
    (void)state;
    char bytes[1000];
    vl_safetensors *f = read_header(bytes, "{" ENTRY("b", "U8", "[4]", "[0,4]") ","
                                           ENTRY("z", "F32", "[0]", "[0,0]") ","
                                           ENTRY("a", "F32", "[0]", "[4,4]") "}", 4);
    static const char *const expected[] = {"z", "b", "a"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(vl_safetensors_at(f, i)->name, expected[i]);
    vl_safetensors_close(f);
}

#define SPACES "                                        "
#define MANY_SPACES SPACES SPACES SPACES SPACES SPACES

/* A tensor's entry may be spelled at length, but not without end. */
static void entries_of_limited_length(void **state)
{
    (void)state;
    char bytes[3000];
    vl_safetensors *f;
    f = read_header(bytes, "{" MANY_SPACES MANY_SPACES
                           ENTRY("a", "U8", "[1," MANY_SPACES "1,1,1,1,1,1," MANY_SPACES "1]",
                                 "[0," MANY_SPACES "1]") MANY_SPACES MANY_SPACES "}", 1);
    assert_int_equal(vl_safetensors_at(f, 0)->n_dim, 8);
    vl_safetensors_close(f);
    size_t n = make(bytes, "{" ENTRY("a", "U8", "[1," MANY_SPACES MANY_SPACES MANY_SPACES
                                                MANY_SPACES MANY_SPACES "1]", "[0,1]") "}", 1);
    assert_int_equal(vl_safetensors_parse(&f, bytes, n, "x"), VIOLET_EFORMAT);
    assert_string_equal(violet_error(), "x: header byte 5: a value of more than 1024 bytes");
}

/* What would not be read again is not written. */
static void what_is_not_written(void **state)
{
    (void)state;
    char folder[64], path[100];
    vl_safetensors_writer *w;
    char *long_text = calloc(1, (4 << 20) + 1);
    const char *const metadata[] = {"note", memset(long_text, 'x', 4 << 20)};
    const vl_safetensor what = {.name = "__metadata__", .dtype = VL_DT_U8, .n_dim = 0};
    make_folder(folder);
    snprintf(path, sizeof path, "%s/t.safetensors", folder);
    assert_int_equal(vl_safetensors_create(&w, path, NULL, 0, metadata, 1), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "/t.safetensors: 4194315 bytes of metadata"));
    assert_int_equal(vl_safetensors_create(&w, path, &what, 1, NULL, 0), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "/t.safetensors: tensor '__metadata__'"));
    long_text[(4 << 20) - 11] = 0;
    assert_int_equal(vl_safetensors_create(&w, path, NULL, 0, metadata, 1), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    vl_safetensors *f;
    if (vl_safetensors_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_string_equal(vl_safetensors_metadata(f, "note"), long_text);
    vl_safetensors_close(f);
    free(long_text);
    remove_folder(folder);
}

static void writer_and_reader_agree(void **state)
{
    (void)state;
    char folder[64], path[100];
    vl_safetensors_writer *w;
    vl_safetensors *f;
    const vl_safetensor what[] = {
        {.name = "half", .dtype = VL_DT_F16, .n_dim = 1, .shape = {6}},
        {.name = "none", .dtype = VL_DT_F32, .n_dim = 2, .shape = {0, 5}},
        {.name = "scalar", .dtype = VL_DT_I64, .n_dim = 0},
        {.name = "bf", .dtype = VL_DT_BF16, .n_dim = 2, .shape = {1, 2}},
    };
    const char *const metadata[] = {"format", "pt", "note", "x"};
    const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x3555};
    const uint16_t bf[] = {0x3f80, 0xc040};
    const int64_t scalar = -7;
    float v[6];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/t.safetensors", folder);
    assert_int_equal(vl_safetensors_create(&w, path, what, 4, metadata, 2), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, half, 4), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, half + 2, 8), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, &scalar, 8), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, bf, 5), VIOLET_EINVAL);
    assert_int_equal(vl_safetensors_push(w, bf, 4), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    if (vl_safetensors_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_string_equal(vl_safetensors_metadata(f, "format"), "pt");
    const vl_safetensor *t = vl_safetensors_find(f, "half");
    vl_dtype_to_float(v, t->data, t->dtype, t->n);
    assert_true(v[0] == 1 && v[1] == -2 && v[2] == 0x1p-24f && isinf(v[3]) && signbit(v[4]));
    assert_true(v[5] == 0.333251953125f);
    t = vl_safetensors_find(f, "bf");
    vl_dtype_to_float(v, t->data, t->dtype, t->n);
    assert_true(v[0] == 1 && v[1] == -3);
    t = vl_safetensors_find(f, "scalar");
    assert_true(t->n == 1 && t->n_dim == 0);
    vl_dtype_to_float(v, t->data, t->dtype, t->n);
    assert_true(v[0] == -7);
    assert_int_equal(vl_safetensors_find(f, "none")->n, 0);
    vl_safetensors_close(f);
    /* too little data: no file */
    snprintf(path, sizeof path, "%s/u.safetensors", folder);
    assert_int_equal(vl_safetensors_create(&w, path, what, 4, NULL, 0), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_EINVAL);
    assert_false(vl_file_exists(path));
    remove_folder(folder);
}

static void truncations_and_flips(void **state)
{
    (void)state;
    char *s;
    size_t n;
    vl_safetensors *f;
    assert_int_equal(vl_file_read(&s, &n, GOLDEN, 10000), VIOLET_OK);
    for (size_t i = 0; i < n; i++) {
        char *part = malloc(i + 1);
        memcpy(part, s, i);
        assert_int_not_equal(vl_safetensors_parse(&f, part, i, "x"), VIOLET_OK);
        free(part);
    }
    for (size_t i = 0; i < n * 8; i++) {
        s[i / 8] ^= (char)(1 << i % 8);
        if (vl_safetensors_parse(&f, s, n, "x") == VIOLET_OK) {
            for (size_t k = 0; k < vl_safetensors_n(f); k++) {
                const vl_safetensor *t = vl_safetensors_at(f, k);
                float *v = malloc((t->n + 1) * sizeof *v);
                vl_dtype_to_float(v, t->data, t->dtype, t->n);
                free(v);
            }
            vl_safetensors_close(f);
        }
        s[i / 8] ^= (char)(1 << i % 8);
    }
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_file),
        cmocka_unit_test(hostile_headers),
        cmocka_unit_test(empty_tensors_beside_others),
        cmocka_unit_test(entries_of_limited_length),
        cmocka_unit_test(what_is_not_written),
        cmocka_unit_test(writer_and_reader_agree),
        cmocka_unit_test(truncations_and_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
