/* Training of a dVAE on generated pictures: it learns, resumes to the bit, skips what is bad, and
 * its contact sheet shows the frames. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/rng.h"
#include "data/gallery.h"
#include "extract/dvae_train.h"
#include "file/safetensors.h"
#include "media/picture.h"

enum { SIDE = 16, N_PICTURES = 24 };

#define TINY \
    "--size=16 --n_hid=16 --n_init=16 --n_code=32 --size_batch=8 --lr=1e-2 --threads=1 --seed=3"

static char folder[64];
static const char *gone_after_step; /* a file of the folder that the first step's end removes */

/* ---- pictures -------------------------------------------------------------------------------- */

/* A square of one colour on another, in JPEG: few things to tell apart. */
static void draw(vl_buf *jpeg, int i, int width, int height)
{
    uint64_t key = vl_rng_key(5, (uint64_t)i, 0);
    vl_picture p = {width, height, malloc(3 * (size_t)width * (size_t)height)};
    int left = (int)vl_rng_below(key, 7, 2) * width / 2, top = (int)vl_rng_below(key, 8, 2);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                int inside = x >= left && x < left + width / 2 && y / (height / 2) == top;
                uint32_t bright = vl_rng_below(key, (uint64_t)(c + 3 * inside), 2);
                p.rgb[3 * (y * width + x) + c] = bright ? 230 : 20;
            }
    assert_int_equal(vl_jpeg_encode(jpeg, &p, 95), VIOLET_OK);
    vl_picture_release(&p);
}

static void put_file(const char *name, const void *bytes, size_t n)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* NAME.tsv: records of two pictures. What stands in `kinds`: '.' good, 'j' no JPEG. */
static void put_tsv(const char *name, const char *kinds)
{
    vl_buf text = {0};
    for (int i = 0; kinds[i]; i++) {
        vl_buf_printf(&text, "v%d", i);
        for (int k = 0; k < 2; k++) {
            vl_buf jpeg = {0};
            draw(&jpeg, 2 * i + k, 40, 32);
            if (kinds[i] == 'j') memset(jpeg.data + 20, 7, jpeg.n - 20);
            size_t n = vl_base64_encoded(jpeg.n);
            char *base64 = malloc(n);
            vl_base64_encode(base64, (uint8_t *)jpeg.data, jpeg.n);
            vl_buf_putc(&text, '\t');
            vl_buf_append(&text, base64, n);
            free(base64);
            vl_buf_free(&jpeg);
        }
        vl_buf_putc(&text, '\n');
    }
    put_file(name, text.data, text.n);
    vl_buf_free(&text);
}

