/* Data set and loader: bad samples, orders, resuming, any number of threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/loader.h"
#include "make_data.h"

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

static vl_dataset *open_set(const char *name, const char *split, int n_frames)
{
    vl_dataset *d;
    vl_dataset_options o = {.folder = folder, .name = name, .split = split, .size_img = 32,
                            .size_txt = 8, .n_frames = n_frames, .wordpiece = wp};
    if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
    return d;
}

/* Every kind of damage is refused with its reason and the video's name. */
static void bad_samples_have_reasons(void **state)
{
    (void)state;
    const char *const parts[] = {".jbcvsfe"};
    static const vl_bad reasons[] = {VL_BAD_REASONS, VL_BAD_PICTURE, VL_BAD_PICTURE, VL_BAD_CAPTION,
                                     VL_BAD_TOKENS, VL_BAD_TOKENS, VL_BAD_FRAMES, VL_BAD_LINE};
    make_dataset(folder, "bad", parts, 1, 2);
    vl_dataset *d = open_set("bad", "train", 0);
    vl_scratch *scratch;
    uint8_t image[2 * 3 * 32 * 32];
    int32_t text[8], vq[2];
    int n_text;
    vl_sample s = {.image = image, .text = text, .n_text = &n_text, .vq = vq};
    assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
    assert_int_equal(vl_dataset_parts(d), 1);
    assert_int_equal(vl_dataset_n(d, 0), 8);
    assert_int_equal(vl_dataset_frames(d, 0), 2);
    for (size_t i = 0; i < 8; i++) {
        vl_bad why;
        char id[20];
        snprintf(id, sizeof id, "p0_%zu", i);
        violet_status status = vl_dataset_read(&s, &why, d, 0, i, 0, scratch);
        if (i == 0) {
            assert_int_equal(status, VIOLET_OK);
            assert_string_equal(s.id, id);
            assert_true(text[0] == 101 && n_text == 4 && text[3] == 102 && text[4] == 0);
            assert_true(vq[0] == 0 && vq[1] == 1);
        } else {
            assert_int_not_equal(status, VIOLET_OK);
            assert_int_equal(why, reasons[i]);
            if (i < 7 && !strstr(violet_error(), id)) fail_msg("%s", violet_error());
            if (i == 7) assert_non_null(strstr(violet_error(), "line 8: truncated"));
        }
    }
    vl_scratch_free(scratch);
    vl_dataset_close(d);
}

/* 4 frames to 2: int(0.5 * 4 / 2) = 1 and int(1.5 * 4 / 2) = 3, tokens too. */
static void frames_are_spread_evenly(void **state)
{
    (void)state;
    const char *const parts[] = {".."};
    make_dataset(folder, "four", parts, 1, 4);
    vl_dataset *d = open_set("four", "train", 2);
    vl_scratch *scratch;
    vl_bad why;
    uint8_t image[2 * 3 * 32 * 32];
    int32_t text[8], vq[2];
    int n_text;
    vl_sample s = {.image = image, .text = text, .n_text = &n_text, .vq = vq};
    assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
    assert_int_equal(vl_dataset_read(&s, &why, d, 0, 1, 0, scratch), VIOLET_OK);
    assert_true(vq[0] == 11 && vq[1] == 13);
    assert_in_range(image[16 * 32 + 16], 0, 3); /* grey level 1 */
    vl_scratch_free(scratch);
    vl_dataset_close(d);
}

typedef struct record {
    int n, part;
    uint64_t sum;
    char first[VL_ID_BYTES];
    vl_cursor after;
} record;

static uint64_t fingerprint(const vl_batch *b)
{
    uint64_t h = 1469598103934665603u;
    size_t n = (size_t)b->n, image = n * (size_t)b->T * 3 * 32 * 32;
    for (size_t i = 0; i < image; i++) h = (h ^ b->image[i]) * 1099511628211u;
    for (size_t i = 0; i < n * 8; i++) h = (h ^ (uint32_t)b->text[i]) * 1099511628211u;
    for (size_t i = 0; b->vq && i < n * (size_t)b->T; i++)
        h = (h ^ (uint32_t)b->vq[i]) * 1099511628211u;
    for (size_t i = 0; i < n; i++)
        for (const char *c = b->id[i]; *c; c++) h = (h ^ (uint8_t)*c) * 1099511628211u;
    return h;
}

