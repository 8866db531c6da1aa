/* Training a dVAE: the loop and its step. See dvae_train.h. */
#include "extract/dvae_train.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "extract/dvae_train_internal.h"

#define VALUES_A_CODE 192.0 /* 8 * 8 pixels of 3 channels */

uint64_t train_epoch_steps(const training *r)
{
    uint64_t B = (uint64_t)r->o.size_batch;
    return (r->n_train + B - 1) / B;
}

/* ---- schedules ------------------------------------------------------------------------------- */

/* How far `step` is into the first `share` of the run, 0 .. 1. */
static double progress(const training *r, uint64_t step, double share)
{
    double n = share * (double)r->o.steps;
    return n > 0 && (double)step < n ? (double)step / n : 1;
}

/* From a to b as half a cosine. */
static double anneal(double a, double b, double done)
{
    return b + (a - b) * 0.5 * (1 + cos(3.141592653589793 * done));
}

/* The encoder's rate over lr: nothing for the first half of `wait`, then it rises. While the
 * decoder knows nothing, the encoder only learns to use fewer codes. */
static double encoder_rate(const training *r)
{
    double done = progress(r, r->step, r->o.wait);
    return done < 0.5 ? 0 : r->o.encoder_lr * (2 * done - 1);
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* Squared error of the mean pictures y (rows, 6) against x (rows, 3), both mapped, relative to the
 * mean colour's. */
static double error_of(const training *r, const vl_tensor *y, const vl_tensor *x)
{
    double sum = 0;
    for (int i = 0; i < x->rows; i++)
        for (int c = 0; c < 3; c++) {
            double p = 1 / (1 + exp(-(double)y->x[6 * i + c]));
            p = fmin(fmax(p, VL_DVAE_EPS), 1 - VL_DVAE_EPS) - (double)x->x[3 * i + c];
            sum += p * p;
        }
    double scale = 1 - 2 * VL_DVAE_EPS;
    return sum / (3.0 * x->rows) / (scale * scale) / r->base;
}

/* Notes which codes are some position's likeliest; returns the share seen within an epoch. */
static double note_codes(training *r, const vl_tensor *logits)
{
    int V = logits->cols, n = 0;
    uint64_t epoch = train_epoch_steps(r);
    for (int i = 0; i < logits->rows; i++) {
        const real *row = logits->x + (size_t)i * (size_t)V;
        int best = 0;
        for (int k = 1; k < V; k++)
            if (row[k] > row[best]) best = k;
        r->seen[best] = r->step;
    }
    for (int k = 0; k < V; k++) n += r->seen[k] && r->seen[k] + epoch > r->step;
    return (double)n / V;
}

static void tell_step(const training *r, const step_numbers *s)
{
    static const char *const names[] = {"nll", "kl", "error", "tau", "used"};
    violet_event e = {.kind = VIOLET_EVENT_STEP,
                      .text = "",
                      .step = r->step,
                      .n_steps = (unsigned long long)r->o.steps,
                      .epoch = (int)((r->step - 1) / train_epoch_steps(r)) + 1,
                      .loss = s->loss,
                      .names = names,
                      .n_tasks = 5,
                      .loss_of = {s->nll, s->kl, s->error, s->tau, s->used},
                      .accuracy = {NAN, NAN, NAN, NAN, NAN},
                      .rate = s->lr,
                      .bytes = vl_memory_peak()};
    double per_s = r->busy_s > 0 ? (double)r->steps_here / r->busy_s : 0;
    e.samples_per_s = per_s * r->o.size_batch;
    if (per_s > 0) e.seconds_left = (double)((uint64_t)r->o.steps - r->step) / per_s;
    if (r->busy_s > 0) e.share_waiting = vl_feed_waited(r->feed) / r->busy_s;
    if (r->hooks.event) r->hooks.event(r->hooks.user, &e);
}

/* Forward and backward of a batch; the numbers of it. */
static violet_status run_batch(training *r, const uint8_t *image, step_numbers *s)
{
    int B = r->o.size_batch, S = r->o.size;
    vl_tape *t = &r->tape;
    vl_tape_reset(t, (uint64_t)r->o.seed, r->step);
    t->grad_on = t->training = 1;
    vl_tensor *x = vl_dvae_pixels(t, image, B, S);                        // (B*S*S, 3)
    vl_tensor *logits = vl_dvae_encode(t, &r->dvae->encoder, x, B, S);    // (B*h*h, V)
    vl_tensor *z = vl_gumbel_softmax(t, logits, (real)s->tau);
    vl_tensor *y = vl_dvae_decode(t, &r->dvae->decoder, z, B, S / 8);     // (B*S*S, 6)
    vl_tensor *nll = vl_logit_laplace(t, y, x);
    vl_tensor *kl = vl_kl_uniform(t, logits);
    vl_tensor *loss = vl_add_scaled(t, nll, kl, (real)(s->beta / VALUES_A_CODE));
    violet_status status = vl_tape_status(t);
    if (status != VIOLET_OK) return status;
    s->nll = (double)nll->x[0];
    s->kl = (double)kl->x[0];
    s->loss = (double)loss->x[0];
    s->error = error_of(r, y, x);
    s->used = note_codes(r, logits);
    return vl_tape_backward(t, loss);
}

static violet_status train_step(training *r)
{
    const vl_dvae_train_options *o = &r->o;
    const uint8_t *image;
    double start = vl_now();
    violet_status status = vl_feed_next(&image, r->feed);
    if (status != VIOLET_OK) return status;
    vl_params *p = &r->dvae->params;
    step_numbers s = {.tau = anneal(o->tau, o->tau_end, progress(r, r->step, o->tau_share)),
                      .beta = anneal(0, o->kl, progress(r, r->step, o->kl_share))};
    r->step++;
    s.lr = vl_optim_rate(&r->optim, r->step, (uint64_t)o->steps);
    r->optim.slow = encoder_rate(r);
    r->backend->fill(r->device, (real *)p->grads.base, 0, vl_params_size(p));
    status = run_batch(r, image, &s);
    if (status != VIOLET_OK) return status;
    vl_optim_step(&r->optim, r->backend, r->device, p, s.lr, r->step, 1, &s.norm);
    if (!isfinite(s.norm))
        vl_tell(&r->hooks, VIOLET_EVENT_WARNING, "step %llu: the gradient is not finite, no update",
                   (unsigned long long)r->step);
    double seconds = vl_now() - start;
    r->busy_s += seconds;
    r->steps_here++;
    tell_step(r, &s);
    return train_log_step(r, &s, seconds);
}

/* ---- the run --------------------------------------------------------------------------------- */

/* A stop between updates, or in what only reads: the state is that after the last step. */
static violet_status stop_here(training *r)
{
    violet_status status = train_save(r);
    if (status != VIOLET_OK) return status;
    return vl_err(VIOLET_EINTERRUPTED, "stopped at step %llu; --resume goes on there",
                  (unsigned long long)r->step);
}

static violet_status train(training *r)
{
    uint64_t n = (uint64_t)r->o.steps, every = (uint64_t)r->o.valid_every;
    violet_status status = VIOLET_OK;
    while (status == VIOLET_OK) {
        int due = r->step && (r->step >= n || (every && r->step % every == 0));
        if (due && r->finished != r->step) {
            status = valid_run(r);
            if (status == VIOLET_OK) r->finished = r->step;
            if (status == VIOLET_OK && r->step >= n) return train_save(r);
        }
        if (status != VIOLET_OK || r->step >= n) break;
        if (vl_stopped(&r->hooks)) return stop_here(r);
        status = train_step(r);
        if (status == VIOLET_OK && r->o.save_every && r->step % (uint64_t)r->o.save_every == 0)
            status = train_save(r);
    }
    return status == VIOLET_EINTERRUPTED ? stop_here(r) : status;
}

static void tell_begin(const training *r)
{
    const vl_dvae_train_options *o = &r->o;
    vl_tell(&r->hooks, VIOLET_EVENT_MESSAGE,
               "%zu pictures to train on%s, %zu held out; %.2f M parameters, %d codes, %lld steps "
               "of %d pictures, %s kernels",
               r->n_train, vl_gallery_cached(r->gallery) ? " (in memory)" : "", r->n_held,
               (double)vl_params_count(&r->dvae->params) * 1e-6, o->n_code, (long long)o->steps,
               o->size_batch, r->backend->name);
}

static void tell_end(const training *r)
{
    uint64_t bad = vl_gallery_bad(r->gallery) + vl_feed_bad(r->feed) + r->n_bad;
    vl_tell(&r->hooks, VIOLET_EVENT_MESSAGE,
               "%llu steps, %.3g pictures/s, %llu bad pictures skipped, peak memory %.2f GiB",
               (unsigned long long)r->step,
               r->busy_s > 0 ? (double)r->steps_here * r->o.size_batch / r->busy_s : 0,
               (unsigned long long)bad, (double)vl_memory_peak() / (1 << 30));
}

violet_status vl_dvae_train_run(const vl_dvae_train_options *o, const violet_hooks *hooks)
{
    training *r = calloc(1, sizeof *r);
    if (!r) return vl_err_nomem();
    r->o = *o;
    if (hooks) r->hooks = *hooks;
    violet_status status = train_setup(r);
    if (status == VIOLET_OK) {
        tell_begin(r);
        status = train(r);
        tell_end(r);
    }
    status = train_log_close(r, status);
    train_release(r);
    return status;
}
