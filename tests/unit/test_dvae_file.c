/* A dVAE's files: ours there and back, PyTorch's, and what is wrong with others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "file/safetensors.h"
#include "model/checkpoint.h"
#include "model/dvae.h"
#include "unit/make_data.h"
#include "unit/make_torch.h"

static char folder[64], path[128];

static char *at(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make(void **state)
{
    (void)state;
    make_folder(folder);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static const vl_dvae_config small = {4, 3, 10};

static vl_dvae *fresh(int with_decoder)
{
    vl_dvae *d;
    if (vl_dvae_new(&d, &small, with_decoder, 1, 5) != VIOLET_OK) fail_msg("%s", violet_error());
    return d;
}

static void expect_same(const vl_dvae *a, const vl_dvae *b)
{
    for (int i = 0; i < a->params.n; i++) {
        const vl_param *e = &a->params.list[i], *f = vl_params_find(&b->params, e->name);
        if (!f) fail_msg("no '%s'", e->name);
        assert_int_equal(e->count, f->count);
        assert_memory_equal(vl_param_weights(&a->params, e), vl_param_weights(&b->params, f),
                            e->count * sizeof(real));
    }
}

static void refused(const char *name, const char *why)
{
    vl_dvae *d;
    assert_int_not_equal(vl_dvae_open(&d, at(name), 0), VIOLET_OK);
    assert_null(d);
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
    if (!strstr(violet_error(), name)) fail_msg("'%s' lacks '%s'", violet_error(), name);
}

static void there_and_back(void **state)
{
    (void)state;
    for (int decoder = 0; decoder < 2; decoder++)
        for (int moments = 0; moments < 2; moments++) {
            vl_dvae *d = fresh(decoder), *e;
            char *text;
            const char *extra[] = {"state", "{\"step\": 3}"};
            assert_int_equal(vl_dvae_write(at("d.safetensors"), d, moments, extra, 1), VIOLET_OK);
            if (vl_dvae_open(&e, path, 0) != VIOLET_OK) fail_msg("%s", violet_error());
            assert_int_equal(e->has_decoder, decoder);
            assert_int_equal(e->config.n_hid, 4);
            assert_int_equal(e->config.n_code, 10);
            assert_int_equal(e->config.n_init, decoder ? 3 : 2);
            assert_int_equal(e->params.n, d->params.n);
            expect_same(d, e);
            assert_int_equal(vl_checkpoint_metadata(&text, path, "dvae"), VIOLET_OK);
            assert_string_equal(text, "{\"n_hid\": 4, \"n_init\": 3, \"n_code\": 10}");
            free(text);
            assert_int_equal(vl_checkpoint_metadata(&text, path, "state"), VIOLET_OK);
            assert_string_equal(text, "{\"step\": 3}");
            free(text);
            vl_dvae_close(d);
            vl_dvae_close(e);
        }
}

/* The file of d's encoder as PyTorch would write {"wrap": {"net.blocks.input.w": ...}}, with the
 * values of one tensor, `wrong`, missing (0), of another shape (1) or NaN (2). */
static void write_pt(const vl_dvae *d, const char *file, const char *wrong, int how)
{
    vl_buf b = {0};
    zip_maker z = {0};
    assert_int_equal(vl_buf_puts(&b, "(dS'wrap'\n(d"), VIOLET_OK);
    for (int i = 0; i < d->params.n; i++) {
        const vl_param *e = &d->params.list[i];
        const char *name = e->name + strlen("encoder/");
        char key[20], shape[80] = "", stride[80] = "";
        int is_wrong = wrong && strcmp(name, wrong) == 0, step = 1;
        if (is_wrong && how == 0) continue;
        for (int k = 0; k < e->n_dims; k++)
            sprintf(shape + strlen(shape), "I%d\n", e->shape[k] + (is_wrong && how == 1 && k == 1));
        for (int k = 0; k < e->n_dims; k++) { /* strides of C order */
            step = 1;
            for (int l = k + 1; l < e->n_dims; l++) step *= e->shape[l];
            sprintf(stride + strlen(stride), "I%d\n", is_wrong && how == 1 ? 0 : step);
        }
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(vl_buf_printf(&b, "S'net.%s'\n", name), VIOLET_OK);
        put_tensor(&b, "FloatStorage", key, (long long)e->count, 0, shape, stride);
        assert_int_equal(vl_buf_puts(&b, "s"), VIOLET_OK);
    }
    assert_int_equal(vl_buf_puts(&b, "s."), VIOLET_OK);
    zip_put(&z, "x/data.pkl", b.data, b.n);
    for (int i = 0; i < d->params.n; i++) {
        const vl_param *e = &d->params.list[i];
        float *x = malloc(e->count * sizeof *x);
        char name[40];
        for (size_t k = 0; k < e->count; k++) x[k] = (float)vl_param_weights(&d->params, e)[k];
        if (wrong && how == 2 && strcmp(e->name + strlen("encoder/"), wrong) == 0) x[1] = NAN;
        snprintf(name, sizeof name, "x/data/%d", i);
        zip_put(&z, name, x, e->count * sizeof *x);
        free(x);
    }
    zip_end(&z);
    write_text(folder, file, z.data.data, z.data.n);
    zip_free(&z);
    vl_buf_free(&b);
}