/* NAME: an uncompressed video of n frames, each of one grey. */
static void put_video(const char *name, int n)
{
    vl_buf b = {0};
    vl_buf_puts(&b, "YUV4MPEG2 W32 H32 F25:1 Ip A1:1 Cmono\n");
    for (int i = 0; i < n; i++) {
        vl_buf_puts(&b, "FRAME\n");
        for (int k = 0; k < 32 * 32; k++) vl_buf_putc(&b, (char)(30 + 190 * i / n));
    }
    put_file(name, b.data, b.n);
    vl_buf_free(&b);
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct run_result {
    violet_status status;
    char error[1024], warning[1024];
    int n_steps, n_valid, n_warnings;
    double first_loss, last_loss;
    double error_of, used; /* the first validation told last: training pictures */
    unsigned long long n_bad;
    int stop_after;
    volatile sig_atomic_t stop;
} run_result;

static void note(void *user, const violet_event *e)
{
    run_result *r = user;
    const char *bad;
    switch (e->kind) {
    case VIOLET_EVENT_STEP:
        if (gone_after_step) {
            char path[200];
            snprintf(path, sizeof path, "%s/%s", folder, gone_after_step);
            assert_int_equal(unlink(path), 0);
            gone_after_step = NULL;
        }
        if (r->n_steps++ == 0) r->first_loss = e->loss;
        r->last_loss = e->loss;
        if (r->n_steps == r->stop_after) r->stop = 1;
        break;
    case VIOLET_EVENT_VALID:
        r->n_valid++;
        if (strncmp(e->text, "training", 8)) break;
        r->error_of = e->loss_of[0];
        r->used = e->loss_of[1];
        break;
    case VIOLET_EVENT_WARNING:
        r->n_warnings++;
        snprintf(r->warning, sizeof r->warning, "%s", e->text);
        break;
    case VIOLET_EVENT_MESSAGE:
        bad = strstr(e->text, " bad pictures");
        while (bad && bad > e->text && bad[-1] != ' ') bad--;
        if (bad) r->n_bad = strtoull(bad, NULL, 10);
        break;
    case VIOLET_EVENT_TEST:
    case VIOLET_EVENT_ITEM: break;
    }
}

/* FOLDER in flags stands for the folder. */
static run_result run(const char *output, const char *flags, int stop_after)
{
    run_result r = {.stop_after = stop_after};
    violet_hooks hooks = {.user = &r, .event = note, .stop = &r.stop};
    vl_dvae_train_options o = {0};
    char text[1000] = "", *argv[40];
    int n = 0, n_rest;
    for (const char *s = flags; *s;) {
        int folder_here = strncmp(s, "FOLDER", 6) == 0;
        if (folder_here) strcat(text, folder);
        else strncat(text, s, 1);
        s += folder_here ? 6 : 1;
    }
    char to[200];
    snprintf(to, sizeof to, "--output=%s/%s", folder, output);
    for (char *s = strtok(text, " "); s; s = strtok(NULL, " ")) argv[n++] = s;
    argv[n++] = to;
    assert_int_equal(vl_option_defaults(vl_dvae_train_option_table, &o), VIOLET_OK);
    r.status = vl_option_args(vl_dvae_train_option_table, &o, n, argv, argv, &n_rest);
    if (r.status == VIOLET_OK) r.status = vl_dvae_train_run(&o, &hooks);
    if (r.status != VIOLET_OK) snprintf(r.error, sizeof r.error, "%s", violet_error());
    vl_option_release(vl_dvae_train_option_table, &o);
    return r;
}

static run_result run_ok(const char *output, const char *flags)
{
    run_result r = run(output, flags, 0);
    if (r.status != VIOLET_OK) fail_msg("%s: %s", flags, r.error);
    return r;
}

static char *read_file(size_t *n, const char *output, const char *name)
{
    char path[300], *data;
    snprintf(path, sizeof path, "%s/%s/%s", folder, output, name);
    if (vl_file_read(&data, n, path, 1 << 28) != VIOLET_OK) fail_msg("%s", violet_error());
    return data;
}

static void same(const char *a, const char *b, const char *name)
{
    size_t n_a, n_b;
    char *x = read_file(&n_a, a, name), *y = read_file(&n_b, b, name);
    if (n_a != n_b || memcmp(x, y, n_a)) fail_msg("%s of %s and %s differ", name, a, b);
    free(x);
    free(y);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void it_learns(void **state)
{
    (void)state;
    run_result r = run_ok("learns", "--path=FOLDER/good.tsv --steps=400 --valid_every=200 " TINY);
    assert_int_equal(r.n_steps, 400);
    assert_int_equal(r.n_valid, 4); /* two kinds, twice */
    assert_int_equal(r.n_warnings, 0);
    if (!(r.error_of < 0.1)) fail_msg("error %g of the mean colour's", r.error_of);
    if (!(r.last_loss < r.first_loss - 1)) fail_msg("loss %g, then %g", r.first_loss, r.last_loss);

    size_t n;
    char *text = read_file(&n, "learns", "log.json");
    json_t *log = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(log, "error")), 2);
    assert_true(json_real_value(json_array_get(json_object_get(log, "error"), 1)) == r.error_of);
    assert_true(json_is_real(json_array_get(json_object_get(log, "error_held"), 1)));
    json_decref(log);
    free(text);

    char path[200];
    vl_safetensors *f;
    snprintf(path, sizeof path, "%s/learns/dvae.safetensors", folder);
    assert_int_equal(vl_safetensors_open(&f, path), VIOLET_OK);
    assert_non_null(vl_safetensors_metadata(f, "dvae"));
    const vl_safetensor *t = vl_safetensors_find(f, "encoder/blocks.output.conv.w");
    assert_non_null(t);
    assert_int_equal(t->shape[0], 32);
    assert_non_null(vl_safetensors_find(f, "decoder/blocks.input.w"));
    assert_null(vl_safetensors_find(f, "adam.m/decoder/blocks.input.w"));
    vl_safetensors_close(f);
}

