/* Questions: multiple choice and open-ended; see use.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/item_text.h"
#include "use/use.h"

enum { OPTIONS_MOST = 1000, CUT = 40 }; /* CUT: bytes of a text in a message */

static vl_item_coder coder_of(const violet_session *s)
{
    return (vl_item_coder){.wordpiece = s->of->wordpiece,
                           .size_txt = s->of->size_txt,
                           .cut_options = s->of->compat};
}

/* *n_whole word pieces, [CLS] and [SEP] included; EINVAL where that is all. */
static violet_status count_pieces(int *n_whole, const violet_session *s, const char *what,
                                  const char *text)
{
    int32_t ids[2];
    vl_wordpiece_encode(s->of->wordpiece, ids, 2, text, n_whole);
    return *n_whole > 2 ? VIOLET_OK
                        : vl_err(VIOLET_EINVAL, "%s has no word: '%.*s'", what, CUT, text);
}

/* ---- multiple choice ------------------------------------------------------------------------- */

static violet_status check_options(const violet_session *s, const char *const *options, int n)
{
    char what[40];
    int n_whole, X = s->of->size_txt;
    if (n < 2 || n > OPTIONS_MOST)
        return vl_err(VIOLET_EINVAL, "%d option%s, expected 2 to %d", n, n == 1 ? "" : "s",
                      OPTIONS_MOST);
    for (int i = 0; i < n; i++) {
        snprintf(what, sizeof what, "option %d", i + 1);
        violet_status status = count_pieces(&n_whole, s, what, options[i]);
        if (status != VIOLET_OK) return status;
        if (n_whole > X && !s->of->compat)
            return vl_err(VIOLET_EINVAL, "%s has %d word pieces, the model reads %d (size_txt %d): "
                          "'%.*s...'", what, n_whole - 2, X - 2, X, CUT, options[i]);
        for (int k = 0; k < i; k++)
            if (strcmp(options[i], options[k]) == 0)
                return vl_err(VIOLET_EINVAL, "options %d and %d are the same: '%.*s'", k + 1, i + 1,
                              CUT, options[i]);
    }
    return VIOLET_OK;
}

static violet_status encode_options(int *ids, violet_session *s, const char *question,
                                    const char *const *options, int n)
{
    const vl_item_coder coder = coder_of(s);
    const vl_item item = {.text = question, .option = options, .n_options = n};
    vl_item_facts facts;
    int *n_text = malloc((size_t)n * sizeof *n_text);
    if (!n_text) return vl_err_nomem();
    violet_status status =
        vl_item_encode_one(ids, n_text, &facts, &coder, VL_TASK_QAMC, n, &item, &s->work);
    if (status == VIOLET_OK && facts.shortened)
        status = vl_use_note(s, "the question was shortened: the model reads %d word pieces, with "
                                "the longest option it is longer%s", coder.size_txt - 2,
                             s->of->compat ? "; so may options be, as published" : "");
    free(n_text);
    return status;
}

violet_status violet_choose(float *score, violet_session *s, const violet_video *video,
                            const char *question, const char *const *options, int n)
{
    vl_features *x = NULL;
    int n_whole, *ids = NULL;
    vl_buf_clear(&s->notes);
    violet_status status = vl_use_need(s->of, VL_HEAD_MATCH, "choose between options");
    if (status == VIOLET_OK) status = count_pieces(&n_whole, s, "the question", question);
    if (status == VIOLET_OK) status = check_options(s, options, n);
    if (status != VIOLET_OK) return status;
    ids = malloc((size_t)n * (size_t)s->of->size_txt * sizeof *ids);
    status = ids ? encode_options(ids, s, question, options, n) : vl_err_nomem();
    if (status == VIOLET_OK && video) status = vl_use_encode(&x, s, ids, NULL, n);
    if (status == VIOLET_OK && video) status = vl_use_pairs(score, s, &video, 1, x);
    vl_features_close(x);
    free(ids);
    return status;
}

