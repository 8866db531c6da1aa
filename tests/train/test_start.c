/* What runs start from: checkpoints and parts in either format, position tables of other sizes, and
 * what is told of it. One step at learning rate 0 leaves the starting values in the saved state. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "file/tensors.h"

static corpus c;

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add(&c, "vid", 2, (const char *[]){"........", NULL}, NULL);
    corpus_checkpoint(&c, "from.pt", 0.25);
    corpus_checkpoint(&c, "from.safetensors", 0.5);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static vl_tensors *open_file(const char *folder, const char *name)
{
    char path[256];
    vl_tensors *f;
    snprintf(path, sizeof path, "%s/%s/%s", c.folder, folder, name);
    if (vl_tensors_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
    return f;
}

static float *values(size_t *n, const vl_tensors *f, const char *name)
{
    const vl_stored *t = vl_tensors_find(f, name);
    if (!t) fail_msg("no '%s'", name);
    float *x = malloc((t->n + 1) * sizeof *x);
    if (vl_tensors_read(x, f, t, 0, t->n) != VIOLET_OK) fail_msg("%s", violet_error());
    *n = t->n;
    return x;
}

/* Whether a run's state has the values of a file; the file's may have another name. */
static bool has_of(const char *output, const char *name, const char *file, const char *other)
{
    size_t n, m;
    vl_tensors *f = open_file(output, "last.safetensors"), *g = open_file(".", file);
    float *x = values(&n, f, name), *y = values(&m, g, other);
    assert_int_equal(n, m);
    bool same = memcmp(x, y, n * sizeof *x) == 0;
    free(x);
    free(y);
    vl_tensors_close(f);
    vl_tensors_close(g);
    return same;
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}

/* What a Swin for pictures would have: of the first of two frames, and no offsets in time (3 of a
 * window of 2). x: the tensor's values, cut in place. */
static void of_pictures(vl_safetensor *t, float *x)
{
    if (ends(t->name, "patch_embed.proj.weight")) {
        size_t plane = (size_t)(t->shape[3] * t->shape[4]), n = t->n / plane / 2;
        for (size_t i = 0; i < n; i++) memmove(x + i * plane, x + 2 * i * plane, plane * sizeof *x);
        t->n_dim = 4;
        t->shape[2] = t->shape[3], t->shape[3] = t->shape[4];
        t->n /= 2;
    }
    if (ends(t->name, "relative_position_bias_table")) t->shape[0] /= 3, t->n /= 3;
}

/* FOLDER/to: tensors of FOLDER/from.safetensors that begin so, `begins` replaced, all values
 * doubled. */
static void write_part(const char *to, const char *const begins[][2], size_t n_begins,
                       bool pictures)
{
    enum { MOST = 200 };
    static vl_safetensor list[MOST];
    static char names[MOST][200];
    static float *x[MOST];
    size_t m;
    char path[256];
    vl_tensors *f = open_file(".", "from.safetensors");
    vl_tensors_writer *w;
    size_t n = 0;
    for (size_t i = 0; i < vl_tensors_n(f); i++)
        for (size_t k = 0; k < n_begins; k++) {
            const vl_stored *t = vl_tensors_at(f, i);
            if (strncmp(t->name, begins[k][0], strlen(begins[k][0])) != 0) continue;
            assert_true(n < MOST);
            snprintf(names[n], sizeof names[n], "%s%s", begins[k][1],
                     t->name + strlen(begins[k][0]));
            list[n] = (vl_safetensor){
                .name = names[n], .dtype = VL_DT_F32, .n_dim = t->n_dim, .n = t->n};
            memcpy(list[n].shape, t->shape, sizeof list[n].shape);
            x[n] = values(&m, f, t->name);
            for (size_t i_x = 0; i_x < m; i_x++) x[n][i_x] *= 2;
            if (pictures) of_pictures(&list[n], x[n]);
            n++;
        }
    assert_true(n > 0);
    snprintf(path, sizeof path, "%s/%s", c.folder, to);
    const vl_tensors_plan plan = {.list = list, .n = n};
    if (vl_tensors_create(&w, path, &plan) != VIOLET_OK) fail_msg("%s", violet_error());
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(vl_tensors_push(w, x[i], list[i].n * sizeof **x), VIOLET_OK);
        free(x[i]);
    }
    if (vl_tensors_finish(w) != VIOLET_OK) fail_msg("%s", violet_error());
    vl_tensors_close(f);
}

static void write_parts(void)
{
    static const char *const video[][2] = {{"enc_img.swin.", "backbone."}};
    static const char *const text[][2] = {{"enc_txt.emb_txt.", "bert.embeddings."},
                                          {"trsfr.", "bert.encoder."},
                                          {"fc_mtm.", "cls."}};
    write_part("swin.pt", video, 1, false);
    write_part("pictures.pt", video, 1, true);
    write_part("bert.safetensors", text, 3, false);
}

/* ---- runs ------------------------------------------------------------------------------------ */

#define ONE "--dataset=vid --valid_split= --steps=1 --lr=0 "
#define WORD "enc_txt.emb_txt.word_embeddings.weight"
#define PROJ "enc_img.swin.patch_embed.proj.weight"

