/* Options: setting them from text, flags and JSON; see option.h. Help texts: option_help.c. */
#include "base/option.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/status.h"

static void *field(const vl_option *o, void *s)
{
    return (char *)s + o->offset;
}

static int same_name(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];
        if (x != y || !x) return 0;
    }
    return b[n] == 0;
}

static const vl_option *find(const vl_option *table, const char *name, size_t n)
{
    for (const vl_option *o = table; o->name; o++)
        if (same_name(name, o->name, n) || (o->also && same_name(name, o->also, n))) return o;
    return NULL;
}

/* ---- unknown names ------------------------------------------------------------------------- */

static violet_status unknown(const vl_option *table, const char *name, size_t n)
{
    vl_nearest x = vl_nearest_to(name, n);
    for (const vl_option *o = table; o->name; o++) vl_nearest_try(&x, o->name, strlen(o->name));
    for (const vl_option *o = table; o->name; o++)
        if (o->also) vl_nearest_try(&x, o->also, strlen(o->also));
    return vl_err(VIOLET_EINVAL, "unknown option '%.*s'%s", n < 60 ? (int)n : 60, name,
                  vl_nearest_hint(&x));
}

/* ---- one value ----------------------------------------------------------------------------- */

static violet_status no_choice(const vl_option *o, const char *value)
{
    vl_nearest x = vl_nearest_among(value, o->choices);
    return vl_err(VIOLET_EINVAL, "option %s is '%.100s', expected one of %s%s", o->name, value,
                  o->choices, vl_nearest_hint(&x));
}

static violet_status unfit(const vl_option *o, const char *value)
{
    const char *kind = o->type == VL_OPT_DOUBLE ? "a number" : "a whole number";
    switch (o->type) {
    case VL_OPT_BOOL:
        return vl_err(VIOLET_EINVAL, "option %s is '%.100s', expected true or false", o->name,
                      value);
    case VL_OPT_ENUM: return no_choice(o, value);
    case VL_OPT_STRING:
        return vl_err(VIOLET_EINVAL, "option %s is %.100s, expected a string", o->name, value);
    default: break;
    }
    if (o->least == 0 && o->most == 0)
        return vl_err(VIOLET_EINVAL, "option %s is '%.100s', expected %s", o->name, value, kind);
    return vl_err(VIOLET_EINVAL, "option %s is '%.100s', expected %s from %.15g to %.15g", o->name,
                  value, kind, o->least, o->most);
}

static int in_range(const vl_option *o, double v)
{
    return (o->least == 0 && o->most == 0) || (v >= o->least && v <= o->most);
}

/* The setters return 0 where the value does not fit. */
static int put_integer(const vl_option *o, void *s, int64_t v)
{
    if (!in_range(o, (double)v)) return 0;
    if (o->type == VL_OPT_INT64) {
        *(int64_t *)field(o, s) = v;
        return 1;
    }
    if (v < INT32_MIN || v > INT32_MAX) return 0;
    *(int *)field(o, s) = (int)v;
    return 1;
}

static int put_double(const vl_option *o, void *s, double v)
{
    if (!isfinite(v) || !in_range(o, v)) return 0;
    *(double *)field(o, s) = v;
    return 1;
}

static int put_choice(const vl_option *o, void *s, const char *value)
{
    size_t n = strlen(value);
    int i = 0;
    for (const char *c = o->choices; c; i++) {
        const char *end = strchr(c, '|');
        if (n > 0 && n == (end ? (size_t)(end - c) : strlen(c)) && !memcmp(c, value, n)) {
            *(int *)field(o, s) = i;
            return 1;
        }
        c = end ? end + 1 : NULL;
    }
    return 0;
}

static int put_bool(const vl_option *o, void *s, const char *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++) {
        if (strcmp(value, words[i])) continue;
        *(bool *)field(o, s) = i % 2;
        return 1;
    }
    return 0;
}

static violet_status put_string(const vl_option *o, void *s, const char *value)
{
    char *copy = NULL;
    if (value && !(copy = strdup(value))) return vl_err_nomem();
    char **f = field(o, s);
    free(*f);
    *f = copy;
    return VIOLET_OK;
}

