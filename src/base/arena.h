/* Arena: one reserved range of addresses from which memory is taken in order and given back by
 * rewinding.
 *
 *     base                used            peak                                       limit
 *      |==== in use =======|- - touched - -|............ reserved, never touched ......|
 *                          ^ vl_arena_mark()/vl_arena_rewind() move this
 *
 * The range is reserved once (address space, not memory); pages become real when first written and
 * stay, so after the first step of a training run nothing is allocated and the same step gets the
 * same addresses. Every piece starts at a multiple of 64 bytes. Not for sharing between threads. */
#ifndef VL_BASE_ARENA_H
#define VL_BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

typedef struct vl_arena {
    char *base;
    size_t used, peak, limit; /* bytes */
} vl_arena;

/* Reserves `limit` bytes of addresses (0: twice the machine's memory, or what the system gives of
 * that). */
violet_status vl_arena_init(vl_arena *a, size_t limit);
void vl_arena_release(vl_arena *a);

/* `bytes` bytes, uninitialised; NULL if the range is used up (no message is set). */
void *vl_arena_take(vl_arena *a, size_t bytes);

static inline size_t vl_arena_mark(const vl_arena *a)
{
    return a->used;
}

/* Everything taken since `mark` is given back. */
static inline void vl_arena_rewind(vl_arena *a, size_t mark)
{
    a->used = mark;
}

#endif
