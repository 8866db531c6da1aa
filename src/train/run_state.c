/* The saved state of a training run, and its weights; see run.h for the files.
 *
 * A state holds everything that decides what comes next, so that a run killed at any moment and
 * resumed writes the same bytes as one that was not: steps.jsonl is cut back to its length at the
 * saved state, and log.json is written from the state's copy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "model/checkpoint.h"
#include "model/tuned.h"
#include "train/run_folder.h"
#include "train/run_internal.h"

#define STATE_VERSION 1

#define COUNT_MOST  ((json_int_t)1 << 53) /* of anything in a state */

/* A number of the state; a state comes from a file, so it may say anything. */
static violet_status read_count(uint64_t *out, const json_t *value, const char *name)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || n > COUNT_MOST)
        return vl_err(VIOLET_EFORMAT, "state: '%s' is no number from 0 to %lld", name,
                      (long long)COUNT_MOST);
    *out = (uint64_t)n;
    return VIOLET_OK;
}

/* Whether the position is one of the units that the data sets give, and the updates are those that
 * lead there: then what is left comes to an end. */
static violet_status check_position(const vl_run *r)
{
    uint64_t first = 0, batches = r->units[r->n_units - 1].end, updates;
    int k = r->unit < (uint64_t)r->n_units ? (int)r->unit : -1;
    if (k > 0) first = r->units[k - 1].end;
    if (k < 0 || r->at < first || r->at > r->units[k].end)
        return vl_err(VIOLET_EFORMAT, "batch %llu of unit %llu: this run has %d units of %llu "
                      "batches", (unsigned long long)r->at, (unsigned long long)r->unit, r->n_units,
                      (unsigned long long)batches);
    if (__builtin_mul_overflow(r->epoch, vl_run_updates(r, r->n_units - 1, batches), &updates) ||
        __builtin_add_overflow(updates, vl_run_updates(r, k, r->at), &updates) ||
        updates != r->step || r->finished > r->step || r->best.step > r->step)
        return vl_err(VIOLET_EFORMAT, "state: step %llu is not that of batch %llu of epoch %llu",
                      (unsigned long long)r->step, (unsigned long long)r->at,
                      (unsigned long long)r->epoch + 1);
    return VIOLET_OK;
}

static json_t *save_sums(const vl_run_sums *s, int n)
{
    json_t *list = json_array();
    int bad = 0;
    for (int k = 0; k < n; k++) {
        bad |= vl_json_put(list, NULL, vl_json_real(s->loss[k]));
        bad |= vl_json_put(list, NULL, json_integer((json_int_t)s->asked[k]));
        bad |= vl_json_put(list, NULL, json_integer((json_int_t)s->right[k]));
    }
    if (!bad) return list;
    json_decref(list);
    return NULL;
}

static violet_status load_sums(vl_run_sums *s, const json_t *list, int n)
{
    violet_status status = VIOLET_OK;
    for (int k = 0; k < n && status == VIOLET_OK; k++) {
        const json_t *loss = json_array_get(list, 3 * k);
        s->loss[k] = json_is_null(loss) ? NAN : json_number_value(loss);
        status = read_count(&s->asked[k], json_array_get(list, 3 * k + 1), "sums");
        if (status == VIOLET_OK)
            status = read_count(&s->right[k], json_array_get(list, 3 * k + 2), "sums");
    }
    return status;
}

static json_t *save_set(const vl_run *r, int i)
{
    const vl_cursor *c = &r->cursor[i];
    json_t *at = json_array(), *set = json_object();
    int bad = 0;
    for (int p = 0; p < vl_dataset_parts(r->sets[i].train); p++)
        bad |= vl_json_put(at, NULL, json_integer((json_int_t)c->at[p]));
    bad |= vl_json_put(set, "name", json_string(r->sets[i].name));
    bad |= vl_json_put(set, "epoch", json_integer((json_int_t)c->epoch));
    bad |= vl_json_put(set, "step", json_integer((json_int_t)c->step));
    bad |= vl_json_put(set, "at", at);
    bad |= vl_json_put(set, "sums", save_sums(&r->sets[i].sums, r->task->n_losses));
    if (!bad) return set;
    json_decref(set);
    return NULL;
}

