/* Model sizes: presets, JSON, checks; see config.h. One line of `fields` adds a size. */
#include "model/config.h"

#include <string.h>

#include "base/nearest.h"
#include "base/status.h"

typedef struct field {
    const char *name;
    size_t offset;
    int n; /* integers in a row, or 0: a double */
    double least, most;
} field;

#define AT(member) offsetof(vl_config, member)

static const field fields[] = {
    {"embed_dim", AT(video.embed_dim), 1, 1, 4096},
    {"depths", AT(video.depths), 4, 1, 256},
    {"heads", AT(video.heads), 4, 1, 1024},
    {"window", AT(video.window), 3, 1, 64},
    {"drop_path", AT(video.drop_path), 0, 0, 0.99},
    {"exact_bias", AT(video.exact_bias), 1, 0, 1},
    {"hidden", AT(hidden), 1, 8, 32768},
    {"ct_layers", AT(ct_layers), 1, 1, 256},
    {"ct_heads", AT(ct_heads), 1, 1, 1024},
    {"ct_mlp", AT(ct_mlp), 1, 1, 131072},
    {"size_vocab", AT(size_vocab), 1, 5, 10000000},
    {"size_code", AT(size_code), 1, 2, 10000000},
    {"size_answer", AT(size_answer), 1, 1, 10000000},
    {"frames", AT(frames), 1, 1, VL_FRAMES_MOST},
    {"positions", AT(positions), 1, 2, 1 << 20},
    {"grid", AT(grid), 2, 1, 1024},
    {"dual_width", AT(dual_width), 1, 0, 65536},
    {"dual_layers", AT(dual_layers), 1, 0, 256},
    {"drop", AT(drop), 0, 0, 0.99},
};
static const int n_fields = sizeof fields / sizeof *fields;

static const struct {
    const char *name;
    vl_config config;
} presets[] = {
    {"violet1",
     {.video = {96, {2, 2, 18, 2}, {3, 6, 12, 24}, {8, 7, 7}, 0.2, 0},
      .hidden = 768,
      .ct_layers = 12,
      .ct_heads = 12,
      .ct_mlp = 3072,
      .size_vocab = 30522,
      .size_code = 8192,
      .size_answer = 1000,
      .frames = 6,
      .positions = 1 + 14 * 14,
      .grid = {7, 7},
      .dual_width = 256,
      .drop = 0.1}},
    {"tiny",
     {.video = {24, {2, 2, 2, 2}, {1, 2, 4, 8}, {8, 7, 7}, 0.2, 0},
      .hidden = 192,
      .ct_layers = 2,
      .ct_heads = 4,
      .ct_mlp = 768,
      .size_vocab = 30522,
      .size_code = 8192,
      .size_answer = 1000,
      .frames = 6,
      .positions = 1 + 14 * 14,
      .grid = {7, 7},
      .dual_width = 256,
      .drop = 0.1}},
};

violet_status vl_config_preset(vl_config *c, const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, name) == 0) {
            *c = presets[i].config;
            return VIOLET_OK;
        }
    vl_nearest x = vl_nearest_among(name, VL_CONFIG_PRESETS);
    return vl_err(VIOLET_EINVAL, "preset '%.100s': there are violet1 and tiny%s", name,
                  vl_nearest_hint(&x));
}

const char *vl_config_preset_name(int i)
{
    return (size_t)i < sizeof presets / sizeof *presets ? presets[i].name : NULL;
}

static violet_status load_number(void *to, const field *f, int i, const json_t *value)
{
    double v = json_number_value(value);
    if (!json_is_number(value) || (f->n && v != (double)(long)v) || v < f->least || v > f->most)
        return vl_err(VIOLET_EINVAL, "'%s': expected %s from %g to %g", f->name,
                      f->n ? "a whole number" : "a number", f->least, f->most);
    if (f->n)
        ((int *)to)[i] = (int)v;
    else
        *(double *)to = v;
    return VIOLET_OK;
}

