/* violet_convert and violet_info_diff through the public API: bits, types, names, metadata, and
 * what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "file/tensors.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "model/dvae.h"
#include "unit/make_data.h"
#include "unit/make_torch.h"

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

/* A path in the folder; four live at a time. */
static const char *at(const char *name)
{
    static char path[4][128];
    static int k;
    k = (k + 1) % 4;
    if (strchr(name, '/')) return name;
    snprintf(path[k], sizeof path[k], "%s/%s", folder, name);
    return path[k];
}

/* ---- calls ----------------------------------------------------------------------------------- */

static char told[4096]; /* all messages and warnings of a conversion */
static unsigned long long items;

static void on_event(void *user, const violet_event *e)
{
    (void)user;
    size_t n = strlen(told);
    if (e->kind == VIOLET_EVENT_ITEM) {
        assert_int_equal(e->step, items + 1);
        assert_true(e->step <= e->n_steps);
        items++;
    } else {
        snprintf(told + n, sizeof told - n, "%s\n", e->text);
    }
}

/* flags: "--dtype=float16 --force", separated by spaces. */
static violet_status convert_until(const char *in, const char *out, const char *flags,
                                   volatile sig_atomic_t *stop)
{
    char text[256], *argv[16], *rest = NULL;
    int argc = 0, n;
    violet_options *o;
    violet_hooks hooks = {.event = on_event, .stop = stop};
    told[0] = 0;
    items = 0;
    snprintf(text, sizeof text, "%s", flags);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    assert_int_equal(violet_options_new(&o, "convert"), VIOLET_OK);
    if (violet_options_parse(o, argc, argv, &n) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(violet_options_set(o, "input", at(in)), VIOLET_OK);
    assert_int_equal(violet_options_set(o, "output", at(out)), VIOLET_OK);
    violet_status status = violet_convert(o, &hooks);
    violet_options_free(o);
    return status;
}

static void converts(const char *in, const char *out, const char *flags)
{
    if (convert_until(in, out, flags, NULL) != VIOLET_OK) fail_msg("%s", violet_error());
}

static int n_files(void)
{
    DIR *dir = opendir(folder);
    int n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* Nothing is written, and the message has the word. */
static void refuses(violet_status expected, const char *in, const char *out, const char *flags,
                    const char *word)
{
    int before = n_files();
    violet_status status = convert_until(in, out, flags, NULL);
    if (status != expected) fail_msg("status %d: %s", status, violet_error());
    if (!strstr(violet_error(), word)) fail_msg("no '%s' in '%s'", word, violet_error());
    assert_int_equal(n_files(), before);
}

static void says(const char *word)
{
    if (!strstr(told, word)) fail_msg("no '%s' in\n%s", word, told);
}

static json_t *differences(const char *a, const char *b, int expected)
{
    char *text;
    int differ = -1;
    if (violet_info_diff(&text, &differ, at(a), at(b), VIOLET_INFO_JSON) != VIOLET_OK)
        fail_msg("%s", violet_error());
    json_t *o = json_loads(text, 0, NULL);
    if (differ != expected) fail_msg("%s", text);
    assert_non_null(o);
    violet_text_free(text);
    return o;
}

static void same_tensors(const char *a, const char *b)
{
    json_decref(differences(a, b, 0));
}

static void same_files(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;
    assert_int_equal(vl_file_read(&x, &n, at(a), 1 << 28), VIOLET_OK);
    assert_int_equal(vl_file_read(&y, &m, at(b), 1 << 28), VIOLET_OK);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static vl_tensors *open_file(const char *name)
{
    vl_tensors *f;
    if (vl_tensors_open(&f, at(name)) != VIOLET_OK) fail_msg("%s", violet_error());
    return f;
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef struct made {
    const char *name;
    vl_dtype dtype;
    size_t n;
    const void *data;
} made;

static void write_tensors(const char *name, const made *list, int n, const char *const *metadata,
                          size_t n_metadata)
{
    vl_safetensor t[8] = {{0}};
    vl_safetensors_writer *w;
    for (int i = 0; i < n; i++)
        t[i] = (vl_safetensor){.name = list[i].name, .dtype = list[i].dtype, .n_dim = 1,
                               .shape = {(int64_t)list[i].n}, .n = list[i].n};
    if (vl_safetensors_create(&w, at(name), t, n, metadata, n_metadata) != VIOLET_OK)
        fail_msg("%s", violet_error());
    for (int i = 0; i < n; i++)
        assert_int_equal(vl_safetensors_push(w, list[i].data,
                                             list[i].n * vl_dtype_bytes(list[i].dtype)), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
}

/* A model with moments; state NULL: weights alone. */
static void write_model(const char *name, const char *state)
{
    vl_model m;
    const vl_config c = {.video = {8, {1, 1, 2, 1}, {1, 1, 1, 1}, {2, 2, 2}, 0.1, 0},
                         .frames = 6, .positions = 197, .grid = {7, 7},
                         .hidden = 64, .ct_layers = 3, .ct_heads = 1, .ct_mlp = 96,
                         .size_vocab = 50, .size_code = 16, .size_answer = 1000, .drop = 0.1};
    const char *extra[2] = {"state", state};
    assert_int_equal(vl_model_init(&m, &c, VL_HEADS_PRETRAIN, 1, 0), VIOLET_OK);
    vl_params_draw(&m.params, 3);
    real *v = (real *)m.params.v.base, *first = (real *)m.params.m.base;
    for (size_t i = 0; i < vl_params_size(&m.params); i++) first[i] = (real)i, v[i] = 1e-9f;
    /* zeros would hide a mix-up of names */
    const vl_param *bias = vl_params_find(&m.params, "fc_mtm.predictions.bias");
    for (size_t i = 0; i < bias->count; i++) vl_param_weights(&m.params, bias)[i] = (real)i;
    if (vl_checkpoint_write(at(name), &m, state != NULL, extra, state != NULL) != VIOLET_OK)
        fail_msg("%s", violet_error());
    vl_model_release(&m);
}

/* ---- conversions ----------------------------------------------------------------------------- */

static void there_and_back_is_the_same_file(void **state)
{
    (void)state;
    write_model("x.safetensors", NULL);
    converts("x.safetensors", "x.pt", "");
    says("'fc_mtm.predictions.bias' also as 'fc_mtm.predictions.decoder.bias'");
    vl_tensors *f = open_file("x.pt");
    const vl_stored *bias = vl_tensors_find(f, "fc_mtm.predictions.bias");
    const vl_stored *again = vl_tensors_find(f, "fc_mtm.predictions.decoder.bias");
    assert_non_null(vl_tensors_metadata(f, "config"));
    assert_true(bias && again && bias->data == again->data); /* one storage */
    assert_int_equal(items + 1, vl_tensors_n(f));
    vl_tensors_close(f);
    same_tensors("x.safetensors", "x.pt");
    converts("x.pt", "y.safetensors", "");
    same_files("x.safetensors", "y.safetensors");
    converts("x.pt", "z.pth", "");
    same_files("x.pt", "z.pth");
}

static void a_training_state_is_whole_or_weights(void **state)
{
    (void)state;
    write_model("run.safetensors", "{\"step\": 3}");
    write_model("weights.safetensors", NULL);
    converts("run.safetensors", "copy.safetensors", "");
    same_files("run.safetensors", "copy.safetensors");
    converts("run.safetensors", "run.pt", "");
    says("moments of AdamW");
    says("left out: the state of a training run");
    same_tensors("run.pt", "weights.safetensors");
    vl_tensors *f = open_file("run.pt");
    assert_null(vl_tensors_metadata(f, "state"));
    assert_non_null(vl_tensors_metadata(f, "config"));
    vl_tensors_close(f);
    converts("run.safetensors", "b.safetensors", "--dtype=bfloat16");
    f = open_file("b.safetensors");
    assert_null(vl_tensors_find(f, "adam.m/fc.1.bias"));
    assert_null(vl_tensors_metadata(f, "state"));
    assert_int_equal(vl_tensors_find(f, "fc.1.bias")->dtype, VL_DT_BF16);
    vl_tensors_close(f);
    converts("run.safetensors", "m.safetensors", "--only=adam.m/*");
    f = open_file("m.safetensors");
    assert_non_null(vl_tensors_find(f, "adam.m/fc.1.bias"));
    assert_null(vl_tensors_find(f, "fc.1.bias"));
    vl_tensors_close(f);
}

static void a_model_says_its_sizes(void **state)
{
    (void)state;
    vl_config c;
    bool found;
    write_model("x.safetensors", NULL);
    vl_tensors *f = open_file("x.safetensors");
    assert_int_equal(vl_config_stored(&c, &found, f), VIOLET_OK);
    vl_tensors_close(f);
    vl_model m;
    assert_int_equal(vl_model_init(&m, &c, VL_HEAD_MATCH, 0, 0), VIOLET_OK);
    vl_params_draw(&m.params, 1);
    assert_int_equal(vl_checkpoint_write_params(at("bare.safetensors"), &m.params, 0, NULL, 0),
                     VIOLET_OK);
    vl_model_release(&m);
    converts("bare.safetensors", "told.pt", "");
    f = open_file("told.pt");
    assert_int_equal(vl_config_stored(&c, &found, f), VIOLET_OK);
    assert_true(found);
    assert_int_equal(c.ct_layers, 3);
    assert_int_equal(c.video.depths[2], 2);
    vl_tensors_close(f);
    converts("bare.safetensors", "part.pt", "--only=fc.*"); /* sizes of the file, not of the part */
    f = open_file("part.pt");
    assert_non_null(vl_tensors_metadata(f, "config"));
    assert_int_equal(vl_tensors_n(f), 4);
    vl_tensors_close(f);
}

static void types_change_as_asked(void **state)
{
    (void)state;
    const float x[6] = {1, -2.5f, 65504, 0x1p-24f, INFINITY, -0.0f};
    const double wide[2] = {0.1, -3};
    const int64_t whole[2] = {INT64_MAX, -1};
    const uint8_t yes[3] = {1, 0, 1};
    const uint16_t f16[6] = {0x3c00, 0xc100, 0x7bff, 0x0001, 0x7c00, 0x8000};
    const char *metadata[] = {"who", "\"me\"", "state", "{}"};
    write_tensors("t.safetensors", (made[]){{"x", VL_DT_F32, 6, x}, {"w", VL_DT_F64, 2, wide},
                                            {"i", VL_DT_I64, 2, whole}, {"b", VL_DT_BOOL, 3, yes}},
                  4, metadata, 2);
    converts("t.safetensors", "h.safetensors", "--dtype=float16");
    vl_tensors *f = open_file("h.safetensors");
    const vl_stored *t = vl_tensors_find(f, "x");
    assert_int_equal(t->dtype, VL_DT_F16);
    assert_memory_equal(t->data, f16, sizeof f16);
    assert_int_equal(vl_tensors_find(f, "w")->dtype, VL_DT_F16);
    assert_memory_equal(vl_tensors_find(f, "i")->data, whole, sizeof whole);
    assert_memory_equal(vl_tensors_find(f, "b")->data, yes, sizeof yes);
    assert_int_equal(vl_tensors_find(f, "b")->dtype, VL_DT_BOOL);
    assert_string_equal(vl_tensors_metadata(f, "who"), "\"me\"");
    assert_null(vl_tensors_metadata(f, "state"));
    vl_tensors_close(f);
    converts("t.safetensors", "same.pt", "");
    f = open_file("same.pt");
    assert_int_equal(vl_tensors_find(f, "w")->dtype, VL_DT_F64);
    assert_string_equal(vl_tensors_metadata(f, "who"), "\"me\"");
    vl_tensors_close(f);
    converts("t.safetensors", "f.pt", "--dtype=float32");
    f = open_file("f.pt");
    float tenth;
    assert_int_equal(vl_tensors_read(&tenth, f, vl_tensors_find(f, "w"), 0, 1), VIOLET_OK);
    assert_true(tenth == 0.1f);
    vl_tensors_close(f);
}

/* float64 by way of float32, as PyTorch: what is just above half way becomes half way, and then
 * even. */
static void wide_values_are_rounded_twice(void **state)
{
    (void)state;
    const double x[2] = {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11 + 0x1p-20};
    const uint16_t half[2] = {0x3c00, 0x3c01};
    write_tensors("d.safetensors", (made[]){{"x", VL_DT_F64, 2, x}}, 1, NULL, 0);
    converts("d.safetensors", "h.safetensors", "--dtype=float16");
    vl_tensors *f = open_file("h.safetensors");
    assert_memory_equal(vl_tensors_find(f, "x")->data, half, sizeof half);
    vl_tensors_close(f);
}

static void values_too_large_are_named(void **state)
{
    (void)state;
    enum { N = 100000, PLACE = 70001 };
    float *x = calloc(N, sizeof *x);
    const double wide[3] = {1, 2, -1e300};
    x[PLACE] = 70000;
    write_tensors("big.safetensors", (made[]){{"a", VL_DT_F32, 2, x}, {"b.c", VL_DT_F32, N, x}}, 2,
                  NULL, 0);
    refuses(VIOLET_ESHAPE, "big.safetensors", "h.pt", "--dtype=float16",
            "big.safetensors: tensor 'b.c': value 70001 of 100000 is 70000, too large for float16");
    refuses(VIOLET_ESHAPE, "big.safetensors", "h.safetensors", "--dtype=float16", "'b.c'");
    converts("big.safetensors", "b.pt", "--dtype=bfloat16");
    write_tensors("wide.safetensors", (made[]){{"w", VL_DT_F64, 3, wide}}, 1, NULL, 0);
    refuses(VIOLET_ESHAPE, "wide.safetensors", "f.pt", "--dtype=float32",
            "tensor 'w': value 2 of 3 is -1e+300, too large for float32");
    free(x);
}

static void patterns_choose(void **state)
{
    (void)state;
    write_model("x.safetensors", NULL);
    converts("x.safetensors", "a.safetensors",
             "--only=enc_img.*,fc.* --drop=*.bias,enc_img.swin.*");
    says("left out as asked");
    vl_tensors *f = open_file("a.safetensors");
    assert_non_null(vl_tensors_find(f, "enc_img.emb_pos"));
    assert_non_null(vl_tensors_find(f, "fc.1.weight"));
    assert_null(vl_tensors_find(f, "fc.1.bias"));
    assert_null(vl_tensors_find(f, "enc_img.swin.norm.weight"));
    assert_null(vl_tensors_find(f, "fc_mvm.1.weight"));
    vl_tensors_close(f);
    refuses(VIOLET_EINVAL, "x.safetensors", "b.pt", "--only=fc.*,enc_imq.*",
            "--only 'enc_imq.*' fits none of the");
    refuses(VIOLET_EINVAL, "x.safetensors", "b.pt", "--drop=fc", "--drop 'fc' fits none of the");
    refuses(VIOLET_EINVAL, "x.safetensors", "b.pt", "--only=fc.*,", "between its commas");
    refuses(VIOLET_EINVAL, "x.safetensors", "b.pt", "--only=fc.* --drop=fc*", "would go along");
}

static void what_is_in_the_way_stays(void **state)
{
    (void)state;
    volatile sig_atomic_t stop = 1;
    const float x[2] = {1, 2};
    write_tensors("x.safetensors", (made[]){{"x", VL_DT_F32, 2, x}}, 1, NULL, 0);
    refuses(VIOLET_EINVAL, "x.safetensors", "x.safetensors", "--force", "are one file");
    assert_int_equal(symlink(at("x.safetensors"), at("link.pt")), 0);
    refuses(VIOLET_EINVAL, "x.safetensors", "link.pt", "--force", "are one file");
    assert_int_equal(link(at("x.safetensors"), at("hard.pt")), 0);
    refuses(VIOLET_EINVAL, "x.safetensors", "hard.pt", "--force", "are one file");
    write_text(folder, "there.pt", "mine", 4);
    refuses(VIOLET_EINVAL, "x.safetensors", "there.pt", "", "there.pt is there already; --force");
    converts("x.safetensors", "there.pt", "--force");
    same_tensors("x.safetensors", "there.pt");
    refuses(VIOLET_EINVAL, "x.safetensors", "x.onnx", "", ".safetensors, .pt, .pth, .bin or .pkl");
    refuses(VIOLET_EINVAL, "x.safetensors", "noending", "", ".safetensors");
    refuses(VIOLET_EIO, "nowhere.pt", "y.pt", "", "nowhere.pt");
    write_text(folder, "bad.pt", "PK\3\4", 4);
    refuses(VIOLET_EFORMAT, "bad.pt", "y.pt", "", "bad.pt");
    int before = n_files();
    assert_int_equal(convert_until("x.safetensors", "y.pt", "", &stop), VIOLET_EINTERRUPTED);
    assert_int_equal(n_files(), before);
}

/* Views, strides, one storage under several names. */
static void pytorchs_tensors_come_out_plain(void **state)
{
    (void)state;
    static const char zip[] = "tests/golden/checkpoints/state_zip.pt";
    static const char legacy[] = "tests/golden/checkpoints/state_legacy.pt";
    zip_maker z = {0};
    vl_buf b = {0};
    converts(zip, "s.safetensors", "");
    same_tensors("s.safetensors", zip);
    converts(legacy, "l.pt", "");
    same_tensors("l.pt", zip);
    vl_tensors *f = open_file("l.pt");
    for (size_t i = 0; i < vl_tensors_n(f); i++)
        assert_true(vl_stored_is_plain(vl_tensors_at(f, i)));
    vl_tensors_close(f);
    assert_int_equal(vl_buf_puts(&b, "}(S'a'\n"), VIOLET_OK);
    put_vector(&b, "0", 3);
    assert_int_equal(vl_buf_puts(&b, "S'tied'\n"), VIOLET_OK);
    put_vector(&b, "0", 3);
    assert_int_equal(vl_buf_puts(&b, "S'part'\n"), VIOLET_OK);
    put_vector(&b, "0", 2);
    assert_int_equal(vl_buf_puts(&b, "u."), VIOLET_OK);
    zip_of(&z, b.data, b.n, 1);
    write_text(folder, "tied.bin", z.data.data, z.data.n);
    zip_free(&z);
    vl_buf_free(&b);
    converts("tied.bin", "tied.pt", ""); /* stays one storage */
    f = open_file("tied.pt");
    assert_ptr_equal(vl_tensors_find(f, "a")->data, vl_tensors_find(f, "tied")->data);
    assert_ptr_not_equal(vl_tensors_find(f, "a")->data, vl_tensors_find(f, "part")->data);
    vl_tensors_close(f);
    converts("tied.pt", "tied.safetensors", ""); /* two of the same values */
    same_tensors("tied.safetensors", "tied.bin");
    f = open_file("tied.safetensors");
    assert_int_equal(vl_tensors_n(f), 3);
    vl_tensors_close(f);
    converts("tied.bin", "one.pt", "--drop=a"); /* the name that is left has the values */
    f = open_file("one.pt");
    assert_int_equal(vl_tensors_find(f, "tied")->n, 3);
    vl_tensors_close(f);
}

/* A bias that is a second name itself, and its decoder's, which has a second name of its own: all
 * of them are names of the first. */
static void names_of_names_have_one_first(void **state)
{
    (void)state;
    zip_maker z = {0};
    vl_buf b = {0};
    static const char *const names[] = {"a_extra", "p.predictions.bias",
                                        "p.predictions.decoder.bias", "q.predictions.decoder.bias"};
    assert_int_equal(vl_buf_puts(&b, "}("), VIOLET_OK);
    for (int i = 0; i < 4; i++) { /* the last two are another storage, of the same values */
        assert_int_equal(vl_buf_printf(&b, "S'%s'\n", names[i]), VIOLET_OK);
        put_vector(&b, i < 2 ? "0" : "1", 5);
    }
    assert_int_equal(vl_buf_puts(&b, "u."), VIOLET_OK);
    zip_of(&z, b.data, b.n, 2);
    write_text(folder, "chain.bin", z.data.data, z.data.n);
    zip_free(&z);
    vl_buf_free(&b);
    converts("chain.bin", "chain.pt", "");
    same_tensors("chain.pt", "chain.bin");
    vl_tensors *f = open_file("chain.pt");
    for (int i = 1; i < 4; i++)
        assert_ptr_equal(vl_tensors_find(f, names[i])->data, vl_tensors_find(f, names[0])->data);
    vl_tensors_close(f);
    converts("chain.bin", "chain.safetensors", "");
    says("left out: 1 second name"); /* the others are nobody's there */
    same_tensors("chain.safetensors", "chain.bin");
    converts("chain.bin", "less.pt", "--drop=a_extra"); /* what is left has the values */
    f = open_file("less.pt");
    for (int i = 1; i < 4; i++) assert_int_equal(vl_tensors_find(f, names[i])->n, 5);
    vl_tensors_close(f);
}

/* PyTorch may have it, safetensors has it for itself. */
static void a_name_of_the_formats_own_is_refused(void **state)
{
    (void)state;
    zip_maker z = {0};
    vl_buf b = {0};
    assert_int_equal(vl_buf_puts(&b, "}(S'__metadata__'\n"), VIOLET_OK);
    put_vector(&b, "0", 2);
    assert_int_equal(vl_buf_puts(&b, "u."), VIOLET_OK);
    zip_of(&z, b.data, b.n, 1);
    write_text(folder, "m.bin", z.data.data, z.data.n);
    zip_free(&z);
    vl_buf_free(&b);
    refuses(VIOLET_EINVAL, "m.bin", "m.safetensors", "",
            "m.safetensors: tensor '__metadata__': the format has this name for itself");
    converts("m.bin", "m.pt", "");
}

static void a_dvae_stays_one(void **state)
{
    (void)state;
    vl_dvae *d, *e;
    assert_int_equal(vl_dvae_new(&d, &(vl_dvae_config){4, 3, 10}, 1, 0, 5), VIOLET_OK);
    assert_int_equal(vl_dvae_write(at("d.safetensors"), d, 0, NULL, 0), VIOLET_OK);
    converts("d.safetensors", "d.pkl", "");
    converts("d.pkl", "e.safetensors", "");
    same_files("d.safetensors", "e.safetensors");
    if (vl_dvae_open(&e, at("d.pkl"), 0) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(e->config.n_code, 10);
    assert_true(e->has_decoder);
    assert_memory_equal(d->params.weights.base, e->params.weights.base,
                        vl_params_size(&d->params) * sizeof(real));
    vl_dvae_close(d);
    vl_dvae_close(e);
}

/* ---- differences ----------------------------------------------------------------------------- */

static const char *name_of(const json_t *o, const char *fate)
{
    const json_t *list = json_object_get(o, fate);
    assert_int_equal(json_array_size(list), 1);
    return json_string_value(json_object_get(json_array_get(list, 0), "name"));
}

static double number_of(const json_t *o, const char *fate, const char *key)
{
    return json_number_value(json_object_get(json_array_get(json_object_get(o, fate), 0), key));
}

static void each_difference_is_told(void **state)
{
    (void)state;
    const float x[4] = {3, 4, 0, NAN}, y[4] = {3, 4, 0.5f, NAN}, half[2] = {1, 2};
    const uint16_t h[2] = {0x3c00, 0x4000};
    const float u[3] = {1, NAN, INFINITY}, v[3] = {1, 2, INFINITY};
    write_tensors("a.safetensors",
                  (made[]){{"same", VL_DT_F32, 4, x}, {"value", VL_DT_F32, 4, x},
                           {"shape", VL_DT_F32, 4, x}, {"type", VL_DT_F32, 2, half},
                           {"mine", VL_DT_F32, 4, x}}, 5, NULL, 0);
    write_tensors("b.safetensors",
                  (made[]){{"yours", VL_DT_F32, 4, x}, {"type", VL_DT_F16, 2, h},
                           {"shape", VL_DT_F32, 3, x}, {"value", VL_DT_F32, 4, y},
                           {"same", VL_DT_F32, 4, x}}, 5, NULL, 0);
    json_t *o = differences("a.safetensors", "b.safetensors", 1);
    assert_string_equal(name_of(o, "only in a"), "mine");
    assert_string_equal(name_of(o, "only in b"), "yours");
    assert_string_equal(name_of(o, "other shape"), "shape");
    assert_string_equal(name_of(o, "other type"), "type");
    assert_true(number_of(o, "other type", "largest") == 0);
    assert_string_equal(name_of(o, "other values"), "value");
    assert_true(number_of(o, "other values", "largest") == 0.5);
    assert_true(fabs(number_of(o, "other values", "relative") - 0.1) < 1e-12);
    assert_null(json_object_get(json_array_get(json_object_get(o, "other values"), 0),
                                "not finite")); /* both NaN */
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "tensors"), "equal")),
                     1);
    json_decref(o);
    write_tensors("u.safetensors", (made[]){{"t", VL_DT_F32, 3, u}}, 1, NULL, 0);
    write_tensors("v.safetensors", (made[]){{"t", VL_DT_F32, 3, v}}, 1, NULL, 0);
    o = differences("u.safetensors", "v.safetensors", 1);
    assert_true(number_of(o, "other values", "not finite") == 1);
    json_decref(o);
    same_tensors("a.safetensors", "a.safetensors");
}

static void the_largest_difference_is_told(void **state)
{
    (void)state;
    const float x[2] = {1, 2}, far[2] = {1, 7}, near[2] = {1, 3};
    write_tensors("a.safetensors", (made[]){{"t1", VL_DT_F32, 2, x}, {"t2", VL_DT_F32, 2, x},
                                            {"t3", VL_DT_F32, 2, x}}, 3, NULL, 0);
    write_tensors("b.safetensors", (made[]){{"t1", VL_DT_F32, 2, near}, {"t2", VL_DT_F32, 2, far},
                                            {"t3", VL_DT_F32, 2, near}}, 3, NULL, 0);
    json_t *o = differences("a.safetensors", "b.safetensors", 1);
    assert_true(json_real_value(json_object_get(o, "largest difference")) == 5);
    assert_string_equal(json_string_value(json_object_get(o, "in")), "t2");
    json_decref(o);
}

/* The bias as a tensor of its own under both names: only where the values are the same. */
static void a_second_name_is_no_difference(void **state)
{
    (void)state;
    const float x[2] = {1, 2}, y[2] = {1, 3};
    const char *bias = "cls.predictions.bias", *second = "cls.predictions.decoder.bias";
    write_tensors("one.safetensors", (made[]){{bias, VL_DT_F32, 2, x}}, 1, NULL, 0);
    write_tensors("two.safetensors", (made[]){{second, VL_DT_F32, 2, x}, {bias, VL_DT_F32, 2, x}},
                  2, NULL, 0);
    write_tensors("odd.safetensors", (made[]){{bias, VL_DT_F32, 2, x}, {second, VL_DT_F32, 2, y}},
                  2, NULL, 0);
    same_tensors("one.safetensors", "two.safetensors");
    same_tensors("two.safetensors", "one.safetensors");
    json_t *o = differences("one.safetensors", "odd.safetensors", 1);
    assert_string_equal(name_of(o, "only in b"), second);
    json_decref(o);
    converts("two.safetensors", "three.safetensors", "");
    same_files("three.safetensors", "one.safetensors");
    converts("odd.safetensors", "four.safetensors", "");
    same_tensors("four.safetensors", "odd.safetensors");
}

static void a_broken_file_is_no_difference(void **state)
{
    (void)state;
    char *text = "";
    int differ = 7;
    const float x[2] = {1, 2};
    write_tensors("x.safetensors", (made[]){{"x", VL_DT_F32, 2, x}}, 1, NULL, 0);
    write_text(folder, "bad.pt", "PK\3\4", 4);
    assert_int_equal(violet_info_diff(&text, &differ, at("x.safetensors"), at("bad.pt"), 0),
                     VIOLET_EFORMAT);
    assert_null(text);
    assert_non_null(strstr(violet_error(), "bad.pt"));
    assert_int_equal(differ, 0);
}

static void a_long_list_is_cut_unless_verbose(void **state)
{
    (void)state;
    char *text;
    int differ;
    write_model("x.safetensors", NULL);
    converts("x.safetensors", "y.safetensors", "--dtype=bfloat16");
    for (int verbose = 0; verbose < 2; verbose++) {
        assert_int_equal(violet_info_diff(&text, &differ, at("x.safetensors"), at("y.safetensors"),
                                          verbose ? VIOLET_INFO_VERBOSE : 0), VIOLET_OK);
        assert_int_equal(strstr(text, "fc_mvm.3.weight") != NULL, verbose);
        assert_int_equal(strstr(text, "more (--verbose lists all)") != NULL, !verbose);
        violet_text_free(text);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_and_back_is_the_same_file),
        TEST(a_training_state_is_whole_or_weights),
        TEST(a_model_says_its_sizes),
        TEST(types_change_as_asked),
        TEST(wide_values_are_rounded_twice),
        TEST(values_too_large_are_named),
        TEST(patterns_choose),
        TEST(what_is_in_the_way_stays),
        TEST(pytorchs_tensors_come_out_plain),
        TEST(names_of_names_have_one_first),
        TEST(a_name_of_the_formats_own_is_refused),
        TEST(a_dvae_stays_one),
        TEST(each_difference_is_told),
        TEST(the_largest_difference_is_told),
        TEST(a_second_name_is_no_difference),
        TEST(a_broken_file_is_no_difference),
        TEST(a_long_list_is_cut_unless_verbose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
