/**
 * An item as words: what is small stands in the message itself, what is large in a block of its own.
 *
 * ```text
 *   header     = tag | payload << 4      behind it
 *   SKIP         0                       nothing: go on in the next segment
 *   INT          28 bits, signed         nothing
 *   CONSTANT     which one               nothing
 *   DOUBLE       0                       the two words of the number
 *   BYTES        length in bytes         the bytes, from the next even word on
 *   PARCEL       0                       address of a parcel, length in bytes
 *   RAW          length in bytes         the bytes, from the next word on
 *   RAW_PARCEL   0                       address of a parcel, length in bytes
 * ```
 *
 * The tags of messages are odd, which no address is. BYTES and PARCEL hold what the codec made of the item, RAW and
 * RAW_PARCEL bytes that were given as such, which only pipes take. The limit between what stands here and what is in a parcel
 * keeps the time short for which other threads wait while a message is copied under a mutex; a parcel is filled before and read
 * after. What names shared objects is in a parcel, too, however short: so that it is not lost with a thread that dies
 * before it has read it. See taken.ts.
 *
 * Bytes begin where eight fit: V8 copies into shared memory one by one from elsewhere. What is short is copied by a loop
 * over words, since a call costs as much as that, and a view of the part as much again.
 *
 * @module
 */

import { decodeFirst } from "../codec/decode.ts";
import { type EncodeOptions, encodeScratch, trimScratch } from "../codec/encode.ts";
import { dropReferences } from "../codec/format.ts";
import { scratch, scratchNames, scratchWords } from "../codec/output.ts";
import type { Space } from "../memory/space.ts";
import { bytesOf, isNaming, loseParcel, makeParcel, strikeOut } from "./taken.ts";

export const SKIP = 0;
const INT = 1;
const CONSTANT = 3;
const DOUBLE = 5;
const BYTES = 7;
const PARCEL = 9;
export const RAW = 11;
const RAW_PARCEL = 13;

const TAG = 15;
export const SHIFT = 4;

/** The most bytes that stand in the message itself. */
const INLINE = 4096;
/** The same of bytes that were given as such. */
const RAW_INLINE = 16384;
/** The most words of a message of a queue. */
export const MESSAGE_WORDS: number = 2 + INLINE / 4;
/** Up to so many words a loop is faster than a call that copies. */
const SHORT = 96;
/** The same for reading, which takes a view of the memory: Bun's garbage collector takes each for as large as that. */
const SHORT_READ = 512;
/** Longer ones are written in pieces of whole lines of 64 bytes, of which there are few views, and a rest. */
const LINE_BYTES = 64;

const CONSTANTS = [undefined, null, false, true];
const OPTIONS: Record<string, EncodeOptions> = {
  thread: { root: "item", scope: "thread" },
  process: { root: "item", scope: "process" },
};

const double = new Float64Array(1);
const doubleWords = new Int32Array(double.buffer);

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
// One for all messages, since what is fresh costs more than all the rest.
const inbox = new Uint8Array(INLINE);
const inboxWords = new Int32Array(inbox.buffer);
/** Whether an item is being made of a message, of the inbox perhaps. */
let isReading = false;

/** One item on its way in or out. */
export class Message {
  header = SKIP;
  /** The two words behind the header of DOUBLE, PARCEL and RAW_PARCEL. */
  first = 0;
  second = 0;
  /** The bytes of RAW; what the bytes behind the header of BYTES are the first of, which are also in `words`. */
  bytes: Uint8Array = NO_BYTES;
  words: Int32Array<ArrayBuffer> = NO_WORDS;
  /** Words that it takes. */
  size = 1;
  /** A number whose order as signed `rankHigh`, then unsigned `rankLow`, is that of the priorities. */
  rankHigh = 0;
  rankLow = 0;

