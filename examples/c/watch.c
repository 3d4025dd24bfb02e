/*
 * Publishes a movie or a still, then prints what reviewers do with it until Ctrl-C. Written to be copied from.
 *
 *     cc -std=c99 -o watch watch.c -lftreview
 *     FTRACK_SERVER=https://studio.ftrackapp.com FTRACK_API_KEY=... FTRACK_API_USER=me \
 *         ./watch show/sq010/sh010/compositing sh010_comp_v003.mp4
 *
 * With --poll before these it does the same in a loop of its own around poll(2), as a program has that waits for other
 * things as well: here for lines on standard input. "status" says how the connection is, "quit" ends, and any other line
 * is told to every program that is connected to the same event hub, and to this one.
 */
#define _POSIX_C_SOURCE 200809L /* sigaction, poll, pipe; nothing else here is beyond ISO C99 */

#include <ftreview.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHAT "ftreview.example.chat"

/* What the callbacks tell main(): the user_data of everything here. */
struct watching {
    int failed;    /* there is nothing to watch */
    int connected; /* for one line only when that changes */
};

static void on_job(void *user_data, const ftr_job_result *result);
static void on_event(void *user_data, const ftr_event_info *event);
static void on_review(void *user_data, const ftr_event_info *event);
static void on_chat(void *user_data, const ftr_event_info *event);
static int begin(const char *context, const char *path, struct watching *watching, ftr_session *session);
static int run(ftr_session session, const struct watching *watching);
static int run_with_poll(ftr_session session, const struct watching *watching);
static int catch_interrupts(void);

