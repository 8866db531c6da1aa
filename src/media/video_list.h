/* The videos of a folder, each with its id.
 *
 *     vl_video_list l = {0};
 *     status = vl_video_list_folder(&l, "clips");
 *     if (status == VIOLET_OK) status = vl_video_list_sort(&l);
 *     for i 0 .. l.n - 1: l.file[i].path, l.file[i].id       // "clips/a/b.mp4", "a/b"
 *     vl_video_list_release(&l);
 *
 * All files below the folder whose name ends like a video's (vl_video_has_name), hidden ones aside.
 * The id is the path below the folder without the ending. Sorted, the list is in the order of the
 * ids' bytes whatever the order on the disk; and where two files have one id ("a.mp4", "a.webm"),
 * the later by name gets its ending back ("a", "a.webm"). Links are followed, but not round in
 * circles. Nothing is opened but folders. */
#ifndef VL_MEDIA_VIDEO_LIST_H
#define VL_MEDIA_VIDEO_LIST_H

#include <stddef.h>

#include "violet.h"

typedef struct vl_video_file {
    char *path, *id;
    size_t n_ending; /* bytes of the path's end that the id is without */
} vl_video_file;

typedef struct vl_video_list {
    size_t n, cap;
    vl_video_file *file; /* (n) */
} vl_video_list;

/* Appends the videos below a folder; there may be none. */
violet_status vl_video_list_folder(vl_video_list *l, const char *folder);
/* Appends one file; its id is `below` without the ending, NULL: the last part of the path. */
violet_status vl_video_list_add(vl_video_list *l, const char *path, const char *below);
violet_status vl_video_list_sort(vl_video_list *l);
void vl_video_list_release(vl_video_list *l);

#endif
