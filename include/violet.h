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

/* Lines about the program: its version, the versions of the libraries it runs with, the instruction
 * set that it computes with on this machine, cores. *text is the caller's, as below. */
violet_status violet_about(char **text);

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
 * "convert", "score", "ask", "embed", "search", "make-corpus", "report", "info" (whose
 * options violet_info's arguments stand for).
 * Names have '_' in JSON and may be written with '-' or '_' everywhere. A call that fails leaves
 * the option it failed at as it was, and says what was expected (of an unknown name: the nearest
 * that there is). */
typedef struct violet_options violet_options;

/* VIOLET_EINVAL for a command that has no options. */
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

/* Text about the options, owned by o and valid until the next of these calls on it; NULL: out
 * of memory. help: for a terminal; man: troff, .SS and .TP entries; json: the present values as an
 * object that violet_options_load reads back. */
const char *violet_options_help(violet_options *o);
const char *violet_options_man(violet_options *o);
const char *violet_options_json(violet_options *o);

/* One option's present value as text that violet_options_set would take. Owned by o, as above;
 * NULL: not set, or there is no such option, or out of memory. */
const char *violet_options_get(violet_options *o, const char *name);

typedef enum violet_option_kind {
    VIOLET_OPTION_FLAG,
    VIOLET_OPTION_NUMBER,
    VIOLET_OPTION_CHOICE, /* one of `choices` */
    VIOLET_OPTION_TEXT,   /* whose usual words are `choices`, if there are any */
    VIOLET_OPTION_PATH,   /* a file or folder, or one of `choices`, if there are any */
} violet_option_kind;

typedef struct violet_option_facts {
    const char *name, *also; /* also: a second name, NULL: none */
    violet_option_kind kind;
    const char *choices;  /* "one|two|three"; NULL: none */
    const char *fallback; /* the default as text; NULL: not set */
    const char *help, *group;
} violet_option_facts;

/* The i-th option of the command, from 0; returns 0 behind the last. The strings live as long as
 * the program. */
int violet_options_describe(violet_option_facts *out, const violet_options *o, int i);

/* Which of the words (n) was likely meant by one that is none of them: its number; -1: none is
 * near. It is how the library suggests names. */
int violet_nearest(const char *word, const char *const *words, int n);

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
     * and the call returns VIOLET_EINTERRUPTED. Threads of the library's own block signals, and the
     * calling one does at times, for some microseconds to milliseconds. */
    volatile sig_atomic_t *stop;
} violet_hooks;

/* ---- pretraining ----------------------------------------------------------------------------- */

/* Pretrains as the options of "pretrain" say, to the end or until the hook stops it. hooks may be
 * NULL. VIOLET_EINTERRUPTED: the state is saved; set `resume` and call again to go on. */
violet_status violet_pretrain(const violet_options *o, const violet_hooks *hooks);

/* ---- fine-tuning ----------------------------------------------------------------------------- */

/* Fine-tunes on the task that option `type` of "finetune" names: "retrieval", "qamc", "qaoe",
 * "fib". Ends, stops and goes on as violet_pretrain does. The weights of the best validation are
 * best.safetensors in the run's folder; docs/FINETUNE.md tells of the files. */
violet_status violet_finetune(const violet_options *o, const violet_hooks *hooks);

/* ---- evaluation ------------------------------------------------------------------------------ */

/* Evaluates a checkpoint as the options of "eval" say. *text (UTF-8), the metrics as lines or, with
 * VIOLET_INFO_JSON in flags, as an object, is the caller's, to be given to violet_text_free; NULL
 * of one part of many, and after an error, unless it is that the predictions cannot be written.
 * hooks may be NULL. After VIOLET_EINTERRUPTED the same call goes on where it stopped.
 * docs/EVALUATE.md says what is measured, and how. */
violet_status violet_eval(char **text, const violet_options *o, int flags,
                          const violet_hooks *hooks);

/* ---- report ---------------------------------------------------------------------------------- */

/* Writes a page of HTML about the runs in or below n folders, as the options of "report" say; o may
 * be NULL: the defaults, hooks too. docs/REPORT.md says what is on it. */
violet_status violet_report(const char *const *folders, int n, const violet_options *o,
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

/* Makes a corpus of clips with captions and questions: docs/CORPUS.md. The same call goes on where
 * it was stopped. */
violet_status violet_make_corpus(const violet_options *o, const violet_hooks *hooks);

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
        activation_gradient_bytes, table_bytes, loader_bytes;
    unsigned long long validation_bytes; /* encoded videos and texts of retrieval */
    unsigned long long total_bytes;
    unsigned long long forward_bytes; /* activations of that one forward pass */
    int extrapolated; /* 1: memory and FLOPs follow from smaller batches (large ones grow in
                       * proportion, those of retrieval with the square), exact to rounding */
    /* time; 0 where no peak was given or measured */
    double peak_flops; /* a second */
    double step_seconds, samples_per_s;
} violet_plan_report;

