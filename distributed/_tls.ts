/**
 * TLS for the client of NATS, which leaves a gap: between the handshake and its own handlers nothing listens to the socket, and TLS
 * 1.3 tells a client just then that its certificate is missing or not trusted. On Deno that error ends the program; elsewhere the
 * client waits for its whole timeout. Released versions of Bun may keep the reason for themselves
 * (https://github.com/oven-sh/bun/pull/41272), and only close.
 *
 * @module
 */

import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import {
  type NatsConnection,
  NatsConnectionImpl,
  type NodeConnectionOptions,
  setTransportFactory,
} from "@nats-io/transport-node";
import { nodeResolveHost, NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

/** How many connections are being made for the first time. */
let first = 0;

/** Connects as `connect()` of the client does, and rejects at once where the server refuses the client's certificate. */
export async function connectGuarded(options: NodeConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new GuardedTransport(), dnsResolveFn: nodeResolveHost });
  first++;
  try {
    return await NatsConnectionImpl.connect(options);
  } finally {
    first--;
  }
}

class GuardedTransport extends NodeTransport {
  readonly #isFirst = first > 0;
  #host = "";
  #isSecure = false;
  #hasHeard = false;

  override connect(
    place: { hostname: string; port: number; tlsName: string },
    options: NodeConnectionOptions,
  ): Promise<void> {
    this.#host = place.hostname;
    return super.connect(place, options);
  }

  override async startTLS(): Promise<TLSSocket> {
    const { tls } = this.options;
    const certificates = typeof tls === "object" && tls !== null ? await this.loadClientCerts() : undefined;
    // Where there is no name but an address, Deno would have the certificate be one of localhost if it was not told the address.
    const options = { servername: this.tlsName, host: this.#host, rejectUnauthorized: true, ...tls, ...certificates };
    const secure = connect({ ...options, socket: this.socket } as ConnectionOptions);
    let failure: Error | undefined;
    // It listens until the end: an alert comes when it comes. What follows from it is no reason.
    secure.on("error", (error) => failure ??= error);
    await new Promise<void>((resolve, reject) => {
      secure.once("secureConnect", resolve);
      secure.once("error", reject);
      secure.once("close", () => {
        reject(failure ?? new Error("the connection has ended within the handshake of TLS"));
        this.#refuse(failure);
      });
    });
    this.#isSecure = true;
    return secure;
  }

  override setupHandlers(): void {
    super.setupHandlers();
    if (this.#isSecure) this.socket.once("data", () => this.#hasHeard = true);
  }

  // The server has ended the connection before it said anything. The client takes this for an error of the server's, and gives the
  // attempt up at once. A connection that was there before is given up for good after two of these: so it takes an alert.
  #refuse(failure: Error | undefined): void {
    const isAlert = /ALERT/.test((failure as { code?: string } | undefined)?.code ?? "");
    if (!this.#isSecure || this.#hasHeard || !isAlert && !this.#isFirst) return;
    const reason = isAlert ? failure!.message : "the server has ended the connection after the handshake";
    const text = `TLS: ${reason.replace(/['\r\n]/g, " ")}: it may ask for a certificate that it trusts`;
    this.yields.push(new TextEncoder().encode(`-ERR 'Authorization Violation: ${text}'\r\n`));
    this.signal.resolve();
  }
}
