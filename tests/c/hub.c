/*
 * The event hub from C. Sessions that are connected to the same server hear each other as programs do.
 *
 *     hub CASE SERVER FILE
 */
#define _GNU_SOURCE /* usleep */
#include "case.h"

#include <dirent.h>
#include <unistd.h>

/* What a session heard, in order. */
struct heard {
    ftr_session session;
    int events, replies, ends, refused, log[16];
    int32_t code; /* of the last end */
    uint64_t tag; /* of the last end */
    char data[128];
    ftr_subscription subscription;
};

static int count_entries(const char *folder)
{
    DIR *const entries = opendir(folder);
    int count = 0;

    if (entries == NULL)
        return -1;
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count - 2; /* . and .. */
}

/* A session with the demo user, whose hub is not connected. */
static ftr_session open_hub(uint32_t flags, ftr_event_callback on_event, void *user_data)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    ftr_session session = 0;

    options.server_url = server;
    options.flags = flags;
    options.log_level = FTR_LOG_OFF;
    options.on_event = on_event;
    options.user_data = user_data;
    RETURNS(FTR_OK, ftr_session_create(&options, &session));
    return session;
}

static ftr_session connected(ftr_event_callback on_event, void *user_data)
{
    const ftr_session session = open_hub(FTR_SESSION_AUTO_CONNECT_EVENT_HUB, on_event, user_data);

    RETURNS(FTR_OK, ftr_hub_wait_connected(session, LONG));
    return session;
}

static void publisher(void *user_data, const ftr_event_info *event)
{
    struct heard *heard = user_data;

    if (event->kind == FTR_EVENT_HUB_REPLY) {
        CHECK(event->hub->in_reply_to != NULL && strcmp(event->hub->topic, "ftrack.meta.reply") == 0);
        snprintf(heard->data, sizeof heard->data, "%s", event->hub->data);
        heard->replies++;
    } else {
        CHECK(event->kind == FTR_EVENT_HUB_PUBLISHED && *event->hub->id != '\0');
        heard->code = event->error != NULL ? event->error->code : FTR_OK;
        heard->tag = event->tag;
        heard->ends++;
    }
}

static void answerer(void *user_data, const ftr_event_info *event)
{
    struct heard *heard = user_data;

    CHECK(event->kind == FTR_EVENT_HUB && event->tag == 11 && event->subscription == heard->subscription);
    CHECK(strcmp(event->hub->topic, "studio.question") == 0 && event->hub->in_reply_to == NULL);
    CHECK(strcmp(event->hub->data, "{\"shot\":\"sh010\"}") == 0 && strstr(event->hub->source, "demo") != NULL);
    heard->events++;
    RETURNS(FTR_OK, ftr_hub_reply(event->session, event->hub->id, event->hub->source_id, "{\"seen\":true}"));
}

