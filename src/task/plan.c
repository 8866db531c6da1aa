/* What a run will cost; see plan.h. */
#include "task/plan.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "model/checkpoint.h"
#include "task/plan_internal.h"
#include "train/optim.h"

#define S vl_plan_options
#define R vl_run_options
#define CLASSES 1000 /* of open-ended answers, as fine-tuning has them where nothing says more */
#define CHOICES 5    /* options a question: the published task's */

_Static_assert(offsetof(S, of) == 0, "rows of the shared options have offsets in them");

const vl_option vl_plan_option_table[] = {
    VL_OPTION_STRING(R, type, "pretrain", "Data",
                     "kind of run: pretrain, retrieval, qamc, qaoe, fib"),
    VL_RUN_ROW_CONFIG(NULL, "sizes: violet1, tiny, a JSON file or a checkpoint (default: those of "
                            "path_ckpt, if it is there, else violet1)"),
    VL_OPTION_PATH_ALSO(R, path_ckpt, "checkpoint", NULL, "Model",
                          "checkpoint to start from"),
    VL_RUN_ROWS_DROP,
    VL_OPTION_INT(R, size_img, "224", 32, 6272, "Data",
                  "side of the pictures, a multiple of 32"),
    VL_OPTION_INT(R, size_txt, "0", 0, 512, "Data",
                  "text positions, 0: 32 in pretraining, else 25"),
    VL_OPTION_INT(R, size_frame, "0", 0, VL_FRAMES_MOST, "Data",
                  "frames a video, 0: 4 in pretraining, else 5"),
    VL_OPTION_INT(R, size_batch, "0", 0, 1e6, "Data",
                  "samples a batch, 0: 12 in pretraining, else 6"),
    VL_OPTION_INT(R, workers, "1", 0, 256, "Data", "threads that decode data"),
    VL_OPTION_INT(S, size_vocab, "0", 0, 1e6, "Data", "qaoe, fib: classes of answers, 0: 1000"),
    VL_OPTION_INT(S, size_option, "0", 0, 1000, "Data", "qamc: options a question, 0: 5"),
    VL_OPTION_INT(S, valid_videos, "0", 0, 1e9, "Data",
                  "retrieval: videos of a validation, which are all kept encoded"),
    VL_OPTION_INT(S, valid_texts, "0", 0, 1e9, "Data", "captions of it, 0: one a video"),
    VL_OPTION_INT(S, height, "0", 0, 6272, "Data", "height of the pictures, 0: size_img"),
    VL_OPTION_INT(S, width, "0", 0, 6272, "Data", "width of the pictures, 0: size_img"),
    VL_PRETRAIN_ROW_DVAE,
    VL_RUN_ROW_COMPAT,
    VL_RUN_ROW_ACCUMULATE,
    VL_RUN_ROW_CHECKPOINTING,
    VL_PRETRAIN_ROWS_MASK,
    VL_PRETRAIN_ROW_NEGATIVES,
    VL_RUN_ROW_CONTRASTIVE,
    VL_OPTION_DOUBLE(S, peak, "0", 0, 1e9, "Time", "GFLOP/s to reckon time with, 0: none"),
    VL_OPTION_BOOL(S, measure, "false", "Time", "measure this machine's peak"),
    VL_OPTION_BOOL(S, json, "false", "Output", "an object in place of lines"),
    VL_RUN_ROW_THREADS,
    {0},
};

/* Batches with more grid cells, or rows of pairs, than this are not run but follow from smaller
 * ones: the tables of rows, which are real memory, would take longer to fill than anyone wants to
 * wait. */
#define CELLS_MOST 2e6
#define ROWS_MOST 4e6
#define SMALL_BATCH 8
#define ADDRESSES ((size_t)1 << 43)

/* A window's table of pairs is real memory, too. */
#define WINDOW_MOST 2048

/* ---- one step on the counting backend -------------------------------------------------------- */

static double all_bytes(const vl_count *c)
{
    double sum = 0;
    for (int f = 0; f < VL_COUNT_FAMILIES; f++) sum += c->bytes[f][0] + c->bytes[f][1];
    return sum;
}

