/* A session's life: closing, freeing, polling and waking up, from everywhere that a host may do it. */
#define _GNU_SOURCE
#include "case.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MISSING "no-such-file.mp4"

/* --- the end --- */

static void exit_without_free(void)
{
    publish(open_session(NULL), file, 0);
}

static void free_while_connecting(void)
{
    ftr_session session = open_session(NULL);

    RETURNS(FTR_E_TIMED_OUT, ftr_session_wait_ready(session, 0));
    RETURNS(FTR_OK, ftr_session_free(session));
    RETURNS(FTR_E_STALE_HANDLE, ftr_session_free(session));
}

static void close_twice(void)
{
    struct told told = {0};
    ftr_session session = open_session(&told);
    int32_t count;

    publish(session, file, 0);
    RETURNS(1, ftr_session_close(session, 0));
    poll_until_ended(session, &told);
    CHECK(told.state == FTR_JOB_CANCELLED && told.code == FTR_E_CANCELLED);
    RETURNS(0, ftr_session_close(session, FTR_NO_TIMEOUT));
    do
        count = ftr_session_poll_events(session, LONG);
    while (count > 0);
    CHECK(count == FTR_E_CLOSED);
    CHECK(told.ended == 1);
    RETURNS(FTR_OK, ftr_session_free(session));
}

static ftr_session in_callback;
static int calls;

static void close_on_job(void *user_data, const ftr_job_result *result)
{
    (void)user_data;
    (void)result;
    calls++;
    RETURNS(0, ftr_session_close(in_callback, LONG));
    RETURNS(0, ftr_session_close(in_callback, 0));
}

static void free_on_job(void *user_data, const ftr_job_result *result)
{
    (void)user_data;
    calls++;
    RETURNS(FTR_OK, ftr_session_free(in_callback));
    /* What the callback was given stays until it returns. */
    CHECK(result->state == FTR_JOB_FAILED && strstr(result->error->message, MISSING) != NULL);
}

static void open_with_on_job(ftr_job_callback on_job)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;

    options.server_url = server;
    options.on_job = on_job;
    RETURNS(FTR_OK, ftr_session_create(&options, &in_callback));
}

static void close_in_callback(void)
{
    int32_t count;

    open_with_on_job(close_on_job);
    publish(in_callback, MISSING, 0);
    do
        count = ftr_session_poll_events(in_callback, LONG);
    while (count > 0);
    CHECK(count == FTR_E_CLOSED);
    CHECK(calls == 1);
    RETURNS(FTR_OK, ftr_session_free(in_callback));
}

static void free_in_callback(void)
{
    int32_t count;

    open_with_on_job(free_on_job);
    publish(in_callback, MISSING, 0);
    publish(in_callback, MISSING, 0);
    do
        count = ftr_session_poll_events(in_callback, LONG);
    while (count >= 0);
    CHECK(count == FTR_E_STALE_HANDLE);
    CHECK(calls == 1);
}

/* --- polling --- */

static void poll_on_job(void *user_data, const ftr_job_result *result)
{
    ftr_session other = *(ftr_session *)user_data;
    const ftr_job_result *waited = NULL;
    ftr_event event = 0;
    int32_t status = 0;

    calls++;
    RETURNS(FTR_E_REENTRANT, ftr_session_poll_events(in_callback, 0));
    RETURNS(FTR_E_REENTRANT, ftr_session_next_event(in_callback, 0, &event));
    CHECK(strstr(ftr_last_error_message(), "callback") != NULL);
    /* Everything else may be called, polling another session too. */
    CHECK(ftr_session_poll_events(other, 0) >= 0);
    RETURNS(FTR_OK, ftr_session_status(in_callback, &status));
    RETURNS(FTR_OK, ftr_job_wait(result->job, 0, &waited));
    CHECK(waited->state == result->state);
    if (calls == 1)
        publish(in_callback, MISSING, 0);
}

static void poll_in_callback(void)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session other = open_session(NULL);

    options.server_url = server;
    options.on_job = poll_on_job;
    options.user_data = &other;
    RETURNS(FTR_OK, ftr_session_create(&options, &in_callback));
    publish(in_callback, MISSING, 0);
    while (calls < 2)
        CHECK(ftr_session_poll_events(in_callback, LONG) > 0);
    RETURNS(FTR_OK, ftr_session_free(in_callback));
    RETURNS(FTR_OK, ftr_session_free(other));
}

static void *poll_until_interrupted(void *session)
{
    int32_t count;

    do
        count = ftr_session_poll_events(*(ftr_session *)session, FTR_NO_TIMEOUT);
    while (count > 0 || count == FTR_E_CONCURRENT_POLL);
    CHECK(count == 0);
    return NULL;
}

