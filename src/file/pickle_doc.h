/* The document behind vl_pickle: shared by pickle.c (arena, walk, look-ups) and pickle_read.c (the
 * stack machine). Nobody else includes this. */
#ifndef VL_FILE_PICKLE_DOC_H
#define VL_FILE_PICKLE_DOC_H

#include "base/file.h"
#include "file/pickle_node.h"

struct vl_pickle {
    vl_map map; /* n = 0: the caller's bytes */
    const uint8_t *data;
    size_t n, consumed;
    vl_pickle_options options;
    /* arena: chunks linked through their first word, bump-allocated, freed with the document */
    struct vl_chunk *chunks;
    uint8_t *free_at, *free_end;
    size_t used, limit; /* bytes of values; what they may come to */
    violet_status alloc_status;
    vl_value *dicts;          /* newest first, through vl_items.next_dict */
    vl_value *small[256 + 1]; /* shared ints -1..255: most of a pickle's numbers */
    vl_value *none, *yes, *no, *empty_tuple;
    vl_value *root;
};

/* Runs the program and leaves the value that STOP returned in doc->root. */
violet_status vl_pickle_run(vl_pickle *doc);

/* What an allowed global makes of its arguments; refuses the others by name. */
violet_status vl_pickle_apply(vl_value **out, vl_pickle *doc, vl_value *callee, vl_value *args);

/* "refuses to WHAT global 'module.name'" */
violet_status vl_pickle_refuse(const char *what, const vl_value *global);

/* Where items put into an object go: a list, set or dict of its own, made at the first. */
vl_value *vl_pickle_object_items_of(vl_pickle *doc, vl_value *object, vl_kind kind);

/* A line of protocol 0: raw-unicode-escape (latin1 with \uXXXX), and a quoted Python literal. */
violet_status vl_pickle_unicode(vl_value **out, vl_pickle *doc, const char *s, size_t n);
violet_status vl_pickle_literal(vl_value **out, vl_pickle *doc, const char *s, size_t n);

#endif
