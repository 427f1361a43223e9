/**
 * An item as words. A small item is stored in the message itself, a large item in a block of its own, the parcel.
 *
 * ```text
 *   header     = tag | payload << 4      after it
 *   SKIP         0                       nothing: the queue continues in the next segment
 *   INT          28 bits, signed         nothing
 *   CONSTANT     index in CONSTANTS      nothing
 *   DOUBLE       0                       the two words of the number
 *   BYTES        length in bytes         the bytes, from the next even word on
 *   PARCEL       0                       address of a parcel, length in bytes
 *   RAW          length in bytes         the bytes, from the next word on
 *   RAW_PARCEL   0                       address of a parcel, length in bytes
 * ```
 *
 * The tags of messages are odd, and addresses are even. BYTES and PARCEL contain the codec's encoding of the item. RAW and
 * RAW_PARCEL contain bytes that the program sent as bytes, which only pipes do.
 *
 * Messages are copied under a mutex, so the limit on inline bytes keeps short the time that other threads wait for it. A parcel
 * is filled before the mutex is taken and read after it is released. An item that names shared objects is always in a parcel,
 * even if it is short, so that its references are not lost if a thread takes the item and dies before it has read it: see
 * taken.ts.
 *
 * Bytes begin at an even word, which is a multiple of eight bytes: from any other address, V8 copies into shared memory one
 * byte at a time. Short bytes are copied by a loop over words, because a call costs as much as the loop, and a view of the part
 * costs as much again.
 *
 * @module
 */

import { decodeFirst, isDecoding } from "../codec/decode.ts";
import { type EncodeOptions, encodeScratch, trimScratch } from "../codec/encode.ts";
import { dropReferences } from "../codec/format.ts";
import { scratch, scratchNames, scratchWords } from "../codec/output.ts";
import type { Space } from "../memory/space.ts";
import { copyBytes } from "../runtime/bytes.ts";
import { bytesOf, copyBytesOf, isNaming, loseParcel, makeParcel, strikeOut, strikeUnput } from "./taken.ts";

export const SKIP = 0;
export const INT = 1;
const CONSTANT = 3;
const DOUBLE = 5;
export const BYTES = 7;
const PARCEL = 9;
export const RAW = 11;
const RAW_PARCEL = 13;

export const TAG = 15;
export const SHIFT = 4;

/** The largest number of encoded bytes in the message itself. */
const INLINE = 4096;
/** The largest number of raw bytes in the message itself. */
const RAW_INLINE = 16384;
/** The largest number of words of a message in a queue. */
export const MESSAGE_WORDS: number = 2 + INLINE / 4;
/** Up to this number of words, a loop is faster than Bun's call that copies. */
const FEW = 8;
/** Up to this number of words, a loop that writes is faster than a call of `set`. */
const SHORT = 64;
/** The limit for a loop that reads. It is higher, because `set` needs a view of the memory that is made for it. */
const SHORT_READ = 128;
/** Longer bytes are written as whole lines of 64 bytes and a rest: there are few different views of whole lines to keep. */
const LINE_BYTES = 64;

const CONSTANTS = [undefined, null, false, true];
const TO_THREADS: EncodeOptions = { root: "item", scope: "thread" };
const TO_PROCESSES: EncodeOptions = { root: "item", scope: "process" };

const double = new Float64Array(1);
const doubleWords = new Int32Array(double.buffer);

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
// One buffer for all incoming messages, because allocating a buffer costs more than the rest of a get.
const inbox = new Uint8Array(INLINE);
const inboxWords = new Int32Array(inbox.buffer);

/** One item on its way into a queue or out of it. */
export class Message {
  header = SKIP;
  /** The two words after the header of DOUBLE, PARCEL and RAW_PARCEL. */
  first = 0;
  second = 0;
  /** The bytes of RAW, or a buffer that begins with the bytes of BYTES. For BYTES, `words` is the same buffer as words. */
  bytes: Uint8Array = NO_BYTES;
  words: Int32Array<ArrayBuffer> = NO_WORDS;
  /** The number of words of the message, with its header. */
  size = 1;
  /** The priority as two words. Compared as signed `rankHigh`, then unsigned `rankLow`, they have the order of the priorities. */
  rankHigh = 0;
  rankLow = 0;

  /**
   * Makes this the message of an item. Its bytes, if it has any, are valid only until the next call of the codec: see
   * {@linkcode Message.keep}.
   *
   * @returns `false` if the memory has no room for its {@linkcode Message.second} bytes.
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
    const length = encodeScratch(item, space.memory.scope === "thread" ? TO_THREADS : TO_PROCESSES);
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
   * Makes this the message of raw bytes. They are not copied, and must not change until the message is written, dropped, or
   * copied by {@linkcode Message.keep}.
   *
   * @returns `false` if the memory has no room for its {@linkcode Message.second} bytes.
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

  /** Returns a copy that stays valid: its bytes are its own. */
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

  /** Frees the parcel and drops its references: no thread will get the message. */
  drop(space: Space): void {
    const { parcel } = this;
    this.header = SKIP;
    this.bytes = NO_BYTES;
    if (parcel === 0) return;
    // A thread that has given up its handles gives up what it has noted, too, and a call that ends only now must not do it again.
    if (space.isReleased || !strikeUnput(space, parcel)) return;
    if (isNaming(space, parcel)) dropReferences(bytesOf(space, parcel, this.second >>> 0));
    space.free(parcel);
  }

  /** As a batch of one message, until it is put: see `whileNoted` of taken.ts. */
  get left(): number {
    return 1;
  }

