/* Video headers through libavformat; see video_info.h. */
#include "media/video_info.h"

#include <string.h>

#include "media/video_open.h"

violet_status vl_video_info_read(vl_video_info *out, const char *path)
{
    vl_video_file v;
    memset(out, 0, sizeof *out);
    violet_status status = vl_video_file_open(&v, path, NULL);
    if (status == VIOLET_OK) vl_video_file_info(out, &v);
    vl_video_file_close(&v);
    return status;
}
