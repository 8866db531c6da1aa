/* See convert_internal.h. */
#include <assert.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/progress.h"
#include "base/status.h"
#include "base/str.h"
#include "base/words.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "model/load_values.h"
#include "model/model.h"
#include "task/convert_internal.h"

#define ALIASES_TOLD 5

/* ---- patterns -------------------------------------------------------------------------------- */

typedef struct patterns {
    char *text; /* the pieces, each with its 0 */
    size_t n;
} patterns;

static violet_status patterns_init(patterns *p, const char *option, const char *list)
{
    *p = (patterns){0};
    if (!list) return VIOLET_OK;
    if (!(p->text = strdup(list))) return vl_err_nomem();
    p->n = 1;
    for (char *c = p->text; *c; c++)
        if (*c == ',') *c = 0, p->n++;
    const char *piece = p->text;
    for (size_t k = 0; k < p->n; k++, piece += strlen(piece) + 1)
        if (!*piece)
            return vl_err(VIOLET_EINVAL, "option %s is '%s', expected patterns of names between "
                          "its commas", option, list);
    return VIOLET_OK;
}

/* The number of the first pattern that the name fits, from 1; 0: none. */
static size_t fits(const patterns *p, const char *name)
{
    const char *piece = p->text;
    for (size_t k = 0; k < p->n; k++, piece += strlen(piece) + 1)
        if (fnmatch(piece, name, 0) == 0) return k + 1;
    return 0;
}

/* A pattern that nothing fits is a slip of the pen. */
static violet_status check_used(const patterns *p, const char *option, const vl_tensors *f)
{
    const char *piece = p->text;
    for (size_t k = 0; k < p->n; k++, piece += strlen(piece) + 1) {
        size_t i = 0, n = vl_tensors_n(f);
        while (i < n && fnmatch(piece, vl_tensors_at(f, i)->name, 0) != 0) i++;
        if (i == n)
            return vl_err(VIOLET_EINVAL, "--%s '%s' fits none of the %zu names (such as '%s'); "
                          "'violet info --verbose' lists them", option, piece, n,
                          n ? vl_tensors_at(f, 0)->name : "");
    }
    return VIOLET_OK;
}

/* --only adam.*: moments are what is wanted. */
static bool asks_for_moments(const patterns *only)
{
    const char *piece = only->text;
    for (size_t k = 0; k < only->n; k++, piece += strlen(piece) + 1)
        if (vl_str_begins(piece, VL_NAME_MOMENTS)) return true;
    return false;
}

/* ---- tensors --------------------------------------------------------------------------------- */

typedef struct choice {
    patterns only, drop;
    int dtype;    /* VL_CONVERT_SAME, ... */
    bool moments; /* go along */
} choice;

static vl_dtype type_of(const choice *c, const vl_stored *t)
{
    static const vl_dtype types[] = {VL_DT_F32, VL_DT_F32, VL_DT_BF16, VL_DT_F16};
    return c->dtype == VL_CONVERT_SAME || !vl_dtype_is_float(t->dtype) ? t->dtype
                                                                      : types[c->dtype];
}

static bool is_chosen(const choice *c, const vl_stored *t)
{
    return (c->only.n == 0 || fits(&c->only, t->name)) && !fits(&c->drop, t->name) &&
           (c->moments || !vl_checkpoint_moment(t->name));
}

/* A training state is of use whole, or not at all. */
static bool keeps_all(const vl_convert_plan *p, const choice *c)
{
    if (p->kind != 's' || c->only.n || c->drop.n) return false;
    for (size_t i = 0; i < p->names.n; i++)
        if (type_of(c, vl_tensors_at(p->f, i)) != vl_tensors_at(p->f, i)->dtype) return false;
    return true;
}

static void add(vl_convert_plan *p, const choice *c, size_t i)
{
    const vl_stored *t = vl_tensors_at(p->f, i);
    vl_safetensor *to = &p->list[p->n];
    *to = (vl_safetensor){.name = t->name, .dtype = type_of(c, t), .n_dim = t->n_dim, .n = t->n};
    memcpy(to->shape, t->shape, (size_t)t->n_dim * sizeof *t->shape);
    p->place[i] = p->n;
    p->from[p->n++] = t;
}

