/* Samples of the downstream tasks: finding pictures by id, rows of text, shortening, the loader. */
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

#include "base/file.h"
#include "data/loader.h"
#include "data/pictures.h"
#include "file/pickle.h"
#include "make_data.h"

#define REAL "../shared/data"

enum { CLS = 101, SEP = 102, MASK = 103, S = 32 };

static vl_wordpiece *wp;
static char folder[64];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    return vl_wordpiece_open(&wp, NULL) != VIOLET_OK;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    vl_wordpiece_free(wp);
    return 0;
}

static void put(const char *name, const char *text)
{
    write_text(folder, name, text, strlen(text));
}

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* {"v0": n_frames pictures of level 10, "v1": of level 20, ...}; one is broken. */
static void make_pickle(const char *name, int n, int n_frames, int broken)
{
    vl_pickle_writer *w;
    assert_int_equal(vl_pickle_create(&w, in_folder(name)), VIOLET_OK);
    for (int i = 0; i < n; i++) {
        char id[20], *jpeg = make_jpeg(40, 40, 10 * (i + 1));
        const char *frames[16];
        size_t n_bytes[16];
        if (i == broken) memset(jpeg + 40, 'A', strlen(jpeg) - 40);
        for (int k = 0; k < n_frames; k++) {
            frames[k] = jpeg;
            n_bytes[k] = strlen(jpeg);
        }
        snprintf(id, sizeof id, "v%d", i);
        assert_int_equal(vl_pickle_put_strings(w, id, frames, n_bytes, (size_t)n_frames),
                         VIOLET_OK);
        free(jpeg);
    }
    assert_int_equal(vl_pickle_finish(w), VIOLET_OK);
}

static vl_items *open_items(vl_task_kind kind, const char *path, const char *split)
{
    vl_items *q;
    vl_items_options o = {.kind = kind, .path = path, .split = split};
    if (vl_items_open(&q, &o) != VIOLET_OK) fail_msg("%s", violet_error());
    return q;
}

static vl_items *items_of(vl_task_kind kind, const char *name, const char *text)
{
    put(name, text);
    return open_items(kind, in_folder(name), NULL);
}

/* ---- by id ----------------------------------------------------------------------------------- */

static vl_pictures *open_pictures(const char *path)
{
    vl_pictures *p;
    if (vl_pictures_open(&p, path, &(vl_pictures_options){0}) != VIOLET_OK ||
        vl_pictures_index(p) != VIOLET_OK)
        fail_msg("%s", violet_error());
    return p;
}

/* -1: not there */
static int find(const vl_pictures *p, const char *id)
{
    size_t i;
    return vl_pictures_find(&i, p, id, strlen(id)) ? (int)i : -1;
}

static void files_by_id(void **state)
{
    (void)state;
    make_pickle("by.pkl", 3, 1, -1);
    put("by.tsv", "v2\t/9j/AAAA\nv0\t/9j/AAAA\nclip.mp4\t/9j/AAAA\n");
    put("twice.tsv", "v2\t/9j/AAAA\nv0\t/9j/AAAA\nv2\t/9j/AAAA\n");
    vl_pictures *p = open_pictures(in_folder("by.pkl"));
    assert_true(find(p, "v0") == 0 && find(p, "v2") == 2 && find(p, "v1.mp4") == 1);
    assert_true(find(p, "v3") == -1 && find(p, "") == -1 && find(p, "v") == -1);
    assert_true(find(p, "v1.txt") == -1 && find(p, ".mp4") == -1 && find(p, "a/v1") == -1);
    vl_pictures_close(p);
    p = open_pictures(in_folder("by.tsv"));
    assert_true(find(p, "v0") == 1 && find(p, "v2.webm") == 0 && find(p, "v1") == -1);
    assert_true(find(p, "clip.mp4") == 2 && find(p, "clip") == -1);
    assert_int_equal(vl_pictures_index(p), VIOLET_OK);
    vl_pictures_close(p);
    assert_int_equal(vl_pictures_open(&p, in_folder("twice.tsv"), &(vl_pictures_options){0}),
                     VIOLET_OK);
    assert_int_equal(vl_pictures_index(p), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "lines 1 and 3 have the id 'v2'"));
    vl_pictures_close(p);
}

