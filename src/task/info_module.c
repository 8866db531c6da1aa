/* Info on what PyTorch's files hold beside tensors: a pickled module's class and attributes. */
#include <string.h>

#include "base/utf8.h"
#include "file/torch.h"
#include "task/info_internal.h"

/* Plain ones: numbers, bools, short strings. */
void vl_info_attributes(vl_info_tree *j, const struct vl_torch *f)
{
    const char *class = vl_torch_class(f);
    if (!class) return;
    vl_info_set(j, j->root, "class", vl_info_text(class, strlen(class)));
    json_t *list = json_object();
    const vl_value *state = vl_torch_state(f);
    for (size_t i = 0; i < vl_value_n(state); i++) {
        size_t n_key, n_text;
        int64_t number;
        double real;
        char name[64];
        const char *key = vl_value_str(&n_key, vl_dict_key(state, i));
        const vl_value *v = vl_value_at(state, i);
        const char *text = vl_value_str(&n_text, v);
        if (!key || n_key >= sizeof name || (n_key && key[0] == '_')) continue;
        memcpy(name, key, n_key);
        name[n_key] = 0;
        if (!vl_utf8_valid(name)) continue;
        if (vl_value_kind(v) == VL_BOOL)
            vl_info_set(j, list, name, json_boolean(vl_value_int(&number, v) && number));
        else if (vl_value_int(&number, v))
            vl_info_set(j, list, name, json_integer((json_int_t)number));
        else if (vl_value_float(&real, v))
            vl_info_set(j, list, name, vl_info_real(real));
        else if (text)
            vl_info_set(j, list, name, vl_info_text(text, n_text));
    }
    if (json_object_size(list))
        vl_info_set(j, j->root, "attributes", list);
    else
        json_decref(list);
}
