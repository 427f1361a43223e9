/**
 * What was thrown, made such that it can be sent.
 *
 * @module
 */

import type { Scope } from "../memory/memory.ts";
import { dropReferences } from "./references.ts";
import { encode } from "./encode.ts";
import { ofPrototype } from "./tags.ts";

/**
 * In place of something thrown that cannot be sent: of an error all but what cannot (a function among its properties,
 * say), since its message is what a caller waits for; of anything else `refusal`, which says why it cannot.
 */
export function sendable(thrown: unknown, refusal: unknown, scope: Scope): unknown {
  try {
    return copyOfError(thrown, refusal, scope);
  } catch {
    // A proxy whose traps throw, say.
    return refusal;
  }
}

function copyOfError(thrown: unknown, refusal: unknown, scope: Scope): unknown {
  if (!(thrown instanceof Error)) return refusal;
  // An accessor that throws is a property that cannot be sent.
  const read = (key: string): unknown => {
    try {
      return (thrown as unknown as Record<string, unknown>)[key];
    } catch {
      return undefined;
    }
  };
  const isSendable = (value: unknown): boolean => {
    try {
      dropReferences(encode(value, { root: "error", scope }));
      return true;
    } catch {
      return false;
    }
  };
  // A registered class has refused: what is left of it is an error by its name.
  const prototype = Object.getPrototypeOf(thrown) as object;
  const copy = Object.create(ofPrototype(prototype) === undefined ? prototype : Error.prototype) as Error;
  const copyOf = (key: string, value: unknown): void => {
    Object.defineProperty(copy, key, { value, configurable: true, writable: true });
  };
  copyOf("name", String(read("name")));
  copyOf("message", String(read("message")));
  copyOf("stack", read("stack"));
  if (Object.hasOwn(thrown, "cause")) {
    const cause = read("cause");
    copyOf("cause", isSendable(cause) ? cause : sendable(cause, refusal, scope));
  }
  if (thrown instanceof AggregateError) {
    copyOf("errors", thrown.errors.map((error) => isSendable(error) ? error : sendable(error, refusal, scope)));
  }
  for (const key of Object.keys(thrown)) {
    const { get } = Object.getOwnPropertyDescriptor(thrown, key)!;
    const value = read(key);
    // Of an accessor that has nothing to give there is nothing to send.
    if (Object.hasOwn(copy, key) || get !== undefined && value === undefined || !isSendable(value)) continue;
    Object.defineProperty(copy, key, { value, configurable: true, enumerable: true, writable: true });
  }
  return isSendable(copy) ? copy : refusal;
}
