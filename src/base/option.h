/* One table of options drives flags, JSON configuration, --help and the man page.
 *
 *     typedef struct settings { int size; double lr; bool fast; char *out; int pad; } settings;
 *
 *     static const vl_option table[] = {
 *         VL_OPTION_INT(settings, size, "224", 32, 1024, "Picture", "side of the pictures"),
 *         VL_OPTION_DOUBLE(settings, lr, "1.2e-5", 0, 1, "Training", "learning rate"),
 *         VL_OPTION_BOOL(settings, fast, "false", "Training", "skip the checks"),
 *         VL_OPTION_PATH(settings, out, NULL, "Output", "where to write"),
 *         VL_OPTION_ENUM(settings, pad, "exact", "exact|compat", "Picture", "how to pad"),
 *         {0},
 *     };
 *
 *     settings s = {0};
 *     status = vl_option_defaults(table, &s);
 *     if (status == VIOLET_OK) status = vl_option_args(table, &s, argc, argv, files, &n_files);
 *     ...
 *     vl_option_release(table, &s);
 *
 * The struct must be all zero before the first call; it owns its strings. Names have '_' in JSON
 * and may be written with '-' or '_' everywhere. Adding an option is adding a line. */
#ifndef VL_BASE_OPTION_H
#define VL_BASE_OPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "violet.h"

typedef enum vl_option_type {
    VL_OPT_INT,    /* int */
    VL_OPT_INT64,  /* int64_t */
    VL_OPT_DOUBLE, /* double, finite */
    VL_OPT_BOOL,   /* bool */
    VL_OPT_STRING, /* char *, owned; NULL where not set */
    VL_OPT_ENUM,   /* int: index into the choices */
} vl_option_type;

typedef struct vl_option {
    const char *name; /* NULL closes the table */
    const char *help; /* a phrase, without a full stop */
    size_t offset;
    vl_option_type type;
    const char *fallback; /* the default, as text; NULL (strings only): not set */
    double least, most;   /* of numbers; both 0: no limits */
    const char *group;    /* heading in --help */
    const char *choices;  /* "one|two|three"; of strings no more than the usual ones */
    const char *also;     /* a second name, understood everywhere and never written; NULL */
    bool is_path;         /* a string that names a file or folder */
} vl_option;

#define VL_OPTION_ROW(S, f, type, def, least, most, group, help, choices, also, is_path)           \
    {#f, help, offsetof(S, f), type, def, least, most, group, choices, also, is_path}
#define VL_OPTION_INT(S, f, def, least, most, group, help)                                         \
    VL_OPTION_ROW(S, f, VL_OPT_INT, def, least, most, group, help, NULL, NULL, false)
#define VL_OPTION_INT64(S, f, def, least, most, group, help)                                       \
    VL_OPTION_ROW(S, f, VL_OPT_INT64, def, least, most, group, help, NULL, NULL, false)
#define VL_OPTION_DOUBLE(S, f, def, least, most, group, help)                                      \
    VL_OPTION_ROW(S, f, VL_OPT_DOUBLE, def, least, most, group, help, NULL, NULL, false)
#define VL_OPTION_BOOL(S, f, def, group, help)                                                     \
    VL_OPTION_ROW(S, f, VL_OPT_BOOL, def, 0, 0, group, help, NULL, NULL, false)
#define VL_OPTION_ENUM(S, f, def, choices, group, help)                                            \
    VL_OPTION_ROW(S, f, VL_OPT_ENUM, def, 0, 0, group, help, choices, NULL, false)
#define VL_OPTION_STRING(S, f, def, group, help)                                                   \
    VL_OPTION_ROW(S, f, VL_OPT_STRING, def, 0, 0, group, help, NULL, NULL, false)
/* Strings of which more is known: one of a few words, which whoever takes it checks; the name of a
 * file or folder; either; and with a second name. */
#define VL_OPTION_WORD(S, f, def, choices, group, help)                                            \
    VL_OPTION_ROW(S, f, VL_OPT_STRING, def, 0, 0, group, help, choices, NULL, false)
#define VL_OPTION_PATH(S, f, def, group, help)                                                     \
    VL_OPTION_ROW(S, f, VL_OPT_STRING, def, 0, 0, group, help, NULL, NULL, true)
#define VL_OPTION_PATH_OR(S, f, def, choices, group, help)                                         \
    VL_OPTION_ROW(S, f, VL_OPT_STRING, def, 0, 0, group, help, choices, NULL, true)
#define VL_OPTION_PATH_ALSO(S, f, also, def, group, help)                                          \
    VL_OPTION_ROW(S, f, VL_OPT_STRING, def, 0, 0, group, help, NULL, also, true)

/* Sets every option to its default. */
violet_status vl_option_defaults(const vl_option *table, void *s);

/* Sets one option from text. An unknown name's message suggests the nearest one. After an error
 * the option keeps its value. */
violet_status vl_option_set(const vl_option *table, void *s, const char *name, const char *value);

/* Sets what the object holds; types must fit (null: strings only). Keys that no option has are
 * errors unless `ignored` (NULL, or closed by NULL) names them. */
violet_status vl_option_load(const vl_option *table, void *s, const json_t *object,
                             const char *const *ignored);

/* Reads argv[0..argc): --key value, --key=value, --flag, --no-flag; what follows "--", and what
 * does not begin with "--", is put into rest[] (room for argc), borrowed, and counted. */
violet_status vl_option_args(const vl_option *table, void *s, int argc, char **argv, char **rest,
                             int *n_rest);

/* Appends one option's value as vl_option_set takes it; *is_set is false of a string that is
 * not. */
violet_status vl_option_get(vl_buf *out, bool *is_set, const vl_option *table, const void *s,
                            const char *name);

/* The struct as a JSON object (vl_option_load reads it back). *out is the caller's. */
violet_status vl_option_json(json_t **out, const vl_option *table, const void *s);

/* Whether a value, as vl_option_json writes it, is the default; null is that of strings alone. */
bool vl_option_is_default(const vl_option *o, const json_t *value);

/* Appends the options for --help; or as a fragment of a man page (troff). */
violet_status vl_option_help(vl_buf *out, const vl_option *table);
violet_status vl_option_man(vl_buf *out, const vl_option *table);

/* Frees the strings and sets them to NULL. */
void vl_option_release(const vl_option *table, void *s);

#endif
