/**
 * The references that a message has on the shared objects it names.
 *
 * `encode` adds one for each, so that an object outlives its handles while it is under way, and `decode` makes them the
 * receiver's. A message that nobody will ever receive has to give them back without being decoded: decoding runs code of
 * the program.
 *
 * @module
 */

import { kindAt } from "./kinds.ts";
import * as tag from "../codec/tags.ts";
import { dropReference } from "./shared_object.ts";
import { OBJECT_HEADER } from "./memory.ts";
import { existingSpace, type Space } from "./space.ts";

let bytes: Uint8Array = new Uint8Array(0);
let view: DataView = new DataView(bytes.buffer);
let at = 0;
let keyCounts: number[] = [];
/** How many values stand behind the whole. */
let laters = 0;

/** Gives back the references of a message, as `encode` wrote it, that will not be received. */
export function dropReferences(message: Uint8Array): void {
  walk(message, (space, address) => {
    if (space !== undefined) dropReference(space, address);
  });
}

/** As {@linkcode dropReferences}, of one that was sent: whoever should have received it is gone. */
export function loseReferences(message: Uint8Array): void {
  walk(message, (space, address) => {
    if (space === undefined) return;
    kindAt(space, address)?.lost?.(space, address + OBJECT_HEADER);
    dropReference(space, address);
  });
}

/** Whether a message, as `encode` wrote it, names shared objects. */
export function hasReferences(message: Uint8Array): boolean {
  let found = false;
  walk(message, () => found = true);
  return found;
}

type Visitor = (space: Space | undefined, address: number) => void;

let visit: Visitor | undefined;

function walk(message: Uint8Array, visitor: Visitor): void {
  // Most messages have none, and this byte in few other places.
  if (!message.includes(tag.SHARED)) return;
  const outerVisit = visit;
  visit = visitor;
  const outer = [bytes, view, at, keyCounts, laters] as const;
  bytes = message;
  view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  at = 0;
  keyCounts = [];
  laters = 0;
  try {
    skip(1);
    for (let done = 0; done < laters; done++) skip(1);
  } finally {
    [bytes, view, at, keyCounts, laters] = outer;
    visit = outerVisit;
  }
}

function readCount(): number {
  at += 4;
  return view.getUint32(at - 4, true);
}

function align(size: number): void {
  at = (at + size - 1) & -size;
}

function skipKeys(): number {
  const count = readCount();
  skip(count);
  return count;
}

// Not by recursion alone: a list of a million items is one call.
function skip(values: number): void {
  for (; values > 0; values--) {
    const form = bytes[at++];
    switch (form) {
      case tag.INT:
      case tag.REFERENCE:
        at += 4;
        break;
      case tag.FLOAT:
      case tag.DATE:
        at += 8;
        break;
      case tag.ASCII8:
        at += 1 + bytes[at];
        break;
      case tag.UTF8:
      case tag.ASCII:
        at += readCount();
        break;
      case tag.UTF16:
        at += readCount() * 2;
        break;
      case tag.ARRAY8:
        skip(bytes[at++]);
        break;
      case tag.ARRAY:
      case tag.SET:
        skip(readCount());
        break;
      case tag.MAP:
        skip(readCount() * 2);
        break;
      case tag.SPARSE:
        at += 4;
        for (let count = readCount(); count > 0; count--) {
          at += 4;
          skip(1);
        }
        break;
      case tag.INTS: {
        const count = readCount();
        align(4);
        at += count * 4;
        break;
      }
      case tag.FLOATS: {
        const count = readCount();
        align(8);
        at += count * 8;
        break;
      }
      case tag.OBJECT: {
        const count = skipKeys();
        keyCounts.push(count);
        skip(count);
        break;
      }
      case tag.SHAPED:
        skip(keyCounts[readCount()]);
        break;
      case tag.BARE_OBJECT:
        skip(skipKeys());
        break;
      case tag.NAMED:
        skip(1);
        skip(skipKeys());
        break;
      case tag.LATER:
        laters = Math.max(laters, readCount() + 1);
        break;
      case tag.BUFFER: {
        const length = readCount();
        align(8);
        at += length;
        break;
      }
      case tag.RESIZABLE: {
        at += 8;
        const length = readCount();
        align(8);
        at += length;
        break;
      }
      case tag.VIEW:
        at += 1;
        skip(1);
        break;
      case tag.PART:
        at += 1 + 8 + 8;
        skip(1);
        break;
      case tag.BIGINT:
      case tag.BOXED:
      case tag.KEY:
        skip(1);
        break;
      case tag.REGEXP:
      case tag.REGISTERED:
        skip(2);
        break;
      case tag.REGISTERED_ERROR:
        skip(4);
        break;
      case tag.ERROR:
        // Name, message, stack; cause and own properties in an object.
        at += 1;
        skip(4);
        break;
      case tag.SHARED: {
        const space = existingSpace(bytes[at] === 0 ? "thread" : "process");
        at += 1;
        const address = readCount();
        if (address >= OBJECT_HEADER) visit!(space, address);
        break;
      }
      default:
        // One byte: a small number, undefined, null, a boolean.
        break;
    }
  }
}
