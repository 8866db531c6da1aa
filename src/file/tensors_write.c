/* Files of tensors, written in the format of their name; see tensors.h. */
#include <stdlib.h>
#include <string.h>

#include "file/tensors.h"
#include "file/torch_write.h"

struct vl_tensors_writer {
    vl_safetensors_writer *safetensors; /* one of the two is there */
    vl_torch_writer *torch;
};

int vl_tensors_kind_of_name(const char *path)
{
    static const struct {
        const char *extension;
        int kind;
    } known[] = {{".safetensors", 's'}, {".pt", 't'}, {".pth", 't'}, {".bin", 't'}, {".pkl", 't'}};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot > name && i < sizeof known / sizeof *known; i++)
        if (strcmp(dot, known[i].extension) == 0) return known[i].kind;
    return 0;
}

violet_status vl_tensors_create(vl_tensors_writer **out, const char *path,
                                const vl_tensors_plan *plan)
{
    violet_status status;
    int kind = vl_tensors_kind_of_name(path);
    *out = NULL;
    if (!kind)
        return vl_err(VIOLET_EINVAL, "%s: expected a name that ends in .safetensors, .pt, .pth, "
                      ".bin or .pkl", path);
    vl_tensors_writer *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    if (kind == 's')
        status = vl_safetensors_create(&w->safetensors, path, plan->list, plan->n, plan->metadata,
                                       plan->n_metadata);
    else
        status = vl_torch_create(&w->torch, path, plan);
    if (status == VIOLET_OK)
        *out = w;
    else
        vl_tensors_abandon(w);
    return status;
}

violet_status vl_tensors_push(vl_tensors_writer *w, const void *data, size_t n_bytes)
{
    return w->torch ? vl_torch_push(w->torch, data, n_bytes)
                    : vl_safetensors_push(w->safetensors, data, n_bytes);
}

violet_status vl_tensors_finish(vl_tensors_writer *w)
{
    violet_status status =
        w->torch ? vl_torch_finish(w->torch) : vl_safetensors_finish(w->safetensors);
    free(w);
    return status;
}

void vl_tensors_abandon(vl_tensors_writer *w)
{
    if (!w) return;
    vl_torch_abandon(w->torch);
    vl_safetensors_abandon(w->safetensors);
    free(w);
}
