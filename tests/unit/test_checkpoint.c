/* Checkpoints: bits out and in, training states, configurations in files or told by shapes, damaged
 * files, a disk that is full. What starts from files of any kind is in test_load.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "file/safetensors.h"
#include "make_data.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"

static char folder[64], path[128];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static vl_config small_config(void)
{
    return (vl_config){.video = {8, {1, 1, 1, 1}, {1, 1, 1, 1}, {2, 2, 2}, 0.1, 1},
                       .frames = 6, .positions = 197, .grid = {7, 7},
                       .hidden = 64, .ct_layers = 1, .ct_heads = 2, .ct_mlp = 96,
                       .size_vocab = 50, .size_code = 16, .size_answer = 9, .drop = 0.25};
}

static void new_model(vl_model *m, const vl_config *c, int heads, uint64_t seed)
{
    assert_int_equal(vl_model_init(m, c, heads, 1, 0), VIOLET_OK);
    vl_params_draw(&m->params, seed);
    size_t n = vl_params_size(&m->params);
    for (int i = 0; i < m->params.n; i++) {
        const vl_param *e = &m->params.list[i];
        for (size_t k = e->first; k < e->first + e->count; k++) {
            ((real *)m->params.m.base)[k] = (real)(seed + k) / (real)n;
            ((real *)m->params.v.base)[k] = (real)k * (real)1e-9;
        }
    }
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

static int same_block(const vl_arena *a, const vl_arena *b)
{
    return a->used == b->used && memcmp(a->base, b->base, a->used) == 0;
}

static void assert_same_config(const vl_config *a, const vl_config *b)
{
    json_t *x = vl_config_save(a), *y = vl_config_save(b);
    char *x_text = json_dumps(x, JSON_COMPACT), *y_text = json_dumps(y, JSON_COMPACT);
    assert_string_equal(x_text, y_text);
    free(x_text);
    free(y_text);
    json_decref(x);
    json_decref(y);
}

/* A copy of the weights, to see that they have not changed. */
static void *weights_of(const vl_model *m)
{
    void *copy = malloc(m->params.weights.used);
    memcpy(copy, m->params.weights.base, m->params.weights.used);
    return copy;
}

static void assert_message(const char *part)
{
    if (!strstr(violet_error(), part)) fail_msg("'%s' does not say '%s'", violet_error(), part);
}

static void write_ok(const vl_model *m, int with_moments)
{
    if (vl_checkpoint_write(path, m, with_moments, NULL, 0) != VIOLET_OK)
        fail_msg("%s", violet_error());
}

/* ---- what is written is read ----------------------------------------------------------------- */

static void state_ok(vl_model *m)
{
    if (vl_checkpoint_read_state(&m->params, path) != VIOLET_OK) fail_msg("%s", violet_error());
}

static void weights_and_moments_come_back_bit_for_bit(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model a, b;
    char *first, *second;
    size_t n_first, n_second;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    vl_param_weights(&a.params, &a.params.list[0])[0] = (real)-0.0;
    vl_param_weights(&a.params, &a.params.list[0])[1] = (real)1e-42; /* denormal */
    assert_false(same_block(&a.params.weights, &b.params.weights));
    const char *extra[4] = {"state", "{\"step\": 3}", "quote", "\"\\\n\xc3\xa9"};
    assert_int_equal(vl_checkpoint_write(path, &a, 1, extra, 2), VIOLET_OK);
    assert_int_equal(n_files(), 1);
    state_ok(&b);
    assert_true(same_block(&a.params.weights, &b.params.weights));
    assert_true(same_block(&a.params.m, &b.params.m) && same_block(&a.params.v, &b.params.v));

    vl_config read;
    assert_int_equal(vl_checkpoint_config(&read, path), VIOLET_OK);
    assert_same_config(&read, &c);
    char *value;
    assert_int_equal(vl_checkpoint_metadata(&value, path, "state"), VIOLET_OK);
    assert_string_equal(value, "{\"step\": 3}");
    free(value);
    assert_int_equal(vl_checkpoint_metadata(&value, path, "quote"), VIOLET_OK);
    assert_string_equal(value, "\"\\\n\xc3\xa9");
    free(value);
    assert_int_equal(vl_checkpoint_metadata(&value, path, "nothing"), VIOLET_OK);
    assert_null(value);

    /* the same content gives the same bytes */
    assert_int_equal(vl_file_read(&first, &n_first, path, 1 << 28), VIOLET_OK);
    assert_int_equal(vl_checkpoint_write(path, &b, 1, extra, 2), VIOLET_OK);
    assert_int_equal(vl_file_read(&second, &n_second, path, 1 << 28), VIOLET_OK);
    assert_true(n_first == n_second && memcmp(first, second, n_first) == 0);
    free(first);
    free(second);
    vl_model_release(&a);
    vl_model_release(&b);
}

