/* Checkpoints: bits out and in, reports, damaged files, a disk that is full. */
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

static void weights_and_moments_come_back_bit_for_bit(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model a, b;
    vl_load_report r;
    char *first, *second, text[300];
    size_t n_first, n_second;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    vl_param_weights(&a.params, &a.params.list[0])[0] = (real)-0.0;
    vl_param_weights(&a.params, &a.params.list[0])[1] = (real)1e-42; /* denormal */
    assert_false(same_block(&a.params.weights, &b.params.weights));
    const char *extra[4] = {"state", "{\"step\": 3}", "quote", "\"\\\n\xc3\xa9"};
    assert_int_equal(vl_checkpoint_write(path, &a, 1, extra, 2), VIOLET_OK);
    assert_int_equal(n_files(), 1);
    assert_int_equal(vl_checkpoint_read(&b, path, 1, &r), VIOLET_OK);
    assert_true(same_block(&a.params.weights, &b.params.weights));
    assert_true(same_block(&a.params.m, &b.params.m) && same_block(&a.params.v, &b.params.v));
    assert_int_equal(r.matched, 3 * a.params.n);
    assert_true(r.n_matched == vl_params_count(&a.params));
    assert_int_equal(r.missing + r.unexpected + r.misshapen, 0);
    vl_load_report_text(&r, text, sizeof text);
    assert_non_null(strstr(text, "tensors matched"));
    assert_null(strstr(text, "such as"));

    vl_config read;
    memset(&read, 0, sizeof read);
    assert_int_equal(vl_checkpoint_config(&read, path), VIOLET_OK);
    assert_memory_equal(&read, &c, sizeof c);
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

static void without_moments_there_are_none(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model a, b;
    vl_load_report r;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    write_ok(&a, 0);
    void *was = weights_of(&b);
    assert_int_equal(vl_checkpoint_read(&b, path, 1, &r), VIOLET_ESHAPE);
    assert_message("adam.m/enc_img.emb_cls");
    assert_memory_equal(was, b.params.weights.base, b.params.weights.used);
    assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_OK);
    assert_true(same_block(&a.params.weights, &b.params.weights));
    assert_false(same_block(&a.params.m, &b.params.m));
    write_ok(&a, 1); /* moments in the file are no unexpected tensors of a load without */
    assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_OK);
    assert_int_equal(r.unexpected, 0);
    free(was);
    vl_model_release(&a);
    vl_model_release(&b);
}

static void a_report_counts_what_does_not_fit(void **state)
{
    (void)state;
    vl_config c = small_config(), other = small_config();
    vl_model a, b;
    vl_load_report r;
    char text[600];
    new_model(&a, &c, VL_HEAD_MATCH | VL_HEAD_MTM, 1);
    other.size_vocab = 60; /* word embeddings, decoder weight and bias */
    new_model(&b, &other, VL_HEADS_PRETRAIN & ~VL_HEAD_MTM, 2);
    write_ok(&a, 0);
    void *was = weights_of(&b);
    assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_OK);
    assert_int_equal(r.misshapen, 1);
    assert_string_equal(r.first_misshapen, "enc_txt.emb_txt.word_embeddings.weight");
    assert_int_equal(r.missing, 4);
    assert_memory_equal(r.first_missing, "fc_mvm.", 7);
    assert_memory_equal(r.first_unexpected, "fc_mtm.predictions.", 19);
    assert_int_equal(r.matched, b.params.n - 5);
    assert_int_equal(r.unexpected, a.params.n - r.matched - 1);
    for (int i = 0; i < b.params.n; i++) { /* what the file has not keeps its value */
        const vl_param *e = &b.params.list[i], *from = vl_params_find(&a.params, e->name);
        const real *want = from && from->count == e->count ? vl_param_weights(&a.params, from)
                                                           : (real *)was + e->first;
        assert_memory_equal(vl_param_weights(&b.params, e), want, e->count * sizeof(real));
    }
    vl_load_report_text(&r, text, sizeof text);
    assert_non_null(strstr(text, "4 not in the file (such as fc_mvm."));
    assert_non_null(strstr(text, "1 of another shape (such as enc_txt"));
    for (size_t n = 1; n < sizeof text; n += 7) { /* a short buffer is not overrun */
        memset(text, 'x', sizeof text);
        vl_load_report_text(&r, text, n);
        assert_true(strlen(text) < n);
        for (size_t i = n; i < sizeof text; i++) assert_true(text[i] == 'x');
    }
    free(was);
    vl_model_release(&a);
    vl_model_release(&b);
}

