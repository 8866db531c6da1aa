/* What fine-tuning has written of itself into a checkpoint (metadata `task`, docs/FINETUNE.md):
 * read and checked, since a file may come from anybody.
 *
 *     vl_tuned t;
 *     status = vl_tuned_read(&t, f, path);
 *     if (t.answers) ... vl_answers_word(t.answers, k) ...
 *     vl_tuned_release(&t); */
#ifndef VL_MODEL_TUNED_H
#define VL_MODEL_TUNED_H

#include <stdbool.h>
#include <stdint.h>

#include "data/answers.h"
#include "file/tensors.h"

typedef struct vl_tuned {
    char type[16];       /* "retrieval", ...; "": not said */
    bool violet1;        /* protocol: as the published code does it */
    bool blind;          /* it saw no pictures */
    int size_img, size_txt, size_frame; /* 0: not said */
    uint64_t step;       /* of the run that wrote it; 0: not said */
    vl_answers *answers; /* class k is word k; NULL: none are listed */
} vl_tuned;

/* All zero where the file says nothing. EFORMAT names path (for messages) and field. */
violet_status vl_tuned_read(vl_tuned *out, const vl_tensors *f, const char *path);
void vl_tuned_release(vl_tuned *t);

#endif