static uint64_t hash_of(const char *path, size_t i)
{
    vl_record r = {.n_frames = 0};
    vl_pictures *p = open_pictures(path);
    assert_int_equal(vl_pictures_look(&r, p, i), VIOLET_OK);
    uint64_t h = vl_pictures_hash(&r);
    vl_record_release(&r);
    vl_pictures_close(p);
    return h;
}

/* Pictures are told from others of the same names, numbers and sizes; of another place they are
 * the same. */
static void pictures_have_hashes(void **state)
{
    (void)state;
    put("h.tsv", "v0\t/9j/AAAA\t/9j/AAAB\nv1\t/9j/AAAA\t/9j/AAAB\n");
    put("h2.tsv", "v5\t/9j/AAAA\nv0\t/9j/AAAA\t/9j/AAAB\n");
    put("h3.tsv", "v0\t/9j/AAAA\t/9j/AAAC\nv1\t/9j/AAAA\n");
    uint64_t h = hash_of(in_folder("h.tsv"), 0);
    assert_true(h == hash_of(in_folder("h2.tsv"), 1));
    assert_true(h != hash_of(in_folder("h.tsv"), 1));
    assert_true(h != hash_of(in_folder("h3.tsv"), 0));
    assert_true(hash_of(in_folder("h.tsv"), 1) != hash_of(in_folder("h3.tsv"), 1));
    char a[64], b[64], bytes[5000] = {0};
    make_folder(a);
    make_folder(b);
    write_text(a, "clip.mp4", bytes, sizeof bytes);
    write_text(b, "clip.mp4", bytes, sizeof bytes);
    h = hash_of(a, 0);
    assert_true(h == hash_of(b, 0));
    write_text(b, "clip.mp4", bytes, sizeof bytes - 1);
    assert_true(h != hash_of(b, 0));
    for (size_t at = 0; at < sizeof bytes; at += sizeof bytes - 1) {
        bytes[at] = 1;
        write_text(b, "clip.mp4", bytes, sizeof bytes);
        assert_true(h != hash_of(b, 0));
        bytes[at] = 0;
    }
    remove_folder(a);
    remove_folder(b);
}

static void videos_by_id(void **state)
{
    (void)state;
    static const char *const names[] = {"a/one.mp4", "a/same.avi", "b/same.mp4", "b/two.mkv",
                                        "b/two.mp4", "three.webm"};
    char other[64], path[200];
    make_folder(other);
    snprintf(path, sizeof path, "%s/a", other);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof path, "%s/b", other);
    assert_int_equal(mkdir(path, 0777), 0);
    for (int i = 0; i < 6; i++) write_text(other, names[i], "", 0);
    vl_pictures *p = open_pictures(other);
    assert_int_equal(vl_pictures_n(p), 6);
    assert_true(find(p, "a/one") == 0 && find(p, "a/one.mp4") == 0);
    assert_true(find(p, "one") == 0 && find(p, "one.mp4") == 0);
    assert_true(find(p, "same") == -1 && find(p, "b/same") == 2 && find(p, "a/same.avi") == 1);
    assert_true(find(p, "two") == -1 && find(p, "b/two.mp4") == 4 && find(p, "two.mkv") == 3);
    assert_true(find(p, "three") == 5 && find(p, "c/three") == -1);
    vl_pictures_close(p);
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s", other, names[i]);
        unlink(path);
    }
    for (char c = 'a'; c < 'c'; c++) {
        snprintf(path, sizeof path, "%s/%c", other, c);
        rmdir(path);
    }
    remove_folder(other);
}

/* ---- texts ----------------------------------------------------------------------------------- */

enum { ROWS = 8, MOST_X = 40 };

typedef struct texts {
    int32_t ids[ROWS * MOST_X];
    int n_text[ROWS];
    vl_item_facts facts;
} texts;

static texts encode(const vl_items *q, size_t i, int X, bool cut)
{
    vl_item_coder c = {q, wp, X, cut};
    vl_buf work = {0};
    texts t;
    memset(&t, 0xee, sizeof t);
    assert_true(X <= MOST_X && vl_item_rows(q) <= ROWS);
    assert_int_equal(vl_item_encode(t.ids, t.n_text, &t.facts, &c, i, &work), VIOLET_OK);
    vl_buf_free(&work);
    return t;
}

