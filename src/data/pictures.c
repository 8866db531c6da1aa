/* Pictures of records: files of JPEGs, or videos; see pictures.h. */
#include "data/pictures.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/index.h"
#include "base/status.h"
#include "file/pickle.h"
#include "media/video.h"
#include "media/video_list.h"

#define ID_SHOWN 128 /* bytes of an id in a message */
#define SEVERAL UINT32_MAX

struct vl_pictures {
    char *path;
    vl_pictures_options o;
    /* one of the three */
    vl_tsv *tsv;
    vl_pickle *pkl;
    bool are_videos;
    vl_video_list videos;
    vl_string_index by_id;   /* records */
    vl_string_index by_last; /* by the last part of a video's id: records, or SEVERAL */
};

/* ---- opening --------------------------------------------------------------------------------- */

static violet_status open_any(vl_pictures *p)
{
    size_t n = strlen(p->path);
    struct stat st;
    violet_status status;
    p->are_videos = p->o.videos || (stat(p->path, &st) == 0 && S_ISDIR(st.st_mode));
    if (p->are_videos) return vl_video_list_open(&p->videos, p->path);
    if (n > 4 && strcmp(p->path + n - 4, ".pkl") == 0) {
        if ((status = vl_pickle_open(&p->pkl, p->path, NULL)) != VIOLET_OK) return status;
        if (vl_value_kind(vl_pickle_root(p->pkl)) != VL_DICT)
            return vl_err(VIOLET_EFORMAT, "%s: expected {video: [pictures]}", p->path);
    } else if ((status = vl_tsv_open(&p->tsv, p->path)) != VIOLET_OK) {
        return status;
    }
    return vl_pictures_n(p) ? VIOLET_OK : vl_err(VIOLET_EFORMAT, "%s: no records", p->path);
}

violet_status vl_pictures_open(vl_pictures **out, const char *path, const vl_pictures_options *o)
{
    *out = NULL;
    vl_pictures *p = calloc(1, sizeof *p);
    if (!p) return vl_err_nomem();
    p->o = *o;
    p->path = strdup(path);
    violet_status status = p->path ? open_any(p) : vl_err_nomem();
    if (status == VIOLET_OK)
        *out = p;
    else
        vl_pictures_close(p);
    return status;
}

void vl_pictures_close(vl_pictures *p)
{
    if (!p) return;
    vl_tsv_close(p->tsv);
    vl_pickle_close(p->pkl);
    vl_video_list_release(&p->videos);
    vl_index_free(&p->by_id);
    vl_index_free(&p->by_last);
    free(p->path);
    free(p);
}

const char *vl_pictures_path(const vl_pictures *p)
{
    return p->path;
}

bool vl_pictures_are_videos(const vl_pictures *p)
{
    return p->are_videos;
}

size_t vl_pictures_n(const vl_pictures *p)
{
    if (p->are_videos) return p->videos.n;
    return p->tsv ? vl_tsv_n(p->tsv) : vl_value_n(vl_pickle_root(p->pkl));
}

vl_slice vl_pictures_id(const vl_pictures *p, size_t i)
{
    vl_slice id = {NULL, 0};
    if (p->are_videos) return (vl_slice){p->videos.file[i].id, strlen(p->videos.file[i].id)};
    if (p->tsv) return vl_tsv_id(p->tsv, i);
    id.s = vl_value_str(&id.n, vl_dict_key(vl_pickle_root(p->pkl), i));
    return id;
}

uint64_t vl_pictures_identity(const vl_pictures *p)
{
    size_t n = vl_pictures_n(p);
    uint64_t h = n;
    if (p->tsv) return vl_tsv_hash(p->tsv);
    for (size_t i = 0; i < n; i++) {
        vl_slice id = vl_pictures_id(p, i);
        h = vl_hash(h, id.s ? id.s : "", id.s ? id.n : 0);
    }
    return h;
}

/* ---- by id ----------------------------------------------------------------------------------- */

