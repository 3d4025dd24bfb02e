/*
 * Every function of the library, called wrongly in every way that C allows. Each row has the code that must come back
 * and a word that the message must have, which is mostly the name of the argument.
 *
 *     misuse SERVER
 *
 * prints `row FUNCTION` at the first row of each function, from which the test sees that none was forgotten.
 */
#include "check.h"

#include <stddef.h>
#include <stdlib.h>

#define NOT_UTF8 "caf\xe9"
#define SENTINEL 0x5e5e5e5e5e5e5e5eu

/* A call, what it must return, and what the message must say. */
#define ROW(expected, word, call) row(__LINE__, #call, (call), (expected), (word))

/* Notes that there is a row of the function that this call begins with. */
static void tell_once(const char *call)
{
    static char known[64][64];
    const size_t length = strcspn(call, "(");
    size_t i;

    for (i = 0; i < 64 && known[i][0] != '\0'; i++)
        if (strlen(known[i]) == length && strncmp(known[i], call, length) == 0)
            return;
    CHECK(i < 64 && length < 64);
    if (i < 64 && length < 64)
        memcpy(known[i], call, length);
    printf("row %.*s\n", (int)length, call);
}

static void row(int line, const char *call, int32_t code, int32_t expected, const char *word)
{
    const char *const message = ftr_last_error_message();

    tell_once(call);
    returns("misuse.c", line, call, code, expected);
    if (code < 0 && strstr(message, word) == NULL) {
        failures++;
        fprintf(stderr, "misuse.c:%d: the message of %s does not say \"%s\": %s\n", line, call, word, message);
    }
}

static ftr_session live_session;
static ftr_job live_job;
static ftr_event live_event;
static ftr_subscription live_subscription;
static ftr_watch live_watch;

/* A session whose server is not there, with a job whose file is not there, an event of it, and a subscription. */
static void make_handles(const char *server)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT;

    options.server_url = server;
    watch.flags = FTR_WATCH_PUBLISHED;
    publish.path = "no-such-file.mp4";
    publish.context = "demo";
    RETURNS(FTR_OK, ftr_session_create(&options, &live_session));
    RETURNS(FTR_OK, ftr_session_publish_file(live_session, &publish, &live_job));
    RETURNS(1, ftr_session_next_event(live_session, LONG, &live_event));
    RETURNS(FTR_OK, ftr_hub_subscribe(live_session, "topic=studio.*", NULL, &live_subscription));
    RETURNS(FTR_OK, ftr_session_watch(live_session, &watch, &live_watch));
}

/* --- handles --- */

static void wrong_session(ftr_session session, int32_t code, const char *word)
{
    const int32_t on_free = session == 0 ? FTR_OK : code;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_hub_info info = FTR_HUB_INFO_INIT;
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT;
    ftr_http_upload_options upload = FTR_HTTP_UPLOAD_OPTIONS_INIT;
    ftr_download_options download = FTR_DOWNLOAD_OPTIONS_INIT;
    ftr_remove_options removal = FTR_REMOVE_OPTIONS_INIT;
    int32_t number = 77;
    const char *text = "untouched";
    uint64_t handle = SENTINEL;

    removal.entity_type = "AssetVersion";
    removal.id = "a";
    download.component_id = "a";
    download.path = "x.mp4";
    upload.endpoint = "/studio/review";
    upload.path = "x.mp4";
    publish.path = "x.mp4";
    publish.context = "demo";
    ROW(code, word, ftr_session_status(session, &number));
    ROW(code, word, ftr_session_wait_ready(session, 0));
    ROW(code, word, ftr_session_server_information(session, &text));
    ROW(code, word, ftr_session_server_version(session, &text));
    ROW(code, word, ftr_session_publish_file(session, &publish, &handle));
    ROW(code, word, ftr_session_http_upload(session, &upload, &handle));
    ROW(code, word, ftr_session_download_component(session, &download, &handle));
    ROW(code, word, ftr_session_remove(session, &removal, &handle));
    ROW(code, word, ftr_session_set_upload_rate(session, 0));
    ROW(code, word, ftr_session_close(session, 0));
    ROW(code, word, ftr_session_poll_events(session, 0));
    ROW(code, word, ftr_session_next_event(session, 0, &handle));
    ROW(code, word, ftr_session_interrupt(session));
    ROW(code, word, ftr_session_wake_fd(session, &number));
    ROW(code, word, ftr_session_set_wakeup_callback(session, NULL, NULL));
    ROW(code, word, ftr_hub_connect(session));
    ROW(code, word, ftr_hub_disconnect(session));
    ROW(code, word, ftr_hub_status(session, &info));
    ROW(code, word, ftr_hub_wait_connected(session, 0));
    ROW(code, word, ftr_hub_subscribe(session, "topic=a", NULL, &handle));
    ROW(code, word, ftr_hub_publish(session, "a", NULL, NULL));
    ROW(code, word, ftr_hub_reply(session, "a", "b", NULL));
    ROW(code, word, ftr_hub_stop(session, "a"));
    ROW(code, word, ftr_session_watch(session, &watch, &handle));
    ROW(code, word, ftr_outbox_list(session, 0, &handle));
    ROW(code, word, ftr_outbox_resume(session, "x", &handle));
    ROW(code, word, ftr_outbox_retry(session, "x", &handle));
    ROW(code, word, ftr_outbox_forget(session, "x", &handle));
    ROW(on_free, word, ftr_session_free(session));
    CHECK(info.status == 0);
    CHECK(number == 77 && handle == SENTINEL && strcmp(text, "untouched") == 0);
}

