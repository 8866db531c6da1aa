/* The account of a load, for readers and for programs; see load.h. */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/status.h"
#include "base/words.h"
#include "model/load.h"

const char *const vl_load_fate_names[VL_LOAD_FATES] = {
    "matched", "adapted", "missing", "misshapen", "refused", "unexpected", "same", "ignored",
};
static const char *const part_names[] = {"all", "video", "text"};

enum {
    NAMES_WHOLE = 4, /* so many names are told whole, more are put into groups, ... */
    GROUPS_MOST = 8, /* ... and so many groups are told */
};

static char *copy_of(const char *text)
{
    return text ? strdup(text) : NULL;
}

violet_status vl_load_report_add(vl_load_report *r, vl_load_fate fate, const char *name,
                                 const char *note, size_t count)
{
    violet_status status = vl_grow(&r->list, &r->cap, r->n, sizeof *r->list, 256);
    if (status != VIOLET_OK) return status;
    vl_load_entry *e = &r->list[r->n];
    *e = (vl_load_entry){fate, copy_of(name), copy_of(note), count};
    if (!e->name || (note && !e->note)) {
        free(e->name);
        free(e->note);
        return vl_err_nomem();
    }
    r->n++;
    r->tensors[fate]++;
    r->elements[fate] += count;
    return VIOLET_OK;
}

violet_status vl_load_report_whole(const vl_load_report *r)
{
    size_t n = r->tensors[VL_LOAD_MISSING] + r->tensors[VL_LOAD_MISSHAPEN];
    for (size_t i = 0; i < r->n && n; i++) {
        const vl_load_entry *e = &r->list[i];
        if (e->fate != VL_LOAD_MISSING && e->fate != VL_LOAD_MISSHAPEN) continue;
        return vl_err(VIOLET_ESHAPE, "%s: not a whole model: '%s' %s%s", r->path, e->name,
                      e->note ? e->note : "is not in it", n > 1 ? ", and more do not fit" : "");
    }
    return VIOLET_OK;
}

void vl_load_report_release(vl_load_report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->list[i].name);
        free(r->list[i].note);
    }
    free(r->list);
    free(r->path);
    *r = (vl_load_report){0};
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Entries of a fate that are told together: those whose names have the same first part, or whose
 * notes are the same. */
typedef struct group {
    const vl_load_entry *first;
    size_t n, common; /* entries; characters of the name that all have */
} group;

static bool same_first_part(const char *a, const char *b)
{
    size_t n = strcspn(a, ".");
    return n == strcspn(b, ".") && strncmp(a, b, n) == 0;
}

static bool same_note(const vl_load_entry *a, const vl_load_entry *b)
{
    return a->note && b->note ? strcmp(a->note, b->note) == 0 : a->note == b->note;
}

/* How much two names have in common, whole parts only: behind the last '.' that both have. */
static size_t common_part(const char *a, const char *b, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < most && a[i] && a[i] == b[i]; i++)
        if (a[i] == '.') n = i + 1;
    return n;
}

/* Puts entry e into one of the groups. by_note: notes must be equal, too. false: no group fits. */
static bool join(group *groups, size_t n, const vl_load_entry *e, bool by_note)
{
    for (size_t k = 0; k < n; k++) {
        group *g = &groups[k];
        if (by_note ? !same_note(g->first, e) : !same_first_part(g->first->name, e->name)) continue;
        g->common = common_part(g->first->name, e->name, g->common);
        g->n++;
        return true;
    }
    return false;
}

/* Up to GROUPS_MOST groups of a fate; *left: entries that found no place. */
static size_t make_groups(group *groups, size_t *left, const vl_load_report *r, vl_load_fate fate,
                          bool by_note)
{
    size_t n = 0;
    *left = 0;
    for (size_t i = 0; i < r->n; i++) {
        const vl_load_entry *e = &r->list[i];
        if (e->fate != fate || join(groups, n, e, by_note)) continue;
        if (n < GROUPS_MOST)
            groups[n++] = (group){e, 1, strlen(e->name)};
        else
            ++*left;
    }
    return n;
}

static violet_status put_name(vl_buf *out, const char *before, const group *g)
{
    if (g->n == 1) return vl_buf_printf(out, "%s%s", before, g->first->name);
    return vl_buf_printf(out, "%s%.*s* (%zu)", before, (int)g->common, g->first->name, g->n);
}

/* Names with their notes, or, if there are many, how they begin and how many. */
static violet_status put_names(vl_buf *out, const vl_load_report *r, vl_load_fate fate)
{
    group groups[GROUPS_MOST];
    size_t left = 0, n = 0;
    violet_status status = VIOLET_OK;
    if (r->tensors[fate] > NAMES_WHOLE) {
        n = make_groups(groups, &left, r, fate, false);
        for (size_t k = 0; k < n && status == VIOLET_OK; k++) {
            status = put_name(out, k ? ", " : "", &groups[k]);
            if (status == VIOLET_OK && groups[k].n == 1 && groups[k].first->note)
                status = vl_buf_printf(out, " (%s)", groups[k].first->note);
        }
    } else {
        for (size_t i = 0; i < r->n && status == VIOLET_OK; i++) {
            const vl_load_entry *e = &r->list[i];
            if (e->fate != fate) continue;
            status = vl_buf_printf(out, e->note ? "%s%s (%s)" : "%s%s", n++ ? ", " : "", e->name,
                                   e->note);
        }
    }
    if (status == VIOLET_OK && left) status = vl_buf_printf(out, ", and %zu more", left);
    return status;
}

