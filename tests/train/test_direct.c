/* Straight from videos: the samples, the tokens and the runs are those of extracted files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "corpus.h"
#include "data/loader.h"
#include "file/pickle.h"
#include "media/make_video.h"
#include "media/video.h"
#include "model/dvae.h"
#include "task/plan.h"
#include "tensor/backend.h"
#include "train/run_folder.h"

enum { GOOD = 9, VALID = 3, T = 2, S = 64, SMALL = 16, GRID = 2, CODES = 16, X = 8 };

static corpus c;
static vl_wordpiece *wp;

/* ---- the videos, and the same as extracted files --------------------------------------------- */

static const char *in_data(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", c.data, name);
    return path[turn];
}

static void write_data(const char *name, const char *text)
{
    FILE *f = fopen(in_data(name), "w");
    if (!f || fputs(text, f) < 0 || fclose(f)) fail_msg("cannot write %s", name);
}

static void put_jpeg(FILE *tsv, const vl_picture *p)
{
    vl_buf jpeg = {0};
    if (vl_jpeg_encode(&jpeg, p, 75) != VIOLET_OK) fail_msg("%s", violet_error());
    size_t n = vl_base64_encoded(jpeg.n);
    char *text = malloc(n);
    vl_base64_encode(text, (const uint8_t *)jpeg.data, jpeg.n);
    fputc('\t', tsv);
    fwrite(text, 1, n, tsv);
    free(text);
    vl_buf_free(&jpeg);
}

static violet_status give_tsv(void *user, int i, const vl_picture *p)
{
    (void)i;
    put_jpeg(user, p);
    return VIOLET_OK;
}

/* Clip i has frames of its own, and sides whose difference is odd; the first is to be rotated. */
static void make_clip(const char *path, int i)
{
    make_video(path, &(clip){.width = 80, .height = 51, .n = 4 + 3 * i, .rotation = i ? 0 : 90});
}

/* img_NAME.tsv of the good videos, as extract-frames --sample T --shape stored makes it. */
static void extract(const char *name)
{
    char file[64], id[40];
    vl_video_pick pick = {.n_samples = T, .shape = VL_SHAPE_STORED};
    vl_video_result r;
    snprintf(file, sizeof file, "img_%s.tsv", name);
    FILE *tsv = fopen(in_data(file), "w");
    for (int i = 0; i < GOOD + VALID; i++) {
        snprintf(id, sizeof id, "%s%02d", i < GOOD ? "a/v" : "w", i);
        snprintf(file, sizeof file, "vid/%s.mp4", id);
        fputs(id, tsv);
        if (vl_video_sample(&r, in_data(file), &pick, give_tsv, tsv) != VIOLET_OK)
            fail_msg("%s", violet_error());
        fputc('\n', tsv);
    }
    fclose(tsv);
}

/* more: captions of other videos, in front. */
static void write_captions(const char *name, const char *more)
{
    static const char *const words[] = {"red cat runs here", "green dog sits", "blue bird now",
                                        "red bird flies there", "cat"};
    char text[2000], file[40];
    snprintf(text, sizeof text, "{\"train\": {%s\"gone\": [\"red\"]", more);
    for (int i = 0; i < GOOD + VALID; i++) {
        if (i == GOOD) strcat(text, "}, \"val\": {\"nothing\": [\"red\"]");
        snprintf(text + strlen(text), 100, ", \"%s%02d\": [\"%s\"]", i < GOOD ? "a/v" : "w", i,
                 words[i % 5]);
    }
    strcat(text, "}}");
    snprintf(file, sizeof file, "txt_%s.json", name);
    write_data(file, text);
}

