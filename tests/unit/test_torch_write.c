/* PyTorch's container as we write it, read back by our reader and by libzip (which looks at the
 * checksums). What PyTorch itself says of such files: tests/cli/test_exchange.sh. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "file/tensors.h"
#include "file/torch.h"
#include "file/torch_write.h"
#include "file/zip.h"
#include "file/zip_write.h"
#include "unit/make_data.h"

static char folder[64], path[100];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/t.pt", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

static void expect_error(const char *why)
{
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
}

static void expect_empty_folder(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') fail_msg("'%s' is left", e->d_name);
    closedir(dir);
}

/* Writes byte i = i + 3, pushed in pieces of `piece` bytes. */
static void write_bytes(const vl_tensors_plan *plan, size_t all, size_t piece)
{
    vl_torch_writer *w;
    uint8_t *data = malloc(all + 1);
    for (size_t i = 0; i < all; i++) data[i] = (uint8_t)(i + 3);
    (void)remove(path);
    ok(vl_torch_create(&w, path, plan));
    for (size_t at = 0; at < all; at += piece)
        ok(vl_torch_push(w, data + at, piece < all - at ? piece : all - at));
    assert_false(vl_file_exists(path));
    ok(vl_torch_finish(w));
    free(data);
}

/* libzip reads every entry to its end, so every checksum is looked at. */
static void expect_sound_zip(long n_entries)
{
    int code;
    zip_t *z = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
    if (!z) fail_msg("libzip: error %d", code);
    assert_int_equal(zip_get_num_entries(z, 0), n_entries);
    for (long i = 0; i < n_entries; i++) {
        char buffer[5000];
        zip_file_t *f = zip_fopen_index(z, (zip_uint64_t)i, 0);
        zip_int64_t n = f ? 1 : -1;
        while (n > 0) n = zip_fread(f, buffer, sizeof buffer);
        if (n < 0) fail_msg("libzip: entry %ld: %s", i, f ? zip_file_strerror(f) : "not opened");
        assert_int_equal(zip_fclose(f), 0);
    }
    zip_discard(z);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void all_types_shapes_and_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 100000};
    enum { N_TYPES = VL_DT_BOOL + 1, N = N_TYPES + 4 };
    vl_safetensor list[N] = {
        [N_TYPES] = {.name = "scalar", .dtype = VL_DT_F32, .n_dim = 0},
        [N_TYPES + 1] = {.name = "none", .dtype = VL_DT_F16, .n_dim = 3, .shape = {2, 0, 3}},
        [N_TYPES + 2] = {.name = "n\xc3\xa4me.of many", .dtype = VL_DT_I8, .n_dim = 8,
                         .shape = {1, 2, 1, 3, 1, 2, 1, 1}},
        [N_TYPES + 3] = {.name = "long", .dtype = VL_DT_U8, .n_dim = 1, .shape = {70000}},
    };
    for (int t = 0; t < N_TYPES; t++)
        list[t] = (vl_safetensor){vl_dtype_name(t), (vl_dtype)t, 2, {2, 3}, 6, NULL};
    const vl_tensors_plan plan = {.list = list, .n = N};
    size_t all = 4 + 12 + 70000;
    char *first = NULL, *bytes;
    size_t n_first = 0, n_bytes;
    for (int t = 0; t < N_TYPES; t++) all += 6 * vl_dtype_bytes(t);
    for (int p = 0; p < 3; p++) {
        write_bytes(&plan, all, pieces[p]);
        ok(vl_file_read(&bytes, &n_bytes, path, 1000000));
        if (first) {
            assert_int_equal(n_bytes, n_first);
            assert_memory_equal(bytes, first, n_first);
            free(bytes);
        } else {
            first = bytes, n_first = n_bytes;
        }
    }
    free(first);
    expect_sound_zip(3 + N);
    vl_torch *f;
    ok(vl_torch_open(&f, path));
    assert_int_equal(vl_torch_n(f), N);
    uint8_t expected = 3;
    for (size_t i = 0; i < N; i++) {
        const vl_stored *t = vl_torch_at(f, i);
        assert_string_equal(t->name, list[i].name);
        assert_int_equal(t->dtype, list[i].dtype);
        assert_int_equal(t->n_dim, list[i].n_dim);
        for (int d = 0; d < t->n_dim; d++) assert_int_equal(t->shape[d], list[i].shape[d]);
        assert_true(vl_stored_is_plain(t));
        assert_int_equal((uintptr_t)t->data % 64, 0);
        for (size_t k = 0; k < t->n * vl_dtype_bytes(t->dtype); k++)
            assert_int_equal(t->data[k], expected++);
    }
    vl_torch_close(f);
}

