/* JSON out of a file that nobody vouches for.
 *
 *     json_t *config;
 *     status = vl_json_parse(&config, text, n, 64, "config");           // json_decref(config)
 *     const vl_json_limits limits = {16 + n / 8, most_of};
 *     status = vl_json_members(text, n, &limits, "header", take, context);
 *
 * The second hands the members of an object out one by one and keeps none: a tree of a hundred
 * thousand tensors takes long to build and to free, and twenty times the memory of its text. What a
 * single one may cost is limited by its bytes, as a number of 2 takes 16 times as many of memory.
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

/* For text of limited size; `what` is for messages. VIOLET_EFORMAT where it is no JSON, or has more
 * brackets. */
violet_status vl_json_parse(json_t **out, const void *text, size_t n, size_t most_brackets,
                            const char *what);

/* Gets one member; json_incref keeps its value, the key must be copied. Not VIOLET_OK: the end. */
typedef violet_status (*vl_json_take)(void *context, const char *key, json_t *value);

typedef struct vl_json_limits {
    size_t brackets;                /* of all of it */
    size_t (*most)(const char *key); /* bytes of this member's value; NULL: as it comes */
} vl_json_limits;

/* Keys that are there twice in the outermost object are the caller's to find. */
violet_status vl_json_members(const void *text, size_t n, const vl_json_limits *limits,
                              const char *what, vl_json_take take, void *context);

/* Text beside tensors that is an object of strings: its bytes, at most. */
#define VL_JSON_METADATA_MOST (4 << 20)
/* What is written must be such that it is read again: EINVAL. */
violet_status vl_json_check_metadata(const json_t *metadata);

/* What it is, for a message: "an object", "a list", ..., NULL: "null". */
const char *vl_json_kind(const json_t *v);

#endif