static int set_up(void **state)
{
    char file[100];
    vl_dvae *d;
    (void)state;
    corpus_open(&c);
    snprintf(file, sizeof file, "%s/vocab.txt", c.folder);
    if (vl_wordpiece_open(&wp, file) != VIOLET_OK) return 1;
    mkdir(in_data("vid"), 0777);
    mkdir(in_data("vid/a"), 0777);
    for (int i = 0; i < GOOD + VALID; i++) {
        snprintf(file, sizeof file, "vid/%s%02d.mp4", i < GOOD ? "a/v" : "w", i);
        make_clip(in_data(file), i);
    }
    write_data("vid/a/broken.mp4", "no video");
    make_clip(in_data("vid/no_caption.mp4"), 99);
    write_data("vid/notes.txt", "no video");
    write_captions("vid", "\"a/broken\": [\"cat\"], ");
    write_captions("ext", "");
    extract("ext");
    vl_dvae_config config = {.n_hid = 8, .n_init = 8, .n_code = CODES};
    if (vl_dvae_new(&d, &config, 0, 0, 5) != VIOLET_OK) return 1;
    if (vl_dvae_write(in_data("dvae.safetensors"), d, 0, NULL, 0) != VIOLET_OK) return 1;
    vl_dvae_close(d);
    if (vl_dvae_new(&d, &config, 0, 0, 6) != VIOLET_OK) return 1;
    if (vl_dvae_write(in_data("other.safetensors"), d, 0, NULL, 0) != VIOLET_OK) return 1;
    vl_dvae_close(d);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vl_wordpiece_free(wp);
    corpus_close(&c);
    return 0;
}

static vl_dataset *open_padded(const char *name, const char *split, int jpeg, vl_pad pad)
{
    vl_dataset *d;
    vl_dataset_options o = {.folder = c.data,
                            .name = name,
                            .split = split,
                            .size_img = S,
                            .size_small = SMALL,
                            .size_txt = X,
                            .n_frames = T,
                            .video_shape = jpeg > 0 ? VL_SHAPE_STORED : VL_SHAPE_UPRIGHT,
                            .video_jpeg = jpeg,
                            .no_tokens = true,
                            .pad = pad,
                            .wordpiece = wp};
    if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
    return d;
}

static vl_dataset *open_set(const char *name, const char *split, int jpeg)
{
    return open_padded(name, split, jpeg, VL_PAD_EXACT);
}

/* ---- samples --------------------------------------------------------------------------------- */

static void videos_with_captions_are_the_records(void **state)
{
    (void)state;
    vl_dataset *d = open_set("vid", "train", 0);
    assert_int_equal(vl_dataset_parts(d), 1);
    assert_int_equal(vl_dataset_n(d, 0), GOOD + 1);
    assert_string_equal(vl_dataset_path(d, 0), in_data("vid/"));
    vl_dataset_close(d);
    d = open_set("vid", "val", 0);
    assert_int_equal(vl_dataset_n(d, 0), VALID);
    vl_dataset_close(d);
    vl_dataset_options o = {.folder = c.data, .name = "vid", .split = "train", .size_img = S,
                            .size_txt = X, .wordpiece = wp};
    assert_int_equal(vl_dataset_open(&d, &o), VIOLET_OK);
    assert_int_equal(vl_dataset_frames(d, 0), 4);
    vl_dataset_close(d);
    o.name = "ext"; /* the files are there, but the caller wants these videos */
    o.videos = in_data("vid");
    assert_int_equal(vl_dataset_open(&d, &o), VIOLET_OK);
    assert_int_equal(vl_dataset_n(d, 0), GOOD);
    vl_dataset_close(d);
    mkdir(in_data("empty"), 0777);
    o.videos = in_data("empty");
    assert_int_not_equal(vl_dataset_open(&d, &o), VIOLET_OK);
    assert_non_null(strstr(violet_error(), "empty"));
}

/* All of an epoch: ids, texts, pictures in the order they come. */
typedef struct epoch {
    int n;
    char id[GOOD + 1][VL_ID_BYTES];
    int32_t text[GOOD + 1][X];
    uint8_t image[GOOD + 1][T * 3 * S * S], small[GOOD + 1][T * 3 * SMALL * SMALL];
    uint64_t bad[VL_BAD_REASONS];
} epoch;

