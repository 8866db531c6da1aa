/* What tests of loads share: a small model, files made of another such model's parameters under any
 * names, changed a little, and what is expected of a load's report and values.
 *
 *     put_all("enc_img.swin.", "backbone.");      // the file's list of tensors
 *     drop("backbone.norm.weight");
 *     write_file("file.pt");
 *     load_ok(VL_LOAD_VIDEO);
 *     expect("enc_img.swin.norm.weight", VL_LOAD_MISSING, NULL);
 */
#ifndef LOAD_CASE_H
#define LOAD_CASE_H

#include "file/tensors.h"
#include "model/load.h"
#include "model/model.h"

extern char folder[64], path[128];  /* of this test; of its file */
extern vl_model given, model;       /* what files are made of; what is loaded, to pretrain */
extern real *before;                /* the model's weights before the load */
extern vl_load_report report;       /* of the last load */
extern const char *const formats[2]; /* names for write_file, a format each */

int load_set_up(void **state);
int load_set_up_answers(void **state); /* the model is for open-ended questions */
int load_tear_down(void **state);

/* ---- files ----------------------------------------------------------------------------------- */

enum { FILE_MOST = 300 };

extern struct load_file {
    vl_safetensor list[FILE_MOST];
    char names[FILE_MOST][200];
    float *x[FILE_MOST];
    size_t n;
} file;

/* Adds a tensor of that shape, values x (NULL: 0, 1, 2, ...); they may be changed. */
float *put(const char *name, int n_dim, const int *shape, const real *x);
float *put_small(const char *name);
/* A parameter of `given` under another name; all that begin so, `begins` replaced. */
float *put_param(const char *param, const char *name);
void put_all(const char *begins, const char *by);
size_t find_tensor(const char *name); /* its number */
void rename_to(const char *name, const char *other);
void drop(const char *name);
/* By extension; becomes `path`. */
void write_file(const char *name);
void write_file_with(const char *name, const char *const *metadata, size_t n_metadata);

/* ---- loads, into the model as it was at first ------------------------------------------------ */

violet_status load(const vl_load_options *o);
void load_ok_with(const vl_load_options *o);
void load_ok(vl_load_part part);
/* The message must have `message` and the file's path. */
void load_fails(const vl_load_options *o, violet_status status, const char *message);

const vl_load_entry *find_entry(const char *name);
/* note: a part of it; NULL: there is none. */
void expect(const char *name, vl_load_fate fate, const char *note);
void expect_counts(size_t matched, size_t adapted, size_t missing, size_t misshapen,
                   size_t unexpected, size_t same, size_t ignored);
/* Every parameter is the given model's if the report says that it was matched, else as it was. */
void expect_values(void);
const real *weights(const vl_model *m, const char *name);
size_t n_of(const vl_model *m, const char *begins); /* parameters */

#endif
