/* Between the readers of items (items_json.c, items_csv.c) and what keeps them (items.c).
 *
 * A reader goes through the file and hands over an entry at a time, whatever the format:
 *
 *     bytes -> vl_entry, borrowed strings -> vl_items_take: checked and copied -> vl_item
 *
 * so that what an entry must have is written once. */
#ifndef VL_DATA_ITEMS_INTERNAL_H
#define VL_DATA_ITEMS_INTERNAL_H

#include <stdint.h>

#include "base/groups.h"
#include "base/index.h"
#include "base/strings.h"
#include "data/items.h"

/* What an entry says. A field that is not there is NULL. */
typedef struct vl_entry {
    const char *video, *split, *type, *question;
    const char **caption; /* (n_captions) */
    const char **option;  /* (n_options) */
    int n_captions, n_options;
    size_t cap_captions, cap_options; /* the lists are used again */
    enum { VL_ANSWER_NONE, VL_ANSWER_NUMBER, VL_ANSWER_WORD } answer_is;
    int64_t number;
    const char *word;
} vl_entry;

/* A list of different strings, numbered as they first come. */
typedef struct vl_names {
    vl_string_index index;
    const char **name; /* (n) */
    int n;
    size_t cap;
} vl_names;

struct vl_items {
    vl_task_kind kind;
    char *path;
    vl_strings strings;
    vl_names videos, types;
    vl_string_index stems; /* videos by their names without an ending, of those that have one */
    vl_item *item; /* (n) */
    size_t n, cap;
    vl_groups of;  /* items by video */
    vl_answers *vocab;
    int most_options;
    bool any; /* no entry has a field `split`, nor does the file's name */
};

typedef struct vl_items_reader {
    const vl_items_options *o;
    const char *path;
    const char *at, *end; /* of the file's bytes */
    size_t line;          /* that `at` is in, from 1 */
    bool whole;           /* an entry needs no field `split` */
    bool has;             /* an entry of the split was seen */
    bool any, named;      /* an entry without, and one with a field `split` was seen */
    size_t n_entries;     /* of the split so far */
    vl_entry entry;
    vl_items *q; /* NULL: it is only asked whether the split is there */
} vl_items_reader;

/* The k of a field "option_k", without leading zeros; -1: it is another field. */
int vl_entry_option(const char *name);
/* Empties it, but keeps its lists. */
void vl_entry_clear(vl_entry *e);

/* Is r->entry of another split? Then its other fields need not be read. */
bool vl_items_is_other(const vl_items_reader *r);
/* Takes r->entry, if it is of the split. A message names the field. */
violet_status vl_items_take(vl_items_reader *r);
/* Puts file, line (0: not said) and the number of the entry in front of a message. */
violet_status vl_items_err_at(violet_status status, const vl_items_reader *r, size_t line);

violet_status vl_items_read_json(vl_items_reader *r);
violet_status vl_items_read_jsonl(vl_items_reader *r);
violet_status vl_items_read_csv(vl_items_reader *r);

#endif
