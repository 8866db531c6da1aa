/* A growable string of bytes that can fail.
 *
 *     vl_buf b = {0};
 *     if ((status = vl_buf_printf(&b, "%d rows\n", n)) != VIOLET_OK) goto done;
 *     puts(b.data);
 * done:
 *     vl_buf_free(&b);
 *
 * All zero is an empty buffer. Once something was appended, data[n] is always 0, so `data` can be
 * used as a C string (if no zero byte was appended). A failed call leaves the content as it was. */
#ifndef VL_BASE_BUF_H
#define VL_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "violet.h"

typedef struct vl_buf {
    char *data;
    size_t n;   /* bytes in use, without the closing 0 */
    size_t cap; /* bytes allocated */
} vl_buf;

/* Makes room for `more` bytes and a closing 0 behind what is there. */
violet_status vl_buf_reserve(vl_buf *b, size_t more);

violet_status vl_buf_append(vl_buf *b, const void *bytes, size_t n);
violet_status vl_buf_puts(vl_buf *b, const char *s);
violet_status vl_buf_putc(vl_buf *b, char c);
violet_status vl_buf_printf(vl_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
violet_status vl_buf_vprintf(vl_buf *b, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Hands the bytes (and the duty to free() them) to the caller and leaves the buffer empty; NULL if
 * nothing was ever appended. */
char *vl_buf_steal(vl_buf *b);

/* Empties the buffer but keeps its memory. */
void vl_buf_clear(vl_buf *b);

/* Frees the memory; the buffer is empty and can be used again. */
void vl_buf_free(vl_buf *b);

#endif
