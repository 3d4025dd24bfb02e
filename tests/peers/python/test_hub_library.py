"""The library on the event hub, through its C interface, with the official clients and with itself in another process."""

import json
import os
import queue
import random
import unittest
import uuid

import ftrack_api
from ftrack_api.event.base import Event

from hub_clients import PATIENCE, Client, JavaScript, OtherLibrary
from library import HUB_REFUSED_ERROR, TIMED_OUT, Library

WORDS = "Ä: ö: ß – 日本 \U0001F3AC \u0007 \"quoted\" back\\slash\n\ttab"
EVERYTHING = {
    "words": WORDS,
    "Schlüssel \U0001F511": {"": [None, True, False, {}, []]},
    "numbers": [0, -1, 2.5, 1e-7, 1.5e300, 23.976023976023978, 9007199254740993, 9223372036854775807, -9223372036854775808],
    "timecode": "10:30:00:12",
    "deep": [[[[[[[[{"end": "here"}]]]]]]]],
}


class WithPython(unittest.TestCase):
    def setUp(self):
        self.library, self.python = Library(self), Client(self)

    def test_what_one_publishes_the_other_hears_whole(self):
        heard = self.library.listen('topic=test.whole.* and data.side="python"')
        events = self.python.listen('topic=test.whole.* and data.side="library"')
        self.python.publish("test.whole.a", {"side": "python", **EVERYTHING})
        event = self.library.heard(heard)
        self.assertEqual((event["topic"], event["data"]), ("test.whole.a", {"side": "python", **EVERYTHING}))
        self.assertEqual(event["source"]["user"]["username"], os.environ["FTRACK_API_USER"])
        self.assertEqual(event["source_id"], self.python.hub.id)
        self.assertIsNone(self.library.publish("test.whole.b", {"side": "library", **EVERYTHING}))
        event = events.get(timeout=PATIENCE)
        self.assertEqual((event["topic"], event["data"]), ("test.whole.b", {"side": "library", **EVERYTHING}))
        self.assertEqual(event["source"]["applicationId"], "ftreview")
        self.assertEqual(event["source"]["user"]["username"], os.environ["FTRACK_API_USER"])

    def test_numbers_arrive_to_the_last_digit(self):
        rng = random.Random(5)
        numbers = [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-30, 30) for _ in range(2000)]
        heard, events = self.library.listen("topic=test.numbers"), self.python.listen("topic=test.numbers")
        self.python.publish("test.numbers", {"numbers": numbers})
        self.assertEqual(events.get(timeout=PATIENCE)["data"]["numbers"], numbers, "the server changes them")
        self.assertEqual(self.library.heard(heard)["data"]["numbers"], numbers)
        self.library.publish("test.numbers", {"numbers": numbers})
        self.assertEqual(events.get(timeout=PATIENCE)["data"]["numbers"], numbers)

    def test_an_event_of_a_mebibyte_goes_both_ways(self):
        data = {"text": "ä:" * 350_000}
        self.assertGreater(len(json.dumps(data, ensure_ascii=False).encode()), 1 << 20)
        heard, events = self.library.listen("topic=test.large"), self.python.listen("topic=test.large")
        self.python.publish("test.large", data)
        self.assertEqual(self.library.heard(heard)["data"], data)
        self.assertEqual(events.get(timeout=PATIENCE)["data"], data)
        self.assertIsNone(self.library.publish("test.large", data))
        self.assertEqual(events.get(timeout=PATIENCE)["data"], data)

    def test_only_what_the_expression_says_is_heard(self):
        heard = self.library.listen('topic=test.choice and (data.kind="a" or not data.kind=*) and source.user.username!="nobody"')
        for number, kind in enumerate(["a", "b", None, "aa", "a"]):
            self.python.publish("test.choice", {"number": number, **({"kind": kind} if kind else {})})
        self.assertEqual([self.library.heard(heard)["data"]["number"] for _ in range(3)], [0, 2, 4])
        self.library.settle()
        self.assertFalse(self.library.has_heard(heard))

    def test_a_target_reaches_the_subscriber_it_names_and_no_other(self):
        nuke = self.library.listen("topic=test.target", metadata={"applicationId": "nuke", "user": {"name": "a b"}})
        maya = self.library.listen("topic=test.target", metadata={"applicationId": "maya"})
        houdini = self.python.listen("topic=test.target", metadata={"id": uuid.uuid4().hex, "applicationId": "houdini"})
        self.python.publish("test.target", {"number": 1}, target='applicationId=nu* and user.name="a b"')
        self.python.publish("test.target", {"number": 2}, target="applicationId=maya")
        self.python.publish("test.target", {"number": 3}, target="applicationId=nobody")
        self.library.publish("test.target", {"number": 4}, target="applicationId=houdini or applicationId=nuke")
        self.python.publish("test.target", {"number": 5})
        self.assertEqual([self.library.heard(nuke)["data"]["number"] for _ in range(3)], [1, 4, 5])
        self.assertEqual([self.library.heard(maya)["data"]["number"] for _ in range(2)], [2, 5])
        self.assertEqual([houdini.get(timeout=PATIENCE)["data"]["number"] for _ in range(2)], [4, 5])

    def test_python_asks_and_the_library_answers_with_any_value(self):
        heard, replies = self.library.listen("topic=test.question"), queue.Queue()
        for answer in [{"items": [1, "zwölf"]}, "text", 12.5, None, [], False]:
            self.python.hub.publish(Event("test.question", data={"what": "ever"}), on_reply=replies.put)
            question = self.library.heard(heard)
            self.library.reply(question, answer)
            reply = replies.get(timeout=PATIENCE)
            self.assertEqual((reply["topic"], reply["in_reply_to_event"]), ("ftrack.meta.reply", question["id"]))
            self.assertEqual(reply["data"], answer or {}, "this client shows an object for whatever is empty")

    def test_the_library_asks_and_hears_one_answer_or_several(self):
        others = [Client(self) for _ in range(3)]
        for number, other in enumerate([self.python, *others]):
            other.listen("topic=test.several", answer={"from": number})
        self.library.send("test.several", tag=10, reply_timeout_ms=PATIENCE * 1000, max_replies=1)
        self.assertIn(self.library.reply_to(10)["data"]["from"], range(4))
        self.assertIsNone(self.library.ended(10))
        self.library.send("test.several", tag=11, reply_timeout_ms=PATIENCE * 1000, max_replies=4)
        self.assertEqual({self.library.reply_to(11)["data"]["from"] for _ in range(4)}, {0, 1, 2, 3})
        self.assertIsNone(self.library.ended(11))
        self.library.send("test.several", tag=12, reply_timeout_ms=5000)
        self.assertEqual({self.library.reply_to(12)["data"]["from"] for _ in range(4)}, {0, 1, 2, 3})
        self.assertIsNone(self.library.ended(12), "all that come in the time")

    def test_a_question_that_nobody_answers_ends_when_its_time_is_over(self):
        self.python.listen("topic=test.unanswered")
        self.library.send("test.unanswered", tag=20, reply_timeout_ms=200)
        self.assertEqual(self.library.ended(20), TIMED_OUT)
        self.assertEqual(self.library.status().published, 0)

    def test_events_from_others_are_told_by_priority_until_one_stops_them(self):
        late, early, usual = (self.library.listen("topic=test.priority", priority=priority) for priority in (300, -5, 100))
        for number in range(2):
            self.python.publish("test.priority", {"number": number})
        order = []
        while len(order) < 4:
            event = self.library.next(lambda event: event.get("subscription") in (late, early, usual))
            order.append((event["hub"]["data"]["number"], event["subscription"]))
            if order[-1] == (1, early):
                self.library.stop(event["hub"])
        self.library.settle()
        self.assertEqual(order, [(0, early), (0, usual), (0, late), (1, early)])
        self.assertFalse(any(self.library.has_heard(subscription) for subscription in (late, early, usual)))

    def test_an_ended_subscription_hears_no_more_and_the_server_knows(self):
        gone, staying = self.library.listen("topic=test.gone"), self.library.listen("topic=test.stays")
        self.python.publish("test.gone")
        self.library.heard(gone)
        self.library.unsubscribe(gone)
        self.library.settle()
        self.python.publish("test.gone")
        self.python.publish("test.stays")
        self.library.heard(staying)
        self.assertFalse(self.library.has_heard(gone))

    def test_what_the_server_refuses_is_told_to_who_asked(self):
        before = self.library.status().published
        self.assertEqual(self.library.publish("ftrack.meta.subscribe", {"subscriber": {}, "subscription": "topic=a"}), HUB_REFUSED_ERROR)
        self.assertEqual(self.library.status().published, before)

    def test_the_librarys_subscriptions_are_back_after_a_connection_made_anew(self):
        heard = self.library.listen("topic=test.again and data.n=*")
        self.library.reconnect()
        self.python.publish("test.again", {"n": "one"})
        self.assertEqual(self.library.heard(heard)["data"], {"n": "one"})

    def test_the_library_hears_of_pythons_commits_and_whose_they_are(self):
        heard = self.library.listen(f"topic=ftrack.update and source.user.username={os.environ['FTRACK_API_USER']}")
        task = self.python.session.query('Task where name is "compositing" and project.name is "demo"').first()
        task.create_note("Schön \U0001F3AC", self.python.session.query(f'User where username is "{os.environ["FTRACK_API_USER"]}"').one())
        self.python.session.commit()
        notes = []
        while not notes:
            notes = [entity for entity in self.library.heard(heard)["data"]["entities"] if entity["entityType"] == "note"]
        self.assertEqual((notes[0]["changes"]["text"]["new"], notes[0]["parentId"]), ("Schön \U0001F3AC", task["id"]))


