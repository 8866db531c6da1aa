/* Arena over one reserved mapping; see arena.h. */
#include "base/arena.h"

#include <string.h>
#include <sys/mman.h>

violet_status vl_arena_init(vl_arena *a, size_t limit)
{
    memset(a, 0, sizeof *a);
    size_t want = limit ? limit : (size_t)1 << 40;
    for (;;) {
        void *p = mmap(NULL, want, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p != MAP_FAILED) {
            a->base = p;
            a->limit = want;
            return VIOLET_OK;
        }
        /* Strict overcommit or an address-space limit: take what there is. */
        if (limit || want < (size_t)1 << 26)
            return vl_err(VIOLET_ENOMEM, "cannot reserve %zu bytes of memory", want);
        want /= 2;
    }
}

void vl_arena_release(vl_arena *a)
{
    if (a->base) munmap(a->base, a->limit);
    memset(a, 0, sizeof *a);
}

void *vl_arena_take(vl_arena *a, size_t bytes)
{
    if (bytes > a->limit - a->used) return NULL;
    size_t rounded = (bytes + 63) & ~(size_t)63;
    if (rounded < bytes || rounded > a->limit - a->used) return NULL;
    void *p = a->base + a->used;
    a->used += rounded;
    if (a->used > a->peak) a->peak = a->used;
    return p;
}
