/* What all fine-tuning has in common: items and answers, a batch, what checkpoints say of
 * themselves. See finetune.h; what costs: finetune_cost.c; the test: finetune_test.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/str.h"
#include "model/checkpoint.h"
#include "model/tuned.h"
#include "task/finetune_internal.h"
#include "task/metric.h"
#include "train/run_folder.h"

#define CLASSES 1000 /* of open-ended answers, where nothing else says how many */

/* ---- items and answers ----------------------------------------------------------------------- */

violet_status finetune_open(vl_run *r)
{
    finetune *f = r->own;
    f->compat = r->o->compat == VL_COMPAT_VIOLET1;
    r->patience = f->o->patience;
    if (!vl_str_given(f->o->task) && !vl_str_given(f->o->items))
        return vl_err(VIOLET_EINVAL, "neither 'task' nor 'items' says where the items are");
    if (!vl_str_given(r->o->dataset))
        return vl_err(VIOLET_EINVAL, "'dataset' does not say where the pictures are");
    if (r->o->contrastive > 0 && f->task != &vl_retrieval)
        return vl_err(VIOLET_EINVAL,
                      "contrastive: '%s' has no captions of whole videos, only retrieval has",
                      f->task->type);
    if (r->o->size_batch < f->kind->least_batch)
        return vl_err(VIOLET_EINVAL,
                      "size_batch %d: '%s' tells the samples of a batch apart, it "
                      "needs %d at least",
                      r->o->size_batch, f->task->type, f->kind->least_batch);
    return VIOLET_OK;
}

/* The list of answers: the option's, the file's, or the most frequent of the training split. */
static violet_status find_answers(vl_run *r, vl_items *q)
{
    finetune *f = r->own;
    const char *path = vl_str_given(r->o->answers);
    const vl_answers *own = vl_items_vocab(q);
    int most = f->o->size_vocab, n = own ? vl_answers_n(own) : 0;
    violet_status status;
    if (path) {
        status = vl_answers_read(&f->answers, path);
        if (status != VIOLET_OK) return status;
    } else if (own) {
        const char **word = calloc((size_t)n + 1, sizeof *word);
        if (!word) return vl_err_nomem();
        for (int i = 0; i < n; i++) word[i] = vl_answers_word(own, i);
        status = vl_answers_new(&f->answers, word, (size_t)n);
        free(word);
    } else {
        status = vl_answers_frequent(&f->answers, q, (size_t)(most ? most : CLASSES));
    }
    if (status != VIOLET_OK) return vl_err_at(status, "%s", vl_items_path(q));
    n = vl_answers_n(f->answers);
    if (most && n > most)
        return vl_err(VIOLET_EINVAL, "size_vocab %d is less than the %d answers that %s lists",
                      most, n, path ? path : vl_items_path(q));
    r->config.size_answer = most > n ? most : n;
    return VIOLET_OK;
}

static violet_status check_blanks(const vl_run *r, const vl_items *q)
{
    size_t n = 0, of = vl_items_n(q);
    for (size_t i = 0; i < of; i++) n += strstr(vl_items_at(q, i)->text, "[MASK]") != NULL;
    if (n == 0)
        return vl_err(VIOLET_EFORMAT, "%s: no sentence has a blank, [MASK] or ___, to be filled in",
                      vl_items_path(q));
    if (n < of)
        vl_run_tell(r, VIOLET_EVENT_WARNING,
                    "%s: %zu of %zu sentences have no blank; they are answered as a whole",
                    vl_items_path(q), of - n, of);
    return VIOLET_OK;
}

static violet_status open_items(vl_run *r, int which, const char *split)
{
    finetune *f = r->own;
    vl_items_options o = {.kind = f->task->items,
                          .folder = r->o->data,
                          .task = f->o->task,
                          .path = vl_str_given(f->o->items),
                          .split = split};
    vl_items_close(f->items[which]);
    f->items[which] = NULL;
    violet_status status = vl_items_open(&f->items[which], &o);
    if (status != VIOLET_OK) return status;
    vl_items *q = f->items[which];
    if (f->o->size_option && vl_items_most_options(q) > f->o->size_option)
        return vl_err(VIOLET_EINVAL, "size_option %d: %s has a question with %d options",
                      f->o->size_option, vl_items_path(q), vl_items_most_options(q));
    if (f->task->items == VL_TASK_QAOE && !f->answers) status = find_answers(r, q);
    if (status == VIOLET_OK && f->answers) status = vl_items_use(q, f->answers);
    return status == VIOLET_OK && f->task->blank ? check_blanks(r, q) : status;
}

