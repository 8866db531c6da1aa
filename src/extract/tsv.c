/* Between NAME.pkl and NAME.tsv + NAME.lineidx; see tsv.h. */
#include "extract/tsv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/status.h"
#include "extract/output.h"
#include "file/pickle.h"
#include "file/tsv_write.h"

#define S vl_extract_tsv_options
#define WARNINGS_TOLD 20

const vl_option vl_extract_tsv_option_table[] = {
    VL_OPTION_PATH(S, path, NULL, "Data", "X.pkl, or X.tsv for the way back"),
    VL_OPTION_PATH(S, output, NULL, "Data",
                   "what to write, without its ending (default: X)"),
    {0},
};

/* ---- from a pickle --------------------------------------------------------------------------- */

/* The strings of one entry. *n is 0 for an empty list. */
static violet_status strings_of(vl_slice **frame, size_t *cap, size_t *n, const vl_value *list)
{
    *n = vl_value_n(list);
    if (vl_value_kind(list) != VL_LIST && vl_value_kind(list) != VL_TUPLE)
        return vl_err(VIOLET_EFORMAT, "expected a list of strings, found %s",
                      vl_kind_name(vl_value_kind(list)));
    if (*n > INT_MAX) return vl_err(VIOLET_EUNSUPPORTED, "%zu frames", *n);
    if (*n > *cap) {
        vl_slice *more = realloc(*frame, *n * sizeof *more);
        if (!more) return vl_err_nomem();
        *frame = more;
        *cap = *n;
    }
    for (size_t k = 0; k < *n; k++) {
        vl_slice *f = &(*frame)[k];
        f->s = vl_value_str(&f->n, vl_value_at(list, k));
        if (!f->s) return vl_err(VIOLET_EFORMAT, "frame %zu is no string", k);
    }
    return VIOLET_OK;
}

typedef struct converter {
    vl_tsv_writer *w;
    vl_slice *frame;
    size_t cap, n_empty;
    const violet_hooks *hooks;
} converter;

static violet_status put_entry(converter *c, const vl_value *root, size_t i)
{
    size_t n_id, n = 0;
    const vl_value *list = vl_value_at(root, i);
    const char *id = vl_value_str(&n_id, vl_dict_key(root, i));
    if (!id) return vl_err(VIOLET_EFORMAT, "entry %zu: its key is no string", i);
    if (vl_dict_find(root, id, n_id) != list) return VIOLET_OK; /* a later one replaces it */
    violet_status status = strings_of(&c->frame, &c->cap, &n, list);
    if (status == VIOLET_OK && n == 0) { /* a line without frames is none that could be read */
        if (++c->n_empty <= WARNINGS_TOLD)
            vl_tell(c->hooks, VIOLET_EVENT_WARNING, "'%.*s' has no frames: left out",
                    (int)(n_id < 200 ? n_id : 200), id);
        return VIOLET_OK;
    }
    if (status == VIOLET_OK) return vl_tsv_put(c->w, id, n_id, c->frame, (int)n);
    return vl_err_at(status, "'%.*s'", (int)(n_id < 200 ? n_id : 200), id);
}

static violet_status convert(converter *c, const vl_pickle *doc)
{
    const vl_value *root = vl_pickle_root(doc);
    vl_progress progress;
    if (vl_value_kind(root) != VL_DICT)
        return vl_err(VIOLET_EFORMAT, "expected {video: [base64 pictures]}, found %s",
                      vl_kind_name(vl_value_kind(root)));
    vl_progress_start(&progress, c->hooks, "videos", 0, vl_value_n(root));
    for (size_t i = 0; i < vl_value_n(root); i++) {
        violet_status status = put_entry(c, root, i);
        if (status != VIOLET_OK) return status;
        if (vl_stopped(c->hooks)) return vl_interrupted("extract-tsv");
        vl_progress_item(&progress, i + 1, c->n_empty);
    }
    return VIOLET_OK;
}

static violet_status tsv_of_pickle(const char *pkl, const char *tsv, const violet_hooks *hooks)
{
    converter c = {.hooks = hooks};
    vl_pickle *doc;
    size_t n = 0;
    violet_status status = vl_pickle_open(&doc, pkl, NULL);
    if (status != VIOLET_OK) return status;
    status = vl_tsv_create(&c.w, tsv, false);
    if (status == VIOLET_OK && (status = convert(&c, doc)) != VIOLET_OK)
        vl_err_at(status, "%s", pkl);
    if (status == VIOLET_OK) {
        n = vl_tsv_put_n(c.w);
        status = vl_tsv_finish(c.w);
    } else {
        vl_tsv_abandon(c.w);
    }
    vl_pickle_close(doc);
    free(c.frame);
    if (status == VIOLET_OK)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%zu video%s: %s and its .lineidx%s", n,
                n == 1 ? "" : "s", tsv,
                c.n_empty ? "; those without frames are left out" : "");
    return status;
}

/* ---- to a pickle ----------------------------------------------------------------------------- */

