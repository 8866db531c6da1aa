/* Visual tokens of every frame of a data set. */
#include "extract/vq.h"

#include "base/status.h"

#define S vl_vq_options

const vl_option vl_vq_option_table[] = {
    VL_OPTION_STRING(S, path, NULL, "Data", "X.tsv or X.pkl, or X for either"),
    VL_OPTION_STRING(S, dvae, NULL, "Data", "the dVAE: published encoder.pkl, .pt, or .safetensors"),
    VL_OPTION_INT(S, frame, "224", 32, 448, "Data", "side of the pictures that the tokens go with"),
    {0},
};

violet_status vl_vq_run(const vl_vq_options *o, const violet_hooks *hooks)
{
    (void)o;
    (void)hooks;
    return vl_err(VIOLET_EUNSUPPORTED, "in the making");
}
