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

/* ---- how long work reports ------------------------------------------------------------------- */

typedef enum violet_event_kind {
    VIOLET_EVENT_STEP,     /* an update was made: the numbers below */
    VIOLET_EVENT_VALID,    /* a validation ended: loss_of and accuracy over it */
    VIOLET_EVENT_MESSAGE,  /* something to tell: `text`, one line */
    VIOLET_EVENT_WARNING,  /* something to worry about: `text`, such as a skipped record */
} violet_event_kind;

typedef struct violet_event {
    violet_event_kind kind;
    const char *text;           /* of a message or warning; the data set's name otherwise */
    unsigned long long step, n_steps; /* updates so far, and in all as far as known */
    int epoch, n_epochs;        /* from 1 */
    double loss;                /* sum of the tasks' */
    const char *const *names;   /* of the tasks, such as "mtm", n_tasks of them */
    int n_tasks;
    double loss_of[8], accuracy[8]; /* NaN: not asked in this batch */
    double rate;                /* learning rate */
    double samples_per_s, seconds_left;
    double share_waiting;       /* of the time, waiting for data */
    double share_of_peak;       /* arithmetic over the machine's measured peak; 0: not measured */
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

#ifdef __cplusplus
}
#endif
#endif
