/* Element types of tensor files, and their values as float; see dtype.h. */
#include "file/dtype.h"

#include <string.h>

static const struct {
    const char *name, *word;
    size_t bytes;
} types[] = {
    [VL_DT_F64] = {"F64", "float64", 8},    [VL_DT_F32] = {"F32", "float32", 4},
    [VL_DT_F16] = {"F16", "float16", 2},    [VL_DT_BF16] = {"BF16", "bfloat16", 2},
    [VL_DT_I64] = {"I64", "int64", 8},      [VL_DT_I32] = {"I32", "int32", 4},
    [VL_DT_I16] = {"I16", "int16", 2},      [VL_DT_I8] = {"I8", "int8", 1},
    [VL_DT_U64] = {"U64", "uint64", 8},     [VL_DT_U32] = {"U32", "uint32", 4},
    [VL_DT_U16] = {"U16", "uint16", 2},     [VL_DT_U8] = {"U8", "uint8", 1},
    [VL_DT_BOOL] = {"BOOL", "bool", 1},
};

size_t vl_dtype_bytes(vl_dtype t)
{
    return types[t].bytes;
}

const char *vl_dtype_name(vl_dtype t)
{
    return types[t].name;
}

const char *vl_dtype_word(vl_dtype t)
{
    return types[t].word;
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
