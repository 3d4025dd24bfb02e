/*
 * A plug-in host: loads the library, uses it, lets go of it, while threads that used it live on. Not linked with it.
 *
 *     unload CASE LIBRARY
 *
 * A thread that used a Rust library has destructors registered that run when it ends. If the code is unmapped before,
 * the process dies of SIGSEGV; the library therefore stays mapped, which is what these cases show.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static const char *path;

/* The check macros ask the library for texts; here they find it through these. */
static void *library;

static void *function(const char *name)
{
    void *address = dlsym(library, name);

    if (address == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return address;
}

/* ISO C has no way from an object pointer to a function pointer; POSIX says that this one works. */
#define CALL(name) (*(__typeof__(&(name)))(uintptr_t)function(#name))

const char *ftr_error_name(int32_t code)
{
    return CALL(ftr_error_name)(code);
}

const char *ftr_last_error_message(void)
{
    return CALL(ftr_last_error_message)();
}

static void load(void)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
}

static int ended;

static void on_job(void *user_data, const ftr_job_result *result)
{
    CHECK(user_data == NULL && result->state == FTR_JOB_FAILED);
    ended++;
}

/* A session with a job that fails, because there is no such file. */
static void use(void)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    const int before = ended;
    ftr_session session = 0;
    ftr_job job = 0;

    options.on_job = on_job;
    publish.path = "no-such-file.mp4";
    publish.context = "demo";
    RETURNS(FTR_OK, CALL(ftr_session_create)(&options, &session));
    RETURNS(FTR_OK, CALL(ftr_session_publish_file)(session, &publish, &job));
    while (ended == before)
        CHECK(CALL(ftr_session_poll_events)(session, LONG) > 0);
    RETURNS(0, CALL(ftr_session_close)(session, LONG));
    RETURNS(FTR_OK, CALL(ftr_session_free)(session));
}

static void close_and_load_again(void)
{
    int i;

    for (i = 0; i < 50; i++) {
        load();
        use();
        CHECK(dlclose(library) == 0);
    }
    CHECK(ended == 50);
}

static sem_t used, unloaded;

static void *use_and_wait(void *unused)
{
    use();
    /* An error keeps a text for this thread, which is freed when the thread ends. */
    RETURNS(FTR_E_BAD_HANDLE, CALL(ftr_session_interrupt)(0));
    sem_post(&used);
    sem_wait(&unloaded);
    return unused;
}

static void thread_ends_after_dlclose(void)
{
    pthread_t thread;
    int i;

    sem_init(&used, 0, 0);
    sem_init(&unloaded, 0, 0);
    for (i = 0; i < 20; i++) {
        load();
        CHECK(pthread_create(&thread, NULL, use_and_wait, NULL) == 0);
        sem_wait(&used);
        CHECK(dlclose(library) == 0);
        sem_post(&unloaded);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void exit_after_dlclose(void)
{
    load();
    use();
    CHECK(dlclose(library) == 0);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    path = argv[2];
    if (strcmp(argv[1], "close_and_load_again") == 0)
        close_and_load_again();
    else if (strcmp(argv[1], "thread_ends_after_dlclose") == 0)
        thread_ends_after_dlclose();
    else if (strcmp(argv[1], "exit_after_dlclose") == 0)
        exit_after_dlclose();
    else
        return 2;
    return finish();
}
