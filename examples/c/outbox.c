/*
 * Lists an outbox and drains it: publishes now what waits there, for a render farm's end-of-job or a cron entry.
 *
 *     outbox [--list | --retry | --forget ID] [--timeout SECONDS] [FOLDER]
 *
 *     FOLDER             the outbox, as in ftr_session_options.outbox_folder; without it the user's own
 *     --list             only say what is there
 *     --retry            also what has failed, and with the files as they are now
 *     --forget ID        take this one out, and off the server what it made there
 *     --timeout SECONDS  stop then; what is not done stays in the outbox and goes on from there (3600)
 *
 * Standard output has a line for each publish: its id, what became of it, its file and the details, with tabs between.
 * Exit codes: 0 nothing is left in the outbox, 1 something is, 2 wrong arguments, 3 the outbox could not be used. It may
 * be killed at any time, and run while other programs publish: what they are working on is left to them, and counts as left.
 *
 * Server, key and user come from FTRACK_SERVER, FTRACK_API_KEY and FTRACK_API_USER. In a crontab:
 *
 *     0,30 * * * *  . $HOME/.ftrack-environment && outbox --timeout 1500
 *
 *     cc -std=c99 -o outbox outbox.c -lftreview
 */
#include <ftreview.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum exit_code { EMPTY = 0, SOME_LEFT = 1, USAGE = 2, UNUSABLE = 3 };

struct wish {
    int list, retry;
    const char *forget;
    long seconds;
    const char *folder;
};

enum {
    AT_ONCE = 16,
    LIST_MS = 60000, /* a network drive may sleep */
    CLOSE_MS = 15000 /* a version that is being created is given its media */
};

static void tell(const char *id, const char *what, const char *path, const char *details)
{
    printf("%s\t%s\t%s\t%s\n", id, what, path != NULL ? path : "", details != NULL ? details : "");
    fflush(stdout);
}

static const char *state_name(const ftr_outbox_item *item)
{
    switch (item->state) {
    case FTR_OUTBOX_WAITING:
        return item->belongs ? "waits" : "waits for another user or server";
    case FTR_OUTBOX_RUNNING:
        return "runs elsewhere";
    case FTR_OUTBOX_FAILED:
        return "failed";
    case FTR_OUTBOX_UNDOING:
        return "is taken back";
    case FTR_OUTBOX_DAMAGED:
        return "is damaged";
    case FTR_OUTBOX_NEWER:
        return "is a newer version's";
    default:
        return "is in a state that this program does not know";
    }
}

static void tell_end(const char *id, const char *path, const ftr_job_result *result)
{
    char published[512];

    switch (result->state) {
    case FTR_JOB_DONE:
        snprintf(published, sizeof published, "%s version %lld: %s", result->asset_name,
                 (long long)result->version_number, result->link);
        tell(id, "published", path, published);
        break;
    case FTR_JOB_PARKED:
        tell(id, "waits", path, result->error->message);
        break;
    case FTR_JOB_CANCELLED:
        tell(id, "forgotten", path, result->error->message);
        break;
    default:
        tell(id, "failed", path, result->error->message);
    }
}

/* Waits for a job until `end`, at which the session is closed: what still runs then is parked. */
static void finish(ftr_session session, ftr_job job, time_t end, const char *id, const char *path)
{
    const ftr_job_result *result;
    const time_t now = time(NULL);
    int32_t code = ftr_job_wait(job, now < end ? (int32_t)(end - now) * 1000 : 0, &result);

    if (code == FTR_E_TIMED_OUT) {
        ftr_session_close(session, 0);
        code = ftr_job_wait(job, CLOSE_MS, &result);
    }
    if (code == FTR_OK)
        tell_end(id, path, result);
    else
        tell(id, "still runs", path, ftr_last_error_message());
    ftr_job_free(job);
}

/* Says what is there of an item, and starts what is to become of it; 0 where that is nothing. */
static ftr_job start(ftr_session session, const struct wish *wish, const ftr_outbox_item *item)
{
    ftr_job job = 0;
    int32_t code = FTR_OK;

    if (!wish->list && item->belongs) {
        if (item->state == FTR_OUTBOX_WAITING || item->state == FTR_OUTBOX_UNDOING)
            code = ftr_outbox_resume(session, item->id, &job);
        else if (item->state == FTR_OUTBOX_FAILED && wish->retry)
            code = ftr_outbox_retry(session, item->id, &job);
    }
    if (job == 0)
        tell(item->id, state_name(item), item->path, code < 0 ? ftr_last_error_message() : item->error_message);
    return job;
}

