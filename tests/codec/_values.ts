/** Sends a value through the codec, and compares what came out with what went in. */

import { decode } from "../../_internal/codec/decode.ts";
import { encode } from "../../_internal/codec/encode.ts";

/** The value on the other side. */
export function cross<T>(value: T): T {
  return decode(encode(value, { root: "item", scope: "thread" }).slice()) as T;
}

/** What is thrown where the value is sent. */
export function refusalOf(value: unknown, root = "item"): Error {
  try {
    encode(value, { root, scope: "thread" });
  } catch (error) {
    return error as Error;
  }
  throw new Error("It was not refused");
}

/** Where the two differ, by kind, contents, order and identities; `undefined` where nowhere. */
export function difference(
  a: unknown,
  b: unknown,
  path = "value",
  seen: Map<object, object> = new Map(),
): string | undefined {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
    return Object.is(a, b) ? undefined : `${path}: ${String(a)} and ${String(b)}`;
  }
  const before = seen.get(a);
  if (before !== undefined) return before === b ? undefined : `${path}: another object`;
  seen.set(a, b);
  const kind = Object.prototype.toString.call(a);
  if (kind !== Object.prototype.toString.call(b)) return `${path}: ${kind} and ${Object.prototype.toString.call(b)}`;
  const inner = (x: unknown, y: unknown, step: string) => difference(x, y, `${path}${step}`, seen);
  if (a instanceof Map && b instanceof Map) return inner([...a].flat(), [...b].flat(), ".entries");
  if (a instanceof Set && b instanceof Set) return inner([...a], [...b], ".values");
  if (a instanceof Date && b instanceof Date) return inner(a.getTime(), b.getTime(), ".time");
  if (a instanceof RegExp && b instanceof RegExp) return inner(String(a), String(b), ".source");
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    return inner([...new Uint8Array(a)].join(), [...new Uint8Array(b)].join(), ".bytes");
  }
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const bytesOf = (view: ArrayBufferView) =>
      [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)].join();
    return inner(bytesOf(a), bytesOf(b), ".bytes");
  }
  if (a instanceof Number || a instanceof String || a instanceof Boolean || a instanceof BigInt) {
    return inner(a.valueOf(), b.valueOf(), ".valueOf()");
  }
  if (a instanceof Error && b instanceof Error) {
    for (const key of ["name", "message", "stack", "cause", "errors"] as ("name" | "cause")[]) {
      const found = inner(a[key], b[key], `.${key}`);
      if (found !== undefined) return found;
    }
  }
  const keys = Object.keys(a);
  const fault = inner(keys.join(), Object.keys(b).join(), ".keys");
  if (fault !== undefined) return fault;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return `${path}.length`;
  for (const key of keys) {
    const found = inner((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], `[${key}]`);
    if (found !== undefined) return found;
  }
  return undefined;
}
