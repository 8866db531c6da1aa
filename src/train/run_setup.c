/* Setting up and taking down a training run: configuration, data sets, units, memory, weights. See
 * run.h for what a run is. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "model/checkpoint.h"
#include "train/run_folder.h"
#include "train/run_internal.h"
#include "train/start.h"

#define DEFAULT_CONFIG    "violet1"
#define WARN_ONE_BY_ONE   20 /* bad samples told singly; after that only counted */

void vl_run_report_bad(void *user, vl_bad why, const char *message)
{
    vl_run *r = user;
    if (why == VL_BAD_UNKNOWN) return; /* told once, when the data were opened */
    r->warned++;
    if (r->warned <= WARN_ONE_BY_ONE)
        vl_run_tell(r, VIOLET_EVENT_WARNING, "skipped (%s): %s", vl_bad_name(why), message);
    if (r->warned == WARN_ONE_BY_ONE)
        vl_run_tell(r, VIOLET_EVENT_WARNING, "further skipped samples are only counted");
}

static bool given(const char *path)
{
    return path && *path;
}

/* A fine-tuning that starts from nothing is nearly always one whose checkpoint was forgotten. */
static void tell_fresh(const vl_run *r)
{
    const vl_run_options *o = r->o;
    if (!r->task->n_deciding || given(o->path_ckpt) || given(o->init_video) ||
        given(o->init_text) || given(o->config))
        return;
    vl_run_tell(r, VIOLET_EVENT_WARNING,
                "no --checkpoint, --init-video or --init-text: all weights are random");
}

static violet_status setup_config(vl_run *r)
{
    const vl_run_options *o = r->o;
    char path[4096];
    const char *what = given(o->path_ckpt) ? o->path_ckpt : DEFAULT_CONFIG;
    violet_status status = vl_run_path(r, path, "last.safetensors");
    if (status != VIOLET_OK) return status;
    if (o->resume && vl_file_exists(path)) what = path; /* the checkpoint may be gone */
    if (what != path) tell_fresh(r);
    status = vl_config_find(&r->config, given(o->config) ? o->config : what);
    if (status != VIOLET_OK) return status;
    if (o->drop >= 0) r->config.drop = o->drop;
    if (o->drop_path >= 0) r->config.video.drop_path = o->drop_path;
    if (o->size_img % 32)
        return vl_err(VIOLET_EINVAL, "size_img %d is not a multiple of 32", o->size_img);
    vl_config_fit(&r->config, o->size_frame, o->size_img / 32, o->size_img / 32);
    return VIOLET_OK;
}

static violet_status setup_text(vl_run *r)
{
    return vl_wordpiece_open_for(&r->wordpiece, r->o->vocab, r->config.size_vocab);
}

static violet_status setup_task(vl_run *r)
{
    return r->task->open(r);
}

static violet_status setup_optim(vl_run *r)
{
    const vl_run_options *o = r->o;
    r->optim = (vl_optim){.lr = o->lr,
                          .beta1 = o->beta1,
                          .beta2 = o->beta2,
                          .eps = o->eps,
                          .decay = o->decay,
                          .decay_all = o->decay_all,
                          .clip = o->clip,
                          .schedule = (vl_schedule)o->schedule,
                          .warmup = o->warmup,
                          .lr_end = o->lr_end};
    return VIOLET_OK;
}

vl_dataset_options vl_run_dataset_options(const vl_run_options *o, const vl_wordpiece *wordpiece,
                                          const char *name, const char *split)
{
    bool compat = o->compat == VL_COMPAT_VIOLET1;
    return (vl_dataset_options){.folder = o->data,
                                .name = name,
                                .split = split,
                                .videos = o->videos && *o->videos ? o->videos : NULL,
                                .size_img = o->size_img,
                                .size_txt = o->size_txt,
                                .n_frames = o->size_frame,
                                .colour = o->blind ? vl_swin_mean_colour : NULL,
                                .seed = (uint64_t)o->seed,
                                .fast_video = o->fast_video,
                                .video_shape = compat ? VL_SHAPE_STORED : (vl_shape)o->shape,
                                .video_jpeg = compat ? VL_PUBLISHED_QUALITY : 0,
                                .pad = compat ? VL_PAD_COMPAT : VL_PAD_EXACT,
                                .wordpiece = wordpiece};
}

