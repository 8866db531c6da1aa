/* How much memory this process has used and the machine still has. */
#ifndef VL_BASE_MEMORY_H
#define VL_BASE_MEMORY_H

/* Bytes, the most that this process had at one time. */
unsigned long long vl_memory_peak(void);

/* Bytes that programs can still have; 0: not known. */
double vl_memory_available(void);

#endif
