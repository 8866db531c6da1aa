/* Questions: the share that is answered right, over all and by type. An answer that is not in the
 * list (or unknown) cannot be right: it is counted wrong, and, in a second number, left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/eval_internal.h"
#include "train/run_folder.h"

#define TYPES_MOST 1000 /* that have intervals */

typedef struct question {
    int item, unit, type; /* unit: number of its video among those that were scored */
    bool asked;           /* its answer is known and in the list */
    double hit;
} question;

typedef struct answers {
    eval *e;
    question *list; /* (n) */
    int n, n_types, n_units;
    int *unit;           /* (n_videos), -1: not scored, or asked nothing */
    bool whole;          /* metrics are of all types only */
    size_t *all, *asked; /* (n_types + 1), the last of all types */
    double *weight;      /* (2 * (n_types + 1)) what a sample has of each */
    double *score;       /* (columns) */
    real *row;
} answers;

static int options_of(const eval *e, const vl_item *x)
{
    return x->n_options ? x->n_options : eval_columns(e);
}

static void read_row(answers *a, int item)
{
    int columns = eval_columns(a->e);
    vl_features_get(a->row, a->e->scores, item);
    for (int k = 0; k < columns; k++) a->score[k] = (double)a->row[k];
}

static void judge(answers *a, size_t i)
{
    const vl_item *x = vl_items_at(a->e->items, i);
    question *q = &a->list[a->n++];
    if (a->unit[x->video] < 0) a->unit[x->video] = a->n_units++;
    *q = (question){.item = (int)i, .unit = a->unit[x->video], .type = x->type,
                    .asked = x->answer >= 0};
    read_row(a, (int)i);
    q->hit = q->asked ? vl_hit(a->score, options_of(a->e, x), x->answer, a->e->rule) : 0;
    a->all[a->n_types]++;
    a->asked[a->n_types] += q->asked;
    if (q->type < 0) return;
    a->all[q->type]++;
    a->asked[q->type] += q->asked;
}

/* ---- metrics --------------------------------------------------------------------------------- */

/* metric 0: all counted; 1: without those whose answer is not in the list; 2k + 2 and 2k + 3: the
 * same of type k. times NULL: each once. */
static void accuracies(double *metric, const int *times, void *user)
{
    answers *a = user;
    int n = a->whole ? 2 : 2 * (a->n_types + 1);
    for (int m = 0; m < n; m++) metric[m] = a->weight[m] = 0;
    for (int i = 0; i < a->n; i++) {
        const question *q = &a->list[i];
        double count = times ? times[q->unit] : 1;
        int at[2] = {0, q->type >= 0 && !a->whole ? 2 * q->type + 2 : -1};
        for (int k = 0; k < 2 && at[k] >= 0; k++) {
            metric[at[k]] += count * q->hit;
            metric[at[k] + 1] += count * q->hit;
            a->weight[at[k]] += count;
            a->weight[at[k] + 1] += q->asked ? count : 0;
        }
    }
    for (int m = 0; m < n; m++) metric[m] = a->weight[m] > 0 ? metric[m] / a->weight[m] : NAN;
}

static violet_status add_type(answers *a, const eval_group *g, int k, bool listed,
                              const double *value, const vl_interval *interval)
{
    const char *type = vl_items_type(a->e->items, k);
    int at = 2 * (type ? k + 1 : 0) + listed;
    const eval_metric m = {.type = type, .label = type ? type : "all", .share = true,
                           .value = value[at], .interval = interval[at],
                           .n = listed ? a->asked[k] : a->all[k]};
    return eval_add(a->e, g, &m);
}

/* Where there are very many types, as where a type is a name, theirs are not known: a thousand
 * samples of each would take gigabytes. */
static violet_status find_intervals(vl_interval *interval, answers *a)
{
    int n = 2 * (a->n_types + 1);
    a->whole = a->n_types > TYPES_MOST;
    for (int i = 0; i < n; i++) interval[i] = (vl_interval){NAN, NAN};
    violet_status status = vl_bootstrap(interval, a->whole ? 2 : n, a->n_units,
                                        (uint64_t)a->e->o->run.seed, accuracies, a);
    a->whole = false;
    return status;
}

