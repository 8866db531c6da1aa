/* Starting values from files: whole checkpoints, or the parts that a model is put together from,
 * whatever names and container they come in; and an account of what became of every tensor.
 *
 *     vl_load_options o = {.part = VL_LOAD_ALL};
 *     vl_load_report report = {0};
 *     status = vl_load(&model.params, &model.config, "ckpt_violet.pt", &o, &report);
 *     vl_load_report_text(&text, &report);            // lines for a reader
 *     vl_load_report_release(&report);                // also after an error
 *
 * Names that are understood (load_names.c), told by what the file has:
 *     VIOLET            enc_img.*, enc_txt.*, trsfr.*, fc.*, fc_mtm.*, fc_mvm.*
 *     Video Swin        patch_embed.*, layers.*, norm.*, bare or behind "backbone."
 *     Swin, 2-D         the same with a kernel of 4 dimensions: inflated over time as in the Video
 *                       Swin paper (arXiv 2106.13230, section 3.3): the kernel repeated and divided
 *                       by its depth, relative position bias repeated for every offset in time
 *     BERT              bert.embeddings.*, bert.encoder.*, cls.predictions.*, or without "bert.";
 *                       gamma and beta for weight and bias
 * Position tables of another size (relative position bias, emb_pos, emb_len) are interpolated when
 * asked, else refused (load_tables.c).
 *
 * A tensor of another shape is an error that names both shapes, except in the heads (fc.*,
 * fc_mtm.*, fc_mvm.*), where it is left and told of: an open-ended head takes fc.1 of a matching
 * head, and its fc.3 starts fresh, as in the published code. */
#ifndef VL_MODEL_LOAD_H
#define VL_MODEL_LOAD_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/config.h"
#include "tensor/params.h"

/* Which parameters a file is there for. */
typedef enum vl_load_part {
    VL_LOAD_ALL,
    VL_LOAD_VIDEO, /* enc_img.swin.* */
    VL_LOAD_TEXT,  /* enc_txt.*, trsfr.*, fc_mtm.* */
} vl_load_part;

typedef struct vl_load_options {
    vl_load_part part;
    bool strict;      /* anything but a perfect fit is an error, after the report is made */
    bool interpolate; /* tables of another size; without it they are an error */
    bool grid_as_is;  /* rows of emb_pos as they stand, whatever grid they were learned on: what the
                       * published code does */
    bool dry;         /* only the report: the parameters stay as they are, and values that are not
                       * finite are not found, ... */
    bool look;        /* ... but with this they are: a load of the same would go well */
} vl_load_options;

typedef enum vl_load_fate {
    VL_LOAD_MATCHED,
    VL_LOAD_ADAPTED,    /* inflated, repeated or interpolated: `note` says how */
    VL_LOAD_MISSING,    /* a parameter that the file does not give: keeps its value */
    VL_LOAD_MISSHAPEN,  /* a head's, keeps its value: `note` has both shapes */
    VL_LOAD_REFUSED,    /* another's of another shape, grid or window: stops the load; `note` says
                         * why */
    VL_LOAD_UNEXPECTED, /* in the file, not used */
    VL_LOAD_SAME,       /* a second name of a tensor that was used (predictions.decoder.bias), with
                         * the same bits; with others it is unexpected */
    VL_LOAD_IGNORED,    /* known and of no use: buffers, an optimiser's state, poolers, numbers that
                         * are no weights, parts that were not asked for; `note` says which */
    VL_LOAD_FATES,
} vl_load_fate;

extern const char *const vl_load_fate_names[VL_LOAD_FATES]; /* "matched", ... */

typedef struct vl_load_entry {
    vl_load_fate fate;
    char *name;   /* the parameter's; of what is in the file only, the file's */
    char *note;   /* NULL: nothing to add */
    size_t count; /* elements, the parameter's or the tensor's */
} vl_load_entry;

typedef struct vl_load_report {
    char *path;
    const char *layout; /* "VIOLET", "Video Swin", "Swin", "BERT" */
    vl_load_part part;
    vl_load_entry *list; /* (n): parameters of that part in the model's order, then what is left of
                          * the file */
    size_t n, cap;
    bool taken; /* the values have been read; false: a dry load, or one that failed */
    size_t tensors[VL_LOAD_FATES], elements[VL_LOAD_FATES];
} vl_load_report;

/* Sets p's weights from a file. config: of the model that p is of. VIOLET_ESHAPE for tensors of
 * another shape (see above), for a file that gives nothing, and what `strict` finds: then nothing
 * has been read, and the report is whole. VIOLET_EFORMAT for a value that is not finite: the report
 * is whole, too, but the weights may hold some of the file's values. *report: all zero, or
 * released. */
violet_status vl_load(vl_params *p, const vl_config *config, const char *path,
                      const vl_load_options *o, vl_load_report *report);

/* A few lines, each list of names cut to what a reader can take in:
 *
 *     ckpt.pt (VIOLET): took 531 of 533 tensors, 159,740,118 of 161,277,118 parameters
 *       of another shape, keep what they had: fc.3.weight (1 x 1536 in the file, ...
 *       in the file, not used: fc_mtm.predictions.* (7), fc_mvm.* (4)
 *
 * Missing parameters keep the values that they had: of another file, if one was loaded before. */
violet_status vl_load_report_text(vl_buf *out, const vl_load_report *r);
/* Everything, for programs: {"file", "layout", "part", "matched": {"tensors", "elements"}, ...,
 * "list": [{"name", "fate", "elements", "note"}]}. NULL: out of memory. */
json_t *vl_load_report_json(const vl_load_report *r);
/* VIOLET_ESHAPE, naming one, if the file does not give every parameter: for what is used and not
 * trained, and so has nothing to start fresh. */
violet_status vl_load_report_whole(const vl_load_report *r);
void vl_load_report_release(vl_load_report *r);

/* For load.c: one more entry, counted. note: NULL, or one to be copied. */
violet_status vl_load_report_add(vl_load_report *r, vl_load_fate fate, const char *name,
                                 const char *note, size_t count);

#endif