void plan_note(plan_tally *out, const vl_tape *t, const vl_swin_plans *plans, const plan_marks *m)
{
    vl_count end = vl_count_get(t->device), v = vl_count_between(&m->before, &m->tokens);
    vl_count w = vl_count_between(&m->tokens, &m->attended);
    vl_count f = vl_count_between(&m->attended, &m->forward);
    vl_count b = vl_count_between(&m->forward, &end), whole = vl_count_between(&m->before, &end);
    *out = (plan_tally){{0}};
    out->of[PLAN_TOKENS] = vl_count_products(&v, VL_COUNT_FORWARD);
    out->of[PLAN_ATTENDED] = vl_count_products(&w, VL_COUNT_FORWARD);
    out->of[PLAN_FORWARD] = vl_count_products(&f, VL_COUNT_FORWARD);
    out->of[PLAN_BACKWARD] = vl_count_products(&b, VL_COUNT_BACKWARD);
    out->of[PLAN_RECOMPUTED] = vl_count_products(&b, VL_COUNT_FORWARD);
    out->of[PLAN_ATTENTION] =
        whole.flops[VL_COUNT_ATTENTION][0] + whole.flops[VL_COUNT_ATTENTION][1];
    out->of[PLAN_TRAFFIC] = all_bytes(&whole);
    out->of[PLAN_ACTIVATIONS] = (double)t->keep.peak;
    out->of[PLAN_GRADIENTS] = (double)t->grads.peak;
    for (int i = 0; i < plans->n; i++) out->of[PLAN_TABLES] += (double)plans->list[i].tables.used;
}

/* What is planned may be for a larger machine: addresses cost nothing, where they are to be had. */
static violet_status open_tape(vl_tape *t, vl_device *d)
{
    if (vl_tape_init(t, vl_backend_count(), d, ADDRESSES) == VIOLET_OK) return VIOLET_OK;
    return vl_tape_init(t, vl_backend_count(), d, 0);
}

/* A step with a batch of B. */
static violet_status count_step(plan_tally *out, const planned *p, vl_device *d, int B)
{
    vl_tape t;
    vl_swin_plans plans = {0};
    violet_status status = open_tape(&t, d);
    if (status != VIOLET_OK) return status;
    status = p->kind->step(out, p, &t, &plans, B);
    vl_swin_plans_release(&plans);
    vl_tape_release(&t);
    return status;
}

static double cells_of(const planned *p)
{
    return (double)p->T * (p->H / 4) * (p->W / 4);
}

/* The most samples whose step is counted as it is. */
static double most_counted(const planned *p)
{
    double cells = CELLS_MOST / cells_of(p), pairs = ROWS_MOST / (p->Ni + p->X);
    double of_pairs = p->kind->all_pairs ? sqrt(pairs) : pairs / p->n_texts;
    return cells < of_pairs ? cells : of_pairs;
}

/* In proportion; or by the square that goes through three, for what has pairs of all with all.
 * These are large: which part of a step takes the most memory changes with the batch. */
static violet_status count_any(violet_plan_report *r, plan_tally *out, const planned *p,
                               vl_device *d)
{
    int B = p->o.of.run.size_batch, n = p->kind->all_pairs ? 3 : 2;
    int least = p->o.of.negatives + 1 > SMALL_BATCH ? p->o.of.negatives + 1 : SMALL_BATCH;
    double most = most_counted(p);
    if (p->kind->all_pairs && most / n > least) least = (int)(most / n);
    if (B <= most || B <= n * least) return count_step(out, p, d, B);
    plan_tally at[3];
    violet_status status = VIOLET_OK;
    for (int k = 0; k < n && status == VIOLET_OK; k++)
        status = count_step(&at[k], p, d, (k + 1) * least);
    if (status != VIOLET_OK) return status;
    double x = (double)(B - least) / least;
    for (int i = 0; i < PLAN_TALLIES; i++) {
        double one = at[1].of[i] - at[0].of[i];
        double two = n == 3 ? at[2].of[i] - at[1].of[i] - one : 0;
        out->of[i] = at[0].of[i] + x * one + x * (x - 1) / 2 * two;
    }
    r->extrapolated = 1;
    return VIOLET_OK;
}

/* ---- one forward pass ------------------------------------------------------------------------ */