static void aliases_share_and_metadata_stands_beside(void **state)
{
    (void)state;
    const vl_safetensor list[] = {{.name = "a", .dtype = VL_DT_F32, .n_dim = 1, .shape = {2}},
                                  {.name = "b", .dtype = VL_DT_U16, .n_dim = 1, .shape = {3}}};
    const vl_tensors_alias aliases[] = {{"b2", 1}, {"a2", 0}};
    const char *const metadata[] = {"config", "{\"x\": \"\xc3\xbc\"}", "note", "two"};
    vl_torch *f;
    vl_map map;
    vl_zip z;
    const uint8_t *text;
    write_bytes(&(vl_tensors_plan){list, 2, aliases, 2, metadata, 2}, 14, 14);
    expect_sound_zip(6);
    ok(vl_torch_open(&f, path));
    assert_int_equal(vl_torch_n(f), 4);
    assert_ptr_equal(vl_torch_find(f, "a2")->data, vl_torch_find(f, "a")->data);
    assert_ptr_equal(vl_torch_find(f, "b2")->data, vl_torch_find(f, "b")->data);
    assert_int_equal(vl_torch_find(f, "b2")->n, 3);
    vl_torch_close(f);
    ok(vl_map_open(&map, path));
    ok(vl_zip_init(&z, map.data, map.n));
    const vl_zip_entry *e = vl_zip_find(&z, "archive/violet.json", 19);
    assert_non_null(e);
    ok(vl_zip_read(&text, &z, e));
    const char expected[] = "{\"config\":\"{\\\"x\\\": \\\"\xc3\xbc\\\"}\",\"note\":\"two\"}";
    assert_int_equal(e->size, sizeof expected - 1);
    assert_memory_equal(text, expected, sizeof expected - 1);
    vl_zip_release(&z);
    vl_map_close(&map);
}

/* Beside a size of 0 the others may be absurd. */
static void absurd_sizes_come_back(void **state)
{
    (void)state;
    const vl_safetensor list[] = {
        {.name = "a", .dtype = VL_DT_F32, .n_dim = 4, .shape = {0, 255, 256, 65535}},
        {.name = "b", .dtype = VL_DT_F32, .n_dim = 4, .shape = {0, 65536, INT32_MAX, 1}},
        {.name = "c", .dtype = VL_DT_F32, .n_dim = 3, .shape = {0, 1ll << 31, UINT32_MAX}},
        {.name = "d", .dtype = VL_DT_F32, .n_dim = 3, .shape = {0, 2, 1ll << 62}},
    };
    vl_torch *f;
    write_bytes(&(vl_tensors_plan){.list = list, .n = 4}, 0, 1);
    ok(vl_torch_open(&f, path));
    for (size_t i = 0; i < 4; i++)
        for (int d = 0; d < list[i].n_dim; d++)
            assert_int_equal(vl_torch_at(f, i)->shape[d], list[i].shape[d]);
    assert_int_equal(vl_torch_at(f, 2)->stride[1], UINT32_MAX);
    assert_int_equal(vl_torch_at(f, 3)->stride[1], 1ll << 62);
    assert_int_equal(vl_torch_at(f, 3)->stride[0], 0); /* 2^63 is none */
    vl_torch_close(f);
}

static void refuses(const vl_tensors_plan *plan, const char *why)
{
    vl_torch_writer *w;
    assert_int_equal(vl_torch_create(&w, path, plan), VIOLET_EINVAL);
    assert_null(w);
    expect_error(why);
    expect_error("t.pt: ");
}

