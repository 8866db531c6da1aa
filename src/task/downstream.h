/* The downstream tasks: what kinds there are, which pairs their forward passes score and what the
 * loss is. */
#ifndef VL_TASK_DOWNSTREAM_H
#define VL_TASK_DOWNSTREAM_H

#include "data/items.h"
#include "model/model.h"
#include "task/contrast.h"

/* A kind of task: what fine-tuning, evaluation and plans have in common. */
typedef struct vl_downstream_kind {
    const char *type; /* as in args files */
    vl_task_kind items;
    int head;         /* VL_HEAD_... */
    bool all_pairs;   /* every video meets every text, not only those of its own items */
    bool blank;       /* answers are read at [MASK] */
} vl_downstream_kind;

extern const vl_downstream_kind vl_retrieval, vl_qamc, vl_qaoe, vl_fib;
const vl_downstream_kind *vl_downstream_kind_of(const char *type); /* NULL: no such type */

typedef struct vl_downstream_input {
    int B, X;                 /* videos; text positions */
    const vl_swin_plan *plan; /* of B videos */
    const uint8_t *image;     /* (B,T,3,H,W) */
    int n_texts;
    const int *text;          /* (n_texts,X) */
    const uint8_t *text_mask; /* (n_texts,X) */
    /* what differs from the published tasks; all 0: nothing */
    int symmetric;            /* retrieval: also over the videos of each text */
    const uint8_t *same;      /* retrieval (B,B): video and text that are no wrong pair: the same
                               * video again, or the same caption; NULL: none */
    const int *n_options;     /* multiple choice (B): a video's own number of them; NULL: all */
    const int *at;            /* open-ended (B): the text position that is read; NULL: [CLS] */
} vl_downstream_input;

typedef struct vl_downstream_output {
    vl_tensor *loss;   /* (1,1) */
    vl_tensor *logits; /* (B, texts, options or answers), before the temperature; symmetric:
                        * (2B, B), the texts of each video, then the videos of each text */
    const int *best;   /* (rows of logits), in the tape's memory */
    const int *target; /* (rows of logits): what is right, -1: nothing is asked */
    vl_tensor *image, *text; /* (B*Ni,D), (n_texts*X,D): what enters the cross-modal transformer */
    /* Whoever adds a contrastive loss: */
    vl_contrast_output con; /* loss NULL: there is none */
    vl_tensor *total;  /* what is minimised; NULL: `loss` */
} vl_downstream_output;

/* VIOLET_EINVAL: there is no downstream task of that type; with the nearest that there is. */
violet_status vl_task_unknown(const char *type);

/* Text-to-video retrieval: all B x B pairs, row = video, column = text, each video's own text has
 * its number; scores / 0.05. Published loss: softmax over the texts of each video. Pairs that are
 * `same` take no part; where they leave no other pair, nothing is asked. */
void vl_retrieval_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                          vl_downstream_output *out);

/* Multiple choice: option k of video b is text option[b * n_options + k]. */
void vl_qamc_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *option, int n_options, const int *answer,
                     vl_downstream_output *out);

/* Open-ended: text b is video b's question; answer (B) a class, or -1: not in the list, ignored. */
void vl_qaoe_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *answer, vl_downstream_output *out);

#endif
