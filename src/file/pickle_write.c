/* Writes {str: [str]} and {str: int16 array} in protocol 4; see pickle.h.
 *
 * The names that an array needs are spelled and memoized at the first array, later ones fetch
 * them. Items go in batches of 1000 between MARK and SETITEMS, as Python's own writer does. No
 * FRAME: frames are optional in protocol 4. */
#include "file/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define BATCH 1000


struct vl_pickle_writer {
    vl_out out;
    size_t n; /* items so far */
    bool names_written;
};

static violet_status put(vl_pickle_writer *w, const char *s, size_t n)
{
    return vl_out_write(&w->out, s, n);
}

#define PUT(w, literal) put(w, literal, sizeof(literal) - 1)

static violet_status put_uint(vl_pickle_writer *w, char op, uint64_t x, int n_bytes)
{
    violet_status status = put(w, &op, 1);
    return status == VIOLET_OK ? vl_out_write(&w->out, &x, (size_t)n_bytes) : status;
}

static violet_status put_str(vl_pickle_writer *w, const char *s, size_t n)
{
    if (n > UINT32_MAX) return vl_err(VIOLET_EUNSUPPORTED, "string of %zu bytes", n);
    violet_status status = n < 256 ? put_uint(w, '\x8c', n, 1) : put_uint(w, 'X', n, 4);
    return status == VIOLET_OK ? put(w, s, n) : status;
}

violet_status vl_pickle_create(vl_pickle_writer **out, const char *path)
{
    *out = NULL;
    vl_pickle_writer *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    violet_status status = vl_out_open(&w->out, path);
    if (status == VIOLET_OK) status = PUT(w, "\x80\4}");
    if (status == VIOLET_OK)
        *out = w;
    else
        vl_pickle_abandon(w);
    return status;
}

static violet_status put_key(vl_pickle_writer *w, const char *key)
{
    violet_status status = VIOLET_OK;
    if (w->n % BATCH == 0) status = w->n ? PUT(w, "u(") : PUT(w, "(");
    w->n++;
    return status == VIOLET_OK ? put_str(w, key, strlen(key)) : status;
}

violet_status vl_pickle_put_strings(vl_pickle_writer *w, const char *key,
                                    const char *const *strings, const size_t *n_bytes, size_t n)
{
    violet_status status = put_key(w, key);
    if (status == VIOLET_OK) status = PUT(w, "](");
    for (size_t i = 0; i < n && status == VIOLET_OK; i++)
        status = put_str(w, strings[i], n_bytes[i]);
    return status == VIOLET_OK ? PUT(w, "e") : status;
}

/* _reconstruct(ndarray, (0,), b'b'); the first time each part is spelled and memoized. */
static violet_status put_reconstruct(vl_pickle_writer *w)
{
    if (w->names_written) return PUT(w, "h\0h\1h\2h\3\x87R(K\1");
    return PUT(w, "\x8c\x15numpy.core.multiarray\x8c\x0c_reconstruct\x93\x94"
                  "\x8c\5numpy\x8c\7ndarray\x93\x94K\0\x85\x94" "C\1b\x94\x87R(K\1");
}

static violet_status put_dtype(vl_pickle_writer *w)
{
    if (w->names_written) return PUT(w, "h\4\x89");
    w->names_written = true;
    return PUT(w, "\x8c\5numpy\x8c\5dtype\x93\x8c\2i2\x89\x88\x87R(K\3\x8c\1<NNNJ\xff\xff\xff\xff"
                  "J\xff\xff\xff\xffK\0tb\x94\x89");
}

violet_status vl_pickle_put_i16(vl_pickle_writer *w, const char *key, const int16_t *data,
                                const int64_t *shape, int n_dim)
{
    size_t n_bytes = sizeof *data;
    violet_status status = put_key(w, key);
    if (status == VIOLET_OK) status = put_reconstruct(w);
    if (status == VIOLET_OK) status = PUT(w, "(");
    for (int i = 0; i < n_dim && status == VIOLET_OK; i++) {
        n_bytes *= (size_t)shape[i];
        if (shape[i] < 0 || shape[i] > INT32_MAX || n_bytes > UINT32_MAX)
            return vl_err(VIOLET_EINVAL, "array '%s' is too large for a pickle", key);
        status = put_uint(w, 'J', (uint64_t)shape[i], 4);
    }
    if (status == VIOLET_OK) status = PUT(w, "t");
    if (status == VIOLET_OK) status = put_dtype(w);
    if (status == VIOLET_OK) status = put_uint(w, 'B', n_bytes, 4);
    if (status == VIOLET_OK) status = vl_out_write(&w->out, data, n_bytes);
    return status == VIOLET_OK ? PUT(w, "tb") : status;
}

violet_status vl_pickle_finish(vl_pickle_writer *w)
{
    violet_status status = w->n ? PUT(w, "u.") : PUT(w, ".");
    if (status == VIOLET_OK) status = vl_out_commit(&w->out);
    vl_pickle_abandon(w);
    return status;
}

void vl_pickle_abandon(vl_pickle_writer *w)
{
    if (!w) return;
    vl_out_abandon(&w->out);
    free(w);
}
