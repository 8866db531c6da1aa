/* The sizes of a model, and where they come from: a preset, a JSON file, a checkpoint's metadata.
 *
 *     {"preset": "tiny", "ct_layers": 4}      a preset with changes
 */
#ifndef VL_MODEL_CONFIG_H
#define VL_MODEL_CONFIG_H

#include <jansson.h>

#include "nn/swin3d.h"

#define VL_FRAMES_MOST 64 /* that a configuration may ask for */

typedef struct vl_config {
    vl_swin_config video;
    int hidden;                /* D: width of the cross-modal transformer, 8 * embed_dim */
    int ct_layers, ct_heads, ct_mlp;
    int size_vocab, size_code; /* word pieces, visual tokens */
    int size_answer;           /* classes of open-ended questions */
    int frames;                /* rows of emb_len: most frames of a video; 6 as published */
    int positions;             /* rows of emb_pos: 1 and the most patches of a frame; 1 + 14 * 14 */
    int grid[2];               /* rows and columns of patches that emb_pos was learned on, row by
                                * row behind its first; 7, 7: pictures of 224 pixels */
    int dual_width;            /* of the dual encoder's space (dual.h) */
    int dual_layers;           /* first layers of the cross-modal transformer that its text tower
                                * has; 0: a sixth of them, rounded up */
    double drop;               /* dropout of embeddings, attention, outputs and heads */
} vl_config;

#define VL_CONFIG_PRESETS "violet1|tiny"

/* "violet1": the published model. "tiny": trains in minutes on two cores. VIOLET_EINVAL with the
 * list of names for another. */
violet_status vl_config_preset(vl_config *c, const char *name);
const char *vl_config_preset_name(int i); /* NULL behind the last */

/* Sets what the JSON object has; keys it does not know are an error, but those of `ignore` (NULL
 * terminated; NULL: none). Key "preset" is applied first. */
violet_status vl_config_load(vl_config *c, const json_t *object, const char *const *ignore);

/* Makes room for T frames of h x w patches: that is the grid of emb_pos then, frames and positions
 * grow where they are fewer. Whether a file's tables will do for it, its load says (load.h). */
void vl_config_fit(vl_config *c, int T, int h, int w);

/* A new object with every size, but for the dual encoder's where they are as in every preset: that
 * head is optional, and files of models without it are as they were before it. NULL: out of
 * memory. */
json_t *vl_config_save(const vl_config *c);

/* Layers of the dual encoder's text tower. */
int vl_config_dual_layers(const vl_config *c);

/* VIOLET_EINVAL, naming the field, if the sizes do not make a model. */
violet_status vl_config_check(const vl_config *c);

#endif
