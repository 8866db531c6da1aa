/* The globals of PyTorch's pickles and what they make: descriptions of storages and tensors, and
 * inert stand-ins for the small things that checkpoints carry along (sizes, devices, paths).
 * Nothing here looks at a tensor's data; torch.c does, with every number checked. */
#include <string.h>

#include "file/torch_internal.h"

static vl_value *arg(const vl_value *args, size_t i)
{
    return (vl_value *)(uintptr_t)vl_value_at(args, i);
}

static violet_status expected(const char *what)
{
    return vl_err(VIOLET_EFORMAT, "expected %s", what);
}

static bool is_global(const vl_value *v, const char *module, const char *name)
{
    const char *m, *s;
    size_t n_m, n_s;
    return vl_value_global(&m, &n_m, &s, &n_s, v) && strlen(name) == n_s &&
           memcmp(name, s, n_s) == 0 &&
           (!module || (strlen(module) == n_m && memcmp(module, m, n_m) == 0));
}

/* A value that stands for something of torch's: `row` tells what. */
static violet_status foreign(vl_value **out, vl_pickle *doc, const vl_pickle_call *row, void *data)
{
    vl_value *v = vl_pickle_value(doc, VL_FOREIGN);
    struct vl_object *o = v ? vl_pickle_alloc(doc, sizeof *o) : NULL;
    if (!o) return vl_pickle_nomem(doc);
    o->call = row;
    o->data = data;
    v->u.object = o;
    *out = v;
    return VIOLET_OK;
}

/* ---- storages -------------------------------------------------------------------------------- */

#define KEY_MOST 200 /* they are numbers; one that is long and shared would take long to compare */

static const vl_pickle_call storage_row = {"torch", "Storage", NULL, NULL};

/* By the class of a storage; by the name of a dtype. */
static const struct {
    const char *storage, *dtype;
    vl_dtype type;
} types[] = {
    {"DoubleStorage", "float64", VL_DT_F64}, {"FloatStorage", "float32", VL_DT_F32},
    {"HalfStorage", "float16", VL_DT_F16},   {"BFloat16Storage", "bfloat16", VL_DT_BF16},
    {"LongStorage", "int64", VL_DT_I64},     {"IntStorage", "int32", VL_DT_I32},
    {"ShortStorage", "int16", VL_DT_I16},    {"CharStorage", "int8", VL_DT_I8},
    {"ByteStorage", "uint8", VL_DT_U8},      {"BoolStorage", "bool", VL_DT_BOOL},
    {"UInt64Storage", "uint64", VL_DT_U64},  {"UInt32Storage", "uint32", VL_DT_U32},
    {"UInt16Storage", "uint16", VL_DT_U16},
};
#define N_TYPES (sizeof types / sizeof *types)

static violet_status storage_type(torch_storage *s, const vl_value *cls)
{
    const char *module, *name;
    size_t n_module, n;
    if (!vl_value_global(&module, &n_module, &name, &n, cls))
        return expected("a storage's class");
    for (size_t i = 0; i < N_TYPES; i++)
        if (is_global(cls, NULL, types[i].storage)) return s->dtype = types[i].type, VIOLET_OK;
    s->dtype = VL_DT_U8;
    s->untyped = is_global(cls, NULL, "UntypedStorage");
    if (s->untyped) return VIOLET_OK;
    return vl_err(VIOLET_EUNSUPPORTED, "torch.%.*s is not read", (int)(n < 99 ? n : 99), name);
}

/* ('storage', class, key, location, elements) and, in old files, None or (key, offset, elements) of
 * the part that is meant. */
static violet_status storage(vl_value **out, vl_pickle *doc, const vl_value *id)
{
    torch_storage **found = vl_pickle_user(doc), *s = vl_pickle_alloc(doc, sizeof *s);
    if (!s) return vl_pickle_nomem(doc);
    const vl_value *view = arg(id, 5);
    size_t n_key;
    violet_status status = storage_type(s, arg(id, 1));
    if (status != VIOLET_OK) return status;
    s->key = vl_value_str(&n_key, arg(id, 2));
    if (!s->key || n_key > KEY_MOST || !vl_value_int(&s->n, arg(id, 4)) || s->n < 0)
        return expected("a storage's key and number of elements");
    s->n_key = (uint32_t)n_key;
    s->n_view = s->n;
    if (vl_value_kind(view) != VL_NONE &&
        (!vl_value_int(&s->view, arg(view, 1)) || !vl_value_int(&s->n_view, arg(view, 2)) ||
         s->view < 0 || s->n_view < 0 || s->n_view > s->n || s->view > s->n - s->n_view))
        return expected("a part of a storage inside it");
    s->next = *found;
    *found = s;
    return foreign(out, doc, &storage_row, s);
}

