/* JSON out of a file that nobody vouches for.
 *
 *     json_t *header;
 *     status = vl_json_parse(&header, text, n, 16 + n / 8, "header");   // json_decref(header)
 *     status = vl_json_members(text, n, 16 + n / 8, "header", take, context);
 *
 * The second hands the members of an object out one by one and keeps none: a tree of a hundred
 * thousand tensors takes long to build and to free, and twenty times the memory of its text.
 *
 * An empty object or array of 2 bytes takes jansson some 200 of memory, so the number of opening
 * brackets outside of strings is limited before anything is made of them; then a value takes at
 * most 32 bytes of memory for each byte that spells it. Keys that are there twice are an error,
 * and so is nesting deeper than jansson's limit of 2048. */
#ifndef VL_FILE_JSON_TEXT_H
#define VL_FILE_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

/* `what` is for messages. VIOLET_EFORMAT where it is no JSON, or has more brackets. */
violet_status vl_json_parse(json_t **out, const void *text, size_t n, size_t most_brackets,
                            const char *what);

/* Gets one member; json_incref keeps its value, the key must be copied. Not VIOLET_OK: the end. */
typedef violet_status (*vl_json_take)(void *context, const char *key, json_t *value);

/* Keys that are there twice in the outermost object are the caller's to find. */
violet_status vl_json_members(const void *text, size_t n, size_t most_brackets, const char *what,
                              vl_json_take take, void *context);

/* What it is, for a message: "an object", "a list", ..., NULL: "null". */
const char *vl_json_kind(const json_t *v);

#endif
