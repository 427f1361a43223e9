/** What is done, in the order of the tables: the names that players know the works by, and how they are measured. */

/** Parts of the tables, each with a chart of its own. */
export const SECTIONS = ["starting", "free", "contended", "messages", "pools"] as const;
/** The name of one. */
export type Section = typeof SECTIONS[number];

/** A work. */
export interface WorkInfo {
  /** As in commands, and mostly as players know it. */
  readonly name: string;
  /** As players know it, if otherwise. */
  readonly work?: string;
  readonly title: string;
  readonly section: Section;
  /** Default: `ns`. */
  readonly unit?: "ns" | "bytes";
  /** How often it is done in a sample, if that is not to be found out; in a quick run. */
  readonly n?: number;
  readonly quickN?: number;
  /** Whether it is done in a new program each time, or warms what it needs. */
  readonly unwarmed?: boolean;
  /** How often it is done at least. */
  readonly least?: number;
  /** Milliseconds until it is said to hang, if it may. */
  readonly limit?: number;
  /** Whether a quick run has it. */
  readonly quick?: boolean;
}

const LONG = 2_000_000;
const SHORT = 20_000;

function items(kind: string, title: string, quick: boolean): WorkInfo[] {
  return [
    {
      name: `queue/${kind}`,
      title: `Queue of ${title}: blocking`,
      section: "messages",
      quick,
      quickN: 20_000,
      least: 1000,
    },
    {
      name: `queue/${kind} awaited`,
      title: `Queue of ${title}: awaited`,
      section: "messages",
      least: 1000,
    },
  ];
}

function bytes(size: string, n?: number): WorkInfo[] {
  return ["copied", "transferred", "shared"].map((how) => (
    { name: `pool/${size} ${how}`, title: `Pool: task with ${size} ${how}`, section: "pools", n, limit: 20_000 }
  ));
}

/** All of them. */
export const WORKS: readonly WorkInfo[] = [
  { name: "start/cold", title: "Start and end: the first in a program", section: "starting", n: 1, unwarmed: true },
  {
    name: "start/spare",
    title: "Start and end: half a second after another",
    section: "starting",
    n: 3,
    quickN: 1,
    unwarmed: true,
    quick: true,
  },
  {
    name: "start/in turn",
    title: "Start and end: one after the other",
    section: "starting",
    quickN: 1,
    quick: true,
  },
  {
    name: "start/ten cold",
    title: "Start and end of 10 at once: the first in a program",
    section: "starting",
    n: 1,
    unwarmed: true,
  },
  { name: "start/ten", title: "Start and end of 10 at once: again and again", section: "starting", n: 1 },
  {
    name: "memory/idle",
    title: "Memory of one that waits",
    section: "starting",
    n: 5,
    unit: "bytes",
    unwarmed: true,
    quick: true,
  },
  { name: "lock/free", title: "Lock: uncontended", section: "free", quick: true },
  { name: "lock/awaited", title: "Lock: uncontended and awaited", section: "free" },
  { name: "rlock/free", title: "RLock: uncontended", section: "free" },
  { name: "semaphore/free", title: "Semaphore: uncontended", section: "free" },
  { name: "semaphore/bounded", title: "BoundedSemaphore: uncontended", section: "free" },
  { name: "latch/free", title: "Latch: count down", section: "free" },
  { name: "event/free", title: "Event: set + wait + clear", section: "free" },
  { name: "condition/free", title: "Condition: acquire + notify + release", section: "free" },
  { name: "barrier/free", title: "Barrier: pass alone", section: "free" },
  { name: "rwlock/read", title: "RWLock: uncontended reader", section: "free" },
  { name: "rwlock/write", title: "RWLock: uncontended writer", section: "free" },
  { name: "value/set", title: "Value: set", section: "free" },
  { name: "value/add", title: "Value: add 1", section: "free" },
  { name: "queue/free", title: "Queue: put + get by one caller", section: "free" },
  { name: "queue/lifo", title: "LifoQueue: put + get by one caller", section: "free" },
  { name: "queue/priority", title: "PriorityQueue: put + get by one caller", section: "free" },
  {
    name: "lock/2",
    title: "Lock contended by 2: long",
    section: "contended",
    least: LONG,
    quickN: 200_000,
    quick: true,
  },
  { name: "lock/4", title: "Lock contended by 4: long", section: "contended", least: LONG },
  {
    name: "lock/2 short",
    work: "lock/2",
    title: "Lock contended by 2: 10000 times each",
    section: "contended",
    n: SHORT,
  },
  {
    name: "lock/4 short",
    work: "lock/4",
    title: "Lock contended by 4: 5000 times each",
    section: "contended",
    n: SHORT,
  },
  ...items("integers", "integers", true),
  ...items("objects", "small objects", false),
  ...items("1 KB", "objects of 1 KB", false),
  { name: "pipe/busy", title: "Round trip: partner awake", section: "messages", quick: true, quickN: 1000 },
  { name: "pipe/asleep", title: "Round trip: partner asleep", section: "messages", n: 100, quickN: 20 },
  { name: "pipe/1 MiB", title: "Messages of 1 MiB", section: "messages", least: 20, quickN: 20 },
  { name: "pool/map 1000", title: "Pool: task of a map over 1000", section: "pools", least: 1000 },
  {
    name: "pool/map 10000",
    title: "Pool: task of a map over 10000",
    section: "pools",
    least: 10_000,
    quickN: 10_000,
    quick: true,
  },
  { name: "pool/map 100000", title: "Pool: task of a map over 100000", section: "pools", n: 100_000 },
  { name: "pool/submits", title: "Pool: one of 10000 separate tasks", section: "pools", n: 10_000 },
  { name: "pool/round trip", title: "Pool: one task at a time", section: "pools", quick: true },
  { name: "pool/after idleness", title: "Pool: task after 60 ms of idleness", section: "pools", n: 20, quickN: 5 },
  { name: "pool/1 KB", title: "Pool: 1 KB there and back", section: "pools" },
  ...bytes("1 MB"),
  ...bytes("64 MB", 2),
  {
    name: "pool/cpu",
    title: "Pool: task of two million square roots",
    section: "pools",
    least: 8,
    quickN: 8,
    quick: true,
  },
  {
    name: "pool/killed",
    title: "Pool: notice of a killed worker",
    section: "pools",
    n: 1,
    limit: 3000,
    quick: true,
  },
];

/** The works that have one of these names, or whose names begin so; all without any. */
export function worksNamed(beginnings: readonly string[]): WorkInfo[] {
  for (const beginning of beginnings) {
    if (WORKS.some(({ name }) => name.startsWith(beginning))) continue;
    const names = WORKS.map(({ name }) => name).join(", ");
    throw new TypeError(
      `Cannot run benchmarks: --works must be beginnings of names of works: received '${beginning}', there are ${names}`,
    );
  }
  const isNamed = (name: string, text: string): boolean =>
    WORKS.some((work) => work.name === text) ? name === text : name.startsWith(text);
  return WORKS.filter(({ name }) => beginnings.length === 0 || beginnings.some((each) => isNamed(name, each)));
}
