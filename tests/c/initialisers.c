/* What the INIT macros set. Compiled as C and as C++. */
#include <ftreview.h>
#include <string.h>

static const ftr_session_options session_at_load_time = FTR_SESSION_OPTIONS_INIT;
static const ftr_publish_options publish_at_load_time = FTR_PUBLISH_OPTIONS_INIT;

int main(void)
{
    ftr_session_options session = FTR_SESSION_OPTIONS_INIT, empty_session;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT, empty_publish;
    ftr_hub_subscribe_options subscribe = FTR_HUB_SUBSCRIBE_OPTIONS_INIT, empty_subscribe;
    ftr_hub_publish_options event = FTR_HUB_PUBLISH_OPTIONS_INIT, empty_event;
    ftr_hub_info info = FTR_HUB_INFO_INIT, empty_info;
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT, empty_watch;
    ftr_publish_file file = FTR_PUBLISH_FILE_INIT, empty_file;
    ftr_http_upload_options upload = FTR_HTTP_UPLOAD_OPTIONS_INIT, empty_upload;
    ftr_download_options download = FTR_DOWNLOAD_OPTIONS_INIT, empty_download;
    ftr_remove_options removal = FTR_REMOVE_OPTIONS_INIT, empty_removal;

    memset(&empty_session, 0, sizeof empty_session);
    empty_session.struct_size = sizeof empty_session;
    empty_session.log_level = FTR_LOG_WARNING;
    memset(&empty_publish, 0, sizeof empty_publish);
    empty_publish.struct_size = sizeof empty_publish;
    empty_publish.note_frame = -1;
    memset(&empty_subscribe, 0, sizeof empty_subscribe);
    empty_subscribe.struct_size = sizeof empty_subscribe;
    empty_subscribe.priority = 100;
    memset(&empty_event, 0, sizeof empty_event);
    empty_event.struct_size = sizeof empty_event;
    memset(&empty_info, 0, sizeof empty_info);
    empty_info.struct_size = sizeof empty_info;
    memset(&empty_watch, 0, sizeof empty_watch);
    empty_watch.struct_size = sizeof empty_watch;
    memset(&empty_upload, 0, sizeof empty_upload);
    empty_upload.struct_size = sizeof empty_upload;
    memset(&empty_download, 0, sizeof empty_download);
    empty_download.struct_size = sizeof empty_download;
    memset(&empty_removal, 0, sizeof empty_removal);
    empty_removal.struct_size = sizeof empty_removal;

    memset(&empty_file, 0, sizeof empty_file);
    empty_file.struct_size = sizeof empty_file;

    /* There is no padding in the structs (the header compiles with -Wpadded), so bytes can be compared. */
    if (memcmp(&session, &empty_session, sizeof session) != 0)
        return 1;
    if (memcmp(&publish, &empty_publish, sizeof publish) != 0)
        return 2;
    if (memcmp(&session_at_load_time, &session, sizeof session) != 0)
        return 3;
    if (memcmp(&publish_at_load_time, &publish, sizeof publish) != 0)
        return 4;
    if (memcmp(&subscribe, &empty_subscribe, sizeof subscribe) != 0)
        return 5;
    if (memcmp(&event, &empty_event, sizeof event) != 0)
        return 6;
    if (memcmp(&info, &empty_info, sizeof info) != 0)
        return 7;
    if (memcmp(&watch, &empty_watch, sizeof watch) != 0)
        return 8;
    if (memcmp(&file, &empty_file, sizeof file) != 0)
        return 10;
    if (memcmp(&upload, &empty_upload, sizeof upload) != 0)
        return 9;
    if (memcmp(&download, &empty_download, sizeof download) != 0)
        return 10;
    if (memcmp(&removal, &empty_removal, sizeof removal) != 0)
        return 11;
    return 0;
}
