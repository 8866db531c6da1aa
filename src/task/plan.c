/* What a run will cost; see plan.h. */
#include "task/plan.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "model/checkpoint.h"
#include "model/dvae.h"
#include "task/pretrain.h"
#include "tensor/count.h"
#include "train/mask.h"
#include "train/optim.h"

#define S vl_plan_options

_Static_assert(offsetof(S, of) == 0, "rows of the shared options have offsets in them");

const vl_option vl_plan_option_table[] = {
    VL_RUN_ROW_CONFIG("violet1", "sizes: violet1, tiny, a JSON file or a checkpoint"),
    VL_RUN_ROWS_DROP,
    VL_RUN_ROWS_SIZES(6272, "32", "4", "frames a video, 0: 4", "12", 1e6),
    VL_OPTION_INT(S, height, "0", 0, 6272, "Data", "height of the pictures, 0: size_img"),
    VL_OPTION_INT(S, width, "0", 0, 6272, "Data", "width of the pictures, 0: size_img"),
    VL_PRETRAIN_ROW_DVAE,
    VL_RUN_ROW_COMPAT,
    VL_OPTION_INT(S, negatives, "3", 0, 64, "Recipe", "other texts a video in matching, at most"),
    VL_RUN_ROW_ACCUMULATE,
    VL_RUN_ROW_CHECKPOINTING,
    VL_PRETRAIN_ROWS_MASK,
    VL_RUN_ROW_CONTRASTIVE,
    VL_OPTION_DOUBLE(S, peak, "0", 0, 1e9, "Time", "GFLOP/s to reckon time with, 0: none"),
    VL_OPTION_BOOL(S, measure, "false", "Time", "measure this machine's peak"),
    VL_OPTION_BOOL(S, json, "false", "Output", "an object in place of lines"),
    VL_RUN_ROW_THREADS,
    {0},
};

/* Batches with more grid cells than this are not run but follow from two smaller ones: the tables
 * of rows, which are real memory, would take longer to fill than anyone wants to wait. */
#define CELLS_MOST 2e6
#define SMALL_BATCH 8

/* A window's table of pairs is real memory, too. */
#define WINDOW_MOST 2048

/* What is measured; each grows in proportion to the batch once there are enough other texts. */
enum {
    TOKENS, ATTENDED, FORWARD, BACKWARD, RECOMPUTED, PRODUCTS_OF_ATTENTION, /* FLOPs */
    TRAFFIC,                                                               /* bytes, as are these */
    ACTIVATIONS, GRADIENTS, TABLES, N_TALLIES
};

typedef struct tally {
    double of[N_TALLIES];
} tally;

/* One configuration being planned. */
typedef struct planned {
    const vl_plan_options *o;
    vl_config config;
    vl_model model;
    int T, H, W, X, Ni;
    double words, patches; /* hidden, a sample */
    vl_dvae *dvae;         /* NULL: none */
    int side;              /* of the pictures it sees */
} planned;

/* ---- how much is hidden ---------------------------------------------------------------------- */

/* The probability that a draw along an axis of n covers position i: extent uniform in [1, most),
 * 1 where that is empty, start uniform where it fits. */
static double covers(int n, int most, int i)
{
    int extents = most > 1 ? most - 1 : 1;
    double sum = 0;
    for (int e = 1; e <= extents && e <= n; e++) {
        int last = i < n - e ? i : n - e, first = i - e + 1 > 0 ? i - e + 1 : 0;
        sum += (double)(last - first + 1) / (n - e + 1);
    }
    return sum / extents;
}

double vl_plan_hidden_patches(int T, int h, int w)
{
    double sum = 0;
    for (int t = 0; t < T; t++)
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                double one = covers(T, T, t) * covers(h, 2 * h / 3, i) * covers(w, 2 * w / 3, j);
                sum += 1 - pow(1 - one, T);
            }
    return sum;
}

/* Attended masking draws by weight; what the weights will be nobody knows, so words and patches
 * share the draws by their numbers. */
