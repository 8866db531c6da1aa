/* What the tensors of a file are called here: layouts of names, and the parameters they mean.
 *
 *     const vl_layout *l = vl_layout_find(f);                  // NULL: none that is known
 *     vl_layout_name to;
 *     switch (vl_layout_map(&to, l, "bert.embeddings.LayerNorm.gamma")) {
 *     case VL_NAME_PARAM: ...                                  // to.param: enc_txt.emb_txt. ...
 *     case VL_NAME_IGNORED: ...                                // to.why: "buffers"
 *     case VL_NAME_UNKNOWN: ...
 *     }
 *
 * Whether the model has a parameter of that name is another question. */
#ifndef VL_MODEL_LOAD_NAMES_H
#define VL_MODEL_LOAD_NAMES_H

#include "file/tensors.h"

typedef struct vl_layout vl_layout;

typedef enum vl_name_kind { VL_NAME_PARAM, VL_NAME_IGNORED, VL_NAME_UNKNOWN } vl_name_kind;

typedef struct vl_layout_name {
    char param[256];
    bool last;       /* of two names of one parameter the one that PyTorch's load_state_dict sets
                      * last, so that it counts where they differ */
    const char *why; /* of no use: a kind, in the plural */
} vl_layout_name;

/* The one that most of the names fit. */
const vl_layout *vl_layout_find(const vl_tensors *f);
const char *vl_layout_title(const vl_layout *l); /* "VIOLET", "Video Swin", "Swin", "BERT" */
bool vl_layout_is_ours(const vl_layout *l); /* VIOLET's */
vl_name_kind vl_layout_map(vl_layout_name *to, const vl_layout *l, const char *name);

/* "VIOLET, Video Swin, ...": for messages. */
const char *vl_layout_list(void);

#endif
