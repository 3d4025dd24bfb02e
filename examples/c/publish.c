/*
 * Publishes a movie or a still for web review, from the command line. Written to be copied from.
 *
 *     cc -std=c99 -o publish publish.c -lftreview
 *     FTRACK_SERVER=https://studio.ftrackapp.com FTRACK_API_KEY=... FTRACK_API_USER=me \
 *         ./publish --context show/sq010/sh010/compositing sh010_comp_v003.mp4
 *
 * The result goes to standard output as `key: value` lines, for scripts; everything else to standard error.
 *
 * How it is put together: main() reads the options, creates a session, submits one job and polls until that job has
 * ended. Whatever there is to tell comes in the callbacks on_progress, on_job and on_log. They are only ever called
 * inside ftr_session_poll_events, on the thread that called it, so this program needs no lock and no thread of its own.
 */
#define _POSIX_C_SOURCE 200809L /* sigaction, isatty, clock_gettime; nothing else here is beyond ISO C99 */

#include <ftreview.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the program ends with; --help explains them. */
enum { PUBLISHED = 0, FAILED = 1, USAGE = 2, NOT_ALLOWED = 3, TRY_LATER = 4, CANCELLED = 130 };

enum {
    POLL_MS = 100,       /* how soon Ctrl-C is noticed */
    CLEAN_UP_MS = 10000, /* what a cancelled job gets to remove what it made on the server */
    BAR_WIDTH = 20       /* a line with it fits into 80 columns */
};

/* What the command line says. A text that was not given is NULL, as the library wants it. */
struct arguments {
    const char *path, *context, *asset, *type, *comment, *status, *thumbnail, *server, *user, *timeout;
    int verbose, help;
};

/* What the callbacks share with main(): the user_data of the session. */
struct publication {
    int ended;     /* the job has ended and exit_code says how */
    int exit_code;
    int timed_out; /* cancelled by --timeout, not by Ctrl-C */
    int terminal;  /* standard error is one: redraw one line instead of writing many */
    int drawn;     /* how many characters of it are on the screen */
    int stage;     /* the stage told last, 0 before the first */
    int tenth;     /* the tenth of the bytes told last */
};

static void on_progress(void *user_data, const ftr_progress *progress);
static void on_job(void *user_data, const ftr_job_result *result);
static void on_log(void *user_data, const ftr_log_line *line);
static int submit(const struct arguments *arguments, struct publication *publication, ftr_session *session,
                  ftr_job *job);
static void poll_until_ended(ftr_session session, ftr_job job, struct publication *publication, long limit_ms);
static int read_arguments(int argc, char **argv, struct arguments *arguments);
static int read_timeout(const char *text, long *limit_ms);
static void print_help(FILE *out);
static void catch_interrupts(void);

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct publication publication = {0};
    ftr_session session = 0; /* 0 is no session, and freeing that does nothing */
    ftr_job job = 0;
    long limit_ms = FTR_NO_TIMEOUT;
    int code = read_arguments(argc, argv, &arguments);

    if (arguments.help) {
        print_help(stdout);
        return PUBLISHED;
    }
    if (code == 0)
        code = read_timeout(arguments.timeout, &limit_ms);
    if (code != 0) {
        fprintf(stderr, "publish: `publish --help` lists the options\n");
        return code;
    }
    publication.terminal = isatty(STDERR_FILENO);

    code = submit(&arguments, &publication, &session, &job);
    if (code == 0) {
        catch_interrupts();
        poll_until_ended(session, job, &publication, limit_ms);
        code = publication.exit_code;
    } else {
        fprintf(stderr, "publish: %s\n", ftr_last_error_message());
    }
    ftr_session_free(session); /* frees the job's handle, too */
    return code;
}

