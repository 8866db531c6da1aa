/* See start.h. */
#include "train/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "base/status.h"
#include "base/words.h"

typedef struct start {
    vl_params *p;
    const vl_config *config;
    const vl_start *s;
    bool *given; /* (p->n): some file gives it */
    int n_files;
} start;

static violet_status tell_report(const start *a, const vl_load_report *report)
{
    const size_t *n = report->tensors;
    bool warning = n[VL_LOAD_MISSING] + n[VL_LOAD_MISSHAPEN] + n[VL_LOAD_REFUSED] +
                       n[VL_LOAD_UNEXPECTED] > 0;
    char *save = NULL;
    vl_buf text = {0};
    violet_status status = vl_load_report_text(&text, report);
    for (char *line = text.data ? strtok_r(text.data, "\n", &save) : NULL;
         line && status == VIOLET_OK; line = strtok_r(NULL, "\n", &save))
        a->s->tell(a->s->user, warning, line);
    vl_buf_free(&text);
    return status;
}

/* The error names one tensor, the report all: it is told first, and the error stays as it is. */
static violet_status tell_failed(const start *a, const vl_load_report *report)
{
    char *message = strdup(violet_error());
    if (!message) return vl_err_nomem();
    violet_status status = tell_report(a, report);
    if (status == VIOLET_OK) status = vl_err(VIOLET_ESHAPE, "%s", message);
    free(message);
    return status;
}

/* The report has a part's parameters first, in the model's order. */
static void note_given(start *a, const vl_load_report *report)
{
    size_t k = 0;
    for (int i = 0; i < a->p->n && k < report->n; i++) {
        const vl_load_entry *e = &report->list[k];
        if (strcmp(e->name, a->p->list[i].name) != 0) continue;
        a->given[i] |= e->fate == VL_LOAD_MATCHED || e->fate == VL_LOAD_ADAPTED;
        k++;
    }
}

static violet_status take(start *a, const char *path, vl_load_part part)
{
    if (!path || !*path) return VIOLET_OK;
    const vl_load_options o = {.part = part,
                               .interpolate = a->s->interpolate,
                               .strict = a->s->strict,
                               .grid_as_is = a->s->grid_as_is};
    vl_load_report report = {0};
    violet_status status = vl_load(a->p, a->config, path, &o, &report);
    if (status == VIOLET_OK) {
        status = tell_report(a, &report);
        note_given(a, &report);
    } else if (status == VIOLET_ESHAPE && report.n) {
        status = tell_failed(a, &report);
    }
    a->n_files++;
    vl_load_report_release(&report);
    return status;
}

static void tell_sum(const start *a)
{
    size_t given = 0, n = 0, all = vl_params_count(a->p);
    char line[200], fresh[80] = "", text[4][VL_WORDS];
    for (int i = 0; i < a->p->n; i++) {
        n += a->given[i];
        given += a->given[i] ? a->p->list[i].count : 0;
    }
    if (n < (size_t)a->p->n)
        snprintf(fresh, sizeof fresh, ", the others fresh: %s tensors (%s)",
                 vl_words_count(text[2], (size_t)a->p->n - n),
                 vl_words_count(text[3], all - given));
    snprintf(line, sizeof line, "starts with %s tensors (%s parameters) from files%s",
             vl_words_count(text[0], n), vl_words_count(text[1], given), fresh);
    a->s->tell(a->s->user, false, line);
}

/* Drawing takes longer than reading: what a file gives is not drawn. A parameter's draw does not
 * depend on the others. */
static void draw_the_others(const start *a)
{
    sigset_t was;
    vl_signals_hold(&was);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < a->p->n; i++)
        if (!a->given[i]) vl_param_draw(a->p, &a->p->list[i], a->s->seed);
    vl_signals_release(&was);
}

violet_status vl_start_weights(vl_params *p, const vl_config *config, const vl_start *s)
{
    start a = {.p = p, .config = config, .s = s, .given = calloc((size_t)p->n + 1, sizeof(bool))};
    if (!a.given) return vl_err_nomem();
    violet_status status = take(&a, s->checkpoint, VL_LOAD_ALL);
    if (status == VIOLET_OK) status = take(&a, s->video, VL_LOAD_VIDEO);
    if (status == VIOLET_OK) status = take(&a, s->text, VL_LOAD_TEXT);
    if (status == VIOLET_OK) draw_the_others(&a);
    if (status == VIOLET_OK && a.n_files) tell_sum(&a);
    free(a.given);
    return status;
}