/* The same as a .pt file. */
static void a_pytorch_file_is_a_checkpoint_too(void **state)
{
    (void)state;
    vl_config c = small_config(), read;
    vl_model a, b;
    vl_tensors *f;
    char *value;
    const char *extra[2] = {"state", "{\"step\": 3}"};
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    snprintf(path, sizeof path, "%s/model.pt", folder);
    assert_int_equal(vl_checkpoint_write(path, &a, 1, extra, 1), VIOLET_OK);
    state_ok(&b);
    assert_true(same_block(&a.params.weights, &b.params.weights));
    assert_true(same_block(&a.params.m, &b.params.m) && same_block(&a.params.v, &b.params.v));
    assert_int_equal(vl_config_find(&read, path), VIOLET_OK);
    assert_same_config(&read, &c);
    assert_int_equal(vl_checkpoint_metadata(&value, path, "state"), VIOLET_OK);
    assert_string_equal(value, extra[1]);
    free(value);
    assert_int_equal(vl_tensors_open(&f, path), VIOLET_OK);
    const vl_stored *bias = vl_tensors_find(f, "fc_mtm.predictions.bias");
    const vl_stored *again = vl_tensors_find(f, "fc_mtm.predictions.decoder.bias");
    assert_true(bias && again && bias->data == again->data);
    vl_tensors_close(f);
    vl_model_release(&a);
    vl_model_release(&b);
}

static void a_training_state_is_whole_or_none(void **state)
{
    (void)state;
    vl_config c = small_config(), wide = small_config();
    vl_model a, b, other;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    void *was = weights_of(&b);
    write_ok(&a, 0);
    assert_int_equal(vl_checkpoint_read_state(&b.params, path), VIOLET_ESHAPE);
    assert_message("'adam.m/enc_img.emb_cls' is not there");
    assert_message(path);
    wide.size_code = 17;
    new_model(&other, &wide, VL_HEADS_PRETRAIN, 1);
    write_ok(&other, 1);
    assert_int_equal(vl_checkpoint_read_state(&b.params, path), VIOLET_ESHAPE);
    assert_message("'fc_mvm.3.weight' has another shape");
    assert_memory_equal(was, b.params.weights.base, b.params.weights.used);
    vl_model_release(&other);
    new_model(&other, &c, VL_HEAD_MATCH | VL_HEAD_MTM, 3);
    write_ok(&a, 1);
    free(was);
    was = weights_of(&other);
    assert_int_equal(vl_checkpoint_read_state(&other.params, path), VIOLET_ESHAPE);
    assert_message("fc_mvm.");
    assert_message("is none of this one's");
    assert_memory_equal(was, other.params.weights.base, other.params.weights.used);
    free(was);
    vl_model_release(&a);
    vl_model_release(&b);
    vl_model_release(&other);
}

/* ---- configurations -------------------------------------------------------------------------- */

/* The model's tensors without a word about its sizes. */
static void write_bare(const vl_model *m)
{
    if (vl_checkpoint_write_params(path, &m->params, 0, NULL, 0) != VIOLET_OK)
        fail_msg("%s", violet_error());
}