/* One asks, the other answers in its callback, the first hears the answer. */
static void question_and_answer(void)
{
    struct heard one = {0}, other = {0};
    const ftr_session asking = connected(NULL, NULL), answering = connected(NULL, NULL);
    ftr_hub_subscribe_options subscribe = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_hub_publish_options publish = FTR_HUB_PUBLISH_OPTIONS_INIT;
    ftr_hub_info info = FTR_HUB_INFO_INIT;

    subscribe.callback = answerer;
    subscribe.user_data = &other;
    subscribe.tag = 11;
    subscribe.metadata = "{\"role\": \"reviewer\"}";
    RETURNS(FTR_OK, ftr_hub_subscribe(answering, "topic=studio.* and data.shot=sh010", &subscribe, &other.subscription));
    publish.callback = publisher;
    publish.user_data = &one;

    /* A packet and its answer later the server knows the subscription. */
    RETURNS(FTR_OK, ftr_hub_publish(answering, "other", NULL, &publish));
    while (one.ends == 0)
        CHECK(ftr_session_poll_events(answering, LONG) >= 0);

    publish.target = "role=reviewer";
    publish.reply_timeout_ms = LONG;
    publish.max_replies = 1;
    publish.tag = 12;
    RETURNS(FTR_OK, ftr_hub_publish(asking, "studio.question", "{\"shot\": \"sh010\"}", &publish));
    while (other.events == 0)
        CHECK(ftr_session_poll_events(answering, LONG) >= 0);
    while (one.ends == 1)
        CHECK(ftr_session_poll_events(asking, LONG) >= 0);
    CHECK(one.replies == 1 && one.code == FTR_OK && one.tag == 12 && strcmp(one.data, "{\"seen\":true}") == 0);

    /* Not for this one: nobody answers. */
    publish.target = "role=artist";
    publish.reply_timeout_ms = 300;
    RETURNS(FTR_OK, ftr_hub_publish(asking, "studio.question", "{\"shot\": \"sh010\"}", &publish));
    while (one.ends == 2)
        CHECK(ftr_session_poll_events(asking, LONG) >= 0);
    CHECK(one.replies == 1 && one.code == FTR_E_TIMED_OUT && other.events == 1);

    RETURNS(FTR_OK, ftr_hub_status(answering, &info));
    CHECK(info.status == FTR_HUB_CONNECTED && info.subscriptions == 1 && info.connections == 1 && info.published == 0);
    RETURNS(FTR_OK, ftr_hub_disconnect(answering));
    RETURNS(FTR_OK, ftr_hub_status(answering, &info));
    CHECK(info.status == FTR_HUB_OFF);
    RETURNS(FTR_E_HUB_OFF, ftr_hub_publish(answering, "studio.late", NULL, NULL));
    RETURNS(FTR_OK, ftr_session_free(asking));
    RETURNS(FTR_OK, ftr_session_free(answering));
}

/* The pull form has the same events, and the same as JSON. */
static void pulled(void)
{
    const ftr_session session = connected(NULL, NULL);
    ftr_subscription subscription = 0;
    int heard = 0, ended = 0;

    RETURNS(FTR_OK, ftr_hub_subscribe(session, "topic=studio.pulled", NULL, &subscription));
    RETURNS(FTR_OK, ftr_hub_publish(session, "studio.pulled", "{\"n\": [1, \"\xc3\xa4\"]}", NULL));
    while (heard == 0 || ended == 0) {
        const ftr_event_info *info = NULL;
        const char *json = NULL;
        ftr_event event = 0;

        RETURNS(1, ftr_session_next_event(session, LONG, &event));
        RETURNS(FTR_OK, ftr_event_get(event, &info));
        RETURNS(FTR_OK, ftr_event_json(event, &json));
        if (info->kind == FTR_EVENT_HUB) {
            CHECK(info->subscription == subscription && strcmp(info->hub->data, "{\"n\":[1,\"\xc3\xa4\"]}") == 0);
            CHECK(strstr(json, "\"data\":{\"n\":[1,\"\xc3\xa4\"]}") != NULL);
            heard++;
        } else if (info->kind == FTR_EVENT_HUB_PUBLISHED) {
            CHECK(info->error == NULL && strstr(json, info->hub->id) != NULL);
            ended++;
        }
        RETURNS(FTR_OK, ftr_event_free(event));
    }
    RETURNS(FTR_OK, ftr_hub_unsubscribe(subscription));
    RETURNS(FTR_E_STALE_HANDLE, ftr_hub_unsubscribe(subscription));
    RETURNS(FTR_OK, ftr_session_free(session));
}

static void in_order(void *user_data, const ftr_event_info *event)
{
    struct heard *heard = user_data;

    if (event->kind != FTR_EVENT_HUB)
        return;
    heard->log[heard->events++] = (int)event->tag;
    if (strcmp(event->hub->topic, "studio.stopped") == 0 && event->tag == 2)
        RETURNS(FTR_OK, ftr_hub_stop(event->session, event->hub->id));
    if (strcmp(event->hub->topic, "studio.last") == 0)
        RETURNS(FTR_OK, ftr_session_free(event->session));
}

