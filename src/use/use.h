/* A model ready for use on single videos and texts: what is behind violet_model, violet_session and
 * violet_video of violet.h, whose calls stand in use_*.c.
 *
 *     vl_use_options o = {0};                          // of the commands score, ask, embed, search
 *     status = vl_option_defaults(vl_score_option_table, &o);
 *     status = vl_use_open(&model, "best.safetensors", &o);   // then violet_session_new(), ...
 *
 *     checkpoint --> violet_model      weights, words, answers, sizes: never changes, shared
 *                       |
 *                    violet_session    a thread's tape, device, plans, notes
 *                       |
 *     video file --> violet_video      its tokens as they enter the cross-modal transformer: never
 *                       |              changes, sessions share it
 *                    scores, answers, vectors
 *
 * What a checkpoint says of itself (its metadata `task`, which fine-tuning writes) decides what the
 * options leave open: sizes, protocol, answers, where a question is answered. */
#ifndef VL_USE_USE_H
#define VL_USE_USE_H

#include <stdbool.h>

#include "base/option.h"
#include "data/answers.h"
#include "media/picture.h"
#include "media/video.h"
#include "model/features.h"
#include "model/model.h"
#include "text/wordpiece.h"

enum { VL_USE_TEXTS_MOST = 1 << 20 }; /* in a call */
enum { VL_USE_COMPAT_AUTO, VL_USE_COMPAT_NONE, VL_USE_COMPAT_VIOLET1 };

/* Strings are owned (option.h frees them). What a command does not have stays zero. */
typedef struct vl_use_options {
    char *checkpoint, *config, *vocab, *answers;
    bool interpolate;
    int compat; /* enum above */
    int size_img, size_txt, size_frame; /* 0: the checkpoint's, else fine-tuning's defaults */
    int shape;  /* vl_shape */
    bool fast_video;
    int threads;
    /* of the commands alone */
    bool json, verbose, force;
    int top, first_stage;
    char *output, *path, *index;
} vl_use_options;

extern const vl_option vl_score_option_table[], vl_ask_option_table[], vl_embed_option_table[],
    vl_search_option_table[];

struct violet_model {
    vl_model m; /* of the heads only `fc`, if there is one */
    char *path;
    int heads;     /* all that the file has */
    int n_classes; /* outputs of fc; 0: none */
    vl_wordpiece *wordpiece;
    vl_answers *answers; /* NULL: none */
    char type[16];       /* what it was fine-tuned for: "retrieval", ...; "": not said */
    bool compat;         /* texts and pictures as the published code makes them */
    double temperature;  /* of softmax over its scores */
    int size_img, size_txt, size_frame, threads;
    vl_shape shape;
    bool fast_video;
    struct vl_use_loading *loading; /* use_load.c */
};

struct violet_session {
    const violet_model *of;
    vl_device *device;
    vl_tape tape;
    vl_swin_plans plans;
    vl_buf notes, work;
};

struct violet_video {
    const violet_model *of;
    vl_features *x; /* one item, (rows, D) */
    violet_video_facts facts;
};

violet_status vl_use_open(violet_model **out, const char *path, const vl_use_options *o);

/* ---- between the files of this room ---------------------------------------------------------- */

/* use_load.c */
violet_status vl_use_load(violet_model *m, const vl_use_options *o);
violet_status vl_use_ready(const violet_model *m);
double vl_use_load_seconds(const violet_model *m);
void vl_use_load_end(violet_model *m);

/* ESHAPE, saying what the checkpoint has, if `fc` is not the head (VL_HEAD_MATCH, _ANSWER) that is
 * needed to do `what`. */
violet_status vl_use_need(const violet_model *m, int head, const char *what);

/* A line for violet_session_notes. */
violet_status vl_use_note(violet_session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int vl_use_width(const violet_model *m); /* of a vector */
/* The vector of an encoded item; its bits depend on no other. */
violet_status vl_use_vector(real *vector, violet_session *s, const vl_features *f, int i,
                            bool text);
/* A video that was encoded before: x (rows, D) as it enters the cross-modal transformer. */
violet_status vl_use_video(violet_video **out, const violet_model *m, const real *x, int rows);
int vl_use_video_rows(const violet_model *m); /* of every video */
/* Texts as ids (n, X); a text without a word is EINVAL, a cut one noted. what: "sentence". */
violet_status vl_use_sentences(int *ids, violet_session *s, const char *what,
                               const char *const *text, int n);
/* Room for n items of at most `rows` tokens, in memory. */
violet_status vl_use_features(vl_features **out, const violet_model *m, const char *kind, int n,
                              int rows);
/* Ids (n, X) as features, to be pooled at position at[i]; NULL: at the first. */
violet_status vl_use_encode(vl_features **out, violet_session *s, const int *ids, const int *at,
                            int n);
/* One of many, which are ranked: larger first, of equals the smaller number. */
typedef struct vl_use_ranked {
    float score;
    int of;
} vl_use_ranked;
void vl_use_rank(vl_use_ranked *list, int n);

/* score (n_videos, n_texts, outputs of fc). */
violet_status vl_use_pairs(float *score, violet_session *s, const violet_video *const *videos,
                           int n_videos, const vl_features *texts);

#endif