static int run_epoch(record *out, const vl_dataset *d, const vl_loader_options *o,
                     const vl_cursor *from, uint64_t *bad)
{
    vl_loader *l;
    const vl_batch *b;
    int n = 0;
    assert_int_equal(vl_loader_open(&l, d, o), VIOLET_OK);
    assert_int_equal(vl_loader_start(l, from), VIOLET_OK);
    for (;;) {
        if (vl_loader_next(&b, l) != VIOLET_OK) fail_msg("%s", violet_error());
        if (!b) break;
        record *r = &out[n++];
        memset(r, 0, sizeof *r);
        *r = (record){.n = b->n, .part = b->part, .sum = fingerprint(b), .after = b->after};
        strcpy(r->first, b->id[0]);
    }
    *bad = 0;
    for (int i = 0; i < VL_BAD_REASONS; i++) *bad += vl_loader_bad(l, (vl_bad)i);
    vl_loader_close(l);
    return n;
}

static void same_batches_for_any_number_of_threads(void **state)
{
    (void)state;
    const char *const parts[] = {"..j...c....v...", ".....f....", "...bs..."};
    record want[32], got[32];
    uint64_t bad, want_bad;
    make_dataset(folder, "many", parts, 3, 2);
    vl_dataset *d = open_set("many", "train", 0);
    for (int kind = 0; kind < 2; kind++) {
        vl_loader_options o = {.batch = 3, .seed = 7, .plan = (vl_plan_kind)kind};
        vl_cursor start = {.epoch = 1};
        int n = run_epoch(want, d, &o, &start, &want_bad);
        assert_int_equal(n, 5 + 3 + 2);
        assert_true(want_bad >= 4);
        for (int workers = 1; workers <= 4; workers++)
            for (int ahead = 1; ahead <= 9; ahead += 4) {
                o.workers = workers;
                o.ahead = ahead;
                assert_int_equal(run_epoch(got, d, &o, &start, &bad), n);
                assert_int_equal(bad, want_bad);
                assert_memory_equal(got, want, sizeof *got * (size_t)n);
            }
        for (int k = 0; k < n; k++) { /* resume behind batch k */
            int rest = run_epoch(got, d, &o, &want[k].after, &bad);
            assert_int_equal(rest, n - k - 1);
            assert_memory_equal(got, want + k + 1, sizeof *got * (size_t)rest);
        }
        vl_cursor next = {.epoch = 2};
        run_epoch(got, d, &o, &next, &bad);
        if (kind == VL_PLAN_SEQUENTIAL) {
            assert_true(want[4].part == 0 && want[5].part == 1);
            int same = 0; /* pictures, texts and ids of an epoch's batches come in another order */
            for (int k = 0; k < n; k++) same += got[k].sum == want[k].sum;
            assert_true(same < n / 2);
        }
    }
    vl_dataset_close(d);
}

/* Validation over two ranks: every good sample once, in file order. */
static void once_over_ranks(void **state)
{
    (void)state;
    const char *const parts[] = {"..j....c.."};
    int seen[10] = {0}, bad_in_all = 0;
    make_dataset(folder, "once", parts, 1, 1);
    vl_dataset *d = open_set("once", "train", 0);
    for (int rank = 0; rank < 2; rank++) {
        vl_loader_options o = {.batch = 2, .workers = 2, .once = true, .rank = rank, .n_ranks = 2};
        vl_loader *l;
        const vl_batch *b;
        vl_cursor start = {0};
        assert_int_equal(vl_loader_open(&l, d, &o), VIOLET_OK);
        assert_int_equal(vl_loader_start(l, &start), VIOLET_OK);
        while (vl_loader_next(&b, l) == VIOLET_OK && b)
            for (int i = 0; i < b->n; i++) seen[atoi(b->id[i] + 3)]++;
        for (int i = 0; i < VL_BAD_REASONS; i++) bad_in_all += (int)vl_loader_bad(l, (vl_bad)i);
        vl_loader_close(l);
    }
    for (int i = 0; i < 10; i++) assert_int_equal(seen[i], i != 2 && i != 7);
    assert_int_equal(bad_in_all, 2);
    vl_dataset_close(d);
}

