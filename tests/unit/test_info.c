/* violet_info through the public API, on files of every kind made here, whole and broken. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/words.h"
#include "file/pickle.h"
#include "file/safetensors.h"
#include "make_data.h"
#include "unit/make_torch.h"
#include "model/checkpoint.h"

static char folder[64];

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

static const char *at(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The text must hold all of the words (NULL closes them). */
static void says(const char *name, int flags, ...)
{
    char *text = NULL;
    va_list ap;
    if (violet_info(&text, at(name), flags) != VIOLET_OK) fail_msg("%s", violet_error());
    va_start(ap, flags);
    for (const char *word; (word = va_arg(ap, const char *));)
        if (!strstr(text, word)) fail_msg("no '%s' in\n%s", word, text);
    va_end(ap);
    violet_text_free(text);
}

static void refuses(const char *name, const char *word)
{
    char *text = "";
    assert_int_not_equal(violet_info(&text, at(name), 0), VIOLET_OK);
    assert_null(text);
    if (!strstr(violet_error(), word)) fail_msg("no '%s' in '%s'", word, violet_error());
    if (!strstr(violet_error(), name)) fail_msg("no file's name in '%s'", violet_error());
}

static void tells_a_checkpoint(void **state)
{
    (void)state;
    vl_model m;
    vl_config c;
    const char *extra[] = {"state", "{\"step\": 77}"};
    assert_int_equal(vl_config_preset(&c, "tiny"), VIOLET_OK);
    c.size_vocab = 100, c.size_code = 50;
    assert_int_equal(vl_model_init(&m, &c, VL_HEADS_PRETRAIN, 1, 0), VIOLET_OK);
    vl_params_draw(&m.params, 1);
    char parameters[64], count[VL_WORDS];
    snprintf(parameters, sizeof parameters, "parameters           %s\n",
             vl_words_count(count, vl_params_count(&m.params)));
    assert_int_equal(vl_checkpoint_write(at("run.safetensors"), &m, 1, extra, 1), VIOLET_OK);
    says("run.safetensors", 0, "VIOLET checkpoint, state of a training run", parameters,
         "fc (matching), fc_mtm (words), fc_mvm (visual tokens)", "training state       yes",
         "ct_layers", "step             77", "moments of AdamW  float32", NULL);
    vl_param_weights(&m.params, &m.params.list[0])[0] = NAN;
    vl_param_weights(&m.params, &m.params.list[3])[0] = INFINITY;
    assert_int_equal(vl_checkpoint_write(at("nan.safetensors"), &m, 0, NULL, 0), VIOLET_OK);
    assert_int_equal(vl_checkpoint_write(at("nan.pt"), &m, 0, NULL, 0), VIOLET_OK);
    says("nan.safetensors", VIOLET_INFO_VERBOSE, "training state       no", parameters,
         "not finite           2", "enc_img.emb_cls", "deviation", NULL);
    /* the bias under its second name counts once */
    says("nan.pt", VIOLET_INFO_VERBOSE, "VIOLET checkpoint\n", parameters,
         "second names         1", "not finite           2", "same as", NULL);
    says("nan.safetensors", VIOLET_INFO_JSON | VIOLET_INFO_VERBOSE, "\"not finite\": 2", NULL);
    vl_model_release(&m);
}

/* The number in a row of the list. */
static double statistic(const json_t *o, size_t row, const char *key)
{
    return json_number_value(json_object_get(json_array_get(json_object_get(o, "list"), row), key));
}

