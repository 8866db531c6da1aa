/* Names from patterns; see names.h. */
#include "data/names.h"

#include <stdio.h>

#include "base/file.h"

violet_status vl_name_find(char *out, const char *folder, const char *const *patterns, int n,
                           const char *name, const char *split, int number)
{
    char file[512];
    for (int i = 0; i < n; i++) {
        const char *p = patterns[i];
        size_t used = 0;
        for (; *p && used < sizeof file - 1; p++) {
            int k = 1;
            if (*p == 'N') k = snprintf(file + used, sizeof file - used, "%s", name);
            else if (*p == 'S') k = snprintf(file + used, sizeof file - used, "%s", split);
            else if (*p == 'P') k = snprintf(file + used, sizeof file - used, "%d", number);
            else file[used] = *p;
            used += (size_t)k;
        }
        if (used >= sizeof file - 1)
            return vl_err(VIOLET_EINVAL, "data set name '%.100s' is too long", name);
        file[used] = 0;
        violet_status status = vl_path_join(out, VL_PATH_BYTES, folder, file);
        if (status != VIOLET_OK) return status;
        if (vl_file_exists(out)) return VIOLET_OK;
    }
    out[0] = 0;
    return VIOLET_OK;
}

violet_status vl_name_pictures(char *out, bool *whole, const char *folder, const char *name,
                               const char *split, int part)
{
    static const char *const parts[] = {"img_N_S_P.tsv"};
    static const char *const one[] = {"img_N_S.tsv"};
    static const char *const all[] = {"img_N.tsv", "img_N.pkl", "N.tsv",    "N.pkl",
                                      "N/",        "img_N/",    "videos_N/"};
    *whole = false;
    violet_status status = vl_name_find(out, folder, parts, 1, name, split, 0);
    if (status == VIOLET_OK && out[0] && part > 0)
        return vl_name_find(out, folder, parts, 1, name, split, part);
    if (status != VIOLET_OK || out[0] || part > 0) return status;
    status = vl_name_find(out, folder, one, 1, name, split, 0);
    if (status != VIOLET_OK || out[0]) return status;
    status = vl_name_find(out, folder, all, 7, name, split, 0);
    *whole = out[0] != 0;
    return status;
}
