/* Filling in the blank: a caption with one word of meaning left out, so that words are even. */
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "corpus/corpus_internal.h"
#include "corpus/tally.h"
#include "corpus/words.h"

#define FOUND_MOST 16

/* Words that captions have by other names, too, are not asked for. */
static const char *const orders[] = {"before", "after"};

const char *corpus_blank(const char **type, int k)
{
    *type = "color";
    if (k < VL_COLOURS) return vl_colours[k].word;
    *type = "shape";
    if ((k -= VL_COLOURS) < VL_SHAPE_KINDS) return vl_shapes[k].word;
    *type = "order";
    if ((k -= VL_SHAPE_KINDS) < 2) return orders[k];
    k -= 2;
    *type = "direction";
    for (int m = 0; m < VL_MOTIONS; m++)
        if (vl_motions[m].way && k-- == 0) return vl_motions[m].way;
    *type = "action";
    for (int m = 0; m < VL_MOTIONS; m++)
        if (!strchr(vl_motions[m].does[0], ' ') && k-- == 0) return vl_motions[m].does[0];
    return NULL;
}

typedef struct found {
    size_t at; /* in the caption */
    const char *word, *type;
} found;

/* "left" of "moves left", not "up" of "shows up"; before: the word before it, NULL: none. */
static bool is_plain(const char *type, const char *before)
{
    static const char *const ways[] = {"moves ", "goes ", "the "};
    if (strcmp(type, "direction") != 0) return true;
    for (int k = 0; k < 3 && before; k++)
        if (vl_str_begins(before, ways[k])) return true;
    return false;
}

static int find_words(found out[FOUND_MOST], const char *caption)
{
    int n = 0;
    const char *before = NULL;
    for (const char *p = caption; *p && n < FOUND_MOST;) {
        size_t length = strcspn(p, " ");
        const char *word, *type;
        for (int k = 0; (word = corpus_blank(&type, k)); k++)
            if (strlen(word) == length && memcmp(word, p, length) == 0 && is_plain(type, before)) {
                out[n++] = (found){(size_t)(p - caption), word, type};
                break;
            }
        before = p;
        p += length + (p[length] == ' ');
    }
    return n;
}

/* The rarest word so far, and of a rare type. */
static int rarest(const vl_tally *t, const found *f, int n, vl_dice *d)
{
    int best = 0;
    double least = 0;
    for (int i = 0; i < n; i++) {
        double x = vl_tally_count(t, f[i].type, f[i].word) + 0.9 * vl_dice_roll(d);
        if (i && x >= least) continue;
        best = i;
        least = x;
    }
    return best;
}

static violet_status blank(corpus *c, corpus_set *set, vl_tally *t, size_t clip, int k)
{
    const vl_scene *s = &set->scene[clip];
    vl_dice d = vl_dice_of(c->rules.seed, VL_DICE_BLANKS, (uint64_t)s->split,
                           (uint64_t)s->number * 16 + (uint64_t)k);
    found f[FOUND_MOST];
    vl_buf line = {0}, text = {0};
    violet_status status = vl_words_caption(&line, s, &d);
    int n = status == VIOLET_OK ? find_words(f, line.data) : 0;
    if (n) {
        const found *x = &f[rarest(t, f, n, &d)];
        status = vl_buf_printf(&text, "%.*s[MASK]%s", (int)x->at, line.data,
                               line.data + x->at + strlen(x->word));
        if (status == VIOLET_OK) status = vl_tally_add(t, x->type, x->word);
        if (status == VIOLET_OK)
            status = corpus_add(c, &set->task[CORPUS_FIB],
                                &(corpus_item){.clip = clip, .type = x->type, .text = text.data,
                                               .answer = x->word});
    }
    vl_buf_free(&line);
    vl_buf_free(&text);
    return status;
}

violet_status corpus_make_blanks(corpus *c)
{
    violet_status status = VIOLET_OK;
    for (int split = 0; split < VL_SPLITS && status == VIOLET_OK; split++) {
        corpus_set *set = &c->set[split];
        vl_tally t = {0};
        int n = split == VL_TRAIN ? vl_world.blanks : vl_world.blanks_eval;
        for (size_t i = 0; i < set->n && status == VIOLET_OK; i++)
            for (int k = 0; k < n && status == VIOLET_OK; k++) status = blank(c, set, &t, i, k);
        vl_tally_release(&t);
    }
    return status;
}
