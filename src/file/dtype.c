/* Element types of tensor files, and their values as float; see dtype.h.
 *
 * A model is some 200 million values, so the loops over floating types have no branch and no call
 * in them, and `omp simd` asks the compiler for vectors, which at -O2 it would not make by itself.
 * Nothing but float64 goes through float's own subnormal numbers: some threads flush them to 0. */
#include "file/dtype.h"

#include <math.h>
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

bool vl_dtype_is_float(vl_dtype t)
{
    return t == VL_DT_F64 || t == VL_DT_F32 || t == VL_DT_F16 || t == VL_DT_BF16;
}

const char *vl_dtype_word(vl_dtype t)
{
    return types[t].word;
}

static inline float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static inline uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

/* condition ? a : b, but never a branch: GCC makes no vectors where one would skip an operation on
 * floats. */
static inline uint32_t pick(bool condition, uint32_t a, uint32_t b)
{
    return b ^ ((a ^ b) & -(uint32_t)condition);
}

#define INFINITE 0x7f800000u /* float's bits; all above, without the sign, are NaN */

/* ---- to float -------------------------------------------------------------------------------- */

/* With exponent and mantissa moved into float's place, the exponents differ by 112. A subnormal m
 * is read as the mantissa behind 2^-14, and that taken off again. */
static inline float half_to_float(uint16_t h)
{
    uint32_t m = (uint32_t)(h & 0x7fff) << 13;
    uint32_t normal = m + (112u << 23), infinite = m + (224u << 23);
    uint32_t tiny = bits_of(from_bits(m + (113u << 23)) - 0x1p-14f);
    uint32_t bits = pick(m < 1u << 23, tiny, pick(m < 31u << 23, normal, infinite));
    return from_bits(bits | (uint32_t)(h & 0x8000) << 16);
}

float vl_half_to_float(uint16_t h)
{
    return half_to_float(h);
}

static inline float brain_to_float(uint16_t b)
{
    return from_bits((uint32_t)b << 16);
}

#define EACH(type, expression)                                                                     \
    _Pragma("omp simd")                                                                            \
    for (size_t i = 0; i < n; i++) {                                                               \
        type x;                                                                                    \
        memcpy(&x, (const char *)data + i * sizeof x, sizeof x);                                   \
        out[i] = (expression);                                                                     \
    }                                                                                              \
    break

void vl_dtype_to_float(float *out, const void *data, vl_dtype t, size_t n)
{
    if (n == 0) return;
    switch (t) {
    case VL_DT_F64: EACH(double, (float)x);
    case VL_DT_F32: memcpy(out, data, n * sizeof *out); break;
    case VL_DT_F16: EACH(uint16_t, half_to_float(x));
    case VL_DT_BF16: EACH(uint16_t, brain_to_float(x));
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

/* ---- from float ------------------------------------------------------------------------------ */

/* Half way from the largest finite value to what would come next: from here on it is infinite. */
#define HALF_LIMIT 65520.0f
#define BRAIN_LIMIT 0x1.ffp127f

/* Adding half of what is cut off, less one where the last bit kept is even, rounds; a carry goes
 * up into the exponent, and from the largest value to infinity. Below 2^-14 an addition of 0.5
 * does the rounding: float's last place is 2^-24 there, as that of the subnormal numbers. */
static inline uint16_t float_to_half(float x)
{
    uint32_t bits = bits_of(x), m = bits & 0x7fffffff;
    uint32_t normal = (m - (112u << 23) + 0xfff + (m >> 13 & 1)) >> 13;
    uint32_t tiny = bits_of(from_bits(m) + 0.5f) - bits_of(0.5f);
    uint32_t nan = 0x7e00 | (m >> 13 & 0x1ff); /* quiet, with what fits of its mantissa */
    uint32_t large = pick(m > INFINITE, nan, 0x7c00);
    uint32_t h = pick(m < 113u << 23, tiny, pick(m < 143u << 23, normal, large));
    return (uint16_t)(h | (bits >> 16 & 0x8000));
}

static inline uint16_t float_to_brain(float x)
{
    uint32_t bits = bits_of(x);
    uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1), nan = bits | 0x400000;
    return (uint16_t)(((bits & 0x7fffffff) > INFINITE ? nan : rounded) >> 16);
}

/* Sets `beyond` where a finite value is of no less than `limit`. */
#define EACH_FROM(type, function, limit)                                                           \
    _Pragma("omp simd reduction(| : beyond)")                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        type y = function(x[i]);                                                                   \
        uint32_t m = bits_of(x[i]) & 0x7fffffff;                                                   \
        beyond |= (uint32_t)(m >= bits_of(limit)) & (uint32_t)(m < INFINITE);                      \
        memcpy((char *)data + i * sizeof y, &y, sizeof y);                                         \
    }                                                                                              \
    break

static violet_status too_large(vl_dtype t, const float *x, size_t n, float limit)
{
    size_t i = 0;
    while (i < n && !(fabsf(x[i]) >= limit && isfinite(x[i]))) i++;
    return vl_err(VIOLET_ESHAPE, "value %zu, %g, is too large for %s", i,
                  (double)x[i < n ? i : 0], types[t].name);
}

violet_status vl_dtype_from_float(void *data, vl_dtype t, const float *x, size_t n)
{
    uint32_t beyond = 0;
    if (n == 0) return VIOLET_OK;
    switch (t) {
    case VL_DT_F64: EACH_FROM(double, (double), INFINITY);
    case VL_DT_F32: memcpy(data, x, n * sizeof *x); break;
    case VL_DT_F16: EACH_FROM(uint16_t, float_to_half, HALF_LIMIT);
    case VL_DT_BF16: EACH_FROM(uint16_t, float_to_brain, BRAIN_LIMIT);
    default: return vl_err(VIOLET_EINVAL, "%s is no floating type", types[t].name);
    }
    if (!beyond) return VIOLET_OK;
    return too_large(t, x, n, t == VL_DT_F16 ? HALF_LIMIT : BRAIN_LIMIT);
}