#define RESUMED "--path=FOLDER/good.tsv --steps=14 --valid_every=5 --crop=3 " TINY

static void a_stopped_run_goes_on_to_the_same_bytes(void **state)
{
    (void)state;
    run_ok("whole", RESUMED);
    int times = 0;
    run_result r;
    do { /* 3 steps, 3 more, ... */
        r = run("parts", times ? RESUMED " --resume" : RESUMED, 3);
        assert_true(times++ < 10);
    } while (r.status == VIOLET_EINTERRUPTED);
    assert_int_equal(r.status, VIOLET_OK);
    assert_int_equal(times, 5);
    same("whole", "parts", "dvae.safetensors");
    same("whole", "parts", "last.safetensors");
    same("whole", "parts", "steps.jsonl");
    same("whole", "parts", "log.json");
    same("whole", "parts", "contact.png");

    r = run_ok("parts", RESUMED " --resume"); /* there is nothing left */
    assert_int_equal(r.n_steps, 0);
    assert_int_equal(r.n_valid, 0);
    same("whole", "parts", "last.safetensors");
}

/* A stop that a video's decoding sees first: here, that of a validation. */
static void a_stop_while_decoding_is_saved(void **state)
{
    (void)state;
#define VIDEOS                                                                                     \
    "--path=FOLDER/videos --steps=8 --valid_every=4 --cache=0 --frames=4 --workers=1 --hold=0 " TINY
    run_ok("videos_whole", VIDEOS);
    run_result r = run("videos_parts", VIDEOS, 4);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    assert_int_equal(r.n_steps, 4);
    assert_int_equal(r.n_valid, 0);
    assert_int_equal(r.n_warnings, 0); /* no video is bad for it */
    assert_non_null(strstr(r.error, "stopped at step 4"));
    r = run_ok("videos_parts", VIDEOS " --resume");
    assert_int_equal(r.n_steps, 4);
    same("videos_whole", "videos_parts", "last.safetensors");
    same("videos_whole", "videos_parts", "steps.jsonl");
    same("videos_whole", "videos_parts", "log.json");
}

/* Decoded ahead by threads, by one thread, or kept in memory: the same batches. */
static void the_way_to_the_pictures_does_not_matter(void **state)
{
    (void)state;
    run_ok("memory", "--path=FOLDER/bad.tsv --steps=6 --workers=3 " TINY);
    run_ok("stream", "--path=FOLDER/good.tsv --steps=6 --cache=0 --workers=3 " TINY);
    run_ok("single", "--path=FOLDER/good.tsv --steps=6 --cache=0 --workers=1 " TINY);
    run_ok("cached", "--path=FOLDER/good.tsv --steps=6 " TINY);
    same("stream", "single", "dvae.safetensors");
    same("stream", "cached", "dvae.safetensors");
    same("stream", "cached", "contact.png");
}

static void bad_pictures_are_skipped_and_counted(void **state)
{
    (void)state;
    run_result r = run_ok("bad", "--path=FOLDER/bad.tsv,FOLDER/jpegs --steps=2 " TINY);
    assert_int_equal(r.n_bad, 5); /* two records of two, and a file */
    assert_int_equal(r.n_warnings, 5);
    assert_non_null(strstr(r.warning, "jpegs/b.jpg"));
    r = run_ok("bad_stream", "--path=FOLDER/bad.tsv --steps=6 --cache=0 " TINY);
    assert_true(r.n_bad > 0);
    assert_non_null(strstr(r.warning, "bad.tsv 'v"));
    r = run("none", "--path=FOLDER/none.tsv --steps=2 " TINY, 0);
    assert_int_equal(r.status, VIOLET_EFORMAT);
    assert_non_null(strstr(r.error, "none.tsv: no picture"));
}

