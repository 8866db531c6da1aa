/* What stands behind vl_value, for the pickle reader and for tables that extend it.
 *
 * A row of a vl_pickle_call table names one global and what REDUCE (or NEWOBJ) makes of it:
 *
 *     static violet_status make(vl_value **out, vl_pickle *doc, vl_value *args) {...}
 *     static const vl_pickle_call calls[] = {{"collections", "OrderedDict", make, NULL}, {0}};
 *
 * `build` handles BUILD on the value that `call` made, found through the row that a VL_FOREIGN or
 * VL_OBJECT value keeps. Rows run our code on inert values; no row may touch a file, a process
 * or memory by the file's word. Nodes come from vl_pickle_alloc, which keeps the memory limit. */
#ifndef VL_FILE_PICKLE_NODE_H
#define VL_FILE_PICKLE_NODE_H

#include "file/pickle.h"

struct vl_pickle_call;

/* The header is 16 bytes; small things stand in `u`, a tuple's items behind it. */
struct vl_value {
    uint8_t kind, seen; /* seen: the walk of pickle.c */
    uint8_t height, flag; /* flag: bool's value; an array's Fortran order; a dtype's big end */
    uint32_t n; /* bytes of a string, items, pairs */
    union {
        int64_t i;
        double f;
        const char *s;                     /* str, bytes, bigint: (n) */
        struct vl_items *items;            /* list, set, dict (n pairs: key, value) */
        struct { uint32_t unfolded, pad; } tuple; /* items follow the node */
        struct { char type; int32_t bytes; } dtype;
        struct vl_global *global;
        struct vl_array *array;
        struct vl_object *object;          /* VL_OBJECT, VL_FOREIGN */
    } u;
};

struct vl_items {
    vl_value **at;       /* (cap) */
    uint32_t cap, unfolded;
    uint32_t *index;     /* dict: open addressing, n_index a power of 2, pair + 1, 0 empty */
    uint32_t n_index;
    vl_value *next_dict; /* all dictionaries of a document */
};

struct vl_global {
    const char *module, *name; /* not terminated */
    uint32_t n_module, n_name;
    const struct vl_pickle_call *call; /* NULL: not allowed */
};

struct vl_array {
    vl_value *shape, *dtype; /* a tuple of ints; NULL until built */
    const uint8_t *data;
    size_t n;
};

struct vl_object {
    const struct vl_pickle_call *call;
    vl_value *part[3]; /* args, state, items; whichever came: what the walk looks at */
    void *data;
};

typedef struct vl_pickle_call {
    const char *module, *name;
    violet_status (*call)(vl_value **out, vl_pickle *doc, vl_value *args); /* args: a tuple */
    violet_status (*build)(vl_pickle *doc, vl_value *object, vl_value *state);
} vl_pickle_call;

/* Set to NULL or 0 what is not needed. */
typedef struct vl_pickle_options {
    const vl_pickle_call *calls; /* ends with a row of NULL names; looked at first */
    /* persistent id -> value; without it persistent ids are refused */
    violet_status (*persistent)(vl_value **out, vl_pickle *doc, vl_value *id);
    void *user; /* vl_pickle_user */
    /* NEWOBJ of a class that stands in no table makes an inert VL_OBJECT; calling one (REDUCE,
     * INST, OBJ) stays refused, and no class is ever looked for */
    bool objects;
} vl_pickle_options;

extern const vl_pickle_call vl_pickle_calls[]; /* the built-in rows: pickle_call.c */

void *vl_pickle_user(const vl_pickle *doc);
void *vl_pickle_alloc(vl_pickle *doc, size_t n); /* zeroed, aligned to 8; NULL: message is set */
vl_value *vl_pickle_value(vl_pickle *doc, vl_kind kind);
vl_value *vl_pickle_bytes_value(vl_pickle *doc, vl_kind kind, const void *s, size_t n);
vl_value *vl_pickle_int(vl_pickle *doc, int64_t i);
vl_value *vl_pickle_items(vl_pickle *doc, vl_kind kind); /* an empty list, set or dict */
/* Appends one item (list, set), or a key (then its value in a second call) to a dict. */
violet_status vl_pickle_append(vl_pickle *doc, vl_value *to, vl_value *item);
/* Status of the message that a failed allocation has set. */
violet_status vl_pickle_nomem(const vl_pickle *doc);
/* A VL_OBJECT of class `cls`, a global; args may be NULL. */
violet_status vl_pickle_object(vl_value **out, vl_pickle *doc, const vl_value *cls, vl_value *args);
violet_status vl_pickle_build_array(vl_value *array, vl_value *state);
violet_status vl_pickle_build_dtype(vl_value *dtype, vl_value *state);

static inline vl_value **vl_tuple_items(const vl_value *v)
{
    return (vl_value **)(uintptr_t)(v + 1);
}

#endif
