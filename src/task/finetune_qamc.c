/* Multiple choice: each option makes a text with the question, the best scored one is the answer.
 */
#include "task/finetune_internal.h"

static void forward(vl_tape *t, const vl_model *m, const finetune *f, const finetune_batch *b,
                    const vl_downstream_input *in, vl_downstream_output *out)
{
    vl_downstream_input own = *in;
    int n = b->n * b->n_texts, *option = vl_tape_alloc(t, (size_t)n * sizeof *option);
    int *answer = vl_tape_alloc(t, (size_t)b->n * sizeof *answer);
    int *n_options = vl_tape_alloc(t, (size_t)b->n * sizeof *n_options);
    (void)f;
    if (vl_tape_failed(t)) return;
    for (int i = 0; i < n; i++) option[i] = i;
    for (int i = 0; i < b->n; i++) {
        answer[i] = b->facts[i].answer;
        n_options[i] = b->facts[i].n_options;
    }
    own.n_options = n_options;
    vl_qamc_forward(t, m, &own, option, b->n_texts, answer, out);
}

/* There is no list of answers that one could be outside of. */
static const char *const losses[] = {"qamc"}, *const metrics[] = {"accuracy"};

const finetune_kind finetune_qamc = {
    .task = &vl_qamc,
    .run = FINETUNE_RUN(losses, metrics, 1, 1, finetune_validate),
    .least_batch = 1,
    .forward = forward,
};
