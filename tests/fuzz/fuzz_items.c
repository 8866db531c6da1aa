/* libFuzzer: byte 0 says task, format and whether a split is asked for; the rest is the file. What
 * was read is then looked at in full. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(int ok)
{
    if (!ok) abort();
}

static void look_at_item(const vl_items *q, size_t i)
{
    const vl_item *x = vl_items_at(q, i);
    vl_task_kind kind = vl_items_kind(q);
    need(x->text[0] != 0 && vl_items_video(q, x->video)[0] != 0 && x->answer >= -1);
    need((x->type >= 0) == (vl_items_type(q, x->type) != NULL));
    need(kind == VL_TASK_RETRIEVAL || x->type >= 0);
    need(kind != VL_TASK_QAMC || (x->n_options >= 2 && x->answer < x->n_options));
    need(x->n_options <= vl_items_most_options(q));
    for (int k = 0; k < x->n_options; k++) need(x->option[k][0] != 0);
}

static void look(vl_items *q)
{
    vl_answers *a;
    size_t n_of = 0, n_unanswered;
    for (size_t i = 0; i < vl_items_n(q); i++) look_at_item(q, i);
    for (int k = 0; k < vl_items_n_videos(q); k++) {
        int n;
        const int *of = vl_items_of(&n, q, k);
        for (int i = 0; i < n; i++) need(vl_items_at(q, (size_t)of[i])->video == k);
        n_of += (size_t)n;
    }
    need(n_of == vl_items_n(q) && n_of > 0);
    if (vl_answers_frequent(&a, q, 3) != VIOLET_OK) return;
    need(vl_answers_n(a) >= 1 && vl_answers_n(a) <= 3);
    if (vl_items_use(q, a) == VIOLET_OK) {
        n_unanswered = vl_items_n_unanswered(q);
        need(n_unanswered < vl_items_n(q));
    }
    vl_answers_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"t.json", "t.jsonl", "t.csv", "t_test.csv"};
    vl_items *q;
    if (n == 0) return 0;
    vl_items_options o = {.kind = (vl_task_kind)(data[0] % 3),
                          .split = data[0] / 16 % 2 ? "test" : NULL};
    if (vl_items_parse(&q, &o, (const char *)data + 1, n - 1, names[data[0] / 4 % 4]) !=
        VIOLET_OK)
        return 0;
    look(q);
    vl_items_close(q);
    return 0;
}
