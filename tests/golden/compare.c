/* Comparison with a golden file, and what is tolerated; see golden.h. */
#include "golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* The relative L2 error may be the larger of `floor` and `times` PyTorch's own in float32. In
 * CONFIG=double golden values kept whole are float32 roundings (3e-8), while the statistics in the
 * JSON are exact and cover every element. */
typedef struct tolerance {
    double floor, times;
    double stored, exact; /* CONFIG=double */
} tolerance;

static const tolerance tolerances[GOLDEN_KINDS] = {
    [GOLDEN_ACTIVATION] = {2e-5, 10, 1e-7, 1e-10}, /* logits and attended_weight, too */
    [GOLDEN_ROUNDED] = {2e-5, 10, 1e-7, 1e-7},
    [GOLDEN_LOSS] = {1e-5, 10, 1e-7, 1e-10},       [GOLDEN_GRADIENT] = {1e-4, 5, 1e-7, 1e-9},
    [GOLDEN_CHANGE] = {1e-2, 0, 1e-5, 1e-5}, /* AdamW divides by gradients near 0 */
    [GOLDEN_STEPS] = {1e-3, 0, 1e-9, 1e-9},
};

/* Gradients that are zero in exact arithmetic: at most this share of all gradients' L2 norm. */
static const double zero_gradient = sizeof(real) == 8 ? 1e-12 : 1e-6;

static double limit_of(golden_kind kind, double pytorch, int exact)
{
    const tolerance *t = &tolerances[kind];
    if (sizeof(real) == 8) return exact ? t->exact : t->stored;
    return fmax(t->floor, t->times * pytorch);
}

/* ---- the files ------------------------------------------------------------------------------ */

/* s with the bare words NaN, Infinity and -Infinity, which Python writes, as null. */
static char *null_for_nan(const char *s, size_t n)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
    char *out = malloc(2 * n + 1), *to = out;
    int in_string = 0;
    while (out && *s) {
        size_t skip = 0;
        for (int k = 0; !in_string && !skip && k < 3; k++)
            if (strncmp(s, words[k], strlen(words[k])) == 0) skip = strlen(words[k]);
        if (skip) {
            memcpy(to, "null", 4);
            to += 4;
            s += skip;
            continue;
        }
        if (in_string && *s == '\\' && s[1])
            *to++ = *s++;
        else if (*s == '"')
            in_string = !in_string;
        *to++ = *s++;
    }
    if (out) *to = 0;
    return out;
}

json_t *golden_json(const char *path)
{
    char *text, *clean;
    size_t n;
    json_error_t error;
    if (vl_file_read(&text, &n, path, (size_t)1 << 30) != VIOLET_OK) return NULL;
    clean = null_for_nan(text, n);
    free(text);
    json_t *json = clean ? json_loads(clean, JSON_DECODE_ANY, &error) : NULL;
    free(clean);
    if (!json) vl_err(VIOLET_EFORMAT, "%s line %d: %s", path, error.line, error.text);
    return json;
}

violet_status golden_file_open(golden_file *g, golden_report *r, const char *folder)
{
    char path[4096];
    memset(g, 0, sizeof *g);
    g->report = r;
    violet_status status = vl_path_join(path, sizeof path, folder, "golden.json");
    if (status != VIOLET_OK) return status;
    if (!(g->json = golden_json(path))) return VIOLET_EFORMAT;
    g->outputs = json_object_get(g->json, "outputs");
    g->gradient_l2 = json_number_value(json_object_get(g->json, "gradient_l2"));
    g->checked = json_object();
    g->missed = json_object();
    status = vl_path_join(path, sizeof path, folder, "golden.safetensors");
    if (status == VIOLET_OK) status = vl_safetensors_open(&g->tensors, path);
    if (status != VIOLET_OK) return status;
    g->used = calloc(vl_safetensors_n(g->tensors) + 1, 1);
    return g->used && g->checked && g->missed && json_is_object(g->outputs)
               ? VIOLET_OK
               : vl_err(VIOLET_EFORMAT, "%s: no outputs", path);
}

void golden_file_close(golden_file *g)
{
    json_decref(g->json);
    json_decref(g->checked);
    json_decref(g->missed);
    if (g->tensors) vl_safetensors_close(g->tensors);
    free(g->used);
    memset(g, 0, sizeof *g);
}

