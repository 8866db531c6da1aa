/* Between NAME.pkl and NAME.tsv + NAME.lineidx. */
#include "extract/tsv.h"

#include "base/status.h"

#define S vl_extract_tsv_options

const vl_option vl_extract_tsv_option_table[] = {
    VL_OPTION_STRING(S, path, NULL, "Data", "X.pkl, or X.tsv for the way back"),
    VL_OPTION_STRING(S, output, NULL, "Data", "what to write without its ending (default: as the input)"),
    {0},
};

violet_status vl_extract_tsv_run(const vl_extract_tsv_options *o, const violet_hooks *hooks)
{
    (void)o;
    (void)hooks;
    return vl_err(VIOLET_EUNSUPPORTED, "in the making");
}