static void state_dicts_of_pytorch(void **state)
{
    (void)state;
    vl_dvae *d = fresh(0), *e;
    write_pt(d, "ok.pt", NULL, 0);
    if (vl_dvae_open(&e, at("ok.pt"), 1) != VIOLET_OK) fail_msg("%s", violet_error());
    expect_same(d, e);
    assert_true(e->params.trainable);
    vl_dvae_close(e);
    write_pt(d, "a.pt", "blocks.group_3.block_1.res_path.conv_2.b", 0);
    refused("a.pt", "tensor 'net.blocks.group_3.block_1.res_path.conv_2.b' is missing");
    write_pt(d, "b.pt", "blocks.group_2.block_1.id_path.w", 1);
    refused("b.pt", "tensor 'net.blocks.group_2.block_1.id_path.w' is 8 x 5 x 1 x 1, expected "
                    "8 x 4 x 1 x 1");
    write_pt(d, "c.pt", "blocks.output.conv.b", 2);
    refused("c.pt", "tensor 'net.blocks.output.conv.b': value 1 is");
    write_pt(d, "d.pt", "blocks.input.w", 0);
    refused("d.pt", "no dVAE's encoder");
    write_pt(d, "e.pt", "blocks.output.conv.w", 0);
    refused("e.pt", "'net.blocks.output.conv.w' is missing");
    write_text(folder, "f.pt", "PK\3\4", 4);
    refused("f.pt", "central directory");
    write_text(folder, "g.pt", "hello", 5);
    refused("g.pt", "of an unknown format, expected a file of tensors");
    write_text(folder, "h.pkl", "\x80\2cposix\nsystem\nU\1x\x85R.", 22);
    refused("h.pkl", "refuses to call global 'posix.system'");
    vl_dvae_close(d);
    const vl_dvae_config odd = {6, 3, 10}, none = {4, 3, 0};
    assert_int_equal(vl_dvae_new(&d, &odd, 0, 0, 1), VIOLET_EINVAL);
    assert_int_equal(vl_dvae_new(&d, &none, 0, 0, 1), VIOLET_EINVAL);
}

/* The pickled encoder has the weights of the golden case, so its tokens are known. */
static void tokens_of_the_published_form(void **state)
{
    (void)state;
    static const char *const files[] = {"encoder_module_zip.pkl", "encoder_module_legacy.pkl"};
    vl_safetensors *f;
    char file[200];
    if (!vl_file_exists("../shared/oracle/dvae-tiny/golden.safetensors")) {
        printf("skip: ../shared/oracle is not here\n");
        skip();
    }
    assert_int_equal(vl_safetensors_open(&f, "../shared/oracle/dvae-tiny/golden.safetensors"),
                     VIOLET_OK);
    const vl_safetensor *image = vl_safetensors_find(f, "in.image");
    const vl_safetensor *golden = vl_safetensors_find(f, "out.token");
    int n = (int)image->shape[0], S = (int)image->shape[2];
    size_t n_tokens = (size_t)(n * (S / 8) * (S / 8));
    float *expected = malloc(n_tokens * sizeof *expected);
    int32_t *tokens = malloc(n_tokens * sizeof *tokens);
    assert_int_equal(golden->n, n_tokens);
    vl_dtype_to_float(expected, golden->data, golden->dtype, golden->n);
    for (int k = 0; k < 2; k++) {
        vl_dvae *d;
        vl_tape t;
        vl_device *device = vl_backend_fast()->open(1);
        snprintf(file, sizeof file, "../shared/oracle/checkpoints/%s", files[k]);
        if (vl_dvae_open(&d, file, 0) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(d->config.n_hid, 64);
        assert_int_equal(d->config.n_code, 512);
        assert_int_equal(vl_tape_init(&t, vl_backend_fast(), device, 0), VIOLET_OK);
        assert_int_equal(vl_dvae_tokens(tokens, d, &t, image->data, n, S), VIOLET_OK);
        for (size_t i = 0; i < n_tokens; i++) assert_int_equal(tokens[i], (int)expected[i]);
        assert_int_not_equal(vl_dvae_tokens(tokens, d, &t, image->data, n, 20), VIOLET_OK);
        vl_tape_release(&t);
        vl_backend_fast()->close(device);
        vl_dvae_close(d);
    }
    free(expected);
    free(tokens);
    vl_safetensors_close(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_and_back),
        TEST(state_dicts_of_pytorch),
        TEST(tokens_of_the_published_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
