/**
 * A network between a server and its clients that tests slow down and cut: connections to a port of its own go on to the server's.
 * What is cut is not lost, as TCP sends it again: it comes when the network is there again, or the connection ends.
 */

import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** What goes in one direction. */
export class Way {
  /** Milliseconds that it takes. */
  delay = 0;
  /** Nothing arrives. */
  isCut = false;
  /** So many bytes arrive, and then the connection ends. */
  breakAfter = Infinity;
  /** How many have arrived. */
  bytes = 0;
}

/** One direction of a connection. */
class Stream {
  readonly #way: Way;
  readonly #to: Socket;
  readonly #end: () => void;
  readonly #waiting: { chunk: Uint8Array; due: number }[] = [];

  constructor(from: Socket, to: Socket, way: Way, end: () => void) {
    this.#way = way;
    this.#to = to;
    this.#end = end;
    from.on("data", (chunk: Uint8Array) => {
      this.#waiting.push({ chunk, due: performance.now() + way.delay });
      if (way.delay === 0) this.pass();
      else setTimeout(() => this.pass(), way.delay);
    });
  }

  pass(): void {
    const way = this.#way;
    while (!way.isCut && this.#waiting.length > 0 && this.#waiting[0]!.due <= performance.now() + 1) {
      const { chunk } = this.#waiting.shift()!;
      const part = chunk.subarray(0, way.breakAfter);
      way.bytes += part.length;
      if (!this.#to.destroyed) this.#to.write(part);
      if (chunk.length < way.breakAfter) {
        way.breakAfter -= chunk.length;
        continue;
      }
      way.breakAfter = Infinity;
      // What has arrived by then does arrive.
      this.#to.end(this.#end);
      return;
    }
  }
}

/** A network with one server. */
export class Proxy implements AsyncDisposable {
  readonly toServer: Way = new Way();
  readonly toClient: Way = new Way();
  /** How many connections were made. */
  connections = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #open: Set<{ end: () => void; streams: Stream[] }> = new Set();

  private constructor(server: Server, url: string) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    const target = new URL(url.replace("nats:", "http:"));
    this.url = url.replace(target.host, `127.0.0.1:${port}`);
    server.on("connection", (client) => this.#connect(client, Number(target.port)));
  }

  /** @param url Where the server is. */
  static async start(url: string): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Proxy(server, url);
  }

  #connect(client: Socket, port: number): void {
    this.connections++;
    const server = createConnection(port, "127.0.0.1");
    const end = (): void => {
      this.#open.delete(connection);
      client.destroy();
      server.destroy();
    };
    const streams = [
      new Stream(client, server, this.toServer, end),
      new Stream(server, client, this.toClient, end),
    ];
    const connection = { end, streams };
    this.#open.add(connection);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
  }

  /** What was cut is there again. */
  heal(): void {
    this.toServer.isCut = this.toClient.isCut = false;
    for (const { streams } of this.#open) for (const stream of streams) stream.pass();
  }

  /** Ends all connections. */
  reset(): void {
    for (const { end } of [...this.#open]) end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.reset();
    await closed;
  }
}
