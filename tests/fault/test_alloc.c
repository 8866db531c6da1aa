/* Whatever opens, reads, writes or runs, with allocations failing (allocator.h). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/allocator.h"
#include "train/corpus.h"
#include "base/file.h"
#include "corpus/corpus.h"
#include "data/annotation.h"
#include "data/items.h"
#include "data/loader.h"
#include "extract/vq.h"
#include "file/pickle.h"
#include "file/safetensors.h"
#include "file/torch.h"
#include "file/tsv.h"
#include "media/make_video.h"
#include "media/picture.h"
#include "model/checkpoint.h"
#include "model/load.h"
#include "model/dvae.h"
#include "task/convert.h"
#include "task/info.h"
#include "task/info_diff.h"
#include "task/info_load.h"
#include "text/wordpiece.h"

/* ---- what is opened ------------------------------------------------------------------------- */

static corpus c;
static vl_wordpiece *wp;
static char path[512];

static const char *in_data(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", c.data, name);
    return path;
}

static violet_status open_pickle(void)
{
    vl_pickle *p;
    violet_status status = vl_pickle_open(&p, in_data("vq_set.pkl"), NULL);
    if (status == VIOLET_OK) vl_pickle_close(p);
    return status;
}

static violet_status open_torch_file(const char *name)
{
    vl_torch *f;
    violet_status status = vl_torch_open(&f, name);
    if (status == VIOLET_OK) vl_torch_close(f);
    return status;
}

static violet_status open_torch_zip(void)
{
    return open_torch_file("tests/golden/checkpoints/nested_ddp.pt");
}

static violet_status open_torch_legacy(void)
{
    return open_torch_file("tests/golden/checkpoints/state_legacy.pt");
}

static violet_status open_dvae(void)
{
    vl_dvae *d;
    violet_status status = vl_dvae_open(&d, in_data("dvae.safetensors"), 0);
    vl_dvae_close(d);
    return status;
}

/* Anew every time, since what is there would be refused or gone on with. */
static violet_status extract_tokens(void)
{
    static char pictures[512], dvae[512], output[512];
    snprintf(pictures, sizeof pictures, "%s/img_set_train_0.tsv", c.data);
    snprintf(dvae, sizeof dvae, "%s/dvae.safetensors", c.data);
    snprintf(output, sizeof output, "%s/tokens", c.data);
    const vl_vq_options o = {.path = pictures, .dvae = dvae, .output = output, .frame = 32,
                             .size_batch = 2, .threads = 1, .workers = 1, .restart = true};
    return vl_vq_run(&o, NULL);
}

/* One clip anew, one that is there: that one is made again where looking at it fails. */
static violet_status make_corpus(void)
{
    static char output[512], first[4096], now[4096];
    snprintf(output, sizeof output, "%s/world", c.data);
    const vl_corpus_options o = {.output = output, .name = "x", .clips = 1, .test = 1, .seed = 1,
                                 .size = 32, .frames = 8, .fps = 8, .workers = 1};
    unlink(in_data("world/videos/train_00000.mp4"));
    violet_status status = vl_corpus_run(&o, NULL);
    if (status != VIOLET_OK) return status;
    FILE *f = fopen(in_data("world/corpus.json"), "rb"); /* it has a hash over all files */
    memset(now, 0, sizeof now);
    assert_true(f && fread(now, 1, sizeof now - 1, f) > 0 && fclose(f) == 0);
    if (!*first) strcpy(first, now);
    verified = strcmp(first, now) == 0;
    return VIOLET_OK;
}

static violet_status write_pickle(void)
{
    vl_pickle_writer *w;
    const int16_t tokens[4] = {1, 2, 3, 4};
    const int64_t shape[3] = {1, 2, 2};
    violet_status status = vl_pickle_create(&w, in_data("written.pkl"));
    if (status != VIOLET_OK) return status;
    status = vl_pickle_put_i16(w, "a", tokens, shape, 3);
    if (status == VIOLET_OK) return vl_pickle_finish(w);
    vl_pickle_abandon(w);
    return status;
}

static violet_status open_tsv(void)
{
    vl_tsv *t;
    violet_status status = vl_tsv_open(&t, in_data("img_set_train_0.tsv"));
    if (status == VIOLET_OK) vl_tsv_close(t);
    return status;
}

