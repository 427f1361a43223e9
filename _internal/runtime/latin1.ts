/**
 * Strings of one byte a character, made by the runtime.
 *
 * @module
 */

import { isBun } from "./globals.ts";

interface BufferGlobal {
  prototype: { latin1Slice(this: Uint8Array, start: number, end: number): string };
}

const slice = isBun ? (globalThis as unknown as { Buffer: BufferGlobal }).Buffer.prototype.latin1Slice : undefined;

/**
 * The characters with the codes `bytes[start]` up to `bytes[end]`; `undefined` where nothing is quicker than a
 * `TextDecoder`. On Bun that one takes many times as long; on Deno `Buffer` would have to be loaded.
 */
export const latin1: ((bytes: Uint8Array, start: number, end: number) => string) | undefined = slice === undefined
  ? undefined
  : (bytes, start, end) => slice.call(bytes, start, end);