static void plans_that_are_refused(void **state)
{
    (void)state;
#define ONE(called) {.name = called, .dtype = VL_DT_F32, .n_dim = 1, .shape = {2}}
    const vl_safetensor twice[] = {ONE("a"), ONE("b"), ONE("a")}, bad[] = {ONE("\xff")};
    const vl_safetensor empty[] = {ONE("")}, deep[] = {{.name = "deep", .n_dim = 9}};
    const vl_safetensor huge[] = {{.name = "h", .n_dim = 2, .shape = {1ll << 40, 1ll << 40}}};
    const vl_safetensor two_huge[] = {{.name = "h", .n_dim = 1, .shape = {1ll << 60}},
                                      {.name = "i", .n_dim = 1, .shape = {1ll << 60}}};
    const vl_tensors_alias same = {"b", 0}, lost = {"c", 3}, wrong = {"\xc3(", 0};
    const char *const metadata[] = {"k", "\xff"};
    refuses(&(vl_tensors_plan){.list = twice, .n = 3}, "'a' is there twice");
    refuses(&(vl_tensors_plan){twice, 2, &same, 1, NULL, 0}, "'b' is there twice");
    refuses(&(vl_tensors_plan){twice, 2, &lost, 1, NULL, 0}, "'c' stands for tensor 3 of 2");
    refuses(&(vl_tensors_plan){twice, 2, &wrong, 1, NULL, 0}, "not UTF-8");
    refuses(&(vl_tensors_plan){.list = bad, .n = 1}, "not UTF-8");
    refuses(&(vl_tensors_plan){.list = empty, .n = 1}, "expected a name");
    refuses(&(vl_tensors_plan){.list = deep, .n = 1}, "9 dimensions");
    refuses(&(vl_tensors_plan){.list = huge, .n = 1}, "'h': shape overflows");
    refuses(&(vl_tensors_plan){.list = two_huge, .n = 2}, "sizes overflow");
    refuses(&(vl_tensors_plan){.list = bad, .n = 0, .metadata = metadata, .n_metadata = 1},
            "metadata 'k' is not UTF-8");
    char *long_text = calloc(1, (4 << 20) + 1);
    const char *const too_much[] = {"k", memset(long_text, 'x', 4 << 20)};
    refuses(&(vl_tensors_plan){.list = bad, .n = 0, .metadata = too_much, .n_metadata = 1},
            "4194312 bytes of metadata");
    expect_empty_folder();
    free(long_text);
}

static void too_much_and_too_little(void **state)
{
    (void)state;
    const vl_safetensor list[] = {ONE("a"), ONE("b")};
    const vl_tensors_plan plan = {.list = list, .n = 2};
    const char data[17] = "0123456789abcdef";
    vl_torch_writer *w;
    ok(vl_torch_create(&w, path, &plan));
    assert_int_equal(vl_torch_push(w, data, 17), VIOLET_EINVAL);
    expect_error("t.pt: 17 bytes of data pushed, described were 16");
    ok(vl_torch_push(w, data, 15));
    assert_int_equal(vl_torch_finish(w), VIOLET_EINVAL);
    expect_error("t.pt: 15 bytes of data pushed, described were 16");
    assert_false(vl_file_exists(path));
    ok(vl_torch_create(&w, path, &plan));
    ok(vl_torch_push(w, data, 9));
    vl_torch_abandon(w);
    expect_empty_folder();
}

/* ---- the file's name decides ----------------------------------------------------------------- */

static void format_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int kind;
    } cases[] = {{"a.pt", 't'}, {"a.pth", 't'}, {"a.bin", 't'}, {"a.pkl", 't'}, {"a.onnx", 0},
                 {"a.safetensors", 's'}, {"x/.pt", 0}, {"pt", 0}, {"x.pt/y", 0}, {"a.pt.gz", 0}};
    const vl_safetensor list[] = {ONE("a")};
    const vl_tensors_alias alias = {"b", 0};
    const vl_tensors_plan plan = {list, 1, &alias, 1, NULL, 0};
    char head[2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vl_tensors_writer *w;
        assert_int_equal(vl_tensors_kind_of_name(cases[i].name), cases[i].kind);
        if (strchr(cases[i].name, '/')) continue;
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        violet_status status = vl_tensors_create(&w, path, &plan);
        assert_int_equal(status, cases[i].kind ? VIOLET_OK : VIOLET_EINVAL);
        if (!w) continue;
        ok(vl_tensors_push(w, "abcdefgh", 8));
        ok(vl_tensors_finish(w));
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        assert_int_equal(fread(head, 1, 2, f), 2);
        fclose(f);
        assert_int_equal(memcmp(head, "PK", 2) == 0, cases[i].kind == 't');
    }
}