static void run_epoch(epoch *e, const vl_dataset *d, int workers, bool once)
{
    vl_loader *l;
    const vl_batch *b;
    vl_cursor start = {.epoch = 1};
    vl_loader_options o = {.batch = 3, .workers = workers, .seed = 3, .once = once};
    memset(e, 0, sizeof *e);
    assert_int_equal(vl_loader_open(&l, d, &o), VIOLET_OK);
    assert_int_equal(vl_loader_start(l, &start), VIOLET_OK);
    for (;;) {
        if (vl_loader_next(&b, l) != VIOLET_OK) fail_msg("%s", violet_error());
        if (!b) break;
        assert_true(b->T == T && b->S == S && b->side == SMALL && !b->vq);
        for (int i = 0; i < b->n; i++, e->n++) {
            assert_true(e->n <= GOOD);
            strcpy(e->id[e->n], b->id[i]);
            memcpy(e->text[e->n], b->text + i * X, sizeof *e->text);
            memcpy(e->image[e->n], b->image + i * sizeof *e->image, sizeof *e->image);
            memcpy(e->small[e->n], b->small + i * sizeof *e->small, sizeof *e->small);
        }
    }
    for (int i = 0; i < VL_BAD_REASONS; i++) e->bad[i] = vl_loader_bad(l, (vl_bad)i);
    vl_loader_close(l);
}

static void same_samples_for_any_number_of_threads(void **state)
{
    (void)state;
    static epoch want, got;
    vl_dataset *d = open_set("vid", "train", 0);
    run_epoch(&want, d, 0, false);
    assert_int_equal(want.n, GOOD);
    assert_int_equal(want.bad[VL_BAD_VIDEO], 1); /* a/broken.mp4 */
    for (int workers = 1; workers < 5; workers++) {
        run_epoch(&got, d, workers, false);
        assert_memory_equal(&got, &want, sizeof got);
    }
    vl_dataset_close(d);
}

static violet_status give_small(void *user, int i, const vl_picture *p)
{
    uint8_t *small = user;
    return vl_picture_square(small + i * 3 * SMALL * SMALL, SMALL, p, VL_PAD_EXACT);
}

/* The dVAE's pictures are made from whole frames, not from what the model sees. */
static void small_pictures_are_made_from_whole_frames(void **state)
{
    (void)state;
    static epoch e;
    static uint8_t want[T * 3 * SMALL * SMALL];
    vl_video_pick pick = {.n_samples = T};
    vl_video_result r;
    vl_dataset *d = open_set("vid", "train", 0);
    run_epoch(&e, d, 1, true);
    assert_string_equal(e.id[0], "a/v00");
    assert_int_equal(vl_video_sample(&r, in_data("vid/a/v00.mp4"), &pick, give_small, want),
                     VIOLET_OK);
    assert_memory_equal(e.small[0], want, sizeof want);
    vl_dataset_close(d);
}

/* Bit for bit what a file of the same frames gives, once they went through the same JPEG. */
static void samples_are_those_of_extracted_files(void **state)
{
    (void)state;
    static epoch want, got, plain;
    vl_dataset *file = open_set("ext", "train", 0);
    vl_dataset *video = open_set("vid", "train", 75), *as_is = open_set("vid", "train", 0);
    run_epoch(&want, file, 1, true);
    run_epoch(&got, video, 2, true);
    run_epoch(&plain, as_is, 2, true);
    assert_int_equal(want.n, GOOD);
    want.bad[VL_BAD_VIDEO] = 1;
    assert_memory_equal(&got, &want, sizeof got);
    assert_memory_not_equal(plain.image, want.image, sizeof want.image);
    assert_memory_not_equal(plain.small, want.small, sizeof want.small);
    assert_memory_not_equal(want.image[0], want.image[1], sizeof want.image[0]);
    assert_memory_not_equal(want.image[0], want.image[0] + sizeof want.image[0] / T,
                            sizeof want.image[0] / T); /* the frames of a video differ */
    vl_dataset_close(file);
    vl_dataset_close(video);
    vl_dataset_close(as_is);
}

