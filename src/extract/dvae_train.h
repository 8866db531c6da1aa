/* Trains a discrete VAE on frames (Ramesh et al. 2021, arXiv 2102.12092, section 2.1 and A.2), so
 * that visual tokens need no weights of others.
 *
 * Every frame is a training picture: padded to a square, resized to `size`. The encoder's logits
 * become relaxed one-hot codes (Gumbel-softmax at temperature tau), the decoder draws the picture
 * from them, and
 *     loss = nll + beta / 192 * kl
 * nll: negative logit-Laplace log likelihood, the mean over pixels and channels; kl: divergence of
 * the codes' distribution from the uniform one, the mean over positions (192 = 8 * 8 * 3 values a
 * position). tau falls and beta grows over the first part of the run. docs/DVAE.md has the recipe.
 *
 * A run's folder (`output`):
 *     dvae.safetensors   the weights, as extract-vq reads them; after every validation
 *     contact.png        frames above what is left of them after encoding, training ones first,
 *                        held-out ones below; after every validation
 *     args.json          the options as they were, the preset's filled in
 *     machine.json       version, machine, and the folder that relative paths start from
 *     log.json           a value a validation: errors with hard codes, share of codes in use
 *     steps.jsonl        a line a step (the same bits on every run)
 *     timing.jsonl       a line a step: seconds, memory (never the same)
 *     last.safetensors   weights, moments and position: resume from here */
#ifndef VL_EXTRACT_DVAE_TRAIN_H
#define VL_EXTRACT_DVAE_TRAIN_H

#include "base/option.h"
#include "violet.h"

enum { VL_DVAE_PRESET_SMALL, VL_DVAE_PRESET_PUBLISHED };

/* Strings are owned (option.h frees them). Numbers that say "as the preset" are filled in by
 * vl_dvae_train_resolve. */
typedef struct vl_dvae_train_options {
    /* data */
    char *path;
    int size, frames, crop, hold, cache, workers;
    bool fast, flip, spread;
    /* model */
    int preset; /* enum above */
    int n_hid, n_init, n_code;
    /* recipe */
    int64_t steps, seed;
    int size_batch;
    double lr, lr_end, warmup, decay, beta1, beta2, eps, clip;
    double tau, tau_end, tau_share, kl, kl_share, wait, encoder_lr, residual;
    /* run */
    char *output;
    bool resume;
    int save_every, valid_every, valid_most, columns, threads;
} vl_dvae_train_options;

extern const vl_option vl_dvae_train_option_table[];

/* Puts the preset's numbers where the options say so, and checks what no range can. */
violet_status vl_dvae_train_resolve(vl_dvae_train_options *o);

/* Runs to the end, or to hooks->stop. hooks may be NULL. */
violet_status vl_dvae_train_run(const vl_dvae_train_options *o, const violet_hooks *hooks);

#endif
