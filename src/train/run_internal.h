/* What the files of a run share: run.c (the loop), run_setup.c, run_log.c, run_state.c,
 * run_data.c. Tasks see run.h alone. */
#ifndef VL_TRAIN_RUN_INTERNAL_H
#define VL_TRAIN_RUN_INTERNAL_H

#include "train/run.h"

/* run_setup.c */
violet_status vl_run_setup(vl_run *r);
void vl_run_release(vl_run *r); /* frees r, too */
/* Whole batches of a part. */
uint64_t vl_run_batches_of(const vl_run *r, const vl_run_set *s, int part);
/* Updates of an epoch, and how many of them come before batch `at` of unit `unit`. */
uint64_t vl_run_updates(const vl_run *r, int unit, uint64_t at);

/* run_log.c: args.json, steps.jsonl at steps_bytes, timing.jsonl; log.json */
violet_status vl_run_log_open(vl_run *r);
violet_status vl_run_log_step(vl_run *r, const char *set, const char *unit_name,
                              const vl_run_sums *s, double lr, double norm, double seconds,
                              double waited);
violet_status vl_run_log_unit(vl_run *r, const char *set, const vl_run_sums *train,
                              const vl_run_result *valid);
/* Closes the logs; returns status, or what went wrong now if that is VIOLET_OK. */
violet_status vl_run_log_close(vl_run *r, violet_status status);

/* run_data.c: what a state says of the data, NULL: out of memory; EINVAL where a saved one says
 * something else */
json_t *vl_run_data(const vl_run *r);
violet_status vl_run_data_check(const vl_run *r, const json_t *was);

/* run_state.c */
violet_status vl_run_state_save(vl_run *r);
violet_status vl_run_state_load(vl_run *r); /* from last.safetensors */
/* Weights alone, as NAME, with the task's description. */
violet_status vl_run_weights_save(const vl_run *r, const char *name);

#endif
