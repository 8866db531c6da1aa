/* Starting values from files that do not fit, or in part: errors, --strict, parts, reports. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "load_case.h"

/* ---- what does not fit ----------------------------------------------------------------------- */

static void another_shape_outside_the_heads_is_an_error(void **state)
{
    (void)state;
    put_all("", "");
    drop("enc_txt.emb_txt.word_embeddings.weight");
    put("enc_txt.emb_txt.word_embeddings.weight", 2, (const int[]){60, 64}, NULL);
    write_file("file.pt");
    load_fails(&(vl_load_options){.part = VL_LOAD_ALL}, VIOLET_ESHAPE,
               "tensor 'enc_txt.emb_txt.word_embeddings.weight': 60 x 64 in the file, 50 x 64 in "
               "the model");
    assert_memory_equal(model.params.weights.base, before, model.params.weights.used);
    expect_counts((size_t)model.params.n - 1, 0, 0, 1, 0, 0, 0); /* the report is whole */
    load_ok(VL_LOAD_VIDEO); /* no matter to another part */
    drop("trsfr.layer.1.output.dense.bias");
    put("trsfr.layer.1.output.dense.bias", 2, (const int[]){1, 64}, NULL); /* as many elements */
    write_file("file.pt");
    load_fails(&(vl_load_options){.part = VL_LOAD_ALL}, VIOLET_ESHAPE, "(and 1 more tensors)");
}

/* Eight dimensions of nineteen digits, which nothing of zero elements forbids. */
static void absurd_shapes_are_told(void **state)
{
    (void)state;
    put_all("", "");
    drop("fc.3.weight");
    put("fc.3.weight", 1, (const int[]){0}, NULL);
    vl_safetensor *t = &file.list[file.n - 1];
    t->n_dim = 8;
    for (int i = 1; i < 8; i++) t->shape[i] = INT64_MAX;
    write_file("file.safetensors");
    load_ok(VL_LOAD_ALL);
    expect("fc.3.weight", VL_LOAD_MISSHAPEN,
           "0 x 9223372036854775807 x 9223372036854775807 x 9223372036854775807 x "
           "9223372036854775807 x 9223372036854775807 x 9223372036854775807 x "
           "9223372036854775807 in the file, 1 x 128 in the model");
    write_file("file.pt"); /* whose strides would not be numbers any more */
    load_fails(&(vl_load_options){.part = VL_LOAD_ALL}, VIOLET_EFORMAT, "'fc.3.weight'");
}

/* Tables are refused, or made when asked, whatever else fits (test_load_tables.c: how). */
static void tables_of_another_size_are_made_when_asked(void **state)
{
    (void)state;
    static const char name[] = "enc_img.emb_len";
    vl_buf text = {0};
    put_all("", "");
    drop(name);
    float *x = put(name, 4, (const int[]){1, 3, 1, 64}, NULL);
    write_file("file.pt");
    load_fails(&(vl_load_options){.part = VL_LOAD_ALL}, VIOLET_ESHAPE, "--interpolate");
    expect(name, VL_LOAD_MISSHAPEN, "1 x 3 x 1 x 64 in the file, 1 x 6 x 1 x 64 in the model");
    assert_memory_equal(model.params.weights.base, before, model.params.weights.used);
    load_ok_with(&(vl_load_options){.interpolate = true});
    expect_counts((size_t)model.params.n - 1, 1, 0, 0, 0, 0, 0);
    const real *got = weights(&model, name);
    for (int i = 0; i < 64; i++) { /* first and last are its own, the rest between */
        assert_true(got[i] == (real)x[i] && got[5 * 64 + i] == (real)x[2 * 64 + i]);
        assert_true(got[2 * 64 + i] > (real)x[i] && got[2 * 64 + i] < (real)x[2 * 64 + i]);
    }
    assert_int_equal(vl_load_report_text(&text, &report), VIOLET_OK);
    assert_non_null(strstr(text.data, "\n  adapted: enc_img.emb_len: 3 frames"));
    vl_buf_free(&text);
    x[70] = NAN;
    write_file("file.pt");
    load_fails(&(vl_load_options){.interpolate = true}, VIOLET_EFORMAT,
               "tensor 'enc_img.emb_len': value 70 is ");
}

