/* Files of tensors through one handle: the same content in three containers, any piece of any
 * tensor, metadata, what is no file of tensors, many threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/file.h"
#include "file/tensors.h"
#include "file/torch.h"
#include "file/torch_write.h"
#include "unit/make_data.h"
#include "unit/make_torch.h"

#define GOLDEN "tests/golden/checkpoints/"

static char folder[64], path[100];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/t", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static vl_tensors *open_file(const char *name)
{
    vl_tensors *f;
    if (vl_tensors_open(&f, name) != VIOLET_OK) fail_msg("%s", violet_error());
    return f;
}

static void refused(const char *name, const char *why)
{
    vl_tensors *f;
    if (vl_tensors_open(&f, name) == VIOLET_OK) fail_msg("%s: opened, expected '%s'", name, why);
    assert_null(f);
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
    if (!strstr(violet_error(), name)) fail_msg("'%s' lacks '%s'", violet_error(), name);
}

/* n values of t from `first` on, guarded on both sides. */
static void expect_piece(const vl_tensors *f, const vl_stored *t, const float *expected,
                         size_t first, size_t n)
{
    float *x = malloc((n + 2) * sizeof *x);
    x[0] = x[n + 1] = -77;
    if (vl_tensors_read(x + 1, f, t, first, n) != VIOLET_OK) fail_msg("%s", violet_error());
    for (size_t i = 0; i < n; i++)
        if (x[i + 1] != expected[first + i])
            fail_msg("%s[%zu] is %g, not %g", t->name, first + i, (double)x[i + 1],
                     (double)expected[first + i]);
    assert_true(x[0] == -77 && x[n + 1] == -77);
    free(x);
}

static void expect_all_pieces(const vl_tensors *f, const vl_stored *t, const float *expected)
{
    for (size_t first = 0; first <= t->n; first++)
        for (size_t n = 0; first + n <= t->n; n++) expect_piece(f, t, expected, first, n);
}

/* ---- three containers ------------------------------------------------------------------------ */

static void the_same_in_three_containers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format, *prefix;
    } files[] = {{"state_zip.pt", "PyTorch, zip", ""},
                 {"state_legacy.pt", "PyTorch, legacy", ""},
                 {"nested_ddp.pt", "PyTorch, zip", "state_dict.module."}};
    vl_tensors *expected = open_file(GOLDEN "expected_float32.safetensors");
    assert_string_equal(vl_tensors_format(expected), "safetensors");
    assert_string_equal(vl_tensors_prefix(expected), "");
    assert_null(vl_tensors_torch(expected));
    assert_null(vl_tensors_at(expected, vl_tensors_n(expected)));
    for (int k = 0; k < 3; k++) {
        char name[100];
        snprintf(name, sizeof name, GOLDEN "%s", files[k].name);
        vl_tensors *f = open_file(name);
        assert_string_equal(vl_tensors_format(f), files[k].format);
        assert_string_equal(vl_tensors_prefix(f), files[k].prefix);
        assert_non_null(vl_tensors_torch(f));
        assert_int_equal(vl_tensors_n(f), vl_tensors_n(expected));
        assert_null(vl_tensors_at(f, vl_tensors_n(f)));
        assert_null(vl_tensors_find(f, "absent"));
        for (size_t i = 0; i < vl_tensors_n(expected); i++) {
            const vl_stored *e = vl_tensors_at(expected, i), *t = vl_tensors_find(f, e->name);
            if (!t) fail_msg("%s: no '%s'", name, e->name);
            float *x = malloc((e->n + 1) * sizeof *x);
            assert_ptr_equal(vl_tensors_find(expected, e->name), e);
            assert_int_equal(t->n, e->n);
            assert_int_equal(t->n_dim, e->n_dim);
            assert_int_equal(memcmp(t->shape, e->shape, (size_t)e->n_dim * sizeof *e->shape), 0);
            assert_true(vl_stored_is_plain(e));
            assert_int_equal(vl_tensors_read(x, expected, e, 0, e->n), VIOLET_OK);
            expect_all_pieces(f, t, x);
            free(x);
        }
        vl_tensors_close(f);
    }
    vl_tensors_close(expected);
    vl_tensors_close(NULL);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Each of a 3 x 4 tensor whose element (i, j) is 10 i + j, laid out in every way there is. */
