/* Parts of a list; see shard.h. */
#include "base/shard.h"

#include <stdio.h>

violet_status vl_shard_parse(vl_shard *out, const char *text)
{
    char extra;
    *out = (vl_shard){1, 1};
    if (!text) return VIOLET_OK;
    if (sscanf(text, "%6d/%6d%c", &out->i, &out->n, &extra) == 2 && out->i >= 1 &&
        out->i <= out->n)
        return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "shard is '%.40s', expected i/n such as 1/4 to 4/4", text);
}

void vl_shard_range(size_t *first, size_t *end, const vl_shard *s, size_t n)
{
    size_t i = (size_t)s->i, k = (size_t)s->n; /* both below a million */
    *first = n / k * (i - 1) + n % k * (i - 1) / k;
    *end = n / k * i + n % k * i / k;
}
