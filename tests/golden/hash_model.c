/* hash-model [--config violet1|tiny|FILE] [--seed N] [--heads pretrain|match|answer]
 *            [--dtype float32|float16|bfloat16] OUT.pt|OUT.safetensors
 *
 * Writes a model whose parameters follow from their names (hash_init.h), so that a checkpoint of
 * any size can be made anywhere, and whoever reads it can tell what every value must be. One tensor
 * is in memory at a time. See script/hash-model. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "file/tensors.h"
#include "golden/hash_init.h"
#include "model/checkpoint.h"

_Static_assert(sizeof(real) == sizeof(float), "a program of the release configuration");

typedef struct options {
    const char *config, *out;
    uint64_t seed;
    int heads;
    vl_dtype dtype;
} options;

typedef struct named {
    const char *name;
    int value;
} named;

static const named heads[] = {{"pretrain", VL_HEADS_PRETRAIN},
                              {"match", VL_HEAD_MATCH},
                              {"dual", VL_HEAD_MATCH | VL_HEAD_DUAL},
                              {"answer", VL_HEAD_ANSWER},
                              {NULL, 0}};
static const named dtypes[] = {{"float32", VL_DT_F32},
                               {"float16", VL_DT_F16},
                               {"bfloat16", VL_DT_BF16},
                               {NULL, 0}};

static violet_status value_of(int *out, const named *list, const char *option, const char *text)
{
    for (; list->name; list++)
        if (strcmp(list->name, text) == 0) {
            *out = list->value;
            return VIOLET_OK;
        }
    return vl_err(VIOLET_EINVAL, "%s '%s' is not known", option, text);
}

static violet_status number_of(uint64_t *out, const char *option, const char *text)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno || *end || text[0] < '0' || text[0] > '9'
               ? vl_err(VIOLET_EINVAL, "%s '%s': expected a number", option, text) : VIOLET_OK;
}

static violet_status read_options(options *o, int argc, char **argv)
{
    int dtype = VL_DT_F32, i = 1;
    violet_status status = VIOLET_OK;
    *o = (options){.config = "violet1", .heads = VL_HEADS_PRETRAIN};
    for (; i + 1 < argc && argv[i][0] == '-' && status == VIOLET_OK; i += 2) {
        const char *option = argv[i], *text = argv[i + 1];
        if (strcmp(option, "--config") == 0)
            o->config = text;
        else if (strcmp(option, "--seed") == 0)
            status = number_of(&o->seed, option, text);
        else if (strcmp(option, "--heads") == 0)
            status = value_of(&o->heads, heads, option, text);
        else if (strcmp(option, "--dtype") == 0)
            status = value_of(&dtype, dtypes, option, text);
        else
            status = vl_err(VIOLET_EINVAL, "option '%s' is not known", option);
    }
    if (status == VIOLET_OK && i + 1 != argc)
        status = vl_err(VIOLET_EINVAL, "expected one file to write");
    o->dtype = (vl_dtype)dtype;
    o->out = argv[argc - 1];
    return status;
}

/* ---- the file -------------------------------------------------------------------------------- */

static violet_status push_one(vl_tensors_writer *w, const vl_param *e, const options *o)
{
    violet_status status = VIOLET_OK;
    size_t each = vl_dtype_bytes(o->dtype);
    float *x = malloc(e->count * sizeof *x);
    char *bytes = malloc(e->count * each);
    if (!x || !bytes) status = vl_err_nomem();
    if (status == VIOLET_OK) {
        golden_hash_init(x, e->count, e->name, e->count / (size_t)e->shape[0], o->seed);
        status = vl_dtype_from_float(bytes, o->dtype, x, e->count);
    }
    if (status == VIOLET_OK) status = vl_tensors_push(w, bytes, e->count * each);
    free(bytes);
    free(x);
    return status;
}

static void describe(vl_safetensor *list, const vl_params *p, vl_dtype dtype)
{
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        list[i] = (vl_safetensor){.name = e->name, .dtype = dtype, .n_dim = e->n_dims,
                                  .n = e->count};
        for (int d = 0; d < e->n_dims; d++) list[i].shape[d] = e->shape[d];
    }
}

static violet_status write_model(const vl_model *m, const options *o)
{
    const vl_params *p = &m->params;
    vl_safetensor *list = calloc((size_t)p->n + 1, sizeof *list);
    json_t *sizes = vl_config_save(&m->config);
    char *config = sizes ? json_dumps(sizes, JSON_COMPACT) : NULL;
    vl_tensors_alias aliases[VL_CHECKPOINT_ALIASES];
    const char *const metadata[] = {"config", config};
    vl_tensors_writer *w = NULL;
    violet_status status = list && config ? VIOLET_OK : vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    describe(list, p, o->dtype);
    const vl_tensors_plan plan = {.list = list,
                                  .n = (size_t)p->n,
                                  .aliases = aliases,
                                  .n_aliases = vl_checkpoint_aliases(aliases, p),
                                  .metadata = metadata,
                                  .n_metadata = 1};
    status = vl_tensors_create(&w, o->out, &plan);
    for (int i = 0; i < p->n && status == VIOLET_OK; i++) status = push_one(w, &p->list[i], o);
    if (status == VIOLET_OK)
        status = vl_tensors_finish(w);
    else
        vl_tensors_abandon(w);
done:
    free(list);
    free(config);
    json_decref(sizes);
    return status;
}

int main(int argc, char **argv)
{
    options o;
    vl_config config;
    vl_model m;
    violet_status status = read_options(&o, argc, argv);
    if (status == VIOLET_OK) status = vl_config_find(&config, o.config);
    if (status == VIOLET_OK) status = vl_model_init(&m, &config, o.heads, 0, 0);
    if (status == VIOLET_OK) {
        status = write_model(&m, &o);
        vl_model_release(&m);
    }
    if (status == VIOLET_OK) return 0;
    fprintf(stderr, "hash-model: %s\n", violet_error());
    return status == VIOLET_EINVAL ? 2 : 1;
}