/* Row k of X ids, is it the text's? */
static void is_text(const texts *t, int k, int X, const char *text)
{
    int32_t want[MOST_X];
    int n_whole, n = vl_wordpiece_encode(wp, want, X, text, &n_whole);
    assert_int_equal(n, n_whole);
    assert_int_equal(t->n_text[k], n);
    for (int i = 0; i < X; i++)
        if (t->ids[k * X + i] != want[i])
            fail_msg("row %d, '%s': %d at %d, expected %d", k, text, t->ids[k * X + i], i, want[i]);
}

static void captions(void **state)
{
    (void)state;
    vl_items *q = items_of(VL_TASK_RETRIEVAL, "c.csv", "video,caption\nv0,A man walks.\n"
                           "v1,a  man\twalks .\nv0,a man walks\nv2,a man walks to the old house\n");
    texts a = encode(q, 0, 8, false), b = encode(q, 1, 8, false), c = encode(q, 2, 8, false);
    is_text(&a, 0, 8, "a man walks.");
    assert_true(a.facts.item == 0 && a.facts.video == 0 && a.facts.answer == -1);
    assert_true(a.facts.blank == -1 && a.facts.type == -1 && !a.facts.n_options);
    assert_true(b.facts.video == 1 && c.facts.video == 0);
    assert_true(a.facts.text == b.facts.text && a.facts.text != c.facts.text);
    texts d = encode(q, 3, 8, false), e = encode(q, 3, 9, false);
    is_text(&d, 0, 8, "a man walks to the old");
    assert_true(d.facts.shortened && !e.facts.shortened && !a.facts.shortened);
    vl_items_close(q);
}

static void a_long_question_is_shortened_never_the_option(void **state)
{
    (void)state;
    vl_items *q = items_of(VL_TASK_QAMC, "q.csv",
                           "video,question,option_0,option_1,option_2,answer\n"
                           "v0,what does the man do?,run,walk to the house,,1\n"
                           "v0,what does the man do?,run,sit,one two three,0\n"
                           "v0,why,one two three four five six seven eight nine ten,b,,0\n");
    assert_int_equal(vl_item_rows(q), 3);
    texts t = encode(q, 0, 12, false);
    is_text(&t, 0, 12, "what does the man do? run");
    is_text(&t, 1, 12, "what does the man do? walk to the house");
    is_text(&t, 2, 12, ""); /* an option that is not there */
    assert_true(!t.facts.shortened && t.facts.n_options == 2 && t.facts.answer == 1);
    t = encode(q, 0, 9, false); /* room for 7: the longest option has 4 */
    is_text(&t, 0, 9, "what does the run");
    is_text(&t, 1, 9, "what does the walk to the house");
    is_text(&t, 2, 9, "");
    assert_true(t.facts.shortened);
    t = encode(q, 0, 9, true); /* as published */
    is_text(&t, 0, 9, "what does the man do? run");
    is_text(&t, 1, 9, "what does the man do? walk");
    assert_true(t.facts.shortened);
    t = encode(q, 0, 8, true); /* and there nothing is left of the options */
    is_text(&t, 0, 8, "what does the man do?");
    assert_memory_equal(t.ids, t.ids + 8, 8 * sizeof *t.ids);
    t = encode(q, 1, 5, false);
    is_text(&t, 0, 5, "run");
    is_text(&t, 1, 5, "sit");
    is_text(&t, 2, 5, "one two three");
    assert_true(t.facts.shortened && t.facts.n_options == 3);
    t = encode(q, 2, 8, false); /* an option that is too long by itself */
    is_text(&t, 0, 8, "one two three four five six");
    is_text(&t, 1, 8, "b");
    assert_true(t.facts.shortened);
    t = encode(q, 2, 13, false);
    is_text(&t, 0, 13, "why one two three four five six seven eight nine ten");
    assert_false(t.facts.shortened);
    vl_items_close(q);
}

