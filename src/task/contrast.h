/* The contrastive loss of the dual encoder (model/dual.h): symmetric InfoNCE over a batch. Each
 * video is to find its own text among those of the batch by the vectors alone, each text its video.
 *
 *     loss = mean over the 2B rows of  -log softmax(20 V W^T)[own],  and of its transpose
 *
 * Pairs that are no wrong answer, as the same video again or the same caption (`same`), take no
 * part; a row that they leave no other pair asks nothing. */
#ifndef VL_TASK_CONTRAST_H
#define VL_TASK_CONTRAST_H

#include "model/model.h"

#define VL_CONTRAST_NAME "con" /* in logs: ls_con, ac_con */

/* Added to the score of a pair that no softmax is to see, or in its place. */
#define VL_NEVER ((real)-1e9)

/* Scores in 2B rows, row i: video i with each text; row B + i: text i with each video. The number
 * in same (B,B) of the pair in row i, column k; -1: it takes no part, since it is no wrong pair. */
static inline int vl_pair_at(const uint8_t *same, int B, int i, int k)
{
    int own = i % B, pair = i < B ? own * B + k : k * B + own;
    return k != own && same && same[pair] ? -1 : pair;
}

typedef struct vl_contrast_input {
    int B, Ni, X;             /* video b belongs to text b */
    vl_tensor *image, *text;  /* (B*Ni, D), (B*X, D): what enters the cross-modal transformer */
    const uint8_t *text_mask; /* (B,X) */
    const uint8_t *same;      /* (B,B) video, text: no wrong pair; NULL: none */
} vl_contrast_input;

typedef struct vl_contrast_output {
    vl_tensor *loss;   /* (1,1) */
    vl_tensor *logits; /* (2B, B): cosines, the texts of each video, then the videos of each text */
    const int *best, *target; /* (2B), in the tape's memory; target -1: nothing is asked */
    int asked, right;
} vl_contrast_output;

void vl_contrast_forward(vl_tape *t, const vl_model *m, const vl_contrast_input *in,
                         vl_contrast_output *out);

/* loss + weight * out->loss; loss NULL: that alone. */
vl_tensor *vl_contrast_add(vl_tape *t, vl_tensor *loss, const vl_contrast_output *out,
                           double weight);

#endif
