/* A run of make-corpus; see corpus.h. */
#include "corpus/corpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "corpus/corpus_internal.h"
#include "file/json_text.h"
#include "media/video_write.h"

#define JSON_MOST ((size_t)1 << 20)

size_t corpus_n(const corpus *c)
{
    return c->set[VL_TRAIN].n + c->set[VL_VAL].n + c->set[VL_TEST].n;
}

const vl_scene *corpus_clip(const corpus *c, size_t i)
{
    int split = 0;
    while (split < VL_SPLITS && i >= c->set[split].n) i -= c->set[split++].n;
    return split < VL_SPLITS ? &c->set[split].scene[i] : NULL;
}

const char *corpus_id(char id[CORPUS_ID], const vl_scene *s)
{
    snprintf(id, CORPUS_ID, "%s_%05d", vl_split_name(s->split), s->number);
    return id;
}

/* ---- corpus.json ----------------------------------------------------------------------------- */

static const char *codec_name(const vl_corpus_options *o)
{
    return vl_video_codec_found((vl_video_codec)o->codec) == VL_CODEC_H264 ? "h264" : "mpeg4";
}

/* The parameters, without the closing bracket. */
static void put_parameters(text *t, const corpus *c)
{
    const vl_corpus_options *o = c->o;
    text_put(t, "{\n\"violet\": \"make-corpus\",\n\"world\": %d,\n\"name\": \"%s\",\n\"seed\": %" PRId64
             ",\n", VL_WORLD_VERSION, o->name, o->seed);
    for (int i = 0; i < VL_SPLITS; i++)
        text_put(t, "\"%s\": %zu,\n", vl_split_name((vl_split)i), c->set[i].n);
    text_put(t, "\"size\": %d,\n\"frames\": %d,\n\"fps\": %d,\n\"codec\": \"%s\"", o->size, o->frames,
             o->fps, codec_name(o));
}

/* EINVAL unless all that `mine` says stands in the file, too. */
static violet_status same(const text *mine, const char *path)
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
    text t = {0};
    violet_status status = vl_path_join(path, sizeof path, c->o->output, "corpus.json");
    put_parameters(&t, c);
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

static violet_status finish(corpus *c)
{
    text t = {0};
    uint64_t hash = c->hash;
    put_parameters(&t, c);
    text_put(&t, ",\n\"hash\": \"%016" PRIx64 "\"\n}\n", hash);
    return corpus_write(c, "corpus.json", &t);
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
        return vl_err(VIOLET_EINVAL, "make-corpus: name is '%.100s', expected letters, digits, '_', "
                      "'-' and '.'", o->name ? o->name : "");
    if (o->size % 2)
        return vl_err(VIOLET_EINVAL, "make-corpus: size is %d, expected an even number", o->size);
    return VIOLET_OK;
}

static void release(corpus *c)
{
    for (int i = 0; i < VL_SPLITS; i++) {
        free(c->set[i].scene);
        free(c->set[i].caption);
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
    if (status == VIOLET_OK) status = claim(&c);
    if (status == VIOLET_OK) {
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%zu clips: %zu train, %zu val, %zu test", corpus_n(&c),
                c.set[VL_TRAIN].n, c.set[VL_VAL].n, c.set[VL_TEST].n);
        status = corpus_make_videos(&c);
    }
    if (status == VIOLET_OK) status = corpus_write_texts(&c);
    if (status == VIOLET_OK) status = finish(&c);
    release(&c);
    return status;
}
