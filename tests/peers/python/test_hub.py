"""The official Python client on the staging server's event hub, alone and with the official JavaScript client."""

import os
import queue
import random
import unittest
import uuid

import ftrack_api
import ftrack_api.exception
from ftrack_api.event.base import Event

from hub_clients import PATIENCE, Client, JavaScript

TASK = 'Task where name is "compositing" and parent.name is "sh010" and project.name is "demo"'


def new_version(session, name):
    task = session.query(TASK).one()
    asset_type = session.query('AssetType where name is "Upload"').one()
    asset = session.create("Asset", {"name": name, "type": asset_type, "parent": task["parent"]})
    version = session.create("AssetVersion", {"asset": asset, "task": task, "comment": "From Python"})
    session.commit()
    return version


def entities(events, fits):
    """The first entity of an update that fits."""
    while True:
        for entity in events.get(timeout=PATIENCE)["data"]["entities"]:
            if fits(entity):
                return entity


class PythonOnTheHub(unittest.TestCase):
    def test_a_wrong_key_is_refused(self):
        hub = ftrack_api.event.hub.EventHub(os.environ["FTRACK_SERVER"], os.environ["FTRACK_API_USER"], "not-a-key")
        with self.assertRaises(ftrack_api.exception.EventHubConnectionError):
            hub.connect()

    def test_events_arrive_whole_and_only_those_subscribed_to(self):
        listener, publisher = Client(self), Client(self)
        events = listener.listen('topic=test.choice and (data.kind="a" or not data.kind=*) and source.user.username!="nobody"')
        for number, kind in enumerate(["a", "b", None, "aa", "a"]):
            data = {"number": number, "text": "Ä: ö: 日本 \U0001F3AC"}
            publisher.publish("test.choice", {**data, "kind": kind} if kind else data)
        received = [events.get(timeout=PATIENCE) for _ in range(3)]
        self.assertEqual([event["data"]["number"] for event in received], [0, 2, 4])
        self.assertEqual(received[0]["data"]["text"], "Ä: ö: 日本 \U0001F3AC")
        self.assertEqual(received[0]["source"]["user"]["username"], os.environ["FTRACK_API_USER"])
        self.assertTrue(events.empty())

    def test_a_target_reaches_the_subscriber_it_names_and_no_other(self):
        nuke, maya, publisher = Client(self), Client(self), Client(self)
        meant = nuke.listen("topic=test.target", metadata={"id": uuid.uuid4().hex, "applicationId": "nuke", "user": {"name": "a b"}})
        other = maya.listen("topic=test.target", metadata={"id": uuid.uuid4().hex, "applicationId": "maya"})
        publisher.publish("test.target", {"number": 1}, target='applicationId=nu* and user.name="a b"')
        publisher.publish("test.target", {"number": 2})
        self.assertEqual([meant.get(timeout=PATIENCE)["data"]["number"] for _ in range(2)], [1, 2])
        self.assertEqual(other.get(timeout=PATIENCE)["data"]["number"], 2)

    def test_a_question_is_answered(self):
        asking, answering = Client(self), Client(self)
        answering.listen("topic=test.question", answer={"items": [1, "two"]})
        reply = asking.ask("test.question", {"what": "ever"})
        self.assertEqual((reply["topic"], reply["data"]), ("ftrack.meta.reply", {"items": [1, "two"]}))

    def test_a_refusal_is_in_the_acknowledgement(self):
        client = Client(self)
        subscriber = {"id": uuid.uuid4().hex}
        subscribe = lambda text: client.acknowledged(Event("ftrack.meta.subscribe", data={"subscriber": subscriber, "subscription": text}))
        self.assertIn("at character", subscribe("topic=a or")["message"])
        self.assertEqual(subscribe("topic=a"), {"success": True})
        self.assertIs(subscribe("topic=b")["success"], False)

    def test_an_unsubscribed_client_hears_no_more(self):
        client = Client(self)
        metadata = {"id": uuid.uuid4().hex}
        gone, staying = client.listen("topic=test.gone", metadata=metadata), client.listen("topic=test.*")
        client.hub.unsubscribe(metadata["id"])
        client.publish("test.gone")
        self.assertEqual(staying.get(timeout=PATIENCE)["topic"], "test.gone")
        self.assertTrue(gone.empty())

    def test_subscriptions_are_back_after_a_reconnect(self):
        client, publisher = Client(self), Client(self)
        events = client.listen("topic=test.again")
        client.hub.reconnect()
        client.settle()
        publisher.publish("test.again", {"number": 1})
        self.assertEqual(events.get(timeout=PATIENCE)["data"]["number"], 1)

    def test_commits_are_told(self):
        client = Client(self)
        events = client.listen("topic=ftrack.update")
        version = new_version(client.session, "python hub")
        added = entities(events, lambda entity: entity["entityId"] == version["id"])
        self.assertEqual((added["action"], added["entityType"]), ("add", "assetversion"))
        self.assertEqual([parent["entity_type"] for parent in added["parents"]], ["AssetVersion", "Asset", "Shot", "Sequence", "Project"])
        version.create_note("Looks good", version["user"])
        version["status"] = client.session.query('Status where name is "Approved"').one()
        client.session.commit()
        note = entities(events, lambda entity: entity["entityType"] == "note")
        self.assertEqual((note["changes"]["text"]["new"], note["parentId"]), ("Looks good", version["id"]))
        client.session.delete(version)
        client.session.commit()
        removed = entities(events, lambda entity: entity["entityId"] == version["id"] and entity["action"] == "remove")
        self.assertEqual(removed["changes"]["statusid"]["old"], version["status_id"])


