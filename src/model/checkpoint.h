/* Checkpoints, written and, as they were written, read back; and what a file says of itself.
 *
 * The extension tells the format: safetensors, or PyTorch's (file/tensors.h). Weights stand under
 * their published names, float32; PyTorch's files have the language head's bias under both of its
 * names, as the published code's. A training state has beside them "adam.m/NAME" and "adam.v/NAME".
 * Metadata: "config" (the model's sizes as JSON) and whatever the writer adds, such as a run's
 * "state". */
#ifndef VL_MODEL_CHECKPOINT_H
#define VL_MODEL_CHECKPOINT_H

#include "file/tensors.h"
#include "model/model.h"

/* The language head's bias is its decoder's, too, behind whatever prefix: "fc_mtm." here, "cls." in
 * BERT. So names end: */
#define VL_NAME_BIAS "predictions.bias"
#define VL_NAME_BIAS_AGAIN "predictions.decoder.bias"
/* What a moment of AdamW is called begins so, then "m/" or "v/" and its weight's name. */
#define VL_NAME_MOMENTS "adam."

/* The first name of the bias for its second one; false: it is no such name. */
bool vl_checkpoint_first_name(char *out, size_t n_out, const char *name);
/* The weight's name behind a moment's; NULL: it is no moment. */
const char *vl_checkpoint_moment(const char *name);

/* Writes PATH whole or not at all. extra: key, value, ... (2 * n_extra strings) of metadata. The
 * bytes are a function of the content alone. */
violet_status vl_checkpoint_write(const char *path, const vl_model *m, int with_moments,
                                  const char *const *extra, size_t n_extra);

/* The same of parameters alone, whatever model they are of; metadata: key, value, ... */
violet_status vl_checkpoint_write_params(const char *path, const vl_params *p, int with_moments,
                                         const char *const *metadata, size_t n_metadata);

/* Second names, as the published code has them, of the parameters that are there, by their numbers
 * in p's list; how many. aliases (VL_CHECKPOINT_ALIASES). */
enum { VL_CHECKPOINT_ALIASES = 1 };
size_t vl_checkpoint_aliases(vl_tensors_alias *aliases, const vl_params *p);

/* Sets weights and moments from a training state: it must have each tensor, of that shape, and no
 * others; VIOLET_ESHAPE names one that is not so, and nothing has changed. A value that is not
 * finite is an error, VIOLET_EFORMAT, after which some of the file's may have been taken. What
 * starts from a file that is another's is vl_load (load.h). */
violet_status vl_checkpoint_read_state(vl_params *p, const char *path);

/* A metadata string of a file, to be freed; *out is NULL if there is none of that key. */
violet_status vl_checkpoint_metadata(char **out, const char *path, const char *key);

/* The configuration a checkpoint carries, or else that its shapes tell; what had to be assumed is
 * logged (config_infer.h). VIOLET_EFORMAT if it is no VIOLET. */
violet_status vl_checkpoint_config(vl_config *c, const char *path);

/* A configuration by what a user names: a preset, a JSON file's path (X.json), or a checkpoint's
 * (X.safetensors, X.pt, X.pth, X.bin, X.pkl). */
violet_status vl_config_find(vl_config *c, const char *what);

#endif
