/* Symmetric InfoNCE; see contrast.h. */
#include "task/contrast.h"

#include <string.h>

#include "model/dual.h"
#include "task/pretrain.h"

/* hide (2B, B): VL_NEVER where a pair takes no part, else 0; target (2B). */
static void fill(real *hide, int *target, const vl_contrast_input *in)
{
    int B = in->B;
    for (int i = 0; i < 2 * B; i++) {
        int seen = 0;
        for (int k = 0; k < B; k++) {
            bool in_part = vl_pair_at(in->same, B, i, k) >= 0;
            hide[i * B + k] = in_part ? 0 : VL_NEVER;
            seen += in_part;
        }
        target[i] = seen > 1 ? i % B : -1;
    }
}

static void count(vl_contrast_output *out, int rows)
{
    for (int i = 0; i < rows; i++) {
        out->asked += out->target[i] >= 0;
        out->right += out->target[i] >= 0 && out->best[i] == out->target[i];
    }
}

void vl_contrast_forward(vl_tape *t, const vl_model *m, const vl_contrast_input *in,
                         vl_contrast_output *out)
{
    int B = in->B, *both = vl_tape_alloc(t, 2 * (size_t)B * sizeof *both);
    int *best = vl_tape_alloc(t, 2 * (size_t)B * sizeof *best);
    int *target = vl_tape_alloc(t, 2 * (size_t)B * sizeof *target);
    vl_tensor *hide = vl_tape_tensor(t, 2 * B, B, 0);
    memset(out, 0, sizeof *out);
    if (vl_tape_failed(t)) return;
    fill(hide->x, target, in);
    for (int i = 0; i < 2 * B; i++) both[i] = i;
    vl_tensor *v = vl_dual_video(t, m, in->image, NULL, in->Ni);            // (B, E)
    vl_tensor *w = vl_dual_text(t, m, in->text, in->text_mask, in->X);      // (B, E)
    vl_tensor *of_videos = vl_linear(t, v, w, NULL, VL_ACT_NONE);           // (B, B)
    vl_tensor *of_texts = vl_linear(t, w, v, NULL, VL_ACT_NONE);            // (B, B)
    vl_tensor *x = vl_gather(t, of_videos, of_texts, (vl_index){both, NULL, 2 * B, 1});
    out->logits = vl_add(t, x, hide);                                       // (2B, B)
    out->loss = vl_xent(t, out->logits, target, VL_SCORE_SCALE, best);
    out->best = best;
    out->target = target;
    if (!vl_tape_failed(t)) count(out, 2 * B);
}

vl_tensor *vl_contrast_add(vl_tape *t, vl_tensor *loss, const vl_contrast_output *out,
                           double weight)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (loss) return vl_add_scaled(t, loss, out->loss, (real)weight);
    vl_tensor *zero = vl_tape_tensor(t, 1, 1, 0);
    if (vl_tape_failed(t)) return &t->dead;
    t->backend->fill(t->device, zero->x, 0, 1);
    return vl_add_scaled(t, zero, out->loss, (real)weight);
}
