/* Plans of fine-tuning: one step of each task, its texts filling all positions; see plan.h. */
#include <stdlib.h>

#include "base/status.h"
#include "task/finetune_internal.h"
#include "task/plan_internal.h"

/* A batch of B samples that there are no data of. */
typedef struct made {
    int *text;
    uint8_t *mask;
    vl_item_facts *facts;
} made;

static violet_status make(made *m, int B, int n_texts, int X)
{
    size_t n = (size_t)B * (size_t)n_texts * (size_t)X;
    m->text = malloc(n * sizeof *m->text);
    m->mask = malloc(n);
    m->facts = calloc((size_t)B, sizeof *m->facts);
    if (!m->text || !m->mask || !m->facts) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) m->text[i] = m->mask[i] = 1;
    for (int b = 0; b < B; b++) {
        m->facts[b] = (vl_item_facts){.video = b, .text = (uint64_t)b, .n_options = n_texts};
    }
    return VIOLET_OK;
}

static void release(made *m)
{
    free(m->text);
    free(m->mask);
    free(m->facts);
}

static violet_status run_step(plan_tally *out, const planned *p, vl_tape *t, vl_swin_plans *plans,
                              const made *m, int B)
{
    const vl_finetune_options o = {.run = p->o.of.run};
    const vl_downstream_kind *task = vl_downstream_kind_of(p->kind->type);
    const finetune f = {.o = &o,
                        .task = task,
                        .kind = finetune_kind_of(task),
                        .compat = o.run.compat == VL_COMPAT_VIOLET1};
    const vl_swin_plan *plan = vl_swin_plans_get(plans, &p->config.video, B, p->T, p->H, p->W);
    if (!plan) return VIOLET_ENOMEM;
    vl_downstream_output losses = {0};
    const finetune_batch batch = {B,    p->T,    p->H,    p->X,    p->n_texts,
                                  NULL, m->text, m->mask, m->facts};
    const vl_downstream_input in = {.B = B,
                                    .X = p->X,
                                    .plan = plan,
                                    .n_texts = B * p->n_texts,
                                    .text = m->text,
                                    .text_mask = m->mask};
    plan_marks marks = {.before = vl_count_get(t->device)};
    marks.tokens = marks.attended = marks.before;
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 1;
    t->checkpoint_on = o.run.checkpointing;
    f.kind->forward(t, &p->model, &f, &batch, &in, &losses);
    marks.forward = vl_count_get(t->device);
    violet_status status =
        vl_tape_failed(t) ? vl_tape_status(t)
                          : vl_tape_backward(t, losses.total ? losses.total : losses.loss);
    if (status == VIOLET_OK) plan_note(out, t, plans, &marks);
    return status;
}

static violet_status step(plan_tally *out, const planned *p, vl_tape *t, vl_swin_plans *plans,
                          int B)
{
    made m = {0};
    violet_status status = make(&m, B, p->n_texts, p->X);
    if (status == VIOLET_OK) status = run_step(out, p, t, plans, &m, B);
    release(&m);
    return status;
}

const plan_kind *plan_finetune_kind(plan_kind *room, const char *type)
{
    const vl_downstream_kind *task = vl_downstream_kind_of(type);
    if (!task) return NULL;
    *room = (plan_kind){.type = task->type,
                        .heads = task->head,
                        .size_txt = 25, /* sizes as finetune_options.c has them */
                        .size_frame = 5,
                        .size_batch = 6,
                        .all_pairs = task->all_pairs,
                        .answers = task->head == VL_HEAD_ANSWER,
                        .options = task->items == VL_TASK_QAMC,
                        .step = step};
    return room;
}
