/* Thread-local error message; see status.h. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 1024

static _Thread_local char message[MESSAGE_BYTES];

const char *violet_error(void)
{
    return message;
}

/* Messages quote file content; control characters must not reach a terminal or break the line. */
static void make_printable(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
}

violet_status vl_err(violet_status status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    make_printable(message);
    return status;
}

violet_status vl_err_at(violet_status status, const char *format, ...)
{
    char place[MESSAGE_BYTES], lower[MESSAGE_BYTES];
    va_list ap;
    va_start(ap, format);
    vsnprintf(place, sizeof place, format, ap);
    va_end(ap);
    memcpy(lower, message, sizeof lower);
    return vl_err(status, "%.500s: %s", place, lower);
}

violet_status vl_err_errno(const char *format, ...)
{
    int code = errno;
    char what[MESSAGE_BYTES];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    return vl_err(code == ENOMEM ? VIOLET_ENOMEM : VIOLET_EIO, "%.900s: %s", what, strerror(code));
}

violet_status vl_err_nomem(void)
{
    return vl_err(VIOLET_ENOMEM, "out of memory");
}