static violet_status open_valid(vl_run *r, vl_run_set *s)
{
    const char *split = r->o->valid_split;
    if (!split || !*split) return VIOLET_OK;
    violet_status status = r->task->open_set(&s->valid, r, s->name, split, false);
    if (status == VIOLET_OK && s->valid) s->valid_hash = vl_dataset_identity(s->valid);
    if (status == VIOLET_OK || status == VIOLET_ENOMEM) return status;
    /* who asks for one, or has the best weights told by it, is not to find out at the end */
    bool asked = strcmp(split, VL_RUN_VALID_SPLIT) != 0 && !strchr(r->o->dataset, ',');
    if (asked || r->task->n_deciding)
        return vl_err_at(status, "validation split '%s' (--valid-split \"\": none)", split);
    vl_run_tell(r, VIOLET_EVENT_WARNING, "no validation on %s: %s", s->name, violet_error());
    s->valid = NULL;
    return VIOLET_OK;
}

/* "NAME" or "NAME:SPLIT" */
static violet_status open_set(vl_run *r, char *name)
{
    const vl_run_options *o = r->o;
    if (r->n_sets == VL_RUN_SETS)
        return vl_err(VIOLET_EINVAL, "more than %d data sets in '%s'", VL_RUN_SETS, o->dataset);
    if (r->n_sets && r->task->n_deciding)
        return vl_err(VIOLET_EINVAL, "'dataset' is '%s', expected one data set", o->dataset);
    if (r->n_sets && o->videos && *o->videos)
        return vl_err(VIOLET_EINVAL, "'videos' is the pictures of one data set, '%s' names more",
                      o->dataset);
    vl_run_set *s = &r->sets[r->n_sets];
    char *split = strchr(name, ':');
    if (split) *split++ = 0;
    if (snprintf(s->name, sizeof s->name, "%s", name) >= (int)sizeof s->name || !*name ||
        strpbrk(name, "\"\\/"))
        return vl_err(VIOLET_EINVAL, "'%s' cannot be the name of a data set", name);
    snprintf(s->split, sizeof s->split, "%s", split ? split : o->split);
    violet_status status = r->task->open_set(&s->train, r, s->name, split ? split : o->split, true);
    if (status != VIOLET_OK) return status;
    s->train_hash = vl_dataset_identity(s->train);
    r->n_sets++;
    vl_loader_options loader = {.batch = o->size_batch,
                                .workers = o->workers,
                                .seed = (uint64_t)o->seed,
                                .plan = r->order,
                                .report = vl_run_report_bad,
                                .user = r};
    status = vl_loader_open(&s->loader, s->train, &loader);
    return status == VIOLET_OK ? open_valid(r, s) : status;
}

static violet_status setup_sets(vl_run *r)
{
    char *names = strdup(r->o->dataset ? r->o->dataset : ""), *save = NULL;
    violet_status status = names ? VIOLET_OK : vl_err_nomem();
    for (char *s = names ? strtok_r(names, ", ", &save) : NULL; s && status == VIOLET_OK;
         s = strtok_r(NULL, ", ", &save))
        status = open_set(r, s);
    free(names);
    if (status == VIOLET_OK && r->n_sets == 0)
        status = vl_err(VIOLET_EINVAL, "'dataset' names no data set");
    return status;
}

static void add_unit(vl_run *r, int set, uint64_t end, const char *format, ...)
{
    vl_run_unit *u = &r->units[r->n_units++];
    va_list ap;
    va_start(ap, format);
    vsnprintf(u->name, sizeof u->name, format, ap);
    va_end(ap);
    u->set = set;
    u->end = end;
}

uint64_t vl_run_batches_of(const vl_run *r, const vl_run_set *s, int part)
{
    return vl_dataset_n(s->train, part) / (size_t)r->o->size_batch;
}

/* Updates never take batches of two units. */
uint64_t vl_run_updates(const vl_run *r, int unit, uint64_t at)
{
    uint64_t n = 0, each = (uint64_t)r->o->accumulate;
    for (int k = 0; k <= unit && k < r->n_units; k++) {
        uint64_t first = k ? r->units[k - 1].end : 0, end = k < unit ? r->units[k].end : at;
        n += (end - first + each - 1) / each;
    }
    return n;
}

