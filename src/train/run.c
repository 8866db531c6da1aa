/* A training run: the loop over epochs, units and steps. See run.h. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "train/run_internal.h"

enum { TOLD_ONE_BY_ONE = 20 }; /* steps without an update */

bool vl_run_stopping(const vl_run *r)
{
    return r->hooks.stop && *r->hooks.stop;
}

double vl_run_loss(const vl_run_sums *s, int loss)
{
    return s->asked[loss] ? s->loss[loss] / (double)s->asked[loss] : NAN;
}

double vl_run_accuracy(const vl_run_sums *s, int loss)
{
    return s->asked[loss] ? (double)s->right[loss] / (double)s->asked[loss] : NAN;
}

double vl_run_total(const vl_run *r, const vl_run_sums *s)
{
    double sum = 0;
    for (int k = 0; k < r->task->n_losses; k++)
        if (s->asked[k]) sum += (r->task->weights ? r->task->weights[k] : 1) * vl_run_loss(s, k);
    return sum;
}

void vl_run_tell(const vl_run *r, violet_event_kind kind, const char *format, ...)
{
    char text[1024];
    violet_event e = {.kind = kind, .text = text};
    if (!r->hooks.event) return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    r->hooks.event(r->hooks.user, &e);
}

/* ---- validation ----------------------------------------------------------------------------- */

violet_status vl_run_validate(vl_run *r, const vl_dataset *d, vl_run_result *out)
{
    const vl_run_options *o = r->o;
    vl_loader *loader;
    const vl_batch *b = NULL;
    vl_cursor start = {0};
    uint64_t first = 0, n = 0;
    vl_loader_options options = {.batch = o->size_batch,
                                 .workers = o->workers,
                                 .once = true,
                                 .report = vl_run_report_bad,
                                 .user = r};
    violet_status status = vl_loader_open(&loader, d, &options);
    if (status != VIOLET_OK) return status;
    status = vl_loader_start(loader, &start);
    while (status == VIOLET_OK && (status = vl_loader_next(&b, loader)) == VIOLET_OK && b) {
        if (o->valid_batches && n++ == (uint64_t)o->valid_batches) break;
        if (vl_run_stopping(r)) status = vl_err(VIOLET_EINTERRUPTED, "stopped during validation");
        if (status == VIOLET_OK) status = r->task->batch(r, b, false, 0, first, &out->sums);
        first += b->n;
    }
    vl_loader_close(loader);
    return status;
}

static vl_run_result no_result(void)
{
    vl_run_result none = {0};
    for (int k = 0; k < VL_RUN_METRICS; k++) none.metric[k] = NAN;
    return none;
}

bool vl_run_is_better(const vl_run *r, const vl_run_result *result)
{
    int n = r->task->n_deciding;
    if (n == 0 || !isfinite(result->metric[0])) return false;
    if (r->best.step == 0) return true;
    for (int k = 0; k < n; k++)
        if (result->metric[k] != r->best.metric[k]) return result->metric[k] > r->best.metric[k];
    return false;
}

static violet_event event_of(const vl_run *r, violet_event_kind kind, const char *set,
                             const vl_run_sums *s)
{
    violet_event e = {.kind = kind,
                      .text = set,
                      .step = r->step,
                      .n_steps = r->n_steps,
                      .epoch = (int)r->epoch + 1,
                      .n_epochs = r->o->steps ? 0 : r->o->size_epoch,
                      .names = r->task->losses,
                      .n_tasks = r->task->n_losses,
                      .bytes = vl_memory_peak()};
    for (int k = 0; k < r->task->n_losses; k++) {
        e.loss_of[k] = vl_run_loss(s, k);
        e.accuracy[k] = vl_run_accuracy(s, k);
    }
    e.loss = vl_run_total(r, s);
    if (r->busy_s > 0) e.share_waiting = r->waited_s / r->busy_s;
    return e;
}

static void tell_step(const vl_run *r, const char *set, const vl_run_sums *s, double lr)
{
    violet_event e = event_of(r, VIOLET_EVENT_STEP, set, s);
    double per_step = (double)r->o->size_batch * r->o->accumulate;
    e.rate = lr;
    e.samples_per_s = (double)r->samples_here / r->busy_s;
    if (e.samples_per_s > 0)
        e.seconds_left = (double)(r->n_steps - r->step) * per_step / e.samples_per_s;
    if (r->hooks.event) r->hooks.event(r->hooks.user, &e);
}

