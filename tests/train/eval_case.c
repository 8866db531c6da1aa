/* See eval_case.h. */
#include "eval_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after its four headers */
#include <cmocka.h>

#include "base/file.h"
#include "data/dataset.h"
#include "model/checkpoint.h"
#include "model/load.h"

enum { SIDE = 64, X = 8, PATCHES = 4 };

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

/* ---- what is evaluated ----------------------------------------------------------------------- */

/* Drawn weights are so small that scores are all alike: makes them larger, but for norms. */
static void scale(vl_model *m, const vl_param *p, bool constant)
{
    real *x = vl_param_weights(&m->params, p);
    bool head = strncmp(p->name, "fc.", 3) == 0, encoder = strstr(p->name, "trsfr") != NULL;
    for (size_t k = 0; k < p->count; k++)
        if (head) x[k] *= constant ? 0 : 20;
        else if (encoder && x[k] != 1) x[k] *= 8;
}

void eval_checkpoint(const corpus *c, const char *name, const eval_weights *w)
{
    char path[256];
    vl_config config;
    vl_model m;
    const char *extra[] = {"task", w->task};
    snprintf(path, sizeof path, "%s/model.json", c->folder);
    ok(vl_config_find(&config, path));
    if (w->size_answer) config.size_answer = w->size_answer;
    if (w->size_vocab) config.size_vocab = w->size_vocab;
    ok(vl_model_init(&m, &config, w->heads, 1, 0));
    vl_params_draw(&m.params, w->seed ? w->seed : 3);
    for (int i = 0; i < m.params.n; i++) scale(&m, &m.params.list[i], w->constant);
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    ok(vl_checkpoint_write(path, &m, 0, extra, w->task ? 1 : 0));
    vl_model_release(&m);
}

