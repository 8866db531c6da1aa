/* The numbers of a log with a JSON object a line (steps.jsonl, timing.jsonl), by column.
 *
 *     log_lines l = {0};
 *     status = log_lines_read(&l, "run/steps.jsonl");         // no such file: no lines
 *     const double *loss = log_lines_column(&l, "loss");       // (l.n), NaN: not there; or NULL
 *     log_lines_release(&l);
 *
 * `step` ascends: where a run was resumed, the later line of each step stays. Lines that are no
 * object are passed over and counted: the last one of a run that goes on may be half of one. */
#ifndef VL_REPORT_LINES_H
#define VL_REPORT_LINES_H

#include <stddef.h>

#include "base/status.h"
#include "base/strings.h"

#define LOG_COLUMNS 32 /* those behind are not kept */

/* What is trained between validations: consecutive lines of one epoch and unit. */
typedef struct log_unit {
    double epoch, step; /* step: of its last line */
    const char *unit, *set;
} log_unit;

typedef struct log_lines {
    size_t n, cap, n_bad;
    int n_columns;
    const char *name[LOG_COLUMNS];
    double *column[LOG_COLUMNS]; /* (n) */
    log_unit *unit;
    size_t n_units, cap_units;
    vl_strings strings;
} log_lines;

violet_status log_lines_read(log_lines *l, const char *path);
const double *log_lines_column(const log_lines *l, const char *name);
void log_lines_release(log_lines *l);

#endif
