/* Calling what a table allows, refusing the rest by name; and objects of any class as inert
 * pictures: class, arguments, state and items side by side, nothing of the class known or run. */
#include "file/pickle_doc.h"

static int shown(uint32_t n)
{
    return (int)(n > 200 ? 200 : n);
}

violet_status vl_pickle_refuse(const char *what, const vl_value *global)
{
    const struct vl_global *g = global->u.global;
    return vl_err(VIOLET_EUNSUPPORTED, "refuses to %s global '%.*s.%.*s'", what,
                  shown(g->n_module), g->module, shown(g->n_name), g->name);
}

violet_status vl_pickle_apply(vl_value **out, vl_pickle *doc, vl_value *callee, vl_value *args)
{
    if (callee->kind != VL_GLOBAL) return vl_err(VIOLET_EFORMAT, "calls a %s",
                                                 vl_kind_name((vl_kind)callee->kind));
    const struct vl_global *g = callee->u.global;
    if (!g->call || !g->call->call) return vl_pickle_refuse("call", callee);
    if (args->kind != VL_TUPLE) return vl_err(VIOLET_EFORMAT, "arguments that are no tuple");
    violet_status status = g->call->call(out, doc, args);
    if (status != VIOLET_OK) vl_err_at(status, "%s.%s", g->call->module, g->call->name);
    return status;
}

/* The state that BUILD brings is kept as it is; __setstate__ is nobody's business here. */
static violet_status keep_state(vl_pickle *doc, vl_value *object, vl_value *state)
{
    (void)doc;
    object->u.object->part[1] = state;
    return VIOLET_OK;
}

static const vl_pickle_call any_class = {"", "", NULL, keep_state};

violet_status vl_pickle_object(vl_value **out, vl_pickle *doc, const vl_value *cls, vl_value *args)
{
    vl_value *v = vl_pickle_value(doc, VL_OBJECT);
    struct vl_object *o = v ? vl_pickle_alloc(doc, sizeof *o) : NULL;
    if (!o) return vl_pickle_nomem(doc);
    if (cls->kind != VL_GLOBAL)
        return vl_err(VIOLET_EFORMAT, "an object whose class is a %s",
                      vl_kind_name((vl_kind)cls->kind));
    *o = (struct vl_object){.call = &any_class, .part = {args}, .data = cls->u.global};
    v->u.object = o;
    *out = v;
    return VIOLET_OK;
}

vl_value *vl_pickle_object_items_of(vl_pickle *doc, vl_value *object, vl_kind kind)
{
    vl_value **items = &object->u.object->part[2];
    if (!*items) *items = vl_pickle_items(doc, kind);
    return *items;
}

bool vl_object_class(const char **module, size_t *n_module, const char **name, size_t *n_name,
                     const vl_value *v)
{
    if (vl_value_kind(v) != VL_OBJECT) return false;
    const struct vl_global *g = v->u.object->data;
    *module = g->module;
    *n_module = g->n_module;
    *name = g->name;
    *n_name = g->n_name;
    return true;
}

const vl_value *vl_object_state(const vl_value *v)
{
    return vl_value_kind(v) == VL_OBJECT ? v->u.object->part[1] : NULL;
}

const vl_value *vl_object_items(const vl_value *v)
{
    return vl_value_kind(v) == VL_OBJECT ? v->u.object->part[2] : NULL;
}