static void nothing_readable_is_an_error(void **state)
{
    (void)state;
    const char *const parts[] = {"jjjj"};
    make_dataset(folder, "none", parts, 1, 1);
    vl_dataset *d = open_set("none", "train", 1);
    for (int workers = 0; workers < 3; workers++) {
        vl_loader_options o = {.batch = 2, .workers = workers};
        vl_loader *l;
        const vl_batch *b;
        vl_cursor start = {0};
        assert_int_equal(vl_loader_open(&l, d, &o), VIOLET_OK);
        assert_int_equal(vl_loader_start(l, &start), VIOLET_OK);
        assert_int_equal(vl_loader_next(&b, l), VIOLET_EFORMAT);
        assert_null(b);
        assert_non_null(strstr(violet_error(), "none of its 4 samples"));
        vl_loader_close(l);
    }
    vl_dataset_close(d);
}

static void closing_and_seeking_at_any_time(void **state)
{
    (void)state;
    const char *const parts[] = {"....................", "...................."};
    make_dataset(folder, "close", parts, 2, 1);
    vl_dataset *d = open_set("close", "train", 0);
    for (int round = 0; round < 12; round++) {
        vl_loader_options o = {.batch = 4, .workers = 3, .plan = VL_PLAN_MIXED, .seed = 3};
        vl_loader *l;
        const vl_batch *b;
        vl_cursor start = {0};
        uint64_t first = 0;
        assert_int_equal(vl_loader_open(&l, d, &o), VIOLET_OK);
        for (int again = 0; again < round % 4; again++) {
            assert_int_equal(vl_loader_start(l, &start), VIOLET_OK);
            for (int i = 0; i < round % 3; i++) {
                assert_int_equal(vl_loader_next(&b, l), VIOLET_OK);
                if (i == 0 && again == 0) first = fingerprint(b);
                if (i == 0) assert_true(first == fingerprint(b));
            }
        }
        vl_loader_close(l);
    }
    vl_dataset_close(d);
}

static void count_bad(void *user, vl_bad why, const char *message)
{
    (void)why;
    (void)message;
    ++*(int *)user;
}

static void real_pictures(void **state)
{
    (void)state;
    if (!vl_file_exists("../shared/data/img_cc3m_val.tsv")) {
        printf("skip: ../shared/data is not here\n");
        skip();
    }
    for (int no_tokens = 1; no_tokens >= 0; no_tokens--) {
        vl_dataset *d;
        vl_loader *l;
        const vl_batch *b;
        vl_cursor start = {0};
        int n = 0, bad = 0;
        vl_dataset_options o = {.folder = "../shared/data", .name = "cc3m", .split = "val",
                                .size_img = 224, .size_txt = 32, .wordpiece = wp,
                                .no_tokens = no_tokens};
        vl_loader_options lo = {.batch = 8, .workers = 2, .once = true, .report = count_bad,
                                .user = &bad};
        if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_int_equal(vl_dataset_n(d, 0), 50);
        assert_int_equal(vl_loader_open(&l, d, &lo), VIOLET_OK);
        assert_int_equal(vl_loader_start(l, &start), VIOLET_OK);
        violet_status status;
        while ((status = vl_loader_next(&b, l)) == VIOLET_OK && b) n += b->n;
        assert_int_equal(status, VIOLET_OK);
        print_message("no_tokens %d: %d good, %d bad, waited %.3f s\n", no_tokens, n, bad,
                      vl_loader_waited(l));
        assert_int_equal(n + bad, 50);
        assert_int_equal(n, 50);
        vl_loader_close(l);
        vl_dataset_close(d);
    }
}