/* ---- data sets ------------------------------------------------------------------------------- */

/* Is there such a split? One that was asked for must be there. */
static violet_status has_split(bool *has, const vl_run *r, const char *split, bool asked)
{
    const finetune *f = r->own;
    const vl_items_options o = {.kind = f->task->items,
                                .folder = r->o->data,
                                .task = f->o->task,
                                .path = vl_str_given(f->o->items),
                                .split = split};
    *has = true;
    return asked ? VIOLET_OK : vl_items_has_split(has, &o);
}

static violet_status open_split(vl_dataset **out, vl_run *r, int which, const char *name,
                                const char *split)
{
    finetune *f = r->own;
    violet_status status = open_items(r, which, split);
    if (status != VIOLET_OK) return status;
    vl_dataset_options d = vl_run_dataset_options(r->o, r->wordpiece, name, split);
    d.no_tokens = true;
    d.items = f->items[which];
    d.each_video = which != FINETUNE_TRAIN && f->task->all_pairs;
    d.cut_options = f->compat;
    status = vl_dataset_open(out, &d);
    if (status == VIOLET_OK && vl_dataset_missing(*out))
        vl_run_tell(r, VIOLET_EVENT_WARNING,
                    "%s, split '%s': %d of %d videos have no pictures, their items are left out",
                    vl_items_path(d.items), split, vl_dataset_missing(*out),
                    vl_items_n_videos(d.items));
    return status;
}

/* A head of answers that fits is taken, class by class, whatever they stand for. */
static violet_status check_start(vl_run *r)
{
    const finetune *f = r->own;
    const char *path = vl_str_given(r->o->path_ckpt);
    vl_tensors *in;
    vl_tuned t;
    if (!f->answers || !path || r->o->resume) return VIOLET_OK;
    violet_status status = vl_tensors_open(&in, path);
    if (status != VIOLET_OK) return status;
    const vl_stored *fc = vl_tensors_find(in, "fc.3.weight");
    status = vl_tuned_read(&t, in, path);
    if (status == VIOLET_OK && t.answers && fc && fc->n_dim == 2 &&
        fc->shape[0] == r->config.size_answer && !vl_answers_same(t.answers, f->answers))
        vl_run_tell(r, VIOLET_EVENT_WARNING,
                    "%s was fine-tuned for other answers, or in another order: its %d classes are "
                    "a start for others", path, r->config.size_answer);
    vl_tuned_release(&t);
    vl_tensors_close(in);
    return status;
}

static violet_status open_test(vl_run *r, const char *name)
{
    finetune *f = r->own;
    const char *split = vl_str_given(f->o->test_split);
    bool has;
    if (!split) return VIOLET_OK;
    violet_status status = has_split(&has, r, split, strcmp(split, VL_FINETUNE_TEST_SPLIT) != 0);
    if (status == VIOLET_OK && !has)
        vl_run_tell(r, VIOLET_EVENT_WARNING, "no test: the items have no split '%s'", split);
    else if (status == VIOLET_OK)
        status = open_split(&f->test, r, FINETUNE_TEST, name, split);
    return status == VIOLET_OK
               ? status : vl_err_at(status, "test split '%s' (--test-split \"\": none)", split);
}

static violet_status open_valid(vl_dataset **out, vl_run *r, const char *name, const char *split)
{
    bool has;
    violet_status status = has_split(&has, r, split, strcmp(split, VL_RUN_VALID_SPLIT) != 0);
    if (status != VIOLET_OK || has)
        return status == VIOLET_OK ? open_split(out, r, FINETUNE_VALID, name, split) : status;
    *out = NULL;
    vl_run_tell(r, VIOLET_EVENT_WARNING, "no validation: the items have no split '%s'; the last "
                "weights count as the best", split);
    return VIOLET_OK;
}

violet_status finetune_open_set(vl_dataset **out, vl_run *r, const char *name, const char *split,
                                bool training)
{
    finetune *f = r->own;
    if (!training) return open_valid(out, r, name, split);
    violet_status status = open_split(out, r, FINETUNE_TRAIN, name, split);
    if (status != VIOLET_OK) return status;
    f->frames = vl_dataset_frames(*out, 0);
    status = open_test(r, name);
    if (status == VIOLET_OK) status = check_start(r);
    if (status == VIOLET_OK) return status;
    vl_dataset_close(*out);
    *out = NULL;
    return status;
}

