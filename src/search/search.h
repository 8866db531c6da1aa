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
#include "search/index.h"
#include "use/use.h"

/* One of the list. It can be used if it is in memory or in the index. */
typedef struct vl_search_item {
    violet_video *video;           /* in memory; NULL: not there */
    const vl_search_entry *stored; /* in the index; NULL: not there */
    const char *name;              /* as it is shown, without control characters */
    bool written;                  /* into the index that is being made */
} vl_search_item;

struct violet_collection {
    const violet_model *of;
    vl_video_list list;
    vl_search_item *item; /* (list.n) */
    int E;                /* 0: no dual encoder */
    real *vector;         /* (list.n, E) */
    vl_strings names;
    violet_collection_facts facts;
    int n_odd; /* videos that there was something to note about */
    const char *path; /* of the index, while it is looked at; NULL: there is none */
    vl_search_key key;
    vl_search_index index;
    vl_search_writer writer;
};

/* ---- between the files of this room ---------------------------------------------------------- */

/* Whether the model can rank at all; ESHAPE, saying what it has. */
violet_status vl_search_can(const violet_model *m);

/* store.c: the index. Takes what it has of the videos as they are now; */
violet_status vl_store_open(violet_collection *c, const char *path, const violet_hooks *hooks);
/* takes video i, encoded just now, its vector too, with the size and time that the file had before:
 * it is not in memory any more; */
violet_status vl_store_put(violet_collection *c, size_t i, uint64_t size, int64_t time);
/* makes what is new the index, drops what is gone. */
violet_status vl_store_finish(violet_collection *c);
/* Of a file; false: there is none. */
bool vl_store_look(uint64_t *size, int64_t *time, const char *path);

bool vl_collection_has(const violet_collection *c, size_t i);
/* Lends a video that can be used, to be given back. */
violet_status vl_collection_lend(violet_video **out, const violet_collection *c, int i);
void vl_collection_return(const violet_collection *c, int i, violet_video *v);

#endif
