/* Logs and the saved state of a dVAE's training; see dvae_train.h for the files. A run that was
 * stopped at any moment and resumed writes the same bytes as one that was not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "extract/dvae_train_internal.h"
#include "model/checkpoint.h"
#include "train/run_folder.h"

#define STATE_VERSION 1

/* The options that decide which pictures come when, and what is made of them: a run cannot go on
 * with others. */
static const char *const fixed_options[] = {"size", "frames", "crop", "flip", "hold", "n_hid",
                                            "n_init", "n_code", "size_batch", "seed", "fast", NULL};

violet_status train_path(const training *r, char path[4096], const char *name)
{
    return vl_path_join(path, 4096, r->o.output, name);
}

violet_status train_log_open(training *r)
{
    json_t *args;
    uint64_t found = 0;
    const char *folder = r->o.output;
    violet_status status = vl_option_json(&args, vl_dvae_train_option_table, &r->o);
    if (status != VIOLET_OK) return status;
    status = vl_run_lines_length(&found, folder, "steps.jsonl", r->steps_bytes);
    if (status == VIOLET_OK && found < r->steps_bytes)
        vl_tell(&r->hooks, VIOLET_EVENT_WARNING, "%s/steps.jsonl has lost lines of the saved run",
                   folder);
    r->steps_bytes = found;
    if (status == VIOLET_OK)
        status = vl_run_open_lines(&r->steps, folder, "steps.jsonl", (int64_t)found);
    if (status == VIOLET_OK)
        status = vl_run_open_lines(&r->timing, folder, "timing.jsonl", r->step ? -1 : 0);
    if (status == VIOLET_OK) status = vl_run_write_json(folder, "args.json", args);
    if (status == VIOLET_OK) status = vl_run_write_machine(folder);
    json_decref(args);
    return status;
}

violet_status train_log_close(training *r, violet_status status)
{
    return vl_run_close_lines(&r->steps, &r->timing, r->o.output, status);
}

/* Only what is the same on every run goes into steps.jsonl. */
violet_status train_log_step(training *r, const step_numbers *s, double seconds)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"loss", s->loss}, {"nll", s->nll}, {"kl", s->kl},     {"error", s->error},
               {"tau", s->tau},   {"beta", s->beta}, {"used", s->used}, {"norm", s->norm},
               {"lr", s->lr}};
    char number[32];
    int n = fprintf(r->steps, "{\"step\": %llu", (unsigned long long)r->step);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        n += fprintf(r->steps, ", \"%s\": %s", all[i].name, vl_json_number(number, all[i].value));
    n += fprintf(r->steps, "}\n");
    r->steps_bytes += (uint64_t)n;
    double waited = vl_feed_waited(r->feed) - r->waited_s;
    r->waited_s += waited;
    fprintf(r->timing, "{\"step\": %llu, \"seconds\": %.4f, \"waited\": %.4f, \"mbytes\": %llu}\n",
            (unsigned long long)r->step, seconds, waited, vl_memory_peak() >> 20);
    if (fflush(r->steps) || fflush(r->timing))
        return vl_err_errno("write logs in '%s'", r->o.output);
    return VIOLET_OK;
}

/* ---- log.json -------------------------------------------------------------------------------- */

static int append(json_t *log, const char *key, json_t *value)
{
    json_t *list = json_object_get(log, key);
    if (!list && vl_json_put(log, key, list = json_array())) {
        json_decref(value);
        return 1;
    }
    return vl_json_put(list, NULL, value);
}

static json_t *share(const training *r, const valid_numbers *v)
{
    return v->n ? vl_json_real((double)v->used / r->o.n_code) : json_null();
}

static json_t *error(const valid_numbers *v)
{
    return v->n ? vl_json_real(v->error) : json_null();
}

violet_status train_log_valid(training *r, const valid_numbers *train, const valid_numbers *held)
{
    int bad = append(r->log, "step", json_integer((json_int_t)r->step));
    bad |= append(r->log, "error", error(train));
    bad |= append(r->log, "used", share(r, train));
    bad |= append(r->log, "error_held", error(held));
    bad |= append(r->log, "used_held", share(r, held));
    return bad ? vl_err_nomem() : vl_run_write_json(r->o.output, "log.json", r->log);
}

