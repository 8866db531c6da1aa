/* Video Swin transformer (Liu et al., Video Swin Transformer, arXiv 2106.13230), as VIOLET's video
 * encoder has it: temporal stride 1, so T frames in give T planes of features out.
 *
 * Letters: B videos, T frames, H x W pixels; a stage's grid D x h x w (D = T), C channels; windows
 * of N = wd*wh*ww tokens, n_win of them a video.
 *
 * What depends on shapes alone (which row goes where) is in a plan, built once a shape. */
#ifndef VL_NN_SWIN3D_H
#define VL_NN_SWIN3D_H

#include "nn/ops.h"
#include "tensor/params.h"

#define VL_SWIN_STAGES 4

/* A picture that says nothing: what normalisation takes away, so that next to zero is left. */
extern const uint8_t vl_swin_mean_colour[3];

typedef struct vl_swin_config {
    int embed_dim;               /* C of the first stage; doubles from stage to stage */
    int depths[VL_SWIN_STAGES];
    int heads[VL_SWIN_STAGES];
    int window[3];               /* d, h, w */
    double drop_path;            /* of the last block; rises linearly from 0 */
    int exact_bias;              /* where a window shrinks below its size: 0 cuts the index of the
                                  * full window as published, 1 uses the true offsets */
} vl_swin_config;

typedef struct vl_swin_block {
    vl_tensor norm1_w, norm1_b, bias_table, qkv_w, qkv_b, proj_w, proj_b;
    vl_tensor norm2_w, norm2_b, fc1_w, fc1_b, fc2_w, fc2_b;
    int heads;
    double drop_path;
} vl_swin_block;

typedef struct vl_swin_stage {
    vl_swin_block *blocks; /* depth of them */
    int depth, dim, heads;
    vl_tensor merge_norm_w, merge_norm_b, merge_w; /* not in the last stage */
} vl_swin_stage;

typedef struct vl_swin {
    vl_swin_config config;
    vl_tensor patch_w, patch_b, patch_norm_w, patch_norm_b;
    vl_swin_stage stages[VL_SWIN_STAGES];
    vl_tensor norm_w, norm_b;
} vl_swin;

/* Offsets between the places of a window, 2 w - 1 an axis: rows of its bias table. The number of
 * them all. */
int64_t vl_swin_offsets(int offsets[3], const int window[3]);

/* Registers the encoder's parameters under PREFIX (such as "enc_img.swin."). */
violet_status vl_swin_init(vl_swin *s, const vl_swin_config *config, vl_params *params,
                           const char *prefix);
void vl_swin_release(vl_swin *s);

typedef struct vl_swin_plan_stage {
    int D, h, w, L;            /* grid and its tokens, L = D*h*w */
    int Lp;                    /* tokens of the grid padded to whole windows */
    int N, n_win;
    int shifts;                /* odd blocks are shifted */
    vl_index pad, crop;        /* (B*L) <-> (B*Lp); pad.to is NULL if nothing is padded */
    const int *rows[2];        /* (n_win * N): padded row of each window's token; [1] shifted */
    const int *region;         /* (n_win, N), of shifted blocks */
    const int *bias_index;     /* (N*N) rows of the relative position bias table */
    vl_index merge;            /* (B*L) -> (B*L2, 4C); not in the last stage */
} vl_swin_plan_stage;

typedef struct vl_swin_plan {
    int B, T, H, W;
    vl_arena tables;
    vl_swin_plan_stage stages[VL_SWIN_STAGES];
} vl_swin_plan;

violet_status vl_swin_plan_init(vl_swin_plan *p, const vl_swin_config *config, int B, int T, int H,
                                int W);
void vl_swin_plan_release(vl_swin_plan *p);

/* The plans of the last few shapes, so that changing between shapes costs nothing. */
typedef struct vl_swin_plans {
    vl_swin_plan list[32];
    int n;
    unsigned long used[32], now; /* when each was last asked for */
} vl_swin_plans;

/* The plan of a shape, made if it is not there. Borrowed; valid until 32 other shapes have been
 * asked for. NULL on failure (the message is set). Zero-initialise a vl_swin_plans before use. */
const vl_swin_plan *vl_swin_plans_get(vl_swin_plans *p, const vl_swin_config *config, int B, int T,
                                      int H, int W);
void vl_swin_plans_release(vl_swin_plans *p);

/* image (B,T,3,H,W) of 0..255, H and W multiples of 32 -> (B*T*(H/32)*(W/32), 8*embed_dim).
 * Normalises by ImageNet's mean and deviation. Plan and image must live until the backward. */
vl_tensor *vl_swin_forward(vl_tape *t, const vl_swin *s, const vl_swin_plan *p,
                           const uint8_t *image);

#endif