/* Counters of the state by name; one line adds one. */
static uint64_t *counter(vl_run *r, int i, const char **name)
{
    const struct {
        const char *name;
        uint64_t *at;
    } all[] = {{"epoch", &r->epoch},       {"at", &r->at},
               {"unit", &r->unit},         {"step", &r->step},
               {"finished", &r->finished}, {"batches", &r->batches},
               {"samples", &r->samples},   {"steps_bytes", &r->steps_bytes}};
    if (i >= (int)(sizeof all / sizeof *all)) return NULL;
    *name = all[i].name;
    return all[i].at;
}

static json_t *save_best(const vl_run_best *b, int n)
{
    json_t *best = json_object(), *metric = json_array();
    int bad = vl_json_put(best, "step", json_integer((json_int_t)b->step));
    bad |= vl_json_put(best, "epoch", json_integer((json_int_t)b->epoch));
    bad |= vl_json_put(best, "since", json_integer((json_int_t)b->since));
    for (int k = 0; k < n; k++) bad |= vl_json_put(metric, NULL, vl_json_real(b->metric[k]));
    bad |= vl_json_put(best, "metric", metric);
    if (!bad) return best;
    json_decref(best);
    return NULL;
}

static violet_status load_best(vl_run_best *b, const json_t *best, int n)
{
    const json_t *metric = json_object_get(best, "metric");
    violet_status status = read_count(&b->step, json_object_get(best, "step"), "best step");
    if (status == VIOLET_OK)
        status = read_count(&b->epoch, json_object_get(best, "epoch"), "best epoch");
    if (status == VIOLET_OK)
        status = read_count(&b->since, json_object_get(best, "since"), "best since");
    for (int k = 0; k < n; k++) {
        const json_t *value = json_array_get(metric, (size_t)k);
        b->metric[k] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return status;
}

/* {data set: {name: [numbers]}}: lines are added to it. */
static violet_status load_log(vl_run *r, json_t *log)
{
    const char *set, *name;
    json_t *of_set, *list;
    if (!json_is_object(log)) return vl_err(VIOLET_EFORMAT, "state: 'log' is no object");
    json_object_foreach(log, set, of_set)
    {
        if (!json_is_object(of_set))
            return vl_err(VIOLET_EFORMAT, "state: 'log' of '%.60s' is no object", set);
        json_object_foreach(of_set, name, list)
            if (!json_is_array(list))
                return vl_err(VIOLET_EFORMAT, "state: '%.60s' in 'log' is no list", name);
    }
    json_decref(r->log);
    r->log = json_incref(log);
    return VIOLET_OK;
}

static int put_all(json_t *state, vl_run *r)
{
    const char *name;
    json_t *sets = json_array();
    int bad = 0;
    for (int i = 0; counter(r, i, &name); i++)
        bad |= vl_json_put(state, name, json_integer((json_int_t)*counter(r, i, &name)));
    for (int i = 0; i < r->n_sets; i++) bad |= vl_json_put(sets, NULL, save_set(r, i));
    bad |= vl_json_put(state, "sets", sets);
    if (r->task->n_deciding)
        bad |= vl_json_put(state, "best", save_best(&r->best, r->task->n_metrics));
    return bad | vl_json_put(state, "log", json_incref(r->log));
}

/* The state as text, to be freed. */
static violet_status state_text(char **text, vl_run *r)
{
    json_t *state = json_object();
    int bad = vl_json_put(state, "version", json_integer(STATE_VERSION));
    bad |= vl_json_put(state, "options", vl_run_fixed(r->task->table, r->o, r->task->fixed));
    bad |= vl_json_put(state, "data", vl_run_data(r));
    violet_status status = bad ? vl_err_nomem() : r->task->save(r, state);
    if (status == VIOLET_OK) {
        bad = put_all(state, r);
        *text = bad ? NULL : json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(17));
        if (!*text) status = vl_err_nomem();
    }
    json_decref(state);
    return status;
}

