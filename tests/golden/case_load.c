/* Fine-tuning from a pretraining checkpoint: the case's pretraining model goes into a .pt file,
 * models of the downstream tasks start from it, their reports are what the published code would
 * take, and their logits and losses are the golden ones. */
#include "golden/model_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden/hash_init.h"
#include "model/checkpoint.h"
#include "model/load.h"

/* What must become of a name; the first that it begins with. */
typedef struct expected {
    const char *begins;
    vl_load_fate fate;
} expected;

static const expected for_answers[] = {
    {"enc_img.", VL_LOAD_MATCHED},   {"enc_txt.", VL_LOAD_MATCHED}, {"trsfr.", VL_LOAD_MATCHED},
    {"fc.1.", VL_LOAD_MATCHED},      {"fc.3.", VL_LOAD_MISSHAPEN},  {"fc_mtm.", VL_LOAD_UNEXPECTED},
    {"fc_mvm.", VL_LOAD_UNEXPECTED}, {NULL, VL_LOAD_FATES}};
static const expected for_matching[] = {
    {"enc_img.", VL_LOAD_MATCHED},   {"enc_txt.", VL_LOAD_MATCHED}, {"trsfr.", VL_LOAD_MATCHED},
    {"fc.", VL_LOAD_MATCHED},        {"fc_mtm.", VL_LOAD_UNEXPECTED},
    {"fc_mvm.", VL_LOAD_UNEXPECTED}, {NULL, VL_LOAD_FATES}};

static int as_expected(const vl_load_entry *e, const expected *list)
{
    while (list->begins && strncmp(e->name, list->begins, strlen(list->begins)) != 0) list++;
    return e->fate == list->fate;
}

/* Every entry, and that there is one for each of the model's parameters and each of the file's
 * tensors: those of the heads it has not, the language head's bias under both names. */
static void check_report(model_run *run, const vl_model *m, const vl_load_report *r,
                         const expected *list, const char *task)
{
    size_t left = 0, n = (size_t)m->params.n;
    for (int i = 0; i < run->model.params.n; i++)
        left += vl_params_find(&m->params, run->model.params.list[i].name) == NULL;
    int ok = r->n == n + left + 1 && strcmp(r->layout, "VIOLET") == 0;
    for (size_t i = 0; i < r->n; i++) {
        const vl_load_entry *e = &r->list[i];
        ok &= as_expected(e, list) && (i >= n || strcmp(e->name, m->params.list[i].name) == 0);
    }
    golden_verdict(run->file.report, ok, task, "%s: %zu entries for %zu parameters and %zu tensors",
                   "the report is another than the published code's", r->n, n, left + 1);
}

/* Taken is what the pretraining model has; what was not taken is what it was before. */
static void check_values(model_run *run, const vl_model *m, const vl_model *before,
                         const vl_load_report *r, const char *task)
{
    int wrong = 0;
    for (int i = 0; i < m->params.n; i++) {
        const vl_param *e = &m->params.list[i];
        const vl_model *from = r->list[i].fate == VL_LOAD_MATCHED ? &run->model : before;
        const vl_param *f = vl_params_find(&from->params, e->name);
        wrong += !f || memcmp(vl_param_weights(&m->params, e), vl_param_weights(&from->params, f),
                              e->count * sizeof(real)) != 0;
    }
    golden_verdict(run->file.report, !wrong, task, "%d parameters have other values", wrong);
}

/* fc.3 anew by the golden files' rule, as in its task. */
static void init_answers(const vl_model *m, uint64_t seed)
{
    static const char *const names[] = {"fc.3.weight", "fc.3.bias"};
    for (int k = 0; k < 2; k++) {
        const vl_param *e = vl_params_find(&m->params, names[k]);
        golden_hash_init(vl_param_weights(&m->params, e), e->count, e->name,
                         e->count / (size_t)e->shape[0], seed);
    }
}

