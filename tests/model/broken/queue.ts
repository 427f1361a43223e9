import type { BrokenVariant } from "../model.ts";

const LOG = "_internal/queue/log.ts";
const MANY = "_internal/queue/many.ts";
const ENDS = "sync/_queue_ends.ts";

/** A get that is led to a wrong place ends, so that the model can say so. */
const ENDING = [{
  file: LOG,
  find: "    const moved = words[position] === SKIP;\n    while (words[position] === SKIP) {",
  replace: "    const moved = words[position] === SKIP;\n    while (words[position] === SKIP && segment !== 0) {",
}, {
  file: LOG,
  find:
    "      while (words[position] === SKIP) {\n        segment = words[segment + NEXT];\n        position = segment + FIRST;\n        moved",
  replace:
    "      while (words[position] === SKIP && segment !== 0) {\n        segment = words[segment + NEXT];\n        position = segment + FIRST;\n        moved",
}];

/** Broken ways to put and take many items. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Queue: the next place overwrites the current one if the number of items is even",
    patches: [{ file: MANY, find: "  if ((count & 1) === 0) {", replace: "  if (count < 0) {" }, ...ENDING],
    caughtBy: ["Queue: many items are in"],
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
    name: "Queue: many items are counted before the place behind them is stored",
    patches: [{
      file: MANY,
      find:
        "  words[place] = segment;\n  words[place + 1] = position;\n  post(words, counter, (before + count) | 0);\n",
      replace:
        "  post(words, counter, (before + count) | 0);\n  words[place] = segment;\n  words[place + 1] = position;\n",
    }, ...ENDING],
    caughtBy: ["Queue: two that take many"],
  },
  {
    name: "Queue: a put looks for sleepers before it stores its count",
    patches: [{
      file: ENDS,
      find:
        "    const outcome = this.#container.push(message);\n    if (outcome === OK) {\n      if (isAwaited(words, this.#base + GET_POINT)) notify(this.#space, this.#base + GET_POINT, 1);\n",
      replace:
        "    notify(this.#space, this.#base + GET_POINT, 1);\n    const outcome = this.#container.push(message);\n    if (outcome === OK) {\n",
    }],
    caughtBy: ["Queue: one puts two", "Queue: two put"],
  },
  {
    name: "Queue: a get of an empty queue relies on the tail as last seen",
    patches: [{
      file: LOG,
      find:
        "    if (seen === words[base + TAIL_SEEN] && peek(words, base + TAIL) === seen) return whyEmpty(words, base);\n    lockFixed",
      replace: "    if (seen === words[base + TAIL_SEEN]) return whyEmpty(words, base);\n    lockFixed",
    }],
    caughtBy: ["Queue: one puts two", "Queue: two put"],
  },
  {
    name: "Queue: a put of a full queue relies on the head as last seen",
    patches: [{
      file: LOG,
      find:
        ">= limit && this.#seemsFull()) return FULL;\n    lockFixed(words, space.memory, base + PUT_MUTEX, space.id);\n    const tail = words[base + TAIL];\n    // A",
      replace:
        ">= limit) return FULL;\n    lockFixed(words, space.memory, base + PUT_MUTEX, space.id);\n    const tail = words[base + TAIL];\n    // A",
    }],
    caughtBy: ["Queue: room for one"],
  },
  {
    name: "Queue: a batch is put whole if there is room for its first item",
    patches: [{ file: LOG, find: "        count = room;\n        outcome = FULL;\n", replace: "" }],
    caughtBy: ["Queue: many items, timeouts"],
  },
];
