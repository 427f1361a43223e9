/**
 * Connects to a NATS server.
 *
 * @module
 */

import { credsAuthenticator, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import type { Address } from "./_address.ts";
import { EngineError } from "./fleet_errors.ts";
import { connectGuarded } from "./_tls.ts";

/** The pause before another attempt to connect: milliseconds. */
export const AGAIN = 100;

/**
 * Connects, and reconnects until the connection is closed by this side.
 *
 * @throws {EngineError} If the server cannot be reached within `timeout` milliseconds, or refuses the program.
 */
export async function connectTo(address: Address, fleet: string, timeout: number): Promise<NatsConnection> {
  try {
    return await connectGuarded({
      servers: [...address.servers],
      name: `weft ${fleet}`,
      user: address.user,
      pass: address.pass,
      token: address.token,
      tls: address.tls,
      authenticator: authenticatorOf(address),
      timeout,
      maxReconnectAttempts: -1,
      reconnectTimeWait: AGAIN,
      reconnectJitter: AGAIN,
      // A frozen server is noticed by unanswered requests. This ping is only a second line.
      pingInterval: 20_000,
      // Without this, each request creates two errors with stacks, even if it is answered.
      noAsyncTraces: true,
    });
  } catch (error) {
    throw new EngineError(`Cannot connect to ${address.shown}: ${(error as Error).message}`, { cause: error });
  }
}

function authenticatorOf({ nkey, creds }: Address): ReturnType<typeof nkeyAuthenticator> | undefined {
  const encoder = new TextEncoder();
  if (creds !== undefined) return credsAuthenticator(encoder.encode(creds)) as ReturnType<typeof nkeyAuthenticator>;
  return nkey === undefined ? undefined : nkeyAuthenticator(encoder.encode(nkey));
}
