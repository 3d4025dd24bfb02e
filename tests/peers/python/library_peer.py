"""The library in a process of its own, told what to do by another program as hub_peer.mjs is.

{"subscribe": "topic=...", "metadata": {...}, "answer": ...}   prints {"event": ...} for each event, and replies "answer"
{"publish": "topic", "data": {...}, "target": "..."}           prints {"published": error}
{"ask": "topic", "data": {...}}                                prints {"reply": ...} of the first reply
"""

import json
import queue
import sys
import threading

from library import HUB, HUB_PUBLISHED, HUB_REPLY, PATIENCE, Library


def show(**what):
    print(json.dumps(what), flush=True)


class Peer:
    def __init__(self):
        self.library = Library()
        self.answers = {}
        self.commands = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        show(ready=True)

    def read(self):
        for line in sys.stdin:
            self.commands.put(json.loads(line))
        self.commands.put(None)

    def run(self):
        while True:
            event = self.library.take(10)
            if event:
                self.tell(event)
            try:
                command = self.commands.get_nowait()
            except queue.Empty:
                continue
            if command is None:
                return self.library.close()
            self.do(command)

    def do(self, command):
        match command:
            case {"subscribe": expression}:
                subscription = self.library.subscribe(expression, metadata=command.get("metadata"))
                self.answers[subscription] = command.get("answer")
                self.library.settle()
                show(subscribed=expression)
            case {"publish": topic}:
                self.library.send(topic, command.get("data"), target=command.get("target"), tag=3)
            case {"ask": topic}:
                self.library.send(topic, command.get("data"), tag=4, reply_timeout_ms=PATIENCE * 1000, max_replies=1)

    def tell(self, event):
        match event:
            case {"kind": kind, "hub": hub, "subscription": subscription} if kind == HUB:
                show(event=hub)
                if (answer := self.answers.get(subscription)) is not None:
                    self.library.reply(hub, answer)
            case {"kind": kind, "hub": hub} if kind == HUB_REPLY:
                show(reply=hub)
            case {"kind": kind, "tag": "3"} if kind == HUB_PUBLISHED:
                show(published=event["error"])


Peer().run()
