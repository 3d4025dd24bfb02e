/*
 * A test program of several cases: `program CASE SERVER FILE`. Each case runs in a process of its own, because what is
 * tested is what happens to the process.
 */
#ifndef CASE_H
#define CASE_H

#include "check.h"

#include <stdlib.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

/* What a publish test case publishes where. */
static const char *server, *file;

/* How often the callbacks were called, in a session made by open_session. */
struct told {
    int ended, progress, status, created, log, other;
    int32_t state; /* of the job that ended last */
    int32_t code;  /* of its error, or FTR_OK */
};

static inline void count_event(void *user_data, const ftr_event_info *event)
{
    struct told *told = user_data;

    CHECK(event->struct_size == sizeof *event);
    switch (event->kind) {
    case FTR_EVENT_STATUS: told->status++; break;
    case FTR_EVENT_PROGRESS: told->progress++; break;
    case FTR_EVENT_VERSION_CREATED: told->created++; break;
    case FTR_EVENT_LOG: told->log++; break;
    case FTR_EVENT_JOB_ENDED:
        told->ended++;
        told->state = event->result->state;
        told->code = event->result->error != NULL ? event->result->error->code : FTR_OK;
        break;
    default: told->other++; break;
    }
}

/* A session that counts into `told`, which may be NULL. */
static inline ftr_session open_session(struct told *told)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;

    options.server_url = server;
    options.api_user = "demo";
    options.on_event = told != NULL ? count_event : NULL;
    options.user_data = told;
    RETURNS(FTR_OK, ftr_session_create(&options, &session));
    return session;
}

static inline ftr_job publish(ftr_session session, const char *path, uint64_t tag)
{
    ftr_publish_options options = FTR_PUBLISH_OPTIONS_INIT;
    ftr_job job = 0;

    options.path = path;
    options.context = "demo/sq010/sh010/compositing";
    options.tag = tag;
    RETURNS(FTR_OK, ftr_session_publish_file(session, &options, &job));
    return job;
}

/* Polls until a job has ended. */
static inline void poll_until_ended(ftr_session session, struct told *told)
{
    const int before = told->ended;

    while (told->ended == before) {
        const int32_t count = ftr_session_poll_events(session, LONG);

        CHECK(count > 0);
        if (count <= 0)
            return;
    }
}

static inline int run_case(const struct test_case *cases, size_t count, int argc, char **argv)
{
    size_t i;

    if (argc != 4) {
        fprintf(stderr, "usage: %s CASE SERVER FILE\n", argv[0]);
        return 2;
    }
    server = argv[2];
    file = argv[3];
    for (i = 0; i < count; i++)
        if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run();
            return finish();
        }
    fprintf(stderr, "no case is named %s\n", argv[1]);
    return 2;
}

#define RUN(cases, argc, argv) run_case(cases, sizeof cases / sizeof *cases, argc, argv)

#endif
