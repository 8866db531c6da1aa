/* A dVAE case: logits, tokens, the decoder's pictures of these tokens, all gradients of both
 * halves; with gradients, without, and with blocks computed again.
 *
 * In float32 gradients get LOOKS looks (golden.h), the pixels moved by up to a millionth of
 * themselves: plain loops that add up in double need that, too, in one case of six of this size. */
#include "golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "golden/hash_init.h"
#include "nn/dvae.h"

enum { ENCODER, DECODER, LOOKS = 13 };
static const char *const halves[] = {"encoder/", "decoder/"};

typedef struct dvae_run {
    golden_file file;
    vl_dvae_config config;
    vl_params params; /* of both halves, behind the names above */
    vl_dvae_half encoder, decoder;
    vl_device *device;
    vl_tape tape;
    int B, S;
    const uint8_t *image; // (B, 3, S, S)
    int *token;           // (B, S/8, S/8), the golden ones
    real *scratch;
    size_t scratch_n;
} dvae_run;

/* ---- set-up ---------------------------------------------------------------------------------- */

static int number(const dvae_run *run, const char *key)
{
    return (int)json_integer_value(json_object_get(run->file.json, key));
}

static int same_shape(const vl_param *e, const json_t *shape)
{
    if (json_array_size(shape) != (size_t)e->n_dims) return 0;
    for (int i = 0; i < e->n_dims; i++)
        if (json_integer_value(json_array_get(shape, (size_t)i)) != e->shape[i]) return 0;
    return 1;
}

/* Names and shapes of a half are theirs, no more and no fewer. */
static void check_params(dvae_run *run, int half, const char *key)
{
    const json_t *list = json_object_get(run->file.json, key);
    size_t prefix = strlen(halves[half]), n = 0;
    int wrong = 0;
    for (int i = 0; i < run->params.n; i++) {
        const vl_param *e = &run->params.list[i];
        if (strncmp(e->name, halves[half], prefix) != 0) continue;
        const json_t *shape = json_object_get(list, e->name + prefix);
        wrong += !shape || !same_shape(e, shape);
        n++;
    }
    golden_verdict(run->file.report, n && !wrong && n == json_object_size(list), key,
                   "%d of %zu names or shapes differ, theirs are %zu", wrong, n,
                   json_object_size(list));
}

static void init_params(dvae_run *run)
{
    uint64_t seed[] = {(uint64_t)number(run, "seed"), (uint64_t)number(run, "decoder_seed")};
    for (int i = 0; i < run->params.n; i++) {
        const vl_param *e = &run->params.list[i];
        int half = strncmp(e->name, halves[ENCODER], strlen(halves[ENCODER])) != 0;
        const char *name = e->name + strlen(halves[half]);
        golden_hash_init(vl_param_weights(&run->params, e), e->count, name,
                         e->count / (size_t)e->shape[0], seed[half]);
    }
}

/* The encoder's stand there without a prefix. */
static void check_first_values(dvae_run *run)
{
    const char *name;
    json_t *values;
    int wrong = 0, n = 0;
    json_object_foreach(json_object_get(run->file.json, "first_values"), name, values)
    {
        char whole[256];
        int bare = strncmp(name, halves[DECODER], strlen(halves[DECODER])) != 0;
        snprintf(whole, sizeof whole, "%s%s", bare ? halves[ENCODER] : "", name);
        const vl_param *e = vl_params_find(&run->params, whole);
        wrong += !e;
        for (size_t i = 0; e && i < json_array_size(values) && i < e->count; i++, n++) {
            float want = (float)json_number_value(json_array_get(values, i));
            wrong += (float)vl_param_weights(&run->params, e)[i] != want;
        }
    }
    golden_verdict(run->file.report, n && !wrong, "first_values", "%d of %d values differ", wrong,
                   n);
}

static violet_status load_inputs(dvae_run *run)
{
    const vl_safetensor *image = golden_input(&run->file, "image");
    if (!image || image->n_dim != 4 || image->dtype != VL_DT_U8 || image->shape[1] != 3 ||
        image->shape[2] != image->shape[3] || image->shape[2] % 8)
        return vl_err(VIOLET_EFORMAT, "in.image: expected (B,3,S,S) of bytes, S a multiple of 8");
    run->B = (int)image->shape[0];
    run->S = (int)image->shape[2];
    run->image = image->data;
    size_t n, want = (size_t)run->B * (run->S / 8) * (run->S / 8);
    run->token = golden_output_ints(&run->file, "token", &n);
    if (run->token && n == want) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "out.token: %zu tokens, expected %zu", n, want);
}

