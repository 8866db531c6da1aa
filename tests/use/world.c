/* A model, clips and what is asked of them; see world.h. */
#include "use/world.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/make_video.h"
#include "model/checkpoint.h"

const vl_config small = {.video = {8, {1, 1, 2, 1}, {1, 1, 2, 1}, {2, 3, 3}, 0.1, 1},
                         .frames = 6, .positions = 50, .grid = {2, 2},
                         .hidden = D, .ct_layers = 2, .ct_heads = 2, .ct_mlp = 96,
                         .size_vocab = 30522, .size_code = 16, .size_answer = CLASSES,
                         .dual_width = 10, .drop = 0.1};
const char *const texts[TEXTS] = {"a man plays the guitar", "dogs", "two words"};

char folder[64], clips[VIDEOS][96], path[128];
vl_model m;
violet_model *model;
violet_session *session;
violet_video *video[VIDEOS];

void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

void fails(violet_status is, violet_status expected, const char *words)
{
    if (!strstr(violet_error(), words)) fail_msg("no '%s' in '%s'", words, violet_error());
    assert_int_equal(is, expected);
}

/* task: the checkpoint's metadata of that name. */
void write_model(int heads, const char *task)
{
    const char *extra[2] = {"task", task};
    ok(vl_model_init(&m, &small, heads, 0, 0));
    vl_params_draw(&m.params, 3);
    real *x = (real *)m.params.weights.base; /* so that scores tell pairs apart */
    for (size_t i = 0; i < m.params.weights.used / sizeof *x; i++) x[i] *= 3;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    ok(vl_checkpoint_write(path, &m, 0, extra, task ? 1 : 0));
}

violet_options *set(const char *command, int n, const char *const *pairs)
{
    violet_options *o;
    ok(violet_options_new(&o, command));
    for (int i = 0; i < n; i++) ok(violet_options_set(o, pairs[2 * i], pairs[2 * i + 1]));
    return o;
}

void open_world(int heads, const char *task)
{
    write_model(heads, task);
    ok(violet_model_open(&model, path, NULL));
    ok(violet_session_new(&session, model, 1));
    for (int v = 0; v < VIDEOS; v++) ok(violet_video_encode(&video[v], session, clips[v]));
}

void close_world(void)
{
    for (int v = 0; v < VIDEOS; v++) violet_video_free(video[v]);
    violet_session_free(session);
    violet_model_close(model);
    vl_model_release(&m);
    unlink(path);
}

void near(double is, double right)
{
    if (!(fabs(is - right) <= 2e-5 * (1 + fabs(right)))) fail_msg("%.9g, expected %.9g", is, right);
}

int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/violet-use-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    for (int v = 0; v < VIDEOS; v++) {
        snprintf(clips[v], sizeof clips[v], "%s/clip%d.mp4", folder, v);
        make_video(clips[v], &(clip){.n = 10 + 13 * v, .width = 64 + 16 * v, .height = 48});
    }
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    for (int v = 0; v < VIDEOS; v++) unlink(clips[v]);
    return rmdir(folder);
}
