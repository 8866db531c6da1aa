/* What this machine's cores can do at most, measured: to state speeds as shares of it.
 *
 *     vl_peak peak;
 *     if (vl_cpu_peak(&peak, 0) == VIOLET_OK) share = flops_done / seconds / peak.flops;
 *
 * Takes a second or so, and means something only while nothing else runs. */
#ifndef VL_CPU_PEAK_H
#define VL_CPU_PEAK_H

#include "violet.h"

typedef struct vl_peak {
    int threads;
    const char *isa; /* "AVX-512" or "AVX2", what was measured with */
    double flops;    /* float32 multiply-adds of all threads together, 2 FLOP each, a second */
    double triad;    /* bytes/s of a = b + s c, 12 bytes an element, arrays beyond the caches */
    double copy;     /* bytes/s of a = b, 8 bytes an element */
} vl_peak;

/* Only the arithmetic, in some tenths of a second; 0: a processor without AVX2. */
double vl_cpu_peak_flops(int threads);

/* threads 0: as many as the machine has. EUNSUPPORTED: a processor without AVX2; ENOMEM. */
violet_status vl_cpu_peak(vl_peak *out, int threads);

#endif
