/* See machine.h. */
#include "base/machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cores.h"
#include "base/words.h"

/* The processor's name, without the blanks that some have in it. */
static void processor(char *name, size_t most)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(name, most, "processor");
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        size_t n = 0;
        if (!at) continue;
        for (at++; *at && *at != '\n' && n + 1 < most; at++)
            if (*at != ' ' || (n && name[n - 1] != ' ')) name[n++] = *at;
        name[n] = 0;
        break;
    }
    if (f) fclose(f);
}

const char *vl_machine_line(char line[VL_MACHINE_LINE])
{
    char name[120], bytes[VL_WORDS];
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    processor(name, sizeof name);
    int n = snprintf(line, VL_MACHINE_LINE, "%s, %d of %ld cores", name, vl_cores(), cores);
    if (pages > 0 && page > 0 && n < VL_MACHINE_LINE)
        snprintf(line + n, VL_MACHINE_LINE - (size_t)n, ", %s",
                 vl_words_bytes(bytes, (uint64_t)pages * (uint64_t)page));
    return line;
}
