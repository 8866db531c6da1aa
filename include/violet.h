/* violet.h: the video-language transformer VIOLET (arXiv 2111.12681) as a C library.
 *
 * The smallest whole program, pretraining as the file says and telling how it goes:
 *
 *     #include <violet.h>
 *     #include <stdio.h>
 *
 *     static void tell(void *user, const violet_event *e)
 *     {
 *         if (e->kind == VIOLET_EVENT_STEP) printf("%llu %g\n", e->step, e->loss);
 *     }
 *
 *     int main(void)
 *     {
 *         violet_options *o;
 *         violet_hooks hooks = {.event = tell};
 *         if (violet_options_new(&o, "pretrain") || violet_options_load(o, "args.json") ||
 *             violet_pretrain(o, &hooks))
 *             fprintf(stderr, "%s\n", violet_error());
 *         violet_options_free(o);
 *     }
 *
 * Conventions: outputs come first; an out-parameter is owned by the caller, a returned pointer is
 * borrowed; every _free takes NULL. The library never prints, never exits, and keeps no mutable
 * globals but the thread's error message and the log callback. The header needs the standard
 * headers only and compiles as C11 and as C++. */
#ifndef VIOLET_H
#define VIOLET_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---------------------------------------------------------------------------------- */

/* Every call that can fail returns one of these; violet_error() has the words. */
typedef enum violet_status {
    VIOLET_OK = 0,
    VIOLET_EINVAL,       /* an argument or option is wrong */
    VIOLET_ENOMEM,       /* out of memory */
    VIOLET_EIO,          /* the operating system refused a file operation */
    VIOLET_EFORMAT,      /* a file's content is not what it should be */
    VIOLET_ESHAPE,       /* tensors or configurations do not fit together */
    VIOLET_EUNSUPPORTED, /* valid, but not something this build or machine can do */
    VIOLET_EINTERRUPTED, /* stopped by the user; what was done can be resumed */
} violet_status;

/* The calling thread's last error as one line, without a newline; "" if none. Borrowed, valid
 * until this thread's next failing call. */
const char *violet_error(void);

/* The library's version, such as "0.1.0". */
const char *violet_version(void);

/* Frees text that a call has handed over. NULL is fine. */
void violet_text_free(char *text);

typedef enum violet_log_level {
    VIOLET_LOG_DEBUG,
    VIOLET_LOG_INFO,
    VIOLET_LOG_WARN,
} violet_log_level;

/* Who gets the library's log lines (one line, no newline); NULL: nobody, as at the start. Set it
 * before threads start; it may be called from any of them. */
void violet_log_set(void (*fn)(void *user, violet_log_level level, const char *line), void *user);

/* ---- options --------------------------------------------------------------------------------- */

/* The options of one command, each with its default until it is set. Commands: "pretrain",
 * "finetune", "eval", "plan", "extract-frames", "extract-tsv", "extract-vq", "train-dvae", "link",
 * "convert".
 * Names have '_' in JSON and may be written with '-' or '_' everywhere. A call that fails leaves
 * the option it failed at as it was, and says what was expected (of an unknown name: the nearest
 * that there is). */
typedef struct violet_options violet_options;

/* VIOLET_EINVAL for a command that there is not. */
violet_status violet_options_new(violet_options **out, const char *command);
void violet_options_free(violet_options *o);

/* Sets one option from text: "224", "true", "2e-5", "cosine". */
violet_status violet_options_set(violet_options *o, const char *name, const char *value);

/* Sets what the JSON object in a file holds. Keys of published args files that mean nothing here
 * are passed over, as is, for "plan", whatever only a run needs. */
violet_status violet_options_load(violet_options *o, const char *path);

/* Reads arguments: --key value, --key=value, --flag, --no-flag. What is none of them is moved to
 * the front of argv and counted in *n_rest. Arguments without the program's and command's name. */
violet_status violet_options_parse(violet_options *o, int argc, char **argv, int *n_rest);

/* Text about the options, owned by o and valid until the next of these three calls on it; NULL: out
 * of memory. help: for a terminal; man: troff, .SS and .TP entries; json: the present values as an
 * object that violet_options_load reads back. */