/* Without any connection, by priority; one may stop an event for those after it, and free the session. */
static void local_events(void)
{
    struct heard heard = {0};
    const ftr_session session = open_hub(0, in_order, &heard);
    ftr_hub_subscribe_options subscribe = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_hub_publish_options publish = FTR_HUB_PUBLISH_OPTIONS_INIT;
    const int32_t priorities[] = {100, 10, 200};
    ftr_subscription subscriptions[3];
    int32_t told;
    int i;

    for (i = 0; i < 3; i++) {
        subscribe.tag = (uint64_t)i + 1;
        subscribe.priority = priorities[i];
        RETURNS(FTR_OK, ftr_hub_subscribe(session, "topic=studio.*", &subscribe, &subscriptions[i]));
    }
    publish.flags = FTR_HUB_LOCAL;
    RETURNS(FTR_OK, ftr_hub_publish(session, "studio.a", NULL, &publish));
    RETURNS(FTR_OK, ftr_hub_publish(session, "studio.stopped", NULL, &publish));
    RETURNS(FTR_OK, ftr_hub_publish(session, "studio.b", NULL, &publish));
    RETURNS(FTR_OK, ftr_hub_publish(session, "studio.last", NULL, &publish));
    do
        told = ftr_session_poll_events(session, LONG);
    while (told >= 0);
    RETURNS(FTR_E_STALE_HANDLE, told);
    CHECK(heard.events == 8);
    for (i = 0; i < 8; i++) {
        const int expected[] = {2, 1, 3, 2, 2, 1, 3, 2};

        CHECK(heard.log[i] == expected[i]);
    }
    RETURNS(FTR_E_STALE_HANDLE, ftr_hub_unsubscribe(subscriptions[0]));
}

static void ends_itself(void *user_data, const ftr_event_info *event)
{
    struct heard *heard = user_data;

    CHECK(event->kind == FTR_EVENT_HUB);
    heard->events++;
    RETURNS(FTR_OK, ftr_hub_unsubscribe(event->subscription));
}

/* A subscription that ends itself in its callback hears nothing more, though more is waiting. */
static void ended_in_its_callback(void)
{
    struct heard heard = {0};
    const ftr_session session = open_hub(0, NULL, NULL);
    ftr_hub_subscribe_options subscribe = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_hub_publish_options publish = FTR_HUB_PUBLISH_OPTIONS_INIT;
    int i;

    subscribe.callback = ends_itself;
    subscribe.user_data = &heard;
    RETURNS(FTR_OK, ftr_hub_subscribe(session, "topic=*", &subscribe, &heard.subscription));
    publish.flags = FTR_HUB_LOCAL;
    publish.callback = publisher;
    publish.user_data = &heard;
    for (i = 0; i < 5; i++)
        RETURNS(FTR_OK, ftr_hub_publish(session, "studio.a", NULL, &publish));
    while (heard.ends < 5)
        CHECK(ftr_session_poll_events(session, LONG) >= 0);
    CHECK(heard.events == 1);
    RETURNS(FTR_OK, ftr_session_free(session));
}

/* What a listener hears of a publish. */
struct announced {
    int components, versions;
    char version[4096];
};

static void on_announced(void *user_data, const ftr_event_info *event)
{
    struct announced *announced = user_data;

    CHECK(event->kind == FTR_EVENT_HUB);
    if (strcmp(event->hub->topic, "ftrack.location.component-added") == 0) {
        CHECK(strstr(event->hub->data, "\"location_id\":\"3a372bde-05bc-11e4-8908-20c9d081909b\"") != NULL);
        announced->components++;
    } else {
        snprintf(announced->version, sizeof announced->version, "%s %s", event->hub->topic, event->hub->data);
        announced->versions++;
    }
}

static void publish_announced(ftr_session session, struct told *told, const char *topic, const char *data)
{
    ftr_publish_options options = FTR_PUBLISH_OPTIONS_INIT;
    ftr_job job = 0;

    options.path = file;
    options.context = "demo/sq010/sh010/compositing";
    options.announce_topic = topic;
    options.announce_data = data;
    RETURNS(FTR_OK, ftr_session_publish_file(session, &options, &job));
    poll_until_ended(session, told);
    CHECK(told->state == FTR_JOB_DONE && told->code == FTR_OK);
}