static violet_status persistent(vl_value **out, vl_pickle *doc, vl_value *id)
{
    const vl_value *what = arg(id, 0);
    if (vl_value_kind(id) != VL_TUPLE) return expected("a persistent id that is a tuple");
    if (vl_value_is(what, "storage")) return storage(out, doc, id);
    if (!vl_value_is(what, "module") || vl_value_kind(arg(id, 1)) != VL_GLOBAL)
        return vl_err(VIOLET_EUNSUPPORTED, "refuses a persistent id of an unknown kind");
    *out = arg(id, 1); /* ('module', class, file, source code): the source stays unread */
    return VIOLET_OK;
}

/* ---- tensors --------------------------------------------------------------------------------- */

/* Attributes of a tensor are dropped. */
static violet_status ignore(vl_pickle *doc, vl_value *object, vl_value *state)
{
    return (void)doc, (void)object, (void)state, VIOLET_OK;
}

static const vl_pickle_call tensor_row = {"torch", "Tensor", NULL, ignore};

const torch_tensor *vl_torch_tensor_of(const vl_value *v)
{
    bool is = vl_value_kind(v) == VL_FOREIGN && v->u.object->call == &tensor_row;
    return is ? v->u.object->data : NULL;
}

static violet_status rebuild(torch_tensor **out, vl_pickle *doc, vl_value *args)
{
    const vl_value *s = arg(args, 0);
    torch_tensor *t = vl_pickle_alloc(doc, sizeof *t);
    if (!t) return vl_pickle_nomem(doc);
    if (vl_value_kind(s) != VL_FOREIGN || s->u.object->call != &storage_row ||
        vl_value_kind(arg(args, 2)) != VL_TUPLE || vl_value_kind(arg(args, 3)) != VL_TUPLE)
        return expected("(storage, offset, shape, stride, ...)");
    *t = (torch_tensor){s->u.object->data, arg(args, 1), arg(args, 2), arg(args, 3), 0};
    t->dtype = t->storage->dtype;
    *out = t;
    return VIOLET_OK;
}

/* _rebuild_tensor(storage, offset, shape, stride), _rebuild_tensor_v2(..., requires_grad, hooks) */
static violet_status tensor_v2(vl_value **out, vl_pickle *doc, vl_value *args)
{
    torch_tensor *t;
    violet_status status = rebuild(&t, doc, args);
    if (status == VIOLET_OK && t->storage->untyped) status = expected("a storage with a type");
    return status == VIOLET_OK ? foreign(out, doc, &tensor_row, t) : status;
}

/* (storage of bytes, offset in elements, shape, stride, requires_grad, hooks, dtype, ...) */
static violet_status tensor_v3(vl_value **out, vl_pickle *doc, vl_value *args)
{
    torch_tensor *t;
    const char *module, *name;
    size_t n_module, n, i = 0;
    violet_status status = rebuild(&t, doc, args);
    if (status != VIOLET_OK) return status;
    if (!vl_value_global(&module, &n_module, &name, &n, arg(args, 6)))
        return expected("a tensor's dtype");
    while (i < N_TYPES && !is_global(arg(args, 6), NULL, types[i].dtype)) i++;
    if (i == N_TYPES)
        return vl_err(VIOLET_EUNSUPPORTED, "torch.%.*s is not read", (int)(n < 99 ? n : 99), name);
    t->dtype = types[i].type;
    return foreign(out, doc, &tensor_row, t);
}

/* Parameter(tensor, ...) in any spelling: the tensor. */
static violet_status parameter(vl_value **out, vl_pickle *doc, vl_value *args)
{
    (void)doc;
    *out = arg(args, 0);
    return vl_torch_tensor_of(*out) ? VIOLET_OK : expected("a tensor");
}

