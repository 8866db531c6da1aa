/* Blocks of strings; see strings.h. */
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 << 10)
#define ALIGNMENT sizeof(void *)

struct vl_strings_block {
    struct vl_strings_block *before;
    size_t n, cap;
    char bytes[];
};

/* Room for n bytes in the newest block, which may be new. */
static struct vl_strings_block *block_for(vl_strings *s, size_t n)
{
    struct vl_strings_block *b = s->block;
    if (b && b->cap - b->n >= n) return b;
    size_t cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;
    if (n > (size_t)-1 / 2 || !(b = malloc(sizeof *b + cap))) return NULL;
    *b = (struct vl_strings_block){s->block, 0, cap};
    return s->block = b;
}

char *vl_strings_keep(vl_strings *s, const char *text, size_t n)
{
    struct vl_strings_block *b = block_for(s, n + 1);
    if (!b) return NULL;
    char *kept = b->bytes + b->n;
    if (n) memcpy(kept, text, n);
    kept[n] = 0;
    b->n += n + 1;
    return kept;
}

void *vl_strings_take(vl_strings *s, size_t n)
{
    struct vl_strings_block *b = block_for(s, n + ALIGNMENT - 1);
    if (!b) return NULL;
    b->n = (b->n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; /* bytes[] itself is aligned */
    void *taken = b->bytes + b->n;
    b->n += n;
    return taken;
}

void vl_strings_release(vl_strings *s)
{
    for (struct vl_strings_block *b = s->block, *before; b; b = before) {
        before = b->before;
        free(b);
    }
    s->block = NULL;
}
