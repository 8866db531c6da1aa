/* The options of train-dvae, and what the presets put in their place. */
#include "base/status.h"
#include "extract/dvae_train.h"

#define S vl_dvae_train_options

const vl_option vl_dvae_train_option_table[] = {
    VL_OPTION_PATH(S, path, NULL, "Data",
                   "pictures: X.tsv, X.pkl, folders of JPEGs or of videos, separated by commas"),
    VL_OPTION_INT(S, size, "56", 8, 512, "Data",
                  "side of the pictures, a multiple of 8 (56: as extract-vq --frame 224 has them)"),
    VL_OPTION_INT(S, frames, "5", 1, 256, "Data", "frames of a video"),
    VL_OPTION_BOOL(S, fast, "false", "Data", "find a video's frames by seeking"),
    VL_OPTION_BOOL(S, flip, "true", "Data", "mirror half of the pictures"),
    VL_OPTION_INT(S, crop, "0", 0, 256, "Data",
                  "pixels by which pictures are larger than the window that is cut at random"),
    VL_OPTION_INT(S, hold, "20", 0, 1e9, "Data",
                  "every so-th record is held out for validation, 0: none"),
    VL_OPTION_INT(S, cache, "1024", 0, 1e9, "Data",
                  "MiB of pictures kept in memory; more are decoded as they come"),
    VL_OPTION_INT(S, workers, "0", 0, 64, "Data", "threads that decode, 0: one a core"),

    VL_OPTION_ENUM(S, preset, "small", "small|published", "Model",
                   "small: 256 codes in minutes on two cores; published: DALL-E's sizes"),
    VL_OPTION_INT(S, n_hid, "0", 0, 4096, "Model", "width of the first group, 0: the preset's"),
    VL_OPTION_INT(S, n_init, "0", 0, 4096, "Model", "width behind the codes, 0: the preset's"),
    VL_OPTION_INT(S, n_code, "0", 0, 32767, "Model", "codes, 0: the preset's"),

    VL_OPTION_INT64(S, steps, "0", 0, 1e15, "Recipe", "updates, 0: the preset's"),
    VL_OPTION_INT(S, size_batch, "0", 0, 4096, "Recipe", "pictures a batch, 0: the preset's"),
    VL_OPTION_DOUBLE(S, lr, "0", 0, 10, "Recipe", "learning rate, 0: the preset's"),
    VL_OPTION_DOUBLE(S, lr_end, "0.0125", 0, 1, "Recipe",
                     "last rate over lr; it falls as a cosine"),
    VL_OPTION_DOUBLE(S, warmup, "0.02", 0, 1, "Recipe", "share of the steps with a rising rate"),
    VL_OPTION_DOUBLE(S, decay, "1e-4", 0, 1, "Recipe", "weight decay, not on biases"),
    VL_OPTION_DOUBLE(S, beta1, "0.9", 0, 0.9999999, "Recipe", "AdamW's first moment"),
    VL_OPTION_DOUBLE(S, beta2, "0.999", 0, 0.9999999, "Recipe", "AdamW's second moment"),
    VL_OPTION_DOUBLE(S, eps, "1e-8", 1e-30, 1, "Recipe", "AdamW's epsilon"),
    VL_OPTION_DOUBLE(S, clip, "1", 0, 1e9, "Recipe", "most gradient norm, 0: no clipping"),
    VL_OPTION_DOUBLE(S, tau, "1", 1e-3, 100, "Recipe", "temperature of the codes at first"),
    VL_OPTION_DOUBLE(S, tau_end, "0.0625", 1e-3, 100, "Recipe", "and at last"),
    VL_OPTION_DOUBLE(S, tau_share, "-1", -1, 1, "Recipe",
                     "share of the steps in which it falls, negative: the preset's"),
    VL_OPTION_DOUBLE(S, kl, "-1", -1, 1e6, "Recipe",
                     "weight beta of the divergence at last, negative: the preset's"),
    VL_OPTION_DOUBLE(S, kl_share, "-1", -1, 1, "Recipe",
                     "share of the steps in which it grows, negative: the preset's"),
    VL_OPTION_DOUBLE(S, wait, "-1", -1, 1, "Recipe",
                     "share of the steps before the encoder learns at full rate, negative: the "
                     "preset's"),
    VL_OPTION_DOUBLE(S, encoder_lr, "0", 0, 10, "Recipe",
                     "the encoder's learning rate over lr, 0: the preset's"),
    VL_OPTION_DOUBLE(S, residual, "0.25", 1e-6, 10, "Recipe",
                     "how much residual paths count at first (by their weights), DALL-E's: 0.0156"),
    VL_OPTION_BOOL(S, spread, "true", "Recipe",
                   "begin with codes spread over the pictures (k-means), not random ones"),
    VL_OPTION_INT64(S, seed, "1", 0, 1e15, "Recipe", "of all random numbers"),

    VL_OPTION_PATH(S, output, "dvae", "Run", "folder for weights, logs and the contact sheet"),
    VL_OPTION_BOOL(S, resume, "false", "Run", "go on where the run in the folder stopped"),
    VL_OPTION_INT(S, save_every, "500", 0, 1e9, "Run", "steps between saved states, 0: none"),
    VL_OPTION_INT(S, valid_every, "500", 0, 1e9, "Run",
                  "steps between validations, 0: only after the last"),
    VL_OPTION_INT(S, valid_most, "1000", 1, 1e9, "Run",
                  "most pictures of either kind, training and held out, a validation"),
    VL_OPTION_INT(S, columns, "12", 1, 64, "Run", "pictures side by side on the contact sheet"),
    VL_OPTION_INT(S, threads, "0", 0, 1024, "Run", "threads that compute, 0: one a core"),
    {0},
};

