/* The test of a fine-tuning's best weights, once, and what test.json says of it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "model/load.h"
#include "task/finetune_internal.h"
#include "train/run_folder.h"

/* What test.json says beside the metrics; NULL: out of memory. `items` are counted by the test. */
static json_t *describe_test(const vl_run *r)
{
    const finetune *f = r->own;
    char data[20], weights[20];
    snprintf(data, sizeof data, "%016" PRIx64, vl_dataset_identity(f->test));
    snprintf(weights, sizeof weights, "%016" PRIx64, vl_params_hash(&r->model.params));
    return json_pack("{s:s, s:I, s:I, s:s, s:b, s:s, s:s}", "split", f->o->test_split, "step",
                     (json_int_t)r->tested, "steps", (json_int_t)r->step, "protocol",
                     finetune_protocol(f), "blind", (int)r->o->blind, "data", data, "weights",
                     weights);
}

/* Whether test.json is of this run as it ended: nothing that it says is otherwise. */
static bool is_tested(const vl_run *r, json_t *is)
{
    char path[4096];
    const char *key;
    json_t *value;
    if (vl_run_path(r, path, "test.json") != VIOLET_OK || !vl_file_exists(path)) return false;
    json_t *was = json_load_file(path, 0, NULL);
    bool same = json_is_object(was);
    json_object_foreach(is, key, value)
    {
        const json_t *before = json_object_get(was, key);
        same &= !before || json_equal(before, value);
    }
    json_decref(was);
    return same;
}

static violet_status test(vl_run *r, json_t *is)
{
    finetune *f = r->own;
    vl_run_result result = {0};
    for (int k = 0; k < VL_RUN_METRICS; k++) result.metric[k] = NAN;
    violet_status status = r->task->validate(r, f->test, &result);
    if (status != VIOLET_OK) return status;
    vl_run_tell_result(r, VIOLET_EVENT_TEST, f->o->test_split, &result);
    int bad = vl_json_put(is, "items", json_integer((json_int_t)f->n_seen));
    for (int k = 0; k < r->task->n_metrics; k++)
        bad |= vl_json_put(is, r->task->metrics[k], vl_json_real(result.metric[k]));
    return bad ? vl_err_nomem() : vl_run_write_json(r->o->output, "test.json", is);
}

violet_status finetune_finish(vl_run *r)
{
    finetune *f = r->own;
    char path[4096];
    vl_load_report report = {0};
    if (!f->test) return VIOLET_OK;
    const vl_load_options o = {.strict = true};
    violet_status status = vl_run_path(r, path, "best.safetensors");
    if (status == VIOLET_OK) status = vl_load(&r->model.params, &r->config, path, &o, &report);
    vl_load_report_release(&report);
    if (status == VIOLET_OK) status = vl_run_best_found(&r->tested, r);
    if (status != VIOLET_OK) return vl_err_at(status, "test");
    json_t *is = describe_test(r);
    status = !is ? vl_err_nomem() : is_tested(r, is) ? VIOLET_OK : test(r, is);
    json_decref(is);
    return status == VIOLET_OK ? status : vl_err_at(status, "test");
}
