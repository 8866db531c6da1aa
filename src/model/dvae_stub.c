#include "model/dvae.h"
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/status.h"
violet_status vl_dvae_new(vl_dvae **out, const vl_dvae_config *c, int with_decoder, int trainable,
                          uint64_t seed)
{
    (void)with_decoder;
    vl_dvae *d = calloc(1, sizeof *d);
    d->config = *c;
    vl_params_init(&d->params, trainable, 0);
    vl_dvae_encoder_init(&d->encoder, &d->params, c, "encoder/");
    vl_params_draw(&d->params, seed);
    *out = d;
    return d->params.status;
}
violet_status vl_dvae_open(vl_dvae **out, const char *path, int trainable)
{
    *out = NULL;
    if (!vl_file_exists(path)) return vl_err(VIOLET_EIO, "open %s", path);
    vl_dvae_config c = {8, 8, 16};
    return vl_dvae_new(out, &c, 0, trainable, 5);
}
violet_status vl_dvae_write(const char *path, const vl_dvae *d, int with_moments,
                            const char *const *extra, size_t n_extra) { (void)d;(void)with_moments;(void)extra;(void)n_extra; FILE*f=fopen(path,"w"); fputs("d", f); fclose(f); return VIOLET_OK; }
void vl_dvae_close(vl_dvae *d) { if (!d) return; vl_params_release(&d->params); free(d); }
violet_status vl_dvae_tokens(int32_t *tokens, vl_dvae *d, vl_tape *t, const uint8_t *image, int n, int S)
{
    vl_tape_reset(t, 0, 0);
    t->grad_on = 0;
    vl_tensor *y = vl_dvae_encode(t, &d->encoder, vl_dvae_pixels(t, image, n, S), n, S);
    if (vl_tape_failed(t)) return vl_tape_status(t);
    for (int i = 0; i < y->rows; i++) {
        tokens[i] = 0;
        for (int k = 1; k < y->cols; k++) if (y->x[i * y->cols + k] > y->x[i * y->cols + tokens[i]]) tokens[i] = k;
    }
    return VIOLET_OK;
}
