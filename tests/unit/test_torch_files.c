/* Small files that PyTorch wrote, read to the last bit, and one of ours, byte by byte as it was
 * when PyTorch had read it. tests/data/make_pt.py makes them:
 *
 *     test_torch_files            the tests
 *     test_torch_files OUT.pt     writes our file */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "file/torch.h"
#include "file/torch_write.h"
#include "unit/make_data.h"

#define FOLDER "tests/data/pt/"

static vl_safetensors *open_expected(const char *name)
{
    char path[200];
    vl_safetensors *f;
    snprintf(path, sizeof path, FOLDER "%s.safetensors", name);
    if (vl_safetensors_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
    return f;
}

static void compare_one(const vl_torch *f, const vl_safetensor *e, const char *path)
{
    const vl_stored *t = vl_torch_find(f, e->name);
    if (!t) fail_msg("%s: no '%s'", path, e->name);
    if (t->dtype != e->dtype)
        fail_msg("%s '%s': %s", path, e->name, vl_dtype_name(t->dtype));
    if (t->n != e->n || t->n_dim != e->n_dim ||
        memcmp(t->shape, e->shape, (size_t)t->n_dim * sizeof *t->shape) != 0)
        fail_msg("%s '%s': another shape", path, e->name);
    size_t n_bytes = t->n * vl_dtype_bytes(t->dtype);
    char *bytes = malloc(n_bytes + 1);
    vl_stored_bytes(bytes, t, 0, t->n);
    if (n_bytes && memcmp(bytes, e->data, n_bytes) != 0)
        fail_msg("%s '%s': other values", path, e->name);
    free(bytes);
}

static void compare_file(const char *name, const char *container)
{
    char path[200];
    vl_torch *f;
    vl_safetensors *expected = open_expected(name);
    snprintf(path, sizeof path, FOLDER "%s_%s.pt", name, container);
    if (vl_torch_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_string_equal(vl_torch_prefix(f), vl_safetensors_metadata(expected, "prefix"));
    assert_true(vl_safetensors_n(expected) > 5);
    assert_int_equal(vl_torch_n(f), vl_safetensors_n(expected));
    for (size_t i = 0; i < vl_torch_n(f); i++)
        compare_one(f, vl_safetensors_at(expected, i), path);
    vl_torch_close(f);
    vl_safetensors_close(expected);
}

static void both_containers(void **state)
{
    compare_file(*state, "zip");
    compare_file(*state, "legacy");
}

/* ---- ours ------------------------------------------------------------------------------------ */

static violet_status write_ours(const char *path, const vl_safetensors *values)
{
    const char *const metadata[] = {"config", "{}", "n\xc3\xb6te", "2"};
    vl_safetensor list[64];
    vl_tensors_alias alias = {"second name", 0};
    vl_tensors_plan plan = {list, vl_safetensors_n(values), &alias, 1, metadata, 2};
    vl_torch_writer *w;
    if (plan.n > sizeof list / sizeof *list) return VIOLET_EINVAL;
    for (size_t i = 0; i < plan.n; i++) {
        list[i] = *vl_safetensors_at(values, i);
        if (strcmp(list[i].name, "float32") == 0) alias.of = i;
    }
    violet_status status = vl_torch_create(&w, path, &plan);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < plan.n && status == VIOLET_OK; i++)
        status = vl_torch_push(w, list[i].data, list[i].n * vl_dtype_bytes(list[i].dtype));
    if (status == VIOLET_OK) return vl_torch_finish(w);
    vl_torch_abandon(w);
    return status;
}

static void ours_is_what_pytorch_has_read(void **state)
{
    (void)state;
    char folder[64], path[100], *before, *now;
    size_t n_before, n_now;
    vl_safetensors *values = open_expected("types");
    make_folder(folder);
    snprintf(path, sizeof path, "%s/ours.pt", folder);
    if (write_ours(path, values) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(vl_file_read(&before, &n_before, FOLDER "ours.pt", 1000000), VIOLET_OK);
    assert_int_equal(vl_file_read(&now, &n_now, path, 1000000), VIOLET_OK);
    assert_int_equal(n_now, n_before);
    for (size_t i = 0; i < n_now; i++)
        if (now[i] != before[i]) fail_msg("byte %zu differs: run tests/data/make_pt.py", i);
    free(before);
    free(now);
    vl_safetensors_close(values);
    remove_folder(folder);
}

static int make_ours(const char *path)
{
    vl_safetensors *values;
    if (vl_safetensors_open(&values, FOLDER "types.safetensors") == VIOLET_OK &&
        write_ours(path, values) == VIOLET_OK)
        return 0;
    fprintf(stderr, "test_torch_files: %s\n", violet_error());
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 2) return make_ours(argv[1]);
#define CASE(name) {"pytorch_" #name, both_containers, NULL, NULL, #name}
    const struct CMUnitTest tests[] = {
        CASE(types), CASE(shared), CASE(module), CASE(training), CASE(float16), CASE(bfloat16),
        cmocka_unit_test(ours_is_what_pytorch_has_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
