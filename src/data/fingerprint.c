/* Hashes of what a data set gives, by which a run knows its data again: vl_items_hash of items.h,
 * vl_dataset_identity of dataset.h. Paths take no part, so data may move; pixels neither, since
 * looking at all of them takes as long as an epoch. */
#include <string.h>

#include "base/hash.h"
#include "data/dataset_internal.h"

static uint64_t add_number(uint64_t h, int64_t x)
{
    return vl_hash(h, &x, sizeof x);
}

static uint64_t add_text(uint64_t h, const char *s)
{
    return vl_hash(h, s ? s : "", s ? strlen(s) + 1 : 0);
}

uint64_t vl_items_hash(const vl_items *q)
{
    uint64_t h = add_number((uint64_t)vl_items_kind(q), (int64_t)vl_items_n(q));
    for (size_t i = 0; i < vl_items_n(q); i++) {
        const vl_item *x = vl_items_at(q, i);
        h = add_text(h, vl_items_video(q, x->video));
        h = add_text(h, x->text);
        h = add_text(h, x->word);
        for (int k = 0; k < x->n_options; k++) h = add_text(h, x->option[k]);
        if (!x->word) h = add_number(h, x->answer); /* a word's number is the list's */
    }
    return h;
}

static uint64_t hash_piece(uint64_t h, const vl_piece *piece)
{
    h = add_number(h, (int64_t)piece->n);
    h = add_number(h, piece->n_frames);
    if (piece->row) h = vl_hash(h, piece->row, piece->n * sizeof *piece->row);
    return add_number(h, (int64_t)vl_pictures_identity(piece->pictures));
}

uint64_t vl_dataset_identity(const vl_dataset *d)
{
    if (d->o.items) {
        uint64_t h = add_number(vl_items_hash(d->o.items), d->piece[0].n_frames);
        for (int k = 0; k < vl_items_n_videos(d->o.items); k++)
            h = add_number(h, d->place[k].piece >= 0);
        return h;
    }
    uint64_t h = add_number(vl_captions_hash(d->captions), d->grid);
    for (int i = 0; i < d->n_pieces; i++) h = hash_piece(h, &d->piece[i]);
    return h;
}