/* A pickle's later entry replaces the earlier one, as in Python. */
static violet_status add_id(vl_pictures *p, vl_slice id, uint32_t i)
{
    uint32_t there = i;
    violet_status status = vl_index_add(&p->by_id, &there, id.s, id.n);
    if (status != VIOLET_OK || there == i) return status;
    if (p->tsv)
        return vl_err(VIOLET_EFORMAT, "%s: lines %zu and %zu have the id '%.*s'", p->path,
                      (size_t)there + 1, (size_t)i + 1,
                      (int)(id.n < ID_SHOWN ? id.n : ID_SHOWN), id.s);
    vl_index_set(&p->by_id, i, id.s, id.n);
    return VIOLET_OK;
}

static violet_status add_last(vl_pictures *p, vl_slice id, uint32_t i)
{
    uint32_t there = i;
    const char *slash = strrchr(id.s, '/'), *last = slash ? slash + 1 : id.s;
    size_t n = id.n - (size_t)(last - id.s);
    violet_status status = vl_index_add(&p->by_last, &there, last, n);
    if (status == VIOLET_OK && there != i) vl_index_set(&p->by_last, SEVERAL, last, n);
    return status;
}

violet_status vl_pictures_index(vl_pictures *p)
{
    size_t n = vl_pictures_n(p);
    if (p->by_id.n) return VIOLET_OK;
    if (n >= SEVERAL) return vl_err(VIOLET_EUNSUPPORTED, "%s: %zu records", p->path, n);
    violet_status status = vl_index_reserve(&p->by_id, n);
    for (size_t i = 0; i < n && status == VIOLET_OK; i++) {
        vl_slice id = vl_pictures_id(p, i);
        if (!id.s) continue; /* a bad record, which nobody can ask for */
        status = add_id(p, id, (uint32_t)i);
        if (status == VIOLET_OK && p->are_videos) status = add_last(p, id, (uint32_t)i);
    }
    return status;
}

bool vl_pictures_find(size_t *i, const vl_pictures *p, const char *id, size_t n)
{
    size_t m = vl_video_without_ending(id, n);
    uint32_t k = SEVERAL;
    if (!vl_index_find(&p->by_id, &k, id, n) && !vl_index_find(&p->by_id, &k, id, m) &&
        !vl_index_find(&p->by_last, &k, id, n) && !vl_index_find(&p->by_last, &k, id, m))
        return false;
    *i = k;
    return k != SEVERAL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static violet_status look_pickle(vl_tsv_row *row, const vl_pictures *p, size_t i)
{
    const vl_value *list = vl_value_at(vl_pickle_root(p->pkl), i);
    row->id = vl_pictures_id(p, i);
    row->meta = (vl_slice){NULL, 0};
    row->n_frames = (int)vl_value_n(list);
    if (!row->id.s || vl_value_kind(list) != VL_LIST || vl_value_n(list) > VL_TSV_MAX_FRAMES)
        return vl_err(VIOLET_EFORMAT, "%s entry %zu: expected video: list of at most %d strings",
                      p->path, i, VL_TSV_MAX_FRAMES);
    for (int k = 0; k < row->n_frames; k++) {
        row->frame[k].s = vl_value_str(&row->frame[k].n, vl_value_at(list, (size_t)k));
        if (!row->frame[k].s)
            return vl_err(VIOLET_EFORMAT, "%s video '%.*s': frame %d is no string", p->path,
                          (int)(row->id.n < ID_SHOWN ? row->id.n : ID_SHOWN), row->id.s, k);
    }
    return VIOLET_OK;
}

violet_status vl_pictures_look(vl_record *r, const vl_pictures *p, size_t i)
{
    violet_status status = VIOLET_OK;
    r->of = p;
    r->i = i;
    r->n_frames = 0;
    if (p->are_videos) {
        r->id = vl_pictures_id(p, i);
        return status;
    }
    status = p->tsv ? vl_tsv_read(&r->row, p->tsv, i) : look_pickle(&r->row, p, i);
    if (status != VIOLET_OK) return status;
    r->id = r->row.id;
    r->n_frames = r->row.n_frames;
    return status;
}

enum { SAMPLED = 64 }; /* bytes at a place that a hash looks at */

/* In the middle and at the end pictures of one size differ; base64 may end in padding. */
static uint64_t hash_frame(uint64_t h, vl_slice x)
{
    size_t n = x.n < SAMPLED ? x.n : SAMPLED;
    h = vl_hash(h, &x.n, sizeof x.n);
    h = vl_hash(h, x.s + (x.n - n) / 2, n);
    return vl_hash(h, x.s + x.n - n, n);
}

static uint64_t hash_file(const char *path)
{
    enum { PLACES = 8 };
    char bytes[SAMPLED];
    struct stat st;
    uint64_t h = 1;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        int64_t size = st.st_size, last = size > SAMPLED ? size - SAMPLED : 0;
        h = vl_hash(h, &size, sizeof size);
        for (int i = 0; i < PLACES; i++) {
            ssize_t n = pread(fd, bytes, sizeof bytes, (off_t)(last * i / (PLACES - 1)));
            if (n > 0) h = vl_hash(h, bytes, (size_t)n);
        }
    }
    if (fd >= 0) close(fd);
    return h;
}