  /** The same. */
  parcels(count: number): readonly number[] {
    const { parcel } = this;
    return parcel === 0 || count === 0 ? [] : [parcel];
  }

  /** The address of the message's parcel; 0: it has none. */
  get parcel(): number {
    return isParcel(this.header) ? this.first : 0;
  }

  /** Writes the message into shared memory. */
  writeTo(space: Space, at: number): void {
    const { fixed } = space;
    // The fixed array unless the message ends behind it: the segment may be newer than this thread's view.
    const words = at + this.size <= fixed.length ? fixed : space.words;
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
    if (copyBytes !== undefined && count > FEW) {
      copyBytes(this.bytes, 0, count * 4, space.memory.bytes, start * 4);
      return;
    }
    let done = 0;
    if (count > SHORT && source === scratchWords) {
      const whole = count >> 4;
      space.memory.bytes.set(linesOf(whole), start * 4);
      done = whole << 4;
    }
    for (let i = done; i < count; i++) words[start + i] = source[i];
  }

  /** Reads the message from shared memory. Call {@linkcode Message.unpack} before any other message is read. */
  readFrom(space: Space, at: number): void {
    const { fixed } = space;
    // As in `writeTo`. The size is not known yet, and no message is longer than MESSAGE_WORDS.
    const words = at + MESSAGE_WORDS <= fixed.length ? fixed : space.words;
    const header = words[at];
    const tag = header & TAG;
    this.header = header;
    if (tag <= CONSTANT) {
      this.size = 1;
    } else if (tag === BYTES) {
      const length = header >>> SHIFT;
      const count = (length + 3) >> 2;
      this.size = 2 + count;
      // Not into the inbox while it is being decoded: a class of the program may call `get` in its `deserialize`.
      const target = this.words = isDecoding ? new Int32Array(count) : inboxWords;
      this.bytes = isDecoding ? new Uint8Array(target.buffer) : inbox;
      const start = (at + 2) & -2;
      if (copyBytes !== undefined && count > FEW) {
        copyBytes(space.memory.bytes, start * 4, (start + count) * 4, this.bytes, 0);
      } else if (count <= SHORT_READ) {
        for (let i = 0; i < count; i++) target[i] = words[start + i];
      } else {
        target.set(words.subarray(start, start + count));
      }
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
   * Returns the item or the raw bytes. May throw, and may run code of the program. Call it only once: it takes the parcel over
   * from the message.
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
        return decodeFirst(this.bytes, header >>> SHIFT, false, this.words);
      case RAW: {
        const { bytes } = this;
        this.bytes = NO_BYTES;
        return bytes;
      }
      case RAW_PARCEL:
        return openParcel(space, this.first, this.second >>> 0);
      default:
        // A length above 2 GiB is a negative word.
        return readParcel(space, this.first, this.second >>> 0);
    }
  }

  /**
   * As {@linkcode Message.unpack}, for raw bytes: copies them to `target[at]` and returns their number. -1: they have no room
   * there, and can still be unpacked.
   */
  unpackInto(space: Space, target: Uint8Array, at: number): number {
    const isInline = (this.header & TAG) === RAW;
    const parcel = this.first;
    const length = isInline ? this.bytes.length : this.second >>> 0;
    if (length > target.length - at) return -1;
    if (isInline) {
      target.set(this.bytes, at);
      this.bytes = NO_BYTES;
      return length;
    }
    copyBytesOf(space, parcel, length, target, at);
    if (strikeOut(space, parcel)) space.free(parcel);
    return length;
  }
}

// Views of the first lines of the codec's buffer, by the number of lines. The codec rarely gets another buffer.
let lines: Uint8Array[] = [];
let linesBuffer: Uint8Array = NO_BYTES;

function linesOf(count: number): Uint8Array {
  if (linesBuffer !== scratch) {
    linesBuffer = scratch;
    lines = [];
  }
  return lines[count] ??= scratch.subarray(0, count * LINE_BYTES);
}

function readParcel(space: Space, parcel: number, length: number): unknown {
  if (!isNaming(space, parcel)) return decodeFirst(openParcel(space, parcel, length), length, false);
  const bytes = bytesOf(space, parcel, length);
  try {
    // Each handle takes a reference of its own. The message keeps its references until all handles are made, and the parcel stays
    // noted for this thread: if it dies here, another thread drops them.
    return decodeFirst(bytes, length, true);
  } finally {
    if (strikeOut(space, parcel)) {
      dropReferences(bytes);
      space.free(parcel);
    }
  }
}

// Returns the bytes of a taken parcel that names no shared objects, and frees the parcel.
function openParcel(space: Space, parcel: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(space, parcel, length);
  if (strikeOut(space, parcel)) space.free(parcel);
  return bytes;
}

/** The number of words of a message with this header. */
export function sizeOf(header: number): number {
  const tag = header & TAG;
  if (tag <= CONSTANT) return 1;
  if (tag !== BYTES && tag !== RAW) return 3;
  return (tag === BYTES ? 2 : 1) + (((header >>> SHIFT) + 3) >> 2);
}

/** Whether a message with this header contains raw bytes. */
export function isBytes(header: number): boolean {
  const tag = header & TAG;
  return tag === RAW || tag === RAW_PARCEL;
}

/** Whether a message with this header is in a parcel. */
export function isParcel(header: number): boolean {
  const tag = header & TAG;
  return tag === PARCEL || tag === RAW_PARCEL;
}

/** Frees the parcel of a message in shared memory that no thread will get, and drops its references. */
export function dropMessage(space: Space, at: number): void {
  const { words } = space;
  if (isParcel(words[at])) loseParcel(space, words[at + 1]);
}
