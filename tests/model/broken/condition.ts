import type { BrokenVariant } from "../model.ts";

const CONDITION = "sync/condition.ts";
const LIST = "sync/_wait_list.ts";

/** Broken conditions. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Condition: gives the lock up before it is in the list",
    patches: [{
      file: CONDITION,
      find:
        "    const node = this.#join();\n    const held = this.#hold.giveUp();\n    let notified = false;\n    try {\n      waitSync(",
      replace:
        "    const held = this.#hold.giveUp();\n    const node = this.#join();\n    let notified = false;\n    try {\n      waitSync(",
    }],
    caughtBy: ["Condition: one thread waits"],
  },
  {
    name: "Condition: returns without the lock",
    patches: [{
      file: CONDITION,
      find: "      waitSync(space, this.#retaking(held), Infinity);\n",
      replace: "      void held;\n",
    }],
    caughtBy: ["Condition: notifyAll"],
  },
  {
    name: "Condition: an abort keeps the notification",
    patches: [{
      file: LIST,
      find: "  if (notified && passOn) notifyOne(space, list, before);",
      replace: "  void passOn, before;",
    }],
    caughtBy: ["Condition: an abort"],
  },
  {
    name: "Condition: an aborted waiter leaves the list before it passes its notification on",
    patches: [{
      file: LIST,
      find: "  if (notified && passOn) notifyOne(space, list, before);\n  unlink(space, list, node);",
      replace: "  unlink(space, list, node);\n  if (notified && passOn) notifyOne(space, list, before);",
    }],
    caughtBy: ["Condition: a waiter that dies while"],
  },
  {
    name: "Condition: a dead waiter keeps its notification",
    patches: [{
      file: LIST,
      find: "    notifyOne(space, list, load(words, node + BEFORE));\n    remove",
      replace: "    remove",
    }],
    caughtBy: ["Condition: a waiter that is killed"],
  },
  {
    name: "Condition: a notification wakes the sleeper before it is noted",
    patches: [{
      file: LIST,
      find: "        store(words, node + STATE, NOTIFIED);\n        wake(space, node + NODE_POINT, 1);\n",
      replace: "        wake(space, node + NODE_POINT, 1);\n        store(words, node + STATE, NOTIFIED);\n",
    }],
    caughtBy: ["Condition: one thread waits"],
  },
  {
    name: "Condition: a thread that takes over from a dead one believes its count",
    patches: [{
      file: LIST,
      find: "  store(words, list + TAIL, last);\n  store(words, list + PENDING, pending);",
      replace: "  void last, pending;",
    }],
    caughtBy: ["Condition: a thread that waits after a death"],
  },
];
