/**
 * How many atomic operations that write each operation of the library makes if nothing is in its way, and what else is counted
 * of it.
 *
 * The counts are of x86-64. On other processors `post` and `peek` are atomic operations, too: a store and a load.
 *
 * A path lists the functions that the operation runs through, with the number of atomic writes in the text of each and the
 * number of those that are on the free path. tests/benches/account_test.ts compares the first number with the source. If it
 * differs, the path has changed: count again.
 */

import { AWAIT, CLOCK, DECODE, ENCODE, MEMORIES } from "./plan.ts";

/** A function on the path of an operation. */
export interface Step {
  readonly file: string;
  /** How its line begins. */
  readonly begins: string;
  /** How many calls in it write atomically, {@linkcode WRITES}. */
  readonly has: number;
  /** How many of these the free path makes. */
  readonly makes: number;
}

/** An operation, and what is counted of it. */
export interface Count {
  /** The name of its row. */
  readonly name: string;
  readonly path: readonly Step[];
  /** What writes: a compare-exchange or exchange, or a store. */
  readonly kind: "swaps" | "stores";
  /** How often the path is run. Default: 1. */
  readonly times?: number;
  /** The group with the price of its atomic operations. */
  readonly memory: string;
  /** How many atomic operations on the free path only read. Default: 0. */
  readonly reads?: number;
  /** Other pieces that it is made of, by the names of their rows. */
  readonly pieces?: readonly string[];
  /** What the rest is. */
  readonly rest: string;
}

/**
 * The calls that write atomically. `lockMutex` and `lockFixed` are a compare-exchange if the mutex is free, `unlockMutex` and
 * `unlockFixed` are an exchange. If no thread waits, `isAwaited` and `notify` only read.
 */
export const WRITES: readonly string[] = [
  ...["store", "exchange", "compareExchange", "add", "and", "or", "xor"],
  ...["lockMutex", "unlockMutex", "lockFixed", "unlockFixed"],
];

const LOCK = "sync/lock.ts";
const RLOCK = "sync/rlock.ts";
const PERMITS = "sync/_permits.ts";
const RWLOCK = "sync/rwlock.ts";
const RW_WORD = "sync/_rw_word.ts";
const QUEUE = "sync/queue.ts";
const ENDS = "sync/_queue_ends.ts";
const LOG = "_internal/queue/log.ts";
const PIPE = "_internal/processes/pipe.ts";
const PIPE_END = "_internal/processes/pipe_end.ts";
const CONNECTION = "multiprocessing/connection.ts";

function step(file: string, begins: string, makes = 0, has = makes): Step {
  return { file, begins, makes, has };
}

/** Reads the kill word. */
const END_IF_KILLED = step("_internal/memory/space.ts", "  endIfKilled(): void {");
/** Reads both words of a wait point. */
const NOTIFY = step("_internal/memory/wait_point.ts", "export function notify(");
/** The same, before a call of `notify` that is made only if there is a waiter. */
const AWAITED = step("_internal/memory/wait_point.ts", "export function isAwaited(");

const ACQUIRE_LOCK = [step(LOCK, "  acquireSync(", 1), END_IF_KILLED, step(LOCK, "  #begin(")];
const DISPOSE_OF_LOCK = [step(LOCK, "  #giveBack(", 1), AWAITED];

const PUT = [
  step("_internal/queue/message.ts", "  pack("),
  // A bar is set by a put in vain.
  step(ENDS, "  tryPush(", 0, 1),
  END_IF_KILLED,
  // The mutex is given back in four places. A segment is followed by another after a hundred small items or more.
  step(LOG, "  push(", 2, 5),
  step("_internal/queue/message.ts", "  writeTo("),
  AWAITED,
];
const GET = [
  step(ENDS, "  tryShift(", 0, 1),
  END_IF_KILLED,
  // The mutex is given back in three places, and HEAD is stored atomically for a parcel.
  step(LOG, "  shift(", 2, 5),
  step("_internal/queue/message.ts", "  readFrom("),
  step("_internal/queue/message.ts", "  unpack("),
];
const PUT_SYNC = [step(QUEUE, "  putSync("), ...PUT];
const GET_SYNC = [step(QUEUE, "  getSync("), ...GET];
const PUT_AND_GET = [step(QUEUE, "  put("), ...PUT, step(QUEUE, "  get("), ...GET];

const SEND_AND_RECEIVE = [
  step(CONNECTION, "  #sendSync("),
  // A bar is set by a message in vain, as with queues.
  step(PIPE_END, "  trySend(", 0, 1),
  END_IF_KILLED,
  // The mutex is given back here if there is no room.
  step(PIPE, "export function beginPut(", 1, 2),
  step(PIPE, "export function publish(", 1),
  NOTIFY,
  step(CONNECTION, "  #recvSync("),
  step(PIPE_END, "  tryReceive(", 0, 1),
  END_IF_KILLED,
  step(PIPE, "export function beginGet(", 1, 2),
  step(PIPE, "export function endGet(", 1),
  NOTIFY,
];

const { threads, processes } = MEMORIES;
const OF_LOCK = "guard, private fields, number of the acquisition, plain reads of the kill word and of the wait point";
const OF_QUEUE = "plain reads of counts, places, bar, state and kill word, plain writes of the message and its place";