static void tells_statistics(void **state)
{
    (void)state;
    enum { N = 10000 }; /* some pieces */
    char *text;
    static float x[N];
    const double wide[3] = {1e200, -1e200, 0};
    const int64_t whole[2] = {3, 1LL << 40};
    const vl_safetensor t[3] = {
        {.name = "t", .dtype = VL_DT_F32, .n_dim = 2, .shape = {2, N / 2}, .n = N},
        {.name = "wide", .dtype = VL_DT_F64, .n_dim = 1, .shape = {3}, .n = 3},
        {.name = "whole", .dtype = VL_DT_I64, .n_dim = 1, .shape = {2}, .n = 2}};
    vl_safetensors_writer *w;
    for (int i = 0; i < N; i++) x[i] = i % 2 ? 1e6f + 1 : 1e6f - 1; /* the mean swamps the rest */
    x[0] = NAN, x[N - 2] = 0;
    assert_int_equal(vl_safetensors_create(&w, at("x.bin"), t, 3, NULL, 0), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, x, sizeof x), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, wide, sizeof wide), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, whole, sizeof whole), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    says("x.bin", VIOLET_INFO_VERBOSE, "tensors", "float32  2 x 5000  40,000",
         "float64  3",
         "10,003", NULL); /* told from its content: the name says nothing */
    assert_int_equal(violet_info(&text, at("x.bin"), VIOLET_INFO_VERBOSE | VIOLET_INFO_JSON),
                     VIOLET_OK);
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    double n = N - 1, mean = (1e6 * (N - 2) + 1) / n, squares = 0;
    for (int i = 1; i < N; i++) squares += (x[i] - mean) * (x[i] - mean);
    assert_true(fabs(statistic(o, 0, "mean") / mean - 1) < 1e-8);
    assert_true(fabs(statistic(o, 0, "deviation") / sqrt(squares / n) - 1) < 1e-8);
    assert_true(statistic(o, 0, "least") == 0 && statistic(o, 0, "most") == 1000001);
    assert_true(statistic(o, 0, "zeros") == 1 && statistic(o, 0, "not finite") == 1);
    assert_true(statistic(o, 1, "most") == 1e200 && statistic(o, 1, "not finite") == 0);
    assert_true(fabs(statistic(o, 2, "most") / (double)(1LL << 40) - 1) < 1e-8);
    json_decref(o);
    violet_text_free(text);
}