static void wrong_job(ftr_job job, int32_t code, const char *word)
{
    const int32_t on_free = job == 0 ? FTR_OK : code;
    const ftr_job_result *result = NULL;

    ROW(code, word, ftr_job_wait(job, 0, &result));
    ROW(code, word, ftr_job_cancel(job));
    ROW(code, word, ftr_job_pause(job));
    ROW(code, word, ftr_job_resume(job));
    ROW(on_free, word, ftr_job_free(job));
    CHECK(result == NULL);
}

static void wrong_event(ftr_event event, int32_t code, const char *word)
{
    const int32_t on_free = event == 0 ? FTR_OK : code;
    const ftr_event_info *info = NULL;
    const char *json = NULL;

    ROW(code, word, ftr_event_get(event, &info));
    ROW(code, word, ftr_event_json(event, &json));
    ROW(on_free, word, ftr_event_free(event));
    CHECK(info == NULL && json == NULL);
}

static void wrong_subscription(ftr_subscription subscription, int32_t code, const char *word)
{
    ROW(subscription == 0 ? FTR_OK : code, word, ftr_hub_unsubscribe(subscription));
}

static void wrong_watch(ftr_watch watch, int32_t code, const char *word)
{
    ROW(watch == 0 ? FTR_OK : code, word, ftr_watch_free(watch));
}

/* Numbers that are no handles, made from one that is: a handle is kind, mark of the copy of the library, slot and
 * generation, from the highest bits to the lowest. */
static void wrong_numbers(uint64_t live, void (*call)(uint64_t, int32_t, const char *), const char *argument)
{
    const uint64_t foreign[] = {
        live ^ ((uint64_t)1 << 44),                     /* of another copy of the library */
        live ^ ((uint64_t)1 << 59),                     /* of still another */
        live & ~(uint64_t)0xffffff,                     /* generations begin with 1 */
        live | 0xffffff,                                /* a generation that was not reached */
        (live & ~((uint64_t)0xfffff << 24)) | ((uint64_t)0xfffff << 24), /* a slot that was never used */
        live | ((uint64_t)0xf << 60),                   /* of no kind */
        live & 0xfffffffffffffff,                       /* of kind 0 */
        live & 0xffffffff,                              /* cut off by an int */
        1, 42, UINT64_MAX, (uint64_t)INT64_MAX + 1
    };
    size_t i;

    call(0, FTR_E_BAD_HANDLE, argument);
    for (i = 0; i < sizeof foreign / sizeof *foreign; i++)
        call(foreign[i], FTR_E_BAD_HANDLE, argument);
}

static void handles(const char *server)
{
    ftr_session session;
    ftr_job job;
    ftr_event event;

    wrong_numbers(live_session, wrong_session, "session");
    wrong_numbers(live_job, wrong_job, "job");
    wrong_numbers(live_event, wrong_event, "event");
    wrong_numbers(live_subscription, wrong_subscription, "subscription");
    wrong_numbers(live_watch, wrong_watch, "watch");

    wrong_session(live_job, FTR_E_WRONG_HANDLE_KIND, "session");
    wrong_session(live_event, FTR_E_WRONG_HANDLE_KIND, "session");
    wrong_job(live_session, FTR_E_WRONG_HANDLE_KIND, "job");
    wrong_job(live_event, FTR_E_WRONG_HANDLE_KIND, "job");
    wrong_event(live_session, FTR_E_WRONG_HANDLE_KIND, "event");
    wrong_event(live_job, FTR_E_WRONG_HANDLE_KIND, "event");
    wrong_session(live_subscription, FTR_E_WRONG_HANDLE_KIND, "session");
    wrong_subscription(live_session, FTR_E_WRONG_HANDLE_KIND, "subscription");
    wrong_subscription(live_watch, FTR_E_WRONG_HANDLE_KIND, "subscription");
    wrong_watch(live_subscription, FTR_E_WRONG_HANDLE_KIND, "watch");

    session = live_session;
    job = live_job;
    event = live_event;
    RETURNS(FTR_OK, ftr_job_free(job));
    RETURNS(FTR_OK, ftr_event_free(event));
    wrong_job(job, FTR_E_STALE_HANDLE, "job");
    wrong_event(event, FTR_E_STALE_HANDLE, "event");
    RETURNS(FTR_OK, ftr_session_free(session));
    wrong_session(session, FTR_E_STALE_HANDLE, "session");
    wrong_subscription(live_subscription, FTR_E_STALE_HANDLE, "subscription");
    wrong_watch(live_watch, FTR_E_STALE_HANDLE, "watch");

    /* Freeing a session takes its jobs and subscriptions along, and leaves the events that were pulled. */
    make_handles(server);
    RETURNS(FTR_OK, ftr_session_free(live_session));
    wrong_job(live_job, FTR_E_STALE_HANDLE, "job");
    wrong_subscription(live_subscription, FTR_E_STALE_HANDLE, "subscription");
    wrong_watch(live_watch, FTR_E_STALE_HANDLE, "watch");
    RETURNS(FTR_OK, ftr_event_free(live_event));

    /* Old handles stay wrong when new ones have come. */
    make_handles(server);
    wrong_session(session, FTR_E_STALE_HANDLE, "session");
    wrong_job(job, FTR_E_STALE_HANDLE, "job");
    wrong_event(event, FTR_E_STALE_HANDLE, "event");
}

/* --- NULL and timeouts --- */