static void strides_types_and_byte_orders(void **state)
{
    (void)state;
    enum { N = 12 };
    float expected[N];
    for (int i = 0; i < N; i++) expected[i] = (float)(10 * (i / 4) + i % 4);
    for (int big = 0; big < 2; big++) {
        uint8_t floats[2 * N * 4], shorts[N * 2];
        zip_maker z = {0};
        vl_buf b = {0};
        for (int i = 0; i < 2 * N; i++) { /* transposed, every second element */
            float x = (float)(10 * (i / 2 % 3) + i / 6);
            for (int k = 0; k < 4; k++)
                floats[4 * i + (big ? 3 - k : k)] = ((const uint8_t *)&x)[k];
        }
        for (int i = 0; i < N; i++) {
            shorts[2 * i + !big] = 0;
            shorts[2 * i + big] = (uint8_t)expected[i];
        }
        assert_int_equal(vl_buf_puts(&b, "(dS'strided'\n"), VIOLET_OK);
        put_tensor(&b, "FloatStorage", "0", 2 * N, 0, "I3\nI4\n", "I2\nI6\n");
        assert_int_equal(vl_buf_puts(&b, "sS'short'\n"), VIOLET_OK);
        put_tensor(&b, "ShortStorage", "1", N, 0, "I3\nI4\n", "I4\nI1\n");
        assert_int_equal(vl_buf_puts(&b, "s."), VIOLET_OK);
        zip_put(&z, "x/data.pkl", b.data, b.n);
        zip_put(&z, "x/byteorder", big ? "big" : "little", big ? 3 : 6);
        zip_put(&z, "x/data/0", floats, sizeof floats);
        zip_put(&z, "x/data/1", shorts, sizeof shorts);
        zip_end(&z);
        write_text(folder, "t", z.data.data, z.data.n);
        vl_tensors *f = open_file(path);
        const vl_stored *strided = vl_tensors_find(f, "strided"), *t = vl_tensors_find(f, "short");
        assert_false(vl_stored_is_plain(strided));
        assert_true(vl_stored_is_plain(t) == !big);
        expect_all_pieces(f, strided, expected);
        expect_all_pieces(f, t, expected);
        vl_tensors_close(f);
        zip_free(&z);
        vl_buf_free(&b);
    }
}

/* A packed storage is not in the file: plain float32 must come from what was unpacked. */
static void packed_entries_are_read_from_memory(void **state)
{
    (void)state;
    enum { N = 3000 };
    static float x[N];
    vl_buf b = {0};
    char shape[20];
    for (int i = 0; i < N; i++) x[i] = (float)(i % 7);
    snprintf(shape, sizeof shape, "I%d\n", N);
    put_tensor(&b, "FloatStorage", "0", N, 0, shape, "I1\n");
    assert_int_equal(vl_buf_puts(&b, "."), VIOLET_OK);
    zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    zip_file_add(z, "x/data.pkl", zip_source_buffer(z, b.data, b.n, 0), 0);
    zip_file_add(z, "x/data/0", zip_source_buffer(z, x, sizeof x, 0), 0);
    assert_int_equal(zip_close(z), 0);
    vl_tensors *f = open_file(path);
    const vl_stored *t = vl_tensors_find(f, "tensor");
    assert_true(vl_stored_is_plain(t) && t->dtype == VL_DT_F32);
    expect_piece(f, t, x, 0, N);
    expect_piece(f, t, x, 1234, 567);
    vl_tensors_close(f);
    vl_buf_free(&b);
}

/* Behind the handle's back: what has been cut off cannot be read, and says so. */
static void a_file_cut_short_is_an_error(void **state)
{
    (void)state;
    float x[5000];
    const vl_safetensor list[] = {{.name = "t", .dtype = VL_DT_F32, .n_dim = 1, .shape = {5000}}};
    vl_safetensors_writer *w;
    memset(x, 0, sizeof x);
    assert_int_equal(vl_safetensors_create(&w, path, list, 1, NULL, 0), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, x, sizeof x), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    vl_tensors *f = open_file(path);
    assert_int_equal(truncate(path, 10000), 0);
    const vl_stored *t = vl_tensors_find(f, "t");
    assert_int_equal(vl_tensors_read(x, f, t, 0, 2000), VIOLET_OK);
    assert_int_equal(vl_tensors_read(x, f, t, 0, 5000), VIOLET_EIO);
    assert_non_null(strstr(violet_error(), "tensor 't': the file was cut short"));
    vl_tensors_close(f);
}

/* ---- metadata -------------------------------------------------------------------------------- */

static void expect_metadata(const char *name)
{
    vl_tensors *f = open_file(name);
    const json_t *all = vl_tensors_all_metadata(f);
    const char *value = json_string_value(json_object_get(all, "config"));
    assert_int_equal(json_object_size(all), 2);
    assert_non_null(value);
    assert_string_equal(value, "{\"frames\": 4}");
    value = json_string_value(json_object_get(all, "n\xc3\xb6te"));
    assert_non_null(value);
    assert_string_equal(value, "");
    assert_string_equal(vl_tensors_metadata(f, "config"), "{\"frames\": 4}");
    assert_string_equal(vl_tensors_metadata(f, "n\xc3\xb6te"), "");
    assert_null(vl_tensors_metadata(f, "absent"));
    vl_tensors_close(f);
}

