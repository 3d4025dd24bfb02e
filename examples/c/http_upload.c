/*
 * Sends a file with form fields to an endpoint of the ftrack server, as studios have of their own beside it:
 *
 *     cc -std=c99 -o http_upload http_upload.c -lftreview
 *     FTRACK_SERVER=https://studio.ftrackapp.com FTRACK_API_KEY=... FTRACK_API_USER=me \
 *         ./http_upload /studio/review comp_v003.mov shot=sh010 artist=ada
 *
 * What the endpoint answers goes to standard output; everything else to standard error. Exit codes: 0 it took the file,
 * 1 it did not, 2 wrong arguments, 3 nobody knows: look there before you send it again.
 */
#include <ftreview.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum outcome { TAKEN = 0, NOT_TAKEN = 1, USAGE = 2, UNKNOWN = 3, RUNNING = -1 };

/* Both are called by ftr_session_poll_events below, so on this program's only thread. */
static void on_progress(void *user_data, const ftr_progress *progress)
{
    (void)user_data;
    if (progress->bytes_total > 0)
        fprintf(stderr, "%llu of %llu bytes\n", (unsigned long long)progress->bytes_done,
                (unsigned long long)progress->bytes_total);
}

static void on_job(void *user_data, const ftr_job_result *result)
{
    enum outcome *outcome = user_data;
    uint64_t i;

    for (i = 0; i < result->warning_count; i++)
        fprintf(stderr, "http_upload: warning: %s\n", result->warnings[i]);
    if (result->state == FTR_JOB_DONE) {
        fprintf(stderr, "it answered %d\n", (int)result->http_status);
        printf("%s\n", result->answer != NULL ? result->answer : "");
        *outcome = TAKEN;
    } else {
        fprintf(stderr, "http_upload: %s\n", result->error->message);
        /* An endpoint may do twice what it gets twice, so nobody should send it again without looking. */
        *outcome = result->error->outcome_unknown ? UNKNOWN : NOT_TAKEN;
    }
}

/* Appends text to a JSON text with room for it, with what JSON wants escaped. */
static char *append(char *end, const char *text, size_t length)
{
    size_t i;

    *end++ = '"';
    for (i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)text[i];

        if (byte == '"' || byte == '\\')
            end += sprintf(end, "\\%c", byte);
        else if (byte < 0x20)
            end += sprintf(end, "\\u%04x", byte);
        else
            *end++ = (char)byte;
    }
    *end++ = '"';
    return end;
}

/* `name=value` words as a JSON object; NULL if one has no equals sign. To be freed. A program with a JSON library uses
 * that. */
static char *fields_of(char **words, int count)
{
    size_t room = 3;
    char *json, *end;
    int i;

    for (i = 0; i < count; i++)
        room += 6 * strlen(words[i]) + 8;
    json = malloc(room);
    if (json == NULL)
        return NULL;
    end = json;
    *end++ = '{';
    for (i = 0; i < count; i++) {
        const char *equals = strchr(words[i], '=');

        if (equals == NULL) {
            free(json);
            return NULL;
        }
        if (i > 0)
            *end++ = ',';
        end = append(end, words[i], (size_t)(equals - words[i]));
        *end++ = ':';
        end = append(end, equals + 1, strlen(equals + 1));
    }
    *end++ = '}';
    *end = '\0';
    return json;
}

int main(int argc, char **argv)
{
    enum outcome outcome = RUNNING;
    ftr_session session = 0;
    ftr_job job = 0;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_http_upload_options upload = FTR_HTTP_UPLOAD_OPTIONS_INIT;
    char *fields = argc < 3 ? NULL : fields_of(argv + 3, argc - 3);

    if (fields == NULL) {
        fprintf(stderr, "usage: http_upload ENDPOINT FILE [NAME=VALUE]...\n");
        return USAGE;
    }
    options.on_progress = on_progress;
    options.on_job = on_job;
    options.user_data = &outcome;
    upload.endpoint = argv[1];
    upload.path = argv[2];
    upload.fields = fields;

    if (ftr_session_create(&options, &session) < 0 || ftr_session_http_upload(session, &upload, &job) < 0) {
        fprintf(stderr, "http_upload: %s\n", ftr_last_error_message());
        outcome = NOT_TAKEN;
    }
    free(fields); /* everything was copied */
    while (outcome == RUNNING)
        ftr_session_poll_events(session, 100);

    ftr_session_free(session);
    return outcome;
}
