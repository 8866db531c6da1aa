/* Pairs of videos and texts by blocks; see scorer.h. */
#include "model/scorer.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* Items of one side, in slots: their rows and what the first layer makes of them. */
typedef struct side {
    const vl_features *f;
    int n_slots, rows;   /* slots; rows of each */
    real *x, *qkv;       /* (n_slots * rows, D), (.., 3D) */
    int *item;           /* (n_slots), -1: empty */
    unsigned long *used; /* (n_slots) the block that last needed it */
    int *slot;           /* (block) of each pair of the block */
    int *missing;        /* (block) slots of the block that are still to be filled */
    int n_missing;
} side;

struct vl_scorer {
    const vl_model *m;
    vl_tape *t;
    int block;      /* pairs */
    double padding; /* most share of it */
    side video, text;
    int *table;    /* (block, n): row of each token, for vl_bert_encode_shared */
    uint8_t *mask; /* (block, n) */
    int *order, *other, *bin; /* of the pairs of a call, (cap), and what sorts them */
    int cap;
    unsigned long now; /* number of the block */
};

/* ---- open and close -------------------------------------------------------------------------- */

static violet_status open_side(side *s, const vl_features *f, int n_slots, int block, int D)
{
    s->f = f;
    s->rows = vl_features_key_of(f)->rows;
    s->n_slots = n_slots < block ? block : n_slots;
    size_t rows = (size_t)s->n_slots * (size_t)s->rows;
    s->x = malloc(rows * (size_t)D * sizeof *s->x);
    s->qkv = malloc(rows * 3 * (size_t)D * sizeof *s->qkv);
    s->item = malloc((size_t)s->n_slots * sizeof *s->item);
    s->used = calloc((size_t)s->n_slots, sizeof *s->used);
    s->slot = malloc((size_t)block * sizeof *s->slot);
    s->missing = malloc((size_t)block * sizeof *s->missing);
    if (!s->x || !s->qkv || !s->item || !s->used || !s->slot || !s->missing) return vl_err_nomem();
    for (int i = 0; i < s->n_slots; i++) s->item[i] = -1;
    return VIOLET_OK;
}

static void release_side(side *s)
{
    free(s->x);
    free(s->qkv);
    free(s->item);
    free(s->used);
    free(s->slot);
    free(s->missing);
}

/* How many slots of a side are worth keeping if nobody says: those of all its items, or as many as
 * fit into 64 MiB. */
static int slots_within(const vl_features *f, int D)
{
    const vl_features_key *k = vl_features_key_of(f);
    double each = 4.0 * k->rows * D * sizeof(real), most = (64 << 20) / each;
    return k->n < most ? k->n : (int)most;
}

static violet_status check_fit(const vl_model *m, const vl_features *videos,
                               const vl_features *texts)
{
    int D = m->config.hidden, a = vl_features_key_of(videos)->cols,
        b = vl_features_key_of(texts)->cols;
    if (!(m->heads & (VL_HEAD_MATCH | VL_HEAD_ANSWER)))
        return vl_err(VIOLET_EINVAL, "a model without the head that scores pairs");
    if (a != D || b != D)
        return vl_err(VIOLET_ESHAPE, "encoded videos are %d wide, texts %d, the model %d", a, b, D);
    return VIOLET_OK;
}

static violet_status prepare(vl_scorer *s, const vl_features *videos, const vl_features *texts,
                             const vl_scorer_options *o)
{
    int D = s->m->config.hidden,
        n = vl_features_key_of(videos)->rows + vl_features_key_of(texts)->rows;
    s->padding = o->padding > 0 ? o->padding : 1.0 / 64;
    s->block = o->block > 0 ? o->block : n < VL_SCORER_ROWS ? VL_SCORER_ROWS / n : 1;
    int keep_texts = o->keep_texts > 0 ? o->keep_texts : slots_within(texts, D);
    violet_status status = open_side(&s->video, videos, o->keep_videos, s->block, D);
    if (status == VIOLET_OK) status = open_side(&s->text, texts, keep_texts, s->block, D);
    if (status != VIOLET_OK) return status;
    s->table = malloc((size_t)s->block * (size_t)n * sizeof *s->table);
    s->mask = malloc((size_t)s->block * (size_t)n);
    s->bin = malloc(((size_t)n + 2) * sizeof *s->bin);
    return s->table && s->mask && s->bin ? VIOLET_OK : vl_err_nomem();
}

violet_status vl_scorer_open(vl_scorer **out, const vl_model *m, vl_tape *t,
                             const vl_features *videos, const vl_features *texts,
                             const vl_scorer_options *options)
{
    const vl_scorer_options none = {0};
    *out = NULL;
    violet_status status = check_fit(m, videos, texts);
    if (status != VIOLET_OK) return status;
    vl_scorer *s = calloc(1, sizeof *s);
    if (!s) return vl_err_nomem();
    s->m = m;
    s->t = t;
    status = prepare(s, videos, texts, options ? options : &none);
    if (status != VIOLET_OK)
        vl_scorer_close(s);
    else
        *out = s;
    return status;
}

