/* What the library leaves alone in the process that it lives in, and how it lives with fork, signals and limits. */
#define _GNU_SOURCE
#include "case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MISSING "no-such-file.mp4"

extern char **environ;

/* A session in which a job fails, from beginning to end. */
static void one_session(void)
{
    struct told told = {0};
    ftr_session session = open_session(&told);
    int32_t descriptor;

    RETURNS(FTR_OK, ftr_session_wake_fd(session, &descriptor));
    publish(session, MISSING, 0);
    poll_until_ended(session, &told);
    CHECK(told.code == FTR_E_FILE_NOT_FOUND);
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* --- fork --- */

static void call_everything_in_the_child(ftr_session session, ftr_job job, ftr_event event)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_hub_info hub = FTR_HUB_INFO_INIT;
    ftr_watch_options watch_options = FTR_WATCH_OPTIONS_INIT;
    ftr_publish_options publish_options = FTR_PUBLISH_OPTIONS_INIT;
    const ftr_job_result *result;
    const ftr_event_info *info;
    const char *text;
    uint64_t handle;
    int32_t number;

#define REFUSED(call) RETURNS(FTR_E_FORKED, call)
    options.server_url = server;
    publish_options.path = MISSING;
    publish_options.context = "demo";
    REFUSED(ftr_session_create(&options, &handle));
    REFUSED(ftr_session_status(session, &number));
    REFUSED(ftr_session_wait_ready(session, FTR_NO_TIMEOUT));
    REFUSED(ftr_session_server_information(session, &text));
    REFUSED(ftr_session_server_version(session, &text));
    REFUSED(ftr_session_publish_file(session, &publish_options, &handle));
    REFUSED(ftr_session_close(session, FTR_NO_TIMEOUT));
    REFUSED(ftr_session_poll_events(session, FTR_NO_TIMEOUT));
    REFUSED(ftr_session_next_event(session, FTR_NO_TIMEOUT, &handle));
    REFUSED(ftr_session_interrupt(session));
    REFUSED(ftr_session_wake_fd(session, &number));
    REFUSED(ftr_session_set_wakeup_callback(session, NULL, NULL));
    REFUSED(ftr_event_get(event, &info));
    REFUSED(ftr_event_json(event, &text));
    REFUSED(ftr_event_free(event));
    REFUSED(ftr_hub_connect(session));
    REFUSED(ftr_hub_disconnect(session));
    REFUSED(ftr_hub_status(session, &hub));
    REFUSED(ftr_hub_wait_connected(session, FTR_NO_TIMEOUT));
    REFUSED(ftr_hub_subscribe(session, "topic=a", NULL, &handle));
    REFUSED(ftr_hub_unsubscribe(1));
    REFUSED(ftr_hub_publish(session, "a", NULL, NULL));
    REFUSED(ftr_hub_reply(session, "a", "b", NULL));
    REFUSED(ftr_hub_stop(session, "a"));
    REFUSED(ftr_session_watch(session, &watch_options, &handle));
    REFUSED(ftr_watch_free(1));
    REFUSED(ftr_job_wait(job, FTR_NO_TIMEOUT, &result));
    REFUSED(ftr_job_cancel(job));
    REFUSED(ftr_job_free(job));
    REFUSED(ftr_session_free(session));
#undef REFUSED
    CHECK(strstr(ftr_last_error_message(), "fork") != NULL);
    CHECK(strcmp(ftr_version(), FTR_VERSION) == 0);
    CHECK(strcmp(ftr_error_name(FTR_E_FORKED), "FTR_E_FORKED") == 0);
}