typedef struct strings {
    const char *s[VL_TSV_MAX_FRAMES];
    size_t n[VL_TSV_MAX_FRAMES];
    vl_tsv_row row;
    vl_buf id;
    size_t n_meta;
} strings;

static violet_status put_row(vl_pickle_writer *w, strings *m, const vl_tsv *t, size_t i)
{
    violet_status status = vl_tsv_read(&m->row, t, i);
    if (status != VIOLET_OK) return status;
    vl_buf_clear(&m->id);
    if ((status = vl_buf_append(&m->id, m->row.id.s, m->row.id.n)) != VIOLET_OK) return status;
    if (memchr(m->row.id.s, 0, m->row.id.n))
        return vl_err(VIOLET_EFORMAT, "%s line %zu: the id has a 0 byte", vl_tsv_path(t), i + 1);
    m->n_meta += m->row.meta.s != NULL;
    for (int k = 0; k < m->row.n_frames; k++) {
        m->s[k] = m->row.frame[k].s;
        m->n[k] = m->row.frame[k].n;
    }
    const char *id = m->id.n ? m->id.data : "";
    return vl_pickle_put_strings(w, id, m->s, m->n, (size_t)m->row.n_frames);
}

static violet_status put_rows(vl_pickle_writer *w, strings *m, const vl_tsv *t,
                              const violet_hooks *hooks)
{
    vl_progress progress;
    vl_progress_start(&progress, hooks, "videos", 0, vl_tsv_n(t));
    for (size_t i = 0; i < vl_tsv_n(t); i++) {
        violet_status status = put_row(w, m, t, i);
        if (status != VIOLET_OK) return status;
        if (vl_stopped(hooks)) return vl_interrupted("extract-tsv");
        vl_tsv_forget(t, i);
        vl_progress_item(&progress, i + 1, 0);
    }
    return VIOLET_OK;
}

violet_status vl_extract_pickle(const char *tsv, const char *pkl, const violet_hooks *hooks)
{
    vl_tsv *t;
    vl_pickle_writer *w = NULL;
    strings *m = calloc(1, sizeof *m);
    if (!m) return vl_err_nomem();
    violet_status status = vl_tsv_open(&t, tsv);
    if (status == VIOLET_OK) status = vl_pickle_create(&w, pkl);
    if (status == VIOLET_OK) status = put_rows(w, m, t, hooks);
    if (status == VIOLET_OK)
        status = vl_pickle_finish(w);
    else
        vl_pickle_abandon(w);
    if (status == VIOLET_OK)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%zu video%s: %s%s", vl_tsv_n(t),
                vl_tsv_n(t) == 1 ? "" : "s", pkl,
                m->n_meta ? "; the column of metadata has no place in it" : "");
    vl_tsv_close(t);
    vl_buf_free(&m->id);
    free(m);
    return status;
}

/* ---- which way ------------------------------------------------------------------------------- */

static bool ends_in(const char *s, const char *ending)
{
    size_t n = strlen(s), k = strlen(ending);
    return n > k && strcmp(s + n - k, ending) == 0;
}

/* Links may give an input the name of an output. */
static violet_status check_apart(const char *stem, int n, const char *path)
{
    static const char *const endings[] = {".pkl", ".tsv", ".lineidx", ".tsv.partial",
                                          ".lineidx.partial"};
    vl_buf name = {0};
    violet_status status = VIOLET_OK;
    for (int i = 0; i < 5 && status == VIOLET_OK; i++) {
        if (strcmp(endings[i], ends_in(path, ".tsv") ? ".tsv" : ".pkl") == 0) continue;
        vl_buf_clear(&name);
        status = vl_buf_printf(&name, "%.*s%s", n, stem, endings[i]);
        if (status == VIOLET_OK)
            status = vl_output_apart(&(const char *){name.data}, 1, path);
    }
    vl_buf_free(&name);
    return status;
}

violet_status vl_extract_tsv_run(const vl_extract_tsv_options *o, const violet_hooks *hooks)
{
    vl_buf out = {0};
    if (!o->path) return vl_err(VIOLET_EINVAL, "extract-tsv: --path is missing");
    bool back = ends_in(o->path, ".tsv");
    if (!back && !ends_in(o->path, ".pkl"))
        return vl_err(VIOLET_EINVAL, "%s: expected X.pkl or X.tsv", o->path);
    const char *stem = o->output ? o->output : o->path, *ending = back ? ".pkl" : ".tsv";
    int n = (int)strlen(stem);
    if (!o->output || ends_in(stem, ending)) n -= 4;
    violet_status status = vl_output_stem("extract-tsv", stem, (size_t)n);
    if (status == VIOLET_OK) status = check_apart(stem, n, o->path);
    if (status == VIOLET_OK) status = vl_buf_printf(&out, "%.*s%s", n, stem, ending);
    if (status == VIOLET_OK)
        status = back ? vl_extract_pickle(o->path, out.data, hooks)
                      : tsv_of_pickle(o->path, out.data, hooks);
    vl_buf_free(&out);
    return status;
}
