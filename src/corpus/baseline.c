/* Counting answers in train, guessing them in test; see baseline.h. */
#include "corpus/baseline.h"

#include <string.h>

#include "corpus/tally.h"

/* The most frequent answer to `key` in train; NULL: none. */
static const char *guess(const vl_tally *t, const char *key, const corpus *c, int task)
{
    const char *best = NULL, *word;
    int most = 0;
    for (int k = 0; (word = corpus_answer(c, task, k)); k++) {
        int n = vl_tally_count(t, key, word);
        if (n <= most) continue;
        most = n;
        best = word;
    }
    return best;
}

static void count_right(corpus_baseline *b, const vl_tally *t, const corpus *c, int task)
{
    const corpus_task *test = &c->set[VL_TEST].task[task];
    for (size_t i = 0; i < test->n; i++) {
        const corpus_item *q = &test->item[i];
        const char *all = guess(t, "", c, task), *type = guess(t, q->type, c, task);
        const char *text = guess(t, q->text, c, task);
        if (!type) type = all;
        if (!text) text = type;
        b->most += all && strcmp(all, q->answer) == 0;
        b->by_type += type && strcmp(type, q->answer) == 0;
        b->by_text += text && strcmp(text, q->answer) == 0;
    }
    double n = test->n ? (double)test->n : 1;
    b->most /= n, b->by_type /= n, b->by_text /= n;
}

static bool has_word(const char *text, const char *word, size_t n)
{
    for (size_t k; *text; text += k + (text[k] == ' ')) {
        k = strcspn(text, " ");
        if (k == n && memcmp(text, word, n) == 0) return true;
    }
    return false;
}

/* How many words of a stand in b, as a share of both. */
static double common(const char *a, const char *b)
{
    int n = 0, all = 0;
    for (size_t k; *a; a += k + (a[k] == ' ')) {
        k = strcspn(a, " ");
        n += has_word(b, a, k);
        all++;
    }
    for (; *b; b++) all += *b == ' ';
    return (double)n / (all + 1);
}

static int alike(const corpus_item *q)
{
    int best = 0;
    double most = -1;
    for (int i = 0; i < CORPUS_OPTIONS; i++) {
        double sum = 0;
        for (int k = 0; k < CORPUS_OPTIONS; k++)
            if (k != i) sum += common(q->option[i], q->option[k]);
        if (sum > most) most = sum, best = i;
    }
    return best;
}

violet_status corpus_measure(corpus_baseline *out, const corpus *c, int task)
{
    vl_tally t = {0};
    violet_status status = VIOLET_OK;
    const corpus_task *train = &c->set[VL_TRAIN].task[task], *test = &c->set[VL_TEST].task[task];
    *out = (corpus_baseline){0};
    if (task == CORPUS_QAMC) {
        for (size_t i = 0; i < test->n; i++)
            out->alike += alike(&test->item[i]) == test->item[i].right;
        out->chance = 1.0 / CORPUS_OPTIONS;
        if (test->n) out->alike /= (double)test->n;
        return VIOLET_OK;
    }
    int n = 0;
    while (corpus_answer(c, task, n)) n++;
    out->chance = 1.0 / n;
    for (size_t i = 0; i < train->n && status == VIOLET_OK; i++) {
        const corpus_item *q = &train->item[i];
        const char *const key[] = {"", q->type, q->text};
        for (int k = 0; k < 3 && status == VIOLET_OK; k++)
            status = vl_tally_add(&t, key[k], q->answer);
    }
    if (status == VIOLET_OK) count_right(out, &t, c, task);
    vl_tally_release(&t);
    return status;
}
