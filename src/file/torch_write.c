/* PyTorch's zip container, written; see torch_write.h.
 *
 * The document is what torch.save makes of a dict of tensors, spelled with the few opcodes that
 * its weights-only reader knows. A value that many tensors need (a class, a word) is spelled and
 * memoized once and fetched from then on:
 *
 *     }( name  _rebuild_tensor_v2 ( ('storage', FloatStorage, key, 'cpu', n) persistent-id
 *              0  shape  stride  False  OrderedDict() ) call    ... u .
 *
 * Unsigned integers of more than 8 bits have no storage class of their own: theirs is untyped, in
 * bytes, and _rebuild_tensor_v3 is told the dtype. */
#include "file/torch_write.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "file/tensors_plan.h"
#include "file/zip_write.h"

#define ALIGNMENT 64
#define FOLDER "archive/"

struct vl_torch_writer {
    vl_zip_out zip;
    vl_due due;
    size_t *bytes; /* (n) of the tensors */
    size_t n, begun;
};

/* ---- the document ---------------------------------------------------------------------------- */

/* What is memoized, by its number in the memo. First the words, then two a type. */
enum { REBUILD, REBUILD_TYPED, STORAGE, CPU, NO_HOOKS, UNTYPED, N_WORDS };

static const struct {
    const char *opcodes;
    size_t n;
} words[N_WORDS] = {
#define WORD(s) {s, sizeof(s) - 1}
    [REBUILD] = WORD("ctorch._utils\n_rebuild_tensor_v2\n"),
    [REBUILD_TYPED] = WORD("ctorch._utils\n_rebuild_tensor_v3\n"),
    [STORAGE] = WORD("X\7\0\0\0storage"),
    [CPU] = WORD("X\3\0\0\0cpu"),
    [NO_HOOKS] = WORD("ccollections\nOrderedDict\n"),
    [UNTYPED] = WORD("ctorch.storage\nUntypedStorage\n"),
};

static const struct {
    const char *storage; /* its class; NULL: untyped */
    const char *dtype;   /* for those */
} types[] = {
    [VL_DT_F64] = {"DoubleStorage", NULL}, [VL_DT_F32] = {"FloatStorage", NULL},
    [VL_DT_F16] = {"HalfStorage", NULL},   [VL_DT_BF16] = {"BFloat16Storage", NULL},
    [VL_DT_I64] = {"LongStorage", NULL},   [VL_DT_I32] = {"IntStorage", NULL},
    [VL_DT_I16] = {"ShortStorage", NULL},  [VL_DT_I8] = {"CharStorage", NULL},
    [VL_DT_U64] = {NULL, "uint64"},        [VL_DT_U32] = {NULL, "uint32"},
    [VL_DT_U16] = {NULL, "uint16"},        [VL_DT_U8] = {"ByteStorage", NULL},
    [VL_DT_BOOL] = {"BoolStorage", NULL},
};

typedef struct document {
    vl_buf b;
    bool memoized[N_WORDS + sizeof types / sizeof *types];
    violet_status status; /* of the first call that failed */
} document;

static void put(document *d, const void *bytes, size_t n)
{
    if (d->status == VIOLET_OK) d->status = vl_buf_append(&d->b, bytes, n);
}

#define PUT(d, literal) put(d, literal, sizeof(literal) - 1)

static void put_string(document *d, const char *s)
{
    uint32_t n = (uint32_t)strlen(s);
    PUT(d, "X");
    put(d, &n, 4);
    put(d, s, n);
}

/* The shortest opcode for a number of 0 or more, as Python's own writer. */
static void put_int(document *d, uint64_t x)
{
    if (x < 0x100) {
        PUT(d, "K");
        put(d, &x, 1);
    } else if (x < 0x10000) {
        PUT(d, "M");
        put(d, &x, 2);
    } else if (x < 0x80000000) {
        PUT(d, "J");
        put(d, &x, 4);
    } else { /* LONG1 of 8 bytes: two's complement, so 2^63 needs none more */
        PUT(d, "\x8a\x08");
        put(d, &x, 8);
    }
}