static void a_picture_that_goes_meanwhile_is_bad(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        char name[40];
        vl_buf jpeg = {0};
        draw(&jpeg, 200 + i, 32, 32);
        snprintf(name, sizeof name, "going/%d.jpg", i);
        put_file(name, jpeg.data, jpeg.n);
        vl_buf_free(&jpeg);
    }
    gone_after_step = "going/2.jpg"; /* held out, so only the validation reads it */
    run_result r = run_ok("going_run", "--path=FOLDER/going --steps=2 --cache=0 --hold=3 " TINY);
    assert_int_equal(r.n_bad, 1);
    assert_int_equal(r.n_warnings, 1);
    assert_non_null(strstr(r.warning, "going/2.jpg"));
    assert_int_equal(r.n_valid, 2);
}

/* Whatever fails while a stop is asked for is no bad picture. */
static void what_fails_in_a_stop_is_not_bad(void **state)
{
    (void)state;
    char path[200];
    vl_gallery *g;
    vl_gallery_scratch *s;
    uint8_t out[3 * SIDE * SIDE];
    volatile sig_atomic_t stop = 0;
    snprintf(path, sizeof path, "%s/jpegs", folder);
    vl_gallery_options o = {.path = path, .side = SIDE, .threads = 1, .stop = &stop};
    assert_int_equal(vl_gallery_open(&g, &o), VIOLET_OK);
    assert_int_equal(vl_gallery_scratch_new(&s), VIOLET_OK);
    assert_int_equal(vl_gallery_read(out, SIDE, g, 1, s), VIOLET_EFORMAT);
    stop = 1;
    assert_int_equal(vl_gallery_read(out, SIDE, g, 1, s), VIOLET_EINTERRUPTED);
    vl_gallery_scratch_free(s);
    vl_gallery_close(g);
}

static AVFrame *decode_png(const char *bytes, size_t n)
{
    AVCodecContext *c = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_PNG));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_open2(c, NULL, NULL), 0);
    assert_int_equal(av_new_packet(packet, (int)n), 0);
    memcpy(packet->data, bytes, n);
    assert_int_equal(avcodec_send_packet(c, packet), 0);
    avcodec_send_packet(c, NULL);
    assert_int_equal(avcodec_receive_frame(c, frame), 0);
    av_packet_free(&packet);
    avcodec_free_context(&c);
    return frame;
}

/* The sheet of "learns": 12 columns, training pictures in the first pair of rows. Pictures of 16
 * pixels are enlarged to 112; between them are 2 white ones. */
static void the_contact_sheet_shows_the_frames(void **state)
{
    (void)state;
    enum { ZOOM = 7, CELL = SIDE * ZOOM + 2 };
    size_t n;
    char *bytes = read_file(&n, "learns", "contact.png");
    AVFrame *sheet = decode_png(bytes, n);
    assert_int_equal(sheet->width, 12 * CELL + 2);
    assert_int_equal(sheet->height, 4 * CELL + 2);
    double apart = 0;
    for (int i = 0; i < 12; i++) {
        vl_buf jpeg = {0};
        vl_picture p;
        uint8_t want[3 * SIDE * SIDE];
        draw(&jpeg, (int)((double)i * 24 / 12 / 2 * 2), 40, 32);
        vl_buf_clear(&jpeg);
        draw(&jpeg, i, 40, 32); /* the first pictures of the file */
        assert_int_equal(vl_jpeg_decode(&p, jpeg.data, jpeg.n), VIOLET_OK);
        assert_int_equal(vl_picture_square(want, SIDE, &p, VL_PAD_EXACT), VIOLET_OK);
        for (int y = 0; y < SIDE * ZOOM; y++)
            for (int x = 0; x < 3 * SIDE * ZOOM; x++) {
                int right = want[(x % 3) * SIDE * SIDE + y / ZOOM * SIDE + x / 3 / ZOOM];
                const uint8_t *at = sheet->data[0] + (2 + y) * sheet->linesize[0] +
                                    3 * (2 + i * CELL) + x;
                assert_int_equal(*at, right);
                apart += fabs((double)at[CELL * sheet->linesize[0]] - right);
            }
        vl_picture_release(&p);
        vl_buf_free(&jpeg);
    }
    assert_int_equal(sheet->data[0][0], 255);
    /* and what is below looks like it */
    apart /= 12.0 * 3 * SIDE * ZOOM * SIDE * ZOOM;
    if (!(apart < 30)) fail_msg("%g levels apart", apart);
    av_frame_free(&sheet);
    free(bytes);
}