static void expect_hidden(planned *p)
{
    const vl_plan_options *o = p->o;
    int h = p->H / 32, w = p->W / 32, words = p->X - 2, patches = p->T * h * w;
    double draws = floor(o->of.p_attended * (p->Ni + p->X));
    if (draws > words + patches) draws = words + patches;
    double share = draws / (words + patches), a = o->of.p_use_attended;
    p->words = a * share * words + (1 - a) * o->of.p_word * words;
    p->patches = a * share * patches + (1 - a) * vl_plan_hidden_patches(p->T, h, w);
}

/* ---- one step on the counting backend -------------------------------------------------------- */

/* A batch as the masked forward takes it. All arrays are host memory. */
typedef struct batch {
    int B, n_negative, *text, *mtm, *mvm, *negative;
    uint8_t *text_mask;
} batch;

static void batch_free(batch *b)
{
    free(b->text);
    free(b->mtm);
    free(b->mvm);
    free(b->negative);
    free(b->text_mask);
}

/* Sample b's part of an expected number a sample, so that the parts add up over the batch. */
static int part_of(double each, int b)
{
    return (int)(floor((b + 1) * each + 0.5) - floor(b * each + 0.5));
}

static violet_status batch_make(batch *a, const planned *p, int B)
{
    int others = p->o->negatives < B - 1 ? p->o->negatives : B - 1, hw1 = p->Ni / p->T;
    *a = (batch){.B = B, .n_negative = others};
    a->text = calloc((size_t)B * p->X, sizeof(int));
    a->mtm = calloc((size_t)B * p->X, sizeof(int));
    a->mvm = calloc((size_t)B * p->Ni, sizeof(int));
    a->negative = calloc((size_t)B * others + 1, sizeof(int));
    a->text_mask = malloc((size_t)B * p->X);
    if (!a->text || !a->mtm || !a->mvm || !a->negative || !a->text_mask) return vl_err_nomem();
    memset(a->text_mask, 1, (size_t)B * p->X);
    for (int b = 0; b < B; b++) {
        int words = part_of(p->words, b), patches = part_of(p->patches, b);
        for (int i = 0; i < p->X; i++) a->mtm[b * p->X + i] = i > 0 && i <= words ? 0 : -1;
        for (int i = 0; i < p->Ni; i++)
            a->mvm[b * p->Ni + i] = i % hw1 && patches-- > 0 ? 0 : -1;
        for (int k = 0; k < others; k++) a->negative[b * others + k] = (b + 1 + k) % B;
    }
    return VIOLET_OK;
}

/* The visual tokens of B videos, as vl_dvae_tokens computes them. */
static void token_pass(vl_tape *t, const planned *p, int B)
{
    int n = B * p->T;
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 0;
    vl_dvae_encode(t, &p->dvae->encoder, vl_dvae_pixels(t, NULL, n, p->side), n, p->side);
}

/* The pass that weighs positions, over the samples that will be masked by it. */
static void attended_pass(vl_tape *t, const planned *p, const vl_swin_plan *plan, const batch *a)
{
    vl_tape_reset(t, 0, 0);
    t->grad_on = 0;
    t->training = p->o->of.run.compat != 0;
    vl_pretrain_attended(t, &p->model, plan, NULL, a->text, a->text_mask, p->X,
                         p->o->of.run.compat != 0);
}

static void masked_pass(vl_tape *t, const planned *p, const vl_swin_plan *plan, const batch *a,
                        vl_pretrain_output *out)
{
    vl_pretrain_input in = {.B = a->B, .X = p->X, .n_negative = a->n_negative, .plan = plan};
    in.text = a->text, in.text_mask = a->text_mask;
    in.answer_mtm = a->mtm, in.answer_mvm = a->mvm, in.negative = a->negative;
    in.pair_again = p->o->of.run.compat != 0;
    in.contrastive = p->o->of.run.contrastive;
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 1;
    t->checkpoint_on = p->o->of.run.checkpointing;
    vl_pretrain_forward(t, &p->model, &in, out);
}

