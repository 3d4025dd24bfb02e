/*
 * A program with a loop of its own: it waits for its user and for the library at once, and polls only when there is
 * something to poll.
 *
 *     poll_loop [CONTEXT]
 *
 * reads a file name a line from standard input and publishes each; "status" says how it stands. Ends when the input has
 * ended and all is published. Server, key and user come from FTRACK_SERVER, FTRACK_API_KEY and FTRACK_API_USER.
 *
 *     cc -std=c99 -o poll_loop poll_loop.c -lftreview
 *
 * The descriptor fits any loop: epoll, a QSocketNotifier of Qt, a g_unix_fd_add of GLib. Where a loop takes no
 * descriptors, ftr_session_set_wakeup_callback can post a message to it instead.
 */
#define _POSIX_C_SOURCE 200809L /* poll, read */

#include <ftreview.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct work {
    ftr_session session;
    const char *context;
    int running, failed;
    char line[4096]; /* what was read of the line that is not complete */
    size_t length;
};

/* Called inside ftr_session_poll_events below, once for each job. */
static void on_job(void *user_data, const ftr_job_result *result)
{
    struct work *work = user_data;

    work->running--;
    if (result->state == FTR_JOB_DONE) {
        printf("published %s version %lld\n", result->asset_name, (long long)result->version_number);
    } else {
        printf("not published: %s\n", result->error->message);
        work->failed++;
    }
    /* The result of the job is not needed any more. The handle would else be kept until the session is freed. */
    ftr_job_free(result->job);
}

static void run_line(struct work *work, const char *line)
{
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_job job;

    if (*line == '\0')
        return;
    if (strcmp(line, "status") == 0) {
        printf("%d running, %d failed\n", work->running, work->failed);
        return;
    }
    publish.path = line;
    publish.context = work->context;
    /* Copies all it needs and returns at once, so the loop is never held up. */
    if (ftr_session_publish_file(work->session, &publish, &job) < 0) {
        printf("not published: %s\n", ftr_last_error_message());
        work->failed++;
    } else {
        work->running++;
    }
}

/* Reads what is there and runs the lines that are complete. Returns 0 at the end of the input. */
static int read_input(struct work *work)
{
    const ssize_t count = read(STDIN_FILENO, work->line + work->length, sizeof work->line - 1 - work->length);
    char *end;

    if (count < 0 && errno == EINTR)
        return 1;
    if (count > 0)
        work->length += (size_t)count;
    work->line[work->length] = '\0';
    while ((end = strchr(work->line, '\n')) != NULL) {
        *end = '\0';
        run_line(work, work->line);
        work->length -= (size_t)(end + 1 - work->line);
        memmove(work->line, end + 1, work->length + 1);
    }
    if (count > 0 && work->length < sizeof work->line - 1)
        return 1;
    run_line(work, work->line); /* a last line without its end, or one that is too long for a path */
    return 0;
}

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    struct work work = {0};
    struct pollfd wait_for[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};

    work.context = argc > 1 ? argv[1] : NULL;
    options.on_job = on_job;
    options.user_data = &work;
    if (ftr_session_create(&options, &work.session) < 0 ||
        ftr_session_wake_fd(work.session, &wait_for[1].fd) < 0) {
        fprintf(stderr, "%s\n", ftr_last_error_message());
        ftr_session_free(work.session);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (wait_for[0].fd >= 0 || work.running > 0) {
        if (poll(wait_for, 2, -1) < 0 && errno != EINTR)
            break;
        /* The descriptor belongs to the library: it is waited for, and never read. Polling makes it quiet again. */
        if (wait_for[1].revents != 0)
            ftr_session_poll_events(work.session, 0);
        if (wait_for[0].revents != 0 && !read_input(&work))
            wait_for[0].fd = -1; /* poll leaves out negative descriptors */
        wait_for[0].revents = wait_for[1].revents = 0;
    }
    ftr_session_free(work.session);
    return work.failed > 0 ? 1 : 0;
}
