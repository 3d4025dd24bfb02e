/* Jobs by the thousand, full queues, cancelling. */
#define _GNU_SOURCE
#include "case.h"

#include <pthread.h>

#define MISSING "no-such-file.mp4"
#define JOBS 1000
#define CAPACITY 1024
/* One in this many of the thousand is a real movie: the others fail while the file is checked. */
#define REAL 40

/* --- a thousand --- */

static int ends[JOBS];

static void one_end(uint64_t tag, const ftr_job_result *result)
{
    CHECK(tag < JOBS);
    if (tag >= JOBS)
        return;
    ends[tag]++;
    if (tag % REAL == 0)
        CHECK(result->state == FTR_JOB_DONE && result->version_id != NULL && result->error == NULL);
    else
        CHECK(result->state == FTR_JOB_FAILED && result->version_id == NULL &&
              result->error->code == FTR_E_FILE_NOT_FOUND);
}

static void on_event(void *total, const ftr_event_info *event)
{
    /* Nothing comes after a job's end. */
    CHECK(event->job == 0 || (event->tag < JOBS && ends[event->tag] == 0));
    if (event->kind != FTR_EVENT_JOB_ENDED)
        return;
    ++*(int *)total;
    one_end(event->tag, event->result);
}

static ftr_session submit_thousand(int *total)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;
    uint64_t tag;

    options.server_url = server;
    options.log_level = FTR_LOG_OFF;
    options.on_event = on_event;
    options.user_data = total;
    RETURNS(FTR_OK, ftr_session_create(&options, &session));
    for (tag = 0; tag < JOBS; tag++)
        publish(session, tag % REAL == 0 ? file : MISSING, tag);
    return session;
}

/* When all is over nothing is left to tell, and every job has ended once. */
static void once_each(ftr_session session)
{
    int i, count;

    RETURNS(0, ftr_session_close(session, LONG));
    do
        count = ftr_session_poll_events(session, 0);
    while (count >= 0);
    CHECK(count == FTR_E_CLOSED);
    for (i = 0; i < JOBS; i++)
        CHECK(ends[i] == 1);
    RETURNS(FTR_OK, ftr_session_free(session));
}

static void thousand_polled(void)
{
    int total = 0;
    ftr_session session = submit_thousand(&total);

    while (total < JOBS)
        CHECK(ftr_session_poll_events(session, LONG) > 0);
    once_each(session);
}

static void thousand_pulled(void)
{
    int total = 0;
    ftr_session session = submit_thousand(&total);

    while (total < JOBS) {
        const ftr_event_info *info = NULL;
        const char *json = NULL;
        ftr_event event = 0;

        RETURNS(1, ftr_session_next_event(session, LONG, &event));
        RETURNS(FTR_OK, ftr_event_get(event, &info));
        RETURNS(FTR_OK, ftr_event_json(event, &json));
        printf("%s\n", json);
        on_event(&total, info);
        RETURNS(FTR_OK, ftr_event_free(event));
    }
    once_each(session);
}

/* --- a full queue --- */

static int32_t one_more(ftr_session session, ftr_job *job)
{
    ftr_publish_options options = FTR_PUBLISH_OPTIONS_INIT;

    options.path = MISSING;
    options.context = "demo";
    return ftr_session_publish_file(session, &options, job);
}

static ftr_session fill(struct told *told, ftr_job *first)
{
    ftr_session session = open_session(told);
    ftr_job job = 77;
    int i;

    *first = publish(session, MISSING, 0);
    for (i = 1; i < CAPACITY; i++)
        publish(session, MISSING, 0);
    RETURNS(FTR_E_QUEUE_FULL, one_more(session, &job));
    CHECK(strstr(ftr_last_error_message(), "1024") != NULL);
    CHECK(job == 77);
    return session;
}

static void queue_full(void)
{
    struct told told = {0};
    ftr_job job;
    ftr_session session = fill(&told, &job);

    poll_until_ended(session, &told);
    RETURNS(FTR_OK, one_more(session, &job));
    while (told.ended < CAPACITY + 1)
        poll_until_ended(session, &told);
    CHECK(told.ended == CAPACITY + 1);
    RETURNS(FTR_OK, ftr_session_free(session));
}