/* ---- zip64 ----------------------------------------------------------------------------------- */

/* Small archives with the limits lowered, so that each field of zip64 is written and read. */
static void zip64_fields(void **state)
{
    (void)state;
    static const struct {
        uint64_t most32, most16;
    } limits[] = {{UINT32_MAX - 1, UINT16_MAX - 1}, {0, 0}, {99, 100}, {500, 100}, {100000, 2}};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        uint8_t data[1000];
        vl_zip_out out;
        vl_zip z;
        vl_map map;
        for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i);
        ok(vl_zip_create(&out, path));
        out.most32 = limits[k].most32;
        out.most16 = limits[k].most16;
        ok(vl_zip_put(&out, "one", data, 99));
        ok(vl_zip_put(&out, "none", NULL, 0));
        ok(vl_zip_begin(&out, "three", 1000, 4096));
        ok(vl_zip_push(&out, data, 400));
        ok(vl_zip_push(&out, NULL, 0));
        ok(vl_zip_push(&out, data + 400, 600));
        ok(vl_zip_finish(&out));
        expect_sound_zip(3);
        ok(vl_map_open(&map, path));
        ok(vl_zip_init(&z, map.data, map.n));
        const uint8_t *bytes;
        const vl_zip_entry *e = vl_zip_find(&z, "three", 5);
        ok(vl_zip_read(&bytes, &z, e));
        assert_int_equal(e->size, 1000);
        assert_int_equal((bytes - map.data) % 4096, 0);
        assert_memory_equal(bytes, data, 1000);
        vl_zip_release(&z);
        vl_map_close(&map);
    }
}

static void more_entries_than_16_bits(void **state)
{
    (void)state;
    enum { N = 66000 };
    vl_safetensor *list = calloc(N, sizeof *list);
    char (*names)[8] = calloc(N, sizeof *names);
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        list[i] = (vl_safetensor){.name = names[i], .dtype = VL_DT_U8, .n_dim = 1, .shape = {1}};
    }
    write_bytes(&(vl_tensors_plan){.list = list, .n = N}, N, N);
    vl_torch *f;
    ok(vl_torch_open(&f, path));
    assert_int_equal(vl_torch_n(f), N);
    assert_int_equal(*vl_torch_find(f, "t65999")->data, (uint8_t)(65999 + 3));
    vl_torch_close(f);
    free(list);
    free(names);
}

static void entries_that_do_not_fit(void **state)
{
    (void)state;
    vl_zip_out z;
    char *name = calloc(1, 65537);
    memset(name, 'n', 65536);
    ok(vl_zip_create(&z, path));
    ok(vl_zip_begin(&z, "a", 4, 1));
    assert_int_equal(vl_zip_push(&z, "12345", 5), VIOLET_EINVAL);
    expect_error("1 bytes more");
    assert_int_equal(vl_zip_begin(&z, "b", 4, 1), VIOLET_EINVAL);
    expect_error("4 bytes of an entry are not there");
    assert_int_equal(vl_zip_begin(&z, name, 4, 1), VIOLET_EINVAL);
    expect_error("65536 bytes");
    vl_zip_abandon(&z);
    vl_zip_abandon(&z);
    expect_empty_folder();
    free(name);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(all_types_shapes_and_pieces), TEST(aliases_share_and_metadata_stands_beside),
        TEST(absurd_sizes_come_back),      TEST(plans_that_are_refused),
        TEST(too_much_and_too_little),
        TEST(format_by_name),              TEST(zip64_fields),
        TEST(more_entries_than_16_bits),   TEST(entries_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