static violet_status scan_tsv(void)
{
    vl_tsv *t;
    violet_status status = vl_tsv_open(&t, in_data("scan.tsv"));
    if (status == VIOLET_OK) vl_tsv_close(t);
    return status;
}

static violet_status open_captions(void)
{
    vl_captions *p;
    violet_status status = vl_captions_open(&p, in_data("txt_set.json"), "train");
    if (status == VIOLET_OK) vl_captions_close(p);
    return status;
}

static violet_status open_items(vl_task_kind kind, const char *name)
{
    vl_items *q;
    vl_answers *a;
    vl_items_options o = {.kind = kind, .path = in_data(name), .split = "test"};
    violet_status status = vl_items_open(&q, &o);
    if (status != VIOLET_OK) return status;
    if (kind == VL_TASK_QAOE && (status = vl_answers_frequent(&a, q, 2)) == VIOLET_OK) {
        status = vl_items_use(q, a);
        vl_answers_free(a);
    }
    vl_items_close(q);
    return status;
}

static violet_status open_json(void)
{
    return open_items(VL_TASK_QAOE, "questions.json");
}

static violet_status open_jsonl(void)
{
    return open_items(VL_TASK_QAMC, "questions_test.jsonl");
}

static violet_status open_csv(void)
{
    return open_items(VL_TASK_RETRIEVAL, "captions_test.csv");
}

static violet_status open_wordpiece(void)
{
    vl_wordpiece *p;
    snprintf(path, sizeof path, "%s/vocab.txt", c.folder);
    violet_status status = vl_wordpiece_open(&p, path);
    if (status == VIOLET_OK) vl_wordpiece_free(p);
    return status;
}

static violet_status loader_over(const char *name, int size_small, int jpeg)
{
    vl_dataset *d;
    vl_loader *l = NULL;
    const vl_batch *b;
    vl_cursor start = {0};
    vl_dataset_options o = {.folder = c.data, .name = name, .split = "train", .size_img = 64,
                            .size_small = size_small, .size_txt = 8, .video_jpeg = jpeg,
                            .wordpiece = wp};
    violet_status status = vl_dataset_open(&d, &o);
    if (status != VIOLET_OK) return status;
    status = vl_loader_open(&l, d, &(vl_loader_options){.batch = 2});
    if (status == VIOLET_OK) status = vl_loader_start(l, &start);
    for (int i = 0; i < 2 && status == VIOLET_OK; i++) status = vl_loader_next(&b, l);
    vl_loader_close(l);
    vl_dataset_close(d);
    return status;
}

static violet_status open_loader(void)
{
    return loader_over("set", 0, 0);
}

static violet_status open_loader_of_videos(void)
{
    return loader_over("clips", 16, 75);
}

/* Samples of a task, whose pictures are found by id. */
static violet_status open_loader_of_items(void)
{
    vl_items *q;
    vl_dataset *d = NULL;
    vl_loader *l = NULL;
    const vl_batch *b;
    vl_items_options items = {.kind = VL_TASK_QAMC, .path = in_data("questions_test.jsonl"),
                              .split = "test"};
    violet_status status = vl_items_open(&q, &items);
    if (status != VIOLET_OK) return status;
    vl_dataset_options o = {.folder = c.data, .name = "set", .split = "train", .size_img = 64,
                            .size_txt = 8, .wordpiece = wp, .items = q};
    status = vl_dataset_open(&d, &o);
    if (status == VIOLET_OK) status = vl_loader_open(&l, d, &(vl_loader_options){.batch = 2});
    if (status == VIOLET_OK) status = vl_loader_start(l, &(vl_cursor){0});
    if (status == VIOLET_OK) status = vl_loader_next(&b, l);
    vl_loader_close(l);
    vl_dataset_close(d);
    vl_items_close(q);
    return status;
}

static violet_status code_jpeg(void)
{
    uint8_t rgb[8 * 8 * 3] = {0}, square[3 * 32 * 32];
    vl_picture p = {8, 8, rgb}, q;
    vl_buf b = {0};
    violet_status status = vl_jpeg_encode(&b, &p, 75);
    if (status == VIOLET_OK) {
        status = vl_jpeg_decode(&q, b.data, b.n);
        if (status == VIOLET_OK) status = vl_picture_square(square, 32, &q, VL_PAD_EXACT);
        vl_picture_release(&q);
    }
    vl_buf_free(&b);
    return status;
}

