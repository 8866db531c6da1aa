/* One line about the machine that this runs on.
 *
 *     char line[VL_MACHINE_LINE];
 *     puts(vl_machine_line(line));             // "AMD EPYC 7763, 2 of 64 cores, 33.5 GB"
 */
#ifndef VL_BASE_MACHINE_H
#define VL_BASE_MACHINE_H

#define VL_MACHINE_LINE 200

/* Returns line. What the system does not tell is left out. */
const char *vl_machine_line(char line[VL_MACHINE_LINE]);

#endif