const char *violet_options_help(violet_options *o);
const char *violet_options_man(violet_options *o);
const char *violet_options_json(violet_options *o);

/* ---- how long work reports ------------------------------------------------------------------- */

typedef enum violet_event_kind {
    VIOLET_EVENT_STEP,     /* an update was made: the numbers below */
    VIOLET_EVENT_VALID,    /* a validation ended: loss_of, accuracy and metric over it */
    VIOLET_EVENT_TEST,     /* the test of the best weights, which are those of `step`: the same */
    VIOLET_EVENT_ITEM,     /* of `text` ("videos"), `step` of `n_steps` are done, n_bad badly */
    VIOLET_EVENT_MESSAGE,  /* something to tell: `text`, one line */
    VIOLET_EVENT_WARNING,  /* something to worry about: `text`, such as a skipped record */
} violet_event_kind;

typedef struct violet_event {
    violet_event_kind kind;
    const char *text;           /* of a message or warning; the data set's name otherwise */
    unsigned long long step, n_steps; /* updates so far, and in all as far as known */
    unsigned long long n_bad;         /* items that could not be used */
    int epoch, n_epochs;        /* from 1; n_epochs 0: the run is as long as its steps */
    double loss;                /* sum of the tasks' */
    const char *const *names;   /* of the tasks, such as "mtm", n_tasks of them */
    int n_tasks;
    double loss_of[8], accuracy[8]; /* NaN: not asked in this batch */
    const char *const *metric_names; /* of a validation or test, such as "recall_1", n_metrics */
    int n_metrics;
    double metric[8];           /* shares, but where `rank` is in the name; NaN: not known */
    double rate;                /* learning rate */
    double samples_per_s, seconds_left;
    double share_waiting;       /* of the time, waiting for data */

    unsigned long long bytes;   /* the process' peak memory */
} violet_event;

/* What a caller may hook into long work. All may be 0. */
typedef struct violet_hooks {
    void *user;
    void (*event)(void *user, const violet_event *e);
    /* Set non-zero (from a signal handler, say) to stop at the next safe point: the state is saved
     * and the call returns VIOLET_EINTERRUPTED. */
    volatile sig_atomic_t *stop;
} violet_hooks;

/* ---- pretraining ----------------------------------------------------------------------------- */

/* Pretrains as the options of "pretrain" say, to the end or until the hook stops it. hooks may be
 * NULL. VIOLET_EINTERRUPTED: the state is saved; set `resume` and call again to go on. */
violet_status violet_pretrain(const violet_options *o, const violet_hooks *hooks);

/* ---- fine-tuning ----------------------------------------------------------------------------- */

/* Fine-tunes on the task that option `type` of "finetune" names: "retrieval", "qamc", "qaoe", "fib".
 * Ends, stops and goes on as violet_pretrain does. The weights of the best validation are
 * best.safetensors in the run's folder; docs/FINETUNE.md tells of the files. */
violet_status violet_finetune(const violet_options *o, const violet_hooks *hooks);

/* ---- evaluation ------------------------------------------------------------------------------ */

/* Evaluates a checkpoint as the options of "eval" say. *text (UTF-8), the metrics as lines or, with
 * VIOLET_INFO_JSON in flags, as an object, is the caller's, to be given to violet_text_free; NULL
 * after an error, and of one part of many. hooks may be NULL. After VIOLET_EINTERRUPTED the same
 * call goes on where it stopped. docs/EVALUATE.md says what is measured, and how. */
violet_status violet_eval(char **text, const violet_options *o, int flags,
                          const violet_hooks *hooks);

/* ---- data from videos ------------------------------------------------------------------------ */

/* Each runs as its options say; hooks may be NULL. After VIOLET_EINTERRUPTED the same call of
 * violet_extract_frames and violet_extract_vq goes on where it stopped, that of violet_extract_tsv
 * starts over, and violet_train_dvae goes on with `resume` set. docs/EXTRACT.md and docs/DVAE.md
 * say what they read and write. */
