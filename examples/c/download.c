/*
 * Downloads a component from the ftrack server to a file:
 *
 *     cc -std=c99 -o download download.c -lftreview
 *     FTRACK_SERVER=https://studio.ftrackapp.com FTRACK_API_KEY=... FTRACK_API_USER=me \
 *         ./download [--overwrite] COMPONENT_ID FILE
 *
 * FILE appears when all of it is there. A download that failed, or whose program was killed, goes on from FILE.part when
 * it is tried again; Ctrl-C removes that. Exit codes: 0 downloaded, 1 not, 2 wrong arguments, 4 not now, but the same may
 * succeed later, 130 cancelled.
 */
#include <ftreview.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { DOWNLOADED = 0, FAILED = 1, USAGE = 2, TRY_LATER = 4, CANCELLED = 130, RUNNING = -1 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* Both are called by ftr_session_poll_events below, so on this program's only thread. */
static void on_progress(void *user_data, const ftr_progress *progress)
{
    (void)user_data;
    if (progress->stage == FTR_STAGE_DOWNLOADING && progress->bytes_total > 0)
        fprintf(stderr, "%llu of %llu bytes, %.1f MB/s\n", (unsigned long long)progress->bytes_done,
                (unsigned long long)progress->bytes_total, progress->bytes_per_second / 1e6);
}

static void on_job(void *user_data, const ftr_job_result *result)
{
    int *code = user_data;

    if (result->state == FTR_JOB_DONE) {
        *code = DOWNLOADED;
        return;
    }
    fprintf(stderr, "download: %s (%s)\n", result->error->message, ftr_error_name(result->error->code));
    if (result->state == FTR_JOB_CANCELLED)
        *code = CANCELLED;
    else
        *code = result->error->retryable ? TRY_LATER : FAILED;
}

int main(int argc, char **argv)
{
    const int overwrite = argc > 1 && strcmp(argv[1], "--overwrite") == 0;
    int code = RUNNING, asked = 0;
    ftr_session session = 0;
    ftr_job job = 0;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_download_options download = FTR_DOWNLOAD_OPTIONS_INIT;

    if (argc != 3 + overwrite) {
        fprintf(stderr, "usage: download [--overwrite] COMPONENT_ID FILE\n");
        return USAGE;
    }
    options.on_progress = on_progress;
    options.on_job = on_job;
    options.user_data = &code;
    download.component_id = argv[1 + overwrite];
    download.path = argv[2 + overwrite];
    download.flags = overwrite ? FTR_DOWNLOAD_OVERWRITE : 0;

    if (ftr_session_create(&options, &session) < 0 ||
        ftr_session_download_component(session, &download, &job) < 0) {
        fprintf(stderr, "download: %s\n", ftr_last_error_message());
        code = FAILED;
    }
    signal(SIGINT, on_interrupt);
    while (code == RUNNING) {
        ftr_session_poll_events(session, 100);
        if (interrupted && !asked) {
            ftr_job_cancel(job); /* only asks: on_job hears how it ended */
            asked = 1;
        }
    }
    ftr_session_free(session);
    return code;
}