static void a_stopped_decoding_is_no_bad_sample(void **state)
{
    (void)state;
    static uint8_t image[T * 3 * S * S], small[T * 3 * SMALL * SMALL];
    int32_t text[X];
    int n_text;
    vl_sample s = {.image = image, .small = small, .text = text, .n_text = &n_text};
    vl_scratch *scratch;
    vl_bad why;
    volatile sig_atomic_t now = 1;
    vl_dataset *d = open_set("vid", "val", 0);
    assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
    vl_scratch_stop(scratch, &now);
    assert_int_equal(vl_dataset_read(&s, &why, d, 0, 0, 0, scratch), VIOLET_EINTERRUPTED);
    now = 0;
    assert_int_equal(vl_dataset_read(&s, &why, d, 0, 0, 0, scratch), VIOLET_OK);
    vl_scratch_free(scratch);
    vl_dataset_close(d);
}

/* A task's items over the same folder: found by path, by name and with an ending, 5 frames each;
 * a broken video, and one that is not there, are skipped and counted. */
static void a_task_reads_videos(void **state)
{
    (void)state;
    static const char *const ids[] = {"w10", "a/v02", "v03", "a/broken", "v04.mp4", "v99"};
    vl_items *q;
    vl_dataset *d;
    vl_loader *l;
    const vl_batch *b;
    write_data("task.csv", "video,caption\nw10,a\na/v02,b\nv03,c\na/broken,d\nv04.mp4,e\n"
                           "v99,f\nv03,g\n");
    vl_items_options items = {.path = in_data("task.csv")};
    if (vl_items_open(&q, &items) != VIOLET_OK) fail_msg("%s", violet_error());
    for (int each_video = 0; each_video < 2; each_video++) {
        vl_dataset_options o = {.folder = c.data, .name = "vid", .split = "test", .size_img = S,
                                .size_txt = X, .wordpiece = wp, .items = q,
                                .each_video = each_video};
        int video[6], n = 0;
        if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(vl_dataset_missing(d), 1);
        assert_int_equal(vl_dataset_frames(d, 0), 5);
        vl_loader_options lo = {.batch = 3, .workers = 2, .once = true};
        assert_int_equal(vl_loader_open(&l, d, &lo), VIOLET_OK);
        assert_int_equal(vl_loader_start(l, &(vl_cursor){0}), VIOLET_OK);
        while (vl_loader_next(&b, l) == VIOLET_OK && b)
            for (int i = 0; i < b->n && n < 6; i++) video[n++] = b->facts[i].video;
        assert_true(vl_loader_bad(l, VL_BAD_UNKNOWN) == 1 && vl_loader_bad(l, VL_BAD_VIDEO) == 1);
        assert_int_equal(n, each_video ? 4 : 5);
        for (int i = 0; i < n; i++)
            assert_string_equal(vl_items_video(q, video[i]), ids[i < 3 ? i : i == 3 ? 4 : 2]);
        vl_loader_close(l);
        vl_dataset_close(d);
    }
    vl_items_close(q);
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* vq_ext.pkl, as published: tokens of the small pictures, padded with the published oddity. */
static void extract_tokens(void)
{
    static epoch e;
    vl_dvae *dvae;
    vl_tape tape;
    vl_pickle_writer *w;
    const int64_t shape[3] = {T, GRID, GRID};
    vl_device *device = vl_backend_fast()->open(1);
    int seen[CODES] = {0}, different = 0;
    assert_int_equal(vl_tape_init(&tape, vl_backend_fast(), device, 0), VIOLET_OK);
    assert_int_equal(vl_dvae_open(&dvae, in_data("dvae.safetensors"), 0), VIOLET_OK);
    assert_int_equal(vl_pickle_create(&w, in_data("vq_ext.pkl")), VIOLET_OK);
    for (int k = 0; k < 2; k++) {
        vl_dataset *d = open_padded("ext", k ? "val" : "train", 0, VL_PAD_COMPAT);
        run_epoch(&e, d, 1, true);
        for (int i = 0; i < e.n; i++) {
            int32_t tokens[T * GRID * GRID];
            int16_t out[T * GRID * GRID];
            assert_int_equal(vl_dvae_tokens(tokens, dvae, &tape, e.small[i], T, SMALL), VIOLET_OK);
            for (int j = 0; j < T * GRID * GRID; j++) {
                out[j] = (int16_t)tokens[j];
                different += seen[tokens[j]]++ == 0;
            }
            assert_int_equal(vl_pickle_put_i16(w, e.id[i], out, shape, 3), VIOLET_OK);
        }
        vl_dataset_close(d);
    }
    assert_true(different > 1);
    assert_int_equal(vl_pickle_finish(w), VIOLET_OK);
    vl_dvae_close(dvae);
    vl_tape_release(&tape);
    vl_backend_fast()->close(device);
}

#define RUN "--size_batch=3 --size_frame=2 --lr=1e-3 --seed=4 --save_every=1 --compat=violet1"
#define DVAE "--dvae=FOLDER/data/dvae.safetensors --workers=2 "
#define STRAIGHT "--dataset=vid " DVAE RUN

/* Nobody can tell from logs and weights whether frames and tokens were extracted before. */
static void a_run_is_that_of_extracted_files(void **state)
{
    (void)state;
    extract_tokens();
    run_result files = corpus_run_ok(&c, "files", "--dataset=ext " RUN);
    run_result video =
        corpus_run_ok(&c, "video", "--dataset=ext --videos=FOLDER/data/vid " DVAE RUN);
    assert_true(files.n_steps == 6 && video.n_steps == 6 && video.n_valid == 2);
    corpus_same(&c, "files", "video", "steps.jsonl");
    corpus_same(&c, "files", "video", "log.json");
    corpus_same(&c, "files", "video", "2_all.safetensors");
    json_t *log = corpus_json(&c, "video", "log.json"), *ext = json_object_get(log, "ext");
    assert_true(json_number_value(json_array_get(json_object_get(ext, "ls_mvm"), 0)) > 0);
    json_decref(log);
}

static volatile sig_atomic_t stop;

static void stop_at_step(void *user, const violet_event *e)
{
    if (e->kind == VIOLET_EVENT_STEP && --*(int *)user == 0) stop = 1;
}

static void a_stopped_run_resumes_as_it_was(void **state)
{
    (void)state;
    corpus_run_ok(&c, "whole", STRAIGHT);
    for (int n = 1; n < 6; n += 3) {
        int left = n;
        char output[20];
        vl_pretrain_options o;
        violet_hooks hooks = {.user = &left, .event = stop_at_step, .stop = &stop};
        snprintf(output, sizeof output, "stopped%d", n);
        corpus_options(&o, &c, output, STRAIGHT);
        stop = 0;
        assert_int_equal(vl_pretrain_run(&o, &hooks), VIOLET_EINTERRUPTED);
        vl_option_release(vl_pretrain_option_table, &o);
        run_result r = corpus_run_ok(&c, output, STRAIGHT " --resume");
        assert_int_equal(r.n_steps, 6 - n);
        corpus_same(&c, "whole", output, "steps.jsonl");
        corpus_same(&c, "whole", output, "log.json");
        corpus_same(&c, "whole", output, "last.safetensors");
    }
}

/* What decides the data stays as it was; where the dVAE's file is does not matter. */
static void a_run_goes_on_with_its_own_data(void **state)
{
    (void)state;
    static const struct {
        const char *flags, *says; /* NULL: goes on */
    } runs[] = {
        {"--dataset=vid --dvae=FOLDER/data/other.safetensors " RUN, "another 'dvae'"},
        {STRAIGHT " --shape=square", "another 'shape'"},
        {STRAIGHT " --fast_video", "another 'fast_video'"},
        {STRAIGHT " --videos=FOLDER/data/vid", "another 'videos'"},
        {"--dataset=vid --dvae=FOLDER/data/moved.safetensors " RUN, NULL},
    };
    char from[200];
    snprintf(from, sizeof from, "%s", in_data("dvae.safetensors"));
    corpus_run_ok(&c, "own", STRAIGHT);
    assert_int_equal(link(from, in_data("moved.safetensors")), 0);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char flags[300];
        snprintf(flags, sizeof flags, "%s --resume", runs[i].flags);
        run_result r = corpus_run(&c, "own", flags);
        if (runs[i].says ? r.status != VIOLET_EINVAL || !strstr(r.error, runs[i].says)
                         : r.status != VIOLET_OK)
            fail_msg("%s: %d %s", flags, r.status, r.error);
    }
    run_result r = corpus_run(&c, "files", "--dataset=ext --resume " DVAE RUN);
    if (r.status != VIOLET_EINVAL || !strstr(r.error, "another 'dvae'")) fail_msg("%s", r.error);
}

