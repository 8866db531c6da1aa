/* Fast mode: frames by the packets' time stamps; see video.h. */
#include "media/video_work.h"

violet_status vl_video_fast(bool *sure, const char **why, vl_video_kept *kept,
                            vl_video_decoder *d, vl_video_result *r, const vl_video_pick *pick)
{
    (void)kept, (void)d, (void)r, (void)pick;
    *sure = false;
    *why = "fast mode is not here yet";
    return VIOLET_OK;
}
