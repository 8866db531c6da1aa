/* Names that training reads, for a data set as the extraction tools write it. */
#include "extract/link.h"

#include "base/status.h"

#define S vl_link_options

const vl_option vl_link_option_table[] = {
    VL_OPTION_STRING(S, path, NULL, "Data", "X of X.tsv"),
    VL_OPTION_STRING(S, dataset, NULL, "Data", "name of the data set"),
    VL_OPTION_STRING(S, data, "_data", "Data", "folder"),
    {0},
};

violet_status vl_link_run(const vl_link_options *o, const violet_hooks *hooks)
{
    (void)o;
    (void)hooks;
    return vl_err(VIOLET_EUNSUPPORTED, "in the making");
}