/* Over all questions, then by type. */
static violet_status add_group(answers *a, const eval_group *g, bool listed, const double *value,
                               const vl_interval *interval)
{
    violet_status status = add_type(a, g, a->n_types, listed, value, interval);
    for (int k = 0; k < a->n_types && status == VIOLET_OK; k++)
        if (listed ? a->asked[k] : a->all[k])
            status = add_type(a, g, k, listed, value, interval);
    return status;
}

static violet_status add_metrics(answers *a)
{
    int n = 2 * (a->n_types + 1);
    size_t all = a->all[a->n_types], asked = a->asked[a->n_types];
    char protocol[300];
    bool open = a->e->kind->head == VL_HEAD_ANSWER;
    const char *missing = open ? "whose answer is not in the list" : "whose answer is not known";
    const char *ties = a->e->compat ? "of equal scores the first" : "equal scores share the point";
    double *value = malloc((size_t)n * sizeof *value);
    vl_interval *interval = malloc((size_t)n * sizeof *interval);
    violet_status status = value && interval ? VIOLET_OK : vl_err_nomem();
    if (status == VIOLET_OK) {
        accuracies(value, NULL, a);
        status = find_intervals(interval, a);
    }
    if (status == VIOLET_OK) {
        snprintf(protocol, sizeof protocol, "%zu questions; %zu %s are counted wrong; %s", all,
                 all - asked, missing, ties);
        status = add_group(a, &(eval_group){"accuracy", protocol, "accuracy"}, false, value,
                           interval);
    }
    if (status == VIOLET_OK && asked && (open || asked < all)) {
        snprintf(protocol, sizeof protocol, "%zu questions; %zu %s are left out; %s", asked,
                 all - asked, missing, ties);
        status = add_group(a, &(eval_group){open ? "accuracy on the list" : "accuracy where known",
                                            protocol, open ? "accuracy_listed" : "accuracy_known"},
                           true, value, interval);
    }
    free(value);
    free(interval);
    return status;
}

/* ---- chance ---------------------------------------------------------------------------------- */

static violet_status set_chance(answers *a)
{
    eval_chance *c = &a->e->chance;
    bool open = a->e->kind->head == VL_HEAD_ANSWER;
    const vl_answers *list = a->e->answers ? a->e->answers : vl_items_vocab(a->e->items);
    int n_list = open ? vl_answers_n(list) : 0, most = -1;
    double sum = 0;
    size_t *times = calloc((size_t)n_list + 1, sizeof *times);
    if (!times) return vl_err_nomem();
    for (int i = 0; i < a->n; i++) {
        const vl_item *x = vl_items_at(a->e->items, (size_t)a->list[i].item);
        if (!a->list[i].asked) continue;
        sum += 1.0 / (open ? n_list : x->n_options);
        if (open && x->answer < n_list) times[x->answer]++;
    }
    c->uniform = sum / a->n;
    for (int k = 0; k < n_list; k++)
        if (times[k] && (most < 0 || times[k] > times[most])) most = k;
    if (most >= 0) {
        c->frequent = (double)times[most] / a->n;
        c->answer = vl_answers_word(list, most);
    }
    free(times);
    return VIOLET_OK;
}

/* ---- predictions ----------------------------------------------------------------------------- */

static const char *word_of(const eval *e, const vl_item *x, int k)
{
    if (x->n_options) return k >= 0 && k < x->n_options ? x->option[k] : NULL;
    const vl_answers *list = e->answers ? e->answers : vl_items_vocab(e->items);
    return k >= 0 ? vl_answers_word(list, k) : NULL;
}

static json_t *word_or_null(const char *word)
{
    return word ? json_string(word) : json_null();
}

/* What softmax divides by, the largest score being 0. */
static double softmax_sum(double *largest, const double *score, int n)
{
    double sum = 0;
    *largest = score[0];
    for (int k = 1; k < n; k++)
        if (score[k] > *largest) *largest = score[k];
    for (int k = 0; k < n; k++) sum += exp(score[k] - *largest);
    return sum;
}

