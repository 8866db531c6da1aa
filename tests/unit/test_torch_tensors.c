/* Tensors of PyTorch's documents: types, strides, storages, views, byte orders; what reaches out of
 * its storage, and what is not read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "unit/torch_case.h"

static void strides_types_and_byte_orders(void **state)
{
    (void)state;
    zip_maker z = {0};
    vl_buf b = {0};
    vl_torch *f;
    puts_to(&b, "(dS't'\n");
    put_tensor(&b, "FloatStorage", "0", 24, 1, "I3\nI2\n", "I2\nI6\n");
    puts_to(&b, "sS'wide'\n");
    put_tensor(&b, "FloatStorage", "0", 24, 5, "I2\nI3\n", "I0\nI0\n");
    puts_to(&b, "sS'ones'\n");
    put_tensor(&b, "FloatStorage", "0", 24, 22, "I1\nI2\nI1\n",
               "L9223372036854775800L\nI1\nL9223372036854775800L\n");
    puts_to(&b, "sS'columns'\n");
    put_tensor(&b, "FloatStorage", "0", 24, 0, "I2\nI1\nI2\n", "I3\nL9223372036854775800L\nI1\n");
    puts_to(&b, "sS'none'\n");
    put_tensor(&b, "FloatStorage", "0", 24, 500, "I0\nI9\n", "I9\nI1\n");
    puts_to(&b, "sS'v3'\nctorch._utils\n_rebuild_tensor_v3\n((S'storage'\nctorch.storage\n"
                "UntypedStorage\nS'0'\nS'cpu'\nI96\ntQI3\n(I2\nt(I1\ntI00\nNctorch\nuint16\ntRs");
    f = open_program(&z, &b);
    expect_floats(f, "t", (float[]){1, 7, 3, 9, 5, 11}, 6);
    expect_floats(f, "wide", (float[]){5, 5, 5, 5, 5, 5}, 6);
    expect_floats(f, "ones", (float[]){22, 23}, 2);
    expect_floats(f, "columns", (float[]){0, 1, 3, 4}, 4);
    assert_int_equal(find(f, "columns")->stride[1], 0); /* of size 1: it might be anything */
    expect_floats(f, "none", NULL, 0);
    expect_floats(f, "v3", (float[]){0x3f80, 0}, 2); /* the upper half of 1.0f, the lower of 2.0f */
    vl_torch_close(f);
    zip_free(&z);
    puts_to(&b, "(dS'd'\n");
    put_tensor(&b, "DoubleStorage", "0", 1, 0, "", "");
    puts_to(&b, "sS'h'\n");
    put_tensor(&b, "ShortStorage", "1", 2, 0, "I2\n", "I1\n");
    puts_to(&b, "s.");
    zip_put(&z, "x/data.pkl", b.data, b.n);
    zip_put(&z, "x/byteorder", "big", 3);
    zip_put(&z, "x/data/0", "\x3f\xf8\0\0\0\0\0\0", 8);
    zip_put(&z, "x/data/1", "\1\2\xff\xfe", 4);
    zip_end(&z);
    vl_buf_free(&b);
    assert_int_equal(vl_torch_parse(&f, z.data.data, z.data.n, "big"), VIOLET_OK);
    expect_floats(f, "d", (float[]){1.5f}, 1);
    expect_floats(f, "h", (float[]){258, -2}, 2);
    vl_torch_close(f);
    zip_free(&z);
}

/* _rebuild_tensor_v3 on a typed storage: n elements of it, as so many of a dtype. */
static void put_typed(vl_buf *b, const char *storage, int n, const char *dtype, int n_typed)
{
    violet_status status = vl_buf_printf(
        b, "ctorch._utils\n_rebuild_tensor_v3\n((S'storage'\nctorch\n%s\nS'0'\nS'cpu'\nI%d\n"
           "tQI0\n(I%d\nt(I1\ntI00\nNctorch\n%s\ntR", storage, n, n_typed, dtype);
    assert_int_equal(status, VIOLET_OK);
}

