/* Logs and the saved state of a pretraining run; see pretrain_run.h for the files.
 *
 * A state holds everything that decides what comes next, so that a run killed at any moment and
 * resumed writes the same bytes as one that was not: steps.jsonl is cut back to its length at the
 * saved state, and log.json is written from the state's copy. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "model/checkpoint.h"
#include "task/pretrain_internal.h"
#include "train/run_folder.h"

#define STATE_VERSION 1

violet_status run_path(const pretrain *r, char path[4096], const char *name)
{
    return vl_path_join(path, 4096, r->o->output, name);
}

/* How much of steps.jsonl stays. */
static violet_status check_lines(pretrain *r, const char *name)
{
    uint64_t found;
    violet_status status = vl_run_lines_length(&found, r->o->output, name, r->steps_bytes);
    if (status != VIOLET_OK || found == r->steps_bytes) return status;
    tell(r, VIOLET_EVENT_WARNING, "%s/%s has %llu bytes, the saved run wrote %llu: lines are lost",
         r->o->output, name, (unsigned long long)found, (unsigned long long)r->steps_bytes);
    r->steps_bytes = found;
    return VIOLET_OK;
}

violet_status log_open(pretrain *r)
{
    json_t *args;
    violet_status status = vl_option_json(&args, vl_pretrain_option_table, r->o);
    if (status != VIOLET_OK) return status;
    status = vl_run_write_json(r->o->output, "args.json", args);
    json_decref(args);
    if (status == VIOLET_OK) status = check_lines(r, "steps.jsonl");
    if (status == VIOLET_OK)
        status = vl_run_open_lines(&r->steps, r->o->output, "steps.jsonl", (int64_t)r->steps_bytes);
    if (status == VIOLET_OK)
        status = vl_run_open_lines(&r->timing, r->o->output, "timing.jsonl", r->step ? -1 : 0);
    return status;
}

violet_status log_close(pretrain *r, violet_status status)
{
    int failed = 0;
    if (r->steps) failed |= fclose(r->steps);
    if (r->timing) failed |= fclose(r->timing);
    r->steps = r->timing = NULL;
    if (!failed || status != VIOLET_OK) return status; /* the first failure keeps its message */
    return vl_err_errno("write the logs in '%s'", r->o->output);
}

