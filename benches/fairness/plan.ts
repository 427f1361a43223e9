/** What is measured of fairness: which locks, how many threads, and what a thread does while it holds the lock. */

/** How long a thread keeps the lock. */
export const SECTIONS = {
  short: { micros: 0, about: "adds one to a number" },
  long: { micros: 20, about: "adds one to a number and computes for 20 µs" },
} as const;

/** What else the machine does. */
export const MACHINES = {
  idle: "nothing else runs",
  busy: "a loop on each processor takes turns with the threads, so that a holder loses its processor now and then",
} as const;

/** Threads that want the lock. */
export const THREADS = [2, 4, 8] as const;

/** A setting in which all contestants are measured. */
export interface Setting {
  readonly threads: number;
  readonly section: keyof typeof SECTIONS;
  readonly machine: keyof typeof MACHINES;
}

/** All settings. */
export const SETTINGS: readonly Setting[] = Object.keys(MACHINES).flatMap((machine) =>
  Object.keys(SECTIONS).flatMap((section) => THREADS.map((threads) => ({ threads, section, machine }) as Setting))
);

/** The locks, by the name of their contestants. */
export const LOCKS = {
  Lock: "the library's",
  "mutex of three states":
    "compare-exchange, exchange and `Atomics.wait` by hand: a released lock belongs to the first thread that comes, asleep or not",
  "threading.Lock": "CPython's, whose threads also take turns at the interpreter, for 5 ms each",
} as const;

/** What is counted of each setting. */
export const COUNTS = {
  time: { name: "time of a turn", unit: "ns", better: "less" },
  share: { name: "least served thread, of an equal share", unit: "%", better: "more" },
  wait: { name: "turns of others during the longest wait", unit: "turns", better: "less" },
} as const;

/** The name of the group with a count of a setting. */
export function groupOf({ threads, section, machine }: Setting, count: keyof typeof COUNTS): string {
  return `${titleOf({ threads, section, machine })}: ${COUNTS[count].name}`;
}

/** A setting in words. */
export function titleOf({ threads, section, machine }: Setting): string {
  return `${threads} threads, ${section} sections, ${machine} machine`;
}

/** What a player prints, as JSON. */
export interface Outcome {
  readonly version: string;
  /** Milliseconds that the threads had. */
  readonly ms: number;
  /** For each thread, how often it had the lock. */
  readonly turns: readonly number[];
  /** For each thread, how often others had the lock between two of its own turns, at most. */
  readonly gaps: readonly number[];
}
