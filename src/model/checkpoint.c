/* Checkpoints; see checkpoint.h. */
#include "model/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "file/tensors.h"
#include "model/config_infer.h"
#include "model/load_values.h"

static const char *const moment_prefix[2] = {"adam.m/", "adam.v/"};
enum { NAME_MOST = 256 };

/* The bias of the language head is its decoder's, too. */
static const struct {
    const char *name, *of;
} second_names[] = {
    {"fc_mtm.predictions.decoder.bias", "fc_mtm.predictions.bias"},
};
_Static_assert(sizeof second_names / sizeof *second_names == VL_CHECKPOINT_ALIASES, "");

/* The block a prefix belongs to: 0 weights, 1 first moments, 2 second. */
static const vl_arena *block_of(const vl_params *p, int kind)
{
    return kind == 0 ? &p->weights : kind == 1 ? &p->m : &p->v;
}

static real *values_of(const vl_params *p, int kind, const vl_param *e)
{
    return (real *)block_of(p, kind)->base + e->first;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Describes all tensors, `kinds` times the registry; the names are one allocation at *names. */
static vl_safetensor *describe(const vl_params *p, int kinds, char **names)
{
    vl_safetensor *list = calloc((size_t)kinds * p->n, sizeof *list);
    char *name = *names = malloc((size_t)kinds * p->n * NAME_MOST);
    if (!list || !name) {
        free(list);
        return NULL;
    }
    for (int kind = 0; kind < kinds; kind++)
        for (int i = 0; i < p->n; i++, name += NAME_MOST) {
            const vl_param *e = &p->list[i];
            vl_safetensor *s = &list[(size_t)kind * p->n + i];
            snprintf(name, NAME_MOST, "%s%s", kind ? moment_prefix[kind - 1] : "", e->name);
            s->name = name;
            s->dtype = sizeof(real) == 4 ? VL_DT_F32 : VL_DT_F64;
            s->n_dim = e->n_dims;
            for (int k = 0; k < e->n_dims; k++) s->shape[k] = e->shape[k];
            s->n = e->count;
        }
    return list;
}

size_t vl_checkpoint_aliases(vl_tensors_alias *aliases, const vl_params *p)
{
    size_t n = 0;
    for (int k = 0; k < VL_CHECKPOINT_ALIASES; k++) {
        const vl_param *e = vl_params_find(p, second_names[k].of);
        if (e) aliases[n++] = (vl_tensors_alias){second_names[k].name, (size_t)(e - p->list)};
    }
    return n;
}

static violet_status push_all(vl_tensors_writer *w, const vl_params *p, int kinds)
{
    violet_status status = VIOLET_OK;
    for (int kind = 0; kind < kinds; kind++)
        for (int i = 0; i < p->n && status == VIOLET_OK; i++)
            status = vl_tensors_push(w, values_of(p, kind, &p->list[i]),
                                     p->list[i].count * sizeof(real));
    return status;
}

violet_status vl_checkpoint_write_params(const char *path, const vl_params *p, int with_moments,
                                         const char *const *metadata, size_t n_metadata)
{
    int kinds = with_moments ? 3 : 1;
    char *names = NULL;
    vl_safetensor *list = describe(p, kinds, &names);
    vl_tensors_alias aliases[VL_CHECKPOINT_ALIASES];
    vl_tensors_plan plan = {.list = list,
                            .n = (size_t)kinds * p->n,
                            .aliases = aliases,
                            .n_aliases = vl_checkpoint_aliases(aliases, p),
                            .metadata = metadata,
                            .n_metadata = n_metadata};
    vl_tensors_writer *w;
    violet_status status = list ? vl_tensors_create(&w, path, &plan) : vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    status = push_all(w, p, kinds);
    if (status == VIOLET_OK)
        status = vl_tensors_finish(w);
    else
        vl_tensors_abandon(w);
done:
    free(names);
    free(list);
    return status;
}

violet_status vl_checkpoint_write(const char *path, const vl_model *m, int with_moments,
                                  const char *const *extra, size_t n_extra)
{
    char *config = NULL;
    json_t *sizes = vl_config_save(&m->config);
    const char **metadata = calloc(2 * (n_extra + 1), sizeof *metadata);
    violet_status status = VIOLET_OK;
    if (sizes) config = json_dumps(sizes, JSON_COMPACT);
    if (!config || !metadata) {
        status = vl_err_nomem();
        goto done;
    }
    metadata[0] = "config";
    metadata[1] = config;
    for (size_t i = 0; i < 2 * n_extra; i++) metadata[2 + i] = extra[i];
    status = vl_checkpoint_write_params(path, &m->params, with_moments, metadata, n_extra + 1);
done:
    json_decref(sizes);
    free(config);
    free(metadata);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* What is to be read where, if all of it is there. */
static violet_status match(vl_values *v, const vl_params *p, const vl_tensors *f)
{
    char name[NAME_MOST];
    violet_status status = VIOLET_OK;
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < p->n && status == VIOLET_OK; i++) {
            const vl_param *e = &p->list[i];
            snprintf(name, sizeof name, "%s%s", kind ? moment_prefix[kind - 1] : "", e->name);
            const vl_stored *t = vl_tensors_find(f, name);
            if (!t || !vl_values_fit(e, t))
                return vl_err(VIOLET_ESHAPE,
                              "a training state must have every tensor, '%s' %s", name,
                              t ? "has another shape" : "is not there");
            status = vl_values_add(v, values_of(p, kind, e), t);
        }
    return status;
}

/* The weight's name that a tensor goes by. */
static const char *without_prefix(const char *name)
{
    for (int k = 0; k < 2; k++) {
        size_t n = strlen(moment_prefix[k]);
        if (strncmp(name, moment_prefix[k], n) == 0) return name + n;
    }
    for (int k = 0; k < VL_CHECKPOINT_ALIASES; k++)
        if (strcmp(name, second_names[k].name) == 0) return second_names[k].of;
    return name;
}

static violet_status nothing_else(const vl_params *p, const vl_tensors *f)
{
    for (size_t i = 0; i < vl_tensors_n(f); i++) {
        const char *name = vl_tensors_at(f, i)->name;
        if (!vl_params_find(p, without_prefix(name)))
            return vl_err(VIOLET_ESHAPE, "a training state of another model: '%.200s' is none of "
                                         "this one's", name);
    }
    return VIOLET_OK;
}

violet_status vl_checkpoint_read_state(vl_params *p, const char *path)
{
    vl_tensors *f;
    vl_values v = {0};
    violet_status status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    status = match(&v, p, f);
    if (status == VIOLET_OK) status = nothing_else(p, f);
    if (status == VIOLET_OK) status = vl_values_read(&v, f);
    vl_values_free(&v);
    vl_tensors_close(f);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

violet_status vl_checkpoint_metadata(char **out, const char *path, const char *key)
{
    vl_tensors *f;
    *out = NULL;
    violet_status status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    const char *value = vl_tensors_metadata(f, key);
    if (value && !(*out = strdup(value))) status = vl_err_nomem();
    vl_tensors_close(f);
    return status;
}

violet_status vl_checkpoint_config(vl_config *c, const char *path)
{
    vl_tensors *f;
    vl_buf assumed = {0};
    violet_status status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    status = vl_config_of(c, &assumed, f);
    if (status == VIOLET_OK && assumed.n)
        vl_log(VL_LOG_WARN, "%s has no configuration, and its shapes do not tell all; assumed: %s",
               path, assumed.data);
    vl_buf_free(&assumed);
    vl_tensors_close(f);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

static violet_status config_from_json(vl_config *c, const char *path)
{
    json_error_t e;
    json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (!object)
        return vl_err(VIOLET_EFORMAT, "%s line %d column %d: %s", path, e.line, e.column, e.text);
    violet_status status = vl_config_preset(c, "violet1");
    if (status == VIOLET_OK) status = vl_config_load(c, object, NULL);
    json_decref(object);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

violet_status vl_config_find(vl_config *c, const char *what)
{
    size_t n = strlen(what);
    if (vl_tensors_kind_of_name(what)) return vl_checkpoint_config(c, what);
    if (n > 5 && strcmp(what + n - 5, ".json") == 0) return config_from_json(c, what);
    return vl_config_preset(c, what);
}