static void child_succeeds(pid_t child)
{
    int status = -1;

    CHECK(child > 0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Many times, so that the library's threads are caught at many moments: holding locks, allocating. */
static void fork_with_session(void)
{
    struct told told = {0};
    ftr_session session = open_session(&told);
    ftr_job job = publish(session, file, 0);
    ftr_event event = 0;
    int round;

    RETURNS(1, ftr_session_next_event(session, LONG, &event));
    for (round = 0; round < 20; round++) {
        ftr_job other = publish(session, MISSING, 0);
        const pid_t child = fork();

        if (child == 0) {
            failures = 0;
            call_everything_in_the_child(session, job, event);
            exit(finish()); /* with all exit handlers, as a host's child would */
        }
        child_succeeds(child);
        RETURNS(FTR_OK, ftr_job_free(other));
    }
    /* The parent goes on. */
    publish(session, MISSING, 0);
    while (told.ended < round + 1)
        CHECK(ftr_session_poll_events(session, LONG) > 0);
    RETURNS(FTR_OK, ftr_event_free(event));
    RETURNS(FTR_OK, ftr_session_free(session));
}

static void fork_before_session(void)
{
    pid_t child;

    RETURNS(FTR_E_BAD_HANDLE, ftr_session_interrupt(0));
    child = fork();
    if (child == 0) {
        one_session();
        exit(finish());
    }
    child_succeeds(child);
    one_session();
}

/* --- threads and signals --- */

static pid_t handled_on[200];
static volatile sig_atomic_t handled;

static void note_thread(int signal_number)
{
    (void)signal_number;
    if (handled < 200)
        handled_on[handled] = (pid_t)syscall(SYS_gettid);
    handled++;
}

/* How many threads of the library there are; checks that each has every signal blocked that can be. */
static int library_threads(int check_masks)
{
    /* All 64 but SIGKILL, SIGSTOP and the two that glibc keeps to itself. */
    const unsigned long long every = ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 1ull << 31 | 1ull << 32);
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    int count = 0;

    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        char path[300], line[256], name[64] = "";
        unsigned long long blocked = 0;
        FILE *status;

        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            sscanf(line, "Name: %63[^\n]", name);
            sscanf(line, "SigBlk: %llx", &blocked);
        }
        if (status != NULL)
            fclose(status);
        if (strncmp(name, "ftr-", 4) != 0)
            continue;
        count++;
        if (check_masks && (blocked & every) != every) {
            failures++;
            fprintf(stderr, "%s: blocked signals are %llx\n", name, blocked);
        }
    }
    if (tasks != NULL)
        closedir(tasks);
    return count;
}

