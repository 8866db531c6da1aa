/* See fixture.h. */
#include "fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after its four headers */
#include <cmocka.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/file.h"
#include "media/picture.h"

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

/* ---- files ----------------------------------------------------------------------------------- */

void fixture_open(fixture *f)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/violet-report-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
}

void fixture_close(fixture *f)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
}

void fixture_write(const fixture *f, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    ok(vl_dir_make(path));
    *slash = '/';
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

char *fixture_read(const fixture *f, const char *name)
{
    char path[512], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    ok(vl_file_read(&text, &n, path, (size_t)1 << 30));
    return text;
}

static void write_in(const fixture *f, const char *folder, const char *name, vl_buf *b)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fixture_write(f, path, b->data);
    vl_buf_clear(b);
}

/* ---- trainings ------------------------------------------------------------------------------- */

static void timing(const fixture *f, const char *name, int steps, vl_buf *b)
{
    for (int i = 1; i <= steps; i++)
        ok(vl_buf_printf(b, "{\"step\": %d, \"seconds\": %g, \"waited\": 0.01, \"mbytes\": 300}\n",
                         i, 0.1 + 0.01 * (i % 3)));
    write_in(f, name, "timing.jsonl", b);
    ok(vl_buf_puts(b, "{\"version\": \"0.0.7\", \"machine\": \"a machine of the test\", "
                      "\"folder\": \"/\"}"));
    write_in(f, name, "machine.json", b);
}

/* ["0.1", ...], a value every 20 steps. */
static void list(vl_buf *b, const char *key, int n, double scale)
{
    ok(vl_buf_printf(b, "\"%s\": [", key));
    for (int i = 0; i < n; i++) ok(vl_buf_printf(b, "%s%g", i ? ", " : "", scale * (i + 1) / n));
    ok(vl_buf_puts(b, "]"));
}

/* log.json of n epochs of two metrics. */
static void write_log(const fixture *f, const char *name, vl_buf *b, int n, const char *one,
                      double scale_one, const char *two, double scale_two)
{
    ok(vl_buf_puts(b, "{\"toy\": {"));
    list(b, one, n, scale_one);
    ok(vl_buf_puts(b, ", "));
    list(b, two, n, scale_two);
    ok(vl_buf_puts(b, "}}"));
    write_in(f, name, "log.json", b);
}

void fixture_pretraining(const fixture *f, const char *name, int steps)
{
    vl_buf b = {0};
    ok(vl_buf_puts(&b, "{\"type\": \"pretrain\", \"dataset\": \"toy\", \"size_batch\": 4, "
                       "\"size_img\": 64, \"accumulate\": 2, \"lr\": 0.0003, \"seed\": 17, "
                       "\"decay_all\": false, \"data\": \"it's here\"}"));
    write_in(f, name, "args.json", &b);
    for (int i = 1; i <= steps; i++)
        ok(vl_buf_printf(&b, "{\"step\": %d, \"epoch\": %d, \"set\": \"toy\", \"unit\": \"all\", "
                         "\"ls_mtm\": %g, \"ac_mtm\": %g, \"loss\": 1, \"norm\": 2, "
                         "\"lr\": 0.0003, \"samples\": %d}\n", i, (i - 1) / 20 + 1,
                         9 - 5.0 * i / steps, 0.5 * i / steps, 8 * i));
    write_in(f, name, "steps.jsonl", &b);
    write_log(f, name, &b, steps / 20, "ls_mtm", 5, "ac_mtm", 0.4);
    timing(f, name, steps, &b);
    vl_buf_free(&b);
}

