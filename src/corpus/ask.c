/* Which questions are asked of which clip. All that can be asked is looked at, and what keeps the
 * answers even is taken: of each kind, and of the yes-or-no ones of each wording. So neither the
 * kind nor the words of a question tell much of its answer. */
#include <string.h>

#include "corpus/corpus_internal.h"
#include "corpus/questions.h"
#include "corpus/tally.h"

#define EVEN_FROM 8 /* questions of a kind, from which on shares are looked at */

typedef struct asker {
    corpus *c;
    corpus_set *set;
    vl_tally kinds, words;
    vl_question q[VL_QUESTIONS_MOST];
    int n;
    bool used[VL_QUESTIONS_MOST];
} asker;

/* The less, the better for the balance. */
static double excess(const asker *a, const vl_question *q)
{
    const char *kind = vl_asks[q->kind].name;
    int of_kind = vl_tally_count(&a->kinds, kind, q->answer);
    int of_words = vl_tally_count(&a->words, q->text, q->answer);
    if (q->kind != VL_ASK_YES) return of_kind + 0.01 * of_words;
    return 2 * of_words - vl_tally_count(&a->words, q->text, NULL) + 1e-4 * of_kind;
}

/* The best of a kind, of equal ones any; -1: none. */
static int best_of(const asker *a, vl_ask kind, vl_dice *d)
{
    int best = -1;
    double least = 0;
    for (int i = 0; i < a->n; i++) {
        double x = vl_dice_roll(d) * 1e-6;
        if (a->used[i] || a->q[i].kind != kind) continue;
        x += excess(a, &a->q[i]);
        if (best >= 0 && x >= least) continue;
        best = i;
        least = x;
    }
    return best;
}

/* Is this answer given too often already? */
static bool is_common(const asker *a, const vl_question *q)
{
    const char *kind = vl_asks[q->kind].name;
    int all = vl_tally_count(&a->kinds, kind, NULL);
    return q->kind != VL_ASK_YES && all >= EVEN_FROM &&
           vl_tally_count(&a->kinds, kind, q->answer) > vl_world.answer_most * all;
}

/* Another question of this clip: of a kind that was not asked, if there is one that fits. */
static int choose(const asker *a, bool asked[VL_ASKS], vl_dice *d)
{
    double weight[VL_ASKS];
    int spare = -1;
    for (int k = 0; k < VL_ASKS; k++) weight[k] = asked[k] ? 0 : vl_asks[k].weight;
    for (int kind; (kind = vl_dice_weighted(d, weight, VL_ASKS, sizeof *weight)) >= 0;) {
        int best = best_of(a, (vl_ask)kind, d);
        weight[kind] = 0;
        if (best >= 0 && !is_common(a, &a->q[best])) return best;
        if (spare < 0) spare = best;
    }
    for (int k = 0; k < VL_ASKS; k++) {
        int best = best_of(a, (vl_ask)((k + VL_ASK_YES) % VL_ASKS), d);
        if (best >= 0 && !is_common(a, &a->q[best])) return best;
        if (spare < 0) spare = best;
    }
    return spare;
}

static violet_status ask(asker *a, size_t clip, int n_asked)
{
    const vl_scene *s = &a->set->scene[clip];
    vl_dice d = vl_dice_of(a->c->rules.seed, VL_DICE_QUESTIONS, (uint64_t)s->split,
                           (uint64_t)s->number);
    bool asked[VL_ASKS] = {false};
    violet_status status = VIOLET_OK;
    a->n = vl_questions_of(a->q, s, &a->c->rules, &d);
    memset(a->used, 0, sizeof a->used);
    for (int k = 0; k < n_asked && status == VIOLET_OK; k++) {
        int i = choose(a, asked, &d);
        if (i < 0) break;
        const vl_question *q = &a->q[i];
        asked[q->kind] = true;
        for (int j = 0; j < a->n; j++) a->used[j] |= strcmp(a->q[j].text, q->text) == 0;
        status = vl_tally_add(&a->kinds, vl_asks[q->kind].name, q->answer);
        if (status == VIOLET_OK) status = vl_tally_add(&a->words, q->text, q->answer);
        if (status == VIOLET_OK)
            status = corpus_add(a->c, &a->set->task[CORPUS_QAOE],
                                &(corpus_item){.clip = clip,
                                               .type = vl_asks[q->kind].name,
                                               .text = q->text,
                                               .answer = q->answer});
    }
    return status;
}

violet_status corpus_make_questions(corpus *c)
{
    violet_status status = VIOLET_OK;
    for (int split = 0; split < VL_SPLITS && status == VIOLET_OK; split++) {
        asker a = {.c = c, .set = &c->set[split]};
        int n = split == VL_TRAIN ? vl_world.questions : vl_world.questions_eval;
        for (size_t i = 0; i < a.set->n && status == VIOLET_OK; i++) status = ask(&a, i, n);
        vl_tally_release(&a.kinds);
        vl_tally_release(&a.words);
    }
    return status;
}