/* The extraction tools' names: msrvtt.tsv, msrvtt_vq.pkl; captions given by path. Also the .pkl. */
static void extraction_names(void **state)
{
    (void)state;
    static const char *const files[] = {"msrvtt.tsv", "msrvtt.lineidx", "msrvtt.pkl",
                                        "msrvtt_vq.pkl"};
    char text[600] = "{\"train\": {", sum[2][6000];
    if (!vl_file_exists("../shared/data/msrvtt.tsv")) {
        printf("skip: ../shared/data is not here\n");
        skip();
    }
    for (int i = 7010; i < 7020; i++)
        sprintf(text + strlen(text), "%s\"video%d\": [\"a man\"]", i > 7010 ? "," : "", i);
    strcat(text, "}}");
    for (int pkl = 0; pkl < 2; pkl++) {
        char other[64];
        make_folder(other);
        write_text(other, "msrvtt.json", text, strlen(text));
        for (int i = pkl ? 2 : 0; i < 4; i++) {
            char *s, path[100];
            size_t n;
            snprintf(path, sizeof path, "../shared/data/%s", files[i]);
            assert_int_equal(vl_file_read(&s, &n, path, 1 << 20), VIOLET_OK);
            write_text(other, files[i], s, n);
            free(s);
        }
        vl_dataset_options o = {.folder = other, .name = "msrvtt", .split = "train",
                                .size_img = 224, .size_txt = 12, .wordpiece = wp, .n_frames = 1};
        vl_dataset *d;
        vl_scratch *scratch;
        vl_bad why;
        uint8_t *image = malloc(3 * 224 * 224);
        int32_t ids[12], vq[49];
        int n_text;
        vl_sample s = {.image = image, .text = ids, .n_text = &n_text, .vq = vq};
        if (vl_dataset_open(&d, &o) != VIOLET_OK) fail_msg("%s", violet_error());
        assert_non_null(strstr(vl_dataset_path(d, 0), pkl ? ".pkl" : ".tsv"));
        assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
        assert_int_equal(vl_dataset_n(d, 0), 10);
        sum[pkl][0] = 0;
        for (size_t i = 0; i < 10; i++) {
            unsigned long total = 0;
            if (vl_dataset_read(&s, &why, d, 0, i, 0, scratch) != VIOLET_OK)
                fail_msg("%s", violet_error());
            for (int k = 0; k < 3 * 224 * 224; k++) total += image[k];
            sprintf(sum[pkl] + strlen(sum[pkl]), "%s %lu %d\n", s.id, total, (int)vq[48]);
        }
        free(image);
        vl_scratch_free(scratch);
        vl_dataset_close(d);
        remove_folder(other);
    }
    assert_string_equal(sum[0], sum[1]);
}

/* One picture file for all splits: each split has the records with captions in it, in order. */
static void a_file_for_several_splits_gives_each_its_own(void **state)
{
    (void)state;
    const char *const parts[] = {"......"};
    const char *const splits[] = {"train", "val"}, *const ids[] = {"p0_1", "p0_3"};
    const char text[] = "{\"train\": {\"p0_1\": [\"a\"], \"p0_4\": [\"b\"]}, "
                        "\"val\": {\"p0_3\": [\"c\"]}, \"none\": {\"p9_9\": [\"d\"]}}";
    char from[128], to[128];
    make_dataset(folder, "shared", parts, 1, 1);
    snprintf(from, sizeof from, "%s/img_shared_train_0.tsv", folder);
    snprintf(to, sizeof to, "%s/shared.tsv", folder);
    assert_int_equal(rename(from, to), 0);
    write_text(folder, "txt_shared.json", text, strlen(text));
    for (int k = 0; k < 2; k++) {
        vl_dataset *d = open_set("shared", splits[k], 0);
        vl_scratch *scratch;
        vl_bad why;
        uint8_t image[3 * 32 * 32];
        int32_t words[8], vq[1];
        int n_text;
        vl_sample s = {.image = image, .text = words, .n_text = &n_text, .vq = vq};
        assert_int_equal(vl_scratch_new(&scratch, d), VIOLET_OK);
        assert_int_equal(vl_dataset_n(d, 0), 2 - k);
        assert_int_equal(vl_dataset_read(&s, &why, d, 0, 0, 0, scratch), VIOLET_OK);
        assert_string_equal(s.id, ids[k]);
        vl_scratch_free(scratch);
        vl_dataset_close(d);
    }
    vl_dataset *d;
    vl_dataset_options o = {.folder = folder, .name = "shared", .split = "none", .size_img = 32,
                            .size_txt = 8, .wordpiece = wp};
    assert_int_equal(vl_dataset_open(&d, &o), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "none of its 6 records"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_samples_have_reasons),
        cmocka_unit_test(frames_are_spread_evenly),
        cmocka_unit_test(same_batches_for_any_number_of_threads),
        cmocka_unit_test(once_over_ranks),
        cmocka_unit_test(nothing_readable_is_an_error),
        cmocka_unit_test(closing_and_seeking_at_any_time),
        cmocka_unit_test(real_pictures),
        cmocka_unit_test(extraction_names),
        cmocka_unit_test(a_file_for_several_splits_gives_each_its_own),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
