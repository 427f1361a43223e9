/**
 * Values that are larger than messages should be: the side that has one says how large it is, and the other side asks for it piece
 * by piece. Nothing of it is kept by the engine, so that nothing is left of it there, whatever dies.
 *
 * @module
 */

import type { Packed } from "../_internal/pool/task.ts";

/** Larger values go in pieces of this size, at most: bytes. */
export const PIECE = 1 << 19;
/** So many pieces are asked for at once. */
const SIDE_BY_SIDE = 4;

/** In the place of a value: it is to be asked for. */
export interface InPieces {
  /** How many bytes it has. */
  readonly size: number;
}

/** A value, or how large it is. */
export type Sent = Packed | InPieces;

/** Asks for a piece of the value at a position of a parcel. */
export interface PieceQuestion {
  id: string;
  nonce: string;
  position: number;
  from: number;
  length: number;
}

/** Whether a value is to be asked for. */
export function isInPieces(sent: Sent): sent is InPieces {
  return typeof sent === "object" && sent !== null && !(sent instanceof Uint8Array);
}

/** What is sent in place of a value. `most`: the most bytes that a message may have. */
export function sentFor(packed: Packed, most: number): Sent {
  return typeof packed === "number" || packed.length <= Math.min(PIECE, most / 4) ? packed : { size: packed.length };
}

/**
 * Asks for all pieces of a value, and puts them together.
 *
 * @param most The most bytes that a message may have.
 * @param ask Asks for one; `undefined`: the other side does not have it any more.
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
