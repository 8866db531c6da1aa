/* Starting values from files: every layout of names, and what becomes of each of its tensors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "load_case.h"

/* ---- VIOLET ---------------------------------------------------------------------------------- */

static void a_whole_checkpoint(void **state)
{
    (void)state;
    put_all("", "");
    put_param("fc_mtm.predictions.bias", "fc_mtm.predictions.decoder.bias");
    put_small("enc_img.swin.layers.0.blocks.0.attn.relative_position_index");
    put_small("enc_txt.emb_txt.position_ids");
    size_t n = (size_t)model.params.n;
    for (int k = 0; k < 2; k++) {
        write_file(formats[k]);
        load_ok(VL_LOAD_ALL);
        assert_string_equal(report.layout, "VIOLET");
        assert_string_equal(report.path, path);
        expect_counts(n, 0, 0, 0, 0, 1, 2);
        expect("fc_mtm.predictions.decoder.bias", VL_LOAD_SAME, NULL);
        expect("enc_txt.emb_txt.position_ids", VL_LOAD_IGNORED, "buffers");
        expect_values();
        for (size_t i = 0; i < n; i++) /* in the model's order */
            assert_string_equal(report.list[i].name, model.params.list[i].name);
        assert_int_equal(report.elements[VL_LOAD_MATCHED], vl_params_count(&model.params));
        load_ok_with(&(vl_load_options){.part = VL_LOAD_ALL, .strict = true});
    }
}

static void wrapped_names(void **state)
{
    (void)state;
    put_all("", "module."); /* in safetensors nobody has cut it off */
    write_file("file.safetensors");
    load_ok(VL_LOAD_ALL);
    expect_counts((size_t)model.params.n, 0, 0, 0, 0, 0, 0);
    expect_values();
}

/* An open-ended head takes fc.1 of a matching head; its fc.3 starts fresh. */
static void fine_tuning(void **state)
{
    (void)state;
    put_all("", "");
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    size_t n = (size_t)model.params.n;
    expect_counts(n - 2, 0, 0, 2, n_of(&given, "fc_mtm.") + n_of(&given, "fc_mvm."), 0, 0);
    expect("fc.1.weight", VL_LOAD_MATCHED, NULL);
    expect("fc.3.weight", VL_LOAD_MISSHAPEN, "1 x 128 in the file, 9 x 128 in the model");
    expect("fc.3.bias", VL_LOAD_MISSHAPEN, "1 in the file, 9 in the model");
    expect("fc_mtm.predictions.bias", VL_LOAD_UNEXPECTED, NULL);
    expect_values();
}

static void two_values_of_one_parameter(void **state)
{
    (void)state;
    put_all("", "");
    float *x = put_param("fc_mtm.predictions.bias", "fc_mtm.predictions.decoder.bias");
    x[49] += 1;
    for (int k = 0; k < 2; k++) {
        if (k) { /* the other order in the file */
            rename_to("fc_mtm.predictions.bias", "swap");
            rename_to("fc_mtm.predictions.decoder.bias", "fc_mtm.predictions.bias");
            rename_to("swap", "fc_mtm.predictions.decoder.bias");
        }
        const float *last = file.x[find_tensor("fc_mtm.predictions.decoder.bias")];
        write_file("file.pt");
        load_ok(VL_LOAD_ALL);
        expect_counts((size_t)model.params.n, 0, 0, 0, 1, 0, 0);
        const vl_load_entry *left = &report.list[report.n - 1];
        assert_string_equal(left->name, "fc_mtm.predictions.bias");
        assert_non_null(strstr(left->note, "differs from 'fc_mtm.predictions.decoder.bias'"));
        expect("fc_mtm.predictions.bias", VL_LOAD_MATCHED, "that PyTorch sets last, from "
                                                           "fc_mtm.predictions.decoder.bias");
        const real *got = weights(&model, "fc_mtm.predictions.bias");
        for (int i = 0; i < 50; i++) assert_true(got[i] == (real)last[i]);
        load_fails(&(vl_load_options){.strict = true}, VIOLET_ESHAPE,
                   "--strict: 'fc_mtm.predictions.bias' is in the file, and of no use here");
    }
    drop("fc_mtm.predictions.bias"); /* one alone is the parameter, whichever */
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    expect_counts((size_t)model.params.n, 0, 0, 0, 0, 0, 0);
}

