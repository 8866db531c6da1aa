/* Configurations out of files; see config_infer.h. */
#include "model/config_infer.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "file/json_text.h"
#include "model/load_names.h"
#include "model/model.h"

/* ---- what a file says of itself -------------------------------------------------------------- */

violet_status vl_config_stored(vl_config *c, bool *found, const vl_tensors *f)
{
    const char *text = vl_tensors_metadata(f, "config");
    const size_t most = 1 << 16, n = text ? strlen(text) : 0; /* ours takes about 600 bytes */
    json_t *object;
    vl_config read;
    const vl_layout *layout = vl_layout_find(f);
    *found = text && layout && vl_layout_is_ours(layout);
    if (!*found) return VIOLET_OK;
    if (n > most)
        return vl_err(VIOLET_EFORMAT, "metadata 'config': %zu bytes, expected at most %zu", n,
                      most);
    violet_status status = vl_json_parse(&object, text, n, 64, "metadata 'config'");
    if (status != VIOLET_OK) return status;
    status = vl_config_preset(&read, "violet1");
    if (status == VIOLET_OK) status = vl_config_load(&read, object, NULL);
    json_decref(object);
    if (status != VIOLET_OK) /* what is wrong is wrong in the file */
        return vl_err_at(status == VIOLET_ENOMEM ? status : VIOLET_EFORMAT, "metadata 'config'");
    *c = read;
    return VIOLET_OK;
}

/* ---- what its shapes tell -------------------------------------------------------------------- */

/* Sizes by the dimension of a tensor that they stand in; those of heads need not be there. */
static const struct size_rule {
    const char *size, *tensor;
    int n_dims, dim;
    bool optional;
} size_rules[] = {
    {"embed_dim", "enc_img.swin.patch_embed.proj.weight", 5, 0, false},
    {"hidden", "enc_img.emb_cls", 4, 3, false},
    {"positions", "enc_img.emb_pos", 4, 2, false},
    {"frames", "enc_img.emb_len", 4, 1, false},
    {"size_vocab", "enc_txt.emb_txt.word_embeddings.weight", 2, 0, false},
    {"ct_mlp", "trsfr.layer.0.intermediate.dense.weight", 2, 0, false},
    {"size_code", "fc_mvm.3.weight", 2, 0, true},
    {"size_answer", "fc.3.weight", 2, 0, true},
    {"dual_width", "dual.video.weight", 2, 0, true},
};

enum { GRID_MOST = 1024 }; /* rows or columns of patches: config.c's limit */

/* What stands in every layer, by its number; and what stands in every block. */
static const char layer_there[] = "trsfr.layer.%d.intermediate.dense.weight";
static const char block_there[] =
    "enc_img.swin.layers.%d.blocks.%d.attn.relative_position_bias_table";

static violet_status bad_shape(const char *name)
{
    return vl_err(VIOLET_EFORMAT, "no VIOLET checkpoint: tensor '%s' has another shape", name);
}

static violet_status put(json_t *sizes, const char *key, json_t *value)
{
    return json_object_set_new(sizes, key, value) == 0 ? VIOLET_OK : vl_err_nomem();
}

static violet_status simple_sizes(json_t *sizes, const vl_tensors *f)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < sizeof size_rules / sizeof *size_rules && status == VIOLET_OK; i++) {
        const struct size_rule *rule = &size_rules[i];
        const vl_stored *t = vl_tensors_find(f, rule->tensor);
        if (!t && rule->optional) continue;
        if (!t) return vl_err(VIOLET_EFORMAT, "no VIOLET checkpoint: no tensor '%s'", rule->tensor);
        if (t->n_dim != rule->n_dims) return bad_shape(rule->tensor);
        /* a head for matching has one answer, which says nothing of a head for answers */
        if (rule->optional && t->shape[rule->dim] < 2) continue;
        status = put(sizes, rule->size, json_integer(t->shape[rule->dim]));
    }
    return status;
}

