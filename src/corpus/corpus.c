/* A run of make-corpus; see corpus.h. */
#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "corpus/corpus_internal.h"
#include "file/json_text.h"

#define JSON_MOST ((size_t)1 << 20)

/* ---- the folder ------------------------------------------------------------------------------ */

/* EINVAL unless all that `mine` says stands in the file, too. */
static violet_status same(const corpus_text *mine, const char *path)
{
    char *bytes;
    size_t n;
    json_t *found = NULL, *wanted = NULL, *value;
    const char *key;
    violet_status status = vl_file_read(&bytes, &n, path, JSON_MOST);
    if (status != VIOLET_OK) return status;
    status = vl_json_parse(&found, bytes, n, 1000, path);
    if (status == VIOLET_OK) status = vl_json_parse(&wanted, mine->b.data, mine->b.n, 1000, path);
    if (status == VIOLET_OK)
        json_object_foreach(wanted, key, value) {
            if (json_equal(value, json_object_get(found, key))) continue;
            status = vl_err(VIOLET_EINVAL, "%s is of a corpus with another '%s': choose another "
                            "DIR, or remove this one", path, key);
            break;
        }
    json_decref(found);
    json_decref(wanted);
    free(bytes);
    return status;
}

/* Takes the folder, or goes on in it. */
static violet_status claim(corpus *c)
{
    char path[PATH_MAX];
    corpus_text t = {0};
    violet_status status = vl_path_join(path, sizeof path, c->o->output, "corpus.json");
    corpus_put_parameters(&t, c);
    text_put(&t, "\n}\n");
    if (status == VIOLET_OK) status = t.status;
    if (status == VIOLET_OK && vl_file_exists(path)) {
        status = same(&t, path);
        vl_buf_free(&t.b);
    } else if (status == VIOLET_OK && vl_file_exists(c->videos)) {
        status = vl_err(VIOLET_EINVAL, "%s is there, and no corpus.json that tells what it is: "
                        "choose another DIR", c->videos);
        vl_buf_free(&t.b);
    } else if (status == VIOLET_OK && (status = vl_dir_make(c->o->output)) == VIOLET_OK) {
        status = corpus_write(c, "corpus.json", &t);
    }
    if (status == VIOLET_OK) status = vl_dir_make(c->videos);
    if (status == VIOLET_OK) vl_out_sweep(c->videos);
    c->hash = 0;
    return status;
}

/* ---- the run --------------------------------------------------------------------------------- */

static violet_status make_scenes(corpus *c)
{
    const vl_corpus_options *o = c->o;
    violet_status status = VIOLET_OK;
    int least = o->clips / 20 > 20 ? o->clips / 20 : 20;
    vl_rules_make(&c->rules, (uint64_t)o->seed);
    c->set[VL_TRAIN].n = (size_t)o->clips;
    c->set[VL_VAL].n = (size_t)(o->val < 0 ? least : o->val);
    c->set[VL_TEST].n = (size_t)o->test;
    for (int i = 0; i < VL_SPLITS && status == VIOLET_OK; i++) {
        c->set[i].scene = calloc(c->set[i].n + 1, sizeof *c->set[i].scene);
        status = c->set[i].scene ? vl_scenes_make(c->set[i].scene, c->set[i].n, &c->rules,
                                                  (vl_split)i)
                                 : vl_err_nomem();
    }
    return status;
}

static violet_status check_options(const vl_corpus_options *o)
{
    size_t n = o->name ? strlen(o->name) : 0;
    if (!o->output || !*o->output) return vl_err(VIOLET_EINVAL, "make-corpus: DIR is missing");
    if (n == 0 || n > 100 || strspn(o->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-.") != n || o->name[0] == '.')
        return vl_err(VIOLET_EINVAL, "make-corpus: name is '%.100s', expected letters, digits, "
                      "'_', '-' and '.'", o->name ? o->name : "");
    if (o->size % 2)
        return vl_err(VIOLET_EINVAL, "make-corpus: size is %d, expected an even number", o->size);
    return VIOLET_OK;
}

static void release(corpus *c)
{
    for (int i = 0; i < VL_SPLITS; i++) {
        free(c->set[i].scene);
        free(c->set[i].caption);
        for (int k = 0; k < CORPUS_TASKS; k++) free(c->set[i].task[k].item);
    }
    vl_strings_release(&c->strings);
}

violet_status vl_corpus_run(const vl_corpus_options *o, const violet_hooks *hooks)
{
    corpus c = {.o = o, .hooks = hooks};
    violet_status status = check_options(o);
    if (status == VIOLET_OK) status = vl_path_join(c.videos, sizeof c.videos, o->output, "videos");
    if (status == VIOLET_OK) status = make_scenes(&c);
    if (status == VIOLET_OK) status = corpus_make_captions(&c);
    if (status == VIOLET_OK) status = corpus_make_questions(&c);
    if (status == VIOLET_OK) status = corpus_make_choices(&c);
    if (status == VIOLET_OK) status = corpus_make_blanks(&c);
    if (status == VIOLET_OK) status = claim(&c);
    if (status == VIOLET_OK) {
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%zu clips: %zu train, %zu val, %zu test",
                corpus_n(&c), c.set[VL_TRAIN].n, c.set[VL_VAL].n, c.set[VL_TEST].n);
        status = corpus_make_videos(&c);
    }
    if (status == VIOLET_OK) status = corpus_write_texts(&c);
    if (status == VIOLET_OK) status = corpus_write_results(&c);
    release(&c);
    return status;
}
