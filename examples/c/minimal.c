/*
 * The smallest program that publishes: minimal FILE [CONTEXT]
 *
 * Server, key and user come from FTRACK_SERVER, FTRACK_API_KEY and FTRACK_API_USER; the context, if it is not given,
 * from FTRACK_CONTEXTID. publish.c beside this has what a user expects besides: progress, cancelling, exit codes.
 *
 *     cc -o minimal minimal.c -lftreview
 */
#include <ftreview.h>
#include <stdio.h>

enum outcome { RUNNING, PUBLISHED, NOT_PUBLISHED };

/* Called by ftr_session_poll_events below, so on this program's only thread. The result is valid during the call. */
static void on_job(void *user_data, const ftr_job_result *result)
{
    enum outcome *outcome = user_data;

    if (result->state == FTR_JOB_DONE) {
        printf("version %lld: %s\n", (long long)result->version_number, result->link);
        *outcome = PUBLISHED;
    } else {
        fprintf(stderr, "not published: %s\n", result->error->message);
        *outcome = NOT_PUBLISHED;
    }
}

int main(int argc, char **argv)
{
    enum outcome outcome = RUNNING;
    ftr_session session = 0;
    ftr_job job = 0;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;

    if (argc < 2) {
        fprintf(stderr, "usage: minimal FILE [CONTEXT]\n");
        return 2;
    }
    options.on_job = on_job;
    options.user_data = &outcome;
    publish.path = argv[1];
    publish.context = argc > 2 ? argv[2] : NULL;

    if (ftr_session_create(&options, &session) < 0 || ftr_session_publish_file(session, &publish, &job) < 0) {
        fprintf(stderr, "%s\n", ftr_last_error_message());
        outcome = NOT_PUBLISHED;
    }
    while (outcome == RUNNING)
        ftr_session_poll_events(session, 100);

    ftr_session_free(session);
    return outcome == PUBLISHED ? 0 : 1;
}
