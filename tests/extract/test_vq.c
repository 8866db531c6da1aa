/* extract-vq: the tokens of each frame, the same bytes whatever the stops, kills and shards, and
 * what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/rng.h"
#include "clips.h"
#include "data/dataset.h"
#include "extract/tsv.h"
#include "extract/vq.h"
#include "file/pickle.h"
#include "file/tsv.h"
#include "model/dvae.h"

enum { N = 9, BAD = 4 }; /* records; one of them no picture */

static char folder[64];
static const vl_dvae_config small = {4, 4, 64};
static const int widths[N] = {40, 33, 64, 90, 32, 57, 48, 20, 71};

/* ---- the data set ---------------------------------------------------------------------------- */

static void put_picture(vl_buf *b, int width, int height, uint64_t seed)
{
    vl_picture p = {width, height, malloc((size_t)(3 * width * height))};
    vl_buf jpeg = {0};
    for (int i = 0; i < 3 * width * height; i++) /* large patches of chance colours */
        p.rgb[i] = (uint8_t)vl_rng_u32(seed, (uint64_t)(i % 3 + 3 * (i / 3 % width / 9) +
                                                        300 * (i / 3 / width / 7)));
    assert_int_equal(vl_jpeg_encode(&jpeg, &p, 90), VIOLET_OK);
    assert_int_equal(vl_buf_reserve(b, vl_base64_encoded(jpeg.n)), VIOLET_OK);
    vl_base64_encode(b->data + b->n, (const uint8_t *)jpeg.data, jpeg.n);
    b->n += vl_base64_encoded(jpeg.n);
    vl_buf_free(&jpeg);
    vl_picture_release(&p);
}

static int n_frames(int i)
{
    return 1 + i * 5 % 7;
}

