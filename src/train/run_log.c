/* Logs of a training run; see run.h for the files. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "train/run_folder.h"
#include "train/run_internal.h"

violet_status vl_run_path(const vl_run *r, char path[4096], const char *name)
{
    return vl_path_join(path, 4096, r->o->output, name);
}

/* How much of steps.jsonl stays. */
static violet_status check_lines(vl_run *r, const char *name)
{
    uint64_t found;
    violet_status status = vl_run_lines_length(&found, r->o->output, name, r->steps_bytes);
    if (status != VIOLET_OK || found == r->steps_bytes) return status;
    vl_run_tell(r, VIOLET_EVENT_WARNING,
                "%s/%s has %llu bytes, the saved run wrote %llu: lines are lost", r->o->output,
                name, (unsigned long long)found, (unsigned long long)r->steps_bytes);
    r->steps_bytes = found;
    return VIOLET_OK;
}

violet_status vl_run_log_open(vl_run *r)
{
    json_t *args;
    violet_status status = vl_option_json(&args, r->task->table, r->o);
    if (status != VIOLET_OK) return status;
    status = vl_run_write_json(r->o->output, "args.json", args);
    json_decref(args);
    if (status == VIOLET_OK) status = vl_run_write_machine(r->o->output);
    if (status == VIOLET_OK) status = check_lines(r, "steps.jsonl");
    if (status == VIOLET_OK)
        status = vl_run_open_lines(&r->steps, r->o->output, "steps.jsonl", (int64_t)r->steps_bytes);
    if (status == VIOLET_OK)
        status = vl_run_open_lines(&r->timing, r->o->output, "timing.jsonl", r->step ? -1 : 0);
    return status;
}

violet_status vl_run_log_close(vl_run *r, violet_status status)
{
    return vl_run_close_lines(&r->steps, &r->timing, r->o->output, status);
}

/* Only what is the same on every run goes into steps.jsonl. */
violet_status vl_run_log_step(vl_run *r, const char *set, const char *unit_name,
                              const vl_run_sums *s, double lr, double norm, double seconds,
                              double waited)
{
    FILE *f = r->steps;
    double loss = vl_run_total(r, s);
    char a[32], b[32];
    int n = fprintf(f, "{\"step\": %llu, \"epoch\": %llu, \"set\": \"%s\", \"unit\": \"%s\"",
                    (unsigned long long)r->step, (unsigned long long)r->epoch + 1, set, unit_name);
    for (int k = 0; k < r->task->n_losses; k++) {
        if (!s->asked[k]) continue;
        n += fprintf(f, ", \"ls_%s\": %s, \"ac_%s\": %s", r->task->losses[k],
                     vl_json_number(a, vl_run_loss(s, k)), r->task->losses[k],
                     vl_json_number(b, vl_run_accuracy(s, k)));
    }
    n += fprintf(f, ", \"loss\": %s, \"norm\": %s", vl_json_number(a, loss),
                 vl_json_number(b, norm));
    n += fprintf(f, ", \"lr\": %s, \"samples\": %llu}\n", vl_json_number(a, lr),
                 (unsigned long long)r->samples);
    r->steps_bytes += n;
    fprintf(r->timing, "{\"step\": %llu, \"seconds\": %.4f, \"waited\": %.4f, \"mbytes\": %llu}\n",
            (unsigned long long)r->step, seconds, waited, vl_memory_peak() >> 20);
    if (fflush(f) || fflush(r->timing)) return vl_err_errno("write logs in '%s'", r->o->output);
    return VIOLET_OK;
}

/* ---- log.json ------------------------------------------------------------------------------- */

/* object[key], made if it is not there; NULL: out of memory. */
static json_t *entry(json_t *object, const char *key, json_t *(*make)(void))
{
    json_t *value = json_object_get(object, key);
    if (!value) {
        value = make();
        if (vl_json_put(object, key, value)) return NULL;
    }
    return value;
}

static int append(json_t *of_set, const char *kind, const char *name, double value)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s", kind, name);
    return vl_json_put(entry(of_set, key, json_array), NULL, vl_json_real(value));
}

violet_status vl_run_log_unit(vl_run *r, const char *set, const vl_run_sums *train,
                              const vl_run_result *valid)
{
    const vl_run_task *task = r->task;
    json_t *of_set = entry(r->log, set, json_object);
    int bad = 0;
    for (int k = 0; k < task->n_losses; k++)
        bad |= append(of_set, "ls_", task->losses[k], vl_run_loss(train, k));
    for (int k = 0; k < task->n_losses && !task->n_metrics; k++)
        bad |= append(of_set, "ac_", task->losses[k], vl_run_accuracy(&valid->sums, k));
    for (int k = 0; k < task->n_metrics; k++)
        bad |= append(of_set, "", task->metrics[k], valid->metric[k]);
    return bad ? vl_err_nomem() : vl_run_write_json(r->o->output, "log.json", r->log);
}
