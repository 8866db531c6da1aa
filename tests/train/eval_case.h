/* Evaluations over a tiny corpus: checkpoints of both heads, items, runs of violet_eval, and what
 * the model says when it is asked pair by pair.
 *
 *     corpus c;
 *     eval_corpus_open(&c);
 *     eval_outcome r = eval_ok(&c, "out", RETRIEVAL "--size_txt=7");
 *     ... eval_metric_of(&r, "t2v_recall_1") ...
 *     eval_outcome_release(&r);
 */
#ifndef EVAL_CASE_H
#define EVAL_CASE_H

#include "corpus.h"
#include "model/model.h"

typedef struct eval_weights {
    int heads;
    bool constant;       /* fc gives the same score to everything */
    const char *task;    /* metadata `task` */
    int size_answer, size_vocab; /* 0: as the corpus' model */
    uint64_t seed;       /* 0: 3 */
} eval_weights;

void eval_checkpoint(const corpus *c, const char *name, const eval_weights *w);
/* data/txt_NAME.json */
void eval_items(const corpus *c, const char *name, const char *text);

typedef struct eval_outcome {
    violet_status status;
    char error[1024], told[8192]; /* messages and warnings, a line each */
    int n_warnings, n_items;      /* progress events */
    json_t *result;               /* --json; NULL: none */
} eval_outcome;

/* Over data set "a", split "train"; FOLDER in a flag stands for the corpus' folder. Stops after so
 * many events of progress; 0: never. args: a JSON file that is read first, NULL: none. */
eval_outcome eval_run(const corpus *c, const char *output, const char *args, int stop_after,
                      const char *flags);
eval_outcome eval_ok(const corpus *c, const char *output, const char *flags);
/* Fails unless the run ends with this status and the error has these words. */
void eval_fails(const corpus *c, violet_status status, const char *error, const char *flags);
void eval_outcome_release(eval_outcome *r);

/* A metric's object; its value. Fail if it is not there. */
const json_t *eval_metric_json(const eval_outcome *r, const char *name);
double eval_metric_of(const eval_outcome *r, const char *name);
/* A file of lines as a list of objects; the caller frees. */
json_t *eval_lines(const corpus *c, const char *name);

/* ---- the model, asked directly ------------------------------------------------------------- */

/* The score of video `id` of data set "a" with a text, read at position `at` of the text: columns
 * of fc, by one pass of the whole model on the pair alone, reference kernels. */
void eval_direct(double *score, const corpus *c, const char *checkpoint, int heads,
                 const char *const *id, const char *const *text, const int *at, int n);

/* ---- three tasks over data set "a" --------------------------------------------------------- */

#define RETRIEVAL "--type=retrieval --task=t --path_ckpt=FOLDER/m.safetensors "
#define CHOICE "--type=qamc --task=mc --path_ckpt=FOLDER/m.safetensors "
#define OPEN "--type=qaoe --task=oe --path_ckpt=FOLDER/a.safetensors "

/* Item k of the retrieval task "t"; v3 is a bad video, v9 is not there. v0 has three captions, and
 * the first of v1 and v4 are the same. Task "u" is the same but for a word. */
enum { CAPTIONS = 10, VIDEOS = 6 };
extern const char *const video_of[CAPTIONS], *const caption[CAPTIONS], *const scored[VIDEOS];

/* Questions of tasks "mc" and "oe": videos, texts, right answers; of -1 the word is not in the
 * list. The last is of a bad video. */
enum { ASKED = 7, OPTIONS = 3, WORDS = 4 };
extern const char *const asked_of[ASKED], *const question[ASKED];
extern const char *const option[OPTIONS], *const words[WORDS];
extern const int n_options[ASKED], right[ASKED];

/* A corpus with these, and checkpoints: m.safetensors (matching), other.safetensors (other
 * weights), flat.safetensors (the same score for everything), a.safetensors (answers). */
void eval_corpus_open(corpus *c);

bool eval_near(double a, double b);
/* The score that a line of predictions gives a video with a caption. */
double eval_told(const json_t *lines, const char *video, const char *text);

#endif
