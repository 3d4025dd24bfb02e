/*
 * The library's event hub, timed as a host uses it. hub_client.py is the same with the official Python client.
 *
 *     hub acknowledge COUNT              publishes one event after the other, each when the one before is acknowledged
 *     hub ask COUNT                      the same with a reply to each; needs another that answers
 *     hub answer                         answers until it is ended
 *     hub receive SUBSCRIPTIONS COUNT    hears so many events, each by one of its subscriptions
 *     hub flood SUBSCRIPTIONS COUNT      publishes them, 512 at once
 *
 * Prints "ready" when others may begin, and then one line of JSON: microseconds of each round trip, or seconds and processor seconds
 * from the first event to the last. The server, user and key come from the environment.
 */
#include <ftreview.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define FOREVER (-1)
#define AT_ONCE 512

static ftr_session session;
/* What was heard, and how many published events have ended. */
static long heard, ended;
static double began, began_cpu;

static void must(int32_t code)
{
    if (code >= 0)
        return;
    fprintf(stderr, "%s\n", ftr_last_error_message());
    exit(1);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double processor_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void on_event(void *nothing, const ftr_event_info *event)
{
    (void)nothing;
    switch (event->kind) {
    case FTR_EVENT_HUB:
        if (heard++ == 0) {
            began = seconds();
            began_cpu = processor_seconds();
        }
        break;
    case FTR_EVENT_HUB_PUBLISHED:
        if (event->error != NULL) {
            fprintf(stderr, "%s\n", event->error->message);
            exit(1);
        }
        ended++;
        break;
    case FTR_EVENT_HUB_DROPPED:
        fprintf(stderr, "%llu events were dropped\n", (unsigned long long)event->dropped);
        exit(1);
    default:
        break;
    }
}

static void answer(void *nothing, const ftr_event_info *event)
{
    (void)nothing;
    if (event->kind == FTR_EVENT_HUB)
        must(ftr_hub_reply(session, event->hub->id, event->hub->source_id, "{\"fine\": true}"));
}

/* Publishes one and waits for its end. */
static void publish(const char *topic, const ftr_hub_publish_options *options)
{
    const long before = ended;

    must(ftr_hub_publish(session, topic, "{\"shot\": \"sh010\", \"frame\": 1001}", options));
    while (ended == before)
        must(ftr_session_poll_events(session, FOREVER));
}

static void ready(void)
{
    /* Everything before it has been done by the server when this is acknowledged. */
    publish("bench.settle", NULL);
    puts("ready");
    fflush(stdout);
}

static void round_trips(const char *topic, long count, int32_t reply_timeout_ms)
{
    ftr_hub_publish_options options = FTR_HUB_PUBLISH_OPTIONS_INIT;
    long i;

    options.reply_timeout_ms = reply_timeout_ms;
    options.max_replies = 1;
    ready();
    printf("[");
    for (i = 0; i < count; i++) {
        const double start = seconds();

        publish(topic, &options);
        printf("%s%.1f", i > 0 ? ", " : "", (seconds() - start) * 1e6);
    }
    printf("]\n");
}

static void answers(void)
{
    ftr_hub_subscribe_options options = FTR_HUB_SUBSCRIBE_OPTIONS_INIT;
    ftr_subscription subscription;

    options.callback = answer;
    must(ftr_hub_subscribe(session, "topic=bench.question", &options, &subscription));
    ready();
    for (;;)
        must(ftr_session_poll_events(session, FOREVER));
}

static void receive(int subscriptions, long count)
{
    int slot;

    for (slot = 0; slot < subscriptions; slot++) {
        char expression[64];
        ftr_subscription subscription;

        snprintf(expression, sizeof expression, "topic=bench.flood and data.slot=s%d", slot);
        must(ftr_hub_subscribe(session, expression, NULL, &subscription));
    }
    ready();
    while (heard < count)
        must(ftr_session_poll_events(session, FOREVER));
    printf("{\"seconds\": %.6f, \"cpu\": %.6f}\n", seconds() - began, processor_seconds() - began_cpu);
}

static void flood(int subscriptions, long count)
{
    long i;

    ready();
    ended = 0;
    for (i = 0; i < count; i++) {
        char data[128];

        snprintf(data, sizeof data, "{\"slot\": \"s%ld\", \"number\": %ld, \"shot\": \"sh010\"}", i % subscriptions, i);
        must(ftr_hub_publish(session, "bench.flood", data, NULL));
        while (i + 1 - ended >= AT_ONCE)
            must(ftr_session_poll_events(session, FOREVER));
    }
    while (ended < count)
        must(ftr_session_poll_events(session, FOREVER));
    puts("{}");
}

int main(int argc, char **argv)
{
    ftr_session_options options = FTR_SESSION_OPTIONS_INIT;
    const char *what = argc > 1 ? argv[1] : "";
    const long first = argc > 2 ? atol(argv[2]) : 1, second = argc > 3 ? atol(argv[3]) : 1;

    options.flags = FTR_SESSION_AUTO_CONNECT_EVENT_HUB;
    options.on_event = on_event;
    must(ftr_session_create(&options, &session));
    must(ftr_hub_wait_connected(session, 30000));
    if (strcmp(what, "acknowledge") == 0)
        round_trips("bench.acknowledge", first, 0);
    else if (strcmp(what, "ask") == 0)
        round_trips("bench.question", first, 30000);
    else if (strcmp(what, "answer") == 0)
        answers();
    else if (strcmp(what, "receive") == 0)
        receive((int)first, second);
    else if (strcmp(what, "flood") == 0)
        flood((int)first, second);
    must(ftr_session_free(session));
    return 0;
}