/* The same bits, as the report says: neither another shape, nor another type, nor a difference that
 * float does not see. */
static void a_second_name_has_the_same_bits(void **state)
{
    (void)state;
    static const char first[] = "fc_mtm.predictions.bias";
    static const char again[] = "fc_mtm.predictions.decoder.bias";
    put_all("", "");
    const real *x = weights(&given, first);
    put(again, 2, (const int[]){50, 1}, x);
    write_file("file.pt");
    load(&(vl_load_options){.part = VL_LOAD_ALL});
    assert_int_equal(report.tensors[VL_LOAD_SAME], 0);
    assert_int_equal(report.tensors[VL_LOAD_UNEXPECTED], 1);
    drop(again);
    double *wide[2];
    for (int k = 0; k < 2; k++) {
        if (k == 0) drop(first);
        put(k ? again : first, 1, (const int[]){100}, NULL); /* room for as many doubles */
        vl_safetensor *t = &file.list[file.n - 1];
        t->dtype = VL_DT_F64, t->n = 50, t->shape[0] = 50;
        wide[k] = (double *)(void *)file.x[file.n - 1];
        for (int i = 0; i < 50; i++) wide[k][i] = 0.1 * i;
    }
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    expect(again, VL_LOAD_SAME, NULL);
    wide[1][7] += 1e-12;
    write_file("file.pt");
    load_ok(VL_LOAD_ALL);
    assert_int_equal(report.tensors[VL_LOAD_SAME], 0);
    assert_int_equal(report.tensors[VL_LOAD_UNEXPECTED], 1);
}

/* What a library of others has written under "config" is not for us. */
static void the_configuration_of_another_model_is_left_alone(void **state)
{
    (void)state;
    const char *metadata[2] = {"config", "{\"model_type\": \"bert\", \"hidden_size\": 768}"};
    put_param("enc_txt.emb_txt.LayerNorm.weight", "bert.embeddings.LayerNorm.weight");
    write_file_with("file.safetensors", metadata, 1);
    load_ok(VL_LOAD_TEXT);
    assert_string_equal(report.layout, "BERT");
    expect("enc_txt.emb_txt.LayerNorm.weight", VL_LOAD_MATCHED, NULL);
    rename_to("bert.embeddings.LayerNorm.weight", "enc_txt.emb_txt.LayerNorm.weight");
    write_file_with("file.safetensors", metadata, 1); /* in ours it is an error */
    load_fails(&(vl_load_options){.part = VL_LOAD_TEXT}, VIOLET_EFORMAT,
               "metadata 'config': ");
}

/* ---- Video Swin and Swin --------------------------------------------------------------------- */

static void a_video_swin(void **state)
{
    (void)state;
    size_t n = n_of(&model, "enc_img.swin.");
    put_all("enc_img.swin.", "");
    put_small("layers.0.blocks.0.attn.relative_position_index");
    put_small("layers.0.blocks.0.attn_mask");
    write_file("file.pt");
    load_ok(VL_LOAD_VIDEO);
    assert_string_equal(report.layout, "Video Swin");
    expect_counts(n, 0, 0, 0, 0, 0, 2);
    expect_values();
    load_ok(VL_LOAD_ALL); /* all else is missing then */
    expect_counts(n, 0, (size_t)model.params.n - n, 0, 0, 0, 2);
    expect("enc_img.emb_cls", VL_LOAD_MISSING, NULL);
    expect_values();
}

static void a_video_swin_behind_a_backbone(void **state)
{
    (void)state;
    size_t n = n_of(&model, "enc_img.swin.");
    put_all("enc_img.swin.", "backbone.");
    put_small("cls_head.fc_cls.weight");
    put_small("cls_head.fc_cls.bias");
    put_small("neck.weight");
    put_small("optimizer.state.0.exp_avg"); /* beside a wrapped model */
    for (int k = 0; k < 2; k++) {
        write_file(formats[k]);
        load_ok(VL_LOAD_VIDEO);
        assert_string_equal(report.layout, "Video Swin");
        expect_counts(n, 0, 0, 0, 1, 0, 3);
        expect("neck.weight", VL_LOAD_UNEXPECTED, NULL);
        expect("cls_head.fc_cls.bias", VL_LOAD_IGNORED, "a classifier");
        expect("optimizer.state.0.exp_avg", VL_LOAD_IGNORED, "an optimiser's state");
        expect_values();
    }
    drop("backbone.norm.weight");
    write_file("file.pt");
    load_ok(VL_LOAD_VIDEO);
    expect_counts(n - 1, 0, 1, 0, 1, 0, 3);
    expect("enc_img.swin.norm.weight", VL_LOAD_MISSING, NULL);
}

