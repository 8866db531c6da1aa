/* Starting values from files; see load.h.
 *
 *     names -> which tensor gives which parameter -> the report of all of it -> values
 *
 * Everything that can be wrong with names and shapes is found before the first value is read. */
#include "model/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "base/words.h"
#include "model/config_infer.h"
#include "model/load_names.h"
#include "model/load_tables.h"
#include "model/load_values.h"

/* Where a parameter's values come from. */
typedef struct source {
    const vl_stored *t; /* NULL: the file does not give it */
    char *note;         /* something to say about that, NULL */
    bool last;          /* PyTorch sets it last, of several names: see load_names.h */
    bool tied;          /* it is another parameter's */
    bool adapted;       /* by vl_load_table_make */
} source;

typedef struct load {
    vl_params *p;
    const vl_config *config;
    const vl_load_options *o;
    vl_load_report *r;
    vl_tensors *f;
    const vl_layout *layout;
    vl_config file_config; /* what the file says of itself, if has_config */
    bool has_config;
    const vl_param **sorted; /* (p->n) by name */
    source *from;            /* (p->n) */
    vl_buf wrong;            /* the first error of a shape, */
    int n_wrong;             /* and how many */
} load;

/* ---- parts ----------------------------------------------------------------------------------- */

static const struct {
    const char *title, *begins[4];
} parts[] = {
    [VL_LOAD_ALL] = {"model", {""}},
    [VL_LOAD_VIDEO] = {"video encoder", {"enc_img.swin."}},
    [VL_LOAD_TEXT] = {"text side", {"enc_txt.", "trsfr.", "fc_mtm."}},
};
static const char *const heads[] = {"fc.", "fc_mtm.", "fc_mvm.", "dual.", NULL};

static bool begins_with_one(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (vl_str_begins(name, *list)) return true;
    return false;
}

