/* Logs and the saved state of a pretraining run; see pretrain_run.h for the files.
 *
 * A state holds everything that decides what comes next, so that a run killed at any moment and
 * resumed writes the same bytes as one that was not: steps.jsonl is cut back to its length at the
 * saved state, and log.json is written from the state's copy. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "model/checkpoint.h"
#include "task/pretrain_internal.h"

#define STATE_VERSION 1

violet_status run_path(const pretrain *r, char path[4096], const char *name)
{
    return vl_path_join(path, 4096, r->o->output, name);
}

static violet_status write_json(const pretrain *r, const char *name, const json_t *object)
{
    char path[4096];
    vl_out out;
    violet_status status = run_path(r, path, name);
    if (status != VIOLET_OK) return status;
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    if (!text) return vl_err_nomem();
    status = vl_out_open(&out, path);
    if (status == VIOLET_OK) status = vl_out_write(&out, text, strlen(text));
    if (status == VIOLET_OK) status = vl_out_write(&out, "\n", 1);
    if (status == VIOLET_OK) status = vl_out_commit(&out);
    free(text);
    return status;
}

static violet_status open_lines(FILE **f, const pretrain *r, const char *name, int64_t cut_to)
{
    char path[4096];
    violet_status status = run_path(r, path, name);
    if (status != VIOLET_OK) return status;
    *f = fopen(path, "a");
    if (!*f || (cut_to >= 0 && ftruncate(fileno(*f), cut_to) != 0))
        return vl_err_errno("open '%s'", path);
    return VIOLET_OK;
}

violet_status log_open(pretrain *r)
{
    json_t *args;
    violet_status status = vl_option_json(&args, vl_pretrain_option_table, r->o);
    if (status != VIOLET_OK) return status;
    status = write_json(r, "args.json", args);
    json_decref(args);
    if (status == VIOLET_OK)
        status = open_lines(&r->steps, r, "steps.jsonl", (int64_t)r->steps_bytes);
    if (status == VIOLET_OK) status = open_lines(&r->timing, r, "timing.jsonl", r->step ? -1 : 0);
    return status;
}

violet_status log_close(pretrain *r)
{
    int failed = 0;
    if (r->steps) failed |= fclose(r->steps);
    if (r->timing) failed |= fclose(r->timing);
    r->steps = r->timing = NULL;
    return failed ? vl_err_errno("write the logs in '%s'", r->o->output) : VIOLET_OK;
}

/* Only what is the same on every run goes into steps.jsonl. */
violet_status log_step(pretrain *r, int set, const char *unit_name, const stats *s, double lr,
                       double norm, double seconds)
{
    FILE *f = r->steps;
    double loss = 0;
    int n = fprintf(f, "{\"step\": %llu, \"epoch\": %llu, \"set\": \"%s\", \"unit\": \"%s\"",
                    (unsigned long long)r->step, (unsigned long long)r->epoch + 1,
                    r->sets[set].name, unit_name);
    for (int k = 0; k < 3; k++) {
        if (!s->asked[k]) continue;
        loss += stats_loss(s, k);
        n += fprintf(f, ", \"ls_%s\": %.9g, \"ac_%s\": %.6g", vl_pretrain_names[k],
                     stats_loss(s, k), vl_pretrain_names[k], stats_accuracy(s, k));
    }
    if (isfinite(loss)) n += fprintf(f, ", \"loss\": %.9g", loss);
    if (isfinite(norm)) n += fprintf(f, ", \"norm\": %.9g", norm);
    n += fprintf(f, ", \"lr\": %.9g, \"samples\": %llu}\n", lr, (unsigned long long)r->samples);
    r->steps_bytes += n;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(r->timing, "{\"step\": %llu, \"seconds\": %.4f, \"waited\": %.4f, \"mbytes\": %ld}\n",
            (unsigned long long)r->step, seconds, r->waited_s, usage.ru_maxrss / 1024);
    if (fflush(f) || fflush(r->timing)) return vl_err_errno("write logs in '%s'", r->o->output);
    return VIOLET_OK;
}

/* ---- log.json ------------------------------------------------------------------------------- */

static void append(json_t *of_set, const char *kind, int task, double value)
{
    char key[16];
    snprintf(key, sizeof key, "%s_%s", kind, vl_pretrain_names[task]);
    json_t *list = json_object_get(of_set, key);
    if (!list) {
        list = json_array();
        json_object_set_new(of_set, key, list);
    }
    json_array_append_new(list, isfinite(value) ? json_real(value) : json_null());
}

violet_status log_unit(pretrain *r, const char *set, const stats *train, const stats *valid)
{
    json_t *of_set = json_object_get(r->log, set);
    if (!of_set) {
        of_set = json_object();
        json_object_set_new(r->log, set, of_set);
    }
    for (int k = 0; k < 3; k++) append(of_set, "ls", k, stats_loss(train, k));
    for (int k = 0; k < 3; k++) append(of_set, "ac", k, stats_accuracy(valid, k));
    return write_json(r, "log.json", r->log);
}

/* ---- the saved state ------------------------------------------------------------------------ */

static json_t *save_stats(const stats *s)
{
    json_t *list = json_array();
    for (int k = 0; k < 3; k++) {
        json_array_append_new(list, json_real(s->loss[k]));
        json_array_append_new(list, json_integer((json_int_t)s->asked[k]));
        json_array_append_new(list, json_integer((json_int_t)s->right[k]));
    }
    return list;
}

