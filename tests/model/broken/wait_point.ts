import type { BrokenVariant } from "../model.ts";

const WAIT_POINT = "_internal/memory/wait_point.ts";
const ASYNC_WAITERS = "_internal/memory/async_waiters.ts";

/** Broken wait points and promises, which all objects wait with. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "wait point: sleeps without a look after registering",
    patches: [{
      file: WAIT_POINT,
      find: "      result = attempt(woken);\n      if (result !== undefined) return result;\n      const left",
      replace: "      const left",
    }],
    caughtBy: ["Lock: two threads", "Event: all waiters"],
  },
  {
    name: "wait point: looks before it registers, not after",
    patches: [{
      file: WAIT_POINT,
      find:
        "    const registered = register(space, point);\n    notified = false;\n    try {\n      result = attempt(woken);\n",
      replace:
        "    result = attempt(woken);\n    const registered = register(space, point);\n    notified = false;\n    try {\n",
    }],
    caughtBy: ["Lock: two threads", "Event: all waiters", "Queue: one puts two", "Queue: room for one"],
  },
  {
    name: "wait point: the notifier leaves the epoch as it is",
    patches: [{ file: WAIT_POINT, find: "(seen + EPOCH - woken) | 0", replace: "(seen - woken) | 0" }],
    caughtBy: ["Lock: two threads", "Lock: three threads", "Event: all waiters"],
  },
  {
    name: "wait point: the notifier leaves the sleepers on the count, but wakes one too few",
    patches: [{
      file: WAIT_POINT,
      find: "space.memory.notify(point, woken);",
      replace: "space.memory.notify(point, woken - 1);",
    }],
    caughtBy: ["Lock: two threads", "Event: all waiters"],
  },
  {
    name: "wait point: a waiter that leaves takes itself off although it was notified",
    patches: [{
      file: WAIT_POINT,
      find: "    if ((seen ^ registered) >>> 12 !== 0 || (seen & SLEEPERS) === 0) return;",
      replace: "    if ((seen & SLEEPERS) === 0) return;",
    }],
    caughtBy: ["Lock: three threads"],
  },
  {
    name: "wait point: bells are rung before they are taken",
    patches: [{
      file: WAIT_POINT,
      find: "  const bells = exchange(words, point + 1, 0);",
      replace: "  const bells = load(words, point + 1);\n  store(words, point + 1, 0);",
    }],
    caughtBy: ["Lock: released by another"],
  },
  {
    name: "wait point: the bell is notified but not rung",
    patches: [{ file: WAIT_POINT, find: "    add(words, at, 1);\n", replace: "" }],
    caughtBy: ["Lock: a promise that is woken"],
  },
  {
    name: "promises: tried before they leave their bell",
    patches: [{
      file: ASYNC_WAITERS,
      find: "        if (!settled && this.#add(point, waiter)) tryAll(this.#points.get(point));\n",
      replace: "        if (!settled && !waiter.try()) this.#add(point, waiter);\n",
    }, {
      file: ASYNC_WAITERS,
      find: "      if (settled || !waiter.ordered && waiter.try()) return;\n",
      replace: "      if (settled) return;\n",
    }],
    caughtBy: ["Lock: a promise and"],
  },
  {
    name: "promises: looked at before the bell is put back",
    patches: [{
      file: ASYNC_WAITERS,
      find: "        arm(this.#space, point);\n      }\n      tryAll(waiters);",
      replace: "      }\n      tryAll(waiters);\n      arm(this.#space, point);",
    }],
    caughtBy: ["Lock: a promise that is woken"],
  },
  {
    name: "promises: the word of the bell is read after the look",
    patches: [{
      file: "_internal/memory/memory.ts",
      find: "        const seen = load(this.words, index);\n        onChange();\n",
      replace: "        onChange();\n        const seen = load(this.words, index);\n",
    }],
    caughtBy: ["Lock: a promise that is woken"],
  },
  {
    name: "promises: a settled promise is tried again",
    patches: [
      { file: ASYNC_WAITERS, find: "          if (settled) return true;\n", replace: "" },
      {
        file: ASYNC_WAITERS,
        find: "          if (tryInTurn()) return;\n",
        replace: "          if (waiter.try()) return;\n",
      },
      {
        file: ASYNC_WAITERS,
        find: "      if (settled || !waiter.ordered && waiter.try()) return;\n",
        replace: "      if (waiter.try()) return;\n",
      },
    ],
    caughtBy: ["Lock: promises, timeouts"],
  },
  {
    name: "promises: a newcomer is tried before those in front",
    patches: [{
      file: ASYNC_WAITERS,
      find: "      if (settled || !waiter.ordered && waiter.try()) return;\n",
      replace: "      if (settled || waiter.try()) return;\n",
    }],
    caughtBy: ["Lock: promises get it"],
  },
  {
    name: "promises: a newcomer that finds its bell taken leaves it for itself alone",
    patches: [{
      file: ASYNC_WAITERS,
      find: "return arm(this.#space, point) || first;",
      replace: "arm(this.#space, point);\n    return first;",
    }],
    caughtBy: ["Event: two promises of one thread"],
  },
  {
    name: "promises: a thread that shares a bell relies on the other's look",
    patches: [{
      file: ASYNC_WAITERS,
      find: "if (!all && !this.#isBellShared()) continue;",
      replace: "if (!all) continue;",
    }],
    caughtBy: ["Event: promises of two threads that share a bell"],
  },
];