static void add_alias(vl_convert_plan *p, const char *name, size_t of)
{
    assert(p->place[of] < p->n && p->n + p->n_aliases < p->names.n);
    p->aliases[p->n_aliases++] = (vl_tensors_alias){name, p->place[of]};
}

/* Whether tensor i goes along as a second name only: shared in PyTorch's files; elsewhere left out
 * if it is the bias that readers know to be one, a tensor of its own if not. */
static bool is_second(const vl_convert_plan *p, const choice *c, size_t i)
{
    const size_t *first = p->names.first;
    if (first[i] == i) return false;
    if (p->kind == 't') return is_chosen(c, vl_tensors_at(p->f, first[i]));
    const vl_stored *bias = vl_tensor_bias(p->f, vl_tensors_at(p->f, i));
    return bias && is_chosen(c, bias) && first[vl_tensor_number(p->f, bias)] == first[i];
}

static void choose(vl_convert_plan *p, const choice *c)
{
    for (size_t i = 0; i < p->names.n; i++) {
        const vl_stored *t = vl_tensors_at(p->f, i);
        if (!is_chosen(c, t)) {
            bool moment = !c->moments && vl_checkpoint_moment(t->name);
            (moment ? &p->n_moments : &p->n_patterns)[0]++;
        } else if (!is_second(p, c, i)) {
            add(p, c, i);
        }
    }
    for (size_t i = 0; i < p->names.n; i++) {
        const vl_stored *t = vl_tensors_at(p->f, i);
        if (!is_chosen(c, t) || !is_second(p, c, i)) continue;
        if (p->kind == 't')
            add_alias(p, t->name, p->names.first[i]);
        else
            p->n_seconds++;
    }
}

/* The published code has the language head's bias twice. */
static void add_published_alias(vl_convert_plan *p)
{
    for (size_t i = 0; i < p->n && p->kind == 't'; i++)
        if (strcmp(p->list[i].name, "fc_mtm." VL_NAME_BIAS) == 0 &&
            !vl_tensors_find(p->f, "fc_mtm." VL_NAME_BIAS_AGAIN))
            p->aliases[p->n_aliases++] = (vl_tensors_alias){"fc_mtm." VL_NAME_BIAS_AGAIN, i};
}

/* ---- metadata -------------------------------------------------------------------------------- */

static void put_metadata(vl_convert_plan *p, const char *key, const char *value)
{
    p->metadata[2 * p->n_metadata] = key;
    p->metadata[2 * p->n_metadata++ + 1] = value;
}

static violet_status put_config(vl_convert_plan *p, const vl_config *c)
{
    json_t *sizes = vl_config_save(c);
    p->config = sizes ? json_dumps(sizes, JSON_COMPACT) : NULL;
    json_decref(sizes);
    if (!p->config) return vl_err_nomem();
    put_metadata(p, "config", p->config);
    return VIOLET_OK;
}

/* What the shapes tell of a model that does not say its sizes. */
static violet_status infer_config(vl_convert_plan *p)
{
    vl_config c;
    vl_buf assumed = {0};
    violet_status status = vl_config_infer(&c, &assumed, p->f);
    p->assumed = vl_buf_steal(&assumed);
    if (status == VIOLET_OK) return put_config(p, &c);
    if (status == VIOLET_ENOMEM) return status;
    p->no_config = strdup(violet_error());
    return p->no_config ? VIOLET_OK : vl_err_nomem();
}

