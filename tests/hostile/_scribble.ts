/**
 * Writes nonsense over the words of an object, as a participant with a bug would, and uses the object: again and again,
 * with another seed each time. Prints the seed first, so that a seed that crashes or hangs is known.
 *
 *     _scribble.ts SCOPE KIND FROM TO
 */

import { writeSync } from "node:fs";
import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { blockWords } from "../../_internal/memory/allocator.ts";
import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../../_internal/memory/memory.ts";
import { Random } from "../storm/_random.ts";

const [scope, kind, from, to] = process.argv.slice(2);
type Any = Record<string, ((...args: unknown[]) => unknown) | undefined>;
const classes = (scope === "process" ? multiprocessing : threading) as unknown as Record<
  string,
  new (...args: unknown[]) => object
>;

function make(): object {
  switch (kind) {
    case "Pipe":
      return multiprocessing.Pipe()[0];
    case "Barrier":
    case "Latch":
      return new classes[kind]!(2);
    case "Value":
      return new classes[kind]!("i32", 1);
    case "SharedArray":
      return new classes[kind]!("f64", [1, 2, 3]);
    case "Queue":
    case "LifoQueue":
    case "PriorityQueue": {
      const queue = new classes[kind!]!() as threading.Queue<unknown>;
      for (const item of [1, "two", { three: [3] }, new Uint8Array(6_000)]) queue.putSync(item);
      return queue;
    }
    default:
      return new classes[kind!]!();
  }
}

/** What may happen: anything but a crash or an endless loop. */
const errors = new Map<string, number>();

async function attempt(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : typeof error;
    errors.set(name, (errors.get(name) ?? 0) + 1);
  }
}

const now = { timeout: 0 };
const soon = { timeout: 1 };
/** Kept, so that their contents are not given back. */
const objects: object[] = [];
for (let seed = Number(from); seed < Number(to); seed++) {
  const random = new Random(seed);
  const object = make() as Any;
  objects.push(object);
  const { space, at } = locate(object as unknown as SharedHandle)!;
  const length = blockWords(space.memory, at) - OBJECT_HEADER;
  for (let i = random.below(6); i >= 0; i--) {
    const word = at + OBJECT_HEADER + random.below(length);
    // Small numbers could be ids of living threads: waiting for what those seem to hold is right.
    const nonsense = [0, -1, 0x7fffffff, -0x80000000, random.below(2 ** 32) | 0x4000_0000, space.words[word]! ^ 64];
    space.words[word] = nonsense[random.below(nonsense.length)]!;
  }
  writeSync(1, `${kind} ${seed}\n`);
  for (const method of ["tryAcquire", "tryRead", "tryWrite", "tryGet", "isSet", "locked", "size", "count"]) {
    await attempt(() => typeof object[method] === "function" ? object[method]!() : object[method]);
  }
  for (const method of ["acquireSync", "waitSync", "readSync", "writeSync", "getSync", "recvSync", "joinSync"]) {
    if (typeof object[method] === "function") await attempt(() => object[method]!(now));
  }
  for (const method of ["acquire", "wait", "read", "write", "get", "recv", "poll", "join"]) {
    if (typeof object[method] === "function") await attempt(() => object[method]!(soon));
  }
  for (const method of ["put", "send"]) {
    if (typeof object[method] === "function") await attempt(() => object[method]!({ a: random.below(100) }, soon));
  }
  for (
    const method of [
      "release",
      "set",
      "clear",
      "notifyAll",
      "countDown",
      "reset",
      "abort",
      "taskDone",
      "shutdown",
      "close",
    ]
  ) {
    if (typeof object[method] === "function") await attempt(() => object[method]!());
  }
}
console.log(`${JSON.stringify(Object.fromEntries(errors))}\ndone`);
process.exit(0);
