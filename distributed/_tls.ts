/**
 * What the client of NATS leaves open in its use of sockets.
 *
 * It takes all listeners off a socket when it is done with a step, and before it closes it. An error that comes then, of a connection
 * that was reset, ends the program on Deno. And its TLS leaves a gap: between the handshake and its own handlers nothing listens to the socket, and TLS
 * 1.3 tells a client just then that its certificate is missing or not trusted. On Deno that error ended the program; elsewhere the
 * client waited for its whole timeout.
 *
 * It extends a class that the client does not promise to keep: look at it with each new version, of which only patches are taken.
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

/** So long it is waited for a refusal after the handshake, beside the time that this took: milliseconds. */
const REFUSAL = 20;

/** Connects as `connect()` of the client does, and rejects at once where the server refuses the client's certificate. */
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
    // Where there is no name but an address, Deno would have the certificate be one of localhost if it was not told the address.
    const options = { servername: this.tlsName, host: this.#host, rejectUnauthorized: true, ...tls, ...certificates };
    const began = performance.now();
    const secure = connect({ ...options, socket: this.socket } as ConnectionOptions);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        // It listens until the end: an alert comes when it comes.
        secure.on("error", reject);
        // Bun may keep the reason for itself: https://github.com/oven-sh/bun/pull/41272
        secure.once("close", () => {
          reject(new Error("the server has ended the connection: it may ask for a certificate that it trusts"));
        });
        // A server looks at the client's certificate when the client is done with the handshake. Where this wrote to it at once, a
        // server that has refused it by then would make an error of the connection of that, without a reason.
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

// A socket that is never without a listener for errors: the client hears of its end in any case.
function guarded<S extends Socket>(socket: S): S {
  const removeAll = socket.removeAllListeners;
  const ignore = (): void => {};
  socket.removeAllListeners = (...names: Parameters<typeof removeAll>) => {
    removeAll.apply(socket, names);
    return socket.on("error", ignore);
  };
  return socket.on("error", ignore);
}
