/* Between eval_retrieval.c, which ranks, and eval_ranked.c, which tells of it: metrics and
 * predictions. Nobody else includes this. */
#ifndef VL_TASK_EVAL_RANKED_H
#define VL_TASK_EVAL_RANKED_H

#include "base/groups.h"
#include "task/eval_internal.h"

/* The best of a ranking so far. */
typedef struct best {
    double score;
    int of; /* a video, or an item */
} best;

typedef struct query {
    int item, video; /* video: of the caption; of a video's query itself, with item -1 */
    int unit;        /* number of the video among those that were scored */
    int n_best;
    best *best; /* (top); NULL: not wanted */
    vl_tally tally;
    vl_tally first; /* by the first stage */
    int chosen;     /* others that the first stage has left */
    bool within;    /* what is right is among them */
    double rank;
} query;

typedef struct retrieval {
    eval *e;
    int *unit;       /* (n_videos), -1: not scored */
    int n_units, n_captions, top;
    query *caption;  /* (n_captions), by item */
    query *video;    /* (n_units) */
    vl_groups own;   /* captions by unit */
    real *row;       /* (texts) */
    uint8_t *mark;   /* (texts) the pairs of the row: EVAL_BY_... */
    bool cosines;    /* now ranking by the first stage */
    best *memory;
} retrieval;

/* Metrics of the ranks as they are now, to e->metric. */
violet_status eval_ranked_metrics(retrieval *r);
/* A line a query of the directions that are wanted. */
violet_status eval_ranked_write(const retrieval *r, FILE *f);

#endif