/* Goes on with everything in the listing that can: AT_ONCE at a time, so that another process finds something to do, too. */
static void drain(ftr_session session, const struct wish *wish, ftr_outbox list, uint64_t count)
{
    const time_t end = time(NULL) + wish->seconds;
    const ftr_outbox_item *item;
    ftr_job jobs[AT_ONCE] = {0};
    uint64_t i;

    for (i = 0; i < count + AT_ONCE; i++) {
        ftr_job *job = &jobs[i % AT_ONCE];

        if (*job != 0 && ftr_outbox_item_at(list, i - AT_ONCE, &item) == FTR_OK)
            finish(session, *job, end, item->id, item->path);
        *job = ftr_outbox_item_at(list, i, &item) == FTR_OK ? start(session, wish, item) : 0;
    }
}

static void forget(ftr_session session, const struct wish *wish)
{
    ftr_job job;

    if (ftr_outbox_forget(session, wish->forget, &job) < 0)
        tell(wish->forget, "stays", NULL, ftr_last_error_message());
    else
        finish(session, job, time(NULL) + wish->seconds, wish->forget, NULL);
}

/* The number in the listing; -1 when there is none. */
static long long list_outbox(ftr_session session, ftr_outbox *list)
{
    uint64_t count = 0;

    if (ftr_outbox_list(session, LIST_MS, list) < 0 || ftr_outbox_count(*list, &count) < 0) {
        fprintf(stderr, "%s\n", ftr_last_error_message());
        return -1;
    }
    return (long long)count;
}

static int understand(int argc, char **argv, struct wish *wish)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            wish->list = 1;
        } else if (strcmp(argv[i], "--retry") == 0) {
            wish->retry = 1;
        } else if (strcmp(argv[i], "--forget") == 0 && i + 1 < argc) {
            wish->forget = argv[++i];
        } else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc) {
            char *rest;

            wish->seconds = strtol(argv[++i], &rest, 10);
            /* Two weeks; in milliseconds more than that fits no int32_t. */
            if (*rest != '\0' || wish->seconds < 0 || wish->seconds > 14 * 24 * 3600)
                return 0;
        } else if (argv[i][0] != '-' && wish->folder == NULL) {
            wish->folder = argv[i];
        } else {
            return 0;
        }
    }
    return wish->list + wish->retry + (wish->forget != NULL) <= 1;
}

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    struct wish wish = {0, 0, NULL, 3600, NULL};
    ftr_session session = 0;
    ftr_outbox list = 0;
    long long count;
    int code = UNUSABLE;

    if (!understand(argc, argv, &wish)) {
        fprintf(stderr, "usage: outbox [--list | --retry | --forget ID] [--timeout SECONDS] [FOLDER]\n");
        return USAGE;
    }
    /* Manual: this program says what goes on, and when. */
    options.flags = FTR_SESSION_OUTBOX_MANUAL | (wish.folder == NULL ? FTR_SESSION_OUTBOX : 0);
    options.outbox_folder = wish.folder;
    if (ftr_session_create(&options, &session) < 0) {
        fprintf(stderr, "%s\n", ftr_last_error_message());
        return UNUSABLE;
    }
    if (wish.forget != NULL)
        forget(session, &wish);
    count = list_outbox(session, &list);
    if (count > 0 && wish.forget == NULL) {
        /* Without a server nothing is tried: each try that fails puts off the next one. */
        if (!wish.list && ftr_session_wait_ready(session, (int32_t)wish.seconds * 1000) < 0) {
            fprintf(stderr, "nothing was tried: %s\n", ftr_last_error_message());
            wish.list = 1;
        }
        drain(session, &wish, list, (uint64_t)count);
        count = list_outbox(session, &list);
    }
    if (count >= 0)
        code = count == 0 ? EMPTY : SOME_LEFT;
    /* Frees the listings, too. */
    ftr_session_free(session);
    return code;
}
