"""The library's event hub through its C interface, as far as the tests of the hub need it: sessions, and events as JSON."""

import ctypes
import json
import os
import time

from ctypes import byref, c_char_p, c_int32, c_uint32, c_uint64, c_void_p

# Long enough that only a hang gets there.
PATIENCE = 60

# Of the header; tests compare by these names.
HUB_STATUS, HUB, HUB_REPLY, HUB_PUBLISHED, HUB_REFUSED, HUB_DROPPED = range(7, 13)
AUTO_CONNECT, LOCAL = 2, 1
EXPRESSION, TIMED_OUT, HUB_REFUSED_ERROR = -109, -207, -611


class SessionOptions(ctypes.Structure):
    """As large as in the first version of the header; the library takes what is missing for 0."""

    _fields_ = [
        ("struct_size", c_uint32), ("flags", c_uint32), ("server_url", c_char_p), ("api_key", c_char_p), ("api_user", c_char_p),
        ("timeout_ms", c_int32), ("connect_timeout_ms", c_int32), ("headers", c_char_p), ("cookies", c_char_p), ("proxy", c_char_p),
        ("ca_file", c_char_p), ("log_level", c_int32), ("reserved", c_uint32), ("user_data", c_void_p), ("on_progress", c_void_p),
        ("on_job", c_void_p), ("on_event", c_void_p), ("on_log", c_void_p),
    ]  # fmt: skip


class SubscribeOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("priority", c_int32), ("metadata", c_char_p), ("tag", c_uint64), ("callback", c_void_p),
        ("user_data", c_void_p),
    ]  # fmt: skip


class PublishOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("flags", c_uint32), ("target", c_char_p), ("in_reply_to", c_char_p), ("tag", c_uint64),
        ("reply_timeout_ms", c_int32), ("max_replies", c_uint32), ("callback", c_void_p), ("user_data", c_void_p),
    ]  # fmt: skip


class HubInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("status", c_int32), ("connections", c_uint64), ("subscriptions", c_uint64),
        ("waiting", c_uint64), ("dropped", c_uint64), ("published", c_uint64),
    ]  # fmt: skip


C = ctypes.CDLL(os.environ["FTREVIEW_LIBRARY"])
C.ftr_last_error_message.restype = c_char_p
for function, arguments in {
    "ftr_session_create": [c_void_p, c_void_p],
    "ftr_session_free": [c_uint64],
    "ftr_session_next_event": [c_uint64, c_int32, c_void_p],
    "ftr_event_json": [c_uint64, c_void_p],
    "ftr_event_free": [c_uint64],
    "ftr_hub_connect": [c_uint64],
    "ftr_hub_disconnect": [c_uint64],
    "ftr_hub_wait_connected": [c_uint64, c_int32],
    "ftr_hub_status": [c_uint64, c_void_p],
    "ftr_hub_subscribe": [c_uint64, c_char_p, c_void_p, c_void_p],
    "ftr_hub_unsubscribe": [c_uint64],
    "ftr_hub_publish": [c_uint64, c_char_p, c_char_p, c_void_p],
    "ftr_hub_reply": [c_uint64, c_char_p, c_char_p, c_char_p],
    "ftr_hub_stop": [c_uint64, c_char_p],
}.items():
    getattr(C, function).argtypes = arguments


class Refused(Exception):
    """A call of the library returned an error."""

    def __init__(self, code):
        super().__init__(C.ftr_last_error_message().decode())
        self.code = code


def done(code):
    if code < 0:
        raise Refused(code)
    return code


def made(options):
    options.struct_size = ctypes.sizeof(options)
    return options


def text(value):
    return None if value is None else value.encode()


def as_json(value):
    return None if value is None else json.dumps(value, ensure_ascii=False).encode()


