/* The rest of violet.h: each call is one call of the room that does the work. */
#include <stdlib.h>

#include "api/options.h"
#include "base/log.h"
#include "base/status.h"
#include "corpus/corpus.h"
#include "extract/dvae_train.h"
#include "extract/frames.h"
#include "extract/link.h"
#include "extract/tsv.h"
#include "extract/vq.h"
#include "file/npy.h"
#include "report/report.h"
#include "task/convert.h"
#include "task/eval.h"
#include "task/finetune.h"
#include "task/info.h"
#include "task/info_diff.h"
#include "task/info_load.h"
#include "task/plan.h"
#include "task/pretrain_run.h"
#include "use/use.h"

const char *violet_version(void)
{
    return VIOLET_VERSION;
}

void violet_text_free(char *text)
{
    free(text);
}

void violet_log_set(void (*fn)(void *user, violet_log_level level, const char *line), void *user)
{
    vl_log_set(fn, user);
}

violet_status violet_pretrain(const violet_options *o, const violet_hooks *hooks)
{
    const vl_pretrain_options *values = vl_options_of(o, "pretrain");
    return values ? vl_pretrain_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_finetune(const violet_options *o, const violet_hooks *hooks)
{
    const vl_finetune_options *values = vl_options_of(o, "finetune");
    return values ? vl_finetune_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_make_corpus(const violet_options *o, const violet_hooks *hooks)
{
    const vl_corpus_options *values = vl_options_of(o, "make-corpus");
    return values ? vl_corpus_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_extract_frames(const violet_options *o, const violet_hooks *hooks)
{
    const vl_frames_options *values = vl_options_of(o, "extract-frames");
    return values ? vl_frames_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_extract_tsv(const violet_options *o, const violet_hooks *hooks)
{
    const vl_extract_tsv_options *values = vl_options_of(o, "extract-tsv");
    return values ? vl_extract_tsv_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_extract_vq(const violet_options *o, const violet_hooks *hooks)
{
    const vl_vq_options *values = vl_options_of(o, "extract-vq");
    return values ? vl_vq_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_train_dvae(const violet_options *o, const violet_hooks *hooks)
{
    const vl_dvae_train_options *values = vl_options_of(o, "train-dvae");
    return values ? vl_dvae_train_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_link(const violet_options *o, const violet_hooks *hooks)
{
    const vl_link_options *values = vl_options_of(o, "link");
    return values ? vl_link_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_convert(const violet_options *o, const violet_hooks *hooks)
{
    const vl_convert_options *values = vl_options_of(o, "convert");
    return values ? vl_convert_run(values, hooks) : VIOLET_EINVAL;
}

violet_status violet_plan(violet_plan_report *out, const violet_options *o)
{
    const vl_plan_options *values = vl_options_of(o, "plan");
    return values ? vl_plan_run(out, values) : VIOLET_EINVAL;
}

/* Options of any of the commands that use a model; NULL, with the message set, of another. */
static const vl_use_options *use_options(const violet_options *o)
{
    static const char *const commands[] = {"score", "ask", "embed", "search"};
    const vl_use_options *values = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && !values; i++)
        values = vl_options_of(o, commands[i]);
    return values;
}

violet_status violet_model_open(violet_model **out, const char *checkpoint, const violet_options *o)
{
    vl_use_options none = {0};
    const vl_use_options *values = &none;
    *out = NULL;
    if (o && !(values = use_options(o))) return VIOLET_EINVAL;
    violet_status status = VIOLET_OK;
    if (!o) status = vl_option_defaults(vl_score_option_table, &none);
    if (!checkpoint) checkpoint = values->checkpoint;
    if (status == VIOLET_OK) status = vl_use_open(out, checkpoint, values);
    vl_option_release(vl_score_option_table, &none);
    return status;
}

violet_status violet_npy_write(const char *path, const float *x, size_t rows, size_t cols)
{
    return vl_npy_write(path, x, rows, cols);
}

/* Hands over what was written, if the call went well or `anyway`. */
static violet_status hand_over(char **text, vl_buf *b, violet_status status, int anyway)
{
    *text = status == VIOLET_OK || anyway ? vl_buf_steal(b) : NULL;
    vl_buf_free(b);
    return status;
}

violet_status violet_eval(char **text, const violet_options *o, int flags,
                          const violet_hooks *hooks)
{
    vl_buf b = {0};
    const vl_eval_options *values = vl_options_of(o, "eval");
    violet_status status = values ? vl_eval_run(&b, values, flags, hooks) : VIOLET_EINVAL;
    return hand_over(text, &b, status, b.n && status == VIOLET_EIO);
}

violet_status violet_report(const char *const *folders, int n, const violet_options *o,
                            const violet_hooks *hooks)
{
    vl_report_options none = {0};
    const vl_report_options *values = o ? vl_options_of(o, "report") : &none;
    if (!values) return VIOLET_EINVAL;
    violet_status status = o ? VIOLET_OK : vl_option_defaults(vl_report_option_table, &none);
    if (status == VIOLET_OK) status = vl_report_run(values, folders, n, hooks);
    vl_option_release(vl_report_option_table, &none);
    return status;
}

violet_status violet_info(char **text, const char *path, int flags)
{
    vl_buf b = {0};
    return hand_over(text, &b, vl_info(&b, path, flags), 0);
}

violet_status violet_info_diff(char **text, int *differ, const char *path_a, const char *path_b,
                               int flags)
{
    vl_buf b = {0};
    bool found = false;
    violet_status status = vl_info_diff(&b, &found, path_a, path_b, flags);
    *differ = found;
    return hand_over(text, &b, status, 0);
}

violet_status violet_info_load(char **text, const char *path, const char *task, const char *config,
                               int flags)
{
    vl_buf b = {0};
    violet_status status = vl_info_load(&b, path, task, config, flags);
    bool report = b.n && (status == VIOLET_ESHAPE || status == VIOLET_EFORMAT);
    return hand_over(text, &b, status, report);
}
