/* Pretraining: masked words (MTM), masked visual tokens (MVM), video-text matching (VTM).
 * arXiv 2111.12681 sections 3.2 to 3.4.
 *
 * Letters as in model/model.h; O = 1 + n_negative texts a video in VTM. */
#ifndef VL_TASK_PRETRAIN_H
#define VL_TASK_PRETRAIN_H

#include "model/model.h"
#include "task/contrast.h"

/* A batch after masking. Nothing is owned; the image must live until the backward. */
typedef struct vl_pretrain_input {
    int B, X, n_negative;
    const vl_swin_plan *plan;  /* of B videos */
    const uint8_t *image;      /* (B,T,3,H,W), hidden patches black */
    const int *text;           /* (B,X), hidden words [MASK] */
    const uint8_t *text_mask;  /* (B,X), 0: padding */
    const int *answer_mtm;     /* (B,X) the hidden word, or -1 */
    const int *answer_mvm;     /* (B,Ni) the hidden visual token, or -1 */
    const int *negative;       /* (B,n_negative) whose texts each video is paired with */
    int pair_again;            /* 1: encode a video's own pair a second time for VTM, as published
                                * (other dropout, otherwise the same result) */
    double contrastive;        /* weight of the contrastive loss, of the masked videos and texts as
                                * they enter the cross-modal transformer; 0: none */
    const uint8_t *same;       /* (B,B) see contrast.h */
    int all_rows;              /* 1: MTM and MVM logits at every position, for inspection */
} vl_pretrain_input;

typedef struct vl_pretrain_output {
    vl_tensor *loss;             /* (1,1), sum of the three, and the weighted `con` */
    vl_contrast_output con;      /* loss NULL: there is none */
    vl_tensor *loss_of[3];       /* MTM, MVM, VTM; NULL if nothing is asked in this batch */
    vl_tensor *logits[3];        /* (rows asked, vocab or codes), (B, O) before the temperature */
    int asked[3];                /* how many rows count */
    const int *best[3], *target[3]; /* (rows of logits), in the tape's memory */
} vl_pretrain_output;

enum { VL_MTM, VL_MVM, VL_VTM };
extern const char *const vl_pretrain_names[3]; /* "mtm", "mvm", "vtm" */

/* Scores are divided by this temperature, 0.05, in VTM and retrieval. */
#define VL_SCORE_SCALE ((real)20)

void vl_pretrain_forward(vl_tape *t, const vl_model *m, const vl_pretrain_input *in,
                         vl_pretrain_output *out);

/* Attention received by every position of the unmasked pairs (video b, text b) -> (B, n).
 * count_padding: padded text positions ask, too, as published. Call with gradients off. */
vl_tensor *vl_pretrain_attended(vl_tape *t, const vl_model *m, const vl_swin_plan *plan,
                                const uint8_t *image, const int *text, const uint8_t *text_mask,
                                int X, int count_padding);

#endif
