/* What a file holds, told from its content: for `violet info`. */
#ifndef VL_TASK_INFO_H
#define VL_TASK_INFO_H

#include "base/buf.h"

/* Appends text about the file, as lines or (VIOLET_INFO_JSON) as a JSON object; flags as in
 * violet.h. A file that is not what it begins to be is an error of its reader. */
violet_status vl_info(vl_buf *out, const char *path, int flags);

#endif
