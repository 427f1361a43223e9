import type { BrokenVariant } from "../model.ts";

const LOG = "_internal/queue/log.ts";
const ENDS = "sync/_queue_ends.ts";

/** Broken ways to put and take many items. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Queue: the next place overwrites the current one if the number of items is even",
    patches: [{ file: LOG, find: "  if ((count & 1) === 0) {", replace: "  if (count < 0) {" }],
    caughtBy: ["Queue: many items are in", "Queue: two that take many"],
  },
  {
    name: "Queue: many items are counted before the place behind them is stored",
    patches: [{
      file: LOG,
      find:
        "  words[place] = segment;\n  words[place + 1] = position;\n  post(words, counter, (before + count) | 0);\n",
      replace:
        "  post(words, counter, (before + count) | 0);\n  words[place] = segment;\n  words[place + 1] = position;\n",
    }],
    caughtBy: ["Queue: many items are in", "Queue: two that take many"],
  },
  {
    name: "Queue: many items are taken after the mutex is released",
    patches: [{
      file: LOG,
      find:
        "    if (count > 0 && !isClosed) this.#shiftAll(batch, head, count);\n    unlockMutex(space.memory, base + GET_MUTEX);\n",
      replace:
        "    unlockMutex(space.memory, base + GET_MUTEX);\n    if (count > 0 && !isClosed) this.#shiftAll(batch, head, count);\n",
    }],
    caughtBy: ["Queue: two put many", "Queue: two that take many"],
  },
  {
    name: "Queue: many items wake one waiter",
    patches: [{
      file: ENDS,
      find: "this.#notifyUpTo(batch.done - before, GET_POINT);",
      replace: "this.#notifyUpTo(1, GET_POINT);",
    }],
    caughtBy: ["Queue: many items wake many"],
  },
  {
    name: "Queue: room for many items wakes one waiter",
    patches: [{
      file: ENDS,
      find: "this.#notifyUpTo(batch.left, PUT_POINT);",
      replace: "this.#notifyUpTo(1, PUT_POINT);",
    }],
    caughtBy: ["Queue: room for many"],
  },
  {
    name: "Queue: a batch is put whole if there is room for its first item",
    patches: [{ file: LOG, find: "        count = room;\n        outcome = FULL;\n", replace: "" }],
    caughtBy: ["Queue: two put many and two get many, with little room", "Queue: many items, timeouts"],
  },
];
