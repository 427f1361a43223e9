/**
 * Several messages on their way into a queue or out of it, in this thread's own memory.
 *
 * Making a message of an item may run code of the program, and so may making an item of a message. No such code may run under
 * the mutex of a queue. So all messages of a batch are made before the mutex is taken, and read after it is released. Under the
 * mutex they are only copied.
 *
 * ```text
 *   message    header, its other words …    without the gap before bytes that begin at an even word
 * ```
 *
 * @module
 */

import { post } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import { BYTES, INT, isParcel, Message, MESSAGE_WORDS, SHIFT, sizeOf, SKIP, TAG } from "./message.ts";

/**
 * From this number of words on, a batch is full. More words at a time would save little, and the other threads would wait
 * longer for the mutex, and for the first items.
 */
const BATCH_WORDS = 512;

/** Messages that are packed but not put yet, or taken but not unpacked yet. */
export class Batch {
  #staged = new Int32Array(BATCH_WORDS + MESSAGE_WORDS);
  /** The end of the last message, and the beginning of the first one that has not left the batch. */
  #end = 0;
  #at = 0;
  /** The number of messages in the batch. */
  left = 0;
  /** The number of messages that have left the batch. */
  done = 0;
  /** Where the last message began that {@linkcode Batch.write} wrote or {@linkcode Batch.read} read. */
  last = 0;
  /** How often the waiter that puts the batch had been woken when it last put something. */
  woken = 0;
  /** A message in use. All messages of the batch have its priority. */
  readonly message: Message = new Message();
  readonly #bytes = new Uint8Array(MESSAGE_WORDS * 4);
  readonly #body = new Int32Array(this.#bytes.buffer);
  #hasParcels = false;
  /** The bytes of the last message that was read, also as words. */
  #taken: Uint8Array = new Uint8Array(0);
  #takenBody: Int32Array = new Int32Array(0);

