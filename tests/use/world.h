/* What tests of a model in use share: a small model as a checkpoint, clips, a session.
 *
 *     open_world(VL_HEAD_MATCH, TASK(""));     // the checkpoint at `path`, `model`, `session`,
 *     ...                                      // `video` of all `clips`
 *     close_world();
 */
#ifndef TESTS_USE_WORLD_H
#define TESTS_USE_WORLD_H

#include "model/model.h"
#include "violet.h"

enum { T = 3, S = 64, X = 8, NI = T * (1 + 4), D = 64, CLASSES = 5, VIDEOS = 3, TEXTS = 3 };

extern const vl_config small;
extern const char *const texts[TEXTS];
extern char folder[64], clips[VIDEOS][96], path[128];
extern vl_model m; /* what the checkpoint is of */
extern violet_model *model;
extern violet_session *session;
extern violet_video *video[VIDEOS];

#define ANSWERS ", \"answers\": [\"a\", \"b\", \"c\", \"d\"]"
#define TASK(more) "{\"size_img\": 64, \"size_txt\": 8, \"size_frame\": 3" more "}"

void ok(violet_status status);
void fails(violet_status is, violet_status expected, const char *words);
void near(double is, double right);

/* task: the checkpoint's metadata of that name. */
void write_model(int heads, const char *task);
violet_options *set(const char *command, int n, const char *const *pairs);
void open_world(int heads, const char *task);
void close_world(void);

/* The folder with its clips; a group's. */
int set_up(void **state);
int tear_down(void **state);

#endif