/* Depths, and heads of each stage: columns of the bias tables; *rows: theirs. */
static violet_status swin_sizes(json_t *sizes, int64_t *rows, const vl_tensors *f)
{
    char name[160];
    json_t *depths = json_array(), *heads = json_array();
    violet_status status = VIOLET_OK;
    for (int stage = 0; stage < VL_SWIN_STAGES && status == VIOLET_OK; stage++) {
        int depth = 0;
        const vl_stored *last = NULL, *t;
        for (;; depth++, last = t) {
            snprintf(name, sizeof name, block_there, stage, depth);
            if (!(t = vl_tensors_find(f, name))) break;
            if (t->n_dim != 2) status = bad_shape(name);
        }
        if (!last)
            status = vl_err(VIOLET_EFORMAT, "no VIOLET checkpoint: no tensor '%s'", name);
        if (status != VIOLET_OK) break;
        *rows = last->shape[0];
        if (json_array_append_new(depths, json_integer(depth)) < 0 ||
            json_array_append_new(heads, json_integer(last->shape[1])) < 0)
            status = vl_err_nomem();
    }
    if (status == VIOLET_OK) status = put(sizes, "depths", json_incref(depths));
    if (status == VIOLET_OK) status = put(sizes, "heads", json_incref(heads));
    json_decref(depths);
    json_decref(heads);
    return status;
}

static violet_status layer_count(json_t *sizes, const vl_tensors *f)
{
    char name[80];
    int n = 0;
    do snprintf(name, sizeof name, layer_there, n);
    while (vl_tensors_find(f, name) && ++n);
    return put(sizes, "ct_layers", json_integer(n));
}

/* ---- what they do not tell ------------------------------------------------------------------- */

