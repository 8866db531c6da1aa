/* Scores of many pairs of videos and texts: each video and each text is encoded once and kept
 * (features.h), then pairs are scored by blocks, computing only what the result needs.
 *
 *     vl_encode_videos(videos, item, &tape, &m, plan, image);        // (B) videos at a time
 *     vl_encode_texts(texts, item, &tape, &m, ids, NULL, B, X);
 *     status = vl_scorer_open(&s, &m, &tape, videos, texts, NULL);
 *     status = vl_scorer_score(s, score, video, text, n);            // pairs, any number and order
 *     vl_scorer_close(s);
 *
 * A score is that of vl_model_score for the pair alone, up to rounding. What is saved:
 *  - Query, key and value of the first layer belong to a row, not to a pair: they are computed
 *    once for a video of a row of scores (or a text of a column), and kept in a few slots.
 *  - Padding is dropped: pairs are sorted by the length of their text, and a block is as long as
 *    its longest, within a few rows. What padding is left is never seen as a key.
 *  - Of the last layer the pooled position alone is computed (vl_bert_encode_row).
 * Best is a call a video with all texts, or a text with all videos. No gradient, no dropout; after
 * the first calls nothing is allocated. The tape is the caller's, but its activations are gone
 * after each call. */
#ifndef VL_MODEL_SCORER_H
#define VL_MODEL_SCORER_H

#include "model/features.h"
#include "model/model.h"

typedef struct vl_scorer vl_scorer;

typedef struct vl_scorer_options {
    int block;       /* most pairs computed at once; 0: about VL_SCORER_ROWS tokens */
    int keep_videos; /* whose first layer is kept from block to block; at least a block's */
    int keep_texts;  /* likewise; 0: as many as take 64 MiB */
    double padding;  /* most share of padding in the rows of a block; 0: 1/64 */
} vl_scorer_options;

#define VL_SCORER_ROWS 2048

/* Of texts and videos that m (with `fc`) has encoded. All of them must outlive the scorer; features
 * may still be put. options NULL: all 0. */
violet_status vl_scorer_open(vl_scorer **out, const vl_model *m, vl_tape *t,
                             const vl_features *videos, const vl_features *texts,
                             const vl_scorer_options *options);
void vl_scorer_close(vl_scorer *s);

/* score (n, columns of fc) of the pairs video[i], text[i]: numbers of items that are done. */
violet_status vl_scorer_score(vl_scorer *s, real *score, const int *video, const int *text, int n);
/* Forgets what was kept of items: to be called when one of them was encoded anew, or to have what
 * follows, to the last bit, depend on nothing that came before. */
void vl_scorer_forget(vl_scorer *s);
/* Columns of fc: 1, or the number of answers. */
int vl_scorer_columns(const vl_scorer *s);

/* ---- encoding -------------------------------------------------------------------------------- */

/* The plan's B videos, image (B,T,3,H,W), become items item[0] ... item[B-1]. */
violet_status vl_encode_videos(vl_features *to, const int *item, vl_tape *t, const vl_model *m,
                               const vl_swin_plan *plan, const uint8_t *image);
/* B texts, ids (B,X); mask (B,X), 0: padding, which is dropped; NULL: zeros at the end are, but not
 * a [PAD] that stands between words, as training does not mask it. A text's first
 * position, where pairs are pooled, cannot be padding. */
violet_status vl_encode_texts(vl_features *to, const int *item, vl_tape *t, const vl_model *m,
                              const int *ids, const uint8_t *mask, int B, int X);
/* The same of texts whose pairs are pooled at position at[b] in place of the first, as a blank is
 * filled in where it stands: that row comes first, since the cross-modal transformer knows
 * positions only by what the rows have in them. */
violet_status vl_encode_texts_at(vl_features *to, const int *item, vl_tape *t, const vl_model *m,
                                 const int *ids, const uint8_t *mask, const int *at, int B, int X);

#endif
