/**
 * The references that a message has on the shared objects it names.
 *
 * `encode` adds one for each, so that an object outlives its handles while it is under way, and `decode` makes them the
 * receiver's. A message that no thread will ever receive has to give them back without being decoded, since decoding runs
 * code of the program. So they stand once more behind the value:
 *
 * ```text
 *   value │ scope and address of each: 1 + 4 bytes │ how many: one byte, or four and a byte of 255
 * ```
 *
 * Nothing that is read is believed: what leads out of the message, out of the memory, or to no object is passed over.
 *
 * @module
 */

import { kindAt } from "../memory/kinds.ts";
import { OBJECT_HEADER } from "../memory/memory.ts";
import { type Attachment, dropReference, seemsObject } from "../memory/shared_object.ts";
import { existingSpace, type Space } from "../memory/space.ts";

const REFERENCE_BYTES = 5;
/** As the last byte: the count is in the four before. */
const MANY = 255;
const MANY_BYTES = 5;

/** How many bytes stand behind a value that names so many objects. */
export function trailerBytes(count: number): number {
  return count * REFERENCE_BYTES + (count < MANY ? 1 : MANY_BYTES);
}

/** Writes them there. */
export function writeTrailer(view: DataView, start: number, references: readonly Attachment[]): void {
  const { length } = references;
  let at = start;
  for (const { space, at: address } of references) {
    view.setUint8(at, space.memory.scope === "thread" ? 0 : 1);
    view.setUint32(at + 1, address, true);
    at += REFERENCE_BYTES;
  }
  if (length >= MANY) {
    view.setUint32(at, length, true);
    at += 4;
  }
  view.setUint8(at, Math.min(length, MANY));
}

/** Where the value ends in the first `length` bytes of a message; below 0: there is no message. */
export function endOfValue(message: Uint8Array, length: number): number {
  const last = message[length - 1];
  if (last === 0) return length - 1;
  return length - (last === MANY ? MANY_BYTES : 1) - countIn(message, length) * REFERENCE_BYTES;
}

/** Whether a message names shared objects. */
export function hasReferences(message: Uint8Array): boolean {
  return countIn(message, message.length) > 0;
}

/** Gives back the references of a message that will not be received. */
export function dropReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, dropReference);
}

/** As {@linkcode dropReferences}, of one that was sent: the thread or process that was to receive it is gone. */
export function loseReferences(message: Uint8Array): void {
  if (hasReferences(message)) visitReferences(message, loseReference);
}

function loseReference(space: Space, address: number): void {
  kindAt(space, address)?.lost?.(space, address + OBJECT_HEADER);
  dropReference(space, address);
}

function visitReferences(message: Uint8Array, visit: (space: Space, address: number) => void): void {
  const { length } = message;
  const start = endOfValue(message, length);
  if (start < 0) return;
  const end = start + countIn(message, length) * REFERENCE_BYTES;
  for (let at = start; at < end; at += REFERENCE_BYTES) {
    const space = existingSpace(message[at] === 0 ? "thread" : "process");
    const address = readWord(message, at + 1);
    if (space !== undefined && address < space.words.length && seemsObject(space, address)) visit(space, address);
  }
}

// Before the first byte there is nothing: bytes there count as 0.
function countIn(message: Uint8Array, length: number): number {
  const last = length === 0 ? 0 : message[length - 1];
  return last < MANY ? last : readWord(message, length - MANY_BYTES);
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}
