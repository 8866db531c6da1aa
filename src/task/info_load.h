/* What a model of some task would take of a file: for `violet info --for TASK`. */
#ifndef VL_TASK_INFO_LOAD_H
#define VL_TASK_INFO_LOAD_H

#include "base/buf.h"

/* Appends the load's report (model/load.h), as lines or (VIOLET_INFO_JSON) an object; nothing is
 * loaded, but values are looked at. task: "pretrain", "retrieval", "qamc", "qaoe" or "fib".
 * config: a preset, X.json or a checkpoint; NULL: the file's own, what its shapes tell, or, of a
 * part that is no VIOLET's, the published sizes. VIOLET_INFO_INTERPOLATE: as with --interpolate. */
violet_status vl_info_load(vl_buf *out, const char *path, const char *task, const char *config,
                           int flags);

#endif
