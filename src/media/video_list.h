/* The videos of a folder or a list, each with its id.
 *
 *     vl_video_list l = {0};
 *     status = vl_video_list_open(&l, "clips");              // a folder, a video, or a list
 *     for i 0 .. l.n - 1: l.file[i].path, .name, .id         // "clips/a/b.mp4", "a/b.mp4", "a/b"
 *     vl_video_list_release(&l);
 *
 * A folder: all files below it whose name ends like a video's (vl_video_has_name), hidden ones
 * aside. The id is the path below the folder without the ending. The list is in the order of the
 * ids' bytes whatever the order on the disk. Links are followed, but not round in circles; one to
 * nowhere is listed, for whoever opens it to tell.
 *
 * A list: a text file, a path a line, relative to the list's folder, and after a TAB the id where
 * the path shall not give it. An absolute path, or one with "..", gives its last part. In the order
 * of the lines. Blank lines, a byte order mark and lines that begin with # are passed over; a file
 * of such a name is written ./#x.
 *
 * Where files have one id ("a.mp4", "a.webm"), all of them keep their endings; where that does not
 * help, it is an error. An id is a piece of a line and a key elsewhere: control characters, and
 * bytes that are no UTF-8, stand in it as %09. Nothing is opened but folders and the list. Memory:
 * some 40 bytes a video, its path and its id. */
#ifndef VL_MEDIA_VIDEO_LIST_H
#define VL_MEDIA_VIDEO_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strings.h"
#include "violet.h"

typedef struct vl_video_entry {
    const char *path; /* to open */
    const char *name; /* below the folder, or as the list has it */
    const char *id;
    uint32_t n_ending; /* bytes of the name's end that the id is without */
    uint32_t line;     /* of the list; 0: there is none */
} vl_video_entry;

typedef struct vl_video_list {
    size_t n, cap;
    vl_video_entry *file; /* (n) */
    size_t n_other; /* files passed over, because their names are not videos' */
    size_t n_kept;  /* ids that keep their ending */
    vl_strings strings;
} vl_video_list;

/* A folder, sorted; a file whose name is a video's or that is no text; a list. EINVAL if there is
 * no video. */
violet_status vl_video_list_open(vl_video_list *l, const char *path);
void vl_video_list_release(vl_video_list *l);

/* Appends the videos below a folder; there may be none. */
violet_status vl_video_list_folder(vl_video_list *l, const char *folder);
/* Appends one file; its id is `name` without the ending, NULL: the last part of the path. */
violet_status vl_video_list_add(vl_video_list *l, const char *path, const char *name);
/* By id, after seeing to it that no two are the same. */
violet_status vl_video_list_sort(vl_video_list *l);

/* Appends text with control characters and what is no UTF-8 as %XX. */
violet_status vl_escape(vl_buf *out, const char *s, size_t n);

#endif
