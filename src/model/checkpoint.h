/* Checkpoints as safetensors files.
 *
 * Weights stand under their published names, float32. A training state has beside them
 * "adam.m/NAME" and "adam.v/NAME". Metadata: "config" (the model's sizes as JSON, so that a file
 * says what it is) and whatever the writer adds, such as a run's "state". */
#ifndef VL_MODEL_CHECKPOINT_H
#define VL_MODEL_CHECKPOINT_H

#include "model/model.h"

/* Writes PATH whole or not at all. extra: key, value, ... (2 * n_extra strings) of metadata. The
 * bytes are a function of the content alone. */
violet_status vl_checkpoint_write(const char *path, const vl_model *m, int with_moments,
                                  const char *const *extra, size_t n_extra);

/* The same of parameters alone, whatever model they are of; metadata: key, value, ... */
violet_status vl_checkpoint_write_params(const char *path, const vl_params *p, int with_moments,
                                         const char *const *metadata, size_t n_metadata);

/* What a load did. Names are the first of their kind, "" if there is none. */
typedef struct vl_load_report {
    int matched, missing, unexpected, misshapen; /* tensors */
    size_t n_matched;                            /* parameters */
    char first_missing[128], first_unexpected[128], first_misshapen[128];
} vl_load_report;

/* Sets the model's parameters from a file by name and shape; those it does not give keep their
 * values. A value that is not finite is an error, and nothing has changed. with_moments: the
 * moments must be there, too. */
violet_status vl_checkpoint_read(vl_model *m, const char *path, int with_moments,
                                 vl_load_report *report);

violet_status vl_checkpoint_read_params(vl_params *p, const char *path, int with_moments,
                                        vl_load_report *report);

/* The report as one line in `text`. */
void vl_load_report_text(const vl_load_report *r, char *text, size_t n);

/* A metadata string of a file, to be freed; *out is NULL if there is none of that key. */
violet_status vl_checkpoint_metadata(char **out, const char *path, const char *key);

/* The configuration a checkpoint carries. VIOLET_EFORMAT if it has none. */
violet_status vl_checkpoint_config(vl_config *c, const char *path);

/* A configuration by what a user names: a preset, a JSON file's path (X.json), or a checkpoint's
 * (X.safetensors). */
violet_status vl_config_find(vl_config *c, const char *what);

#endif
