/** A child of `child_process.fork` that sends back what it gets, for the benches that compare with it. */

import { type ChildProcess, fork, type SerializationType } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Starts a child.
 * @param serialization How messages are sent. `json`, the default of the platform, is the faster one for small values; bytes go as
 * an object with a property for each byte then. `advanced` sends them as they are.
 */
export function forkEcho(serialization: SerializationType): ChildProcess {
  return fork(fileURLToPath(new URL("./targets/bare_child.ts", import.meta.url)), { serialization });
}

/** Sends a value to the child and resolves to what it sends back. */
export async function ask(child: ChildProcess, value: number | Uint8Array): Promise<unknown> {
  const answer = new Promise((resolve) => child.once("message", resolve));
  child.send(value);
  return await answer;
}