/* The dtype counts, and the storage's bytes: as many elements as they hold. */
static void storages_of_another_type(void **state)
{
    (void)state;
    static const struct {
        const char *storage;
        int n;
        const char *dtype;
        int n_typed;
        const char *why; /* NULL: it is read */
    } cases[] = {
        {"ByteStorage", 96, "float64", 12, NULL},
        {"ByteStorage", 96, "float64", 13, "reaches element 0 + 12 of a storage of 12"},
        {"ByteStorage", 96, "float64", 96, "reaches element 0 + 95 of a storage of 12"},
        {"ByteStorage", 95, "float64", 12, "of a storage of 11"},
        {"HalfStorage", 48, "float32", 24, NULL},
        {"HalfStorage", 48, "float32", 25, "of a storage of 24"},
        {"FloatStorage", 24, "uint8", 96, NULL},
        {"FloatStorage", 24, "uint8", 97, "of a storage of 96"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vl_buf b = {0};
        zip_maker z;
        put_typed(&b, cases[i].storage, cases[i].n, cases[i].dtype, cases[i].n_typed);
        if (cases[i].why) {
            refused(&b, cases[i].why);
            continue;
        }
        vl_torch *f = open_program(&z, &b);
        assert_int_equal(find(f, "tensor")->n, cases[i].n_typed);
        if (i == 4) /* floats after all: 0, 1, 2, ... */
            for (int k = 0; k < 24; k++) {
                float x;
                vl_stored_floats(&x, find(f, "tensor"), (size_t)k, 1);
                assert_true(x == (float)k);
            }
        vl_torch_close(f);
        zip_free(&z);
    }
}

/* Views that are negated or conjugated when they are read: their storage has other values. */
static void negated_and_conjugated(void **state)
{
    (void)state;
    static const char typed[] = "ctorch._utils\n_rebuild_tensor_v3\n((S'storage'\nctorch.storage\n"
                                "UntypedStorage\nS'0'\nS'cpu'\nI96\ntQI3\n(I2\nt(I1\ntI00\nN"
                                "ctorch\nuint16\n";
    static const char plain[] = "ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\n"
                                "FloatStorage\nS'0'\nS'cpu'\nI24\ntQI0\n(I2\nt(I1\ntI00\nN";
    static const struct {
        const char *extra, *why; /* NULL: it is read */
    } cases[] = {
        {"}S'neg'\nI01\ns", "a tensor with 'neg' is not read"},
        {"}S'conj'\nI01\ns", "a tensor with 'conj' is not read"},
        {"}I1\nI01\ns", "a tensor with '' is not read"},
        {"I1\n", "expected a tensor's dictionary"},
        {"}", NULL},
        {"N", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        vl_buf b = {0};
        zip_maker z;
        puts_to(&b, i % 2 ? plain : typed);
        puts_to(&b, cases[i / 2].extra);
        puts_to(&b, "tR");
        if (cases[i / 2].why) {
            refused(&b, cases[i / 2].why);
            continue;
        }
        vl_torch *f = open_program(&z, &b);
        assert_int_equal(find(f, "tensor")->n, 2);
        vl_torch_close(f);
        zip_free(&z);
    }
}

static void tensors_stay_in_their_storages(void **state)
{
    (void)state;
    static const struct {
        const char *storage, *key;
        long long n, offset;
        const char *shape, *stride, *why;
    } cases[] = {
        {"FloatStorage", "0", 24, 0, "I25\n", "I1\n", "reaches element 0 + 24"},
        {"FloatStorage", "0", 24, 23, "I2\n", "I1\n", "reaches"},
        {"FloatStorage", "0", 24, 24, "", "", "reaches"},
        {"FloatStorage", "0", 24, -1, "I1\n", "I1\n", "offset"},
        {"FloatStorage", "0", 24, 0, "I2\nI2\n", "I23\nI1\n", "reaches"},
        {"FloatStorage", "0", 24, 0, "I2\n", "L9223372036854775800L\n", "reaches"},
        {"FloatStorage", "0", 24, 0, "I3\n", "L9223372036854775800L\n", "overflows"},
        {"FloatStorage", "0", 24, 0, "L4294967296L\nL4294967296L\n", "I0\nI0\n", "overflows"},
        {"FloatStorage", "0", 24, 0, "L4294967296L\n", "I0\n", "elements of a storage"},
        {"FloatStorage", "0", 24, 0, "I-1\n", "I1\n", "0 or more"},
        {"FloatStorage", "0", 24, 3, "I2\n", "I-1\n", "0 or more"},
        {"FloatStorage", "0", 24, 0, "I2\n", "", "strides"},
        {"FloatStorage", "0", 24, 0, "S'x'\n", "I1\n", "0 or more"},
        {"FloatStorage", "0", 24, 0, "I1\nI1\nI1\nI1\nI1\nI1\nI1\nI1\nI1\n", "", "9 dimensions"},
        {"FloatStorage", "0", 25, 0, "I1\n", "I1\n", "of 96 bytes, expected 25"},
        {"FloatStorage", "0", INT64_MAX - 1, 0, "I1\n", "I1\n", "of 96 bytes"},
        {"FloatStorage", "0", -1, 0, "I1\n", "I1\n", "number of elements"},
        {"DoubleStorage", "0", 13, 0, "I1\n", "I1\n", "of 96 bytes"},
        {"FloatStorage", "9", 24, 0, "I1\n", "I1\n", "'9' is not there"},
        {"FloatStorage", "../data.pkl", 1, 0, "I1\n", "I1\n", "is not there"},
        {"ComplexFloatStorage", "0", 1, 0, "I1\n", "I1\n", "ComplexFloatStorage is not read"},
        {"UntypedStorage", "0", 1, 0, "I1\n", "I1\n", "a storage with a type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vl_buf b = {0};
        put_tensor(&b, cases[i].storage, cases[i].key, cases[i].n, cases[i].offset, cases[i].shape,
                   cases[i].stride);
        refused(&b, cases[i].why);
    }
    vl_buf b = {0};
    puts_to(&b, "ctorch._utils\n_rebuild_tensor_v2\n(I1\nI0\n))tR");
    refused(&b, "storage, offset");
}

/* Lists of lists that share one tensor: 2^30 of them, from 400 bytes. */
static void sharing_is_bounded(void **state)
{
    (void)state;
    vl_buf b = {0};
    char step[32];
    puts_to(&b, "(l");
    put_vector(&b, "0", 1);
    puts_to(&b, "ap0\n");
    for (int i = 0; i < 30; i++) {
        snprintf(step, sizeof step, "0(lg%d\nag%d\nap%d\n", i, i, i + 1);
        puts_to(&b, step);
    }
    refused(&b, "unfold");
    puts_to(&b, "(l"); /* no deeper than the reader's limit, but more names than are worth it */
    put_vector(&b, "0", 1);
    puts_to(&b, "ap0\n");
    for (int i = 0; i < 8; i++) {
        snprintf(step, sizeof step, "0(lg%d\nag%d\nag%d\nap%d\n", i, i, i, i + 1);
        puts_to(&b, step);
    }
    refused(&b, "unfold");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strides_types_and_byte_orders),
        cmocka_unit_test(storages_of_another_type),
        cmocka_unit_test(negated_and_conjugated),
        cmocka_unit_test(tensors_stay_in_their_storages),
        cmocka_unit_test(sharing_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