/* What a step of the training that the options of "plan" describe will need. Takes milliseconds
 * and little memory, whatever the sizes. */
violet_status violet_plan(violet_plan_report *out, const violet_options *o);

/* ---- using a model --------------------------------------------------------------------------- */

/* Which of two sentences fits a video, as a whole program's inside:
 *
 *     violet_model *model;
 *     violet_session *session;
 *     violet_video *video;
 *     const char *text[] = {"a man plays the guitar", "a dog runs after a ball"};
 *     float score[2];
 *     if (violet_model_open(&model, "best.safetensors", NULL) ||
 *         violet_session_new(&session, model, 0) ||
 *         violet_video_encode(&video, session, "clip.mp4") ||
 *         violet_score(score, session, &video, 1, text, 2))
 *         fprintf(stderr, "%s\n", violet_error());
 *
 * and at the end violet_video_free, violet_session_free, violet_model_close, in this order. A model
 * and encoded videos never change: any number of threads may use them, each with a session of its
 * own. Strings are UTF-8. Results are the same whatever came before, but not to the last bit for
 * another number of texts or videos in a call. */
typedef struct violet_model violet_model;
typedef struct violet_session violet_session;
typedef struct violet_video violet_video;

typedef struct violet_model_facts {
    int can_score;      /* has the head for violet_score and violet_choose */
    int n_classes;      /* outputs of the head for violet_ask, 0: there is none */
    int n_answers;      /* of them that have words */
    int width;          /* of a vector */
    int comparable;     /* vectors are those of a dual encoder: see violet_embed_videos */
    int size_img, size_txt, size_frame; /* side of pictures, text positions, frames */
    const char *type;   /* what it was fine-tuned for, "": not said */
    double temperature; /* softmax(score / temperature) tells how surely one of several fits best:
                         * 1 of a model fine-tuned for multiple choice, else 0.05, as trained */
    unsigned long long n_parameters;
    double load_seconds; /* that reading the weights took; 0: it is under way */
} violet_model_facts;

/* Reads the weights of a checkpoint of any format; of its heads only the one that is of use here.
 * o: options of "score", "ask", "embed" or "search", of which those about model and videos count;
 * NULL: the defaults. checkpoint NULL: option `checkpoint`. VIOLET_ESHAPE if the file does not give
 * the whole model. A thread goes on reading when this returns; the first calls that need weights
 * wait for it, and fail if a value could not be read or is not finite. */
violet_status violet_model_open(violet_model **out, const char *checkpoint,
                                const violet_options *o);
void violet_model_close(violet_model *m);
void violet_model_describe(violet_model_facts *out, const violet_model *m);

/* threads: that compute; 0: option `threads`, or else one a core. Many sessions at work side by
 * side want one each. */
violet_status violet_session_new(violet_session **out, const violet_model *m, int threads);
void violet_session_free(violet_session *s);
/* What the session's last call did that its result does not show, a line each: a text that was
 * shortened, a video that is damaged. "" if nothing. Borrowed, valid until the next call. */
const char *violet_session_notes(const violet_session *s);

typedef struct violet_video_facts {
    long long n_frames;    /* in the file */
    int width, height;     /* of its pictures as they were taken */
    int n_taken;           /* frames */
    long long taken[64];   /* their numbers */
    double decode_seconds, wait_seconds, encode_seconds; /* wait: for the model's weights */
} violet_video_facts;

/* Takes frames of a video file and encodes them: most of the work on a video. Then any number of
 * texts cost little. */
violet_status violet_video_encode(violet_video **out, violet_session *s, const char *path);
void violet_video_free(violet_video *v);
void violet_video_describe(violet_video_facts *out, const violet_video *v);

/* How well each text fits each video: score (n_videos, n_texts). A score is the matching head's
 * output: larger is better, for telling texts of a video, or videos for a text, apart. It is no
 * probability. A text that is too long loses its end. n_videos 0: nothing is scored; errors and
 * notes are those of the texts and the checkpoint, to be known before a video is encoded. */
violet_status violet_score(float *score, violet_session *s, violet_video *const *videos,
                           int n_videos, const char *const *texts, int n_texts);

/* Multiple choice: score (n), how well each option answers the question. What is too long for the
 * model is the question, which loses its end; an option that is too long is VIOLET_EINVAL. video
 * NULL: only checks, as above. */
