// A network between browser and server that can fail: it passes bytes on, until it is told not to.

import { connect, createServer } from "node:net";

export class Network {
  #target;
  #state = "whole";
  #sockets = new Set();
  #server = createServer((client) => this.#pass(client));

  constructor(url) {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
  }

  async start() {
    await new Promise((listening) => this.#server.listen(0, "127.0.0.1", listening));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Ends every connection, and those that are tried. */
  cut() {
    this.#state = "cut";
    this.#end();
  }

  /** Keeps every connection open and passes nothing on. */
  stall() {
    this.#state = "stalled";
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections work again; old ones end. */
  mend() {
    this.#state = "whole";
    this.#end();
  }

  close() {
    this.#server.close();
    this.#end();
  }

  #pass(client) {
    if (this.#state === "cut") {
      client.destroy();
      return;
    }
    const server = connect(this.#target);
    for (const [from, to] of [[client, server], [server, client]]) {
      this.#sockets.add(from);
      from.on("data", (data) => to.write(data));
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => this.#sockets.delete(from));
    }
    if (this.#state === "stalled") [client, server].forEach((socket) => socket.pause());
  }

  #end() {
    for (const socket of this.#sockets) socket.destroy();
  }
}