static violet_status load_field(vl_config *c, const field *f, const json_t *value)
{
    void *to = (char *)c + f->offset;
    if (json_is_boolean(value) && f->least == 0 && f->most == 1) {
        *(int *)to = json_is_true(value);
        return VIOLET_OK;
    }
    if (f->n <= 1) return load_number(to, f, 0, value);
    if (!json_is_array(value) || json_array_size(value) != (size_t)f->n)
        return vl_err(VIOLET_EINVAL, "'%s': expected a list of %d numbers", f->name, f->n);
    for (int i = 0; i < f->n; i++) {
        violet_status status = load_number(to, f, i, json_array_get(value, i));
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

static violet_status no_size(const char *key)
{
    vl_nearest x = vl_nearest_to(key, strlen(key));
    for (int i = 0; i < n_fields; i++)
        vl_nearest_try(&x, fields[i].name, strlen(fields[i].name));
    return vl_err(VIOLET_EINVAL, "'%.100s' is not a size of the model%s", key,
                  vl_nearest_hint(&x));
}

static int is_in(const char *key, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(*list, key) == 0) return 1;
    return 0;
}

violet_status vl_config_load(vl_config *c, const json_t *object, const char *const *ignore)
{
    const json_t *preset = json_object_get(object, "preset");
    violet_status status = VIOLET_OK;
    if (!json_is_object(object)) return vl_err(VIOLET_EINVAL, "expected a JSON object of sizes");
    if (preset && !json_is_string(preset))
        return vl_err(VIOLET_EINVAL, "'preset': expected a name");
    if (preset) status = vl_config_preset(c, json_string_value(preset));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        int i = 0;
        if (status != VIOLET_OK) return status;
        if (strcmp(key, "preset") == 0 || is_in(key, ignore)) continue;
        while (i < n_fields && strcmp(fields[i].name, key) != 0) i++;
        status = i < n_fields ? load_field(c, &fields[i], value) : no_size(key);
    }
    return status;
}

void vl_config_fit(vl_config *c, int T, int h, int w)
{
    c->grid[0] = h;
    c->grid[1] = w;
    if (c->frames < T) c->frames = T;
    if (c->positions < 1 + h * w) c->positions = 1 + h * w;
}

/* A size of the dual encoder that is as in the presets, which agree on them. */
static int is_usual_dual(const field *f, const void *value)
{
    const char *usual = (const char *)&presets[0].config + f->offset;
    return strncmp(f->name, "dual_", 5) == 0 && memcmp(usual, value, sizeof(int)) == 0;
}

json_t *vl_config_save(const vl_config *c)
{
    json_t *object = json_object();
    int bad = object == NULL;
    for (int k = 0; k < n_fields; k++) {
        const field *f = &fields[k];
        const void *from = (const char *)c + f->offset;
        json_t *value = NULL;
        if (is_usual_dual(f, from)) continue;
        if (f->n == 0) value = json_real(*(const double *)from);
        if (f->n == 1) value = json_integer(*(const int *)from);
        if (f->n > 1) value = json_array();
        for (int i = 0; f->n > 1 && i < f->n; i++)
            bad |= json_array_append_new(value, json_integer(((const int *)from)[i]));
        bad |= json_object_set_new(object, f->name, value);
    }
    if (!bad) return object;
    json_decref(object);
    return NULL;
}

int vl_config_dual_layers(const vl_config *c)
{
    return c->dual_layers ? c->dual_layers : (c->ct_layers + 5) / 6;
}

violet_status vl_config_check(const vl_config *c)
{
    const vl_swin_config *v = &c->video;
    if (c->dual_layers > c->ct_layers)
        return vl_err(VIOLET_EINVAL, "dual_layers is %d, the cross-modal transformer has %d",
                      c->dual_layers, c->ct_layers);
    if (c->hidden != 8 * v->embed_dim)
        return vl_err(VIOLET_EINVAL, "hidden is %d, but the video encoder ends in 8 * %d channels",
                      c->hidden, v->embed_dim);
    if (c->hidden % c->ct_heads)
        return vl_err(VIOLET_EINVAL, "hidden %d is not a multiple of ct_heads %d", c->hidden,
                      c->ct_heads);
    for (int k = 0; k < VL_SWIN_STAGES; k++)
        if ((v->embed_dim << k) % v->heads[k])
            return vl_err(VIOLET_EINVAL, "stage %d has %d channels, not a multiple of %d heads", k,
                          v->embed_dim << k, v->heads[k]);
    return VIOLET_OK;
}
