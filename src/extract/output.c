/* See output.h. */
#include "extract/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "media/video.h"

char *vl_output_name(const char *stem, const char *ending)
{
    size_t n = strlen(stem) + strlen(ending) + 1;
    char *name = malloc(n);
    if (name) snprintf(name, n, "%s%s", stem, ending);
    return name;
}

violet_status vl_output_stem(const char *command, const char *stem, size_t n)
{
    if (n && stem[n - 1] != '/') return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "%s: --output '%.*s', expected a name%s", command, (int)n, stem,
                  n ? " behind the folder" : "");
}

violet_status vl_output_apart(const char *const *output, int n, const char *input)
{
    for (int i = 0; i < n && input; i++)
        if (output[i] && vl_file_same(output[i], input))
            return vl_err(VIOLET_EINVAL, "%s would be written, but it is the input %s: choose "
                          "another --output", output[i], input);
    return VIOLET_OK;
}

violet_status vl_output_apart_list(const char *const *output, int n, const vl_video_list *l)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < l->n && status == VIOLET_OK; i++)
        if (!vl_video_has_name(l->file[i].path))
            status = vl_output_apart(output, n, l->file[i].path);
    return status;
}