static void a_blank_is_kept(void **state)
{
    (void)state;
    vl_items *q = items_of(VL_TASK_QAOE, "b.csv", "video,question,answer\n"
                           "v0,a man ____ the guitar,plays\n"
                           "v0,one two three four five six ___ eight nine ten eleven twelve,seven\n"
                           "v0,what is it?,a\n"
                           "v0,one two three four five six seven eight nine ___,ten\n");
    texts t = encode(q, 0, 10, false);
    is_text(&t, 0, 10, "a man [MASK] the guitar");
    assert_true(t.facts.blank == 3 && t.ids[3] == MASK && !t.facts.shortened);
    t = encode(q, 0, 5, false);
    is_text(&t, 0, 5, "a man [MASK]");
    assert_true(t.facts.blank == 3 && t.facts.shortened);
    t = encode(q, 0, 4, false);
    is_text(&t, 0, 4, "man [MASK]");
    assert_true(t.facts.blank == 2 && t.facts.shortened);
    t = encode(q, 0, 3, false);
    is_text(&t, 0, 3, "[MASK]");
    t = encode(q, 1, 7, false);
    is_text(&t, 0, 7, "five six [MASK] eight nine");
    assert_true(t.facts.blank == 3 && t.facts.shortened);
    t = encode(q, 1, 9, false);
    is_text(&t, 0, 9, "one two three four five six [MASK]");
    t = encode(q, 3, 6, false); /* there is nothing behind it */
    is_text(&t, 0, 6, "seven eight nine [MASK]");
    assert_int_equal(t.facts.blank, 4);
    t = encode(q, 2, 10, false);
    assert_true(t.facts.blank == -1 && t.facts.item == 2);
    t = encode(q, 2, 4, false);
    is_text(&t, 0, 4, "what is");
    assert_true(t.facts.shortened && t.facts.blank == -1);
    vl_items_close(q);
}

/* Of every published item the rows are those of question + ' ' + option. */
static void published_texts(void **state)
{
    (void)state;
    int n_rows = 0;
    if (!vl_file_exists(REAL "/txt_tgif-action.json")) {
        printf("skip: " REAL " is not here\n");
        skip();
    }
    vl_items *q = open_items(VL_TASK_QAMC, REAL "/txt_tgif-action.json", "train");
    for (size_t i = 0; i < vl_items_n(q); i++) {
        const vl_item *x = vl_items_at(q, i);
        texts t = encode(q, i, 25, false), same = encode(q, i, 25, true);
        assert_memory_equal(t.ids, same.ids, 5 * 25 * sizeof *t.ids);
        assert_false(t.facts.shortened);
        assert_int_equal(t.facts.answer, x->answer);
        for (int k = 0; k < 5; k++, n_rows++) {
            char text[500];
            snprintf(text, sizeof text, "%s %s", x->text, x->option[k]);
            is_text(&t, k, 25, text);
        }
        for (int X = 3; X < 25; X++) { /* cut where the published code cuts */
            t = encode(q, i, X, true);
            for (int k = 0; k < 5; k++) {
                char text[500];
                int32_t want[25];
                snprintf(text, sizeof text, "%s %s", x->text, x->option[k]);
                vl_wordpiece_encode(wp, want, X, text, NULL);
                assert_memory_equal(t.ids + k * X, want, (size_t)X * sizeof *want);
            }
        }
    }
    assert_int_equal(n_rows, 1000);
    vl_items_close(q);
}

/* ---- samples --------------------------------------------------------------------------------- */

static vl_dataset *open_set(const vl_items *q, const char *name, int n_frames, bool each_video)
{
    vl_dataset *d;
    vl_dataset_options o = {.folder = folder, .name = name, .split = "test", .size_img = S,
                            .size_txt = 8, .n_frames = n_frames, .wordpiece = wp, .items = q,
                            .each_video = each_video};
    if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
    return d;
}

