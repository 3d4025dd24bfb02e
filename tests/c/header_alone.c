/* The header needs nothing before it, and may be included twice. Compiled as C and as C++ with every warning on. */
#include <ftreview.h>
#include <ftreview.h>

ftr_session_options header_alone_session(void);
ftr_publish_options header_alone_publish(void);

ftr_session_options header_alone_session(void)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;

    return options;
}

ftr_publish_options header_alone_publish(void)
{
    ftr_publish_options options = FTR_PUBLISH_OPTIONS_INIT;

    return options;
}
