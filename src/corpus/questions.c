/* Questions; see questions.h. A row of the table is a wording and when it can be asked of object i:
 *     %s  the shape of i      %c  its colour     %o  either or both: "circle", "red object"
 *     %d  what it does, of VL_THEN the other of its acts */
#include "corpus/questions.h"

#include <stdio.h>
#include <string.h>

#include "corpus/questions_internal.h"

typedef enum need {
    ANY,
    ALONE, /* it alone does this, and nothing else */
    FRONT, /* it is in front */
    HAS_WAY, /* it moves one way */
    ONE_ACT,
    MOVES, /* the same, and it is not standing still */
    TWO_ACTS, /* which are told by different words */
    TWO_WAYS,
    FIRST, /* it acts first, the other then; by different words */
    LAST,
} need;

typedef enum gives { COLOUR, SHAPE, COUNT, WAY, DOES, OTHER_DOES, OTHER_COLOUR } gives;

typedef struct row {
    vl_ask kind;
    const char *text;
    need when;
    gives answer;
    int act; /* of VL_THEN, the one asked for */
} row;

static const row rows[] = {
    {VL_ASK_COLOUR, "what color is the %s", ANY, COLOUR, 0},
    {VL_ASK_COLOUR, "which color does the %s have", ANY, COLOUR, 0},
    {VL_ASK_COLOUR, "what color is the object that %d", ALONE, COLOUR, 0},
    {VL_ASK_COLOUR, "what color is the object in front", FRONT, COLOUR, 0},
    {VL_ASK_SHAPE, "what shape is the %c object", ANY, SHAPE, 0},
    {VL_ASK_SHAPE, "what is the %c object", ANY, SHAPE, 0},
    {VL_ASK_SHAPE, "what shape is the object that %d", ALONE, SHAPE, 0},
    {VL_ASK_SHAPE, "what shape is the object in front", FRONT, SHAPE, 0},
    {VL_ASK_COUNT, "how many objects are there", ANY, COUNT, 0},
    {VL_ASK_COUNT, "how many shapes can you see", ANY, COUNT, 0},
    {VL_ASK_WAY, "which way does the %o move", HAS_WAY, WAY, 0},
    {VL_ASK_WAY, "in which direction does the %o go", HAS_WAY, WAY, 0},
    {VL_ASK_ACTION, "what does the %o do", ONE_ACT, DOES, 0},
    {VL_ASK_ACTION, "what happens to the %o", MOVES, DOES, 0},
    {VL_ASK_ORDER, "what does the %o do first", TWO_ACTS, DOES, 0},
    {VL_ASK_ORDER, "what does the %o do last", TWO_ACTS, DOES, 1},
    {VL_ASK_ORDER, "which way does the %o move first", TWO_WAYS, WAY, 0},
    {VL_ASK_ORDER, "which way does the %o move last", TWO_WAYS, WAY, 1},
    {VL_ASK_ORDER, "what happens first", TWO_ACTS, DOES, 0},
    {VL_ASK_ORDER, "what happens last", TWO_ACTS, DOES, 1},
    {VL_ASK_ORDER, "what happens first", FIRST, DOES, 0},
    {VL_ASK_ORDER, "what happens last", LAST, DOES, 0},
    {VL_ASK_ORDER, "what color is the object that acts first", FIRST, COLOUR, 0},
    {VL_ASK_ORDER, "what color is the object that acts last", LAST, COLOUR, 0},
    {VL_ASK_ORDER, "what shape is the object that acts first", FIRST, SHAPE, 0},
    {VL_ASK_ORDER, "what shape is the object that acts last", LAST, SHAPE, 0},
    {VL_ASK_NEXT, "what does the %o do after it %d", TWO_ACTS, DOES, 1},
    {VL_ASK_NEXT, "what does the %o do before it %d", TWO_ACTS, DOES, 0},
    {VL_ASK_NEXT, "which way does the %o move after it %d", TWO_WAYS, WAY, 1},
    {VL_ASK_NEXT, "what happens after the %o %d", FIRST, OTHER_DOES, 0},
    {VL_ASK_NEXT, "what happens before the %o %d", LAST, OTHER_DOES, 0},
    {VL_ASK_NEXT, "what color is the object that acts after the %s", FIRST, OTHER_COLOUR, 0},
};

static const char *const counts[] = {"one", "two", "three"};

