/* The kernels for AVX-512. */
#include "simd_avx512.h"
#include "kernels.inc"
