/* What the files of an evaluation share: eval.c (options and order), eval_setup.c (checkpoint,
 * data, model), eval_texts.c (texts), eval_store.c (what is kept in the folder), eval_score.c
 * (videos one by one), eval_first.c (a first stage), eval_cost.c (FLOPs), eval_retrieval.c (ranks),
 * eval_ranked.c and eval_qa.c (metrics, predictions), eval_report.c (as text and JSON). Nobody else
 * includes this. */
#ifndef VL_TASK_EVAL_INTERNAL_H
#define VL_TASK_EVAL_INTERNAL_H

#include <jansson.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/shard.h"
#include "base/strings.h"
#include "data/dataset.h"
#include "model/scorer.h"
#include "task/downstream.h"
#include "task/eval.h"
#include "task/metric.h"

typedef struct eval eval;
typedef struct eval_first eval_first;

/* The distinct texts of all items. */
typedef struct eval_texts {
    int rows;       /* of text an item */
    int n, longest; /* texts; most tokens of one */
    int *of;        /* (items * rows) number of each row's text; -1: the item is not used, or there
                     * are no pictures of its video */
    int32_t *ids;   /* (n, X) */
    int *last;      /* (n) the item that has it last */
    int *length;    /* (n) tokens */
    int *at;        /* (n) the position that is read */
    size_t n_shortened;   /* items */
    size_t n_cut, n_equal; /* items of which options are shortened, and are the same text */
    size_t n_blanks;      /* items with one */
    size_t n_overwritten; /* items that are not used: compat */
} eval_texts;

typedef struct eval_metric {
    const char *name;     /* "t2v_recall_1" */
    const char *type;     /* of the questions that it is over; NULL: of all */
    const char *label;    /* "R@1" */
    const char *group;    /* heading: what was measured, "text to video" */
    const char *protocol; /* one line */
    bool share;           /* a share of 1, else a rank */
    double value;
    vl_interval interval;
    size_t n; /* items behind it */
} eval_metric;

/* What answering without looking would come to, in shares of 1; 0: not known. */
typedef struct eval_chance {
    double uniform;     /* any of the options, or of the list */
    double frequent;    /* always the most frequent answer of these very questions */
    const char *answer; /* that one; borrowed */
} eval_chance;

/* What was left out. */
typedef struct eval_bad {
    size_t videos;
    size_t why[VL_BAD_REASONS];
} eval_bad;

struct eval {
    const vl_eval_options *o; /* &own: with what the checkpoint says of sizes; strings borrowed */
    vl_eval_options own;
    const violet_hooks *hooks;
    const vl_downstream_kind *kind;
    bool compat;
    vl_rank_rule rule;
    vl_shard shard;

    vl_config config;
    vl_model model;
    int heads;        /* of the model */
    uint64_t weights, encoder; /* hashes of the model's, and of its video encoder's */
    uint64_t pictures;         /* hash of the videos' */
    const vl_backend *backend;
    vl_device *device;
    vl_tape tape;
    vl_swin_plans plans;
    vl_wordpiece *wordpiece;

    vl_items *items;
    vl_answers *answers; /* the checkpoint's, NULL: it has none */
    vl_dataset *set;     /* the videos */
    int n_videos, T, Ni; /* Ni: rows of an encoded video */
    int frames_before;   /* T of the fine-tuning that the checkpoint is of; 0: not known */
    eval_texts texts;

    char key[40];        /* of all that decides the scores */
    json_t *args;        /* the options, for the folder: made early, since that may fail */
    vl_features *scores; /* eval_store.c */
    vl_features *videos, *encoded; /* videos (all, or but the present one: eval_keeps), texts */
    eval_first *first; /* NULL: none, all pairs are scored */
    vl_scorer *scorer;
    vl_out out; /* predictions */
    char unwritten[1024]; /* why they could not be written; "": they could */
    eval_bad bad;
    size_t n_pairs, n_encoded; /* scored and encoded in this process */
    double seconds, flops;     /* they took */

    eval_metric *metric; /* (n_metrics) */
    size_t n_metrics, cap_metrics;
    eval_chance chance; /* of questions */
    vl_strings strings;
};