/* _rebuild_from_type_v2(function, class, arguments, state): the class is left out. */
static violet_status from_type(vl_value **out, vl_pickle *doc, vl_value *args)
{
    const vl_value *f = arg(args, 0);
    vl_value *inner = arg(args, 2);
    if (vl_value_kind(inner) != VL_TUPLE) return expected("(function, class, arguments, state)");
    if (is_global(f, "torch._utils", "_rebuild_tensor_v2")) return tensor_v2(out, doc, inner);
    if (is_global(f, "torch._utils", "_rebuild_tensor_v3")) return tensor_v3(out, doc, inner);
    if (is_global(f, "torch._utils", "_rebuild_parameter")) return parameter(out, doc, inner);
    return vl_err(VIOLET_EUNSUPPORTED, "a tensor of a way that is not read");
}

/* ---- what else lies in a checkpoint ---------------------------------------------------------- */

static violet_status first_argument(vl_value **out, vl_pickle *doc, vl_value *args)
{
    (void)doc;
    *out = arg(args, 0);
    return *out ? VIOLET_OK : expected("an argument");
}

static violet_status arguments(vl_value **out, vl_pickle *doc, vl_value *args)
{
    (void)doc;
    *out = args;
    return VIOLET_OK;
}

/* defaultdict(factory), and Counter(dict): the factory is a name and stays one. */
static violet_status dict_of(vl_value **out, vl_pickle *doc, vl_value *args)
{
    for (size_t i = 0; i < vl_value_n(args); i++)
        if (vl_value_kind(arg(args, i)) == VL_DICT) return *out = arg(args, i), VIOLET_OK;
    *out = vl_pickle_items(doc, VL_DICT);
    return *out ? VIOLET_OK : vl_pickle_nomem(doc);
}

/* A function with some of its arguments, of which a picture is kept. */
static violet_status partial(vl_value **out, vl_pickle *doc, vl_value *args)
{
    static const struct vl_global global = {"functools", "partial", 9, 7, NULL};
    static const vl_value cls = {.kind = VL_GLOBAL, .u.global = (struct vl_global *)&global};
    return vl_pickle_object(out, doc, &cls, args);
}

/* _reconstructor(class, object, None): how protocols 0 and 1 spell NEWOBJ. */
static violet_status reconstructor(vl_value **out, vl_pickle *doc, vl_value *args)
{
    const vl_value *cls = arg(args, 0), *base = arg(args, 1);
    if (vl_value_kind(cls) != VL_GLOBAL || vl_value_kind(arg(args, 2)) != VL_NONE ||
        (!is_global(base, "builtins", "object") && !is_global(base, "__builtin__", "object")))
        return vl_err(VIOLET_EUNSUPPORTED, "only _reconstructor(class, object, None) is read");
    return vl_pickle_object(out, doc, cls, NULL);
}

static const vl_pickle_call calls[] = {
    {"torch._utils", "_rebuild_tensor", tensor_v2, NULL},
    {"torch._utils", "_rebuild_tensor_v2", tensor_v2, NULL},
    {"torch._utils", "_rebuild_tensor_v3", tensor_v3, NULL},
    {"torch._utils", "_rebuild_parameter", parameter, NULL},
    {"torch._utils", "_rebuild_parameter_with_state", parameter, NULL},
    {"torch._tensor", "_rebuild_from_type_v2", from_type, NULL},
    {"torch.nn.parameter", "Parameter", parameter, NULL},
    {"torch.nn", "Parameter", parameter, NULL},
    {"torch", "Size", first_argument, NULL},
    {"torch", "device", first_argument, NULL},
    {"torch.serialization", "_get_layout", first_argument, NULL},
    {"collections", "defaultdict", dict_of, NULL},
    {"collections", "Counter", dict_of, NULL},
    {"functools", "partial", partial, NULL},
    {"copyreg", "_reconstructor", reconstructor, NULL},
    {"copy_reg", "_reconstructor", reconstructor, NULL},
    {"pathlib", "PosixPath", arguments, NULL},
    {"pathlib", "PurePosixPath", arguments, NULL},
    {"pathlib", "WindowsPath", arguments, NULL},
    {"datetime", "datetime", arguments, NULL},
    {"datetime", "timedelta", arguments, NULL},
    {NULL, NULL, NULL, NULL},
};

vl_pickle_options vl_torch_options(torch_storage **found)
{
    return (vl_pickle_options){
        .calls = calls, .persistent = persistent, .user = found, .objects = true};
}
