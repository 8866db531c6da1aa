/* What an evaluation is of: the checkpoint's sizes and answers, items, videos, the model. */
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "file/tensors.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "model/load.h"
#include "model/tuned.h"
#include "task/eval_internal.h"
#include "train/run.h"

/* ---- checkpoint ------------------------------------------------------------------------------ */

/* A checkpoint of another task cannot be evaluated on this one. */
static violet_status check_head(const eval *e, const vl_tensors *f)
{
    const char *path = e->o->run.path_ckpt;
    int heads = vl_heads_of(f), wanted = e->kind->head;
    if (e->o->first_stage && !(heads & VL_HEAD_DUAL))
        return vl_err(VIOLET_ESHAPE, "%s has no dual encoder (dual.video.weight): --first-stage "
                      "needs one, of training with --contrastive", path);
    if (heads & wanted) return VIOLET_OK;
    if (vl_head_lacks(f))
        return vl_err(VIOLET_ESHAPE, "%s: its head is not whole, '%s' is missing", path,
                      vl_head_lacks(f));
    if (wanted == VL_HEAD_ANSWER)
        return vl_err(VIOLET_ESHAPE, "%s has no head of answers (fc of more than one output), %s: "
                      "%s needs one that was fine-tuned on questions", path,
                      heads & VL_HEAD_MATCH ? "but one that matches videos and texts"
                                            : "nor any other", e->kind->type);
    return vl_err(VIOLET_ESHAPE, "%s has no head that matches videos and texts (fc of one output), "
                  "%s: %s needs one, of pretraining or of fine-tuning", path,
                  heads & VL_HEAD_ANSWER ? "but one of answers" : "nor any other", e->kind->type);
}

/* What fine-tuning tells of itself, was; 0: nothing. */
static void warn_of(const eval *e, const char *key, int was, int is)
{
    if (was && was != is)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s was fine-tuned with %s %d, this is %d",
                e->o->run.path_ckpt, key, was, is);
}

/* The same of what is on or off. */
static void warn_of_switch(const eval *e, const char *name, bool was, bool is)
{
    if (was != is)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s was fine-tuned %s %s, this is %s",
                e->o->run.path_ckpt, was ? "with" : "without", name, is ? "with it" : "without");
}

/* What no option says is as it was in fine-tuning, or as usual. */
static violet_status take_sizes(eval *e, const vl_tuned *t)
{
    vl_run_options *o = &e->own.run;
    if (!o->size_img) o->size_img = t->size_img ? t->size_img : 224;
    if (!o->size_txt) o->size_txt = t->size_txt ? t->size_txt : 25;
    if (!o->size_frame) o->size_frame = t->size_frame;
    if (o->size_img % 32)
        return vl_err(VIOLET_EINVAL, "size_img %d is not a multiple of 32", o->size_img);
    if (o->size_txt < 3)
        return vl_err(VIOLET_EINVAL, "size_txt %d leaves no room between [CLS] and [SEP]",
                      o->size_txt);
    return VIOLET_OK;
}

static violet_status read_task(eval *e, const vl_tensors *f)
{
    const char *path = e->o->run.path_ckpt;
    vl_tuned t;
    violet_status status = vl_tuned_read(&t, f, path);
    if (*t.type && strcmp(t.type, e->kind->type) != 0)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s was fine-tuned for %s, this is %s", path,
                t.type, e->kind->type);
    if (*t.type) warn_of_switch(e, "--compat violet1", t.violet1, e->compat);
    if (*t.type) warn_of_switch(e, "--blind", t.blind, e->o->run.blind);
    if (status == VIOLET_OK) status = take_sizes(e, &t);
    warn_of(e, "size_img", t.size_img, e->o->run.size_img);
    warn_of(e, "size_txt", t.size_txt, e->o->run.size_txt);
    e->frames_before = t.size_frame;
    if (e->kind->head == VL_HEAD_ANSWER) {
        e->answers = t.answers;
        t.answers = NULL;
    }
    vl_tuned_release(&t);
    return status;
}

violet_status eval_setup_config(eval *e)
{
    const vl_run_options *o = &e->o->run;
    vl_tensors *f;
    violet_status status = vl_tensors_open(&f, o->path_ckpt);
    if (status != VIOLET_OK) return status;
    status = vl_config_find(&e->config, vl_str_given(o->config) ? o->config : o->path_ckpt);
    if (status == VIOLET_OK) status = check_head(e, f);
    e->heads = e->kind->head | (e->o->first_stage ? VL_HEAD_DUAL : 0);
    if (status == VIOLET_OK) status = read_task(e, f);
    const vl_stored *out = vl_tensors_find(f, "fc.3.weight");
    if (e->kind->head == VL_HEAD_ANSWER && out && out->n_dim == 2)
        e->config.size_answer = (int)out->shape[0];
    vl_tensors_close(f);
    return status;
}