/* Others hear of a version and of its component, under the usual topic or another one; without a connection nobody does. */
static void announced(void)
{
    struct announced heard = {0};
    struct told told = {0};
    const ftr_session listening = connected(NULL, NULL), telling = open_hub(0, count_event, &told);
    ftr_hub_subscribe_options subscribe = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_hub_publish_options settle = FTR_HUB_PUBLISH_OPTIONS_INIT;
    struct heard settled = {0};
    ftr_subscription subscription;

    subscribe.callback = on_announced;
    subscribe.user_data = &heard;
    settle.callback = publisher;
    settle.user_data = &settled;
    RETURNS(FTR_OK, ftr_hub_subscribe(listening,
                                      "topic=ftreview.published or topic=studio.review.ready or "
                                      "topic=ftrack.location.component-added",
                                      &subscribe, &subscription));
    RETURNS(FTR_OK, ftr_hub_publish(listening, "other", NULL, &settle));
    while (settled.ends == 0)
        CHECK(ftr_session_poll_events(listening, LONG) >= 0);

    publish_announced(telling, &told, NULL, NULL); /* not connected: nobody hears, and nobody is bothered */
    RETURNS(FTR_OK, ftr_hub_connect(telling));
    RETURNS(FTR_OK, ftr_hub_wait_connected(telling, LONG));
    publish_announced(telling, &told, NULL, NULL);
    while (heard.versions == 0)
        CHECK(ftr_session_poll_events(listening, LONG) >= 0);
    CHECK(heard.components == 1 && heard.versions == 1);
    CHECK(strstr(heard.version, "ftreview.published {\"version_id\":\"") == heard.version);
    CHECK(strstr(heard.version, "\"version_number\":2") != NULL);

    publish_announced(telling, &told, "studio.review.ready", "{\"shot\": \"sh010\", \"comment\": \"ours\"}");
    while (heard.versions == 1)
        CHECK(ftr_session_poll_events(listening, LONG) >= 0);
    CHECK(heard.components == 2 && strstr(heard.version, "studio.review.ready {") == heard.version);
    CHECK(strstr(heard.version, "\"shot\":\"sh010\"") != NULL && strstr(heard.version, "\"comment\":\"ours\"") != NULL);
    RETURNS(FTR_OK, ftr_session_free(listening));
    RETURNS(FTR_OK, ftr_session_free(telling));
}

/* Sessions that are connected, subscribed and watching leave nothing behind when they are freed at any moment. */
static void many_sessions(void)
{
    const int before = count_entries("/proc/self/fd");
    ftr_watch_options watch = FTR_WATCH_OPTIONS_INIT;
    int i;

    watch.flags = FTR_WATCH_PUBLISHED;
    for (i = 0; i < 60; i++) {
        const ftr_session session = open_hub(FTR_SESSION_AUTO_CONNECT_EVENT_HUB, NULL, NULL);
        ftr_subscription subscription;
        ftr_watch watch_handle;

        RETURNS(FTR_OK, ftr_hub_subscribe(session, "topic=*", NULL, &subscription));
        RETURNS(FTR_OK, ftr_session_watch(session, &watch, &watch_handle));
        if (i % 3 > 0)
            RETURNS(FTR_OK, ftr_hub_wait_connected(session, LONG));
        if (i % 3 > 1)
            RETURNS(FTR_OK, ftr_hub_publish(session, "studio.a", NULL, NULL));
        RETURNS(FTR_OK, ftr_session_free(session));
    }
    /* The library's thread lets go of them a moment later. */
    for (i = 0; i < 600 && (count_entries("/proc/self/fd") > before || count_entries("/proc/self/task") > 1); i++)
        usleep(100000);
    CHECK(count_entries("/proc/self/fd") <= before);
    CHECK(count_entries("/proc/self/task") == 1);
}