static void load_stats(stats *s, const json_t *list)
{
    for (int k = 0; k < 3; k++) {
        s->loss[k] = json_number_value(json_array_get(list, 3 * k));
        s->asked[k] = (uint64_t)json_integer_value(json_array_get(list, 3 * k + 1));
        s->right[k] = (uint64_t)json_integer_value(json_array_get(list, 3 * k + 2));
    }
}

static json_t *save_set(const pretrain *r, int i)
{
    const vl_cursor *c = &r->cursor[i];
    json_t *at = json_array(), *set = json_object();
    for (int p = 0; p < vl_dataset_parts(r->sets[i].train); p++)
        json_array_append_new(at, json_integer((json_int_t)c->at[p]));
    json_object_set_new(set, "name", json_string(r->sets[i].name));
    json_object_set_new(set, "epoch", json_integer((json_int_t)c->epoch));
    json_object_set_new(set, "step", json_integer((json_int_t)c->step));
    json_object_set_new(set, "at", at);
    json_object_set_new(set, "sums", save_stats(&r->sets[i].sums));
    return set;
}

/* Counters of the state by name; one line adds one. */
static uint64_t *counter(pretrain *r, int i, const char **name)
{
    const struct {
        const char *name;
        uint64_t *at;
    } all[] = {{"epoch", &r->epoch},
               {"at", &r->at},
               {"unit", &r->unit},
               {"step", &r->step},
               {"batches", &r->batches},
               {"samples", &r->samples},
               {"steps_bytes", &r->steps_bytes}};
    if (i >= (int)(sizeof all / sizeof *all)) return NULL;
    *name = all[i].name;
    return all[i].at;
}

violet_status state_save(pretrain *r)
{
    char path[4096];
    const char *name;
    json_t *state = json_object(), *sets = json_array();
    json_object_set_new(state, "version", json_integer(STATE_VERSION));
    for (int i = 0; counter(r, i, &name); i++)
        json_object_set_new(state, name, json_integer((json_int_t)*counter(r, i, &name)));
    for (int i = 0; i < r->n_sets; i++) json_array_append_new(sets, save_set(r, i));
    json_object_set_new(state, "sets", sets);
    json_object_set(state, "log", r->log);
    char *text = json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(state);
    if (!text) return vl_err_nomem();
    const char *extra[2] = {"state", text};
    violet_status status = run_path(r, path, "last.safetensors");
    if (status == VIOLET_OK) status = vl_checkpoint_write(path, &r->model, 1, extra, 1);
    free(text);
    return status;
}

static violet_status load_sets(pretrain *r, const json_t *sets)
{
    if ((int)json_array_size(sets) != r->n_sets)
        return vl_err(VIOLET_EINVAL, "the saved run has %zu data sets, this one has %d",
                      json_array_size(sets), r->n_sets);
    for (int i = 0; i < r->n_sets; i++) {
        const json_t *set = json_array_get(sets, i), *at = json_object_get(set, "at");
        const char *name = json_string_value(json_object_get(set, "name"));
        int parts = vl_dataset_parts(r->sets[i].train);
        if (!name || strcmp(name, r->sets[i].name) || (int)json_array_size(at) != parts)
            return vl_err(VIOLET_EINVAL,
                          "the saved run's data set %d is '%s' in %zu parts, not '%s' "
                          "in %d",
                          i, name ? name : "?", json_array_size(at), r->sets[i].name, parts);
        vl_cursor *c = &r->cursor[i];
        c->epoch = (uint64_t)json_integer_value(json_object_get(set, "epoch"));
        c->step = (uint64_t)json_integer_value(json_object_get(set, "step"));
        for (int p = 0; p < parts; p++)
            c->at[p] = (uint64_t)json_integer_value(json_array_get(at, p));
        load_stats(&r->sets[i].sums, json_object_get(set, "sums"));
    }
    return VIOLET_OK;
}

violet_status state_load(pretrain *r)
{
    char path[4096], *text = NULL;
    const char *name;
    vl_load_report report;
    json_t *state = NULL;
    violet_status status = run_path(r, path, "last.safetensors");
    if (status == VIOLET_OK) status = vl_checkpoint_read(&r->model, path, 1, &report);
    if (status == VIOLET_OK) status = vl_checkpoint_metadata(&text, path, "state");
    if (status != VIOLET_OK) return status;
    if (text) state = json_loads(text, 0, NULL);
    if (!state || json_integer_value(json_object_get(state, "version")) != STATE_VERSION) {
        status = vl_err(VIOLET_EFORMAT, "%s: its metadata has no 'state' of version %d", path,
                        STATE_VERSION);
        goto done;
    }
    for (int i = 0; counter(r, i, &name); i++)
        *counter(r, i, &name) = (uint64_t)json_integer_value(json_object_get(state, name));
    status = load_sets(r, json_object_get(state, "sets"));
    if (status != VIOLET_OK) {
        vl_err_at(status, "%s", path);
        goto done;
    }
    json_decref(r->log);
    r->log = json_incref(json_object_get(state, "log"));
    if (!r->log) r->log = json_object();
done:
    json_decref(state);
    free(text);
    return status;
}

violet_status weights_save(const pretrain *r, const char *unit_name)
{
    char name[256], path[4096];
    snprintf(name, sizeof name, "%llu_%s.safetensors", (unsigned long long)r->epoch + 1, unit_name);
    violet_status status = run_path(r, path, name);
    return status == VIOLET_OK ? vl_checkpoint_write(path, &r->model, 0, NULL, 0) : status;
}
