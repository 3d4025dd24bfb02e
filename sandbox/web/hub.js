// The event hub, spoken as any client speaks it: Socket.IO 0.9 over a WebSocket. The session cookie says who asks.

// The time between attempts to connect doubles from the first to the second of these.
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10000;

// For servers that do not say how long their silence means anything.
const USUAL_SILENCE_MS = 15000;

/**
 * Listens to `subscription` for as long as the page is open, and connects again whenever the connection is lost.
 * `onConnected` is called each time the server has accepted the subscription: events before it were missed. `onLost`
 * is called when a connection is lost or not made, `onRefused` when the server wants a session first; `wake()` tries again
 * at once.
 */
export function listen(subscription, { onConnected, onEvent, onLost, onRefused }) {
  let socket = null;
  let attempts = 0;
  let timer = null;
  let silence = null;
  let silenceMs = USUAL_SILENCE_MS;

  async function connect() {
    clearTimeout(timer);
    timer = null;
    if (socket) return;
    const mine = {};
    socket = mine;
    try {
      const session = await shakeHands();
      if (session === null) {
        socket = null;
        onRefused();
        return;
      }
      silenceMs = session.silenceMs || USUAL_SILENCE_MS;
      mine.socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/socket.io/1/websocket/${session.id}`);
    } catch {
      lost(mine);
      return;
    }
    mine.socket.addEventListener("message", ({ data }) => receive(mine, data));
    mine.socket.addEventListener("close", () => lost(mine));
    notSilent(mine);
  }

  function receive(mine, packet) {
    if (mine !== socket) return;
    notSilent(mine);
    const [, type, id, data] = /^(\d):([^:]*):[^:]*:?(.*)$/s.exec(packet) ?? [];
    if (type === "0" || type === "7") lost(mine);
    else if (type === "1") subscribe(mine);
    else if (type === "2") mine.socket.send("2::");
    else if (type === "5" && id === "") deliver(data);
    else if (type === "6") acknowledged(mine, data);
  }

  function subscribe(mine) {
    const subscriber = { id: randomId(), applicationId: "ftreview.sandbox.page" };
    const event = {
      topic: "ftrack.meta.subscribe", id: randomId(), data: { subscriber, subscription }, source: { id: subscriber.id },
      target: "", inReplyToEvent: null,
    };
    mine.socket.send(`5:1+::${JSON.stringify({ name: "ftrack.event", args: [event] })}`);
  }

  function acknowledged(mine, data) {
    const [result] = JSON.parse(data.replace(/^1\+?/, "") || "[]");
    if (result?.success === false) {
      console.error(`The event hub refused the subscription: ${result.message}`);
      lost(mine);
      return;
    }
    attempts = 0;
    onConnected();
  }

  function deliver(data) {
    const { name, args } = JSON.parse(data);
    if (name === "ftrack.event" && args?.length === 1) onEvent(args[0]);
  }

  /** A server that sends nothing any more, not even heartbeats, is gone. */
  function notSilent(mine) {
    clearTimeout(silence);
    silence = setTimeout(() => lost(mine), silenceMs);
  }

  function lost(mine) {
    if (mine !== socket) return;
    socket = null;
    clearTimeout(silence);
    mine.socket?.close();
    onLost();
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempts) * (0.5 + Math.random() / 2);
    attempts += 1;
    timer = setTimeout(connect, delay);
  }

  function wake() {
    attempts = 0;
    if (!socket) connect();
  }

  addEventListener("online", wake);
  connect();
  return { wake };
}

/** A session on the hub; null when the server wants a sign-in first. */
async function shakeHands() {
  const response = await fetch("/socket.io/1/", { credentials: "same-origin", cache: "no-store" });
  const text = await response.text();
  // A refusal comes with status 200, as an object.
  if (text.startsWith("{")) return null;
  const [id, heartbeat] = text.split(":");
  if (!response.ok || !id) throw new Error(`The event hub answered with status ${response.status}.`);
  return { id, silenceMs: Number(heartbeat) * 1000 };
}

function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
