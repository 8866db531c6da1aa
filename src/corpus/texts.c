/* The annotation files, in the published formats, an entry a line. The words are this room's own
 * and hold nothing that JSON would escape. */
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "corpus/corpus_internal.h"

void text_put(corpus_text *t, const char *format, ...)
{
    if (t->status != VIOLET_OK) return;
    va_list ap;
    va_start(ap, format);
    t->status = vl_buf_vprintf(&t->b, format, ap);
    va_end(ap);
}

violet_status corpus_write(corpus *c, const char *name, corpus_text *t)
{
    char path[PATH_MAX];
    vl_out out;
    if (t->status == VIOLET_OK) t->status = vl_path_join(path, sizeof path, c->o->output, name);
    if (t->status == VIOLET_OK) t->status = vl_out_open(&out, path);
    if (t->status == VIOLET_OK) {
        t->status = vl_out_write(&out, t->b.data, t->b.n);
        if (t->status == VIOLET_OK) t->status = vl_out_commit(&out);
        vl_out_abandon(&out);
        c->hash = vl_hash(c->hash, t->b.data, t->b.n);
    }
    vl_buf_free(&t->b);
    return t->status;
}

/* txt_NAME.json, or with an addition txt_NAME-ADD.json. */
static violet_status write_text(corpus *c, const char *add, corpus_text *t)
{
    char name[400];
    snprintf(name, sizeof name, "txt_%s%s%s.json", c->o->name, *add ? "-" : "", add);
    return corpus_write(c, name, t);
}

/* {split: {video: [captions]}}; of val and test one caption alone, if `one`. */
static void put_captions(corpus_text *t, const corpus *c, bool one)
{
    char id[CORPUS_ID];
    text_put(t, "{");
    for (int split = 0; split < VL_SPLITS; split++) {
        const corpus_set *set = &c->set[split];
        int n = one && split != VL_TRAIN ? 1 : set->n_captions;
        text_put(t, "%s\n\"%s\": {", split ? "," : "", vl_split_name((vl_split)split));
        for (size_t i = 0; i < set->n; i++) {
            text_put(t, "%s\n\"%s\": [", i ? "," : "", corpus_id(id, &set->scene[i]));
            for (int k = 0; k < n; k++)
                text_put(t, "%s\"%s\"", k ? ", " : "",
                         set->caption[i * (size_t)set->n_captions + (size_t)k]);
            text_put(t, "]");
        }
        text_put(t, "}");
    }
    text_put(t, "}\n");
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void put_item(corpus_text *t, const corpus_set *set, const corpus_item *q)
{
    char id[CORPUS_ID];
    text_put(t, "{\"video\": \"%s\", \"type\": \"%s\", \"question\": \"%s\", ",
             corpus_id(id, &set->scene[q->clip]), q->type, q->text);
    if (q->answer) {
        text_put(t, "\"answer\": \"%s\"}", q->answer);
        return;
    }
    for (int k = 0; k < CORPUS_OPTIONS; k++)
        text_put(t, "\"option_%d\": \"%s\", ", k, q->option[k]);
    text_put(t, "\"answer\": %d}", q->right);
}

/* {split: [items], "vocab": {word: number}} */
static void put_task(corpus_text *t, const corpus *c, int task)
{
    const char *word;
    text_put(t, "{");
    for (int split = 0; split < VL_SPLITS; split++) {
        const corpus_task *k = &c->set[split].task[task];
        text_put(t, "%s\n\"%s\": [", split ? "," : "", vl_split_name((vl_split)split));
        for (size_t i = 0; i < k->n; i++) {
            text_put(t, "%s\n", i ? "," : "");
            put_item(t, &c->set[split], &k->item[i]);
        }
        text_put(t, "]");
    }
    if (task != CORPUS_QAMC) {
        text_put(t, ",\n\"vocab\": {");
        for (int k = 0; (word = corpus_answer(c, task, k)); k++)
            text_put(t, "%s\"%s\": %d", k ? ", " : "", word, k);
        text_put(t, "}");
    }
    text_put(t, "}\n");
}

/* ---- scenes.jsonl ---------------------------------------------------------------------------- */

static void put_object(corpus_text *t, const vl_scene *s, int i)
{
    const vl_thing *o = &s->thing[i];
    text_put(t, "%s{\"color\": \"%s\", \"shape\": \"%s\", \"size\": \"%s\", \"texture\": \"%s\", "
             "\"motions\": [\"%s\"", i ? ", " : "", vl_colours[o->colour].word,
             vl_shapes[o->shape].word, vl_sizes[o->size].name, vl_textures[o->texture].name,
             vl_motions[o->act[0]].name);
    if (s->plot == VL_THEN) text_put(t, ", \"%s\"", vl_motions[o->act[1]].name);
    text_put(t, "]}");
}

static void put_scene(corpus_text *t, const vl_scene *s, const char *caption)
{
    char id[CORPUS_ID];
    text_put(t, "{\"video\": \"%s\", \"split\": \"%s\", \"family\": %d, \"plot\": \"%s\", ",
             corpus_id(id, s), vl_split_name(s->split), s->family, vl_plots[s->plot].name);
    text_put(t, "\"held_out\": %s, ", s->held_out ? "true" : "false");
    if (s->plot == VL_AFTER) text_put(t, "\"first\": %d, ", s->lead);
    if (s->plot == VL_PASS)
        text_put(t, "\"passes\": %d, \"where\": \"%s\", ", s->lead, s->behind ? "behind" : "front");
    text_put(t, "\"objects\": [");
    for (int i = 0; i < s->n; i++) put_object(t, s, i);
    text_put(t, "], \"caption\": \"%s\"}\n", caption);
}

violet_status corpus_write_texts(corpus *c)
{
    corpus_text pretrain = {0}, retrieval = {0}, tasks = {0}, scenes = {0};
    put_captions(&pretrain, c, false);
    violet_status status = write_text(c, "", &pretrain);
    if (status == VIOLET_OK) {
        put_captions(&retrieval, c, true);
        status = write_text(c, "retrieval", &retrieval);
    }
    for (int k = 0; k < CORPUS_TASKS && status == VIOLET_OK; k++) {
        put_task(&tasks, c, k);
        status = write_text(c, corpus_task_name(k), &tasks);
    }
    for (int split = 0; split < VL_SPLITS && status == VIOLET_OK; split++)
        for (size_t i = 0; i < c->set[split].n; i++)
            put_scene(&scenes, &c->set[split].scene[i],
                      c->set[split].caption[i * (size_t)c->set[split].n_captions]);
    if (status == VIOLET_OK) status = corpus_write(c, "scenes.jsonl", &scenes);
    return status;
}
