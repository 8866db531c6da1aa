/* A task's samples: an item's video and texts, or each video once; see dataset.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "data/dataset_internal.h"

static vl_place find_video(const vl_dataset *d, const char *id)
{
    size_t record;
    for (int i = 0; i < d->n_pieces; i++)
        if (vl_pictures_find(&record, d->piece[i].pictures, id, strlen(id)))
            return (vl_place){i, (uint32_t)record};
    return (vl_place){-1, 0};
}

violet_status vl_dataset_place(vl_dataset *d)
{
    const vl_items *q = d->o.items;
    int n = vl_items_n_videos(q);
    violet_status status;
    for (int i = 0; i < d->n_pieces; i++)
        if ((status = vl_pictures_index(d->piece[i].pictures)) != VIOLET_OK) return status;
    if (!(d->place = malloc(((size_t)n + 1) * sizeof *d->place))) return vl_err_nomem();
    for (int k = 0; k < n; k++) {
        d->place[k] = find_video(d, vl_items_video(q, k));
        d->n_missing += d->place[k].piece < 0;
    }
    d->n_texts = d->o.each_video ? 0 : vl_item_rows(q);
    if (d->n_missing < n) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s: none of the %d videos of %s is in it; the first is '%.100s'",
                  vl_pictures_path(d->piece[0].pictures), n, vl_items_path(q),
                  vl_items_video(q, 0));
}

bool vl_dataset_has(const vl_dataset *d, int video)
{
    return d->place[video].piece >= 0;
}

/* Of the pictures, or of the id where these are not looked at. */
static uint64_t hash_record(vl_record *r, const vl_dataset *d, const vl_pictures *p, size_t record)
{
    vl_slice id = vl_pictures_id(p, record);
    if (d->o.colour) return vl_hash(0, id.s, id.n);
    return vl_pictures_look(r, p, record) == VIOLET_OK ? vl_pictures_hash(r) : 2;
}

/* Videos that are nowhere, and records that cannot be read, are told from those that can. */
uint64_t vl_dataset_hash(const vl_dataset *d)
{
    int n = vl_items_n_videos(d->o.items);
    uint64_t h = vl_hash(0, &n, sizeof n);
    vl_record r = {.n_frames = 0};
    for (int k = 0; k < n; k++) {
        vl_place at = d->place[k];
        const vl_pictures *p = at.piece < 0 ? NULL : d->piece[at.piece].pictures;
        uint64_t x = p ? hash_record(&r, d, p, at.record) : 1;
        h = vl_hash(h, &x, sizeof x);
    }
    vl_record_release(&r);
    return h;
}

/* The texts, or, of a video alone, that it is one. */
static violet_status encode(vl_sample *out, const vl_dataset *d, size_t i, vl_scratch *s)
{
    vl_item_coder c = {d->o.items, d->o.wordpiece, d->o.size_txt, d->o.cut_options};
    if (!d->o.each_video) return vl_item_encode(out->text, out->n_text, &out->facts, &c, i,
                                                &s->pieces);
    out->facts = (vl_item_facts){.item = -1, .video = (int)i, .type = -1, .answer = -1,
                                 .blank = -1};
    return VIOLET_OK;
}

/* The sample's pictures where none is read. */
static void paint(vl_sample *out, const vl_dataset *d, const char *id)
{
    size_t plane = (size_t)d->o.size_img * (size_t)d->o.size_img;
    size_t n = 3 * (size_t)d->piece[0].n_frames;
    snprintf(out->id, sizeof out->id, "%s", id);
    for (size_t k = 0; k < n; k++) memset(out->image + k * plane, d->o.colour[k % 3], plane);
}

violet_status vl_dataset_read_item(vl_sample *out, vl_bad *why, const vl_dataset *d, size_t i,
                                   vl_scratch *s)
{
    violet_status status = encode(out, d, i, s);
    if (status != VIOLET_OK) return status;
    const char *id = vl_items_video(d->o.items, out->facts.video);
    vl_place place = d->place[out->facts.video];
    *why = VL_BAD_UNKNOWN;
    if (place.piece < 0) {
        const char *path = vl_pictures_path(d->piece[0].pictures);
        if (d->o.each_video) return vl_err(VIOLET_EFORMAT, "%s: no video '%.100s'", path, id);
        return vl_err(VIOLET_EFORMAT, "%s: no video '%.100s', which %s entry %zu has", path, id,
                      vl_items_path(d->o.items), vl_items_at(d->o.items, i)->entry);
    }
    if (d->o.colour) {
        paint(out, d, id);
        return VIOLET_OK;
    }
    const vl_piece *piece = &d->piece[place.piece];
    status = vl_dataset_look(out, why, piece, place.record, &s->record);
    return status == VIOLET_OK ? vl_dataset_pictures(out, why, d, piece, &s->record) : status;
}
