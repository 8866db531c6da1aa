/* Values of a file made into a parameter of another shape or another grid; for load.c.
 *
 *     vl_load_table t = {.to = e, .name = s->name, .n_dims = s->n_dim, .shape = s->shape, ...};
 *     if (vl_load_table_differs(&t)) {
 *         t.from = ... the tensor's values ...;
 *         status = vl_load_table_make(vl_param_weights(p, e), &note, &t);
 *     }
 *
 *     patch_embed.proj.weight        (C,3,k,k) of a 2-D Swin: repeated over time and divided
 *     relative_position_bias_table   of another window: a 2-D one's rows repeated for every offset
 *                                    in time; rows and columns interpolated when asked
 *     emb_pos                        of another number of rows or another grid: when asked
 *     emb_len                        of another number of frames: when asked
 *
 * What is done without being asked loses nothing (a 2-D Swin's kernel and bias, of one picture,
 * become those of a video that stands still); the rest is an error without --interpolate, which
 * names the tensor, both shapes or grids, and the ways out. */
#ifndef VL_MODEL_LOAD_TABLES_H
#define VL_MODEL_LOAD_TABLES_H

#include "model/load.h"

typedef struct vl_load_table {
    const vl_param *to;
    const char *name;     /* the tensor's in the file, for messages */
    int n_dims;           /* of the tensor */
    const int64_t *shape; /* (n_dims) */
    const float *from;    /* its values, C order; NULL: dry, nothing is made */
    bool of_pictures;     /* the file is of a 2-D Swin: its bias has no offsets in time */
    const vl_config *file;   /* the file's own configuration; NULL: it says none. Then its grid is
                              * assumed (vl_config_grid_of_rows), and its window told from the
                              * rows */
    const vl_config *config; /* of the model */
    const vl_load_options *options;
} vl_load_table;

/* Whether the parameter is a table of those above and the file's differs from it: in shape, or in
 * grid or window alone. Then vl_load_table_make has to make it, or say why not. A shape that no
 * table could have (another width) does not count. */
bool vl_load_table_differs(const vl_load_table *t);

/* The parameter's values into out (to->count); `note` gets what was done, such as "grid of 9 x 9
 * patches interpolated to 7 x 7". Dry (from NULL): the same without out, which may be NULL.
 * VIOLET_ESHAPE where it must not, or cannot, be; then `note` has why, without the name. */
violet_status vl_load_table_make(real *out, vl_buf *note, const vl_load_table *t);

#endif