/* Relative position bias of pictures: no offsets in time. How many tables. */
static size_t first_offsets_only(void)
{
    size_t n = 0;
    for (size_t i = 0; i < file.n; i++) {
        vl_safetensor *t = &file.list[i];
        if (!strstr(t->name, "relative_position_bias_table")) continue;
        assert_int_equal(t->shape[0], 3 * 25); /* of a window of 2 x 3 x 3 */
        t->shape[0] = 25;
        t->n /= 3;
        n++;
    }
    return n;
}

/* Told by its kernel of four dimensions. */
static void a_swin_of_pictures(void **state)
{
    (void)state;
    put_all("enc_img.swin.", "");
    const int kernel[4] = {8, 3, 4, 4};
    drop("patch_embed.proj.weight");
    float *x = put("patch_embed.proj.weight", 4, kernel, NULL);
    static const char table[] = "layers.2.blocks.1.attn.relative_position_bias_table";
    const size_t n_tables = first_offsets_only();
    const float *rows = file.x[find_tensor(table)];
    put_small("head.weight");
    write_file("file.pt");
    load_ok(VL_LOAD_VIDEO);
    assert_string_equal(report.layout, "Swin");
    expect_counts(n_of(&model, "enc_img.swin.") - 1 - n_tables, 1 + n_tables, 0, 0, 0, 0, 1);
    const real *got_rows = weights(&model, "enc_img.swin.layers.2.blocks.1.attn."
                                           "relative_position_bias_table");
    for (int i = 0; i < 3 * 25 * 2; i++) assert_true(got_rows[i] == (real)rows[i % 50]);
    assert_int_equal(find_entry("enc_img.swin.patch_embed.proj.weight")->fate, VL_LOAD_ADAPTED);
    assert_non_null(find_entry("enc_img.swin.patch_embed.proj.weight")->note);
    const real *got = weights(&model, "enc_img.swin.patch_embed.proj.weight");
    for (int i = 0; i < 8 * 3; i++) /* (8,3,2,4,4): the sum over time is the picture's */
        for (int k = 0; k < 16; k++)
            assert_true(fabs((double)got[i * 32 + k] + (double)got[i * 32 + 16 + k] -
                             (double)x[i * 16 + k]) < 1e-4);
    load_fails(&(vl_load_options){.part = VL_LOAD_VIDEO, .strict = true}, VIOLET_ESHAPE,
               "--strict: 'enc_img.swin.patch_embed.proj.weight' would have to be adapted");
    drop(table); /* 15 x 15 rows could be 9 x 5 x 5 of a video */
    put(table, 2, (const int[]){225, 2}, NULL);
    write_file("file.pt");
    load_fails(&(vl_load_options){.part = VL_LOAD_VIDEO}, VIOLET_ESHAPE,
               "is of a window of 8 x 8, the model's is 2 x 3 x 3: --interpolate");
}

/* ---- BERT ------------------------------------------------------------------------------------ */

static void put_bert(const char *wrapper, bool with_head)
{
    char to[64];
    snprintf(to, sizeof to, "%sembeddings.", wrapper);
    put_all("enc_txt.emb_txt.", to);
    snprintf(to, sizeof to, "%sencoder.layer.", wrapper);
    put_all("trsfr.layer.", to);
    if (with_head) put_all("fc_mtm.", "cls.");
}