/** All operations. */
export const COUNTS: readonly Count[] = [
  {
    name: "Lock: acquireSync + release",
    path: [...ACQUIRE_LOCK, step(LOCK, "  release(", 1, 2), AWAITED],
    kind: "swaps",
    memory: threads,
    rest: OF_LOCK,
  },
  {
    name: "Lock: acquireSync + dispose of the guard",
    path: [...ACQUIRE_LOCK, ...DISPOSE_OF_LOCK],
    kind: "swaps",
    memory: threads,
    rest: `${OF_LOCK}, comparison of the numbers`,
  },
  {
    name: "RLock: acquireSync + release",
    path: [
      ...[step(RLOCK, "  acquireSync(", 1), END_IF_KILLED, step(RLOCK, "  #begin("), step(RLOCK, "  #enter(")],
      ...[step(RLOCK, "  release(", 1), AWAITED],
    ],
    kind: "swaps",
    memory: threads,
    rest: "guard, private fields, list of levels, plain reads of the kill word and of the wait point",
  },
  {
    name: "Semaphore: acquireSync + release",
    path: [
      step("sync/semaphore.ts", "  acquireSync("),
      step(PERMITS, "export function tryTakePermit(", 1),
      END_IF_KILLED,
      step("sync/semaphore.ts", "  release("),
      END_IF_KILLED,
      step(PERMITS, "export function addPermits(", 1),
      AWAITED,
    ],
    kind: "swaps",
    memory: threads,
    rest: "guard, private fields, plain reads of the permits, of the kill word and of the wait point",
  },
  {
    name: "RWLock: readSync + dispose of the guard",
    path: [
      ...[step(RWLOCK, "  readSync("), step(RW_WORD, "export function readAtOnce(", 1), END_IF_KILLED],
      ...[
        step(RW_WORD, "export function epochOf("),
        step(RW_WORD, "export function releaseRead(", 1),
        AWAITED,
      ],
    ],
    kind: "stores",
    memory: threads,
    rest: "guard, private fields, plain reads of the lock's word, of the seat, of the kill word and of the wait point",
  },
  {
    name: "RWLock: writeSync + dispose of the guard",
    path: [
      step(RWLOCK, "  writeSync("),
      step(RW_WORD, "export function writeAtOnce(", 1),
      END_IF_KILLED,
      step(RWLOCK, "  #beginWriting("),
      step(RW_WORD, "export function releaseWrite(", 1),
      AWAITED,
      AWAITED,
    ],
    kind: "swaps",
    memory: threads,
    rest: "guard, private fields, plain reads of the seats, of the kill word and of two wait points",
  },
  {
    name: "Lock: await acquire + dispose of the guard",
    path: [step(LOCK, "  acquire(", 1), END_IF_KILLED, step(LOCK, "  #begin("), ...DISPOSE_OF_LOCK],
    kind: "swaps",
    memory: threads,
    pieces: [AWAIT],
    rest: `promise, ${OF_LOCK}`,
  },
  { name: "Queue: putSync of an integer", path: PUT_SYNC, kind: "swaps", memory: threads, rest: OF_QUEUE },
  { name: "Queue: getSync of an integer", path: GET_SYNC, kind: "swaps", memory: threads, rest: OF_QUEUE },
  {
    name: "Queue: await put + get of an integer",
    path: PUT_AND_GET,
    kind: "swaps",
    memory: threads,
    pieces: [AWAIT, AWAIT],
    rest: `two promises, ${OF_QUEUE}`,
  },
  {
    name: "Queue: putSync of { id, name, tags }",
    path: PUT_SYNC,
    kind: "swaps",
    memory: threads,
    pieces: [ENCODE],
    rest: OF_QUEUE,
  },
  {
    name: "Queue: getSync of { id, name, tags }",
    path: GET_SYNC,
    kind: "swaps",
    memory: threads,
    pieces: [DECODE],
    rest: OF_QUEUE,
  },
  {
    name: "Queue: await put + get of { id, name, tags }",
    path: PUT_AND_GET,
    kind: "swaps",
    memory: threads,
    pieces: [AWAIT, AWAIT, ENCODE, DECODE],
    rest: `two promises, ${OF_QUEUE}`,
  },
  {
    name: "Connection: sendSync + recvSync in one thread",
    path: SEND_AND_RECEIVE,
    kind: "swaps",
    memory: processes,
    reads: 3,
    pieces: [CLOCK],
    rest: "plain reads of positions, bars, wait points, kill word and holders, the message, private fields",
  },
  {
    name: "Connection: sendSync + recvSync, a busy process answers",
    path: SEND_AND_RECEIVE,
    kind: "swaps",
    times: 2,
    memory: processes,
    reads: 6,
    pieces: [CLOCK, CLOCK],
    rest:
      "as in one thread, twice; each message moves some cache lines to the other processor, and is seen at the next look",
  },
];

/** How many atomic writes the free path of an operation makes. */
export function writesOf({ path, times = 1 }: Count): number {
  return path.reduce((sum, { makes }) => sum + makes, 0) * times;
}
