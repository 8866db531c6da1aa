/* How much memory this process has used and the machine still has. */
#ifndef VL_BASE_MEMORY_H
#define VL_BASE_MEMORY_H

#include <stddef.h>

/* Bytes, the most that this process had at one time. */
unsigned long long vl_memory_peak(void);

/* Bytes that programs can still have; 0: not known. */
double vl_memory_available(void);

/* Memory that is about to be written: has the kernel make the whole pages in it real in one go,
 * where it can; content stays. Getting them page by page, at the first write to each, is most of
 * what filling new memory from the page cache costs. */
void vl_memory_populate(void *p, size_t bytes);

#endif
