/* What the files of a data set and of a task are called.
 *
 *     static const char *const names[] = {"img_N_S.tsv", "img_N.pkl"};
 *     char path[VL_PATH_BYTES];
 *     status = vl_name_find(path, "_data", names, 2, "msrvtt", "train", 0);
 *     // "_data/img_msrvtt_train.tsv" if that is there, else "_data/img_msrvtt.pkl", else ""
 *
 * In a pattern N stands for the name, S for the split, P for the number. */
#ifndef VL_DATA_NAMES_H
#define VL_DATA_NAMES_H

#include <limits.h>
#include <stdbool.h>

#include "base/nearest.h"
#include "base/status.h"

#define VL_PATH_BYTES PATH_MAX

/* The first pattern whose file is there; out[0] = 0: none. EINVAL: a name is too long. */
violet_status vl_name_find(char *out, const char *folder, const char *const *patterns, int n,
                           const char *name, const char *split, int number);

/* Tries every name of which a pattern's file, with number 0, is in the folder: for the message
 * where there is none of the name that was asked for. */
void vl_name_try_all(vl_nearest *x, const char *folder, const char *const *patterns, int n,
                     const char *split);

/* Part 0, 1, ... of a data set's pictures: img_NAME_SPLIT_0.tsv and on, or the one file or folder
 * that there is in their place (data/dataset.h). out[0] = 0: there are no more. *whole, where out
 * is set: its name says no split, so that all splits have it. EINVAL as above. */
violet_status vl_name_pictures(char *out, bool *whole, const char *folder, const char *name,
                               const char *split, int part);
/* vl_name_try_all of these. */
void vl_name_try_pictures(vl_nearest *x, const char *folder, const char *split);

#endif
