"""The official Python client's event hub, timed as a program uses it: hub.c with another client. See there."""

import json
import resource
import sys
import threading
import time

import ftrack_api
from ftrack_api.event.base import Event

DATA = {"shot": "sh010", "frame": 1001}


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def acknowledged(hub, topic):
    """Publishes and waits for the server's answer, which the client tells on its own thread and only inside."""
    answered = threading.Event()
    hub._publish(Event(topic, data=DATA), callback=lambda answer: answered.set())
    answered.wait()


def replied(hub, topic):
    """Publishes and waits for a reply: it is told where the program waits for events."""
    replies = []
    hub.publish(Event(topic, data=DATA), on_reply=replies.append)
    while not replies:
        # Handles one event, and does not wait for another.
        hub.wait(0)


def ready(hub):
    acknowledged(hub, "bench.settle")
    print("ready", flush=True)


def round_trips(hub, one, topic, count):
    ready(hub)
    times = []
    for _ in range(count):
        start = time.perf_counter()
        one(hub, topic)
        times.append(round((time.perf_counter() - start) * 1e6, 1))
    print(json.dumps(times))


def answer(hub):
    hub.subscribe("topic=bench.question", lambda event: {"fine": True})
    ready(hub)
    hub.wait()


def receive(hub, subscriptions, count):
    began = []
    heard = 0

    def hear(event):
        nonlocal heard
        heard += 1
        if heard == 1:
            began.extend([time.perf_counter(), processor_seconds()])
        if heard == count:
            print(json.dumps({"seconds": time.perf_counter() - began[0], "cpu": processor_seconds() - began[1]}), flush=True)
            done.set()

    done = threading.Event()
    for slot in range(subscriptions):
        hub.subscribe(f"topic=bench.flood and data.slot=s{slot}", hear)
    ready(hub)
    while not done.is_set():
        hub.wait(0.5)


def main(what, *numbers):
    session = ftrack_api.Session(auto_connect_event_hub=False)
    hub = session.event_hub
    hub.connect()
    numbers = [int(number) for number in numbers]
    if what == "acknowledge":
        round_trips(hub, acknowledged, "bench.acknowledge", *numbers)
    elif what == "ask":
        round_trips(hub, replied, "bench.question", *numbers)
    elif what == "answer":
        answer(hub)
    elif what == "receive":
        receive(hub, *numbers)
    session.close()


main(*sys.argv[1:])