static void forward(violet_plan_report *r, const planned *p, vl_tape *t, const vl_swin_plan *plan,
                    const int *text, const uint8_t *mask)
{
    static const int zero = 0;
    const vl_pairs own = {1, &zero, &zero, 1, 1, p->Ni, p->X, mask};
    vl_bert_batch pairs;
    t->grad_on = 0;
    vl_count start = vl_count_get(t->device);
    vl_tensor *image = vl_model_image(t, &p->model, plan, NULL);
    vl_count video = vl_count_get(t->device);
    vl_tensor *tokens = vl_model_text(t, &p->model, text, 1, p->X);
    vl_tensor *x = vl_model_pair(t, &own, image, tokens, &pairs);
    if (!vl_tape_failed(t)) vl_bert_encode(t, p->model.layers, p->config.ct_layers, &pairs, x);
    vl_count end = vl_count_get(t->device), v = vl_count_between(&start, &video);
    vl_count e = vl_count_between(&video, &end);
    r->forward_video_flops = vl_count_products(&v, VL_COUNT_FORWARD);
    r->forward_encoder_flops = vl_count_products(&e, VL_COUNT_FORWARD);
    r->forward_flops = r->forward_video_flops + r->forward_encoder_flops;
    r->forward_attention_flops = v.flops[VL_COUNT_ATTENTION][0] + e.flops[VL_COUNT_ATTENTION][0];
    r->forward_bytes = t->keep.peak;
}

static violet_status count_forward(violet_plan_report *r, const planned *p, vl_device *d)
{
    vl_tape t;
    vl_swin_plan plan;
    violet_status status = open_tape(&t, d);
    if (status != VIOLET_OK) return status;
    status = vl_swin_plan_init(&plan, &p->config.video, 1, p->T, p->H, p->W);
    if (status != VIOLET_OK) {
        vl_tape_release(&t);
        return status;
    }
    int *text = calloc((size_t)p->X, sizeof *text);
    uint8_t *mask = malloc((size_t)p->X);
    if (text && mask) {
        memset(mask, 1, (size_t)p->X);
        forward(r, p, &t, &plan, text, mask);
        status = vl_tape_status(&t);
    } else {
        status = vl_err_nomem();
    }
    free(text);
    free(mask);
    vl_swin_plan_release(&plan);
    vl_tape_release(&t);
    return status;
}

/* ---- the report ------------------------------------------------------------------------------ */

static void count_parameters(violet_plan_report *r, const vl_params *p)
{
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        r->n_parameters += e->count;
        if (strncmp(e->name, "enc_img.swin.", 13) == 0)
            r->n_video += e->count;
        else if (strncmp(e->name, "enc_", 4) == 0)
            r->n_embeddings += e->count;
        else if (strncmp(e->name, "trsfr.", 6) == 0)
            r->n_encoder += e->count;
        else
            r->n_heads += e->count;
    }
}

/* The batch being used, and the ring of samples ahead of it: two batches and one a worker. */
static double loader_bytes(const planned *p)
{
    int patches = p->patches > 0 ? p->T * (p->H / 32) * (p->W / 32) : 0;
    double sample = 3.0 * p->T * p->H * p->W;
    sample += sizeof(int) * ((double)p->X * p->n_texts + patches);
    sample += 3.0 * p->T * p->side * p->side;
    return sample * (3.0 * p->o.of.run.size_batch + p->o.of.run.workers);
}

/* What retrieval keeps while it validates, beside all that training has (finetune_retrieval.c). */
static double validation_bytes(const planned *p)
{
    double videos = p->o.valid_videos, texts = p->o.valid_texts ? p->o.valid_texts : videos;
    if (!p->kind->all_pairs) return 0;
    return sizeof(float) * (double)p->config.hidden * (videos * p->Ni + texts * p->X);
}

static void fill_flops(violet_plan_report *r, const planned *p, const plan_tally *s)
{
    double n = p->o.of.run.accumulate, weights = (double)p->model.params.weights.used;
    r->token_flops = n * s->of[PLAN_TOKENS];
    r->attended_flops = n * s->of[PLAN_ATTENDED];
    r->step_forward_flops = n * s->of[PLAN_FORWARD];
    r->backward_flops = n * s->of[PLAN_BACKWARD];
    r->recomputed_flops = n * s->of[PLAN_RECOMPUTED];
    r->step_flops = r->token_flops + r->attended_flops + r->step_forward_flops + r->backward_flops +
                    r->recomputed_flops;
    r->step_attention_flops = n * s->of[PLAN_ATTENTION];
    r->step_traffic_bytes = n * s->of[PLAN_TRAFFIC] + 7 * weights; /* and AdamW's */
}

