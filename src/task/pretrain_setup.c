/* Setting up and taking down a pretraining run: configuration, data sets, units, memory, weights.
 * See pretrain_run.h for what a run is. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "model/checkpoint.h"
#include "task/plan.h"
#include "task/pretrain_internal.h"
#include "train/run_folder.h"
#include "train/start.h"

#define PUBLISHED_QUALITY 75 /* of the JPEGs that the published tool makes of videos' frames */
#define WARN_ONE_BY_ONE 20 /* bad samples told singly; after that only counted */

void run_report_bad(void *user, vl_bad why, const char *message)
{
    pretrain *r = user;
    r->warned++;
    if (r->warned <= WARN_ONE_BY_ONE)
        tell(r, VIOLET_EVENT_WARNING, "skipped (%s): %s", vl_bad_name(why), message);
    if (r->warned == WARN_ONE_BY_ONE)
        tell(r, VIOLET_EVENT_WARNING, "further skipped samples are only counted");
}

static violet_status setup_config(pretrain *r)
{
    const vl_pretrain_options *o = r->o;
    if (strcmp(o->type, "pretrain") != 0)
        return vl_err(VIOLET_EINVAL, "'type' is '%s': this is 'pretrain'", o->type);
    violet_status status = vl_config_find(&r->config, o->config);
    if (status != VIOLET_OK) return status;
    if (o->drop >= 0) r->config.drop = o->drop;
    if (o->drop_path >= 0) r->config.video.drop_path = o->drop_path;
    if (o->size_img % 32)
        return vl_err(VIOLET_EINVAL, "size_img %d is not a multiple of 32", o->size_img);
    vl_config_fit(&r->config, o->size_frame, o->size_img / 32, o->size_img / 32);
    return VIOLET_OK;
}

/* The dVAE whose codes the model is to tell. */
static violet_status setup_dvae(pretrain *r)
{
    const char *path = r->o->dvae;
    if (!path || !*path) return VIOLET_OK;
    violet_status status = vl_dvae_open(&r->dvae, path, 0);
    if (status != VIOLET_OK) return status;
    if (r->dvae->config.n_code == r->config.size_code) return VIOLET_OK;
    return vl_err(VIOLET_ESHAPE, "%s has %d codes, the model's size_code is %d: see --config", path,
                  r->dvae->config.n_code, r->config.size_code);
}

static violet_status setup_text(pretrain *r)
{
    violet_status status = vl_wordpiece_open(&r->wordpiece, r->o->vocab);
    if (status != VIOLET_OK) return status;
    if (vl_wordpiece_size(r->wordpiece) > r->config.size_vocab)
        return vl_err(VIOLET_EINVAL, "the vocabulary has %d pieces, the model's size_vocab is %d",
                      vl_wordpiece_size(r->wordpiece), r->config.size_vocab);
    for (int k = 0; k < VL_SPECIALS; k++)
        r->mask.special[k] = vl_wordpiece_special(r->wordpiece, k);
    r->mask.seed = (uint64_t)r->o->seed;
    r->mask.p_word = r->o->p_word;
    r->mask.p_attended = r->o->p_attended;
    r->mask.p_use_attended = r->o->p_use_attended;
    r->mask.distinct_negatives = r->o->compat != VL_COMPAT_VIOLET1;
    return VIOLET_OK;
}

