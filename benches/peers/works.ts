/** The works, in the order of the tables. */

import { UserError } from "../lib/user_error.ts";
import type { Section, WorkInfo } from "./work.ts";

/** Works of a section. */
function of(section: Section, works: readonly Omit<WorkInfo, "section">[]): WorkInfo[] {
  return works.map((work) => ({ ...work, section }));
}

const LONG = 2_000_000;
const SHORT = 20_000;
const MANY = 500_000;
/** Additions of each while the engines still compile them. */
const FIRST = 200_000;

const STARTING = of("starting", [
  {
    name: "start/import",
    title: "Processor time of a program that imports it",
    about:
      "A program imports the module of threads, or that of processes, and ends; of the bare platform: it imports nothing. What is told " +
      "is the processor's time from the program's beginning",
    n: 5,
    quickN: 1,
    unwarmed: true,
  },
  {
    name: "start/cold",
    title: "Start and end: the first in a program",
    about: "A thread or process is started, calls a function that doubles a number, and has ended",
    n: 1,
    unwarmed: true,
  },
  {
    name: "start/spare",
    title: "Start and end: half a second after another",
    about: "As the first one, in a program that has started others before, so that it may keep a spare one ready",
    n: 3,
    quickN: 1,
    unwarmed: true,
    quick: true,
  },
  {
    name: "start/in turn",
    title: "Start and end: one after the other",
    about: "As the first one, again and again: the next one is started as soon as one has ended",
    quickN: 1,
    quick: true,
  },
  {
    name: "start/ten cold",
    title: "Start and end of 10 at once: the first in a program",
    about: "Ten are started, and then all of them are waited for; the time is that of all ten",
    n: 1,
    unwarmed: true,
  },
  {
    name: "start/ten",
    title: "Start and end of 10 at once: again and again",
    about: "Ten are started, and then all of them are waited for, in a program that has done it before",
    n: 1,
  },
  {
    name: "memory/idle",
    title: "Memory of one that waits",
    about:
      "By how much the memory of the program and its children grows with a thread or process that waits for an event",
    n: 5,
    unit: "bytes",
    unwarmed: true,
    quick: true,
  },
]);

const FREE = of("free", [
  {
    name: "lock/free",
    title: "Lock: uncontended",
    about: "A lock that no other thread wants is acquired and released, by the blocking call",
    quick: true,
  },
  {
    name: "lock/awaited",
    title: "Lock: uncontended and awaited",
    about: "A lock that no other thread wants is acquired by the call that returns a promise, and released",
  },
  {
    name: "rlock/free",
    title: "RLock: uncontended",
    about: "A lock that its holder may acquire again is acquired once, and released",
  },
  { name: "semaphore/free", title: "Semaphore: uncontended", about: "A semaphore of 1 is acquired and released" },
  {
    name: "semaphore/bounded",
    title: "BoundedSemaphore: uncontended",
    about: "A semaphore of 1 that may not be released too often is acquired and released",
  },
  { name: "latch/free", title: "Latch: count down", about: "A latch is counted down by one caller" },
  { name: "event/free", title: "Event: set + wait + clear", about: "An event that is set already is waited for" },
  {
    name: "condition/free",
    title: "Condition: acquire + notify + release",
    about: "A condition that nothing waits for is notified",
  },
  { name: "barrier/free", title: "Barrier: pass alone", about: "A barrier of one party is passed" },
  { name: "rwlock/read", title: "RWLock: uncontended reader", about: "A lock is acquired and released for reading" },
  { name: "rwlock/write", title: "RWLock: uncontended writer", about: "A lock is acquired and released for writing" },
  { name: "value/set", title: "Value: set", about: "A shared number is written" },
  { name: "value/add", title: "Value: add 1", about: "A shared number grows by one as one step, whatever others do" },
  {
    name: "queue/free",
    title: "Queue: put + get by one caller",
    about: "A number is put into an empty queue and taken out again by the same caller",
  },
  {
    name: "queue/lifo",
    title: "LifoQueue: put + get by one caller",
    about: "A number is put into an empty queue whose last item comes first, and taken out by the same caller",
  },
  {
    name: "queue/priority",
    title: "PriorityQueue: put + get by one caller",
    about: "A number is put into an empty queue whose least item comes first, and taken out by the same caller",
  },
]);

const CONTENDED = of("contended", [
  {
    name: "lock/2",
    title: "Lock contended by 2: long",
    about:
      "Two add 1 to a shared number under one lock, as fast as they can, a million times each; the time of one addition",
    least: LONG,
    quickN: 200_000,
    quick: true,
  },
  {
    name: "lock/4",
    title: "Lock contended by 4: long",
    about: "Four add 1 to a shared number under one lock, half a million times each; the time of one addition",
    least: LONG,
  },
  {
    name: "lock/2 short",
    work: "lock/2",
    title: "Lock contended by 2: 10000 times each",
    about: "Two add 1 to a shared number under one lock, so few times that their beginning and end count",
    n: SHORT,
  },
  {
    name: "lock/4 short",
    work: "lock/4",
    title: "Lock contended by 4: 5000 times each",
    about: "Four add 1 to a shared number under one lock, so few times that their beginning and end count",
    n: SHORT,
  },
  {
    name: "lock/2 200000",
    work: "lock/2",
    title: "Lock contended by 2: 200000 times each",
    about: "Two that have just been started add 1 to a shared number under one lock, from the first addition on",
    n: 2 * FIRST,
  },
  {
    name: "lock/4 200000",
    work: "lock/4",
    title: "Lock contended by 4: 200000 times each",
    about: "Four that have just been started add 1 to a shared number under one lock, from the first addition on",
    n: 4 * FIRST,
  },
  {
    name: "lock/2 3M",
    work: "lock/2",
    title: "Lock contended by 2: three million times each",
    about: "Two add 1 to a shared number under one lock, so often that their beginning does not count",
    n: 2 * 3_000_000,
    unwarmed: true,
  },
]);