static void put_tuple(document *d, const int64_t *x, int n)
{
    static const char *const closing[] = {")", "\x85", "\x86", "\x87"};
    if (n > 3) PUT(d, "(");
    for (int i = 0; i < n; i++) put_int(d, (uint64_t)x[i]);
    put(d, n > 3 ? "t" : closing[n], 1);
}

/* Spelled and memoized the first time, fetched later. */
static bool fetched(document *d, int id)
{
    const uint8_t op[] = {d->memoized[id] ? 'h' : 'q', (uint8_t)id};
    if (d->memoized[id]) put(d, op, 2);
    return d->memoized[id];
}

static void memoize(document *d, int id)
{
    const uint8_t op[] = {'q', (uint8_t)id};
    put(d, op, 2);
    d->memoized[id] = true;
}

static void put_word(document *d, int id)
{
    if (fetched(d, id)) return;
    put(d, words[id].opcodes, words[id].n);
    memoize(d, id);
}

/* The global torch.NAME that stands for a type. */
static void put_type(document *d, vl_dtype t, const char *name)
{
    int id = N_WORDS + (int)t;
    if (fetched(d, id)) return;
    PUT(d, "ctorch\n");
    put(d, name, strlen(name));
    PUT(d, "\n");
    memoize(d, id);
}

/* ('storage', class, key, 'cpu', elements) as a persistent id. */
static void put_storage(document *d, const vl_safetensor *t, size_t key, size_t n, size_t n_bytes)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", key);
    PUT(d, "(");
    put_word(d, STORAGE);
    if (types[t->dtype].storage)
        put_type(d, t->dtype, types[t->dtype].storage);
    else
        put_word(d, UNTYPED);
    put_string(d, text);
    put_word(d, CPU);
    put_int(d, types[t->dtype].storage ? n : n_bytes);
    PUT(d, "tQ");
}

/* One item of the dictionary: a contiguous tensor that is all of storage `key`. */
static void put_tensor(document *d, const char *name, const vl_safetensor *t, size_t key)
{
    int64_t stride[VL_SAFETENSORS_MAX_DIM], step = 1;
    size_t n, n_bytes;
    bool typed = types[t->dtype].dtype != NULL;
    d->status = d->status == VIOLET_OK ? vl_tensors_size(&n, &n_bytes, t) : d->status;
    if (d->status != VIOLET_OK) return;
    for (int i = t->n_dim - 1; i >= 0; i--) {
        stride[i] = step;
        if (__builtin_mul_overflow(step, t->shape[i] > 1 ? t->shape[i] : 1, &step))
            step = 0; /* beside a size of 0, others may be absurd */
    }
    put_string(d, name);
    put_word(d, typed ? REBUILD_TYPED : REBUILD);
    PUT(d, "(");
    put_storage(d, t, key, n, n_bytes);
    PUT(d, "K\0"); /* starts at its first element */
    put_tuple(d, t->shape, t->n_dim);
    put_tuple(d, stride, t->n_dim);
    PUT(d, "\x89"); /* needs no gradient */
    put_word(d, NO_HOOKS);
    PUT(d, ")R");
    if (typed) put_type(d, t->dtype, types[t->dtype].dtype);
    PUT(d, "tR");
}

static violet_status put_document(vl_zip_out *z, const vl_tensors_plan *plan)
{
    document d = {.status = VIOLET_OK};
    PUT(&d, "\x80\2}(");
    for (size_t i = 0; i < plan->n; i++) put_tensor(&d, plan->list[i].name, &plan->list[i], i);
    for (size_t i = 0; i < plan->n_aliases; i++)
        put_tensor(&d, plan->aliases[i].name, &plan->list[plan->aliases[i].of],
                   plan->aliases[i].of);
    PUT(&d, "u.");
    if (d.status == VIOLET_OK) d.status = vl_zip_put(z, FOLDER "data.pkl", d.b.data, d.b.n);
    vl_buf_free(&d.b);
    return d.status;
}