int main(int argc, char **argv)
{
    const int with_poll = argc > 1 && strcmp(argv[1], "--poll") == 0;
    struct watching watching = {0, 0};
    ftr_session session = 0;
    int code;

    if (argc != 3 + with_poll) {
        fprintf(stderr, "usage: watch [--poll] CONTEXT FILE\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, also into a pipe */
    if (!catch_interrupts() || !begin(argv[1 + with_poll], argv[2 + with_poll], &watching, &session)) {
        fprintf(stderr, "watch: %s\n", ftr_last_error_message());
        return 1;
    }
    code = with_poll ? run_with_poll(session, &watching) : run(session, &watching);
    ftr_session_free(session); /* ends the watch and the connection, too */
    return code;
}

/* Publishes, and watches what this session publishes. Nothing here waits for the network. */
static int begin(const char *context, const char *path, struct watching *watching, ftr_session *session)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT;
    ftr_hub_subscribe_options chat = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_watch watch_handle;
    ftr_subscription subscription;
    ftr_job job;

    options.flags = FTR_SESSION_AUTO_CONNECT_EVENT_HUB; /* without it a watch hears late */
    options.log_level = FTR_LOG_OFF;
    options.user_data = watching;
    options.on_job = on_job;
    options.on_event = on_event;
    watch.flags = FTR_WATCH_PUBLISHED;
    watch.callback = on_review;
    chat.callback = on_chat;
    publish.path = path;
    publish.context = context;

    return ftr_session_create(&options, session) >= 0 && ftr_session_watch(*session, &watch, &watch_handle) >= 0 &&
           ftr_hub_subscribe(*session, "topic=" CHAT, &chat, &subscription) >= 0 &&
           ftr_session_publish_file(*session, &publish, &job) >= 0;
}

/* --- Ctrl-C --- */

/* Set by the first Ctrl-C; the second one has its usual effect. The pipe wakes a poll(2) that was just about to begin. */
static volatile sig_atomic_t interrupted;
static int interrupt_pipe[2];

static void on_interrupt(int signal_number)
{
    const int before = errno;

    (void)signal_number;
    interrupted = 1;
    if (write(interrupt_pipe[1], "", 1) < 0) {
        /* Full, so that poll(2) wakes all the same. */
    }
    errno = before;
}

static int catch_interrupts(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    return pipe(interrupt_pipe) == 0 && sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0;
}

/* --- the simple loop --- */

static int run(ftr_session session, const struct watching *watching)
{
    while (!interrupted && !watching->failed)
        if (ftr_session_poll_events(session, 200) < 0) /* as soon as Ctrl-C is to be noticed */
            return 1;
    return watching->failed;
}

/* --- a loop that waits for other things as well --- */

static int handle_line(ftr_session session, const char *line)
{
    char data[600];
    ftr_hub_info info = FTR_HUB_INFO_INIT;

    if (strcmp(line, "quit") == 0)
        return 0;
    if (strcmp(line, "status") == 0) {
        ftr_hub_status(session, &info);
        printf("hub: %s, %llu events wait\n", info.status == FTR_HUB_CONNECTED ? "connected" : "not connected",
               (unsigned long long)info.waiting);
    } else {
        /* Only for lines without quotes and backslashes; a program has a library for JSON. */
        snprintf(data, sizeof data, "{\"text\": \"%s\"}", line);
        if (ftr_hub_publish(session, CHAT, data, NULL) < 0)
            fprintf(stderr, "watch: %s\n", ftr_last_error_message());
    }
    return 1;
}

/* Reads what there is and handles the lines that are complete. 0 at the end of input, or when asked to quit. */
static int read_lines(ftr_session session)
{
    static char buffer[512];
    static size_t filled;
    const ssize_t count = read(STDIN_FILENO, buffer + filled, sizeof buffer - 1 - filled);
    char *end;

    if (count <= 0)
        return count < 0 && errno == EINTR;
    filled += (size_t)count;
    buffer[filled] = '\0';
    while ((end = strchr(buffer, '\n')) != NULL) {
        *end = '\0';
        if (!handle_line(session, buffer))
            return 0;
        filled -= (size_t)(end + 1 - buffer);
        memmove(buffer, end + 1, filled + 1);
    }
    if (filled == sizeof buffer - 1)
        filled = 0; /* a line longer than this program likes */
    return 1;
}

static int run_with_poll(ftr_session session, const struct watching *watching)
{
    struct pollfd wait[3];
    int32_t wake = -1;

    if (ftr_session_wake_fd(session, &wake) < 0)
        return 1;
    wait[0].fd = wake; /* readable while there is something to poll */
    wait[1].fd = interrupt_pipe[0];
    wait[2].fd = STDIN_FILENO;
    wait[0].events = wait[1].events = wait[2].events = POLLIN;
    while (!interrupted && !watching->failed) {
        if (poll(wait, 3, -1) < 0) {
            if (errno != EINTR)
                return 1;
            continue; /* what it says of the descriptors is of the time before */
        }
        /* Until nothing is left: what callbacks cause is told by the next call. */
        while (ftr_session_poll_events(session, 0) > 0)
            continue;
        if ((wait[2].revents & (POLLIN | POLLHUP)) != 0 && !read_lines(session))
            return 0;
    }
    return watching->failed;
}

/* --- what there is to tell; only ever called inside ftr_session_poll_events --- */

static void on_job(void *user_data, const ftr_job_result *result)
{
    struct watching *watching = user_data;

    if (result->state == FTR_JOB_DONE) {
        printf("published %s version %lld: %s\n", result->asset_name, (long long)result->version_number, result->link);
    } else {
        fprintf(stderr, "watch: not published: %s\n", result->error != NULL ? result->error->message : "cancelled");
        watching->failed = 1;
    }
}

/* Everything that has no callback of its own: here the state of the connection. */
static void on_event(void *user_data, const ftr_event_info *event)
{
    struct watching *watching = user_data;
    const int connected = event->status == FTR_HUB_CONNECTED;

    if (event->kind == FTR_EVENT_HUB_STATUS && connected != watching->connected) {
        watching->connected = connected;
        /* Nothing is lost meanwhile: the watch asks when the connection is back. */
        fprintf(stderr, "watch: %s\n", connected ? "connected to the event hub" : "the event hub is away, connecting");
    }
}

static void on_review(void *user_data, const ftr_event_info *event)
{
    const ftr_review *const review = event->review;

    (void)user_data;
    if (event->kind != FTR_EVENT_REVIEW)
        return;
    switch (review->deed) {
    case FTR_REVIEW_NOTE:
        printf("note by %s", review->author != NULL ? review->author : "somebody");
        if (review->frame >= 0)
            printf(" on frame %lld", (long long)review->frame);
        printf(": %s\n", review->text);
        break;
    case FTR_REVIEW_APPROVED: printf("approved (%s)\n", review->text); break;
    case FTR_REVIEW_CHANGES_REQUIRED: printf("changes required (%s)\n", review->text); break;
    case FTR_REVIEW_STATUS: printf("status: %s\n", review->text); break;
    case FTR_REVIEW_ENCODED: printf("encoded: %s\n", review->text); break;
    case FTR_REVIEW_THUMBNAIL: printf("another thumbnail\n"); break;
    default: break; /* later versions of the library may tell more */
    }
}

static void on_chat(void *user_data, const ftr_event_info *event)
{
    (void)user_data;
    if (event->kind == FTR_EVENT_HUB)
        printf("heard %s\n", event->hub->data);
}