/* One thread waits without limit, another is told so, and an interrupt lets the first go. */
static void poll_from_two_threads(void)
{
    ftr_session session = open_session(NULL);
    ftr_event event = 0;
    pthread_t thread;
    int32_t count;

    CHECK(pthread_create(&thread, NULL, poll_until_interrupted, &session) == 0);
    do {
        sched_yield();
        count = ftr_session_poll_events(session, 0);
    } while (count >= 0);
    CHECK(count == FTR_E_CONCURRENT_POLL);
    CHECK(strstr(ftr_last_error_message(), "thread") != NULL);
    RETURNS(FTR_E_CONCURRENT_POLL, ftr_session_next_event(session, LONG, &event));
    RETURNS(FTR_OK, ftr_session_interrupt(session));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(ftr_session_poll_events(session, 0) >= 0);
    RETURNS(FTR_OK, ftr_session_free(session));
}

static void interrupt_before_waiting(void)
{
    ftr_session session = open_session(NULL);

    RETURNS(FTR_OK, ftr_session_interrupt(session));
    RETURNS(0, ftr_session_poll_events(session, FTR_NO_TIMEOUT));
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* Freed by another thread while one waits: the waiting one comes back, and nothing is touched after that. */
static void *poll_until_error(void *session)
{
    int32_t count;

    do
        count = ftr_session_poll_events(*(ftr_session *)session, FTR_NO_TIMEOUT);
    while (count >= 0 || count == FTR_E_CONCURRENT_POLL); /* the other thread has just looked whether this one polls */
    CHECK(count == FTR_E_STALE_HANDLE || count == FTR_E_CLOSED);
    return NULL;
}

static void free_while_another_polls(void)
{
    ftr_session session = open_session(NULL);
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, poll_until_error, &session) == 0);
    while (ftr_session_poll_events(session, 0) != FTR_E_CONCURRENT_POLL)
        sched_yield();
    RETURNS(FTR_OK, ftr_session_free(session));
    CHECK(pthread_join(thread, NULL) == 0);
}

static void wake_descriptor(void)
{
    struct told told = {0};
    ftr_session session = open_session(&told);
    struct pollfd entry = {-1, POLLIN, 0};
    int32_t again = -1;
    int round;

    RETURNS(FTR_OK, ftr_session_wake_fd(session, &entry.fd));
    RETURNS(FTR_OK, ftr_session_wake_fd(session, &again));
    CHECK(again == entry.fd);
    for (round = 1; round <= 3; round++) {
        publish(session, MISSING, 0);
        while (told.ended < round) {
            CHECK(poll(&entry, 1, LONG) == 1);
            CHECK(ftr_session_poll_events(session, 0) >= 0); /* now and then it is readable for nothing */
        }
    }
    RETURNS(0, ftr_session_close(session, LONG));
    while (ftr_session_poll_events(session, 0) >= 0)
        ;
    /* Ends, because what is readable for nothing is so once. */
    while (poll(&entry, 1, 0) == 1)
        ftr_session_poll_events(session, 0);
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* --- the wake-up callback --- */

struct wake {
    sem_t entered, release;
    ftr_session session;
    ftr_job job;
    ftr_event event;
    int count;
    volatile int left;
};

static int wait_for(sem_t *semaphore)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LONG / 1000;
    while (sem_timedwait(semaphore, &until) != 0)
        if (until.tv_sec <= time(NULL))
            return 0;
    return 1;
}

static void call_everything(void *user_data)
{
    struct wake *wake = user_data;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_hub_info hub = FTR_HUB_INFO_INIT;
    ftr_watch_options watch_options = FTR_WATCH_OPTIONS_INIT;
    ftr_publish_options publish_options = FTR_PUBLISH_OPTIONS_INIT;
    const ftr_job_result *result;
    const ftr_event_info *info;
    const char *text;
    uint64_t handle;
    int32_t number;

    if (wake->count++ > 0)
        return;
#define REFUSED(call) RETURNS(FTR_E_WOULD_DEADLOCK, call)
    publish_options.path = MISSING;
    REFUSED(ftr_session_create(&options, &handle));
    REFUSED(ftr_session_status(wake->session, &number));
    REFUSED(ftr_session_wait_ready(wake->session, FTR_NO_TIMEOUT));
    REFUSED(ftr_session_server_information(wake->session, &text));
    REFUSED(ftr_session_server_version(wake->session, &text));
    REFUSED(ftr_session_publish_file(wake->session, &publish_options, &handle));
    REFUSED(ftr_session_close(wake->session, FTR_NO_TIMEOUT));
    REFUSED(ftr_session_free(wake->session));
    REFUSED(ftr_session_poll_events(wake->session, FTR_NO_TIMEOUT));
    REFUSED(ftr_session_next_event(wake->session, FTR_NO_TIMEOUT, &handle));
    REFUSED(ftr_session_interrupt(wake->session));
    REFUSED(ftr_session_wake_fd(wake->session, &number));
    REFUSED(ftr_session_set_wakeup_callback(wake->session, NULL, NULL));
    REFUSED(ftr_event_get(wake->event, &info));
    REFUSED(ftr_event_json(wake->event, &text));
    REFUSED(ftr_event_free(wake->event));
    REFUSED(ftr_hub_connect(wake->session));
    REFUSED(ftr_hub_disconnect(wake->session));
    REFUSED(ftr_hub_status(wake->session, &hub));
    REFUSED(ftr_hub_wait_connected(wake->session, FTR_NO_TIMEOUT));
    REFUSED(ftr_hub_subscribe(wake->session, "topic=a", NULL, &handle));
    REFUSED(ftr_hub_unsubscribe(1));
    REFUSED(ftr_hub_publish(wake->session, "a", NULL, NULL));
    REFUSED(ftr_hub_reply(wake->session, "a", "b", NULL));
    REFUSED(ftr_hub_stop(wake->session, "a"));
    REFUSED(ftr_session_watch(wake->session, &watch_options, &handle));
    REFUSED(ftr_watch_free(1));
    REFUSED(ftr_job_wait(wake->job, FTR_NO_TIMEOUT, &result));
    REFUSED(ftr_job_cancel(wake->job));
    REFUSED(ftr_job_free(wake->job));
#undef REFUSED
    CHECK(strstr(ftr_last_error_message(), "wake-up") != NULL);
    CHECK(strcmp(ftr_version(), FTR_VERSION) == 0 && ftr_abi_version() == FTR_ABI_VERSION);
    CHECK(strcmp(ftr_error_name(FTR_E_WOULD_DEADLOCK), "FTR_E_WOULD_DEADLOCK") == 0);
    CHECK(*ftr_error_description(FTR_E_WOULD_DEADLOCK) != '\0');
    sem_post(&wake->entered);
}

