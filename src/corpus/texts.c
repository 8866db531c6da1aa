/* The annotation files, in the published formats, an entry a line. The words are this room's own
 * and hold nothing that JSON would escape. */
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "corpus/corpus_internal.h"

void vl_text_put(vl_corpus_text *t, const char *format, ...)
{
    if (t->status != VIOLET_OK) return;
    va_list ap;
    va_start(ap, format);
    t->status = vl_buf_vprintf(&t->b, format, ap);
    va_end(ap);
}

violet_status vl_corpus_write(vl_corpus *c, const char *name, vl_corpus_text *t, bool sync)
{
    char path[PATH_MAX];
    vl_out out;
    if (t->status == VIOLET_OK) t->status = vl_path_join(path, sizeof path, c->o->output, name);
    if (t->status == VIOLET_OK) t->status = vl_out_open(&out, path);
    if (t->status == VIOLET_OK) {
        t->status = vl_out_write(&out, t->b.data, t->b.n);
        if (t->status == VIOLET_OK)
            t->status = sync ? vl_out_commit(&out) : vl_out_commit_later(&out);
        vl_out_abandon(&out);
        c->hash = vl_hash(c->hash, t->b.data, t->b.n);
    }
    vl_buf_free(&t->b);
    return t->status;
}

/* txt_NAME.json, or with an addition txt_NAME-ADD.json. */
static violet_status write_text(vl_corpus *c, const char *add, vl_corpus_text *t)
{
    char name[400];
    snprintf(name, sizeof name, "txt_%s%s%s.json", c->o->name, *add ? "-" : "", add);
    return vl_corpus_write(c, name, t, false);
}

/* {split: {video: [captions]}}; of val and test one caption alone, if `one`. */
static void put_captions(vl_corpus_text *t, const vl_corpus *c, bool one)
{
    char id[VL_CORPUS_ID];
    vl_text_put(t, "{");
    for (int split = 0; split < VL_SPLITS; split++) {
        const vl_corpus_set *set = &c->set[split];
        int n = one && split != VL_TRAIN ? 1 : set->n_captions;
        vl_text_put(t, "%s\n\"%s\": {", split ? "," : "", vl_split_name((vl_split)split));
        for (size_t i = 0; i < set->n; i++) {
            vl_text_put(t, "%s\n\"%s\": [", i ? "," : "", vl_corpus_id(id, &set->scene[i]));
            for (int k = 0; k < n; k++)
                vl_text_put(t, "%s\"%s\"", k ? ", " : "",
                            set->caption[i * (size_t)set->n_captions + (size_t)k]);
            vl_text_put(t, "]");
        }
        vl_text_put(t, "}");
    }
    vl_text_put(t, "}\n");
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void put_item(vl_corpus_text *t, const vl_corpus_set *set, const vl_corpus_item *q)
{
    char id[VL_CORPUS_ID];
    vl_text_put(t, "{\"video\": \"%s\", \"type\": \"%s\", \"question\": \"%s\", ",
                vl_corpus_id(id, &set->scene[q->clip]), q->type, q->text);
    if (q->answer) {
        vl_text_put(t, "\"answer\": \"%s\"}", q->answer);
        return;
    }
    for (int k = 0; k < VL_CORPUS_OPTIONS; k++)
        vl_text_put(t, "\"option_%d\": \"%s\", ", k, q->option[k]);
    vl_text_put(t, "\"answer\": %d}", q->right);
}

/* {split: [items], "vocab": {word: number}} */
static void put_task(vl_corpus_text *t, const vl_corpus *c, int task)
{
    const char *word;
    vl_text_put(t, "{");
    for (int split = 0; split < VL_SPLITS; split++) {
        const vl_corpus_task *k = &c->set[split].task[task];
        vl_text_put(t, "%s\n\"%s\": [", split ? "," : "", vl_split_name((vl_split)split));
        for (size_t i = 0; i < k->n; i++) {
            vl_text_put(t, "%s\n", i ? "," : "");
            put_item(t, &c->set[split], &k->item[i]);
        }
        vl_text_put(t, "]");
    }
    if (task != VL_CORPUS_QAMC) {
        vl_text_put(t, ",\n\"vocab\": {");
        for (int k = 0; (word = vl_corpus_answer(c, task, k)); k++)
            vl_text_put(t, "%s\"%s\": %d", k ? ", " : "", word, k);
        vl_text_put(t, "}");
    }
    vl_text_put(t, "}\n");
}

/* ---- scenes.jsonl ---------------------------------------------------------------------------- */

static void put_object(vl_corpus_text *t, const vl_scene *s, int i)
{
    const vl_thing *o = &s->thing[i];
    vl_text_put(t, "%s{\"color\": \"%s\", \"shape\": \"%s\", \"size\": \"%s\", "
                "\"texture\": \"%s\", \"motions\": [\"%s\"", i ? ", " : "", vl_colours[o->colour].word,
                vl_shapes[o->shape].word, vl_sizes[o->size].name, vl_textures[o->texture].name,
                vl_motions[o->act[0]].name);
    if (s->plot == VL_THEN) vl_text_put(t, ", \"%s\"", vl_motions[o->act[1]].name);
    vl_text_put(t, "]}");
}

static void put_scene(vl_corpus_text *t, const vl_scene *s, const char *caption)
{
    char id[VL_CORPUS_ID];
    vl_text_put(t, "{\"video\": \"%s\", \"split\": \"%s\", \"family\": %d, \"plot\": \"%s\", ",
                vl_corpus_id(id, s), vl_split_name(s->split), s->family, vl_plots[s->plot].name);
    vl_text_put(t, "\"held_out\": %s, ", s->held_out ? "true" : "false");
    if (s->plot == VL_AFTER) vl_text_put(t, "\"first\": %d, ", s->lead);
    if (s->plot == VL_PASS)
        vl_text_put(t, "\"passes\": %d, \"where\": \"%s\", ", s->lead,
                    s->behind ? "behind" : "front");
    vl_text_put(t, "\"objects\": [");
    for (int i = 0; i < s->n; i++) put_object(t, s, i);
    vl_text_put(t, "], \"caption\": \"%s\"}\n", caption);
}

violet_status vl_corpus_write_texts(vl_corpus *c)
{
    vl_corpus_text pretrain = {0}, retrieval = {0}, tasks = {0}, scenes = {0};
    put_captions(&pretrain, c, false);
    violet_status status = write_text(c, "", &pretrain);
    if (status == VIOLET_OK) {
        put_captions(&retrieval, c, true);
        status = write_text(c, "retrieval", &retrieval);
    }
    for (int k = 0; k < VL_CORPUS_TASKS && status == VIOLET_OK; k++) {
        put_task(&tasks, c, k);
        status = write_text(c, vl_corpus_task_name(k), &tasks);
    }
    for (int split = 0; split < VL_SPLITS && status == VIOLET_OK; split++)
        for (size_t i = 0; i < c->set[split].n; i++)
            put_scene(&scenes, &c->set[split].scene[i],
                      c->set[split].caption[i * (size_t)c->set[split].n_captions]);
    if (status == VIOLET_OK) status = vl_corpus_write(c, "scenes.jsonl", &scenes, false);
    return status;
}