/* Items over v0 .. v5 of a pickle in which v2 is broken; v9 is not there. */
static vl_items *make_task(vl_task_kind kind, int n_frames)
{
    make_pickle("img_task.pkl", 6, n_frames, 2);
    char text[4000] = "video,caption,question,answer,option_0,option_1,option_2\n";
    for (int i = 0; i < 23; i++) {
        int video = i * i % 7 % 6;
        if (i == 4 || i == 11) video = 9;
        sprintf(text + strlen(text), "v%d,caption %d,question %d,%s,first,second %d,%s\n", video, i,
                i, kind == VL_TASK_QAOE ? "word" : i % 2 ? "1" : "0", i, i % 3 ? "third" : "");
    }
    return items_of(kind, "task.csv", text);
}

static void frames_of_a_task(void **state)
{
    (void)state;
    static const int stored[] = {3, 5, 9}, option[] = {0, 2, 5}, want[3][3] = {{3, 2, 5}, {5, 2, 5},
                                                                                {5, 2, 5}};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            vl_items *q = make_task(VL_TASK_RETRIEVAL, stored[i]);
            vl_dataset *d = open_set(q, "task", option[k], false);
            assert_int_equal(vl_dataset_frames(d, 0), want[i][k]);
            vl_dataset_close(d);
            vl_items_close(q);
        }
}

static void samples_and_bad_ones(void **state)
{
    (void)state;
    vl_items *q = make_task(VL_TASK_QAMC, 2);
    vl_dataset *d = open_set(q, "task", 0, false);
    vl_scratch *scratch;
    static uint8_t image[2 * 3 * S * S];
    int32_t text[3 * 8];
    int n_text[3];
    vl_sample s = {.image = image, .text = text, .n_text = n_text};
    assert_int_equal(vl_dataset_parts(d), 1);
    assert_int_equal(vl_dataset_n(d, 0), 23);
    assert_int_equal(vl_dataset_texts(d), 3);
    assert_int_equal(vl_dataset_missing(d), 1);
    assert_int_equal(vl_dataset_grid(d), 0);
    assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
    for (size_t i = 0; i < 23; i++) {
        const char *id = vl_items_video(q, vl_items_at(q, i)->video);
        vl_bad why;
        violet_status status = vl_dataset_read(&s, &why, d, 0, i, 0, scratch);
        if (strcmp(id, "v9") == 0) {
            assert_true(status == VIOLET_EFORMAT && why == VL_BAD_UNKNOWN);
            assert_non_null(strstr(violet_error(), "img_task.pkl: no video 'v9'"));
            assert_non_null(strstr(violet_error(), i == 4 ? "task.csv entry 4" : "entry 11"));
        } else if (strcmp(id, "v2") == 0) {
            assert_true(status != VIOLET_OK && why == VL_BAD_PICTURE);
        } else {
            assert_int_equal(status, VIOLET_OK);
            assert_string_equal(s.id, id);
            int level = image[S * S / 2 + S / 2] - 10 * (atoi(id + 1) + 1);
            assert_true(level >= -2 && level <= 2);
            assert_true(s.facts.item == (int)i && s.facts.n_options == (i % 3 ? 3 : 2));
        }
    }
    vl_scratch_free(scratch);
    vl_dataset_close(d);
    vl_items_close(q);
}

/* Pictures in several files, of which each has some of the videos. */
static void pictures_in_parts(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        char name[40];
        vl_buf tsv = {0};
        for (int i = part; i < 6; i += 2) {
            char *jpeg = make_jpeg(40, 40, 10 * (i + 1));
            vl_buf_printf(&tsv, "v%d\t%s\t%s\n", i, jpeg, jpeg);
            free(jpeg);
        }
        snprintf(name, sizeof name, "img_parts_test_%d.tsv", part);
        put(name, tsv.data);
        vl_buf_free(&tsv);
    }
    vl_items *q = make_task(VL_TASK_RETRIEVAL, 2);
    vl_dataset *d = open_set(q, "parts", 0, true);
    vl_scratch *scratch;
    static uint8_t image[2 * 3 * S * S];
    vl_sample s = {.image = image};
    assert_int_equal(vl_dataset_parts(d), 1);
    assert_int_equal(vl_dataset_missing(d), 1);
    assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
    for (int k = 0; k < vl_items_n_videos(q); k++) {
        vl_bad why;
        violet_status status = vl_dataset_read(&s, &why, d, 0, (size_t)k, 0, scratch);
        bool there = strcmp(vl_items_video(q, k), "v9") != 0;
        assert_int_equal(status, there ? VIOLET_OK : VIOLET_EFORMAT);
        if (!there) continue;
        assert_string_equal(s.id, vl_items_video(q, k));
        assert_true(s.facts.video == k && s.facts.item == -1);
    }
    vl_scratch_free(scratch);
    vl_dataset_close(d);
    vl_items_close(q);
}

