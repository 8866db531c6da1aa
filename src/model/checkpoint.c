/* Checkpoints; see checkpoint.h. */
#include "model/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "file/safetensors.h"

static const char *const moment_prefix[2] = {"adam.m/", "adam.v/"};

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
    const size_t most = 256;
    vl_safetensor *list = calloc((size_t)kinds * p->n, sizeof *list);
    char *name = *names = malloc((size_t)kinds * p->n * most);
    if (!list || !name) {
        free(list);
        return NULL;
    }
    for (int kind = 0; kind < kinds; kind++)
        for (int i = 0; i < p->n; i++, name += most) {
            const vl_param *e = &p->list[i];
            vl_safetensor *s = &list[(size_t)kind * p->n + i];
            snprintf(name, most, "%s%s", kind ? moment_prefix[kind - 1] : "", e->name);
            s->name = name;
            s->dtype = sizeof(real) == 4 ? VL_DT_F32 : VL_DT_F64;
            s->n_dim = e->n_dims;
            for (int k = 0; k < e->n_dims; k++) s->shape[k] = e->shape[k];
            s->n = e->count;
        }
    return list;
}

static violet_status push_all(vl_safetensors_writer *w, const vl_params *p, int kinds)
{
    violet_status status = VIOLET_OK;
    for (int kind = 0; kind < kinds; kind++)
        for (int i = 0; i < p->n && status == VIOLET_OK; i++)
            status = vl_safetensors_push(w, values_of(p, kind, &p->list[i]),
                                         p->list[i].count * sizeof(real));
    return status;
}

