/* Seconds from a fixed point in the past, for measuring how long things take. */
#ifndef VL_BASE_CLOCK_H
#define VL_BASE_CLOCK_H

#include <time.h>

static inline double vl_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
