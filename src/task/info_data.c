/* Info on pictures, line indices, pickles and videos. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "file/pickle.h"
#include "file/tsv.h"
#include "media/picture.h"
#include "media/video_info.h"
#include "task/info_internal.h"
#include "text/wordpiece.h"

#define FIRST_IDS 3
#define PICTURE_FILE_MOST ((size_t)256 << 20)

/* ---- pictures -------------------------------------------------------------------------------- */

static violet_status add_jpeg(vl_info_tree *j, const void *bytes, size_t n)
{
    vl_picture p;
    char text[32];
    violet_status status = vl_jpeg_decode(&p, bytes, n);
    if (status != VIOLET_OK) return status;
    snprintf(text, sizeof text, "%dx%d", p.width, p.height);
    vl_info_set(j, j->root, "picture", json_string(text));
    vl_picture_release(&p);
    return VIOLET_OK;
}

static violet_status add_base64_jpeg(vl_info_tree *j, const char *text, size_t n)
{
    size_t got;
    uint8_t *bytes = malloc(vl_base64_decoded_most(n) + 1);
    if (!bytes) return vl_err_nomem();
    violet_status status = vl_base64_decode(bytes, &got, text, n);
    if (status == VIOLET_OK) status = add_jpeg(j, bytes, got);
    free(bytes);
    return status;
}