class Library:
    """A session of the library. Server, user and key come from the environment."""

    def __init__(self, test=None, connect=True):
        session = c_uint64()
        options = made(SessionOptions(flags=AUTO_CONNECT if connect else 0))
        done(C.ftr_session_create(byref(options), byref(session)))
        self.session = session.value
        self.kept = []
        if test:
            test.addCleanup(self.close)
        if connect:
            done(C.ftr_hub_wait_connected(self.session, PATIENCE * 1000))

    def close(self):
        C.ftr_session_free(self.session)

    def subscribe(self, expression, metadata=None, priority=100):
        """The handle of a new subscription, as events name it."""
        handle = c_uint64()
        options = made(SubscribeOptions(priority=priority, metadata=as_json(metadata)))
        done(C.ftr_hub_subscribe(self.session, text(expression), byref(options), byref(handle)))
        return str(handle.value)

    def listen(self, expression, **more):
        """The same, and the server knows of it."""
        subscription = self.subscribe(expression, **more)
        self.settle()
        return subscription

    def unsubscribe(self, subscription):
        done(C.ftr_hub_unsubscribe(int(subscription)))

    def send(self, topic, data=None, target=None, local=False, tag=0, reply_timeout_ms=0, max_replies=0):
        """Publishes; the end is an event with this tag."""
        options = PublishOptions(flags=LOCAL if local else 0, target=text(target), tag=tag)
        options.reply_timeout_ms, options.max_replies = reply_timeout_ms, max_replies
        done(C.ftr_hub_publish(self.session, text(topic), as_json(data), byref(made(options))))

    def publish(self, topic, data=None, **more):
        """Publishes and waits for the end: nothing, or the code of the error."""
        self.send(topic, data, tag=1, **more)
        return self.ended(1)

    def ended(self, tag):
        event = self.next(lambda event: event["kind"] == HUB_PUBLISHED and event["tag"] == str(tag))
        return event["error"] and event["error"]["code"]

    def settle(self):
        """Everything sent before has been done by the server: it acknowledges in order."""
        self.send("ftreview.settle", tag=2)
        if error := self.ended(2):
            raise AssertionError(error)

    def heard(self, subscription):
        """The next event of the subscription."""
        return self.next(lambda event: event["kind"] == HUB and event["subscription"] == subscription)["hub"]

    def has_heard(self, subscription):
        """Whether there is one already."""
        while event := self.take(0):
            self.kept.append(event)
        return any(event["kind"] == HUB and event["subscription"] == subscription for event in self.kept)

    def reply_to(self, tag):
        return self.next(lambda event: event["kind"] == HUB_REPLY and event["tag"] == str(tag))["hub"]

    def reply(self, event, data):
        done(C.ftr_hub_reply(self.session, text(event["id"]), text(event["source_id"]), as_json(data)))

    def stop(self, event):
        done(C.ftr_hub_stop(self.session, text(event["id"])))

    def reconnect(self):
        """Ends the connection and makes another."""
        done(C.ftr_hub_disconnect(self.session))
        done(C.ftr_hub_connect(self.session))
        done(C.ftr_hub_wait_connected(self.session, PATIENCE * 1000))
        self.settle()

    def status(self):
        info = made(HubInfo())
        done(C.ftr_hub_status(self.session, byref(info)))
        return info

    def next(self, wanted):
        """The next event that is wanted; others are kept for later."""
        for number, event in enumerate(self.kept):
            if wanted(event):
                return self.kept.pop(number)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            event = self.take(1000)
            if event and wanted(event):
                return event
            if event:
                self.kept.append(event)
        raise AssertionError(f"what was waited for did not come, but {self.kept}")

    def take(self, timeout_ms):
        """The next event whatever it is, or nothing."""
        handle, words = c_uint64(), c_char_p()
        if done(C.ftr_session_next_event(self.session, timeout_ms, byref(handle))) == 0:
            return None
        done(C.ftr_event_json(handle, byref(words)))
        event = json.loads(words.value)
        C.ftr_event_free(handle)
        return event
