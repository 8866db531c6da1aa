/* See vq_file.h. */
#include "extract/vq_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "extract/manifest.h"

#define HEAD_BYTES 16
#define SYNC_SECONDS 10
#define HEADER_MOST 65536

static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = n, word;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        h = vl_rng_mix64(h ^ word);
    }
    word = 0;
    memcpy(&word, p, n);
    return vl_rng_mix64(h ^ word);
}

/* ---- reading --------------------------------------------------------------------------------- */

violet_status vq_reader_open(vq_reader *r, const char *path)
{
    *r = (vq_reader){0};
    violet_status status = vl_map_open(&r->map, path);
    if (status != VIOLET_OK) return status;
    size_t most = r->map.n < HEADER_MOST ? r->map.n : HEADER_MOST;
    const uint8_t *end = memchr(r->map.data, '\n', most);
    if (!end) return VIOLET_OK;
    size_t n = (size_t)(end - r->map.data);
    r->header = json_loadb((const char *)r->map.data, n, 0, NULL);
    json_int_t h = json_integer_value(json_object_get(r->header, "grid"));
    if (h < 1 || h > 1000) {
        json_decref(r->header);
        r->header = NULL;
        return VIOLET_OK;
    }
    r->h = (int)h;
    r->at = n + 1;
    return VIOLET_OK;
}

void vq_reader_close(vq_reader *r)
{
    vl_map_close(&r->map);
    json_decref(r->header);
    *r = (vq_reader){0};
}

bool vq_reader_next(vq_record *out, vq_reader *r)
{
    uint64_t hash;
    uint32_t n_id, T;
    const uint8_t *p = r->map.data + r->at;
    size_t left = r->map.n - r->at, each = 2 * (size_t)r->h * (size_t)r->h;
    if (!r->header || left < HEAD_BYTES) return false;
    memcpy(&hash, p, 8);
    memcpy(&n_id, p + 8, 4);
    memcpy(&T, p + 12, 4);
    left -= HEAD_BYTES;
    if (n_id > left || T > (left - n_id) / each || T > INT32_MAX) return false;
    size_t n = HEAD_BYTES + n_id + T * each;
    if (hash_of(p + 8, n - 8) != hash) return false;
    *out = (vq_record){{(const char *)p + HEAD_BYTES, n_id}, (int)T, p + HEAD_BYTES + n_id};
    r->at += n;
    return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

static violet_status append(vq_file *f)
{
    return vl_fd_append(f->fd, &f->bytes, f->record.data, f->record.n, f->path);
}

violet_status vq_file_sync(vq_file *f)
{
    f->synced = vl_now();
    return vl_fd_sync(f->fd, f->path);
}

/* What of an earlier file counts: *bytes of it. */
static violet_status look_back(vq_file *f, size_t *bytes, const json_t *header,
                               vl_slice (*id_of)(const void *, size_t), const void *user)
{
    vq_reader r;
    vq_record record;
    *bytes = 0;
    violet_status status = vq_reader_open(&r, f->path);
    if (status == VIOLET_OK && r.header) status = vl_manifest_same(header, r.header, f->path);
    for (*bytes = r.at; status == VIOLET_OK && vq_reader_next(&record, &r); *bytes = r.at) {
        vl_slice id = id_of(user, f->n);
        if (!id.s || id.n != record.id.n || memcmp(id.s, record.id.s, id.n) != 0) break;
        f->n++;
        f->n_bad += record.T == 0;
        f->n_frames += (size_t)record.T;
    }
    vq_reader_close(&r);
    return status;
}

static violet_status begin(vq_file *f, const json_t *header)
{
    violet_status status = vl_manifest_line(&f->record, header);
    return status == VIOLET_OK ? append(f) : status;
}

violet_status vq_file_open(vq_file *f, const char *path, const json_t *header, bool anew,
                           vl_slice (*id_of)(const void *user, size_t i), const void *user)
{
    size_t bytes = 0;
    *f = (vq_file){.fd = -1, .path = strdup(path)};
    if (!f->path) return vl_err_nomem();
    f->h = (int)json_integer_value(json_object_get(header, "grid"));
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f->fd < 0) return vl_err_errno("create '%s'", path);
    violet_status status = vl_fd_lock(f->fd, path);
    if (status != VIOLET_OK) return status;
    if (!anew) status = look_back(f, &bytes, header, id_of, user);
    if (status == VIOLET_OK && ftruncate(f->fd, (off_t)bytes) != 0)
        status = vl_err_errno("truncate '%s'", path);
    f->bytes = bytes;
    if (status == VIOLET_OK && bytes == 0) status = begin(f, header);
    f->synced = vl_now();
    return status;
}

violet_status vq_file_put(vq_file *f, vl_slice id, const int32_t *tokens, int T)
{
    size_t n_tokens = (size_t)T * (size_t)f->h * (size_t)f->h;
    size_t n = HEAD_BYTES + id.n + 2 * n_tokens;
    vl_buf_clear(&f->record);
    violet_status status = vl_buf_reserve(&f->record, n);
    if (status != VIOLET_OK) return status;
    uint8_t *p = (uint8_t *)f->record.data;
    memcpy(p + 8, &(uint32_t){(uint32_t)id.n}, 4);
    memcpy(p + 12, &T, 4);
    memcpy(p + HEAD_BYTES, id.s, id.n);
    for (size_t i = 0; i < n_tokens; i++)
        memcpy(p + HEAD_BYTES + id.n + 2 * i, &(int16_t){(int16_t)tokens[i]}, 2);
    memcpy(p, &(uint64_t){hash_of(p + 8, n - 8)}, 8);
    f->record.n = n;
    if ((status = append(f)) != VIOLET_OK) return status;
    f->n++;
    f->n_bad += T == 0;
    f->n_frames += (size_t)T;
    return vl_now() - f->synced > SYNC_SECONDS ? vq_file_sync(f) : VIOLET_OK;
}

void vq_file_close(vq_file *f)
{
    if (f->fd >= 0) close(f->fd);
    free(f->path);
    vl_buf_free(&f->record);
    *f = (vq_file){.fd = -1};
}
