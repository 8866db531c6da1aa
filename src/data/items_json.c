/* Items in JSON: {split: [entries]}, [entries], or an entry a line; see items.h.
 *
 * jansson builds trees, and the tree of a large file takes ten times the file. So only the outer
 * brackets are read here, and jansson is given what stands between them, an entry at a time. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "data/items_internal.h"
#include "file/json_text.h"

/* ---- an entry -------------------------------------------------------------------------------- */

/* null is as good as not there. */
static violet_status text_of(const char **out, const json_t *v, const char *name)
{
    *out = json_string_value(v);
    if (!v || json_is_null(v) || *out) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s: expected a string, found %s", name, vl_json_kind(v));
}

static violet_status add_caption(vl_entry *e, const json_t *v, const char *name)
{
    violet_status status =
        vl_grow(&e->caption, &e->cap_captions, (size_t)e->n_captions, sizeof *e->caption, 8);
    if (status != VIOLET_OK) return status;
    if (!json_is_string(v))
        return vl_err(VIOLET_EFORMAT, "%s: expected a string, found %s", name, vl_json_kind(v));
    e->caption[e->n_captions++] = json_string_value(v);
    return VIOLET_OK;
}

/* A caption, or a list of them. */
static violet_status read_captions(vl_entry *e, const json_t *v)
{
    char name[40];
    if (!v || json_is_null(v)) return VIOLET_OK;
    if (!json_is_array(v)) return add_caption(e, v, "caption");
    for (size_t i = 0; i < json_array_size(v); i++) {
        snprintf(name, sizeof name, "caption %zu", i);
        violet_status status = add_caption(e, json_array_get(v, i), name);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* Fields "option_k" that have a value. */
static int count_options(json_t *object)
{
    const char *key;
    json_t *v;
    int n = 0;
    json_object_foreach(object, key, v) n += vl_entry_option(key) >= 0 && !json_is_null(v);
    return n;
}

static violet_status read_options(vl_entry *e, json_t *object)
{
    char name[40];
    int n = count_options(object);
    for (int i = 0; i < n; i++) {
        violet_status status =
            vl_grow(&e->option, &e->cap_options, (size_t)i, sizeof *e->option, 8);
        if (status != VIOLET_OK) return status;
        snprintf(name, sizeof name, "option_%d", i);
        status = text_of(&e->option[i], json_object_get(object, name), name);
        if (status != VIOLET_OK) return status;
        if (!e->option[i])
            return vl_err(VIOLET_EFORMAT, "%s: not there, although there are %d options", name, n);
    }
    e->n_options = n;
    return VIOLET_OK;
}

static violet_status read_answer(vl_entry *e, const json_t *v)
{
    if (!v || json_is_null(v)) return VIOLET_OK;
    if (json_is_integer(v)) {
        e->answer_is = VL_ANSWER_NUMBER;
        e->number = json_integer_value(v);
    } else if (json_is_string(v)) {
        e->answer_is = VL_ANSWER_WORD;
        e->word = json_string_value(v);
    } else {
        return vl_err(VIOLET_EFORMAT, "answer: expected a number or a word, found %s",
                      vl_json_kind(v));
    }
    return VIOLET_OK;
}

static violet_status read_fields(vl_items_reader *r, json_t *object, bool has_split)
{
    vl_entry *e = &r->entry;
    violet_status status = VIOLET_OK;
    if (!json_is_object(object))
        return vl_err(VIOLET_EFORMAT, "expected {\"video\": ...}, found %s", vl_json_kind(object));
    if (has_split) status = text_of(&e->split, json_object_get(object, "split"), "split");
    if (status != VIOLET_OK || vl_items_is_other(r)) return status;
    if ((status = text_of(&e->video, json_object_get(object, "video"), "video")) != VIOLET_OK ||
        (status = text_of(&e->type, json_object_get(object, "type"), "type")) != VIOLET_OK)
        return status;
    if (r->o->kind == VL_TASK_RETRIEVAL)
        return read_captions(e, json_object_get(object, "caption"));
    status = text_of(&e->question, json_object_get(object, "question"), "question");
    if (status == VIOLET_OK && r->o->kind == VL_TASK_QAMC) status = read_options(e, object);
    if (status == VIOLET_OK) status = read_answer(e, json_object_get(object, "answer"));
    return status;
}

/* It was only asked whether the split is there, and it is. */
static bool is_enough(const vl_items_reader *r)
{
    return !r->q && r->has;
}

/* ---- between the brackets -------------------------------------------------------------------- */

static void pass_space(vl_items_reader *r)
{
    for (; r->at < r->end && *r->at && strchr(" \t\r\n", *r->at); r->at++)
        r->line += *r->at == '\n';
}

/* The next character that is no space, passed over if it is the one that is asked for. */
static bool pass(vl_items_reader *r, char c)
{
    pass_space(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static violet_status expect(vl_items_reader *r, char c)
{
    if (pass(r, c)) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s line %zu: expected '%c'%s", r->path, r->line, c,
                  r->at == r->end ? ", found the end of the file" : "");
}

/* The value that begins here. */
static violet_status parse(json_t **out, vl_items_reader *r)
{
    json_error_t e;
    pass_space(r);
    *out = json_loadb(r->at, (size_t)(r->end - r->at),
                      JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (!*out && json_error_code(&e) == json_error_out_of_memory) return vl_err_nomem();
    if (!*out)
        return vl_err(VIOLET_EFORMAT, "%s line %zu: %s", r->path,
                      r->line + (size_t)(e.line > 0 ? e.line - 1 : 0), e.text);
    for (const char *stop = r->at + e.position; r->at < stop; r->at++) r->line += *r->at == '\n';
    return VIOLET_OK;
}

static violet_status read_entry(vl_items_reader *r, bool has_split)
{
    json_t *v;
    pass_space(r);
    size_t line = r->line;
    violet_status status = parse(&v, r);
    if (status != VIOLET_OK) return status;
    vl_entry_clear(&r->entry);
    status = read_fields(r, v, has_split);
    if (status == VIOLET_OK) status = vl_items_take(r);
    if (status != VIOLET_OK) vl_items_err_at(status, r, has_split ? line : 0);
    json_decref(v);
    return status;
}

/* [entries], of one split, or perhaps each of its own. */
static violet_status read_list(vl_items_reader *r, bool has_split)
{
    violet_status status = expect(r, '[');
    if (status != VIOLET_OK || pass(r, ']')) return status;
    do status = read_entry(r, has_split);
    while (status == VIOLET_OK && !is_enough(r) && pass(r, ','));
    if (status != VIOLET_OK || is_enough(r)) return status;
    return expect(r, ']');
}

static violet_status read_key(char **key, vl_items_reader *r)
{
    json_t *v;
    *key = NULL;
    violet_status status = parse(&v, r);
    if (status != VIOLET_OK) return status;
    if (!json_is_string(v))
        status = vl_err(VIOLET_EFORMAT, "%s line %zu: expected a name, found %s", r->path,
                        r->line, vl_json_kind(v));
    else if (!(*key = strdup(json_string_value(v))))
        status = vl_err_nomem();
    json_decref(v);
    if (status == VIOLET_OK) status = expect(r, ':');
    if (status == VIOLET_OK) return status;
    free(*key);
    *key = NULL;
    return status;
}

/* {video: [captions]}, as in pretraining: what a name stands for is the video. */
static violet_status read_videos(vl_items_reader *r)
{
    violet_status status = expect(r, '{');
    if (status != VIOLET_OK || pass(r, '}')) return status;
    do {
        char *video;
        json_t *captions = NULL;
        if ((status = read_key(&video, r)) != VIOLET_OK) return status;
        if ((status = parse(&captions, r)) == VIOLET_OK) {
            vl_entry_clear(&r->entry);
            r->entry.video = video;
            status = read_captions(&r->entry, captions);
            if (status == VIOLET_OK) status = vl_items_take(r);
            if (status != VIOLET_OK) vl_items_err_at(status, r, 0);
        }
        json_decref(captions);
        free(video);
    } while (status == VIOLET_OK && pass(r, ','));
    return status == VIOLET_OK ? expect(r, '}') : status;
}

/* ---- beside the splits ----------------------------------------------------------------------- */

static violet_status read_vocab(vl_items_reader *r)
{
    json_t *vocab;
    if (r->q->vocab)
        return vl_err(VIOLET_EFORMAT, "%s line %zu: vocab a second time", r->path, r->line);
    violet_status status = parse(&vocab, r);
    if (status != VIOLET_OK) return status;
    status = vl_answers_of_json(&r->q->vocab, vocab);
    if (status != VIOLET_OK) vl_err_at(status, "%s: vocab", r->path);
    json_decref(vocab);
    return status;
}

/* Another split's entries, which need only be JSON. */
static violet_status pass_value(vl_items_reader *r)
{
    json_t *v;
    violet_status status = VIOLET_OK;
    pass_space(r);
    if (r->at < r->end && *r->at == '[') {
        r->at++;
        if (pass(r, ']')) return VIOLET_OK;
        do {
            if ((status = parse(&v, r)) == VIOLET_OK) json_decref(v);
        } while (status == VIOLET_OK && pass(r, ','));
        return status == VIOLET_OK ? expect(r, ']') : status;
    }
    if ((status = parse(&v, r)) == VIOLET_OK) json_decref(v);
    return status;
}

static violet_status read_split(vl_items_reader *r)
{
    if (r->has)
        return vl_err(VIOLET_EFORMAT, "%s line %zu: split '%s' a second time", r->path, r->line,
                      r->o->split);
    r->has = true;
    if (is_enough(r)) return VIOLET_OK;
    pass_space(r);
    if (r->o->kind == VL_TASK_RETRIEVAL && r->at < r->end && *r->at == '{') return read_videos(r);
    return read_list(r, false);
}

/* {split: ..., "vocab": ...} */
static violet_status read_object(vl_items_reader *r)
{
    if (!r->o->split)
        return vl_err(VIOLET_EFORMAT, "%s: expected [entries], found splits: say which", r->path);
    r->whole = true;
    violet_status status = expect(r, '{');
    if (status != VIOLET_OK || pass(r, '}')) return status;
    do {
        char *key;
        if ((status = read_key(&key, r)) != VIOLET_OK) return status;
        if (strcmp(key, r->o->split) == 0)
            status = read_split(r);
        else if (r->q && r->o->kind == VL_TASK_QAOE && strcmp(key, "vocab") == 0)
            status = read_vocab(r);
        else
            status = pass_value(r);
        free(key);
    } while (status == VIOLET_OK && !is_enough(r) && pass(r, ','));
    return status == VIOLET_OK && !is_enough(r) ? expect(r, '}') : status;
}

violet_status vl_items_read_json(vl_items_reader *r)
{
    pass_space(r);
    bool list = r->at < r->end && *r->at == '[';
    violet_status status = list ? read_list(r, true) : read_object(r);
    if (status != VIOLET_OK || is_enough(r)) return status;
    pass_space(r);
    if (r->at < r->end)
        return vl_err(VIOLET_EFORMAT, "%s line %zu: something behind the end", r->path, r->line);
    return VIOLET_OK;
}

violet_status vl_items_read_jsonl(vl_items_reader *r)
{
    violet_status status = VIOLET_OK;
    const char *end = r->end;
    while (status == VIOLET_OK && !is_enough(r)) {
        pass_space(r);
        if (r->at == end) break;
        const char *stop = memchr(r->at, '\n', (size_t)(end - r->at));
        r->end = stop ? stop : end; /* an entry does not go beyond its line */
        status = read_entry(r, true);
        if (status != VIOLET_OK) break;
        pass_space(r);
        if (r->at < r->end)
            status = vl_err(VIOLET_EFORMAT, "%s line %zu: something behind the entry", r->path,
                            r->line);
        r->end = end;
    }
    return status;
}
