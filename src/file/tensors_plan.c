/* Plans checked, data counted; see tensors_plan.h. */
#include "file/tensors_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

violet_status vl_tensors_size(size_t *n, size_t *n_bytes, const vl_safetensor *t)
{
    *n = 1;
    for (int i = 0; i < t->n_dim; i++)
        if (t->shape[i] < 0 || __builtin_mul_overflow(*n, (size_t)t->shape[i], n))
            return vl_err(VIOLET_EFORMAT, "shape overflows");
    if (__builtin_mul_overflow(*n, vl_dtype_bytes(t->dtype), n_bytes))
        return vl_err(VIOLET_EFORMAT, "shape overflows");
    return VIOLET_OK;
}

/* ---- plans ----------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static violet_status check_names(const vl_tensors_plan *p)
{
    violet_status status = VIOLET_OK;
    size_t n = p->n + p->n_aliases;
    const char **names = malloc((n + 1) * sizeof *names);
    if (!names) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) {
        names[i] = i < p->n ? p->list[i].name : p->aliases[i - p->n].name;
        if (vl_utf8_valid(names[i])) continue;
        status = vl_err(VIOLET_EINVAL, "tensor '%s': the name is not UTF-8", names[i]);
        goto done;
    }
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 1; i < n && status == VIOLET_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status = vl_err(VIOLET_EINVAL, "tensor '%s' is there twice", names[i]);
done:
    free(names);
    return status;
}

violet_status vl_tensors_plan_check(const vl_tensors_plan *p)
{
    size_t n, n_bytes;
    violet_status status = check_names(p);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < p->n; i++) {
        const vl_safetensor *t = &p->list[i];
        if (t->n_dim < 0 || t->n_dim > VL_SAFETENSORS_MAX_DIM)
            return vl_err(VIOLET_EINVAL, "tensor '%s': %d dimensions", t->name, t->n_dim);
        if (vl_tensors_size(&n, &n_bytes, t) != VIOLET_OK)
            return vl_err_at(VIOLET_EINVAL, "tensor '%s'", t->name);
    }
    for (size_t i = 0; i < p->n_aliases; i++)
        if (p->aliases[i].of >= p->n)
            return vl_err(VIOLET_EINVAL, "'%s' stands for tensor %zu of %zu", p->aliases[i].name,
                          p->aliases[i].of, p->n);
    for (size_t i = 0; i < p->n_metadata; i++)
        if (!vl_utf8_valid(p->metadata[2 * i]) || !vl_utf8_valid(p->metadata[2 * i + 1]))
            return vl_err(VIOLET_EINVAL, "metadata '%s' is not UTF-8", p->metadata[2 * i]);
    return VIOLET_OK;
}

/* ---- data ------------------------------------------------------------------------------------ */

violet_status vl_due_init(vl_due *d, const char *path, const vl_safetensor *list, size_t n)
{
    *d = (vl_due){.path = strdup(path)};
    if (!d->path) return vl_err_nomem();
    for (size_t i = 0; i < n; i++) {
        size_t elements, n_bytes;
        violet_status status = vl_tensors_size(&elements, &n_bytes, &list[i]);
        if (status != VIOLET_OK) return status;
        if (__builtin_add_overflow(d->all, n_bytes, &d->all))
            return vl_err(VIOLET_EINVAL, "the tensors' sizes overflow");
    }
    return VIOLET_OK;
}

static violet_status wrong(const vl_due *d, uint64_t pushed)
{
    return vl_err(VIOLET_EINVAL, "%s: %llu bytes of data pushed, described were %llu", d->path,
                  (unsigned long long)pushed, (unsigned long long)d->all);
}

violet_status vl_due_push(vl_due *d, size_t n_bytes)
{
    if (n_bytes > d->all - d->pushed) return wrong(d, d->pushed + n_bytes);
    d->pushed += n_bytes;
    return VIOLET_OK;
}

violet_status vl_due_end(const vl_due *d)
{
    return d->pushed == d->all ? VIOLET_OK : wrong(d, d->pushed);
}

void vl_due_release(vl_due *d)
{
    free(d->path);
    *d = (vl_due){0};
}
