/* Any JSON as options: what is taken goes out as JSON and comes back the same; and any text as a
 * command line. */
#include <stdlib.h>
#include <string.h>

#include "base/option.h"

typedef struct settings {
    int a, e;
    int64_t b;
    double c;
    bool d;
    char *f;
} settings;

static const vl_option table[] = {
    VL_OPTION_INT(settings, a, "1", -9, 99, "One", "a"),
    VL_OPTION_INT64(settings, b, "0", 0, 0, "One", "b"),
    VL_OPTION_DOUBLE(settings, c, "0.5", 0, 0, "Two", "c"),
    VL_OPTION_BOOL(settings, d, "true", "Two", "d"),
    VL_OPTION_ENUM(settings, e, "x", "x|yy|zzz", "Two", "e"),
    VL_OPTION_STRING(settings, f, "", "Two", "f"),
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void as_arguments(const uint8_t *data, size_t n)
{
    char text[256], *argv[16], *rest[16], *save = NULL;
    int argc = 0, n_rest;
    settings s = {0};
    if (n > sizeof text - 1) n = sizeof text - 1;
    memcpy(text, data, n);
    text[n] = 0;
    for (char *w = strtok_r(text, " ", &save); w && argc < 16; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    if (vl_option_defaults(table, &s) != VIOLET_OK) abort();
    vl_option_args(table, &s, argc, argv, rest, &n_rest);
    if (n_rest > argc || s.a < -9 || s.a > 99 || s.e < 0 || s.e > 2) abort();
    vl_option_release(table, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    as_arguments(data, n);
    json_t *object = json_loadb((const char *)data, n, JSON_DECODE_ANY, NULL), *out, *again;
    if (!object) return 0;
    settings s = {0}, t = {0};
    if (vl_option_defaults(table, &s) != VIOLET_OK) abort();
    vl_option_load(table, &s, object, NULL);
    json_decref(object);
    if (vl_option_json(&out, table, &s) != VIOLET_OK) abort();
    if (vl_option_load(table, &t, out, NULL) != VIOLET_OK) abort();
    if (vl_option_json(&again, table, &t) != VIOLET_OK || !json_equal(out, again)) abort();
    json_decref(out);
    json_decref(again);
    vl_option_release(table, &s);
    vl_option_release(table, &t);
    return 0;
}
