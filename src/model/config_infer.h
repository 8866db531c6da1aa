/* What a file of tensors says of the model it is of: its own words, or what its shapes tell.
 *
 *     vl_buf assumed = {0};
 *     status = vl_config_of(&config, &assumed, f);      // VIOLET_EFORMAT: it is of no VIOLET
 *     if (assumed.n) ... "ct_heads 12 (64 channels each)" ...
 *
 * Shapes do not tell the heads of the cross-modal transformer, nor which grid emb_pos was learned
 * on, nor always the window. If all that they tell is as in a preset, so is the rest. Else the
 * window is a preset's that has as many offsets, or the widest square one; heads are those of a
 * preset as wide, or of 64 channels each, as in every published BERT; the grid is as below. Sizes
 * of heads that the file has not are those of "violet1". */
#ifndef VL_MODEL_CONFIG_INFER_H
#define VL_MODEL_CONFIG_INFER_H

#include "base/buf.h"
#include "file/tensors.h"
#include "model/config.h"

/* The metadata's "config"; *found false, and *c as it was, if there is none, or the file's names
 * are no VIOLET's: then it is another library's. EFORMAT if it is there and no configuration. */
violet_status vl_config_stored(vl_config *c, bool *found, const vl_tensors *f);

/* What the shapes tell. assumed: gets what they do not, as a list behind commas; NULL: unwanted.
 * EFORMAT, naming what is missing, if f is no VIOLET checkpoint of published names. */
violet_status vl_config_infer(vl_config *c, vl_buf *assumed, const vl_tensors *f);

/* The grid that emb_pos of so many rows is assumed to have been learned on, where no file says: a
 * preset's that has as many (197: 7 x 7), else n x n of 1 + n * n. false: none. */
bool vl_config_grid_of_rows(int grid[2], int64_t rows);

/* The one or else the other. */
violet_status vl_config_of(vl_config *c, vl_buf *assumed, const vl_tensors *f);

/* Which heads (VL_HEAD_MATCH, ...; model.h) a VIOLET checkpoint has. An `fc` of one output is for
 * matching, of more for answers. */
int vl_heads_of(const vl_tensors *f);
/* The tensor that `fc` lacks where others of it are there; NULL: it is whole, or there is none. */
const char *vl_head_lacks(const vl_tensors *f);

#endif