/* L2 norm of all gradients together, which these files do not give as a number. */
static double gradient_norm(const dvae_run *run)
{
    const char *name;
    json_t *output;
    double sum = 0;
    json_object_foreach((json_t *)run->file.outputs, name, output)
    {
        double l2 = json_number_value(json_object_get(output, "l2"));
        if (strncmp(name, "grad/", 5) == 0) sum += l2 * l2;
    }
    return sqrt(sum);
}

static violet_status dvae_run_open(dvae_run *run, golden_report *r, const golden_options *o,
                                   const char *folder)
{
    violet_status status = golden_file_open(&run->file, r, folder);
    if (status == VIOLET_OK) status = load_inputs(run);
    if (status != VIOLET_OK) return status;
    run->file.gradient_l2 = gradient_norm(run);
    run->config = (vl_dvae_config){number(run, "n_hid"), number(run, "n_init"),
                                   number(run, "vocab_size")};
    status = vl_params_init(&run->params, 1, 0);
    if (status != VIOLET_OK) return status;
    vl_dvae_encoder_init(&run->encoder, &run->params, &run->config, halves[ENCODER]);
    vl_dvae_decoder_init(&run->decoder, &run->params, &run->config, halves[DECODER]);
    if (run->params.status != VIOLET_OK) return run->params.status;
    if (!(run->device = o->backend->open(o->threads))) return VIOLET_ENOMEM;
    status = vl_tape_init(&run->tape, o->backend, run->device, 0);
    if (status != VIOLET_OK) return status;
    check_params(run, ENCODER, "parameters");
    check_params(run, DECODER, "decoder_parameters");
    init_params(run);
    check_first_values(run);
    return VIOLET_OK;
}

