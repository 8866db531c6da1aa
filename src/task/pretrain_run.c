/* Pretraining as a task of a run; see pretrain_run.h. One batch: pretrain_batch.c. */
#include "task/pretrain_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/plan.h"
#include "task/pretrain_internal.h"
#include "train/run_folder.h"

/* The dVAE whose codes the model is to tell. */
static violet_status open_dvae(vl_run *r)
{
    pretrain *p = r->own;
    const char *path = p->o->dvae;
    if (!path || !*path) return VIOLET_OK;
    violet_status status = vl_dvae_open(&p->dvae, path, 0);
    if (status != VIOLET_OK) return status;
    if (p->dvae->config.n_code == r->config.size_code) return VIOLET_OK;
    return vl_err(VIOLET_ESHAPE, "%s has %d codes, the model's size_code is %d: see --config", path,
                  p->dvae->config.n_code, r->config.size_code);
}

static violet_status pretrain_open(vl_run *r)
{
    pretrain *p = r->own;
    if (strcmp(r->o->type, "pretrain") != 0)
        return vl_err(VIOLET_EINVAL, "'type' is '%s': this is 'pretrain'", r->o->type);
    r->order = p->o->parts == VL_PARTS_SEQUENTIAL ? VL_PLAN_SEQUENTIAL : VL_PLAN_MIXED;
    for (int k = 0; k < VL_SPECIALS; k++)
        p->mask.special[k] = vl_wordpiece_special(r->wordpiece, k);
    p->mask.seed = (uint64_t)r->o->seed;
    p->mask.p_word = p->o->p_word;
    p->mask.p_attended = p->o->p_attended;
    p->mask.p_use_attended = p->o->p_use_attended;
    p->mask.distinct_negatives = r->o->compat != VL_COMPAT_VIOLET1;
    return open_dvae(r);
}

static void pretrain_close(vl_run *r)
{
    pretrain *p = r->own;
    pretrain_buffers_free(p);
    vl_dvae_close(p->dvae);
}

static violet_status pretrain_open_set(vl_dataset **out, vl_run *r, const char *name,
                                       const char *split, bool training)
{
    const pretrain *p = r->own;
    vl_dataset_options d = vl_run_dataset_options(r->o, r->wordpiece, name, split);
    d.size_small = p->dvae ? vl_dvae_side(r->o->size_img) : 0;
    d.no_tokens = p->dvae != NULL;
    d.n_codes = r->config.size_code;
    d.random_caption = training && p->o->caption == VL_CAPTION_RANDOM;
    return vl_dataset_open(out, &d);
}

static violet_status pretrain_cost(double *flops, double *bytes, vl_run *r, int T)
{
    const pretrain *p = r->own;
    violet_plan_report report;
    vl_plan_options o = {.of = *p->o, .with_dvae = p->dvae, .with_config = &r->config};
    o.of.run.size_frame = T;
    o.of.run.accumulate = 1;
    violet_status status = vl_plan_run(&report, &o);
    if (status != VIOLET_OK) return status;
    *flops = report.step_flops;
    *bytes = (double)report.total_bytes;
    return VIOLET_OK;
}

/* The dVAE by its weights, wherever its file is; null: there is none. */
static json_t *dvae_hash(const pretrain *p)
{
    char hash[20];
    if (!p->dvae) return json_null();
    snprintf(hash, sizeof hash, "%016" PRIx64, vl_params_hash(&p->dvae->params));
    return json_string(hash);
}

static violet_status pretrain_save(const vl_run *r, json_t *state)
{
    return vl_json_put(state, "dvae", dvae_hash(r->own)) ? vl_err_nomem() : VIOLET_OK;
}

static violet_status pretrain_resume(const vl_run *r, const json_t *state)
{
    const json_t *was = json_object_get(state, "dvae");
    json_t *is = dvae_hash(r->own);
    bool same = is && (was ? json_equal(was, is) : json_is_null(is));
    json_decref(is);
    if (!is) return vl_err_nomem();
    return same ? VIOLET_OK : vl_err(VIOLET_EINVAL, "the saved run was begun with another 'dvae'");
}

/* What decides which samples come when, and how they are masked. */
static const char *const fixed_options[] = {
    "split",      "parts", "caption", "size_img", "size_txt",   "size_frame",    "size_batch",
    "accumulate", "seed",  "compat",  "p_word",   "p_attended", "p_use_attended", "videos",
    "shape",      "fast_video", "contrastive", "negatives", NULL};

static const char *const loss_names[] = {"mtm", "mvm", "vtm", VL_CONTRAST_NAME};

static const vl_run_task task = {
    .losses = loss_names,
    .n_losses = CON,
    .heads = VL_HEADS_PRETRAIN,
    .table = vl_pretrain_option_table,
    .fixed = fixed_options,
    .open = pretrain_open,
    .close = pretrain_close,
    .open_set = pretrain_open_set,
    .cost = pretrain_cost,
    .buffers = pretrain_buffers,
    .batch = pretrain_batch,
    .validate = vl_run_validate,
    .save = pretrain_save,
    .resume = pretrain_resume,
    .describe = vl_run_no_description,
    .finish = vl_run_no_finish,
};

violet_status vl_pretrain_run(const vl_pretrain_options *o, const violet_hooks *hooks)
{
    pretrain *p = calloc(1, sizeof *p);
    if (!p) return vl_err_nomem();
    p->o = o;
    p->task = task;
    if (o->run.contrastive > 0) {
        for (int k = 0; k < CON; k++) p->weights[k] = 1;
        p->weights[CON] = o->run.contrastive;
        p->task.weights = p->weights;
        p->task.n_losses = CON + 1;
        p->task.heads |= VL_HEAD_DUAL;
    }
    violet_status status = vl_run_train(&p->task, p, &o->run, hooks);
    free(p);
    return status;
}