static void parts_of_a_whole_checkpoint(void **state)
{
    (void)state;
    size_t swin = n_of(&model, "enc_img.swin."), all = (size_t)model.params.n;
    size_t text = n_of(&model, "enc_txt.") + n_of(&model, "trsfr.") + n_of(&model, "fc_mtm.");
    put_all("", "");
    put_small("enc_dep.weight");
    write_file("file.pt");
    load_ok(VL_LOAD_VIDEO);
    expect_counts(swin, 0, 0, 0, 1, 0, all - swin);
    expect("enc_img.emb_pos", VL_LOAD_IGNORED, "parts not asked for");
    expect_values();
    drop("enc_dep.weight");
    drop("enc_txt.emb_txt.LayerNorm.bias");
    drop("fc.1.bias");
    write_file("file.pt");
    load_ok(VL_LOAD_TEXT);
    expect_counts(text - 1, 0, 1, 0, 0, 0, all - text - 1);
    expect("enc_txt.emb_txt.LayerNorm.bias", VL_LOAD_MISSING, NULL);
    expect_values();
    load_fails(&(vl_load_options){.part = VL_LOAD_TEXT, .strict = true}, VIOLET_ESHAPE,
               "--strict: 'enc_txt.emb_txt.LayerNorm.bias' is not in the file");
    assert_memory_equal(model.params.weights.base, before, model.params.weights.used);
    load_ok_with(&(vl_load_options){.part = VL_LOAD_VIDEO, .strict = true});
}

static void strict_takes_a_perfect_fit_only(void **state)
{
    (void)state;
    put_all("", "");
    put_small("one.too.many");
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    expect("one.too.many", VL_LOAD_UNEXPECTED, NULL);
    const vl_load_options strict = {.strict = true};
    load_fails(&strict, VIOLET_ESHAPE,
               "--strict: 'one.too.many' is in the file, and of no use here");
    assert_memory_equal(model.params.weights.base, before, model.params.weights.used);
    expect("one.too.many", VL_LOAD_UNEXPECTED, NULL);
    drop("fc_mvm.3.bias");
    drop("fc_mvm.3.weight");
    put("fc_mvm.3.weight", 2, (const int[]){17, 128}, NULL);
    write_file("file.pt");
    load_fails(&strict, VIOLET_ESHAPE, "--strict: 'fc_mvm.3.weight' is of another shape "
                                       "(17 x 128 in the file, 16 x 128 in the model); 2 more");
}

static void a_file_that_gives_nothing_is_an_error(void **state)
{
    (void)state;
    const vl_load_options o = {.part = VL_LOAD_TEXT};
    put_small("weights");
    put_small("blocks.0.bias");
    write_file("file.pt");
    load_fails(&o, VIOLET_EFORMAT, "none of its 2 tensors has a name of VIOLET (enc_img.");
    put_all("enc_img.swin.", "");
    write_file("file.pt");
    load_fails(&o, VIOLET_ESHAPE, "(Video Swin) is one of the text side's");
    snprintf(path, sizeof path, "%s/nothing.pt", folder);
    load_fails(&o, VIOLET_EIO, "");
}

static void values_must_be_finite(void **state)
{
    (void)state;
    static const float bad[3] = {NAN, INFINITY, -INFINITY};
    const vl_load_options o = {.part = VL_LOAD_ALL};
    put_all("", "");
    for (int k = 0; k < 3; k++) {
        float *x = file.x[find_tensor("trsfr.layer.0.intermediate.dense.weight")];
        float was = x[5000];
        x[5000] = bad[k];
        write_file(formats[k % 2]);
        load_fails(&o, VIOLET_EFORMAT,
                   "tensor 'trsfr.layer.0.intermediate.dense.weight': value 5000 is ");
        load_ok_with(&(vl_load_options){.dry = true});
        x[5000] = was;
    }
    put_small("spare")[0] = NAN; /* in what is not taken */
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
}