/* "enc_img.swin.layers.* (24); ..." */
static violet_status put_by_note(vl_buf *out, const vl_load_report *r, vl_load_fate fate)
{
    group groups[GROUPS_MOST];
    size_t left, n = make_groups(groups, &left, r, fate, true);
    violet_status status = VIOLET_OK;
    for (size_t k = 0; k < n && status == VIOLET_OK; k++) {
        status = put_name(out, k ? "; " : "", &groups[k]);
        if (status == VIOLET_OK && groups[k].first->note)
            status = vl_buf_printf(out, ": %s", groups[k].first->note);
    }
    if (status == VIOLET_OK && left) status = vl_buf_printf(out, "; and %zu more", left);
    return status;
}

/* "buffers (25), BERT's pooler (2)" */
static violet_status put_notes(vl_buf *out, const vl_load_report *r, vl_load_fate fate)
{
    group groups[GROUPS_MOST];
    size_t left, n = make_groups(groups, &left, r, fate, true);
    violet_status status = VIOLET_OK;
    for (size_t k = 0; k < n && status == VIOLET_OK; k++)
        status = vl_buf_printf(out, "%s%s (%zu)", k ? ", " : "",
                               groups[k].first->note ? groups[k].first->note : "others",
                               groups[k].n);
    if (status == VIOLET_OK && left) status = vl_buf_printf(out, ", and %zu more", left);
    return status;
}

/* A line for each fate that some tensor had, but for VL_LOAD_MATCHED. */
static const struct line {
    vl_load_fate fate;
    const char *title;
    violet_status (*put)(vl_buf *out, const vl_load_report *r, vl_load_fate fate);
} lines[] = {
    {VL_LOAD_ADAPTED, "adapted", put_by_note},
    {VL_LOAD_MISSING, "not in the file, keep what they had", put_names},
    {VL_LOAD_MISSHAPEN, "of another shape, keep what they had", put_names},
    {VL_LOAD_REFUSED, "does not fit, a run refuses it", put_by_note},
    {VL_LOAD_UNEXPECTED, "in the file, not used", put_names},
    {VL_LOAD_SAME, "second names of what was taken", put_names},
    {VL_LOAD_IGNORED, "of no use here", put_notes},
};

/* What was taken but has something to be said of it all the same. */
static violet_status put_remarks(vl_buf *out, const vl_load_report *r)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < r->n && status == VIOLET_OK; i++) {
        const vl_load_entry *e = &r->list[i];
        if (e->fate == VL_LOAD_MATCHED && e->note)
            status = vl_buf_printf(out, "  %s: %s\n", e->name, e->note);
    }
    return status;
}

violet_status vl_load_report_text(vl_buf *out, const vl_load_report *r)
{
    size_t taken = r->tensors[VL_LOAD_MATCHED] + r->tensors[VL_LOAD_ADAPTED];
    size_t numbers = r->elements[VL_LOAD_MATCHED] + r->elements[VL_LOAD_ADAPTED];
    size_t all = taken, all_numbers = numbers;
    char text[4][VL_WORDS];
    for (int fate = VL_LOAD_MISSING; fate <= VL_LOAD_REFUSED; fate++) {
        all += r->tensors[fate];
        all_numbers += r->elements[fate];
    }
    violet_status status =
        vl_buf_printf(out, "%s (%s): %s %s of %s tensors, %s of %s parameters\n",
                      r->path ? r->path : "?", r->layout ? r->layout : "of unknown names",
                      r->taken ? "took" : "would take",
                      vl_words_count(text[0], taken), vl_words_count(text[1], all),
                      vl_words_count(text[2], numbers), vl_words_count(text[3], all_numbers));
    if (status == VIOLET_OK) status = put_remarks(out, r);
    for (size_t k = 0; k < sizeof lines / sizeof *lines && status == VIOLET_OK; k++) {
        const struct line *l = &lines[k];
        if (!r->tensors[l->fate]) continue;
        status = vl_buf_printf(out, "  %s: ", l->title);
        if (status == VIOLET_OK) status = l->put(out, r, l->fate);
        if (status == VIOLET_OK) status = vl_buf_putc(out, '\n');
    }
    return status;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* null for what JSON cannot hold: a name that is no UTF-8. */
static json_t *text_json(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null();
}

static json_t *entry_json(const vl_load_entry *e)
{
    return json_pack("{s:o, s:s, s:I, s:o}", "name", text_json(e->name), "fate",
                     vl_load_fate_names[e->fate], "elements", (json_int_t)e->count, "note",
                     text_json(e->note));
}

json_t *vl_load_report_json(const vl_load_report *r)
{
    json_t *list = json_array();
    json_t *all = json_pack("{s:o, s:o, s:s}", "file", text_json(r->path), "layout",
                            text_json(r->layout), "part", part_names[r->part]);
    bool bad = !all || !list;
    for (int fate = 0; fate < VL_LOAD_FATES && !bad; fate++)
        bad |= json_object_set_new(all, vl_load_fate_names[fate],
                                   json_pack("{s:I, s:I}", "tensors", (json_int_t)r->tensors[fate],
                                             "elements", (json_int_t)r->elements[fate])) < 0;
    for (size_t i = 0; i < r->n && !bad; i++)
        bad |= json_array_append_new(list, entry_json(&r->list[i])) < 0;
    if (!bad) bad |= json_object_set(all, "list", list) < 0;
    json_decref(list);
    if (!bad) return all;
    json_decref(all);
    return NULL;
}
