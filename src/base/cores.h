/* How many cores this process may use: those of its affinity, as taskset or a scheduler set it. */
#ifndef VL_BASE_CORES_H
#define VL_BASE_CORES_H

#include <sched.h>

static inline int vl_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

#endif
