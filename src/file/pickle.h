/* Python pickles as plain data: nothing in the file is ever run.
 *
 *     vl_pickle *doc;
 *     status = vl_pickle_open(&doc, "msrvtt_vq.pkl", NULL);
 *     const vl_value *v = vl_dict_find(vl_pickle_root(doc), "video7010", 9);   // NULL: not there
 *     vl_ndarray a;
 *     if (v && vl_value_array(&a, v)) vl_ndarray_to_i32(tokens, &a);
 *     vl_pickle_close(doc);
 *
 * Reads protocols 0 to 5. None, bool, int, float, str, bytes, list, tuple, dict and set become
 * values; a global is an inert {module, name}, and calling or building one is refused, with its
 * name in the message, unless it stands in a table of allowed names (pickle_call.c: numpy arrays,
 * scalars, byte strings, sets, OrderedDict). A caller adds rows through vl_pickle_options; see
 * pickle_node.h for what a row may do.
 *
 * The document owns its values in one arena and maps the file; strings, bytes and array elements
 * borrow from the map, so a pickle of base64 pictures costs what its keys cost. After opening, a
 * document is read-only: any number of threads may look. A dictionary finds string keys through a
 * hash index.
 *
 * Hostile files: memory is at most 1 MiB + 192 bytes for every byte of the file. A value that
 * contains itself, is nested deeper than VL_PICKLE_DEPTH, or unfolds (through sharing) to more than
 * 16 nodes a byte of the program is refused, so walking the tree from the root needs no guard. So
 * are keys of large dictionaries that are shared until they come to 64 bytes a byte. */
#ifndef VL_FILE_PICKLE_H
#define VL_FILE_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define VL_PICKLE_DEPTH 64
#define VL_NDARRAY_MAX_DIM 16

typedef enum vl_kind {
    VL_NONE, VL_BOOL, VL_INT, VL_BIGINT /* beyond 64 bits: little-endian bytes */, VL_FLOAT,
    VL_STR, VL_BYTES, VL_LIST, VL_TUPLE, VL_DICT, VL_SET, VL_GLOBAL, VL_ARRAY, VL_DTYPE,
    VL_OBJECT, VL_FOREIGN,
} vl_kind;

typedef struct vl_value vl_value;
typedef struct vl_pickle vl_pickle;
struct vl_pickle_options; /* pickle_node.h */

violet_status vl_pickle_open(vl_pickle **out, const char *path,
                             const struct vl_pickle_options *options);
/* Bytes that outlive the document. */
violet_status vl_pickle_parse(vl_pickle **out, const void *data, size_t n, const char *name,
                              const struct vl_pickle_options *options);
void vl_pickle_close(vl_pickle *doc);
const vl_value *vl_pickle_root(const vl_pickle *doc);
size_t vl_pickle_bytes(const vl_pickle *doc);    /* memory of the values */
size_t vl_pickle_consumed(const vl_pickle *doc); /* bytes up to and with STOP: more may follow */

/* Every accessor takes NULL and values of another kind, and says so by its result. */
vl_kind vl_value_kind(const vl_value *v); /* NULL: VL_NONE */
const char *vl_kind_name(vl_kind kind);
bool vl_value_int(int64_t *out, const vl_value *v);             /* bool and int */
bool vl_value_float(double *out, const vl_value *v);            /* and float */
const char *vl_value_str(size_t *n, const vl_value *v);         /* not terminated; NULL */
const uint8_t *vl_value_bytes(size_t *n, const vl_value *v);
bool vl_value_global(const char **module, size_t *n_module, const char **name, size_t *n_name,
                     const vl_value *v);
bool vl_value_is(const vl_value *v, const char *text);          /* a str equal to text */

/* The inert picture of an object (VL_OBJECT, only where the options ask for them): its class; its
 * state, mostly a dict of attributes; a dict, list or set of the items put into it. NULL: none. */
bool vl_object_class(const char **module, size_t *n_module, const char **name, size_t *n_name,
                     const vl_value *v);
const vl_value *vl_object_state(const vl_value *v);
const vl_value *vl_object_items(const vl_value *v);

/* list, tuple, set, dict: number of items (pairs), and each. */
size_t vl_value_n(const vl_value *v);
const vl_value *vl_value_at(const vl_value *v, size_t i);       /* a dict's: its i-th value */
const vl_value *vl_dict_key(const vl_value *v, size_t i);
const vl_value *vl_dict_find(const vl_value *v, const char *key, size_t n); /* the last such key */

typedef struct vl_ndarray {
    char type;      /* numpy's: i u f b (bool) S U V */
    int item_bytes;
    bool big_endian, fortran;
    int n_dim;
    int64_t shape[VL_NDARRAY_MAX_DIM];
    size_t n;       /* elements */
    const uint8_t *data; /* (n * item_bytes), unaligned, Fortran order if `fortran` */
} vl_ndarray;

bool vl_value_array(vl_ndarray *out, const vl_value *v);

/* Elements in C order, converted; EUNSUPPORTED for a type that is no number of 1 to 8 bytes (bool
 * counts), EFORMAT for an integer that does not fit. */
violet_status vl_ndarray_to_i32(int32_t *out, const vl_ndarray *a);
violet_status vl_ndarray_to_float(float *out, const vl_ndarray *a);

/* ---- writing: protocol 4, dictionaries in the order given, atomic ---------------------------- */

typedef struct vl_pickle_writer vl_pickle_writer;

violet_status vl_pickle_create(vl_pickle_writer **out, const char *path);
/* {key: [strings]} */
violet_status vl_pickle_put_strings(vl_pickle_writer *w, const char *key,
                                    const char *const *strings, const size_t *n_bytes, size_t n);
/* {key: numpy int16 array} */
violet_status vl_pickle_put_i16(vl_pickle_writer *w, const char *key, const int16_t *data,
                                const int64_t *shape, int n_dim);
violet_status vl_pickle_finish(vl_pickle_writer *w); /* frees w, whatever comes */
void vl_pickle_abandon(vl_pickle_writer *w);

#endif
