/* Reader and streaming writer; see safetensors.h. */
#include "file/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "file/json_text.h"
#include "file/tensors_plan.h"

/* The published limit of the format; also what keeps a hostile length from costing memory. */
#define HEADER_MOST 100000000u

struct vl_safetensors {
    vl_map map; /* n = 0: parsed from the caller's bytes */
    json_t *metadata; /* NULL: none */
    size_t n, cap;
    vl_safetensor *tensors; /* (n), by offset; the names are ours */
    vl_safetensor **sorted; /* (n), by name */
};

static violet_status dtype_of(vl_dtype *out, const char *name)
{
    for (vl_dtype t = VL_DT_F64; t <= VL_DT_BOOL; t++)
        if (strcmp(name, vl_dtype_name(t)) == 0) {
            *out = t;
            return VIOLET_OK;
        }
    return vl_err(VIOLET_EUNSUPPORTED, "dtype '%.20s' is not read", name);
}

static violet_status read_tensor(vl_safetensor *t, const json_t *entry, const uint8_t *data,
                                 size_t n_data)
{
    const json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    violet_status status;
    if (!json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) ||
        json_array_size(offsets) != 2)
        return vl_err(VIOLET_EFORMAT, "expected dtype, shape and two data_offsets");
    if ((status = dtype_of(&t->dtype, json_string_value(dtype))) != VIOLET_OK) return status;
    if (json_array_size(shape) > VL_SAFETENSORS_MAX_DIM)
        return vl_err(VIOLET_EUNSUPPORTED, "%zu dimensions, expected at most %d",
                      json_array_size(shape), VL_SAFETENSORS_MAX_DIM);
    t->n_dim = (int)json_array_size(shape);
    for (int i = 0; i < t->n_dim; i++) {
        const json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return vl_err(VIOLET_EFORMAT, "shape: expected integers of 0 or more");
        t->shape[i] = json_integer_value(d);
    }
    const json_t *b = json_array_get(offsets, 0), *e = json_array_get(offsets, 1);
    if (!json_is_integer(b) || !json_is_integer(e))
        return vl_err(VIOLET_EFORMAT, "data_offsets: expected integers");
    json_int_t begin = json_integer_value(b), end = json_integer_value(e);
    if (begin < 0 || end < begin || (uint64_t)end > n_data)
        return vl_err(VIOLET_EFORMAT, "data_offsets [%lld, %lld] outside the %zu bytes of data",
                      (long long)begin, (long long)end, n_data);
    size_t n_bytes;
    if ((status = vl_tensors_size(&t->n, &n_bytes, t)) != VIOLET_OK) return status;
    if (n_bytes != (size_t)(end - begin))
        return vl_err(VIOLET_EFORMAT, "shape needs %zu bytes, data_offsets hold %lld", n_bytes,
                      (long long)(end - begin));
    t->data = data + begin;
    return VIOLET_OK;
}

static int by_offset(const void *a, const void *b)
{
    const vl_safetensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return x->n == y->n ? strcmp(x->name, y->name) : x->n < y->n ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(vl_safetensor *const *)a)->name, (*(vl_safetensor *const *)b)->name);
}

/* What reading the header needs to know. */
typedef struct reading {
    vl_safetensors *f;
    const uint8_t *data;
    size_t n_data;
} reading;

static violet_status take_metadata(vl_safetensors *f, json_t *all)
{
    const char *key;
    json_t *value;
    if (f->metadata) return vl_err(VIOLET_EFORMAT, "__metadata__ is there twice");
    if (!json_is_object(all))
        return vl_err(VIOLET_EFORMAT, "__metadata__: expected an object of strings");
    json_object_foreach(all, key, value)
        if (!json_is_string(value))
            return vl_err(VIOLET_EFORMAT, "__metadata__ '%.60s': expected a string", key);
    f->metadata = json_incref(all);
    return VIOLET_OK;
}

/* An entry of eight sizes takes under 300 bytes. */
static size_t most_of(const char *key)
{
    return strcmp(key, "__metadata__") == 0 ? VL_JSON_METADATA_MOST : 1024;
}

