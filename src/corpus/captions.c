/* The captions of all clips. */
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/status.h"
#include "corpus/corpus_internal.h"
#include "corpus/words.h"

#define TRIES_MOST 64

typedef struct maker {
    corpus *c;
    vl_string_index seen; /* captions of this split */
    vl_buf line;
} maker;

/* Words until the caption is a new one; in train, where it need be new to its clip alone, a few
 * times. */
static violet_status make_one(maker *m, corpus_set *set, size_t i, int k)
{
    const vl_scene *s = &set->scene[i];
    vl_dice d = vl_dice_of(m->c->rules.seed, VL_DICE_WORDS, (uint64_t)s->split,
                           (uint64_t)s->number * 16 + (uint64_t)k);
    const char **to = &set->caption[i * (size_t)set->n_captions];
    for (int try = 0; try < TRIES_MOST; try++) {
        uint32_t number;
        bool old = false;
        vl_buf_clear(&m->line);
        violet_status status = vl_words_caption(&m->line, s, &d);
        if (status != VIOLET_OK) return status;
        for (int j = 0; j < k; j++) old |= strcmp(to[j], m->line.data) == 0;
        if (s->split != VL_TRAIN)
            old |= vl_index_find(&m->seen, &number, m->line.data, m->line.n);
        if (old && !(s->split == VL_TRAIN && try > 8)) continue;
        if (!(to[k] = vl_strings_keep(&m->c->strings, m->line.data, m->line.n)))
            return vl_err_nomem();
        number = (uint32_t)i;
        return s->split == VL_TRAIN ? VIOLET_OK : vl_index_add(&m->seen, &number, to[k], m->line.n);
    }
    return vl_err(VIOLET_EINVAL, "make-corpus: too few captions for so many %s clips",
                  vl_split_name(s->split));
}

violet_status corpus_make_captions(corpus *c)
{
    violet_status status = VIOLET_OK;
    for (int split = 0; split < VL_SPLITS && status == VIOLET_OK; split++) {
        corpus_set *set = &c->set[split];
        maker m = {.c = c};
        set->n_captions = split == VL_TRAIN ? vl_world.captions : vl_world.captions_eval;
        set->caption = calloc(set->n * (size_t)set->n_captions + 1, sizeof *set->caption);
        if (!set->caption) status = vl_err_nomem();
        for (size_t i = 0; i < set->n && status == VIOLET_OK; i++)
            for (int k = 0; k < set->n_captions && status == VIOLET_OK; k++)
                status = make_one(&m, set, i, k);
        vl_buf_free(&m.line);
        vl_index_free(&m.seen);
    }
    return status;
}
