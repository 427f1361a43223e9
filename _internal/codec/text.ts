/**
 * Strings out of bytes. Where they are was checked before: the bytes are there.
 *
 * @module
 */

import { latin1 } from "../runtime/runtime.ts";

// Not fatal: what was written is well-formed. The byte order mark is part of a string like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Strings up to this length are cached. */
const CACHED = 16;
/** Short strings that came lately, by a number made of their bytes: keys come again and again. */
const cache: string[] = new Array(1024).fill("");
/** Longer strings are cheaper to have decoded by the runtime. */
const BY_HAND = 24;
const codes: number[][] = Array.from({ length: BY_HAND + 1 }, (_, length) => new Array(length).fill(0));
/** So many units are made a string at a time: each is an argument of a call. */
const AT_ONCE = 4096;

/** ASCII that is often the same, where it is short. */
export function recurring(bytes: Uint8Array, start: number, length: number): string {
  if (length > CACHED) return ascii(bytes, start, length);
  if (length === 0) return "";
  const first = bytes[start];
  const last = bytes[start + length - 1];
  const middle = bytes[start + (length >> 1)];
  const index = (first * 31 + last * 7 + middle * 131 + length * 17) & 1023;
  const known = cache[index];
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  return cache[index] = ascii(bytes, start, length);
}

/** ASCII. */
export function ascii(bytes: Uint8Array, start: number, length: number): string {
  if (latin1 !== undefined) return latin1(bytes, start, start + length);
  if (length > BY_HAND) return utf8(bytes, start, length);
  const units = codes[length];
  for (let i = 0; i < length; i++) units[i] = bytes[start + i] & 0x7f;
  return String.fromCharCode.apply(undefined, units);
}

/** UTF-8 of `length` bytes. */
export function utf8(bytes: Uint8Array, start: number, length: number): string {
  return decoder.decode(bytes.subarray(start, start + length));
}

/** UTF-16 of `length` units. */
export function utf16(bytes: Uint8Array, start: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i += AT_ONCE) {
    const units: number[] = [];
    for (let k = i; k < Math.min(length, i + AT_ONCE); k++) {
      units.push(bytes[start + k * 2] | bytes[start + k * 2 + 1] << 8);
    }
    text += String.fromCharCode(...units);
  }
  return text;
}
