/* The formula of a pixel that all backends share; see pixels in backend.h. */
#ifndef VL_TENSOR_PIXEL_H
#define VL_TENSOR_PIXEL_H

#include <stdint.h>

/* Each step is rounded to float, as in the published pipeline, whatever `real` is: visual tokens
 * are decided by small margins. */
static inline float vl_pixel(uint8_t v, float scale, float shift)
{
    float unit = (float)v / 255.0f, scaled = scale * unit;
    return scaled + shift;
}

#endif
