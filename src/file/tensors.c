/* Files of tensors, read; see tensors.h. */
#include "file/tensors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "file/torch.h"

struct vl_tensors {
    vl_map map;
    int fd;
    vl_torch *torch; /* one of the two is there */
    vl_safetensors *safetensors;
    vl_stored *list; /* of safetensors, by offset */
};

/* ---- opening --------------------------------------------------------------------------------- */

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}

static bool looks_like_safetensors(const vl_map *map, const char *path)
{
    return ends(path, ".safetensors") || (map->n > 8 && map->data[8] == '{');
}

/* Says what a file is that is not of tensors. A pickle starts with its protocol; what its reader
 * refuses in it is worth more than what it lacks. */
static violet_status no_tensors(const vl_map *map, const char *path)
{
    const char *what = map->n ? "of an unknown format" : "empty";
    vl_pickle *doc;
    if (map->n > 2 && map->data[0] == 0x80 && map->data[1] >= 2 && map->data[1] <= 5) {
        violet_status status = vl_pickle_parse(&doc, map->data, map->n, path, NULL);
        if (status != VIOLET_OK) return status;
        vl_pickle_close(doc);
        what = "a plain pickle";
    }
    return vl_err(VIOLET_EFORMAT,
                  "%s: %s, expected a file of tensors: safetensors, or PyTorch's (.pt)", path,
                  what);
}

static vl_stored stored_of(const vl_safetensor *t)
{
    vl_stored s = {
        .name = t->name, .dtype = t->dtype, .n_dim = t->n_dim, .n = t->n, .data = t->data};
    int64_t stride = 1;
    for (int d = t->n_dim - 1; d >= 0; d--) {
        s.shape[d] = t->shape[d];
        s.stride[d] = stride;
        stride = t->n ? stride * t->shape[d] : 0; /* beside a 0, sizes may be absurd */
    }
    return s;
}

static violet_status list_safetensors(vl_tensors *f)
{
    size_t n = vl_safetensors_n(f->safetensors);
    f->list = calloc(n + 1, sizeof *f->list);
    if (!f->list) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) f->list[i] = stored_of(vl_safetensors_at(f->safetensors, i));
    return VIOLET_OK;
}

static violet_status parse(vl_tensors *f, const char *path)
{
    if (vl_torch_looks(f->map.data, f->map.n))
        return vl_torch_parse(&f->torch, f->map.data, f->map.n, path);
    if (!looks_like_safetensors(&f->map, path)) return no_tensors(&f->map, path);
    violet_status status = vl_safetensors_parse(&f->safetensors, f->map.data, f->map.n, path);
    return status == VIOLET_OK ? list_safetensors(f) : status;
}

violet_status vl_tensors_open(vl_tensors **out, const char *path)
{
    *out = NULL;
    vl_tensors *f = calloc(1, sizeof *f);
    if (!f) return vl_err_nomem();
    violet_status status = vl_map_open_fd(&f->map, &f->fd, path);
    if (status == VIOLET_OK) status = parse(f, path);
    if (status == VIOLET_OK)
        *out = f;
    else
        vl_tensors_close(f);
    return status;
}

void vl_tensors_close(vl_tensors *f)
{
    if (!f) return;
    vl_torch_close(f->torch);
    vl_safetensors_close(f->safetensors);
    free(f->list);
    vl_map_close(&f->map);
    if (f->fd >= 0) close(f->fd);
    free(f);
}

/* ---- what there is --------------------------------------------------------------------------- */

const char *vl_tensors_format(const vl_tensors *f)
{
    if (!f->torch) return "safetensors";
    return vl_torch_is_zip(f->torch) ? "PyTorch, zip" : "PyTorch, legacy";
}

const char *vl_tensors_prefix(const vl_tensors *f)
{
    return f->torch ? vl_torch_prefix(f->torch) : "";
}

const struct vl_torch *vl_tensors_torch(const vl_tensors *f)
{
    return f->torch;
}

size_t vl_tensors_n(const vl_tensors *f)
{
    return f->torch ? vl_torch_n(f->torch) : vl_safetensors_n(f->safetensors);
}

const vl_stored *vl_tensors_at(const vl_tensors *f, size_t i)
{
    if (f->torch) return vl_torch_at(f->torch, i);
    return i < vl_safetensors_n(f->safetensors) ? &f->list[i] : NULL;
}

const vl_stored *vl_tensors_find(const vl_tensors *f, const char *name)
{
    if (f->torch) return vl_torch_find(f->torch, name);
    const vl_safetensor *t = vl_safetensors_find(f->safetensors, name);
    return t ? &f->list[t - vl_safetensors_at(f->safetensors, 0)] : NULL;
}

const json_t *vl_tensors_all_metadata(const vl_tensors *f)
{
    return f->torch ? vl_torch_metadata(f->torch) : vl_safetensors_all_metadata(f->safetensors);
}

const char *vl_tensors_metadata(const vl_tensors *f, const char *key)
{
    return json_string_value(json_object_get(vl_tensors_all_metadata(f), key));
}

/* ---- values ---------------------------------------------------------------------------------- */

static violet_status read_at(void *out, int fd, size_t n, size_t at, const char *name)
{
    while (n > 0) {
        ssize_t got = pread(fd, out, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return vl_err_errno("read tensor '%s'", name);
        if (got == 0) return vl_err(VIOLET_EIO, "tensor '%s': the file was cut short", name);
        out = (char *)out + got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return VIOLET_OK;
}

violet_status vl_tensors_read(float *out, const vl_tensors *f, const vl_stored *t, size_t first,
                              size_t n)
{
    bool in_file = n && t->data >= f->map.data && t->data < f->map.data + f->map.n;
    if (in_file && t->dtype == VL_DT_F32 && vl_stored_is_plain(t))
        return read_at(out, f->fd, n * sizeof *out,
                       (size_t)(t->data - f->map.data) + first * sizeof *out, t->name);
    vl_stored_floats(out, t, first, n);
    return VIOLET_OK;
}