/* v2's broken picture is as good as the others; v9 stays one that is not there. */
static void one_colour_for_all(void **state)
{
    (void)state;
    enum { PLANE = S * S };
    static const uint8_t colour[3] = {10, 200, 30};
    static uint8_t image[2 * 3 * PLANE];
    int32_t ids[8];
    int n_text[1], n_good = 0;
    vl_bad why;
    vl_dataset *d, *seen;
    vl_scratch *scratch;
    vl_sample s = {.image = image, .text = ids, .n_text = n_text};
    vl_items *q = make_task(VL_TASK_RETRIEVAL, 2);
    vl_dataset_options o = {.folder = folder, .name = "task", .split = "test", .size_img = S,
                            .size_txt = 8, .wordpiece = wp, .items = q, .colour = colour};
    if (vl_dataset_open(&d, &o) != VIOLET_OK || vl_scratch_new(&scratch, d) != VIOLET_OK)
        fail_msg("%s", violet_error());
    for (size_t i = 0; i < vl_dataset_n(d, 0); i++) {
        const char *id = vl_items_video(q, vl_items_at(q, i)->video);
        memset(image, 0, sizeof image);
        violet_status status = vl_dataset_read(&s, &why, d, 0, i, 0, scratch);
        if (strcmp(id, "v9") == 0) assert_true(status != VIOLET_OK && why == VL_BAD_UNKNOWN);
        if (status != VIOLET_OK) continue;
        n_good++;
        assert_string_equal(s.id, id);
        for (size_t k = 0; k < sizeof image; k++)
            if (image[k] != colour[k / PLANE % 3]) fail_msg("pixel %zu: %d", k, image[k]);
    }
    assert_int_equal(n_good, 21);
    seen = open_set(q, "task", 0, false);
    assert_true(vl_dataset_identity(seen) == vl_dataset_identity(d));
    assert_true(vl_dataset_hash(seen) != vl_dataset_hash(d));
    vl_dataset_close(seen);
    vl_scratch_free(scratch);
    vl_dataset_close(d);
    o.items = NULL;
    assert_int_equal(vl_dataset_open(&d, &o), VIOLET_EINVAL);
    vl_items_close(q);
}

static void nothing_found_is_an_error(void **state)
{
    (void)state;
    vl_dataset *d;
    make_pickle("img_other.pkl", 2, 1, -1);
    vl_items *q = items_of(VL_TASK_RETRIEVAL, "o.csv", "video,caption\nx1,a\nx2,b\n");
    vl_dataset_options o = {.folder = folder, .name = "other", .split = "test", .size_img = S,
                            .size_txt = 8, .wordpiece = wp, .items = q};
    assert_int_equal(vl_dataset_open(&d, &o), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "none of the 2 videos of"));
    assert_non_null(strstr(violet_error(), "'x1'"));
    o.size_txt = 2;
    assert_int_equal(vl_dataset_open(&d, &o), VIOLET_EINVAL);
    vl_items_close(q);
}

/* ---- the loader ------------------------------------------------------------------------------ */

typedef struct record {
    int n;
    uint64_t sum;
    vl_cursor after;
} record;