  /** Makes the batch as good as new. A buffer that has grown is given up. */
  clear(): void {
    this.#hasParcels = false;
    if (this.#staged.length > BATCH_WORDS + MESSAGE_WORDS) this.#staged = new Int32Array(BATCH_WORDS + MESSAGE_WORDS);
    this.#end =
      this.#at =
      this.left =
      this.done =
      this.woken =
        0;
  }

  /** Whether the batch contains as much as is copied at a time. */
  get isFull(): boolean {
    return this.left > 0 && this.#end >= BATCH_WORDS;
  }

  /** Adds a copy of a message that was packed. A parcel belongs to the copy. */
  stage(message: Message): void {
    this.#stage(message, message.words);
  }

  /** Adds a copy of a message that was taken from a queue. */
  stageTaken(message: Message): void {
    if (this.#taken !== message.bytes) {
      this.#taken = message.bytes;
      // Empty, or the buffer that all messages are read into.
      this.#takenBody = new Int32Array(this.#taken.buffer, 0, this.#taken.length >> 2);
    }
    this.#stage(message, this.#takenBody);
  }

  #stage(message: Message, source: Int32Array): void {
    const { header, size } = message;
    const end = this.left === 0 ? this.#at = 0 : this.#end;
    if (end + size > this.#staged.length) this.#grow(end);
    const staged = this.#staged;
    staged[end] = header;
    let count = size - 1;
    if ((header & TAG) === BYTES) {
      count--;
      for (let i = 0; i < count; i++) staged[end + 1 + i] = source[i];
    } else if (count > 0) {
      if (isParcel(header)) this.#hasParcels = true;
      staged[end + 1] = message.first;
      staged[end + 2] = message.second;
    }
    this.#end = end + 1 + count;
    this.left++;
  }

  #grow(end: number): void {
    const larger = new Int32Array(this.#staged.length * 2);
    larger.set(this.#staged.subarray(0, end));
    this.#staged = larger;
  }

  /**
   * Writes up to `count` messages into shared memory, from `at` on, as long as they end before `end`. They leave the batch.
   * Returns where they end.
   */
  write(words: Int32Array, at: number, end: number, count: number): number {
    const staged = this.#staged;
    let from = this.#at;
    let to = at;
    let written = 0;
    for (; written < count; written++) {
      const header = staged[from];
      const size = sizeOf(header);
      if (to + size >= end) break;
      this.last = to;
      words[to] = header;
      from++;
      if (size > 1) {
        const start = bodyAt(header, to);
        const length = bodySize(header, size);
        for (let i = 0; i < length; i++) words[start + i] = staged[from + i];
        from += length;
      }
      to += size;
    }
    this.#at = from;
    this.left -= written;
    this.done += written;
    return to;
  }

  /**
   * Adds copies of up to `count` messages in shared memory, which begin at `at`. Ends before a message that is in a parcel, at
   * the end of a segment, and when the batch is full. Returns where the messages end.
   */
  read(words: Int32Array, at: number, count: number): number {
    const staged = this.#staged;
    let end = this.left === 0 ? this.#at = 0 : this.#end;
    let from = at;
    let done = 0;
    for (; done < count && end < BATCH_WORDS; done++) {
      const header = words[from];
      if (header === SKIP || isParcel(header)) break;
      const size = sizeOf(header);
      this.last = from;
      staged[end++] = header;
      if (size > 1) {
        const start = bodyAt(header, from);
        const length = bodySize(header, size);
        for (let i = 0; i < length; i++) staged[end + i] = words[start + i];
        end += length;
      }
      from += size;
    }
    this.#end = end;
    this.left += done;
    return from;
  }

  /** The number of words of the next message. */
  get nextSize(): number {
    return sizeOf(this.#staged[this.#at]);
  }

  /** Copies the next message into {@linkcode Batch.message}. It stays in the batch: see {@linkcode Batch.skipNext}. */
  loadNext(): Message {
    const { message } = this;
    const staged = this.#staged;
    const at = this.#at;
    const header = staged[at];
    const size = sizeOf(header);
    message.header = header;
    message.size = size;
    if (size === 1) return message;
    if ((header & TAG) === BYTES) {
      const body = this.#body;
      for (let i = 0; i < size - 2; i++) body[i] = staged[at + 1 + i];
      message.bytes = this.#bytes;
      message.words = body;
    } else {
      message.first = staged[at + 1];
      message.second = staged[at + 2];
    }
    return message;
  }

  /** The parcels of the next `count` messages. */
  parcels(count: number): readonly number[] {
    if (!this.#hasParcels) return [];
    const staged = this.#staged;
    const parcels: number[] = [];
    for (let at = this.#at; count > 0; count--) {
      const header = staged[at];
      if (isParcel(header)) parcels.push(staged[at + 1]);
      at += 1 + bodySize(header, sizeOf(header));
    }
    return parcels;
  }

  /** Removes the next message. */
  skipNext(): void {
    const header = this.#staged[this.#at];
    this.#at += 1 + bodySize(header, sizeOf(header));
    this.left--;
    this.done++;
  }

  /** Removes the next messages as long as they are whole numbers, and adds these to `items`. */
  unpackIntegers(items: unknown[]): void {
    const staged = this.#staged;
    let at = this.#at;
    let { left } = this;
    for (; left > 0 && (staged[at] & TAG) === INT; left--) items.push(staged[at++] >> SHIFT);
    this.#at = at;
    this.left = left;
  }

  /** Removes the next message and returns its item. Throws what {@linkcode Message.unpack} throws. */
  unpackNext(space: Space): unknown {
    const message = this.loadNext();
    this.skipNext();
    return message.unpack(space);
  }

  /** Drops the messages that have not left the batch. */
  dropLeft(space: Space): void {
    for (const { done } = this; this.left > 0; this.done = done) {
      const message = this.loadNext();
      this.skipNext();
      message.drop(space);
    }
  }
}

// Where the words after a header are, if the header is at `at` in shared memory.
function bodyAt(header: number, at: number): number {
  return (header & TAG) === BYTES ? (at + 2) & -2 : at + 1;
}

// How many words there are after a header, without the gap.
function bodySize(header: number, size: number): number {
  return (header & TAG) === BYTES ? size - 2 : size - 1;
}

/**
 * Moves a side on by `count` messages, of which the last begins at `last`.
 *
 * The slot of the next place must not be that of the current place. It is if the count is even: then all messages but the last
 * are counted first.
 */
export function advance(
  words: Int32Array,
  counter: number,
  places: number,
  count: number,
  segment: number,
  position: number,
  lastSegment: number,
  last: number,
): void {
  const before = words[counter];
  if ((count & 1) === 0) {
    const place = places + ((before + count - 1) & 1) * 2;
    words[place] = lastSegment;
    words[place + 1] = last;
    post(words, counter, (before + count - 1) | 0);
  }
  const place = places + ((before + count) & 1) * 2;
  words[place] = segment;
  words[place + 1] = position;
  post(words, counter, (before + count) | 0);
}

// Kept for the next call.
let spare: Batch | undefined;

/** Returns an empty batch. Calls in a call get another, as code of the program may use the same queue. */
export function takeBatch(): Batch {
  const batch = spare ?? new Batch();
  spare = undefined;
  return batch;
}

/** Takes a batch back, which must be empty. */
export function giveBatchBack(batch: Batch): void {
  batch.clear();
  spare = batch;
}
