/*
 * Publishes one row of docs/media.md: every option of a publish by its name, from the command line.
 *
 *     row path=shot.%04d.png context=demo/sq010/sh010 mode=0 frame_rate=24 file=5,0,,scene.nk
 *
 * A file is ROLE,FLAGS,NAME,PATH, the numbers as in the header. The result is one line of JSON on standard output.
 */
#include <ftreview.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 16, PATIENCE_MS = 120000 };

#define TEXT(name) { #name, offsetof(ftr_publish_options, name) }

static const struct { const char *name; size_t offset; } texts[] = {
    TEXT(path), TEXT(context), TEXT(asset_name), TEXT(asset_type), TEXT(comment), TEXT(status), TEXT(thumbnail),
    TEXT(idempotency_key), TEXT(task_status), TEXT(user), TEXT(uses_versions), TEXT(lists), TEXT(metadata),
    TEXT(custom_attributes), TEXT(note), TEXT(note_labels), TEXT(note_attachments), TEXT(review_session), TEXT(invitees),
    TEXT(meta), TEXT(frame_rate), TEXT(ffmpeg_arguments), TEXT(lut),
};

/* Whether there is a number of this name, which is set. */
static int set_number(ftr_publish_options *publish, const char *name, long number)
{
    if (strcmp(name, "flags") == 0) publish->flags = (uint32_t)number;
    else if (strcmp(name, "mode") == 0) publish->mode = (int32_t)number;
    else if (strcmp(name, "holes") == 0) publish->holes = (int32_t)number;
    else if (strcmp(name, "renditions") == 0) publish->renditions = (uint32_t)number;
    else if (strcmp(name, "first_frame") == 0) publish->first_frame = number;
    else if (strcmp(name, "note_frame") == 0) publish->note_frame = number;
    else if (strcmp(name, "meta_frame_out") == 0) publish->meta_frame_out = (int32_t)number;
    else return 0;
    return 1;
}

/* Whether there is a text of this name, which is set. */
static int set_text(ftr_publish_options *publish, const char *name, const char *value)
{
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].name, name) == 0) {
            memcpy((char *)publish + texts[i].offset, &value, sizeof value);
            return 1;
        }
    return 0;
}

/* Cuts ROLE,FLAGS,NAME,PATH, where the path may have commas of its own. */
static int set_file(ftr_publish_file *file, char *value)
{
    const ftr_publish_file init = FTR_PUBLISH_FILE_INIT;
    char *flags = strchr(value, ','), *name = flags ? strchr(flags + 1, ',') : NULL;
    char *path = name ? strchr(name + 1, ',') : NULL;

    if (path == NULL)
        return 0;
    *name++ = *path++ = '\0';
    *file = init;
    file->role = atoi(value);
    file->flags = (uint32_t)atoi(flags + 1);
    file->component_name = *name ? name : NULL;
    file->path = path;
    return 1;
}

/* A call that was refused, in the form of a result. The message is the library's; quotes in it are doubled away. */
static int refused(int32_t code)
{
    const char *message = ftr_last_error_message();

    printf("{\"refused\": \"%s\", \"message\": \"", ftr_error_name(code));
    for (; *message; message++)
        putchar(*message == '"' || *message == '\\' || (unsigned char)*message < ' ' ? '\'' : *message);
    printf("\"}\n");
    return 0;
}

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_publish_file files[MOST_FILES];
    ftr_session session = 0;
    ftr_job job = 0;
    int32_t code;
    int i;

    for (i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        int known = value != NULL;

        if (known) {
            *value++ = '\0';
            if (strcmp(argv[i], "ffmpeg_path") == 0)
                options.ffmpeg_path = value;
            else if (strcmp(argv[i], "work_folder") == 0)
                options.work_folder = value;
            else if (strcmp(argv[i], "file") == 0)
                known = publish.file_count < MOST_FILES && set_file(&files[publish.file_count++], value);
            else
                known = set_text(&publish, argv[i], value) || set_number(&publish, argv[i], strtol(value, NULL, 10));
        }
        if (!known) {
            fprintf(stderr, "row: there is no option %s\n", argv[i]);
            return 2;
        }
    }
    publish.files = files;
    if ((code = ftr_session_create(&options, &session)) < 0)
        return refused(code);
    if ((code = ftr_session_publish_file(session, &publish, &job)) < 0) {
        refused(code);
        ftr_session_free(session);
        return 0;
    }
    for (;;) {
        ftr_event event = 0;
        const ftr_event_info *info = NULL;
        const char *json = NULL;

        if (ftr_session_next_event(session, PATIENCE_MS, &event) <= 0 || ftr_event_get(event, &info) < 0 ||
            ftr_event_json(event, &json) < 0) {
            fprintf(stderr, "row: the job did not end: %s\n", ftr_last_error_message());
            return 1; /* the end of the process ends the session */
        }
        if (info->kind == FTR_EVENT_JOB_ENDED) {
            printf("%s\n", json);
            ftr_event_free(event);
            break;
        }
        ftr_event_free(event);
    }
    ftr_session_free(session);
    return 0;
}
