/* An evaluation from beginning to end; see eval.h. */
#include "task/eval.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
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

/* ---- all ------------------------------------------------------------------------------------- */

static void tell_start(const eval *e)
{
    size_t pairs = 0;
    for (int v = 0; v < e->n_videos; v++) pairs += eval_pairs_of(e, v);
    vl_tell(e->hooks, VIOLET_EVENT_MESSAGE,
            "%s: %d videos of %d frames, %zu items, %d texts of up to %d tokens, %zu pairs",
            e->kind->type, e->n_videos, e->T, vl_items_n(e->items), e->texts.n, e->texts.longest,
            pairs);
}

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
    violet_status (*const stages[])(eval *) = {setup_options, setup_output, eval_setup_config,
                                               eval_setup_data, eval_texts_open,
                                               setup_predictions, eval_setup_model,
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
