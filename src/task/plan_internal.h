/* What the files of plans share: plan.c (options, memory, time), plan_pretrain.c and
 * plan_finetune.c (one step each on the counting backend). Nobody else includes this. */
#ifndef VL_TASK_PLAN_INTERNAL_H
#define VL_TASK_PLAN_INTERNAL_H

#include "model/dvae.h"
#include "model/model.h"
#include "task/plan.h"
#include "tensor/count.h"

/* What is measured of a step. With more samples a batch each grows in proportion, or, where every
 * video meets every text of the batch, with the square, too. */
enum {
    PLAN_TOKENS, PLAN_ATTENDED, PLAN_FORWARD, PLAN_BACKWARD, PLAN_RECOMPUTED, /* FLOPs */
    PLAN_ATTENTION,                                /* of all of these, attention's products */
    PLAN_TRAFFIC,                                  /* bytes, as are these */
    PLAN_ACTIVATIONS, PLAN_GRADIENTS, PLAN_TABLES, PLAN_TALLIES
};

typedef struct plan_tally {
    double of[PLAN_TALLIES];
} plan_tally;

typedef struct planned planned;

/* A kind of run. */
typedef struct plan_kind {
    const char *type; /* as in args files */
    int heads;
    int size_txt, size_frame, size_batch; /* usual ones */
    bool all_pairs;   /* every video of a batch meets every text of it */
    bool answers;     /* classes are answers */
    bool options;     /* so many texts a video */
    /* One step with a batch of B on the counting tape. */
    violet_status (*step)(plan_tally *out, const planned *p, vl_tape *t, vl_swin_plans *plans,
                          int B);
} plan_kind;

/* One configuration being planned. */
struct planned {
    const plan_kind *kind;
    plan_kind own;         /* room for that */
    vl_plan_options o; /* with nothing left open; strings are the caller's */
    vl_config config;
    vl_model model;
    int T, H, W, X, Ni;
    int n_texts;           /* of its own a video: 1, or its options */
    double words, patches; /* hidden, a sample */
    vl_dvae *dvae;         /* NULL: none */
    int side;              /* of the pictures it sees */
};

/* Where counting stood before the step, and after its parts; those that are left out are as the one
 * before. The backward is what comes after. */
typedef struct plan_marks {
    vl_count before, tokens, attended, forward;
} plan_marks;

void plan_note(plan_tally *out, const vl_tape *t, const vl_swin_plans *plans, const plan_marks *m);

/* plan_pretrain.c */
extern const plan_kind plan_pretrain;
void plan_expect_hidden(planned *p);

/* plan_finetune.c: written to *room; NULL: no such type. */
const plan_kind *plan_finetune_kind(plan_kind *room, const char *type);

#endif
