/**
 * Connecting to a server of NATS.
 *
 * @module
 */

import { credsAuthenticator, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import type { Address } from "./_address.ts";
import { EngineError } from "./fleet_errors.ts";
import { connectGuarded } from "./_tls.ts";

/** How often a connection is tried again: milliseconds. */
export const AGAIN = 100;

/**
 * Connects, and stays connected until the connection is closed.
 *
 * @throws {EngineError} If the server cannot be reached within so many milliseconds, or refuses the program.
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
      // A server that is frozen is noticed by what it does not answer, and not by this.
      pingInterval: 20_000,
      // Two errors with their stacks for each question, also for those that are answered.
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