static void dvae_run_close(dvae_run *run)
{
    const vl_backend *backend = run->tape.backend;
    vl_tape_release(&run->tape);
    if (run->device) backend->close(run->device);
    vl_params_release(&run->params);
    free(run->token);
    free(run->scratch);
    golden_file_close(&run->file);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static real *scratch(dvae_run *run, size_t n)
{
    if (n > run->scratch_n) {
        free(run->scratch);
        run->scratch = malloc(n * sizeof(real));
        run->scratch_n = run->scratch ? n : 0;
    }
    return run->scratch;
}

/* (B, pixel) x C against (B, C, pixel) */
static void compare_picture(dvae_run *run, const char *pass, const char *name, const vl_tensor *x)
{
    size_t n = (size_t)x->rows * x->cols, plane = (size_t)x->rows / run->B;
    real *y = scratch(run, n);
    for (size_t i = 0; y && i < n; i++) {
        size_t row = i / x->cols, c = i % x->cols;
        y[(row / plane * x->cols + c) * plane + row % plane] = x->x[i];
    }
    golden_compare(&run->file, GOLDEN_ACTIVATION, pass, name, y, n);
}

/* A token counts where the two best logits are further apart than the logits may be off. */
static void compare_tokens(dvae_run *run, const vl_tensor *logit)
{
    size_t rows = logit->rows, V = logit->cols, wrong = 0, close = 0;
    real *margin = scratch(run, rows);
    double sum = 0;
    for (size_t i = 0; i < rows * V; i++) sum += (double)logit->x[i] * logit->x[i];
    double off = 10 * 2e-5 * sqrt(sum / (double)(rows * V));
    for (size_t i = 0; margin && i < rows; i++) {
        const real *x = logit->x + i * V;
        size_t best = 0;
        real second = -INFINITY;
        for (size_t j = 1; j < V; j++) {
            if (x[j] > x[best])
                second = x[best], best = j;
            else if (x[j] > second)
                second = x[j];
        }
        margin[i] = x[best] - second;
        close += margin[i] <= off;
        wrong += margin[i] > off && (int)best != run->token[i];
    }
    golden_verdict(run->file.report, margin && !wrong && 2 * close < rows, "token",
                   "%zu of %zu differ, %zu too close to tell", wrong, rows, close);
    golden_compare(&run->file, GOLDEN_ACTIVATION, NULL, "margin", margin, rows);
}

static void compare_grads(dvae_run *run, const char *pass)
{
    for (int i = 0; i < run->params.n; i++) {
        const vl_param *e = &run->params.list[i];
        char name[256];
        snprintf(name, sizeof name, "grad/%s", e->name);
        golden_compare_gradient(&run->file, pass, name, vl_param_grads(&run->params, e), e->count);
    }
}

/* ---- passes ---------------------------------------------------------------------------------- */

static vl_tensor *one_hot(dvae_run *run)
{
    int V = run->config.n_code, rows = run->B * (run->S / 8) * (run->S / 8);
    vl_tensor *z = vl_tape_tensor(&run->tape, rows, V, 0);
    if (vl_tape_failed(&run->tape)) return z;
    memset(z->x, 0, (size_t)rows * V * sizeof(real));
    for (int i = 0; i < rows; i++) z->x[(size_t)i * V + run->token[i]] = 1;
    return z;
}

/* mean(y^2), whose gradient 2 y / n becomes y's */
static double mean_square(dvae_run *run, vl_tensor *y)
{
    size_t n = (size_t)y->rows * y->cols;
    double loss = run->tape.backend->sum_squares(run->device, y->x, n) / (double)n;
    if (!run->tape.grad_on) return loss;
    real *g = scratch(run, n);
    for (size_t i = 0; g && i < n; i++) g[i] = (real)(2 * (double)y->x[i] / (double)n);
    if (g) vl_tape_seed_grad(&run->tape, y, g);
    return loss;
}

static int is_ok(dvae_run *run, const char *what)
{
    if (vl_tape_status(&run->tape) == VIOLET_OK) return 1;
    golden_verdict(run->file.report, 0, what, "%s", violet_error());
    return 0;
}

/* Pixels, each off by at most a millionth of itself in a second look. */
static vl_tensor *pixels(dvae_run *run)
{
    vl_tensor *x = vl_dvae_pixels(&run->tape, run->image, run->B, run->S);
    size_t n = run->file.look && !vl_tape_failed(&run->tape) ? (size_t)x->rows * 3 : 0;
    uint64_t key = vl_rng_key(1, (uint64_t)run->file.look, 0);
    for (size_t i = 0; i < n; i++)
        x->x[i] *= (real)(1 + 1e-6 * (2 * vl_rng_uniform(key, i) - 1));
    return x;
}

typedef struct pass_of {
    const char *name; /* NULL: the main one */
    int grad_on, checkpoint, from_codes;
} pass_of;

static void compare_outputs(dvae_run *run, const char *pass, const vl_tensor *logit,
                            const vl_tensor *decoded, real loss)
{
    if (run->file.look) return;
    compare_picture(run, pass, "logit", logit);
    compare_picture(run, pass, "decoded", decoded);
    if (!pass) compare_tokens(run, logit);
    golden_compare(&run->file, GOLDEN_LOSS, pass, "loss_meansquare", &loss, 1);
}

static void one_pass(dvae_run *run, const pass_of *p)
{
    vl_tape *t = &run->tape;
    int h = run->S / 8;
    vl_tape_reset(t, 0, 0);
    t->grad_on = p->grad_on;
    t->checkpoint_on = p->checkpoint;
    t->backend->fill(run->device, (real *)run->params.grads.base, 0,
                     run->params.grads.used / sizeof(real));
    vl_tensor *logit = vl_dvae_encode(t, &run->encoder, pixels(run), run->B, run->S);
    vl_tensor *decoded = p->from_codes
                             ? vl_dvae_decode_codes(t, &run->decoder, run->token, run->B, h)
                             : vl_dvae_decode(t, &run->decoder, one_hot(run), run->B, h);
    if (!is_ok(run, p->name ? p->name : "forward")) return;
    double loss = mean_square(run, logit);
    loss += mean_square(run, decoded);
    compare_outputs(run, p->name, logit, decoded, (real)loss);
    if (!p->grad_on) return;
    vl_tape_backward_from(t);
    if (is_ok(run, p->name ? p->name : "backward")) compare_grads(run, p->name);
}

static void all_looks(dvae_run *run, pass_of p)
{
    run->file.n_looks = sizeof(real) == 4 ? LOOKS : 1;
    do one_pass(run, &p);
    while (golden_look_again(&run->file));
}

void golden_case_dvae(golden_tally *t, const golden_options *o, const char *folder)
{
    golden_report r;
    dvae_run *run = calloc(1, sizeof *run);
    golden_begin(&r, t, o, folder);
    if (!run || dvae_run_open(run, &r, o, folder) != VIOLET_OK) {
        golden_verdict(&r, 0, "set-up", "%s", run ? violet_error() : "out of memory");
    } else {
        all_looks(run, (pass_of){NULL, 1, 0, 0});
        all_looks(run, (pass_of){"without gradients", 0, 0, 0});
        all_looks(run, (pass_of){"from codes, checkpointing", 1, 1, 1});
        golden_all_used(&run->file);
    }
    golden_end(&r);
    if (run) dvae_run_close(run);
    free(run);
}
