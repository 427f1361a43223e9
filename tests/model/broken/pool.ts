import type { BrokenVariant } from "../model.ts";

const BOARD = "_internal/pool/board.ts";

/** The board of a pool, broken. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Pool: claimed by a store",
    patches: [{
      file: BOARD,
      find: "      if (compareExchange(words, oldest + CLAIM, POSTED, worker) !== POSTED) continue;",
      replace: "      store(words, oldest + CLAIM, worker);",
    }],
    caughtBy: ["Pool: each chunk", "Pool: a chunk that"],
  },
  {
    name: "Pool: who claims trusts what it saw before",
    patches: [{
      file: BOARD,
      find: "      if (room === 0 || words[oldest + ITEM_COUNT] <= room) return oldest;",
      replace: "      if (room >= 0) return oldest;",
    }],
    caughtBy: ["Pool: a worker takes"],
  },
  {
    name: "Pool: who gives a chunk back tells nobody",
    patches: [{
      file: BOARD,
      find:
        "      if (compareExchange(words, oldest + CLAIM, worker, POSTED) === worker) notify(this.space, this.at + TASKS, 1);",
      replace: "      compareExchange(words, oldest + CLAIM, worker, POSTED);",
    }],
    caughtBy: ["Pool: a worker takes"],
  },
  {
    name: "Pool: a unit is begun by a load and a store",
    patches: [{
      file: BOARD,
      find: "      if (compareExchange(this.words, slot + RANGE, range, range + 0x10000) === range) return begun;",
      replace: "      store(this.words, slot + RANGE, range + 0x10000);\n      return begun;",
    }],
    caughtBy: ["Pool: units that"],
  },
  {
    name: "Pool: posted before the units are there",
    patches: [{
      file: BOARD,
      find: "    words[slot + RANGE] = count;\n    store(words, slot + CLAIM, POSTED);\n",
      replace: "    store(words, slot + CLAIM, POSTED);\n    store(words, slot + RANGE, count);\n",
    }],
    caughtBy: ["Pool: units that"],
  },
  {
    name: "Pool: finished by a store",
    patches: [{
      file: BOARD,
      find: "    const mine = compareExchange(this.words, slot + CLAIM, worker, OVER) === worker;",
      replace:
        "    const mine = load(this.words, slot + CLAIM) === worker;\n    store(this.words, slot + CLAIM, OVER);",
    }],
    caughtBy: ["Pool: a chunk is finished"],
  },
  {
    name: "Pool: the outcomes count from another place",
    patches: [{
      file: BOARD,
      find: "    store(words, slot + OUTCOMES, cursor.entries);",
      replace: "    store(words, slot + OUTCOMES, cursor.entries - 1);",
    }],
    caughtBy: ["Pool: of a worker"],
  },
  {
    name: "Pool: the units of the input are counted by what is left of them",
    patches: [{
      file: BOARD,
      find: "    const count = words[slot + UNIT_COUNT];",
      replace: "    const count = load(words, slot + RANGE) & 0xffff;",
    }],
    caughtBy: ["Pool: units that"],
  },
  {
    name: "Pool: closing wakes one",
    patches: [{
      file: BOARD,
      find: "    notify(this.space, this.at + TASKS, 0xfff);",
      replace: "    notify(this.space, this.at + TASKS, 1);",
    }],
    caughtBy: ["Pool: each chunk"],
  },
  {
    name: "Pool: who claims does not look again",
    patches: [{
      file: BOARD,
      find: "    const left = load(this.words, this.at + SPINNER) !== 0 ? count - 1 : count;",
      replace: "    const left = count - 1;",
    }],
    caughtBy: ["Pool: each chunk", "Pool: units that"],
  },
];