static void tells_parts_of_other_models(void **state)
{
    (void)state;
    static const char *const names[] = {
        "bert.embeddings.LayerNorm.gamma", "bert.embeddings.position_ids",
        "bert.encoder.layer.0.output.dense.bias", "bert.pooler.dense.bias",
        "cls.predictions.bias", "extra.thing"};
    enum { N = sizeof names / sizeof *names };
    const double zeros[2] = {0};
    vl_safetensor t[N] = {{0}};
    vl_safetensors_writer *w;
    for (int i = 0; i < N; i++)
        t[i] = (vl_safetensor){.name = names[i], .dtype = i == 1 ? VL_DT_I64 : VL_DT_F64,
                               .n_dim = 1, .shape = {2}, .n = 2};
    assert_int_equal(vl_safetensors_create(&w, at("b.safetensors"), t, N, NULL, 0), VIOLET_OK);
    for (int i = 0; i < N; i++)
        assert_int_equal(vl_safetensors_push(w, zeros, sizeof zeros), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    says("b.safetensors", 0, "BERT checkpoint", "parameters           10",
         "\n    embeddings     float64        1         2     16\n",
         "\n    buffers        int64          1         2     16\n",
         "\n    encoder        float64", "\n    BERT's pooler  float64", "\n    heads ",
         "\n    extra          float64", NULL);
}

/* Names that a file gives cannot draw lines of their own on the terminal. */
static void names_stay_in_their_lines(void **state)
{
    (void)state;
    float x = 1;
    const char *metadata[2] = {"a\nb", "c\033[1m"};
    vl_safetensor t = {.name = "n\nfaked: safetensors", .dtype = VL_DT_F32, .n = 1};
    vl_safetensors_writer *w;
    char *text;
    assert_int_equal(vl_safetensors_create(&w, at("n.safetensors"), &t, 1, metadata, 1), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, &x, sizeof x), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    assert_int_equal(violet_info(&text, at("n.safetensors"), VIOLET_INFO_VERBOSE), VIOLET_OK);
    assert_non_null(strstr(text, "n?faked"));
    assert_non_null(strstr(text, "a?b"));
    assert_null(strstr(text, "\033"));
    assert_null(strstr(text, "\nfaked"));
    violet_text_free(text);
}

/* One absurd name, its own row's affair: not every row is as long. */
static void a_long_name_does_not_widen_the_others(void **state)
{
    (void)state;
    enum { ROWS = 200, LONG = 50000 };
    static char names[ROWS][8], absurd[LONG + 1];
    vl_safetensor t[ROWS + 1];
    vl_safetensors_writer *w;
    const float x = 1;
    char *text;
    memset(absurd, 'y', LONG);
    for (int i = 0; i <= ROWS; i++) {
        if (i < ROWS) snprintf(names[i], sizeof names[i], "x%03d", i);
        t[i] = (vl_safetensor){.name = i < ROWS ? names[i] : absurd, .dtype = VL_DT_F32, .n = 1};
    }
    assert_int_equal(vl_safetensors_create(&w, at("l.safetensors"), t, ROWS + 1, NULL, 0),
                     VIOLET_OK);
    for (int i = 0; i <= ROWS; i++)
        assert_int_equal(vl_safetensors_push(w, &x, sizeof x), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    assert_int_equal(violet_info(&text, at("l.safetensors"), VIOLET_INFO_VERBOSE), VIOLET_OK);
    assert_non_null(strstr(text, absurd)); /* whole */
    assert_non_null(strstr(text, "x199"));
    assert_true(strlen(text) < LONG + ROWS * 400);
    violet_text_free(text);
}

/* Metadata that nobody was meant to read is told as text, and not made into a tree. */
static void absurd_metadata_are_cut(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    char *absurd = malloc(LONG + 1), *text;
    vl_safetensor t = {.name = "t", .dtype = VL_DT_F32, .n = 1};
    vl_safetensors_writer *w;
    const float x = 1;
    assert_non_null(absurd);
    for (int i = 1; i < LONG - 2; i++) absurd[i] = i % 2 ? '0' : ',';
    absurd[0] = '[', absurd[LONG - 2] = ' ', absurd[LONG - 1] = ']', absurd[LONG] = 0;
    const char *metadata[2] = {"absurd", absurd};
    assert_int_equal(vl_safetensors_create(&w, at("m.safetensors"), &t, 1, metadata, 1), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, &x, sizeof x), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    assert_int_equal(violet_info(&text, at("m.safetensors"), 0), VIOLET_OK);
    assert_non_null(strstr(text, "[0,0"));
    assert_true(strlen(text) < 2000);
    violet_text_free(text);
    free(absurd);
}

static void tells_pictures(void **state)
{
    (void)state;
    char *jpeg = make_jpeg(40, 24, 100), text[20000];
    uint8_t bytes[10000];
    size_t n;
    assert_int_equal(vl_base64_decode(bytes, &n, jpeg, strlen(jpeg)), VIOLET_OK);
    write_text(folder, "a.jpg", (char *)bytes, n);
    says("a.jpg", 0, "JPEG", "picture              40x24", NULL);
    write_text(folder, "cut.jpg", (char *)bytes, n / 2);
    refuses("cut.jpg", "JPEG");
    snprintf(text, sizeof text, "v1\t%s\t%s\nv2\t%s\t%s\t%s\n", jpeg, jpeg, jpeg, jpeg, jpeg);
    write_text(folder, "a.tsv", text, strlen(text));
    says("a.tsv", 0, "rows                 2", "scanned", "picture              40x24",
         "frames               2 to 3", "v1, v2", NULL);
    char index[32];
    snprintf(index, sizeof index, "0\n%zu\n", 4 + 2 * strlen(jpeg) + 1);
    write_text(folder, "a.lineidx", index, strlen(index));
    says("a.tsv", 0, "index                fits", NULL);
    write_text(folder, "a.lineidx", "0\n7\n", 4);
    refuses("a.tsv", "line");
    write_text(folder, "bad.tsv", "v1\t/9j/AAAA\n", 12);
    refuses("bad.tsv", "line 1 frame 1");
    free(jpeg);
}

static void tells_pickles(void **state)
{
    (void)state;
    char *jpeg = make_jpeg(32, 32, 9);
    const char *frames[2] = {jpeg, jpeg};
    size_t bytes[2] = {strlen(jpeg), strlen(jpeg)};
    int16_t tokens[8] = {0};
    int64_t shape[3] = {2, 2, 2};
    vl_pickle_writer *w;
    assert_int_equal(vl_pickle_create(&w, at("f.pkl")), VIOLET_OK);
    assert_int_equal(vl_pickle_put_strings(w, "v1", frames, bytes, 2), VIOLET_OK);
    assert_int_equal(vl_pickle_put_strings(w, "v2", frames, bytes, 1), VIOLET_OK);
    assert_int_equal(vl_pickle_finish(w), VIOLET_OK);
    says("f.pkl", 0, "pickle of pictures", "entries              2",
         "frames               1 to 2", "32x32", "v1, v2", NULL);
    assert_int_equal(vl_pickle_create(&w, at("vq.pkl")), VIOLET_OK);
    assert_int_equal(vl_pickle_put_i16(w, "v1", tokens, shape, 3), VIOLET_OK);
    assert_int_equal(vl_pickle_finish(w), VIOLET_OK);
    says("vq.pkl", 0, "VQ tokens", "first shape          2 2 2", "i2", NULL);
    write_text(folder, "cut.pkl", "\x80\x04}", 3);
    refuses("cut.pkl", "");
    free(jpeg);
}

static void tells_pytorch_files(void **state)
{
    (void)state;
    zip_maker z = {0};
    vl_buf b = {0};
    assert_int_equal(vl_buf_puts(&b, "cmy.own\nNet\n)\x81}(S'n_hid'\nI64\nS'deep'\nI01\nS'act'\n"
                                     "S'relu'\nS'_parameters'\n}S'w'\n"), VIOLET_OK);
    put_vector(&b, "0", 3);
    assert_int_equal(vl_buf_puts(&b, "sS'_modules'\n}ub."), VIOLET_OK);
    zip_of(&z, b.data, b.n, 1);
    write_text(folder, "module.bin", z.data.data, z.data.n); /* the name says nothing */
    says("module.bin", 0, "tensors, a pickled module", "class                my.own.Net",
         "n_hid              64", "deep               yes", "act                relu",
         "tensors              1", "parameters           3", "PyTorch, zip", NULL);
    says("module.bin", VIOLET_INFO_VERBOSE, "w     float32  3         12     1", NULL);
    write_text(folder, "cut.pt", z.data.data, z.data.n - 1);
    refuses("cut.pt", "no central directory");
    zip_free(&z);
    vl_buf_free(&b);
}

static void tells_the_vocabulary(void **state)
{
    (void)state;
    static const char text[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";
    write_text(folder, "vocab.txt", text, sizeof text - 1);
    says("vocab.txt", 0, "vocabulary", "pieces               6", NULL);
    write_text(folder, "short.txt", text, 12);
    refuses("short.txt", "");
}

/* Every file of one kind, cut at every of its first bytes: told or refused, never worse. */
static void survives_cuts(void **state)
{
    (void)state;
    char *jpeg = make_jpeg(16, 16, 1), text[4000];
    int n = snprintf(text, sizeof text, "v1\t%s\n", jpeg);
    for (int k = 0; k < n; k += k < 100 ? 1 : 17) {
        char *out;
        write_text(folder, "c.tsv", text, (size_t)k);
        violet_info(&out, at("c.tsv"), VIOLET_INFO_VERBOSE);
        violet_text_free(out);
    }
    free(jpeg);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_a_checkpoint), TEST(tells_statistics),     TEST(tells_pictures),
        TEST(tells_pickles),      TEST(tells_the_vocabulary), TEST(survives_cuts),
        TEST(tells_pytorch_files), TEST(names_stay_in_their_lines),
        TEST(tells_parts_of_other_models),
        TEST(a_long_name_does_not_widen_the_others),
        TEST(absurd_metadata_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