static double all_bytes(const vl_count *c)
{
    double sum = 0;
    for (int f = 0; f < VL_COUNT_FAMILIES; f++) sum += c->bytes[f][0] + c->bytes[f][1];
    return sum;
}

static violet_status run_step(tally *out, const planned *p, vl_tape *t, vl_swin_plans *plans,
                              const batch *a)
{
    int half = (int)(a->B * p->o->of.p_use_attended + 0.5);
    const vl_config *c = &p->config;
    vl_count before = vl_count_get(t->device);
    if (p->dvae) token_pass(t, p, a->B);
    vl_count start = vl_count_get(t->device);
    if (vl_tape_failed(t)) return vl_tape_status(t);
    if (half > 0) {
        const vl_swin_plan *some = vl_swin_plans_get(plans, &c->video, half, p->T, p->H, p->W);
        if (!some) return VIOLET_ENOMEM;
        attended_pass(t, p, some, a);
        if (vl_tape_failed(t)) return vl_tape_status(t);
    }
    vl_count attended = vl_count_get(t->device);
    const vl_swin_plan *all = vl_swin_plans_get(plans, &c->video, a->B, p->T, p->H, p->W);
    if (!all) return VIOLET_ENOMEM;
    vl_pretrain_output losses;
    masked_pass(t, p, all, a, &losses);
    vl_count forward = vl_count_get(t->device);
    violet_status status = vl_tape_failed(t) ? vl_tape_status(t) : vl_tape_backward(t, losses.loss);
    if (status != VIOLET_OK) return status;
    vl_count end = vl_count_get(t->device), f = vl_count_between(&attended, &forward);
    vl_count b = vl_count_between(&forward, &end), w = vl_count_between(&start, &attended);
    vl_count whole = vl_count_between(&before, &end), v = vl_count_between(&before, &start);
    *out = (tally){{0}};
    out->of[TOKENS] = vl_count_products(&v, VL_COUNT_FORWARD);
    out->of[ATTENDED] = vl_count_products(&w, VL_COUNT_FORWARD);
    out->of[FORWARD] = vl_count_products(&f, VL_COUNT_FORWARD);
    out->of[BACKWARD] = vl_count_products(&b, VL_COUNT_BACKWARD);
    out->of[RECOMPUTED] = vl_count_products(&b, VL_COUNT_FORWARD);
    out->of[PRODUCTS_OF_ATTENTION] =
        whole.flops[VL_COUNT_ATTENTION][0] + whole.flops[VL_COUNT_ATTENTION][1];
    out->of[TRAFFIC] = all_bytes(&whole);
    out->of[ACTIVATIONS] = (double)t->keep.peak;
    out->of[GRADIENTS] = (double)t->grads.peak;
    for (int i = 0; i < plans->n; i++) out->of[TABLES] += (double)plans->list[i].tables.used;
    return VIOLET_OK;
}

/* A step with a batch of B. */
static violet_status count_step(tally *out, const planned *p, vl_device *d, int B)
{
    vl_tape t;
    vl_swin_plans plans = {0};
    batch a = {0};
    violet_status status = vl_tape_init(&t, vl_backend_count(), d, 0);
    if (status != VIOLET_OK) return status;
    status = batch_make(&a, p, B);
    if (status == VIOLET_OK) status = run_step(out, p, &t, &plans, &a);
    batch_free(&a);
    vl_swin_plans_release(&plans);
    vl_tape_release(&t);
    return status;
}

static violet_status count_any(violet_plan_report *r, tally *out, const planned *p, vl_device *d)
{
    int B = p->o->of.run.size_batch, least = p->o->negatives + 1 > SMALL_BATCH ? p->o->negatives + 1
                                                                        : SMALL_BATCH;
    double cells = (double)p->T * (p->H / 4) * (p->W / 4);
    if (cells * B <= CELLS_MOST || B <= 2 * least) return count_step(out, p, d, B);
    tally one, two;
    violet_status status = count_step(&one, p, d, least);
    if (status == VIOLET_OK) status = count_step(&two, p, d, 2 * least);
    if (status != VIOLET_OK) return status;
    for (int i = 0; i < N_TALLIES; i++)
        out->of[i] = one.of[i] + (two.of[i] - one.of[i]) * (B - least) / least;
    r->extrapolated = 1;
    return VIOLET_OK;
}