static void null_arguments(void)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT;
    ftr_http_upload_options upload = FTR_HTTP_UPLOAD_OPTIONS_INIT;
    ftr_download_options download = FTR_DOWNLOAD_OPTIONS_INIT;
    ftr_remove_options removal = FTR_REMOVE_OPTIONS_INIT;
    uint64_t handle = SENTINEL;

    ROW(FTR_E_NULL_ARGUMENT, "options", ftr_session_remove(live_session, NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "entity_type", ftr_session_remove(live_session, &removal, &handle));
    removal.entity_type = "AssetVersion";
    ROW(FTR_E_NULL_ARGUMENT, "id", ftr_session_remove(live_session, &removal, &handle));
    removal.id = "a";
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_session_remove(live_session, &removal, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "options", ftr_session_download_component(live_session, NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "component_id", ftr_session_download_component(live_session, &download, &handle));
    download.component_id = "a";
    ROW(FTR_E_NULL_ARGUMENT, "path", ftr_session_download_component(live_session, &download, &handle));
    download.path = "x.mp4";
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_session_download_component(live_session, &download, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "options", ftr_session_http_upload(live_session, NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "endpoint", ftr_session_http_upload(live_session, &upload, &handle));
    upload.endpoint = "/studio/review";
    ROW(FTR_E_NULL_ARGUMENT, "path", ftr_session_http_upload(live_session, &upload, &handle));
    upload.path = "x.mp4";
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_session_http_upload(live_session, &upload, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "session", ftr_session_create(&options, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "options", ftr_session_create(NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "status", ftr_session_status(live_session, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "json", ftr_session_server_information(live_session, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "version", ftr_session_server_version(live_session, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "options", ftr_session_publish_file(live_session, NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "path", ftr_session_publish_file(live_session, &publish, &handle));
    publish.path = "x.mp4";
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_session_publish_file(live_session, &publish, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "event", ftr_session_next_event(live_session, 0, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "fd", ftr_session_wake_fd(live_session, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "info", ftr_event_get(live_event, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "json", ftr_event_json(live_event, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "result", ftr_job_wait(live_job, 0, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "options", ftr_session_watch(live_session, NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "watch", ftr_session_watch(live_session, &watch, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "info", ftr_hub_status(live_session, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "subscription", ftr_hub_subscribe(live_session, "topic=a", NULL, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "expression", ftr_hub_subscribe(live_session, NULL, NULL, &handle));
    ROW(FTR_E_NULL_ARGUMENT, "topic", ftr_hub_publish(live_session, NULL, "{}", NULL));
    ROW(FTR_E_NULL_ARGUMENT, "event_id", ftr_hub_reply(live_session, NULL, "a", NULL));
    ROW(FTR_E_NULL_ARGUMENT, "source_id", ftr_hub_reply(live_session, "a", NULL, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "event_id", ftr_hub_stop(live_session, NULL));
    /* NULL is allowed here. */
    ROW(FTR_OK, "", ftr_session_set_wakeup_callback(live_session, NULL, NULL));
    CHECK(handle == SENTINEL);
}

static void negative_timeouts(void)
{
    const int32_t timeouts[] = {-2, -1000, INT32_MIN};
    const ftr_job_result *result = NULL;
    ftr_event event = SENTINEL;
    size_t i;

    for (i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_session_wait_ready(live_session, timeouts[i]));
        ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_session_close(live_session, timeouts[i]));
        ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_session_poll_events(live_session, timeouts[i]));
        ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_session_next_event(live_session, timeouts[i], &event));
        ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_job_wait(live_job, timeouts[i], &result));
        ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_hub_wait_connected(live_session, timeouts[i]));
    }
    CHECK(event == SENTINEL && result == NULL);
}

/* --- the size of structs --- */

/* A struct of a later header: more than this library knows. */
static void *grown(const void *options, size_t size, size_t more, int tail)
{
    unsigned char *bytes = malloc(size + more);
    const uint32_t grown_size = (uint32_t)(size + more);

    if (bytes == NULL)
        exit(3);
    memcpy(bytes, options, size);
    memset(bytes + size, 0, more);
    bytes[size + more - 1] = (unsigned char)tail;
    memcpy(bytes, &grown_size, sizeof grown_size);
    return bytes;
}

static void struct_sizes(const char *server)
{
    const uint32_t wrong[] = {0, 1, 3, 4, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff};
    ftr_session_options session_options = FTR_SESSION_OPTIONS_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_hub_subscribe_options subscribe = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_hub_publish_options event = FTR_HUB_PUBLISH_OPTIONS_INIT;
    ftr_hub_info info = FTR_HUB_INFO_INIT;
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT;
    ftr_http_upload_options upload = FTR_HTTP_UPLOAD_OPTIONS_INIT;
    ftr_download_options download = FTR_DOWNLOAD_OPTIONS_INIT;
    ftr_remove_options removal = FTR_REMOVE_OPTIONS_INIT;
    uint64_t handle = SENTINEL;
    void *later;
    size_t i;

    session_options.server_url = server;
    publish.path = "no-such-file.mp4";
    publish.context = "demo";
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        session_options.struct_size = publish.struct_size = wrong[i];
        subscribe.struct_size = event.struct_size = info.struct_size = watch.struct_size = wrong[i];
        upload.struct_size = download.struct_size = removal.struct_size = wrong[i];
        ROW(FTR_E_STRUCT_SIZE, "FTR_REMOVE_OPTIONS_INIT", ftr_session_remove(live_session, &removal, &handle));
        ROW(FTR_E_STRUCT_SIZE, "FTR_DOWNLOAD_OPTIONS_INIT", ftr_session_download_component(live_session, &download, &handle));
        ROW(FTR_E_STRUCT_SIZE, "FTR_HTTP_UPLOAD_OPTIONS_INIT", ftr_session_http_upload(live_session, &upload, &handle));
        ROW(FTR_E_STRUCT_SIZE, "FTR_WATCH_OPTIONS_INIT", ftr_session_watch(live_session, &watch, &handle));
        ROW(FTR_E_STRUCT_SIZE, "FTR_HUB_SUBSCRIBE_OPTIONS_INIT", ftr_hub_subscribe(live_session, "topic=a", &subscribe, &handle));
        ROW(FTR_E_STRUCT_SIZE, "FTR_HUB_PUBLISH_OPTIONS_INIT", ftr_hub_publish(live_session, "a", NULL, &event));
        ROW(FTR_E_STRUCT_SIZE, "FTR_HUB_INFO_INIT", ftr_hub_status(live_session, &info));
        ROW(FTR_E_STRUCT_SIZE, "FTR_SESSION_OPTIONS_INIT", ftr_session_create(&session_options, &handle));
        ROW(FTR_E_STRUCT_SIZE, "FTR_PUBLISH_OPTIONS_INIT", ftr_session_publish_file(live_session, &publish, &handle));
    }
    session_options.struct_size = sizeof session_options - 1;
    publish.struct_size = sizeof publish - 1;
    ROW(FTR_E_STRUCT_SIZE, "struct_size", ftr_session_create(&session_options, &handle));
    ROW(FTR_E_STRUCT_SIZE, "struct_size", ftr_session_publish_file(live_session, &publish, &handle));

    /* A program of an earlier header works. */
    session_options.struct_size = (uint32_t)offsetof(ftr_session_options, upload_memory_bytes);
    RETURNS(FTR_OK, ftr_session_create(&session_options, &handle));
    RETURNS(FTR_OK, ftr_session_free(handle));
    handle = SENTINEL;

    /* A program of a later header that sets nothing new works; one that does is told that it needs another library. */
    later = grown(&session_options, sizeof session_options, 64, 1);
    ROW(FTR_E_STRUCT_SIZE, "update", ftr_session_create(later, &handle));
    free(later);
    later = grown(&publish, sizeof publish, 64, 1);
    ROW(FTR_E_STRUCT_SIZE, "update", ftr_session_publish_file(live_session, later, &handle));
    CHECK(handle == SENTINEL);
    free(later);
    later = grown(&publish, sizeof publish, 64, 0);
    ROW(FTR_OK, "", ftr_session_publish_file(live_session, later, &handle));
    free(later);
    later = grown(&session_options, sizeof session_options, 64, 0);
    ROW(FTR_OK, "", ftr_session_create(later, &handle));
    RETURNS(FTR_OK, ftr_session_free(handle));
    free(later);
}

/* --- texts --- */

static void bad_session_texts(const char *server)
{
    const ftr_session_options init = FTR_SESSION_OPTIONS_INIT;
    ftr_session_options options;
    ftr_session session = SENTINEL;

#define WITH(expected, word, field, value) \
    options = init; \
    options.server_url = server; \
    options.field = value; \
    ROW(expected, word, ftr_session_create(&options, &session))

    WITH(FTR_E_NOT_UTF8, "server_url", server_url, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "api_key", api_key, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "api_user", api_user, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "headers", headers, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "cookies", cookies, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "proxy", proxy, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "ca_file", ca_file, NOT_UTF8);
    WITH(FTR_E_BAD_SERVER_URL, "server_url", server_url, "studio");
    WITH(FTR_E_BAD_SERVER_URL, "server_url", server_url, "ftp://studio.example");
    WITH(FTR_E_BAD_SERVER_URL, "server_url", server_url, "");
    WITH(FTR_E_BAD_PROXY_URL, "proxy", proxy, "proxy.studio:3128:1");
    WITH(FTR_E_INVALID_JSON, "headers", headers, "X-Studio: lyon");
    WITH(FTR_E_INVALID_JSON, "headers", headers, "[\"X-Studio\"]");
    WITH(FTR_E_INVALID_JSON, "headers", headers, "{\"X-Studio\": 1}");
    WITH(FTR_E_INVALID_JSON, "cookies", cookies, "{");
    WITH(FTR_E_INVALID_ARGUMENT, "api_key", api_key, "line\nbreak");
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0x80000000u);
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0xffffffffu);
    WITH(FTR_E_INVALID_ARGUMENT, "timeout_ms", timeout_ms, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "connect_timeout_ms", connect_timeout_ms, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "log_level", log_level, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "log_level", log_level, FTR_LOG_TRACE + 1);
    WITH(FTR_E_INVALID_ARGUMENT, "upload_memory_bytes", upload_memory_bytes, FTR_BLOCK_SIZE - 1);
    WITH(FTR_E_INVALID_ARGUMENT, "parallel_uploads", parallel_uploads, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "parallel_uploads", parallel_uploads, 65);
    WITH(FTR_E_INVALID_ARGUMENT, "upload_connections", upload_connections, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "upload_connections", upload_connections, 65);
    WITH(FTR_E_INVALID_ARGUMENT, "upload_verify", upload_verify, 3);
    WITH(FTR_E_INVALID_ARGUMENT, "reserved2", reserved2, 1);
    WITH(FTR_E_INVALID_ARGUMENT, "journal_folder", journal_folder, "");
    WITH(FTR_E_NOT_UTF8, "journal_folder", journal_folder, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "outbox_folder", outbox_folder, "");
    WITH(FTR_E_NOT_UTF8, "outbox_folder", outbox_folder, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "start_spread_ms", start_spread_ms, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "reserved3", reserved3, 1);
    WITH(FTR_E_NOT_UTF8, "ffmpeg_path", ffmpeg_path, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "work_folder", work_folder, " ");
#undef WITH
    CHECK(session == SENTINEL);
}

static void bad_publish_texts(void)
{
    const ftr_publish_options init = FTR_PUBLISH_OPTIONS_INIT;
    ftr_publish_options publish;
    ftr_job job = SENTINEL;

#define WITH(expected, word, field, value) \
    publish = init; \
    publish.path = "no-such-file.mp4"; \
    publish.context = "demo"; \
    publish.field = value; \
    ROW(expected, word, ftr_session_publish_file(live_session, &publish, &job))

    WITH(FTR_E_NOT_UTF8, "path", path, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "idempotency_key", idempotency_key, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "idempotency_key", idempotency_key, " ");
    WITH(FTR_E_NOT_UTF8, "announce_topic", announce_topic, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "announce_topic", announce_topic, " ");
    WITH(FTR_E_INVALID_JSON, "announce_data", announce_data, "[]");
    WITH(FTR_E_NOT_UTF8, "context", context, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "asset_name", asset_name, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "asset_type", asset_type, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "comment", comment, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "status", status, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "thumbnail", thumbnail, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "path", path, "");
    WITH(FTR_E_INVALID_ARGUMENT, "context", context, "");
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0x80000000u);
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0xffffffffu);
    WITH(FTR_E_INVALID_ARGUMENT, "mode", mode, 77);
    WITH(FTR_E_INVALID_ARGUMENT, "encode_timeout_ms", encode_timeout_ms, -1);
    WITH(FTR_E_NOT_UTF8, "task_status", task_status, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "user", user, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "note", note, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "review_session", review_session, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "invitees", invitees, NOT_UTF8);
    WITH(FTR_E_INVALID_JSON, "uses_versions", uses_versions, "{}");
    WITH(FTR_E_UNKNOWN_VERSION, "uses_versions", uses_versions, "[\"7\"]");
    WITH(FTR_E_INVALID_JSON, "lists", lists, "Dailies");
    WITH(FTR_E_INVALID_JSON, "metadata", metadata, "[]");
    WITH(FTR_E_INVALID_JSON, "custom_attributes", custom_attributes, "7");
    WITH(FTR_E_INVALID_ARGUMENT, "note", note_labels, "[\"Internal\"]");
    WITH(FTR_E_INVALID_ARGUMENT, "note", note_attachments, "[\"a.png\"]");
    WITH(FTR_E_INVALID_ARGUMENT, "review_session", invitees, "[{\"email\": \"a@b.c\"}]");
    WITH(FTR_E_INVALID_JSON, "meta", meta, "[]");
    WITH(FTR_E_INVALID_ARGUMENT, "meta_frame_out", meta_frame_out, 2);
    WITH(FTR_E_INVALID_ARGUMENT, "holes", holes, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "renditions", renditions, 16);
    WITH(FTR_E_INVALID_ARGUMENT, "reserved", reserved, 1);
    WITH(FTR_E_FRAME_RATE_NEEDED, "frame_rate", frame_rate, "fast");
    WITH(FTR_E_NOT_UTF8, "frame_rate", frame_rate, NOT_UTF8);
    WITH(FTR_E_INVALID_JSON, "ffmpeg_arguments", ffmpeg_arguments, "-i");
    WITH(FTR_E_NOT_UTF8, "lut", lut, NOT_UTF8);
    WITH(FTR_E_NULL_ARGUMENT, "files", file_count, 1);
    WITH(FTR_E_INVALID_ARGUMENT, "files", file_count, UINT64_MAX);
    WITH(FTR_E_NOT_A_VERSION, "FTR_PUBLISH_INTO_VERSION", flags, FTR_PUBLISH_INTO_VERSION);
    WITH(FTR_E_NO_CONTEXT, "context", context, NULL);
#undef WITH
    CHECK(job == SENTINEL);
}

static void bad_publish_files(void)
{
    const ftr_publish_file init = FTR_PUBLISH_FILE_INIT;
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    /* One more than is given: what a struct_size that is too large says is there, is there. */
    ftr_publish_file files[3];
    ftr_job job = SENTINEL;

    publish.path = "no-such-file.mp4";
    publish.context = "demo";
    publish.files = files;
    publish.file_count = 2;
#define WITH(expected, word, field, value) \
    files[0] = files[1] = files[2] = init; \
    files[0].path = "a.nk"; \
    files[1].path = "b.nk"; \
    files[0].role = files[1].role = FTR_ROLE_COMPONENT; \
    files[1].field = value; \
    ROW(expected, word, ftr_session_publish_file(live_session, &publish, &job))

    WITH(FTR_E_NULL_ARGUMENT, "files[1].path", path, NULL);
    WITH(FTR_E_NOT_UTF8, "files[1].path", path, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "files[1].path", path, "");
    WITH(FTR_E_NOT_UTF8, "files[1].component_name", component_name, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "files[1].component_name", component_name, "");
    WITH(FTR_E_INVALID_ARGUMENT, "files[1].role", role, 99);
    WITH(FTR_E_INVALID_ARGUMENT, "files[1].flags", flags, 0x80000000u);
    WITH(FTR_E_INVALID_ARGUMENT, "files[1].reserved", reserved, 1);
    WITH(FTR_E_BAD_ROLE, "files[1]", component_name, "a");
    WITH(FTR_E_STRUCT_SIZE, "files[1]", struct_size, 0);
    WITH(FTR_E_STRUCT_SIZE, "files[1]", struct_size, sizeof init + 8);
#undef WITH
    CHECK(job == SENTINEL);
}

static void bad_uploads_to_endpoints(void)
{
    const ftr_http_upload_options init = FTR_HTTP_UPLOAD_OPTIONS_INIT;
    ftr_http_upload_options upload;
    ftr_job job = SENTINEL;

#define WITH(expected, word, field, value) \
    upload = init; \
    upload.endpoint = "/studio/review"; \
    upload.path = "no-such-file.mp4"; \
    upload.field = value; \
    ROW(expected, word, ftr_session_http_upload(live_session, &upload, &job))

    WITH(FTR_E_NOT_UTF8, "endpoint", endpoint, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "endpoint", endpoint, "");
    WITH(FTR_E_INVALID_ARGUMENT, "endpoint", endpoint, "studio/review");
    WITH(FTR_E_INVALID_ARGUMENT, "endpoint", endpoint, "ftp://127.0.0.1/");
    WITH(FTR_E_FOREIGN_ORIGIN, "FTR_HTTP_UPLOAD_NO_AUTH", endpoint, "https://elsewhere.example/");
    WITH(FTR_E_NOT_UTF8, "path", path, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "path", path, "");
    WITH(FTR_E_NOT_UTF8, "fields", fields, NOT_UTF8);
    WITH(FTR_E_INVALID_JSON, "fields", fields, "{");
    WITH(FTR_E_INVALID_JSON, "fields", fields, "[]");
    WITH(FTR_E_INVALID_JSON, "fields", fields, "{\"a\": 1}");
    WITH(FTR_E_NOT_UTF8, "file_field", file_field, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "file_field", file_field, "");
    WITH(FTR_E_NOT_UTF8, "file_name", file_name, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "file_name", file_name, "");
    WITH(FTR_E_NOT_UTF8, "content_type", content_type, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "content_type", content_type, "movie");
    WITH(FTR_E_NOT_UTF8, "headers", headers, NOT_UTF8);
    WITH(FTR_E_INVALID_JSON, "headers", headers, "{\"a\": 1}");
    WITH(FTR_E_INVALID_ARGUMENT, "headers", headers, "{\"a b\": \"c\"}");
    WITH(FTR_E_INVALID_ARGUMENT, "headers", headers, "{\"Content-Length\": \"1\"}");
    WITH(FTR_E_INVALID_ARGUMENT, "headers", headers, "{\"ftrack-api-key\": \"c\"}");
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0x80000000u);
    WITH(FTR_E_INVALID_ARGUMENT, "answer_timeout_ms", answer_timeout_ms, -1);
    WITH(FTR_E_INVALID_ARGUMENT, "reserved", reserved, 1);
#undef WITH
    CHECK(job == SENTINEL);
}

static void bad_downloads(void)
{
    const ftr_download_options init = FTR_DOWNLOAD_OPTIONS_INIT;
    ftr_download_options download;
    ftr_job job = SENTINEL;

#define WITH(expected, word, field, value) \
    download = init; \
    download.component_id = "a"; \
    download.path = "x.mp4"; \
    download.field = value; \
    ROW(expected, word, ftr_session_download_component(live_session, &download, &job))

    WITH(FTR_E_NOT_UTF8, "component_id", component_id, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "component_id", component_id, " ");
    WITH(FTR_E_NOT_UTF8, "path", path, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "path", path, "");
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0x80000000u);
#undef WITH
    CHECK(job == SENTINEL);
}

static void bad_removals(void)
{
    const ftr_remove_options init = FTR_REMOVE_OPTIONS_INIT;
    ftr_remove_options removal;
    ftr_job job = SENTINEL;

#define WITH(expected, word, field, value) \
    removal = init; \
    removal.entity_type = "FileComponent"; \
    removal.id = "a"; \
    removal.field = value; \
    ROW(expected, word, ftr_session_remove(live_session, &removal, &job))

    WITH(FTR_E_NOT_UTF8, "entity_type", entity_type, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "entity_type", entity_type, "");
    WITH(FTR_E_INVALID_ARGUMENT, "entity_type", entity_type, "Shot");
    WITH(FTR_E_INVALID_ARGUMENT, "entity_type", entity_type, "assetversion");
    WITH(FTR_E_NOT_UTF8, "id", id, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "id", id, " ");
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0x80000000u);
#undef WITH
    CHECK(job == SENTINEL);
}

static void wrong_outbox(ftr_outbox list, int32_t code, const char *word)
{
    const ftr_outbox_item *item = NULL;
    uint64_t count = SENTINEL;

    ROW(code, word, ftr_outbox_count(list, &count));
    ROW(code, word, ftr_outbox_item_at(list, 0, &item));
    ROW(list == 0 ? FTR_OK : code, word, ftr_outbox_free(list));
    CHECK(item == NULL && count == SENTINEL);
}

/* Each function that begins a job with an item. */
static void bad_items(ftr_session session, const char *id, int32_t code, const char *word)
{
    ftr_job job = SENTINEL;

    ROW(code, word, ftr_outbox_resume(session, id, &job));
    ROW(code, word, ftr_outbox_retry(session, id, &job));
    ROW(code, word, ftr_outbox_forget(session, id, &job));
    CHECK(job == SENTINEL);
}

static void bad_outboxes(const char *server)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    const ftr_outbox_item *item = NULL;
    ftr_session session;
    ftr_outbox list = SENTINEL;
    ftr_job job;
    uint64_t count = SENTINEL;

    /* A session without one. */
    ROW(FTR_E_OUTBOX_OFF, "FTR_SESSION_OUTBOX", ftr_outbox_list(live_session, 0, &list));
    bad_items(live_session, "x", FTR_E_OUTBOX_OFF, "FTR_SESSION_OUTBOX");
    CHECK(list == SENTINEL);

    options.server_url = server;
    options.outbox_folder = "no-such-outbox";
    RETURNS(FTR_OK, ftr_session_create(&options, &session));
    ROW(FTR_E_NULL_ARGUMENT, "list", ftr_outbox_list(session, LONG, NULL));
    ROW(FTR_E_INVALID_ARGUMENT, "timeout_ms", ftr_outbox_list(session, -2, &list));
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_outbox_resume(session, "x", NULL));
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_outbox_retry(session, "x", NULL));
    ROW(FTR_E_NULL_ARGUMENT, "job", ftr_outbox_forget(session, "x", NULL));
    bad_items(session, NULL, FTR_E_NULL_ARGUMENT, "item_id");
    bad_items(session, NOT_UTF8, FTR_E_NOT_UTF8, "item_id");

    /* What an item is, only the folder knows, so the job says that there is none. */
    RETURNS(FTR_OK, ftr_outbox_resume(session, "../../etc", &job));
    RETURNS(FTR_OK, ftr_job_free(job));

    RETURNS(FTR_OK, ftr_outbox_list(session, LONG, &list));
    RETURNS(FTR_OK, ftr_outbox_count(list, &count));
    CHECK(count == 0);
    ROW(FTR_E_NULL_ARGUMENT, "count", ftr_outbox_count(list, NULL));
    ROW(FTR_E_NULL_ARGUMENT, "item", ftr_outbox_item_at(list, 0, NULL));
    ROW(FTR_E_INVALID_ARGUMENT, "index", ftr_outbox_item_at(list, 0, &item));
    ROW(FTR_E_INVALID_ARGUMENT, "index", ftr_outbox_item_at(list, UINT64_MAX, &item));
    wrong_numbers(list, wrong_outbox, "list");
    wrong_outbox(session, FTR_E_WRONG_HANDLE_KIND, "list");
    RETURNS(FTR_OK, ftr_outbox_free(list));
    wrong_outbox(list, FTR_E_STALE_HANDLE, "list");
    RETURNS(FTR_OK, ftr_outbox_list(session, LONG, &list));
    RETURNS(FTR_OK, ftr_session_free(session));
    wrong_outbox(list, FTR_E_STALE_HANDLE, "list");
}

static void bad_watches(void)
{
    const ftr_watch_options init = FTR_WATCH_OPTIONS_INIT;
    ftr_watch_options options;
    ftr_watch watch = SENTINEL;

#define WITH(expected, word, set, field, value) \
    options = init; \
    options.flags = set; \
    options.field = value; \
    ROW(expected, word, ftr_session_watch(live_session, &options, &watch))

    WITH(FTR_E_INVALID_ARGUMENT, "nothing", 0, tag, 1);
    WITH(FTR_E_INVALID_ARGUMENT, "more than one", FTR_WATCH_PUBLISHED, version_id, "a");
    WITH(FTR_E_INVALID_ARGUMENT, "more than one", FTR_WATCH_PUBLISHED, review_session_id, "a");
    WITH(FTR_E_INVALID_ARGUMENT, "version_id", 0, version_id, "");
    WITH(FTR_E_INVALID_ARGUMENT, "review_session_id", 0, review_session_id, "");
    WITH(FTR_E_NOT_UTF8, "version_id", 0, version_id, NOT_UTF8);
    WITH(FTR_E_NOT_UTF8, "review_session_id", 0, review_session_id, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "flags", 0x80000000u, version_id, "a");
#undef WITH
    CHECK(watch == SENTINEL);
}

static void bad_hub_texts(void)
{
    const ftr_hub_subscribe_options subscribe_init = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    const ftr_hub_publish_options publish_init = FTR_HUB_PUBLISH_OPTIONS_INIT;
    ftr_hub_subscribe_options subscribe;
    ftr_hub_publish_options publish;
    ftr_subscription subscription = SENTINEL;

#define SUBSCRIBE(expected, word, text) ROW(expected, word, ftr_hub_subscribe(live_session, text, NULL, &subscription))
    SUBSCRIBE(FTR_E_NOT_UTF8, "expression", NOT_UTF8);
    SUBSCRIBE(FTR_E_EXPRESSION, "character 1,", "");
    SUBSCRIBE(FTR_E_EXPRESSION, "character 6,", "topic");
    SUBSCRIBE(FTR_E_EXPRESSION, "expected a value", "topic=");
    SUBSCRIBE(FTR_E_EXPRESSION, "character 12,", "topic=a and ");
#undef SUBSCRIBE
    subscribe = subscribe_init;
    subscribe.metadata = "[]";
    ROW(FTR_E_INVALID_JSON, "metadata", ftr_hub_subscribe(live_session, "topic=a", &subscribe, &subscription));
    subscribe.metadata = "{\"id\": 7}";
    ROW(FTR_E_INVALID_ARGUMENT, "metadata", ftr_hub_subscribe(live_session, "topic=a", &subscribe, &subscription));
    CHECK(subscription == SENTINEL);

    ROW(FTR_E_INVALID_ARGUMENT, "topic", ftr_hub_publish(live_session, "", "{}", NULL));
    ROW(FTR_E_NOT_UTF8, "topic", ftr_hub_publish(live_session, NOT_UTF8, "{}", NULL));
    ROW(FTR_E_INVALID_JSON, "data", ftr_hub_publish(live_session, "a", "{", NULL));
    ROW(FTR_E_INVALID_JSON, "data", ftr_hub_publish(live_session, "a", "\"text\"", NULL));
    ROW(FTR_E_HUB_OFF, "ftr_hub_connect", ftr_hub_publish(live_session, "a", "{}", NULL));
    ROW(FTR_E_HUB_OFF, "ftr_hub_connect", ftr_hub_wait_connected(live_session, 0));
    ROW(FTR_E_HUB_OFF, "ftr_hub_connect", ftr_hub_reply(live_session, "a", "b", "7"));
    ROW(FTR_E_INVALID_JSON, "data", ftr_hub_reply(live_session, "a", "b", "seven"));
    ROW(FTR_E_INVALID_ARGUMENT, "source_id", ftr_hub_reply(live_session, "a", "", NULL));

#define WITH(expected, word, field, value) \
    publish = publish_init; \
    publish.field = value; \
    ROW(expected, word, ftr_hub_publish(live_session, "a", NULL, &publish))

    WITH(FTR_E_NOT_UTF8, "target", target, NOT_UTF8);
    WITH(FTR_E_EXPRESSION, "target", target, "id=");
    WITH(FTR_E_NOT_UTF8, "in_reply_to", in_reply_to, NOT_UTF8);
    WITH(FTR_E_INVALID_ARGUMENT, "flags", flags, 0x80000000u);
    WITH(FTR_E_INVALID_ARGUMENT, "reply_timeout_ms", reply_timeout_ms, -1);
#undef WITH
}

/* --- functions that cannot fail --- */

static void texts_of_the_library(void)
{
    const int32_t codes[] = {INT32_MIN, -100000, -905, -100, -1, 0, 1, INT32_MAX, FTR_E_PANIC};
    size_t i;

    for (i = 0; i < sizeof codes / sizeof *codes; i++) {
        CHECK(ftr_error_name(codes[i]) != NULL && *ftr_error_name(codes[i]) != '\0');
        CHECK(ftr_error_description(codes[i]) != NULL);
    }
    CHECK(strcmp(ftr_error_name(INT32_MIN), "FTR_E_UNKNOWN") == 0);
    CHECK(strcmp(ftr_error_name(INT32_MAX), "FTR_OK") == 0);
    CHECK(strcmp(ftr_error_name(FTR_E_PANIC), "FTR_E_PANIC") == 0);
    CHECK(*ftr_error_description(FTR_E_PANIC) != '\0');
    CHECK(*ftr_error_description(-1) == '\0');
    CHECK(strcmp(ftr_version(), FTR_VERSION) == 0);
    CHECK(ftr_abi_version() == FTR_ABI_VERSION);
    CHECK(ftr_last_error_message() != NULL);
    printf("row ftr_error_name\nrow ftr_error_description\nrow ftr_version\nrow ftr_abi_version\n"
           "row ftr_last_error_message\n");
}

/* --- a closed session --- */

static void after_close(void)
{
    ftr_publish_options publish = FTR_PUBLISH_OPTIONS_INIT;
    ftr_job job = SENTINEL;
    ftr_event event = SENTINEL;
    int32_t told, number;

    publish.path = "no-such-file.mp4";
    publish.context = "demo";
    ROW(0, "", ftr_session_close(live_session, LONG));
    ROW(0, "", ftr_session_close(live_session, 0));
    ROW(FTR_E_CLOSED, "closed", ftr_session_publish_file(live_session, &publish, &job));
    ROW(FTR_E_CLOSED, "closed", ftr_hub_connect(live_session));
    ROW(FTR_E_CLOSED, "closed", ftr_hub_publish(live_session, "a", NULL, NULL));
    ROW(FTR_E_CLOSED, "closed", ftr_hub_reply(live_session, "a", "b", NULL));
    do
        told = ftr_session_poll_events(live_session, LONG);
    while (told >= 0);
    RETURNS(FTR_E_CLOSED, told);
    ROW(FTR_E_CLOSED, "closed", ftr_session_poll_events(live_session, 0));
    ROW(FTR_E_CLOSED, "closed", ftr_session_next_event(live_session, FTR_NO_TIMEOUT, &event));
    ROW(FTR_E_CLOSED, "closed", ftr_session_wait_ready(live_session, 0));
    ROW(FTR_OK, "", ftr_session_status(live_session, &number));
    CHECK(number == FTR_STATUS_CLOSED);
    CHECK(job == SENTINEL && event == SENTINEL);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    texts_of_the_library();
    make_handles(argv[1]);
    null_arguments();
    negative_timeouts();
    struct_sizes(argv[1]);
    bad_session_texts(argv[1]);
    bad_publish_texts();
    bad_publish_files();
    bad_hub_texts();
    bad_watches();
    bad_outboxes(argv[1]);
    bad_uploads_to_endpoints();
    bad_downloads();
    bad_removals();
    handles(argv[1]);
    after_close();
    RETURNS(FTR_OK, ftr_session_free(live_session));
    RETURNS(FTR_OK, ftr_event_free(live_event));
    return finish();
}