void fixture_finetuning(const fixture *f, const char *name, int steps)
{
    vl_buf b = {0};
    ok(vl_buf_puts(&b, "{\"type\": \"retrieval\", \"task\": \"toy\", \"dataset\": \"toy\", "
                       "\"size_batch\": 6, \"size_img\": 64, \"size_frame\": 2, "
                       "\"path_ckpt\": \"pre/last.safetensors\"}"));
    write_in(f, name, "args.json", &b);
    for (int i = 1; i <= steps; i++)
        ok(vl_buf_printf(&b, "{\"step\": %d, \"epoch\": %d, \"set\": \"toy\", \"unit\": \"all\", "
                         "\"ls_retrieval\": %g, \"ac_retrieval\": 0.5, \"lr\": 1e-05}\n", i,
                         (i - 1) / 20 + 1, 2.0 - 1.0 * i / steps));
    write_in(f, name, "steps.jsonl", &b);
    write_log(f, name, &b, steps / 20, "recall_1", 0.4, "median_rank", 20);
    ok(vl_buf_puts(&b, "{\"step\": 20, \"recall_1\": 0.375, \"median_rank\": 3.5}"));
    write_in(f, name, "test.json", &b);
    timing(f, name, steps, &b);
    vl_buf_free(&b);
}

void fixture_dvae(const fixture *f, const char *name, int steps)
{
    vl_buf b = {0};
    ok(vl_buf_puts(&b, "{\"path\": \"img.tsv\", \"size\": 32, \"n_code\": 64, \"size_batch\": 8}"));
    write_in(f, name, "args.json", &b);
    for (int i = 1; i <= steps; i++)
        ok(vl_buf_printf(&b, "{\"step\": %d, \"loss\": %g, \"error\": 0.5, \"used\": 0.4, "
                         "\"lr\": 0.001}\n", i, -1.0 * i / steps));
    write_in(f, name, "steps.jsonl", &b);
    vl_buf_free(&b);
}

/* ---- evaluations ----------------------------------------------------------------------------- */

void fixture_pictures(const fixture *f, int n)
{
    vl_buf b = {0}, jpeg = {0};
    static uint8_t rgb[3 * 40 * 30];
    for (int i = 0; i < n; i++) {
        ok(vl_buf_printf(&b, "v%d", i));
        for (int k = 0; k < 3; k++) {
            const vl_picture p = {40, 30, rgb};
            for (int x = 0; x < (int)sizeof rgb; x++) rgb[x] = (uint8_t)(40 * i + 9 * k + x / 90);
            vl_buf_clear(&jpeg);
            ok(vl_jpeg_encode(&jpeg, &p, 90));
            size_t text = vl_base64_encoded(jpeg.n);
            ok(vl_buf_putc(&b, '\t'));
            ok(vl_buf_reserve(&b, text));
            vl_base64_encode(b.data + b.n, (const uint8_t *)jpeg.data, jpeg.n);
            b.n += text;
            b.data[b.n] = 0;
        }
        ok(vl_buf_putc(&b, '\n'));
    }
    fixture_write(f, "data/toy.tsv", b.data);
    vl_buf_free(&b);
    vl_buf_free(&jpeg);
}

static void evaluation(const fixture *f, const char *name, const char *type, int n,
                       const char *metrics)
{
    vl_buf b = {0};
    ok(vl_buf_printf(&b, "{\"type\": \"%s\", \"data\": \"%s/data\", \"dataset\": \"toy\", "
                     "\"size_frame\": 2, \"split\": \"test\", \"path_ckpt\": \"m.safetensors\"}",
                     type, f->folder));
    write_in(f, name, "eval_args.json", &b);
    ok(vl_buf_printf(&b, "{\"type\": \"%s\", \"items\": \"d/txt_toy-%s.json\", "
                     "\"split\": \"test\", \"checkpoint\": \"m.safetensors\", "
                     "\"scored_videos\": %d, \"scored_items\": %d, %s}", type, type, n, n,
                     metrics));
    write_in(f, name, "result.json", &b);
    vl_buf_free(&b);
}

