/* Status codes and the thread-local message that goes with them.
 *
 * Setting the message and returning the code is one expression, so they cannot drift apart:
 *
 *     return vl_err(VIOLET_EFORMAT, "tensor '%s': expected %d rows, found %d", name, want, rows);
 *
 * A caller that knows more adds where it happened, and never overwrites the lower message:
 *
 *     if ((status = vl_tsv_read(...)) != VIOLET_OK)
 *         return vl_err_at(status, "%s line %d", path, line);
 *     -> "img.tsv line 7: base64: bad character 0x2a at byte 12"
 */
#ifndef VL_BASE_STATUS_H
#define VL_BASE_STATUS_H

#include "violet.h"

/* Sets the message (a single line; longer than 1023 bytes is cut) and returns `status`. */
violet_status vl_err(violet_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "FORMATTED: " in front of the present message and returns `status`. */
violet_status vl_err_at(violet_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* vl_err(VIOLET_EIO, "FORMATTED: strerror(errno)"); ENOMEM and ENOSPC are told apart in words. */
violet_status vl_err_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* vl_err(VIOLET_ENOMEM, ...) with a fixed message; for malloc's failures. */
violet_status vl_err_nomem(void);

#endif
