/* Between phase.c (one folder) and phase_find.c (many). */
#ifndef VL_REPORT_PHASE_INTERNAL_H
#define VL_REPORT_PHASE_INTERNAL_H

#include "report/phase.h"

/* Appends what this very folder holds, if anything. */
violet_status phases_take(phases *all, const char *folder);

#endif