/* What its shapes tell of a model with c's sizes, written without its configuration. */
static vl_config inferred(const vl_config *c, int heads, const char *assumed)
{
    vl_model m;
    vl_config read;
    vl_tensors *f;
    vl_buf text = {0};
    assert_int_equal(vl_model_init(&m, c, heads, 0, 0), VIOLET_OK);
    write_bare(&m);
    assert_int_equal(vl_tensors_open(&f, path), VIOLET_OK);
    if (vl_config_of(&read, &text, f) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_string_equal(text.data, assumed);
    assert_int_equal(vl_heads_of(f), heads);
    vl_tensors_close(f);
    vl_buf_free(&text);
    vl_model_release(&m);
    return read;
}

static void shapes_tell_the_sizes(void **state)
{
    (void)state;
    vl_config c, got;
    assert_int_equal(vl_config_preset(&c, "tiny"), VIOLET_OK);
    c.size_vocab = 70; /* vocabularies and tables need not be the preset's */
    c.size_code = 12;
    c.positions = 50;
    c.frames = 4;
    got = inferred(&c, VL_HEADS_PRETRAIN, "grid 7 x 7");
    assert_same_config(&got, &c);
    c.size_answer = 9;
    c.size_code = 8192; /* of heads that are not there, the published sizes */
    got = inferred(&c, VL_HEAD_ANSWER, "grid 7 x 7");
    assert_same_config(&got, &c);
    c.video.depths[2] = 3; /* the preset's width, but not the preset */
    c.ct_layers = 1;
    got = inferred(&c, VL_HEAD_ANSWER, "window 8 x 7 x 7 (of 2535 offsets), "
                                       "ct_heads 4 (48 channels each), grid 7 x 7");
    assert_same_config(&got, &c);
    c = small_config(); /* all of it another model */
    c.size_answer = 1000;
    c.positions = 37;
    got = inferred(&c, VL_HEADS_PRETRAIN, "window 2 x 2 x 2 (of 27 offsets), "
                                          "ct_heads 1 (64 channels each), grid 6 x 6");
    assert_int_equal(got.ct_heads, 1);
    assert_memory_equal(got.video.depths, c.video.depths, sizeof c.video.depths);
    assert_memory_equal(got.video.heads, c.video.heads, sizeof c.video.heads);
    assert_memory_equal(got.video.window, c.video.window, sizeof c.video.window);
    assert_true(got.video.embed_dim == 8 && got.hidden == 64 && got.ct_layers == 1 &&
                got.ct_mlp == 96 && got.size_vocab == 50 && got.size_code == 16 &&
                got.positions == 37 && got.frames == 6);
}

/* As published, or a square and its [CLS]. */
static void rows_tell_a_grid(void **state)
{
    (void)state;
    static const struct {
        int64_t rows;
        int n;
    } cases[] = {{2, 1}, {5, 2}, {50, 7}, {145, 12}, {197, 7}, {1 + 1024 * 1024, 1024}};
    static const int64_t none[] = {-3, 0, 1, 3, 40, 196, 198, 1 + 1025 * 1025, INT64_MAX};
    int grid[2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(vl_config_grid_of_rows(grid, cases[i].rows));
        assert_true(grid[0] == cases[i].n && grid[1] == cases[i].n);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(vl_config_grid_of_rows(grid, none[i]));
}

static void what_shapes_do_not_tell_is_an_error(void **state)
{
    (void)state;
    vl_config c = small_config(), read;
    vl_model m;
    c.video.embed_dim = 7; /* 56 channels: heads of 64 there are none */
    c.hidden = 56;
    c.ct_heads = 2;
    assert_int_equal(vl_model_init(&m, &c, VL_HEAD_MATCH, 0, 0), VIOLET_OK);
    write_bare(&m);
    assert_int_equal(vl_checkpoint_config(&read, path), VIOLET_EFORMAT);
    assert_message("56 channels");
    vl_model_release(&m);
    c = small_config();
    c.positions = 40;
    assert_int_equal(vl_model_init(&m, &c, VL_HEAD_MATCH, 0, 0), VIOLET_OK);
    write_bare(&m);
    assert_int_equal(vl_checkpoint_config(&read, path), VIOLET_EFORMAT);
    assert_message("the 40 rows of enc_img.emb_pos");
    assert_message(path);
    free(m.params.list[0].name);
    m.params.list[0].name = strdup("enc_img.other");
    write_bare(&m);
    assert_int_equal(vl_config_find(&read, path), VIOLET_EFORMAT);
    assert_message("no VIOLET checkpoint: no tensor 'enc_img.emb_cls'");
    assert_message(path);
    vl_model_release(&m);
}

/* Three dimensions where two tell rows and heads. */
static void a_table_of_another_shape_tells_nothing(void **state)
{
    (void)state;
    vl_config c = small_config(), read;
    vl_model m;
    new_model(&m, &c, VL_HEAD_MATCH, 1);
    vl_param *e = (vl_param *)(uintptr_t)vl_params_find(
        &m.params, "enc_img.swin.layers.0.blocks.0.attn.relative_position_bias_table");
    e->n_dims = 3;
    e->shape[2] = 1;
    write_bare(&m);
    assert_int_equal(vl_checkpoint_config(&read, path), VIOLET_EFORMAT);
    assert_message("relative_position_bias_table' has another shape");
    vl_model_release(&m);
}

static void metadata_wins_over_shapes(void **state)
{
    (void)state;
    vl_config c = small_config(), read;
    vl_model m;
    new_model(&m, &c, VL_HEADS_PRETRAIN, 1);
    write_ok(&m, 0);
    assert_int_equal(vl_config_find(&read, path), VIOLET_OK);
    assert_same_config(&read, &c); /* heads, grid and dropout are in no shape */
    const char *metadata[2] = {"config", "{\"hidden\": \"many\"}"};
    assert_int_equal(vl_checkpoint_write_params(path, &m.params, 0, metadata, 1), VIOLET_OK);
    assert_int_not_equal(vl_config_find(&read, path), VIOLET_OK);
    assert_message("metadata 'config': 'hidden'");
    assert_message(path);
    metadata[1] = "{\"hidden\": 64} and more";
    assert_int_equal(vl_checkpoint_write_params(path, &m.params, 0, metadata, 1), VIOLET_OK);
    assert_int_equal(vl_config_find(&read, path), VIOLET_EFORMAT);
    assert_message("metadata 'config'");
    vl_model_release(&m);
}

/* It comes from anywhere: neither long, nor of many parts, nor two of them. */
static void a_hostile_configuration(void **state)
{
    (void)state;
    vl_config c = small_config(), read;
    vl_model m;
    vl_buf brackets = {0}, blanks = {0}, twice = {0};
    new_model(&m, &c, VL_HEADS_PRETRAIN, 1);
    json_t *config = vl_config_save(&c);
    char *text = json_dumps(config, 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(vl_buf_puts(&brackets, "[[],"), VIOLET_OK);
    assert_int_equal(vl_buf_puts(&blanks, text), VIOLET_OK);
    for (int i = 0; i < 70000; i++) assert_int_equal(vl_buf_puts(&blanks, " "), VIOLET_OK);
    assert_int_equal(vl_buf_printf(&twice, "%s %s", text, text), VIOLET_OK);
    const struct {
        const char *config, *why;
    } cases[] = {{brackets.data, "metadata 'config': 2000 brackets"},
                 {blanks.data, "bytes, expected at most 65536"},
                 {twice.data, "end of file expected"},
                 {"", "metadata 'config' byte 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *metadata[2] = {"config", cases[i].config};
        assert_int_equal(vl_checkpoint_write_params(path, &m.params, 0, metadata, 1), VIOLET_OK);
        assert_int_equal(vl_config_find(&read, path), VIOLET_EFORMAT);
        assert_message(cases[i].why);
        assert_message(path);
    }
    vl_buf_free(&brackets);
    vl_buf_free(&blanks);
    vl_buf_free(&twice);
    free(text);
    json_decref(config);
    vl_model_release(&m);
}

/* ---- damage --------------------------------------------------------------------------------- */

static void a_value_that_is_not_finite_is_an_error(void **state)
{
    (void)state;
    static const real bad[3] = {NAN, INFINITY, -INFINITY};
    vl_config c = small_config();
    vl_model a, b;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    const vl_param *last = &a.params.list[a.params.n - 1];
    for (int k = 0; k < 3; k++) {
        vl_param_weights(&a.params, last)[last->count - 1] = bad[k];
        write_ok(&a, 1);
        assert_int_equal(vl_checkpoint_read_state(&b.params, path), VIOLET_EFORMAT);
        assert_message(last->name);
        assert_message(path);
    }
    vl_param_weights(&a.params, last)[last->count - 1] = 0;
    ((real *)a.params.v.base)[last->first] = NAN;
    write_ok(&a, 1);
    assert_int_equal(vl_checkpoint_read_state(&b.params, path), VIOLET_EFORMAT);
    assert_message("adam.v/");
    vl_model_release(&a);
    vl_model_release(&b);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model a, b;
    struct stat st;
    new_model(&a, &c, VL_HEAD_MATCH, 1);
    new_model(&b, &c, VL_HEAD_MATCH, 2);
    void *was = weights_of(&b);
    write_ok(&a, 1);
    assert_int_equal(stat(path, &st), 0);
    for (off_t n = st.st_size - 1; n >= 0;
         n = n > 100000 ? n / 2 : n > 100 ? n - 499 : n - 1) {
        assert_int_equal(truncate(path, n), 0);
        assert_int_equal(vl_checkpoint_read_state(&b.params, path), VIOLET_EFORMAT);
        assert_message(path);
        vl_config read;
        if (vl_checkpoint_config(&read, path) == VIOLET_OK) fail_msg("%ld bytes", (long)n);
    }
    assert_memory_equal(was, b.params.weights.base, b.params.weights.used);
    unlink(path);
    assert_int_equal(vl_checkpoint_read_state(&b.params, path), VIOLET_EIO);
    assert_message(path);
    free(was);
    vl_model_release(&a);
    vl_model_release(&b);
}

/* ---- where nothing can be written ------------------------------------------------------------ */

static void an_unwritable_place_is_an_error(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model m;
    char bad[200];
    new_model(&m, &c, VL_HEAD_MATCH, 1);
    write_text(folder, "plain", "x", 1);
    snprintf(bad, sizeof bad, "%s/plain/model.safetensors", folder);
    assert_int_equal(vl_checkpoint_write(bad, &m, 0, NULL, 0), VIOLET_EIO);
    assert_message(bad);
    snprintf(bad, sizeof bad, "%s/none/model.safetensors", folder);
    assert_int_equal(vl_checkpoint_write(bad, &m, 0, NULL, 0), VIOLET_EIO);
    snprintf(bad, sizeof bad, "%s/model.onnx", folder);
    assert_int_equal(vl_checkpoint_write(bad, &m, 0, NULL, 0), VIOLET_EINVAL);
    assert_message("model.onnx");
    assert_int_equal(n_files(), 1);
    if (getuid() != 0) { /* root may write everywhere */
        chmod(folder, 0500);
        violet_status status = vl_checkpoint_write(path, &m, 0, NULL, 0);
        chmod(folder, 0700);
        assert_int_equal(status, VIOLET_EIO);
    }
    snprintf(bad, sizeof bad, "%s/folder.pt", folder); /* the rename fails: it is a folder */
    mkdir(bad, 0700);
    assert_int_equal(vl_checkpoint_write(bad, &m, 0, NULL, 0), VIOLET_EIO);
    rmdir(bad);
    assert_int_equal(n_files(), 1);
    vl_model_release(&m);
}

/* A limit on file sizes stands in for a full disk: writes fail half-way, with EFBIG. */
static void a_full_disk_leaves_the_old_checkpoint(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model a, b;
    struct rlimit was, limit;
    struct stat st;
    char *before, *after;
    size_t n_before, n_after;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    write_ok(&a, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(vl_file_read(&before, &n_before, path, 1 << 28), VIOLET_OK);
    getrlimit(RLIMIT_FSIZE, &was);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const rlim_t sizes[] = {0, 1, 100, 4096, 100000, (rlim_t)st.st_size / 2,
                            (rlim_t)st.st_size - 4096, (rlim_t)st.st_size - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        limit = (struct rlimit){sizes[i], was.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        violet_status status = vl_checkpoint_write(path, &b, 1, NULL, 0);
        setrlimit(RLIMIT_FSIZE, &was);
        if (status != VIOLET_EIO) fail_msg("limit %ld: status %d", (long)sizes[i], (int)status);
        assert_message(path);
        assert_message(strerror(EFBIG));
        assert_int_equal(n_files(), 1);
        assert_int_equal(vl_file_read(&after, &n_after, path, 1 << 28), VIOLET_OK);
        assert_true(n_before == n_after && memcmp(before, after, n_before) == 0);
        free(after);
    }
    signal(SIGXFSZ, handler);
    free(before);
    vl_model_release(&a);
    vl_model_release(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(weights_and_moments_come_back_bit_for_bit),
        TEST(a_pytorch_file_is_a_checkpoint_too),
        TEST(a_training_state_is_whole_or_none),
        TEST(shapes_tell_the_sizes),
        TEST(rows_tell_a_grid),
        TEST(what_shapes_do_not_tell_is_an_error),
        TEST(a_table_of_another_shape_tells_nothing),
        TEST(metadata_wins_over_shapes),
        TEST(a_hostile_configuration),
        TEST(a_value_that_is_not_finite_is_an_error),
        TEST(a_file_cut_anywhere_is_refused),
        TEST(an_unwritable_place_is_an_error),
        TEST(a_full_disk_leaves_the_old_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
