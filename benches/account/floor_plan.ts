/**
 * The floors of what is asked of rows of `bench:peers`: a goal there is a multiple of a peer's time. Beside it stand the smallest
 * programs without the library that do the work at all, from their first operation on, and the library itself.
 */

import type { Scope } from "../peers/work.ts";

/** The programs. What each does is told below their table. */
export const ALONE = "pairs of one thread";
export const MUTEX = "mutex of three states";
export const BACKING_OFF = "mutex that backs off";
export const GUARDED = "mutex with guards";
export const TWO_MUTEXES = "ring with two mutexes";
export const ANNOUNCED = "ring, sleepers announced";
export const FUTEX = "futex through FFI";
export const CODED = { hand: "ring, code by hand", JSON: "ring, JSON" } as const;
export const LARGE = { fresh: "copies to new arrays", reused: "copies to one array" } as const;
/** By the number of statements. */
export const COLD = { 0: "bare words", 200: "words, 1,000 bytecodes", 1000: "words, 5,000 bytecodes" } as const;

/** What the programs are, in a sentence each. */
export const ABOUT: Readonly<Record<string, string>> = {
  [ALONE]:
    "A thread does the additions of all, with a compare-exchange and an exchange around each: no lock of two operations takes less",
  [MUTEX]: "Compare-exchange, exchange, and `Atomics.wait` for a waiter. It knows no owner",
  [BACKING_OFF]: "The same, but a waiter leaves the word alone for microseconds before it looks again. It is not fair",
  [GUARDED]:
    "The mutex of three states, plus an object for each acquisition, like the guard that a lock returns for `using`",
  [TWO_MUTEXES]: "Any number of threads may put and take numbers: a mutex at each end, and a ring",
  [ANNOUNCED]:
    "One producer, one consumer, no lock. A thread says in a word of its own that it sleeps, so that neither reads the other's count for each number",
  [FUTEX]: "Words of a mapping, `futex` for sleep and wake-up, two threads. A message has no length",
  [CODED.hand]: "One producer, one consumer, and an encoder and decoder of exactly this shape, for one-byte characters",
  [CODED.JSON]:
    "The same with `JSON.stringify` and `JSON.parse`: the engine's own code, which runs at full speed at once",
  [LARGE.fresh]: "Two buffers in shared memory. Each message is copied into it, and out of it into a new array",
  [LARGE.reused]:
    "The same, but the consumer copies into the same array each time, so that it has only the last message",
  [COLD[0]]: "`Atomics.wait` or `Atomics.waitAsync`, and a word for each direction",
  [COLD[200]]:
    "The same, and each side runs 200 statements for each message, which are as cold as the rest of the program",
  [COLD[1000]]: "The same with 1,000 statements",
};

/** A contestant that is not measured here alone: a program of bench:peers. */
export type Peer = "CPython" | "bare Atomics" | "bare Worker";

/** What is asked: the library takes no more than so many times the peer's time. */
export interface Goal {
  readonly asked: string;
  readonly peer: Peer;
  readonly most: number;
  /** The runtimes that it is asked of. Default: both. */
  readonly runtimes?: readonly string[];
}

/** A group: some work with its programs and goals. */
export interface FloorRow {
  readonly name: string;
  /** As the players of bench:peers know it. */
  readonly work: string;
  readonly scope: Scope;
  /** How often a sample does it, and how often a sample of a slower peer does. */
  readonly n: number;
  readonly quickN: number;
  readonly peerN?: number;
  readonly programs: readonly string[];
  readonly goals: readonly Goal[];
  /** What the programs show, and what they do not show, in a sentence or two. */
  readonly about: string;
}

/** How the works of the player are called. */
export function work(program: string, name: string): string {
  return `${name}: ${program}`;
}

const rate = (factor: number, peer: Peer, of: string, runtimes?: readonly string[]): Goal => ({
  asked: `${factor} x the rate of ${of}`,
  peer,
  most: 1 / factor,
  runtimes,
});
const time = (factor: number, peer: Peer, of: string): Goal => ({
  asked: `${factor} x the time of ${of}`,
  peer,
  most: factor,
});

const FIRST = "from the first addition";
const CODES = Object.values(CODED);
const COLDS = Object.values(COLD);

