/* What a training batch costs: its forward and backward on the counting backend, with texts that
 * fill all positions. */
#include <stdlib.h>

#include "base/status.h"
#include "task/finetune_internal.h"
#include "tensor/count.h"

/* A batch of B samples that there are no data of; a->n 0: out of memory. */
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

static violet_status count(double *flops, double *bytes, const vl_run *r, const vl_model *model,
                           const vl_swin_plan *plan, const made *m, int n_texts)
{
    const finetune *f = r->own;
    int B = plan->B, X = r->o->size_txt;
    vl_tape t;
    vl_downstream_output out = {0};
    vl_device *d = vl_backend_count()->open(0);
    if (!d) return vl_err_nomem();
    violet_status status = vl_tape_init(&t, vl_backend_count(), d, 0);
    if (status != VIOLET_OK) goto done;
    const finetune_batch batch = {B,    plan->T, plan->H, X,       n_texts,
                                  NULL, m->text, m->mask, m->facts};
    const vl_downstream_input in = {.B = B,
                                    .X = X,
                                    .plan = plan,
                                    .n_texts = B * n_texts,
                                    .text = m->text,
                                    .text_mask = m->mask};
    vl_tape_reset(&t, 0, 0);
    t.grad_on = t.training = 1;
    t.checkpoint_on = r->o->checkpointing;
    f->kind->forward(&t, model, f, &batch, &in, &out);
    status = vl_tape_failed(&t) ? vl_tape_status(&t)
                                : vl_tape_backward(&t, out.total ? out.total : out.loss);
    vl_count c = vl_count_get(d);
    *flops = vl_count_products(&c, VL_COUNT_FORWARD) + vl_count_products(&c, VL_COUNT_BACKWARD);
    *bytes =
        (double)(t.keep.peak + t.grads.peak + plan->tables.used + 4 * model->params.weights.used);
    vl_tape_release(&t);
done:
    vl_backend_count()->close(d);
    return status;
}

violet_status finetune_cost(double *flops, double *bytes, vl_run *r, int T)
{
    const finetune *f = r->own;
    int B = r->o->size_batch, S = r->o->size_img, n_texts = vl_item_rows(f->items[FINETUNE_TRAIN]);
    vl_model model;
    vl_swin_plan plan;
    made m = {0};
    violet_status status = vl_model_init(&model, &r->config, r->task->heads, 1, 0);
    if (status != VIOLET_OK) return status;
    status = vl_swin_plan_init(&plan, &r->config.video, B, T, S, S);
    if (status != VIOLET_OK) {
        vl_model_release(&model);
        return status;
    }
    status = make(&m, B, n_texts, r->o->size_txt);
    if (status == VIOLET_OK) status = count(flops, bytes, r, &model, &plan, &m, n_texts);
    /* the batch being used, and the loader's ring: two batches and one a worker */
    *bytes += 3.0 * T * S * S * (3.0 * B + r->o->workers);
    release(&m);
    vl_swin_plan_release(&plan);
    vl_model_release(&model);
    return status;
}