/* Is the file what it is with all the memory one wants? The first one is taken to be. */
static violet_status check_written(void)
{
    static char *want;
    static size_t n_want;
    char *data;
    size_t n;
    if (vl_file_read(&data, &n, path, 1 << 28) != VIOLET_OK) return VIOLET_EIO;
    verified = want && n == n_want && memcmp(data, want, n) == 0;
    violet_status status = !want || verified ? VIOLET_OK : vl_err(VIOLET_EFORMAT, "other bytes");
    if (want)
        free(data);
    else
        want = data, n_want = n;
    return status;
}

static violet_status write_checkpoint(void)
{
    vl_config config;
    vl_model m;
    const char *extra[2] = {"key", "value"};
    snprintf(path, sizeof path, "%s/model.json", c.folder);
    violet_status status = vl_config_find(&config, path);
    if (status == VIOLET_OK) status = vl_model_init(&m, &config, VL_HEAD_MATCH, 1, 0);
    if (status != VIOLET_OK) return status;
    snprintf(path, sizeof path, "%s/written.safetensors", c.folder);
    json_on = JSON_MOSTLY;
    status = vl_checkpoint_write(path, &m, 1, extra, 1);
    json_on = 0;
    vl_model_release(&m);
    left = -1;
    return status == VIOLET_OK ? check_written() : status;
}

static violet_status read_checkpoint(void)
{
    vl_config config;
    vl_model m;
    const vl_load_options o = {.part = VL_LOAD_ALL};
    vl_load_report report;
    vl_buf text = {0};
    char *value;
    snprintf(path, sizeof path, "%s/model.safetensors", c.folder);
    violet_status status = vl_checkpoint_config(&config, path);
    if (status == VIOLET_OK) status = vl_model_init(&m, &config, VL_HEAD_MATCH, 0, 0);
    if (status != VIOLET_OK) return status;
    status = vl_load(&m.params, &config, path, &o, &report);
    if (status == VIOLET_OK) status = vl_load_report_text(&text, &report);
    vl_load_report_release(&report);
    vl_buf_free(&text);
    vl_model_release(&m);
    if (status != VIOLET_OK) return status;
    status = vl_checkpoint_metadata(&value, path, "config");
    free(value);
    return status;
}

/* ---- what looks at tensors, and writes them anew ------------------------------------------- */

static violet_status look_at(violet_status (*look)(vl_buf *out, const char *file))
{
    vl_buf text = {0};
    snprintf(path, sizeof path, "%s/model.safetensors", c.folder);
    violet_status status = look(&text, path);
    vl_buf_free(&text);
    return status;
}

/* jansson's allocations fail, too, where no JSON is read. The first text is taken to be right; with
 * less memory it is the same, or there is none. */
static violet_status tell_with_jansson(violet_status (*look)(vl_buf *out, const char *file),
                                       char **want)
{
    vl_buf text = {0};
    json_on = JSON_ALWAYS;
    violet_status status = look(&text, "tests/golden/checkpoints/nested_ddp.pt");
    json_on = 0;
    left = -1;
    if (status == VIOLET_OK && !*want) *want = __real_strdup(text.data);
    verified = status == VIOLET_OK && *want && strcmp(text.data, *want) == 0;
    vl_buf_free(&text);
    return status;
}

static violet_status info_verbose(vl_buf *out, const char *file)
{
    return vl_info(out, file, VIOLET_INFO_VERBOSE);
}

static violet_status info_diff(vl_buf *out, const char *file)
{
    bool differ;
    return vl_info_diff(out, &differ, file, "tests/golden/checkpoints/nested_ddp.pt", 0);
}

static violet_status info_load(vl_buf *out, const char *file)
{
    return vl_info_load(out, file, "qaoe", NULL, 0);
}

static violet_status info_diff_of_torch(vl_buf *out, const char *file)
{
    bool differ;
    return vl_info_diff(out, &differ, file, "tests/golden/checkpoints/state_legacy.pt", 0);
}

static violet_status tell_torch(void)
{
    static char *want;
    return tell_with_jansson(info_verbose, &want);
}