  /**
   * Makes it the message of an item. The bytes stay as they are until the next call of the codec only, if there are any:
   * see {@linkcode Message.keep}.
   *
   * `false`: the memory has no room for its {@linkcode Message.second} bytes.
   */
  pack(space: Space, item: unknown): boolean {
    this.size = 1;
    if (typeof item === "number") {
      if (item << SHIFT >> SHIFT === item && (item !== 0 || 1 / item > 0)) {
        this.header = INT | item << SHIFT;
      } else {
        double[0] = item;
        this.header = DOUBLE;
        this.first = doubleWords[0];
        this.second = doubleWords[1];
        this.size = 3;
      }
      return true;
    }
    if (item === undefined || item === null || typeof item === "boolean") {
      this.header = CONSTANT | CONSTANTS.indexOf(item) << SHIFT;
      return true;
    }
    const length = encodeScratch(item, OPTIONS[space.memory.scope]);
    if (length <= INLINE && !scratchNames) {
      this.header = BYTES | length << SHIFT;
      this.bytes = scratch;
      this.words = scratchWords;
      this.size = 2 + ((length + 3) >> 2);
      return true;
    }
    const bytes = scratch.subarray(0, length);
    const hasRoom = this.#enclose(space, PARCEL, bytes, scratchNames);
    if (!hasRoom) dropReferences(bytes);
    trimScratch();
    return hasRoom;
  }

  /**
   * Makes it the message of bytes. They are not copied, and must stay as they are until it is written or dropped, or a copy of
   * it is made: see {@linkcode Message.keep}.
   *
   * `false`: the memory has no room for its {@linkcode Message.second} bytes.
   */
  packBytes(space: Space, bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (length > RAW_INLINE) return this.#enclose(space, RAW_PARCEL, bytes, false);
    this.header = RAW | length << SHIFT;
    this.bytes = bytes;
    this.size = sizeOf(this.header);
    return true;
  }

  #enclose(space: Space, header: number, bytes: Uint8Array, naming: boolean): boolean {
    this.second = bytes.length;
    const parcel = makeParcel(space, bytes, naming);
    if (parcel === 0) return false;
    this.header = header;
    this.first = parcel;
    this.size = 3;
    return true;
  }

  /** A copy that stays as it is. */
  keep(): Message {
    const kept = new Message();
    const tag = this.header & TAG;
    kept.header = this.header;
    kept.first = this.first;
    kept.second = this.second;
    if (tag === BYTES) {
      const bytes = this.bytes.slice(0, (this.size - 2) * 4);
      kept.bytes = bytes;
      kept.words = new Int32Array(bytes.buffer);
    } else if (tag === RAW) {
      kept.bytes = this.bytes.slice();
      this.bytes = NO_BYTES;
    }
    kept.size = this.size;
    kept.rankHigh = this.rankHigh;
    kept.rankLow = this.rankLow;
    return kept;
  }

  /** Gives back what it holds: no thread will get it. */
  drop(space: Space): void {
    const { parcel } = this;
    this.bytes = NO_BYTES;
    if (parcel === 0) return;
    if (isNaming(space, parcel)) dropReferences(bytesOf(space, parcel, this.second));
    space.free(parcel);
  }

  /** The parcel that it is in; 0: it is in none. */
  get parcel(): number {
    return isParcel(this.header) ? this.first : 0;
  }

  /** Writes it into shared memory. */
  writeTo(space: Space, at: number): void {
    const { words } = space;
    const { header } = this;
    words[at] = header;
    if (this.size === 1) return;
    if ((header & TAG) !== BYTES) {
      if ((header & TAG) === RAW) {
        this.#writeRaw(space, at);
      } else {
        words[at + 1] = this.first;
        words[at + 2] = this.second;
      }
      return;
    }
    const start = (at + 2) & -2;
    const count = this.size - 2;
    const source = this.words;
    let done = 0;
    if (count > SHORT && source === scratchWords) {
      const whole = count >> 4;
      space.memory.bytes.set(linesOf(whole), start * 4);
      done = whole << 4;
    }
    for (let i = done; i < count; i++) words[start + i] = source[i];
  }

  /** Reads it from shared memory; {@linkcode Message.unpack} must follow before anything else is done. */
  readFrom(space: Space, at: number): void {
    const { words } = space;
    const header = words[at];
    const tag = header & TAG;
    this.header = header;
    if (tag <= CONSTANT) {
      this.size = 1;
    } else if (tag === BYTES) {
      const length = header >>> SHIFT;
      const count = (length + 3) >> 2;
      this.size = 2 + count;
      // Not into what is being read: a class of the program may take another item while it makes an instance.
      const target = isReading ? new Int32Array(count) : inboxWords;
      const start = (at + 2) & -2;
      if (count <= SHORT_READ) {
        for (let i = 0; i < count; i++) target[i] = words[start + i];
      } else {
        target.set(words.subarray(start, start + count));
      }
      this.bytes = isReading ? new Uint8Array(target.buffer) : inbox;
    } else if (tag === RAW) {
      this.#readRaw(space, at);
    } else {
      this.first = words[at + 1];
      this.second = words[at + 2];
      this.size = 3;
    }
  }

  #writeRaw(space: Space, at: number): void {
    space.memory.bytes.set(this.bytes, (at + 1) * 4);
    this.bytes = NO_BYTES;
  }

  #readRaw(space: Space, at: number): void {
    const start = (at + 1) * 4;
    this.bytes = space.memory.bytes.slice(start, start + (this.header >>> SHIFT));
    this.size = sizeOf(this.header);
  }

  /**
   * The item again, or the bytes. May throw, and run code of the program. Only once, since it takes over what the message
   * holds.
   */
  unpack(space: Space): unknown {
    const { header } = this;
    switch (header & TAG) {
      case INT:
        return header >> SHIFT;
      case CONSTANT:
        return CONSTANTS[header >>> SHIFT];
      case DOUBLE:
        doubleWords[0] = this.first;
        doubleWords[1] = this.second;
        return double[0];
      case BYTES:
        return readBytes(this.bytes, header >>> SHIFT, false);
      case RAW: {
        const { bytes } = this;
        this.bytes = NO_BYTES;
        return bytes;
      }
      case RAW_PARCEL:
        return openParcel(space, this.first, this.second >>> 0);
      default:
        return readParcel(space, this.first, this.second);
    }
  }
}