static violet_status take_member(void *context, const char *key, json_t *value)
{
    const reading *r = context;
    vl_safetensors *f = r->f;
    if (strcmp(key, "__metadata__") == 0) return take_metadata(f, value);
    violet_status status = vl_grow(&f->tensors, &f->cap, f->n, sizeof *f->tensors, 64);
    if (status != VIOLET_OK) return status;
    vl_safetensor *t = &f->tensors[f->n];
    *t = (vl_safetensor){.name = strdup(key)};
    if (!t->name) return vl_err_nomem();
    f->n++;
    status = read_tensor(t, value, r->data, r->n_data);
    return status == VIOLET_OK ? status : vl_err_at(status, "tensor '%.200s'", key);
}

static violet_status check_overlap(const vl_safetensors *f)
{
    for (size_t i = 1; i < f->n; i++) {
        const vl_safetensor *t = &f->tensors[i], *before = t - 1;
        if (before->data + before->n * vl_dtype_bytes(before->dtype) > t->data)
            return vl_err(VIOLET_EFORMAT, "tensors '%.200s' and '%.200s' overlap", before->name,
                          t->name);
    }
    return VIOLET_OK;
}

static violet_status sort_tensors(vl_safetensors *f)
{
    f->sorted = calloc(f->n + 1, sizeof *f->sorted);
    if (!f->sorted) return vl_err_nomem();
    if (f->n) qsort(f->tensors, f->n, sizeof *f->tensors, by_offset);
    for (size_t i = 0; i < f->n; i++) f->sorted[i] = &f->tensors[i];
    qsort(f->sorted, f->n, sizeof *f->sorted, by_name);
    for (size_t i = 1; i < f->n; i++)
        if (strcmp(f->sorted[i - 1]->name, f->sorted[i]->name) == 0)
            return vl_err(VIOLET_EFORMAT, "tensor '%.200s' is there twice", f->sorted[i]->name);
    return check_overlap(f);
}

static violet_status parse(vl_safetensors *f, const uint8_t *bytes, size_t n)
{
    uint64_t n_header = 0;
    if (n < 8) return vl_err(VIOLET_EFORMAT, "%zu bytes, expected a header length of 8", n);
    memcpy(&n_header, bytes, 8);
    if (n_header > n - 8 || n_header > HEADER_MOST)
        return vl_err(VIOLET_EFORMAT, "header of %llu bytes in a file of %zu",
                      (unsigned long long)n_header, n);
    reading r = {f, bytes + 8 + n_header, n - 8 - n_header};
    /* a tensor's entry has three brackets, and is of over 50 bytes */
    const vl_json_limits limits = {16 + n_header / 8, most_of};
    violet_status status =
        vl_json_members(bytes + 8, n_header, &limits, "header", take_member, &r);
    return status == VIOLET_OK ? sort_tensors(f) : status;
}

violet_status vl_safetensors_parse(vl_safetensors **out, const void *data, size_t n,
                                   const char *name)
{
    *out = NULL;
    vl_safetensors *f = calloc(1, sizeof *f);
    if (!f) return vl_err_nomem();
    violet_status status = parse(f, data, n);
    if (status == VIOLET_OK) {
        *out = f;
        return status;
    }
    vl_safetensors_close(f);
    return vl_err_at(status, "%s", name);
}

violet_status vl_safetensors_open(vl_safetensors **out, const char *path)
{
    vl_map map;
    *out = NULL;
    violet_status status = vl_map_open(&map, path);
    if (status != VIOLET_OK) return status;
    status = vl_safetensors_parse(out, map.data, map.n, path);
    if (status == VIOLET_OK)
        (*out)->map = map;
    else
        vl_map_close(&map);
    return status;
}

void vl_safetensors_close(vl_safetensors *f)
{
    if (!f) return;
    for (size_t i = 0; i < f->n; i++) free((char *)(uintptr_t)f->tensors[i].name);
    json_decref(f->metadata);
    free(f->tensors);
    free(f->sorted);
    vl_map_close(&f->map);
    free(f);
}

size_t vl_safetensors_n(const vl_safetensors *f)
{
    return f->n;
}

const vl_safetensor *vl_safetensors_at(const vl_safetensors *f, size_t i)
{
    return i < f->n ? &f->tensors[i] : NULL;
}

const vl_safetensor *vl_safetensors_find(const vl_safetensors *f, const char *name)
{
    vl_safetensor wanted = {.name = name}, *key = &wanted;
    vl_safetensor **found = bsearch(&key, f->sorted, f->n, sizeof *f->sorted, by_name);
    return found ? *found : NULL;
}

const char *vl_safetensors_metadata(const vl_safetensors *f, const char *key)
{
    return json_string_value(json_object_get(f->metadata, key));
}

