/* JSON with a limit on what it can cost; see json_text.h. */
#include "file/json_text.h"

#include <stdbool.h>

static size_t count_brackets(const char *s, size_t n)
{
    size_t found = 0;
    bool inside = false; /* of a string */
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            inside = !inside;
        else if (inside && s[i] == '\\')
            i++;
        else
            found += !inside && (s[i] == '{' || s[i] == '[');
    }
    return found;
}

violet_status vl_json_parse(json_t **out, const void *text, size_t n, size_t most_brackets,
                            const char *what)
{
    json_error_t e;
    *out = NULL;
    size_t n_brackets = count_brackets(text, n);
    if (n_brackets > most_brackets)
        return vl_err(VIOLET_EFORMAT, "%s: %zu brackets in %zu bytes, expected at most %zu", what,
                      n_brackets, n, most_brackets);
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!*out) return vl_err(VIOLET_EFORMAT, "%s byte %d: %s", what, e.position, e.text);
    return VIOLET_OK;
}
