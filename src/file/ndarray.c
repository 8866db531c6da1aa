/* numpy arrays of a pickle as numbers in C order; see pickle.h. */
#include <string.h>

#include "file/pickle_node.h"
#include "file/safetensors.h"

bool vl_value_array(vl_ndarray *out, const vl_value *v)
{
    if (vl_value_kind(v) != VL_ARRAY || !v->u.array->shape) return false;
    const struct vl_array *a = v->u.array;
    memset(out, 0, sizeof *out);
    out->type = a->dtype->u.dtype.type;
    out->item_bytes = a->dtype->u.dtype.bytes;
    out->big_endian = a->dtype->flag;
    out->fortran = v->flag;
    out->n_dim = (int)a->shape->n;
    for (int i = 0; i < out->n_dim; i++)
        vl_value_int(&out->shape[i], vl_tuple_items(a->shape)[i]);
    out->n = a->n;
    out->data = a->data;
    return true;
}

/* The bytes of one element as an unsigned number. */
static uint64_t bits_at(const vl_ndarray *a, size_t i)
{
    uint64_t bits = 0;
    const uint8_t *p = a->data + i * (size_t)a->item_bytes;
    if (!a->big_endian) return memcpy(&bits, p, (size_t)a->item_bytes), bits;
    for (int k = 0; k < a->item_bytes; k++) bits = bits << 8 | p[k];
    return bits;
}

/* Where element `flat` (C order) stands in the data. */
static size_t place(const vl_ndarray *a, size_t flat)
{
    if (!a->fortran) return flat;
    size_t at = 0, stride = a->n;
    for (int d = a->n_dim - 1; d >= 0; d--) {
        size_t size = (size_t)a->shape[d];
        stride /= size; /* product of the sizes before d */
        at += flat % size * stride;
        flat /= size;
    }
    return at;
}

static bool is_number(const vl_ndarray *a)
{
    return a->type == 'i' || a->type == 'u' || a->type == 'f' || a->type == 'b';
}

static int64_t signed_of(const vl_ndarray *a, uint64_t bits)
{
    int shift = 64 - 8 * a->item_bytes;
    return a->type == 'i' ? (int64_t)(bits << shift) >> shift : (int64_t)bits;
}

violet_status vl_ndarray_to_i32(int32_t *out, const vl_ndarray *a)
{
    if (!is_number(a) || a->type == 'f')
        return vl_err(VIOLET_EUNSUPPORTED, "array of type %c%d, expected integers", a->type,
                      a->item_bytes);
    for (size_t i = 0; i < a->n; i++) {
        int64_t x = signed_of(a, bits_at(a, place(a, i)));
        if (x < INT32_MIN || x > INT32_MAX)
            return vl_err(VIOLET_EFORMAT, "element %zu, %lld, does not fit 32 bits", i,
                          (long long)x);
        out[i] = (int32_t)x;
    }
    return VIOLET_OK;
}

static float float_of(const vl_ndarray *a, uint64_t bits)
{
    double d;
    float f;
    uint32_t low = (uint32_t)bits;
    if (a->type == 'u') return (float)bits;
    if (a->type != 'f') return (float)signed_of(a, bits);
    if (a->item_bytes == 8) return memcpy(&d, &bits, 8), (float)d;
    if (a->item_bytes == 2) return vl_half_to_float((uint16_t)bits);
    return memcpy(&f, &low, 4), f;
}

violet_status vl_ndarray_to_float(float *out, const vl_ndarray *a)
{
    if (!is_number(a))
        return vl_err(VIOLET_EUNSUPPORTED, "array of type %c%d, expected numbers", a->type,
                      a->item_bytes);
    for (size_t i = 0; i < a->n; i++) out[i] = float_of(a, bits_at(a, place(a, i)));
    return VIOLET_OK;
}