static violet_status tell_differences_of_torch(void)
{
    static char *want;
    return tell_with_jansson(info_diff_of_torch, &want);
}

static violet_status tell_tensors(void)
{
    return look_at(info_verbose);
}

static violet_status tell_differences(void)
{
    return look_at(info_diff);
}

static violet_status tell_load(void)
{
    return look_at(info_load);
}

/* Success is looked into: a piece of the summary may be lost, none of the file. */
static violet_status convert_to(const char *name)
{
    static char from[512], to[512];
    vl_buf text = {0};
    bool differ = true;
    snprintf(from, sizeof from, "%s/model.safetensors", c.folder);
    snprintf(to, sizeof to, "%s/%s", c.folder, name);
    unlink(to);
    const vl_convert_options o = {.input = from, .output = to};
    violet_status status = vl_convert_run(&o, NULL);
    left = -1;
    if (status != VIOLET_OK) {
        if (vl_file_exists(to)) status = vl_err(VIOLET_EFORMAT, "%s is there all the same", to);
        return status;
    }
    status = vl_info_diff(&text, &differ, from, to, 0);
    vl_buf_free(&text);
    verified = status == VIOLET_OK && !differ;
    return status;
}

static violet_status convert_to_torch(void)
{
    return convert_to("converted.pt");
}

static violet_status convert_to_safetensors(void)
{
    return convert_to("converted.safetensors");
}

static void what_looks_at_tensors_survives(void **state)
{
    (void)state;
    sweep("info --verbose", tell_tensors, 300, 7);
    sweep("info --diff", tell_differences, 300, 7);
    assert_int_equal(tell_torch(), VIOLET_OK);
    assert_int_equal(tell_differences_of_torch(), VIOLET_OK);
    sweep("info --verbose, jansson", tell_torch, 3000, 1);
    sweep("info --diff, jansson", tell_differences_of_torch, 3000, 1);
    sweep("info --for", tell_load, 300, 23);
    sweep("convert to .pt", convert_to_torch, 300, 7);
    sweep("convert to .safetensors", convert_to_safetensors, 300, 7);
}

static void every_format_survives(void **state)
{
    (void)state;
    sweep("open a pickle", open_pickle, 1000, 1);
    sweep("write a pickle", write_pickle, 1000, 1);
    sweep("open a zip of PyTorch's", open_torch_zip, 1000, 1);
    sweep("open a legacy file of PyTorch's", open_torch_legacy, 1000, 1);
    sweep("open a tsv", open_tsv, 1000, 1);
    sweep("scan a tsv", scan_tsv, 1000, 1);
    sweep("open captions", open_captions, 1000, 1);
    sweep("open items in JSON", open_json, 1000, 1);
    sweep("open items, one a line", open_jsonl, 1000, 1);
    sweep("open a table of items", open_csv, 1000, 1);
    sweep("open a vocabulary", open_wordpiece, 1000, 1);
    sweep("code a picture", code_jpeg, 1000, 1);
}

static void a_loader_survives(void **state)
{
    (void)state;
    sweep("open a loader", open_loader, 1000, 1);
    sweep("open a loader of videos", open_loader_of_videos, 1000, 1);
    sweep("open a loader of items", open_loader_of_items, 1000, 1);
}

static void a_model_survives(void **state)
{
    (void)state;
    sweep("read a checkpoint", read_checkpoint, 1000, 1);
    assert_int_equal(write_checkpoint(), VIOLET_OK);
    sweep("write a checkpoint", write_checkpoint, 300, 7);
    assert_int_equal(make_corpus(), VIOLET_OK);
    sweep("make a corpus", make_corpus, 60, 5);
    sweep("open a dVAE", open_dvae, 300, 1);
    sweep("extract tokens", extract_tokens, 100, 5);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static vl_pretrain_options options;

static violet_status whole_run(void)
{
    snprintf(path, sizeof path, "%s/out/last.safetensors", c.folder);
    unlink(path);
    return vl_pretrain_run(&options, NULL);
}

static void a_run_survives(void **state)
{
    (void)state;
    corpus_options(&options, &c, "out", "--dataset=set --size_batch=2 --steps=1 --keep=false");
    sweep("a run", whole_run, 300, 23);
    vl_option_release(vl_pretrain_option_table, &options);
}

static vl_finetune_options tune;

static violet_status whole_finetuning(void)
{
    static const char *const names[] = {"last", "best"};
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/tune/%s.safetensors", c.folder, names[k]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/tune/test.json", c.folder);
    unlink(path);
    return vl_finetune_run(&tune, NULL);
}

