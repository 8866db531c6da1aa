/* Clips by number, items of the tasks, their names. */
#include <stdio.h>
#include <string.h>

#include "base/grow.h"
#include "corpus/corpus_internal.h"
#include "corpus/questions.h"

size_t corpus_n(const corpus *c)
{
    return c->set[VL_TRAIN].n + c->set[VL_VAL].n + c->set[VL_TEST].n;
}

const vl_scene *corpus_clip(const corpus *c, size_t i)
{
    int split = 0;
    while (split < VL_SPLITS && i >= c->set[split].n) i -= c->set[split++].n;
    return split < VL_SPLITS ? &c->set[split].scene[i] : NULL;
}

const char *corpus_id(char id[CORPUS_ID], const vl_scene *s)
{
    snprintf(id, CORPUS_ID, "%s_%05d", vl_split_name(s->split), s->number);
    return id;
}

const char *corpus_task_name(int task)
{
    static const char *const name[CORPUS_TASKS] = {"qaoe", "qamc", "fib"};
    return name[task];
}

const char *corpus_answer(const corpus *c, int task, int k)
{
    const char *type;
    (void)c;
    return task == CORPUS_QAOE ? vl_answer_word(k) : corpus_blank(&type, k);
}

violet_status corpus_add(corpus *c, corpus_task *t, const corpus_item *item)
{
    violet_status status = vl_grow(&t->item, &t->cap, t->n, sizeof *t->item, 256);
    if (status != VIOLET_OK) return status;
    const char *text = vl_strings_keep(&c->strings, item->text, strlen(item->text));
    if (!text) return vl_err_nomem();
    t->item[t->n] = *item;
    t->item[t->n++].text = text;
    return VIOLET_OK;
}
