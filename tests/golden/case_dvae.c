/* A dVAE case (decoder_parameters in its golden.json). The model has no dVAE yet: when nn/dvae.c
 * comes, this file opens the folder with golden_file_open, hash-initialises encoder (seed) and
 * decoder (decoder_seed), and compares logit, token, margin, decoded, loss_meansquare and grad/ *.
 */
#include "golden/golden.h"

void golden_case_dvae(golden_tally *t, const golden_options *o, const char *folder)
{
    golden_report r;
    golden_begin(&r, t, o, folder);
    golden_missing(&r, "dVAE");
    golden_end(&r);
}
