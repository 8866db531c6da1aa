/* See sampled.h. */
#include "sampled.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char folder[64];

int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/vl_test_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

const char *at(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static violet_status keep(void *user, int i, const vl_picture *picture)
{
    sampled *s = user;
    size_t bytes = (size_t)picture->width * (size_t)picture->height * 3;
    assert_int_equal(i, s->n);
    s->picture[i] = *picture;
    s->picture[i].rgb = malloc(bytes);
    memcpy(s->picture[i].rgb, picture->rgb, bytes);
    s->n++;
    return VIOLET_OK;
}

void sample_video(sampled *s, const char *path, const vl_video_pick *pick)
{
    memset(s, 0, sizeof *s);
    s->status = vl_video_sample(&s->r, path, pick, keep, s);
    if (s->status != VIOLET_OK) {
        assert_int_equal(s->n, 0);
        assert_non_null(strstr(violet_error(), path));
        assert_null(strchr(violet_error() + strlen(path), '\n'));
        return;
    }
    assert_int_equal(s->n, pick->n_samples);
    assert_true(s->r.n_frames > 0);
    assert_int_equal(s->r.width, s->picture[0].width);
    assert_int_equal(s->r.height, s->picture[0].height);
    for (int i = 0; i < s->n; i++)
        assert_int_equal(s->r.index[i], vl_frame_index(s->r.n_frames, s->n, i));
}

void sampled_release(sampled *s)
{
    for (int i = 0; i < s->n; i++) vl_picture_release(&s->picture[i]);
    s->n = 0;
}

void assert_same_pictures(const sampled *a, const sampled *b, const char *what)
{
    if (a->status != b->status || a->n != b->n || a->r.n_frames != b->r.n_frames)
        fail_msg("%s: status %d and %d, %lld and %lld frames", what, a->status, b->status,
                 (long long)a->r.n_frames, (long long)b->r.n_frames);
    for (int i = 0; i < a->n; i++) {
        const vl_picture *p = &a->picture[i], *q = &b->picture[i];
        if (a->r.index[i] != b->r.index[i] || p->width != q->width || p->height != q->height ||
            memcmp(p->rgb, q->rgb, (size_t)p->width * (size_t)p->height * 3) != 0)
            fail_msg("%s: picture %d differs", what, i);
    }
}
