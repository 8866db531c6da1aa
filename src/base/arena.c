/* Arena over one reserved mapping; see arena.h. */
#include "base/arena.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t physical_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : (size_t)1 << 35;
}

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

violet_status vl_arena_init(vl_arena *a, size_t limit)
{
    size_t want = limit ? limit : 2 * physical_bytes();
    memset(a, 0, sizeof *a);
    a->base = reserve(want);
    /* Strict overcommit or an address-space limit: an eighth of what there is, as there are several
     * arenas. */
    for (size_t try = want / 2; !limit && !a->base && try >= (size_t)1 << 24; try /= 2) {
        void *p = reserve(try);
        if (!p) continue;
        munmap(p, try);
        want = try / 8;
        a->base = reserve(want);
    }
    if (!a->base) return vl_err(VIOLET_ENOMEM, "cannot reserve %zu bytes of memory", want);
    a->limit = want;
    return VIOLET_OK;
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
