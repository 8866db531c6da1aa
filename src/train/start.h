/* What a training run starts from: what files give, and fresh weights for the rest.
 *
 *     vl_start s = {.seed = 1, .checkpoint = "ckpt_violet.pt", .tell = tell, .user = run};
 *     status = vl_start_weights(&model.params, &model.config, &s);
 *
 * Files are taken in the order checkpoint, video, text, so that a part replaces what the whole has
 * given. Each is told of, line by line, as vl_load_report_text has it; in the end, how much of the model
 * they gave and how much starts fresh. */
#ifndef VL_TRAIN_START_H
#define VL_TRAIN_START_H

#include "model/load.h"

typedef struct vl_start {
    uint64_t seed; /* of fresh weights */
    const char *checkpoint, *video, *text; /* paths; NULL or "": none */
    bool interpolate, strict, grid_as_is;  /* as vl_load_options has them */
    /* One line, without a newline; warning: something was left out. */
    void (*tell)(void *user, bool warning, const char *line);
    void *user;
} vl_start;

violet_status vl_start_weights(vl_params *p, const vl_config *config, const vl_start *s);

#endif