/* A model with that head, drawn, then started from path. */
static int start(model_run *run, vl_model *m, int head, const char *path, const expected *list,
                 const char *task)
{
    const vl_load_options o = {.part = VL_LOAD_ALL};
    vl_load_report report = {0};
    vl_model before;
    if (vl_model_init(m, &run->config, head, 0, 0) != VIOLET_OK) return 0;
    if (vl_model_init(&before, &run->config, head, 0, 0) != VIOLET_OK) {
        vl_model_release(m);
        return 0;
    }
    vl_params_draw(&m->params, 7);
    memcpy(before.params.weights.base, m->params.weights.base, m->params.weights.used);
    violet_status status = vl_load(&m->params, &run->config, path, &o, &report);
    golden_verdict(run->file.report, status == VIOLET_OK, task, "%s", violet_error());
    if (status == VIOLET_OK) {
        check_report(run, m, &report, list, task);
        check_values(run, m, &before, &report, task);
    } else {
        vl_model_release(m);
    }
    vl_load_report_release(&report);
    vl_model_release(&before);
    return status == VIOLET_OK;
}

static void compare(model_run *run, const char *task, const vl_downstream_output *out, real scale)
{
    char name[64];
    if (!model_run_ok(run, task)) return;
    size_t n = (size_t)out->logits->rows * out->logits->cols;
    for (size_t i = 0; i < n; i++) out->logits->x[i] *= scale;
    snprintf(name, sizeof name, "%s/logit", task);
    golden_compare(&run->file, GOLDEN_ACTIVATION, "from .pt", name, out->logits->x, n);
    snprintf(name, sizeof name, "%s/loss", task);
    if (json_is_null(json_object_get(json_object_get(run->file.outputs, name), "l2"))) return;
    golden_compare(&run->file, GOLDEN_LOSS, "from .pt", name, out->loss->x, 1);
}

static void matching(model_run *run, const char *path)
{
    vl_downstream_input in = model_run_downstream_input(run);
    vl_downstream_output out;
    vl_model m;
    size_t n_option, n;
    if (!start(run, &m, VL_HEAD_MATCH, path, for_matching, "retrieval from .pt")) return;
    model_run_start(run, 0, NULL, 0);
    vl_retrieval_forward(&run->tape, &m, &in, &out);
    compare(run, "retrieval", &out, VL_SCORE_SCALE);
    int *option = golden_input_ints(&run->file, "qamc/option", &n_option);
    int *answer = golden_input_ints(&run->file, "qamc/answer", &n);
    if (option && answer && n == (size_t)run->B) {
        model_run_start(run, 0, NULL, 0);
        vl_qamc_forward(&run->tape, &m, &in, option, (int)n_option / run->B, answer, &out);
        compare(run, "qamc", &out, 1);
    }
    free(option);
    free(answer);
    vl_model_release(&m);
}

static void open_ended(model_run *run, const char *path)
{
    vl_downstream_input in = model_run_downstream_input(run);
    vl_downstream_output out;
    vl_model m;
    size_t n;
    int *answer = golden_input_ints(&run->file, "qaoe/answer", &n);
    if (answer && n == (size_t)run->B &&
        start(run, &m, VL_HEAD_ANSWER, path, for_answers, "qaoe from .pt")) {
        init_answers(&m, run->seed);
        model_run_start(run, 0, NULL, 0);
        vl_qaoe_forward(&run->tape, &m, &in, answer, &out);
        compare(run, "qaoe", &out, 1);
        vl_model_release(&m);
    }
    free(answer);
}

void model_run_load(model_run *run)
{
    char folder[] = "/tmp/violet-golden-XXXXXX", path[64];
    if (!golden_has_output(&run->file, "qaoe/loss")) return;
    if (!mkdtemp(folder)) {
        golden_verdict(run->file.report, 0, "from .pt", "no folder for temporary files");
        return;
    }
    snprintf(path, sizeof path, "%s/pretrained.pt", folder);
    violet_status status = vl_checkpoint_write(path, &run->model, 0, NULL, 0);
    golden_verdict(run->file.report, status == VIOLET_OK, "pretrained.pt", "%s", violet_error());
    if (status == VIOLET_OK) {
        matching(run, path);
        open_ended(run, path);
    }
    unlink(path);
    rmdir(folder);
}