static int text_passes(const planned *p)
{
    int B = p->o.of.run.size_batch;
    if (p->kind == &plan_pretrain)
        return 1 + vl_pretrain_negatives(&p->o.of, B) + (p->o.of.run.compat != 0);
    return p->kind->all_pairs ? B : p->n_texts;
}

static violet_status fill_step(violet_plan_report *r, const planned *p, const plan_tally *s)
{
    double weights = (double)p->model.params.weights.used, most = 1e18;
    double dvae = p->dvae ? (double)p->dvae->params.weights.used : 0;
    double total = 4 * weights + dvae + s->of[PLAN_ACTIVATIONS] + s->of[PLAN_GRADIENTS] +
                   s->of[PLAN_TABLES] + loader_bytes(p) + validation_bytes(p);
    if (!(total < most))
        return vl_err(VIOLET_EUNSUPPORTED, "this run would need %.3g bytes of memory", total);
    fill_flops(r, p, s);
    r->hidden_words = p->words;
    r->hidden_patches = p->patches;
    r->text_passes = text_passes(p);
    r->weight_bytes = p->model.params.weights.used;
    r->gradient_bytes = r->weight_bytes;
    r->moment_bytes = 2 * r->weight_bytes;
    r->dvae_bytes = (unsigned long long)dvae;
    r->activation_bytes = (unsigned long long)s->of[PLAN_ACTIVATIONS];
    r->activation_gradient_bytes = (unsigned long long)s->of[PLAN_GRADIENTS];
    r->table_bytes = (unsigned long long)s->of[PLAN_TABLES];
    r->loader_bytes = (unsigned long long)loader_bytes(p);
    r->validation_bytes = (unsigned long long)validation_bytes(p);
    r->total_bytes = (unsigned long long)total;
    return VIOLET_OK;
}

/* ---- time ------------------------------------------------------------------------------------ */

static violet_status measure_peak(double *peak, int threads)
{
    vl_device *d = vl_backend_fast()->open(threads);
    if (!d) return VIOLET_EUNSUPPORTED;
    *peak = vl_backend_fast()->peak_flops(d);
    vl_backend_fast()->close(d);
    return VIOLET_OK;
}

