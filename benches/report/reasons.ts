/**
 * Why a peer is ahead, by work and peer. The report includes a reason only if the figures show that the peer is ahead. So no
 * reason contains a number, and a reason that no longer holds disappears by itself.
 *
 * A reason names what this library does and that peer does not do. If the peer does the same, for example if both wait for the
 * event loop, there is no reason: the report then says that it is not known.
 */

/** A reason, and the works and peers that it applies to. */
export interface Reason {
  /** Matches the name of the group. */
  readonly work: RegExp;
  /** Matches the name of the peer, with its runtime. */
  readonly peer: RegExp;
  /** A sentence or two. */
  readonly because: string;
}

/** The bare platform and the packages of npm: they load little or nothing of their own into a worker. */
const LEAN = /^bare |^child_process\.fork|, Node$/;
const C = /, C$/;

/** All reasons; the first that matches is used. */
export const REASONS: readonly Reason[] = [
  {
    work: /^(round trip of a task|tasks |a megabyte of text|an idle)/i,
    peer: /^local pool/,
    because:
      "A local pool has its tasks in memory that its workers share. Tasks of a fleet go through a server to another program.",
  },
  {
    work: /^(round trip of a task|tasks |a megabyte of text|an idle)/i,
    peer: /^BullMQ/,
    because:
      "BullMQ calls the function in its worker's own event loop. An agent passes it to a separate process, so a task that computes " +
      "or dies does not affect anything else.",
  },
  {
    work: /^processor time of a program that imports/i,
    peer: LEAN,
    because: "A program of the bare platform imports nothing. The library's files have to be read and compiled.",
  },
  {
    work: /^start and end.*\(processes\)/i,
    peer: /\(spawn\), CPython$/,
    because:
      "A new CPython interpreter starts in less time than a new JavaScript runtime, and its modules are available as bytecode.",
  },
  {
    work: /^memory.*\(processes\)/i,
    peer: /\(spawn\), CPython$/,
    because:
      "A JavaScript runtime needs more memory for its heap, its compilers and its modules than an interpreter does.",
  },
  {
    work: /^start and end.*\(threads\)/i,
    peer: /, (CPython|C)$/,
    because: "A thread of CPython or C runs in the same interpreter or program, so nothing is loaded for it.",
  },
  {
    work: /^start and end.*\(processes\)/i,
    peer: /\(forkserver\), CPython|^fork.*, C$/,
    because:
      "A fork has everything that its parent has loaded. A JavaScript runtime cannot be forked: each process starts a new runtime " +
      "and loads its modules.",
  },
  {
    work: /^start and end/i,
    peer: LEAN,
    because:
      "A start loads the library's own modules in addition to the function's module, and each module has a fixed cost besides its " +
      "length. The bare platform loads no modules of its own, a package of npm a few files. A warm spare has them loaded already.",
  },
  {
    work: /^memory.*\(threads\)/i,
    peer: /, (CPython|C)$/,
    because: "A thread of CPython or C shares the program's modules and heap. A worker has its own.",
  },
  {
    work: /^memory.*\(processes\)/i,
    peer: /\(forkserver\), CPython|^fork.*, C$/,
    because: "A fork shares the pages that its parent has loaded until it writes to them.",
  },
  {
    work: /^memory/i,
    peer: LEAN,
    because:
      "The library's modules are loaded in each worker. The bare platform has no modules there, a package of npm a few files.",
  },
  {
    work: /transferred.*\(threads\)/i,
    peer: /./,
    because:
      "The bare worker gets its buffer with the message that names the task. Here any worker may take the task, and it asks for " +
      "the buffer only then. That costs an additional message and two turns of the event loop.",
  },
  {
    work: /transferred/i,
    peer: /./,
    because:
      "Between processes, the bytes are copied into the memory that they share. `transfer` only detaches the buffer in the caller.",
  },
  {
    work: /(copied|^messages of).*\(threads\)/i,
    peer: /^bare Worker|^bare worker_threads|, Node$/,
    because:
      "A message of the platform copies bytes into the message and out of it. Here they are copied once more, through the memory " +
      "that the workers share. An array in shared memory is not copied.",
  },
  {
    work: /^(queue|round trip: partner awake|messages)/i,
    peer: C,
    because:
      "The C program passes bytes as they are. Nothing is encoded, and there is no engine between the program and the memory.",
  },
  {
    work: /./,
    peer: /^bare pair/,
    because:
      "The pair does nothing but two atomic operations. It knows no owner, checks nothing, and nothing can wait for it.",
  },
  {
    work: /^queue of integers/i,
    peer: /^bare Atomics/,
    because:
      "The ring carries numbers only, and has one producer and one consumer. Nothing is encoded, and neither end has a lock.",
  },
  {
    work: /^wake-up/i,
    peer: /^bare Atomics/,
    because: "Bare words carry a number as it is, and have one waiter at most.",
  },
  {
    work: /^round trip/i,
    peer: /^bare Atomics/,
    because: "Bare words carry a number as it is. Nothing is encoded, and messages have no length.",
  },
  {
    work: /^pool: one task/i,
    peer: /, CPython$/,
    because:
      "The caller in CPython blocks until it has the result. Here it awaits a promise, which settles in a turn of the event loop.",
  },
  {
    work: /^pool: task after/i,
    peer: /./,
    because:
      "During the pause, the pool's code and data have left the processor's caches. Code that takes a few microseconds when both " +
      "sides are awake then takes many times as long, and a pool has more code than two threads that share a word. If few calls " +
      "were made before, half of that time is spent in code that the engine has not compiled yet.",
  },
  {
    work: /^pool: task with .* shared/i,
    peer: /./,
    because:
      "The array is not copied. There are so few tasks that the engine has not compiled the pool's code yet, and the pool has more " +
      "code than the peer.",
  },
  {
    work: /^pool: task of a map/i,
    peer: /^(multiprocessing|threading).*, CPython$/,
    because: "CPython's worker runs a whole chunk in a single loop in C.",
  },
  {
    work: /^lock contended.*\(threads\)/i,
    peer: /^threading, CPython$/,
    because:
      "CPython's global interpreter lock lets only a single thread run at a time, so a thread seldom finds the lock taken. Here the " +
      "threads run in parallel and compete for the lock.",
  },
  {
    work: /^rlock/i,
    peer: C,
    because: "The C program's lock knows its owner, but does not detect that a holder has ended.",
  },
  {
    work: /^(lock|rwlock|condition|one lock)/i,
    peer: /^bare |, C$/,
    because:
      "The bare lock knows no owner. It detects neither that a holder has ended nor that a thread waits for itself.",
  },
  {
    work: /^lock.*\(processes\)/i,
    peer: /, CPython$/,
    because: "CPython's lock between processes is a semaphore that no process owns. If a holder ends, it stays taken.",
  },
  {
    work: /^(semaphore|boundedsemaphore|event|latch|barrier|value)/i,
    peer: /^bare |, C$/,
    because: "Each call first checks its arguments, and that the object has not been disposed of.",
  },
];

/** Why this peer is ahead in this work; `undefined` if that is not known. */
export function reasonFor(work: string, peer: string): string | undefined {
  return REASONS.find((reason) => reason.work.test(work) && reason.peer.test(peer))?.because;
}