violet_status violet_extract_frames(const violet_options *o, const violet_hooks *hooks);
violet_status violet_extract_tsv(const violet_options *o, const violet_hooks *hooks);
violet_status violet_extract_vq(const violet_options *o, const violet_hooks *hooks);
violet_status violet_train_dvae(const violet_options *o, const violet_hooks *hooks);
/* Gives a data set the file names that training reads. */
violet_status violet_link(const violet_options *o, const violet_hooks *hooks);

/* ---- checkpoints ----------------------------------------------------------------------------- */

/* Writes the file of tensors that option `input` names as `output`, in the format of its ending and
 * the type that is asked for. The output appears whole or, after any error or an interrupt, not at
 * all. hooks may be NULL. */
violet_status violet_convert(const violet_options *o, const violet_hooks *hooks);

/* ---- what it will cost ----------------------------------------------------------------------- */

/* One multiply-add is 2 FLOPs, and only matrix products (those of attention included) count. */
typedef struct violet_plan_report {
    /* parameters */
    unsigned long long n_parameters, n_video, n_embeddings, n_encoder, n_heads;
    /* FLOPs of one forward pass of one video and its text, without heads */
    double forward_flops, forward_video_flops, forward_encoder_flops, forward_attention_flops;
    /* FLOPs of an update, over all its batches: the sum, and the visual tokens that a dVAE makes
     * (0 without), the pass that weighs positions for masking, the forward, the backward, and what
     * checkpointing computes again */
    double step_flops, token_flops, attended_flops, step_forward_flops, backward_flops,
        recomputed_flops;
    double step_attention_flops; /* the share of attention's products in step_flops */
    double step_traffic_bytes;   /* operands read and written if nothing stayed in a cache */
    double hidden_words, hidden_patches; /* expected, a sample */
    int text_passes;             /* pairs of a video and a text that a sample's losses encode */
    /* bytes */
    unsigned long long weight_bytes, gradient_bytes, moment_bytes, dvae_bytes, activation_bytes,
        activation_gradient_bytes, table_bytes, loader_bytes, total_bytes;
    unsigned long long forward_bytes; /* activations of that one forward pass */
    int extrapolated; /* 1: memory and FLOPs follow from two smaller batches (large ones grow in
                       * proportion), exact to rounding */
    /* time; 0 where no peak was given or measured */
    double peak_flops; /* a second */
    double step_seconds, samples_per_s;
} violet_plan_report;

/* What a step of the pretraining that the options of "plan" describe will need. Takes milliseconds
 * and little memory, whatever the sizes. */
violet_status violet_plan(violet_plan_report *out, const violet_options *o);

/* ---- looking into files ---------------------------------------------------------------------- */

enum {
    VIOLET_INFO_VERBOSE = 1, /* every tensor with its statistics, every difference */
    VIOLET_INFO_JSON = 2,    /* an object in place of lines */
};

/* Says what a file holds: tensors (safetensors, PyTorch's), pictures (.tsv, .lineidx, .jpg),
 * pickles, annotations and arguments (.json), videos. The kind is told from the content. *text
 * (UTF-8, lines that end in newlines) is the caller's, to be given to violet_text_free; NULL after
 * an error. flags: or'ed together. */
violet_status violet_info(char **text, const char *path, int flags);

/* Says how the tensors of two files differ: names, shapes, types, values. *differ: 1 if they do
 * (a second name of the same tensor is no difference), else 0. */
violet_status violet_info_diff(char **text, int *differ, const char *path_a, const char *path_b,
                               int flags);

/* Says what a model for `task` ("pretrain", "retrieval", "qamc", "qaoe") would take of a checkpoint,
 * without loading it. config: a preset, a JSON file or a checkpoint; NULL: what the checkpoint says
 * of itself, or else the published sizes. VIOLET_ESHAPE: it does not fit, and *text, if it is not
 * NULL, says what would. */
violet_status violet_info_load(char **text, const char *path, const char *task, const char *config,
                               int flags);

#ifdef __cplusplus
}
#endif
#endif
