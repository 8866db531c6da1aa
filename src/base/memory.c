/* Memory, as the operating system counts it; see memory.h. */
#include "base/memory.h"

#include <stdio.h>
#include <sys/resource.h>

unsigned long long vl_memory_peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (unsigned long long)usage.ru_maxrss * 1024;
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
