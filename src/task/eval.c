/* An evaluation from beginning to end; see eval.h. */
#include "task/eval.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "file/tensors.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "model/load.h"
#include "model/tuned.h"
#include "task/eval_internal.h"
#include "train/run.h"

/* ---- options --------------------------------------------------------------------------------- */

static violet_status setup_options(eval *e)
{
    const vl_run_options *o = &e->o->run;
    e->kind = vl_downstream_kind_of(o->type ? o->type : "");
    if (!e->kind) return vl_task_unknown(o->type ? o->type : "");
    if (!vl_str_given(o->path_ckpt))
        return vl_err(VIOLET_EINVAL, "nothing to evaluate: --checkpoint names a file of weights");
    if (!vl_str_given(e->o->task) && !vl_str_given(e->o->items))
        return vl_err(VIOLET_EINVAL, "no items: 'task' names them, or --items their file");
    if (e->o->merge && vl_str_given(e->o->shard))
        return vl_err(VIOLET_EINVAL, "--shard does a part, --merge puts parts together: one of "
                      "them");
    if (vl_str_given(e->o->shard) && vl_str_given(e->o->predictions))
        return vl_err(VIOLET_EINVAL, "--predictions: of parts, --merge writes them");
    if (e->o->first_stage && e->kind != &vl_retrieval)
        return vl_err(VIOLET_EINVAL, "--first-stage: %s ranks no videos, only retrieval does",
                      e->kind->type);
    if (e->o->first_stage && (e->o->merge || vl_str_given(e->o->shard)))
        return vl_err(VIOLET_EINVAL, "--first-stage looks at all videos at once: it has no parts "
                      "(--shard, --merge)");
    if (e->o->direction != EVAL_BOTH && e->kind != &vl_retrieval)
        return vl_err(VIOLET_EINVAL, "--direction: %s has none, only retrieval does",
                      e->kind->type);
    if (e->o->direction == EVAL_VIDEO_TO_TEXT && o->compat == VL_COMPAT_VIOLET1)
        return vl_err(VIOLET_EINVAL, "--direction video-to-text: the published evaluation "
                      "(--compat violet1) has text to video alone");
    if (e->o->merge == 1) return vl_err(VIOLET_EINVAL, "--merge 1: expected 2 or more parts");
    e->compat = o->compat == VL_COMPAT_VIOLET1;
    e->rule = e->compat ? VL_RANK_COMPAT : VL_RANK_FAIR;
    return vl_shard_parse(&e->shard, vl_str_given(e->o->shard));
}

/* "{split}" in the name of the folder. */
static violet_status setup_output(eval *e)
{
    static const char mark[] = "{split}";
    const vl_run_options *o = &e->o->run;
    const char *at = o->output ? strstr(o->output, mark) : NULL, *split = vl_str_given(o->split);
    vl_buf b = {0};
    if (!at) return VIOLET_OK;
    violet_status status = vl_buf_printf(&b, "%.*s%s%s", (int)(at - o->output), o->output,
                                         split ? split : "all", at + strlen(mark));
    if (status == VIOLET_OK && !(e->own.run.output = vl_strings_keep(&e->strings, b.data, b.n)))
        status = vl_err_nomem();
    vl_buf_free(&b);
    return status;
}

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
    if (*t.type && t.violet1 != e->compat)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s was fine-tuned %s --compat violet1, this is %s",
                path, t.violet1 ? "with" : "without", e->compat ? "with it" : "without");
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

static violet_status setup_config(eval *e)
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

/* ---- model ----------------------------------------------------------------------------------- */

static violet_status setup_model(eval *e)
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

static void tell_start(const eval *e)
{
    size_t pairs = 0;
    for (int v = 0; v < e->n_videos; v++) pairs += eval_pairs_of(e, v);
    vl_tell(e->hooks, VIOLET_EVENT_MESSAGE,
            "%s: %d videos of %d frames, %zu items, %d texts of up to %d tokens, %zu pairs",
            e->kind->type, e->n_videos, e->T, vl_items_n(e->items), e->texts.n, e->texts.longest,
            pairs);
}

