/* Trains a discrete VAE on frames. */
#include "extract/dvae_train.h"

#include "base/status.h"

#define S vl_dvae_train_options

const vl_option vl_dvae_train_option_table[] = {
    VL_OPTION_STRING(S, path, NULL, "Data", "pictures"),
    VL_OPTION_STRING(S, output, "dvae", "Data", "folder"),
    {0},
};

violet_status vl_dvae_train_run(const vl_dvae_train_options *o, const violet_hooks *hooks)
{
    (void)o;
    (void)hooks;
    return vl_err(VIOLET_EUNSUPPORTED, "in the making");
}
