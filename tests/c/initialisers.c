/* What the INIT macros set. Compiled as C and as C++. */
#include <ftreview.h>
#include <string.h>

static const ftr_session_options session_at_load_time = FTR_SESSION_OPTIONS_INIT;
static const ftr_publish_options publish_at_load_time = FTR_PUBLISH_OPTIONS_INIT;

int main(void)
{
    ftr_session_options session = FTR_SESSION_OPTIONS_INIT, empty_session;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT, empty_publish;

    memset(&empty_session, 0, sizeof empty_session);
    empty_session.struct_size = sizeof empty_session;
    empty_session.log_level = FTR_LOG_WARNING;
    memset(&empty_publish, 0, sizeof empty_publish);
    empty_publish.struct_size = sizeof empty_publish;

    /* There is no padding in the structs (the header compiles with -Wpadded), so bytes can be compared. */
    if (memcmp(&session, &empty_session, sizeof session) != 0)
        return 1;
    if (memcmp(&publish, &empty_publish, sizeof publish) != 0)
        return 2;
    if (memcmp(&session_at_load_time, &session, sizeof session) != 0)
        return 3;
    if (memcmp(&publish_at_load_time, &publish, sizeof publish) != 0)
        return 4;
    return 0;
}
