/* See tuned.h. */
#include "model/tuned.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "file/json_text.h"
#include "model/config.h"

static violet_status read_size(int *out, const json_t *task, const char *key, int least, int most)
{
    const json_t *v = json_object_get(task, key);
    json_int_t own = json_integer_value(v);
    if (!v || json_is_null(v)) return VIOLET_OK;
    if (!json_is_integer(v) || own < least || own > most)
        return vl_err(VIOLET_EFORMAT, "%s: expected a number from %d to %d", key, least, most);
    *out = (int)own;
    return VIOLET_OK;
}

static violet_status read_blind(vl_tuned *t, const json_t *v)
{
    if (v && !json_is_null(v) && !json_is_boolean(v))
        return vl_err(VIOLET_EFORMAT, "blind: expected true or false");
    t->blind = json_is_true(v);
    return VIOLET_OK;
}

static violet_status read_step(vl_tuned *t, const json_t *v)
{
    if (!v || json_is_null(v)) return VIOLET_OK;
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return vl_err(VIOLET_EFORMAT, "step: expected a number of 0 or more");
    t->step = (uint64_t)json_integer_value(v);
    return VIOLET_OK;
}

/* It stands in messages, so it is to be a word. */
static violet_status read_type(vl_tuned *t, const json_t *v)
{
    const char *type = json_string_value(v);
    if (!v || json_is_null(v)) return VIOLET_OK;
    if (!type || strlen(type) >= sizeof t->type ||
        strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(type))
        return vl_err(VIOLET_EFORMAT, "type: expected a word of up to %zu letters",
                      sizeof t->type - 1);
    snprintf(t->type, sizeof t->type, "%s", type);
    return VIOLET_OK;
}

static violet_status read_answers(vl_tuned *t, const json_t *list)
{
    if (!list || json_is_null(list) || json_array_size(list) + json_object_size(list) == 0)
        return VIOLET_OK;
    violet_status status = vl_answers_of_json(&t->answers, list);
    return status == VIOLET_OK ? status : vl_err_at(status, "answers");
}

static violet_status read_fields(vl_tuned *t, const json_t *task)
{
    const json_t *v = json_object_get(task, "protocol");
    const char *protocol = json_string_value(v);
    t->violet1 = protocol && strcmp(protocol, "violet1") == 0;
    if (v && !json_is_null(v) && !t->violet1 && !(protocol && strcmp(protocol, "violet") == 0))
        return vl_err(VIOLET_EFORMAT, "metadata 'task': protocol: expected violet or violet1");
    violet_status status = read_type(t, json_object_get(task, "type"));
    if (status == VIOLET_OK) status = read_size(&t->size_img, task, "size_img", 32, 1024);
    if (status == VIOLET_OK) status = read_size(&t->size_txt, task, "size_txt", 3, 512);
    if (status == VIOLET_OK)
        status = read_size(&t->size_frame, task, "size_frame", 1, VL_FRAMES_MOST);
    if (status == VIOLET_OK) status = read_blind(t, json_object_get(task, "blind"));
    if (status == VIOLET_OK) status = read_step(t, json_object_get(task, "step"));
    if (status == VIOLET_OK) status = read_answers(t, json_object_get(task, "answers"));
    return status == VIOLET_OK ? status : vl_err_at(status, "metadata 'task'");
}

violet_status vl_tuned_read(vl_tuned *out, const vl_tensors *f, const char *path)
{
    const char *text = vl_tensors_metadata(f, "task");
    json_t *task = NULL;
    *out = (vl_tuned){.type = ""};
    if (!text) return VIOLET_OK;
    violet_status status = vl_json_parse(&task, text, strlen(text), 16, "metadata 'task'");
    if (status == VIOLET_OK) status = read_fields(out, task);
    json_decref(task);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

void vl_tuned_release(vl_tuned *t)
{
    vl_answers_free(t->answers);
    t->answers = NULL;
}
