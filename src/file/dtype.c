/* Element types of tensor files, and their values as float; see dtype.h. */
#include "file/dtype.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [VL_DT_F64] = {"F64", 8}, [VL_DT_F32] = {"F32", 4},   [VL_DT_F16] = {"F16", 2},
    [VL_DT_I64] = {"I64", 8}, [VL_DT_BF16] = {"BF16", 2}, [VL_DT_I32] = {"I32", 4},
    [VL_DT_I16] = {"I16", 2}, [VL_DT_I8] = {"I8", 1},
    [VL_DT_U64] = {"U64", 8}, [VL_DT_U32] = {"U32", 4},   [VL_DT_U16] = {"U16", 2},
    [VL_DT_U8] = {"U8", 1},   [VL_DT_BOOL] = {"BOOL", 1},
};

size_t vl_dtype_bytes(vl_dtype t)
{
    return types[t].bytes;
}

const char *vl_dtype_name(vl_dtype t)
{
    return types[t].name;
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

bool vl_dtype_is_float(vl_dtype t)
{
    return t == VL_DT_F64 || t == VL_DT_F32 || t == VL_DT_F16 || t == VL_DT_BF16;
}

float vl_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31) return from_bits(sign | 0x7f800000 | mantissa << 13);
    if (exponent) return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float tiny = (float)mantissa * 0x1p-24f;
    return sign ? -tiny : tiny;
}

#define EACH(type, expression)                                                                     \
    for (size_t i = 0; i < n; i++) {                                                               \
        type x;                                                                                    \
        memcpy(&x, (const char *)data + i * sizeof x, sizeof x);                                   \
        out[i] = (expression);                                                                     \
    }                                                                                              \
    break

void vl_dtype_to_float(float *out, const void *data, vl_dtype t, size_t n)
{
    switch (t) {
    case VL_DT_F64: EACH(double, (float)x);
    case VL_DT_F32: EACH(float, x);
    case VL_DT_F16: EACH(uint16_t, vl_half_to_float(x));
    case VL_DT_BF16: EACH(uint16_t, from_bits((uint32_t)x << 16));
    case VL_DT_I64: EACH(int64_t, (float)x);
    case VL_DT_I32: EACH(int32_t, (float)x);
    case VL_DT_I16: EACH(int16_t, (float)x);
    case VL_DT_I8: EACH(int8_t, (float)x);
    case VL_DT_U64: EACH(uint64_t, (float)x);
    case VL_DT_U32: EACH(uint32_t, (float)x);
    case VL_DT_U16: EACH(uint16_t, (float)x);
    case VL_DT_U8: EACH(uint8_t, (float)x);
    case VL_DT_BOOL: EACH(uint8_t, x ? 1.0f : 0.0f);
    }
}

static uint32_t to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

/* Drops the last `cut` bits, to nearest, ties to even; a carry goes into the exponent rightly. */
static uint32_t rounded(uint32_t x, int cut)
{
    return (x + (1u << (cut - 1)) - 1 + (x >> cut & 1)) >> cut;
}

static uint16_t to_bfloat(float x)
{
    uint32_t bits = to_bits(x);
    if (isnan(x)) return (uint16_t)(bits >> 16 | 0x40); /* its mantissa must not become 0 */
    return (uint16_t)rounded(bits, 16);
}

static uint16_t to_half(float x)
{
    uint32_t bits = to_bits(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (size >= 0x47800000) return (uint16_t)(sign | 0x7c00); /* 2^16 and more, and infinity */
    if (size >= 0x38800000) return (uint16_t)(sign | rounded(size - 0x38000000, 13));
    /* subnormal: whole steps of 2^-24, which the sum with 1/2 leaves in a float's last bits */
    return (uint16_t)(sign | (to_bits(fabsf(x) + 0.5f) - to_bits(0.5f)));
}

violet_status vl_dtype_from_float(void *data, vl_dtype t, const float *x, size_t n)
{
    char *to = data;
    if (!vl_dtype_is_float(t))
        return vl_err(VIOLET_EINVAL, "values cannot be stored as %s", vl_dtype_name(t));
    if (t == VL_DT_F32) {
        memcpy(to, x, n * sizeof *x);
        return VIOLET_OK;
    }
    for (size_t i = 0; i < n; i++) {
        double wide = x[i];
        uint16_t narrow = t == VL_DT_F16 ? to_half(x[i]) : to_bfloat(x[i]);
        if (t == VL_DT_F64)
            memcpy(to + i * sizeof wide, &wide, sizeof wide);
        else
            memcpy(to + i * sizeof narrow, &narrow, sizeof narrow);
        uint16_t infinite = t == VL_DT_F16 ? 0x7c00 : 0x7f80;
        if (t != VL_DT_F64 && (narrow & 0x7fff) == infinite && isfinite(x[i]))
            return vl_err(VIOLET_ESHAPE, "value %zu, %g, does not fit %s", i, (double)x[i],
                          vl_dtype_name(t));
    }
    return VIOLET_OK;
}
