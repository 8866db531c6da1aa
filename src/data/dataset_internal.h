/* A data set's insides: dataset_open.c fills them, dataset.c reads pretraining's records,
 * dataset_items.c a task's. */
#ifndef VL_DATA_DATASET_INTERNAL_H
#define VL_DATA_DATASET_INTERNAL_H

#include "data/annotation.h"
#include "data/dataset.h"
#include "data/pictures.h"
#include "file/pickle.h"

/* A file of pictures, or videos; a part of pretraining's data. */
typedef struct vl_piece {
    vl_pictures *pictures;
    size_t n;
    size_t *row;  /* (n) records of the pictures, where they serve several splits; NULL: all */
    int n_frames; /* T */
} vl_piece;

/* Where a video's pictures are. */
typedef struct vl_place {
    int piece; /* -1: nowhere */
    uint32_t record;
} vl_place;

struct vl_dataset {
    vl_dataset_options o; /* its strings are not kept */
    vl_piece piece[VL_MAX_PARTS];
    int n_pieces;
    bool shared; /* the pictures' name does not say which split they are */
    /* pretraining */
    vl_captions *captions;
    vl_pickle *tokens; /* NULL: none */
    int grid;
    /* a task: one part, whatever the pieces */
    vl_place *place; /* (videos of the items) */
    int n_missing;   /* of them nowhere */
    int n_texts;     /* rows of text a sample */
};

struct vl_scratch {
    vl_record record;
    int32_t *tokens; /* (VL_TSV_MAX_FRAMES, h, w) */
    vl_buf pieces;   /* of a long sentence */
};

/* Finds the pictures of every video of the items. */
violet_status vl_dataset_place(vl_dataset *d);
violet_status vl_dataset_read_item(vl_sample *out, vl_bad *why, const vl_dataset *d, size_t i,
                                   vl_scratch *s);
/* Looks at a record: does it have its T frames? The sample gets its id. */
violet_status vl_dataset_look(vl_sample *out, vl_bad *why, const vl_piece *piece, size_t record,
                              vl_record *r);
/* The sample's pictures, of the record that was looked at. */
violet_status vl_dataset_pictures(vl_sample *out, vl_bad *why, const vl_dataset *d,
                                  const vl_piece *piece, vl_record *r);

#endif