/* The tensor PREFIX NAME SUFFIX, noted as used, or NULL. */
static const vl_safetensor *find(golden_file *g, const char *prefix, const char *name,
                                 const char *suffix)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s%s", prefix, name, suffix);
    for (size_t i = 0; i < vl_safetensors_n(g->tensors); i++) {
        const vl_safetensor *t = vl_safetensors_at(g->tensors, i);
        if (strcmp(t->name, whole) != 0) continue;
        g->used[i] = 1;
        return t;
    }
    return NULL;
}

const vl_safetensor *golden_input(golden_file *g, const char *name)
{
    const vl_safetensor *t = find(g, "in.", name, "");
    if (!t) golden_verdict(g->report, 0, name, "the golden file has no such input");
    return t;
}

static double element(const vl_safetensor *t, size_t i)
{
    union {
        double f64;
        float f32;
        int64_t i64;
        int32_t i32;
        int16_t i16;
    } v;
    size_t bytes = vl_dtype_bytes(t->dtype);
    memcpy(&v, t->data + i * bytes, bytes <= sizeof v ? bytes : sizeof v);
    switch (t->dtype) {
    case VL_DT_F64:
        return v.f64;
    case VL_DT_F32:
        return v.f32;
    case VL_DT_I64:
        return (double)v.i64;
    case VL_DT_I32:
        return v.i32;
    case VL_DT_I16:
        return v.i16;
    case VL_DT_U8:
        return t->data[i];
    default:
        return NAN;
    }
}

static int *ints_of(const vl_safetensor *t, size_t *n)
{
    int *x = t ? malloc((t->n + 1) * sizeof *x) : NULL;
    for (size_t i = 0; x && i < t->n; i++) x[i] = (int)element(t, i);
    *n = x ? t->n : 0;
    return x;
}

int *golden_input_ints(golden_file *g, const char *name, size_t *n)
{
    return ints_of(golden_input(g, name), n);
}

int *golden_output_ints(golden_file *g, const char *name, size_t *n)
{
    const vl_safetensor *t = find(g, "out.", name, "");
    if (!t) golden_verdict(g->report, 0, name, "the golden file has no such output");
    return ints_of(t, n);
}

/* ---- comparing ------------------------------------------------------------------------------ */

int golden_has_output(const golden_file *g, const char *name)
{
    return json_object_get(g->outputs, name) != NULL;
}

typedef struct statistics {
    double l2, mean, absmax;
} statistics;

static statistics statistics_of(const real *x, size_t n)
{
    statistics s = {0};
    for (size_t i = 0; i < n; i++) {
        s.l2 += (double)x[i] * x[i];
        s.mean += x[i];
        if (!(fabs(x[i]) <= s.absmax)) s.absmax = fabs(x[i]);
    }
    s.l2 = sqrt(s.l2);
    s.mean /= n ? (double)n : 1;
    return s;
}

/* The largest error of the statistics as a bound on the relative L2 error of the whole tensor: none
 * of them can be off by more than the tensor is. */
static double statistics_error(const json_t *output, const real *x, size_t n, double *l2)
{
    statistics s = statistics_of(x, n);
    *l2 = json_number_value(json_object_get(output, "l2"));
    double mean = json_number_value(json_object_get(output, "mean"));
    double absmax = json_number_value(json_object_get(output, "absmax"));
    double e = fmax(fabs(s.l2 - *l2), fabs(s.mean - mean) * sqrt((double)n));
    return fmax(e, fabs(s.absmax - absmax)) / *l2;
}

/* ||ours - golden|| over the stored elements; *l2 is ||golden|| over them. NAN: nothing stored, or
 * not of this size. */
static double stored_distance(golden_file *g, const char *name, const real *x, size_t n, double *l2)
{
    const vl_safetensor *whole = find(g, "out.", name, "");
    const vl_safetensor *index = whole ? NULL : find(g, "out.", name, "#index");
    const vl_safetensor *value = whole ? whole : find(g, "out.", name, "#value");
    double distance = 0, sum = 0;
    if (!value || (whole ? whole->n != n : !index || index->n != value->n)) return NAN;
    for (size_t i = 0; i < value->n; i++) {
        double at = index ? element(index, i) : (double)i, y = element(value, i);
        if (!(at >= 0 && at < (double)n)) return NAN;
        double d = (double)x[(size_t)at] - y;
        distance += d * d;
        sum += y * y;
    }
    *l2 = sqrt(sum);
    return sqrt(distance);
}