static violet_status setup_optim(pretrain *r)
{
    const vl_pretrain_options *o = r->o;
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

static vl_dataset_options dataset_options(const pretrain *r, const char *name, const char *split)
{
    const vl_pretrain_options *o = r->o;
    bool compat = o->compat == VL_COMPAT_VIOLET1;
    return (vl_dataset_options){.folder = o->data,
                                .name = name,
                                .split = split,
                                .videos = o->videos && *o->videos ? o->videos : NULL,
                                .size_img = o->size_img,
                                .size_small = r->dvae ? vl_dvae_side(o->size_img) : 0,
                                .no_tokens = r->dvae != NULL,
                                .size_txt = o->size_txt,
                                .n_frames = o->size_frame,
                                .n_codes = r->config.size_code,
                                .random_caption = o->caption == VL_CAPTION_RANDOM,
                                .seed = (uint64_t)o->seed,
                                .fast_video = o->fast_video,
                                .video_shape = compat ? VL_SHAPE_STORED : (vl_shape)o->shape,
                                .video_jpeg = compat ? PUBLISHED_QUALITY : 0,
                                .pad = compat ? VL_PAD_COMPAT : VL_PAD_EXACT,
                                .wordpiece = r->wordpiece};
}

/* "NAME" or "NAME:SPLIT" */
static violet_status open_set(pretrain *r, char *name)
{
    const vl_pretrain_options *o = r->o;
    if (r->n_sets == MAX_SETS)
        return vl_err(VIOLET_EINVAL, "more than %d data sets in '%s'", MAX_SETS, o->dataset);
    if (r->n_sets && o->videos && *o->videos)
        return vl_err(VIOLET_EINVAL, "'videos' is the pictures of one data set, '%s' names more",
                      o->dataset);
    dataset_of_run *s = &r->sets[r->n_sets];
    char *split = strchr(name, ':');
    if (split) *split++ = 0;
    if (snprintf(s->name, sizeof s->name, "%s", name) >= (int)sizeof s->name || !*name ||
        strpbrk(name, "\"\\/"))
        return vl_err(VIOLET_EINVAL, "'%s' cannot be the name of a data set", name);
    vl_dataset_options train = dataset_options(r, s->name, split ? split : o->split);
    violet_status status = vl_dataset_open(&s->train, &train);
    if (status != VIOLET_OK) return status;
    r->n_sets++;
    vl_loader_options loader = {.batch = o->size_batch,
                                .workers = o->workers,
                                .seed = (uint64_t)o->seed,
                                .plan = o->parts == VL_PARTS_SEQUENTIAL ? VL_PLAN_SEQUENTIAL
                                                                        : VL_PLAN_MIXED,
                                .report = run_report_bad,
                                .user = r};
    status = vl_loader_open(&s->loader, s->train, &loader);
    if (status != VIOLET_OK || !o->valid_split || !*o->valid_split) return status;
    vl_dataset_options valid = dataset_options(r, s->name, o->valid_split);
    valid.random_caption = false;
    status = vl_dataset_open(&s->valid, &valid);
    if (status == VIOLET_OK || status == VIOLET_ENOMEM) return status;
    tell(r, VIOLET_EVENT_WARNING, "no validation on %s: %s", s->name, violet_error());
    s->valid = NULL;
    return VIOLET_OK;
}

static violet_status setup_sets(pretrain *r)
{
    char *names = strdup(r->o->dataset), *save = NULL;
    violet_status status = names ? VIOLET_OK : vl_err_nomem();
    for (char *s = names ? strtok_r(names, ", ", &save) : NULL; s && status == VIOLET_OK;
         s = strtok_r(NULL, ", ", &save))
        status = open_set(r, s);
    free(names);
    if (status == VIOLET_OK && r->n_sets == 0)
        status = vl_err(VIOLET_EINVAL, "'dataset' names no data set");
    return status;
}

static void add_unit(pretrain *r, int set, uint64_t end, const char *format, ...)
{
    unit *u = &r->units[r->n_units++];
    va_list ap;
    va_start(ap, format);
    vsnprintf(u->name, sizeof u->name, format, ap);
    va_end(ap);
    u->set = set;
    u->end = end;
}

/* Whole batches of a part. */
static uint64_t batches_of(const pretrain *r, int set, int part)
{
    return vl_dataset_n(r->sets[set].train, part) / (size_t)r->o->size_batch;
}

/* The units of an epoch, and how many updates the run has. */
static violet_status setup_units(pretrain *r)
{
    const vl_pretrain_options *o = r->o;
    uint64_t end = 0, per_epoch = 0;
    for (int i = 0; i < r->n_sets; i++) {
        const dataset_of_run *s = &r->sets[i];
        for (int p = 0; p < vl_dataset_parts(s->train); p++) {
            end += batches_of(r, i, p);
            if (o->parts == VL_PARTS_SEQUENTIAL) add_unit(r, i, end, "%s_%d", s->name, p);
        }
    }
    if (o->parts == VL_PARTS_MIXED) add_unit(r, -1, end, "all");
    for (int k = 0; k < r->n_units; k++) {
        uint64_t n = r->units[k].end - (k ? r->units[k - 1].end : 0);
        per_epoch += (n + o->accumulate - 1) / o->accumulate;
    }
    if (end == 0)
        return vl_err(VIOLET_EINVAL, "no data set has a whole batch of %d samples", o->size_batch);
    r->n_steps = o->steps ? (uint64_t)o->steps : per_epoch * (uint64_t)o->size_epoch;
    return VIOLET_OK;
}

/* The most frames any part has. */
static int most_frames(const pretrain *r)
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
static violet_status setup_cost(pretrain *r)
{
    const vl_pretrain_options *o = r->o;
    double need = 0, have = vl_memory_available();
    if (most_frames(r) > VL_FRAMES_MOST)
        return vl_err(VIOLET_ESHAPE, "%d frames a video: expected at most %d, see --size_frame",
                      most_frames(r), VL_FRAMES_MOST);
    vl_config_fit(&r->config, most_frames(r), o->size_img / 32, o->size_img / 32);
    for (int T = 1; T <= most_frames(r); T++) {
        violet_plan_report report;
        vl_plan_options p = {.config = o->config,
                             .size_img = o->size_img,
                             .size_frame = T,
                             .size_txt = o->size_txt,
                             .size_batch = o->size_batch,
                             .negatives = 3,
                             .workers = o->workers,
                             .accumulate = 1,
                             .compat = o->compat,
                             .checkpointing = o->checkpointing,
                             .p_word = o->p_word,
                             .p_attended = o->p_attended,
                             .p_use_attended = o->p_use_attended,
                             .drop = o->drop,
                             .drop_path = o->drop_path,
                             .with_dvae = r->dvae};
        violet_status status = vl_plan_run(&report, &p);
        if (status != VIOLET_OK) return status;
        r->batch_flops[T] = report.step_flops;
        need = (double)report.total_bytes;
    }
    if (have > 0 && need > have)
        return vl_err(VIOLET_ENOMEM,
                      "the run needs about %.1f GiB, %.1f are free: a smaller "
                      "--size-batch with --accumulate, or --checkpointing",
                      need / (1 << 30), have / (1 << 30));
    return VIOLET_OK;
}

static violet_status setup_model(pretrain *r)
{
    const vl_pretrain_options *o = r->o;
    violet_status status = vl_model_init(&r->model, &r->config, VL_HEADS_PRETRAIN, 1, 0);
    if (status != VIOLET_OK) return status;
    r->backend = vl_backend_fast();
    errno = 0;
    r->device = r->backend->open(o->threads);
    if (!r->device) return errno == ENOMEM ? VIOLET_ENOMEM : VIOLET_EUNSUPPORTED;
    status = vl_tape_init(&r->tape, r->backend, r->device, 0);
    return status == VIOLET_OK ? batch_buffers(r, o->size_batch, most_frames(r)) : status;
}

/* The folder, before a second process would read what this one is writing. */
static violet_status setup_folder(pretrain *r)
{
    const char *folder = r->o->output;
    char path[4096];
    violet_status status = run_path(r, path, "last.safetensors");
    if (status == VIOLET_OK && vl_file_exists(path) && !r->o->resume)
        status = vl_err(VIOLET_EINVAL,
                        "'%s' has a run already: --resume to go on, or another --output", folder);
    if (status == VIOLET_OK) status = vl_dir_make(folder);
    if (status == VIOLET_OK) status = vl_run_lock(&r->steps, folder, "steps.jsonl");
    if (status == VIOLET_OK) vl_out_sweep(folder);
    return status;
}

static void tell_start(void *user, bool warning, const char *line)
{
    tell(user, warning ? VIOLET_EVENT_WARNING : VIOLET_EVENT_MESSAGE, "%s", line);
}

/* Fresh weights, a given checkpoint's, or the saved state of this very run. */
static violet_status setup_start(pretrain *r)
{
    const vl_pretrain_options *o = r->o;
    char path[4096];
    violet_status status = run_path(r, path, "last.safetensors");
    if (status != VIOLET_OK) return status;
    r->log = json_object();
    if (vl_file_exists(path)) {
        status = state_load(r);
        if (status == VIOLET_OK)
            tell(r, VIOLET_EVENT_MESSAGE, "resumed %s at step %llu", path,
                 (unsigned long long)r->step);
        return status;
    }
    if (o->resume) tell(r, VIOLET_EVENT_WARNING, "nothing to resume in '%s': a new run", o->output);
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
        tell(r, VIOLET_EVENT_MESSAGE,
             "size_img %d: rows of the position table are taken as they stand, as published",
             o->size_img);
    return vl_start_weights(&r->model.params, &r->config, &start);
}

violet_status run_setup(pretrain *r)
{
    violet_status (*const stages[])(pretrain *) = {setup_config, setup_dvae,   setup_text,
                                                   setup_optim,  setup_sets,   setup_units,
                                                   setup_cost,   setup_folder, setup_model,
                                                   setup_start,  log_open};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        violet_status status = stages[i](r);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

void run_release(pretrain *r)
{
    for (int i = 0; i < r->n_sets; i++) {
        vl_loader_close(r->sets[i].loader);
        vl_dataset_close(r->sets[i].train);
        vl_dataset_close(r->sets[i].valid);
    }
    batch_release(r);
    json_decref(r->log);
    vl_swin_plans_release(&r->plans);
    vl_tape_release(&r->tape);
    if (r->device) r->backend->close(r->device);
    vl_model_release(&r->model);
    vl_dvae_close(r->dvae);
    vl_wordpiece_free(r->wordpiece);
    free(r);
}