static void fine_tuning_survives(void **state)
{
    (void)state;
    corpus_finetune_options(&tune, &c, "tune", "--type=retrieval --task=tune --dataset=six "
                            "--size_frame=1 --size_batch=2 --steps=1");
    sweep("fine-tuning on retrieval", whole_finetuning, 400, 29);
    vl_option_release(vl_finetune_option_table, &tune);
    corpus_finetune_options(&tune, &c, "tune", "--type=qaoe --task=ask --dataset=six "
                            "--size_frame=1 --size_batch=2 --steps=1");
    sweep("fine-tuning on questions", whole_finetuning, 400, 29);
    vl_option_release(vl_finetune_option_table, &tune);
}

static void write_data(const char *name, const char *text)
{
    FILE *f = fopen(in_data(name), "w");
    assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static int set_up(void **state)
{
    (void)state;
    json_set_alloc_funcs(json_alloc, free);
    corpus_open(&c);
    corpus_add(&c, "set", 1, (const char *[]){"...", NULL}, "..");
    corpus_add_videos(&c, "six", 3, 1, NULL);
    write_data("txt_tune.json",
               "{\"train\": {\"v0\": [\"red\"], \"v1\": [\"cat\"]}, \"val\": {\"v0\": [\"red\"], "
               "\"v2\": [\"dog\"]}, \"test\": {\"v1\": [\"cat\"], \"v2\": [\"dog\"]}}");
    write_data("txt_ask_train.csv", "video,question,answer\nv0,who,cat\nv1,who,dog\n");
    write_data("txt_ask_val.csv", "video,question,answer\nv2,who,dog\n");
    write_data("txt_ask_test.csv", "video,question,answer\nv2,who,cat\n");
    corpus_checkpoint(&c, "model.safetensors", 1);
    write_data("questions.json", "{\"test\": ["
                                 "{\"video\": \"v\", \"question\": \"q\", \"answer\": 1},"
                                 "{\"video\": \"w\", \"question\": \"q\", \"answer\": 0}],"
                                 "\"vocab\": {\"yes\": 0, \"no\": 1}}");
    write_data("questions_test.jsonl", "{\"video\": \"v0\", \"question\": \"q\", \"answer\": 1,"
                                       "\"option_0\": \"a\", \"option_1\": \"b\"}\n"
                                       "{\"video\": \"v1\", \"question\": \"q\", \"answer\": 1,"
                                       "\"option_0\": \"a\", \"option_1\": \"b\"}\n");
    write_data("captions_test.csv", "video,caption\nv,a man\nw,\"a dog\"\n");
    vl_dvae *d;
    assert_int_equal(vl_dvae_new(&d, &(vl_dvae_config){4, 2, 8}, 0, 0, 1), VIOLET_OK);
    assert_int_equal(vl_dvae_write(in_data("dvae.safetensors"), d, 0, NULL, 0), VIOLET_OK);
    vl_dvae_close(d);
    snprintf(path, sizeof path, "%s/clips", c.data);
    mkdir(path, 0777);
    make_video(in_data("clips/v0.mp4"), &(clip){.n = 9});
    make_video(in_data("clips/v1.mp4"), &(clip){.n = 5});
    write_data("clips.json", "{\"train\": {\"v0\": [\"red\"], \"v1\": [\"blue\"]}}");
    write_data("scan.tsv", "v0\t/9j/AAAA\nv1\t/9j/AAAA\n");
    snprintf(path, sizeof path, "%s/vocab.txt", c.folder);
    return vl_wordpiece_open(&wp, path) != VIOLET_OK;
}

static int tear_down(void **state)
{
    (void)state;
    vl_wordpiece_free(wp);
    corpus_close(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_survives),
        cmocka_unit_test(a_loader_survives),
        cmocka_unit_test(a_model_survives),
        cmocka_unit_test(what_looks_at_tensors_survives),
        cmocka_unit_test(a_run_survives),
        cmocka_unit_test(fine_tuning_survives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