static void a_file_without_any_match_is_an_error(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model m;
    vl_load_report r;
    float x[2] = {1, 2};
    vl_safetensor t = {.name = "other", .dtype = VL_DT_F32, .n_dim = 1, .shape = {2}, .n = 2};
    vl_safetensors_writer *w;
    new_model(&m, &c, VL_HEAD_MATCH, 1);
    assert_int_equal(vl_safetensors_create(&w, path, &t, 1, NULL, 0), VIOLET_OK);
    assert_int_equal(vl_safetensors_push(w, x, sizeof x), VIOLET_OK);
    assert_int_equal(vl_safetensors_finish(w), VIOLET_OK);
    assert_int_equal(vl_checkpoint_read(&m, path, 0, &r), VIOLET_ESHAPE);
    assert_message("none of its tensors");
    assert_message(path);
    assert_int_equal(vl_checkpoint_config(&c, path), VIOLET_EFORMAT);
    assert_message("no 'config'");
    vl_model_release(&m);
}

/* ---- damage --------------------------------------------------------------------------------- */

/* In the last tensor, so that one that sets while it checks would have changed the others. */
static void a_value_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    static const real bad[3] = {NAN, INFINITY, -INFINITY};
    vl_config c = small_config();
    vl_model a, b;
    vl_load_report r;
    new_model(&a, &c, VL_HEADS_PRETRAIN, 1);
    new_model(&b, &c, VL_HEADS_PRETRAIN, 2);
    void *was = weights_of(&b);
    const vl_param *last = &a.params.list[a.params.n - 1];
    for (int k = 0; k < 3; k++) {
        vl_param_weights(&a.params, last)[last->count - 1] = bad[k];
        write_ok(&a, 1);
        assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_EFORMAT);
        assert_message(last->name);
        assert_message(path);
        assert_memory_equal(was, b.params.weights.base, b.params.weights.used);
    }
    vl_param_weights(&a.params, last)[last->count - 1] = 0;
    ((real *)a.params.v.base)[last->first] = NAN; /* a moment: of no interest without them */
    write_ok(&a, 1);
    assert_int_equal(vl_checkpoint_read(&b, path, 1, &r), VIOLET_EFORMAT);
    assert_message("adam.v/");
    assert_memory_equal(was, b.params.weights.base, b.params.weights.used);
    assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_OK);
    free(was);
    vl_model_release(&a);
    vl_model_release(&b);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    vl_config c = small_config();
    vl_model a, b;
    vl_load_report r;
    struct stat st;
    new_model(&a, &c, VL_HEAD_MATCH, 1);
    new_model(&b, &c, VL_HEAD_MATCH, 2);
    void *was = weights_of(&b);
    write_ok(&a, 0);
    assert_int_equal(stat(path, &st), 0);
    for (off_t n = st.st_size - 1; n >= 0;
         n = n > 100000 ? n / 2 : n > 100 ? n - 499 : n - 1) {
        assert_int_equal(truncate(path, n), 0);
        assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_EFORMAT);
        assert_message(path);
        vl_config read;
        if (vl_checkpoint_config(&read, path) == VIOLET_OK) fail_msg("%ld bytes", (long)n);
    }
    assert_memory_equal(was, b.params.weights.base, b.params.weights.used);
    unlink(path);
    assert_int_equal(vl_checkpoint_read(&b, path, 0, &r), VIOLET_EIO);
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
    assert_int_equal(n_files(), 1);
    if (getuid() != 0) { /* root may write everywhere */
        chmod(folder, 0500);
        violet_status status = vl_checkpoint_write(path, &m, 0, NULL, 0);
        chmod(folder, 0700);
        assert_int_equal(status, VIOLET_EIO);
    }
    snprintf(bad, sizeof bad, "%s/folder", folder); /* the rename fails: it is a folder */
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
        TEST(without_moments_there_are_none),
        TEST(a_report_counts_what_does_not_fit),
        TEST(a_file_without_any_match_is_an_error),
        TEST(a_value_that_is_not_finite_changes_nothing),
        TEST(a_file_cut_anywhere_is_refused),
        TEST(an_unwritable_place_is_an_error),
        TEST(a_full_disk_leaves_the_old_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