static void room_after_waiting(void)
{
    const ftr_job_result *result = NULL;
    struct told told = {0};
    ftr_job job, other;
    ftr_session session = fill(&told, &job);

    RETURNS(FTR_OK, ftr_job_wait(job, LONG, &result));
    CHECK(result->error->code == FTR_E_FILE_NOT_FOUND);
    RETURNS(FTR_E_QUEUE_FULL, one_more(session, &other));
    RETURNS(FTR_OK, ftr_job_free(job));
    RETURNS(FTR_OK, one_more(session, &other));
    RETURNS(0, ftr_session_close(session, LONG));
    while (ftr_session_poll_events(session, LONG) > 0)
        ;
    /* The one that was waited for and freed is not told again. */
    CHECK(told.ended == CAPACITY);
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* --- waiting and cancelling --- */

static void *wait_for_job(void *job)
{
    const ftr_job_result *result = NULL;

    RETURNS(FTR_OK, ftr_job_wait(*(ftr_job *)job, LONG, &result));
    CHECK(result != NULL && result->state == FTR_JOB_FAILED);
    return (void *)(uintptr_t)result;
}

static void many_wait(void)
{
    ftr_session session = open_session(NULL);
    ftr_job job = publish(session, file, 0);
    const ftr_job_result *result = NULL;
    pthread_t threads[8];
    void *seen;
    int i;

    for (i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_for_job, &job) == 0);
    RETURNS(FTR_OK, ftr_job_wait(job, LONG, &result));
    for (i = 0; i < 8; i++) {
        CHECK(pthread_join(threads[i], &seen) == 0);
        CHECK(seen == (const void *)result);
    }
    RETURNS(FTR_OK, ftr_session_free(session));
}

static void cancel_ended(void)
{
    const ftr_job_result *result = NULL;
    struct told told = {0};
    ftr_session session = open_session(&told);
    ftr_job job = publish(session, MISSING, 0);

    RETURNS(FTR_OK, ftr_job_wait(job, LONG, &result));
    RETURNS(FTR_OK, ftr_job_cancel(job));
    RETURNS(FTR_OK, ftr_job_cancel(job));
    CHECK(result->state == FTR_JOB_FAILED);
    poll_until_ended(session, &told);
    CHECK(told.ended == 1 && told.state == FTR_JOB_FAILED);
    RETURNS(FTR_OK, ftr_session_free(session));
}

static ftr_job cancelled_job;
static int moment, done, cancelled;

static void cancel_at_moment(void *ended, const ftr_event_info *event)
{
    if (event->kind != FTR_EVENT_JOB_ENDED) {
        if (event->job != 0 && moment-- == 0)
            RETURNS(FTR_OK, ftr_job_cancel(cancelled_job));
        return;
    }
    ++*(int *)ended;
    switch (event->result->state) {
    case FTR_JOB_DONE:
        done++;
        CHECK(event->result->version_id != NULL && event->result->component_id != NULL);
        break;
    case FTR_JOB_CANCELLED:
        cancelled++;
        CHECK(event->result->version_id == NULL && event->result->component_id == NULL);
        CHECK(event->result->error->code == FTR_E_CANCELLED);
        break;
    default:
        CHECK(!"neither done nor cancelled");
        fprintf(stderr, "%s\n", event->result->error->message);
    }
}

/* Before the job begins, at each of its events, and after the last. */
static void cancel_at_every_moment(void)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;
    int ended = 0, round;

    options.server_url = server;
    options.log_level = FTR_LOG_OFF;
    options.on_event = cancel_at_moment;
    options.user_data = &ended;
    RETURNS(FTR_OK, ftr_session_create(&options, &session));
    for (round = 0; round < 40; round++) {
        moment = round / 4 - 1;
        cancelled_job = publish(session, file, 0);
        if (moment < 0)
            RETURNS(FTR_OK, ftr_job_cancel(cancelled_job));
        while (ended <= round)
            CHECK(ftr_session_poll_events(session, LONG) > 0);
    }
    RETURNS(FTR_OK, ftr_session_free(session));
    CHECK(ended == round && done + cancelled == round);
    printf("done: %d\ncancelled: %d\n", done, cancelled);
}

/* Exits after as many events as EVENTS says, with whatever is going on then. */
static void exit_while_busy(void)
{
    ftr_session session = open_session(NULL);
    const char *text = getenv("EVENTS");
    int left = text != NULL ? atoi(text) : 0, i;

    for (i = 0; i < 4; i++)
        publish(session, file, 0);
    while (left-- > 0) {
        ftr_event event = 0;

        RETURNS(1, ftr_session_next_event(session, LONG, &event));
        RETURNS(FTR_OK, ftr_event_free(event));
    }
    exit(finish());
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"thousand_polled", thousand_polled},
        {"thousand_pulled", thousand_pulled},
        {"queue_full", queue_full},
        {"room_after_waiting", room_after_waiting},
        {"many_wait", many_wait},
        {"cancel_ended", cancel_ended},
        {"cancel_at_every_moment", cancel_at_every_moment},
        {"exit_while_busy", exit_while_busy},
    };

    return RUN(cases, argc, argv);
}
