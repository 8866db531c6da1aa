/* PyTorch's zip container, written: a flat state dict that torch.load(weights_only=True) takes.
 *
 *     vl_torch_writer *w;
 *     status = vl_torch_create(&w, "model.pt", &plan);
 *     status = vl_torch_push(w, data, bytes);         // as often as needed, in the list's order
 *     status = vl_torch_finish(w);                    // or vl_torch_abandon(w)
 *
 *     archive/data.pkl      the dictionary, protocol 2; a tensor is the whole of its storage
 *     archive/byteorder     "little"
 *     archive/version       "3"
 *     archive/violet.json   metadata as one JSON object of strings, if there is any: torch.load
 *                           does not look at it
 *     archive/data/0 ...    the storages, each aligned to 64 bytes so that a file can be mapped
 *
 * Checksums are right (zlib's crc32); zip64 where sizes or offsets ask for it. The bytes are a
 * function of the content alone. Aliases share the storage of what they stand for. */
#ifndef VL_FILE_TORCH_WRITE_H
#define VL_FILE_TORCH_WRITE_H

#include "file/tensors.h"

typedef struct vl_torch_writer vl_torch_writer;

violet_status vl_torch_create(vl_torch_writer **out, const char *path, const vl_tensors_plan *plan);
violet_status vl_torch_push(vl_torch_writer *w, const void *data, size_t n_bytes);
violet_status vl_torch_finish(vl_torch_writer *w); /* frees w, whatever comes */
void vl_torch_abandon(vl_torch_writer *w);

#endif
