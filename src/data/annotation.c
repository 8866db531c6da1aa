/* txt_NAME.json readers; see annotation.h. */
#include "data/annotation.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define FILE_MOST ((size_t)4 << 30)

static violet_status load(json_t **out, const char *path)
{
    char *text;
    size_t n;
    json_error_t e;
    violet_status status = vl_file_read(&text, &n, path, FILE_MOST);
    if (status != VIOLET_OK) return status;
    *out = json_loadb(text, n, 0, &e);
    free(text);
    if (!*out) return vl_err(VIOLET_EFORMAT, "%s line %d: %s", path, e.line, e.text);
    if (json_is_object(*out)) return VIOLET_OK;
    json_decref(*out);
    *out = NULL;
    return vl_err(VIOLET_EFORMAT, "%s: expected an object of splits", path);
}

violet_status vl_annotation_has_split(bool *has, const char *path, const char *split)
{
    json_t *root = NULL;
    *has = false;
    violet_status status = load(&root, path);
    if (status == VIOLET_OK) *has = json_object_get(root, split) != NULL;
    json_decref(root);
    return status;
}

/* ---- captions -------------------------------------------------------------------------------- */

struct vl_captions {
    json_t *split; /* {video: [captions]} */
};

static violet_status check_captions(const json_t *split)
{
    const char *video;
    json_t *list, *text;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)split, video, list)
    {
        if (!json_is_array(list))
            return vl_err(VIOLET_EFORMAT, "video '%.100s': expected a list of captions", video);
        json_array_foreach(list, i, text) if (!json_is_string(text))
            return vl_err(VIOLET_EFORMAT, "video '%.100s': caption %zu is no string", video, i);
    }
    return VIOLET_OK;
}

violet_status vl_captions_open(vl_captions **out, const char *path, const char *split)
{
    json_t *root = NULL;
    *out = NULL;
    vl_captions *c = calloc(1, sizeof *c);
    violet_status status = c ? load(&root, path) : vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    c->split = json_incref(json_object_get(root, split));
    if (!json_is_object(c->split))
        status = vl_err(VIOLET_EFORMAT, "%s: expected \"%s\": {video: [captions]}", path, split);
    else if ((status = check_captions(c->split)) != VIOLET_OK)
        vl_err_at(status, "%s: %s", path, split);
done:
    json_decref(root);
    if (status == VIOLET_OK)
        *out = c;
    else
        vl_captions_close(c);
    return status;
}

void vl_captions_close(vl_captions *c)
{
    if (!c) return;
    json_decref(c->split);
    free(c);
}

size_t vl_captions_n_videos(const vl_captions *c)
{
    return json_object_size(c->split);
}

static const json_t *captions_of(const vl_captions *c, const char *id, size_t n_id)
{
    return json_object_getn(c->split, id, n_id);
}

int vl_captions_n(const vl_captions *c, const char *id, size_t n_id)
{
    return (int)json_array_size(captions_of(c, id, n_id));
}

const char *vl_captions_get(const vl_captions *c, const char *id, size_t n_id, int i)
{
    return json_string_value(json_array_get(captions_of(c, id, n_id), (size_t)i));
}

/* ---- retrieval, multiple choice, open-ended -------------------------------------------------- */

struct vl_questions {
    json_t *root;
    size_t n;
    vl_question *at; /* (n); strings of root */
    const char **vocab; /* (n_vocab) */
    int n_vocab;
};

static violet_status read_vocab(vl_questions *q, const json_t *vocab)
{
    size_t n = json_is_array(vocab) ? json_array_size(vocab) : json_object_size(vocab), i;
    const char *word;
    json_t *value;
    if (!vocab) return VIOLET_OK;
    if (!json_is_array(vocab) && !json_is_object(vocab))
        return vl_err(VIOLET_EFORMAT, "vocab: expected {word: index} or a list");
    if (!(q->vocab = calloc(n + 1, sizeof *q->vocab))) return vl_err_nomem();
    q->n_vocab = (int)n;
    json_array_foreach((json_t *)(uintptr_t)vocab, i, value)
    {
        if (!(q->vocab[i] = json_string_value(value)))
            return vl_err(VIOLET_EFORMAT, "vocab %zu: expected a word", i);
    }
    json_object_foreach((json_t *)(uintptr_t)vocab, word, value)
    {
        json_int_t k = json_is_integer(value) ? json_integer_value(value) : -1;
        if (k < 0 || (size_t)k >= n || q->vocab[k])
            return vl_err(VIOLET_EFORMAT, "vocab '%.100s': expected an index of its own below %zu",
                          word, n);
        q->vocab[k] = word;
    }
    return VIOLET_OK;
}

