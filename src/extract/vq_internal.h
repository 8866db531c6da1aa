/* extract-vq from inside: vq.c opens and ends a run, vq_work.c computes, vq_merge.c writes the
 * pickle and joins shards. */
#ifndef VL_EXTRACT_VQ_INTERNAL_H
#define VL_EXTRACT_VQ_INTERNAL_H

#include "base/progress.h"
#include "data/pictures.h"
#include "extract/manifest.h"
#include "extract/vq.h"
#include "extract/vq_file.h"
#include "model/dvae.h"

/* OUTPUT with its endings, all malloc. */
typedef struct vq_names {
    char *pkl, *partial, *shard; /* shard: what a finished one is called */
} vq_names;

violet_status vq_name(vq_names *out, const vl_vq_options *o, const vl_shard *s);
void vq_names_release(vq_names *n);

typedef struct vq_run {
    const vl_vq_options *o;
    const violet_hooks *hooks;
    vq_names names;
    vl_shard shard;
    vl_pictures *pictures;
    size_t first, end; /* of the records, this run's */
    vl_dvae *dvae;
    json_t *header;
    vq_file file;
    size_t n_warned, n_before; /* records that an earlier run did */
    uint8_t *used; /* (n_code) 1: in some token of this run */
    vl_progress progress;
} vq_run;

/* Records [first + file.n, end) into the file. */
violet_status vq_work(vq_run *r);

/* The counts of record files, and the pickle that they became. */
typedef struct vq_counts {
    size_t n, n_bad, n_frames;
} vq_counts;

/* EFORMAT where all records of `path` are bad, and there are some. */
violet_status vq_any_good(const vq_counts *c, const char *path);
/* OUTPUT.pkl of one record file, which must hold n records. */
violet_status vq_write_pickle(vq_counts *out, const char *pkl, const char *records, size_t n);
violet_status vq_merge(const vl_vq_options *o, const violet_hooks *hooks);

#endif
