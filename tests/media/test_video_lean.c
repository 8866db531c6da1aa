/* H.264's exact mode leaves out what nobody sees: the same frames as decoding everything, for whole
 * and for damaged files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "make_video.h"
#include "media/video_work.h"
#include "sampled.h"

/* ---- decoding everything ---------------------------------------------------------------------*/

/* All frames, whole; keeps those that `kept` aims at, if it is not NULL. */
static violet_status decode_all(int64_t *n, vl_video_kept *kept, const char *path,
                                const vl_video_pick *pick)
{
    vl_video_decoder d;
    violet_status status = vl_video_decoder_open(&d, path, pick);
    bool more = true, got = true;
    *n = 0;
    while (status == VIOLET_OK && more) {
        status = vl_video_file_read(&more, &d.file);
        if (status == VIOLET_OK) status = vl_video_decoder_send(&d, !more);
        for (got = true; status == VIOLET_OK && got;) {
            status = vl_video_decoder_receive(&got, &d);
            if (!got) break;
            if (kept && kept->next < kept->n_samples && kept->index[kept->next] == *n)
                status = vl_video_kept_take(kept, &d);
            ++*n;
        }
    }
    vl_video_decoder_close(&d);
    return status;
}

/* Pictures that damage has spoiled hang on what the decoder's memory held: then !pictures. */
static void assert_same_as_whole(const char *path, int n_samples, bool pictures, const char *what)
{
    vl_video_pick pick = {.n_samples = n_samples};
    static vl_video_kept kept;
    sampled s;
    int64_t n, again;
    memset(&kept, 0, sizeof kept);
    sample_video(&s, path, &pick);
    if (decode_all(&n, NULL, path, &pick) != VIOLET_OK || n == 0) {
        if (s.status == VIOLET_OK) fail_msg("%s: nothing to decode, but frames came", what);
        return;
    }
    if (s.status != VIOLET_OK) fail_msg("%s: %s", what, violet_error());
    if (s.r.n_frames != n)
        fail_msg("%s: %lld frames, %lld if all is decoded", what, (long long)s.r.n_frames,
                 (long long)n);
    assert_true(s.r.counted);
    vl_video_kept_aim(&kept, n, n_samples);
    assert_int_equal(decode_all(&again, &kept, path, &pick), VIOLET_OK);
    const vl_picture *want = NULL;
    for (int i = 0; i < n_samples; i++) {
        const vl_picture *is = &s.picture[i];
        if (kept.picture[i].rgb) want = &kept.picture[i];
        assert_int_equal(s.r.index[i], kept.index[i]);
        assert_int_equal(is->width, want->width);
        assert_int_equal(is->height, want->height);
        if (pictures && memcmp(is->rgb, want->rgb, 3 * (size_t)is->width * (size_t)is->height))
            fail_msg("%s: sample %d differs", what, i);
    }
    vl_video_kept_release(&kept);
    sampled_release(&s);
}

/* ---- tests -----------------------------------------------------------------------------------*/

static const struct {
    const char *name;
    clip clip;
    bool lean;
} forms[] = {
    {"plain.mp4", {.codec = "libx264", .n = 90, .b_frames = 3, .gop = 30}, true},
    {"large.mkv", {.codec = "libx264", .n = 60, .b_frames = 2, .gop = 60, .width = 320,
                   .height = 240}, true},
    {"slices.mp4", {.codec = "libx264", .n = 60, .b_frames = 2, .gop = 20, .width = 160,
                    .height = 128, .options = "x264-params=slices=4"}, true},
    {"weights.mp4", {.codec = "libx264", .n = 60, .b_frames = 3, .gop = 60, .width = 160,
                     .height = 128, .options = "x264-params=weightp=2:ref=8"}, true},
    {"fields.mp4", {.codec = "libx264", .n = 40, .b_frames = 2,
                    .options = "x264-params=interlaced=1"}, true},
    {"bare.h264", {.codec = "libx264", .n = 40, .b_frames = 2, .format = "h264"}, false},
};

static bool no_encoder(void)
{
    if (can_make("libx264")) return false;
    puts("skip: this build of libav cannot encode H.264");
    return true;
}

static void forms_are_the_same(void **state)
{
    (void)state;
    if (no_encoder()) skip();
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *path = at(forms[i].name), *doubt;
        vl_video_pick pick = {.n_samples = 5};
        static vl_video_kept kept;
        vl_video_decoder d;
        int64_t n;
        make_video(path, &forms[i].clip);
        for (int s = 1; s < 12; s += 3) assert_same_as_whole(path, s, true, forms[i].name);
        assert_int_equal(vl_video_decoder_open(&d, path, &pick), VIOLET_OK);
        assert_int_equal(vl_video_lean(&doubt, &n, &kept, &d, 5), VIOLET_OK);
        if (forms[i].lean && doubt) fail_msg("%s: all was decoded: %s", forms[i].name, doubt);
        if (!forms[i].lean && !doubt) fail_msg("%s: nothing was doubted", forms[i].name);
        vl_video_kept_release(&kept);
        vl_video_decoder_close(&d);
    }
}

/* A damaged frame that nobody sees must be counted exactly when a decoder would give it. */
static void damage_is_the_same(void **state)
{
    (void)state;
    if (no_encoder()) skip();
    char whole[128], what[32];
    uint32_t random = 12345;
    strcpy(whole, at("damage.mp4"));
    const char *path = at("damaged.mp4");
    make_video(whole, &(clip){.codec = "libx264", .n = 60, .b_frames = 3, .gop = 20, .width = 96,
                              .height = 80});
    for (int i = 0; i < 240; i++) {
        cut_file(path, whole, file_bytes(whole));
        random = random * 1664525u + 1013904223u;
        int packet = (int)(random >> 16) % 60, byte = i % 3 ? 4 + i % 24 : (int)(random >> 8 & 3);
        snprintf(what, sizeof what, "packet %d byte %d", packet, byte);
        patch_packet(path, packet, (size_t)byte, 1 << (random >> 28 & 7));
        assert_same_as_whole(path, 4, false, what);
    }
}

static int remove_all(void **state)
{
    static const char *const others[] = {"damage.mp4", "damaged.mp4"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) unlink(at(forms[i].name));
    for (int i = 0; i < 2; i++) unlink(at(others[i]));
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_the_same),
        cmocka_unit_test(damage_is_the_same),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_all);
}