/** All rows. */
export const FLOORS: readonly FloorRow[] = [
  {
    name: `Lock, 2 x 200,000 ${FIRST}`,
    about:
      "Threads begin with code that is not compiled. CPython lets one thread run for milliseconds, so its lock is seldom taken. The pairs of one thread are a lower limit for a lock that is never in the way: between them and a mutex is what contention takes. The difference between a mutex and a mutex with guards is what returning an object takes while the code is not compiled",
    work: "lock/2",
    scope: "threads",
    n: 400_000,
    quickN: 20_000,
    programs: [MUTEX, BACKING_OFF, GUARDED, ALONE],
    goals: [rate(2, "CPython", "CPython's lock")],
  },
  {
    name: `Lock, 4 x 200,000 ${FIRST}`,
    about: "As with two threads, with more threads than a small machine has processors",
    work: "lock/4",
    scope: "threads",
    n: 800_000,
    quickN: 20_000,
    programs: [MUTEX, BACKING_OFF, GUARDED],
    goals: [rate(2, "CPython", "CPython's lock")],
  },
  {
    name: "Lock, 2 x 3,000,000",
    about:
      "The code is compiled for most of the time, so what counts is how often the lock moves from one processor to the other. A waiter that stays away makes that rare",
    work: "lock/2",
    scope: "threads",
    n: 6_000_000,
    quickN: 40_000,
    programs: [BACKING_OFF, ALONE],
    goals: [rate(0.7, "bare Atomics", "the mutex of three states")],
  },
  {
    name: "Queue of integers",
    about:
      "A ring without a lock has one producer and one consumer. With a mutex at each end any number may take part, and each item costs four atomic exchanges and moves more cache lines",
    work: "queue/integers",
    scope: "threads",
    n: 400_000,
    quickN: 20_000,
    peerN: 50_000,
    programs: [TWO_MUTEXES, ANNOUNCED],
    goals: [rate(0.6, "bare Atomics", "a ring without a lock"), rate(20, "CPython", "CPython's queue")],
  },
  {
    name: "Queue of { id, name, tags }",
    about:
      "The codes know the shape or are the engine's own. A codec of JavaScript that finds the shape at run time is slower, most of all before it is compiled. The rings have no mutex",
    work: "queue/objects",
    scope: "threads",
    n: 100_000,
    quickN: 5_000,
    programs: CODES,
    goals: [rate(2, "bare Worker", "postMessage", ["Bun"])],
  },
  {
    name: "Queue of 1 KB objects",
    about:
      "Most of the time goes into a string of a thousand characters, which is made, copied twice and made again. The rings have no mutex",
    work: "queue/1 KB",
    scope: "threads",
    n: 40_000,
    quickN: 2_000,
    programs: CODES,
    goals: [rate(2.5, "bare Worker", "postMessage", ["Deno"]), rate(1.5, "bare Worker", "postMessage", ["Bun"])],
  },
  {
    name: "Queue of 1 KB objects between processes",
    about:
      "The programs are those of two threads: memory that processes share is as fast to read and write, and a sleep there costs a call of the system more. CPython's codec is compiled C",
    work: "queue/1 KB",
    scope: "processes",
    n: 40_000,
    quickN: 2_000,
    peerN: 10_000,
    programs: CODES,
    goals: [rate(4, "CPython", "CPython's queue")],
  },
  {
    name: "Pipe, partner asleep",
    about:
      "The futexes of two threads wake each other as those of two processes do. The call through the runtime is included, and everything that a message needs is not: its bytes, room, holders, end of file",
    work: "pipe/asleep",
    scope: "processes",
    n: 30,
    quickN: 5,
    programs: [FUTEX],
    goals: [time(1.1, "CPython", "CPython's pipe")],
  },
  {
    name: "Pipe, 1 MiB",
    about:
      "A receiver that gives each message to its caller needs a new array for it. The system zeroes the pages of such an array and maps them at the first write, which the copy to one array shows by its absence",
    work: "pipe/1 MiB",
    scope: "processes",
    n: 100,
    quickN: 10,
    programs: Object.values(LARGE),
    goals: [rate(4, "CPython", "CPython's pipe")],
  },
  {
    name: "Wake-up of a blocked thread",
    about:
      "After a sleep, code and data have left the caches, and most of the code is interpreted. The rows with bytecodes show what each thousand of them takes in that state, there and back",
    work: "wake/thread",
    scope: "threads",
    n: 30,
    quickN: 5,
    programs: [TWO_MUTEXES, ANNOUNCED, ...COLDS],
    goals: [time(1.2, "bare Atomics", "bare `Atomics.wait`")],
  },
  {
    name: "Wake-up of a promise",
    about: "As with a blocked thread, with a turn of the event loop on one side",
    work: "wake/promise",
    scope: "threads",
    n: 30,
    quickN: 5,
    programs: [TWO_MUTEXES, ANNOUNCED, ...COLDS],
    goals: [time(1.2, "bare Atomics", "bare `Atomics.waitAsync`")],
  },
];

/** What the library is called among the contestants. */
export const LIBRARY = "Weft";
/** How the names of the groups begin. */
export const FLOOR = "floors: ";
/** Programs that do less than the row asks, beside the others: they show a price, and are no floor. */
export const LESS: readonly string[] = [ALONE, LARGE.reused, ...COLDS];
