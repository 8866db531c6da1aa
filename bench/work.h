/* What the benchmark times, made so that the PyTorch peer can make the same: weights and batch from
 * the golden values' hash streams, the published pretraining step, and one without chance in it.
 *
 *     bench_work w;
 *     if (bench_work_open(&w, &options) == VIOLET_OK) bench_step(&w, 0, &s);
 *     bench_work_close(&w);
 *
 * "Published": attention received is computed for every sample, with dropout, and a video's own
 * pair is encoded a second time for matching. Ours (published = 0) computes attention for the
 * samples that are masked by it, and reads a video's own pair from the masked pass. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "model/model.h"
#include "task/pretrain.h"
#include "train/mask.h"
#include "train/optim.h"

typedef struct bench_options {
    vl_config config;
    int batch, frames, size_img, size_txt, threads;
    uint64_t seed; /* of weights, batch and all draws */
    double lr;
} bench_options;

typedef struct bench_work {
    bench_options o;
    vl_model model;
    vl_device *device;
    vl_tape tape;
    vl_swin_plans plans;
    vl_optim optim;
    vl_mask_config mask;
    uint64_t step, sample;         /* the next ones' numbers */
    int Ni;                        /* image tokens a sample */
    uint8_t *image, *image_masked; /* (B,T,3,S,S) */
    uint8_t *text_mask;            /* (B,X) */
    uint8_t *text_mask_part;       /* (B,X), of the samples that are masked by attention */
    int *text, *text_masked;       /* (B,X) */
    int *vq;                       /* (B,T,h,w) */
    int *answer_mtm, *answer_mvm;  /* (B,X), (B,Ni) */
    int *negative;                 /* (B,3) */
    float *weight;                 /* (B, Ni+X) attention received */
} bench_work;

violet_status bench_work_open(bench_work *w, const bench_options *o);
void bench_work_close(bench_work *w);

typedef struct bench_forward {
    double image_s, cross_s;
    const real *score; /* (B), borrowed until the next pass */
} bench_forward;

/* Evaluation mode: the score of each video with its own text. */
violet_status bench_run_forward(bench_work *w, bench_forward *out);

typedef struct bench_step {
    double attended_s, forward_s, backward_s, update_s;
    double loss[3], sum; /* order of vl_pretrain_names */
    double gradient;     /* norm */
    int asked[3];        /* rows that the three losses count */
    int attended;        /* samples masked by attention */
} bench_step;

/* One pretraining step. It takes the next samples' numbers of which half, rounded up, are masked by
 * attention, as is so on average: every step costs the same. */
violet_status bench_run_step(bench_work *w, int published, bench_step *out);

/* A step without chance in it, to compare values: no dropout, masks and negatives by rule. `ours`
 * and `published` are the same losses and gradient, if all is well, and `after` has the losses
 * after one update. attended_weight (B, Ni+X) is borrowed until the next pass. */
typedef struct bench_check {
    bench_step ours, published, after;
    const float *attended_weight;
} bench_check;
violet_status bench_run_check(bench_work *w, bench_check *out);

#endif