/* `published` is the paper's, but for what it does not fix: its run was 3,000,000 updates of 512
 * pictures, tau fell over 150,000 of them, beta grew over 5,000. */
static const struct preset {
    int n_hid, n_init, n_code, size_batch;
    int64_t steps;
    double lr, tau_share, kl, kl_share, wait, encoder_lr;
} presets[] = {
    [VL_DVAE_PRESET_SMALL] = {32, 64, 256, 8, 1500, 4e-3, 0.6, 1, 0.1, 0.3, 0.3},
    [VL_DVAE_PRESET_PUBLISHED] = {256, 128, 8192, 32, 100000, 1e-4, 0.5, 6.6, 0.05,
                                   0.02, 1},
};

violet_status vl_dvae_train_resolve(vl_dvae_train_options *o)
{
    const struct preset *p = &presets[o->preset];
    if (!o->n_hid) o->n_hid = p->n_hid;
    if (!o->n_init) o->n_init = p->n_init;
    if (!o->n_code) o->n_code = p->n_code;
    if (!o->size_batch) o->size_batch = p->size_batch;
    if (!o->steps) o->steps = p->steps;
    if (o->lr == 0) o->lr = p->lr;
    if (o->tau_share < 0) o->tau_share = p->tau_share;
    if (o->kl < 0) o->kl = p->kl;
    if (o->kl_share < 0) o->kl_share = p->kl_share;
    if (o->wait < 0) o->wait = p->wait;
    if (o->encoder_lr == 0) o->encoder_lr = p->encoder_lr;
    if (!o->path || !*o->path)
        return vl_err(VIOLET_EINVAL, "--path is missing: where the pictures are");
    if (o->size % 8)
        return vl_err(VIOLET_EINVAL, "size %d is not a multiple of 8, the side of what one code "
                      "stands for", o->size);
    if (o->n_hid % 4)
        return vl_err(VIOLET_EINVAL, "n_hid %d is not a multiple of 4, blocks have a quarter of it",
                      o->n_hid);
    if (o->n_code < 2) return vl_err(VIOLET_EINVAL, "n_code %d: two at least", o->n_code);
    return VIOLET_OK;
}