static bool in_part(const load *l, const char *name)
{
    return begins_with_one(name, parts[l->o->part].begins);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

enum { SHAPES_TEXT = 2 * VL_WORDS_SHAPE + 40 };

/* Both shapes, for a message. */
static void both_shapes(char text[SHAPES_TEXT], const vl_param *e, const vl_stored *t)
{
    char file[VL_WORDS_SHAPE], here[VL_WORDS_SHAPE];
    int64_t shape[VL_MAX_DIMS] = {0};
    for (int i = 0; i < e->n_dims; i++) shape[i] = e->shape[i];
    snprintf(text, SHAPES_TEXT, "%s in the file, %s in the model",
             vl_words_shape(file, t->n_dim, t->shape), vl_words_shape(here, e->n_dims, shape));
}

/* ---- which tensor gives which parameter ------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const vl_param *const *)a)->name, (*(const vl_param *const *)b)->name);
}

/* Of the parameter of that name; NULL: there is none. */
static source *find_source(const load *l, const char *name)
{
    const vl_param wanted = {.name = (char *)name}, *key = &wanted;
    const vl_param **found =
        bsearch(&key, l->sorted, (size_t)l->p->n, sizeof *l->sorted, by_name);
    return found ? &l->from[*found - l->p->list] : NULL;
}

static violet_status set_note(source *s, const char *what, const char *name)
{
    vl_buf text = {0};
    violet_status status = vl_buf_printf(&text, "%s %s", what, name);
    if (status != VIOLET_OK) return status;
    free(s->note);
    s->note = vl_buf_steal(&text);
    return VIOLET_OK;
}

/* A second tensor for a parameter. Of equal ones the plain name is the one that was taken. */
static violet_status give_again(load *l, source *s, const vl_stored *t, bool last)
{
    const vl_stored *left = t;
    bool same;
    char note[400];
    violet_status status = vl_values_same(&same, l->f, s->t, l->f, t);
    if (status != VIOLET_OK) return status;
    if (same ? s->last && !last : last && !s->last) {
        left = s->t;
        s->t = t;
        s->last = last;
    }
    if (same) return vl_load_report_add(l->r, VL_LOAD_SAME, left->name, NULL, left->n);
    status = set_note(s, s->last ? "of two values the one that PyTorch sets last, from"
                                 : "of two values the first, from", s->t->name);
    if (status != VIOLET_OK) return status;
    snprintf(note, sizeof note, "differs from '%.300s', which was taken", s->t->name);
    return vl_load_report_add(l->r, VL_LOAD_UNEXPECTED, left->name, note, left->n);
}

/* What training scripts save beside a model: states of random generators, counters, a best score.
 * Of a name that is like none of the layout's. */
static bool is_no_weight(const vl_stored *t)
{
    return !vl_dtype_is_float(t->dtype) || t->n <= 1;
}

static violet_status give(load *l, const vl_stored *t)
{
    vl_layout_name to;
    vl_name_kind kind = vl_layout_map(&to, l->layout, t->name);
    if (kind == VL_NAME_IGNORED)
        return vl_load_report_add(l->r, VL_LOAD_IGNORED, t->name, to.why, t->n);
    if (kind == VL_NAME_PARAM && !in_part(l, to.param))
        return vl_load_report_add(l->r, VL_LOAD_IGNORED, t->name, "parts not asked for", t->n);
    if (kind == VL_NAME_UNKNOWN && is_no_weight(t))
        return vl_load_report_add(l->r, VL_LOAD_IGNORED, t->name, "numbers that are no weights",
                                  t->n);
    source *s = kind == VL_NAME_PARAM ? find_source(l, to.param) : NULL;
    if (!s) return vl_load_report_add(l->r, VL_LOAD_UNEXPECTED, t->name, NULL, t->n);
    if (s->t) return give_again(l, s, t, to.last);
    s->t = t;
    s->last = to.last;
    return VIOLET_OK;
}

/* A BERT whose decoder is tied to its word embeddings is often stored without it. */
static violet_status give_tied(load *l)
{
    source *decoder = find_source(l, "fc_mtm.predictions.decoder.weight");
    const source *dense = find_source(l, "fc_mtm.predictions.transform.dense.weight");
    const source *word = find_source(l, "enc_txt.emb_txt.word_embeddings.weight");
    if (strcmp(l->r->layout, "BERT") != 0 || !decoder || decoder->t || !dense || !dense->t ||
        !word || !word->t)
        return VIOLET_OK;
    decoder->t = word->t;
    decoder->tied = true;
    return set_note(decoder, "not in the file, which ties it to", word->t->name);
}

/* ---- what becomes of each parameter ---------------------------------------------------------- */

static vl_load_table table_of(const load *l, int i)
{
    const vl_stored *t = l->from[i].t;
    return (vl_load_table){.to = &l->p->list[i],
                           .name = t->name,
                           .n_dims = t->n_dim,
                           .shape = t->shape,
                           .of_pictures = strcmp(l->r->layout, "Swin") == 0,
                           .file = l->has_config ? &l->file_config : NULL,
                           .config = l->config,
                           .options = l->o};
}

/* One that stops the load: note is the report's, message the error's, kept of the first. */
static violet_status refuse(load *l, const vl_param *e, const char *note, const char *message)
{
    violet_status status = l->n_wrong++ ? VIOLET_OK : vl_buf_puts(&l->wrong, message);
    return status == VIOLET_OK
               ? vl_load_report_add(l->r, VL_LOAD_REFUSED, e->name, note, e->count) : status;
}

/* A table of another size: what vl_load_table_make would do, or why it would not. */
static violet_status judge_table(load *l, int i, const vl_load_table *table)
{
    const vl_param *e = &l->p->list[i];
    vl_buf note = {0};
    violet_status status = vl_load_table_make(NULL, &note, table);
    if (status == VIOLET_OK) {
        l->from[i].adapted = true;
        status = vl_load_report_add(l->r, VL_LOAD_ADAPTED, e->name, note.data, e->count);
    } else if (status == VIOLET_ESHAPE) {
        status = refuse(l, e, note.data, violet_error());
    }
    vl_buf_free(&note);
    return status;
}

static violet_status judge(load *l, int i)
{
    const vl_param *e = &l->p->list[i];
    source *s = &l->from[i];
    const vl_stored *t = s->t;
    char shapes[SHAPES_TEXT], message[SHAPES_TEXT + 320];
    if (!t) return vl_load_report_add(l->r, VL_LOAD_MISSING, e->name, NULL, e->count);
    vl_load_table table = table_of(l, i);
    if (vl_load_table_differs(&table)) return judge_table(l, i, &table);
    if (vl_values_fit(e, t))
        return vl_load_report_add(l->r, s->tied ? VL_LOAD_ADAPTED : VL_LOAD_MATCHED, e->name,
                                  s->note, e->count);
    both_shapes(shapes, e, t);
    s->t = NULL;
    if (begins_with_one(e->name, heads))
        return vl_load_report_add(l->r, VL_LOAD_MISSHAPEN, e->name, shapes, e->count);
    snprintf(message, sizeof message, "tensor '%.300s': %s", t->name, shapes);
    return refuse(l, e, shapes, message);
}

/* The file's own entries, n_rest of them, were the first; the report has parameters first. */
static violet_status parameters_first(vl_load_report *r, size_t n_rest)
{
    vl_load_entry *rest = malloc((n_rest + 1) * sizeof *rest);
    if (!rest) return vl_err_nomem();
    size_t n = r->n - n_rest;
    if (n_rest) {
        memcpy(rest, r->list, n_rest * sizeof *rest);
        memmove(r->list, r->list + n_rest, n * sizeof *rest);
        memcpy(r->list + n, rest, n_rest * sizeof *rest);
    }
    free(rest);
    return VIOLET_OK;
}

static violet_status shapes_verdict(const load *l)
{
    if (l->n_wrong > 1)
        return vl_err(VIOLET_ESHAPE, "%s (and %d more tensor%s)", l->wrong.data, l->n_wrong - 1,
                      l->n_wrong > 2 ? "s" : "");
    return l->n_wrong ? vl_err(VIOLET_ESHAPE, "%s", l->wrong.data) : VIOLET_OK;
}

static violet_status strict_verdict(const vl_load_report *r)
{
    static const char *const what[VL_LOAD_FATES] = {
        [VL_LOAD_MISSING] = "is not in the file",
        [VL_LOAD_MISSHAPEN] = "is of another shape",
        [VL_LOAD_UNEXPECTED] = "is in the file, but not used",
        [VL_LOAD_ADAPTED] = "would have to be adapted",
    };
    size_t n = 0;
    char more[64] = "";
    for (int fate = 0; fate < VL_LOAD_FATES; fate++) n += what[fate] ? r->tensors[fate] : 0;
    for (size_t i = 0; i < r->n; i++) {
        const vl_load_entry *e = &r->list[i];
        if (!what[e->fate]) continue;
        if (n > 1) snprintf(more, sizeof more, "; %zu more do%s not fit", n - 1, n > 2 ? "" : "es");
        return vl_err(VIOLET_ESHAPE, "--strict: '%s' %s%s%s%s%s", e->name, what[e->fate],
                      e->note ? " (" : "", e->note ? e->note : "", e->note ? ")" : "", more);
    }
    return VIOLET_OK;
}

static violet_status account(load *l)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < vl_tensors_n(l->f) && status == VIOLET_OK; i++)
        status = give(l, vl_tensors_at(l->f, i));
    size_t n_rest = l->r->n;
    if (status == VIOLET_OK) status = give_tied(l);
    for (int i = 0; i < l->p->n && status == VIOLET_OK; i++)
        if (in_part(l, l->p->list[i].name)) status = judge(l, i);
    if (status == VIOLET_OK) status = parameters_first(l->r, n_rest);
    if (status == VIOLET_OK) status = shapes_verdict(l);
    if (status != VIOLET_OK) return status;
    if (l->r->tensors[VL_LOAD_MATCHED] + l->r->tensors[VL_LOAD_ADAPTED] == 0)
        return vl_err(VIOLET_ESHAPE, "none of its %zu tensors (%s) is one of the %s's",
                      vl_tensors_n(l->f), l->r->layout, parts[l->o->part].title);
    return l->o->strict ? strict_verdict(l->r) : VIOLET_OK;
}

