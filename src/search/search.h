/* A collection of videos, each encoded once, and sentences looked for in it: what is behind
 * violet_collection and violet_search of violet.h.
 *
 *     folder, list --> videos --> violet_collection    what enters the cross-modal transformer, and
 *                                      |               of a model with a dual encoder a vector a
 *                                      |               video; never changes, sessions share it
 *     sentences ---------------> vectors: the best K of each sentence   (first stage)
 *                                      |
 *                                cross-modal transformer: their order
 *
 * Without a dual encoder all pairs are scored; without a matching head the vectors' order is what
 * there is. */
#ifndef VL_SEARCH_SEARCH_H
#define VL_SEARCH_SEARCH_H

#include "media/video_list.h"
#include "use/use.h"

/* One of the list. */
typedef struct vl_search_item {
    violet_video *video; /* NULL: it could not be used */
    const char *name;    /* as it is shown, without control characters */
} vl_search_item;

struct violet_collection {
    const violet_model *of;
    vl_video_list list;
    vl_search_item *item; /* (list.n) */
    int E;                /* 0: no dual encoder */
    real *vector;         /* (list.n, E) */
    vl_strings names;
    violet_collection_facts facts;
};

/* ---- between the files of this room ---------------------------------------------------------- */

/* Whether the model can rank at all; ESHAPE, saying what it has. */
violet_status vl_search_can(const violet_model *m);

/* Lends a video that can be used, to be given back. */
violet_status vl_collection_lend(violet_video **out, const violet_collection *c, int i);
void vl_collection_return(const violet_collection *c, int i, violet_video *v);

#endif