static void assert_told(const run_result *r, const char *part)
{
    if (!strstr(r->told, part)) fail_msg("it was not told '%s' but\n%s", part, r->told);
}

static void assert_fails(run_result r, const char *part)
{
    if (r.status == VIOLET_OK) fail_msg("it went well, expected '%s'", part);
    if (!strstr(r.error, part)) fail_msg("'%s' does not say '%s'", r.error, part);
    assert_null(strchr(r.error, '\n'));
}

static void a_run_starts_from_pytorchs_file(void **state)
{
    (void)state;
    run_result r = corpus_run_ok(&c, "pt", ONE "--checkpoint=FOLDER/from.pt --strict");
    assert_true(has_of("pt", "fc.3.weight", "from.pt", "fc.3.weight"));
    assert_true(has_of("pt", WORD, "from.pt", WORD));
    assert_false(has_of("pt", "fc.3.weight", "from.safetensors", "fc.3.weight"));
    assert_told(&r, "from.pt (VIOLET): took 107 of 107 tensors");
    assert_told(&r, ", the others fresh: 0 tensors");
    assert_int_equal(r.n_warnings, 0);
    json_t *args = corpus_json(&c, "pt", "args.json"); /* under its first name */
    assert_non_null(json_object_get(args, "path_ckpt"));
    assert_null(json_object_get(args, "checkpoint"));
    json_decref(args);
}

static void parts_stand_for_themselves(void **state)
{
    (void)state;
    write_parts();
    run_result r = corpus_run_ok(&c, "parts", ONE "--init-text=FOLDER/bert.safetensors "
                                                  "--init-video=FOLDER/swin.pt");
    assert_true(has_of("parts", PROJ, "swin.pt", "backbone.patch_embed.proj.weight"));
    assert_true(has_of("parts", WORD, "bert.safetensors",
                       "bert.embeddings.word_embeddings.weight"));
    assert_told(&r, "swin.pt (Video Swin");
    assert_told(&r, "bert.safetensors (BERT");
    assert_told(&r, "starts with ");
    assert_null(strstr(r.told, "fresh: 0 tensors"));
}

/* What had to be adapted is given as well, and not drawn over. */
static void a_swin_of_pictures_is_a_start(void **state)
{
    (void)state;
    size_t n, m;
    write_parts();
    run_result r = corpus_run_ok(&c, "pictures", ONE "--init-video=FOLDER/pictures.pt");
    assert_told(&r, "pictures.pt (Swin)");
    vl_tensors *f = open_file("pictures", "last.safetensors"), *g = open_file(".", "pictures.pt");
    float *video = values(&n, f, PROJ);
    float *picture = values(&m, g, "backbone.patch_embed.proj.weight");
    assert_int_equal(n, 2 * m);
    for (size_t i = 0; i < n; i++)
        assert_true(video[i] == picture[i / 32 * 16 + i % 16] / 2);
    free(video);
    free(picture);
    vl_tensors_close(f);
    vl_tensors_close(g);
}

/* Whatever the order of the options. */
static void parts_go_over_the_whole(void **state)
{
    (void)state;
    write_parts();
    corpus_run_ok(&c, "over", ONE "--init-video=FOLDER/swin.pt "
                                 "--checkpoint=FOLDER/from.safetensors");
    assert_true(has_of("over", PROJ, "swin.pt", "backbone.patch_embed.proj.weight"));
    assert_true(has_of("over", WORD, "from.safetensors", WORD));
    assert_true(has_of("over", "fc.3.weight", "from.safetensors", "fc.3.weight"));
}

static void another_grid_is_refused_resized_or_taken_as_published(void **state)
{
    (void)state;
    const char *flags = "--dataset=wide --steps=1 --lr=0 --size_img=96 --path_ckpt=FOLDER/from.pt";
    char with[200], path[256];
    corpus_add(&c, "wide", 1, (const char *[]){"........", NULL}, NULL);
    snprintf(path, sizeof path, "%s/vq_wide.pkl", c.data); /* tokens of the other grid */
    assert_int_equal(remove(path), 0);
    assert_fails(corpus_run(&c, "g0", flags),
                 "'enc_img.emb_pos' was learned on 2 x 2 patches, the model has 3 x 3");
    assert_false(corpus_has(&c, "g0", "last.safetensors"));
    snprintf(with, sizeof with, "%s --interpolate", flags);
    run_result r = corpus_run_ok(&c, "g1", with);
    assert_told(&r, "grid of 2 x 2 patches interpolated to 3 x 3");
    assert_false(has_of("g1", "enc_img.emb_pos", "from.pt", "enc_img.emb_pos"));
    snprintf(with, sizeof with, "%s --compat=violet1", flags);
    r = corpus_run_ok(&c, "g2", with);
    assert_told(&r, "as they stand, as published");
    assert_true(has_of("g2", "enc_img.emb_pos", "from.pt", "enc_img.emb_pos"));
    /* what was trained on a grid says so: it goes on there without being asked */
    corpus_run_ok(&c, "g3", "--dataset=wide --steps=1 --lr=0 --size_img=96 --strict "
                            "--path_ckpt=FOLDER/g1/last.safetensors");
}

