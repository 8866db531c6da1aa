/* Items: checking entries, keeping them, lists over them; see items.h. */
#include "data/items.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/grow.h"
#include "data/item_text.h"
#include "data/items_internal.h"
#include "media/video.h"

/* ---- entries --------------------------------------------------------------------------------- */

int vl_entry_option(const char *name)
{
    char *end;
    if (strncmp(name, "option_", 7) != 0 || !isdigit((unsigned char)name[7])) return -1;
    if (name[7] == '0' && name[8]) return -1;
    errno = 0;
    long k = strtol(name + 7, &end, 10);
    return *end || errno || k >= INT_MAX ? -1 : (int)k;
}

void vl_entry_clear(vl_entry *e)
{
    *e = (vl_entry){.caption = e->caption,
                    .option = e->option,
                    .cap_captions = e->cap_captions,
                    .cap_options = e->cap_options};
}

violet_status vl_items_err_at(violet_status status, const vl_items_reader *r, size_t line)
{
    char place[40] = "";
    if (line) snprintf(place, sizeof place, " line %zu", line);
    return vl_err_at(status, "%s%s: %s entry %zu", r->path, place,
                     r->o->split ? r->o->split : "the", r->n_entries);
}

static bool is_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == 0;
}

/* An answer's kind and range, so far as the entry alone tells. */
static violet_status check_answer(const vl_entry *e, vl_task_kind kind)
{
    int64_t most = kind == VL_TASK_QAMC ? e->n_options - 1 : INT_MAX;
    if (e->answer_is == VL_ANSWER_NONE) return vl_err(VIOLET_EFORMAT, "answer: not there");
    if (e->answer_is == VL_ANSWER_WORD) {
        if (kind == VL_TASK_QAMC)
            return vl_err(VIOLET_EFORMAT, "answer: expected an option's number, found '%.100s'",
                          e->word);
        return e->word[0] ? VIOLET_OK : vl_err(VIOLET_EFORMAT, "answer: empty");
    }
    if (e->number < -1 || e->number > most)
        return vl_err(VIOLET_EFORMAT, "answer: %lld, expected a number from -1 to %lld",
                      (long long)e->number, (long long)most);
    return VIOLET_OK;
}

static violet_status check_entry(const vl_entry *e, vl_task_kind kind)
{
    if (is_blank(e->video))
        return vl_err(VIOLET_EFORMAT, e->video ? "video: empty" : "video: not there");
    if (kind == VL_TASK_RETRIEVAL) {
        if (!e->n_captions) return vl_err(VIOLET_EFORMAT, "caption: not there");
        for (int i = 0; i < e->n_captions; i++)
            if (is_blank(e->caption[i])) return vl_err(VIOLET_EFORMAT, "caption %d: empty", i);
        return VIOLET_OK;
    }
    if (is_blank(e->question))
        return vl_err(VIOLET_EFORMAT, e->question ? "question: empty" : "question: not there");
    if (kind == VL_TASK_QAMC && e->n_options < 2)
        return vl_err(VIOLET_EFORMAT, "option_%d: not there, expected two options or more",
                      e->n_options);
    for (int i = 0; i < e->n_options; i++)
        if (is_blank(e->option[i])) return vl_err(VIOLET_EFORMAT, "option_%d: empty", i);
    return check_answer(e, kind);
}

/* ---- keeping --------------------------------------------------------------------------------- */

static violet_status number_of(int *number, vl_names *list, vl_strings *strings, const char *name)
{
    size_t n = strlen(name);
    uint32_t k;
    if (vl_index_find(&list->index, &k, name, n)) {
        *number = (int)k;
        return VIOLET_OK;
    }
    if (list->n == INT_MAX) return vl_err(VIOLET_EUNSUPPORTED, "more than %d videos", INT_MAX);
    violet_status status =
        vl_grow(&list->name, &list->cap, (size_t)list->n, sizeof *list->name, 8);
    if (status != VIOLET_OK) return status;
    const char *kept = vl_strings_keep(strings, name, n);
    if (!kept) return vl_err_nomem();
    k = (uint32_t)list->n;
    if ((status = vl_index_add(&list->index, &k, kept, n)) != VIOLET_OK) return status;
    list->name[list->n] = kept;
    *number = list->n++;
    return VIOLET_OK;
}

