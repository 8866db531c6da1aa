/* Opening a model; see use.h. */
#include "use/use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "model/tuned.h"

/* What fine-tuning takes where nobody says otherwise. */
enum { SIZE_IMG = 224, SIZE_TXT = 25, SIZE_FRAME = 5 };
#define TEMPERATURE 0.05 /* of matching and retrieval; multiple choice was trained without */

/* ---- what the checkpoint says of itself ------------------------------------------------------ */

/* A size: the option's, or the checkpoint's, or the usual one. */
static int size_of(int option, int own, int usual)
{
    return option ? option : own ? own : usual;
}

static violet_status use_task(violet_model *m, const vl_tuned *task, const vl_use_options *o)
{
    memcpy(m->type, task->type, sizeof m->type);
    m->temperature = strcmp(m->type, "qamc") == 0 ? 1 : TEMPERATURE;
    m->compat = o->compat == VL_USE_COMPAT_VIOLET1 ||
                (o->compat == VL_USE_COMPAT_AUTO && task->violet1);
    m->threads = o->threads;
    m->shape = m->compat ? VL_SHAPE_STORED : (vl_shape)o->shape;
    m->fast_video = o->fast_video;
    m->size_img = size_of(o->size_img, task->size_img, SIZE_IMG);
    m->size_txt = size_of(o->size_txt, task->size_txt, SIZE_TXT);
    m->size_frame = size_of(o->size_frame, task->size_frame, SIZE_FRAME);
    if (m->size_img % 32)
        return vl_err(VIOLET_EINVAL, "size_img %d is not a multiple of 32", m->size_img);
    if (m->size_txt < 3)
        return vl_err(VIOLET_EINVAL, "size_txt %d leaves no room between [CLS] and [SEP]",
                      m->size_txt);
    return VIOLET_OK;
}

/* The list of a file, or else the checkpoint's own, which is taken over. */
static violet_status find_answers(violet_model *m, vl_tuned *task, const char *path)
{
    violet_status status = path ? vl_answers_read(&m->answers, path) : VIOLET_OK;
    if (!path) {
        m->answers = task->answers;
        task->answers = NULL;
    }
    if (status != VIOLET_OK || !m->answers) return status;
    if ((m->heads & VL_HEAD_ANSWER) && vl_answers_n(m->answers) > m->n_classes)
        return vl_err(VIOLET_ESHAPE, "%s: %d answers are listed in %s, it has %d classes", m->path,
                      vl_answers_n(m->answers), path ? path : "it", m->n_classes);
    return VIOLET_OK;
}

/* Sizes, heads, task: all that is known before a weight is read. */
static violet_status look(vl_config *config, violet_model *m, const vl_use_options *o)
{
    vl_tensors *f;
    vl_tuned task;
    violet_status status = vl_tensors_open(&f, m->path);
    if (status != VIOLET_OK) return status;
    const vl_stored *fc = vl_tensors_find(f, "fc.3.weight");
    m->heads = vl_heads_of(f);
    m->n_classes = m->heads & (VL_HEAD_MATCH | VL_HEAD_ANSWER) ? (int)fc->shape[0] : 0;
    status = vl_tuned_read(&task, f, m->path);
    if (status == VIOLET_OK && vl_str_given(o->config))
        status = vl_config_find(config, o->config);
    else if (status == VIOLET_OK && (status = vl_config_of(config, NULL, f)) != VIOLET_OK)
        status = vl_err_at(status, "%s", m->path);
    vl_tensors_close(f);
    if (status == VIOLET_OK) status = use_task(m, &task, o);
    if (status == VIOLET_OK) status = find_answers(m, &task, vl_str_given(o->answers));
    vl_tuned_release(&task);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The model without its weights. */
static violet_status lay_out(violet_model *m, vl_config *config)
{
    int side = m->size_img / 32, head = m->heads & (VL_HEAD_MATCH | VL_HEAD_ANSWER | VL_HEAD_DUAL);
    if (m->heads & VL_HEAD_ANSWER) config->size_answer = m->n_classes;
    vl_config_fit(config, m->size_frame, side, side);
    return vl_model_init(&m->m, config, head, 0, 0);
}

violet_status vl_use_open(violet_model **out, const char *path, const vl_use_options *o)
{
    vl_config config;
    *out = NULL;
    if (!vl_str_given(path))
        return vl_err(VIOLET_EINVAL, "no weights: option checkpoint names no file");
    violet_model *m = calloc(1, sizeof *m);
    if (!m) return vl_err_nomem();
    m->path = strdup(path);
    violet_status status = m->path ? look(&config, m, o) : vl_err_nomem();
    if (status == VIOLET_OK) status = lay_out(m, &config);
    if (status == VIOLET_OK)
        status = vl_wordpiece_open_for(&m->wordpiece, vl_str_given(o->vocab),
                                       m->m.config.size_vocab);
    if (status == VIOLET_OK) status = vl_use_load(m, o);
    if (status == VIOLET_OK)
        *out = m;
    else
        violet_model_close(m);
    return status;
}

void violet_model_close(violet_model *m)
{
    if (!m) return;
    vl_use_load_end(m);
    if (m->m.layers) vl_model_release(&m->m);
    vl_wordpiece_free(m->wordpiece);
    vl_answers_free(m->answers);
    free(m->path);
    free(m);
}

/* ---- what it can do -------------------------------------------------------------------------- */

void violet_model_describe(violet_model_facts *out, const violet_model *m)
{
    *out = (violet_model_facts){.can_score = (m->heads & VL_HEAD_MATCH) != 0,
                                .n_classes = m->heads & VL_HEAD_ANSWER ? m->n_classes : 0,
                                .n_answers = m->heads & VL_HEAD_ANSWER && m->answers
                                                 ? vl_answers_n(m->answers) : 0,
                                .width = vl_use_width(m),
                                .comparable = (m->heads & VL_HEAD_DUAL) != 0,
                                .size_img = m->size_img,
                                .size_txt = m->size_txt,
                                .size_frame = m->size_frame,
                                .type = m->type,
                                .temperature = m->temperature,
                                .load_seconds = vl_use_load_seconds(m),
                                .n_parameters = vl_params_count(&m->m.params)};
}

violet_status vl_use_need(const violet_model *m, int head, const char *what)
{
    char fc[80] = "no head for either";
    if (m->heads & head) return VIOLET_OK;
    if (m->heads & VL_HEAD_MATCH) snprintf(fc, sizeof fc, "one that scores pairs");
    if (m->heads & VL_HEAD_ANSWER) snprintf(fc, sizeof fc, "one of %d answers", m->n_classes);
    return vl_err(VIOLET_ESHAPE, "%s: to %s takes a head `fc` %s; this checkpoint has %s%s%s%s",
                  m->path, what, head == VL_HEAD_MATCH ? "that scores pairs" : "of answers", fc,
                  *m->type ? " (it was fine-tuned for " : "", m->type, *m->type ? ")" : "");
}
