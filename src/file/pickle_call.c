/* The globals that a pickle may call, and what they make: numpy arrays and scalars, byte strings,
 * sets, OrderedDict. The table is at the end; whatever is not in it is refused by name. Objects of
 * any class, where the caller wants them, are in pickle_object.c. */
#include <string.h>

#include "file/pickle_doc.h"

static vl_value *arg(const vl_value *args, size_t i)
{
    return (vl_value *)(uintptr_t)vl_value_at(args, i);
}

static bool one_of(const char *set, char c)
{
    return c && strchr(set, c);
}

static violet_status expected(const char *what)
{
    return vl_err(VIOLET_EFORMAT, "expected %s", what);
}

/* ---- bytes, sets, dictionaries --------------------------------------------------------------- */

/* UTF-8 of code points below 256 back to bytes: how protocols 0 to 2 spell bytes. */
static violet_status encode(vl_value **out, vl_pickle *doc, vl_value *args)
{
    size_t n, used = 0;
    const char *s = vl_value_str(&n, arg(args, 0));
    if (!s || (vl_value_n(args) > 1 && !vl_value_is(arg(args, 1), "latin1") &&
               !vl_value_is(arg(args, 1), "latin-1")))
        return expected("_codecs.encode(str, 'latin1')");
    char *bytes = vl_pickle_alloc(doc, n);
    if (!bytes) return vl_pickle_nomem(doc);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)s[i];
        if (c >= 0x80) {
            if (c < 0xc2 || c > 0xc3 || i + 1 == n || ((uint8_t)s[i + 1] & 0xc0) != 0x80)
                return expected("text of latin1 characters");
            c = (uint8_t)(c << 6 | ((uint8_t)s[++i] & 0x3f));
        }
        bytes[used++] = (char)c;
    }
    *out = vl_pickle_bytes_value(doc, VL_BYTES, bytes, used);
    return *out ? VIOLET_OK : vl_pickle_nomem(doc);
}

/* bytearray(), bytearray(bytes), bytearray(str, 'latin-1') and the same of bytes. */
static violet_status bytes_of(vl_value **out, vl_pickle *doc, vl_value *args)
{
    size_t n;
    const uint8_t *s = vl_value_bytes(&n, arg(args, 0));
    if (vl_value_kind(arg(args, 0)) == VL_STR) return encode(out, doc, args);
    if (vl_value_n(args) > 0 && (!s || vl_value_kind(arg(args, 0)) == VL_BIGINT))
        return expected("bytes");
    *out = vl_pickle_bytes_value(doc, VL_BYTES, s, n);
    return *out ? VIOLET_OK : vl_pickle_nomem(doc);
}

