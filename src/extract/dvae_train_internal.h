/* What the files of a dVAE's training share: dvae_train.c (the loop), dvae_train_setup.c,
 * dvae_train_valid.c (errors with hard codes, the contact sheet), dvae_train_log.c (logs and the
 * saved state). Nobody else includes this.
 *
 * Letters: B pictures a batch, S their side, h = S/8, V codes. */
#ifndef VL_EXTRACT_DVAE_TRAIN_INTERNAL_H
#define VL_EXTRACT_DVAE_TRAIN_INTERNAL_H

#include <jansson.h>
#include <stdio.h>

#include "base/progress.h"
#include "data/gallery_feed.h"
#include "extract/dvae_train.h"
#include "model/dvae.h"
#include "train/optim.h"

/* Of one step. error: mean squared error of the mean pictures, relative to that of predicting the
 * mean colour (here from relaxed codes). used: share of codes that were some position's likeliest
 * within the last epoch. */
typedef struct step_numbers {
    double loss, nll, kl, error, tau, beta, used, lr, norm;
} step_numbers;

/* Of pictures of one kind, with hard codes. */
typedef struct valid_numbers {
    size_t n;      /* pictures; 0: there are none */
    double error;  /* as above; relative to the mean colour of the training pictures, on these */
    size_t used;   /* codes in use */
} valid_numbers;

typedef struct training {
    vl_dvae_train_options o; /* resolved; its strings are the caller's */
    violet_hooks hooks;
    vl_gallery *gallery;
    vl_gallery_scratch *scratch;
    size_t *pictures;       /* (n_train + n_held) of the gallery: training ones, then held out */
    size_t n_train, n_held;
    double mean[3], base;   /* mean colour of the training pictures, 0 .. 1; its squared error */
    vl_feed *feed;
    vl_dvae *dvae;
    const vl_backend *backend;
    vl_device *device;
    vl_tape tape;
    vl_optim optim;

    /* where the run is: what a saved state holds */
    uint64_t step;          /* updates done */
    uint64_t finished;      /* the step at which was last validated */
    uint64_t steps_bytes;   /* length of steps.jsonl */
    uint64_t *seen;         /* (V) the last step in which a code was some position's likeliest */
    json_t *log;            /* log.json's content */

    vl_progress loading;
    FILE *steps, *timing;
    uint64_t warned;        /* bad pictures told one by one */
    uint64_t n_bad;         /* met outside of the gallery's opening and the feed */
    uint64_t steps_here;    /* since this process began, and the seconds for them */
    double busy_s, waited_s;
} training;

/* dvae_train_setup.c */
violet_status train_setup(training *r);
void train_report_bad(void *training, const char *message); /* only tells; a feed's `report` */
void train_release(training *r); /* frees r, too */
uint64_t train_epoch_steps(const training *r);

/* dvae_train_codes.c: the encoder's last layer, so that codes begin spread over the pictures. */
violet_status codes_spread(training *r);

/* dvae_train_valid.c */
/* Sets mean and base. */
violet_status valid_base(training *r);
/* Both kinds, and the contact sheet; written, logged and told. */
violet_status valid_run(training *r);

/* dvae_train_log.c */
violet_status train_path(const training *r, char path[4096], const char *name);
violet_status train_log_open(training *r);
violet_status train_log_step(training *r, const step_numbers *n, double seconds);
violet_status train_log_valid(training *r, const valid_numbers *train, const valid_numbers *held);
violet_status train_log_close(training *r, violet_status status);
violet_status train_save(training *r);
violet_status train_load(training *r); /* from last.safetensors */

#endif