void vl_scorer_close(vl_scorer *s)
{
    if (!s) return;
    release_side(&s->video);
    release_side(&s->text);
    free(s->table);
    free(s->mask);
    free(s->order);
    free(s->other);
    free(s->bin);
    free(s);
}

static void forget_side(side *d)
{
    for (int i = 0; i < d->n_slots; i++) {
        d->item[i] = -1;
        d->used[i] = 0;
    }
}

void vl_scorer_forget(vl_scorer *s)
{
    forget_side(&s->video);
    forget_side(&s->text);
}

int vl_scorer_columns(const vl_scorer *s)
{
    return s->m->fc.w3.rows;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The item's slot. Where it has none, that of the item not needed for longest: there are at least
 * as many slots as pairs in a block, so none of this block's is taken. */
static int slot_of(side *s, int item, unsigned long now)
{
    int oldest = 0;
    for (int i = 0; i < s->n_slots; i++) {
        if (s->item[i] == item) {
            s->used[i] = now;
            return i;
        }
        if (s->used[i] < s->used[oldest]) oldest = i;
    }
    s->item[oldest] = item;
    s->used[oldest] = now;
    s->missing[s->n_missing++] = oldest;
    return oldest;
}

/* Fills the missing slots: one product for all of them. */
static void fill_slots(vl_scorer *s, side *d)
{
    vl_tape *t = s->t;
    size_t mark = vl_arena_mark(&t->keep), D = (size_t)s->m->config.hidden;
    int rows = 0;
    for (int i = 0; i < d->n_missing; i++) rows += vl_features_rows(d->f, d->item[d->missing[i]]);
    vl_tensor *x = vl_tape_tensor(t, rows, (int)D, 0);
    size_t at = 0;
    for (int i = 0; i < d->n_missing && !vl_tape_failed(t); i++) {
        int item = d->item[d->missing[i]];
        vl_features_get(x->x + at * D, d->f, item);
        at += (size_t)vl_features_rows(d->f, item);
    }
    vl_tensor *qkv = vl_bert_first(t, &s->m->layers[0], x);
    at = 0;
    for (int i = 0; i < d->n_missing && !vl_tape_failed(t); i++) {
        size_t slot = (size_t)d->missing[i] * (size_t)d->rows;
        size_t n = (size_t)vl_features_rows(d->f, d->item[d->missing[i]]);
        t->backend->move(t->device, d->x + slot * D, x->x + at * D, n * D);
        t->backend->move(t->device, d->qkv + slot * 3 * D, qkv->x + at * 3 * D, n * 3 * D);
        at += n;
    }
    vl_arena_rewind(&t->keep, mark);
}

/* d->slot of the pairs (count), whose items on this side are item[pair]. */
static void find_slots(vl_scorer *s, side *d, const int *item, const int *pairs, int count)
{
    d->n_missing = 0;
    for (int p = 0; p < count; p++) d->slot[p] = slot_of(d, item[pairs[p]], s->now);
    if (d->n_missing) fill_slots(s, d);
    if (!vl_tape_failed(s->t)) return;
    for (int i = 0; i < d->n_missing; i++) d->item[d->missing[i]] = -1; /* not filled after all */
}

/* ---- a block --------------------------------------------------------------------------------- */

/* Table and mask of sequences of Ni image tokens and X text positions; whether there is padding. */
static int lay_out(vl_scorer *s, const int *text, const int *pairs, int count, int Ni, int X)
{
    int n = Ni + X, first_text = s->video.n_slots * s->video.rows, padded = 0;
    for (int p = 0; p < count; p++) {
        int rows = vl_features_rows(s->text.f, text[pairs[p]]);
        int *row = s->table + (size_t)p * (size_t)n;
        uint8_t *mask = s->mask + (size_t)p * (size_t)n;
        for (int i = 0; i < Ni; i++) row[i] = s->video.slot[p] * s->video.rows + i;
        for (int i = 0; i < X; i++)
            row[Ni + i] = i < rows ? first_text + s->text.slot[p] * s->text.rows + i : -1;
        for (int i = 0; i < n; i++) mask[i] = row[i] >= 0;
        padded |= rows < X;
    }
    return padded;
}

/* A side's slots as tensors. */
static void tensors_of(const side *d, int D, vl_tensor *x, vl_tensor *qkv)
{
    int rows = d->n_slots * d->rows;
    *x = (vl_tensor){.rows = rows, .cols = D, .x = d->x};
    *qkv = (vl_tensor){.rows = rows, .cols = 3 * D, .x = d->qkv};
}

/* Pairs of videos with Ni rows and texts with at most X. */
static violet_status run_block(vl_scorer *s, real *score, const int *video, const int *text,
                               const int *pairs, int count, int Ni, int X)
{
    vl_tape *t = s->t;
    int D = s->m->config.hidden, columns = vl_scorer_columns(s);
    vl_tensor x[2], qkv[2];
    s->now++;
    vl_tape_reset(t, 0, 0);
    find_slots(s, &s->video, video, pairs, count);
    find_slots(s, &s->text, text, pairs, count);
    int padded = lay_out(s, text, pairs, count, Ni, X);
    tensors_of(&s->video, D, &x[0], &qkv[0]);
    tensors_of(&s->text, D, &x[1], &qkv[1]);
    vl_bert_batch batch = {count, Ni + X, padded ? s->mask : NULL};
    vl_tensor *y = vl_bert_encode_shared(
        t, s->m->layers, s->m->config.ct_layers, &batch, s->table, (vl_bert_rows){&x[0], &qkv[0]},
        (vl_bert_rows){&x[1], &qkv[1]}, Ni); // (count, D)
    y = vl_mlp_head_forward(t, &s->m->fc, y);
    violet_status status = vl_tape_status(t);
    for (int p = 0; p < count && status == VIOLET_OK; p++)
        memcpy(score + (size_t)pairs[p] * (size_t)columns, y->x + (size_t)p * (size_t)columns,
               (size_t)columns * sizeof *score);
    return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

static violet_status make_room(vl_scorer *s, int n)
{
    if (n <= s->cap) return VIOLET_OK;
    int *order = realloc(s->order, (size_t)n * sizeof *order);
    if (order) s->order = order;
    int *other = realloc(s->other, (size_t)n * sizeof *other);
    if (other) s->other = other;
    if (!order || !other) return vl_err_nomem();
    s->cap = n;
    return VIOLET_OK;
}

/* s->order by the rows of item[pair], equals as they were: a pass of a counting sort. */
static void sort_by_rows(vl_scorer *s, const side *d, const int *item, int n)
{
    memset(s->bin, 0, ((size_t)d->rows + 2) * sizeof *s->bin);
    for (int i = 0; i < n; i++) s->bin[vl_features_rows(d->f, item[s->order[i]]) + 1]++;
    for (int i = 1; i <= d->rows; i++) s->bin[i] += s->bin[i - 1];
    for (int i = 0; i < n; i++)
        s->other[s->bin[vl_features_rows(d->f, item[s->order[i]])]++] = s->order[i];
    int *sorted = s->other;
    s->other = s->order;
    s->order = sorted;
}

static violet_status check_items(const side *d, const int *item, int n)
{
    const vl_features_key *k = vl_features_key_of(d->f);
    for (int i = 0; i < n; i++)
        if (item[i] < 0 || item[i] >= k->n || !vl_features_rows(d->f, item[i]))
            return vl_err(VIOLET_EINVAL, "pair %d: %s %d of %d is not encoded", i, k->kind, item[i],
                          k->n);
    return VIOLET_OK;
}

/* How many of the pairs (n, by the lengths of their videos and texts) make the next block: up to
 * another length of video, or where there would be too much padding. */
static int next_block(const vl_scorer *s, const int *video, const int *text, const int *pairs,
                      int n)
{
    int Ni = vl_features_rows(s->video.f, video[pairs[0]]), count = 0;
    long rows = 0; /* of texts */
    while (count < n && count < s->block) {
        int X = vl_features_rows(s->text.f, text[pairs[count]]);
        rows += X;
        double padding = (double)(count + 1) * X - (double)rows;
        if (vl_features_rows(s->video.f, video[pairs[count]]) != Ni ||
            padding > s->padding * (count + 1) * (Ni + X))
            break;
        count++;
    }
    return count;
}

violet_status vl_scorer_score(vl_scorer *s, real *score, const int *video, const int *text, int n)
{
    vl_tape *t = s->t;
    int grad_on = t->grad_on, training = t->training;
    violet_status status = check_items(&s->video, video, n);
    if (status == VIOLET_OK) status = check_items(&s->text, text, n);
    if (status == VIOLET_OK) status = make_room(s, n);
    if (status != VIOLET_OK) return status;
    for (int i = 0; i < n; i++) s->order[i] = i;
    sort_by_rows(s, &s->text, text, n);
    sort_by_rows(s, &s->video, video, n);
    t->grad_on = t->training = 0;
    for (int i = 0, count; i < n && status == VIOLET_OK; i += count) {
        const int *pairs = s->order + i;
        count = next_block(s, video, text, pairs, n - i);
        status = run_block(s, score, video, text, pairs, count,
                           vl_features_rows(s->video.f, video[pairs[0]]),
                           vl_features_rows(s->text.f, text[pairs[count - 1]]));
    }
    t->grad_on = grad_on;
    t->training = training;
    return status;
}