/* ---- all ------------------------------------------------------------------------------------- */

static violet_status report(vl_buf *text, eval *e, int flags)
{
    if (!(flags & VIOLET_INFO_JSON)) {
        violet_status status = eval_text(text, e);
        return status == VIOLET_OK ? eval_tell_speed(e, NULL) : status;
    }
    json_t *object = eval_json(e);
    violet_status status = object ? eval_tell_speed(e, object) : vl_err_nomem();
    char *dump = status == VIOLET_OK ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9))
                                     : NULL;
    json_decref(object);
    if (status != VIOLET_OK) return status;
    status = dump ? vl_buf_printf(text, "%s\n", dump) : vl_err_nomem();
    free(dump);
    return status;
}

/* Better an error now than after hours of work. The file may belong into the folder. */
static violet_status setup_predictions(eval *e)
{
    const char *path = vl_str_given(e->o->predictions), *output = vl_str_given(e->o->run.output);
    if (!path) return VIOLET_OK;
    violet_status status = output ? vl_dir_make(output) : VIOLET_OK;
    return status == VIOLET_OK ? vl_out_open(&e->out, path) : status;
}

/* That predictions could not be written does not lose the metrics. */
static violet_status measure(eval *e)
{
    FILE *f = e->out.file;
    violet_status status = e->kind->all_pairs ? eval_rankings(e, f) : eval_answers(e, f);
    if (status == VIOLET_OK && f) status = vl_out_commit(&e->out);
    if (status != VIOLET_EIO) return status;
    snprintf(e->unwritten, sizeof e->unwritten, "%s", violet_error());
    return VIOLET_OK;
}

static violet_status run(vl_buf *text, eval *e, int flags)
{
    violet_status (*const stages[])(eval *) = {setup_options, setup_output, setup_config,
                                               setup_text, setup_items,
                                               setup_set, eval_texts_open, setup_predictions,
                                               setup_model,
                                               eval_store_open, eval_first_open};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        violet_status status = stages[i](e);
        if (status != VIOLET_OK) return status;
    }
    tell_start(e);
    bool part = e->shard.n > 1;
    violet_status status = e->o->merge ? VIOLET_OK : eval_score(e);
    if (status == VIOLET_OK && !part) status = measure(e);
    if (status == VIOLET_OK) status = eval_store_finish(e);
    if (status != VIOLET_OK) return status;
    if (!part) status = report(text, e, flags);
    if (status == VIOLET_OK && *e->unwritten) return vl_err(VIOLET_EIO, "%s", e->unwritten);
    if (!part) return status;
    vl_tell(e->hooks, VIOLET_EVENT_MESSAGE, "part %d of %d is done; when all are: --merge %d",
            e->shard.i, e->shard.n, e->shard.n);
    return eval_tell_speed(e, NULL);
}

static void release(eval *e)
{
    vl_out_abandon(&e->out);
    vl_scorer_close(e->scorer);
    eval_store_close(e);
    vl_features_close(e->videos);
    vl_features_close(e->encoded);
    eval_texts_close(&e->texts);
    eval_first_close(e->first);
    vl_dataset_close(e->set);
    vl_items_close(e->items);
    vl_answers_free(e->answers);
    vl_wordpiece_free(e->wordpiece);
    vl_swin_plans_release(&e->plans);
    vl_tape_release(&e->tape);
    if (e->device) e->backend->close(e->device);
    vl_model_release(&e->model);
    vl_strings_release(&e->strings);
    free(e->metric);
    free(e);
}

violet_status vl_eval_run(vl_buf *text, const vl_eval_options *o, int flags,
                          const violet_hooks *hooks)
{
    eval *e = calloc(1, sizeof *e);
    if (!e) return vl_err_nomem();
    e->own = *o;
    e->o = &e->own;
    e->hooks = hooks;
    violet_status status = run(text, e, flags);
    release(e);
    return status;
}
