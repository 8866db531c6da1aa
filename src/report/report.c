/* From folders to the page's file; see report.h. */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "base/words.h"
#include "report/page.h"

/* ---- baselines ------------------------------------------------------------------------------- */

static violet_status add_baseline(page *p, char *piece)
{
    char *equals = strchr(piece, '=');
    if (!equals || equals == piece || !equals[1])
        return vl_err(VIOLET_EINVAL, "baseline '%.200s': expected NAME=FOLDER", piece);
    *equals = 0;
    return phases_baseline(&p->baselines, piece, equals + 1);
}

static violet_status find_baselines(page *p)
{
    violet_status status = VIOLET_OK;
    if (!vl_str_given(p->o->baseline)) return VIOLET_OK;
    char *list = strdup(p->o->baseline), *rest = NULL;
    if (!list) return vl_err_nomem();
    for (char *s = strtok_r(list, ",", &rest); s && status == VIOLET_OK;
         s = strtok_r(NULL, ",", &rest))
        status = add_baseline(p, s);
    free(list);
    return status;
}

/* ---- the page -------------------------------------------------------------------------------- */

static violet_status write_phase(page *p, size_t i)
{
    const phase *ph = &p->phases.list[i];
    violet_status status = VIOLET_OK;
    page_section(p, i);
    if (ph->kind == PHASE_EVAL)
        status = page_evaluation(p, ph);
    else
        page_training(p, ph);
    page_config(p, ph);
    html_put(&p->h, "</section>\n");
    return status == VIOLET_OK ? p->h.status : status;
}

static violet_status write_page(page *p)
{
    vl_progress progress;
    vl_progress_start(&progress, p->hooks, "phases", 0, p->phases.n);
    page_begin(p);
    page_contents(p);
    page_results(p);
    for (size_t i = 0; i < p->phases.n; i++) {
        violet_status status = write_phase(p, i);
        if (status == VIOLET_OK && vl_stopped(p->hooks)) status = vl_interrupted("report");
        if (status != VIOLET_OK) return status;
        vl_progress_item(&progress, i + 1, 0);
    }
    page_end(p);
    return p->h.status;
}

static violet_status put_file(const page *p, vl_out *out)
{
    char bytes[VL_WORDS], path[4096];
    snprintf(path, sizeof path, "%s", out->path);
    violet_status status = vl_out_write(out, p->h.b.data, p->h.b.n);
    if (status == VIOLET_OK) status = vl_out_commit(out);
    if (status == VIOLET_OK)
        vl_tell(p->hooks, VIOLET_EVENT_MESSAGE, "%s: %zu phase%s, %s", path, p->phases.n,
                p->phases.n == 1 ? "" : "s", vl_words_bytes(bytes, p->h.b.n));
    return status;
}

/* Before the work: an error now is better than one after it. */
static violet_status open_output(vl_out *out, const vl_report_options *o, const char *first)
{
    char path[4096];
    if (vl_str_given(o->output)) return vl_out_open(out, o->output);
    violet_status status = vl_path_join(path, sizeof path, first, "report.html");
    return status == VIOLET_OK ? vl_out_open(out, path) : status;
}

violet_status vl_report_run(const vl_report_options *o, const char *const *folders, int n,
                            const violet_hooks *hooks)
{
    page p = {.o = o, .hooks = hooks};
    vl_out out = {0};
    violet_status status = VIOLET_OK;
    if (n < 1) return vl_err(VIOLET_EINVAL, "no folder of a run to report on");
    for (int i = 0; i < n && status == VIOLET_OK; i++) status = phases_find(&p.phases, folders[i]);
    if (status == VIOLET_OK) status = find_baselines(&p);
    if (status == VIOLET_OK) status = open_output(&out, o, folders[0]);
    if (status == VIOLET_OK) status = write_page(&p);
    if (status == VIOLET_OK) status = put_file(&p, &out);
    vl_out_abandon(&out);
    html_release(&p.h);
    phases_release(&p.phases);
    phases_release(&p.baselines);
    return status;
}