/* As number_of; "clip" and "clip.mp4" are one video, "clip.mp4" and "clip.avi" are two. */
static violet_status video_of(int *number, vl_items *q, const char *name)
{
    size_t n = strlen(name), m = vl_video_without_ending(name, n);
    const vl_string_index *other = m < n ? &q->videos.index : &q->stems;
    uint32_t k;
    if (!vl_index_find(&q->videos.index, &k, name, n) && vl_index_find(other, &k, name, m)) {
        *number = (int)k;
        return VIOLET_OK;
    }
    violet_status status = number_of(number, &q->videos, &q->strings, name);
    if (status != VIOLET_OK || m == n) return status;
    k = (uint32_t)*number;
    return vl_index_add(&q->stems, &k, q->videos.name[*number], m);
}

/* A copy in which the blank is [MASK], of which there may be one. */
static violet_status keep_question(const char **out, bool *blank, vl_strings *strings,
                                   const char *text)
{
    int n_blanks = 0;
    vl_buf b = {0};
    violet_status status = vl_blank_mark(&b, &n_blanks, text);
    if (status == VIOLET_OK && !(*out = vl_strings_keep(strings, b.data, b.n)))
        status = vl_err_nomem();
    vl_buf_free(&b);
    *blank = n_blanks > 0;
    if (status == VIOLET_OK && n_blanks > 1)
        return vl_err(VIOLET_EFORMAT, "question: %d blanks, expected one", n_blanks);
    return status;
}

/* Of a question whose file does not say its type. */
static const char *type_of(const char *text, bool blank)
{
    static const char *const first[] = {"what", "who", "how",   "when", "where",
                                        "why", "which", "whose", "whom"};
    char word[8];
    size_t n = 0;
    if (blank) return "blank";
    while (*text && !isalpha((unsigned char)*text)) text++;
    for (; isalpha((unsigned char)text[n]) && n < sizeof word - 1; n++)
        word[n] = (char)tolower((unsigned char)text[n]);
    word[n] = 0;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (strcmp(word, first[i]) == 0) return first[i];
    return "other";
}

static violet_status keep_options(vl_item *x, vl_items *q, const vl_entry *e)
{
    const char **list = vl_strings_take(&q->strings, (size_t)e->n_options * sizeof *list);
    if (!list) return vl_err_nomem();
    for (int i = 0; i < e->n_options; i++)
        if (!(list[i] = vl_strings_keep(&q->strings, e->option[i], strlen(e->option[i]))))
            return vl_err_nomem();
    x->option = list;
    x->n_options = e->n_options;
    if (q->most_options < e->n_options) q->most_options = e->n_options;
    return VIOLET_OK;
}

static violet_status keep_answer(vl_item *x, vl_items *q, const vl_entry *e)
{
    x->answer = e->answer_is == VL_ANSWER_NUMBER ? (int)e->number : -1;
    if (e->answer_is == VL_ANSWER_WORD &&
        !(x->word = vl_strings_keep(&q->strings, e->word, strlen(e->word))))
        return vl_err_nomem();
    return VIOLET_OK;
}

static violet_status append(vl_items *q, const vl_item *x)
{
    if (q->n == INT_MAX) return vl_err(VIOLET_EUNSUPPORTED, "more than %d items", INT_MAX);
    violet_status status = vl_grow(&q->item, &q->cap, q->n, sizeof *q->item, 256);
    if (status == VIOLET_OK) q->item[q->n++] = *x;
    return status;
}

static violet_status keep_captions(vl_items *q, vl_item *x, const vl_entry *e)
{
    violet_status status = VIOLET_OK;
    for (int i = 0; i < e->n_captions && status == VIOLET_OK; i++) {
        x->text = vl_strings_keep(&q->strings, e->caption[i], strlen(e->caption[i]));
        status = x->text ? append(q, x) : vl_err_nomem();
    }
    return status;
}

