/**
 * Closes two gaps in how the NATS client uses sockets.
 *
 * The client removes all listeners of a socket between the steps of a connection and before it closes the socket. On
 * Deno, an error that arrives in such a moment, of a reset connection for example, ends the program.
 *
 * With TLS, nothing listens to the socket between the handshake and the client's own handlers. In that moment a TLS 1.3
 * server reports that the client's certificate is missing or not trusted. On Deno that error ended the program; on
 * other runtimes the client waited for its whole timeout.
 *
 * This extends a class that is no public API of the client. Check it with each new version; only patches are taken.
 *
 * @module
 */

import type { Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import {
  type NatsConnection,
  NatsConnectionImpl,
  type NodeConnectionOptions,
  setTransportFactory,
} from "@nats-io/transport-node";
import { nodeResolveHost, NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

/**
 * How long to wait for a refusal after the handshake, in addition to the time that the handshake took: milliseconds.
 */
const REFUSAL = 20;

/** Connects as the client's `connect()` does, but rejects at once if the server refuses the client's certificate. */
export function connectGuarded(options: NodeConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new GuardedTransport(), dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options);
}

class GuardedTransport extends NodeTransport {
  #host = "";

  override connect(
    place: { hostname: string; port: number; tlsName: string },
    options: NodeConnectionOptions,
  ): Promise<void> {
    this.#host = place.hostname;
    return super.connect(place, options);
  }

  override async dial(place: { hostname: string; port: number }): Promise<Socket> {
    return guarded(await super.dial(place));
  }

  override async tlsFirst(place: { hostname: string; port: number }): Promise<TLSSocket> {
    return guarded(await super.tlsFirst(place));
  }

  override async startTLS(): Promise<TLSSocket> {
    const { tls } = this.options;
    const certificates = typeof tls === "object" && tls !== null ? await this.loadClientCerts() : undefined;
    // If the address is an IP address, Deno checks the certificate against "localhost" unless `host` is given.
    const options = { servername: this.tlsName, host: this.#host, rejectUnauthorized: true, ...tls, ...certificates };
    const began = performance.now();
    const secure = connect({ ...options, socket: this.socket } as ConnectionOptions);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        // This listener stays: a TLS alert may arrive at any time.
        secure.on("error", reject);
        // Bun may not report the reason: https://github.com/oven-sh/bun/pull/41272
        secure.once("close", () => {
          reject(new Error("the server has ended the connection: it may ask for a certificate that it trusts"));
        });
        // A server checks the client's certificate after the client has finished the handshake. If the client wrote at
        // once, and the server had refused it by then, the result would be a connection error without a reason.
        secure.once("secureConnect", () => timer = setTimeout(resolve, performance.now() - began + REFUSAL));
      });
      return guarded(secure);
    } catch (error) {
      secure.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

// Keeps a listener for errors on the socket at all times. The client still learns that the connection has ended.
function guarded<S extends Socket>(socket: S): S {
  const removeAll = socket.removeAllListeners;
  const ignore = (): void => {};
  socket.removeAllListeners = (...names: Parameters<typeof removeAll>) => {
    removeAll.apply(socket, names);
    return socket.on("error", ignore);
  };
  return socket.on("error", ignore);
}
