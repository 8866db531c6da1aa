/* Growable string of bytes; see buf.h. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

violet_status vl_buf_reserve(vl_buf *b, size_t more)
{
    if (more >= SIZE_MAX / 2 - b->n) return vl_err_nomem();
    size_t need = b->n + more + 1;
    if (need <= b->cap) return VIOLET_OK;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need) cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data) return vl_err_nomem();
    data[b->n] = 0;
    b->data = data;
    b->cap = cap;
    return VIOLET_OK;
}

violet_status vl_buf_append(vl_buf *b, const void *bytes, size_t n)
{
    violet_status status = vl_buf_reserve(b, n);
    if (status != VIOLET_OK) return status;
    if (n) memcpy(b->data + b->n, bytes, n);
    b->n += n;
    b->data[b->n] = 0;
    return VIOLET_OK;
}

violet_status vl_buf_puts(vl_buf *b, const char *s)
{
    return vl_buf_append(b, s, strlen(s));
}

violet_status vl_buf_putc(vl_buf *b, char c)
{
    return vl_buf_append(b, &c, 1);
}

violet_status vl_buf_vprintf(vl_buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0) return vl_err(VIOLET_EINVAL, "cannot format '%.100s'", format);
    violet_status status = vl_buf_reserve(b, (size_t)n);
    if (status != VIOLET_OK) return status;
    vsnprintf(b->data + b->n, (size_t)n + 1, format, ap);
    b->n += (size_t)n;
    return VIOLET_OK;
}

violet_status vl_buf_printf(vl_buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    violet_status status = vl_buf_vprintf(b, format, ap);
    va_end(ap);
    return status;
}

char *vl_buf_steal(vl_buf *b)
{
    char *data = b->data;
    *b = (vl_buf){0};
    return data;
}

void vl_buf_clear(vl_buf *b)
{
    b->n = 0;
    if (b->data) b->data[0] = 0;
}

void vl_buf_free(vl_buf *b)
{
    free(b->data);
    *b = (vl_buf){0};
}
