/* A pretraining run: the loop over epochs, units and steps. See pretrain_run.h. */
#include "task/pretrain_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "task/pretrain_internal.h"

static int stopping(const pretrain *r)
{
    return r->hooks.stop && *r->hooks.stop;
}

void tell(const pretrain *r, violet_event_kind kind, const char *format, ...)
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

static violet_status validate_set(pretrain *r, int set, stats *sums)
{
    const vl_pretrain_options *o = r->o;
    vl_loader *loader;
    const vl_batch *b = NULL;
    vl_cursor start = {0};
    uint64_t first = 0, n = 0;
    memset(sums, 0, sizeof *sums);
    if (!r->sets[set].valid) return VIOLET_OK;
    vl_loader_options options = {.batch = o->size_batch,
                                 .workers = o->workers,
                                 .once = true,
                                 .report = run_report_bad,
                                 .user = r};
    violet_status status = vl_loader_open(&loader, r->sets[set].valid, &options);
    if (status != VIOLET_OK) return status;
    status = vl_loader_start(loader, &start);
    while (status == VIOLET_OK && (status = vl_loader_next(&b, loader)) == VIOLET_OK && b) {
        if (o->valid_batches && n++ == (uint64_t)o->valid_batches) break;
        if (stopping(r)) status = vl_err(VIOLET_EINTERRUPTED, "stopped during validation");
        if (status == VIOLET_OK) status = batch_run(r, b, 0, 0, first, sums);
        first += b->n;
    }
    vl_loader_close(loader);
    return status;
}

static void tell_numbers(const pretrain *r, violet_event_kind kind, const char *set, const stats *s,
                         double lr, double samples_per_s)
{
    violet_event e = {.kind = kind,
                      .text = set,
                      .step = r->step,
                      .n_steps = r->n_steps,
                      .epoch = (int)r->epoch + 1,
                      .n_epochs = r->o->steps ? 0 : r->o->size_epoch,
                      .names = vl_pretrain_names,
                      .n_tasks = 3,
                      .rate = lr,
                      .samples_per_s = samples_per_s,
                      .bytes = vl_memory_peak()};
    for (int k = 0; k < 3; k++) {
        e.loss_of[k] = stats_loss(s, k);
        e.accuracy[k] = stats_accuracy(s, k);
        if (s->asked[k]) e.loss += e.loss_of[k];
    }
    double per_step = (double)r->o->size_batch * r->o->accumulate;
    if (samples_per_s > 0)
        e.seconds_left = (double)(r->n_steps - r->step) * per_step / samples_per_s;
    if (r->busy_s > 0) e.share_waiting = r->waited_s / r->busy_s;
    if (r->hooks.event) r->hooks.event(r->hooks.user, &e);
}

/* After a unit: validation, log, weights. Nothing is logged before all validations are through, so
 * that a stop in between leaves the unit to be finished again. */
static violet_status finish_unit(pretrain *r, const unit *u)
{
    stats valid[MAX_SETS];
    int first = u->set >= 0 ? u->set : 0, last = u->set >= 0 ? u->set : r->n_sets - 1;
    violet_status status = VIOLET_OK;
    for (int i = first; i <= last && status == VIOLET_OK; i++) {
        status = validate_set(r, i, &valid[i]);
        if (status == VIOLET_EFORMAT) { /* bad data must not cost a training its work */
            tell(r, VIOLET_EVENT_WARNING, "no validation on %s: %s", r->sets[i].name,
                 violet_error());
            memset(&valid[i], 0, sizeof valid[i]);
            status = VIOLET_OK;
        } else if (status == VIOLET_OK && r->sets[i].valid)
            tell_numbers(r, VIOLET_EVENT_VALID, r->sets[i].name, &valid[i], 0, 0);
    }
    for (int i = first; i <= last && status == VIOLET_OK; i++) {
        status = log_unit(r, r->sets[i].name, &r->sets[i].sums, &valid[i]);
        memset(&r->sets[i].sums, 0, sizeof r->sets[i].sums);
    }
    return status == VIOLET_OK && r->o->keep ? weights_save(r, u->name) : status;
}

/* ---- training ------------------------------------------------------------------------------- */

static void add(stats *to, const stats *s)
{
    for (int k = 0; k < 3; k++) {
        to->loss[k] += s->loss[k];
        to->asked[k] += s->asked[k];
        to->right[k] += s->right[k];
    }
}

