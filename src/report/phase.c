/* One folder: what is in it, read as far as it can be. See phase.h. */
#include "report/phase.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/str.h"
#include "extract/dvae_train.h"
#include "file/json_text.h"
#include "report/phase_internal.h"
#include "task/eval.h"
#include "task/finetune.h"
#include "task/pretrain_run.h"

#define JSON_MOST ((size_t)64 << 20)

/* A file that is not there or no JSON object is NULL. */
static violet_status read_object(json_t **out, const char *folder, const char *name)
{
    char path[4096], *text;
    size_t n;
    *out = NULL;
    violet_status status = vl_path_join(path, sizeof path, folder, name);
    if (status != VIOLET_OK || !vl_file_exists(path)) return status;
    status = vl_file_read(&text, &n, path, JSON_MOST);
    if (status != VIOLET_OK) return status == VIOLET_ENOMEM ? status : VIOLET_OK;
    status = vl_json_parse(out, text, n, 16 + n / 8, name);
    free(text);
    if (*out && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
    }
    return status == VIOLET_ENOMEM ? status : VIOLET_OK;
}

static violet_status read_lines(log_lines *l, const char *folder, const char *name)
{
    char path[4096];
    violet_status status = vl_path_join(path, sizeof path, folder, name);
    if (status == VIOLET_OK) status = log_lines_read(l, path);
    return status == VIOLET_ENOMEM ? status : VIOLET_OK;
}

static bool is_in(char out[4096], const char *folder, const char *path)
{
    return vl_path_join(out, 4096, folder, path) == VIOLET_OK && vl_file_exists(out);
}

static bool has(const char *folder, const char *name)
{
    char path[4096];
    return is_in(path, folder, name);
}

/* ---- what a training is ---------------------------------------------------------------------- */

static bool set_kind(phase *p)
{
    static const char *const tasks[] = {"retrieval", "qamc", "qaoe", "fib"};
    const char *type = phase_text(p, "type");
    if (strcmp(type, "pretrain") == 0) {
        p->kind = PHASE_PRETRAIN;
        p->command = "pretrain";
        p->table = vl_pretrain_option_table;
        return true;
    }
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        if (strcmp(type, tasks[i]) != 0) continue;
        p->kind = PHASE_FINETUNE;
        p->command = "finetune";
        p->table = vl_finetune_option_table;
        return true;
    }
    p->kind = PHASE_DVAE;
    p->command = "train-dvae";
    p->table = vl_dvae_train_option_table;
    return json_object_get(p->args, "n_code") != NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static char *own_name(const char *folder)
{
    const char *end = folder + strlen(folder), *from;
    while (end > folder + 1 && end[-1] == '/') end--;
    for (from = end; from > folder && from[-1] != '/'; from--) continue;
    return strndup(from, (size_t)(end - from));
}

static violet_status begin(phase *p, const char *folder, const char *args)
{
    *p = (phase){.folder = strdup(folder), .name = own_name(folder)};
    if (!p->folder || !p->name) return vl_err_nomem();
    violet_status status = read_object(&p->args, folder, args);
    if (status == VIOLET_OK) status = read_object(&p->machine, folder, "machine.json");
    return status;
}

static void release(phase *p)
{
    json_decref(p->args);
    json_decref(p->machine);
    json_decref(p->log);
    json_decref(p->test);
    json_decref(p->result);
    log_lines_release(&p->steps);
    log_lines_release(&p->timing);
    free(p->folder);
    free(p->name);
}

/* Appends it, if `is_one`; else releases it. */
static violet_status keep(phases *all, phase *p, bool is_one, violet_status status)
{
    if (status == VIOLET_OK && is_one)
        status = vl_grow(&all->list, &all->cap, all->n, sizeof *all->list, 8);
    if (status == VIOLET_OK && is_one)
        all->list[all->n++] = *p;
    else
        release(p);
    return status;
}

static violet_status take_training(phases *all, const char *folder)
{
    phase p;
    if (!has(folder, "args.json") || (!has(folder, "steps.jsonl") && !has(folder, "log.json")))
        return VIOLET_OK;
    violet_status status = begin(&p, folder, "args.json");
    bool is_one = status == VIOLET_OK && p.args && set_kind(&p);
    if (is_one) {
        status = read_object(&p.log, folder, "log.json");
        if (status == VIOLET_OK) status = read_object(&p.test, folder, "test.json");
        if (status == VIOLET_OK) status = read_lines(&p.steps, folder, "steps.jsonl");
        if (status == VIOLET_OK) status = read_lines(&p.timing, folder, "timing.jsonl");
    }
    return keep(all, &p, is_one, status);
}

static violet_status take_evaluation(phases *all, const char *folder)
{
    phase p;
    if (!has(folder, "result.json")) return VIOLET_OK;
    violet_status status = begin(&p, folder, "eval_args.json");
    p.kind = PHASE_EVAL;
    p.command = "eval";
    p.table = vl_eval_option_table;
    if (status == VIOLET_OK) status = read_object(&p.result, folder, "result.json");
    bool is_one = json_is_object(json_object_get(p.result, "metrics"));
    return keep(all, &p, is_one, status);
}

/* Links, and folders that are given twice. */
static bool is_there(const phases *all, const char *folder)
{
    for (size_t i = 0; i < all->n; i++)
        if (vl_file_same(all->list[i].folder, folder)) return true;
    return false;
}

violet_status phases_take(phases *all, const char *folder)
{
    if (is_there(all, folder)) return VIOLET_OK;
    violet_status status = take_training(all, folder);
    return status == VIOLET_OK ? take_evaluation(all, folder) : status;
}

violet_status phases_baseline(phases *all, const char *name, const char *folder)
{
    size_t n = all->n;
    violet_status status = take_evaluation(all, folder);
    if (status != VIOLET_OK) return status;
    if (all->n == n)
        return vl_err(VIOLET_EINVAL, "baseline '%.100s': %.200s has no result.json of an "
                      "evaluation", name, folder);
    char *own = strdup(name);
    if (!own) return vl_err_nomem();
    free(all->list[n].name);
    all->list[n].name = own;
    return VIOLET_OK;
}

void phases_release(phases *all)
{
    for (size_t i = 0; i < all->n; i++) release(&all->list[i]);
    free(all->list);
    *all = (phases){0};
}

/* ---- options --------------------------------------------------------------------------------- */

const char *phase_text(const phase *p, const char *option)
{
    const char *s = json_string_value(json_object_get(p->args, option));
    return s ? s : "";
}

double phase_number(const phase *p, const char *option)
{
    return json_number_value(json_object_get(p->args, option));
}

bool phase_file(char out[4096], const phase *p, const char *path)
{
    const char *from = json_string_value(json_object_get(p->machine, "folder"));
    const char *last = strrchr(path, '/');
    if (!*path) return false;
    return (from && is_in(out, from, path)) || is_in(out, "", path) ||
           is_in(out, p->folder, last ? last + 1 : path);
}
