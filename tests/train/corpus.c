/* See corpus.h. */
#include "corpus.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* after its four headers */
#include <cmocka.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/file.h"
#include "file/pickle.h"
#include "media/picture.h"
#include "model/checkpoint.h"

#define GRID 2 /* 64 pixels */
#define CODES 16

static const char *const words[] = {"red", "green", "blue", "cat", "dog", "bird", "runs", "sits",
                                    "flies", "here", "there", "now"};
enum { N_WORDS = sizeof words / sizeof *words };

void corpus_write(const corpus *c, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f)) fail_msg("cannot write %s", path);
}

void corpus_items(const corpus *c, const char *name, const char *const *splits, corpus_put *put,
                  const void *user)
{
    vl_buf b = {0};
    char path[64], entry[400];
    violet_status status = vl_buf_puts(&b, "{");
    for (int s = 0; splits[s]; s++) {
        status |= vl_buf_printf(&b, "%s\"%s\": [", s ? ", " : "", splits[s]);
        for (int i = 0; put(entry, sizeof entry, splits[s], i, user); i++)
            status |= vl_buf_printf(&b, "%s{%s}", i ? ", " : "", entry);
        status |= vl_buf_puts(&b, "]");
    }
    status |= vl_buf_puts(&b, "}\n");
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
    snprintf(path, sizeof path, "data/txt_%s.json", name);
    corpus_write(c, path, b.data);
    vl_buf_free(&b);
}