/* Digits, sign and exponent only: no white space, hexadecimal, "inf" or "nan". */
static int is_number(const char *value, int whole)
{
    return *value && !value[strspn(value, whole ? "+-0123456789" : "+-.eE0123456789")];
}

static violet_status put_text(const vl_option *o, void *s, const char *value)
{
    char *end;
    int fits = 0;
    switch (o->type) {
    case VL_OPT_STRING: return put_string(o, s, value);
    case VL_OPT_BOOL: fits = put_bool(o, s, value); break;
    case VL_OPT_ENUM: fits = put_choice(o, s, value); break;
    case VL_OPT_DOUBLE: {
        double v = strtod(value, &end);
        fits = is_number(value, 0) && !*end && put_double(o, s, v);
        break;
    }
    case VL_OPT_INT:
    case VL_OPT_INT64: {
        errno = 0;
        long long v = strtoll(value, &end, 10);
        fits = is_number(value, 1) && !*end && errno == 0 && put_integer(o, s, v);
        break;
    }
    }
    return fits ? VIOLET_OK : unfit(o, value);
}

violet_status vl_option_set(const vl_option *table, void *s, const char *name, const char *value)
{
    const vl_option *o = find(table, name, strlen(name));
    if (!o) return unknown(table, name, strlen(name));
    return put_text(o, s, value);
}

/* The i-th of "one|two|three" and its length; NULL: there are not so many. */
static const char *choice(size_t *n, const vl_option *o, int i)
{
    const char *c = o->choices;
    for (; i > 0 && c; i--)
        if ((c = strchr(c, '|'))) c++;
    *n = c ? strcspn(c, "|") : 0;
    return c;
}

violet_status vl_option_get(vl_buf *out, bool *is_set, const vl_option *table, const void *s,
                            const char *name)
{
    const vl_option *o = find(table, name, strlen(name));
    size_t n;
    *is_set = true;
    if (!o) return unknown(table, name, strlen(name));
    const void *f = (const char *)s + o->offset;
    switch (o->type) {
    case VL_OPT_INT: return vl_buf_printf(out, "%d", *(const int *)f);
    case VL_OPT_INT64: return vl_buf_printf(out, "%lld", (long long)*(const int64_t *)f);
    case VL_OPT_DOUBLE: return vl_buf_printf(out, "%.17g", *(const double *)f);
    case VL_OPT_BOOL: return vl_buf_puts(out, *(const bool *)f ? "true" : "false");
    case VL_OPT_ENUM: {
        const char *word = choice(&n, o, *(const int *)f);
        return vl_buf_append(out, word ? word : "", n);
    }
    case VL_OPT_STRING: break;
    }
    const char *text = *(char *const *)f;
    *is_set = text != NULL;
    return vl_buf_puts(out, text ? text : "");
}

violet_status vl_option_defaults(const vl_option *table, void *s)
{
    violet_status status;
    for (const vl_option *o = table; o->name; o++) {
        if (!o->fallback && o->type == VL_OPT_STRING)
            status = put_string(o, s, NULL);
        else
            status = put_text(o, s, o->fallback ? o->fallback : "");
        if (status != VIOLET_OK) return vl_err_at(status, "default");
    }
    return VIOLET_OK;
}