static void calls_in_wakeup_callback(void)
{
    struct wake wake = {.count = 0};

    sem_init(&wake.entered, 0, 0);
    wake.session = open_session(NULL);
    wake.job = publish(wake.session, MISSING, 0);
    RETURNS(1, ftr_session_next_event(wake.session, LONG, &wake.event));
    RETURNS(FTR_OK, ftr_session_set_wakeup_callback(wake.session, call_everything, &wake));
    publish(wake.session, MISSING, 0);
    CHECK(wait_for(&wake.entered));
    RETURNS(FTR_OK, ftr_session_free(wake.session));
    RETURNS(FTR_OK, ftr_event_free(wake.event));
}

static void stay_inside(void *user_data)
{
    struct wake *wake = user_data;

    if (wake->count++ > 0)
        return;
    sem_post(&wake->entered);
    CHECK(wait_for(&wake->release));
    wake->left = 1;
}

static void count_wakeups(void *user_data)
{
    sem_post(user_data);
}

static volatile pid_t replacing_thread;
static sem_t second;

static void *replace(void *user_data)
{
    struct wake *wake = user_data;

    replacing_thread = (pid_t)syscall(SYS_gettid);
    RETURNS(FTR_OK, ftr_session_set_wakeup_callback(wake->session, count_wakeups, &second));
    CHECK(wake->left);
    return NULL;
}

/* Whether a thread of this process sleeps in the kernel. */
static int sleeps(pid_t thread)
{
    char path[64], line[512] = "";
    FILE *stat;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    stat = fopen(path, "r");
    if (stat == NULL)
        return 1; /* it has ended */
    if (fgets(line, sizeof line, stat) == NULL)
        line[0] = '\0';
    fclose(stat);
    return strstr(line, ") S ") != NULL;
}

/* Replacing waits for a callback that runs, and the former one is not called again. */
static void replace_wakeup_callback(void)
{
    struct told told = {0};
    struct wake wake = {.count = 0};
    pthread_t thread;
    int before;

    sem_init(&wake.entered, 0, 0);
    sem_init(&wake.release, 0, 0);
    sem_init(&second, 0, 0);
    wake.session = open_session(&told);
    RETURNS(FTR_OK, ftr_session_set_wakeup_callback(wake.session, stay_inside, &wake));
    publish(wake.session, MISSING, 0);
    CHECK(wait_for(&wake.entered));
    CHECK(pthread_create(&thread, NULL, replace, &wake) == 0);
    while (replacing_thread == 0 || !sleeps(replacing_thread))
        sched_yield();
    CHECK(!wake.left);
    sem_post(&wake.release);
    CHECK(pthread_join(thread, NULL) == 0);

    before = wake.count;
    poll_until_ended(wake.session, &told);
    while (ftr_session_poll_events(wake.session, 0) > 0)
        ;
    publish(wake.session, MISSING, 0);
    poll_until_ended(wake.session, &told);
    CHECK(wait_for(&second));
    CHECK(wake.count == before);
    RETURNS(FTR_OK, ftr_session_set_wakeup_callback(wake.session, NULL, NULL));
    RETURNS(FTR_OK, ftr_session_free(wake.session));
}

/* --- --- */

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"exit_without_free", exit_without_free},
        {"free_while_connecting", free_while_connecting},
        {"close_twice", close_twice},
        {"close_in_callback", close_in_callback},
        {"free_in_callback", free_in_callback},
        {"poll_in_callback", poll_in_callback},
        {"poll_from_two_threads", poll_from_two_threads},
        {"interrupt_before_waiting", interrupt_before_waiting},
        {"free_while_another_polls", free_while_another_polls},
        {"wake_descriptor", wake_descriptor},
        {"calls_in_wakeup_callback", calls_in_wakeup_callback},
        {"replace_wakeup_callback", replace_wakeup_callback},
    };

    return RUN(cases, argc, argv);
}