void corpus_open(corpus *c)
{
    char text[512] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    strcpy(c->folder, "/tmp/vl_train_XXXXXX");
    if (!mkdtemp(c->folder)) fail_msg("mkdtemp");
    snprintf(c->data, sizeof c->data, "%s/data", c->folder);
    mkdir(c->data, 0777);
    for (int i = 0; i < N_WORDS; i++) {
        strcat(text, words[i]);
        strcat(text, "\n");
    }
    corpus_write(c, "vocab.txt", text);
    corpus_write(c, "model.json",
               "{\"embed_dim\": 8, \"depths\": [1, 1, 1, 1], \"heads\": [1, 1, 2, 2],\n"
               " \"window\": [2, 4, 4], \"drop_path\": 0.1, \"hidden\": 64, \"ct_layers\": 1,\n"
               " \"ct_heads\": 2, \"ct_mlp\": 64, \"size_vocab\": 17, \"size_code\": 16,\n"
               " \"grid\": [2, 2],"
               " \"size_answer\": 4, \"drop\": 0.1}\n");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void corpus_close(corpus *c)
{
    nftw(c->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- data ----------------------------------------------------------------------------------- */

char *corpus_picture(int video, int frame)
{
    enum { SIDE = 64 };
    static uint8_t rgb[SIDE * SIDE * 3];
    vl_picture p = {SIDE, SIDE, rgb};
    vl_buf jpeg = {0};
    for (int i = 0; i < SIDE * SIDE; i++) {
        int square = i / SIDE / 16 * 4 + i % SIDE / 16;
        for (int k = 0; k < 3; k++) {
            int level = (video * 67 + square * (29 + 18 * k) + frame * 11) % 200;
            rgb[3 * i + k] = (uint8_t)(40 + level);
        }
    }
    if (vl_jpeg_encode(&jpeg, &p, 75) != VIOLET_OK) fail_msg("%s", violet_error());
    size_t n = vl_base64_encoded(jpeg.n);
    char *text = malloc(n + 1);
    vl_base64_encode(text, (const uint8_t *)jpeg.data, jpeg.n);
    text[n] = 0;
    vl_buf_free(&jpeg);
    return text;
}

static void put_frames(FILE *tsv, int video, char kind, int T)
{
    for (int t = 0; t < T - (kind == 'f'); t++) {
        char *text = corpus_picture(video, t);
        if (kind == 'j') memset(text + 40, 'A', strlen(text) - 40);
        if (kind == 'b') text[20] = '!';
        fprintf(tsv, "\t%s", text);
        free(text);
    }
    if (kind != 'e') fputc('\n', tsv);
}

static void put_tokens(vl_pickle_writer *vq, const char *id, int video, char kind, int T)
{
    int16_t tokens[(VL_FRAMES_MOST + 1) * GRID * GRID];
    int64_t shape[3] = {T, GRID, kind == 's' ? GRID - 1 : GRID};
    for (int i = 0; i < T * GRID * GRID; i++) tokens[i] = (int16_t)((video * 5 + i * 3) % CODES);
    if (kind != 'v' && vl_pickle_put_i16(vq, id, tokens, shape, 3) != VIOLET_OK)
        fail_msg("%s", violet_error());
}

/* One tsv with its index; the captions of its videos go to txt. Videos count on from *video. */
static void put_part(const corpus *c, const char *name, const char *records, int T, FILE *txt,
                     vl_pickle_writer *vq, int *video)
{
    char path[256], id[40];
    snprintf(path, sizeof path, "%s/%s.tsv", c->data, name);
    FILE *tsv = fopen(path, "w");
    snprintf(path, sizeof path, "%s/%s.lineidx", c->data, name);
    FILE *index = fopen(path, "w");
    if (!tsv || !index) fail_msg("cannot write %s", path);
    const char *between = "";
    for (const char *kind = records; *kind; kind++, ++*video) {
        int v = *video;
        snprintf(id, sizeof id, "v%d", v);
        fprintf(index, "%ld\n", ftell(tsv));
        fputs(id, tsv);
        put_frames(tsv, v, *kind, T);
        put_tokens(vq, id, v, *kind, T);
        if (*kind == 'c') continue;
        fprintf(txt, "%s\"%s\": [\"%s %s %s %s %s\", \"%s %s\"]", between, id, words[v % 3],
                words[3 + v / 3 % 3], words[6 + v / 9 % 3], words[9 + v / 27 % 3], words[v % 3],
                words[v % 12], words[v % 7]);
        between = ", ";
    }
    fclose(tsv);
    fclose(index);
}

void corpus_add(const corpus *c, const char *name, int T, const char *const *parts,
                const char *valid)
{
    char path[256];
    vl_pickle_writer *vq;
    int video = 0;
    snprintf(path, sizeof path, "%s/vq_%s.pkl", c->data, name);
    if (vl_pickle_create(&vq, path) != VIOLET_OK) fail_msg("%s", violet_error());
    snprintf(path, sizeof path, "%s/txt_%s.json", c->data, name);
    FILE *txt = fopen(path, "w");
    if (!txt) fail_msg("cannot write %s", path);
    fputs("{\"train\": {\"none\": [\"red\"]", txt);
    for (int p = 0; parts[p]; p++) {
        snprintf(path, sizeof path, "img_%s_train_%d", name, p);
        fputs(strcspn(parts[p], ".jbvsfe") < strlen(parts[p]) ? ", " : "", txt);
        put_part(c, path, parts[p], T, txt, vq, &video);
    }
    fputs("}, \"val\": {", txt);
    snprintf(path, sizeof path, "img_%s_val", name);
    if (valid) put_part(c, path, valid, T, txt, vq, &video);
    fputs("}}\n", txt);
    fclose(txt);
    if (vl_pickle_finish(vq) != VIOLET_OK) fail_msg("%s", violet_error());
}

void corpus_add_videos(const corpus *c, const char *name, int n, int T, const char *kinds)
{
    char path[256];
    snprintf(path, sizeof path, "%s/img_%s.tsv", c->data, name);
    FILE *tsv = fopen(path, "w");
    snprintf(path, sizeof path, "%s/img_%s.lineidx", c->data, name);
    FILE *index = fopen(path, "w");
    if (!tsv || !index) fail_msg("cannot write %s", path);
    for (int v = 0; v < n; v++) {
        fprintf(index, "%ld\n", ftell(tsv));
        fprintf(tsv, "v%d", v);
        put_frames(tsv, 75 * v, kinds ? kinds[v] : '.', T); /* 25 levels from one to the next */
    }
    fclose(tsv);
    fclose(index);
}

void corpus_checkpoint(const corpus *c, const char *name, double value)
{
    char path[256];
    vl_config config;
    vl_model m;
    snprintf(path, sizeof path, "%s/model.json", c->folder);
    if (vl_config_find(&config, path) != VIOLET_OK ||
        vl_model_init(&m, &config, VL_HEADS_PRETRAIN, 1, 0) != VIOLET_OK)
        fail_msg("%s", violet_error());
    vl_params_draw(&m.params, 3);
    vl_param_weights(&m.params, vl_params_find(&m.params, "fc.3.weight"))[5] = (real)value;
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    if (vl_checkpoint_write(path, &m, 0, NULL, 0) != VIOLET_OK) fail_msg("%s", violet_error());
    vl_model_release(&m);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void set_options(const vl_option *table, void *o, const corpus *c, const char *output,
                        const char *flags)
{
    char text[2048], path[4][512], *argv[80], *save = NULL;
    int n = 0, n_rest, n_paths = 0;
    snprintf(text, sizeof text,
             "--data=%s --vocab=%s/vocab.txt --config=%s/model.json --output=%s/%s --size_img=64 "
             "--size_txt=8 --size_batch=4 --size_epoch=2 --lr=1e-3 --threads=1 --workers=0 "
             "--save_seconds=0 %s",
             c->data, c->folder, c->folder, c->folder, output, flags);
    for (char *s = strtok_r(text, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
        char *at = strstr(s, "FOLDER/");
        argv[n++] = s;
        if (!at) continue;
        assert_true(n_paths < 4);
        argv[n - 1] = path[n_paths++];
        snprintf(argv[n - 1], sizeof *path, "%.*s%s%s", (int)(at - s), s, c->folder, at + 6);
    }
    if (vl_option_defaults(table, o) != VIOLET_OK ||
        vl_option_args(table, o, n, argv, argv, &n_rest) != VIOLET_OK)
        fail_msg("%s: %s", flags, violet_error());
    assert_int_equal(n_rest, 0);
}

void corpus_options(vl_pretrain_options *o, const corpus *c, const char *output, const char *flags)
{
    memset(o, 0, sizeof *o);
    set_options(vl_pretrain_option_table, o, c, output, flags);
}

/* When a run is to be stopped. */
typedef struct stopper {
    run_result r;
    int after;
    volatile sig_atomic_t stop;
} stopper;

static void note_event(void *user, const violet_event *e)
{
    stopper *s = user;
    run_result *r = &s->r;
    const char *bad;
    switch (e->kind) {
    case VIOLET_EVENT_ITEM: /* of long validations */
        if (s->after < 0 && r->n_valid == -s->after - 1 && e->step * 2 > e->n_steps) s->stop = 1;
        break;
    case VIOLET_EVENT_STEP:
        if (r->n_steps++ == 0) r->first_loss = e->loss;
        r->last_loss = e->loss;
        if (r->n_steps == s->after) s->stop = 1;
        break;
    case VIOLET_EVENT_VALID:
        r->n_valid++;
        memcpy(r->accuracy, e->accuracy, sizeof r->accuracy);
        memcpy(r->loss_of, e->loss_of, sizeof r->loss_of);
        memcpy(r->metric, e->metric, sizeof r->metric);
        break;
    case VIOLET_EVENT_TEST:
        r->n_test++;
        memcpy(r->test, e->metric, sizeof r->test);
        break;
    case VIOLET_EVENT_MESSAGE:
        r->n_messages++;
        if (strlen(r->told) + strlen(e->text) + 2 < sizeof r->told) {
            strcat(r->told, e->text);
            strcat(r->told, "\n");
        }
        bad = strstr(e->text, " bad samples");
        while (bad && bad > e->text && bad[-1] != ' ') bad--;
        if (bad) r->n_bad = strtoull(bad, NULL, 10);
        break;
    case VIOLET_EVENT_WARNING:
        if (r->n_warnings++ == 0)
            snprintf(r->first_warning, sizeof r->first_warning, "%s", e->text);
        snprintf(r->last_warning, sizeof r->last_warning, "%s", e->text);
        break;
    }
}

run_result corpus_run(const corpus *c, const char *output, const char *flags)
{
    stopper s = {.after = 0};
    violet_hooks hooks = {.user = &s, .event = note_event};
    vl_pretrain_options o;
    corpus_options(&o, c, output, flags);
    s.r.status = vl_pretrain_run(&o, &hooks);
    snprintf(s.r.error, sizeof s.r.error, "%s", violet_error());
    vl_option_release(vl_pretrain_option_table, &o);
    return s.r;
}

run_result corpus_run_ok(const corpus *c, const char *output, const char *flags)
{
    run_result r = corpus_run(c, output, flags);
    if (r.status != VIOLET_OK) fail_msg("%s: %s", flags, r.error);
    return r;
}

void corpus_finetune_options(vl_finetune_options *o, const corpus *c, const char *output,
                             const char *flags)
{
    memset(o, 0, sizeof *o);
    set_options(vl_finetune_option_table, o, c, output, flags);
}

run_result corpus_finetune(const corpus *c, const char *output, const char *flags, int stop_after)
{
    stopper s = {.after = stop_after};
    violet_hooks hooks = {.user = &s, .event = note_event, .stop = &s.stop};
    vl_finetune_options o;
    corpus_finetune_options(&o, c, output, flags);
    s.r.status = vl_finetune_run(&o, &hooks);
    snprintf(s.r.error, sizeof s.r.error, "%s", violet_error());
    vl_option_release(vl_finetune_option_table, &o);
    return s.r;
}

run_result corpus_finetune_ok(const corpus *c, const char *output, const char *flags)
{
    run_result r = corpus_finetune(c, output, flags, 0);
    if (r.status != VIOLET_OK) fail_msg("%s: %s", flags, r.error);
    return r;
}

/* ---- what a run leaves ---------------------------------------------------------------------- */

bool corpus_has(const corpus *c, const char *output, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/%s", c->folder, output, name);
    return vl_file_exists(path);
}

char *corpus_read(size_t *n, const corpus *c, const char *output, const char *name)
{
    char path[256], *data;
    snprintf(path, sizeof path, "%s/%s/%s", c->folder, output, name);
    if (vl_file_read(&data, n, path, 1 << 28) != VIOLET_OK) fail_msg("%s", violet_error());
    return data;
}

json_t *corpus_json(const corpus *c, const char *output, const char *name)
{
    size_t n;
    json_error_t e;
    char *text = corpus_read(&n, c, output, name);
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!object) fail_msg("%s: %s\n%s", name, e.text, text);
    free(text);
    return object;
}

json_t *corpus_steps(const corpus *c, const char *output)
{
    size_t n;
    json_error_t e;
    char *text = corpus_read(&n, c, output, "steps.jsonl");
    json_t *list = json_array();
    assert_true(n > 0 && strlen(text) == n && text[n - 1] == '\n');
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_t *step = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &e);
        if (!step) fail_msg("steps.jsonl: %s: %.*s", e.text, (int)(end - line), line);
        json_array_append_new(list, step);
    }
    free(text);
    return list;
}

void corpus_same(const corpus *c, const char *a, const char *b, const char *name)
{
    size_t n_a, n_b, i = 0;
    char *x = corpus_read(&n_a, c, a, name), *y = corpus_read(&n_b, c, b, name);
    while (i < n_a && i < n_b && x[i] == y[i]) i++;
    if (n_a != n_b || i < n_a)
        fail_msg("%s: %zu bytes in %s, %zu in %s, the first %zu are the same", name, n_a, a, n_b, b,
                 i);
    free(x);
    free(y);
}

void corpus_fails(run_result r, violet_status status, const char *part)
{
    if (r.status != status) fail_msg("status %d, expected %d: %s", r.status, status, r.error);
    if (!strstr(r.error, part)) fail_msg("'%s' does not say '%s'", r.error, part);
    assert_null(strchr(r.error, '\n'));
}

double corpus_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("no number '%s'", key);
    return json_number_value(value);
}

int corpus_count(const corpus *c, const char *output, const char *part_of_name)
{
    char path[256];
    int n = 0;
    snprintf(path, sizeof path, "%s/%s", c->folder, output);
    DIR *dir = opendir(path);
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.' && strstr(e->d_name, part_of_name) != NULL;
    closedir(dir);
    return n;
}
