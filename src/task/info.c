/* Which kind of file it is; see info.h. */
#include "task/info.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "base/utf8.h"
#include "file/torch.h"
#include "task/info_internal.h"

bool vl_info_set(vl_info_tree *j, json_t *o, const char *key, json_t *value)
{
    bool done = json_object_set_new(o, key, value) == 0;
    j->failed |= !done;
    return done;
}

bool vl_info_add(vl_info_tree *j, json_t *list, json_t *value)
{
    bool done = json_array_append_new(list, value) == 0;
    j->failed |= !done;
    return done;
}

json_t *vl_info_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *vl_info_text(const char *s, size_t n)
{
    char text[124];
    size_t most = 120, kept = n < most ? n : most;
    memcpy(text, s, kept);
    /* a character cut in two is taken out whole */
    while (n > most && kept > 0 && (s[kept] & 0xc0) == 0x80) kept--;
    memcpy(text + kept, "...", 4);
    if (n <= most) text[kept] = 0;
    bool valid = vl_utf8_valid(text);
    for (char *c = text; *c && !valid; c++)
        if (*c & 0x80) *c = '?';
    return json_string(text);
}

void vl_info_widen(vl_info_range *r, size_t n)
{
    if (r->most == 0 || n < r->least) r->least = n;
    if (n > r->most) r->most = n;
}

json_t *vl_info_range_text(vl_info_range r)
{
    char text[64];
    if (r.least == r.most) return json_integer((json_int_t)r.most);
    snprintf(text, sizeof text, "%zu to %zu", r.least, r.most);
    return json_string(text);
}

/* ---- which kind ------------------------------------------------------------------------------ */

#define HEAD_BYTES 4096

typedef struct head {
    const char *path;
    unsigned char data[HEAD_BYTES];
    size_t n;
    unsigned long long size;
} head;

typedef struct kind {
    const char *name;
    int (*is)(const head *h);
    violet_status (*describe)(vl_info_tree *j, const char *path, int verbose);
} kind;

static int begins(const head *h, const char *with, size_t n)
{
    return h->n >= n && memcmp(h->data, with, n) == 0;
}

static int ends(const head *h, const char *with)
{
    return vl_str_ends(h->path, with);
}

static int is_jpeg(const head *h)
{
    return begins(h, "\xff\xd8\xff", 3);
}

static int is_pickle(const head *h)
{
    int told = h->n > 1 && h->data[0] == 0x80 && h->data[1] >= 2 && h->data[1] <= 5;
    return told || ends(h, ".pkl");
}

static int is_safetensors(const head *h)
{
    unsigned long long length = 0;
    for (int i = 0; i < 8 && h->n > 8; i++) length |= (unsigned long long)h->data[i] << 8 * i;
    return h->n > 8 && h->data[8] == '{' && length > 0 && length <= h->size - 8;
}

/* What is none of the others, and should have been: a page or a pointer that was downloaded in
 * place of a checkpoint is not to be taken for a video. */
static int is_named_tensors(const head *h)
{
    return h->n > 0 && (ends(h, ".safetensors") || ends(h, ".pt") || ends(h, ".pth") ||
                        ends(h, ".bin"));
}

static int is_torch(const head *h)
{
    return vl_torch_looks(h->data, h->n);
}

static int is_vocabulary(const head *h)
{
    return begins(h, "[PAD]\n", 6) || begins(h, "[PAD]\r\n", 7);
}

/* By name alone: JSON and text may look the same. */
static int is_jsonl(const head *h)
{
    return h->n > 0 && ends(h, ".jsonl");
}

static int is_csv(const head *h)
{
    return h->n > 0 && ends(h, ".csv");
}

static int is_json(const head *h)
{
    size_t i = 0;
    while (i < h->n && strchr(" \t\r\n", h->data[i])) i++;
    return ends(h, ".json") || (i < h->n && (h->data[i] == '{' || h->data[i] == '['));
}

static int is_lineidx(const head *h)
{
    size_t i = 0;
    while (i < h->n && ((h->data[i] >= '0' && h->data[i] <= '9') || h->data[i] == '\n')) i++;
    return ends(h, ".lineidx") || ends(h, ".lineidx.8b") || (h->n > 0 && i == h->n);
}

/* A tab within a line of text. */
static int is_tsv(const head *h)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->data[i] == '\t' && i > 0) return 1;
        if (h->data[i] < 0x20) break;
    }
    return ends(h, ".tsv");
}

static int is_anything(const head *h)
{
    return h->n > 0;
}

/* In this order: what a first byte tells, then what looks like text, then what libav may know. */
static const kind kinds[] = {
    {"JPEG picture", is_jpeg, vl_info_jpeg},
    {"tensors", is_torch, vl_info_tensors},
    {"pickle", is_pickle, vl_info_pickle},
    {"tensors", is_safetensors, vl_info_tensors},
    {"tensors", is_named_tensors, vl_info_tensors},
    {"WordPiece vocabulary", is_vocabulary, vl_info_vocabulary},
    {"JSON, an object a line", is_jsonl, vl_info_jsonl},
    {"table, comma-separated", is_csv, vl_info_csv},
    {"JSON", is_json, vl_info_json},
    {"line index", is_lineidx, vl_info_lineidx},
    {"pictures, tab-separated", is_tsv, vl_info_tsv},
    {"video", is_anything, vl_info_video},
};

static violet_status read_head(head *h, const char *path)
{
    struct stat s;
    h->path = path;
    h->n = 0;
    FILE *f = fopen(path, "rb");
    if (!f) return vl_err_errno("open '%s'", path);
    violet_status status = VIOLET_OK;
    if (fstat(fileno(f), &s) != 0)
        status = vl_err_errno("stat '%s'", path);
    else if (!S_ISREG(s.st_mode))
        status = vl_err(VIOLET_EINVAL, "%s: expected a file, this is a %s", path,
                        S_ISDIR(s.st_mode) ? "folder" : "device or pipe");
    else if ((h->n = fread(h->data, 1, sizeof h->data, f)) == 0 && ferror(f))
        status = vl_err_errno("read '%s'", path);
    h->size = (unsigned long long)s.st_size;
    fclose(f);
    return status;
}

violet_status vl_info(vl_buf *out, const char *path, int flags)
{
    head h;
    violet_status status = read_head(&h, path);
    if (status != VIOLET_OK) return status;
    const kind *k = NULL;
    for (size_t i = 0; !k && i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].is(&h)) k = &kinds[i];
    if (!k) return vl_err(VIOLET_EFORMAT, "%s: the file is empty", path);
    vl_info_tree j = {.root = json_object()};
    vl_info_set(&j, j.root, "file", vl_info_name(path));
    vl_info_set(&j, j.root, "kind", json_string(k->name));
    vl_info_set(&j, j.root, "bytes", json_integer((json_int_t)h.size));
    status = k->describe(&j, path, (flags & VIOLET_INFO_VERBOSE) != 0);
    if (status == VIOLET_OK) status = vl_info_print(out, &j, flags);
    json_decref(j.root);
    return status;
}
