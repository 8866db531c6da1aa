/* Log lines for whoever asked for them; nowhere by default, because the library never prints.
 *
 *     vl_log_set(print_line, stderr);
 *     vl_log(VL_LOG_INFO, "%s: no .lineidx, scanned %zu lines", path, n);
 *
 * The callback is the one thing that is global besides the error message. Set it before threads
 * start; it may be called from any of them. */
#ifndef VL_BASE_LOG_H
#define VL_BASE_LOG_H

typedef enum vl_log_level { VL_LOG_DEBUG, VL_LOG_INFO, VL_LOG_WARN } vl_log_level;

typedef void (*vl_log_fn)(void *user, vl_log_level level, const char *line);

void vl_log_set(vl_log_fn fn, void *user);

void vl_log(vl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