static violet_status put_metadata(vl_zip_out *z, const vl_tensors_plan *plan)
{
    violet_status status = VIOLET_OK;
    json_t *o = json_object();
    for (size_t i = 0; i < plan->n_metadata && status == VIOLET_OK; i++)
        if (json_object_set_new(o, plan->metadata[2 * i], json_string(plan->metadata[2 * i + 1])))
            status = vl_err_nomem();
    char *text = status == VIOLET_OK ? json_dumps(o, JSON_COMPACT) : NULL;
    if (text)
        status = vl_zip_put(z, FOLDER "violet.json", text, strlen(text));
    else if (status == VIOLET_OK)
        status = vl_err_nomem();
    free(text);
    json_decref(o);
    return status;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* What this format asks beside what all do. */
static violet_status check(const vl_tensors_plan *plan)
{
    violet_status status = vl_tensors_plan_check(plan);
    for (size_t i = 0; i < plan->n + plan->n_aliases && status == VIOLET_OK; i++) {
        const char *name = i < plan->n ? plan->list[i].name : plan->aliases[i - plan->n].name;
        if (!name[0]) status = vl_err(VIOLET_EINVAL, "tensor %zu: expected a name", i);
        if (strlen(name) > INT32_MAX)
            status = vl_err(VIOLET_EINVAL, "tensor '%.100s...': a name of %zu bytes", name,
                            strlen(name));
    }
    return status;
}

static violet_status start(vl_torch_writer *w, const char *path, const vl_tensors_plan *plan)
{
    size_t n_elements;
    violet_status status = check(plan);
    if (status == VIOLET_OK) status = vl_due_init(&w->due, path, plan->list, plan->n);
    if (status != VIOLET_OK) return vl_err_at(status, "%s", path);
    w->bytes = malloc((plan->n + 1) * sizeof *w->bytes);
    if (!w->bytes) return vl_err_nomem();
    for (w->n = 0; w->n < plan->n && status == VIOLET_OK; w->n++)
        status = vl_tensors_size(&n_elements, &w->bytes[w->n], &plan->list[w->n]);
    if (status == VIOLET_OK) status = vl_zip_create(&w->zip, path);
    if (status == VIOLET_OK) status = put_document(&w->zip, plan);
    if (status == VIOLET_OK) status = vl_zip_put(&w->zip, FOLDER "byteorder", "little", 6);
    if (status == VIOLET_OK) status = vl_zip_put(&w->zip, FOLDER "version", "3\n", 2);
    if (status == VIOLET_OK && plan->n_metadata) status = put_metadata(&w->zip, plan);
    return status;
}

violet_status vl_torch_create(vl_torch_writer **out, const char *path, const vl_tensors_plan *plan)
{
    *out = NULL;
    vl_torch_writer *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    violet_status status = start(w, path, plan);
    if (status == VIOLET_OK)
        *out = w;
    else
        vl_torch_abandon(w);
    return status;
}

static violet_status begin_storage(vl_torch_writer *w)
{
    char name[64];
    snprintf(name, sizeof name, FOLDER "data/%zu", w->begun);
    return vl_zip_begin(&w->zip, name, w->bytes[w->begun++], ALIGNMENT);
}

violet_status vl_torch_push(vl_torch_writer *w, const void *data, size_t n_bytes)
{
    const uint8_t *at = data;
    violet_status status = vl_due_push(&w->due, n_bytes);
    while (n_bytes && status == VIOLET_OK) {
        uint64_t due = w->zip.due;
        size_t n = n_bytes < due ? n_bytes : (size_t)due;
        status = due ? vl_zip_push(&w->zip, at, n) : begin_storage(w);
        at += n;
        n_bytes -= n;
    }
    return status;
}

violet_status vl_torch_finish(vl_torch_writer *w)
{
    violet_status status = vl_due_end(&w->due);
    while (status == VIOLET_OK && w->begun < w->n) status = begin_storage(w); /* of no bytes */
    if (status == VIOLET_OK) status = vl_zip_finish(&w->zip);
    vl_torch_abandon(w);
    return status;
}

void vl_torch_abandon(vl_torch_writer *w)
{
    if (!w) return;
    vl_zip_abandon(&w->zip);
    vl_due_release(&w->due);
    free(w->bytes);
    free(w);
}