/* The best answers, equals by number; marks them in a->score. */
static json_t *best_list(answers *a, const vl_item *x, int n)
{
    int top = a->e->o->top < n ? a->e->o->top : n;
    double largest, sum = softmax_sum(&largest, a->score, n);
    json_t *list = json_array();
    for (int i = 0; i < top && list; i++) {
        int best = 0;
        for (int k = 1; k < n; k++)
            if (a->score[k] > a->score[best]) best = k;
        json_t *o = json_object();
        int bad = vl_json_put(o, "answer", word_or_null(word_of(a->e, x, best)));
        bad |= vl_json_put(o, "number", json_integer(best));
        bad |= vl_json_put(o, "score", json_real(a->score[best]));
        bad |= vl_json_put(o, "probability", vl_json_real(exp(a->score[best] - largest) / sum));
        a->score[best] = -INFINITY;
        if (!vl_json_put(list, NULL, o) && !bad) continue;
        json_decref(list);
        list = NULL;
    }
    return list;
}

static violet_status write_question(answers *a, const question *q, FILE *f)
{
    const vl_items *items = a->e->items;
    const vl_item *x = vl_items_at(items, (size_t)q->item);
    json_t *o = json_object();
    read_row(a, q->item);
    json_t *top = best_list(a, x, options_of(a->e, x));
    const char *right = x->word ? x->word : word_of(a->e, x, x->answer);
    int bad = vl_json_put(o, "entry", json_integer((json_int_t)x->entry));
    bad |= vl_json_put(o, "video", json_string(vl_items_video(items, x->video)));
    bad |= vl_json_put(o, "question", json_string(x->text));
    bad |= vl_json_put(o, "type", q->type < 0 ? json_null()
                                              : json_string(vl_items_type(items, q->type)));
    bad |= vl_json_put(o, "answer", word_or_null(right));
    bad |= vl_json_put(o, "number", json_integer(x->answer));
    bad |= vl_json_put(o, "right", json_real(q->hit));
    bad |= vl_json_put(o, "top", top);
    if (!bad) return eval_line(a->e, f, o);
    json_decref(o);
    return vl_err_nomem();
}

/* ---- all ------------------------------------------------------------------------------------- */

static violet_status open_memory(answers *a)
{
    size_t types = (size_t)a->n_types + 1, columns = (size_t)eval_columns(a->e);
    size_t videos = (size_t)a->e->n_videos;
    a->unit = malloc(videos * sizeof *a->unit);
    for (size_t v = 0; v < videos && a->unit; v++) a->unit[v] = -1;
    a->list = malloc((vl_items_n(a->e->items) + 1) * sizeof *a->list);
    a->all = calloc(types, sizeof *a->all);
    a->asked = calloc(types, sizeof *a->asked);
    a->weight = malloc(2 * types * sizeof *a->weight);
    a->score = malloc(columns * sizeof *a->score);
    a->row = malloc(columns * sizeof *a->row);
    bool whole = a->unit && a->list && a->all && a->asked && a->weight && a->score && a->row;
    return whole ? VIOLET_OK : vl_err_nomem();
}

violet_status eval_answers(eval *e, FILE *f)
{
    answers a = {.e = e, .n_types = vl_items_n_types(e->items)};
    violet_status status = open_memory(&a);
    for (size_t i = 0; i < vl_items_n(e->items) && status == VIOLET_OK; i++)
        if (vl_features_rows(e->scores, (int)i)) judge(&a, i);
    if (status == VIOLET_OK && a.n == 0)
        status = vl_err(VIOLET_EFORMAT, "%s: none of its videos could be scored",
                        vl_items_path(e->items));
    if (status == VIOLET_OK) status = set_chance(&a);
    if (status == VIOLET_OK) status = add_metrics(&a);
    for (int i = 0; f && i < a.n && status == VIOLET_OK; i++)
        status = write_question(&a, &a.list[i], f);
    free(a.unit);
    free(a.list);
    free(a.all);
    free(a.asked);
    free(a.weight);
    free(a.score);
    free(a.row);
    return status;
}