void finetune_close(vl_run *r)
{
    finetune *f = r->own;
    vl_dataset_close(f->test);
    for (int k = 0; k < FINETUNE_SPLITS; k++) vl_items_close(f->items[k]);
    vl_answers_free(f->answers);
    free(f->text_mask);
}

/* ---- a batch --------------------------------------------------------------------------------- */

violet_status finetune_buffers(vl_run *r, int B, int T)
{
    finetune *f = r->own;
    size_t most = 1;
    (void)T;
    for (int k = 0; k < FINETUNE_SPLITS; k++)
        if (f->items[k] && (size_t)vl_item_rows(f->items[k]) > most)
            most = (size_t)vl_item_rows(f->items[k]);
    f->text_mask = malloc((size_t)B * most * (size_t)r->o->size_txt);
    return f->text_mask ? VIOLET_OK : vl_err_nomem();
}

static void add_sums(vl_run_sums *s, const vl_downstream_output *out)
{
    uint64_t asked = 0;
    for (int i = 0; i < out->logits->rows; i++) {
        asked += out->target[i] >= 0;
        s->right[0] += out->target[i] >= 0 && out->best[i] == out->target[i];
    }
    s->asked[0] += asked;
    if (asked) s->loss[0] += (double)out->loss->x[0] * (double)asked;
    if (!out->con.loss || out->con.asked == 0) return;
    s->loss[1] += (double)out->con.loss->x[0] * out->con.asked;
    s->asked[1] += (uint64_t)out->con.asked;
    s->right[1] += (uint64_t)out->con.right;
}

/* As an evaluation counts: equal scores share the point. */
static violet_status add_hits(finetune *f, vl_tape *t, const vl_batch *b,
                              const vl_downstream_output *out)
{
    vl_rank_rule rule = f->compat ? VL_RANK_COMPAT : VL_RANK_FAIR;
    int cols = out->logits->cols;
    double *row = vl_tape_alloc(t, (size_t)cols * sizeof *row);
    for (int i = 0; row && i < b->n; i++) {
        int n = b->facts[i].n_options ? b->facts[i].n_options : cols;
        for (int k = 0; k < n; k++)
            row[k] = (double)out->logits->x[(size_t)i * (size_t)cols + (size_t)k];
        f->hits += vl_hit(row, n, out->target[i], rule);
    }
    return vl_tape_status(t);
}

violet_status finetune_batch_run(vl_run *r, const vl_batch *b, bool training, uint64_t draw,
                                 uint64_t first_sample, vl_run_sums *sums)
{
    finetune *f = r->own;
    vl_tape *t = &r->tape;
    vl_downstream_output out = {0};
    int rows = b->n * b->n_texts, X = b->X;
    (void)first_sample;
    for (int i = 0; i < rows * X; i++) f->text_mask[i] = i % X < b->n_text[i / X];
    const finetune_batch batch = {b->n,     b->T,    b->S,         X,       b->n_texts,
                                  b->image, b->text, f->text_mask, b->facts};
    const vl_swin_plan *plan =
        vl_swin_plans_get(&r->plans, &r->config.video, b->n, b->T, b->S, b->S);
    if (!plan) return VIOLET_ENOMEM;
    const vl_downstream_input in = {.B = b->n,
                                    .X = X,
                                    .plan = plan,
                                    .image = b->image,
                                    .n_texts = rows,
                                    .text = b->text,
                                    .text_mask = f->text_mask};
    vl_tape_reset(t, (uint64_t)r->o->seed, draw);
    t->grad_on = t->training = training;
    t->checkpoint_on = r->o->checkpointing;
    f->kind->forward(t, &r->model, f, &batch, &in, &out);
    violet_status status = vl_tape_status(t);
    if (status != VIOLET_OK) return status;
    add_sums(sums, &out);
    f->n_seen += (uint64_t)b->n;
    if (!training && f->task->items != VL_TASK_RETRIEVAL)
        status = add_hits(f, t, b, &out);
    if (status != VIOLET_OK) return status;
    return training ? vl_tape_backward(t, out.total ? out.total : out.loss) : VIOLET_OK;
}

violet_status finetune_validate(vl_run *r, const vl_dataset *d, vl_run_result *out)
{
    finetune *f = r->own;
    f->n_seen = 0;
    f->hits = 0;
    violet_status status = vl_run_validate(r, d, out);
    uint64_t asked = out->sums.asked[0];
    if (status == VIOLET_OK && f->n_seen) out->metric[0] = f->hits / (double)f->n_seen;
    if (status == VIOLET_OK && asked) out->metric[1] = f->hits / (double)asked;
    return status;
}

