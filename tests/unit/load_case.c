/* Files to be loaded, and what is expected of them; see load_case.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_case.h"
#include "make_data.h"

char folder[64], path[128];
vl_model given, model;
real *before;
vl_load_report report;

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

int load_set_up(void **state)
{
    (void)state;
    return set_up_with(VL_HEADS_PRETRAIN);
}

int load_set_up_answers(void **state)
{
    (void)state;
    return set_up_with(VL_HEAD_ANSWER);
}

/* ---- files ----------------------------------------------------------------------------------- */

struct load_file file;

int load_tear_down(void **state)
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
float *put(const char *name, int n_dim, const int *shape, const real *x)
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

float *put_small(const char *name)
{
    return put(name, 1, (const int[]){3}, NULL);
}

/* A parameter of `given` under another name. */
float *put_param(const char *param, const char *name)
{
    const vl_param *e = vl_params_find(&given.params, param);
    if (!e) fail_msg("no '%s'", param);
    return put(name, e->n_dims, e->shape, vl_param_weights(&given.params, e));
}

/* All parameters that begin so, `begins` replaced. */
void put_all(const char *begins, const char *by)
{
    char name[200];
    for (int i = 0; i < given.params.n; i++) {
        const char *param = given.params.list[i].name;
        if (strncmp(param, begins, strlen(begins)) != 0) continue;
        snprintf(name, sizeof name, "%s%s", by, param + strlen(begins));
        put_param(param, name);
    }
}

size_t find_tensor(const char *name)
{
    for (size_t i = 0; i < file.n; i++)
        if (strcmp(file.names[i], name) == 0) return i;
    fail_msg("no '%s' in the file", name);
    return 0;
}

void rename_to(const char *name, const char *other)
{
    snprintf(file.names[find_tensor(name)], sizeof file.names[0], "%s", other);
}

/* Leaves a tensor out. */
void drop(const char *name)
{
    size_t i = find_tensor(name);
    free(file.x[i]);
    for (file.n--; i < file.n; i++) {
        file.list[i] = file.list[i + 1];
        file.x[i] = file.x[i + 1];
        memcpy(file.names[i], file.names[i + 1], sizeof file.names[0]);
        file.list[i].name = file.names[i];
    }
}

void write_file(const char *name)
{
    write_file_with(name, NULL, 0);
}

void write_file_with(const char *name, const char *const *metadata, size_t n_metadata)
{
    vl_tensors_plan plan = {
        .list = file.list, .n = file.n, .metadata = metadata, .n_metadata = n_metadata};
    vl_tensors_writer *w;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    violet_status status = vl_tensors_create(&w, path, &plan);
    for (size_t i = 0; i < file.n && status == VIOLET_OK; i++)
        status = vl_tensors_push(w, file.x[i],
                                 file.list[i].n * vl_dtype_bytes(file.list[i].dtype));
    if (status == VIOLET_OK) status = vl_tensors_finish(w);
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

const char *const formats[2] = {"file.safetensors", "file.pt"};

/* ---- loads ----------------------------------------------------------------------------------- */

violet_status load(const vl_load_options *o)
{
    vl_load_report_release(&report);
    memcpy(model.params.weights.base, before, model.params.weights.used);
    return vl_load(&model.params, &model.config, path, o, &report);
}

void load_ok_with(const vl_load_options *o)
{
    if (load(o) != VIOLET_OK) fail_msg("%s", violet_error());
}

void load_ok(vl_load_part part)
{
    const vl_load_options o = {.part = part};
    load_ok_with(&o);
}

void load_fails(const vl_load_options *o, violet_status status, const char *message)
{
    assert_int_equal(load(o), status);
    if (!strstr(violet_error(), message)) fail_msg("'%s' lacks '%s'", violet_error(), message);
    if (!strstr(violet_error(), path)) fail_msg("'%s' lacks the path", violet_error());
}

const vl_load_entry *find_entry(const char *name)
{
    for (size_t i = 0; i < report.n; i++)
        if (strcmp(report.list[i].name, name) == 0) return &report.list[i];
    fail_msg("no '%s' in the report", name);
    return NULL;
}

void expect(const char *name, vl_load_fate fate, const char *note)
{
    const vl_load_entry *e = find_entry(name);
    if (e->fate != fate) fail_msg("'%s' is %s", name, vl_load_fate_names[e->fate]);
    if (note && (!e->note || !strstr(e->note, note))) fail_msg("'%s': '%s'", name, e->note);
    if (!note && e->note) fail_msg("'%s': '%s'", name, e->note);
}

void expect_counts(size_t matched, size_t adapted, size_t missing, size_t misshapen,
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

const real *weights(const vl_model *m, const char *name)
{
    const vl_param *e = vl_params_find(&m->params, name);
    if (!e) fail_msg("no '%s'", name);
    return vl_param_weights(&m->params, e);
}

/* Every parameter is the given model's if the report says that it was matched, else as it was. */
void expect_values(void)
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

size_t n_of(const vl_model *m, const char *begins)
{
    size_t n = 0;
    for (int i = 0; i < m->params.n; i++)
        n += strncmp(m->params.list[i].name, begins, strlen(begins)) == 0;
    return n;
}
