/* missing CODE WORD: a session with default options is refused with this code, and the message has this word. */
#include "check.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;

    if (argc != 3)
        return 2;
    RETURNS(atoi(argv[1]), ftr_session_create(&options, &session));
    CHECK(session == 0);
    CHECK(strstr(ftr_last_error_message(), argv[2]) != NULL);
    return finish();
}