/* One batch's gradients. */
static violet_status train_batch(pretrain *r, int *set, stats *of_step)
{
    const vl_batch *b;
    uint64_t batch;
    stats s = {0};
    vl_plan_at(set, &batch, &r->plan, r->at);
    violet_status status = vl_loader_next(&b, r->sets[*set].loader);
    if (status == VIOLET_OK && !b)
        status = vl_err(VIOLET_EFORMAT, "%s ended early", r->sets[*set].name);
    if (status != VIOLET_OK) return status;
    r->waited_s += b->waited_s;
    status = batch_run(r, b, 1, r->batches, r->samples, &s);
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

/* One update from up to `accumulate` batches of a unit. */
static violet_status train_step(pretrain *r, const unit *u)
{
    int set = 0, n = 0;
    stats s = {0};
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
    if (!isfinite(norm))
        tell(r, VIOLET_EVENT_WARNING, "step %llu: the gradient is not finite, no update",
             (unsigned long long)r->step);
    double seconds = vl_now() - start;
    r->busy_s += seconds;
    tell_numbers(r, VIOLET_EVENT_STEP, name, &s, lr, (double)r->samples_here / r->busy_s);
    return log_step(r, name, u->name, &s, lr, norm, seconds, r->waited_s - waited);
}

static int done(const pretrain *r)
{
    if (!r->o->steps) return r->epoch >= (uint64_t)r->o->size_epoch;
    return r->step >= r->n_steps && r->finished == r->step; /* validation and log included */
}

static violet_status save(pretrain *r)
{
    violet_status status = state_save(r);
    r->saved_at = vl_now();
    return status;
}

/* Trains what is left of the present unit and finishes it. A stop saves the state first. */
static violet_status train_unit(pretrain *r)
{
    const unit *u = &r->units[r->unit];
    violet_status status = VIOLET_OK;
    while (r->at < u->end && r->step < r->n_steps && status == VIOLET_OK && !stopping(r)) {
        status = train_step(r, u);
        if (status == VIOLET_OK && r->o->save_every && r->step % r->o->save_every == 0)
            status = save(r);
    }
    /* a unit that is finished is over, even if a stop came meanwhile: the next one will see it */
    if (status == VIOLET_OK && !stopping(r)) {
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
static violet_status begin_epoch(pretrain *r, int fresh)
{
    uint64_t n[MAX_SETS];
    violet_status status = VIOLET_OK;
    for (int i = 0; i < r->n_sets && status == VIOLET_OK; i++) {
        if (fresh) r->cursor[i] = (vl_cursor){.epoch = r->epoch};
        status = vl_loader_start(r->sets[i].loader, &r->cursor[i]);
        n[i] = vl_loader_batches(r->sets[i].loader);
    }
    if (status != VIOLET_OK) return status;
    return vl_plan_init(&r->plan, (uint64_t)r->o->seed, r->epoch,
                        r->o->parts == VL_PARTS_SEQUENTIAL ? VL_PLAN_SEQUENTIAL : VL_PLAN_MIXED, n,
                        r->n_sets);
}

/* After a unit: on to the next, and to the next epoch after the last. One that `steps` cut short
 * stays the present one, for a resumed run with more steps. */
static violet_status next_unit(pretrain *r)
{
    if (r->at >= r->units[r->unit].end) r->unit++;
    if (r->unit >= (uint64_t)r->n_units) {
        r->epoch++;
        r->at = r->unit = 0;
    }
    int young = vl_now() - r->saved_at < r->o->save_seconds;
    return young && !done(r) ? VIOLET_OK : save(r);
}

static violet_status train(pretrain *r)
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

static void tell_summary(const pretrain *r)
{
    uint64_t bad = 0;
    for (int i = 0; i < r->n_sets; i++)
        for (int why = 0; why < VL_BAD_REASONS; why++) bad += vl_loader_bad(r->sets[i].loader, why);
    if (r->busy_s > 0 && r->flops > 0) {
        double peak = r->backend->peak_flops(r->device), rate = r->flops / r->busy_s;
        tell(r, VIOLET_EVENT_MESSAGE,
             "%.1f GFLOP/s, %.1f %% of this machine's measured peak of %.1f", 1e-9 * rate,
             peak > 0 ? 100 * rate / peak : NAN, 1e-9 * peak);
    }
    tell(r, VIOLET_EVENT_MESSAGE,
         "%llu steps, %.3g samples/s, %.2f %% of the time waiting for data, %llu bad samples "
         "skipped, peak memory %.2f GiB",
         (unsigned long long)r->step, r->busy_s > 0 ? (double)r->samples_here / r->busy_s : 0,
         r->busy_s > 0 ? 100 * r->waited_s / r->busy_s : 0, (unsigned long long)bad,
         (double)vl_memory_peak() / (1 << 30));
}

violet_status vl_pretrain_run(const vl_pretrain_options *o, const violet_hooks *hooks)
{
    pretrain *r = calloc(1, sizeof *r);
    if (!r) return vl_err_nomem();
    r->o = o;
    if (hooks) r->hooks = *hooks;
    violet_status status = run_setup(r);
    if (status == VIOLET_OK) {
        tell(r, VIOLET_EVENT_MESSAGE, "%.1f M parameters, %llu steps of %d samples, %s kernels",
             (double)vl_params_count(&r->model.params) * 1e-6, (unsigned long long)r->n_steps,
             o->size_batch * o->accumulate, r->backend->name);
        status = train(r);
        tell_summary(r);
    }
    status = log_close(r, status);
    run_release(r);
    return status;
}
