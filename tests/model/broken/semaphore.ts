import type { BrokenVariant } from "../model.ts";

const PERMITS = "sync/_permits.ts";
const SEMAPHORE = "sync/semaphore.ts";
const LATCH = "sync/latch.ts";

const CHANGE = "    if (compareExchange(words, at, seen, (seen + count * ONE) | 0) === seen) break;\n  }\n";
const WAKE = "  if (isAwaited(words, at + POINT)) notify(space, at + POINT, Math.min(count, ALL_SLEEPERS));\n";
const STORE = {
  file: PERMITS,
  find: "import { and, compareExchange, load, or, peek }",
  replace: "import { and, compareExchange, load, or, peek, store }",
};

/** Broken semaphores and latches. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Semaphore: taken by a load and a store",
    patches: [STORE, {
      file: PERMITS,
      find: "    if (compareExchange(words, at, seen, left) !== seen) continue;\n",
      replace: "    store(words, at, left);\n",
    }],
    caughtBy: ["Semaphore: one permit", "Semaphore: no more inside"],
  },
  {
    name: "Semaphore: taken at once by a load and a store",
    patches: [STORE, {
      file: PERMITS,
      find: "  return compareExchange(words, at, seen, seen - ONE) === seen;",
      replace: "  store(words, at, seen - ONE);\n  return true;",
    }],
    caughtBy: ["Semaphore: one permit", "Semaphore: no more inside"],
  },
  {
    name: "Semaphore: released by a load and a store",
    patches: [STORE, {
      file: PERMITS,
      find: CHANGE,
      replace: "    store(words, at, (seen + count * ONE) | 0);\n    break;\n  }\n",
    }],
    caughtBy: ["Semaphore: no more inside"],
  },
  {
    name: "Semaphore: notifies before it adds",
    patches: [
      { file: PERMITS, find: `${CHANGE}${WAKE}  return true;`, replace: `${CHANGE}  return true;` },
      {
        file: PERMITS,
        find: "    // Wraps into the sign bit, which only `>>>` reads.\n",
        replace: "    notify(space, at + POINT, Math.min(count, ALL_SLEEPERS));\n",
      },
    ],
    caughtBy: ["Semaphore: one permit"],
  },
  {
    name: "Semaphore: a release of several permits wakes one waiter",
    patches: [{ file: PERMITS, find: WAKE, replace: "  notify(space, at + POINT, 1);\n" }],
    caughtBy: ["Semaphore: a signal for each"],
  },
  {
    name: "Semaphore: an aborted waiter adds the permit that it did not get",
    patches: [{
      file: SEMAPHORE,
      find: "      abandoned: () => unbarPermits(space, at),",
      replace: "      abandoned: () => addPermits(space, at, 1, MAX_PERMITS),",
    }],
    caughtBy: ["Semaphore: an abort"],
  },
  {
    name: "Semaphore: a guard gives its permit back each time",
    patches: [{ file: SEMAPHORE, find: "    this.#semaphore = undefined;\n", replace: "" }],
    caughtBy: ["Semaphore: a guard gives"],
  },
  {
    name: "Semaphore: a waiter that takes the bar away wakes no thread for what is left",
    patches: [{
      file: PERMITS,
      find: "  if ((seen & BARRED) !== 0) notifyLeft(space, at, seen);",
      replace: "  void seen;",
    }],
    caughtBy: ["Semaphore: an overtaken waiter"],
  },
  {
    name: "Semaphore: the bar keeps tries off",
    patches: [{
      file: "_internal/memory/wait_point.ts",
      find: "export const PASSING = 1;",
      replace: "export const PASSING = 0;",
    }],
    caughtBy: ["Semaphore: a try gets"],
  },
  {
    name: "Semaphore: the bar stays",
    patches: [{
      file: PERMITS,
      find: "const left = (seen - ONE) & ~BARRED;",
      replace: "const left = seen - ONE;",
    }],
    caughtBy: ["Semaphore: overtaken waiters"],
  },
  {
    name: "BoundedSemaphore: looked at before, not with the change",
    patches: [{
      file: PERMITS,
      find: "  for (;;) {\n    const seen = peek(words, at);\n    if ((seen >>> 1) + count > max) return false;",
      replace:
        "  if ((load(words, at) >>> 1) + count > max) return false;\n  for (;;) {\n    const seen = load(words, at);",
    }],
    caughtBy: ["BoundedSemaphore: of two"],
  },
  {
    name: "Latch: counted by a load and a store",
    patches: [{
      file: LATCH,
      find: "      if (compareExchange(words, at, seen, left) !== seen) continue;\n",
      replace: "      store(words, at, left);\n",
    }],
    caughtBy: ["Latch: two count"],
  },
  {
    name: "Latch: the last count wakes one waiter",
    patches: [{
      file: LATCH,
      find: "if (left === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);",
      replace: "if (left === 0) notify(this.#place.space, at + POINT, 1);",
    }],
    caughtBy: ["Latch: all waiters"],
  },
  {
    name: "Latch: notifies before it counts",
    patches: [{
      file: LATCH,
      find:
        "      if (compareExchange(words, at, seen, left) !== seen) continue;\n      if (left === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);\n",
      replace:
        "      if (left === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);\n      if (compareExchange(words, at, seen, left) !== seen) continue;\n",
    }],
    caughtBy: ["Latch: two count"],
  },
];
