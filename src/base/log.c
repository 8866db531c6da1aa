/* The log callback; see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static vl_log_fn log_fn;
static void *log_user;

void vl_log_set(vl_log_fn fn, void *user)
{
    log_fn = fn;
    log_user = user;
}

void vl_log(vl_log_level level, const char *format, ...)
{
    if (!log_fn) return;
    char line[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    for (char *s = line; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
    log_fn(log_user, level, line);
}
