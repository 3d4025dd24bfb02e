// The official JavaScript client on the event hub, told what to do by another program: one command a line on standard input, as
// JSON, and one line of JSON on standard output for everything that comes of it.
//
//   {"subscribe": "topic=...", "metadata": {...}, "answer": ...}   prints {"event": ...} for each event, and replies "answer"
//   {"publish": "topic", "data": {...}, "target": "..."}           prints {"published": id}
//   {"ask": "topic", "data": {...}}                                prints {"reply": ...}
//   {"comment": "...", "version": id}                              changes a version; prints {"changed": id}

import { createInterface } from "node:readline";
import { Event, Session } from "@ftrack/api";

const { FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY } = process.env;
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const session = new Session(FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY, { autoConnectEventHub: true });
await session.initializing;
const hub = session.eventHub;

/** This client is told of no acknowledgement. That it hears itself proves that what it sent before has been done. */
async function settled() {
  const topic = `ftreview.settled.${crypto.randomUUID()}`;
  await new Promise((heard) => {
    hub.subscribe(`topic=${topic}`, () => heard());
    hub.publish(new Event(topic, {}));
  });
}

const commands = {
  async subscribe({ subscribe, metadata, answer }) {
    hub.subscribe(subscribe, (event) => {
      print({ event });
      return answer;
    }, metadata);
    await settled();
    print({ subscribed: subscribe });
  },
  async publish({ publish, data, target = "" }) {
    print({ published: await hub.publish(new Event(publish, data, { target })) });
  },
  async ask({ ask, data }) {
    print({ reply: await hub.publishAndWaitForReply(new Event(ask, data)) });
  },
  async comment({ comment, version }) {
    await session.update("AssetVersion", [version], { comment });
    print({ changed: version });
  },
};

await settled();
print({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  await commands[Object.keys(command)[0]](command);
}
process.exit(0);
