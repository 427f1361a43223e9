import type { BrokenVariant } from "../model.ts";

const RLOCK = "sync/rlock.ts";

/** Broken re-entrant locks. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "RLock: free after the first release",
    patches: [{
      file: RLOCK,
      find: "    if (held.length === 0 && run === undefined && this.#place.at >= 0) this.#free();",
      replace: "    if (this.#place.at >= 0) this.#free();",
    }],
    caughtBy: ["RLock: two threads"],
  },
  {
    name: "RLock: an async task enters where another of its thread is",
    patches: [{
      file: RLOCK,
      find: "return (seen & ASYNC) === 0 || this.#isInsideRun();",
      replace: "return true;",
    }, {
      file: RLOCK,
      find:
        "    for (let around = runs!.getStore(); around !== undefined; around = around.outer) {\n      if (around === run) return true;\n    }\n    return false;",
      replace: "    return true;",
    }],
    caughtBy: ["RLock: run() of two tasks"],
  },
  {
    name: "RLock: the holder after a dead one has its levels, too",
    patches: [{
      file: RLOCK,
      find: "if (isAlive(space.memory, holder)) {\n        throw",
      replace: "if (holder < 0) {\n        throw",
    }],
    caughtBy: ["RLock: no other thread"],
  },
  {
    name: "RLock: released by a store that wakes no waiter",
    patches: [{
      file: RLOCK,
      find:
        "    if (compareExchange(words, at, tag, FREE) === tag) {\n      if (isAwaited(words, at + POINT)) notify(space, at + POINT, 1);\n",
      replace: "    if (compareExchange(words, at, tag, FREE) === tag) {\n",
    }],
    caughtBy: ["RLock: two threads"],
  },
  {
    name: "RLock: run() ends and keeps the lock",
    patches: [{
      file: RLOCK,
      find: "        if (this.#levels.held.length === 0 && this.#place.at >= 0) this.#free();\n",
      replace: "",
    }],
    caughtBy: ["RLock: run() of two tasks"],
  },
];