/* A number below `most`, -1, or a word of the vocabulary {word: index}. */
static violet_status read_answer(int *out, const json_t *answer, int most, const json_t *vocab)
{
    *out = -1;
    if (json_is_string(answer)) {
        const json_t *k = json_object_get(vocab, json_string_value(answer));
        if (json_is_integer(k)) *out = (int)json_integer_value(k);
        return VIOLET_OK;
    }
    if (!json_is_integer(answer) || json_integer_value(answer) < -1 ||
        json_integer_value(answer) >= most)
        return vl_err(VIOLET_EFORMAT, "answer: expected a number from -1 to %d", most - 1);
    *out = (int)json_integer_value(answer);
    return VIOLET_OK;
}

static violet_status read_question(vl_question *out, const vl_questions *q, const json_t *e)
{
    const json_t *vocab = json_object_get(q->root, "vocab"), *option;
    char name[24];
    out->answer = -1;
    out->video = json_string_value(json_object_get(e, "video"));
    out->caption = json_string_value(json_object_get(e, "caption"));
    out->question = json_string_value(json_object_get(e, "question"));
    if (!out->video) return vl_err(VIOLET_EFORMAT, "expected \"video\": a string");
    if (!out->caption && !out->question)
        return vl_err(VIOLET_EFORMAT, "expected \"caption\" or \"question\": a string");
    for (;; out->n_options++) {
        snprintf(name, sizeof name, "option_%d", out->n_options);
        if (!(option = json_object_get(e, name))) break;
        if (out->n_options == VL_MAX_OPTIONS)
            return vl_err(VIOLET_EUNSUPPORTED, "more than %d options", VL_MAX_OPTIONS);
        if (!(out->option[out->n_options] = json_string_value(option)))
            return vl_err(VIOLET_EFORMAT, "%s: expected a string", name);
    }
    if (!out->question) return VIOLET_OK;
    int most = out->n_options ? out->n_options : q->n_vocab ? q->n_vocab : 1 << 20;
    return read_answer(&out->answer, json_object_get(e, "answer"), most, vocab);
}

violet_status vl_questions_open(vl_questions **out, const char *path, const char *split)
{
    *out = NULL;
    vl_questions *q = calloc(1, sizeof *q);
    violet_status status = q ? load(&q->root, path) : vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    if ((status = read_vocab(q, json_object_get(q->root, "vocab"))) != VIOLET_OK) {
        vl_err_at(status, "%s", path);
        goto done;
    }
    const json_t *list = json_object_get(q->root, split);
    if (!json_is_array(list)) {
        status = vl_err(VIOLET_EFORMAT, "%s: expected \"%s\": [{video, ...}]", path, split);
        goto done;
    }
    if (!(q->at = calloc(json_array_size(list) + 1, sizeof *q->at))) {
        status = vl_err_nomem();
        goto done;
    }
    for (; q->n < json_array_size(list) && status == VIOLET_OK; q->n++) {
        status = read_question(&q->at[q->n], q, json_array_get(list, q->n));
        if (status != VIOLET_OK) vl_err_at(status, "%s: %s entry %zu", path, split, q->n);
    }
done:
    if (status == VIOLET_OK)
        *out = q;
    else
        vl_questions_close(q);
    return status;
}

void vl_questions_close(vl_questions *q)
{
    if (!q) return;
    json_decref(q->root);
    free(q->at);
    free(q->vocab);
    free(q);
}

size_t vl_questions_n(const vl_questions *q)
{
    return q->n;
}

const vl_question *vl_questions_at(const vl_questions *q, size_t i)
{
    return i < q->n ? &q->at[i] : NULL;
}

int vl_questions_n_vocab(const vl_questions *q)
{
    return q->n_vocab;
}

const char *vl_questions_word(const vl_questions *q, int i)
{
    return i >= 0 && i < q->n_vocab ? q->vocab[i] : NULL;
}