/* ---- data ------------------------------------------------------------------------------------ */

static violet_status setup_text(eval *e)
{
    return vl_wordpiece_open_for(&e->wordpiece, e->o->run.vocab, e->config.size_vocab);
}

/* Answers meet by their words, so a list in another order is none of anybody's business. */
static void warn_of_answers(const eval *e)
{
    const vl_answers *file = vl_items_vocab(e->items);
    int lacks = e->answers && file ? vl_answers_lacks(e->answers, file) : 0;
    if (lacks)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING,
                "%s lists other answers than %s: %d of its %d are not among the %d of the "
                "checkpoint, which are taken", vl_items_path(e->items), e->o->run.path_ckpt, lacks,
                vl_answers_n(file), vl_answers_n(e->answers));
}

/* The list of answers is the checkpoint's, or else the file's. Classes behind it are never right:
 * the published head has a thousand, whatever the list. */
static violet_status setup_answers(eval *e)
{
    const char *path = e->o->run.path_ckpt;
    if (e->kind->head != VL_HEAD_ANSWER) return VIOLET_OK;
    const char *given = vl_str_given(e->o->run.answers);
    if (given) {
        vl_answers_free(e->answers);
        violet_status status = vl_answers_read(&e->answers, given);
        if (status != VIOLET_OK) return status;
    }
    const vl_answers *list = e->answers ? e->answers : vl_items_vocab(e->items);
    if (!list)
        return vl_err(VIOLET_EFORMAT, "no list of answers: neither %s nor %s has one, see "
                      "--answers", path, vl_items_path(e->items));
    if (vl_answers_n(list) > e->config.size_answer)
        return vl_err(VIOLET_ESHAPE, "%s has %d answers, the list of %s has %d", path,
                      e->config.size_answer,
                      given ? given : e->answers ? path : vl_items_path(e->items),
                      vl_answers_n(list));
    warn_of_answers(e);
    return e->answers ? vl_items_use(e->items, e->answers) : VIOLET_OK;
}

static violet_status setup_items(eval *e)
{
    const vl_eval_options *o = e->o;
    vl_items_options items = {.kind = e->kind->items,
                              .folder = o->run.data,
                              .task = o->task,
                              .path = vl_str_given(o->items),
                              .any = true,
                              .split = vl_str_given(o->run.split)};
    violet_status status = vl_items_open(&e->items, &items);
    if (status != VIOLET_OK) return status;
    e->n_videos = vl_items_n_videos(e->items);
    return setup_answers(e);
}

static violet_status setup_set(eval *e)
{
    const vl_run_options *o = &e->o->run;
    if (!vl_str_given(o->dataset) && !vl_str_given(o->videos))
        return vl_err(VIOLET_EINVAL, "no pictures: 'dataset' names them, or --videos a folder");
    vl_dataset_options d = vl_run_dataset_options(o, e->wordpiece,
                                                  vl_str_given(o->dataset) ? o->dataset : "videos",
                                                  vl_str_given(o->split) ? o->split : "test");
    d.items = e->items;
    d.each_video = true;
    violet_status status = vl_dataset_open(&e->set, &d);
    if (status != VIOLET_OK) return status;
    e->T = vl_dataset_frames(e->set, 0);
    if (e->T > VL_FRAMES_MOST)
        return vl_err(VIOLET_ESHAPE, "%d frames a video: expected at most %d, see --size_frame",
                      e->T, VL_FRAMES_MOST);
    warn_of(e, "size_frame", e->frames_before, e->T);
    int side = o->size_img / 32;
    vl_config_fit(&e->config, e->T, side, side);
    e->Ni = e->T * (1 + side * side);
    e->pictures = vl_dataset_hash(e->set);
    return VIOLET_OK;
}

violet_status eval_setup_data(eval *e)
{
    violet_status status = setup_text(e);
    if (status == VIOLET_OK) status = setup_items(e);
    return status == VIOLET_OK ? setup_set(e) : status;
}

/* ---- model ----------------------------------------------------------------------------------- */

violet_status eval_setup_model(eval *e)
{
    const vl_run_options *o = &e->o->run;
    vl_load_report report = {0};
    const vl_load_options load = {.interpolate = o->interpolate,
                                  .grid_as_is = e->compat && !o->interpolate};
    violet_status status = vl_model_init(&e->model, &e->config, e->heads, 0, 0);
    if (status != VIOLET_OK) return status;
    status = vl_load(&e->model.params, &e->model.config, o->path_ckpt, &load, &report);
    if (status == VIOLET_OK) status = vl_load_report_whole(&report);
    vl_load_report_release(&report);
    if (status != VIOLET_OK) return status;
    e->weights = vl_params_hash(&e->model.params);
    e->encoder = vl_params_hash_of(&e->model.params, "enc_img.");
    e->backend = vl_backend_fast();
    return vl_tape_open(&e->tape, &e->device, e->backend, o->threads);
}