void vl_run_tell_result(const vl_run *r, violet_event_kind kind, const char *name,
                        const vl_run_result *result)
{
    violet_event e = event_of(r, kind, name, &result->sums);
    if (kind == VIOLET_EVENT_TEST) {
        e.step = r->tested;
        e.epoch = 0; /* not known */
        if (r->best.step && r->tested == r->best.step)
            e.epoch = (int)r->best.epoch;
        else if (!r->best.step && r->unit == 0 && r->at == 0)
            e.epoch = (int)r->epoch; /* of the last weights, and no other has begun */
    }
    for (int k = 0; k < r->task->n_losses && r->task->n_metrics; k++)
        e.accuracy[k] = NAN; /* the metrics say it, and over all items */
    e.metric_names = r->task->metrics;
    e.n_metrics = r->task->n_metrics;
    for (int k = 0; k < r->task->n_metrics; k++) e.metric[k] = result->metric[k];
    if (r->hooks.event) r->hooks.event(r->hooks.user, &e);
}

/* Keeps the weights if no validation was better, and counts since when none was. */
static violet_status keep_best(vl_run *r, const vl_run_result *valid)
{
    if (r->task->n_deciding == 0) return VIOLET_OK;
    if (!vl_run_is_better(r, valid)) {
        r->best.since++;
        return VIOLET_OK;
    }
    r->best = (vl_run_best){.step = r->step, .epoch = r->epoch + 1};
    memcpy(r->best.metric, valid->metric, sizeof r->best.metric);
    return vl_run_weights_save(r, "best.safetensors");
}

/* Bad data must not cost a training its work. */
static violet_status validate_set(vl_run *r, const vl_run_set *s, vl_run_result *out)
{
    *out = no_result();
    if (!s->valid) return VIOLET_OK;
    violet_status status = r->task->validate(r, s->valid, out);
    if (status == VIOLET_EFORMAT) {
        vl_run_tell(r, VIOLET_EVENT_WARNING, "no validation on %s: %s", s->name, violet_error());
        *out = no_result();
        return VIOLET_OK;
    }
    if (status == VIOLET_OK) vl_run_tell_result(r, VIOLET_EVENT_VALID, s->name, out);
    return status;
}

/* After a unit: validation, log, weights. Nothing is logged before all validations are through, so
 * that a stop in between leaves the unit to be finished again. */
static violet_status finish_unit(vl_run *r, const vl_run_unit *u)
{
    vl_run_result valid[VL_RUN_SETS];
    char name[256];
    int first = u->set >= 0 ? u->set : 0, last = u->set >= 0 ? u->set : r->n_sets - 1;
    violet_status status = VIOLET_OK;
    for (int i = first; i <= last && status == VIOLET_OK; i++)
        status = validate_set(r, &r->sets[i], &valid[i]);
    if (status == VIOLET_OK && r->sets[first].valid) status = keep_best(r, &valid[first]);
    for (int i = first; i <= last && status == VIOLET_OK; i++) {
        status = vl_run_log_unit(r, r->sets[i].name, &r->sets[i].sums, &valid[i]);
        memset(&r->sets[i].sums, 0, sizeof r->sets[i].sums);
    }
    if (status != VIOLET_OK || !r->o->keep) return status;
    snprintf(name, sizeof name, "%llu_%s.safetensors", (unsigned long long)r->epoch + 1, u->name);
    return vl_run_weights_save(r, name);
}

/* ---- training ------------------------------------------------------------------------------- */

static void add(vl_run_sums *to, const vl_run_sums *s)
{
    for (int k = 0; k < VL_RUN_LOSSES; k++) {
        to->loss[k] += s->loss[k];
        to->asked[k] += s->asked[k];
        to->right[k] += s->right[k];
    }
}

/* One batch's gradients. */
static violet_status train_batch(vl_run *r, int *set, vl_run_sums *of_step)
{
    const vl_batch *b;
    uint64_t batch;
    vl_run_sums s = {0};
    vl_plan_at(set, &batch, &r->plan, r->at);
    violet_status status = vl_loader_next(&b, r->sets[*set].loader);
    if (status == VIOLET_OK && !b)
        status = vl_err(VIOLET_EFORMAT, "%s ended early", r->sets[*set].name);
    if (status != VIOLET_OK) return status;
    r->waited_s += b->waited_s;
    status = r->task->batch(r, b, true, r->batches, r->samples, &s);
    if (status != VIOLET_OK) return status;
    r->cursor[*set] = b->after;
    r->at++;
    r->batches++;
    r->samples += b->n;
    r->samples_here += b->n;
    r->flops += r->batch_flops[b->T] * b->n / r->o->size_batch;
    add(of_step, &s);
    add(&r->sets[*set].sums, &s);
    return VIOLET_OK;
}

