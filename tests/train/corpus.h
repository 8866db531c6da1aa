/* A tiny corpus for pretraining and the downstream tasks, a tiny model for it, and runs over it.
 *
 *     corpus c;
 *     corpus_open(&c);                                      // a fresh folder, model and vocabulary
 *     corpus_add(&c, "a", 2, (const char *[]){"........", "....", NULL}, "....");
 *     run_result r = corpus_run(&c, "out", "--dataset=a --size_batch=4");
 *     ... c.folder/out/steps.jsonl ...
 *     corpus_close(&c);                                     // removes all of it
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "task/finetune.h"
#include "task/pretrain_run.h"
#include "violet.h"

typedef struct corpus {
    char folder[64], data[80];
} corpus;

void corpus_open(corpus *c);
void corpus_close(corpus *c);

/* Data set NAME of videos with T frames: img_NAME_train_0.tsv, ... from the strings of `parts`
 * (closed by NULL), img_NAME_val.tsv from `valid` (NULL: none), vq_NAME.pkl, txt_NAME.json. A
 * character is a record:
 *     .  good: picture, caption and tokens of its own
 *     j  bytes that are no JPEG        b  bad base64          c  no caption
 *     v  no tokens                     s  tokens of another shape
 *     f  a frame short                 e  cut short within its line; it must be the last */
void corpus_add(const corpus *c, const char *name, int T, const char *const *parts,
                const char *valid);

/* A frame of a video: 64 pixels of 4 x 4 squares in colours of its own, as base64 of a JPEG. The
 * caller frees. */
char *corpus_picture(int video, int frame);
/* The pictures of a task: img_NAME.tsv with n videos v0, v1, ... of T frames, which differ enough
 * to be told apart, and where `kinds` (NULL: all good) says so, are bad as above. */
void corpus_add_videos(const corpus *c, const char *name, int n, int T, const char *kinds);
/* FOLDER/NAME gets this text. */
void corpus_write(const corpus *c, const char *name, const char *text);
/* data/txt_NAME.json of these splits (closed by NULL), the entries of each as `put` writes their
 * fields, `"video": "v0", ...`; false: there is no entry i. */
typedef bool corpus_put(char *to, size_t room, const char *split, int i, const void *user);
void corpus_items(const corpus *c, const char *name, const char *const *splits, corpus_put *put,
                  const void *user);

/* Options for a run over the corpus into FOLDER/output, changed by `flags`, which are
 * separated by spaces; FOLDER in one of them stands for the corpus' folder. */
void corpus_options(vl_pretrain_options *o, const corpus *c, const char *output,
                    const char *flags);

/* A checkpoint FOLDER/name of the corpus' model, by extension: one weight of it, fc.3's, is
 * `value`. */
void corpus_checkpoint(const corpus *c, const char *name, double value);

/* What a run told. */
typedef struct run_result {
    violet_status status;
    char error[1024], first_warning[1024], last_warning[1024];
    int n_steps, n_valid, n_test, n_messages, n_warnings;
    double first_loss, last_loss, accuracy[3], loss_of[3]; /* the last two of a validation */
    double metric[8], test[8];                             /* of the last validation; of the test */
    unsigned long long n_bad; /* as the last message says */
    char told[8192]; /* all messages, a line each, as far as there is room */
} run_result;

run_result corpus_run(const corpus *c, const char *output, const char *flags);
/* The same, and fails the test unless the run ends well. */
run_result corpus_run_ok(const corpus *c, const char *output, const char *flags);

void corpus_finetune_options(vl_finetune_options *o, const corpus *c, const char *output,
                             const char *flags);
/* The same of fine-tuning, which stops after `stop_after` steps (0: it does not), or, if that is
 * negative, in the middle of that validation. */
run_result corpus_finetune(const corpus *c, const char *output, const char *flags, int stop_after);
run_result corpus_finetune_ok(const corpus *c, const char *output, const char *flags);

/* Fails unless the run ended with this status and one line that says `part`. */
void corpus_fails(run_result r, violet_status status, const char *part);

/* The number that an object has; fails if it has none. */
double corpus_number(const json_t *object, const char *key);
/* Whole files of FOLDER/OUTPUT/NAME; fail if they are not there. The caller frees. */
char *corpus_read(size_t *n, const corpus *c, const char *output, const char *name);
json_t *corpus_json(const corpus *c, const char *output, const char *name);
/* steps.jsonl as a list, every line checked to be JSON. */
json_t *corpus_steps(const corpus *c, const char *output);
/* Fails unless both runs have the same bytes in it. */
void corpus_same(const corpus *c, const char *a, const char *b, const char *name);
bool corpus_has(const corpus *c, const char *output, const char *name);

/* How many entries of FOLDER/OUTPUT have this in their name. */
int corpus_count(const corpus *c, const char *output, const char *part_of_name);

#endif