static violet_status keep_entry(vl_items *q, const vl_entry *e, size_t number)
{
    vl_item x = {.answer = -1, .type = -1, .entry = number};
    bool blank = false;
    violet_status status = video_of(&x.video, q, e->video);
    if (status != VIOLET_OK) return status;
    if (q->kind == VL_TASK_QAOE)
        status = keep_question(&x.text, &blank, &q->strings, e->question);
    else if (q->kind == VL_TASK_QAMC &&
             !(x.text = vl_strings_keep(&q->strings, e->question, strlen(e->question))))
        status = vl_err_nomem();
    const char *type = is_blank(e->type) ? NULL : e->type;
    if (!type && q->kind != VL_TASK_RETRIEVAL) type = type_of(e->question, blank);
    if (status == VIOLET_OK && type) status = number_of(&x.type, &q->types, &q->strings, type);
    if (status != VIOLET_OK) return status;
    if (q->kind == VL_TASK_RETRIEVAL) return keep_captions(q, &x, e);
    if (q->kind == VL_TASK_QAMC) status = keep_options(&x, q, e);
    if (status == VIOLET_OK) status = keep_answer(&x, q, e);
    return status == VIOLET_OK ? append(q, &x) : status;
}

bool vl_items_is_other(const vl_items_reader *r)
{
    return r->entry.split && r->o->split && strcmp(r->entry.split, r->o->split) != 0;
}

violet_status vl_items_take(vl_items_reader *r)
{
    const vl_entry *e = &r->entry;
    r->named |= e->split != NULL;
    if (r->named && r->any)
        return vl_err(VIOLET_EFORMAT, "split: '%.60s', but entries before have none", e->split);
    if (vl_items_is_other(r)) return VIOLET_OK;
    if (!e->split && !r->whole && (!r->o->any || r->named))
        return vl_err(VIOLET_EFORMAT, "split: not there");
    r->any |= !e->split && !r->whole;
    r->has = true;
    if (!r->q) return VIOLET_OK;
    violet_status status = check_entry(e, r->o->kind);
    if (status == VIOLET_OK) status = keep_entry(r->q, e, r->n_entries);
    if (status == VIOLET_OK) r->n_entries++;
    return status;
}

/* ---- what the handle tells ------------------------------------------------------------------- */

const char *vl_items_path(const vl_items *q)
{
    return q->path;
}

bool vl_items_any(const vl_items *q)
{
    return q->any;
}

vl_task_kind vl_items_kind(const vl_items *q)
{
    return q->kind;
}

size_t vl_items_n(const vl_items *q)
{
    return q->n;
}

const vl_item *vl_items_at(const vl_items *q, size_t i)
{
    return i < q->n ? &q->item[i] : NULL;
}

int vl_items_most_options(const vl_items *q)
{
    return q->most_options;
}

size_t vl_items_n_unanswered(const vl_items *q)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n; i++) n += q->item[i].answer < 0;
    return n;
}

int vl_items_n_videos(const vl_items *q)
{
    return q->videos.n;
}

const char *vl_items_video(const vl_items *q, int video)
{
    return video >= 0 && video < q->videos.n ? q->videos.name[video] : NULL;
}

const int *vl_items_of(int *n, const vl_items *q, int video)
{
    *n = (int)(q->of.first[video + 1] - q->of.first[video]);
    return q->of.of + q->of.first[video];
}

bool vl_items_is_last(const vl_items *q, size_t i)
{
    int n;
    const int *of = vl_items_of(&n, q, q->item[i].video);
    return of[n - 1] == (int)i;
}

int vl_items_n_types(const vl_items *q)
{
    return q->types.n;
}

const char *vl_items_type(const vl_items *q, int type)
{
    return type >= 0 && type < q->types.n ? q->types.name[type] : NULL;
}

const vl_answers *vl_items_vocab(const vl_items *q)
{
    return q->vocab;
}

violet_status vl_items_use(vl_items *q, const vl_answers *a)
{
    int n = vl_answers_n(a);
    for (size_t i = 0; i < q->n; i++)
        if (!q->item[i].word && q->item[i].answer >= n)
            return vl_err(VIOLET_EFORMAT, "%s: entry %zu: answer: %d, the list has %d", q->path,
                          q->item[i].entry, q->item[i].answer, n);
    for (size_t i = 0; i < q->n; i++)
        if (q->item[i].word) q->item[i].answer = vl_answers_find(a, q->item[i].word);
    return VIOLET_OK;
}
