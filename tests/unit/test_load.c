/* Starting values from files: every layout of names, what becomes of every tensor, the reports.
 *
 * Most files are a small model's own parameters under the names of another layout, changed a
 * little: `file` is a list of tensors to be written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "make_data.h"
#include "file/tensors.h"
#include "model/checkpoint.h"
#include "model/load.h"

static char folder[64], path[128];
static vl_model given, model; /* what files are made of; what is loaded */
static real *before;          /* the model's weights before the load */
static vl_load_report report;

static vl_config small_config(void)
{
    return (vl_config){.video = {8, {1, 1, 2, 1}, {1, 1, 2, 1}, {2, 3, 3}, 0.1, 1},
                       .frames = 6, .positions = 50, .grid = {7, 7},
                       .hidden = 64, .ct_layers = 2, .ct_heads = 2, .ct_mlp = 96,
                       .size_vocab = 50, .size_code = 16, .size_answer = 9, .drop = 0.1};
}

static void new_model(vl_model *m, int heads, uint64_t seed)
{
    vl_config c = small_config();
    if (vl_model_init(m, &c, heads, 0, 0) != VIOLET_OK) fail_msg("%s", violet_error());
    vl_params_draw(&m->params, seed);
    for (int i = 0; i < m->params.n; i++) { /* biases and norms are not drawn: all one value */
        real *x = vl_param_weights(&m->params, &m->params.list[i]);
        for (size_t k = 0; k < m->params.list[i].count; k++)
            x[k] += (real)0.001 * (real)(seed + (k + (size_t)i) % 7);
    }
}

static int set_up_with(int heads)
{
    make_folder(folder);
    snprintf(path, sizeof path, "%s/file.safetensors", folder);
    new_model(&given, VL_HEADS_PRETRAIN, 1);
    new_model(&model, heads, 2);
    before = malloc(model.params.weights.used);
    memcpy(before, model.params.weights.base, model.params.weights.used);
    report = (vl_load_report){0};
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(VL_HEADS_PRETRAIN);
}

static int set_up_answers(void **state)
{
    (void)state;
    return set_up_with(VL_HEAD_ANSWER);
}

/* ---- files ----------------------------------------------------------------------------------- */

enum { FILE_MOST = 300 };

static struct {
    vl_safetensor list[FILE_MOST];
    char names[FILE_MOST][200];
    float *x[FILE_MOST];
    size_t n;
} file;

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < file.n; i++) free(file.x[i]);
    file.n = 0;
    free(before);
    vl_load_report_release(&report);
    vl_model_release(&given);
    vl_model_release(&model);
    remove_folder(folder);
    return 0;
}

/* Adds a tensor of that shape, values x (NULL: 0, 1, 2, ...). */
static float *put(const char *name, int n_dim, const int *shape, const real *x)
{
    assert_true(file.n < FILE_MOST);
    vl_safetensor *t = &file.list[file.n];
    snprintf(file.names[file.n], sizeof file.names[0], "%s", name);
    *t = (vl_safetensor){.name = file.names[file.n], .dtype = VL_DT_F32, .n_dim = n_dim, .n = 1};
    for (int i = 0; i < n_dim; i++) t->n *= (size_t)(t->shape[i] = shape[i]);
    float *values = file.x[file.n++] = malloc((t->n + 1) * sizeof *values);
    for (size_t i = 0; i < t->n; i++) values[i] = x ? (float)x[i] : (float)i;
    return values;
}

static float *put_small(const char *name)
{
    return put(name, 1, (const int[]){3}, NULL);
}

/* A parameter of `given` under another name. */
static float *put_param(const char *param, const char *name)
{
    const vl_param *e = vl_params_find(&given.params, param);
    if (!e) fail_msg("no '%s'", param);
    return put(name, e->n_dims, e->shape, vl_param_weights(&given.params, e));
}