static uint64_t add(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static uint64_t fingerprint(const vl_batch *b)
{
    uint64_t h = 1469598103934665603u;
    size_t n = (size_t)b->n, rows = n * (size_t)b->n_texts;
    h = add(h, b->image, n * (size_t)b->T * 3 * S * S);
    h = add(h, b->text, rows * (size_t)b->X * sizeof *b->text);
    h = add(h, b->n_text, rows * sizeof *b->n_text);
    for (size_t i = 0; i < n; i++) {
        const vl_item_facts *f = &b->facts[i];
        int whole[] = {f->item, f->video, f->type, f->answer, f->n_options, f->blank, f->shortened};
        h = add(h, whole, sizeof whole);
        h = add(h, &f->text, sizeof f->text);
        h = add(h, b->id[i], strlen(b->id[i]));
    }
    return h;
}

/* seen[item or video] += 1; *bad: counted by reason */
static int run_epoch(record *out, const vl_dataset *d, const vl_loader_options *o,
                     const vl_cursor *from, uint64_t *bad, int *seen)
{
    vl_loader *l;
    const vl_batch *b;
    int n = 0;
    assert_int_equal(vl_loader_open(&l, d, o), VIOLET_OK);
    assert_int_equal(vl_loader_start(l, from), VIOLET_OK);
    for (;;) {
        if (vl_loader_next(&b, l) != VIOLET_OK) fail_msg("%s", violet_error());
        if (!b) break;
        assert_int_equal(b->n_texts, vl_dataset_texts(d));
        memset(&out[n], 0, sizeof *out);
        out[n].n = b->n;
        out[n].sum = fingerprint(b);
        out[n++].after = b->after;
        for (int i = 0; seen && i < b->n; i++)
            seen[b->facts[i].item >= 0 ? b->facts[i].item : b->facts[i].video]++;
    }
    for (int i = 0; i < VL_BAD_REASONS; i++) bad[i] = vl_loader_bad(l, (vl_bad)i);
    vl_loader_close(l);
    return n;
}

static void check_workers(const vl_dataset *d, bool once)
{
    static record want[40], got[40];
    uint64_t want_bad[VL_BAD_REASONS], bad[VL_BAD_REASONS];
    vl_loader_options o = {.batch = 2, .seed = 3, .once = once};
    vl_cursor start = {.epoch = once ? 0 : 2};
    int n = run_epoch(want, d, &o, &start, want_bad, NULL);
    assert_true(n >= 2 && want_bad[VL_BAD_UNKNOWN] > 0 && want_bad[VL_BAD_PICTURE] > 0);
    for (o.workers = 1; o.workers <= 4; o.workers++)
        for (o.ahead = 1; o.ahead <= 9; o.ahead += 4) {
            assert_int_equal(run_epoch(got, d, &o, &start, bad, NULL), n);
            assert_memory_equal(bad, want_bad, sizeof bad);
            assert_memory_equal(got, want, sizeof *got * (size_t)n);
        }
    for (int k = 0; k < n; k++) {
        int rest = run_epoch(got, d, &(vl_loader_options){.batch = 2, .seed = 3, .once = once,
                                                          .workers = k % 3},
                             &want[k].after, bad, NULL);
        assert_int_equal(rest, n - k - 1);
        assert_memory_equal(got, want + k + 1, sizeof *got * (size_t)rest);
    }
}

static void same_batches_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        vl_items *q = make_task((vl_task_kind)kind, 2);
        vl_dataset *d = open_set(q, "task", 0, false);
        check_workers(d, false);
        check_workers(d, true);
        vl_dataset_close(d);
        d = open_set(q, "task", 0, true);
        assert_int_equal(vl_dataset_texts(d), 0);
        if (kind == 0) check_workers(d, true);
        vl_dataset_close(d);
        vl_items_close(q);
    }
}

static void items_and_videos_once_over_ranks(void **state)
{
    (void)state;
    vl_items *q = make_task(VL_TASK_QAOE, 2);
    for (int each_video = 0; each_video < 2; each_video++) {
        vl_dataset *d = open_set(q, "task", 0, each_video);
        int seen[40] = {0}, n = (int)vl_dataset_n(d, 0);
        uint64_t bad[VL_BAD_REASONS], n_bad = 0;
        static record out[40];
        assert_int_equal(n, each_video ? vl_items_n_videos(q) : 23);
        for (int rank = 0; rank < 3; rank++) {
            vl_loader_options o = {.batch = 3, .workers = 2, .once = true, .rank = rank,
                                   .n_ranks = 3};
            run_epoch(out, d, &o, &(vl_cursor){0}, bad, seen);
            n_bad += bad[VL_BAD_UNKNOWN] + bad[VL_BAD_PICTURE];
        }
        for (int i = 0; i < n; i++) {
            int video = each_video ? i : vl_items_at(q, (size_t)i)->video;
            const char *id = vl_items_video(q, video);
            bool good = strcmp(id, "v9") != 0 && strcmp(id, "v2") != 0;
            assert_int_equal(seen[i], good);
            n_bad -= !good;
        }
        assert_int_equal(n_bad, 0);
        vl_dataset_close(d);
    }
    vl_items_close(q);
}

