/* See info_load.h. */
#include "task/info_load.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "model/load.h"
#include "model/load_names.h"
#include "model/model.h"

static violet_status heads_of(int *heads, const char *task)
{
    static const struct {
        const char *task;
        int heads;
    } rows[] = {
        {"pretrain", VL_HEADS_PRETRAIN},
        {"retrieval", VL_HEAD_MATCH},
        {"qamc", VL_HEAD_MATCH},
        {"qaoe", VL_HEAD_ANSWER},
        {"fib", VL_HEAD_ANSWER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].task, task) == 0) {
            *heads = rows[i].heads;
            return VIOLET_OK;
        }
    return vl_err(VIOLET_EINVAL, "task '%.40s', expected pretrain, retrieval, qamc, qaoe or fib",
                  task);
}

/* The sizes that the shapes of a VIOLET checkpoint tell; a run, too, wants them all. */
static violet_status told_config(vl_config *c, vl_buf *from, const vl_tensors *f)
{
    vl_buf assumed = {0};
    violet_status status = vl_config_infer(c, &assumed, f);
    if (status == VIOLET_OK)
        status = vl_buf_printf(from, "told by its shapes%s%s", assumed.n ? ", assumed " : "",
                               assumed.n ? assumed.data : "");
    else if (status == VIOLET_EFORMAT)
        status = vl_err_at(status, "its sizes cannot be told, --config gives them");
    vl_buf_free(&assumed);
    return status;
}

/* What the file says of itself, or its shapes tell, or, of a part that is no VIOLET's, the
 * published sizes; in `from`, which. */
static violet_status own_config(vl_config *c, vl_buf *from, const char *path)
{
    vl_tensors *f;
    bool found;
    violet_status status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    const vl_layout *layout = vl_layout_find(f);
    status = vl_config_stored(c, &found, f);
    if (status == VIOLET_OK && found) {
        status = vl_buf_puts(from, "the file's own");
    } else if (status == VIOLET_OK && layout && vl_layout_is_ours(layout)) {
        status = told_config(c, from, f);
    } else if (status == VIOLET_OK) {
        status = vl_config_preset(c, "violet1");
        if (status == VIOLET_OK) status = vl_buf_puts(from, "violet1, since it tells none");
    }
    vl_tensors_close(f);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

static violet_status print(vl_buf *out, const vl_load_report *r, const char *task,
                           const char *from, int flags)
{
    if (!(flags & VIOLET_INFO_JSON)) {
        violet_status status = vl_load_report_text(out, r);
        if (status != VIOLET_OK) return status;
        return vl_buf_printf(out, "  as a model for %s; sizes: %s\n", task, from);
    }
    json_t *o = vl_load_report_json(r);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    violet_status status = text ? vl_buf_printf(out, "%s\n", text) : vl_err_nomem();
    free(text);
    json_decref(o);
    return status;
}

violet_status vl_info_load(vl_buf *out, const char *path, const char *task, const char *config,
                           int flags)
{
    int heads = 0;
    vl_config c;
    vl_model m;
    vl_buf from = {0};
    vl_load_report report = {0};
    violet_status status = heads_of(&heads, task);
    if (status == VIOLET_OK && config) status = vl_config_find(&c, config);
    if (status == VIOLET_OK && config) status = vl_buf_puts(&from, config);
    if (status == VIOLET_OK && !config) status = own_config(&c, &from, path);
    if (status == VIOLET_OK) status = vl_model_init(&m, &c, heads, 0, 0);
    if (status != VIOLET_OK) goto done;
    const vl_load_options o = {
        .dry = true, .look = true, .interpolate = flags & VIOLET_INFO_INTERPOLATE};
    status = vl_load(&m.params, &m.config, path, &o, &report);
    /* what does not fit is told with all the rest */
    if (status == VIOLET_OK ||
        ((status == VIOLET_ESHAPE || status == VIOLET_EFORMAT) && report.n)) {
        violet_status printed = print(out, &report, task, from.data, flags);
        if (printed != VIOLET_OK) status = printed;
    }
    vl_load_report_release(&report);
    vl_model_release(&m);
done:
    vl_buf_free(&from);
    return status;
}
