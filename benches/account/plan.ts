/**
 * What is measured: pieces, without the library, and operations of the library that are made of such pieces. Each section is
 * played by a program of its own on each runtime, so that no section sees code that another has made slower.
 */

/** A piece or an operation. */
export interface Row {
  /** Its name in the tables, and among the works of the player. */
  readonly name: string;
  /** How often a sample does it, if that is fixed. */
  readonly n?: number;
  /** The same in a quick run. */
  readonly quickN?: number;
  /** Whether a sample needs no warming: it runs in a new program, or warms what it needs. */
  readonly unwarmed?: boolean;
}

/** Rows that one program plays. */
export interface Section {
  /** What the player is called with. */
  readonly player: string;
  /** The name of the group in the results. */
  readonly group: string;
  readonly rows: readonly Row[];
}

/** Two atomic operations that write: as few as a lock can have. */
export const PAIR = "compareExchange + exchange";
export const STORE = "Atomics.store";
export const LOAD = "Atomics.load";
export const CLOCK = "Date.now";
export const AWAIT = "await of a settled promise";
export const ENCODE = "encode { id, name, tags }";
export const DECODE = "decode { id, name, tags }";

/** The pieces that touch a word. */
const BARE: readonly Row[] = [
  { name: PAIR },
  { name: LOAD },
  { name: "plain read" },
  { name: STORE },
  { name: "plain write" },
  { name: "Atomics.notify without a sleeper" },
];

/** How often a thread is woken in a sample: for a median, and for a tenth of the values. */
const WAKES = { n: 40, quickN: 5, unwarmed: true };

/** The name of the group of operations. */
export const OPERATIONS = "operations of the library";
/** The name of the group of the parts of an item on its way. */
export const CODEC = "the codec alone";
/** The name of the group of a new program's first operations. */
export const FIRST = "a new program";

/** The names of the groups of {@linkcode BARE}, by the kind of memory. */
export const MEMORIES = {
  fixed: "words of a fixed SharedArrayBuffer of a page",
  growing: "words of a buffer like the memory of threads",
  threads: "words of such a buffer, in an array of a fixed length",
  processes: "words of a buffer like the memory of processes",
} as const;

/** All sections, in the order of the tables. */
export const SECTIONS: readonly Section[] = [
  { player: "fixed", group: MEMORIES.fixed, rows: BARE },
  { player: "growing", group: MEMORIES.growing, rows: BARE },
  { player: "threads", group: MEMORIES.threads, rows: BARE },
  // No thread can wait on a buffer that the engine does not know as shared, so nothing is notified there.
  { player: "processes", group: MEMORIES.processes, rows: BARE.slice(0, -1) },
  {
    player: "engine",
    group: "the engine",
    rows: [
      { name: "Atomics.pause" },
      { name: "performance.now" },
      { name: CLOCK },
      { name: "call of a method that is too large to be inlined" },
      { name: "guard: an object with three private fields" },
      { name: AWAIT },
      { name: "await of an async function" },
    ],
  },
  {
    player: "copies",
    group: "copies",
    rows: [
      { name: "1 KB into a SharedArrayBuffer" },
      { name: "1 KB out of a SharedArrayBuffer" },
      { name: "1 MiB into a SharedArrayBuffer" },
      { name: "1 MiB out of a SharedArrayBuffer" },
    ],
  },
  {
    player: "others",
    group: "another thread",
    rows: [
      { name: "a word there and back, both threads awake", n: 20_000, quickN: 2_000 },
      { name: "Atomics.notify that wakes a sleeper: the call", ...WAKES },
      { name: "wake-up from Atomics.wait: median", ...WAKES },
      { name: "wake-up from Atomics.wait: p90", ...WAKES },
      { name: "wake-up from Atomics.waitAsync: median", ...WAKES },
      { name: "wake-up from Atomics.waitAsync: p90", ...WAKES },
    ],
  },
  {
    player: "native",
    group: "the C library",
    rows: [
      { name: "call of a function that does nothing" },
      { name: "futex: wake without a sleeper" },
      { name: "futex: wait that returns at once" },
    ],
  },
  {
    player: "locks",
    group: OPERATIONS,
    rows: [
      { name: "Lock: acquireSync + release" },
      { name: "Lock: acquireSync + dispose of the guard" },
      { name: "RLock: acquireSync + release" },
      { name: "Semaphore: acquireSync + release" },
      { name: "RWLock: readSync + dispose of the guard" },
      { name: "RWLock: writeSync + dispose of the guard" },
      { name: "Lock: await acquire + dispose of the guard" },
    ],
  },
  {
    player: "queues",
    group: OPERATIONS,
    rows: [
      { name: "Queue: putSync of an integer" },
      { name: "Queue: getSync of an integer" },
      { name: "Queue: await put + get of an integer" },
      { name: "Queue: putSync of { id, name, tags }" },
      { name: "Queue: getSync of { id, name, tags }" },
      { name: "Queue: await put + get of { id, name, tags }" },
    ],
  },
  { player: "codec", group: CODEC, rows: [{ name: ENCODE }, { name: DECODE }] },
  {
    player: "pipes",
    group: OPERATIONS,
    rows: [
      { name: "Connection: sendSync + recvSync in one thread" },
      { name: "Connection: sendSync + recvSync, a busy process answers", n: 5_000, quickN: 1_000 },
    ],
  },
  {
    player: "first",
    group: FIRST,
    rows: [
      { name: `${PAIR}: the first 10,000`, n: 10_000, unwarmed: true },
      { name: `${PAIR}: the first 200,000`, n: 200_000, unwarmed: true },
      { name: "Lock: acquireSync + release: the first 10,000", n: 10_000, unwarmed: true },
      { name: "Lock: acquireSync + release: the first 200,000", n: 200_000, unwarmed: true },
    ],
  },
];

/** The group of a piece that is measured once. */
export function groupOf(name: string): string {
  return SECTIONS.find(({ rows }) => rows.some((row) => row.name === name))!.group;
}

/** Whether the rows of a group are this library's. */
export function isOurs(group: string, row: string): boolean {
  return group === OPERATIONS || group === CODEC || row.startsWith("Lock");
}
