/* Clips by number, items of the tasks, their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "corpus/corpus_internal.h"
#include "corpus/questions.h"

size_t vl_corpus_n(const vl_corpus *c)
{
    return c->set[VL_TRAIN].n + c->set[VL_VAL].n + c->set[VL_TEST].n;
}

const vl_scene *vl_corpus_clip(const vl_corpus *c, size_t i)
{
    int split = 0;
    while (split < VL_SPLITS && i >= c->set[split].n) i -= c->set[split++].n;
    return split < VL_SPLITS ? &c->set[split].scene[i] : NULL;
}

const char *vl_corpus_id(char id[VL_CORPUS_ID], const vl_scene *s)
{
    snprintf(id, VL_CORPUS_ID, "%s_%05d", vl_split_name(s->split), s->number);
    return id;
}

const char *vl_corpus_task_name(int task)
{
    static const char *const name[VL_CORPUS_TASKS] = {"qaoe", "qamc", "fib"};
    return name[task];
}

const char *vl_corpus_answer(const vl_corpus *c, int task, int k)
{
    const char *type;
    (void)c;
    return task == VL_CORPUS_QAOE ? vl_answer_word(k) : vl_corpus_blank(&type, k);
}

violet_status vl_corpus_add(vl_corpus *c, vl_corpus_task *t, const vl_corpus_item *item)
{
    violet_status status = vl_grow(&t->item, &t->cap, t->n, sizeof *t->item, 256);
    if (status != VIOLET_OK) return status;
    const char *text = vl_strings_keep(&c->strings, item->text, strlen(item->text));
    if (!text) return vl_err_nomem();
    t->item[t->n] = *item;
    t->item[t->n++].text = text;
    return VIOLET_OK;
}

void vl_corpus_release(vl_corpus *c)
{
    for (int i = 0; i < VL_SPLITS; i++) {
        free(c->set[i].scene);
        free(c->set[i].caption);
        for (int k = 0; k < VL_CORPUS_TASKS; k++) free(c->set[i].task[k].item);
    }
    vl_strings_release(&c->strings);
}