static violet_status no_whole_batch(const vl_run *r)
{
    size_t most = 0;
    for (int i = 0; i < r->n_sets; i++)
        for (int p = 0; p < vl_dataset_parts(r->sets[i].train); p++) {
            size_t n = vl_dataset_n(r->sets[i].train, p);
            if (n > most) most = n;
        }
    return vl_err(VIOLET_EINVAL, "no whole batch of %d samples: %s has %zu%s; --size-batch %zu or "
                  "less", r->o->size_batch,
                  r->n_sets > 1 ? "the largest data set" : r->sets[0].name, most,
                  most == 1 ? " only" : "", most);
}

/* The units of an epoch, and how many updates the run has. */
static violet_status setup_units(vl_run *r)
{
    const vl_run_options *o = r->o;
    uint64_t end = 0;
    for (int i = 0; i < r->n_sets; i++) {
        const vl_run_set *s = &r->sets[i];
        for (int p = 0; p < vl_dataset_parts(s->train); p++) {
            end += vl_run_batches_of(r, s, p);
            if (r->order == VL_PLAN_SEQUENTIAL) add_unit(r, i, end, "%s_%d", s->name, p);
        }
    }
    if (r->order == VL_PLAN_MIXED) add_unit(r, -1, end, "all");
    if (end == 0) return no_whole_batch(r);
    uint64_t per_epoch = vl_run_updates(r, r->n_units - 1, end);
    r->n_steps = o->steps ? (uint64_t)o->steps : per_epoch * (uint64_t)o->size_epoch;
    return VIOLET_OK;
}

/* The most frames any part has. */
static int most_frames(const vl_run *r)
{
    int frames = 1;
    for (int i = 0; i < r->n_sets; i++) {
        const vl_dataset *sets[2] = {r->sets[i].train, r->sets[i].valid};
        for (int k = 0; k < 2; k++)
            for (int p = 0; sets[k] && p < vl_dataset_parts(sets[k]); p++)
                if (vl_dataset_frames(sets[k], p) > frames) frames = vl_dataset_frames(sets[k], p);
    }
    return frames;
}

/* What a batch costs by its number of frames, and whether the largest fits into memory: better an
 * error now than the kernel's axe in the middle of a step. */
static violet_status setup_cost(vl_run *r)
{
    const vl_run_options *o = r->o;
    double need = 0, have = vl_memory_available();
    if (most_frames(r) > VL_FRAMES_MOST)
        return vl_err(VIOLET_ESHAPE, "%d frames a video: expected at most %d, see --size_frame",
                      most_frames(r), VL_FRAMES_MOST);
    vl_config_fit(&r->config, most_frames(r), o->size_img / 32, o->size_img / 32);
    for (int T = 1; T <= most_frames(r); T++) {
        violet_status status = r->task->cost(&r->batch_flops[T], &need, r, T);
        if (status != VIOLET_OK) return status;
    }
    if (have > 0 && need > have)
        return vl_err(VIOLET_ENOMEM,
                      "the run needs about %.1f GiB, %.1f are free: a smaller "
                      "--size-batch with --accumulate, or --checkpointing%s%s",
                      need / (1 << 30), have / (1 << 30), r->task->saves ? ", or " : "",
                      r->task->saves ? r->task->saves : "");
    return VIOLET_OK;
}

static violet_status setup_model(vl_run *r)
{
    const vl_run_options *o = r->o;
    violet_status status = vl_model_init(&r->model, &r->config, r->task->heads, 1, 0);
    if (status != VIOLET_OK) return status;
    r->backend = vl_backend_fast();
    status = vl_tape_open(&r->tape, &r->device, r->backend, o->threads);
    return status == VIOLET_OK ? r->task->buffers(r, o->size_batch, most_frames(r)) : status;
}

/* The folder, before a second process would read what this one is writing. */
static violet_status setup_folder(vl_run *r)
{
    const char *folder = r->o->output;
    char path[4096];
    violet_status status = vl_run_path(r, path, "last.safetensors");
    if (status == VIOLET_OK && vl_file_exists(path) && !r->o->resume)
        status = vl_err(VIOLET_EINVAL,
                        "'%s' has a run already: --resume to go on, or another --output", folder);
    if (status == VIOLET_OK) status = vl_dir_make(folder);
    if (status == VIOLET_OK) status = vl_run_lock(&r->steps, folder, "steps.jsonl");
    if (status == VIOLET_OK) vl_out_sweep(folder);
    return status;
}

/* A state is written beside the one before it, so that one of them is always whole: a disk that has
 * no room for the first is told now, not after the first hours. */
