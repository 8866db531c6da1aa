/* Setting up and taking down a dVAE's training: pictures, model, memory, the saved state. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cores.h"
#include "base/file.h"
#include "base/status.h"
#include "extract/dvae_train_internal.h"
#include "train/run_folder.h"

#define WARN_ONE_BY_ONE 20 /* bad pictures told singly; after that only counted */

void train_report_bad(void *user, const char *message)
{
    training *r = user;
    r->warned++;
    if (r->warned <= WARN_ONE_BY_ONE)
        vl_tell(&r->hooks, VIOLET_EVENT_WARNING, "skipped: %s", message);
    if (r->warned == WARN_ONE_BY_ONE)
        vl_tell(&r->hooks, VIOLET_EVENT_WARNING, "further skipped pictures are only counted");
}

static void report_loading(void *user, size_t done, size_t n, size_t n_bad)
{
    training *r = user;
    r->loading.n = n;
    vl_progress_item(&r->loading, done, n_bad);
}

/* Training pictures and those held out: all pictures of every hold-th record. */
static violet_status split(training *r)
{
    size_t n = vl_gallery_n(r->gallery), held = 0;
    r->pictures = malloc(n * sizeof *r->pictures);
    if (!r->pictures) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) {
        int hold = r->o.hold;
        int out = hold && vl_gallery_record(r->gallery, i) % (size_t)hold == (size_t)hold - 1;
        if (out) r->pictures[n - ++held] = i; /* backward, from the end */
        else r->pictures[r->n_train++] = i;
    }
    for (size_t a = r->n_train, b = n; a + 1 < b; a++) {
        size_t other = r->pictures[--b];
        r->pictures[b] = r->pictures[a];
        r->pictures[a] = other;
    }
    r->n_held = held;
    if (r->n_train == 0)
        return vl_err(VIOLET_EINVAL, "all %zu pictures are held out: see --hold", n);
    return VIOLET_OK;
}

static violet_status setup_pictures(training *r)
{
    int workers = r->o.workers ? r->o.workers : vl_cores();
    vl_gallery_options g = {.path = r->o.path,
                            .side = r->o.size + r->o.crop,
                            .n_frames = r->o.frames,
                            .fast = r->o.fast,
                            .threads = workers,
                            .most_bytes = (size_t)r->o.cache << 20,
                            .stop = r->hooks.stop,
                            .progress = report_loading,
                            .report = train_report_bad,
                            .user = r};
    vl_progress_start(&r->loading, &r->hooks, "records", 0, 0);
    violet_status status = vl_gallery_open(&r->gallery, &g);
    if (status == VIOLET_OK) status = vl_gallery_scratch_new(&r->scratch);
    if (status == VIOLET_OK) status = split(r);
    if (status == VIOLET_OK) status = valid_base(r);
    if (status != VIOLET_OK) return status;
    vl_feed_options f = {.gallery = r->gallery,
                         .side = r->o.size,
                         .crop = r->o.crop,
                         .batch = r->o.size_batch,
                         .workers = workers,
                         .seed = (uint64_t)r->o.seed,
                         .flip = r->o.flip,
                         .report = train_report_bad,
                         .user = r};
    return vl_feed_open(&r->feed, &f, r->pictures, r->n_train);
}

/* A block's residual path counts 1/64 of what its four convolutions make of their input. At the
 * published size millions of steps make up for that; a short run begins with larger weights, which
 * also makes what they learn count more. */
static void enlarge_residuals(training *r)
{
    double scale = pow(64 * r->o.residual, 0.25);
    const vl_params *p = &r->dvae->params;
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        real *w = vl_param_weights(p, e);
        if (!e->is_matrix || !strstr(e->name, ".res_path.")) continue;
        for (size_t k = 0; k < e->count; k++) w[k] = (real)(scale * (double)w[k]);
    }
}

static violet_status setup_model(training *r)
{
    vl_dvae_config c = {r->o.n_hid, r->o.n_init, r->o.n_code};
    r->seen = calloc((size_t)c.n_code, sizeof *r->seen);
    if (!r->seen) return vl_err_nomem();
    violet_status status = vl_dvae_new(&r->dvae, &c, 1, 1, (uint64_t)r->o.seed);
    if (status != VIOLET_OK) return status;
    enlarge_residuals(r);
    r->backend = vl_backend_fast();
    return vl_tape_open(&r->tape, &r->device, r->backend, r->o.threads);
}

static violet_status setup_optim(training *r)
{
    const vl_dvae_train_options *o = &r->o;
    const vl_param *decoder = vl_params_find(&r->dvae->params, "decoder/blocks.input.w");
    r->optim = (vl_optim){.lr = o->lr,
                          .beta1 = o->beta1,
                          .beta2 = o->beta2,
                          .eps = o->eps,
                          .decay = o->decay,
                          .clip = o->clip,
                          .schedule = VL_SCHEDULE_COSINE,
                          .warmup = o->warmup,
                          .lr_end = o->lr_end,
                          .n_slow = decoder->first}; /* the encoder stands before it */
    return VIOLET_OK;
}

/* The folder, first of all, so that a second process is refused before it has loaded anything. */
static violet_status setup_folder(training *r)
{
    char path[4096];
    violet_status status = train_path(r, path, "last.safetensors");
    if (status == VIOLET_OK && vl_file_exists(path) && !r->o.resume)
        status = vl_err(VIOLET_EINVAL,
                        "'%s' has a run already: --resume to go on, or another --output",
                        r->o.output);
    if (status == VIOLET_OK) status = vl_dir_make(r->o.output);
    if (status == VIOLET_OK) status = vl_run_lock(&r->steps, r->o.output, "steps.jsonl");
    if (status == VIOLET_OK) vl_out_sweep(r->o.output);
    return status;
}

/* A fresh run, or the saved state of this very run. */
static violet_status setup_start(training *r)
{
    char path[4096];
    violet_status status = train_path(r, path, "last.safetensors");
    if (status != VIOLET_OK) return status;
    if (!(r->log = json_object())) return vl_err_nomem();
    if (!vl_file_exists(path)) {
        if (r->o.resume)
            vl_tell(&r->hooks, VIOLET_EVENT_WARNING, "nothing to resume in '%s': a new run",
                       r->o.output);
        return r->o.spread ? codes_spread(r) : VIOLET_OK;
    }
    status = train_load(r);
    if (status == VIOLET_OK)
        vl_tell(&r->hooks, VIOLET_EVENT_MESSAGE, "resumed %s at step %llu", path,
                   (unsigned long long)r->step);
    return status == VIOLET_OK ? vl_feed_start(r->feed, r->step) : status;
}

violet_status train_setup(training *r)
{
    violet_status (*const stages[])(training *) = {setup_folder, setup_pictures, setup_model,
                                                   setup_optim,  setup_start,    train_log_open};
    violet_status status = vl_dvae_train_resolve(&r->o);
    for (size_t i = 0; i < sizeof stages / sizeof *stages && status == VIOLET_OK; i++)
        status = stages[i](r);
    return status;
}

void train_release(training *r)
{
    vl_feed_close(r->feed);
    vl_gallery_scratch_free(r->scratch);
    vl_gallery_close(r->gallery);
    free(r->pictures);
    free(r->seen);
    json_decref(r->log);
    vl_tape_release(&r->tape);
    if (r->device) r->backend->close(r->device);
    vl_dvae_close(r->dvae);
    free(r);
}