// The first lines of the codec's buffer, which seldom becomes another.
let lines: Uint8Array[] = [];
let linesBuffer: Uint8Array = NO_BYTES;

function linesOf(count: number): Uint8Array {
  if (linesBuffer !== scratch) {
    linesBuffer = scratch;
    lines = [];
  }
  return lines[count] ??= scratch.subarray(0, count * LINE_BYTES);
}

function readBytes(bytes: Uint8Array, length: number, keep: boolean): unknown {
  const outer = isReading;
  isReading = true;
  try {
    return decodeFirst(bytes, length, keep);
  } finally {
    isReading = outer;
  }
}

function readParcel(space: Space, parcel: number, length: number): unknown {
  if (!isNaming(space, parcel)) return readBytes(openParcel(space, parcel, length), length, false);
  const bytes = bytesOf(space, parcel, length);
  try {
    // The handles take references of their own: until the last of them has, the message's are noted with it.
    return readBytes(bytes, length, true);
  } finally {
    if (strikeOut(space, parcel)) {
      dropReferences(bytes);
      space.free(parcel);
    }
  }
}

// The bytes of a parcel that was taken and names nothing.
function openParcel(space: Space, parcel: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(space, parcel, length);
  if (strikeOut(space, parcel)) space.free(parcel);
  return bytes;
}

/** Words of the message that begins with this header. */
export function sizeOf(header: number): number {
  const tag = header & TAG;
  if (tag <= CONSTANT) return 1;
  if (tag !== BYTES && tag !== RAW) return 3;
  return (tag === BYTES ? 2 : 1) + (((header >>> SHIFT) + 3) >> 2);
}

/** Whether the message that begins with this header is bytes that were given as such. */
export function isBytes(header: number): boolean {
  const tag = header & TAG;
  return tag === RAW || tag === RAW_PARCEL;
}

/** Whether the message that begins with this header is in a parcel. */
export function isParcel(header: number): boolean {
  const tag = header & TAG;
  return tag === PARCEL || tag === RAW_PARCEL;
}

/** Gives back what a message in shared memory holds: no thread will get it. */
export function dropMessage(space: Space, at: number): void {
  const { words } = space;
  if (isParcel(words[at])) loseParcel(space, words[at + 1]);
}
