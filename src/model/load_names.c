/* Layouts of names; see load_names.h. One line of a table below adds a name.
 *
 * A name loses what wraps it ("module." of DistributedDataParallel, then the layout's own, such as
 * "bert."), what is of no use is sorted out, and then its beginning and its end are replaced. */
#include "model/load_names.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/checkpoint.h"

typedef struct rename_rule {
    const char *from, *to;
    bool last; /* see vl_layout_name */
} rename_rule;

typedef struct ignored_rule {
    const char *pattern, *why; /* as fnmatch(3) has them */
} ignored_rule;

struct vl_layout {
    const char *title;
    const char *wrapper;    /* may stand in front of a name, NULL: nothing */
    const char *kernel;     /* this tensor, if it is there, ... */
    int kernel_dims;        /* ... has that many dimensions */
    rename_rule begins[8];  /* the first that fits; a name that none fits is unknown */
    rename_rule ends[4];
    ignored_rule ignored[4];
};

static const ignored_rule ignored_anywhere[] = {
    {"*relative_position_index", "buffers"},
    {"*.attn_mask", "buffers"},
    {"*.position_ids", "buffers"},
    {"*.token_type_ids", "buffers"},
    {"*.num_batches_tracked", "buffers"},
    {VL_NAME_MOMENTS "[mv]/*", "an optimiser's state"},
    {"optimizer.*", "an optimiser's state"},
    {"optimizers.*", "an optimiser's state"},
    {"lr_scheduler.*", "an optimiser's state"},
    {"scaler.*", "an optimiser's state"},
};

#define SWIN_BEGINS                                                                                \
    {{"patch_embed.", "enc_img.swin.patch_embed.", false},                                         \
     {"layers.", "enc_img.swin.layers.", false},                                                   \
     {"norm.", "enc_img.swin.norm.", false}}
#define SWIN_IGNORED                                                                               \
    {                                                                                              \
        {"head.*", "a classifier"}, {"cls_head.*", "a classifier"}                                 \
    }
/* BERT's language head has its bias itself, and its decoder has it again. */
#define DECODER_BIAS {VL_NAME_BIAS_AGAIN, VL_NAME_BIAS, true}

static const vl_layout layouts[] = { /* ours is the first */
    {.title = "VIOLET",
     .begins = {{"enc_img.", "enc_img.", false},
                {"enc_txt.", "enc_txt.", false},
                {"trsfr.", "trsfr.", false},
                {"fc.", "fc.", false},
                {"fc_mtm.", "fc_mtm.", false},
                {"fc_mvm.", "fc_mvm.", false},
                {"dual.", "dual.", false}},
     .ends = {DECODER_BIAS}},
    {.title = "Video Swin",
     .wrapper = "backbone.",
     .kernel = "patch_embed.proj.weight",
     .kernel_dims = 5,
     .begins = SWIN_BEGINS,
     .ignored = SWIN_IGNORED},
    {.title = "Swin",
     .wrapper = "backbone.",
     .kernel = "patch_embed.proj.weight",
     .kernel_dims = 4,
     .begins = SWIN_BEGINS,
     .ignored = SWIN_IGNORED},
    {.title = "BERT",
     .wrapper = "bert.",
     .begins = {{"embeddings.", "enc_txt.emb_txt.", false},
                {"encoder.layer.", "trsfr.layer.", false},
                {"cls.predictions.", "fc_mtm.predictions.", false}},
     .ends = {{".gamma", ".weight", false}, {".beta", ".bias", false}, DECODER_BIAS},
     .ignored = {{"pooler.*", "BERT's pooler"},
                 {"cls.seq_relationship.*", "BERT's next-sentence head"}}},
};
static const int n_layouts = sizeof layouts / sizeof *layouts;

static const char *unwrap(const vl_layout *l, const char *name)
{
    if (vl_str_begins(name, "module.")) name += strlen("module.");
    if (l->wrapper && vl_str_begins(name, l->wrapper)) name += strlen(l->wrapper);
    return name;
}

static const char *why_ignored(const ignored_rule *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n && list[i].pattern; i++)
        if (fnmatch(list[i].pattern, name, 0) == 0) return list[i].why;
    return NULL;
}

static const rename_rule *beginning(const vl_layout *l, const char *name)
{
    for (const rename_rule *b = l->begins; b->from; b++)
        if (vl_str_begins(name, b->from)) return b;
    return NULL;
}

vl_name_kind vl_layout_map(vl_layout_name *to, const vl_layout *l, const char *name)
{
    const size_t n_anywhere = sizeof ignored_anywhere / sizeof *ignored_anywhere;
    *to = (vl_layout_name){.why = why_ignored(ignored_anywhere, n_anywhere, name)};
    name = unwrap(l, name);
    if (!to->why) to->why = why_ignored(l->ignored, sizeof l->ignored / sizeof *l->ignored, name);
    if (to->why) return VL_NAME_IGNORED;
    const rename_rule *begin = beginning(l, name), *end = l->ends;
    const size_t most = sizeof to->param, grows = 8; /* by what an end is replaced by, at most */
    if (!begin || strlen(begin->to) + strlen(name) + grows > most) return VL_NAME_UNKNOWN;
    snprintf(to->param, most, "%s%s", begin->to, name + strlen(begin->from));
    while (end->from && !vl_str_ends(to->param, end->from)) end++;
    if (end->from) strcpy(to->param + strlen(to->param) - strlen(end->from), end->to);
    to->last = end->last;
    return VL_NAME_PARAM;
}

/* How many of the names fit a layout; 0 where a tensor says that it is another. */
static size_t fitting(const vl_layout *l, const vl_tensors *f)
{
    size_t n = 0;
    for (size_t i = 0; i < vl_tensors_n(f); i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        const char *name = unwrap(l, t->name);
        if (l->kernel && strcmp(name, l->kernel) == 0 && t->n_dim != l->kernel_dims) return 0;
        n += beginning(l, name) != NULL;
    }
    return n;
}

const vl_layout *vl_layout_find(const vl_tensors *f)
{
    const vl_layout *best = NULL;
    size_t most = 0;
    for (int i = 0; i < n_layouts; i++) {
        size_t n = fitting(&layouts[i], f);
        if (n > most) best = &layouts[i], most = n;
    }
    return best;
}

const char *vl_layout_title(const vl_layout *l)
{
    return l->title;
}

bool vl_layout_is_ours(const vl_layout *l)
{
    return l == &layouts[0];
}

const char *vl_layout_list(void)
{
    return "VIOLET (enc_img.*, enc_txt.*, trsfr.*), Video Swin or Swin (patch_embed.*, layers.*), "
           "BERT (embeddings.*, encoder.layer.*, cls.predictions.*)";
}
