/* Files made to cost time, memory or a crash: a row makes one; a child process opens it and reads
 * what it finds, and must say why not, or open it where it is only odd, at once and in little
 * memory.
 *
 *     static const hostile rows[] = {{ROW("deep lists", make_flood, "]", "deeper")}, ...};
 *     hostile_begin();
 *     for (...) hostile_check(&rows[i], false);
 *     hostile_end();
 *
 * With SHOW=1 in the environment every row tells what it cost and what was said. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>

#include "base/buf.h"

#define MIB ((size_t)1 << 20)

typedef struct hostile {
    const char *name;
    void (*make)(vl_buf *b, const void *arg);
    const void *arg;
    const char *why; /* part of the message; NULL: it opens */
    size_t pad;      /* the file goes on to this size with zeros that take no disk */
    int mib, ms;     /* what it may cost; 0: 48 MiB, 500 ms */
} hostile;

#define ROW(n, m, a, w) .name = n, .make = m, .arg = a, .why = w

void hostile_begin(void);
void hostile_end(void);
/* Opens it as a pickle, with inert objects, or as a file of tensors. */
void hostile_check(const hostile *r, bool pickle);

#define HOSTILE_CHECK_ALL(rows, pickle)                                                            \
    for (size_t i_ = 0; i_ < sizeof(rows) / sizeof *(rows); i_++) hostile_check(&(rows)[i_], pickle)

void put_bytes(vl_buf *b, const void *s, size_t n);
void put_text(vl_buf *b, const char *s);
void put_repeated(vl_buf *b, const char *part, size_t n_part, size_t times);
void put_number(vl_buf *b, uint64_t x, int n_bytes); /* little-endian */

#endif