function items(kind: string, title: string, example: string, quick: boolean): Omit<WorkInfo, "section">[] {
  return [
    {
      name: `queue/${kind}`,
      title: `Queue of ${title}: blocking`,
      about: `One thread or process puts ${example}, another takes them, both by blocking calls; the time of one item`,
      quick,
      quickN: 20_000,
      least: 1000,
    },
    {
      name: `queue/${kind} awaited`,
      title: `Queue of ${title}: awaited`,
      about: `One thread or process puts ${example}, the main program awaits each of them; the time of one item`,
      least: 1000,
    },
    {
      name: `queue/${kind} long`,
      work: `queue/${kind}`,
      title: `Queue of ${title}: half a million`,
      about: `One thread or process puts ${example}, another takes them, so many that the beginning does not count`,
      n: MANY,
      unwarmed: true,
    },
  ];
}

const MESSAGES = of("messages", [
  ...items("integers", "integers", "numbers", true),
  ...items("objects", "small objects", "objects `{ id, name, tags }`", false),
  ...items("1 KB", "objects of 1 KB", "objects with a string of 1,000 characters", false),
  {
    name: "pipe/busy",
    title: "Round trip: partner awake",
    about: "A number is sent and comes back, the next one at once, so that the partner has no time to fall asleep",
    quick: true,
    quickN: 1000,
  },
  {
    name: "pipe/asleep",
    title: "Round trip: partner asleep",
    about: "A number is sent and comes back, after 5 ms without a message, so that the partner has to be woken",
    n: 100,
    quickN: 20,
  },
  {
    name: "wake/thread",
    title: "Wake-up: blocked consumer",
    about: "A number is put into a queue whose consumer has slept in a blocking call for 5 ms or more, and answers; " +
      "the time until the answer has woken the caller, which blocks",
    n: 100,
    quickN: 20,
  },
  {
    name: "wake/promise",
    title: "Wake-up: awaiting consumer",
    about: "A number is put into a queue whose consumer has awaited it for 5 ms or more, and answers; " +
      "the time until the answer has woken the caller",
    n: 100,
    quickN: 20,
  },
  { name: "pipe/1 MiB", title: "Messages of 1 MiB", about: "Bytes are sent to a partner", least: 20, quickN: 20 },
]);

const MOVED: Readonly<Record<string, string>> = {
  copied: "as an argument that is copied",
  transferred: "as an argument that is transferred, so that the caller has it no longer",
  shared: "in memory that both share",
};

function bytes(size: string, n?: number): Omit<WorkInfo, "section">[] {
  return Object.entries(MOVED).map(([how, told]) => ({
    name: `pool/${size} ${how}`,
    title: `Pool: task with ${size} ${how}`,
    about: `A task looks at the last of the bytes, which it gets ${told}`,
    n,
    limit: 20_000,
  }));
}

/** What a map does, whatever its size. */
const MAP = "A pool of two workers squares so many numbers in one call of `map`; the time of one number";

const POOLS = of("pools", [
  {
    name: "pool/map 1000",
    title: "Pool: task of a map over 1000",
    about: MAP,
    least: 1000,
  },
  {
    name: "pool/map 10000",
    title: "Pool: task of a map over 10000",
    about: MAP,
    least: 10_000,
    quickN: 10_000,
    quick: true,
  },
  { name: "pool/map 100000", title: "Pool: task of a map over 100000", about: MAP, n: 100_000 },
  {
    name: "pool/submits",
    title: "Pool: one of 10000 separate tasks",
    about: "So many squares as tasks of their own, all submitted before the first is waited for; the time of one",
    n: 10_000,
  },
  {
    name: "pool/round trip",
    title: "Pool: one task at a time",
    about: "One square, the next one submitted when its result is there",
    quick: true,
  },
  {
    name: "pool/after idleness",
    title: "Pool: task after 60 ms of idleness",
    about: "One square, after a while without tasks",
    n: 20,
    quickN: 5,
  },
  {
    name: "pool/1 KB",
    title: "Pool: 1 KB there and back",
    about: "A task returns the object of 1 KB that it is given",
  },
  ...bytes("1 MB"),
  ...bytes("64 MB", 2),
  {
    name: "pool/cpu",
    title: "Pool: task of two million square roots",
    about: "Tasks that use a processor for some milliseconds, on two workers; the time of all by their number",
    least: 8,
    quickN: 8,
    quick: true,
  },
  {
    name: "pool/killed",
    title: "Pool: notice of a killed worker",
    about: "A worker is killed in the middle of its task: the time until the caller is told",
    n: 1,
    limit: 3000,
    quick: true,
  },
]);

/** All of them. */
export const WORKS: readonly WorkInfo[] = [...STARTING, ...FREE, ...CONTENDED, ...MESSAGES, ...POOLS];

/** The works of a list of names and beginnings of names, with commas between them; all where there is no list. */
export function worksNamed(text: string | undefined): readonly WorkInfo[] {
  if (text === undefined) return WORKS;
  const beginnings = text.split(",").map((each) => each.trim());
  if (beginnings.some((each) => each === "" || !WORKS.some(({ name }) => name.startsWith(each)))) {
    const names = WORKS.map(({ name }) => name).join(", ");
    throw new UserError(`Cannot run benchmarks: --works must be names or beginnings of ${names}: received '${text}'`);
  }
  const isNamed = (name: string, text: string): boolean =>
    WORKS.some((work) => work.name === text) ? name === text : name.startsWith(text);
  return WORKS.filter(({ name }) => beginnings.some((each) => isNamed(name, each)));
}