/* Creates the session and hands it the job. Neither call waits for the network. Returns 0 or an exit code. */
static int submit(const struct arguments *arguments, struct publication *publication, ftr_session *session,
                  ftr_job *job)
{
    /* Always begin with the INIT macros: they say which version of the structs this program was compiled with. */
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;

    /* What is NULL comes from the environment. The key always does: there is no option for it on purpose, because a
     * command line can be read by every user of the machine (ps) and stays in the shell's history. */
    options.server_url = arguments->server;
    options.api_user = arguments->user;
    /* The job's own warnings come with its result, so the log is only for who asks for it. */
    options.log_level = arguments->verbose ? FTR_LOG_DEBUG : FTR_LOG_OFF;
    options.user_data = publication;
    options.on_progress = on_progress;
    options.on_job = on_job;
    options.on_log = on_log;

    publish.path = arguments->path;
    publish.context = arguments->context;
    publish.asset_name = arguments->asset;
    publish.asset_type = arguments->type;
    publish.comment = arguments->comment;
    publish.status = arguments->status;
    publish.thumbnail = arguments->thumbnail;

    if (ftr_session_create(&options, session) < 0)
        return NOT_ALLOWED; /* no server, key or user, or ones that cannot be right */
    if (ftr_session_publish_file(*session, &publish, job) < 0)
        return USAGE; /* such as no context; what is wrong with the file or on the server is told by the job's end */
    return 0;
}

/* --- waiting, Ctrl-C, time limit --- */

/* A signal handler may do next to nothing; setting a flag of this type is allowed. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* The first Ctrl-C (or SIGTERM, from a farm) sets the flag. SA_RESETHAND gives the second one its usual effect, so that
 * it ends the program at once, whatever that is doing. No signal ever runs on a thread of the library. */