class Expressions(unittest.TestCase):
    """Targets are matched against whatever a subscriber says of itself, so they show what the server takes expressions for."""

    WORDS = ["alpha", "beta.gamma", "x-1_y", "Alpha", "delta@epsilon"]
    KEYS = ["kind", "deep.kind", "deep.er.kind", "missing", "deep.missing", "deep"]
    # What a wildcard means is a defect of the official client: it looks for the text anywhere, not only at the start.
    # None of these is found anywhere but at the start.
    PREFIXES = ["alph", "beta.", "x-1", "Alp", "delta@", "zeta"]
    SUBJECTS = [
        {"kind": "alpha", "deep": {"kind": "beta.gamma", "er": {"kind": "x-1_y"}}},
        {"kind": "Alpha", "deep": {"kind": "alpha", "er": {"kind": "delta@epsilon"}}},
        {"kind": "x-1_y", "deep": {}},
        {"deep": {"er": {"kind": "alpha"}}},
    ]

    def condition(self, rng):
        operator = rng.choice(["=", "=", "=", "!=", ">=", "<=", ">", "<"])
        value = rng.choice(self.WORDS)
        if operator == "=" and rng.random() < 0.4:
            value = rng.choice(self.PREFIXES) + "*"
        quote = rng.choice(["", "", '"', "'"])
        space = rng.choice(["", " "])
        # An object is no text: comparing the two is an error on one side and false on the other.
        keys = self.KEYS if operator in ("=", "!=") and not value.endswith("*") else self.KEYS[:-1]
        return f"{rng.choice(keys)}{space}{operator}{space}{quote}{value}{quote}"

    def expression(self, rng, depth):
        kind = rng.random()
        if depth == 0 or kind < 0.3:
            return self.condition(rng)
        if kind < 0.45:
            return f"{rng.choice(['not ', 'NOT ', 'not'])}({self.expression(rng, depth - 1)})"
        if kind < 0.55:
            return f"not {self.condition(rng)}"
        if kind < 0.7:
            return f"({self.expression(rng, depth - 1)})"
        word = rng.choice([" and ", " or ", " AND ", " Or ", "  and "])
        return word.join(self.expression(rng, depth - 1) for _ in range(rng.choice([2, 2, 3])))

    def damaged(self, rng, text):
        """The expression with something taken out or put in, which it may survive."""
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(["", "(", ")", " and ", "=", "'", " ", "!"]) + text[at + rng.choice([0, 1]):]

    def test_the_server_reads_them_as_the_official_client_does(self):
        rng = random.Random(4)
        expressions = [self.expression(rng, 3) for _ in range(200)]
        expressions += [self.damaged(rng, rng.choice(expressions)) for _ in range(200)]
        clients = [Client(self) for _ in self.SUBJECTS]
        heard = []
        for client, subject in zip(clients, self.SUBJECTS):
            client.listen("topic=test.expression", metadata={"id": uuid.uuid4().hex, **subject})
            # The client itself would leave out what is not meant for it; here everything counts that the server sends.
            events = queue.Queue()
            client.hub._handle = events.put
            heard.append(events)
        publisher, parser = clients[0], ftrack_api.event.expression.Parser()
        taken, expected = [], [set() for _ in self.SUBJECTS]
        for number, text in enumerate(expressions):
            if not text.strip():
                continue
            answer = publisher.acknowledged(Event("test.expression", data={"number": number}, target=text))
            try:
                parsed = parser.parse(text)
            except ftrack_api.exception.ParseError:
                parsed = None
            self.assertEqual(answer["success"], parsed is not None, f"{text}: {answer}")
            if parsed is not None:
                taken.append(number)
                for numbers, subject in zip(expected, self.SUBJECTS):
                    if parsed.match(subject):
                        numbers.add(number)
        self.assertGreater(len(taken), 200)
        self.assertLess(len(taken), len(expressions) - 50, "nothing was damaged enough")
        for numbers in expected:
            self.assertTrue(20 < len(numbers) < len(taken) - 20, "too few expressions tell the subjects apart")
        publisher.publish("test.expression", {"number": None})
        for events, numbers in zip(heard, expected):
            received = set()
            while (number := events.get(timeout=PATIENCE)["data"]["number"]) is not None:
                received.add(number)
            self.assertEqual([expressions[number] for number in sorted(received ^ numbers)], [])