class WithJavaScript(unittest.TestCase):
    def setUp(self):
        self.library, self.javascript = Library(self), JavaScript(self)

    def test_what_one_publishes_the_other_hears_whole(self):
        # The numbers that JavaScript has.
        data = {**EVERYTHING, "numbers": [0, -1, 2.5, 1e-7, 1.5e300, 23.976023976023978, 9007199254740991]}
        heard = self.library.listen("topic=test.whole.* and source.applicationId=ftrack.api.javascript")
        self.javascript.listen("topic=test.whole.*")
        self.assertIsNone(self.library.publish("test.whole.c", data))
        event = self.javascript.next("event")
        self.assertEqual((event["topic"], event["data"]), ("test.whole.c", data))
        self.javascript.tell(publish="test.whole.d", data=data)
        event = self.library.heard(heard)
        self.assertEqual((event["topic"], event["data"]), ("test.whole.d", data))

    def test_an_event_of_a_mebibyte_goes_both_ways(self):
        data = {"text": "ä:" * 350_000}
        heard = self.library.listen("topic=test.large")
        self.javascript.tell(publish="test.large", data=data)
        self.assertEqual(self.library.heard(heard)["data"], data)
        self.javascript.listen("topic=test.large")
        self.library.publish("test.large", data)
        self.assertEqual(self.javascript.next("event")["data"], data)

    def test_each_answers_the_others_question(self):
        heard = self.library.listen("topic=test.ask.library")
        self.javascript.listen("topic=test.ask.javascript", answer={"from": "javascript ö"})
        self.library.send("test.ask.javascript", {}, tag=5, reply_timeout_ms=PATIENCE * 1000, max_replies=1)
        self.assertEqual(self.library.reply_to(5)["data"], {"from": "javascript ö"})
        self.assertIsNone(self.library.ended(5))
        self.javascript.tell(ask="test.ask.library", data={"number": 1})
        question = self.library.heard(heard)
        self.assertEqual(question["data"], {"number": 1})
        self.library.reply(question, {"from": "library ö"})
        self.assertEqual(self.javascript.next("reply")["data"], {"from": "library ö"})

    def test_targets_of_each_are_kept_by_the_other(self):
        nuke = self.library.listen("topic=test.meant", metadata={"applicationId": "nuke"})
        self.javascript.listen("topic=test.meant", metadata={"id": uuid.uuid4().hex, "applicationId": "web"})
        for number, target in enumerate(["applicationId=web", "applicationId=nuke", "applicationId=maya", ""]):
            self.library.publish("test.meant", {"library": number}, target=target)
        for number, target in enumerate(["applicationId=web", "applicationId=nuke", "applicationId=maya", ""]):
            self.javascript.tell(publish="test.meant", data={"javascript": number}, target=target)
        expected = [{"library": 0}, {"library": 3}, {"javascript": 0}, {"javascript": 3}]
        self.assertEqual([self.javascript.next("event")["data"] for _ in range(4)], expected)
        expected = [{"library": 1}, {"library": 3}, {"javascript": 1}, {"javascript": 3}]
        self.assertEqual([self.library.heard(nuke)["data"] for _ in range(4)], expected)


