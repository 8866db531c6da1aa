/* The dual encoder: a video and a text as vectors of one space, each computed without the other, so
 * that a dot product ranks what the cross-modal transformer would take a pass a pair for. It is the
 * first stage of a search, and what `violet embed` gives. A head of its own: VL_HEAD_DUAL, `dual.*`
 *
 *     video: mean of its tokens as they enter the cross-modal transformer -> W_video -> length 1
 *     text:  embeddings -> the first layers of the cross-modal transformer over the text alone
 *            (vl_config_dual_layers) -> mean of its tokens, [CLS] and [SEP] included, no padding
 *            -> W_text -> length 1
 *
 * Why the mean and not [CLS]: after two layers of twelve [CLS] has hardly looked at the others,
 * whatever it was trained for at the end; a mean is a bag of words from the first step on, and is
 * what the video's side does. No bias: the vectors' common part would only have to be unlearned.
 * Scores are cosines over the temperature of matching and retrieval, 0.05, fixed: batches of some
 * ten pairs say little about a temperature, and there is one less thing to go wrong.
 *
 * Letters as in model.h; E = dual_width. */
#ifndef VL_MODEL_DUAL_H
#define VL_MODEL_DUAL_H

#include "model/features.h"
#include "model/model.h"

/* image (B*Ni, D), of vl_model_image; mask (B,Ni), 0: no token, NULL: all are; must live until the
 * backward -> (B, E) */
vl_tensor *vl_dual_video(vl_tape *t, const vl_model *m, const vl_tensor *image,
                         const uint8_t *mask, int Ni);
/* text (B*X, D), of vl_model_text; mask (B,X), 0: padding -> (B, E) */
vl_tensor *vl_dual_text(vl_tape *t, const vl_model *m, vl_tensor *text, const uint8_t *mask,
                        int X);

/* The product of two vectors: a plain sum in double, the same bits wherever it is computed. */
float vl_dual_product(const real *a, const real *b, int n);

/* ---- of what is encoded already (features.h) ------------------------------------------------- */

/* Items item[0], ... item[n-1], which are done -> out (n, E). No gradient; the tape is the
 * caller's, its activations are gone after the call. A text's vector depends, in its last bits, on
 * how long the longest text of the same call is. */
violet_status vl_dual_videos_of(real *out, vl_tape *t, const vl_model *m, const vl_features *videos,
                                const int *item, int n);
violet_status vl_dual_texts_of(real *out, vl_tape *t, const vl_model *m, const vl_features *texts,
                               const int *item, int n);

#endif
