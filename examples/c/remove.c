/*
 * Removes a component, a sequence or a version, with all that belongs to it, from the ftrack server:
 *
 *     cc -std=c99 -o remove remove.c -lftreview
 *     FTRACK_SERVER=https://studio.ftrackapp.com FTRACK_API_KEY=... FTRACK_API_USER=me \
 *         ./remove AssetVersion 8a2c...
 *
 * What was removed goes to standard output, as JSON, also where it failed in the middle; everything else to standard
 * error. Exit codes: 0 removed, 1 not, or not all of it, 2 wrong arguments.
 */
#include <ftreview.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int code = 1;
    uint64_t i;
    ftr_session session = 0;
    ftr_job job = 0;
    const ftr_job_result *result = NULL;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_remove_options removal = FTR_REMOVE_OPTIONS_INIT;

    if (argc != 3) {
        fprintf(stderr, "usage: remove FileComponent|SequenceComponent|AssetVersion ID\n");
        return 2;
    }
    removal.entity_type = argv[1];
    removal.id = argv[2];
    /* There is nothing to do meanwhile, so this program waits rather than polls. */
    if (ftr_session_create(&options, &session) < 0 || ftr_session_remove(session, &removal, &job) < 0 ||
        ftr_job_wait(job, FTR_NO_TIMEOUT, &result) < 0) {
        fprintf(stderr, "remove: %s\n", ftr_last_error_message());
    } else {
        for (i = 0; i < result->warning_count; i++)
            fprintf(stderr, "remove: warning: %s\n", result->warnings[i]);
        if (result->answer != NULL)
            printf("%s\n", result->answer);
        if (result->state == FTR_JOB_DONE)
            code = 0;
        else
            fprintf(stderr, "remove: %s\n", result->error->message);
    }
    ftr_session_free(session);
    return code;
}