violet_status vl_checkpoint_write_params(const char *path, const vl_params *p, int with_moments,
                                         const char *const *metadata, size_t n_metadata)
{
    int kinds = with_moments ? 3 : 1;
    char *names = NULL;
    vl_safetensor *list = describe(p, kinds, &names);
    vl_safetensors_writer *w;
    violet_status status = list ? VIOLET_OK : vl_err_nomem();
    if (status == VIOLET_OK)
        status = vl_safetensors_create(&w, path, list, (size_t)kinds * p->n, metadata, n_metadata);
    if (status != VIOLET_OK) goto done;
    status = push_all(w, p, kinds);
    if (status == VIOLET_OK)
        status = vl_safetensors_finish(w);
    else
        vl_safetensors_abandon(w);
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

static int same_shape(const vl_param *e, const vl_safetensor *s)
{
    if (e->n_dims != s->n_dim) return 0;
    for (int i = 0; i < e->n_dims; i++)
        if (e->shape[i] != s->shape[i]) return 0;
    return 1;
}

static void copy_name(char to[128], const char *from)
{
    if (!to[0]) snprintf(to, 128, "%.127s", from);
}

/* Values of a tensor as real, one piece at a time through `piece`. to NULL: only checks them. */
static violet_status convert(real *to, const vl_safetensor *s)
{
    enum { PIECE = 4096 };
    float piece[PIECE];
    if (sizeof(real) == 8 && s->dtype == VL_DT_F64) {
        if (to) memcpy(to, s->data, s->n * sizeof *to);
        return VIOLET_OK;
    }
    for (size_t at = 0; at < s->n; at += PIECE) {
        size_t n = s->n - at < PIECE ? s->n - at : PIECE;
        vl_dtype_to_float(piece, s->data + at * vl_dtype_bytes(s->dtype), s->dtype, n);
        for (size_t i = 0; i < n; i++) {
            if (!isfinite(piece[i]))
                return vl_err(VIOLET_EFORMAT, "tensor '%s': value %zu is %f", s->name, at + i,
                              piece[i]);
            if (to) to[at + i] = piece[i];
        }
    }
    return VIOLET_OK;
}

/* Goes over the registry: checks (apply 0) or sets (apply 1) what the file gives. */
static violet_status match(vl_params *p, const vl_safetensors *f, int kinds, int apply,
                           vl_load_report *r)
{
    for (int kind = 0; kind < kinds; kind++)
        for (int i = 0; i < p->n; i++) {
            const vl_param *e = &p->list[i];
            char name[256];
            snprintf(name, sizeof name, "%s%s", kind ? moment_prefix[kind - 1] : "", e->name);
            const vl_safetensor *s = vl_safetensors_find(f, name);
            if (s && same_shape(e, s)) {
                violet_status status = convert(apply ? values_of(p, kind, e) : NULL, s);
                if (status != VIOLET_OK) return status;
                r->matched++;
                r->n_matched += kind ? 0 : e->count;
            } else if (s) {
                r->misshapen++;
                copy_name(r->first_misshapen, name);
            } else {
                r->missing++;
                copy_name(r->first_missing, name);
            }
        }
    return VIOLET_OK;
}

static void find_unexpected(const vl_params *p, const vl_safetensors *f, vl_load_report *r)
{
    for (size_t i = 0; i < vl_safetensors_n(f); i++) {
        const char *name = vl_safetensors_at(f, i)->name;
        if (strncmp(name, "adam.", 5) == 0 || vl_params_find(p, name)) continue;
        r->unexpected++;
        copy_name(r->first_unexpected, name);
    }
}

violet_status vl_checkpoint_read(vl_model *m, const char *path, int with_moments,
                                 vl_load_report *report)
{
    return vl_checkpoint_read_params(&m->params, path, with_moments, report);
}

violet_status vl_checkpoint_read_params(vl_params *p, const char *path, int with_moments,
                                        vl_load_report *report)
{
    vl_safetensors *f;
    vl_load_report again = {0};
    int kinds = with_moments ? 3 : 1;
    violet_status status = vl_safetensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    memset(report, 0, sizeof *report);
    status = match(p, f, kinds, 0, report);
    if (status == VIOLET_OK) find_unexpected(p, f, report);
    if (status == VIOLET_OK && report->matched == 0)
        status = vl_err(VIOLET_ESHAPE, "none of its tensors fits this model");
    if (status == VIOLET_OK && with_moments && report->missing + report->misshapen)
        status = vl_err(VIOLET_ESHAPE, "a training state must have every tensor, '%s' does not fit",
                        report->missing ? report->first_missing : report->first_misshapen);
    if (status == VIOLET_OK) status = match(p, f, kinds, 1, &again);
    vl_safetensors_close(f);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

void vl_load_report_text(const vl_load_report *r, char *text, size_t n)
{
    size_t at = snprintf(text, n, "%d tensors matched (%zu parameters)", r->matched, r->n_matched);
    if (r->missing && at < n)
        at += snprintf(text + at, n - at, ", %d not in the file (such as %s)", r->missing,
                       r->first_missing);
    if (r->misshapen && at < n)
        at += snprintf(text + at, n - at, ", %d of another shape (such as %s)", r->misshapen,
                       r->first_misshapen);
    if (r->unexpected && at < n)
        snprintf(text + at, n - at, ", %d not used (such as %s)", r->unexpected,
                 r->first_unexpected);
}

violet_status vl_checkpoint_metadata(char **out, const char *path, const char *key)
{
    vl_safetensors *f;
    *out = NULL;
    violet_status status = vl_safetensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    const char *value = vl_safetensors_metadata(f, key);
    if (value && !(*out = strdup(value))) status = vl_err_nomem();
    vl_safetensors_close(f);
    return status;
}

violet_status vl_checkpoint_config(vl_config *c, const char *path)
{
    char *text;
    json_error_t error;
    violet_status status = vl_checkpoint_metadata(&text, path, "config");
    if (status != VIOLET_OK) return status;
    if (!text) return vl_err(VIOLET_EFORMAT, "%s: its metadata has no 'config'", path);
    json_t *object = json_loads(text, 0, &error);
    free(text);
    if (!object)
        return vl_err(VIOLET_EFORMAT, "%s: metadata 'config': %s", path, error.text);
    vl_config_preset(c, "violet1");
    status = vl_config_load(c, object, NULL);
    json_decref(object);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s: metadata 'config'", path);
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
    if (n > 12 && strcmp(what + n - 12, ".safetensors") == 0) return vl_checkpoint_config(c, what);
    if (n > 5 && strcmp(what + n - 5, ".json") == 0) return config_from_json(c, what);
    return vl_config_preset(c, what);
}
