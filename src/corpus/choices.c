/* Multiple choice: which sentence is true? The wrong ones are changed from the right one or from
 * each other, by one edit each, along a tree in which the right one stands anywhere: else it would
 * be the one that all the others resemble. */
#include <string.h>

#include "base/status.h"
#include "corpus/corpus_internal.h"
#include "corpus/words.h"

#define EDIT_TRIES 200

static const char *const questions[VL_WORDS_MOST] = {"what happens in the clip",
                                                     "which sentence is true",
                                                     "what can be seen"};

/* Another scene, one edit away from `from`, that none of the n others is. */
static bool change(vl_scene *to, const vl_scene *from, const vl_scene *other, const bool *there,
                   const vl_rules *r, vl_dice *d)
{
    for (int try = 0; try < EDIT_TRIES; try++) {
        bool fresh = true;
        *to = *from;
        if (!vl_scene_edit(to, r, from->split == VL_TEST, vl_plots[from->plot].edit, d)) continue;
        for (int i = 0; i < CORPUS_OPTIONS; i++)
            if (there[i] && vl_scene_same(to, &other[i])) fresh = false;
        if (fresh) return true;
    }
    return false;
}

/* The scene of each option: number `right` is s. */
static bool grow_tree(vl_scene option[CORPUS_OPTIONS], int right, const vl_scene *s,
                      const vl_rules *r, vl_dice *d)
{
    int parent[CORPUS_OPTIONS] = {0};
    bool there[CORPUS_OPTIONS] = {false};
    for (int i = 1; i < CORPUS_OPTIONS; i++) parent[i] = vl_dice_below(d, i);
    option[right] = *s;
    there[right] = true;
    for (int i = right; i > 0; i = parent[i]) { /* up to the root, then down from there */
        if (!change(&option[parent[i]], &option[i], option, there, r, d)) return false;
        there[parent[i]] = true;
    }
    for (int i = 1; i < CORPUS_OPTIONS; i++) {
        if (there[i]) continue;
        if (!change(&option[i], &option[parent[i]], option, there, r, d)) return false;
        there[i] = true;
    }
    return true;
}

static violet_status put_options(corpus *c, corpus_item *item, const vl_scene *option, vl_dice *d)
{
    vl_buf line = {0};
    violet_status status = VIOLET_OK;
    for (int i = 0; i < CORPUS_OPTIONS && status == VIOLET_OK; i++) {
        vl_buf_clear(&line);
        status = vl_words_caption(&line, &option[i], d);
        if (status == VIOLET_OK &&
            !(item->option[i] = vl_strings_keep(&c->strings, line.data, line.n)))
            status = vl_err_nomem();
    }
    vl_buf_free(&line);
    return status;
}

static violet_status choose(corpus *c, corpus_set *set, size_t clip, int k)
{
    const vl_scene *s = &set->scene[clip];
    vl_scene option[CORPUS_OPTIONS];
    vl_dice d = vl_dice_of(c->rules.seed, VL_DICE_CHOICES, (uint64_t)s->split,
                           (uint64_t)s->number * 16 + (uint64_t)k);
    corpus_item item = {.clip = clip, .type = vl_plots[s->plot].name};
    item.right = vl_dice_below(&d, CORPUS_OPTIONS);
    item.text = vl_words_pick(questions, &d);
    for (int try = 0; !grow_tree(option, item.right, s, &c->rules, &d); try++)
        if (try == EDIT_TRIES)
            return vl_err(VIOLET_EINVAL, "make-corpus: no wrong options for clip %d", s->number);
    violet_status status = put_options(c, &item, option, &d);
    return status == VIOLET_OK ? corpus_add(c, &set->task[CORPUS_QAMC], &item) : status;
}

violet_status corpus_make_choices(corpus *c)
{
    violet_status status = VIOLET_OK;
    for (int split = 0; split < VL_SPLITS && status == VIOLET_OK; split++) {
        corpus_set *set = &c->set[split];
        int n = split == VL_TRAIN ? vl_world.choices : vl_world.choices_eval;
        for (size_t i = 0; i < set->n && status == VIOLET_OK; i++)
            for (int k = 0; k < n && status == VIOLET_OK; k++) status = choose(c, set, i, k);
    }
    return status;
}