/* A state from before there was such an option is one of its default. */
static void older_states_have_defaults(void **state)
{
    (void)state;
    static const char *const names[] = {"seed", "shape", "videos", "fast_video", "p_word", NULL};
    static const char *const other[] = {NULL, "--shape=stored", "--videos=v", "--fast_video",
                                        "--p_word=0.25"};
    for (int i = 0; names[i]; i++)
        for (int k = 0; k <= i; k += i ? i : 1) {
            vl_pretrain_options o;
            corpus_options(&o, &c, "older", k ? other[k] : "");
            json_t *saved = vl_run_fixed(vl_pretrain_option_table, &o, names);
            json_object_del(saved, i ? names[i] : "none");
            assert_int_equal(vl_run_check_fixed(saved, vl_pretrain_option_table, &o, names),
                             k ? VIOLET_EINVAL : VIOLET_OK);
            json_decref(saved);
            vl_option_release(vl_pretrain_option_table, &o);
        }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *flags, *says;
        violet_status status;
    } runs[] = {
        {"--dataset=vid --dvae=FOLDER/data/dvae.safetensors --config=tiny", "16 codes",
         VIOLET_ESHAPE},
        {"--dataset=vid,ext --videos=FOLDER/data/vid", "'videos'", VIOLET_EINVAL},
        {"--dataset=vid --dvae=FOLDER/data/none.pkl", "none.pkl", VIOLET_EIO},
        {"--dataset=vid --videos=FOLDER/data/none", "none", VIOLET_EIO},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        run_result r = corpus_run(&c, "refused", runs[i].flags);
        if (r.status != runs[i].status || !strstr(r.error, runs[i].says))
            fail_msg("%s: %d %s", runs[i].flags, r.status, r.error);
    }
}

