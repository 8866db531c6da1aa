/* Setting a model case up; see model_run.h. */
#include "golden/model_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/hash_init.h"

/* ---- parameters ----------------------------------------------------------------------------- */

void model_run_init_params(const vl_model *m, uint64_t seed)
{
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < m->params.n; i++) {
        const vl_param *e = &m->params.list[i];
        golden_hash_init(vl_param_weights(&m->params, e), e->count, e->name,
                         e->count / (size_t)e->shape[0], seed);
    }
}

static int same_shape(const vl_param *e, const json_t *shape)
{
    if (json_array_size(shape) != (size_t)e->n_dims) return 0;
    for (int i = 0; i < e->n_dims; i++)
        if (json_integer_value(json_array_get(shape, (size_t)i)) != e->shape[i]) return 0;
    return 1;
}

void model_run_check_params(model_run *run, const vl_model *m, const char *key)
{
    golden_report *r = run->file.report;
    const json_t *list = json_object_get(run->file.json, key);
    const char *name;
    json_t *shape;
    int wrong = 0;
    json_object_foreach((json_t *)list, name, shape)
    {
        const vl_param *e = vl_params_find(&m->params, name);
        if (e && same_shape(e, shape)) continue;
        golden_verdict(r, 0, name, e ? "another shape" : "we have no such parameter");
        wrong++;
    }
    for (int i = 0; i < m->params.n; i++)
        if (!json_object_get(list, m->params.list[i].name)) {
            golden_verdict(r, 0, m->params.list[i].name, "theirs has no such parameter");
            wrong++;
        }
    golden_verdict(r, !wrong && json_object_size(list) > 0, key, "%d names or shapes differ",
                   wrong);
}

static void check_first_values(model_run *run)
{
    const json_t *list = json_object_get(run->file.json, "first_values");
    const char *name;
    json_t *values;
    int wrong = 0, n = 0;
    json_object_foreach((json_t *)list, name, values)
    {
        const vl_param *e = vl_params_find(&run->model.params, name);
        for (size_t i = 0; e && i < json_array_size(values) && i < e->count; i++, n++) {
            float want = (float)json_number_value(json_array_get(values, i));
            wrong += (float)vl_param_weights(&run->model.params, e)[i] != want;
        }
    }
    golden_verdict(run->file.report, n && !wrong, "first_values", "%d of %d values differ", wrong,
                   n);
}

/* ---- the batch ------------------------------------------------------------------------------ */

static violet_status load_pictures(model_run *run)
{
    const vl_safetensor *image = golden_input(&run->file, "image");
    const vl_safetensor *masked = golden_input(&run->file, "image_masked");
    if (!image || !masked || image->n_dim != 5 || image->dtype != VL_DT_U8 ||
        image->shape[2] != 3 || masked->n != image->n || masked->dtype != VL_DT_U8)
        return vl_err(VIOLET_EFORMAT, "in.image: expected (B,T,3,H,W) of bytes");
    run->B = (int)image->shape[0];
    run->T = (int)image->shape[1];
    run->H = (int)image->shape[3];
    run->W = (int)image->shape[4];
    run->Ni = run->T * (1 + run->H / 32 * (run->W / 32));
    run->image = image->data;
    run->image_masked = masked->data;
    return VIOLET_OK;
}

static violet_status load_texts(model_run *run)
{
    golden_file *g = &run->file;
    size_t n, n_masked, n_mask, n_mtm, n_mvm, n_negative;
    run->text = golden_input_ints(g, "text", &n);
    run->text_masked = golden_input_ints(g, "text_masked", &n_masked);
    int *mask = golden_input_ints(g, "text_mask", &n_mask);
    run->answer_mtm = golden_input_ints(g, "answer_mtm", &n_mtm);
    run->answer_mvm = golden_input_ints(g, "answer_mvm", &n_mvm);
    run->negative = golden_input_ints(g, "negative", &n_negative);
    run->X = (int)n / run->B;
    run->n_negative = (int)n_negative / run->B;
    run->text_mask = malloc(n + 1);
    int ok = n && n_masked == n && n_mask == n && n_mtm == n && run->text_mask &&
             n_mvm == (size_t)run->B * run->Ni;
    for (size_t i = 0; ok && i < n; i++) run->text_mask[i] = mask[i] != 0;
    free(mask);
    return ok ? VIOLET_OK : vl_err(VIOLET_EFORMAT, "inputs do not belong together");
}

/* The masked picture is the picture with the patches of in.patch_masked black, and the hidden
 * tokens are those of in.vq: so what these two say has been looked at. */
static void check_masking(model_run *run)
{
    size_t n, n_vq, wrong = 0;
    int *patch = golden_input_ints(&run->file, "patch_masked", &n);
    int *vq = golden_input_ints(&run->file, "vq", &n_vq);
    int h = run->H / 32, w = run->W / 32;
    int fits =
        patch && vq && n == (size_t)run->B * run->T * h * w && n_vq == (size_t)run->B * run->Ni;
    for (size_t i = 0; fits && i < (size_t)run->B * run->T * 3 * run->H * run->W; i++) {
        size_t x = i % run->W, y = i / run->W % run->H, frame = i / run->W / run->H / 3;
        int hidden = patch[(frame * h + y / 32) * w + x / 32];
        wrong += run->image_masked[i] != (hidden ? 0 : run->image[i]);
    }
    for (size_t i = 0; fits && i < n_vq; i++)
        wrong += run->answer_mvm[i] >= 0 && run->answer_mvm[i] != vq[i];
    golden_verdict(run->file.report, fits && !wrong, "masked inputs", "%zu values differ", wrong);
    free(patch);
    free(vq);
}

