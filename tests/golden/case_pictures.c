/* Pictures: base64 JPEG to padded, resized planes; X.json beside X.safetensors. Identical for RGB
 * and grey files, at most two levels off for CMYK. */
#include "golden/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/status.h"
#include "media/picture.h"

/* Components of a JPEG by its frame header; 0 if none is found. */
static int components_of(const uint8_t *x, size_t n)
{
    for (size_t i = 2; i + 10 <= n && x[i] == 0xff;) {
        int marker = x[i + 1];
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
            return x[i + 9];
        i += marker == 0xff ? 1 : 2 + ((size_t)x[i + 2] << 8) + x[i + 3];
    }
    return 0;
}

/* The S of a tensor named pictureN.rgbS for this N, or 0. */
static int size_for(const vl_safetensor *t, size_t picture)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "picture%zu.rgb", picture);
    size_t n = strlen(prefix);
    int size = strncmp(t->name, prefix, n) == 0 ? atoi(t->name + n) : 0;
    return size > 0 && t->dtype == VL_DT_U8 && t->n == (size_t)3 * size * size ? size : 0;
}

static void check_size(golden_report *r, const vl_picture *p, const vl_safetensor *t, int size,
                       int most)
{
    uint8_t *ours = malloc(t->n);
    int worst = 0;
    if (!ours || vl_picture_square(ours, size, p, VL_PAD_COMPAT) != VIOLET_OK) {
        golden_verdict(r, 0, t->name, "%s", ours ? violet_error() : "out of memory");
    } else {
        for (size_t i = 0; i < t->n; i++)
            if (abs(ours[i] - t->data[i]) > worst) worst = abs(ours[i] - t->data[i]);
        golden_line(r, GOLDEN_NORMAL, GOLDEN_PIECE, t->name, worst, most, worst <= most);
    }
    free(ours);
}

static violet_status decode(vl_picture *p, int *components, const json_t *entry)
{
    const json_t *text = json_object_get(entry, "jpeg_base64");
    size_t n = json_string_length(text), bytes;
    uint8_t *jpeg = malloc(vl_base64_decoded_most(n) + 1);
    if (!jpeg) return vl_err_nomem();
    violet_status status = vl_base64_decode(jpeg, &bytes, json_string_value(text), n);
    if (status == VIOLET_OK) *components = components_of(jpeg, bytes);
    if (status == VIOLET_OK) status = vl_jpeg_decode(p, jpeg, bytes);
    free(jpeg);
    return status;
}

/* used: a flag for each tensor */
static void check_picture(golden_report *r, const json_t *entry, size_t at, const vl_safetensors *f,
                          char *used)
{
    vl_picture p = {0};
    int components = 0, sizes = 0;
    char name[64];
    snprintf(name, sizeof name, "picture%zu", at);
    if (decode(&p, &components, entry) != VIOLET_OK) {
        golden_verdict(r, 0, name, "%s", violet_error());
        return;
    }
    int wide = (int)json_integer_value(json_object_get(entry, "width"));
    int high = (int)json_integer_value(json_object_get(entry, "height"));
    golden_verdict(r, p.width == wide && p.height == high, name, "%dx%d, not %dx%d", p.width,
                   p.height, wide, high);
    for (size_t i = 0; i < vl_safetensors_n(f); i++) {
        const vl_safetensor *t = vl_safetensors_at(f, i);
        int size = size_for(t, at);
        if (!size) continue;
        used[i] = 1;
        sizes++;
        check_size(r, &p, t, size, components == 4 ? 2 : 0);
    }
    if (!sizes) golden_verdict(r, 0, name, "no pixels to compare with");
    vl_picture_release(&p);
}

void golden_case_pictures(golden_tally *t, const golden_options *o, const char *path)
{
    golden_report r;
    vl_safetensors *f = NULL;
    char pixels[4096];
    golden_begin(&r, t, o, path);
    snprintf(pixels, sizeof pixels, "%.*s.safetensors", (int)(strlen(path) - strlen(".json")),
             path);
    json_t *list = golden_json(path);
    if (!list || vl_safetensors_open(&f, pixels) != VIOLET_OK) {
        golden_verdict(&r, 0, path, "%s", violet_error());
    } else {
        char *used = calloc(vl_safetensors_n(f) + 1, 1);
        for (size_t i = 0; used && i < json_array_size(list); i++)
            check_picture(&r, json_array_get(list, i), i, f, used);
        for (size_t i = 0; used && i < vl_safetensors_n(f); i++)
            if (!used[i])
                golden_verdict(&r, 0, vl_safetensors_at(f, i)->name, "no check looks at it");
        free(used);
    }
    if (f) vl_safetensors_close(f);
    json_decref(list);
    golden_end(&r);
}