/* `violet plan` of the same options counts the dVAE. */
static void a_plan_counts_the_tokens(void **state)
{
    (void)state;
    vl_plan_options o = {0};
    violet_plan_report with, without;
    char model[100];
    snprintf(model, sizeof model, "%s/model.json", c.folder);
    assert_int_equal(vl_option_defaults(vl_plan_option_table, &o), VIOLET_OK);
    assert_int_equal(vl_option_set(vl_plan_option_table, &o, "config", model), VIOLET_OK);
    o.of.run.size_img = S;
    assert_int_equal(vl_plan_run(&without, &o), VIOLET_OK);
    assert_int_equal(vl_option_set(vl_plan_option_table, &o, "dvae", in_data("dvae.safetensors")),
                     VIOLET_OK);
    assert_int_equal(vl_plan_run(&with, &o), VIOLET_OK);
    assert_true(without.token_flops == 0 && without.dvae_bytes == 0);
    assert_true(with.token_flops > 1e6 && with.dvae_bytes > 1000);
    assert_true(with.step_flops == without.step_flops + with.token_flops);
    assert_true(with.loader_bytes > without.loader_bytes);
    vl_option_release(vl_plan_option_table, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(videos_with_captions_are_the_records),
        cmocka_unit_test(same_samples_for_any_number_of_threads),
        cmocka_unit_test(small_pictures_are_made_from_whole_frames),
        cmocka_unit_test(samples_are_those_of_extracted_files),
        cmocka_unit_test(a_stopped_decoding_is_no_bad_sample),
        cmocka_unit_test(a_task_reads_videos),
        cmocka_unit_test(a_run_is_that_of_extracted_files),
        cmocka_unit_test(a_stopped_run_resumes_as_it_was),
        cmocka_unit_test(a_run_goes_on_with_its_own_data),
        cmocka_unit_test(older_states_have_defaults),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_plan_counts_the_tokens),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
