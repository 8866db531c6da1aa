/* Open-ended questions, whose answers are classes; and filling in the blank, which is the same but
 * for the position that is read. */
#include "task/finetune_internal.h"

static void forward(vl_tape *t, const vl_model *m, const finetune *f, const finetune_batch *b,
                    const vl_downstream_input *in, vl_downstream_output *out)
{
    vl_downstream_input own = *in;
    int *answer = vl_tape_alloc(t, (size_t)b->n * sizeof *answer);
    int *at = vl_tape_alloc(t, (size_t)b->n * sizeof *at);
    if (vl_tape_failed(t)) return;
    for (int i = 0; i < b->n; i++) {
        answer[i] = b->facts[i].answer;
        at[i] = b->facts[i].blank >= 0 ? b->facts[i].blank : 0;
    }
    if (f->task->blank) own.at = at;
    vl_qaoe_forward(t, m, &own, answer, out);
}

static const char *const qaoe_losses[] = {"qaoe"}, *const fib_losses[] = {"fib"};
static const char *const metrics[] = FINETUNE_ACCURACIES;

const finetune_kind finetune_qaoe = {
    .task = &vl_qaoe,
    .run = FINETUNE_RUN(qaoe_losses, metrics, 2, 1, finetune_validate),
    .least_batch = 1,
    .forward = forward,
};

const finetune_kind finetune_fib = {
    .task = &vl_fib,
    .run = FINETUNE_RUN(fib_losses, metrics, 2, 1, finetune_validate),
    .least_batch = 1,
    .forward = forward,
};
