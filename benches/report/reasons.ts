/**
 * Why a peer is ahead, by work and peer. The report takes a reason in only where the figures say that the peer is ahead, so
 * none of them has a number in it, and one that no longer holds disappears by itself.
 *
 * A reason names what this library does and that peer does not. Where the peer does the same, as where both wait for the event
 * loop, there is none: the report says then that it is not known.
 */

/** A reason, and what it is about. */
export interface Reason {
  /** What the group is called. */
  readonly work: RegExp;
  /** What the peer is called, with its runtime. */
  readonly peer: RegExp;
  /** A sentence or two. */
  readonly because: string;
}

/** Those of the platform alone, and npm's packages: they load little or nothing of their own into a worker. */
const LEAN = /^bare |^child_process\.fork|, Node$/;
const C = /, C$/;

/** All reasons; the first that fits is taken. */
export const REASONS: readonly Reason[] = [
  {
    work: /^(round trip of a task|tasks |a megabyte of text|an idle)/i,
    peer: /^local pool/,
    because:
      "A local pool has its tasks in memory that its workers share. Those of a fleet go through a server to another program.",
  },
  {
    work: /^(round trip of a task|tasks |a megabyte of text|an idle)/i,
    peer: /^BullMQ/,
    because:
      "BullMQ calls the function in its worker's own loop. An agent hands it on to a process of its own, so that a task which " +
      "computes, or dies, takes nothing else along.",
  },
  {
    work: /^processor time of a program that imports/i,
    peer: LEAN,
    because: "A program of the bare platform imports nothing; the library's files are read and translated.",
  },
  {
    work: /^start and end.*\(processes\)/i,
    peer: /\(spawn\), CPython$/,
    because:
      "A new interpreter of CPython is up in less time than a new JavaScript runtime, and its modules are there in bytecode.",
  },
  {
    work: /^memory.*\(processes\)/i,
    peer: /\(spawn\), CPython$/,
    because:
      "A JavaScript runtime keeps more memory for its heap, its compilers and its modules than an interpreter does.",
  },
  {
    work: /^start and end.*\(threads\)/i,
    peer: /, (CPython|C)$/,
    because: "A thread of CPython or C runs in the same interpreter or program: nothing is loaded for it.",
  },
  {
    work: /^start and end.*\(processes\)/i,
    peer: /\(forkserver\), CPython|^fork.*, C$/,
    because:
      "A fork has all that its parent has loaded. A JavaScript runtime cannot be forked: each process starts it anew and " +
      "loads its modules.",
  },
  {
    work: /^start and end/i,
    peer: LEAN,
    because:
      "A start loads the library's own modules beside the function's, and each of them costs before its text counts. The peer " +
      "has none, or, as a package of npm, a few files. With a warm spare they are loaded already.",
  },
  {
    work: /^memory.*\(threads\)/i,
    peer: /, (CPython|C)$/,
    because: "A thread of CPython or C shares the program's modules and heap; a worker has its own.",
  },
  {
    work: /^memory.*\(processes\)/i,
    peer: /\(forkserver\), CPython|^fork.*, C$/,
    because: "A fork shares the pages that its parent has loaded, until it writes to them.",
  },
  {
    work: /^memory/i,
    peer: LEAN,
    because:
      "The library's modules are loaded in each worker; the peer has none there, or, as a package of npm, a few files.",
  },
  {
    work: /transferred.*\(threads\)/i,
    peer: /./,
    because:
      "The bare worker gets its buffer with the message that names the task. Here any worker may take the task, and only then " +
      "asks for the buffer: that is one message more, and two turns of the event loop.",
  },
  {
    work: /transferred/i,
    peer: /./,
    because:
      "Between processes its bytes are copied into the memory that they share, and `transfer` only takes the buffer away from " +
      "the caller.",
  },
  {
    work: /(copied|^messages of).*\(threads\)/i,
    peer: /^bare Worker|^bare worker_threads|, Node$/,
    because:
      "A message of the platform copies bytes into the message and out of it. Here they are copied once more: through the " +
      "memory that the workers share. An array in shared memory is not copied.",
  },
  {
    work: /^(queue|round trip: partner awake|messages)/i,
    peer: C,
    because: "The C program passes bytes as they are: nothing is encoded, and no engine is between it and the memory.",
  },
  {
    work: /^round trip/i,
    peer: /^bare Atomics/,
    because: "Bare words carry a number as it is: nothing is encoded, and no message has a length.",
  },
  {
    work: /^pool: one task/i,
    peer: /, CPython$/,
    because:
      "The caller in CPython blocks until it has the result. Here it awaits a promise, which is settled by a turn of the event " +
      "loop.",
  },
  {
    work: /^pool: task after/i,
    peer: /./,
    because:
      "Meanwhile the processor has forgotten the pool's code and data. What takes a few microseconds when both sides are awake " +
      "takes many times as long then, and a pool has more of it than two threads that share a word. Half of that time goes where " +
      "few calls were made before: into code that the engine has not compiled yet.",
  },
  {
    work: /^pool: task with .* shared/i,
    peer: /./,
    because:
      "Nothing of the array is copied. So few tasks are called that the engine has not compiled the pool's code yet, of which there is " +
      "more than of the peer's.",
  },
  {
    work: /^pool: task of a map/i,
    peer: /^(multiprocessing|threading).*, CPython$/,
    because: "CPython's worker goes through a whole chunk in one loop in C.",
  },
  {
    work: /^lock contended.*\(threads\)/i,
    peer: /^threading, CPython$/,
    because:
      "CPython's global interpreter lock lets one thread run at a time, so that a thread seldom finds the lock taken. Here the " +
      "threads run side by side and do.",
  },
  {
    work: /^rlock/i,
    peer: C,
    because: "The C program's lock knows its owner, but does not notice that a holder has ended.",
  },
  {
    work: /^(lock|rwlock|condition|one lock)/i,
    peer: /^bare |, C$/,
    because:
      "The bare lock knows no owner: it notices neither that a holder has ended nor that a thread waits for itself.",
  },
  {
    work: /^lock.*\(processes\)/i,
    peer: /, CPython$/,
    because:
      "CPython's lock between processes is a semaphore that no process owns: the end of a holder leaves it taken.",
  },
  {
    work: /^(semaphore|boundedsemaphore|event|latch|barrier|value)/i,
    peer: /^bare |, C$/,
    because: "Each call first checks that the object has not been disposed of, and what it is given.",
  },
];

/** Why this peer is ahead in this work; `undefined` where that has not been found out. */
export function reasonFor(work: string, peer: string): string | undefined {
  return REASONS.find((reason) => reason.work.test(work) && reason.peer.test(peer))?.because;
}