static void catch_interrupts(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* A clock that nobody sets. */
static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Writes a line of its own, removing a progress line that is drawn there. */
static void begin_line(struct publication *publication)
{
    if (publication->drawn > 0)
        fprintf(stderr, "\r%*s\r", publication->drawn, "");
    publication->drawn = 0;
}

static void poll_until_ended(ftr_session session, ftr_job job, struct publication *publication, long limit_ms)
{
    const long long start = now_ms();
    long long give_up = 0; /* set when the job was cancelled */

    while (!publication->ended) {
        int32_t told = ftr_session_poll_events(session, POLL_MS);

        if (told < 0) { /* cannot happen as long as one thread polls a session that it does not close */
            begin_line(publication);
            fprintf(stderr, "publish: %s\n", ftr_last_error_message());
            publication->exit_code = FAILED;
            return;
        }
        if (publication->ended)
            break;
        if (give_up != 0 && now_ms() >= give_up) {
            begin_line(publication);
            fprintf(stderr, "publish: giving up waiting; what was uploaded may be left on the server, "
                            "where no reviewer sees it\n");
            publication->exit_code = publication->timed_out ? TRY_LATER : CANCELLED;
            return;
        }
        if (give_up == 0) {
            publication->timed_out = limit_ms >= 0 && now_ms() - start >= limit_ms;
            if (publication->timed_out || interrupted) {
                begin_line(publication);
                fprintf(stderr, publication->timed_out
                                    ? "publish: the time is over, cancelling\n"
                                    : "publish: cancelling and cleaning up; Ctrl-C once more leaves at once, and the "
                                      "unfinished upload stays on the server, where no reviewer sees it\n");
                /* Only asks: the job ends, and on_job hears how. One whose version is being created ends as done. */
                ftr_job_cancel(job);
                give_up = now_ms() + CLEAN_UP_MS;
            }
        }
    }
}

/* --- what the library tells --- */

static const char *stage_name(int32_t stage)
{
    switch (stage) {
    case FTR_STAGE_ACCEPTED: return "waiting";
    case FTR_STAGE_CHECKING: return "checking";
    case FTR_STAGE_RESOLVING: return "resolving";
    case FTR_STAGE_UPLOADING: return "uploading";
    case FTR_STAGE_VERSIONING: return "creating the version";
    case FTR_STAGE_FINISHING: return "finishing";
    case FTR_STAGE_ANNOUNCING: return "announcing";
    default: return "working"; /* later versions of the library may add stages */
    }
}

static void on_progress(void *user_data, const ftr_progress *progress)
{
    struct publication *publication = user_data;
    const double done = (double)progress->bytes_done, total = (double)progress->bytes_total;
    /* The total is 0 until the file was looked at. */
    const double part = total > 0 ? done / total : 0;
    const int uploading = progress->stage == FTR_STAGE_UPLOADING;
    const double unit = total < 1e6 ? 1e3 : 1e6;
    const char *const unit_name = total < 1e6 ? "kB" : "MB";
    char amount[120] = "", bar[BAR_WIDTH + 1], line[160];
    int length = 0;

    if (total > 0)
        length = snprintf(amount, sizeof amount, "%3.0f %%  %.1f of %.1f %s", part * 100, done / unit, total / unit,
                          unit_name);
    if (uploading && progress->bytes_per_second > 0)
        length += snprintf(amount + length, sizeof amount - (size_t)length, "  %.1f %s/s",
                           progress->bytes_per_second / unit, unit_name);
    if (uploading && progress->remaining_ms > 0)
        snprintf(amount + length, sizeof amount - (size_t)length, "  %lld s left",
                 (long long)(progress->remaining_ms + 999) / 1000);

    if (publication->terminal) {
        memset(bar, '.', BAR_WIDTH);
        memset(bar, '#', (size_t)(part * BAR_WIDTH));
        bar[BAR_WIDTH] = '\0';
        /* While bytes move, the numbers say what is going on. */
        length = snprintf(line, sizeof line, "[%s] %s  %s", bar, amount,
                          uploading ? "" : stage_name(progress->stage));
        /* Blanks over what is left of a longer line before it. */
        fprintf(stderr, "\r%-*s", publication->drawn, line);
        fflush(stderr);
        publication->drawn = length > publication->drawn ? length : publication->drawn;
    } else if (progress->stage != publication->stage || (int)(part * 10) != publication->tenth) {
        /* Into a file or a farm's log: only what is worth a line. */
        fprintf(stderr, "%s%s%s\n", stage_name(progress->stage), *amount ? " " : "", amount);
    }
    publication->stage = progress->stage;
    publication->tenth = (int)(part * 10);
}

/* One `key: value` line, if there is a value. */
static void print_value(const char *key, const char *value)
{
    if (value != NULL)
        printf("%s: %s\n", key, value);
}

/* Few codes by name, the others by class and properties: so it is also right for codes that later versions add. */
static int exit_code_of(const ftr_error *error)
{
    switch (error->code) {
    case FTR_E_UNAUTHORISED:
    case FTR_E_PERMISSION:
    case FTR_E_TLS:          /* a certificate that is not trusted */
    case FTR_E_WRONG_SERVER: /* something answers there, but no ftrack */
        return NOT_ALLOWED;
    default:
        if (error->error_class == FTR_CLASS_CONFIGURATION)
            return NOT_ALLOWED;
        return error->retryable ? TRY_LATER : FAILED;
    }
}

/* The job's end, told once. The texts are the library's and valid during this call: what is needed later must be copied,
 * so everything is printed here. */
static void on_job(void *user_data, const ftr_job_result *result)
{
    struct publication *publication = user_data;
    uint64_t i;

    begin_line(publication);
    for (i = 0; i < result->warning_count; i++)
        fprintf(stderr, "publish: warning: %s\n", result->warnings[i]);

    switch (result->state) {
    case FTR_JOB_DONE:
        printf("Published %s version %lld\n", result->asset_name, (long long)result->version_number);
        print_value("version_id", result->version_id);
        print_value("asset_id", result->asset_id);
        print_value("task_id", result->task_id);
        print_value("parent_id", result->parent_id);
        print_value("project_id", result->project_id);
        print_value("component_id", result->component_id);
        print_value("component_name", result->component_name);
        print_value("thumbnail_id", result->thumbnail_id);
        print_value("link", result->link);
        publication->exit_code = PUBLISHED;
        break;
    case FTR_JOB_CANCELLED:
        fprintf(stderr, "publish: cancelled, nothing was published\n");
        publication->exit_code = publication->timed_out ? TRY_LATER : CANCELLED;
        break;
    default:
        fprintf(stderr, "publish: not published: %s (%s)\n", result->error->message,
                ftr_error_name(result->error->code));
        publication->exit_code = exit_code_of(result->error);
        break;
    }
    publication->ended = 1;
}

static void on_log(void *user_data, const ftr_log_line *line)
{
    static const char *const levels[] = {"off", "error", "warning", "info", "debug", "trace"};
    const int known = line->level >= 0 && (size_t)line->level < sizeof levels / sizeof *levels;

    begin_line(user_data);
    fprintf(stderr, "%s %s: %s\n", known ? levels[line->level] : "log", line->target, line->message);
}

/* --- the command line --- */

/* `--name VALUE` or `--name=VALUE`: whether this is the word at `*at`, which moves to the last word that was used. The
 * value is NULL if it is missing. */
static int read_option(const char *name, int argc, char **argv, int *at, const char **value)
{
    const char *word = argv[*at];
    const size_t length = strlen(name);

    if (strncmp(word, name, length) != 0 || (word[length] != '\0' && word[length] != '='))
        return 0;
    if (word[length] == '=')
        *value = word + length + 1;
    else
        *value = *at + 1 < argc ? argv[++*at] : NULL;
    return 1;
}

static int usage_error(const char *what, const char *word)
{
    fprintf(stderr, "publish: %s%s\n", what, word);
    return USAGE;
}

static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct { const char *name; const char **value; } options[] = {
        {"--context", &arguments->context}, {"--asset", &arguments->asset},   {"--type", &arguments->type},
        {"--comment", &arguments->comment}, {"--status", &arguments->status}, {"--thumbnail", &arguments->thumbnail},
        {"--server", &arguments->server},   {"--user", &arguments->user},     {"--timeout", &arguments->timeout},
    };
    int only_files = 0, i;
    size_t k;

    for (i = 1; i < argc; i++) {
        int found = 0;

        if (only_files || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (arguments->path != NULL)
                return usage_error("one file at a time; this is one more: ", argv[i]);
            arguments->path = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_files = 1;
            continue;
        }
        if (strcmp(argv[i], "--verbose") == 0) {
            arguments->verbose = 1;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            arguments->help = 1;
            return 0;
        }
        for (k = 0; k < sizeof options / sizeof *options && !found; k++) {
            found = read_option(options[k].name, argc, argv, &i, options[k].value);
            if (found && *options[k].value == NULL)
                return usage_error("a value must follow ", options[k].name);
        }
        if (!found)
            return usage_error("no such option: ", argv[i]);
    }
    return arguments->path != NULL ? 0 : usage_error("no file was given", "");
}

