/*
 * A host that loads the library, publishes, and unloads it as soon as there is a file SIGNAL, whatever is under way.
 *
 *     unload LIBRARY OUTBOX FILE THUMBNAIL SIGNAL
 */
#define _GNU_SOURCE
#include <ftreview.h>

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *library;
static int kept;

static void on_event(void *unused, const ftr_event_info *event)
{
    (void)unused;
    kept |= event->kind == FTR_EVENT_JOB_KEPT;
}

static void *function(const char *name)
{
    void *address = dlsym(library, name);

    if (address == NULL) {
        printf("error %s\n", dlerror());
        exit(1);
    }
    return address;
}

/* ISO C has no way from an object pointer to a function pointer; POSIX says that this one works. */
#define CALL(name) (*(__typeof__(&(name)))(uintptr_t)function(#name))

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_session session = 0;
    ftr_job job = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 6)
        return 2;
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    options.outbox_folder = argv[2];
    options.on_event = on_event;
    publish.path = argv[3];
    publish.thumbnail = argv[4];
    publish.context = "demo/sq010/sh010/compositing";
    publish.comment = "Softer key light";
    publish.status = "In Progress";
    if (library == NULL || CALL(ftr_session_create)(&options, &session) != FTR_OK
        || CALL(ftr_session_publish_file)(session, &publish, &job) != FTR_OK) {
        printf("error no publish\n");
        return 1;
    }
    while (access(argv[5], F_OK) != 0)
        CALL(ftr_session_poll_events)(session, 10);
    if (kept)
        printf("kept\n");
    if (dlclose(library) != 0)
        printf("error %s\n", dlerror());
    printf("unloaded\n");
    return 0;
}