static void options_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *flags, *word;
    } wrong[] = {
        {"--steps=1", "--path"},
        {"--path=FOLDER/nothing.tsv", "nothing.tsv"},
        {"--path=FOLDER/good.tsv --size=20", "multiple of 8"},
        {"--path=FOLDER/good.tsv --n_hid=10", "n_hid"},
        {"--path=FOLDER/good.tsv --n_code=1", "n_code"},
        {"--path=FOLDER/good.tsv --hold=1", "--hold"},
        {"--path=FOLDER/good.tsv --preset=large", "small"},
        {"--path=FOLDER/good.tsv --tau_end=0", "tau_end"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run_result r = run("refused", wrong[i].flags, 1);
        if (r.status == VIOLET_OK || !strstr(r.error, wrong[i].word))
            fail_msg("%s: status %d: %s", wrong[i].flags, r.status, r.error);
    }
    run_result r = run("whole", RESUMED, 0); /* a run is there */
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "--resume"));
    r = run("whole", RESUMED " --resume --seed=4", 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "'seed'"));
    r = run("whole", RESUMED " --resume --fast", 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "'fast'"));
    r = run("whole", "--path=FOLDER/good.tsv,FOLDER/jpegs --steps=20 --crop=3 --resume " TINY, 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "pictures"));
    same("whole", "parts", "last.safetensors");
}

static void two_runs_in_one_folder_are_refused(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s/taken", folder);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    put_file("taken/steps.jsonl", "{}\n", 3);
    strcat(path, "/steps.jsonl");
    int fd = open(path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    /* before anything is loaded, which would say something else */
    run_result r = run("taken", "--path=FOLDER/none.tsv " TINY, 0);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "another process"));
    assert_int_equal(lseek(fd, 0, SEEK_END), 3);
    close(fd);
    run_ok("taken", "--path=FOLDER/good.tsv --steps=1 " TINY);
}

static int set_up(void **state)
{
    (void)state;
    char path[200];
    strcpy(folder, "/tmp/vl_test_XXXXXX");
    if (!mkdtemp(folder)) return 1;
    put_tsv("good.tsv", "....................");
    put_tsv("bad.tsv", "..j.........j.......");
    put_tsv("none.tsv", "jj");
    snprintf(path, sizeof path, "%s/jpegs", folder);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    snprintf(path, sizeof path, "%s/going", folder);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    snprintf(path, sizeof path, "%s/videos", folder);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    put_video("videos/a.y4m", 9);
    put_video("videos/b.y4m", 6);
    for (int i = 0; i < 3; i++) {
        char name[40];
        vl_buf jpeg = {0};
        draw(&jpeg, 100 + i, 24, 40);
        snprintf(name, sizeof name, "jpegs/%c.jpg", 'a' + i);
        put_file(name, jpeg.data, i == 1 ? jpeg.n / 2 : jpeg.n);
        vl_buf_free(&jpeg);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns),
        cmocka_unit_test(a_stopped_run_goes_on_to_the_same_bytes),
        cmocka_unit_test(a_stop_while_decoding_is_saved),
        cmocka_unit_test(the_way_to_the_pictures_does_not_matter),
        cmocka_unit_test(bad_pictures_are_skipped_and_counted),
        cmocka_unit_test(a_picture_that_goes_meanwhile_is_bad),
        cmocka_unit_test(what_fails_in_a_stop_is_not_bad),
        cmocka_unit_test(the_contact_sheet_shows_the_frames),
        cmocka_unit_test(options_that_cannot_be_are_refused),
        cmocka_unit_test(two_runs_in_one_folder_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
