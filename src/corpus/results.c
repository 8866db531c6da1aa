/* corpus.json, and what is told in the end: the numbers that a model is to be measured against. */
#include <inttypes.h>
#include <stdio.h>

#include "base/progress.h"
#include "corpus/baseline.h"
#include "media/video_write.h"

static const char *codec_name(const vl_corpus_options *o)
{
    return vl_video_codec_found((vl_video_codec)o->codec) == VL_CODEC_H264 ? "h264" : "mpeg4";
}

void corpus_put_parameters(corpus_text *t, const corpus *c)
{
    const vl_corpus_options *o = c->o;
    text_put(t, "{\n\"violet\": \"make-corpus\",\n\"world\": %d,\n\"name\": \"%s\",\n",
             VL_WORLD_VERSION, o->name);
    text_put(t, "\"seed\": %" PRId64 ",\n", o->seed);
    for (int i = 0; i < VL_SPLITS; i++)
        text_put(t, "\"%s\": %zu,\n", vl_split_name((vl_split)i), c->set[i].n);
    text_put(t, "\"size\": %d,\n\"frames\": %d,\n\"fps\": %d,\n\"codec\": \"%s\"", o->size,
             o->frames, o->fps, codec_name(o));
}

/* ---- numbers --------------------------------------------------------------------------------- */

typedef struct numbers {
    corpus_baseline task[CORPUS_TASKS];
    double recall[3]; /* chance of 1, 5, 10 */
    size_t n_held;    /* test clips with a held-out pair */
} numbers;

static const int ranks[3] = {1, 5, 10};

static violet_status measure(numbers *out, const corpus *c)
{
    const corpus_set *test = &c->set[VL_TEST];
    violet_status status = VIOLET_OK;
    *out = (numbers){.n_held = 0};
    for (int k = 0; k < CORPUS_TASKS && status == VIOLET_OK; k++)
        status = corpus_measure(&out->task[k], c, k);
    for (int k = 0; k < 3; k++)
        out->recall[k] = (size_t)ranks[k] < test->n ? (double)ranks[k] / (double)test->n : 1;
    for (size_t i = 0; i < test->n; i++) out->n_held += test->scene[i].held_out;
    return status;
}

static void put_counts(corpus_text *t, const corpus *c)
{
    text_put(t, ",\n\"items\": {");
    for (int i = 0; i < VL_SPLITS; i++) {
        const corpus_set *set = &c->set[i];
        text_put(t, "%s\"%s\": {\"captions\": %zu", i ? ", " : "", vl_split_name((vl_split)i),
                 set->n * (size_t)set->n_captions);
        for (int k = 0; k < CORPUS_TASKS; k++)
            text_put(t, ", \"%s\": %zu", corpus_task_name(k), set->task[k].n);
        text_put(t, "}");
    }
    text_put(t, "}");
}

static void put_held(corpus_text *t, const corpus *c, const numbers *x)
{
    text_put(t, ",\n\"held_out\": {");
    for (int k = 0; k < VL_COLOURS; k++)
        text_put(t, "%s\"%s\": \"%s\"", k ? ", " : "", vl_colours[k].word,
                 vl_motions[c->rules.held[k]].name);
    text_put(t, "},\n\"test_held_out\": %zu", x->n_held);
}

static void put_numbers(corpus_text *t, const numbers *x)
{
    text_put(t, ",\n\"chance\": {");
    for (int k = 0; k < 3; k++) text_put(t, "\"recall_%d\": %.4f, ", ranks[k], x->recall[k]);
    for (int k = 0; k < CORPUS_TASKS; k++)
        text_put(t, "%s\"%s\": %.4f", k ? ", " : "", corpus_task_name(k), x->task[k].chance);
    text_put(t, "},\n\"text_only\": {");
    for (int k = 0; k < CORPUS_TASKS; k++) {
        const corpus_baseline *b = &x->task[k];
        text_put(t, "%s\"%s\": {", k ? ", " : "", corpus_task_name(k));
        if (k == CORPUS_QAMC)
            text_put(t, "\"most_like_the_others\": %.4f}", b->alike);
        else
            text_put(t, "\"most_frequent\": %.4f, \"by_type\": %.4f, \"by_question\": %.4f}",
                     b->most, b->by_type, b->by_text);
    }
    text_put(t, "}");
}

/* ---- in words -------------------------------------------------------------------------------- */

/* What all commands of the corpus have in common. */
static void tell_command(const corpus *c, const char *command, const char *task)
{
    const char *dir = c->o->output, *name = c->o->name;
    char of_task[300] = "";
    if (*task)
        snprintf(of_task, sizeof of_task, " --type %s --task %s-%s", task, name, task);
    vl_tell(c->hooks, VIOLET_EVENT_MESSAGE,
            "  violet %s%s --data %s --dataset %s --videos %s/videos --config tiny --size-img 64 "
            "--size-txt 32 --size-frame 4 --output run%s%s", command, of_task, dir, name, dir,
            *task ? "-" : "", task);
}

static void tell(const corpus *c, const numbers *x)
{
    const corpus_baseline *b = x->task;
    const violet_hooks *h = c->hooks;
    const violet_event_kind say = VIOLET_EVENT_MESSAGE;
    vl_tell(h, say, "%s: %zu test clips, %zu of them with a color and a motion that training never "
            "sees together", c->o->output, c->set[VL_TEST].n, x->n_held);
    vl_tell(h, say, "chance: recall at 1 %.1f%%, at 10 %.1f%%; questions %.1f%%, blanks %.1f%%, "
            "multiple choice %.1f%%", 100 * x->recall[0], 100 * x->recall[2],
            100 * b[CORPUS_QAOE].chance, 100 * b[CORPUS_FIB].chance, 100 * b[CORPUS_QAMC].chance);
    vl_tell(h, say, "text alone: questions %.1f%% (by type %.1f%%, by wording %.1f%%), blanks "
            "%.1f%%, multiple choice %.1f%%", 100 * b[CORPUS_QAOE].most,
            100 * b[CORPUS_QAOE].by_type, 100 * b[CORPUS_QAOE].by_text,
            100 * b[CORPUS_FIB].by_text, 100 * b[CORPUS_QAMC].alike);
    vl_tell(h, say, "next:");
    tell_command(c, "pretrain", "");
    tell_command(c, "finetune", "retrieval");
    tell_command(c, "finetune", "qaoe");
}

violet_status corpus_write_results(corpus *c)
{
    corpus_text t = {0};
    numbers x;
    uint64_t hash = c->hash;
    violet_status status = measure(&x, c);
    if (status != VIOLET_OK) return status;
    corpus_put_parameters(&t, c);
    put_counts(&t, c);
    put_held(&t, c, &x);
    put_numbers(&t, &x);
    text_put(&t, ",\n\"hash\": \"%016" PRIx64 "\"\n}\n", hash);
    status = corpus_write(c, "corpus.json", &t);
    if (status == VIOLET_OK) tell(c, &x);
    return status;
}