static void more_frames_are_refused_or_made_when_asked(void **state)
{
    (void)state;
    corpus_add(&c, "long", 8, (const char *[]){"....", NULL}, NULL);
    const char *flags = "--dataset=long --steps=1 --lr=0 --checkpoint=FOLDER/from.pt";
    char with[200];
    assert_fails(corpus_run(&c, "f0", flags), "'enc_img.emb_len' is for 6 frames");
    snprintf(with, sizeof with, "%s --interpolate", flags);
    run_result r = corpus_run_ok(&c, "f1", with);
    assert_told(&r, "6 frames interpolated to 8");
    assert_true(has_of("f1", WORD, "from.pt", WORD));
    /* and what was saved is as large: it starts the next run without being asked */
    r = corpus_run_ok(&c, "f2", "--dataset=long --steps=1 --lr=0 --strict "
                                "--checkpoint=FOLDER/f1/last.safetensors");
    corpus_run_ok(&c, "f3", "--dataset=long --steps=1"); /* fresh weights need no asking */
    /* videos of fewer frames use the first rows, if the model is as large as the file says */
    assert_fails(corpus_run(&c, "f4", ONE "--checkpoint=FOLDER/f1/last.safetensors"), "--config");
    corpus_run_ok(&c, "f5", ONE "--strict --config=FOLDER/f1/last.safetensors "
                                "--checkpoint=FOLDER/f1/last.safetensors");
    assert_true(has_of("f5", "enc_img.emb_len", "f1/last.safetensors", "enc_img.emb_len"));
}

/* Resumed, a run of resized tables is the same to the last byte. */
static void a_run_of_other_sizes_goes_on(void **state)
{
    (void)state;
    char path[256];
    corpus_add(&c, "large", 8, (const char *[]){"........", NULL}, NULL);
    snprintf(path, sizeof path, "%s/vq_large.pkl", c.data); /* tokens of the other grid */
    assert_int_equal(remove(path), 0);
#define LARGE "--dataset=large --size_img=96 --interpolate --checkpoint=FOLDER/from.pt "
    corpus_run_ok(&c, "lw", LARGE "--steps=3");
    corpus_run_ok(&c, "lc", LARGE "--steps=2");
    corpus_run_ok(&c, "lc", LARGE "--steps=3 --resume");
    corpus_same(&c, "lw", "lc", "steps.jsonl");
    corpus_same(&c, "lw", "lc", "last.safetensors");
    assert_fails(corpus_run(&c, "lc", "--dataset=large --size_img=64 --interpolate --steps=4 "
                                      "--checkpoint=FOLDER/from.pt --resume"), "size_img");
}

static void strict_means_to_the_last_tensor(void **state)
{
    (void)state;
    write_parts();
    assert_fails(corpus_run(&c, "s0", ONE "--strict --checkpoint=FOLDER/swin.pt"), "--strict: '");
    assert_false(corpus_has(&c, "s0", "last.safetensors"));
    run_result r = corpus_run_ok(&c, "s1", ONE "--strict --init-video=FOLDER/swin.pt");
    if (r.n_warnings) fail_msg("%s", r.first_warning);
    r = corpus_run_ok(&c, "s2", ONE "--checkpoint=FOLDER/swin.pt");
    assert_true(r.n_warnings > 0); /* most of the model is missing */
}

/* Files are looked at once, at the start: a run goes on when they are gone. */
static void a_run_goes_on_without_its_files(void **state)
{
    (void)state;
    char from[200], gone[200];
    corpus_checkpoint(&c, "once.pt", 0.75);
    corpus_run_ok(&c, "whole", "--dataset=vid --steps=4 --checkpoint=FOLDER/once.pt");
    corpus_run_ok(&c, "cut", "--dataset=vid --steps=2 --checkpoint=FOLDER/once.pt");
    snprintf(from, sizeof from, "%s/once.pt", c.folder);
    snprintf(gone, sizeof gone, "%s/once.gone", c.folder);
    assert_int_equal(rename(from, gone), 0);
    corpus_run_ok(&c, "cut", "--dataset=vid --steps=4 --checkpoint=FOLDER/once.pt --resume");
    corpus_same(&c, "whole", "cut", "steps.jsonl");
    corpus_same(&c, "whole", "cut", "last.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_starts_from_pytorchs_file),
        cmocka_unit_test(parts_stand_for_themselves),
        cmocka_unit_test(a_swin_of_pictures_is_a_start),
        cmocka_unit_test(parts_go_over_the_whole),
        cmocka_unit_test(another_grid_is_refused_resized_or_taken_as_published),
        cmocka_unit_test(more_frames_are_refused_or_made_when_asked),
        cmocka_unit_test(a_run_of_other_sizes_goes_on),
        cmocka_unit_test(strict_means_to_the_last_tensor),
        cmocka_unit_test(a_run_goes_on_without_its_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