/* What the process ever had in memory, in KiB. */
static long peak_kib(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kib;
}

/* What a session that was not polled has waiting. */
struct waiting {
    uint64_t heard, dropped;
    char last[32];
};

static void count_waiting(void *user_data, const ftr_event_info *event)
{
    struct waiting *waiting = user_data;

    if (event->kind == FTR_EVENT_HUB) {
        const char *number = strstr(event->hub->data, "\"number\":");

        waiting->heard++;
        snprintf(waiting->last, sizeof waiting->last, "%s", number != NULL ? number + 9 : "");
    } else if (event->kind == FTR_EVENT_HUB_DROPPED) {
        waiting->dropped += event->dropped;
    }
}

/* Publishes so many events of this size, as fast as they are acknowledged. */
static void flood(ftr_session session, int count, size_t size)
{
    struct heard publishing = {0};
    ftr_hub_publish_options publish = FTR_HUB_PUBLISH_OPTIONS_INIT;
    char *data = malloc(size + 64);
    /* Large ones are few on their way: this process has them too. */
    const int at_once = size > 10000 ? 8 : 64;
    int i;

    publish.callback = publisher;
    publish.user_data = &publishing;
    for (i = 0; i < count; i++) {
        const int head = snprintf(data, size + 64, "{\"text\": \"");

        memset(data + head, 'x', size);
        snprintf(data + head + size, 64 - (size_t)head, "\", \"number\": %d}", i);
        RETURNS(FTR_OK, ftr_hub_publish(session, "studio.flood", data, &publish));
        while (i + 1 - publishing.ends >= at_once)
            CHECK(ftr_session_poll_events(session, LONG) >= 0);
    }
    while (publishing.ends < count)
        CHECK(ftr_session_poll_events(session, LONG) >= 0);
    CHECK(publishing.code == FTR_OK);
    free(data);
}

/* A host that does not poll while much arrives: memory is bounded, what is dropped is counted, nothing else is lost. */
static void not_polled(void)
{
    struct waiting waiting = {0};
    const ftr_session deaf = connected(count_waiting, &waiting), loud = connected(NULL, NULL);
    ftr_subscription subscription = 0;
    ftr_hub_info info = FTR_HUB_INFO_INIT;
    const int small = 6000, large = 700;
    long before;

    RETURNS(FTR_OK, ftr_hub_subscribe(deaf, "topic=studio.flood", NULL, &subscription));
    RETURNS(FTR_OK, ftr_hub_publish(deaf, "studio.settle", NULL, NULL));
    /* The server does what it is told in order: its acknowledgement comes after that of the subscription. */
    do
        RETURNS(FTR_OK, ftr_hub_status(deaf, &info));
    while (info.published > 0);
    before = peak_kib();
    flood(loud, small, 1 << 10);
    flood(loud, large, 100 << 10);
    /* 6 MiB, and then 68 MiB; 32 may wait. What is on its way in the library comes on top. */
    CHECK(before > 0 && peak_kib() - before < 60 * 1024);

    flood(loud, 1, 1);
    while (waiting.heard + waiting.dropped < (uint64_t)(small + large + 1))
        CHECK(ftr_session_poll_events(deaf, LONG) >= 0);
    CHECK(waiting.heard + waiting.dropped == (uint64_t)(small + large + 1) && waiting.dropped > (uint64_t)small);
    CHECK(strcmp(waiting.last, "0}") == 0);
    RETURNS(FTR_OK, ftr_hub_status(deaf, &info));
    CHECK(info.status == FTR_HUB_CONNECTED && info.connections == 1);
    RETURNS(FTR_OK, ftr_session_free(deaf));
    RETURNS(FTR_OK, ftr_session_free(loud));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"question_and_answer", question_and_answer},
        {"pulled", pulled},
        {"local_events", local_events},
        {"ended_in_its_callback", ended_in_its_callback},
        {"not_polled", not_polled},
        {"announced", announced},
        {"many_sessions", many_sessions},
    };

    return RUN(cases, argc, argv);
}