/* Whether tensor t can be of model m: a head that m has not says nothing against it. */
static violet_status check_tensor(const vl_convert_plan *p, const vl_model *m, const vl_stored *t)
{
    vl_layout_name to;
    char file[VL_WORDS_SHAPE], model[VL_WORDS_SHAPE];
    int64_t shape[VL_MAX_DIMS];
    if (vl_layout_map(&to, p->names.layout, t->name) != VL_NAME_PARAM) return VIOLET_OK;
    const vl_param *e = vl_params_find(&m->params, to.param);
    if (!e && strncmp(to.param, "fc", 2) == 0) return VIOLET_OK;
    if (!e) return vl_err(VIOLET_ESHAPE, "a model of --config has no tensor '%s'", t->name);
    if (vl_values_fit(e, t)) return VIOLET_OK;
    for (int i = 0; i < e->n_dims; i++) shape[i] = e->shape[i];
    return vl_err(VIOLET_ESHAPE, "tensor '%s' is %s, in a model of --config %s", t->name,
                  vl_words_shape(file, t->n_dim, t->shape),
                  vl_words_shape(model, e->n_dims, shape));
}

/* The configuration that was given: what the file does not tell can be anything, the rest must be
 * so. */
static violet_status give_config(vl_convert_plan *p, const char *what)
{
    vl_config c;
    vl_model m;
    violet_status status = vl_config_find(&c, what);
    if (status != VIOLET_OK) return status;
    if (c.grid[0] * c.grid[1] >= c.positions)
        return vl_err(VIOLET_EINVAL, "%s: a grid of %d x %d patches needs more positions than %d",
                      what, c.grid[0], c.grid[1], c.positions);
    status = vl_model_init(&m, &c, vl_heads_of(p->f), 0, 0);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < p->names.n && status == VIOLET_OK; i++)
        status = check_tensor(p, &m, vl_tensors_at(p->f, i));
    vl_model_release(&m);
    return status == VIOLET_OK ? put_config(p, &c) : status;
}

static violet_status add_config(vl_convert_plan *p, const char *given)
{
    const char *model = vl_tensors_model(p->f, &p->names);
    bool ours = model && strcmp(model, "VIOLET") == 0;
    if (given && !ours)
        return vl_err(VIOLET_EINVAL, "--config is of use with a VIOLET checkpoint, which IN is "
                      "not");
    if (given) return give_config(p, given);
    return ours && !vl_tensors_metadata(p->f, "config") ? infer_config(p) : VIOLET_OK;
}