void eval_items(const corpus *c, const char *name, const char *text)
{
    char path[100];
    snprintf(path, sizeof path, "data/txt_%s.json", name);
    corpus_write(c, path, text);
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct watch {
    eval_outcome *r;
    int stop_after;
    volatile sig_atomic_t stop;
} watch;

static void note(void *user, const violet_event *e)
{
    watch *w = user;
    size_t n = strlen(w->r->told);
    if (e->kind == VIOLET_EVENT_ITEM) {
        assert_true(e->step <= e->n_steps);
        if (strcmp(e->text, "pairs") != 0) /* of a first stage */
            assert_string_equal(e->text, "videos");
        if (++w->r->n_items == w->stop_after) w->stop = 1;
        return;
    }
    w->r->n_warnings += e->kind == VIOLET_EVENT_WARNING;
    snprintf(w->r->told + n, sizeof w->r->told - n, "%s\n", e->text);
}

/* Sets options of "--NAME=VALUE ..."; FOLDER stands for the corpus' folder. */
static void set_flags(violet_options *o, const corpus *c, const char *flags)
{
    char *text = strdup(flags), *save = NULL, value[512];
    for (char *s = strtok_r(text, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
        char *is = strchr(s, '='), *at;
        assert_true(strncmp(s, "--", 2) == 0 && is);
        *is++ = 0;
        at = strstr(is, "FOLDER");
        snprintf(value, sizeof value, "%.*s%s%s", at ? (int)(at - is) : (int)strlen(is), is,
                 at ? c->folder : "", at ? at + 6 : "");
        if (violet_options_set(o, s + 2, value) != VIOLET_OK)
            fail_msg("%s: %s", s, violet_error());
    }
    free(text);
}

eval_outcome eval_run(const corpus *c, const char *output, const char *args, int stop_after,
                      const char *flags)
{
    eval_outcome r = {0};
    watch w = {.r = &r, .stop_after = stop_after};
    violet_hooks hooks = {.user = &w, .event = note, .stop = &w.stop};
    violet_options *o;
    char common[1024], *text = NULL;
    snprintf(common, sizeof common,
             "--data=%s --dataset=a --split=train --vocab=FOLDER/vocab.txt --size_img=%d "
             "--size_txt=%d --threads=1", c->data, SIDE, X);
    ok(violet_options_new(&o, "eval"));
    if (args) ok(violet_options_load(o, args));
    else set_flags(o, c, common);
    snprintf(common, sizeof common, "--output=%s%s", *output ? "FOLDER/" : "", output);
    set_flags(o, c, common);
    set_flags(o, c, flags);
    r.status = violet_eval(&text, o, VIOLET_INFO_JSON, &hooks);
    if (r.status != VIOLET_OK) {
        assert_null(text);
        snprintf(r.error, sizeof r.error, "%s", violet_error());
    }
    violet_options_free(o);
    r.result = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (text && !r.result) fail_msg("no JSON: %s", text);
    violet_text_free(text);
    return r;
}

eval_outcome eval_ok(const corpus *c, const char *output, const char *flags)
{
    eval_outcome r = eval_run(c, output, NULL, 0, flags);
    if (r.status != VIOLET_OK) fail_msg("%s: %s", flags, r.error);
    return r;
}

void eval_fails(const corpus *c, violet_status status, const char *error, const char *flags)
{
    eval_outcome r = eval_run(c, "wrong", NULL, 0, flags);
    if (r.status != status || !strstr(r.error, error))
        fail_msg("%s: status %d, '%s', expected %d, '%s'", flags, r.status, r.error, status, error);
    eval_outcome_release(&r);
}

void eval_outcome_release(eval_outcome *r)
{
    json_decref(r->result);
    r->result = NULL;
}

const json_t *eval_metric_json(const eval_outcome *r, const char *name)
{
    const json_t *m = json_object_get(json_object_get(r->result, "metrics"), name);
    if (!m) fail_msg("no metric '%s'", name);
    return m;
}

double eval_metric_of(const eval_outcome *r, const char *name)
{
    return json_number_value(json_object_get(eval_metric_json(r, name), "value"));
}

json_t *eval_lines(const corpus *c, const char *name)
{
    size_t n;
    char path[256], *text;
    json_t *list = json_array();
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    ok(vl_file_read(&text, &n, path, 1 << 24));
    assert_true(n > 0 && text[n - 1] == '\n');
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_t *o = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        if (!o) fail_msg("%s: no JSON: %.*s", name, (int)(end - line), line);
        json_array_append_new(list, o);
    }
    free(text);
    return list;
}

/* ---- the model, asked directly --------------------------------------------------------------- */

typedef struct direct {
    vl_model m;
    vl_device *device;
    vl_tape t;
    vl_swin_plan plan;
    vl_wordpiece *wordpiece;
    vl_dataset *set; /* pretraining's: pictures by record */
    vl_scratch *scratch;
    uint8_t image[2 * 3 * SIDE * SIDE];
} direct;

static void open_direct(direct *d, const corpus *c, const char *checkpoint, int heads)
{
    char path[256];
    vl_load_report report = {0};
    vl_config config;
    snprintf(path, sizeof path, "%s/%s", c->folder, checkpoint);
    ok(vl_config_find(&config, path));
    ok(vl_model_init(&d->m, &config, heads, 0, 0));
    ok(vl_load(&d->m.params, &config, path, &(vl_load_options){0}, &report));
    vl_load_report_release(&report);
    d->device = vl_backend_ref()->open(1);
    ok(vl_tape_init(&d->t, vl_backend_ref(), d->device, 0));
    ok(vl_swin_plan_init(&d->plan, &config.video, 1, 2, SIDE, SIDE));
    snprintf(path, sizeof path, "%s/vocab.txt", c->folder);
    ok(vl_wordpiece_open(&d->wordpiece, path));
    vl_dataset_options o = {.folder = c->data, .name = "a", .split = "train", .size_img = SIDE,
                            .size_txt = X, .no_tokens = true, .wordpiece = d->wordpiece};
    ok(vl_dataset_open(&d->set, &o));
    ok(vl_scratch_new(&d->scratch, d->set));
}

static void close_direct(direct *d)
{
    vl_scratch_free(d->scratch);
    vl_dataset_close(d->set);
    vl_wordpiece_free(d->wordpiece);
    vl_swin_plan_release(&d->plan);
    vl_tape_release(&d->t);
    vl_backend_ref()->close(d->device);
    vl_model_release(&d->m);
    free(d);
}

/* The pictures of a video: "v7" is record 7. */
static void read_video(direct *d, const char *id)
{
    int32_t ids[X], n_text[1];
    vl_bad why;
    vl_sample s = {.image = d->image, .text = ids, .n_text = n_text};
    ok(vl_dataset_read(&s, &why, d->set, 0, strtoul(id + 1, NULL, 10), 0, d->scratch));
    assert_string_equal(s.id, id);
}

void eval_direct(double *score, const corpus *c, const char *checkpoint, int heads,
                 const char *const *id, const char *const *text, const int *at, int n)
{
    direct *d = calloc(1, sizeof *d);
    open_direct(d, c, checkpoint, heads);
    for (int i = 0; i < n; i++) {
        int32_t ids[X];
        int n_whole, zero = 0, Ni = 2 * (1 + PATCHES), row = Ni + (at ? at[i] : 0);
        uint8_t mask[X];
        vl_wordpiece_encode(d->wordpiece, ids, X, text[i], &n_whole);
        for (int k = 0; k < X; k++) mask[k] = k < n_whole;
        read_video(d, id[i]);
        vl_tape_reset(&d->t, 0, 0);
        d->t.grad_on = d->t.training = 0;
        vl_tensor *image = vl_model_image(&d->t, &d->m, &d->plan, d->image);
        vl_tensor *tokens = vl_model_text(&d->t, &d->m, ids, 1, X);
        vl_pairs pairs = {1, &zero, &zero, 1, 1, Ni, X, mask};
        vl_bert_batch batch;
        vl_tensor *x = vl_model_pair(&d->t, &pairs, image, tokens, &batch);
        x = vl_bert_encode(&d->t, d->m.layers, d->m.config.ct_layers, &batch, x);
        x = vl_gather(&d->t, x, NULL, (vl_index){&row, NULL, 1, 1});
        x = vl_mlp_head_forward(&d->t, &d->m.fc, x);
        ok(vl_tape_status(&d->t));
        for (int k = 0; k < x->cols; k++) score[i * x->cols + k] = (double)x->x[k];
    }
    close_direct(d);
}

/* ---- three tasks ---------------------------------------------------------------------------- */

const char *const video_of[CAPTIONS] = {"v0", "v1", "v0", "v2", "v4",
                                        "v5", "v6", "v0", "v3", "v9"};
const char *const caption[CAPTIONS] = {
    "red cat runs", "blue dog", "cat here", "green bird flies there now", "blue dog",
    "red", "dog sits here now", "now now now", "bird", "green"};
const char *const scored[VIDEOS] = {"v0", "v1", "v2", "v4", "v5", "v6"};

/* first: in place of item 0's caption. */
static void write_retrieval(const corpus *c, const char *name, const char *first)
{
    char text[2048] = "{\"train\": [";
    for (int i = 0; i < CAPTIONS; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{\"video\": \"%s\", \"caption\": \"%s\"}", i ? ", " : "", video_of[i],
                 i ? caption[i] : first);
    strcat(text, "]}");
    eval_items(c, name, text);
}

const char *const asked_of[ASKED] = {"v0", "v0", "v1", "v2", "v4", "v5", "v3"};
const char *const question[ASKED] = {"what runs here", "what runs there", "who [MASK] now",
                                     "what runs here", "who sits [MASK]", "what is red",
                                     "what now"};
const char *const option[OPTIONS] = {"red cat", "dog", "blue bird flies"};
const int n_options[ASKED] = {3, 2, 3, 3, 2, 3, 3}, right[ASKED] = {0, 1, 2, 1, 0, -1, 0};
const char *const words[WORDS] = {"cat", "dog", "bird", "here"};

static void write_questions(const corpus *c)
{
    char mc[4096] = "{\"train\": [", oe[4096] = "{\"train\": [";
    for (int i = 0; i < ASKED; i++) {
        snprintf(mc + strlen(mc), sizeof mc - strlen(mc),
                 "%s{\"video\": \"%s\", \"question\": \"%s\", \"answer\": %d", i ? ", " : "",
                 asked_of[i], question[i], right[i]);
        for (int k = 0; k < n_options[i]; k++)
            snprintf(mc + strlen(mc), sizeof mc - strlen(mc), ", \"option_%d\": \"%s\"", k,
                     option[k]);
        strcat(mc, "}");
        snprintf(oe + strlen(oe), sizeof oe - strlen(oe),
                 "%s{\"video\": \"%s\", \"question\": \"%s\", \"answer\": \"%s\"}", i ? ", " : "",
                 asked_of[i], question[i], right[i] < 0 ? "elsewhere" : words[right[i]]);
    }
    strcat(mc, "]}");
    strcat(oe, "], \"vocab\": [\"cat\", \"dog\", \"bird\", \"here\"]}");
    eval_items(c, "mc", mc);
    eval_items(c, "oe", oe);
}

void eval_corpus_open(corpus *c)
{
    corpus_open(c);
    corpus_add(c, "a", 2, (const char *[]){"...j....", NULL}, NULL);
    eval_checkpoint(c, "m.safetensors", &(eval_weights){.heads = VL_HEAD_MATCH});
    eval_checkpoint(c, "other.safetensors", &(eval_weights){.heads = VL_HEAD_MATCH, .seed = 4});
    eval_checkpoint(c, "flat.safetensors",
                    &(eval_weights){.heads = VL_HEAD_MATCH, .constant = true});
    eval_checkpoint(c, "a.safetensors", &(eval_weights){.heads = VL_HEAD_ANSWER});
    write_retrieval(c, "t", caption[0]);
    write_retrieval(c, "u", "red dog runs"); /* a word is another one */
    write_questions(c);
}

bool eval_near(double a, double b)
{
    return fabs(a - b) <= 1e-4 * (1 + fabs(b));
}

double eval_told(const json_t *lines, const char *video, const char *text)
{
    size_t i, k;
    json_t *line, *x;
    json_array_foreach(lines, i, line) {
        const char *q = json_string_value(json_object_get(line, "caption"));
        if (!q || strcmp(q, text) != 0) continue;
        json_array_foreach(json_object_get(line, "top"), k, x)
            if (strcmp(json_string_value(json_object_get(x, "video")), video) == 0)
                return json_number_value(json_object_get(x, "score"));
    }
    fail_msg("no score of %s with '%s'", video, text);
    return 0;
}
