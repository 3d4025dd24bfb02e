"""The official clients on the event hub, as the tests use them."""

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

import ftrack_api
from ftrack_api.event.base import Event

HERE = pathlib.Path(__file__).parent
# Long enough that only a hang gets there.
PATIENCE = 60


class Client:
    """A session on the hub with a thread that handles events, since this client handles them only while it waits."""

    def __init__(self, test):
        self.session = ftrack_api.Session(auto_connect_event_hub=False)
        test.addCleanup(self.close)
        self.hub = self.session.event_hub
        self.hub.connect()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.handle)
        self.thread.start()

    def handle(self):
        while not self.stop.is_set():
            self.hub.wait(0.1)

    def close(self):
        self.stop.set()
        self.thread.join()
        self.session.close()

    def acknowledged(self, event):
        """Publishes and returns the server's acknowledgement, which this client's own interface only logs."""
        answers = queue.Queue()
        self.hub._publish(event, callback=answers.put)
        return answers.get(timeout=PATIENCE)

    def listen(self, subscription, answer=None, metadata=None):
        """A queue of the events that arrive from now on."""
        events = queue.Queue()

        def receive(event):
            events.put(event)
            return answer

        self.hub.subscribe(subscription, receive, subscriber=metadata)
        self.settle()
        return events

    def settle(self):
        """Everything sent before has been done by the server: it acknowledges in order."""
        answer = self.acknowledged(Event("ftreview.settle"))
        if answer != {"success": True}:
            raise AssertionError(answer)

    def publish(self, topic, data=None, target=""):
        answer = self.acknowledged(Event(topic, data=data or {}, target=target))
        if answer != {"success": True}:
            raise AssertionError(answer)

    def ask(self, topic, data):
        replies = queue.Queue()
        self.hub.publish(Event(topic, data=data), on_reply=replies.put)
        return replies.get(timeout=PATIENCE)


class Process:
    """A client in a process of its own, which is told what to do in lines of JSON."""

    def __init__(self, test, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.close)
        self.next("ready")

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def next(self, what):
        """The next line of this kind."""
        for line in self.process.stdout:
            said = json.loads(line)
            if what in said:
                return said[what]
        raise AssertionError(f"the other process ended without saying {what}")

    def listen(self, subscription, **more):
        self.tell(subscribe=subscription, **more)
        self.next("subscribed")

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class JavaScript(Process):
    """The official JavaScript client."""

    def __init__(self, test):
        super().__init__(test, os.environ.get("NODE", "node"), str(HERE.parent / "javascript" / "hub_peer.mjs"))


class OtherLibrary(Process):
    """The library, in a process that is not this one."""

    def __init__(self, test):
        super().__init__(test, sys.executable, str(HERE / "library_peer.py"))