uint64_t vl_pictures_hash(const vl_record *r)
{
    const vl_pictures *p = r->of;
    uint64_t h = vl_hash(0, r->id.s, r->id.n);
    if (p->are_videos) return h ^ hash_file(p->videos.file[r->i].path);
    h = vl_hash(h, &r->n_frames, sizeof r->n_frames);
    for (int k = 0; k < r->n_frames; k++) h = hash_frame(h, r->row.frame[k]);
    return h;
}

static violet_status decode_jpeg(vl_picture *out, vl_record *r, vl_slice text)
{
    size_t n;
    if (text.n == 0) return vl_err(VIOLET_EFORMAT, "empty");
    vl_buf_clear(&r->jpeg);
    violet_status status = vl_buf_reserve(&r->jpeg, vl_base64_decoded_most(text.n));
    if (status == VIOLET_OK)
        status = vl_base64_decode((uint8_t *)r->jpeg.data, &n, text.s, text.n);
    return status == VIOLET_OK ? vl_jpeg_decode(out, r->jpeg.data, n) : status;
}

violet_status vl_pictures_frame(vl_picture *out, vl_record *r, int k)
{
    return decode_jpeg(out, r, r->row.frame[k]);
}

static violet_status decode_row(vl_record *r, int T, vl_pictures_give give, void *user)
{
    for (int i = 0; i < T; i++) {
        vl_picture p = {0, 0, NULL};
        int k = vl_pictures_pick(i, r->n_frames, T);
        violet_status status = decode_jpeg(&p, r, r->row.frame[k]);
        if (status == VIOLET_OK) status = give(user, i, &p);
        vl_picture_release(&p);
        if (status != VIOLET_OK) return vl_err_at(status, "frame %d", k);
    }
    return VIOLET_OK;
}

/* Frames of a video go through a JPEG on their way, as they would have in an extracted file. */
typedef struct roundtrip {
    vl_record *r;
    vl_pictures_give give;
    void *user;
} roundtrip;

static violet_status give_roundtrip(void *user, int i, const vl_picture *picture)
{
    const roundtrip *t = user;
    vl_picture p = {0, 0, NULL};
    vl_buf_clear(&t->r->jpeg);
    violet_status status = vl_jpeg_encode(&t->r->jpeg, picture, t->r->of->o.jpeg);
    if (status == VIOLET_OK) status = vl_jpeg_decode(&p, t->r->jpeg.data, t->r->jpeg.n);
    if (status == VIOLET_OK) status = t->give(t->user, i, &p);
    vl_picture_release(&p);
    return status;
}

static violet_status decode_video(vl_record *r, int T, vl_pictures_give give, void *user)
{
    const vl_pictures *p = r->of;
    vl_video_pick pick = {.n_samples = T,
                          .fast = p->o.fast,
                          .shape = p->o.shape,
                          .stop = r->stop};
    vl_video_result result;
    roundtrip t = {r, give, user};
    const char *path = p->videos.file[r->i].path;
    if (p->o.jpeg) return vl_video_sample(&result, path, &pick, give_roundtrip, &t);
    return vl_video_sample(&result, path, &pick, give, user);
}

violet_status vl_pictures_decode(vl_record *r, int T, vl_pictures_give give, void *user)
{
    return r->of->are_videos ? decode_video(r, T, give, user) : decode_row(r, T, give, user);
}

void vl_record_release(vl_record *r)
{
    vl_buf_free(&r->jpeg);
}