static void shortened_ones_are_counted(void **state)
{
    (void)state;
    make_pickle("img_long.pkl", 2, 1, -1);
    vl_items *q = items_of(VL_TASK_RETRIEVAL, "l.csv", "video,caption\nv0,one two three\n"
                           "v1,one two three four five six seven eight\nv9,x\n");
    vl_dataset *d = open_set(q, "long", 0, false);
    vl_loader_options o = {.batch = 8, .once = true};
    vl_loader *l;
    const vl_batch *b;
    assert_int_equal(vl_loader_open(&l, d, &o), VIOLET_OK);
    assert_int_equal(vl_loader_start(l, &(vl_cursor){0}), VIOLET_OK);
    assert_int_equal(vl_loader_next(&b, l), VIOLET_OK);
    assert_true(b->n == 2 && !b->facts[0].shortened && b->facts[1].shortened);
    assert_int_equal(vl_loader_shortened(l), 1);
    assert_int_equal(vl_loader_bad(l, VL_BAD_UNKNOWN), 1);
    vl_loader_close(l);
    vl_dataset_close(d);
    vl_items_close(q);
}

/* The published annotations, with pictures made for their ids. */
static void published_tasks(void **state)
{
    (void)state;
    static const struct {
        vl_task_kind kind;
        const char *name;
    } tasks[] = {{VL_TASK_RETRIEVAL, "msrvtt-retrieval"}, {VL_TASK_QAMC, "tgif-action"},
                 {VL_TASK_QAOE, "msvd-qa"}};
    static record out[300];
    if (!vl_file_exists(REAL "/txt_msvd-qa.json")) {
        printf("skip: " REAL " is not here\n");
        skip();
    }
    char *jpeg = make_jpeg(40, 40, 9);
    for (int i = 0; i < 3; i++) {
        char path[200];
        vl_buf tsv = {0};
        snprintf(path, sizeof path, REAL "/txt_%s.json", tasks[i].name);
        vl_items *q = open_items(tasks[i].kind, path, "train");
        for (int k = 0; k < vl_items_n_videos(q); k++)
            vl_buf_printf(&tsv, "%s\t%s\t%s\n", vl_items_video(q, k), jpeg, jpeg);
        snprintf(path, sizeof path, "%s.tsv", tasks[i].name);
        put(path, tsv.data);
        vl_buf_free(&tsv);
        vl_dataset *d = open_set(q, tasks[i].name, 0, false);
        uint64_t bad[VL_BAD_REASONS];
        int seen[200] = {0};
        assert_int_equal(vl_dataset_missing(d), 0);
        vl_loader_options o = {.batch = 8, .workers = 2, .once = true};
        assert_int_equal(run_epoch(out, d, &o, &(vl_cursor){0}, bad, seen), 25);
        for (int k = 0; k < 200; k++) assert_int_equal(seen[k], 1);
        vl_dataset_close(d);
        vl_items_close(q);
    }
    free(jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_by_id),
        cmocka_unit_test(pictures_have_hashes),
        cmocka_unit_test(videos_by_id),
        cmocka_unit_test(captions),
        cmocka_unit_test(a_long_question_is_shortened_never_the_option),
        cmocka_unit_test(a_blank_is_kept),
        cmocka_unit_test(published_texts),
        cmocka_unit_test(frames_of_a_task),
        cmocka_unit_test(samples_and_bad_ones),
        cmocka_unit_test(pictures_in_parts),
        cmocka_unit_test(one_colour_for_all),
        cmocka_unit_test(nothing_found_is_an_error),
        cmocka_unit_test(same_batches_for_any_number_of_threads),
        cmocka_unit_test(items_and_videos_once_over_ranks),
        cmocka_unit_test(shortened_ones_are_counted),
        cmocka_unit_test(published_tasks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
