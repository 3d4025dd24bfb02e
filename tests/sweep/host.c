/*
 * The host of the sweeps: publishes one movie and prints what it is told, a line each, so that whoever started it knows
 * how far it came. It may be killed at any moment.
 *
 *     host publish FILE THUMBNAIL KEY JOURNAL TIMEOUT_MS
 *
 * KEY and JOURNAL may be "-". Server, user and key come from FTRACK_*.
 */
#include <ftreview.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ended;

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
    if (event->kind == FTR_EVENT_LOG)
        printf("log %s: %s\n", event->log->target, event->log->message);
    if (event->kind != FTR_EVENT_JOB_ENDED)
        return;
    ended++;
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

static ftr_session open_session(const char *journal, int32_t timeout_ms)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;

    options.on_event = on_event;
    options.journal_folder = none_if_dash(journal);
    options.timeout_ms = timeout_ms;
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

static int publish(char **argument)
{
    ftr_session session = open_session(argument[3], (int32_t)atoi(argument[4]));

    submit(session, argument[0], argument[1], argument[2]);
    while (ended == 0)
        if (ftr_session_poll_events(session, FTR_NO_TIMEOUT) < 0)
            failed("ftr_session_poll_events");
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

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 7 && strcmp(argv[1], "publish") == 0)
        return publish(argv + 2);
    fprintf(stderr, "see the head of tests/sweep/host.c\n");
    return 2;
}
