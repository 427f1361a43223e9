/**
 * Decodes strings. The callers have checked that the bytes are there.
 *
 * @module
 */

import { latin1 } from "../runtime/bytes.ts";

// Not fatal: the encoder writes only well-formed UTF-8. A byte order mark is a character of the string like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Strings up to this length are cached. */
const CACHED = 16;
/** Recent short strings, by a hash of their bytes: the same keys come again and again. */
const cache: string[] = new Array(1024).fill("");
/** The runtime decodes longer strings faster. */
const BY_HAND = 24;
const codes: number[][] = Array.from({ length: BY_HAND + 1 }, (_, length) => new Array(length).fill(0));
const found: number[] = new Array(BY_HAND).fill(0);
/** The number of code units that become a string in one call: each is an argument of the call. */
const AT_ONCE = 4096;

/** Decodes ASCII. Short strings come from a cache, because they often repeat. */
export function recurring(bytes: Uint8Array, start: number, length: number): string {
  if (length > CACHED) return ascii(bytes, start, length);
  if (length === 0) return "";
  const first = bytes[start];
  const last = bytes[start + length - 1];
  const middle = bytes[start + (length >> 1)];
  // Names that are counted differ in their last characters only.
  const nextToLast = length > 1 ? bytes[start + length - 2] : 0;
  const index = (first * 31 + last * 7 + nextToLast * 61 + middle * 131 + length * 17) & 1023;
  const known = cache[index];
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  return cache[index] = ascii(bytes, start, length);
}

/** Decodes ASCII. */
export function ascii(bytes: Uint8Array, start: number, length: number): string {
  if (latin1 !== undefined) return latin1(bytes, start, start + length);
  if (length > BY_HAND) return utf8(bytes, start, length);
  const units = codes[length];
  for (let i = 0; i < length; i++) units[i] = bytes[start + i] & 0x7f;
  return String.fromCharCode.apply(undefined, units);
}

/** Decodes UTF-8 of `length` bytes. */
export function utf8(bytes: Uint8Array, start: number, length: number): string {
  if (length <= BY_HAND) {
    const text = shortUtf8(bytes, start, start + length);
    if (text !== undefined) return text;
  }
  return decoder.decode(bytes.subarray(start, start + length));
}

// `undefined` if there are bytes that are no UTF-8, or characters of four bytes.
function shortUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  let count = 0;
  for (let i = start; i < end; count++) {
    const first = bytes[i++];
    if (first < 0x80) {
      found[count] = first;
      continue;
    }
    if (first < 0xc2 || first >= 0xf0 || i === end) return undefined;
    const second = bytes[i++];
    if ((second & 0xc0) !== 0x80) return undefined;
    let code = (first & 0x1f) << 6 | second & 0x3f;
    if (first >= 0xe0) {
      if (i === end) return undefined;
      const third = bytes[i++];
      code = (first & 0x0f) << 12 | (second & 0x3f) << 6 | third & 0x3f;
      if ((third & 0xc0) !== 0x80 || code < 0x800 || code >= 0xd800 && code < 0xe000) return undefined;
    }
    found[count] = code;
  }
  const units = codes[count];
  for (let i = 0; i < count; i++) units[i] = found[i];
  return String.fromCharCode.apply(undefined, units);
}

/** Decodes UTF-16 of `length` code units. */
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
