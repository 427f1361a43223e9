/**
 * Why a peer is ahead, by work and peer. The report takes a reason in only where the figures say that the peer is ahead, so
 * none of them has a number in it, and one that no longer holds disappears by itself.
 */

/** A reason, and what it is about. */
export interface Reason {
  /** What the work is called. */
  readonly work: RegExp;
  /** What the peer is called, with its runtime. */
  readonly peer: RegExp;
  /** A sentence or two. */
  readonly because: string;
}

/** All reasons; the first that fits is taken. */
export const REASONS: readonly Reason[] = [
  {
    work: /^start/i,
    peer: /thread.*(CPython|, C$)|, C$/i,
    because: "A thread of CPython or C runs in the same interpreter or program: nothing is loaded for it.",
  },
  {
    work: /^start/i,
    peer: /./,
    because:
      "A start loads the library's own modules beside the function's, and each of them costs before its text counts. " +
      "With a warm spare they are loaded already.",
  },
  {
    work: /^memory/i,
    peer: /CPython|, C$/i,
    because: "A thread of CPython or C shares the program's modules and heap; a worker has its own.",
  },
  { work: /^memory/i, peer: /./, because: "The library's modules are loaded in each worker." },
  {
    work: /transferred/i,
    peer: /./,
    because:
      "A bare worker is given a transferred buffer as it is. Here its bytes are copied into the memory that the workers " +
      "share, and `transfer` only takes the buffer away from the caller.",
  },
  {
    work: /copied|^messages of/i,
    peer: /./,
    because:
      "Bytes are copied on their way: into a message, into the shared memory, out of it. An array in shared memory is not.",
  },
  {
    work: /asleep|idle/i,
    peer: /./,
    because: "A wake-up passes through the runtime's event loop on its way to the function and on its way back.",
  },
  {
    work: /^(queue|round trip|messages)/i,
    peer: /, C$/,
    because: "The C program passes bytes as they are: nothing is encoded, and no engine is between it and the memory.",
  },
  {
    work: /^round trip/i,
    peer: /bare Atomics/,
    because: "Bare words carry a number as it is: nothing is encoded, and no message has a length.",
  },
  {
    work: /^pool: a task of map/i,
    peer: /CPython/,
    because: "CPython's worker goes through a whole chunk in one loop in C.",
  },
  {
    work: /^rlock/i,
    peer: /, C$/,
    because: "The C program's lock knows its owner, but does not notice that a holder has ended.",
  },
  {
    work: /^(one lock|lock|rlock|rwlock|condition)/i,
    peer: /bare|, C( x|$)/,
    because:
      "The bare lock knows no owner: it notices neither that a holder has ended nor that a thread waits for itself.",
  },
  {
    work: /^(semaphore|boundedsemaphore|event|latch|barrier|value)/i,
    peer: /bare|, C$/,
    because: "Each call first checks that the object has not been disposed of, and what it is given.",
  },
];

/** Why this peer is ahead in this work; `undefined` where that has not been found out. */
export function reasonFor(work: string, peer: string): string | undefined {
  return REASONS.find((reason) => reason.work.test(work) && reason.peer.test(peer))?.because;
}
