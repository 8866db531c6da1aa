/* What a command may write to. Outputs are renamed into place, so one that is also an input would
 * replace what it is made of. */
#ifndef VL_EXTRACT_OUTPUT_H
#define VL_EXTRACT_OUTPUT_H

#include "media/video_list.h"

/* stem and ending as one string, the caller's; NULL: out of memory. */
char *vl_output_name(const char *stem, const char *ending);
/* EINVAL where the last part of a stem (n bytes, OUTPUT without its ending) is empty: the files
 * would be hidden ones in a folder. */
violet_status vl_output_stem(const char *command, const char *stem, size_t n);
/* EINVAL if one of n outputs is the input, under whatever name (device and inode). Either may not
 * be there; NULLs are passed over. */
violet_status vl_output_apart(const char *const *output, int n, const char *input);
/* The same with all videos of a list that are not called videos, as outputs are not. */
violet_status vl_output_apart_list(const char *const *output, int n, const vl_video_list *l);

#endif
