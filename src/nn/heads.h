/* The heads on the cross-modal encoder's output. Each works on whatever rows it is given. */
#ifndef VL_NN_HEADS_H
#define VL_NN_HEADS_H

#include "nn/ops.h"
#include "tensor/params.h"

/* dropout, linear D -> 2D, ReLU, linear 2D -> n: VTM and the downstream tasks (`fc`, n = 1 or the
 * number of answers) and MVM (`fc_mvm`, n = 8192). Parameters PREFIX1.* and PREFIX3.*. */
typedef struct vl_mlp_head {
    vl_tensor w1, b1, w3, b3;
    double drop;
} vl_mlp_head;

void vl_mlp_head_init(vl_mlp_head *h, vl_params *params, const char *prefix, int D, int n,
                      double drop);
/* x (rows, D) -> (rows, n) */
vl_tensor *vl_mlp_head_forward(vl_tape *t, const vl_mlp_head *h, vl_tensor *x);

/* BERT's masked-language head: linear D -> D, GELU, layer norm, decoder D -> vocab. The decoder is
 * not tied to the input embedding. */
typedef struct vl_mlm_head {
    vl_tensor dense_w, dense_b, norm_w, norm_b, decoder_w, decoder_b;
} vl_mlm_head;

void vl_mlm_head_init(vl_mlm_head *h, vl_params *params, const char *prefix, int D, int vocab);
/* x (rows, D) -> (rows, vocab) */
vl_tensor *vl_mlm_head_forward(vl_tape *t, const vl_mlm_head *h, vl_tensor *x);

#endif
