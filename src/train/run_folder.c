/* A run's folder; see run_folder.h. */
#include "train/run_folder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/status.h"
#include "base/utf8.h"

#define MOST_PATH 4096

/* ---- JSON ------------------------------------------------------------------------------------ */

static char *exact_text(const json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_t *again = text ? json_loads(text, 0, NULL) : NULL;
    int same = again && json_equal(object, again);
    json_decref(again);
    if (same || !text) return text;
    free(text);
    return json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
}

violet_status vl_run_write_json(const char *folder, const char *name, const json_t *object)
{
    char path[MOST_PATH];
    vl_out out;
    violet_status status = vl_path_join(path, sizeof path, folder, name);
    if (status != VIOLET_OK) return status;
    char *text = exact_text(object);
    if (!text) return vl_err_nomem();
    status = vl_out_open(&out, path);
    if (status == VIOLET_OK) status = vl_out_write(&out, text, strlen(text));
    if (status == VIOLET_OK) status = vl_out_write(&out, "\n", 1);
    if (status == VIOLET_OK) status = vl_out_commit(&out);
    free(text);
    return status;
}

violet_status vl_run_write_machine(const char *folder)
{
    char line[VL_MACHINE_LINE], cwd[MOST_PATH];
    json_t *o = json_object();
    bool known = getcwd(cwd, sizeof cwd) && vl_utf8_valid(cwd);
    bool plain = vl_utf8_valid(vl_machine_line(line));
    int bad = vl_json_put(o, "version", json_string(VIOLET_VERSION));
    bad |= vl_json_put(o, "machine", plain ? json_string(line) : json_null());
    bad |= vl_json_put(o, "folder", known ? json_string(cwd) : json_null());
    violet_status status = bad ? vl_err_nomem() : vl_run_write_json(folder, "machine.json", o);
    json_decref(o);
    return status;
}

const char *vl_json_number(char text[32], double x)
{
    snprintf(text, 32, isfinite(x) ? "%.9g" : "null", x);
    return text;
}

json_t *vl_json_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

int vl_json_put(json_t *to, const char *key, json_t *value)
{
    return key ? json_object_set_new(to, key, value) : json_array_append_new(to, value);
}

/* ---- lines ----------------------------------------------------------------------------------- */

violet_status vl_run_lock(FILE **f, const char *folder, const char *name)
{
    char path[MOST_PATH];
    violet_status status = vl_path_join(path, sizeof path, folder, name);
    if (status != VIOLET_OK) return status;
    *f = fopen(path, "a");
    return *f ? vl_fd_lock(fileno(*f), path) : vl_err_errno("open '%s'", path);
}

violet_status vl_run_open_lines(FILE **f, const char *folder, const char *name, int64_t cut_to)
{
    violet_status status = *f ? VIOLET_OK : vl_run_lock(f, folder, name);
    if (status == VIOLET_OK && cut_to >= 0 && ftruncate(fileno(*f), cut_to) != 0)
        return vl_err_errno("truncate '%s/%s'", folder, name);
    return status;
}

violet_status vl_run_close_lines(FILE **steps, FILE **timing, const char *folder,
                                 violet_status status)
{
    int failed = 0;
    if (*steps) failed |= fclose(*steps);
    if (*timing) failed |= fclose(*timing);
    *steps = *timing = NULL;
    if (!failed || status != VIOLET_OK) return status; /* the first failure keeps its message */
    return vl_err_errno("write the logs in '%s'", folder);
}

violet_status vl_run_lines_length(uint64_t *length, const char *folder, const char *name,
                                  uint64_t wanted)
{
    char path[MOST_PATH];
    struct stat st;
    violet_status status = vl_path_join(path, sizeof path, folder, name);
    if (status != VIOLET_OK) return status;
    *length = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    if (*length > wanted) *length = wanted;
    return VIOLET_OK;
}

/* ---- options that stay ----------------------------------------------------------------------- */

json_t *vl_run_fixed(const vl_option *table, const void *options, const char *const *names)
{
    json_t *all, *fixed = json_object();
    int bad = vl_option_json(&all, table, options) != VIOLET_OK;
    if (bad) all = NULL;
    for (; !bad && *names; names++)
        bad = json_object_set(fixed, *names, json_object_get(all, *names));
    json_decref(all);
    if (!bad) return fixed;
    json_decref(fixed);
    return NULL;
}

static const vl_option *option_of(const vl_option *table, const char *name)
{
    while (table->name && strcmp(table->name, name) != 0) table++;
    return table;
}

violet_status vl_run_check_fixed(const json_t *saved, const vl_option *table, const void *options,
                                 const char *const *names)
{
    json_t *mine = vl_run_fixed(table, options, names);
    violet_status status = mine ? VIOLET_OK : vl_err_nomem();
    for (; mine && *names && status == VIOLET_OK; names++) {
        const json_t *was = json_object_get(saved, *names);
        const json_t *is = json_object_get(mine, *names);
        if (was ? json_equal(was, is) : vl_option_is_default(option_of(table, *names), is))
            continue;
        status = vl_err(VIOLET_EINVAL, "the saved run was begun with another '%s'", *names);
    }
    json_decref(mine);
    return status;
}
