/* Masking for pretraining: which words and which patches of a batch are hidden.
 *
 * Half of the samples are masked blockwise, half by attention received (arXiv 2111.12681 section
 * 3.3). All draws are a function of (seed, sample): the same sample number gets the same masks
 * whatever the batch, the number of threads or of processes. */
#ifndef VL_TRAIN_MASK_H
#define VL_TRAIN_MASK_H

#include <stdint.h>

#include "text/wordpiece.h"

typedef struct vl_mask_config {
    uint64_t seed;
    int special[VL_SPECIALS]; /* their ids: [PAD], [CLS] and [SEP] are never hidden */
    double p_word;      /* 0.15: probability that blockwise masking hides a word */
    double p_attended;  /* 0.15: share of all positions that attended masking draws */
    double p_use_attended; /* 0.5: probability that a sample is masked by attention */
    int distinct_negatives; /* 1: prefer other texts that differ from the video's own (a repeated
                             * caption is not wrong); 0: any other text, as published */
} vl_mask_config;

/* A batch to mask. `text` and `image` are changed in place. Letters as in task/pretrain.h. */
typedef struct vl_mask_batch {
    int B, T, h, w, X;         /* h, w: patches of 32 x 32 pixels */
    uint64_t first_sample;     /* number of sample 0 of the batch; b has first_sample + b */
    uint8_t *image;            /* (B,T,3,32h,32w) */
    int *text;                 /* (B,X) */
    const int *vq;             /* (B,T,h,w) visual tokens, or NULL; negative: unknown */
    int *answer_mtm;           /* (B,X) out */
    int *answer_mvm;           /* (B,T(1+hw)) out */
} vl_mask_batch;

/* Whether sample number `sample` is masked by attention. */
int vl_mask_is_attended(const vl_mask_config *c, uint64_t sample);

/* Hides words and patches of every sample. weight (n_attended, T(1+hw)+X): attention received, a
 * row for each sample of the batch that vl_mask_is_attended(), in order. */
void vl_mask_apply(const vl_mask_config *c, const vl_mask_batch *b, const float *weight);

/* negative (B, n): for each sample n different other samples of the batch, n < B. */
void vl_mask_negatives(const vl_mask_config *c, int *negative, int n, const int *text, int B, int X,
                       uint64_t first_sample);

#endif
