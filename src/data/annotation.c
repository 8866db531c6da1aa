/* Captions of pretraining; see annotation.h. */
#include "data/annotation.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"

#define FILE_MOST ((size_t)4 << 30)

static violet_status load(json_t **out, const char *path)
{
    char *text;
    size_t n;
    json_error_t e;
    violet_status status = vl_file_read(&text, &n, path, FILE_MOST);
    if (status != VIOLET_OK) return status;
    *out = json_loadb(text, n, 0, &e);
    free(text);
    if (!*out) return vl_err(VIOLET_EFORMAT, "%s line %d: %s", path, e.line, e.text);
    if (json_is_object(*out)) return VIOLET_OK;
    json_decref(*out);
    *out = NULL;
    return vl_err(VIOLET_EFORMAT, "%s: expected an object of splits", path);
}

struct vl_captions {
    json_t *split; /* {video: [captions]} */
};

static violet_status check_captions(const json_t *split)
{
    const char *video;
    json_t *list, *text;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)split, video, list)
    {
        if (!json_is_array(list))
            return vl_err(VIOLET_EFORMAT, "video '%.100s': expected a list of captions", video);
        json_array_foreach(list, i, text) if (!json_is_string(text))
            return vl_err(VIOLET_EFORMAT, "video '%.100s': caption %zu is no string", video, i);
    }
    return VIOLET_OK;
}

violet_status vl_captions_open(vl_captions **out, const char *path, const char *split)
{
    json_t *root = NULL;
    *out = NULL;
    vl_captions *c = calloc(1, sizeof *c);
    violet_status status = c ? load(&root, path) : vl_err_nomem();
    if (status != VIOLET_OK) goto done;
    c->split = json_incref(json_object_get(root, split));
    if (!json_is_object(c->split))
        status = vl_err(VIOLET_EFORMAT, "%s: expected \"%s\": {video: [captions]}", path, split);
    else if ((status = check_captions(c->split)) != VIOLET_OK)
        vl_err_at(status, "%s: %s", path, split);
done:
    json_decref(root);
    if (status == VIOLET_OK)
        *out = c;
    else
        vl_captions_close(c);
    return status;
}

void vl_captions_close(vl_captions *c)
{
    if (!c) return;
    json_decref(c->split);
    free(c);
}

size_t vl_captions_n_videos(const vl_captions *c)
{
    return json_object_size(c->split);
}

static const json_t *captions_of(const vl_captions *c, const char *id, size_t n_id)
{
    return json_object_getn(c->split, id, n_id);
}

int vl_captions_n(const vl_captions *c, const char *id, size_t n_id)
{
    return (int)json_array_size(captions_of(c, id, n_id));
}

const char *vl_captions_get(const vl_captions *c, const char *id, size_t n_id, int i)
{
    return json_string_value(json_array_get(captions_of(c, id, n_id), (size_t)i));
}

uint64_t vl_captions_hash(const vl_captions *c)
{
    const char *video;
    json_t *list, *text;
    size_t i;
    uint64_t h = json_object_size(c->split);
    json_object_foreach(c->split, video, list)
    {
        h = vl_hash(h, video, strlen(video) + 1);
        json_array_foreach(list, i, text)
            h = vl_hash(h, json_string_value(text), json_string_length(text));
    }
    return h;
}