static void a_dry_load_changes_nothing(void **state)
{
    (void)state;
    put_all("", "");
    write_file("file.pt");
    const vl_load_options o = {.dry = true};
    assert_int_equal(load(&o), VIOLET_OK);
    expect_counts((size_t)model.params.n, 0, 0, 0, 0, 0, 0);
    assert_memory_equal(model.params.weights.base, before, model.params.weights.used);
}

/* ---- reports --------------------------------------------------------------------------------- */

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("'%s' lacks '%s'", text, part);
}

static void reports_are_readable(void **state)
{
    (void)state;
    vl_buf text = {0};
    char line[300];
    put_all("", "");
    put_small("enc_img.swin.layers.0.blocks.0.attn.relative_position_index");
    put_small("enc_txt.emb_txt.position_ids");
    drop("enc_img.norm.bias");
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    assert_int_equal(vl_load_report_text(&text, &report), VIOLET_OK);
    snprintf(line, sizeof line, "%s (VIOLET): took %d of %d tensors, %zu of %zu parameters\n", path,
             model.params.n - 3, model.params.n,
             vl_params_count(&model.params) - 64 - 9 * 128 - 9, vl_params_count(&model.params));
    assert_has(text.data, line);
    assert_has(text.data, "\n  not in the file, keep their initial values: enc_img.norm.bias\n");
    assert_has(text.data, "\n  of another shape, keep their initial values: fc.3.weight (1 x 128 "
                          "in the file, 9 x 128 in the model), fc.3.bias (1 in the file, 9 in the "
                          "model)\n");
    assert_has(text.data, "\n  in the file, not used: fc_mtm.predictions.* (6), fc_mvm.* (4)\n");
    assert_has(text.data, "\n  of no use here: buffers (2)\n");
    assert_null(strstr(text.data, "adapted"));
    assert_null(strstr(text.data, "second names"));
    vl_buf_free(&text);
    assert_int_equal(vl_load_report_text(&text, &(vl_load_report){0}), VIOLET_OK);
    vl_buf_free(&text);
}

static void reports_are_machine_readable(void **state)
{
    (void)state;
    put_all("", "");
    put_small("more \"of\" it");
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    json_t *json = vl_load_report_json(&report);
    const char *file_name, *layout, *part, *name, *fate;
    json_int_t tensors, elements, count;
    json_t *list;
    assert_non_null(json);
    assert_int_equal(json_unpack(json, "{s:s, s:s, s:s, s:{s:I, s:I}, s:o}", "file", &file_name,
                                 "layout", &layout, "part", &part, "unexpected", "tensors",
                                 &tensors, "elements", &elements, "list", &list),
                     0);
    assert_string_equal(file_name, path);
    assert_string_equal(layout, "VIOLET");
    assert_string_equal(part, "all");
    assert_true(tensors == 1 && elements == 3);
    assert_int_equal(json_array_size(list), model.params.n + 1);
    assert_int_equal(json_unpack(json_array_get(list, json_array_size(list) - 1),
                                 "{s:s, s:s, s:I}", "name", &name, "fate", &fate, "elements",
                                 &count),
                     0);
    assert_string_equal(name, "more \"of\" it");
    assert_string_equal(fate, "unexpected");
    assert_true(count == 3);
    json_decref(json);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, load_set_up, load_tear_down)
#define ANSWERS(f) cmocka_unit_test_setup_teardown(f, load_set_up_answers, load_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(another_shape_outside_the_heads_is_an_error),
        TEST(absurd_shapes_are_told),
        TEST(tables_of_another_size_are_made_when_asked),
        TEST(parts_of_a_whole_checkpoint),
        TEST(strict_takes_a_perfect_fit_only),
        TEST(a_file_that_gives_nothing_is_an_error),
        TEST(values_must_be_finite),
        TEST(a_dry_load_changes_nothing),
        ANSWERS(reports_are_readable),
        TEST(reports_are_machine_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