void vl_option_release(const vl_option *table, void *s)
{
    for (const vl_option *o = table; o->name; o++)
        if (o->type == VL_OPT_STRING) put_string(o, s, NULL);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static violet_status put_json(const vl_option *o, void *s, const json_t *v)
{
    int fits = 0;
    switch (o->type) {
    case VL_OPT_STRING:
        if (json_is_string(v) || json_is_null(v)) return put_string(o, s, json_string_value(v));
        break;
    case VL_OPT_BOOL:
        if ((fits = json_is_boolean(v))) *(bool *)field(o, s) = json_is_true(v);
        break;
    case VL_OPT_ENUM: fits = json_is_string(v) && put_choice(o, s, json_string_value(v)); break;
    case VL_OPT_DOUBLE: fits = json_is_number(v) && put_double(o, s, json_number_value(v)); break;
    case VL_OPT_INT:
    case VL_OPT_INT64: fits = json_is_integer(v) && put_integer(o, s, json_integer_value(v)); break;
    }
    if (fits) return VIOLET_OK;
    if (json_is_string(v)) return unfit(o, json_string_value(v));
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    violet_status status = unfit(o, text ? text : "?");
    free(text);
    return status;
}

violet_status vl_option_load(const vl_option *table, void *s, const json_t *object,
                             const char *const *ignored)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return vl_err(VIOLET_EINVAL, "options: expected a JSON object at the top");
    json_object_foreach((json_t *)object, key, value) {
        const vl_option *o = find(table, key, strlen(key));
        violet_status status = VIOLET_OK;
        if (o) {
            status = put_json(o, s, value);
        } else {
            const char *const *name = ignored;
            while (name && *name && strcmp(*name, key)) name++;
            if (!name || !*name) status = unknown(table, key, strlen(key));
        }
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

static json_t *json_of_choice(const vl_option *o, int i)
{
    size_t n;
    const char *c = choice(&n, o, i);
    return c ? json_stringn(c, n) : json_null();
}

violet_status vl_option_json(json_t **out, const vl_option *table, const void *s)
{
    json_t *object = json_object();
    *out = NULL;
    if (!object) return vl_err_nomem();
    for (const vl_option *o = table; o->name; o++) {
        const void *f = (const char *)s + o->offset;
        const char *text;
        json_t *v = NULL;
        switch (o->type) {
        case VL_OPT_INT: v = json_integer(*(const int *)f); break;
        case VL_OPT_INT64: v = json_integer(*(const int64_t *)f); break;
        case VL_OPT_DOUBLE: v = json_real(*(const double *)f); break;
        case VL_OPT_BOOL: v = json_boolean(*(const bool *)f); break;
        case VL_OPT_ENUM: v = json_of_choice(o, *(const int *)f); break;
        case VL_OPT_STRING:
            text = *(char *const *)f;
            v = text ? json_string(text) : json_null();
            if (!v) vl_err(VIOLET_EINVAL, "option %s is not UTF-8", o->name);
            break;
        }
        if (!v || json_object_set_new(object, o->name, v) != 0) {
            json_decref(object);
            if (!v && o->type == VL_OPT_STRING) return VIOLET_EINVAL;
            return vl_err_nomem();
        }
    }
    *out = object;
    return VIOLET_OK;
}

bool vl_option_is_default(const vl_option *o, const json_t *value)
{
    const char *text = o->name ? o->fallback : NULL;
    if (!text || json_is_null(value)) return !text && (!value || json_is_null(value));
    if (json_is_string(value)) return strcmp(json_string_value(value), text) == 0;
    if (json_is_boolean(value)) return json_is_true(value) == (strcmp(text, "true") == 0);
    return json_number_value(value) == strtod(text, NULL);
}

/* ---- flags --------------------------------------------------------------------------------- */

/* One "--..."; *used is how many of argv it took. */
static violet_status put_flag(const vl_option *table, void *s, int argc, char **argv, int *used)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const vl_option *o = find(table, name, n);
    *used = 1;
    if (!o && !equals && n > 3 && same_name(name, "no_", 3)) {
        o = find(table, name + 3, n - 3);
        if (o && o->type == VL_OPT_BOOL) return put_text(o, s, "false");
        if (o) return vl_err(VIOLET_EINVAL, "option %s takes a value, expected --%s VALUE", o->name,
                             o->name);
    }
    if (!o) return unknown(table, name, n);
    if (equals) return put_text(o, s, equals + 1);
    if (o->type == VL_OPT_BOOL) return put_text(o, s, "true");
    if (argc < 2) return vl_err(VIOLET_EINVAL, "option %s: its value is missing", o->name);
    *used = 2;
    return put_text(o, s, argv[1]);
}

violet_status vl_option_args(const vl_option *table, void *s, int argc, char **argv, char **rest,
                             int *n_rest)
{
    int flags = 1;
    *n_rest = 0;
    for (int i = 0, used = 1; i < argc; i += used) {
        used = 1;
        if (!flags || strncmp(argv[i], "--", 2)) {
            rest[(*n_rest)++] = argv[i];
        } else if (!argv[i][2]) {
            flags = 0;
        } else {
            violet_status status = put_flag(table, s, argc - i, argv + i, &used);
            if (status != VIOLET_OK) return status;
        }
    }
    return VIOLET_OK;
}