static void a_bert(void **state)
{
    (void)state;
    size_t n = n_of(&model, "enc_txt.") + n_of(&model, "trsfr.") + n_of(&model, "fc_mtm.");
    put_bert("bert.", true);
    put_param("fc_mtm.predictions.bias", "cls.predictions.decoder.bias");
    put_small("bert.embeddings.position_ids");
    put_small("bert.pooler.dense.weight");
    put_small("cls.seq_relationship.bias");
    for (int k = 0; k < 2; k++) {
        write_file(formats[k]);
        load_ok(VL_LOAD_TEXT);
        assert_string_equal(report.layout, "BERT");
        expect_counts(n, 0, 0, 0, 0, 1, 3);
        expect("bert.pooler.dense.weight", VL_LOAD_IGNORED, "BERT's pooler");
        expect("cls.seq_relationship.bias", VL_LOAD_IGNORED, "next-sentence");
        expect("bert.embeddings.position_ids", VL_LOAD_IGNORED, "buffers");
        expect("cls.predictions.decoder.bias", VL_LOAD_SAME, NULL);
        expect_values();
    }
}

static void gamma_and_beta(void **state)
{
    (void)state;
    size_t n = n_of(&model, "enc_txt.") + n_of(&model, "trsfr.") + n_of(&model, "fc_mtm.");
    put_bert("bert.", true);
    for (size_t i = 0; i < file.n; i++) {
        char *end = strstr(file.names[i], "LayerNorm.");
        if (end) strcpy(end, strstr(end, "weight") ? "LayerNorm.gamma" : "LayerNorm.beta");
    }
    find_tensor("bert.encoder.layer.1.attention.output.LayerNorm.gamma");
    find_tensor("cls.predictions.transform.LayerNorm.beta");
    write_file("file.pt");
    load_ok(VL_LOAD_TEXT);
    expect_counts(n, 0, 0, 0, 0, 0, 0);
    expect_values();
}

static void a_bert_without_its_wrapper_or_head(void **state)
{
    (void)state;
    size_t n = n_of(&model, "enc_txt.") + n_of(&model, "trsfr."), head = n_of(&model, "fc_mtm.");
    put_bert("", false);
    put_small("pooler.dense.bias");
    write_file("file.safetensors");
    load_ok(VL_LOAD_TEXT);
    assert_string_equal(report.layout, "BERT");
    expect_counts(n, 0, head, 0, 0, 0, 1); /* no head, so no decoder is taken from the embeddings */
    expect("fc_mtm.predictions.decoder.weight", VL_LOAD_MISSING, NULL);
    expect_values();
}

static void a_tied_decoder(void **state)
{
    (void)state;
    static const char decoder[] = "fc_mtm.predictions.decoder.weight";
    size_t n = n_of(&model, "enc_txt.") + n_of(&model, "trsfr.") + n_of(&model, "fc_mtm.");
    put_bert("bert.", true);
    drop("cls.predictions.decoder.weight");
    write_file("file.safetensors");
    load_ok(VL_LOAD_TEXT);
    expect_counts(n - 1, 1, 0, 0, 0, 0, 0);
    expect(decoder, VL_LOAD_ADAPTED, "ties it to bert.embeddings.word_embeddings.weight");
    const vl_param *e = vl_params_find(&model.params, decoder);
    assert_memory_equal(vl_param_weights(&model.params, e),
                        weights(&given, "enc_txt.emb_txt.word_embeddings.weight"),
                        e->count * sizeof(real));
    put_all("enc_txt.", "enc_txt."); /* a VIOLET's is not tied: it would be missing */
    for (size_t i = 0; i < file.n; i++)
        if (strncmp(file.names[i], "cls.", 4) == 0) {
            char name[200];
            snprintf(name, sizeof name, "fc_mtm.%s", file.names[i] + 4);
            rename_to(file.names[i], name);
        }
    while (strncmp(file.names[0], "bert.", 5) == 0) drop(file.names[0]);
    write_file("file.safetensors");
    load_ok(VL_LOAD_TEXT);
    assert_string_equal(report.layout, "VIOLET");
    expect(decoder, VL_LOAD_MISSING, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, load_set_up, load_tear_down)
#define ANSWERS(f) cmocka_unit_test_setup_teardown(f, load_set_up_answers, load_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_checkpoint),
        TEST(wrapped_names),
        ANSWERS(fine_tuning),
        TEST(two_values_of_one_parameter),
        TEST(a_second_name_has_the_same_bits),
        TEST(the_configuration_of_another_model_is_left_alone),
        TEST(a_video_swin),
        TEST(a_video_swin_behind_a_backbone),
        TEST(a_swin_of_pictures),
        TEST(a_bert),
        TEST(gamma_and_beta),
        TEST(a_bert_without_its_wrapper_or_head),
        TEST(a_tied_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