static int set_up(void **state)
{
    (void)state;
    vl_buf b = {0};
    vl_dvae *d;
    clips_open(folder);
    for (int i = 0; i < N; i++) {
        assert_int_equal(vl_buf_printf(&b, "v%d", i), VIOLET_OK);
        for (int k = 0; k < n_frames(i); k++) {
            assert_int_equal(vl_buf_putc(&b, '\t'), VIOLET_OK);
            if (i == BAD && k == 1)
                assert_int_equal(vl_buf_puts(&b, "/9j/AAAA"), VIOLET_OK);
            else
                put_picture(&b, widths[i], 40, (uint64_t)(100 * i + k));
        }
        assert_int_equal(vl_buf_putc(&b, '\n'), VIOLET_OK);
    }
    clips_write(folder, "d.tsv", b.data, b.n);
    vl_buf_free(&b);
    for (int seed = 1; seed <= 2; seed++) {
        char name[40];
        snprintf(name, sizeof name, "dvae%d.safetensors", seed);
        assert_int_equal(vl_dvae_new(&d, &small, 0, 0, (uint64_t)seed), VIOLET_OK);
        assert_int_equal(vl_dvae_write(clips_path(folder, name), d, 0, NULL, 0), VIOLET_OK);
        vl_dvae_close(d);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_close(folder);
    return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct watcher {
    clips_end end;
    int n, n_items, n_warnings;
    unsigned long long n_bad;
    volatile sig_atomic_t stop;
} watcher;

static void watch(void *user, const violet_event *e)
{
    watcher *w = user;
    w->n_warnings += e->kind == VIOLET_EVENT_WARNING;
    if (e->kind != VIOLET_EVENT_ITEM) return;
    w->n_bad = e->n_bad;
    if (++w->n_items != w->n) return;
    if (w->end == CLIPS_KILL) raise(SIGKILL);
    if (w->end == CLIPS_STOP) w->stop = 1;
}

/* extract-vq --path FOLDER/path --output FOLDER/output --dvae FOLDER/dvae1.safetensors and flags */
static violet_status run(watcher *w, const char *path, const char *output, const char *flags)
{
    vl_vq_options o = {0};
    violet_hooks hooks = {w, watch, &w->stop};
    char copy[500], *argv[20], *rest[20], *save;
    int argc = 0, n_rest;
    snprintf(copy, sizeof copy, "--path=%s --output=%s --dvae=%s --size-batch=4 %s",
             clips_path(folder, path), clips_path(folder, output),
             clips_path(folder, "dvae1.safetensors"), flags);
    for (char *s = strtok_r(copy, " ", &save); s && argc < 20; s = strtok_r(NULL, " ", &save))
        argv[argc++] = s;
    assert_int_equal(vl_option_defaults(vl_vq_option_table, &o), VIOLET_OK);
    if (vl_option_args(vl_vq_option_table, &o, argc, argv, rest, &n_rest) != VIOLET_OK)
        fail_msg("%s", violet_error());
    violet_status status = vl_vq_run(&o, &hooks);
    vl_option_release(vl_vq_option_table, &o);
    return status;
}

static void ok(const char *path, const char *output, const char *flags)
{
    watcher w = {0};
    if (run(&w, path, output, flags) != VIOLET_OK)
        fail_msg("%s %s: %s", output, flags, violet_error());
}

static void fails(const char *path, const char *output, const char *flags, const char *words)
{
    watcher w = {0};
    assert_int_not_equal(run(&w, path, output, flags), VIOLET_OK);
    if (!strstr(violet_error(), words)) fail_msg("'%s' lacks '%s'", violet_error(), words);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* Every record's tokens in OUTPUT.pkl are what vl_dvae_tokens makes of its squares one by one. */
static void expect_tokens(const char *output, int frame, vl_pad pad)
{
    enum { MOST = 32 * 32 };
    vl_pickle *doc;
    vl_tsv *t;
    vl_dvae *d;
    vl_tape tape;
    vl_device *device = vl_backend_fast()->open(1);
    int side = vl_dvae_side(frame), h = side / 8;
    uint8_t *square = malloc((size_t)(3 * side * side));
    int32_t found[7 * MOST], expected[MOST];
    char name[40];
    snprintf(name, sizeof name, "%s.pkl", output);
    if (vl_pickle_open(&doc, clips_path(folder, name), NULL) != VIOLET_OK)
        fail_msg("%s", violet_error());
    assert_int_equal(vl_tsv_open(&t, clips_path(folder, "d.tsv")), VIOLET_OK);
    assert_int_equal(vl_dvae_open(&d, clips_path(folder, "dvae1.safetensors"), 0), VIOLET_OK);
    assert_int_equal(vl_tape_init(&tape, vl_backend_fast(), device, 0), VIOLET_OK);
    assert_int_equal(vl_value_n(vl_pickle_root(doc)), N - 1);
    for (size_t i = 0; i < N; i++) {
        vl_tsv_row row;
        vl_ndarray a;
        snprintf(name, sizeof name, "v%zu", i);
        const vl_value *v = vl_dict_find(vl_pickle_root(doc), name, strlen(name));
        if (i == BAD) {
            assert_null(v);
            continue;
        }
        assert_int_equal(vl_tsv_read(&row, t, i), VIOLET_OK);
        assert_true(vl_value_array(&a, v) && a.type == 'i' && a.item_bytes == 2 && a.n_dim == 3);
        assert_true(a.shape[0] == row.n_frames && a.shape[1] == h && a.shape[2] == h);
        assert_int_equal(vl_ndarray_to_i32(found, &a), VIOLET_OK);
        for (int k = 0; k < row.n_frames; k++) {
            vl_picture p;
            size_t n;
            uint8_t *jpeg = malloc(vl_base64_decoded_most(row.frame[k].n));
            assert_int_equal(vl_base64_decode(jpeg, &n, row.frame[k].s, row.frame[k].n), VIOLET_OK);
            assert_int_equal(vl_jpeg_decode(&p, jpeg, n), VIOLET_OK);
            assert_int_equal(vl_picture_square(square, side, &p, pad), VIOLET_OK);
            assert_int_equal(vl_dvae_tokens(expected, d, &tape, square, 1, side), VIOLET_OK);
            assert_memory_equal(found + k * h * h, expected, (size_t)(h * h) * sizeof *expected);
            vl_picture_release(&p);
            free(jpeg);
        }
    }
    vl_tape_release(&tape);
    vl_backend_fast()->close(device);
    vl_dvae_close(d);
    vl_tsv_close(t);
    vl_pickle_close(doc);
    free(square);
}

static void tokens_are_the_encoders(void **state)
{
    (void)state;
    watcher w = {0};
    if (run(&w, "d", "whole", "--frame=64") != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(w.n_bad, 1);
    assert_int_equal(w.n_warnings, 1);
    assert_int_equal(w.n_items, N);
    assert_false(clips_has(folder, "whole.vq.partial"));
    expect_tokens("whole", 64, VL_PAD_COMPAT);
    ok("d.tsv", "exact", "--frame=96 --pad=exact --workers=1 --threads=1");
    expect_tokens("exact", 96, VL_PAD_EXACT);
    ok("d.tsv", "one", "--frame=64 --size-batch=1 --workers=3");
    clips_same(folder, "whole", "one", ".pkl");
    ok("d.tsv", "large", "--frame=64 --size-batch=100");
    clips_same(folder, "whole", "large", ".pkl");
}

static void a_pickle_of_pictures_gives_the_same(void **state)
{
    (void)state;
    const char *tsv = clips_path(folder, "d.tsv"), *pkl = clips_path(folder, "p.pkl");
    assert_int_equal(vl_extract_pickle(tsv, pkl, NULL), VIOLET_OK);
    ok("p.pkl", "of_pkl", "--frame=64");
    ok("p", "of_stem", "--frame=64");
    clips_same(folder, "whole", "of_pkl", ".pkl");
    clips_same(folder, "whole", "of_stem", ".pkl");
}

/* ---- going on -------------------------------------------------------------------------------- */

static void stops_and_kills_change_nothing(void **state)
{
    (void)state;
    for (int n = 1; n < N; n++) {
        watcher w = {.end = CLIPS_STOP, .n = n};
        char output[20];
        snprintf(output, sizeof output, "stop%d", n);
        violet_status status = run(&w, "d", output, "--frame=64 --workers=1");
        if (status == VIOLET_OK) continue; /* all was in the last batch */
        assert_int_equal(status, VIOLET_EINTERRUPTED);
        assert_true(clips_has(folder, strcat(strcpy((char[40]){0}, output), ".vq.partial")));
        ok("d", output, "--frame=64");
        clips_same(folder, "whole", output, ".pkl");
    }
    for (int n = 1; n < N; n += 2) {
        int code;
        char output[20];
        snprintf(output, sizeof output, "kill%d", n);
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            watcher w = {.end = CLIPS_KILL, .n = n};
            run(&w, "d", output, "--frame=64 --threads=1");
            _exit(1);
        }
        assert_int_equal(waitpid(pid, &code, 0), pid);
        assert_true(WIFSIGNALED(code));
        ok("d", output, "--frame=64");
        clips_same(folder, "whole", output, ".pkl");
    }
}

/* Cuts and damage of the partial file: what is whole before is kept, the rest done again. */
static void cut_files_go_on(void **state)
{
    (void)state;
    size_t n;
    watcher w = {.end = CLIPS_STOP, .n = 5};
    assert_int_equal(run(&w, "d", "cut", "--frame=64"), VIOLET_EINTERRUPTED);
    char *s = clips_read(&n, folder, "cut.vq.partial");
    for (size_t cut = 0; cut <= n; cut += 37) {
        clips_write(folder, "cut.vq.partial", s, cut);
        ok("d", "cut", "--frame=64");
        clips_same(folder, "whole", "cut", ".pkl");
        remove(clips_path(folder, "cut.pkl"));
    }
    size_t header = (size_t)((char *)memchr(s, '\n', n) - s) + 1;
    for (size_t at = header; at < n; at += 7) {
        s[at] ^= 0x20;
        clips_write(folder, "cut.vq.partial", s, n);
        ok("d", "cut", "--frame=64");
        clips_same(folder, "whole", "cut", ".pkl");
        remove(clips_path(folder, "cut.pkl"));
        s[at] ^= 0x20;
    }
    free(s);
}

static void other_runs_are_refused(void **state)
{
    (void)state;
    watcher w = {.end = CLIPS_STOP, .n = 1};
    assert_int_equal(run(&w, "d", "other", "--frame=64"), VIOLET_EINTERRUPTED);
    fails("d", "other", "--frame=32", "begun with frame 64, now it is 32; --restart");
    fails("d", "other", "--frame=64 --pad=exact", "begun with pad \"compat\"");
    char flags[200];
    snprintf(flags, sizeof flags, "--frame=64 --dvae=%s", clips_path(folder, "dvae2.safetensors"));
    fails("d", "other", flags, "begun with dvae");
    fails("p.pkl", "other", "--frame=64", "begun with bytes");
    fails("d", "other", "--frame=64 --size-batch=5", "begun with size_batch 4, now it is 5");
    ok("d", "other", "--frame=64 --pad=exact --restart");
    fails("d", "other", "--frame=64", "other.pkl is there");
    ok("d", "other", "--frame=64 --restart");
    clips_same(folder, "whole", "other", ".pkl");
    fails("d", "new", "--frame=100", "multiple of 32");
    fails("nothing", "new", "", "nothing");
    fails("d", "new", "--dvae=/nowhere.pt", "/nowhere.pt");
    fails("d", "new", "--shard=3/2", "shard");
    fails("d", "new", "--shard=1/2 --merge=2", "exclude");
    clips_write(folder, "bad.tsv", "a\t/9j/AAAA\n", 11);
    fails("bad.tsv", "new", "", "none of 1 record could be read");
}

static void no_input_is_replaced(void **state)
{
    (void)state;
    char flags[200];
    assert_int_equal(vl_extract_pickle(clips_path(folder, "d.tsv"), clips_path(folder, "in.pkl"),
                                       NULL), VIOLET_OK);
    fails("in.pkl", "in", "--frame=64 --restart", "it is the input");
    fails("in", "in", "--frame=64 --restart", "it is the input");
    fails("in", "in", "--frame=64", "it is the input");
    assert_int_equal(link(clips_path(folder, "dvae1.safetensors"), clips_path(folder, "e.pkl")), 0);
    snprintf(flags, sizeof flags, "--frame=64 --restart --dvae=%s", clips_path(folder, "e.pkl"));
    fails("d", "e", flags, "it is the input");
    fails("d", "sub/", "--frame=64", "expected a name behind the folder");
    fails("d", "sub/.pkl", "--frame=64", "expected a name behind the folder");
    ok("in", "in_vq", "--frame=64");
    clips_same(folder, "whole", "in_vq", ".pkl");
}

static void shards_join(void **state)
{
    (void)state;
    char *s;
    size_t n;
    ok("d", "s", "--frame=64 --shard=1/3 --size-batch=1");
    ok("d", "s", "--frame=64 --shard=3/3 --size-batch=1");
    ok("d", "s", "--frame=64 --shard=3/3 --size-batch=1"); /* finished before */
    fails("d", "s", "--frame=64 --merge=3", "s.2-of-3.vq");
    watcher w = {.end = CLIPS_STOP, .n = 1};
    const char *flags = "--frame=64 --shard=2/3 --size-batch=1";
    assert_int_equal(run(&w, "d", "s", flags), VIOLET_EINTERRUPTED);
    fails("d", "s", "--frame=64 --merge=3", "not finished");
    ok("d", "s", "--frame=64 --shard=2/3 --size-batch=1");
    ok("d", "s", "--frame=64 --merge=3");
    clips_same(folder, "whole", "s", ".pkl");
    fails("d", "s", "--frame=64 --merge=3", "s.pkl is there");
    fails("d", "s", "--frame=64 --merge=2 --restart", "s.1-of-2.vq");
    s = clips_read(&n, folder, "s.2-of-3.vq");
    clips_write(folder, "s.2-of-3.vq", s, n - 1);
    fails("d", "s", "--frame=64 --merge=3 --restart", "s.2-of-3.vq: damaged after");
    char *longer = malloc(2 * n);
    size_t header = (size_t)((char *)memchr(s, '\n', n) - s) + 1;
    memcpy(longer, s, n);
    memcpy(longer + n, s + header, n - header); /* its records once more */
    clips_write(folder, "s.2-of-3.vq", longer, 2 * n - header);
    free(longer);
    fails("d", "s", "--frame=64 --merge=3 --restart", "bytes too many behind its 3 records");
    clips_write(folder, "s.2-of-3.vq", s, 20);
    fails("d", "s", "--frame=64 --merge=3 --restart", "no header");
    clips_same(folder, "whole", "s", ".pkl"); /* still there */
    free(s);
    remove(clips_path(folder, "s.2-of-3.vq"));
    ok("d", "s", "--frame=64 --pad=exact --shard=2/3 --size-batch=1");
    fails("d", "s", "--frame=64 --merge=3 --restart", "pad \"exact\", but ");
}

/* A shard of nothing but bad records is finished; only a whole of them is refused. */
static void shards_of_bad_records_join(void **state)
{
    (void)state;
    char flags[60];
    for (int i = 1; i <= N; i++) { /* the BAD one is alone in its */
        snprintf(flags, sizeof flags, "--frame=64 --shard=%d/%d", i, N);
        ok("d", "lone", flags);
    }
    snprintf(flags, sizeof flags, "--merge=%d", N);
    ok("d", "lone", flags);
    clips_same(folder, "whole", "lone", ".pkl");
    static const char bad[] = "a\t/9j/AAAA\nb\t/9j/AAAA\n";
    clips_write(folder, "worse.tsv", bad, sizeof bad - 1);
    ok("worse", "worse_vq", "--shard=1/2");
    ok("worse", "worse_vq", "--shard=2/2");
    fails("worse", "worse_vq", "--merge=2", "worse_vq.pkl: none of 2 records");
    assert_false(clips_has(folder, "worse_vq.pkl"));
}

/* An id that differs behind the first thousand records. */
static void other_records_far_behind_are_noticed(void **state)
{
    (void)state;
    enum { MANY = 1999, LINE = 15 };
    char *text = malloc(MANY * LINE + 1);
    for (int i = 0; i < MANY; i++) snprintf(text + i * LINE, LINE + 1, "v%04d\t/9j/AAAA\n", i);
    clips_write(folder, "many.tsv", text, MANY * LINE);
    watcher w = {.end = CLIPS_STOP, .n = 1};
    assert_int_equal(run(&w, "many", "many_vq", "--workers=1"), VIOLET_EINTERRUPTED);
    text[(MANY - 2) * LINE] = 'w';
    clips_write(folder, "many.tsv", text, MANY * LINE);
    fails("many", "many_vq", "", "begun with other");
    free(text);
}

/* ---- where it leads -------------------------------------------------------------------------- */

static void training_reads_them(void **state)
{
    (void)state;
    static const char captions[] =
        "{\"train\": {\"v3\": [\"a\"], \"v4\": [\"b\"], \"v5\": [\"c\"]}}";
    vl_wordpiece *wp;
    vl_dataset *d;
    vl_scratch *scratch;
    uint8_t image[2 * 3 * 64 * 64];
    int32_t text[8], vq[2 * 2 * 2];
    int n_text;
    vl_sample sample = {.image = image, .text = text, .n_text = &n_text, .vq = vq};
    vl_bad why;
    clips_write(folder, "txt_d.json", captions, sizeof captions - 1);
    ok("d", "vq_d", "--frame=64");
    assert_int_equal(vl_wordpiece_open(&wp, NULL), VIOLET_OK);
    vl_dataset_options o = {.folder = folder, .name = "d", .split = "train", .size_img = 64,
                            .size_txt = 8, .n_frames = 2, .n_codes = 64, .wordpiece = wp};
    if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_int_equal(vl_dataset_grid(d), 2);
    assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
    size_t n_good = 0;
    for (size_t i = 0; i < vl_dataset_n(d, 0); i++) {
        violet_status status = vl_dataset_read(&sample, &why, d, 0, i, 0, scratch);
        n_good += status == VIOLET_OK;
        if (status != VIOLET_OK) continue;
        vl_pickle *doc;
        vl_ndarray a;
        int32_t all[7 * 4];
        assert_int_equal(vl_pickle_open(&doc, clips_path(folder, "vq_d.pkl"), NULL), VIOLET_OK);
        assert_true(vl_value_array(&a, vl_dict_find(vl_pickle_root(doc), sample.id,
                                                    strlen(sample.id))));
        assert_int_equal(vl_ndarray_to_i32(all, &a), VIOLET_OK);
        int first = (int)(a.shape[0] / 4); /* int(0.5 n / 2) */
        assert_memory_equal(vq, all + 4 * first, 4 * sizeof *vq);
        vl_pickle_close(doc);
    }
    assert_int_equal(n_good, 2); /* v3 and v5 */
    vl_scratch_free(scratch);
    vl_dataset_close(d);
    vl_wordpiece_free(wp);
}

/* Straight from videos, or by way of extract-frames. */
static void videos_give_the_tokens_of_their_frames(void **state)
{
    (void)state;
    static const char list[] = "v/a.y4m\ta\nv/b.y4m\tb\nv/no.y4m\tno\n";
    clips_write(folder, "videos.txt", list, sizeof list - 1);
    clips_y4m(folder, "a.y4m", 64, 48, 20, 3);
    clips_y4m(folder, "b.y4m", 40, 80, 3, 90);
    clips_write(folder, "no.y4m", "YUV4MPEG2 no", 12);
    assert_int_equal(mkdir(clips_path(folder, "v"), 0777), 0);
    static const char *const names[] = {"a.y4m", "b.y4m", "no.y4m"};
    for (int i = 0; i < 3; i++) {
        char to[40];
        snprintf(to, sizeof to, "v/%s", names[i]);
        assert_int_equal(rename(clips_path(folder, names[i]), clips_path(folder, to)), 0);
    }
    watcher w = {0};
    if (run(&w, "v", "direct", "--frame=64 --sample=3") != VIOLET_OK)
        fail_msg("%s", violet_error());
    assert_int_equal(w.n_bad, 1);
    clips_ok(folder, "v", "frames", "--sample=3");
    ok("frames", "twice", "--frame=64");
    clips_same(folder, "direct", "twice", ".pkl");
    ok("videos.txt", "listed", "--frame=64 --sample=3");
    clips_same(folder, "direct", "listed", ".pkl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_the_encoders),
        cmocka_unit_test(a_pickle_of_pictures_gives_the_same),
        cmocka_unit_test(stops_and_kills_change_nothing),
        cmocka_unit_test(cut_files_go_on),
        cmocka_unit_test(other_runs_are_refused),
        cmocka_unit_test(no_input_is_replaced),
        cmocka_unit_test(shards_join),
        cmocka_unit_test(shards_of_bad_records_join),
        cmocka_unit_test(other_records_far_behind_are_noticed),
        cmocka_unit_test(training_reads_them),
        cmocka_unit_test(videos_give_the_tokens_of_their_frames),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
