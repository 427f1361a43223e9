/**
 * Bytes that are copied, and bytes that become text or come from it, in the way that is fastest on each runtime.
 *
 * Bun has methods of `Buffer` for this that take the place as numbers. They need no view of the place, and they are fast before
 * the program's code is compiled. Loading `Buffer` on Deno costs a worker several milliseconds, so it is not used there.
 *
 * @module
 */

import { isBun } from "./runtime.ts";

/** The methods of `Buffer.prototype` that are used. They work on every `Uint8Array`, also on one in shared memory. */
interface BufferMethods {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, at: number, room: number): number;
  copy(this: Uint8Array, target: Uint8Array, at: number, start: number, end: number): number;
}

const methods = isBun
  ? (globalThis as unknown as { readonly Buffer: { readonly prototype: BufferMethods } }).Buffer.prototype
  : undefined;

function onlyOnBun<K extends keyof BufferMethods>(name: K): BufferMethods[K] | undefined {
  return methods?.[name];
}

const latin1Slice = onlyOnBun("latin1Slice");
const utf8Write = onlyOnBun("utf8Write");
const copy = onlyOnBun("copy");

/**
 * The characters with the codes `bytes[start]` up to `bytes[end]`; `undefined` if a `TextDecoder` is the fastest way. On Bun a
 * decoder takes many times as long.
 */
export const latin1: ((bytes: Uint8Array, start: number, end: number) => string) | undefined = latin1Slice &&
  ((bytes, start, end) => latin1Slice.call(bytes, start, end));

/**
 * Copies `bytes[start]` up to `bytes[end]` to `target[at]` without making a view; `undefined` if `set` is the fastest way.
 * What has no room in the target is not copied.
 */
export const copyBytes:
  | ((bytes: Uint8Array, start: number, end: number, target: Uint8Array, at: number) => void)
  | undefined = copy && ((bytes, start, end, target, at) => void copy.call(bytes, target, at, start, end));

const encoder = new TextEncoder();

/**
 * Writes a text as UTF-8 and returns the number of bytes. The target has room for all of them. A lone surrogate becomes U+FFFD.
 */
export const writeUtf8: (text: string, target: Uint8Array, at: number) => number = utf8Write === undefined
  ? (text, target, at) => encoder.encodeInto(text, target.subarray(at)).written
  : (text, target, at) => utf8Write.call(target, text, at, target.length - at);

/** Up to this many characters, a loop that writes them costs no more than a call of {@linkcode writeUtf8}. At most 64. */
export const BY_HAND: number = isBun ? 10 : 64;