static size_t shape_count(const json_t *output)
{
    const json_t *shape = json_object_get(output, "shape");
    size_t n = 1;
    for (size_t i = 0; i < json_array_size(shape); i++)
        n *= (size_t)json_integer_value(json_array_get(shape, i));
    return n;
}

/* x (n) against an output of that size: whether it is within its tolerance, and which error that
 * says. */
static int judge(golden_file *g, golden_kind kind, const char *name, const real *x, size_t n,
                 double *error, double *limit)
{
    const json_t *output = json_object_get(g->outputs, name);
    double pytorch = json_number_value(json_object_get(output, "float32_rel_l2_error"));
    double l2, whole_l2, distance = stored_distance(g, name, x, n, &l2);
    double whole = statistics_error(output, x, n, &whole_l2);
    *error = distance == 0 ? 0 : distance / l2, *limit = limit_of(kind, pytorch, 0);
    double exact = limit_of(kind, pytorch, 1);
    int ok = *error <= *limit && (whole <= exact || whole_l2 == 0);
    if (ok && sizeof(real) == 8 && whole_l2 > 0)
        *error = whole, *limit = exact; /* the sharper one */
    else if (*error <= *limit && !ok)
        *error = whole, *limit = exact;
    double zero = zero_gradient * g->gradient_l2;
    if (kind == GOLDEN_GRADIENT && distance <= zero && whole * whole_l2 <= zero) ok = 1;
    if (!ok && kind == GOLDEN_GRADIENT && whole_l2 == 0)
        ok = distance <= zero && statistics_of(x, n).l2 <= zero;
    return ok;
}

static int is_there(const golden_file *g, const char *name, const real *x, size_t n)
{
    const json_t *output = json_object_get(g->outputs, name);
    return output && x && n > 0 && n == shape_count(output);
}

void golden_compare(golden_file *g, golden_kind kind, const char *pass, const char *name,
                    const real *x, size_t n)
{
    golden_report *r = g->report;
    char label[384];
    snprintf(label, sizeof label, "%s%s%s", pass ? pass : "", pass ? ": " : "", name);
    if (!is_there(g, name, x, n)) {
        golden_verdict(r, 0, label, "%s",
                       !golden_has_output(g, name) ? "not in the golden file"
                       : !x                        ? "not computed"
                                                   : "another number of elements");
        return;
    }
    json_object_set_new(g->checked, name, json_true());
    double error, limit;
    int ok = judge(g, kind, name, x, n, &error, &limit);
    golden_line(r, pass ? GOLDEN_VERBOSE : GOLDEN_NORMAL, kind, label, error, limit, ok);
}

void golden_compare_gradient(golden_file *g, const char *pass, const char *name, const real *x,
                             size_t n)
{
    double error, limit;
    if (g->look && !json_object_get(g->missed, name)) return;
    if (g->look + 1 < g->n_looks && is_there(g, name, x, n) &&
        !judge(g, GOLDEN_GRADIENT, name, x, n, &error, &limit)) {
        json_object_set_new(g->missed, name, json_true());
        return;
    }
    json_object_del(g->missed, name);
    g->report->looked_again += g->look > 0;
    golden_compare(g, GOLDEN_GRADIENT, pass, name, x, n);
}

int golden_look_again(golden_file *g)
{
    if (json_object_size(g->missed) && ++g->look < g->n_looks) return 1;
    json_object_clear(g->missed);
    g->look = 0;
    return 0;
}

void golden_compare_nan(golden_file *g, const char *name, int ok)
{
    double l2;
    stored_distance(g, name, &(real){0}, 1, &l2); /* looked at */
    json_object_set_new(g->checked, name, json_true());
    golden_verdict(g->report, ok, name, "NaN there, and not the sum of the others here");
}

void golden_compare_number(golden_file *g, golden_kind kind, const char *name, double ours,
                           double golden, double pytorch)
{
    double error = fabs(ours - golden) / (golden == 0 ? 1 : fabs(golden));
    double limit = limit_of(kind, pytorch, 1);
    golden_line(g->report, GOLDEN_NORMAL, kind, name, error, limit, error <= limit);
}

void golden_all_used(golden_file *g)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)g->outputs, name, value) if (!json_object_get(g->checked, name))
        golden_verdict(g->report, 0, name, "no check looks at this output");
    for (size_t i = 0; i < vl_safetensors_n(g->tensors); i++)
        if (!g->used[i])
            golden_verdict(g->report, 0, vl_safetensors_at(g->tensors, i)->name,
                           "no check looks at this tensor");
}