/* ---- one forward pass ------------------------------------------------------------------------ */

static violet_status count_forward(violet_plan_report *r, const planned *p, vl_device *d)
{
    vl_tape t;
    vl_swin_plan plan;
    batch a = {0};
    int zero = 0;
    violet_status status = vl_tape_init(&t, vl_backend_count(), d, 0);
    if (status != VIOLET_OK) return status;
    status = vl_swin_plan_init(&plan, &p->config.video, 1, p->T, p->H, p->W);
    if (status != VIOLET_OK) {
        vl_tape_release(&t);
        return status;
    }
    status = batch_make(&a, p, 1);
    if (status == VIOLET_OK) {
        vl_pairs own = {1, &zero, &zero, 1, 1, p->Ni, p->X, a.text_mask};
        vl_bert_batch pairs;
        t.grad_on = 0;
        vl_count start = vl_count_get(d);
        vl_tensor *image = vl_model_image(&t, &p->model, &plan, NULL);
        vl_count video = vl_count_get(d);
        vl_tensor *text = vl_model_text(&t, &p->model, a.text, 1, p->X);
        vl_tensor *x = vl_model_pair(&t, &own, image, text, &pairs);
        if (!vl_tape_failed(&t))
            vl_bert_encode(&t, p->model.layers, p->config.ct_layers, &pairs, x);
        status = vl_tape_status(&t);
        vl_count end = vl_count_get(d), v = vl_count_between(&start, &video);
        vl_count e = vl_count_between(&video, &end);
        r->forward_video_flops = vl_count_products(&v, VL_COUNT_FORWARD);
        r->forward_encoder_flops = vl_count_products(&e, VL_COUNT_FORWARD);
        r->forward_flops = r->forward_video_flops + r->forward_encoder_flops;
        r->forward_attention_flops =
            v.flops[VL_COUNT_ATTENTION][0] + e.flops[VL_COUNT_ATTENTION][0];
        r->forward_bytes = t.keep.peak;
    }
    batch_free(&a);
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
    int patches = p->T * (p->H / 32) * (p->W / 32);
    double sample = 3.0 * p->T * p->H * p->W + sizeof(int) * ((double)p->X + patches);
    sample += 3.0 * p->T * p->side * p->side;
    return sample * (3.0 * p->o->of.run.size_batch + p->o->of.run.workers);
}

static violet_status fill_step(violet_plan_report *r, const planned *p, const tally *s)
{
    double n = p->o->of.run.accumulate, most = 1e18;
    int B = p->o->of.run.size_batch, others = p->o->negatives < B - 1 ? p->o->negatives : B - 1;
    double weights = (double)p->model.params.weights.used;
    double dvae = p->dvae ? (double)p->dvae->params.weights.used : 0;
    double total = 4 * weights + dvae + s->of[ACTIVATIONS] + s->of[GRADIENTS] + s->of[TABLES] +
                   loader_bytes(p);
    if (!(total < most))
        return vl_err(VIOLET_EUNSUPPORTED, "this run would need %.3g bytes of memory", total);
    r->token_flops = n * s->of[TOKENS];
    r->attended_flops = n * s->of[ATTENDED];
    r->step_forward_flops = n * s->of[FORWARD];
    r->backward_flops = n * s->of[BACKWARD];
    r->recomputed_flops = n * s->of[RECOMPUTED];
    r->step_flops = r->token_flops + r->attended_flops + r->step_forward_flops + r->backward_flops +
                    r->recomputed_flops;
    r->step_attention_flops = n * s->of[PRODUCTS_OF_ATTENTION];
    r->step_traffic_bytes = n * s->of[TRAFFIC] + 7 * weights; /* and AdamW's */
    r->hidden_words = p->words;
    r->hidden_patches = p->patches;
    r->text_passes = 1 + others + (p->o->of.run.compat != 0);
    r->weight_bytes = p->model.params.weights.used;
    r->gradient_bytes = r->weight_bytes;
    r->moment_bytes = 2 * r->weight_bytes;
    r->dvae_bytes = (unsigned long long)dvae;
    r->activation_bytes = (unsigned long long)s->of[ACTIVATIONS];
    r->activation_gradient_bytes = (unsigned long long)s->of[GRADIENTS];
    r->table_bytes = (unsigned long long)s->of[TABLES];
    r->loader_bytes = (unsigned long long)loader_bytes(p);
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
    if (p->H < 32 || p->W < 32 || p->H % 32 || p->W % 32)
        return vl_err(VIOLET_EINVAL, "pictures of %dx%d: expected sides that are multiples of 32",
                      p->W, p->H);
    return check_window(p);
}