/* ---- the saved state ------------------------------------------------------------------------- */

/* Counters of the state by name; one line adds one. */
static uint64_t *counter(training *r, int i, const char **name)
{
    const struct {
        const char *name;
        uint64_t *at;
    } all[] = {{"step", &r->step}, {"finished", &r->finished}, {"steps_bytes", &r->steps_bytes}};
    if (i >= (int)(sizeof all / sizeof *all)) return NULL;
    *name = all[i].name;
    return all[i].at;
}

/* The state as text, to be freed; NULL: out of memory. */
static char *state_text(training *r)
{
    const char *name;
    char *text = NULL;
    json_t *state = json_object(), *seen = json_array();
    int bad = vl_json_put(state, "version", json_integer(STATE_VERSION));
    bad |= vl_json_put(state, "options",
                       vl_run_fixed(vl_dvae_train_option_table, &r->o, fixed_options));
    bad |= vl_json_put(state, "pictures", json_integer((json_int_t)vl_gallery_n(r->gallery)));
    for (int i = 0; counter(r, i, &name); i++)
        bad |= vl_json_put(state, name, json_integer((json_int_t)*counter(r, i, &name)));
    for (int i = 0; i < r->o.n_code; i++)
        bad |= vl_json_put(seen, NULL, json_integer((json_int_t)r->seen[i]));
    bad |= vl_json_put(state, "seen", seen);
    bad |= vl_json_put(state, "log", json_incref(r->log));
    if (!bad) text = json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(state);
    return text;
}

violet_status train_save(training *r)
{
    char path[4096], *text = state_text(r);
    if (!text) return vl_err_nomem();
    const char *extra[2] = {"state", text};
    violet_status status = train_path(r, path, "last.safetensors");
    if (r->steps) fsync(fileno(r->steps)); /* the state must not be ahead of the log it cuts */
    if (status == VIOLET_OK) status = vl_dvae_write(path, r->dvae, 1, extra, 1);
    free(text);
    return status;
}

static violet_status load_state(training *r, const json_t *state)
{
    const char *name;
    const json_t *seen = json_object_get(state, "seen");
    if (json_integer_value(json_object_get(state, "version")) != STATE_VERSION)
        return vl_err(VIOLET_EFORMAT, "its metadata has no 'state' of version %d", STATE_VERSION);
    violet_status status = vl_run_check_fixed(json_object_get(state, "options"),
                                              vl_dvae_train_option_table, &r->o, fixed_options);
    if (status != VIOLET_OK) return status;
    json_int_t n = json_integer_value(json_object_get(state, "pictures"));
    if ((size_t)n != vl_gallery_n(r->gallery))
        return vl_err(VIOLET_EINVAL, "the saved run had %lld pictures, '%s' has %zu", (long long)n,
                      r->o.path, vl_gallery_n(r->gallery));
    for (int i = 0; counter(r, i, &name); i++)
        *counter(r, i, &name) = (uint64_t)json_integer_value(json_object_get(state, name));
    for (int i = 0; i < r->o.n_code; i++)
        r->seen[i] = (uint64_t)json_integer_value(json_array_get(seen, (size_t)i));
    json_t *log = json_object_get(state, "log");
    if (json_is_object(log)) {
        json_decref(r->log);
        r->log = json_incref(log);
    }
    return VIOLET_OK;
}

violet_status train_load(training *r)
{
    char path[4096], *text = NULL;
    violet_status status = train_path(r, path, "last.safetensors");
    if (status == VIOLET_OK) status = vl_checkpoint_metadata(&text, path, "state");
    if (status != VIOLET_OK) return status;
    json_t *state = text ? json_loads(text, 0, NULL) : NULL;
    status = load_state(r, state);
    if (status != VIOLET_OK) vl_err_at(status, "%s", path);
    if (status == VIOLET_OK) status = vl_checkpoint_read_state(&r->dvae->params, path);
    json_decref(state);
    free(text);
    return status;
}