violet_status vl_run_state_save(vl_run *r)
{
    char path[4096], *text = NULL, *task = NULL;
    violet_status status = state_text(&text, r);
    if (status == VIOLET_OK) status = r->task->describe(&task, r);
    if (status == VIOLET_OK) status = vl_run_path(r, path, "last.safetensors");
    const char *extra[4] = {"state", text, "task", task};
    if (r->steps) fsync(fileno(r->steps)); /* the state must not be ahead of the log it cuts */
    if (status == VIOLET_OK) status = vl_checkpoint_write(path, &r->model, 1, extra, task ? 2 : 1);
    free(text);
    free(task);
    return status;
}

static violet_status load_sets(vl_run *r, const json_t *sets)
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
        violet_status status = read_count(&c->epoch, json_object_get(set, "epoch"), "epoch");
        if (status == VIOLET_OK)
            status = read_count(&c->step, json_object_get(set, "step"), "step");
        for (int p = 0; p < parts && status == VIOLET_OK; p++)
            status = read_count(&c->at[p], json_array_get(at, p), "at");
        if (status == VIOLET_OK)
            status = load_sums(&r->sets[i].sums, json_object_get(set, "sums"), r->task->n_losses);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* Takes over what the state holds, once it is found to be of such a run. */
static violet_status load_state(vl_run *r, const json_t *state)
{
    const char *name;
    violet_status status =
        vl_run_check_fixed(json_object_get(state, "options"), r->task->table, r->o, r->task->fixed);
    if (status == VIOLET_OK) status = r->task->resume(r, state);
    for (int i = 0; counter(r, i, &name) && status == VIOLET_OK; i++)
        status = read_count(counter(r, i, &name), json_object_get(state, name), name);
    if (status == VIOLET_OK) status = load_sets(r, json_object_get(state, "sets"));
    if (status == VIOLET_OK) status = vl_run_data_check(r, json_object_get(state, "data"));
    if (status == VIOLET_OK && r->task->n_deciding)
        status = load_best(&r->best, json_object_get(state, "best"), r->task->n_metrics);
    if (status == VIOLET_OK) status = check_position(r);
    return status == VIOLET_OK ? load_log(r, json_object_get(state, "log")) : status;
}

violet_status vl_run_state_load(vl_run *r)
{
    char path[4096], *text = NULL;
    json_t *state = NULL;
    violet_status status = vl_run_path(r, path, "last.safetensors");
    if (status == VIOLET_OK) status = vl_checkpoint_read_state(&r->model.params, path);
    if (status == VIOLET_OK) status = vl_checkpoint_metadata(&text, path, "state");
    if (status != VIOLET_OK) return status;
    if (text) state = json_loads(text, 0, NULL);
    if (!state || json_integer_value(json_object_get(state, "version")) != STATE_VERSION) {
        status = vl_err(VIOLET_EFORMAT, "%s: its metadata has no 'state' of version %d", path,
                        STATE_VERSION);
    } else {
        status = load_state(r, state);
        if (status != VIOLET_OK) vl_err_at(status, "%s", path);
    }
    json_decref(state);
    free(text);
    return status;
}

violet_status vl_run_weights_save(const vl_run *r, const char *name)
{
    char path[4096], *text = NULL;
    violet_status status = vl_run_path(r, path, name);
    if (status == VIOLET_OK) status = r->task->describe(&text, r);
    const char *extra[2] = {"task", text};
    if (status == VIOLET_OK) status = vl_checkpoint_write(path, &r->model, 0, extra, text ? 1 : 0);
    free(text);
    return status;
}

violet_status vl_run_best_found(uint64_t *step, const vl_run *r)
{
    char path[4096];
    vl_tensors *f;
    vl_tuned t;
    *step = 0;
    violet_status status = vl_run_path(r, path, "best.safetensors");
    if (status == VIOLET_OK) status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    status = vl_tuned_read(&t, f, path);
    if (status == VIOLET_OK) *step = t.step ? t.step : r->best.step;
    vl_tuned_release(&t);
    vl_tensors_close(f);
    return status;
}
