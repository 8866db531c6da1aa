/* Info on safetensors: what model, how many parameters, and with verbose every tensor's numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "file/safetensors.h"
#include "task/info_internal.h"

/* A metadata string, parsed where it is JSON. */
static void add_metadata(json_t *o, const vl_safetensors *f, const char *key)
{
    const char *text = vl_safetensors_metadata(f, key);
    if (!text) return;
    json_t *parsed = json_loads(text, 0, NULL);
    vl_info_set(o, key, parsed ? parsed : vl_info_text(text, strlen(text)));
}

static const char *part_of(const char *name)
{
    static const struct {
        const char *prefix, *part;
    } parts[] = {
        {"adam.", "moments of AdamW"}, {"enc_img.swin.", "video encoder"}, {"enc_", "embeddings"},
        {"trsfr.", "encoder"},         {"fc", "heads"},                    {"blocks.", "dVAE"},
        {"encoder/", "dVAE encoder"},  {"decoder/", "dVAE decoder"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strncmp(name, parts[i].prefix, strlen(parts[i].prefix)) == 0) return parts[i].part;
    return "other";
}

static void add_to(json_t *counts, const char *key, size_t n)
{
    json_int_t have = json_integer_value(json_object_get(counts, key));
    vl_info_set(counts, key, json_integer(have + (json_int_t)n));
}

static void count_tensors(json_t *o, const vl_safetensors *f)
{
    json_t *parts = json_object(), *types = json_object();
    size_t n = 0, moments = 0;
    for (size_t i = 0; i < vl_safetensors_n(f); i++) {
        const vl_safetensor *t = vl_safetensors_at(f, i);
        add_to(parts, part_of(t->name), t->n);
        add_to(types, vl_dtype_name(t->dtype), 1);
        if (strncmp(t->name, "adam.", 5) == 0)
            moments += t->n;
        else
            n += t->n;
    }
    vl_info_set(o, "tensors", json_integer((json_int_t)vl_safetensors_n(f)));
    vl_info_set(o, "of type", types);
    vl_info_set(o, "elements", json_integer((json_int_t)n));
    vl_info_set(o, "training state", json_boolean(moments > 0));
    vl_info_set(o, "elements of", parts);
}

/* ---- verbose --------------------------------------------------------------------------------- */

typedef struct statistics {
    double sum, squares, least, most;
    size_t finite, not_finite;
} statistics;

static void take_in(statistics *s, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            s->not_finite++;
            continue;
        }
        if (s->finite == 0 || x[i] < s->least) s->least = x[i];
        if (s->finite == 0 || x[i] > s->most) s->most = x[i];
        s->sum += x[i];
        s->squares += (double)x[i] * x[i];
        s->finite++;
    }
}

static statistics look_at(const vl_safetensor *t)
{
    enum { CHUNK = 1024 };
    float x[CHUNK];
    statistics s = {0};
    size_t each = vl_dtype_bytes(t->dtype);
    for (size_t i = 0; i < t->n; i += CHUNK) {
        size_t n = t->n - i < CHUNK ? t->n - i : CHUNK;
        vl_dtype_to_float(x, t->data + i * each, t->dtype, n);
        take_in(&s, x, n);
    }
    return s;
}

json_t *vl_info_tensor(const vl_safetensor *t, const char *type, size_t *not_finite)
{
    statistics s = look_at(t);
    json_t *row = json_object(), *shape = json_array();
    double n = s.finite ? (double)s.finite : 1, mean = s.sum / n;
    double variance = s.squares / n - mean * mean;
    for (int i = 0; i < t->n_dim; i++) json_array_append_new(shape, json_integer(t->shape[i]));
    vl_info_set(row, "name", vl_info_text(t->name, strlen(t->name)));
    vl_info_set(row, "type", json_string(type));
    vl_info_set(row, "shape", shape);
    vl_info_set(row, "mean", json_real(mean));
    vl_info_set(row, "deviation", json_real(variance > 0 ? sqrt(variance) : 0));
    vl_info_set(row, "least", json_real(s.least));
    vl_info_set(row, "most", json_real(s.most));
    if (s.not_finite) vl_info_set(row, "not finite", json_integer((json_int_t)s.not_finite));
    *not_finite += s.not_finite;
    return row;
}

violet_status vl_info_safetensors(json_t *o, const char *path, int verbose)
{
    vl_safetensors *f;
    violet_status status = vl_safetensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    if (vl_safetensors_metadata(f, "config")) vl_info_set(o, "kind", json_string("checkpoint"));
    if (vl_safetensors_metadata(f, "dvae")) vl_info_set(o, "kind", json_string("dVAE"));
    count_tensors(o, f);
    add_metadata(o, f, "config");
    add_metadata(o, f, "dvae");
    add_metadata(o, f, "state");
    if (verbose) {
        size_t not_finite = 0;
        json_t *list = json_array();
        for (size_t i = 0; i < vl_safetensors_n(f); i++) {
            const vl_safetensor *t = vl_safetensors_at(f, i);
            json_array_append_new(list, vl_info_tensor(t, vl_dtype_name(t->dtype), &not_finite));
        }
        vl_info_set(o, "not finite", json_integer((json_int_t)not_finite));
        vl_info_set(o, "list", list);
    }
    vl_safetensors_close(f);
    return VIOLET_OK;
}