/* A run that has come apart does not get together again: one line in each step helps nobody. */
static void tell_not_finite(vl_run *r)
{
    if (++r->not_finite > TOLD_ONE_BY_ONE) return;
    vl_run_tell(r, VIOLET_EVENT_WARNING, "step %llu: the gradient is not finite, no update%s",
                (unsigned long long)r->step,
                r->not_finite < TOLD_ONE_BY_ONE ? "" : "; further ones are told at the end");
}

/* One update from up to `accumulate` batches of a unit. */
static violet_status train_step(vl_run *r, const vl_run_unit *u)
{
    int set = 0, n = 0;
    vl_run_sums s = {0};
    const char *name = NULL; /* of the data set, "all" if the batches are of several */
    double norm, start = vl_now(), lr = vl_optim_rate(&r->optim, r->step + 1, r->n_steps);
    double waited = r->waited_s;
    r->backend->fill(r->device, (real *)r->model.params.grads.base, 0,
                     vl_params_size(&r->model.params));
    for (; n < r->o->accumulate && r->at < u->end; n++) {
        violet_status status = train_batch(r, &set, &s);
        if (status != VIOLET_OK) return status;
        name = !name || name == r->sets[set].name ? r->sets[set].name : "all";
    }
    r->step++;
    vl_optim_step(&r->optim, r->backend, r->device, &r->model.params, lr, r->step, 1.0 / n, &norm);
    if (!isfinite(norm)) tell_not_finite(r);
    double seconds = vl_now() - start;
    r->busy_s += seconds;
    tell_step(r, name, &s, lr);
    return vl_run_log_step(r, name, u->name, &s, lr, norm, seconds, r->waited_s - waited);
}

/* Validation and log included. Epochs may end in units that are too small for a batch, so a run of
 * epochs goes on behind the last step, but never stands still there. */
static int done(const vl_run *r)
{
    bool over = r->step >= r->n_steps && r->finished == r->step;
    if (r->patience && r->best.since >= (uint64_t)r->patience) return 1;
    if (r->o->steps) return over;
    return r->epoch >= (uint64_t)r->o->size_epoch || (over && r->at < r->units[r->unit].end);
}

static violet_status save(vl_run *r)
{
    violet_status status = vl_run_state_save(r);
    r->saved_at = vl_now();
    return status;
}

/* Trains what is left of the present unit and finishes it. A stop saves the state first. */
static violet_status train_unit(vl_run *r)
{
    const vl_run_unit *u = &r->units[r->unit];
    violet_status status = VIOLET_OK;
    while (r->at < u->end && r->step < r->n_steps && status == VIOLET_OK && !vl_run_stopping(r)) {
        status = train_step(r, u);
        if (status == VIOLET_OK && r->o->save_every && r->step % r->o->save_every == 0)
            status = save(r);
    }
    /* a unit that is finished is over, even if a stop came meanwhile: the next one will see it */
    if (status == VIOLET_OK && !vl_run_stopping(r)) {
        if (vl_now() - r->saved_at >= r->o->save_seconds) status = save(r);
        if (status == VIOLET_OK) status = finish_unit(r, u);
        if (status == VIOLET_OK) r->finished = r->step;
        if (status == VIOLET_OK) return status;
    }
    if (status != VIOLET_OK && status != VIOLET_EINTERRUPTED) return status;
    status = save(r);
    if (status != VIOLET_OK) return status;
    return vl_err(VIOLET_EINTERRUPTED, "stopped at step %llu; --resume goes on there",
                  (unsigned long long)r->step);
}

/* Sets the loaders and the order of the sets to where the run is. */
static violet_status begin_epoch(vl_run *r, int fresh)
{
    uint64_t n[VL_RUN_SETS];
    violet_status status = VIOLET_OK;
    for (int i = 0; i < r->n_sets && status == VIOLET_OK; i++) {
        if (fresh) r->cursor[i] = (vl_cursor){.epoch = r->epoch};
        status = vl_loader_start(r->sets[i].loader, &r->cursor[i]);
        n[i] = vl_loader_batches(r->sets[i].loader);
    }
    if (status != VIOLET_OK) return status;
    return vl_plan_init(&r->plan, (uint64_t)r->o->seed, r->epoch, r->order, n, r->n_sets);
}

/* After a unit: on to the next, and to the next epoch after the last. One that `steps` cut short
 * stays the present one, for a resumed run with more steps. */
