/*
 * The host of the sweeps: publishes one movie and prints what it is told, a line each, so that whoever started it knows
 * how far it came. It may be killed at any moment.
 *
 *     host publish JOURNAL OUTBOX TIMEOUT_MS FILE THUMBNAIL KEY
 *     host leave   JOURNAL OUTBOX TIMEOUT_MS FILE THUMBNAIL KEY SIGNAL HOW
 *     host stay    JOURNAL OUTBOX TIMEOUT_MS FILE THUMBNAIL KEY
 *     host drain   JOURNAL OUTBOX TIMEOUT_MS
 *     host resume  JOURNAL OUTBOX TIMEOUT_MS
 *
 * JOURNAL, OUTBOX and KEY may be "-". To leave is to end when there is a file SIGNAL, or when the job has ended: by closing
 * the session, by freeing it, or by exiting without either. To stay is to wait until a job is done. To drain is to wait until nothing is in the outbox, to resume,
 * until one job has ended. Server, user and key come from FTRACK_*.
 */
#define _POSIX_C_SOURCE 200809L
#include <ftreview.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Milliseconds after which an outbox that does not empty is told. Parked publishes wait for up to a minute. */
#define LONG 150000
#define SHORT 5000
#define STEP 50

static int ended, done, running;

static void say(const char *what, const char *text)
{
    printf("%s %s\n", what, text != NULL ? text : "-");
}

static const char *none_if_dash(const char *text)
{
    return strcmp(text, "-") == 0 ? NULL : text;
}

static void on_event(void *unused, const ftr_event_info *event)
{
    uint64_t i;

    (void)unused;
    if (event->kind == FTR_EVENT_VERSION_CREATED)
        say("version", event->result->version_id);
    if (event->kind == FTR_EVENT_JOB_KEPT)
        say("kept", event->result->outbox_id);
    if (event->kind == FTR_EVENT_JOB_RESUMED) {
        say("resumed", event->result->outbox_id);
        running++;
    }
    if (event->kind == FTR_EVENT_LOG)
        printf("log %s: %s\n", event->log->target, event->log->message);
    if (event->kind != FTR_EVENT_JOB_ENDED)
        return;
    ended++;
    done += event->result->state == FTR_JOB_DONE;
    running--;
    for (i = 0; i < event->result->warning_count; i++)
        say("warning", event->result->warnings[i]);
    printf("ended %d", (int)event->result->state);
    if (event->result->error != NULL) {
        const ftr_error *error = event->result->error;

        printf(" code=%s class=%d retryable=%d stage=%d: %s", ftr_error_name(error->code), (int)error->error_class,
               (int)error->retryable, (int)error->stage, error->message);
    }
    printf("\n");
}

static void failed(const char *what)
{
    printf("error %s: %s\n", what, ftr_last_error_message());
    exit(3);
}

static ftr_session open_session(char **argument)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;

    options.on_event = on_event;
    options.journal_folder = none_if_dash(argument[0]);
    options.outbox_folder = none_if_dash(argument[1]);
    options.timeout_ms = (int32_t)atoi(argument[2]);
    options.log_level = FTR_LOG_INFO;
    if (ftr_session_create(&options, &session) != FTR_OK)
        failed("ftr_session_create");
    return session;
}

static void submit(ftr_session session, const char *path, const char *thumbnail, const char *key)
{
    ftr_publish_options options = FTR_PUBLISH_OPTIONS_INIT;
    ftr_job job = 0;

    options.path = path;
    options.thumbnail = none_if_dash(thumbnail);
    options.context = "demo/sq010/sh010/compositing";
    options.asset_name = "swept";
    options.comment = "Softer key light";
    options.status = "In Progress";
    options.idempotency_key = none_if_dash(key);
    if (ftr_session_publish_file(session, &options, &job) != FTR_OK)
        failed("ftr_session_publish_file");
    say("accepted", "");
}

static void poll(ftr_session session, int32_t timeout_ms)
{
    if (ftr_session_poll_events(session, timeout_ms) < 0)
        failed("ftr_session_poll_events");
}

static int close_session(ftr_session session)
{
    /* A second end would be told here. */
    if (ftr_session_close(session, 10000) != 0)
        say("error", "closing left something");
    while (ftr_session_poll_events(session, 0) > 0)
        ;
    if (ftr_session_free(session) != FTR_OK)
        failed("ftr_session_free");
    say("freed", "");
    return 0;
}

static int publish(char **argument)
{
    ftr_session session = open_session(argument);

    running++;
    submit(session, argument[3], argument[4], argument[5]);
    while (ended == 0)
        poll(session, FTR_NO_TIMEOUT);
    return close_session(session);
}

/* What a program does that has no time. */
static int leave(char **argument)
{
    ftr_session session = open_session(argument);
    const char *how = argument[7];

    running++;
    submit(session, argument[3], argument[4], argument[5]);
    while (ended == 0 && access(argument[6], F_OK) != 0)
        poll(session, 10);
    say("leaving", how);
    if (strcmp(how, "exit") == 0)
        return 0;
    if (strcmp(how, "close") == 0) {
        printf("parked %d\n", (int)ftr_session_close(session, 0));
        /* What is told of a job's end is told now, too. */
        while (ended == 0)
            poll(session, FTR_NO_TIMEOUT);
    }
    if (ftr_session_free(session) != FTR_OK)
        failed("ftr_session_free");
    say("freed", "");
    return 0;
}

static int stay(char **argument)
{
    ftr_session session = open_session(argument);
    int waited;

    running++;
    submit(session, argument[3], argument[4], argument[5]);
    for (waited = 0; done == 0 && waited <= LONG; waited += STEP)
        poll(session, STEP);
    return close_session(session);
}

static int resume(char **argument)
{
    ftr_session session = open_session(argument);
    int waited;

    for (waited = 0; ended == 0 && waited <= LONG; waited += STEP)
        poll(session, STEP);
    return close_session(session);
}

/* How many things are in one of the outbox's folders. */
static int count(const char *outbox, const char *name)
{
    char path[4096];
    const struct dirent *entry;
    DIR *folder;
    int found = 0;

    snprintf(path, sizeof path, "%s/%s", outbox, name);
    folder = opendir(path);
    if (folder == NULL)
        return 0;
    while ((entry = readdir(folder)) != NULL)
        found += entry->d_name[0] != '.';
    closedir(folder);
    return found;
}

static int drain(char **argument)
{
    ftr_session session = open_session(argument);
    int waited;

    if (ftr_session_wait_ready(session, LONG) != FTR_OK)
        failed("ftr_session_wait_ready");
    for (waited = 0; running > 0 || count(argument[1], "jobs") > 0; waited += STEP) {
        poll(session, STEP);
        if (waited > LONG) {
            say("error", "the outbox does not empty");
            break;
        }
    }
    /* What killed processes left is swept by and by. */
    for (waited = 0; waited < SHORT; waited += STEP) {
        if (count(argument[1], "new") + count(argument[1], "gone") + count(argument[1], "held") == 0)
            break;
        poll(session, STEP);
    }
    return close_session(session);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 8 && strcmp(argv[1], "publish") == 0)
        return publish(argv + 2);
    if (argc == 8 && strcmp(argv[1], "stay") == 0)
        return stay(argv + 2);
    if (argc == 10 && strcmp(argv[1], "leave") == 0)
        return leave(argv + 2);
    if (argc == 5 && strcmp(argv[1], "drain") == 0)
        return drain(argv + 2);
    if (argc == 5 && strcmp(argv[1], "resume") == 0)
        return resume(argv + 2);
    fprintf(stderr, "see the head of tests/sweep/host.c\n");
    return 2;
}
