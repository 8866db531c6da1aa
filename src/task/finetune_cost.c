/* What a run costs: a plan (plan.h) of its sizes, with the videos and texts that it validates on.
 */
#include "base/status.h"
#include "task/finetune_internal.h"
#include "task/plan.h"

/* The most videos and texts of a validation or the test that are kept encoded. */
static void count_kept(vl_plan_options *o, const vl_run *r)
{
    const finetune *f = r->own;
    double batches = r->o->valid_batches;
    for (int k = FINETUNE_VALID; k <= FINETUNE_TEST; k++) {
        const vl_items *q = f->items[k];
        if (!q || !f->task->all_pairs) continue;
        int videos = vl_items_n_videos(q), texts = (int)vl_items_n(q);
        double share = batches > 0 ? batches * r->o->size_batch / videos : 1;
        if (share > 1) share = 1;
        if (videos * share > o->valid_videos) o->valid_videos = (int)(videos * share);
        if (texts * share > o->valid_texts) o->valid_texts = (int)(texts * share);
    }
}

violet_status finetune_cost(double *flops, double *bytes, vl_run *r, int T)
{
    const finetune *f = r->own;
    violet_plan_report report;
    vl_plan_options o = {.of = {.run = *r->o},
                         .size_vocab = r->config.size_answer,
                         .size_option = vl_item_rows(f->items[FINETUNE_TRAIN]),
                         .with_config = &r->config};
    o.of.run.size_frame = T;
    o.of.run.accumulate = 1;
    count_kept(&o, r);
    violet_status status = vl_plan_run(&report, &o);
    if (status != VIOLET_OK) return status;
    *flops = report.step_flops;
    *bytes = (double)report.total_bytes;
    return VIOLET_OK;
}