static violet_status next_unit(vl_run *r)
{
    if (r->at >= r->units[r->unit].end) r->unit++;
    if (r->unit >= (uint64_t)r->n_units) {
        r->epoch++;
        r->at = r->unit = 0;
    }
    int young = vl_now() - r->saved_at < r->o->save_seconds;
    return young && !done(r) ? VIOLET_OK : save(r);
}

static violet_status train(vl_run *r)
{
    int fresh = r->at == 0;
    while (!done(r)) {
        uint64_t epoch = r->epoch;
        violet_status status = begin_epoch(r, fresh);
        while (status == VIOLET_OK && r->epoch == epoch && !done(r)) {
            status = train_unit(r);
            if (status == VIOLET_OK) status = next_unit(r);
        }
        if (status != VIOLET_OK) return status;
        fresh = 1;
    }
    return VIOLET_OK;
}

static void tell_summary(const vl_run *r)
{
    uint64_t bad = 0, shortened = 0;
    for (int i = 0; i < r->n_sets; i++) shortened += vl_loader_shortened(r->sets[i].loader);
    for (int i = 0; i < r->n_sets; i++)
        for (int why = 0; why < VL_BAD_REASONS; why++)
            if (why != VL_BAD_UNKNOWN) bad += vl_loader_bad(r->sets[i].loader, why);
    if (r->not_finite > TOLD_ONE_BY_ONE)
        vl_run_tell(r, VIOLET_EVENT_WARNING, "%llu of the steps had a gradient that is not finite, "
                    "and made no update; a smaller --lr, --clip or --warmup may help",
                    (unsigned long long)r->not_finite);
    if (shortened)
        vl_run_tell(r, VIOLET_EVENT_MESSAGE,
                    "%llu times a text was shortened to %d positions, see --size-txt",
                    (unsigned long long)shortened, r->o->size_txt);
    if (r->busy_s > 0 && r->flops > 0) {
        double peak = r->backend->peak_flops(r->device), rate = r->flops / r->busy_s;
        vl_run_tell(r, VIOLET_EVENT_MESSAGE,
                    "%.1f GFLOP/s, %.1f %% of this machine's measured peak of %.1f", 1e-9 * rate,
                    peak > 0 ? 100 * rate / peak : NAN, 1e-9 * peak);
    }
    vl_run_tell(
        r, VIOLET_EVENT_MESSAGE,
        "%llu steps, %.3g samples/s, %.2f %% of the time waiting for data, %llu bad samples "
        "skipped, peak memory %.2f GiB",
        (unsigned long long)r->step, r->busy_s > 0 ? (double)r->samples_here / r->busy_s : 0,
        r->busy_s > 0 ? 100 * r->waited_s / r->busy_s : 0, (unsigned long long)bad,
        (double)vl_memory_peak() / (1 << 30));
}

/* With metrics that decide, there is always a best: the last where nothing was validated. */
static violet_status end(vl_run *r)
{
    violet_status status = VIOLET_OK;
    if (r->patience && r->best.since >= (uint64_t)r->patience)
        vl_run_tell(r, VIOLET_EVENT_MESSAGE,
                    "stopped early: %llu validations without a better one than that of epoch %llu",
                    (unsigned long long)r->best.since, (unsigned long long)r->best.epoch);
    if (r->task->n_deciding && r->best.step == 0)
        status = vl_run_weights_save(r, "best.safetensors");
    return status == VIOLET_OK ? r->task->finish(r) : status;
}

violet_status vl_run_train(const vl_run_task *task, void *own, const vl_run_options *o,
                           const violet_hooks *hooks)
{
    vl_run *r = calloc(1, sizeof *r);
    if (!r) return vl_err_nomem();
    r->task = task;
    r->own = own;
    r->o = o;
    r->order = VL_PLAN_MIXED;
    if (hooks) r->hooks = *hooks;
    violet_status status = vl_run_setup(r);
    if (status == VIOLET_OK) {
        vl_run_tell(
            r, VIOLET_EVENT_MESSAGE, "%.1f M parameters, %llu steps of %d samples, %s kernels",
            (double)vl_params_count(&r->model.params) * 1e-6, (unsigned long long)r->n_steps,
            o->size_batch * o->accumulate, r->backend->name);
        status = train(r);
        tell_summary(r);
        if (status == VIOLET_OK) status = end(r);
    }
    status = vl_run_log_close(r, status);
    vl_run_release(r);
    return status;
}

/* ---- slots with nothing in them -------------------------------------------------------------- */

violet_status vl_run_no_description(char **text, const vl_run *r)
{
    (void)r;
    *text = NULL;
    return VIOLET_OK;
}

violet_status vl_run_no_finish(vl_run *r)
{
    (void)r;
    return VIOLET_OK;
}
