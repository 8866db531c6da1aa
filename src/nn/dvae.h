/* The discrete VAE of visual tokens (Ramesh et al. 2021, arXiv 2102.12092, appendix A): encoder and
 * decoder on the tape, at any size.
 *
 * Pictures are matrices (B*h*w, C), row = (b, y, x). Letters: S side of the input, V codes.
 *
 *     encoder: input conv 7x7 to n_hid; four groups of two blocks, widths 1, 2, 4, 8 times n_hid,
 *              2x2 max-pooling after the first three; relu; 1x1 to V
 *     block:   id(x) + 1/64 * res(x); res = [relu, conv] four times: 3x3 to out/4, 3x3, 3x3,
 *              1x1 to out; id is a 1x1 convolution where the width changes
 *     decoder: 1x1 from V to n_init; groups of widths 8, 4, 2, 1 times n_hid, nearest-neighbour
 *              doubling after the first three; blocks: 1x1 to out/4, then 3x3, 3x3, 3x3 to out;
 *              relu; 1x1 to 6 channels
 *
 * Parameters have the published names (blocks.group_1.block_1.res_path.conv_1.w, (out,in,k,k)),
 * behind a prefix. Padding keeps sizes. */
#ifndef VL_NN_DVAE_H
#define VL_NN_DVAE_H

#include "nn/ops.h"
#include "tensor/params.h"

enum { VL_DVAE_GROUPS = 4, VL_DVAE_BLOCKS = 2, VL_DVAE_CHANNELS = 6 };

/* Pixels in [0, 1] are mapped to [eps, 1 - eps], where the logit-Laplace distribution lives. */
#define VL_DVAE_EPS 0.1

typedef struct vl_dvae_config {
    int n_hid, n_init, n_code; /* published: 256, 128, 8192 */
} vl_dvae_config;

typedef struct vl_conv {
    vl_tensor w, b; /* (out, in*k*k), (1, out) */
    int k;
} vl_conv;

typedef struct vl_dvae_block {
    vl_conv id, res[4]; /* id.k 0: the width does not change */
} vl_dvae_block;

typedef struct vl_dvae_half {
    vl_conv input, output;
    vl_dvae_block block[VL_DVAE_GROUPS][VL_DVAE_BLOCKS];
} vl_dvae_half;

/* Adds the parameters; prefix such as "" or "encoder/". */
void vl_dvae_encoder_init(vl_dvae_half *e, vl_params *p, const vl_dvae_config *c,
                          const char *prefix);
void vl_dvae_decoder_init(vl_dvae_half *d, vl_params *p, const vl_dvae_config *c,
                          const char *prefix);

/* Input of the encoder: image (B,3,S,S) of 0..255 as map_pixels has it, 0.8 * v/255 + 0.1
 * -> (B*S*S, 3). No gradient. */
vl_tensor *vl_dvae_pixels(vl_tape *t, const uint8_t *image, int B, int S);

/* x (B*S*S, 3) -> logits (B*S/8*S/8, V) */
vl_tensor *vl_dvae_encode(vl_tape *t, const vl_dvae_half *e, vl_tensor *x, int B, int S);

/* z (B*h*w, V), one-hot or a relaxation -> (B*8h*8w, 6): three means (before the sigmoid), three
 * log scales */
vl_tensor *vl_dvae_decode(vl_tape *t, const vl_dvae_half *d, vl_tensor *z, int B, int h);
/* The same from codes (B*h*h) in [0, V), without making the one-hot rows. No gradient to them. */
vl_tensor *vl_dvae_decode_codes(vl_tape *t, const vl_dvae_half *d, const int *codes, int B, int h);

#endif
