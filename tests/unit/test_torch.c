/* PyTorch files: what is read of them, and that no byte of a hostile one gets further than an
 * error message. Single tensors are in test_torch_tensors.c; the values of real files are compared
 * in tests/golden. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/file.h"
#include "file/torch.h"
#include "unit/torch_case.h"

#define GOLDEN "tests/golden/checkpoints/"

/* ---- real files ------------------------------------------------------------------------------ */

static void names_of_real_files(void **state)
{
    (void)state;
    static const char *const files[] = {"state_zip.pt", "state_legacy.pt", "nested_ddp.pt"};
    for (int i = 0; i < 3; i++) {
        char path[200];
        vl_torch *f;
        snprintf(path, sizeof path, GOLDEN "%s", files[i]);
        if (vl_torch_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(vl_torch_n(f), 13);
        assert_string_equal(vl_torch_prefix(f), i == 2 ? "state_dict.module." : "");
        assert_string_equal(vl_torch_at(f, 0)->name, "a.weight");
        const vl_stored *t = find(f, "view_t");
        assert_true(t->n_dim == 2 && t->shape[0] == 4 && t->stride[0] == 1 && t->stride[1] == 4);
        assert_ptr_equal(t->data, find(f, "shared1")->data);
        assert_int_equal(find(f, "scalar")->n_dim, 0);
        assert_null(find(f, "empty")->data);
        assert_int_equal(find(f, "bf16")->dtype, VL_DT_BF16);
        assert_null(vl_torch_find(f, "state_dict"));
        assert_null(vl_torch_class(f));
        assert_null(vl_torch_attribute(f, "n_hid"));
        vl_torch_close(f);
    }
}

static void touch(const vl_torch *f)
{
    for (size_t i = 0; i < vl_torch_n(f); i++) {
        const vl_stored *t = vl_torch_at(f, i);
        if (t->n > 100000) continue;
        float *x = malloc(t->n * sizeof *x + 1);
        vl_stored_floats(x, t, 0, t->n);
        assert_ptr_equal(vl_torch_find(f, t->name), t);
        free(x);
    }
}

static void truncations_and_flips(void **state)
{
    (void)state;
    static const char *const files[] = {"state_zip.pt", "state_legacy.pt", "nested_ddp.pt"};
    for (int k = 0; k < 3; k++) {
        char path[200], *s;
        size_t n;
        vl_torch *f;
        snprintf(path, sizeof path, GOLDEN "%s", files[k]);
        assert_int_equal(vl_file_read(&s, &n, path, 10000), VIOLET_OK);
        for (size_t i = 0; i < n; i++) {
            char *part = malloc(i + 1); /* exactly as long, for the address sanitizer */
            memcpy(part, s, i);
            assert_int_not_equal(vl_torch_parse(&f, part, i, "cut"), VIOLET_OK);
            assert_null(f);
            free(part);
        }
        for (size_t i = 0; i < n * 8; i++) {
            s[i / 8] ^= (char)(1 << i % 8);
            if (vl_torch_parse(&f, s, n, "flipped") == VIOLET_OK) touch(f);
            vl_torch_close(f);
            s[i / 8] ^= (char)(1 << i % 8);
        }
        free(s);
    }
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void nestings_become_paths(void **state)
{
    (void)state;
    zip_maker z;
    vl_buf b = {0};
    puts_to(&b, "(dS'list'\n("); /* {list: [t, (t, None)], 7: {x.y: t}, s: set, set again: t} */
    put_vector(&b, "0", 1);
    puts_to(&b, "(");
    put_vector(&b, "0", 2);
    puts_to(&b, "NtlsI7\n(dS'x.y'\n");
    put_vector(&b, "1", 3);
    puts_to(&b, "ssS'n'\nI5\nsS'twice'\n");
    put_vector(&b, "2", 4);
    puts_to(&b, "sS'twice'\n");
    put_vector(&b, "3", 5);
    puts_to(&b, "s");
    vl_torch *f = open_program(&z, &b);
    expect_floats(f, "list.0", (float[]){0}, 1);
    expect_floats(f, "list.1.0", (float[]){0, 1}, 2);
    expect_floats(f, "7.x.y", (float[]){0, 1, 2}, 3);
    assert_int_equal(find(f, "twice")->n, 5); /* Python keeps the last of two equal keys */
    assert_int_equal(vl_torch_n(f), 4);
    vl_torch_close(f);
    zip_free(&z);
    put_vector(&b, "0", 2);
    f = open_program(&z, &b);
    expect_floats(f, "tensor", (float[]){0, 1}, 2); /* the document is the tensor */
    vl_torch_close(f);
    zip_free(&z);
}

static void what_wraps_is_cut_off(void **state)
{
    (void)state;
    zip_maker z;
    vl_buf b = {0};
    puts_to(&b, "(dS'state_dict'\n(dS'model'\n(dS'module.a.w'\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "ssS'optimizer'\n(dS'state'\n(dI0\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "ssssS'epoch'\nI1\nsS'rng'\n");
    put_vector(&b, "2", 3);
    puts_to(&b, "s");
    vl_torch *f = open_program(&z, &b);
    assert_int_equal(find(f, "a.w")->n, 1);
    assert_int_equal(find(f, "state_dict.optimizer.state.0")->n, 2);
    assert_int_equal(find(f, "rng")->n, 3);
    assert_string_equal(vl_torch_prefix(f), "state_dict.model.module.");
    vl_torch_close(f);
    zip_free(&z);
    puts_to(&b, "(dS'model'\n(dS'a'\n"); /* {model: {a}, optimizer: {model...}} cut would clash */
    put_vector(&b, "0", 1);
    puts_to(&b, "ssS'a'\n(lp1\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "as");
    f = open_program(&z, &b);
    assert_int_equal(find(f, "a")->n, 1);
    assert_int_equal(find(f, "a.0")->n, 2);
    vl_torch_close(f);
    zip_free(&z);
    puts_to(&b, "(dS'model'\n(dS'a.0'\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "ssS'a'\n(lp1\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "as");
    f = open_program(&z, &b); /* both would be a.0: nothing is cut */
    assert_int_equal(find(f, "model.a.0")->n, 1);
    assert_int_equal(find(f, "a.0")->n, 2);
    vl_torch_close(f);
    zip_free(&z);
    puts_to(&b, "(dS'model'\ncmy\nNet\n)\x81"); /* what wraps is a tensor itself */
    put_vector(&b, "0", 1);
    puts_to(&b, "bs");
    f = open_program(&z, &b);
    assert_int_equal(find(f, "model")->n, 1);
    assert_string_equal(vl_torch_prefix(f), "");
    vl_torch_close(f);
    zip_free(&z);
    puts_to(&b, "(dS'a.0'\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "sS'a'\n(lp1\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "as");
    refused(&b, "'a.0' is there twice");
}

/* What a name or a key leaves nothing of is not cut off. */
static void no_name_becomes_empty(void **state)
{
    (void)state;
    zip_maker z;
    vl_buf b = {0};
    puts_to(&b, "(dS'module.'\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "sS'module.a'\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "s");
    vl_torch *f = open_program(&z, &b);
    assert_int_equal(find(f, "module.")->n, 1);
    assert_int_equal(find(f, "module.a")->n, 2);
    assert_string_equal(vl_torch_prefix(f), "");
    vl_torch_close(f);
    zip_free(&z);
    puts_to(&b, "(dS'model'\n(dS''\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "sS'a'\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "ss");
    f = open_program(&z, &b);
    assert_int_equal(find(f, "model.")->n, 1);
    assert_int_equal(find(f, "model.a")->n, 2);
    assert_string_equal(vl_torch_prefix(f), "");
    vl_torch_close(f);
    zip_free(&z);
}

static void modules_are_pictures(void **state)
{
    (void)state;
    zip_maker z;
    vl_buf b = {0};
    int64_t n_hid;
    /* Net() with a parameter, None for another, two buffers of which one is not saved, a child */
    puts_to(&b, "cmy.own\nNet\n)\x81}(S'n_hid'\nI64\nS'act'\ncfunctools\npartial\n(ctorch\nrelu\ntR"
                "(ctorch\nrelu\n)}NtbS'stray'\n");
    put_vector(&b, "3", 1);
    puts_to(&b, "S'_parameters'\n}(S'w'\nctorch._utils\n_rebuild_parameter\n(");
    put_vector(&b, "0", 2);
    puts_to(&b, "I01\nccollections\nOrderedDict\n(tRtRS'none'\nNuS'_buffers'\n}(S'mean'\n");
    put_vector(&b, "1", 3);
    puts_to(&b, "S'index'\n");
    put_vector(&b, "2", 4);
    puts_to(&b, "uS'_non_persistent_buffers_set'\nc__builtin__\nset\n((S'index'\nltRS'_modules'\n"
                "}S'child'\n(S'module'\nctorch.nn\nLinear\nS'linear.py'\nS'source'\ntQ)\x81}("
                "S'_parameters'\n}S'b'\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "sS'_modules'\n}ubsub");
    vl_torch *f = open_program(&z, &b);
    assert_int_equal(find(f, "w")->n, 2);
    assert_int_equal(find(f, "mean")->n, 3);
    assert_int_equal(find(f, "child.b")->n, 1);
    assert_int_equal(vl_torch_n(f), 3); /* no 'index', no 'stray' */
    assert_string_equal(vl_torch_class(f), "my.own.Net");
    assert_true(vl_value_int(&n_hid, vl_torch_attribute(f, "n_hid")) && n_hid == 64);
    assert_int_equal(vl_value_kind(vl_torch_attribute(f, "act")), VL_OBJECT);
    vl_torch_close(f);
    zip_free(&z);
    /* a dictionary of one's own class, with items and attributes, as _reconstructor spells it */
    puts_to(&b, "ccopy_reg\n_reconstructor\n(cmy\nDict\nc__builtin__\nobject\nNtRS'k'\n");
    put_vector(&b, "0", 1);
    puts_to(&b, "s}S'attribute'\n");
    put_vector(&b, "1", 2);
    puts_to(&b, "sb");
    f = open_program(&z, &b);
    assert_int_equal(find(f, "k")->n, 1);
    assert_int_equal(find(f, "attribute")->n, 2);
    vl_torch_close(f);
    zip_free(&z);
}

/* An archive whose entries are packed, made by libzip. */
static void packed_entries(void **state)
{
    (void)state;
    char path[] = "/tmp/vl_torch_XXXXXX", *s;
    static char zeros[1 << 20];
    size_t n;
    vl_torch *f;
    vl_buf b = {0};
    puts_to(&b, "(dS't'\n");
    put_tensor(&b, "FloatStorage", "0", 1 << 18, 100, "I3\n", "I1\n");
    puts_to(&b, "s.");
    memcpy(zeros + 400, &(float){2.5f}, 4);
    close(mkstemp(path));
    for (int bomb = 0; bomb < 2; bomb++) {
        zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
        zip_file_add(z, "x/data.pkl", zip_source_buffer(z, b.data, b.n, 0), 0);
        for (int i = 0; i < (bomb ? 100 : 1); i++) {
            char name[40];
            snprintf(name, sizeof name, "x/data/%d", i);
            zip_file_add(z, name, zip_source_buffer(z, zeros, sizeof zeros, 0), 0);
        }
        zip_close(z);
        assert_int_equal(vl_file_read(&s, &n, path, 1 << 20), VIOLET_OK);
        if (vl_torch_parse(&f, s, n, "packed") != VIOLET_OK) fail_msg("%s", violet_error());
        expect_floats(f, "t", (float[]){2.5f, 0, 0}, 3);
        vl_torch_close(f);
        for (size_t i = 0; i < n && !bomb; i++) { /* damage */
            s[i] ^= 0x10;
            vl_torch_parse(&f, s, n, "packed");
            vl_torch_close(f);
            s[i] ^= 0x10;
        }
        free(s);
        vl_buf_clear(&b);
        puts_to(&b, "(dS't'\n");
        put_tensor(&b, "FloatStorage", "0", 1 << 18, 100, "I3\n", "I1\n");
        puts_to(&b, "s.");
    }
    /* 100 MiB of zeros, all wanted */
    vl_buf_clear(&b);
    puts_to(&b, "(l");
    for (int i = 0; i < 100; i++) {
        char key[10];
        snprintf(key, sizeof key, "%d", i);
        put_tensor(&b, "FloatStorage", key, 1 << 18, 0, "I3\n", "I1\n");
        puts_to(&b, "a");
    }
    puts_to(&b, ".");
    zip_t *z = zip_open(path, 0, NULL);
    zip_file_add(z, "x/data.pkl", zip_source_buffer(z, b.data, b.n, 0), ZIP_FL_OVERWRITE);
    zip_close(z);
    assert_int_not_equal(vl_torch_open(&f, path), VIOLET_OK);
    expect_error("packed entries take more than");
    vl_buf_free(&b);
    unlink(path);
}

/* ---- hostile --------------------------------------------------------------------------------- */

static void nothing_is_called(void **state)
{
    (void)state;
    static const struct {
        const char *program, *why;
    } cases[] = {
        {"cposix\nsystem\n(S'touch PWNED'\ntR", "'posix.system'"},
        {"cbuiltins\neval\n(S'1'\ntR", "'builtins.eval'"},
        {"c__builtin__\ngetattr\n(NS'x'\ntR", "'__builtin__.getattr'"},
        {"(S'touch PWNED'\nios\nsystem\n", "'os.system'"},
        {"(cos\nsystem\nS'touch PWNED'\no", "'os.system'"},
        {"cmy\nNet\n(tR", "'my.Net'"},
        {"cmy\nNet\n}b", "'my.Net'"},
        {"ctorch.storage\n_load_from_bytes\n(C\1xtR", "'torch.storage._load_from_bytes'"},
        {"ctorch.jit\nload\n(S'x'\ntR", "'torch.jit.load'"},
        {"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\ncmy\nT\n(S'x'\ntNtR", "not read"},
        {"ccopyreg\n_reconstructor\n(cmy\nT\nc__builtin__\nlist\n(ltR", "_reconstructor"},
        {"cmy\nNet\n)}S'k'\nNs\x92", "keyword"},
        {"S'x'\n)\x81", "calls a str"},
        {"(S'exec'\nNtQ", "persistent id"},
        {"S'storage'\nQ", "persistent id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vl_buf b = {0};
        puts_to(&b, cases[i].program);
        refused(&b, cases[i].why);
    }
    assert_false(vl_file_exists("PWNED"));
    /* a class that no table has is inert only for PyTorch's files: a pickle refuses it */
    vl_pickle *doc;
    static const char object[] = "cmy\nNet\n)\x81}b.";
    violet_status status = vl_pickle_parse(&doc, object, sizeof object - 1, "plain", NULL);
    assert_int_not_equal(status, VIOLET_OK);
    expect_error("'my.Net'");
}

static void refuse_bytes(const void *s, size_t n, const char *why)
{
    vl_torch *f;
    assert_int_not_equal(vl_torch_parse(&f, s, n, "test.pt"), VIOLET_OK);
    expect_error(why);
}

static void hostile_archives(void **state)
{
    (void)state;
    zip_maker z = {0};
    static const char program[] = "(dp0\n.";
    zip_put(&z, "x/data.pkl", program, sizeof program - 1);
    zip_put(&z, "x/data.pkl", program, sizeof program - 1);
    zip_end(&z);
    refuse_bytes(z.data.data, z.data.n, "'x/data.pkl' is there twice");
    zip_free(&z);
    zip_put(&z, "x/data.txt", program, sizeof program - 1);
    zip_end(&z);
    refuse_bytes(z.data.data, z.data.n, "without data.pkl");
    zip_free(&z);
    zip_put(&z, "x/data.pkl", program, sizeof program - 1);
    zip_put(&z, "x/byteorder", "middle", 6);
    zip_end(&z);
    refuse_bytes(z.data.data, z.data.n, "byteorder");
    zip_free(&z);
    zip_put(&z, "x/data.pkl", program, sizeof program - 1);
    zip_end(&z);
    uint8_t *directory = (uint8_t *)z.data.data + z.data.n - 22 - z.directory.n;
    uint8_t *end = (uint8_t *)z.data.data + z.data.n - 22;
    const struct {
        uint8_t *at;
        uint8_t value;
        const char *why;
    } cases[] = {
        {directory + 8, 1, "encrypted"},        {directory + 20, 7, "two sizes"},
        {directory + 23, 1, "beyond the end"},  {directory + 42, 1, "local header"},
        {directory + 45, 255, "local header"},  {directory + 28, 255, "ends early"},
        {directory + 10, 8, "packed entry"},    {end + 10, 3, "outside the file"},
        {end + 15, 1, "outside the file"},      {end + 19, 1, "outside the file"},
        {end + 20, 1, "no central directory"},  {directory, 'p', "damaged central directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t kept = *cases[i].at;
        *cases[i].at = cases[i].value;
        refuse_bytes(z.data.data, z.data.n, cases[i].why);
        *cases[i].at = kept;
    }
    zip_free(&z);
    refuse_bytes("PK\3\4", 4, "no central directory");
    refuse_bytes("", 0, "expected a file of PyTorch's");
    refuse_bytes("\x80\2}.", 4, "expected a file of PyTorch's");
}

/* ---- legacy ---------------------------------------------------------------------------------- */

static void put_legacy(vl_buf *b, const char *keys, long long n, size_t n_bytes)
{
    float x[24];
    for (int i = 0; i < 24; i++) x[i] = (float)i;
    puts_to(b, ".");
    puts_to(b, keys);
    assert_int_equal(vl_buf_append(b, &n, 8), VIOLET_OK);
    assert_int_equal(vl_buf_append(b, x, n_bytes), VIOLET_OK);
}

static void legacy_parts_of_storages(void **state)
{
    (void)state;
    vl_torch *f;
    vl_buf b = {0};
    assert_int_equal(vl_buf_append(&b, legacy_head, legacy_head_bytes), VIOLET_OK);
    size_t head = b.n;
    puts_to(&b, "(dS'a'\n");
    put_tensor(&b, "FloatStorage", "k", 24, 2, "I2\n", "I1\n");
    /* an old view: 4 elements from 10 on */
    puts_to(&b, "sS'v'\nctorch._utils\n_rebuild_tensor\n((S'storage'\nctorch\nFloatStorage\nS'k'\n"
                "S'cpu'\nI24\n(S'kv'\nI10\nI4\nttQI1\n(I3\nt(I1\nttRs");
    size_t program = b.n;
    put_legacy(&b, "(lS'k'\na.", 24, 96);
    assert_true(vl_torch_looks(b.data, 64));
    assert_int_equal(vl_torch_parse(&f, b.data, b.n, "legacy"), VIOLET_OK);
    expect_floats(f, "a", (float[]){2, 3}, 2);
    expect_floats(f, "v", (float[]){11, 12, 13}, 3);
    vl_torch_close(f);
    static const struct {
        const char *keys;
        long long n;
        size_t n_bytes;
        const char *why;
    } cases[] = {
        {"(lS'k'\na.", 23, 96, "23 elements in a storage of 24"},
        {"(lS'k'\na.", 24, 95, "of 95 bytes"},
        {"(lS'k'\naS'k'\na.", 24, 96, "there twice"},
        {"(lS'x'\na.", 24, 96, "unknown"},
        {"(lI1\na.", 24, 96, "unknown"},
        {"(l.", 24, 96, "'k' is not there"},
        {"N.", 24, 96, "'k' is not there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.n = program;
        put_legacy(&b, cases[i].keys, cases[i].n, cases[i].n_bytes);
        refuse_bytes(b.data, b.n, cases[i].why);
    }
    b.n = head; /* a view that sticks out of its storage */
    puts_to(&b, "(S'storage'\nctorch\nFloatStorage\nS'k'\nS'cpu'\nI24\n(S'kv'\nI21\nI4\nttQ");
    put_legacy(&b, "(lS'k'\na.", 24, 96);
    refuse_bytes(b.data, b.n, "part of a storage");
    b.n = head; /* as many elements, of two types */
    puts_to(&b, "(dS'a'\n");
    put_tensor(&b, "FloatStorage", "k", 24, 2, "I2\n", "I1\n");
    puts_to(&b, "sS'b'\n");
    put_tensor(&b, "IntStorage", "k", 24, 2, "I2\n", "I1\n");
    puts_to(&b, "s");
    put_legacy(&b, "(lS'k'\na.", 24, 96);
    refuse_bytes(b.data, b.n, "storage 'k' is of two types");
    vl_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_real_files),
        cmocka_unit_test(truncations_and_flips),
        cmocka_unit_test(nestings_become_paths),
        cmocka_unit_test(what_wraps_is_cut_off),
        cmocka_unit_test(no_name_becomes_empty),
        cmocka_unit_test(modules_are_pictures),
        cmocka_unit_test(packed_entries),
        cmocka_unit_test(nothing_is_called),
        cmocka_unit_test(hostile_archives),
        cmocka_unit_test(legacy_parts_of_storages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