static violet_status set_of(vl_value **out, vl_pickle *doc, vl_value *args)
{
    vl_value *from = arg(args, 0);
    if (from && from->kind != VL_LIST && from->kind != VL_TUPLE) return expected("set(list)");
    if (!(*out = vl_pickle_items(doc, VL_SET))) return vl_pickle_nomem(doc);
    for (size_t i = 0; i < vl_value_n(from); i++) {
        violet_status status = vl_pickle_append(doc, *out, arg(from, i));
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). flag 1: BUILD passes. */
static violet_status ordered_dict(vl_value **out, vl_pickle *doc, vl_value *args)
{
    vl_value *from = arg(args, 0);
    if (from && from->kind != VL_LIST) return expected("OrderedDict(list of pairs)");
    if (!(*out = vl_pickle_items(doc, VL_DICT))) return vl_pickle_nomem(doc);
    (*out)->flag = 1;
    for (size_t i = 0; i < vl_value_n(from); i++) {
        violet_status status = VIOLET_OK;
        if (vl_value_n(arg(from, i)) != 2 || vl_value_kind(arg(from, i)) == VL_DICT)
            return expected("pairs");
        for (size_t j = 0; j < 2 && status == VIOLET_OK; j++)
            status = vl_pickle_append(doc, *out, arg(arg(from, i), j));
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* ---- numpy ----------------------------------------------------------------------------------- */

/* dtype('i2', False, True): a letter and a size; the byte order comes by BUILD. */
static violet_status dtype(vl_value **out, vl_pickle *doc, vl_value *args)
{
    size_t n;
    const char *s = vl_value_str(&n, arg(args, 0));
    bool big = s && n > 0 && s[0] == '>';
    if (s && n > 0 && one_of("<>=|", s[0])) {
        s++;
        n--;
    }
    int32_t bytes = 0;
    for (size_t i = 1; s && i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || bytes > 10000000) return expected("a numpy dtype as 'i2'");
        bytes = bytes * 10 + (s[i] - '0');
    }
    if (!s || n < 2 || bytes == 0)
        return vl_err(VIOLET_EUNSUPPORTED, "numpy dtype '%.*s' is not read", s ? (int)(n & 31) : 0,
                      s ? s : "");
    bool known = (one_of("iu", s[0]) && (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8)) ||
                 (s[0] == 'f' && (bytes == 2 || bytes == 4 || bytes == 8)) ||
                 (s[0] == 'b' && bytes == 1) || one_of("SUV", s[0]);
    if (!known)
        return vl_err(VIOLET_EUNSUPPORTED, "numpy dtype '%.*s' is not read", (int)(n & 31), s);
    if (s[0] == 'U') bytes = bytes * 4; /* U3 is three characters of 4 bytes */
    if (!(*out = vl_pickle_value(doc, VL_DTYPE))) return vl_pickle_nomem(doc);
    (*out)->u.dtype.type = s[0];
    (*out)->u.dtype.bytes = bytes;
    (*out)->flag = big;
    return VIOLET_OK;
}

/* State (3, '<', subdtype, names, fields, -1, -1, 0): only the byte order may say something. */
violet_status vl_pickle_build_dtype(vl_value *v, vl_value *state)
{
    size_t n;
    const char *order = vl_value_str(&n, arg(state, 1));
    if (vl_value_kind(state) != VL_TUPLE || !order || n != 1 || !one_of("<>|=", order[0]))
        return expected("a dtype's state");
    for (size_t i = 2; i < 5; i++)
        if (vl_value_kind(arg(state, i)) != VL_NONE)
            return vl_err(VIOLET_EUNSUPPORTED, "structured numpy dtypes are not read");
    v->flag = order[0] == '>';
    return VIOLET_OK;
}

/* _reconstruct(ndarray, (0,), b'b'): an array to be filled by BUILD. */
static violet_status reconstruct(vl_value **out, vl_pickle *doc, vl_value *args)
{
    const vl_value *cls = arg(args, 0);
    if (!cls || cls->kind != VL_GLOBAL || cls->u.global->n_name != 7 ||
        memcmp(cls->u.global->name, "ndarray", 7) != 0)
        return expected("_reconstruct(numpy.ndarray, ...)");
    if (!(*out = vl_pickle_value(doc, VL_ARRAY))) return vl_pickle_nomem(doc);
    (*out)->u.array = vl_pickle_alloc(doc, sizeof *(*out)->u.array);
    return (*out)->u.array ? VIOLET_OK : vl_pickle_nomem(doc);
}

static violet_status fill_array(vl_value *v, vl_value *shape, vl_value *type, bool fortran,
                                const vl_value *bytes)
{
    struct vl_array *a = v->u.array;
    size_t n = 1, n_data = 0, n_bytes;
    if (vl_value_kind(shape) != VL_TUPLE || vl_value_kind(type) != VL_DTYPE)
        return expected("an array's shape and dtype");
    if (shape->n > VL_NDARRAY_MAX_DIM)
        return vl_err(VIOLET_EUNSUPPORTED, "array of %u dimensions, expected at most %d", shape->n,
                      VL_NDARRAY_MAX_DIM);
    for (size_t i = 0; i < shape->n; i++) {
        int64_t d;
        if (!vl_value_int(&d, arg(shape, i)) || d < 0 || __builtin_mul_overflow(n, (size_t)d, &n))
            return expected("an array's shape of sizes that fit");
    }
    if (__builtin_mul_overflow(n, (size_t)type->u.dtype.bytes, &n_bytes))
        return expected("an array's shape of sizes that fit");
    const char *data = (const char *)vl_value_bytes(&n_data, bytes);
    if (!data && vl_value_kind(bytes) == VL_STR && bytes->flag) data = vl_value_str(&n_data, bytes);
    if (!data || n_data != n_bytes)
        return vl_err(VIOLET_EFORMAT, "array of %zu bytes has %zu bytes of data", n_bytes, n_data);
    *a = (struct vl_array){shape, type, (const uint8_t *)data, n};
    v->flag = fortran;
    return VIOLET_OK;
}

/* State (1, shape, dtype, is_fortran, bytes). */
violet_status vl_pickle_build_array(vl_value *v, vl_value *state)
{
    int64_t fortran;
    if (vl_value_kind(state) != VL_TUPLE || state->n != 5 ||
        !vl_value_int(&fortran, arg(state, 3)))
        return expected("an array's state");
    return fill_array(v, arg(state, 1), arg(state, 2), fortran != 0, arg(state, 4));
}

/* _frombuffer(bytes, dtype, shape, 'C' or 'F'): protocol 5. */
static violet_status from_buffer(vl_value **out, vl_pickle *doc, vl_value *args)
{
    bool fortran = vl_value_is(arg(args, 3), "F");
    if (vl_value_n(args) != 4 || (!fortran && !vl_value_is(arg(args, 3), "C")))
        return expected("_frombuffer(bytes, dtype, shape, order)");
    if (!(*out = vl_pickle_value(doc, VL_ARRAY))) return vl_pickle_nomem(doc);
    if (!((*out)->u.array = vl_pickle_alloc(doc, sizeof *(*out)->u.array)))
        return vl_pickle_nomem(doc);
    return fill_array(*out, arg(args, 2), arg(args, 1), fortran, arg(args, 0));
}

/* scalar(dtype, bytes): an array without dimensions. */
static violet_status scalar(vl_value **out, vl_pickle *doc, vl_value *args)
{
    if (vl_value_n(args) != 2) return expected("scalar(dtype, bytes)");
    if (!(*out = vl_pickle_value(doc, VL_ARRAY))) return vl_pickle_nomem(doc);
    if (!((*out)->u.array = vl_pickle_alloc(doc, sizeof *(*out)->u.array)))
        return vl_pickle_nomem(doc);
    return fill_array(*out, doc->empty_tuple, arg(args, 0), false, arg(args, 1));
}

/* Names as arguments only: calling them is refused like any other. */
const vl_pickle_call vl_pickle_calls[] = {
    {"numpy.core.multiarray", "_reconstruct", reconstruct, NULL},
    {"numpy._core.multiarray", "_reconstruct", reconstruct, NULL},
    {"numpy.core.multiarray", "scalar", scalar, NULL},
    {"numpy._core.multiarray", "scalar", scalar, NULL},
    {"numpy.core.numeric", "_frombuffer", from_buffer, NULL},
    {"numpy._core.numeric", "_frombuffer", from_buffer, NULL},
    {"numpy", "dtype", dtype, NULL},
    {"_codecs", "encode", encode, NULL},
    {"builtins", "bytes", bytes_of, NULL},
    {"__builtin__", "bytes", bytes_of, NULL},
    {"builtins", "bytearray", bytes_of, NULL},
    {"__builtin__", "bytearray", bytes_of, NULL},
    {"builtins", "set", set_of, NULL},
    {"__builtin__", "set", set_of, NULL},
    {"builtins", "frozenset", set_of, NULL},
    {"__builtin__", "frozenset", set_of, NULL},
    {"collections", "OrderedDict", ordered_dict, NULL},
    {NULL, NULL, NULL, NULL},
};