/* ---- open and close ------------------------------------------------------------------------- */

static void tapped(void *user, const char *name, const vl_tensor *y);

static violet_status open_model(model_run *run, const golden_options *o)
{
    static const char *const ignored[] = {"batch", "frames", "size_img", "size_txt", NULL};
    const json_t *json = run->file.json;
    run->seed = (uint64_t)json_integer_value(json_object_get(json, "seed"));
    violet_status status = vl_config_preset(&run->config, "violet1");
    if (status == VIOLET_OK)
        status = vl_config_load(&run->config, json_object_get(json, "config"), ignored);
    if (status == VIOLET_OK)
        status = vl_model_init(&run->model, &run->config, VL_HEADS_PRETRAIN, 1, 0);
    if (status != VIOLET_OK) return status;
    status = vl_swin_plan_init(&run->plan, &run->config.video, run->B, run->T, run->H, run->W);
    if (status != VIOLET_OK) return status;
    if (!(run->device = o->backend->open(o->threads))) return VIOLET_ENOMEM;
    status = vl_tape_init(&run->tape, o->backend, run->device, 0);
    run->tape.tap_user = run;
    return status;
}

violet_status model_run_open(model_run *run, golden_report *r, const golden_options *o,
                             const char *folder)
{
    memset(run, 0, sizeof *run);
    violet_status status = golden_file_open(&run->file, r, folder);
    if (status == VIOLET_OK) status = load_pictures(run);
    if (status == VIOLET_OK) status = load_texts(run);
    if (status == VIOLET_OK) status = open_model(run, o);
    if (status != VIOLET_OK) return status;
    check_masking(run);
    model_run_check_params(run, &run->model, "parameters");
    model_run_init_params(&run->model, run->seed);
    check_first_values(run);
    return VIOLET_OK;
}

void model_run_close(model_run *run)
{
    const vl_backend *backend = run->tape.backend;
    vl_tape_release(&run->tape);
    if (run->device) backend->close(run->device);
    vl_swin_plan_release(&run->plan);
    vl_model_release(&run->model);
    free(run->text);
    free(run->text_masked);
    free(run->text_mask);
    free(run->answer_mtm);
    free(run->answer_mvm);
    free(run->negative);
    free(run->scratch);
    json_decref(run->tapped);
    golden_file_close(&run->file);
}

/* ---- passes --------------------------------------------------------------------------------- */

void model_run_start(model_run *run, int grad_on, const char *pass, int tap)
{
    vl_tape *t = &run->tape;
    vl_tape_reset(t, 0, 0);
    t->grad_on = grad_on;
    t->checkpoint_on = 0;
    t->training = 0;
    t->tap = tap ? tapped : NULL;
    run->pass = pass;
    json_decref(run->tapped);
    run->tapped = json_object();
}

int model_run_ok(model_run *run, const char *what)
{
    if (vl_tape_status(&run->tape) == VIOLET_OK) return 1;
    golden_verdict(run->file.report, 0, what, "%s", violet_error());
    return 0;
}

void model_run_zero_grads(model_run *run, const vl_model *m)
{
    run->tape.backend->fill(run->device, (real *)m->params.grads.base, 0,
                            m->params.grads.used / sizeof(real));
}

void model_run_compare_grads(model_run *run, const vl_model *m, const char *prefix,
                             const char *pass)
{
    const char *name;
    json_t *output;
    size_t skip = strlen(prefix);
    json_object_foreach((json_t *)run->file.outputs, name, output)
    {
        if (strncmp(name, prefix, skip) != 0) continue;
        const vl_param *e = vl_params_find(&m->params, name + skip);
        golden_compare_gradient(&run->file, pass, name, e ? vl_param_grads(&m->params, e) : NULL,
                                e ? e->count : 0);
    }
}

/* ---- activations ---------------------------------------------------------------------------- */

/* Where the golden file has (B, C, T, h, w): all of the video encoder but its blocks. */
static int is_channels_first(const char *name)
{
    return strncmp(name, "swin", 4) == 0 && !strstr(name, ".block");
}

/* rows (B, plane) x C of x to (B, C, plane) */
static real *channels_first(model_run *run, const vl_tensor *x)
{
    size_t n = (size_t)x->rows * x->cols, plane = (size_t)x->rows / run->B;
    if (n > run->scratch_n) {
        free(run->scratch);
        run->scratch = malloc(n * sizeof(real));
        run->scratch_n = run->scratch ? n : 0;
    }
    for (size_t row = 0; run->scratch && row < (size_t)x->rows; row++)
        for (size_t c = 0; c < (size_t)x->cols; c++)
            run->scratch[(row / plane * x->cols + c) * plane + row % plane] =
                x->x[row * x->cols + c];
    return run->scratch;
}

static void tapped(void *user, const char *name, const vl_tensor *y)
{
    model_run *run = user;
    if (json_object_get(run->tapped, name)) return;
    json_object_set_new(run->tapped, name, json_true());
    if (!golden_has_output(&run->file, name)) return;
    const real *x = is_channels_first(name) ? channels_first(run, y) : y->x;
    golden_compare(&run->file, GOLDEN_ACTIVATION, run->pass, name, x, (size_t)y->rows * y->cols);
}
