/* VIOLET (arXiv 2111.12681): a video encoder, a language embedder, a cross-modal transformer over
 * both, and heads.
 *
 * Letters: B videos of T frames of H x W pixels, h = H/32, w = W/32; Ni = T(1 + hw) image tokens a
 * video; X text positions; P pairs of a video and a text, n = Ni + X tokens each; D channels. */
#ifndef VL_MODEL_MODEL_H
#define VL_MODEL_MODEL_H

#include "model/config.h"
#include "nn/bert.h"
#include "nn/heads.h"
#include "nn/swin3d.h"

/* Which heads a model has, or'ed together. `fc` is one head, for matching or for answers. */
enum {
    VL_HEAD_MATCH = 1,  /* fc -> 1: VTM, retrieval, multiple choice */
    VL_HEAD_ANSWER = 2, /* fc -> size_answer: open-ended questions */
    VL_HEAD_MTM = 4,    /* fc_mtm */
    VL_HEAD_MVM = 8,    /* fc_mvm */
    VL_HEAD_DUAL = 16,  /* dual: videos and texts as vectors of one space (dual.h) */
    VL_HEADS_PRETRAIN = VL_HEAD_MATCH | VL_HEAD_MTM | VL_HEAD_MVM,
};

typedef struct vl_model {
    vl_config config;
    int heads;
    vl_params params;
    vl_tensor emb_cls, emb_pos, emb_len, norm_w, norm_b;
    vl_swin swin;
    vl_bert_embedding text;
    vl_bert_layer *layers; /* ct_layers of them */
    vl_mlp_head fc, fc_mvm;
    vl_mlm_head fc_mtm;
    vl_tensor dual_video, dual_text; /* (dual_width, D) */
} vl_model;

/* Lays out the parameters, values not yet set. trainable: with gradients and moments. limit: most
 * bytes a block of parameters may take, 0: no limit. */
violet_status vl_model_init(vl_model *m, const vl_config *config, int heads, int trainable,
                            size_t limit);
void vl_model_release(vl_model *m);

/* image (B,T,3,H,W) as the plan says -> (B*Ni, D), what enters the cross-modal transformer. */
vl_tensor *vl_model_image(vl_tape *t, const vl_model *m, const vl_swin_plan *plan,
                          const uint8_t *image);
/* ids (B,X) -> (B*X, D) */
vl_tensor *vl_model_text(vl_tape *t, const vl_model *m, const int *ids, int B, int X);

/* Pairs of videos and texts, by their numbers in the rows that are given. */
typedef struct vl_pairs {
    int P;
    const int *video, *text; /* (P) */
    int n_videos, n_texts;
    int Ni, X;
    const uint8_t *text_mask; /* (n_texts, X), 0: padding */
} vl_pairs;

/* image (n_videos*Ni, D), text (n_texts*X, D) -> (P*n, D): for each pair the image tokens, then the
 * text's. batch is filled for vl_bert_encode and its like. */
vl_tensor *vl_model_pair(vl_tape *t, const vl_pairs *p, vl_tensor *image, vl_tensor *text,
                         vl_bert_batch *batch);

/* The score of each pair by `fc` at text [CLS], (P, 1) or (P, size_answer). */
vl_tensor *vl_model_score(vl_tape *t, const vl_model *m, const vl_pairs *p, vl_tensor *image,
                          vl_tensor *text);

#endif