/* ---- open-ended ------------------------------------------------------------------------------ */

static violet_status check_answers(const violet_model *m)
{
    violet_status status = vl_use_need(m, VL_HEAD_ANSWER, "answer a question without options");
    if (status != VIOLET_OK || m->answers) return status;
    return vl_err(VIOLET_EINVAL, "%s: has %d classes of answers, but not their words: option "
                  "answers can name a file that lists them", m->path, m->n_classes);
}

/* ids (X); *at: the blank, if a blank is what is answered. */
static violet_status encode_question(int *ids, int *at, violet_session *s, const char *question)
{
    const vl_item_coder coder = coder_of(s);
    vl_buf text = {0};
    vl_item_facts facts;
    int n_text, n_blanks, n_whole;
    bool fill = strcmp(s->of->type, "fib") == 0;
    *at = 0;
    violet_status status = count_pieces(&n_whole, s, "the question", question);
    if (status == VIOLET_OK) status = vl_blank_mark(&text, &n_blanks, question);
    if (status == VIOLET_OK && n_blanks > 1)
        status = vl_err(VIOLET_EINVAL, "the question has %d blanks, expected one", n_blanks);
    if (status == VIOLET_OK && fill && n_blanks == 0)
        status = vl_err(VIOLET_EINVAL, "%s fills in blanks: the question has none, ___ or [MASK]",
                        s->of->path);
    const vl_item item = {.text = text.data};
    if (status == VIOLET_OK)
        status = vl_item_encode_one(ids, &n_text, &facts, &coder, VL_TASK_QAOE, 1, &item, &s->work);
    if (status == VIOLET_OK && fill && facts.blank > 0) *at = facts.blank;
    if (status == VIOLET_OK && facts.shortened)
        status = vl_use_note(s, "the question was shortened: the model reads %d word pieces, this "
                                "is longer", coder.size_txt - 2);
    vl_buf_free(&text);
    return status;
}

/* The best of the classes that have words; shares are of all classes, as in training. */
static void pick(violet_answer *best, int n, const violet_model *m, const float *score,
                 vl_use_ranked *list)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < m->n_classes; i++) most = fmax(most, (double)score[i]);
    for (int i = 0; i < m->n_classes; i++) sum += exp((double)score[i] - most);
    for (int i = 0; i < vl_answers_n(m->answers); i++) list[i] = (vl_use_ranked){score[i], i};
    vl_use_rank(list, vl_answers_n(m->answers));
    for (int i = 0; i < n; i++)
        best[i] = (violet_answer){vl_answers_word(m->answers, list[i].of),
                                  (float)(exp((double)list[i].score - most) / sum)};
}

violet_status violet_ask(violet_answer *best, int *n, violet_session *s, const violet_video *video,
                         const char *question)
{
    const violet_model *m = s->of;
    vl_features *x = NULL;
    int at;
    vl_buf_clear(&s->notes);
    violet_status status = check_answers(m);
    if (status != VIOLET_OK) return status;
    int *ids = malloc((size_t)m->size_txt * sizeof *ids);
    float *score = malloc((size_t)m->n_classes * sizeof *score);
    vl_use_ranked *list = malloc((size_t)m->n_classes * sizeof *list);
    status = ids && score && list ? encode_question(ids, &at, s, question) : vl_err_nomem();
    if (status == VIOLET_OK && video) status = vl_use_encode(&x, s, ids, &at, 1);
    if (status == VIOLET_OK && video) status = vl_use_pairs(score, s, &video, 1, x);
    if (status == VIOLET_OK && *n > vl_answers_n(m->answers)) *n = vl_answers_n(m->answers);
    if (status == VIOLET_OK && video) pick(best, *n, m, score, list);
    vl_features_close(x);
    free(ids);
    free(score);
    free(list);
    return status;
}
