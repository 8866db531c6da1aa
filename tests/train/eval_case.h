/* Evaluations over a tiny corpus: checkpoints of both heads, items, runs of violet_eval, and what
 * the model says when it is asked pair by pair.
 *
 *     corpus c;
 *     corpus_open(&c);
 *     corpus_add(&c, "a", 2, (const char *[]){"......", NULL}, NULL);   // videos v0 to v5
 *     eval_checkpoint(&c, "m.safetensors", &(eval_weights){.heads = VL_HEAD_MATCH});
 *     eval_items(&c, "t", "{\"train\": [...]}");
 *     eval_outcome r = eval_ok(&c, "out", "--type=retrieval --task=t --path_ckpt=FOLDER/m...");
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
void eval_fails(const corpus *c, violet_status status, const char *words, const char *flags);
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

#endif
