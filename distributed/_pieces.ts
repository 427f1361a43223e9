/**
 * Values that are too large for one message. The side that has such a value sends its size, and the other side asks for
 * the value in pieces. The engine keeps nothing of it, so nothing is left there, whatever ends.
 *
 * @module
 */

import type { Packed } from "../_internal/pool/task.ts";

/** Larger values are sent in pieces of at most this size: bytes. */
export const PIECE = 1 << 19;
/** How many pieces are asked for at once. */
const SIDE_BY_SIDE = 4;

/** Stands for a value that the receiver must ask for. */
export interface InPieces {
  /** The size of the value: bytes. */
  readonly size: number;
}

/** A value, or the size of a value to ask for. */
export type Sent = Packed | InPieces;

/** Asks for a piece of the value at a position of a parcel. */
export interface PieceQuestion {
  id: string;
  nonce: string;
  position: number;
  from: number;
  length: number;
}

/** Whether the value must be asked for. */
export function isInPieces(sent: Sent): sent is InPieces {
  return typeof sent === "object" && sent !== null && !(sent instanceof Uint8Array);
}

/** What is sent for a value: itself, or its size if it is large. `most`: the largest message, in bytes. */
export function sentFor(packed: Packed, most: number): Sent {
  return typeof packed === "number" || packed.length <= Math.min(PIECE, most / 4) ? packed : { size: packed.length };
}

/**
 * Asks for all pieces of a value and joins them. Resolves with `undefined` if the other side does not have it any more.
 *
 * @param most The largest message: bytes.
 * @param ask Asks for a piece; `undefined`: the other side does not have the value any more.
 */
export async function gather(
  { size }: InPieces,
  most: number,
  ask: (from: number, length: number) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  if (!Number.isSafeInteger(size) || size < 0) throw new TypeError(`Cannot ask for a value of ${size} bytes`);
  const whole = new Uint8Array(size);
  const piece = Math.min(PIECE, most);
  let next = 0;
  let isThere = true;
  const takeNext = async (): Promise<void> => {
    while (isThere && next < size) {
      const from = next;
      next += piece;
      const length = Math.min(piece, size - from);
      const bytes = await ask(from, length);
      if (bytes?.length === length) whole.set(bytes, from);
      else isThere = false;
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, takeNext));
  return isThere ? whole : undefined;
}