/* eval_setup.c: in this order. */
violet_status eval_setup_config(eval *e); /* and what else the checkpoint tells */
violet_status eval_setup_data(eval *e);
violet_status eval_setup_model(eval *e);

/* eval_texts.c */
violet_status eval_texts_open(eval *e);
void eval_texts_close(eval_texts *t);
bool eval_is_used(const eval *e, size_t item);
/* The texts that a video meets, in the order of their lengths: *n of them, at most
 * eval_most_texts; with a first stage that has chosen, those that it has left. */
void eval_texts_of(int *text, int *n, const eval *e, int video);
void eval_texts_sort(int *text, int n, const eval_texts *t); /* into that order */
int eval_most_texts(const eval *e);
/* How many pairs these are, without making the list. */
size_t eval_pairs_of(const eval *e, int video);

/* eval_store.c. e->scores has, where every video meets every text, an entry a video: its scores
 * with all texts; else an entry an item: the scores of its options (0 behind the last), or of all
 * answers. */
violet_status eval_store_open(eval *e); /* output's scores, taken over or new; of all parts */
bool eval_has(const eval *e, int video); /* its scores are there */
int eval_columns(const eval *e);         /* of an entry */
/* score (n, columns of fc) of the texts that eval_texts_of gives. */
violet_status eval_store_put(eval *e, int video, const int *text, const real *score, int n);
/* What, beside weights and sizes, decides the encoded videos, and all scores. */
uint64_t eval_hash_videos(const eval *e);
uint64_t eval_hash(const eval *e);
violet_status eval_store_finish(eval *e); /* result.json */
void eval_store_close(eval *e);           /* what has nothing in it does not stay */

/* eval_score.c: all that is not scored yet. */
violet_status eval_score(eval *e);
/* All encoded videos are kept, not only the present one. */
bool eval_keeps(const eval *e);

/* eval_first.c */
violet_status eval_first_open(eval *e); /* nothing where no first stage is asked for */
void eval_first_close(eval_first *s);
bool eval_first_has(const eval_first *s, int video); /* its vector */
violet_status eval_first_video(eval *e, int video, int slot); /* the vector of e->videos[slot] */
/* After the videos: vectors of texts, then the pairs. */
violet_status eval_first_choose(eval *e);
/* Cosines of a video with all texts, row (texts). */
void eval_first_row(real *row, const eval *e, int video);
/* mark (texts): who has chosen each pair with the video, or'ed together; 0: nobody. */
enum { EVAL_BY_TEXT = 1, EVAL_BY_VIDEO = 2 };
void eval_first_marks(uint8_t *mark, const eval *e, int video);
/* The texts of a video that are left, shorter ones first; NULL, and the number of all, before the
 * choice. */
const int *eval_first_texts(size_t *n, const eval_first *s, int video);
size_t eval_first_pairs(const eval_first *s); /* of all videos */

/* eval_cost.c: FLOPs, counted. */
typedef struct eval_cost eval_cost;
violet_status eval_cost_open(eval_cost **out, eval *e);
void eval_cost_close(eval_cost *c);
double eval_cost_video(const eval_cost *c); /* to encode one */
/* To score one with n texts. */
violet_status eval_cost_pairs(double *flops, eval_cost *c, const int *text, int n);

/* eval_retrieval.c, eval_qa.c: scores to e->metric and, but for f NULL, to f: a line a ranking or
 * answer. */
violet_status eval_rankings(eval *e, FILE *f);
violet_status eval_answers(eval *e, FILE *f);

/* eval_report.c */
/* What metrics have in common; copied. */
typedef struct eval_group {
    const char *title, *protocol, *prefix;
} eval_group;
/* Adds one of the group; of it name ("PREFIX_NAME", or PREFIX where that is NULL), label, type and
 * all that is a number are read. */
violet_status eval_add(eval *e, const eval_group *g, const eval_metric *m);
violet_status eval_text(vl_buf *out, const eval *e);
/* Without what takes another time every run; NULL: out of memory. */
json_t *eval_json(const eval *e);
violet_status eval_tell_speed(eval *e, json_t *object);
/* An object as a line of the predictions' file. Takes it; NULL: out of memory. EIO: not written. */
violet_status eval_line(const eval *e, FILE *f, json_t *object);

#endif