/* ---- states and checkpoints ------------------------------------------------------------------ */

const char *const finetune_fixed[] = {
    "type",        "task",       "items",      "split",      "size_img", "size_txt",
    "size_frame",  "size_batch", "size_vocab", "accumulate", "seed",     "compat",
    "valid_split", "videos",     "shape",      "fast_video", "contrastive", "blind",
    NULL};

/* Of the list of answers, in its order; null: there is none. */
static json_t *answers_hash(const finetune *f)
{
    char text[20];
    uint64_t h = 0;
    if (!f->answers) return json_null();
    for (int i = 0; i < vl_answers_n(f->answers); i++) {
        const char *word = vl_answers_word(f->answers, i);
        h = vl_hash(h, word, strlen(word) + 1);
    }
    snprintf(text, sizeof text, "%016" PRIx64, h);
    return json_string(text);
}

violet_status finetune_save(const vl_run *r, json_t *state)
{
    return vl_json_put(state, "answers", answers_hash(r->own)) ? vl_err_nomem() : VIOLET_OK;
}

violet_status finetune_resume(const vl_run *r, const json_t *state)
{
    json_t *is = answers_hash(r->own);
    bool same = is && json_equal(is, json_object_get(state, "answers"));
    json_decref(is);
    if (!is) return vl_err_nomem();
    return same ? VIOLET_OK
                : vl_err(VIOLET_EINVAL, "the saved run was begun with another list of answers");
}

const char *finetune_protocol(const finetune *f)
{
    return f->compat ? "violet1" : "violet";
}

violet_status finetune_describe(char **text, const vl_run *r)
{
    const finetune *f = r->own;
    json_t *o = json_object(), *list = f->answers ? json_array() : NULL;
    int bad = vl_json_put(o, "type", json_string(f->task->type));
    *text = NULL;
    bad |= vl_json_put(o, "task", vl_str_given(f->o->task) ? json_string(f->o->task) : json_null());
    bad |= vl_json_put(o, "protocol", json_string(finetune_protocol(f)));
    bad |= vl_json_put(o, "size_img", json_integer(r->o->size_img));
    bad |= vl_json_put(o, "size_txt", json_integer(r->o->size_txt));
    bad |= vl_json_put(o, "size_frame", json_integer(f->frames));
    bad |= vl_json_put(o, "blind", json_boolean(r->o->blind));
    bad |= vl_json_put(o, "step", json_integer((json_int_t)r->step));
    for (int i = 0; f->answers && i < vl_answers_n(f->answers); i++)
        bad |= vl_json_put(list, NULL, json_string(vl_answers_word(f->answers, i)));
    if (f->answers) bad |= vl_json_put(o, "answers", list);
    if (!bad) *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return *text ? VIOLET_OK : vl_err_nomem();
}

/* ---- the run --------------------------------------------------------------------------------- */

/* The run as of the kind, with one loss more. */
static void add_contrast(finetune *f)
{
    f->losses[0] = f->kind->run.losses[0];
    f->losses[1] = VL_CONTRAST_NAME;
    f->weights[0] = 1;
    f->weights[1] = f->o->run.contrastive;
    f->run.losses = f->losses;
    f->run.n_losses = 2;
    f->run.weights = f->weights;
    f->run.heads |= VL_HEAD_DUAL;
}

const finetune_kind *finetune_kind_of(const vl_downstream_kind *task)
{
    static const finetune_kind *const kinds[] = {&finetune_retrieval, &finetune_qamc,
                                                 &finetune_qaoe, &finetune_fib};
    size_t i = 0;
    while (kinds[i]->task != task) i++;
    return kinds[i];
}

violet_status vl_finetune_run(const vl_finetune_options *o, const violet_hooks *hooks)
{
    const char *type = o->run.type ? o->run.type : "";
    const vl_downstream_kind *task = vl_downstream_kind_of(type);
    if (!task) return vl_task_unknown(type);
    finetune *f = calloc(1, sizeof *f);
    if (!f) return vl_err_nomem();
    f->o = o;
    f->task = task;
    f->kind = finetune_kind_of(task);
    f->run = f->kind->run;
    f->run.heads = task->head;
    if (task->all_pairs) f->run.saves = "--valid-batches";
    if (o->run.contrastive > 0) add_contrast(f);
    violet_status status = vl_run_train(&f->run, f, &o->run, hooks);
    free(f);
    return status;
}
