/* How fast the discrete VAE encodes frames at its published size, and what share of this machine's
 * measured peak that is.
 *
 *     make bench-dvae && build/release/bench/dvae [--frames 8] [--side 56] [--threads N]
 *         [--n-hid 256] [--n-code 8192] [--turns 5] [--train]
 *
 * Prints one line of JSON: seconds (median and best of the turns), cpu_seconds (of one turn, all
 * threads; on one thread it says the same on a busy machine), frames_per_second, gflops,
 * peak_gflops and share (all of the median, the peak being the best of two measurements around the
 * turns). FLOPs are what the counting backend counts, 2 a multiply-add. --train: forward and
 * backward of encoder and decoder instead, on a relaxed sample. Weights and frames are made. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "lines.h"
#include "nn/dvae.h"
#include "tensor/count.h"

typedef struct options {
    int frames, side, threads, n_hid, n_code, turns, train;
} options;

typedef struct bench {
    options o;
    vl_params params;
    vl_dvae_half encoder, decoder;
    uint8_t *image; // (frames, 3, side, side)
} bench;

static int usage(void)
{
    fprintf(stderr, "usage: dvae [--frames N] [--side N] [--threads N] [--n-hid N] [--n-code N] "
                    "[--turns N] [--train]\n");
    return 2;
}

static int parse(options *o, int argc, char **argv)
{
    const struct {
        const char *name;
        int *to;
    } list[] = {{"--frames", &o->frames}, {"--side", &o->side},     {"--threads", &o->threads},
                {"--n-hid", &o->n_hid},   {"--n-code", &o->n_code}, {"--turns", &o->turns}};
    for (int i = 1; i < argc; i++) {
        size_t k = 0, n = sizeof list / sizeof *list;
        if (strcmp(argv[i], "--train") == 0) {
            o->train = 1;
            continue;
        }
        while (k < n && strcmp(argv[i], list[k].name) != 0) k++;
        if (k == n || i + 1 == argc) return 0;
        *list[k].to = atoi(argv[++i]);
        if (*list[k].to < (list[k].to == &o->threads ? 0 : 1)) return 0;
    }
    return o->side % 8 == 0 && o->n_hid % 4 == 0;
}

static violet_status bench_open(bench *b)
{
    const vl_dvae_config c = {b->o.n_hid, b->o.n_hid / 2, b->o.n_code};
    size_t n = (size_t)b->o.frames * 3 * b->o.side * b->o.side;
    violet_status status = vl_params_init(&b->params, b->o.train, 0);
    if (status != VIOLET_OK) return status;
    vl_dvae_encoder_init(&b->encoder, &b->params, &c, "encoder/");
    if (b->o.train) vl_dvae_decoder_init(&b->decoder, &b->params, &c, "decoder/");
    if (b->params.status != VIOLET_OK) return b->params.status;
    vl_params_draw(&b->params, 1);
    if (!(b->image = malloc(n))) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) b->image[i] = (uint8_t)vl_rng_below(1, i, 256);
    return VIOLET_OK;
}

static violet_status run(bench *b, vl_tape *t)
{
    int B = b->o.frames, S = b->o.side;
    vl_tape_reset(t, 1, 1);
    t->grad_on = t->training = b->o.train;
    vl_tensor *x = vl_dvae_pixels(t, b->image, B, S);
    vl_tensor *y = vl_dvae_encode(t, &b->encoder, x, B, S); // (B*S/8*S/8, V)
    if (!b->o.train) return vl_tape_status(t);
    vl_tensor *z = vl_gumbel_softmax(t, y, 1);
    vl_tensor *loss = vl_logit_laplace(t, vl_dvae_decode(t, &b->decoder, z, B, S / 8), x);
    return vl_tape_backward(t, vl_add(t, loss, vl_kl_uniform(t, y)));
}

static violet_status count_flops(double *flops, bench *b)
{
    const vl_backend *be = vl_backend_count();
    vl_tape t;
    vl_device *d = be->open(0);
    violet_status status = d ? vl_tape_init(&t, be, d, 0) : VIOLET_ENOMEM;
    if (status == VIOLET_OK) {
        status = run(b, &t);
        vl_count c = vl_count_get(d);
        *flops = vl_count_products(&c, VL_COUNT_FORWARD) + vl_count_products(&c, VL_COUNT_BACKWARD);
        vl_tape_release(&t);
    }
    if (d) be->close(d);
    return status;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static violet_status measure(bench *b, double *took, double *cpu, double *peak)
{
    const vl_backend *be = vl_backend_fast();
    vl_tape t;
    vl_device *d = be->open(b->o.threads);
    violet_status status = d ? vl_tape_init(&t, be, d, 0) : VIOLET_ENOMEM;
    if (status == VIOLET_OK) {
        *peak = be->peak_flops(d);
        status = run(b, &t); /* memory arrives with the first */
        double begin = bench_cpu();
        for (int i = 0; status == VIOLET_OK && i < b->o.turns; i++) {
            double start = vl_now();
            status = run(b, &t);
            took[i] = vl_now() - start;
        }
        *cpu = (bench_cpu() - begin) / b->o.turns;
        *peak = fmax(*peak, be->peak_flops(d));
        vl_tape_release(&t);
    }
    if (d) be->close(d);
    qsort(took, (size_t)b->o.turns, sizeof *took, by_size);
    return status;
}

int main(int argc, char **argv)
{
    bench b = {.o = {8, 56, 0, 256, 8192, 5, 0}};
    if (!parse(&b.o, argc, argv)) return usage();
    double flops = 0, cpu = 0, peak = 0, *took = calloc((size_t)b.o.turns, sizeof *took);
    violet_status status = took ? bench_open(&b) : vl_err_nomem();
    if (status == VIOLET_OK) status = count_flops(&flops, &b);
    if (status == VIOLET_OK) status = measure(&b, took, &cpu, &peak);
    if (status == VIOLET_OK) {
        double median = took[b.o.turns / 2];
        printf("{\"what\": \"dvae %s\", \"n_hid\": %d, \"n_code\": %d, \"side\": %d, "
               "\"frames\": %d, \"threads\": %d, \"seconds\": %.4f, \"best_seconds\": %.4f, "
               "\"cpu_seconds\": %.4f, "
               "\"frames_per_second\": %.2f, \"gflops\": %.1f, \"peak_gflops\": %.1f, "
               "\"share\": %.3f}\n",
               b.o.train ? "train" : "encode", b.o.n_hid, b.o.n_code, b.o.side, b.o.frames,
               b.o.threads, median, took[0], cpu, b.o.frames / median, flops / median / 1e9,
               peak / 1e9, flops / median / peak);
    } else {
        fprintf(stderr, "dvae: %s\n", violet_error());
    }
    vl_params_release(&b.params);
    free(b.image);
    free(took);
    return status != VIOLET_OK;
}