static violet_status setup_room(vl_run *r)
{
    double weights = (double)vl_params_count(&r->model.params) * sizeof(real), more = 1 << 20;
    double room = vl_dir_room(r->o->output), need = 3 * weights + more, whole = need;
    char path[4096];
    violet_status status = vl_run_path(r, path, "last.safetensors");
    if (status != VIOLET_OK || room < 0) return status;
    if (!vl_file_exists(path)) whole += need + (r->task->n_deciding ? weights : 0);
    if (room < need)
        return vl_err(VIOLET_EIO, "'%s': %.1f MiB are free, a saved state takes %.1f", r->o->output,
                      room / (1 << 20), need / (1 << 20));
    if (room < whole)
        vl_run_tell(r, VIOLET_EVENT_WARNING, "'%s': %.1f MiB are free, the run's files take up to "
                    "%.1f", r->o->output, room / (1 << 20), whole / (1 << 20));
    return VIOLET_OK;
}

static void tell_start(void *user, bool warning, const char *line)
{
    vl_run_tell(user, warning ? VIOLET_EVENT_WARNING : VIOLET_EVENT_MESSAGE, "%s", line);
}

/* A kill between the two leaves best.safetensors ahead of the state. */
static violet_status check_best(const vl_run *r)
{
    char path[4096];
    uint64_t found;
    violet_status status = vl_run_path(r, path, "best.safetensors");
    if (status != VIOLET_OK || !r->best.step || !vl_file_exists(path)) return status;
    status = vl_run_best_found(&found, r);
    if (status != VIOLET_OK || found == r->best.step) return status;
    vl_run_tell(r, VIOLET_EVENT_WARNING,
                "%s is of step %llu, the saved state's best validation of step %llu; it stays "
                "until a validation is better than that", path, (unsigned long long)found,
                (unsigned long long)r->best.step);
    return VIOLET_OK;
}

/* Fresh weights, a given checkpoint's, or the saved state of this very run. */
static violet_status setup_start(vl_run *r)
{
    const vl_run_options *o = r->o;
    char path[4096];
    violet_status status = vl_run_path(r, path, "last.safetensors");
    if (status != VIOLET_OK) return status;
    r->log = json_object();
    if (vl_file_exists(path)) {
        status = vl_run_state_load(r);
        if (status == VIOLET_OK)
            vl_run_tell(r, VIOLET_EVENT_MESSAGE, "resumed %s at step %llu", path,
                        (unsigned long long)r->step);
        return status == VIOLET_OK ? check_best(r) : status;
    }
    if (o->resume)
        vl_run_tell(r, VIOLET_EVENT_WARNING, "nothing to resume in '%s': a new run", o->output);
    const vl_start start = {.seed = (uint64_t)o->seed,
                            .checkpoint = o->path_ckpt,
                            .video = o->init_video,
                            .text = o->init_text,
                            .interpolate = o->interpolate,
                            .strict = o->strict,
                            .grid_as_is = o->compat == VL_COMPAT_VIOLET1 && !o->interpolate,
                            .tell = tell_start,
                            .user = r};
    if (start.grid_as_is && o->path_ckpt && *o->path_ckpt && o->size_img != 224)
        vl_run_tell(r, VIOLET_EVENT_MESSAGE,
                    "size_img %d: rows of the position table are taken as they stand, as published",
                    o->size_img);
    return vl_start_weights(&r->model.params, &r->config, &start);
}

violet_status vl_run_setup(vl_run *r)
{
    violet_status (*const stages[])(vl_run *) = {
        setup_config, setup_text,   setup_task,  setup_optim, setup_sets,     setup_units,
        setup_cost,   setup_folder, setup_model, setup_room,  setup_start, vl_run_log_open};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        violet_status status = stages[i](r);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

void vl_run_release(vl_run *r)
{
    for (int i = 0; i < r->n_sets; i++) {
        vl_loader_close(r->sets[i].loader);
        vl_dataset_close(r->sets[i].train);
        vl_dataset_close(r->sets[i].valid);
    }
    r->task->close(r);
    json_decref(r->log);
    vl_swin_plans_release(&r->plans);
    vl_tape_release(&r->tape);
    if (r->device) r->backend->close(r->device);
    vl_model_release(&r->model);
    vl_wordpiece_free(r->wordpiece);
    free(r);
}
