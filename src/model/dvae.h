/* A discrete VAE with its weights: what turns frames into visual tokens and back.
 *
 *     vl_dvae *d;
 *     status = vl_dvae_open(&d, "encoder.pkl", 0);
 *     vl_dvae_tokens(tokens, d, &tape, image, n, 56);     // (n, 3, 56, 56) -> (n, 7, 7)
 *     vl_dvae_close(d);
 *
 * Reads the published encoder (a pickled module, either container), a state dict (.pt), and our own
 * .safetensors (train-dvae's). The sizes follow from the shapes; the names of a half may stand
 * behind anything, such as "encoder/" or "model.encoder.": its first convolution tells. */
#ifndef VL_MODEL_DVAE_H
#define VL_MODEL_DVAE_H

#include "nn/dvae.h"

typedef struct vl_dvae {
    vl_dvae_config config;
    vl_params params;
    vl_dvae_half encoder, decoder;
    int has_decoder;
} vl_dvae;

/* A fresh one; drawn from seed. trainable: with gradients. with_decoder 0: encoder only. */
violet_status vl_dvae_new(vl_dvae **out, const vl_dvae_config *c, int with_decoder, int trainable,
                          uint64_t seed);
/* The weights of a file; the decoder, too, where the file has one. */
violet_status vl_dvae_open(vl_dvae **out, const char *path, int trainable);
void vl_dvae_close(vl_dvae *d);
/* As safetensors: "encoder/NAME", "decoder/NAME", metadata "dvae"; with_moments: "adam.m/...", too.
 * extra: key, value, ... (2 * n_extra strings) of metadata. */
violet_status vl_dvae_write(const char *path, const vl_dvae *d, int with_moments,
                            const char *const *extra, size_t n_extra);

/* tokens (n, S/8, S/8) of image (n, 3, S, S): the code of the largest logit, the first of equals.
 * Resets the tape and leaves it without gradients; S is a multiple of 8. All n go through at once:
 * memory is some 10 MB a picture of 56 pixels at the published size. */
violet_status vl_dvae_tokens(int32_t *tokens, vl_dvae *d, vl_tape *t, const uint8_t *image, int n,
                             int S);

/* The side that the dVAE sees of a picture of side size_img: one token a 32-pixel patch. */
static inline int vl_dvae_side(int size_img)
{
    return size_img / 32 * 8;
}

#endif