static violet_status assume(vl_buf *assumed, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static violet_status assume(vl_buf *assumed, const char *format, ...)
{
    if (!assumed) return VIOLET_OK;
    va_list ap;
    violet_status status = assumed->n ? vl_buf_puts(assumed, ", ") : VIOLET_OK;
    va_start(ap, format);
    if (status == VIOLET_OK) status = vl_buf_vprintf(assumed, format, ap);
    va_end(ap);
    return status;
}

/* The first preset that `fits` says yes to. */
static bool find_preset(vl_config *found, const vl_config *c, int64_t rows,
                        bool (*fits)(const vl_config *preset, const vl_config *c, int64_t rows))
{
    const char *name;
    for (int i = 0; (name = vl_config_preset_name(i)); i++)
        if (vl_config_preset(found, name) == VIOLET_OK && fits(found, c, rows)) return true;
    return false;
}

static bool same_window(const vl_config *preset, const vl_config *c, int64_t rows)
{
    int offsets[3];
    (void)c;
    return vl_swin_offsets(offsets, preset->video.window) == rows;
}

static bool same_positions(const vl_config *preset, const vl_config *c, int64_t rows)
{
    (void)c;
    return preset->positions == rows;
}

static bool same_width(const vl_config *preset, const vl_config *c, int64_t rows)
{
    (void)rows;
    return preset->hidden == c->hidden;
}

/* Of the encoders alone: vocabularies, answers and positions say nothing of heads. */
static bool same_encoders(const vl_config *preset, const vl_config *c, int64_t rows)
{
    const vl_swin_config *a = &preset->video, *b = &c->video;
    return same_window(preset, c, rows) && same_width(preset, c, rows) &&
           a->embed_dim == b->embed_dim && preset->ct_layers == c->ct_layers &&
           preset->ct_mlp == c->ct_mlp && memcmp(a->depths, b->depths, sizeof a->depths) == 0 &&
           memcmp(a->heads, b->heads, sizeof a->heads) == 0;
}

/* The window of so many offsets whose sides are equal and longest. */
static bool square_window(int window[3], int64_t rows)
{
    for (int side = 64; side > 0; side--) {
        int64_t square = (2 * (int64_t)side - 1) * (2 * (int64_t)side - 1);
        if (rows % square || rows / square % 2 == 0 || rows / square > 127) continue;
        window[0] = (int)(rows / square + 1) / 2;
        window[1] = window[2] = side;
        return true;
    }
    return false;
}

static violet_status infer_window(vl_config *c, vl_buf *assumed, int64_t rows)
{
    vl_config preset;
    int *w = c->video.window;
    if (find_preset(&preset, c, rows, same_window))
        memcpy(w, preset.video.window, sizeof preset.video.window);
    else if (rows < 1 || !square_window(w, rows))
        return vl_err(VIOLET_EFORMAT, "no VIOLET checkpoint: no window has %lld offsets",
                      (long long)rows);
    return assume(assumed, "window %d x %d x %d (of %lld offsets)", w[0], w[1], w[2],
                  (long long)rows);
}

static violet_status infer_heads(vl_config *c, vl_buf *assumed)
{
    vl_config preset;
    c->ct_heads = c->hidden / 64;
    if (find_preset(&preset, c, 0, same_width)) c->ct_heads = preset.ct_heads;
    if (c->ct_heads < 1 || c->hidden % c->ct_heads)
        return vl_err(VIOLET_EFORMAT, "how many heads a cross-modal transformer of %d channels has "
                                      "cannot be told from shapes: a configuration is needed",
                      c->hidden);
    return assume(assumed, "ct_heads %d (%d channels each)", c->ct_heads, c->hidden / c->ct_heads);
}

bool vl_config_grid_of_rows(int grid[2], int64_t rows)
{
    vl_config preset;
    if (find_preset(&preset, NULL, rows, same_positions)) {
        memcpy(grid, preset.grid, sizeof preset.grid);
        return true;
    }
    int n = 1;
    while (n < GRID_MOST && 1 + (int64_t)n * n < rows) n++;
    grid[0] = grid[1] = n;
    return 1 + (int64_t)n * n == rows;
}

static violet_status infer_grid(vl_config *c, vl_buf *assumed)
{
    if (!vl_config_grid_of_rows(c->grid, c->positions))
        return vl_err(VIOLET_EFORMAT, "which grid of patches the %d rows of enc_img.emb_pos are "
                                      "for cannot be told from shapes: a configuration is needed",
                      c->positions);
    return assume(assumed, "grid %d x %d", c->grid[0], c->grid[1]);
}

violet_status vl_config_infer(vl_config *c, vl_buf *assumed, const vl_tensors *f)
{
    int64_t rows = 0;
    vl_config read, preset;
    json_t *sizes = json_object();
    violet_status status = sizes ? simple_sizes(sizes, f) : vl_err_nomem();
    if (status == VIOLET_OK) status = swin_sizes(sizes, &rows, f);
    if (status == VIOLET_OK) status = layer_count(sizes, f);
    if (status == VIOLET_OK) status = vl_config_preset(&read, "violet1");
    if (status == VIOLET_OK && (status = vl_config_load(&read, sizes, NULL)) != VIOLET_OK)
        status = vl_err_at(VIOLET_EFORMAT, "sizes of its tensors");
    json_decref(sizes);
    if (status != VIOLET_OK) return status;
    if (find_preset(&preset, &read, rows, same_encoders)) {
        read.ct_heads = preset.ct_heads;
        memcpy(read.video.window, preset.video.window, sizeof preset.video.window);
    } else {
        status = infer_window(&read, assumed, rows);
        if (status == VIOLET_OK) status = infer_heads(&read, assumed);
    }
    if (status == VIOLET_OK) status = infer_grid(&read, assumed);
    if (status == VIOLET_OK && vl_config_check(&read) != VIOLET_OK)
        status = vl_err_at(VIOLET_EFORMAT, "sizes of its tensors");
    if (status == VIOLET_OK) *c = read;
    return status;
}

violet_status vl_config_of(vl_config *c, vl_buf *assumed, const vl_tensors *f)
{
    bool found;
    violet_status status = vl_config_stored(c, &found, f);
    return status == VIOLET_OK && !found ? vl_config_infer(c, assumed, f) : status;
}

int vl_heads_of(const vl_tensors *f)
{
    const vl_stored *fc = vl_tensors_find(f, "fc.3.weight");
    int heads = 0;
    if (fc && fc->n_dim == 2) heads |= fc->shape[0] == 1 ? VL_HEAD_MATCH : VL_HEAD_ANSWER;
    if (vl_tensors_find(f, "fc_mtm.predictions.transform.dense.weight")) heads |= VL_HEAD_MTM;
    if (vl_tensors_find(f, "fc_mvm.3.weight")) heads |= VL_HEAD_MVM;
    if (vl_tensors_find(f, "dual.video.weight")) heads |= VL_HEAD_DUAL;
    return heads;
}

const char *vl_head_lacks(const vl_tensors *f)
{
    static const char *const names[] = {"fc.1.weight", "fc.1.bias", "fc.3.weight", "fc.3.bias"};
    enum { N = sizeof names / sizeof *names };
    const char *missing = NULL;
    int there = 0;
    for (int i = N - 1; i >= 0; i--) {
        if (vl_tensors_find(f, names[i])) there++;
        else missing = names[i];
    }
    return there ? missing : NULL;
}
