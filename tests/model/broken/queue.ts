import type { BrokenVariant } from "../model.ts";

const ENDS = "sync/_queue_ends.ts";

/** Broken ways to put and take many items. */
export const variants: readonly BrokenVariant[] = [
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
];