const char *vl_answer_word(int k)
{
    static const char *const others[] = {"yes", "no", "one", "two", "three"};
    static const int n_others = sizeof others / sizeof *others;
    if (k < VL_COLOURS) return vl_colours[k].word;
    if ((k -= VL_COLOURS) < VL_SHAPE_KINDS) return vl_shapes[k].word;
    if ((k -= VL_SHAPE_KINDS) < n_others) return others[k];
    k -= n_others;
    for (int m = 0; m < VL_MOTIONS; m++)
        if (vl_motions[m].way && k-- == 0) return vl_motions[m].way;
    for (int m = 0; m < VL_MOTIONS; m++) {
        bool before = m > 0 && strcmp(vl_motions[m].answer, vl_motions[m - 1].answer) == 0;
        if (!before && k-- == 0) return vl_motions[m].answer;
    }
    return NULL;
}

/* ---- can it be asked? ------------------------------------------------------------------------ */

static const vl_motion_kind *does(const vl_scene *s, int i, int act)
{
    return &vl_motions[s->thing[i].act[s->plot == VL_THEN ? act : 0]];
}

static bool alone(const vl_scene *s, int i)
{
    if (s->plot == VL_THEN || s->thing[i].act[0] == VL_STILL) return false;
    for (int k = 0; k < s->n; k++)
        if (k != i && s->thing[k].act[0] == s->thing[i].act[0]) return false;
    return true;
}

static bool differ(const vl_motion_kind *a, const vl_motion_kind *b)
{
    return strcmp(a->answer, b->answer) != 0;
}

static bool fits(need when, const vl_scene *s, int i)
{
    const vl_motion_kind *a = does(s, i, 0), *b = does(s, i, 1);
    bool after = s->plot == VL_AFTER && differ(does(s, 0, 0), does(s, 1, 0));
    switch (when) {
    case ALONE: return alone(s, i);
    case FRONT: return s->plot == VL_PASS && (i == s->lead) != s->behind;
    case HAS_WAY: return s->plot == VL_THEN ? !a->way != !b->way : a->way != NULL;
    case ONE_ACT: return s->plot != VL_THEN;
    case MOVES: return s->plot != VL_THEN && a != &vl_motions[VL_STILL];
    case TWO_ACTS: return s->plot == VL_THEN && differ(a, b);
    case TWO_WAYS: return s->plot == VL_THEN && a->way && b->way;
    case FIRST: return after && i == s->lead;
    case LAST: return after && i != s->lead;
    default: return true;
    }
}

static const char *answer(const row *w, const vl_scene *s, int i)
{
    const vl_motion_kind *k = does(s, i, w->act);
    switch (w->answer) {
    case COLOUR: return vl_colours[s->thing[i].colour].word;
    case SHAPE: return vl_shapes[s->thing[i].shape].word;
    case COUNT: return counts[s->n - 1];
    case WAY: return k->way ? k->way : does(s, i, 1 - w->act)->way;
    case OTHER_DOES: return does(s, 1 - i, 0)->answer;
    case OTHER_COLOUR: return vl_colours[s->thing[1 - i].colour].word;
    default: return k->answer;
    }
}

/* ---- in words -------------------------------------------------------------------------------- */

void questions_put(char out[VL_QUESTION_BYTES], size_t *n, const char *word)
{
    size_t more = strlen(word), room = VL_QUESTION_BYTES - 1 - *n;
    if (more > room) more = room;
    memcpy(out + *n, word, more);
    out[*n += more] = 0;
}

void questions_name(char out[VL_QUESTION_BYTES], size_t *n, const vl_thing *t, vl_dice *d)
{
    int form = vl_dice_below(d, 3);
    if (form) questions_put(out, n, vl_colours[t->colour].word);
    if (form) questions_put(out, n, " ");
    questions_put(out, n, form == 2 ? "object" : vl_shapes[t->shape].word);
}

static void put_row(char out[VL_QUESTION_BYTES], const row *w, const vl_scene *s, int i, vl_dice *d)
{
    const vl_thing *t = &s->thing[i];
    const vl_motion_kind *told = does(s, i, 1 - w->act);
    size_t n = 0;
    for (const char *p = w->text; *p; p++) {
        const char one[2] = {*p, 0};
        if (*p != '%') questions_put(out, &n, one);
        else if (*++p == 's') questions_put(out, &n, vl_shapes[t->shape].word);
        else if (*p == 'c') questions_put(out, &n, vl_colours[t->colour].word);
        else if (*p == 'o') questions_name(out, &n, t, d);
        else questions_put(out, &n, told->does[0]);
    }
}

int vl_questions_of(vl_question out[VL_QUESTIONS_MOST], const vl_scene *s, const vl_rules *r,
                    vl_dice *d)
{
    int n = 0;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        for (int i = 0; i < s->n && n < VL_QUESTIONS_MOST; i++) {
            if (!fits(rows[k].when, s, i) || (rows[k].answer == COUNT && i > 0)) continue;
            out[n].kind = rows[k].kind;
            out[n].answer = answer(&rows[k], s, i);
            put_row(out[n++].text, &rows[k], s, i, d);
        }
    return questions_yes_no(out, n, s, r, d);
}
