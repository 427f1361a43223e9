import type { BrokenVariant } from "../model.ts";

const BOARD = "_internal/pool/board.ts";
const FINISHED = "_internal/pool/finished.ts";
const SHARE = "_internal/pool/shares.ts";
const TASK = "_internal/pool/task.ts";
const TRAYS = "_internal/pool/trays.ts";
const WORKER = "_internal/pool/worker.ts";

const ONCE = "Pool: each task";
const SLEEP = "Pool: no worker sleeps";
const SEARCH = "Pool: a worker that looks for tasks without sleeping misses none";
const WAKE = "Pool: a worker that looks for tasks without sleeping wakes another";
const BACK = "Pool: what is taken back";
const DEATH = "Pool: of a worker";
const BETWEEN = "Pool: a worker that dies between";
const STAY = "Pool: workers that leave";

/** The pool's tasks, shares and board, broken. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Pool: begun by a store",
    patches: [{
      file: SHARE,
      find: "    return compareExchange(words, task + STATE, ready, this.#begun) === ready ? task : 0;",
      replace: "    store(words, task + STATE, this.#begun);\n    return task;",
    }],
    caughtBy: [ONCE, BACK],
  },
  {
    name: "Pool: the cursor is moved before the share is written",
    patches: [{
      file: SHARE,
      find: `      store(words, this.#desk + FROM, cursor);
      store(words, this.#desk + TO, to);
      if (compareExchange(words, at + CURSOR, cursor, to) !== cursor) continue;`,
      replace: `      if (compareExchange(words, at + CURSOR, cursor, to) !== cursor) continue;
      store(words, this.#desk + FROM, cursor);
      store(words, this.#desk + TO, to);`,
    }],
    caughtBy: [BETWEEN],
  },
  {
    name: "Pool: taken back by a store",
    patches: [{
      file: TASK,
      find:
        "  if (phaseOf(state) !== READY || compareExchange(words, task + STATE, state, FREE) !== state) return false;",
      replace: "  if (phaseOf(state) !== READY) return false;\n  exchange(words, task + STATE, FREE);",
    }],
    caughtBy: [BACK],
  },
  {
    name: "Pool: a finished task is pushed without those before it",
    patches: [{ file: BOARD, find: "      words[next] = seen;", replace: "      words[next] = 0;" }],
    caughtBy: [ONCE, SLEEP],
  },
  {
    name: "Pool: pushed by a store",
    patches: [{
      file: BOARD,
      find: "      if (compareExchange(words, head, seen, last) === seen) break;",
      replace: "      store(words, head, last);\n      break;",
    }],
    caughtBy: [ONCE, SLEEP],
  },
  {
    name: "Pool: told without a notification",
    patches: [{
      file: BOARD,
      find: `      if (compareExchange(words, head, seen, last) === seen) break;
    }
    notify(this.space, this.at + DONE, 1);`,
      replace: `      if (compareExchange(words, head, seen, last) === seen) break;
    }`,
    }],
    caughtBy: [ONCE, SLEEP, SEARCH],
  },
  {
    name: "Pool: what is finished is taken by a load and a store",
    patches: [{
      file: BOARD,
      find: "    return load(this.words, head) === 0 ? 0 : exchange(this.words, head, 0);",
      replace: "    const seen = load(this.words, head);\n    store(this.words, head, 0);\n    return seen;",
    }],
    caughtBy: [ONCE, SLEEP],
  },
  {
    name: "Pool: told before it is over",
    patches: [{
      file: "_internal/pool/running.ts",
      find: "    if (!finish(this.#space, task, this.#worker)) {",
      replace: "    this.#finished.add(task);\n    this.tell(0);\n    if (!finish(this.#space, task, this.#worker)) {",
    }],
    caughtBy: [ONCE, SLEEP, SEARCH],
  },
  {
    name: "Pool: closing wakes one",
    patches: [{
      file: BOARD,
      find: "    notify(this.space, this.at + WORK, 0xfff);",
      replace: "    notify(this.space, this.at + WORK, 1);",
    }],
    caughtBy: [ONCE, SLEEP],
  },
  {
    name: "Pool: a searching worker is thought to be there always",
    patches: [{
      file: BOARD,
      find: "    const left = load(this.words, this.at + SEARCHING) !== 0 ? count - 1 : count;",
      replace: "    const left = count - 1;",
    }],
    caughtBy: [ONCE, SLEEP],
  },
  {
    name: "Pool: a searching worker does not look once more",
    patches: [{
      file: WORKER,
      find: "    if (found === 0) found = this.#take();\n    notify(",
      replace: "    notify(",
    }, {
      file: WORKER,
      find: "        const task = this.#take();\n        if (task !== 0) return task;\n",
      replace: "",
    }],
    caughtBy: [SEARCH, WAKE],
  },
  {
    name: "Pool: a searching worker wakes no other",
    patches: [{
      file: WORKER,
      find: "    notify(this.#space, board.at + WORK, board.waiting);\n",
      replace: "",
    }],
    caughtBy: [WAKE],
  },
  {
    name: "Pool: of a dead worker the share is not looked through to its end",
    patches: [{
      file: TRAYS,
      find: "    for (let i = 0; i < count; i++) {\n      const position = advance(from, i);",
      replace: "    for (let i = 0; i < count - 1; i++) {\n      const position = advance(from, i);",
    }],
    caughtBy: [BETWEEN, DEATH],
  },
  {
    name: "Pool: all may leave",
    patches: [{
      file: WORKER,
      find: "      if (staff <= load(words, at + LEAST)) return false;",
      replace: "      if (staff <= load(words, at + LEAST) - 1) return false;",
    }],
    caughtBy: [STAY],
  },
  {
    name: "Pool: leaves by a store",
    patches: [{
      file: WORKER,
      find: "      if (compareExchange(words, at + STAFF, staff, staff - 1) !== staff) continue;",
      replace: "      store(words, at + STAFF, staff - 1);",
    }],
    caughtBy: [STAY],
  },
  {
    name: "Pool: the last of what was finished is forgotten",
    patches: [{ file: FINISHED, find: "    this.#last = task;\n", replace: "    this.#last = this.#first;\n" }],
    caughtBy: [ONCE, BACK],
  },
  {
    name: "Pool: finished by a store",
    patches: [{
      file: TASK,
      find: "  const found = compareExchange(words, task + STATE, begun, over);",
      replace: "  const found = exchange(words, task + STATE, over);",
    }],
    caughtBy: ["Pool: a task is over"],
  },
  {
    name: "Pool: left by a store",
    patches: [{
      file: TASK,
      find: "    if (compareExchange(words, task + STATE, state, stateOf(LEFT, worker)) === state) return true;",
      replace:
        "    if (load(words, task + STATE) === state) {\n      exchange(words, task + STATE, stateOf(LEFT, worker));\n      return true;\n    }",
    }],
    caughtBy: ["Pool: a task is over"],
  },
];
