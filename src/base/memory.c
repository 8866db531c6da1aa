/* Memory, as the operating system counts it; see memory.h. */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; an earlier one says EINVAL */
#endif

/* ru_maxrss would be the parent's where that was larger: it outlives exec. */
unsigned long long vl_memory_peak(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kb = 0;
    while (f && kb == 0 && fgets(line, sizeof line, f)) (void)sscanf(line, "VmHWM: %llu", &kb);
    if (f) fclose(f);
    return 1024 * kb;
}

double vl_memory_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[256];
    double kb = 0, sum = 0;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lf", &kb) == 1 || sscanf(line, "SwapFree: %lf", &kb) == 1)
            sum += kb;
    if (f) fclose(f);
    return 1024 * sum;
}

/* Huge pages (MADV_HUGEPAGE) would be fewer still, and were measured: a third of the time where the
 * kernel has them at hand, up to twice the time on virtual machines that give free ones back to
 * their host. */
void vl_memory_populate(void *p, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = ((uintptr_t)p + bytes) & -page;
    uintptr_t begin = ((uintptr_t)p + page - 1) & -page;
    if (begin < end) (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}