/* All parameters that begin so, `begins` replaced. */
static void put_all(const char *begins, const char *by)
{
    char name[200];
    for (int i = 0; i < given.params.n; i++) {
        const char *param = given.params.list[i].name;
        if (strncmp(param, begins, strlen(begins)) != 0) continue;
        snprintf(name, sizeof name, "%s%s", by, param + strlen(begins));
        put_param(param, name);
    }
}

static size_t find(const char *name)
{
    for (size_t i = 0; i < file.n; i++)
        if (strcmp(file.names[i], name) == 0) return i;
    fail_msg("no '%s' in the file", name);
    return 0;
}

static void rename_to(const char *name, const char *other)
{
    snprintf(file.names[find(name)], sizeof file.names[0], "%s", other);
}

/* Leaves a tensor out. */
static void drop(const char *name)
{
    size_t i = find(name);
    free(file.x[i]);
    for (file.n--; i < file.n; i++) {
        file.list[i] = file.list[i + 1];
        file.x[i] = file.x[i + 1];
        memcpy(file.names[i], file.names[i + 1], sizeof file.names[0]);
        file.list[i].name = file.names[i];
    }
}

static void write_file(const char *name)
{
    vl_tensors_plan plan = {.list = file.list, .n = file.n};
    vl_tensors_writer *w;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    violet_status status = vl_tensors_create(&w, path, &plan);
    for (size_t i = 0; i < file.n && status == VIOLET_OK; i++)
        status = vl_tensors_push(w, file.x[i], file.list[i].n * sizeof(float));
    if (status == VIOLET_OK) status = vl_tensors_finish(w);
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

static const char *const formats[] = {"file.safetensors", "file.pt"};

/* ---- loads ----------------------------------------------------------------------------------- */

static violet_status load(const vl_load_options *o)
{
    vl_load_report_release(&report);
    memcpy(model.params.weights.base, before, model.params.weights.used);
    return vl_load(&model.params, &model.config, path, o, &report);
}

static void load_ok_with(const vl_load_options *o)
{
    if (load(o) != VIOLET_OK) fail_msg("%s", violet_error());
}

static void load_ok(vl_load_part part)
{
    const vl_load_options o = {.part = part};
    load_ok_with(&o);
}

static void load_fails(const vl_load_options *o, violet_status status, const char *message)
{
    assert_int_equal(load(o), status);
    if (!strstr(violet_error(), message)) fail_msg("'%s' lacks '%s'", violet_error(), message);
    if (!strstr(violet_error(), path)) fail_msg("'%s' lacks the path", violet_error());
}

static const vl_load_entry *entry(const char *name)
{
    for (size_t i = 0; i < report.n; i++)
        if (strcmp(report.list[i].name, name) == 0) return &report.list[i];
    fail_msg("no '%s' in the report", name);
    return NULL;
}

static void expect(const char *name, vl_load_fate fate, const char *note)
{
    const vl_load_entry *e = entry(name);
    if (e->fate != fate) fail_msg("'%s' is %s", name, vl_load_fate_names[e->fate]);
    if (note && (!e->note || !strstr(e->note, note))) fail_msg("'%s': '%s'", name, e->note);
    if (!note && e->note) fail_msg("'%s': '%s'", name, e->note);
}

static void expect_counts(size_t matched, size_t adapted, size_t missing, size_t misshapen,
                          size_t unexpected, size_t same, size_t ignored)
{
    const size_t want[VL_LOAD_FATES] = {matched, adapted, missing, misshapen, unexpected, same,
                                        ignored};
    size_t n = 0;
    for (int k = 0; k < VL_LOAD_FATES; k++) {
        n += want[k];
        if (report.tensors[k] != want[k])
            fail_msg("%zu %s, not %zu; the last entry: %s", report.tensors[k],
                     vl_load_fate_names[k], want[k], report.list[report.n - 1].name);
    }
    assert_int_equal(report.n, n);
}

static const real *weights(const vl_model *m, const char *name)
{
    const vl_param *e = vl_params_find(&m->params, name);
    if (!e) fail_msg("no '%s'", name);
    return vl_param_weights(&m->params, e);
}

/* Every parameter is the given model's if the report says that it was matched, else as it was. */
static void expect_values(void)
{
    for (int i = 0; i < model.params.n; i++) {
        const vl_param *e = &model.params.list[i];
        bool matched = false;
        for (size_t k = 0; k < report.n; k++)
            matched |= report.list[k].fate == VL_LOAD_MATCHED &&
                       strcmp(report.list[k].name, e->name) == 0;
        const real *want = matched ? weights(&given, e->name) : before + e->first;
        if (memcmp(vl_param_weights(&model.params, e), want, e->count * sizeof(real)) != 0)
            fail_msg("'%s' (%s) has other values", e->name, matched ? "matched" : "left");
    }
}

static size_t n_of(const vl_model *m, const char *begins)
{
    size_t n = 0;
    for (int i = 0; i < m->params.n; i++)
        n += strncmp(m->params.list[i].name, begins, strlen(begins)) == 0;
    return n;
}

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
        const float *last = file.x[find("fc_mtm.predictions.decoder.bias")];
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

/* Told by its kernel of four dimensions. */
static void a_swin_of_pictures(void **state)
{
    (void)state;
    put_all("enc_img.swin.", "");
    const int kernel[4] = {8, 3, 4, 4};
    drop("patch_embed.proj.weight");
    float *x = put("patch_embed.proj.weight", 4, kernel, NULL);
    static const char table[] = "layers.2.blocks.1.attn.relative_position_bias_table";
    drop(table);
    const float *rows = put(table, 2, (const int[]){25, 2}, NULL); /* of a window of 3 x 3 */
    put_small("head.weight");
    write_file("file.pt");
    load_ok(VL_LOAD_VIDEO);
    assert_string_equal(report.layout, "Swin");
    expect_counts(n_of(&model, "enc_img.swin.") - 2, 2, 0, 0, 0, 0, 1);
    const real *got_rows = weights(&model, "enc_img.swin.layers.2.blocks.1.attn."
                                           "relative_position_bias_table");
    for (int i = 0; i < 3 * 25 * 2; i++) assert_true(got_rows[i] == (real)rows[i % 50]);
    assert_int_equal(entry("enc_img.swin.patch_embed.proj.weight")->fate, VL_LOAD_ADAPTED);
    assert_non_null(entry("enc_img.swin.patch_embed.proj.weight")->note);
    const real *got = weights(&model, "enc_img.swin.patch_embed.proj.weight");
    for (int i = 0; i < 8 * 3; i++) /* (8,3,2,4,4): the sum over time is the picture's */
        for (int k = 0; k < 16; k++)
            assert_true(fabs((double)got[i * 32 + k] + (double)got[i * 32 + 16 + k] -
                             (double)x[i * 16 + k]) < 1e-4);
    load_fails(&(vl_load_options){.part = VL_LOAD_VIDEO, .strict = true}, VIOLET_ESHAPE,
               "--strict: 'enc_img.swin.patch_embed.proj.weight' would have to be adapted");
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
    find("bert.encoder.layer.1.attention.output.LayerNorm.gamma");
    find("cls.predictions.transform.LayerNorm.beta");
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
        float *x = file.x[find("trsfr.layer.0.intermediate.dense.weight")];
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
    assert_has(text.data, "\n  of another shape, keep their initial values: fc.3.weight (1 x 128 in "
                          "the file, 9 x 128 in the model), fc.3.bias (1 in the file, 9 in the "
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define ANSWERS(f) cmocka_unit_test_setup_teardown(f, set_up_answers, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_checkpoint),
        TEST(wrapped_names),
        ANSWERS(fine_tuning),
        TEST(two_values_of_one_parameter),
        TEST(a_video_swin),
        TEST(a_video_swin_behind_a_backbone),
        TEST(a_swin_of_pictures),
        TEST(a_bert),
        TEST(gamma_and_beta),
        TEST(a_bert_without_its_wrapper_or_head),
        TEST(a_tied_decoder),
        TEST(another_shape_outside_the_heads_is_an_error),
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