violet_status violet_choose(float *score, violet_session *s, const violet_video *video,
                            const char *question, const char *const *options, int n);

typedef struct violet_answer {
    const char *text;  /* borrowed from the model */
    float probability; /* softmax over all classes */
} violet_answer;

/* Open-ended: best (*n), the most probable answers first; *n becomes how many there are, if that is
 * less. Of a model that fills in blanks, what stands for the question's ___ or [MASK]. video NULL:
 * only checks, as above. */
violet_status violet_ask(violet_answer *best, int *n, violet_session *s,
                         const violet_video *video, const char *question);

/* Vectors (n, width). Of a model that was trained with `contrastive`: of length 1, in one space, so
 * that the product of a video's and a text's tells how well they fit. Of others: the mean over the
 * tokens that enter the cross-modal transformer, not normalised, not made to be compared; of a
 * video: of all patches and the [CLS] of each frame; of a text: of all word pieces, [CLS] and
 * [SEP]. */
violet_status violet_embed_videos(float *vector, violet_session *s, violet_video *const *videos,
                                  int n);
violet_status violet_embed_texts(float *vector, violet_session *s, const char *const *texts, int n);

/* Writes a matrix (rows, cols) as numpy's .npy, float32; whole, or not at all. */
violet_status violet_npy_write(const char *path, const float *x, size_t rows, size_t cols);

/* ---- searching videos ------------------------------------------------------------------------ */

/* Videos of a folder or a list, encoded once, to look for sentences in. Never changes: threads with
 * sessions of the same model may search at the same time. */
typedef struct violet_collection violet_collection;

typedef struct violet_collection_facts {
    int n_videos;  /* that can be found */
    int n_encoded; /* of them by this call, */
    int n_kept;    /* and before, by the index */
    int n_gone;    /* others that the index had */
    int n_bad;     /* others, that could not be used */
} violet_collection_facts;

/* Encodes the videos of a folder, of a list of paths (a line each), or one. index: a file that
 * keeps what is encoded, so that a later call encodes only what is new or has another size or time;
 * made anew, with a warning, where it is damaged or of other weights or options; after
 * VIOLET_EINTERRUPTED it has what was encoded so far. NULL: all is in memory. Events: "videos" as
 * they are done, a warning for each of the first ten that cannot be used and are left out. hooks
 * may be NULL. VIOLET_ESHAPE for a model that has neither the matching head nor a dual encoder;
 * VIOLET_EFORMAT if no video can be used; VIOLET_EINVAL if the index is a file of another kind. */
violet_status violet_collection_open(violet_collection **out, violet_session *s, const char *path,
                                     const char *index, const violet_hooks *hooks);
void violet_collection_close(violet_collection *c);
void violet_collection_describe(violet_collection_facts *out, const violet_collection *c);

typedef struct violet_found {
    const char *name; /* below the folder, or as the list has it; control characters are %XX */
    const char *path; /* to open; both are borrowed from the collection */
    float score;
} violet_found;

/* The videos that fit each of n sentences best: best (n, *top), the best first; *top becomes how
 * many videos there are, if that is less. A score is that of violet_score. Of a model with a dual
 * encoder, only the first_stage best by its vectors, but at least *top, are scored (0: all); if it
 * has no matching head, a score is the product of the vectors. c NULL: only checks of the sentences
 * and the model. hooks: "pairs" as they are scored; may be NULL. */
violet_status violet_search(violet_found *best, int *top, const violet_collection *c,
                            violet_session *s, const char *const *sentences, int n,
                            int first_stage, const violet_hooks *hooks);

/* ---- looking into files ---------------------------------------------------------------------- */

enum {
    VIOLET_INFO_VERBOSE = 1,     /* every tensor with its statistics, every difference */
    VIOLET_INFO_JSON = 2,        /* an object in place of lines */
    VIOLET_INFO_INTERPOLATE = 4, /* violet_info_load: as a run with --interpolate */
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

/* Says what a model for `task` ("pretrain", "retrieval", "qamc", "qaoe", "fib") would take of a
 * checkpoint, without loading it. config: a preset, a JSON file or a checkpoint; NULL: what the
 * checkpoint says of itself, what its shapes tell, or, of a Video Swin or a BERT, the published
 * sizes. VIOLET_ESHAPE: it does not fit; VIOLET_EFORMAT: its values are no weights; then *text, if
 * it is not NULL, is the report all the same. VIOLET_EINVAL: `task` or `config` is wrong. */
violet_status violet_info_load(char **text, const char *path, const char *task, const char *config,
                               int flags);

#ifdef __cplusplus
}
#endif
#endif