void fixture_retrieval(const fixture *f, const char *name, int n, const char *caption)
{
    vl_buf b = {0};
    evaluation(f, name, "retrieval", n,
               "\"metrics\": {\"t2v_recall_1\": {\"value\": 0.5, \"interval\": [0.25, 0.75], "
               "\"n\": 8, \"protocol\": \"how it was done\"}, "
               "\"t2v_median_rank\": {\"value\": 1.5, \"interval\": [1, 3], \"n\": 8}}");
    for (int i = 0; i < n; i++) {
        int far = i % 4 == 1;
        ok(vl_buf_printf(&b, "{\"query\":\"text\",\"caption\":\"%s %d\",\"video\":\"v%d\","
                         "\"rank\":%d.0,\"top\":[", caption, i, i, i % 2 ? (far ? n : 2) : 1));
        for (int k = 0; k < 5; k++) {
            int place = i % 2 ? 1 : 0, v = k == place && !far ? i : (i + 1 + k) % n;
            ok(vl_buf_printf(&b, "%s{\"video\":\"v%d\",\"score\":%g}", k ? "," : "", v, 1.0 - k));
        }
        ok(vl_buf_puts(&b, "]}\n"));
    }
    write_in(f, name, "predictions.jsonl", &b);
    vl_buf_free(&b);
}

void fixture_questions(const fixture *f, const char *name, int n, const char *answer)
{
    vl_buf b = {0};
    evaluation(f, name, "qaoe", n,
               "\"chance\": {\"uniform\": 0.25, \"most_frequent\": 0.5, \"answer\": \"red\"}, "
               "\"metrics\": {\"accuracy\": {\"value\": 0.5, \"interval\": [0.2, 0.8], \"n\": 8}, "
               "\"accuracy_listed\": {\"value\": 0.55, \"interval\": [null, null], \"n\": 8}}, "
               "\"types\": {\"what\": {\"accuracy\": "
               "{\"value\": 0.625, \"interval\": [0.2, 0.8], \"n\": 8}}}");
    for (int i = 0; i < n; i++)
        ok(vl_buf_printf(&b, "{\"entry\":%d,\"video\":\"v%d\",\"question\":\"what colour?\","
                         "\"type\":\"what\",\"answer\":\"%s\",\"number\":1,\"right\":%d.0,"
                         "\"top\":[{\"answer\":\"red\",\"number\":0,\"score\":2.5,"
                         "\"probability\":0.75},{\"answer\":\"%s\",\"number\":1,"
                         "\"score\":1.5,\"probability\":0.25}]}\n", i, i,
                         i % 2 ? answer : "red", i % 2 ? 0 : 1, answer));
    write_in(f, name, "predictions.jsonl", &b);
    vl_buf_free(&b);
}

/* ---- the page -------------------------------------------------------------------------------- */

violet_status fixture_report(const fixture *f, const char *const *names,
                             const char *const *options)
{
    char path[8][256], output[100];
    const char *folders[8];
    int n = 0;
    violet_options *o;
    ok(violet_options_new(&o, "report"));
    snprintf(output, sizeof output, "%s/page.html", f->folder);
    ok(violet_options_set(o, "output", output));
    for (; names[n]; n++) {
        snprintf(path[n], sizeof path[n], "%s/%s", f->folder, names[n]);
        folders[n] = path[n];
    }
    for (; options && *options; options++) {
        char name[40];
        size_t k = strcspn(*options, "=");
        snprintf(name, sizeof name, "%.*s", (int)k, *options);
        ok(violet_options_set(o, name, *options + k + 1));
    }
    violet_status status = violet_report(folders, n, o, NULL);
    violet_options_free(o);
    return status;
}

char *fixture_page(const fixture *f, const char *const *names, const char *const *options)
{
    ok(fixture_report(f, names, options));
    return fixture_read(f, "page.html");
}

int fixture_count(const char *text, const char *what)
{
    int n = 0;
    for (const char *s = text; (s = strstr(s, what)); s++) n++;
    return n;
}
