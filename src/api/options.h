/* What is behind violet_options: one command's table and the struct it fills. */
#ifndef VL_API_OPTIONS_H
#define VL_API_OPTIONS_H

#include "base/option.h"

typedef struct vl_command {
    const char *name;
    const vl_option *table;
    size_t bytes;              /* of the struct */
    const vl_option *also[2];  /* options of other commands that a JSON file may hold, too; NULL:
                                * none */
} vl_command;

struct violet_options {
    const vl_command *command;
    void *values; /* command->bytes */
    vl_buf text;  /* what help, man or json returned last */
};

/* The struct, if these are `command`'s options; else NULL, with the message set. */
const void *vl_options_of(const violet_options *o, const char *command);

#endif