/* Opens the dVAE, where there is one. */
static violet_status find_dvae(planned *p)
{
    const vl_plan_options *o = p->o;
    violet_status status = VIOLET_OK;
    p->dvae = o->with_dvae;
    if (!p->dvae && o->of.dvae && *o->of.dvae) status = vl_dvae_open(&p->dvae, o->of.dvae, 0);
    if (!p->dvae) return status;
    p->side = vl_dvae_side(p->H);
    if (p->H != p->W)
        return vl_err(VIOLET_EINVAL, "pictures of %dx%d: a dVAE wants squares", p->W, p->H);
    if (p->dvae->config.n_code != p->config.size_code)
        return vl_err(VIOLET_ESHAPE, "the dVAE has %d codes, the model's size_code is %d",
                      p->dvae->config.n_code, p->config.size_code);
    return status;
}

violet_status vl_plan_run(violet_plan_report *out, const vl_plan_options *o)
{
    planned p = {.o = o,
                 .T = o->of.run.size_frame ? o->of.run.size_frame : 4,
                 .X = o->of.run.size_txt};
    violet_plan_report r = {0};
    tally step = {{0}};
    p.H = o->height ? o->height : o->of.run.size_img;
    p.W = o->width ? o->width : o->of.run.size_img;
    p.Ni = p.T * (1 + p.H / 32 * (p.W / 32));
    violet_status status =
        vl_config_find(&p.config, o->of.run.config ? o->of.run.config : "violet1");
    if (status == VIOLET_OK) status = check_sizes(&p);
    if (status == VIOLET_OK) vl_config_fit(&p.config, p.T, p.H / 32, p.W / 32);
    if (o->of.run.drop >= 0) p.config.drop = o->of.run.drop;
    if (o->of.run.drop_path >= 0) p.config.video.drop_path = o->of.run.drop_path;
    if (status == VIOLET_OK) status = find_dvae(&p);
    int heads = VL_HEADS_PRETRAIN | (o->of.run.contrastive > 0 ? VL_HEAD_DUAL : 0);
    if (status == VIOLET_OK) status = vl_model_init(&p.model, &p.config, heads, 1, 0);
    if (status != VIOLET_OK) goto done;
    vl_device *d = vl_backend_count()->open(0);
    if (!d) status = VIOLET_ENOMEM;
    count_parameters(&r, &p.model.params);
    expect_hidden(&p);
    if (status == VIOLET_OK) status = count_forward(&r, &p, d);
    if (status == VIOLET_OK) status = count_any(&r, &step, &p, d);
    if (status == VIOLET_OK) status = fill_step(&r, &p, &step);
    if (status == VIOLET_OK) status = fill_time(&r, o);
    vl_backend_count()->close(d);
    vl_model_release(&p.model);
done:
    if (p.dvae != o->with_dvae) vl_dvae_close(p.dvae);
    if (status == VIOLET_OK) *out = r;
    return status;
}
