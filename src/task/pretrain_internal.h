/* What the files of a pretraining run share: pretrain_run.c (the task as train/run.h wants it) and
 * pretrain_batch.c (one batch). Nobody else includes this. */
#ifndef VL_TASK_PRETRAIN_INTERNAL_H
#define VL_TASK_PRETRAIN_INTERNAL_H

#include "model/dvae.h"
#include "task/pretrain.h"
#include "task/pretrain_run.h"
#include "train/mask.h"
#include "train/run.h"

enum { CON = VL_VTM + 1 }; /* the contrastive loss, behind the three */

/* vl_run.own of a pretraining run. */
typedef struct pretrain {
    const vl_pretrain_options *o;
    vl_dvae *dvae; /* NULL: tokens come from files */
    vl_mask_config mask;
    vl_run_task task; /* with the contrastive loss, where that is on */
    double weights[VL_RUN_LOSSES];

    /* one batch's buffers, for the largest batch */
    uint8_t *image; /* (B,T,3,S,S) */
    uint8_t *text_mask, *same;
    int *text, *vq, *answer_mtm, *answer_mvm, *negative;
    float *weight;  /* attention received */
} pretrain;

violet_status pretrain_buffers(vl_run *r, int B, int T);
void pretrain_buffers_free(pretrain *p);
/* Masks, computes and, in training, adds to the gradients. A batch's samples are first_sample,
 * first_sample + 1, ... for masking. */
violet_status pretrain_batch(vl_run *r, const vl_batch *b, bool training, uint64_t draw,
                             uint64_t first_sample, vl_run_sums *sums);

#endif