static void metadata_of_both_formats(void **state)
{
    (void)state;
    static const char *const names[] = {"m.safetensors", "m.pt"};
    const char *const metadata[] = {"config", "{\"frames\": 4}", "n\xc3\xb6te", ""};
    const vl_safetensor list[] = {{.name = "t", .dtype = VL_DT_F32, .n_dim = 0}};
    const vl_tensors_plan plan = {.list = list, .n = 1, .metadata = metadata, .n_metadata = 2};
    for (int i = 0; i < 2; i++) {
        vl_tensors_writer *w;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(vl_tensors_create(&w, path, &plan), VIOLET_OK);
        assert_int_equal(vl_tensors_push(w, &(float){1}, 4), VIOLET_OK);
        assert_int_equal(vl_tensors_finish(w), VIOLET_OK);
        expect_metadata(path);
    }
    vl_tensors *f = open_file(GOLDEN "state_zip.pt"); /* a foreign one has none */
    assert_null(vl_tensors_metadata(f, "config"));
    assert_null(vl_tensors_all_metadata(f));
    vl_tensors_close(f);
}

static void damaged_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *text, *why; /* why NULL: it opens */
    } cases[] = {
        {"x/violet.json", "{\"a\": \"b\"}", NULL},
        {"x/violet.json", "{}", NULL},
        {"y/violet.json", "nothing of ours", NULL},
        {"x/violet.json", "", "violet.json byte"},
        {"x/violet.json", "{\"a\": \"b\"", "violet.json byte"},
        {"x/violet.json", "{\"a\": \"b\", \"a\": \"c\"}", "violet.json byte"},
        {"x/violet.json", "[\"a\"]", "violet.json: expected an object of strings"},
        {"x/violet.json", "{\"a\": 1}", "violet.json: 'a': expected a string"},
        {"x/violet.json", "{\"a\": {\"b\": \"c\"}}", "violet.json: 2 brackets"},
    };
    snprintf(path, sizeof path, "%s/t", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zip_maker z = {0};
        zip_put(&z, "x/data.pkl", "}.", 2);
        zip_put(&z, cases[i].entry, cases[i].text, strlen(cases[i].text));
        zip_end(&z);
        write_text(folder, "t", z.data.data, z.data.n);
        zip_free(&z);
        if (cases[i].why)
            refused(path, cases[i].why);
        else
            vl_tensors_close(open_file(path));
    }
}

/* ---- what is no file of tensors -------------------------------------------------------------- */

static void other_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t n;
        const char *why;
    } cases[] = {
        {"a.pt", "", 0, "empty, expected a file of tensors"},
        {"b.pt", "hello, this is text", 19, "of an unknown format"},
        {"c.pkl", "\x80\2}.", 4, "a plain pickle"},
        {"d.pt", "PK\3\4", 4, "no central directory"},
        {"e.safetensors", "hello", 5, "expected a header length"},
        {"f.safetensors", "\1\0\0\0\0\0\0\0 ", 9, "header: expected an object"},
        {"g", "\2\0\0\0\0\0\0\0{]", 10, "header byte 1"}, /* told by its content */
        {"h.pt", "\2\0\0\0\0\0\0\0{}", 10, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        write_text(folder, cases[i].name, cases[i].bytes, cases[i].n);
        if (cases[i].why)
            refused(path, cases[i].why);
        else
            vl_tensors_close(open_file(path));
    }
    refused(GOLDEN "evil.pkl", "a plain pickle");
    refused(folder, "expected a regular file");
    snprintf(path, sizeof path, "%s/absent", folder);
    refused(path, "No such file");
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *read_often(void *arg)
{
    const vl_tensors *f = arg;
    float first[64], x[64];
    for (int round = 0; round < 200; round++)
        for (size_t i = 0; i < vl_tensors_n(f); i++) {
            const vl_stored *t = vl_tensors_at(f, i);
            if (t->n > 64) continue;
            vl_stored_floats(first, t, 0, t->n);
            if (vl_tensors_read(x, f, t, 0, t->n) != VIOLET_OK ||
                (t->n && memcmp(x, first, t->n * sizeof *x) != 0))
                return arg;
        }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    vl_tensors *f = open_file(GOLDEN "state_zip.pt");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, f), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    vl_tensors_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_in_three_containers),
        cmocka_unit_test(strides_types_and_byte_orders),
        cmocka_unit_test(packed_entries_are_read_from_memory),
        cmocka_unit_test(a_file_cut_short_is_an_error),
        cmocka_unit_test(metadata_of_both_formats),
        cmocka_unit_test(damaged_metadata),
        cmocka_unit_test(other_files),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
