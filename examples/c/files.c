/*
 * Publishes a movie with everything that a studio keeps beside it: the same movie in other sizes, source files, frames.
 *
 *     cc -std=c99 -o files files.c -lftreview
 *     ./files show/sq010/sh010/compositing comp_v003.mov --source comp_v003.nk --frames 'beauty.%04d.exr'
 *
 * With --make the library has ffmpeg make movies of 720 and 1080 lines of whatever is given first: a ProRes, or frames,
 * whose rate --rate says. See docs/media.md for what is published for each kind of input.
 */
#include <ftreview.h>

#include <stdio.h>
#include <string.h>

enum { MOST_FILES = 16 };

struct outcome {
    int ended, exit_code;
};

static void on_progress(void *user_data, const ftr_progress *progress)
{
    (void)user_data;
    if (progress->stage == FTR_STAGE_TRANSCODING && progress->frames_total > 0)
        fprintf(stderr, "frame %llu of %llu\n", (unsigned long long)progress->frames_done,
                (unsigned long long)progress->frames_total);
}

static void on_job(void *user_data, const ftr_job_result *result)
{
    struct outcome *outcome = user_data;
    uint64_t i;

    for (i = 0; i < result->warning_count; i++)
        fprintf(stderr, "warning: %s\n", result->warnings[i]);
    if (result->state == FTR_JOB_DONE)
        printf("version: %s\ncomponents: %s\n", result->version_id, result->components);
    else
        fprintf(stderr, "not published: %s\n", result->error->message);
    outcome->exit_code = result->state == FTR_JOB_DONE ? 0 : 1;
    outcome->ended = 1;
}

/* The next of the files, as the INIT macro makes it. */
static ftr_publish_file *add(ftr_publish_options *publish, ftr_publish_file *files, const char *path, int32_t role)
{
    const ftr_publish_file init = FTR_PUBLISH_FILE_INIT;
    ftr_publish_file *file = &files[publish->file_count++];

    *file = init;
    file->path = path;
    file->role = role;
    publish->files = files;
    return file;
}

int main(int argc, char **argv)
{
    struct outcome outcome = { 0, 1 };
    ftr_publish_file files[MOST_FILES];
    ftr_session session = 0;
    ftr_job job = 0;
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    int i;

    if (argc < 3) {
        fprintf(stderr, "usage: files CONTEXT PATH [--make] [--rate RATE] [--size MOVIE] [--source FILE] [--frames PATTERN]\n");
        return 2;
    }
    publish.context = argv[1];
    publish.path = argv[2];
    for (i = 3; i < argc && publish.file_count < MOST_FILES; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--make") == 0) {
            publish.mode = FTR_MODE_TRANSCODE;
            publish.renditions = FTR_RENDITION_720 | FTR_RENDITION_1080;
            continue;
        }
        if (strcmp(argv[i], "--rate") == 0)
            publish.frame_rate = value;
        else if (strcmp(argv[i], "--size") == 0)
            add(&publish, files, value, FTR_ROLE_MOVIE);
        else if (strcmp(argv[i], "--source") == 0)
            add(&publish, files, value, FTR_ROLE_COMPONENT); /* uploaded; FTR_ROLE_UNMANAGED tells its path */
        else if (strcmp(argv[i], "--frames") == 0)
            add(&publish, files, value, FTR_ROLE_SEQUENCE); /* by path; FTR_FILE_UPLOAD_FRAMES uploads them */
        else {
            fprintf(stderr, "files: %s is no option\n", argv[i]);
            return 2;
        }
        i++;
    }

    options.on_job = on_job;
    options.on_progress = on_progress;
    options.user_data = &outcome;
    if (ftr_session_create(&options, &session) < 0 || ftr_session_publish_file(session, &publish, &job) < 0) {
        fprintf(stderr, "%s\n", ftr_last_error_message());
        outcome.ended = 1;
    }
    while (!outcome.ended)
        ftr_session_poll_events(session, 100);
    ftr_session_free(session);
    return outcome.exit_code;
}
