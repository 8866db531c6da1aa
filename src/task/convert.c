/* See convert.h. First what goes along is decided and described, from the file's names and shapes
 * alone; then the values go through one buffer. */
#include "task/convert.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/status.h"
#include "model/config.h"
#include "task/convert_internal.h"

#define S vl_convert_options

const vl_option vl_convert_option_table[] = {
    VL_OPTION_PATH(S, input, NULL, "Files", "IN: the file of tensors to read"),
    VL_OPTION_PATH(S, output, NULL, "Files",
                   "OUT: the file to write: .safetensors, or PyTorch's .pt, .pth, .bin, .pkl"),
    VL_OPTION_BOOL(S, force, "false", "Files", "replace OUT where it is there"),
    VL_OPTION_ENUM(S, dtype, "same", "same|float32|bfloat16|float16", "Content",
                   "type of floating tensors; a value too large for it is an error"),
    VL_OPTION_STRING(S, only, NULL, "Content",
                     "take only tensors whose names fit one of these patterns (* ? [...]), "
                     "separated by commas"),
    VL_OPTION_STRING(S, drop, NULL, "Content", "leave out those whose names fit one of these"),
    VL_OPTION_PATH_OR(S, config, NULL, VL_CONFIG_PRESETS, "Content",
                      "sizes of the VIOLET model in IN, the grid of patches among them, to be "
                      "written into OUT: a preset, a JSON file or a checkpoint"),
    {0},
};

#undef S

/* ---- values ---------------------------------------------------------------------------------- */

enum { PIECE = 1 << 16 };

/* Memory for a piece on its way. */
typedef struct piece {
    float x[PIECE];
    union {
        double d[PIECE];
        float f[PIECE];
    } raw; /* any type's bytes */
} piece;

/* Names the value that would become infinite. */
static violet_status too_large(const vl_stored *t, size_t place, double value, vl_dtype to)
{
    return vl_err(VIOLET_ESHAPE, "tensor '%s': value %zu of %zu is %g, too large for %s", t->name,
                  place, t->n, value, vl_dtype_word(to));
}

/* A finite double past float's range. */
static violet_status check_doubles(const piece *p, const vl_stored *t, size_t first, size_t n,
                                   vl_dtype to)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(p->raw.d[i]) && isinf((float)p->raw.d[i]))
            return too_large(t, first + i, p->raw.d[i], to);
    return VIOLET_OK;
}

static violet_status round_to(piece *p, const vl_stored *t, size_t first, size_t n, vl_dtype to)
{
    violet_status status = vl_dtype_from_float(&p->raw, to, p->x, n);
    if (status != VIOLET_ESHAPE) return status;
    for (size_t i = 0; i < n; i++)
        if (vl_dtype_from_float(&p->raw, to, p->x + i, 1) != VIOLET_OK)
            return too_large(t, first + i, p->x[i], to);
    return status;
}

/* Elements first .. first + n - 1 of t as type `to` in p->raw. */
static violet_status fill(piece *p, const vl_tensors *f, const vl_stored *t, size_t first, size_t n,
                          vl_dtype to)
{
    violet_status status = VIOLET_OK;
    if (to == VL_DT_F32 && t->dtype == VL_DT_F32) /* the way that keeps no map in memory */
        return vl_tensors_read(p->raw.f, f, t, first, n);
    if (to == t->dtype) {
        vl_stored_bytes(&p->raw, t, first, n);
        return status;
    }
    if (t->dtype == VL_DT_F64) {
        vl_stored_bytes(&p->raw, t, first, n);
        status = check_doubles(p, t, first, n, to);
    }
    if (status == VIOLET_OK) status = vl_tensors_read(p->x, f, t, first, n);
    return status == VIOLET_OK ? round_to(p, t, first, n, to) : status;
}

static violet_status push(vl_tensors_writer *w, piece *p, const vl_convert_plan *plan, size_t i,
                          const violet_hooks *hooks)
{
    const vl_stored *t = plan->from[i];
    vl_dtype to = plan->list[i].dtype;
    violet_status status = VIOLET_OK;
    for (size_t at = 0; at < t->n && status == VIOLET_OK; at += PIECE) {
        size_t n = t->n - at < PIECE ? t->n - at : PIECE;
        if (vl_stopped(hooks)) return vl_interrupted("convert");
        status = fill(p, plan->f, t, at, n, to);
        if (status == VIOLET_OK) status = vl_tensors_push(w, &p->raw, n * vl_dtype_bytes(to));
    }
    return status;
}

static violet_status push_all(vl_tensors_writer *w, const vl_convert_plan *plan,
                              const violet_hooks *hooks)
{
    vl_progress progress;
    piece *p = malloc(sizeof *p);
    violet_status status = p ? VIOLET_OK : vl_err_nomem();
    vl_progress_start(&progress, hooks, "tensors", 0, plan->n);
    for (size_t i = 0; i < plan->n && status == VIOLET_OK; i++) {
        status = push(w, p, plan, i, hooks);
        if (status == VIOLET_OK) vl_progress_item(&progress, i + 1, 0);
    }
    free(p);
    return status;
}

static violet_status write_all(const char *path, const vl_convert_plan *plan,
                               const violet_hooks *hooks)
{
    vl_tensors_writer *w;
    const vl_tensors_plan p = {.list = plan->list, .n = plan->n, .aliases = plan->aliases,
                               .n_aliases = plan->n_aliases, .metadata = plan->metadata,
                               .n_metadata = plan->n_metadata};
    violet_status status = vl_tensors_create(&w, path, &p);
    if (status != VIOLET_OK) return status;
    status = push_all(w, plan, hooks);
    if (status == VIOLET_OK) return vl_tensors_finish(w);
    vl_tensors_abandon(w);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Everything that can be refused without looking into a file. */
static violet_status check(const vl_convert_options *o)
{
    struct stat out;
    if (!o->input || !o->output)
        return vl_err(VIOLET_EINVAL, "convert: expected IN and OUT, the file to read and the one "
                      "to write");
    if (!vl_tensors_kind_of_name(o->output))
        return vl_err(VIOLET_EINVAL, "%s: its ending tells no format, expected .safetensors, .pt, "
                      ".pth, .bin or .pkl", o->output);
    if (vl_file_same(o->input, o->output))
        return vl_err(VIOLET_EINVAL, "%s and %s are one file: choose another OUT", o->input,
                      o->output);
    if (stat(o->output, &out) == 0 && S_ISDIR(out.st_mode))
        return vl_err(VIOLET_EINVAL, "%s is a folder, expected the name of a file", o->output);
    if (vl_file_exists(o->output) && !o->force)
        return vl_err(VIOLET_EINVAL, "%s is there already; --force replaces it", o->output);
    return VIOLET_OK;
}

violet_status vl_convert_run(const vl_convert_options *o, const violet_hooks *hooks)
{
    vl_convert_plan plan = {0};
    violet_status status = check(o);
    if (status == VIOLET_OK) status = vl_convert_plan_make(&plan, o);
    if (status == VIOLET_OK) {
        status = write_all(o->output, &plan, hooks);
        if (status == VIOLET_ESHAPE) vl_err_at(status, "%s", o->input);
    }
    if (status == VIOLET_OK) vl_convert_plan_tell(&plan, o->output, hooks);
    vl_convert_plan_release(&plan);
    return status;
}
