/* Whether text is UTF-8: jansson says no more than that a string did not become a value, which may
 * be for lack of memory, too. */
#ifndef VL_BASE_UTF8_H
#define VL_BASE_UTF8_H

#include <stdbool.h>

/* What json_string would take, up to the closing 0. */
bool vl_utf8_valid(const char *s);

#endif
