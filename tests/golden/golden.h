/* Golden checks: our results against the published implementation's values, output by output.
 *
 *     golden_options o = {.backend = vl_backend_ref(), .level = 1};
 *     golden_tally tally = {0};
 *     golden_walk(&tally, &o, "tests/golden/data");      // a file, a case, or a folder of them
 *     return golden_failed(&tally);
 *
 * walk.c recognises what a path holds, case_*.c checks one kind of case each, compare.c compares
 * and tolerates, report.c prints and counts. docs: the tolerances stand in compare.c's table.
 *
 * A check that cannot be made is a failed check: nothing here is skipped silently. */
#ifndef GOLDEN_GOLDEN_H
#define GOLDEN_GOLDEN_H

#include <jansson.h>

#include "file/safetensors.h"
#include "tensor/backend.h"

enum { GOLDEN_QUIET, GOLDEN_NORMAL, GOLDEN_VERBOSE };

typedef struct golden_options {
    const vl_backend *backend;
    int threads; /* 0: all */
    int level;   /* GOLDEN_QUIET: failures and summaries only; VERBOSE: repeated passes, too */
    int allow_missing; /* what the library cannot read yet is reported, not failed */
} golden_options;

typedef struct golden_tally {
    int cases, checks, failed, missing;
} golden_tally;

static inline int golden_failed(const golden_tally *t)
{
    return t->failed > 0 || t->checks == 0;
}

/* ---- report.c ------------------------------------------------------------------------------- */

typedef enum golden_kind {
    GOLDEN_ACTIVATION,
    GOLDEN_ROUNDED, /* activations of what was rounded to float32 on the way */
    GOLDEN_LOSS,
    GOLDEN_GRADIENT,
    GOLDEN_CHANGE,
    GOLDEN_STEPS,
    GOLDEN_PIECE,
    GOLDEN_KINDS,
} golden_kind;

/* The running account of one case. */
typedef struct golden_report {
    const golden_options *options;
    golden_tally *tally;
    char name[256];
    int checks, failed, looked_again;
    double worst[GOLDEN_KINDS];
    char worst_at[GOLDEN_KINDS][128];
} golden_report;

void golden_begin(golden_report *r, golden_tally *tally, const golden_options *o, const char *name);
/* Prints the summary line and adds to the tally. */
void golden_end(golden_report *r);
/* One check. detail: how much it matters to a reader (shown at that level and above). */
void golden_line(golden_report *r, int detail, golden_kind kind, const char *name, double error,
                 double tolerance, int ok);
/* A check of which only yes or no is known; a failure says why. */
void golden_verdict(golden_report *r, int ok, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Something the library does not have yet. */
void golden_missing(golden_report *r, const char *what);

/* ---- compare.c ------------------------------------------------------------------------------ */

/* golden.json and golden.safetensors of a folder. */
typedef struct golden_file {
    golden_report *report;
    json_t *json;
    const json_t *outputs;
    vl_safetensors *tensors;
    char *used;      /* a flag for each tensor */
    json_t *checked; /* names of outputs that were compared */
    double gradient_l2;
    int look, n_looks; /* at gradients: see golden_look_again */
    json_t *missed;    /* names of gradients that have not agreed yet */
} golden_file;

/* Parses JSON that may hold NaN and Infinity, as Python writes them (they become null). */
json_t *golden_json(const char *path);

violet_status golden_file_open(golden_file *g, golden_report *r, const char *folder);
void golden_file_close(golden_file *g);

/* The input tensor in.NAME, noted as used; NULL and a failed check if it is not there. */
const vl_safetensor *golden_input(golden_file *g, const char *name);
/* The same as n integers, newly allocated. */
int *golden_input_ints(golden_file *g, const char *name, size_t *n);
/* An output NAME of whole numbers, which outputs' statistics do not cover; the caller compares. */
int *golden_output_ints(golden_file *g, const char *name, size_t *n);

/* Compares x (n), in the golden file's order, with output NAME; `pass` (NULL: the main one) is a
 * repeated pass that must give the same, shown only in detail. */
void golden_compare(golden_file *g, golden_kind kind, const char *pass, const char *name,
                    const real *x, size_t n);
/* Gradients jump where the input of a ReLU is 0, or two pixels of a pooling are equal, to within
 * rounding; there float32 may go the other way than float64. So a case may take several looks, each
 * with its inputs moved by a few roundings (not at look 0), and a gradient must agree at one:
 *
 *     g->n_looks = most;
 *     do one_pass(); while (golden_look_again(g));     // within: golden_compare_gradient
 *
 * A gradient is reported when it agrees, or at the last look; the summary tells how many took more
 * than one. With n_looks 0 or 1 this is golden_compare. */
void golden_compare_gradient(golden_file *g, const char *pass, const char *name, const real *x,
                             size_t n);
/* Whether gradients are missing and there are looks left; else all is as before the first look. */
int golden_look_again(golden_file *g);
/* Output NAME is NaN there (a mean over nothing); ok: ours is what it should be instead. */
void golden_compare_nan(golden_file *g, const char *name, int ok);
/* One number that the golden file has outside its outputs. */
void golden_compare_number(golden_file *g, golden_kind kind, const char *name, double ours,
                           double golden, double pytorch_error);
int golden_has_output(const golden_file *g, const char *name);
/* Fails a check for each output and tensor that nobody looked at. */
void golden_all_used(golden_file *g);

/* ---- cases ---------------------------------------------------------------------------------- */

void golden_walk(golden_tally *t, const golden_options *o, const char *path);

void golden_case_model(golden_tally *t, const golden_options *o, const char *folder);
void golden_case_wordpiece(golden_tally *t, const golden_options *o, const char *path);
void golden_case_pictures(golden_tally *t, const golden_options *o, const char *path);
void golden_case_adamw(golden_tally *t, const golden_options *o, const char *path);
void golden_case_ranking(golden_tally *t, const golden_options *o, const char *path);
void golden_case_checkpoints(golden_tally *t, const golden_options *o, const char *folder);
/* Parts of it, case_torch.c: a state dict, whose values stand in expected_float32.safetensors
 * beside it; a pickled dVAE encoder with hash-initialised weights. */
void golden_check_state(golden_report *r, const char *path, const char *name);
void golden_check_module(golden_report *r, const char *path, const char *name);
void golden_case_dvae(golden_tally *t, const golden_options *o, const char *folder);

#endif
