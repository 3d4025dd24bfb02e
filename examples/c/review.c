/*
 * Publishes a file together with everything around it: a note on a frame, a list, a review session and the people who
 * are to see it. What lists and review sessions are not there yet are made. Written to be copied from.
 *
 *     cc -std=c99 -o review review.c -lftreview
 *     FTRACK_SERVER=https://studio.ftrackapp.com FTRACK_API_KEY=... FTRACK_API_USER=me \
 *         ./review --session "Friday" --list "Dailies" --invite anna@client.com --note "Softer key light" --frame 12 \
 *             show/sq010/sh010/compositing sh010_comp_v003.mp4
 *
 * With --encode the server makes of the file what browsers play; with --into the context is the id of a version, which
 * gets the file as its new media.
 *
 * Names become ids before anything is made: what the project does not have is told while the server is as it was. What a
 * reviewer sees comes in one piece with the media, and a second try with the same key makes nothing twice.
 */
#include <ftreview.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_GUESTS = 32, TEXT_SIZE = 4096 };

/* What the command line says. */
struct wish {
    const char *context, *path, *session, *list, *note, *key;
    const char *guests[MOST_GUESTS];
    int guest_count, encode, into;
    long frame;
};

static int read_arguments(int argc, char **argv, struct wish *wish);
static int submit(ftr_session session, const struct wish *wish, ftr_job *job);
static void on_job(void *user_data, const ftr_job_result *result);

enum outcome { RUNNING, PUBLISHED, NOT_PUBLISHED };

int main(int argc, char **argv)
{
    enum outcome outcome = RUNNING;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    struct wish wish;
    ftr_session session = 0;
    ftr_job job = 0;

    if (!read_arguments(argc, argv, &wish)) {
        fprintf(stderr, "usage: review [--session NAME] [--list NAME] [--invite ADDRESS]... [--note TEXT] [--frame N]\n"
                        "              [--key KEY] [--encode] [--into] CONTEXT FILE\n");
        return 2;
    }
    options.on_job = on_job;
    options.user_data = &outcome;
    options.log_level = FTR_LOG_OFF; /* the result has the warnings as well */
    if (ftr_session_create(&options, &session) < 0) {
        fprintf(stderr, "review: %s\n", ftr_last_error_message());
        return 1;
    }
    if (!submit(session, &wish, &job))
        outcome = NOT_PUBLISHED;
    while (outcome == RUNNING)
        ftr_session_poll_events(session, 100);
    ftr_session_free(session);
    return outcome == PUBLISHED ? 0 : 1;
}

/* --- texts of JSON, which a program with a library for it has for free --- */

struct text {
    char bytes[TEXT_SIZE];
    size_t length;
    int overflow;
};

static void add(struct text *text, const char *more)
{
    const size_t length = strlen(more);

    if (text->length + length >= TEXT_SIZE) {
        text->overflow = 1;
        return;
    }
    memcpy(text->bytes + text->length, more, length + 1);
    text->length += length;
}

/* A string with what JSON wants escaped: quotes, backslashes and control characters. */
static void add_string(struct text *text, const char *string)
{
    char escaped[8];

    add(text, "\"");
    for (; *string != '\0'; string++) {
        const unsigned char byte = (unsigned char)*string;

        if (byte == '"' || byte == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", byte);
        else if (byte < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", byte);
        else
            snprintf(escaped, sizeof escaped, "%c", byte);
        add(text, escaped);
    }
    add(text, "\"");
}

/* [{"email": "anna@client.com"}, ...] */
static void add_guests(struct text *text, const struct wish *wish)
{
    int i;

    add(text, "[");
    for (i = 0; i < wish->guest_count; i++) {
        add(text, i > 0 ? ", {\"email\": " : "{\"email\": ");
        add_string(text, wish->guests[i]);
        add(text, "}");
    }
    add(text, "]");
}

/* --- the publish --- */

/* Everything is copied, so that the texts need not outlive the call. Returns at once: the rest is told by on_job. */
static int submit(ftr_session session, const struct wish *wish, ftr_job *job)
{
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    struct text lists = {"", 0, 0}, guests = {"", 0, 0};

    publish.path = wish->path;
    publish.context = wish->context;
    publish.idempotency_key = wish->key;
    publish.flags = FTR_PUBLISH_CREATE_LISTS | FTR_PUBLISH_CREATE_REVIEW_SESSION;
    if (wish->into)
        publish.flags |= FTR_PUBLISH_INTO_VERSION;
    if (wish->encode)
        publish.mode = FTR_MODE_ENCODE;
    publish.note = wish->note;
    publish.note_frame = wish->frame;
    publish.review_session = wish->session;
    if (wish->list != NULL) {
        add(&lists, "[");
        add_string(&lists, wish->list);
        add(&lists, "]");
        publish.lists = lists.bytes;
    }
    if (wish->guest_count > 0) {
        add_guests(&guests, wish);
        publish.invitees = guests.bytes;
    }
    if (lists.overflow || guests.overflow) {
        fprintf(stderr, "review: too many or too long names\n");
        return 0;
    }
    if (ftr_session_publish_file(session, &publish, job) < 0) {
        fprintf(stderr, "review: %s\n", ftr_last_error_message());
        return 0;
    }
    return 1;
}

/* Called by ftr_session_poll_events in main(), so on this program's only thread. */
static void on_job(void *user_data, const ftr_job_result *result)
{
    enum outcome *const outcome = user_data;
    uint64_t i;

    /* What the server did not take of it: the version is there all the same. */
    for (i = 0; i < result->warning_count; i++)
        fprintf(stderr, "review: %s\n", result->warnings[i]);
    if (result->state != FTR_JOB_DONE) {
        fprintf(stderr, "review: %s\n", result->error->message);
        *outcome = NOT_PUBLISHED;
        return;
    }
    printf("version_id: %s\nlink: %s\n", result->version_id, result->link);
    if (result->note_id != NULL)
        printf("note_id: %s\n", result->note_id);
    if (result->review_session_id != NULL)
        printf("review_session_id: %s\n", result->review_session_id);
    if (result->encode_job_id != NULL)
        printf("encode_job_id: %s\n", result->encode_job_id);
    printf("components: %s\n", result->components);
    *outcome = PUBLISHED;
}

/* --- the command line --- */

static int read_arguments(int argc, char **argv, struct wish *wish)
{
    int i;

    memset(wish, 0, sizeof *wish);
    wish->frame = -1;
    for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *const name = argv[i] + 2;
        const char *value;

        if (strcmp(name, "encode") == 0) {
            wish->encode = 1;
            continue;
        }
        if (strcmp(name, "into") == 0) {
            wish->into = 1;
            continue;
        }
        if (i + 1 == argc)
            return 0;
        value = argv[++i];
        if (strcmp(name, "session") == 0)
            wish->session = value;
        else if (strcmp(name, "list") == 0)
            wish->list = value;
        else if (strcmp(name, "note") == 0)
            wish->note = value;
        else if (strcmp(name, "key") == 0)
            wish->key = value;
        else if (strcmp(name, "frame") == 0)
            wish->frame = strtol(value, NULL, 10);
        else if (strcmp(name, "invite") == 0 && wish->guest_count < MOST_GUESTS)
            wish->guests[wish->guest_count++] = value;
        else
            return 0;
    }
    if (argc - i != 2)
        return 0;
    wish->context = argv[i];
    wish->path = argv[i + 1];
    return 1;
}
