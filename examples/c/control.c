/*
 * An upload in the user's hands: paused, slowed down, let go on, or cancelled while it runs.
 *
 *     control FILE [CONTEXT]
 *
 * publishes FILE and reads a command a line from standard input meanwhile:
 *
 *     pause        no byte moves any more
 *     resume       go on
 *     cap BYTES    at most so many bytes a second; 0 lifts the cap
 *     status       say how far it is
 *     cancel       end it, and leave nothing on the server
 *
 * What happens is told a line each. Server, key and user come from FTRACK_SERVER, FTRACK_API_KEY and FTRACK_API_USER.
 * With FTREVIEW_JOURNAL set to a folder, and the same FILE and CONTEXT, a later run goes on where a former one ended.
 *
 *     cc -std=c99 -o control control.c -lftreview
 */
#define _POSIX_C_SOURCE 200809L /* poll, read, getline */

#include <ftreview.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct upload {
    ftr_session session;
    ftr_job job;
    uint64_t stored, done, total;
    int paused, state;
};

/* Called inside ftr_session_poll_events below, at most ten times a second. */
static void on_progress(void *user_data, const ftr_progress *progress)
{
    struct upload *upload = user_data;

    if (progress->paused != upload->paused)
        printf("%s\n", progress->paused ? "paused" : "resumed");
    upload->paused = progress->paused;
    upload->stored = progress->bytes_stored;
    upload->done = progress->bytes_done;
    upload->total = progress->bytes_total;
}

/* Called once, when it has ended. */
static void on_job(void *user_data, const ftr_job_result *result)
{
    struct upload *upload = user_data;

    upload->state = result->state;
    if (result->state == FTR_JOB_DONE)
        printf("published %s version %lld\n", result->asset_name, (long long)result->version_number);
    else
        printf("%s: %s\n", result->state == FTR_JOB_CANCELLED ? "cancelled" : "not published", result->error->message);
}

static void obey(struct upload *upload, const char *command)
{
    unsigned long long cap;
    int32_t code = FTR_OK;

    if (strcmp(command, "pause") == 0)
        code = ftr_job_pause(upload->job);
    else if (strcmp(command, "resume") == 0)
        code = ftr_job_resume(upload->job);
    else if (strcmp(command, "cancel") == 0)
        code = ftr_job_cancel(upload->job);
    else if (sscanf(command, "cap %llu", &cap) == 1)
        code = ftr_session_set_upload_rate(upload->session, cap);
    else if (strcmp(command, "status") == 0)
        printf("%llu of %llu bytes sent, %llu in storage\n", (unsigned long long)upload->done,
               (unsigned long long)upload->total, (unsigned long long)upload->stored);
    else
        printf("not known: %s\n", command);
    if (code < 0)
        printf("%s: %s\n", command, ftr_last_error_message());
}

/* Reads what is there, a byte at a time so that nothing is left in a buffer that poll does not see. Returns 0 at the end. */
static int read_commands(struct upload *upload)
{
    static char line[256];
    static size_t length;
    struct pollfd more = {STDIN_FILENO, POLLIN, 0};

    do {
        char byte;
        const ssize_t count = read(STDIN_FILENO, &byte, 1);

        if (count == 0)
            return 0;
        if (count < 0)
            return errno == EINTR;
        if (byte == '\n') {
            line[length] = '\0';
            length = 0;
            obey(upload, line);
        } else if (length < sizeof line - 1) {
            line[length++] = byte;
        }
    } while (poll(&more, 1, 0) > 0);
    return 1;
}

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    struct upload upload = {0};
    struct pollfd wait_for[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};
    char key[4096];

    if (argc < 2) {
        fprintf(stderr, "usage: control FILE [CONTEXT]\n");
        return 2;
    }
    publish.path = argv[1];
    publish.context = argc > 2 ? argv[2] : NULL;
    options.journal_folder = getenv("FTREVIEW_JOURNAL");
    if (options.journal_folder != NULL) {
        /* The same for each try of this publish, and for no other. */
        snprintf(key, sizeof key, "%s to %s", publish.path, publish.context != NULL ? publish.context : "");
        publish.idempotency_key = key;
    }
    options.on_progress = on_progress;
    options.on_job = on_job;
    options.user_data = &upload;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (ftr_session_create(&options, &upload.session) < 0 ||
        ftr_session_wake_fd(upload.session, &wait_for[1].fd) < 0 ||
        ftr_session_publish_file(upload.session, &publish, &upload.job) < 0) {
        fprintf(stderr, "%s\n", ftr_last_error_message());
        ftr_session_free(upload.session);
        return 1;
    }
    while (upload.state == 0) {
        if (poll(wait_for, 2, -1) < 0 && errno != EINTR)
            break;
        if (wait_for[1].revents != 0)
            ftr_session_poll_events(upload.session, 0);
        if (wait_for[0].revents != 0 && !read_commands(&upload))
            wait_for[0].fd = -1; /* poll leaves out negative descriptors */
        wait_for[0].revents = wait_for[1].revents = 0;
    }
    ftr_session_free(upload.session);
    return upload.state == FTR_JOB_DONE ? 0 : 1;
}