class WithItself(unittest.TestCase):
    def test_two_processes_hear_each_other_and_answer(self):
        here, there = Library(self), OtherLibrary(self)
        heard = here.listen("topic=test.two.here and data.side=*")
        there.listen("topic=test.two.there", answer={"answered": WORDS}, metadata={"applicationId": "there"})
        here.send("test.two.there", EVERYTHING, tag=6, target="applicationId=there", reply_timeout_ms=PATIENCE * 1000, max_replies=1)
        self.assertEqual(there.next("event")["data"], EVERYTHING)
        self.assertEqual(here.reply_to(6)["data"], {"answered": WORDS})
        self.assertIsNone(here.ended(6))
        there.tell(ask="test.two.here", data={"side": "there"})
        question = here.heard(heard)
        here.reply(question, {"fine": True})
        self.assertEqual(there.next("reply")["data"], {"fine": True})
        there.tell(publish="test.two.here", data={"side": "again"})
        self.assertIsNone(there.next("published"))
        self.assertEqual(here.heard(heard)["data"], {"side": "again"})

    def test_a_process_that_is_killed_disturbs_no_other(self):
        here, there, third = Library(self), OtherLibrary(self), Client(self)
        heard = here.listen("topic=test.killed")
        there.listen("topic=test.killed", answer={"never": True})
        there.process.kill()
        there.process.wait(PATIENCE)
        third.publish("test.killed", {"number": 1})
        self.assertEqual(here.heard(heard)["data"], {"number": 1})


if __name__ == "__main__":
    unittest.main()
