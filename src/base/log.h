/* Log lines for whoever asked for them; nowhere by default, because the library never prints.
 *
 *     vl_log_set(print_line, stderr);
 *     vl_log(VL_LOG_INFO, "%s: no .lineidx, scanned %zu lines", path, n);
 *
 * The callback is the one thing that is global besides the error message. Set it before threads
 * start; it may be called from any of them. */
#ifndef VL_BASE_LOG_H
#define VL_BASE_LOG_H

#include "violet.h"

/* The public levels under this room's names, so that a callback is the public one. */
typedef violet_log_level vl_log_level;
#define VL_LOG_DEBUG VIOLET_LOG_DEBUG
#define VL_LOG_INFO VIOLET_LOG_INFO
#define VL_LOG_WARN VIOLET_LOG_WARN

typedef void (*vl_log_fn)(void *user, vl_log_level level, const char *line);

void vl_log_set(vl_log_fn fn, void *user);

void vl_log(vl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
