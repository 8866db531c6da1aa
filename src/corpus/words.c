/* Captions; see words.h. A template is text with
 *     %a %b %c   an object, "a large red circle"
 *     %1 %2 %3   what it does, "moves left"; of VL_THEN what %a does first, and then
 *     %f         "in front of" or "behind" */
#include "corpus/words.h"

#include <string.h>

#include "base/status.h"

#define TEMPLATES_MOST 6

static const char *const templates[VL_PLOTS][TEMPLATES_MOST] = {
    [VL_ONE] = {"%a %1", "there is %a that %1", "this is %a which %1"},
    [VL_MANY] = {"%a %1 while %b %2", "%a %1 and %b %2", "as %a %1 , %b %2", "while %a %1 , %b %2"},
    [VL_THEN] = {"%a %1 and then %2", "first %a %1 , then it %2", "%a %2 after it %1",
                 "after it %1 , %a %2", "%a %1 before it %2"},
    [VL_AFTER] = {"%a %1 and then %b %2", "first %a %1 , then %b %2", "%b %2 after %a %1",
                  "after %a %1 , %b %2", "%a %1 before %b %2", "before %b %2 , %a %1"},
    [VL_PASS] = {"%a %1 %f %b", "%f %b , %a %1", "there is %b and %a %1 %f it"},
};

static const char *const three[TEMPLATES_MOST] = {"%a %1 , %b %2 and %c %3",
                                                  "while %a %1 , %b %2 and %c %3"};

const char *vl_words_pick(const char *const *word, vl_dice *d)
{
    int n = 0;
    while (n < VL_WORDS_MOST && word[n]) n++;
    bool first = vl_dice_chance(d, vl_world.first_word);
    int k = n ? vl_dice_below(d, n) : 0;
    return n ? word[first ? 0 : k] : NULL;
}

/* A quality that may go unsaid: "large ", "". */
static violet_status put_quality(vl_buf *out, const vl_quality *q, double say, vl_dice *d)
{
    const char *word = vl_words_pick(q->word, d);
    if (!vl_dice_chance(d, say) || !word) return VIOLET_OK;
    return vl_buf_printf(out, "%s ", word);
}

static violet_status put_object(vl_buf *out, const vl_thing *t, vl_dice *d)
{
    vl_buf words = {0};
    violet_status status = put_quality(&words, &vl_sizes[t->size], vl_world.say_size, d);
    if (status == VIOLET_OK)
        status = put_quality(&words, &vl_textures[t->texture], vl_world.say_texture, d);
    if (status == VIOLET_OK)
        status = vl_buf_printf(&words, "%s %s", vl_colours[t->colour].word,
                               vl_shapes[t->shape].word);
    if (status == VIOLET_OK)
        status = vl_buf_printf(out, "%s %s", strchr("aeiou", words.data[0]) ? "an" : "a",
                               words.data);
    vl_buf_free(&words);
    return status;
}

/* The objects in the order of the letters. */
static void cast(int role[VL_THINGS_MOST], const vl_scene *s, vl_dice *d)
{
    for (int i = 0; i < s->n; i++) role[i] = i;
    if (s->lead) role[0] = 1, role[1] = 0;
    for (int i = s->n - 1; i > 0 && s->plot == VL_MANY; i--) {
        int k = vl_dice_below(d, i + 1), was = role[i];
        role[i] = role[k];
        role[k] = was;
    }
}

static violet_status put_does(vl_buf *out, vl_motion m, vl_dice *d)
{
    return vl_buf_puts(out, vl_words_pick(vl_motions[m].does, d));
}

violet_status vl_words_caption(vl_buf *out, const vl_scene *s, vl_dice *d)
{
    const char *const *list = s->n > 2 ? three : templates[s->plot];
    int n = 0, role[VL_THINGS_MOST];
    violet_status status = VIOLET_OK;
    while (n < TEMPLATES_MOST && list[n]) n++;
    cast(role, s, d);
    for (const char *t = list[vl_dice_below(d, n)]; *t && status == VIOLET_OK; t++) {
        if (*t != '%') {
            status = vl_buf_putc(out, *t);
            continue;
        }
        t++;
        if (*t == 'f')
            status = vl_buf_puts(out, s->behind ? "behind" : "in front of");
        else if (*t >= 'a')
            status = put_object(out, &s->thing[role[*t - 'a']], d);
        else if (s->plot == VL_THEN)
            status = put_does(out, (vl_motion)s->thing[0].act[*t - '1'], d);
        else
            status = put_does(out, (vl_motion)s->thing[role[*t - '1']].act[0], d);
    }
    return status;
}