static void signals(void)
{
    struct sigaction action;
    sigset_t one;
    ftr_session session;
    int i;

    memset(&action, 0, sizeof action);
    action.sa_handler = note_thread;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    session = open_session(NULL);
    publish(session, file, 0); /* starts a thread that reads */
    while (library_threads(0) < 2)
        sched_yield();
    library_threads(1);

    /* While this thread has it blocked, no thread takes it; afterwards this one does. */
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    for (i = 0; i < 100; i++) {
        CHECK(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
        CHECK(kill(getpid(), SIGUSR1) == 0);
        ftr_session_poll_events(session, 0);
        CHECK(handled == i);
        CHECK(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
        CHECK(handled == i + 1 && handled_on[i] == getpid());
    }
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* --- what is left behind --- */

static int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count - 3; /* ., .. and the folder's own */
}

/* Whether the threads of the library end and its descriptors are closed, before the time for hanging is over. */
static int all_gone(int descriptors)
{
    const time_t limit = time(NULL) + LONG / 1000;

    while (library_threads(0) > 0 || open_descriptors() > descriptors) {
        if (time(NULL) > limit) {
            fprintf(stderr, "%d threads are left, and %d descriptors more than the %d before\n", library_threads(0),
                    open_descriptors() - descriptors, descriptors);
            return 0;
        }
        sched_yield();
    }
    return 1;
}

static void two_hundred_sessions(void)
{
    const int before = open_descriptors();
    int i;

    for (i = 0; i < 200; i++)
        one_session();
    CHECK(all_gone(before));
}

/* --- limits --- */

static void limit_descriptors(rlim_t soft)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void few_descriptors(void)
{
    const int before = open_descriptors();
    int more, refused = 0, failed = 0;
    struct told told = {0};
    ftr_session session;

    for (more = 0; more < 12; more++) {
        ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
        int32_t code;

        memset(&told, 0, sizeof told);
        options.server_url = server;
        options.on_event = count_event;
        options.user_data = &told;
        limit_descriptors((rlim_t)(open_descriptors() + more));
        code = ftr_session_create(&options, &session);
        if (code == FTR_OK) {
            int32_t descriptor = -1;
            const int32_t made = ftr_session_wake_fd(session, &descriptor);

            CHECK(made == FTR_OK || made == FTR_E_OUT_OF_RESOURCES);
            publish(session, file, 0);
            poll_until_ended(session, &told);
            CHECK(told.state == FTR_JOB_DONE || told.code < 0);
            failed += told.state != FTR_JOB_DONE;
            RETURNS(FTR_OK, ftr_session_free(session));
        } else {
            RETURNS(FTR_E_OUT_OF_RESOURCES, code);
            refused++;
        }
        limit_descriptors(1024);
        CHECK(all_gone(before));
    }
    CHECK(refused > 0);
    CHECK(failed > 0);

    memset(&told, 0, sizeof told);
    session = open_session(&told);
    publish(session, file, 0);
    poll_until_ended(session, &told);
    CHECK(told.state == FTR_JOB_DONE);
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* --- what belongs to the host --- */

struct host {
    struct {
        void (*handler)(int);
        int flags;
        unsigned long long mask;
    } actions[65];
    unsigned long long mask;
    struct rlimit files;
    mode_t creation_mask;
    char locale[200], folder[500], *first_variable;
    char **environment;
    size_t variables;
    int output_flags, error_flags;
};

/* As a number, because a sigset_t has room that nobody fills. */
static unsigned long long members(const sigset_t *set)
{
    unsigned long long bits = 0;
    int i;

    for (i = 1; i < 65; i++)
        if (sigismember(set, i) == 1)
            bits |= 1ull << (i - 1);
    return bits;
}

static void look(struct host *host)
{
    sigset_t mask;
    int i;

    memset(host, 0, sizeof *host); /* the bytes between the fields, too */
    for (i = 1; i < 65; i++) {
        struct sigaction action;

        if (sigaction(i, NULL, &action) != 0)
            continue; /* glibc's own */
        host->actions[i].handler = action.sa_handler;
        host->actions[i].flags = action.sa_flags;
        host->actions[i].mask = members(&action.sa_mask);
    }
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    host->mask = members(&mask);
    getrlimit(RLIMIT_NOFILE, &host->files);
    umask(host->creation_mask = umask(0));
    snprintf(host->locale, sizeof host->locale, "%s", setlocale(LC_ALL, NULL));
    CHECK(getcwd(host->folder, sizeof host->folder) != NULL);
    host->environment = environ;
    host->first_variable = environ[0];
    while (environ[host->variables] != NULL)
        host->variables++;
    host->output_flags = fcntl(STDOUT_FILENO, F_GETFL);
    host->error_flags = fcntl(STDERR_FILENO, F_GETFL);
}

static void unchanged(void)
{
    struct host before, after;

    CHECK(setlocale(LC_ALL, "C.UTF-8") != NULL);
    look(&before);
    one_session();
    look(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
}

/* Jobs that fail, with everything logged; the caller looks at what was written. */
static void failing_jobs(void)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    struct told told = {0};
    ftr_session session = 0;

    setlocale(LC_ALL, "");
    options.server_url = server;
    options.log_level = FTR_LOG_TRACE;
    options.on_event = count_event;
    options.user_data = &told;
    RETURNS(FTR_OK, ftr_session_create(&options, &session));
    publish(session, MISSING, 0);
    publish(session, "/", 0);
    publish(session, file, 0); /* fails because nobody listens */
    while (told.ended < 3)
        poll_until_ended(session, &told);
    CHECK(told.log > 0);
    RETURNS(FTR_OK, ftr_session_free(session));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"fork_with_session", fork_with_session},
        {"fork_before_session", fork_before_session},
        {"signals", signals},
        {"two_hundred_sessions", two_hundred_sessions},
        {"few_descriptors", few_descriptors},
        {"unchanged", unchanged},
        {"failing_jobs", failing_jobs},
    };

    return RUN(cases, argc, argv);
}
