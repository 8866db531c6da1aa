/* Questions for yes or no: something true, or what would be true of a near twin. */
#include <string.h>

#include "corpus/questions_internal.h"

typedef struct list {
    vl_question *q;
    int n;
    const vl_scene *s;
    const vl_rules *r;
    vl_dice *d;
} list;

/* A question of one string after the other; an object's name stands for its position in `name`. */
static void add(list *l, bool yes, const char *const *word, const vl_thing *const *name)
{
    size_t n = 0;
    if (l->n >= VL_QUESTIONS_MOST) return;
    vl_question *q = &l->q[l->n++];
    q->kind = VL_ASK_YES;
    q->answer = yes ? "yes" : "no";
    q->text[0] = 0;
    for (int k = 0, i = 0; word[k]; k++) {
        if (k) questions_put(q->text, &n, " ");
        if (strcmp(word[k], "%o") == 0)
            questions_name(q->text, &n, name[i++], l->d);
        else
            questions_put(q->text, &n, word[k]);
    }
}

static bool has(const vl_scene *s, int i, int m)
{
    const uint8_t *act = s->thing[i].act;
    return act[0] == m || (s->plot == VL_THEN && act[1] == m);
}

/* What object i might do but does not: what another does, the opposite, or anything; or -1. */
static int lie(list *l, int i)
{
    const vl_scene *s = l->s;
    for (int try = 0; try < 16; try++) {
        int m = VL_DICE_TABLE(l->d, vl_motions, VL_MOTIONS), other = vl_dice_below(l->d, s->n);
        if (try % 3 == 0) m = vl_motions[s->thing[i].act[0]].reverse;
        if (try % 3 == 1) m = s->thing[other].act[0];
        bool may = vl_scene_may(s, l->r, s->split == VL_TEST, i, (vl_motion)m);
        if (may && !has(s, i, m) && m != VL_STILL) return m;
    }
    return -1;
}

static void ask_does(list *l, int i)
{
    const vl_scene *s = l->s;
    const vl_thing *name[] = {&s->thing[i]};
    for (int k = 0; k < (s->plot == VL_THEN ? 2 : 1); k++) {
        int m = s->thing[i].act[k];
        if (m != VL_STILL)
            add(l, true, (const char *[]){"does the", "%o", vl_motions[m].verb, NULL}, name);
    }
    for (int k = 0; k < 3; k++) {
        int m = lie(l, i);
        if (m >= 0)
            add(l, false, (const char *[]){"does the", "%o", vl_motions[m].verb, NULL}, name);
    }
}

/* Its colour is asked for, or another one: of another object, or any. */
static void ask_there(list *l, int i)
{
    const vl_scene *s = l->s;
    const vl_thing *t = &s->thing[i];
    int other = s->thing[vl_dice_below(l->d, s->n)].colour;
    for (int k = 0; k < 3; k++) {
        int colour = k == 0 ? t->colour : k == 1 ? other : vl_dice_below(l->d, VL_COLOURS);
        const char *word = vl_colours[colour].word, *shape = vl_shapes[t->shape].word;
        bool yes = colour == t->colour;
        if (k && yes) continue;
        add(l, yes, (const char *[]){"is there", strchr("aeiou", *word) ? "an" : "a", word, shape,
                                     NULL}, NULL);
        add(l, yes, (const char *[]){"is the", shape, word, NULL}, NULL);
    }
}

static void ask_order(list *l)
{
    const vl_scene *s = l->s;
    const vl_motion_kind *a, *b;
    for (int swapped = 0; swapped < 2; swapped++) {
        if (s->plot == VL_THEN) {
            a = &vl_motions[s->thing[0].act[swapped]];
            b = &vl_motions[s->thing[0].act[1 - swapped]];
            add(l, !swapped,
                (const char *[]){"does the", "%o", a->verb, "before it", b->does[0], NULL},
                (const vl_thing *[]){&s->thing[0]});
            continue;
        }
        int i = swapped ? 1 - s->lead : s->lead;
        const vl_thing *name[] = {&s->thing[i], &s->thing[1 - i]};
        a = &vl_motions[name[0]->act[0]], b = &vl_motions[name[1]->act[0]];
        if (s->plot == VL_AFTER)
            add(l, !swapped,
                (const char *[]){"does the", "%o", a->verb, "before the", "%o", b->does[0], NULL},
                name);
        else
            add(l, swapped == s->behind,
                (const char *[]){"is the", "%o", "in front of the", "%o", NULL}, name);
    }
}

int questions_yes_no(vl_question out[VL_QUESTIONS_MOST], int n, const vl_scene *s,
                     const vl_rules *r, vl_dice *d)
{
    list l = {out, n, s, r, d};
    for (int i = 0; i < s->n; i++) {
        ask_does(&l, i);
        ask_there(&l, i);
    }
    if (s->plot >= VL_THEN) ask_order(&l);
    return l.n;
}