/* Seconds to milliseconds; NULL leaves the limit as it is. */
static int read_timeout(const char *text, long *limit_ms)
{
    char *end;
    long seconds;

    if (text == NULL)
        return 0;
    errno = 0;
    seconds = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || seconds <= 0 || seconds > 1000000)
        return usage_error("--timeout takes whole seconds from 1 to 1000000, not ", text);
    *limit_ms = seconds * 1000;
    return 0;
}

static void print_help(FILE *out)
{
    fputs("usage: publish [options] FILE\n"
          "\n"
          "Publishes FILE (an H.264 mp4, a jpg or a png) for web review on an ftrack server.\n"
          "\n"
          "  --context CONTEXT  where it belongs: the id of a task, shot, project or version, or names\n"
          "                     such as show/sq010/sh010/compositing (else FTRACK_CONTEXTID)\n"
          "  --asset NAME       the asset; found or created (else by the file's name)\n"
          "  --type NAME        the asset's type (else \"upload\")\n"
          "  --comment TEXT     the version's comment\n"
          "  --status NAME      the version's status\n"
          "  --thumbnail FILE   a jpg or png for lists; a still is its own\n"
          "  --server URL       the server (else FTRACK_SERVER)\n"
          "  --user NAME        the API user (else FTRACK_API_USER, then the system's)\n"
          "  --timeout SECONDS  cancel when it takes longer\n"
          "  --verbose          show what is being done\n"
          "  --help             show this\n"
          "\n"
          "The API key comes from FTRACK_API_KEY only: command lines are visible to other users.\n"
          "The result is written to standard output as `key: value` lines.\n"
          "\n"
          "Exit codes:\n"
          "    0  published\n"
          "    1  not published: the message says why, and the same would fail again\n"
          "    2  the command line is wrong, or there is no context\n"
          "    3  not allowed, or not set up: server, user, key, certificate, permission\n"
          "    4  not published now, but the same may succeed later: network, busy server, --timeout\n"
          "  130  cancelled with Ctrl-C\n",
          out);
}
