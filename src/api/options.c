/* Options of the commands, as a handle; see violet.h. One line of `commands` adds a command. */
#include "api/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "corpus/corpus.h"
#include "extract/dvae_train.h"
#include "extract/frames.h"
#include "extract/link.h"
#include "extract/tsv.h"
#include "extract/vq.h"
#include "report/report.h"
#include "task/convert.h"
#include "task/eval.h"
#include "task/finetune.h"
#include "task/info_load.h"
#include "task/plan.h"
#include "task/pretrain_run.h"
#include "use/use.h"

static const vl_command commands[] = {
    {"pretrain", vl_pretrain_option_table, sizeof(vl_pretrain_options), {NULL}},
    {"finetune", vl_finetune_option_table, sizeof(vl_finetune_options), {NULL}},
    {"eval", vl_eval_option_table, sizeof(vl_eval_options), {vl_finetune_option_table}},
    {"plan", vl_plan_option_table, sizeof(vl_plan_options),
     {vl_pretrain_option_table, vl_finetune_option_table}},
    {"make-corpus", vl_corpus_option_table, sizeof(vl_corpus_options), {NULL}},
    {"extract-frames", vl_frames_option_table, sizeof(vl_frames_options), {NULL}},
    {"extract-tsv", vl_extract_tsv_option_table, sizeof(vl_extract_tsv_options), {NULL}},
    {"extract-vq", vl_vq_option_table, sizeof(vl_vq_options), {NULL}},
    {"train-dvae", vl_dvae_train_option_table, sizeof(vl_dvae_train_options), {NULL}},
    {"link", vl_link_option_table, sizeof(vl_link_options), {NULL}},
    {"convert", vl_convert_option_table, sizeof(vl_convert_options), {NULL}},
    {"report", vl_report_option_table, sizeof(vl_report_options), {NULL}},
    {"score", vl_score_option_table, sizeof(vl_use_options), {NULL}},
    {"ask", vl_ask_option_table, sizeof(vl_use_options), {NULL}},
    {"embed", vl_embed_option_table, sizeof(vl_use_options), {NULL}},
    {"search", vl_search_option_table, sizeof(vl_use_options), {NULL}},
    {"info", vl_info_option_table, sizeof(vl_info_options), {NULL}},
};

/* Keys of published args files that decide nothing here: the vocabulary is the model's, the others
 * are of other tasks. */
static const char *const published[] = {"task", "size_vocab", "size_option", NULL};

#define JSON_MOST ((size_t)1 << 20)

violet_status violet_options_new(violet_options **out, const char *command)
{
    *out = NULL;
    const vl_command *c = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, command) == 0) c = &commands[i];
    if (!c) return vl_err(VIOLET_EINVAL, "no command '%.60s' has options", command);
    violet_options *o = calloc(1, sizeof *o);
    void *values = calloc(1, c->bytes);
    if (!o || !values) {
        free(o);
        free(values);
        return vl_err_nomem();
    }
    *o = (violet_options){c, values, {0}};
    violet_status status = vl_option_defaults(c->table, values);
    if (status == VIOLET_OK)
        *out = o;
    else
        violet_options_free(o);
    return status;
}

void violet_options_free(violet_options *o)
{
    if (!o) return;
    vl_option_release(o->command->table, o->values);
    vl_buf_free(&o->text);
    free(o->values);
    free(o);
}

const void *vl_options_of(const violet_options *o, const char *command)
{
    if (strcmp(o->command->name, command) == 0) return o->values;
    vl_err(VIOLET_EINVAL, "options of '%s', expected those of '%s'", o->command->name, command);
    return NULL;
}

violet_status violet_options_set(violet_options *o, const char *name, const char *value)
{
    return vl_option_set(o->command->table, o->values, name, value);
}

violet_status violet_options_parse(violet_options *o, int argc, char **argv, int *n_rest)
{
    /* rest may be argv itself: it is never ahead of what is being read */
    return vl_option_args(o->command->table, o->values, argc, argv, argv, n_rest);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static int has(const vl_option *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0) return 1;
    return 0;
}

/* Takes away what only other commands know. */
static void drop_others(json_t *object, const vl_command *c)
{
    for (int k = 0; k < 2; k++)
        for (const vl_option *e = c->also[k]; e && e->name; e++)
            if (!has(c->table, e->name)) json_object_del(object, e->name);
}

/* What another command's options mean for this one. */
static violet_status take_others(json_t *object, const vl_command *c, const char *path)
{
    violet_status status = VIOLET_OK;
    if (c->table == vl_eval_option_table) status = vl_eval_take_training(object, path);
    drop_others(object, c);
    return status;
}

violet_status violet_options_load(violet_options *o, const char *path)
{
    char *text;
    size_t n;
    json_error_t e;
    violet_status status = vl_file_read(&text, &n, path, JSON_MOST);
    if (status != VIOLET_OK) return status;
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    free(text);
    if (!object)
        return vl_err(VIOLET_EFORMAT, "%s line %d column %d: %s", path, e.line, e.column, e.text);
    status = take_others(object, o->command, path);
    if (status == VIOLET_OK)
        status = vl_option_load(o->command->table, o->values, object, published);
    json_decref(object);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* A table without options still has text: "". */
static const char *text_of(violet_options *o, violet_status status)
{
    if (status == VIOLET_OK && vl_buf_puts(&o->text, "") == VIOLET_OK) return o->text.data;
    return NULL;
}

const char *violet_options_help(violet_options *o)
{
    vl_buf_clear(&o->text);
    return text_of(o, vl_option_help(&o->text, o->command->table));
}

const char *violet_options_man(violet_options *o)
{
    vl_buf_clear(&o->text);
    return text_of(o, vl_option_man(&o->text, o->command->table));
}

const char *violet_options_json(violet_options *o)
{
    json_t *object;
    vl_buf_clear(&o->text);
    if (vl_option_json(&object, o->command->table, o->values) != VIOLET_OK) return NULL;
    /* 15 digits: what was written as 2e-05 is read and written as that again */
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(object);
    violet_status status = text ? vl_buf_printf(&o->text, "%s\n", text) : vl_err_nomem();
    free(text);
    return text_of(o, status);
}

const char *violet_options_get(violet_options *o, const char *name)
{
    bool is_set;
    vl_buf_clear(&o->text);
    violet_status status = vl_option_get(&o->text, &is_set, o->command->table, o->values, name);
    return status == VIOLET_OK && is_set ? text_of(o, status) : NULL;
}

/* ---- facts ----------------------------------------------------------------------------------- */

static violet_option_kind kind_of(const vl_option *o)
{
    switch (o->type) {
    case VL_OPT_BOOL: return VIOLET_OPTION_FLAG;
    case VL_OPT_ENUM: return VIOLET_OPTION_CHOICE;
    case VL_OPT_STRING: return o->is_path ? VIOLET_OPTION_PATH : VIOLET_OPTION_TEXT;
    default: return VIOLET_OPTION_NUMBER;
    }
}

int violet_options_describe(violet_option_facts *out, const violet_options *o, int i)
{
    const vl_option *row = o->command->table;
    for (; row->name && i > 0; i--) row++;
    if (!row->name || i < 0) return 0;
    *out = (violet_option_facts){row->name, row->also, kind_of(row), row->choices,
                                 row->fallback, row->help, row->group ? row->group : ""};
    return 1;
}
