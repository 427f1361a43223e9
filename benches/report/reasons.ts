/**
 * Why a peer is ahead, by work and peer. The report takes a reason in only where the figures say that the peer is ahead, so
 * none of them has a number in it, and one that no longer holds disappears by itself.
 */

/** A reason, and what it is about. */
export interface Reason {
  /** What the work is called. */
  readonly work: RegExp;
  /** What the peer is called. */
  readonly peer: RegExp;
  /** A sentence or two. */
  readonly because: string;
}

/** All reasons; the first that fits is taken. */
export const REASONS: readonly Reason[] = [
  {
    work: /lock|semaphore|event|value|free/i,
    peer: /atomics|futex|pthread|bare|raw/i,
    because:
      "The bare operations know no owner: they neither notice that a holder has ended nor that it waits for itself.",
  },
  {
    work: /round trip|ping|pipe.*busy/i,
    peer: /atomics|futex|word|bare|raw/i,
    because: "Two words carry no message: nothing is encoded, copied or allocated.",
  },
  {
    work: /asleep|idle|60 ms|pause/i,
    peer: /./,
    because: "A wake-up passes through the runtime's event loop on its way to the function and on its way back.",
  },
  {
    work: /start/i,
    peer: /worker|thread|spawn|fork|process/i,
    because: "A start loads the library's own modules beside the function's: each costs before its text counts. " +
      "With a warm spare they are loaded already.",
  },
  {
    work: /memory|idle/i,
    peer: /worker|thread|process/i,
    because: "The library's modules are loaded in each worker.",
  },
  {
    work: /1 MB|64 MB|copied|large/i,
    peer: /./,
    because: "Large buffers are copied three times each way: into bytes, into the shared memory, out of it. " +
      "What is shared or transferred is not.",
  },
  {
    work: /map|tiny tasks/i,
    peer: /CPython|multiprocessing\.Pool/i,
    because:
      "CPython's pool calls the function in a loop in C for a whole chunk; here each task has a cancellable entry.",
  },
];

/** Why this peer is ahead in this work; `undefined` where that has not been found out. */
export function reasonFor(work: string, peer: string): string | undefined {
  return REASONS.find((reason) => reason.work.test(work) && reason.peer.test(peer))?.because;
}