const json_t *vl_safetensors_all_metadata(const vl_safetensors *f)
{
    return f->metadata;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct vl_safetensors_writer {
    vl_out out;
    vl_due due;
};

static violet_status add_tensor(json_t *header, uint64_t *offset, const vl_safetensor *t)
{
    size_t n, n_bytes;
    violet_status status = vl_tensors_size(&n, &n_bytes, t);
    if (status != VIOLET_OK) return status;
    if (strcmp(t->name, "__metadata__") == 0)
        return vl_err(VIOLET_EINVAL, "tensor '%s': the format has this name for itself", t->name);
    json_t *shape = json_array();
    for (int i = 0; i < t->n_dim; i++)
        if (json_array_append_new(shape, json_integer(t->shape[i])) != 0) {
            json_decref(shape);
            return vl_err_nomem();
        }
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", vl_dtype_name(t->dtype), "shape",
                              shape, "data_offsets", (json_int_t)*offset,
                              (json_int_t)(*offset + n_bytes));
    if (!entry) return vl_err_nomem();
    *offset += n_bytes;
    return json_object_set_new(header, t->name, entry) == 0 ? VIOLET_OK : vl_err_nomem();
}

static violet_status make_header(char **text, const vl_tensors_plan *p)
{
    violet_status status = VIOLET_OK;
    uint64_t offset = 0;
    json_t *header = json_object(), *extra = json_object();
    for (size_t i = 0; i < p->n_metadata; i++)
        if (json_object_set_new(extra, p->metadata[2 * i], json_string(p->metadata[2 * i + 1]))) {
            status = vl_err_nomem();
            goto done;
        }
    if ((status = vl_json_check_metadata(extra)) != VIOLET_OK) goto done;
    if (!header || (p->n_metadata && json_object_set(header, "__metadata__", extra) != 0)) {
        status = vl_err_nomem();
        goto done;
    }
    for (size_t i = 0; i < p->n; i++)
        if ((status = add_tensor(header, &offset, &p->list[i])) != VIOLET_OK) goto done;
    *text = json_dumps(header, JSON_COMPACT);
    if (!*text) status = vl_err_nomem();
done:
    json_decref(header);
    json_decref(extra);
    return status;
}

/* Padded with spaces so that the data start at a multiple of 8. */
static violet_status write_header(vl_safetensors_writer *w, const char *text)
{
    size_t n_text = strlen(text), n_pad = (8 - n_text % 8) % 8;
    uint64_t n_header = n_text + n_pad;
    violet_status status = vl_out_write(&w->out, &n_header, 8);
    if (status == VIOLET_OK) status = vl_out_write(&w->out, text, n_text);
    return status == VIOLET_OK ? vl_out_write(&w->out, "        ", n_pad) : status;
}

violet_status vl_safetensors_create(vl_safetensors_writer **out, const char *path,
                                    const vl_safetensor *tensors, size_t n,
                                    const char *const *metadata, size_t n_metadata)
{
    const vl_tensors_plan plan = {tensors, n, NULL, 0, metadata, n_metadata};
    char *header = NULL;
    *out = NULL;
    vl_safetensors_writer *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    violet_status status = vl_tensors_plan_check(&plan);
    if (status == VIOLET_OK) status = vl_due_init(&w->due, path, tensors, n);
    if (status == VIOLET_OK) status = make_header(&header, &plan);
    if (status != VIOLET_OK) vl_err_at(status, "%s", path);
    if (status == VIOLET_OK) status = vl_out_open(&w->out, path);
    if (status == VIOLET_OK) status = write_header(w, header);
    free(header);
    if (status == VIOLET_OK)
        *out = w;
    else
        vl_safetensors_abandon(w);
    return status;
}

violet_status vl_safetensors_push(vl_safetensors_writer *w, const void *data, size_t n_bytes)
{
    violet_status status = vl_due_push(&w->due, n_bytes);
    return status == VIOLET_OK ? vl_out_write(&w->out, data, n_bytes) : status;
}

violet_status vl_safetensors_finish(vl_safetensors_writer *w)
{
    violet_status status = vl_due_end(&w->due);
    if (status == VIOLET_OK) status = vl_out_commit(&w->out);
    vl_safetensors_abandon(w);
    return status;
}

void vl_safetensors_abandon(vl_safetensors_writer *w)
{
    if (!w) return;
    vl_out_abandon(&w->out);
    vl_due_release(&w->due);
    free(w);
}