static violet_status fill_time(violet_plan_report *r, const vl_plan_options *o)
{
    violet_status status = VIOLET_OK;
    r->peak_flops = 1e9 * o->peak;
    if (o->measure && o->peak == 0) status = measure_peak(&r->peak_flops, o->of.run.threads);
    if (status != VIOLET_OK || r->peak_flops <= 0) return status;
    r->step_seconds = r->step_flops / r->peak_flops;
    r->samples_per_s = (double)o->of.run.size_batch * o->of.run.accumulate / r->step_seconds;
    return VIOLET_OK;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static violet_status check_window(const planned *p)
{
    const int *w = p->config.video.window;
    int grid[3] = {p->T, p->H / 4, p->W / 4};
    long n = 1;
    for (int a = 0; a < 3; a++) n *= grid[a] < w[a] ? grid[a] : w[a];
    if (n > WINDOW_MOST)
        return vl_err(VIOLET_EUNSUPPORTED,
                      "windows of %ld tokens: expected at most %d, their pairs would fill memory",
                      n, WINDOW_MOST);
    return VIOLET_OK;
}

static violet_status check_sizes(const planned *p)
{
    const vl_pretrain_options *o = &p->o.of;
    if (p->H < 32 || p->W < 32 || p->H % 32 || p->W % 32)
        return vl_err(VIOLET_EINVAL, "pictures of %dx%d: expected sides that are multiples of 32",
                      p->W, p->H);
    if (p->X < 3)
        return vl_err(VIOLET_EINVAL, "size_txt %d leaves no room between [CLS] and [SEP]", p->X);
    if (o->run.contrastive > 0 && p->kind != &plan_pretrain && !p->kind->all_pairs)
        return vl_err(VIOLET_EINVAL,
                      "contrastive: '%s' has no captions of whole videos, only retrieval has",
                      p->kind->type);
    if (vl_str_given(o->dvae) && p->kind != &plan_pretrain)
        return vl_err(VIOLET_EINVAL, "dvae: '%s' has no visual tokens, only pretraining has",
                      p->kind->type);
    return check_window(p);
}

/* Opens the dVAE, where there is one. */
static violet_status find_dvae(planned *p)
{
    const vl_plan_options *o = &p->o;
    violet_status status = VIOLET_OK;
    p->dvae = o->with_dvae;
    if (!p->dvae && vl_str_given(o->of.dvae)) status = vl_dvae_open(&p->dvae, o->of.dvae, 0);
    if (!p->dvae) return status;
    p->side = vl_dvae_side(p->H);
    if (p->H != p->W)
        return vl_err(VIOLET_EINVAL, "pictures of %dx%d: a dVAE wants squares", p->W, p->H);
    if (p->dvae->config.n_code != p->config.size_code)
        return vl_err(VIOLET_ESHAPE, "the dVAE has %d codes, the model's size_code is %d",
                      p->dvae->config.n_code, p->config.size_code);
    return status;
}

/* What is left open becomes what such a run has. */
static violet_status find_kind(planned *p)
{
    vl_run_options *o = &p->o.of.run;
    const char *type = o->type ? o->type : "";
    p->kind = strcmp(type, plan_pretrain.type) ? plan_finetune_kind(&p->own, type) : &plan_pretrain;
    if (!p->kind)
        return vl_err(VIOLET_EINVAL,
                      "'type' is '%.60s', expected pretrain, retrieval, qamc, qaoe or fib", type);
    if (!o->size_txt) o->size_txt = p->kind->size_txt;
    if (!o->size_frame) o->size_frame = p->kind->size_frame;
    if (!o->size_batch) o->size_batch = p->kind->size_batch;
    if (!p->o.size_option) p->o.size_option = CHOICES;
    if (!p->o.size_vocab) p->o.size_vocab = CLASSES;
    p->n_texts = p->kind->options ? p->o.size_option : 1;
    p->T = o->size_frame;
    p->X = o->size_txt;
    p->H = p->o.height ? p->o.height : o->size_img;
    p->W = p->o.width ? p->o.width : o->size_img;
    p->Ni = p->T * (1 + p->H / 32 * (p->W / 32));
    return VIOLET_OK;
}

static violet_status find_config(planned *p)
{
    const vl_run_options *o = &p->o.of.run;
    const char *what = vl_str_given(o->config), *start = vl_str_given(o->path_ckpt);
    violet_status status = VIOLET_OK;
    if (!what) what = start && vl_file_exists(start) ? start : "violet1";
    if (p->o.with_config)
        p->config = *p->o.with_config;
    else
        status = vl_config_find(&p->config, what);
    if (status == VIOLET_OK) status = check_sizes(p);
    if (status != VIOLET_OK) return status;
    vl_config_fit(&p->config, p->T, p->H / 32, p->W / 32);
    if (p->kind->answers) p->config.size_answer = p->o.size_vocab;
    if (o->drop >= 0) p->config.drop = o->drop;
    if (o->drop_path >= 0) p->config.video.drop_path = o->drop_path;
    return find_dvae(p);
}

/* ---- all ------------------------------------------------------------------------------------- */

static violet_status count_all(violet_plan_report *r, const planned *p)
{
    plan_tally step = {{0}};
    vl_device *d = vl_backend_count()->open(0);
    if (!d) return VIOLET_ENOMEM;
    count_parameters(r, &p->model.params);
    violet_status status = count_forward(r, p, d);
    if (status == VIOLET_OK) status = count_any(r, &step, p, d);
    if (status == VIOLET_OK) status = fill_step(r, p, &step);
    if (status == VIOLET_OK) status = fill_time(r, &p->o);
    vl_backend_count()->close(d);
    return status;
}

violet_status vl_plan_run(violet_plan_report *out, const vl_plan_options *o)
{
    planned p = {.o = *o};
    violet_plan_report r = {0};
    violet_status status = find_kind(&p);
    if (status == VIOLET_OK) status = find_config(&p);
    if (status == VIOLET_OK) {
        int heads = p.kind->heads | (o->of.run.contrastive > 0 ? VL_HEAD_DUAL : 0);
        status = vl_model_init(&p.model, &p.config, heads, 1, 0);
    }
    if (status == VIOLET_OK) {
        if (p.kind == &plan_pretrain) plan_expect_hidden(&p);
        status = count_all(&r, &p);
        vl_model_release(&p.model);
    }
    if (p.dvae != o->with_dvae) vl_dvae_close(p.dvae);
    if (status == VIOLET_OK) *out = r;
    return status;
}
