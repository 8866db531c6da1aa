/* An allocator that fails on purpose; see allocator.h. */
#include "fault/allocator.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

long left = -1;
int json_on, verified;
static int once, failed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__real_mmap(void *p, size_t n, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
char *__wrap_strdup(const char *s);
void *__wrap_mmap(void *p, size_t n, int protection, int flags, int fd, off_t offset);
void fault_here(void);

__attribute__((noinline)) void fault_here(void)
{
    failed = 1;
    errno = ENOMEM;
}

/* All from the n-th on fail, as they do where memory has run out; with `once`, only that one. */
static int fails(void)
{
    if (left < 0) return 0;
    if (left > 1) {
        left--;
        return 0;
    }
    if (once) left = -1;
    fault_here();
    return 1;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, n);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

void *__wrap_mmap(void *p, size_t n, int protection, int flags, int fd, off_t offset)
{
    /* an arena tries again with half the size: failing once is nothing to it */
    int counts = !(once && flags & MAP_NORESERVE);
    return counts && fails() ? MAP_FAILED : __real_mmap(p, n, protection, flags, fd, offset);
}

void *json_alloc(size_t n)
{
    return json_on == JSON_ALWAYS || (json_on && !once) ? __wrap_malloc(n) : __real_malloc(n);
}

/* Runs fn with allocations failing at n = 1, 2, ..., `dense`, and then every `step`. */
static void sweep_one_way(const char *name, violet_status (*fn)(void), int dense, int step)
{
    int wrong = 0, n = 1;
    for (;; n += n < dense ? 1 : step) {
        left = n;
        failed = verified = 0;
        violet_status status = fn();
        left = -1;
        if (!failed) {
            if (status != VIOLET_OK) fail_msg("%s: %s", name, violet_error());
            break;
        }
        if (status == VIOLET_ENOMEM || (status == VIOLET_OK && verified)) continue;
        if (wrong++ < 10)
            print_error("%s, allocation %d: status %d, %s\n", name, n, status, violet_error());
    }
    print_message("%s: %d allocations\n", name, n - 1);
    if (wrong) fail_msg("%s: %d wrong", name, wrong);
    assert_true(n > 1);
}

void sweep(const char *name, violet_status (*fn)(void), int dense, int step)
{
    for (once = 0; once < 2; once++) sweep_one_way(name, fn, dense, step);
}