/* ---- values ---------------------------------------------------------------------------------- */

static violet_status read_table(load *l, int i)
{
    const vl_stored *t = l->from[i].t;
    vl_load_table table = table_of(l, i);
    vl_buf note = {0};
    float *from = malloc((t->n + 1) * sizeof *from);
    violet_status status = from ? vl_tensors_read(from, l->f, t, 0, t->n) : vl_err_nomem();
    if (status == VIOLET_OK) status = vl_values_check(from, t->n, t->name);
    table.from = from;
    if (status == VIOLET_OK && !l->o->dry)
        status = vl_load_table_make(vl_param_weights(l->p, table.to), &note, &table);
    vl_buf_free(&note);
    free(from);
    return status;
}

static violet_status read_values(load *l)
{
    vl_values v = {0};
    violet_status status = VIOLET_OK;
    for (int i = 0; i < l->p->n && status == VIOLET_OK; i++) {
        const vl_param *e = &l->p->list[i];
        const source *s = &l->from[i];
        if (!s->t) continue;
        status = s->adapted ? read_table(l, i)
                            : vl_values_add(&v, l->o->dry ? NULL : vl_param_weights(l->p, e), s->t);
    }
    if (status == VIOLET_OK) status = vl_values_read(&v, l->f);
    vl_values_free(&v);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static violet_status prepare(load *l)
{
    size_t n = (size_t)l->p->n;
    if (!(l->layout = vl_layout_find(l->f)))
        return vl_err(VIOLET_EFORMAT, "none of its %zu tensors has a name of %s",
                      vl_tensors_n(l->f), vl_layout_list());
    l->r->layout = vl_layout_title(l->layout);
    l->sorted = calloc(n + 1, sizeof *l->sorted);
    l->from = calloc(n + 1, sizeof *l->from);
    if (!l->sorted || !l->from) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) l->sorted[i] = &l->p->list[i];
    qsort(l->sorted, n, sizeof *l->sorted, by_name);
    return vl_config_stored(&l->file_config, &l->has_config, l->f);
}

static void release(load *l)
{
    for (int i = 0; l->from && i < l->p->n; i++) free(l->from[i].note);
    free(l->from);
    free(l->sorted);
    vl_buf_free(&l->wrong);
    vl_tensors_close(l->f);
}

violet_status vl_load(vl_params *p, const vl_config *config, const char *path,
                      const vl_load_options *o, vl_load_report *report)
{
    load l = {.p = p, .config = config, .o = o, .r = report};
    *report = (vl_load_report){.path = strdup(path), .part = o->part};
    if (!report->path) return vl_err_nomem();
    violet_status status = vl_tensors_open(&l.f, path);
    if (status != VIOLET_OK) return status;
    status = prepare(&l);
    if (status == VIOLET_OK) status = account(&l);
    if (status == VIOLET_OK && (!o->dry || o->look)) status = read_values(&l);
    report->taken = status == VIOLET_OK && !o->dry;
    release(&l);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}