/* Only what is the same on every run goes into steps.jsonl. */
violet_status log_step(pretrain *r, const char *set, const char *unit_name, const stats *s,
                       double lr, double norm, double seconds, double waited)
{
    FILE *f = r->steps;
    double loss = 0;
    char a[32], b[32];
    int n = fprintf(f, "{\"step\": %llu, \"epoch\": %llu, \"set\": \"%s\", \"unit\": \"%s\"",
                    (unsigned long long)r->step, (unsigned long long)r->epoch + 1, set, unit_name);
    for (int k = 0; k < 3; k++) {
        if (!s->asked[k]) continue;
        loss += stats_loss(s, k);
        n += fprintf(f, ", \"ls_%s\": %s, \"ac_%s\": %s", vl_pretrain_names[k],
                     vl_json_number(a, stats_loss(s, k)), vl_pretrain_names[k],
                     vl_json_number(b, stats_accuracy(s, k)));
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

static int append(json_t *of_set, const char *kind, int task, double value)
{
    char key[16];
    snprintf(key, sizeof key, "%s_%s", kind, vl_pretrain_names[task]);
    return vl_json_put(entry(of_set, key, json_array), NULL, vl_json_real(value));
}

violet_status log_unit(pretrain *r, const char *set, const stats *train, const stats *valid)
{
    json_t *of_set = entry(r->log, set, json_object);
    int bad = 0;
    for (int k = 0; k < 3; k++) bad |= append(of_set, "ls", k, stats_loss(train, k));
    for (int k = 0; k < 3; k++) bad |= append(of_set, "ac", k, stats_accuracy(valid, k));
    return bad ? vl_err_nomem() : vl_run_write_json(r->o->output, "log.json", r->log);
}

/* ---- the saved state ------------------------------------------------------------------------ */

/* The options that decide which samples come when, and how they are masked: a run cannot go on with
 * others. */
static const char *const fixed_options[] = {
    "split",      "parts", "caption", "size_img", "size_txt",   "size_frame",    "size_batch",
    "accumulate", "seed",  "compat",  "p_word",   "p_attended", "p_use_attended", "videos",
    "shape",      "fast_video", NULL};

/* The dVAE by its weights, wherever its file is; null: there is none. */
static json_t *save_dvae(const pretrain *r)
{
    char hash[20];
    if (!r->dvae) return json_null();
    snprintf(hash, sizeof hash, "%016" PRIx64, vl_params_hash(&r->dvae->params));
    return json_string(hash);
}

static violet_status check_dvae(const pretrain *r, const json_t *was)
{
    json_t *is = save_dvae(r);
    bool same = is && (was ? json_equal(was, is) : json_is_null(is));
    json_decref(is);
    if (!is) return vl_err_nomem();
    return same ? VIOLET_OK : vl_err(VIOLET_EINVAL, "the saved run was begun with another 'dvae'");
}

/* Whether the position makes sense for the units that the data sets give. */
static violet_status check_position(const pretrain *r)
{
    uint64_t first = 0;
    int k = r->unit < (uint64_t)r->n_units ? (int)r->unit : -1;
    if (k > 0) first = r->units[k - 1].end;
    if (k >= 0 && r->at >= first && r->at <= r->units[k].end) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "batch %llu of unit %llu: this run has %d units of %llu batches",
                  (unsigned long long)r->at, (unsigned long long)r->unit, r->n_units,
                  (unsigned long long)r->units[r->n_units - 1].end);
}

static json_t *save_stats(const stats *s)
{
    json_t *list = json_array();
    int bad = 0;
    for (int k = 0; k < 3; k++) {
        bad |= vl_json_put(list, NULL, vl_json_real(s->loss[k]));
        bad |= vl_json_put(list, NULL, json_integer((json_int_t)s->asked[k]));
        bad |= vl_json_put(list, NULL, json_integer((json_int_t)s->right[k]));
    }
    if (!bad) return list;
    json_decref(list);
    return NULL;
}

static void load_stats(stats *s, const json_t *list)
{
    for (int k = 0; k < 3; k++) {
        const json_t *loss = json_array_get(list, 3 * k);
        s->loss[k] = json_is_null(loss) ? NAN : json_number_value(loss);
        s->asked[k] = (uint64_t)json_integer_value(json_array_get(list, 3 * k + 1));
        s->right[k] = (uint64_t)json_integer_value(json_array_get(list, 3 * k + 2));
    }
}

static json_t *save_set(const pretrain *r, int i)
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
    bad |= vl_json_put(set, "sums", save_stats(&r->sets[i].sums));
    if (!bad) return set;
    json_decref(set);
    return NULL;
}

/* Counters of the state by name; one line adds one. */
static uint64_t *counter(pretrain *r, int i, const char **name)
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

/* The state as text, to be freed; NULL: out of memory. */
static char *state_text(pretrain *r)
{
    const char *name;
    char *text = NULL;
    json_t *state = json_object(), *sets = json_array();
    int bad = vl_json_put(state, "version", json_integer(STATE_VERSION));
    bad |= vl_json_put(state, "options",
                       vl_run_fixed(vl_pretrain_option_table, r->o, fixed_options));
    bad |= vl_json_put(state, "dvae", save_dvae(r));
    for (int i = 0; counter(r, i, &name); i++)
        bad |= vl_json_put(state, name, json_integer((json_int_t)*counter(r, i, &name)));
    for (int i = 0; i < r->n_sets; i++) bad |= vl_json_put(sets, NULL, save_set(r, i));
    bad |= vl_json_put(state, "sets", sets);
    bad |= vl_json_put(state, "log", json_incref(r->log));
    if (!bad) text = json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(state);
    return text;
}

violet_status state_save(pretrain *r)
{
    char path[4096], *text = state_text(r);
    if (!text) return vl_err_nomem();
    const char *extra[2] = {"state", text};
    violet_status status = run_path(r, path, "last.safetensors");
    if (r->steps) fsync(fileno(r->steps)); /* the state must not be ahead of the log it cuts */
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
    json_t *state = NULL;
    violet_status status = run_path(r, path, "last.safetensors");
    if (status == VIOLET_OK) status = vl_checkpoint_read_state(&r->model.params, path);
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
    status = vl_run_check_fixed(json_object_get(state, "options"), vl_pretrain_option_table, r->o,
                                fixed_options);
    if (status == VIOLET_OK) status = check_dvae(r, json_object_get(state, "dvae"));
    if (status == VIOLET_OK) status = load_sets(r, json_object_get(state, "sets"));
    if (status == VIOLET_OK) status = check_position(r);
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