class PythonAndJavaScript(unittest.TestCase):
    def test_events_go_both_ways_with_everything_in_them(self):
        python, javascript = Client(self), JavaScript(self)
        events = python.listen('topic=test.both.* and data.side!="python"')
        javascript.listen("topic=test.both.*")
        data = {"side": "javascript", "text": "Ä: ö: 日本", "list": [1, 2.5, None, {"deep": True}]}
        javascript.tell(publish="test.both.a", data=data)
        event = events.get(timeout=PATIENCE)
        self.assertEqual((event["topic"], event["data"]), ("test.both.a", data))
        self.assertEqual(event["source"]["applicationId"], "ftrack.api.javascript")
        self.assertEqual(javascript.next("event")["data"], data, "its own event")
        python.publish("test.both.b", {"side": "python", "text": "Ä: ö: 日本"})
        self.assertEqual(javascript.next("event")["data"], {"side": "python", "text": "Ä: ö: 日本"})

    def test_each_answers_the_others_question(self):
        python, javascript = Client(self), JavaScript(self)
        javascript.listen("topic=test.ask.javascript", answer={"from": "javascript"})
        python.listen("topic=test.ask.python", answer={"from": "python"})
        self.assertEqual(python.ask("test.ask.javascript", {})["data"], {"from": "javascript"})
        javascript.tell(ask="test.ask.python", data={"number": 1})
        self.assertEqual(javascript.next("reply")["data"], {"from": "python"})

    def test_a_target_goes_past_a_client_that_does_not_look_at_targets(self):
        # The JavaScript client handles whatever arrives; that nothing else arrives is the server's doing.
        python, javascript = Client(self), JavaScript(self)
        javascript.listen("topic=test.meant", metadata={"id": uuid.uuid4().hex, "applicationId": "web"})
        python.publish("test.meant", {"number": 1}, target="applicationId=nuke")
        python.publish("test.meant", {"number": 2}, target="applicationId=web")
        self.assertEqual(javascript.next("event")["data"], {"number": 2})

    def test_each_hears_of_the_others_commits_and_knows_whose_they_are(self):
        python, javascript = Client(self), JavaScript(self)
        events = python.listen("topic=ftrack.update and data.clientToken=ftrack-javascript-api*")
        javascript.listen("topic=ftrack.update")
        version = new_version(python.session, "hub of both")
        told = javascript.next("event")
        self.assertIn(version["id"], [entity["entityId"] for entity in told["data"]["entities"]])
        javascript.tell(comment="From JavaScript", version=version["id"])
        changed = entities(events, lambda entity: entity["entityId"] == version["id"])
        self.assertEqual(changed["changes"], {"comment": {"old": "From Python", "new": "From JavaScript"}})


if __name__ == "__main__":
    unittest.main()