violet_status vl_info_jpeg(vl_info_tree *j, const char *path, int verbose)
{
    char *bytes;
    size_t n;
    (void)verbose;
    violet_status status = vl_file_read(&bytes, &n, path, PICTURE_FILE_MOST);
    if (status != VIOLET_OK) return status;
    status = add_jpeg(j, bytes, n);
    free(bytes);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

violet_status vl_info_video(vl_info_tree *j, const char *path, int verbose)
{
    vl_video_info v;
    char size[32];
    (void)verbose;
    violet_status status = vl_video_info_read(&v, path);
    if (status != VIOLET_OK) return status;
    snprintf(size, sizeof size, "%dx%d", v.width, v.height);
    vl_info_set(j, j->root, "container", json_string(v.container));
    vl_info_set(j, j->root, "codec", json_string(v.codec));
    vl_info_set(j, j->root, "pixels", json_string(v.pixels));
    vl_info_set(j, j->root, "picture", json_string(size));
    if (v.seconds > 0) vl_info_set(j, j->root, "seconds", vl_info_real(v.seconds));
    if (v.frames_per_s > 0) vl_info_set(j, j->root, "frames/s", vl_info_real(v.frames_per_s));
    if (v.n_frames > 0) vl_info_set(j, j->root, "frames", json_integer(v.n_frames));
    vl_info_set(j, j->root, "sound", json_boolean(v.has_audio));
    return VIOLET_OK;
}

/* ---- tab-separated --------------------------------------------------------------------------- */

/* All rows, or some from all over the file: a file may be larger than anyone wants to wait for. */
static violet_status look_at_rows(vl_info_tree *j, const vl_tsv *t, int all)
{
    size_t n = vl_tsv_n(t), looked = all || n < 100 ? n : 100, with_meta = 0;
    vl_info_range frames = {0, 0};
    json_t *ids = json_array();
    violet_status status = VIOLET_OK;
    vl_tsv_row *row = malloc(sizeof *row);
    if (!row) status = vl_err_nomem();
    for (size_t k = 0; k < looked && status == VIOLET_OK; k++) {
        size_t i = looked == n ? k : k * (n / looked);
        status = vl_tsv_read(row, t, i);
        if (status != VIOLET_OK) break;
        if (k < FIRST_IDS) vl_info_add(j, ids, vl_info_text(row->id.s, row->id.n));
        vl_info_widen(&frames, (size_t)row->n_frames);
        with_meta += row->meta.s != NULL;
        if (k == 0 && row->n_frames > 0) {
            status = add_base64_jpeg(j, row->frame[0].s, row->frame[0].n);
            if (status != VIOLET_OK) vl_err_at(status, "%s line 1 frame 1", vl_tsv_path(t));
        }
    }
    vl_info_set(j, j->root, "frames", vl_info_range_text(frames));
    vl_info_set(j, j->root, "metadata column", json_boolean(with_meta > 0));
    vl_info_set(j, j->root, "rows looked at", json_integer((json_int_t)looked));
    vl_info_set(j, j->root, "first", ids);
    free(row);
    return status;
}

violet_status vl_info_tsv(vl_info_tree *j, const char *path, int verbose)
{
    vl_tsv *t;
    violet_status status = vl_tsv_open(&t, path);
    if (status != VIOLET_OK) return status;
    vl_info_set(j, j->root, "rows", json_integer((json_int_t)vl_tsv_n(t)));
    vl_info_set(j, j->root, "index",
                json_string(vl_tsv_scanned(t) ? "none, the file was scanned" : "fits"));
    status = look_at_rows(j, t, verbose);
    vl_tsv_close(t);
    return status;
}

/* ---- line index ------------------------------------------------------------------------------ */

/* The next offset of a text index; 0 at the end, -1 for what is no number in a line. */
static int next_offset(uint64_t *v, const char **at, const char *end)
{
    const char *s = *at;
    if (s == end) return 0;
    for (*v = 0; s < end && *s >= '0' && *s <= '9'; s++) {
        if (*v > (UINT64_MAX - 9) / 10) return -1;
        *v = *v * 10 + (uint64_t)(*s - '0');
    }
    if (s == *at || (s < end && *s != '\n')) return -1;
    *at = s < end ? s + 1 : s;
    return 1;
}

static int next_binary(uint64_t *v, const char **at, const char *end)
{
    if (*at == end) return 0;
    if (end - *at < 8) return -1;
    memcpy(v, *at, 8);
    *at += 8;
    return 1;
}

violet_status vl_info_lineidx(vl_info_tree *j, const char *path, int verbose)
{
    vl_map m;
    (void)verbose;
    violet_status status = vl_map_open(&m, path);
    if (status != VIOLET_OK) return status;
    int binary = vl_str_ends(path, ".8b"), got;
    const char *at = (const char *)m.data, *end = at + m.n;
    uint64_t v = 0, last = 0;
    size_t n = 0;
    while ((got = binary ? next_binary(&v, &at, end) : next_offset(&v, &at, end)) > 0) {
        if (n > 0 && v <= last) break;
        last = v;
        n++;
    }
    if (got > 0)
        status = vl_err(VIOLET_EFORMAT, "%s entry %zu: %llu, expected more than %llu", path, n + 1,
                        (unsigned long long)v, (unsigned long long)last);
    if (got < 0)
        status = vl_err(VIOLET_EFORMAT, "%s entry %zu: expected a byte offset", path, n + 1);
    vl_info_set(j, j->root, "lines", json_integer((json_int_t)n));
    vl_info_set(j, j->root, "last line at", json_integer((json_int_t)last));
    vl_map_close(&m);
    return status;
}

/* ---- pickles --------------------------------------------------------------------------------- */

static json_t *shape_of(vl_info_tree *j, const vl_ndarray *a)
{
    json_t *shape = json_array();
    for (int i = 0; i < a->n_dim; i++) vl_info_add(j, shape, json_integer(a->shape[i]));
    return shape;
}

/* The first entry speaks for the others; the counts are over all. */
static violet_status describe_entries(vl_info_tree *j, const vl_value *root)
{
    const vl_value *first = vl_value_at(root, 0);
    vl_ndarray a;
    char type[16];
    size_t n_text;
    const char *text = vl_value_str(&n_text, vl_value_at(first, 0));
    if (vl_value_array(&a, first)) {
        snprintf(type, sizeof type, "%c%d", a.type, a.item_bytes);
        vl_info_set(j, j->root, "kind", json_string("pickle of arrays (VQ tokens)"));
        vl_info_set(j, j->root, "type", json_string(type));
        vl_info_set(j, j->root, "first shape", shape_of(j, &a));
        return VIOLET_OK;
    }
    if (vl_value_kind(first) != VL_LIST || !text) {
        vl_info_set(j, j->root, "values", json_string(vl_kind_name(vl_value_kind(first))));
        return VIOLET_OK;
    }
    vl_info_range frames = {0, 0};
    for (size_t i = 0; i < vl_value_n(root); i++)
        vl_info_widen(&frames, vl_value_n(vl_value_at(root, i)));
    vl_info_set(j, j->root, "kind", json_string("pickle of pictures"));
    vl_info_set(j, j->root, "frames", vl_info_range_text(frames));
    violet_status status = add_base64_jpeg(j, text, n_text);
    return status == VIOLET_OK ? status : vl_err_at(status, "first entry, frame 1");
}

violet_status vl_info_pickle(vl_info_tree *j, const char *path, int verbose)
{
    vl_pickle *doc;
    (void)verbose;
    violet_status status = vl_pickle_open(&doc, path, NULL);
    if (status != VIOLET_OK) return status;
    const vl_value *root = vl_pickle_root(doc);
    size_t n = vl_value_n(root), n_key;
    vl_info_set(j, j->root, "root", json_string(vl_kind_name(vl_value_kind(root))));
    vl_info_set(j, j->root, "entries", json_integer((json_int_t)n));
    if (vl_value_kind(root) == VL_DICT && n > 0) {
        json_t *keys = json_array();
        for (size_t i = 0; i < n && i < FIRST_IDS; i++) {
            const char *key = vl_value_str(&n_key, vl_dict_key(root, i));
            vl_info_add(j, keys, key ? vl_info_text(key, n_key) : json_null());
        }
        status = describe_entries(j, root);
        vl_info_set(j, j->root, "first", keys);
    }
    vl_pickle_close(doc);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

/* ---- vocabulary ------------------------------------------------------------------------------ */

violet_status vl_info_vocabulary(vl_info_tree *j, const char *path, int verbose)
{
    vl_wordpiece *w;
    (void)verbose;
    violet_status status = vl_wordpiece_open(&w, path);
    if (status != VIOLET_OK) return status;
    vl_info_set(j, j->root, "pieces", json_integer(vl_wordpiece_size(w)));
    vl_wordpiece_free(w);
    return VIOLET_OK;
}
