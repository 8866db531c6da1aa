/* What a training run will cost, without running it: one step on the counting backend. Of any kind:
 * pretraining, or fine-tuning on a downstream task.
 *
 *     vl_plan_options o = {0};
 *     vl_option_defaults(vl_plan_option_table, &o);
 *     violet_plan_report r;
 *     status = vl_plan_run(&r, &o);
 *
 * The step is the real one: the same forward code on the same tape, so memory is what the arenas
 * would hold and FLOPs what the backend would be asked. Masks are replaced by their expected size:
 * texts that fill all their positions, expected numbers of hidden words and patches. A dVAE's
 * sizes stand in its file only, so with one the plan takes as long as reading that does. */
#ifndef VL_TASK_PLAN_H
#define VL_TASK_PLAN_H

#include <stdbool.h>

#include "task/pretrain_run.h"

typedef struct vl_plan_options {
    vl_pretrain_options of; /* what is planned: first, see train/run_options.h */
    int height, width;      /* 0: size_img */
    int size_vocab, size_option;   /* of tasks; 0: as usual */
    int valid_videos, valid_texts; /* that a validation of retrieval keeps encoded; texts 0: one a
                                    * video */
    bool measure, json; /* json: the program's own */
    double peak;
    /* no options: what is there already, in place of `of.dvae`, `of.run.config` */
    struct vl_dvae *with_dvae;
    const vl_config *with_config;
} vl_plan_options;

extern const vl_option vl_plan_option_table[];

violet_status vl_plan_run(violet_plan_report *out, const vl_plan_options *o);

/* Expected number of patches that blockwise masking hides of T frames of h x w patches: T boxes
 * with uniform extents and places, as train/mask.c draws them. */
double vl_plan_hidden_patches(int T, int h, int w);

#endif