/* config: given for the file's own, NULL. */
static violet_status add_metadata(vl_convert_plan *p, bool with_state, const char *config)
{
    const char *key;
    json_t *value, *all = (json_t *)(uintptr_t)vl_tensors_all_metadata(p->f);
    p->metadata = calloc(2 * (json_object_size(all) + 1), sizeof *p->metadata);
    if (!p->metadata) return vl_err_nomem();
    json_object_foreach(all, key, value)
    {
        if (strcmp(key, "state") == 0 && !with_state)
            p->no_state = true;
        else if (json_is_string(value) && !(config && strcmp(key, "config") == 0))
            put_metadata(p, key, json_string_value(value));
    }
    return add_config(p, config);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static violet_status make(vl_convert_plan *p, choice *c, const vl_convert_options *o)
{
    violet_status status = vl_tensors_open(&p->f, o->input);
    if (status == VIOLET_OK) status = vl_tensor_names_init(&p->names, p->f);
    if (status == VIOLET_OK) status = patterns_init(&c->only, "only", o->only);
    if (status == VIOLET_OK) status = patterns_init(&c->drop, "drop", o->drop);
    if (status == VIOLET_OK) status = check_used(&c->only, "only", p->f);
    if (status == VIOLET_OK) status = check_used(&c->drop, "drop", p->f);
    if (status != VIOLET_OK) return status;
    p->list = calloc(p->names.n + 1, sizeof *p->list);
    p->from = calloc(p->names.n + 1, sizeof *p->from);
    p->aliases = calloc(p->names.n + 1, sizeof *p->aliases);
    p->place = malloc((p->names.n + 1) * sizeof *p->place);
    if (!p->list || !p->from || !p->aliases || !p->place) return vl_err_nomem();
    for (size_t i = 0; i < p->names.n; i++) p->place[i] = SIZE_MAX; /* until it goes along */
    bool all = !o->config && keeps_all(p, c);
    c->moments = all || asks_for_moments(&c->only);
    choose(p, c);
    if (p->n == 0)
        return vl_err(VIOLET_EINVAL, "%s: none of its %zu tensors would go along", o->input,
                      p->names.n);
    add_published_alias(p);
    status = add_metadata(p, all, o->config);
    return status == VIOLET_ESHAPE ? vl_err_at(status, "%s", o->input) : status;
}

violet_status vl_convert_plan_make(vl_convert_plan *p, const vl_convert_options *o)
{
    choice c = {.dtype = o->dtype};
    *p = (vl_convert_plan){.kind = (char)vl_tensors_kind_of_name(o->output)};
    violet_status status = make(p, &c, o);
    free(c.only.text);
    free(c.drop.text);
    return status;
}

void vl_convert_plan_release(vl_convert_plan *p)
{
    vl_tensor_names_release(&p->names);
    if (p->f) vl_tensors_close(p->f);
    free(p->list);
    free(p->from);
    free(p->place);
    free(p->aliases);
    free(p->metadata);
    free(p->config);
    free(p->assumed);
    free(p->no_config);
    *p = (vl_convert_plan){0};
}

/* ---- told ------------------------------------------------------------------------------------ */

static violet_status put_types(vl_buf *b, const vl_convert_plan *p)
{
    violet_status status = VIOLET_OK;
    for (vl_dtype t = VL_DT_F64; t <= VL_DT_BOOL; t++) {
        size_t i = 0;
        while (i < p->n && p->list[i].dtype != t) i++;
        if (i < p->n && status == VIOLET_OK) status = vl_buf_printf(b, ", %s", vl_dtype_word(t));
    }
    return status;
}

static void tell_written(const vl_convert_plan *p, const char *output, const violet_hooks *hooks)
{
    char tensors[VL_WORDS], parameters[VL_WORDS], bytes[VL_WORDS];
    size_t n = 0, n_bytes = 0;
    vl_buf types = {0};
    for (size_t i = 0; i < p->n; i++) {
        const vl_safetensor *t = &p->list[i];
        if (vl_dtype_is_float(t->dtype) && !vl_checkpoint_moment(t->name)) n += t->n;
        n_bytes += t->n * vl_dtype_bytes(t->dtype);
    }
    if (put_types(&types, p) == VIOLET_OK)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%s: %s tensor%s, %s parameters, %s%s", output,
                vl_words_count(tensors, p->n), p->n == 1 ? "" : "s", vl_words_count(parameters, n),
                vl_words_bytes(bytes, n_bytes), types.data ? types.data : "");
    vl_buf_free(&types);
}

void vl_convert_plan_tell(const vl_convert_plan *p, const char *output, const violet_hooks *hooks)
{
    char text[VL_WORDS];
    const char *prefix = vl_tensors_prefix(p->f);
    tell_written(p, output, hooks);
    if (*prefix) vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  names without '%.200s'", prefix);
    for (size_t i = 0; i < p->n_aliases && i < ALIASES_TOLD; i++)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  '%.200s' also as '%.200s'",
                p->list[p->aliases[i].of].name, p->aliases[i].name);
    if (p->n_aliases > ALIASES_TOLD)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  and %s more second names",
                vl_words_count(text, p->n_aliases - ALIASES_TOLD));
    if (p->n_patterns)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  left out as asked: %s tensor%s",
                vl_words_count(text, p->n_patterns), p->n_patterns == 1 ? "" : "s");
    if (p->n_moments)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  left out: %s moments of AdamW, of use only to the "
                "run they are of", vl_words_count(text, p->n_moments));
    if (p->no_state)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  left out: the state of a training run, which is "
                "resumed from all of its file");
    if (p->n_seconds)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  left out: %s second name%s of what is there",
                vl_words_count(text, p->n_seconds), p->n_seconds == 1 ? "" : "s");
    if (p->config && p->assumed)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "  its sizes are told by its shapes, but assumed: %s; "
                "--config tells others", p->assumed);
    if (p->no_config)
        vl_tell(hooks, VIOLET_EVENT_WARNING, "%s has no configuration in it (--config gives "
                "it): %s", output, p->no_config);
}
