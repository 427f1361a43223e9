import type { BrokenVariant } from "../model.ts";

const BOARD = "_internal/pool/board.ts";
const BATCH = "_internal/pool/batch.ts";
const SHARE = "_internal/pool/shares.ts";
const TASK = "_internal/pool/task.ts";
const TRAYS = "_internal/pool/trays.ts";
const FINISHED = "_internal/pool/finished.ts";
const RUNNING = "_internal/pool/running.ts";
const RESULTS = "_internal/pool/results.ts";
const WORKER = "_internal/pool/worker.ts";
/** The models' own owner, which does what dispatcher.ts and losses.ts do. */
const OWNER = "tests/model/_pool_parts.ts";

/** Broken boards of pools. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Pool: a task is begun by a store",
    patches: [{
      file: SHARE,
      find: "    return compareExchange(words, task + STATE, ready, this.#begun) === ready ? task : 0;",
      replace: "    store(words, task + STATE, this.#begun);\n    return task;",
    }],
    caughtBy: ["Pool: a share that was written in vain"],
  },
  {
    name: "Pool: a share is written when CURSOR was moved, and not before",
    patches: [{
      file: SHARE,
      find:
        "      store(words, this.#desk + FROM, cursor);\n      store(words, this.#desk + TO, to);\n      if (compareExchange(words, at + CURSOR, cursor, to) !== cursor) continue;\n",
      replace:
        "      if (compareExchange(words, at + CURSOR, cursor, to) !== cursor) continue;\n      store(words, this.#desk + FROM, cursor);\n      store(words, this.#desk + TO, to);\n",
    }],
    caughtBy: ["Pool: what a dead worker had"],
  },
  {
    name: "Pool: END is read before CURSOR",
    patches: [{
      file: SHARE,
      find:
        "      const cursor = load(words, at + CURSOR);\n      const waiting = distance(cursor, load(words, at + END));\n",
      replace:
        "      const end = load(words, at + END);\n      const cursor = load(words, at + CURSOR);\n      const waiting = distance(cursor, end);\n",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: an old share is not too old to take from",
    patches: [{
      file: SHARE,
      find: "        if (distance(position, load(words, board.at + END)) - 1 >>> 0 >= IN_RING) break;\n",
      replace: "",
    }],
    caughtBy: ["Pool: a share that is as old"],
  },
  {
    name: "Pool: a task is ready at any position",
    patches: [{ file: TASK, find: "  return position << OWNER_BITS | READY;", replace: "  return READY;" }],
    caughtBy: ["Pool: a worker with an old view"],
  },
  {
    name: "Pool: END is published before the task is written",
    patches: [{
      file: TRAYS,
      find: "    if (!this.#write(tray, slot, readyAt(this.#end), job, index, input, spare)) return -1;\n",
      replace:
        "    store(this.#words, this.#board.at + END, advance(this.#end, 1));\n    if (!this.#write(tray, slot, readyAt(this.#end), job, index, input, spare)) return -1;\n",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: the last task of a dead worker's share is left where it is",
    patches: [{
      file: TRAYS,
      find: "    for (let i = 0; i < count; i++) {\n      const position = advance(from, i);",
      replace: "    for (let i = 0; i < count - 1; i++) {\n      const position = advance(from, i);",
    }],
    caughtBy: ["Pool: a worker that dies loses"],
  },
  {
    name: "Pool: a task is taken back by a store",
    patches: [{
      file: TASK,
      find:
        "  if (phaseOf(state) !== READY || compareExchange(words, task + STATE, state, FREE) !== state) return false;",
      replace: "  if (phaseOf(state) !== READY) return false;\n  exchange(words, task + STATE, FREE);",
    }],
    caughtBy: ["Pool: what is taken back"],
  },
  {
    name: "Pool: a task is over by a store",
    patches: [{
      file: TASK,
      find: "  const found = compareExchange(words, task + STATE, begun, over);",
      replace: "  const found = load(words, task + STATE);\n  exchange(words, task + STATE, over);",
    }],
    caughtBy: ["Pool: a task is over, or left"],
  },
  {
    name: "Pool: a task is left by a store",
    patches: [{
      file: TASK,
      find: "    if (compareExchange(words, task + STATE, state, stateOf(LEFT, worker)) === state) return true;",
      replace:
        "    if (load(words, task + STATE) !== state) continue;\n    exchange(words, task + STATE, stateOf(LEFT, worker));\n    return true;",
    }],
    caughtBy: ["Pool: a task is over, or left"],
  },
  {
    name: "Pool: only a task that was not asked to give up is left",
    patches: [{
      file: TASK,
      find: "  for (const phase of [BEGUN, TOLD]) {",
      replace: "  for (const phase of [BEGUN]) {",
    }],
    caughtBy: ["Pool: a task is over, or left"],
  },
  {
    name: "Pool: a task is asked to give up by a store",
    patches: [{
      file: TASK,
      find: "  return compareExchange(words, task + STATE, state, stateOf(TOLD, worker)) === state ? worker : 0;",
      replace: "  exchange(words, task + STATE, stateOf(TOLD, worker));\n  return worker;",
    }],
    caughtBy: ["Pool: a task that is asked"],
  },
  {
    name: "Pool: a task that was asked to give up is never over",
    patches: [{
      file: TASK,
      find: "  return found === stateOf(TOLD, worker) && compareExchange(words, task + STATE, found, over) === found;",
      replace: "  return false;",
    }],
    caughtBy: ["Pool: a task that is asked"],
  },
  {
    name: "Pool: what is pushed is linked to nothing",
    patches: [{ file: BOARD, find: "      words[next] = seen;", replace: "      words[next] = 0;" }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: pushed by a store",
    patches: [{
      file: BOARD,
      find: "      if (compareExchange(words, head, seen, last) === seen) break;\n",
      replace: "      store(words, head, last);\n      break;\n",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: a worker that pushes what is finished does not notify",
    patches: [{
      file: BOARD,
      find:
        "      if (compareExchange(words, head, seen, last) === seen) break;\n    }\n    notify(this.space, this.at + DONE, 1);\n",
      replace: "      if (compareExchange(words, head, seen, last) === seen) break;\n    }\n",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: what is finished is taken in by a load and a store",
    patches: [{
      file: BOARD,
      find: "    return load(this.words, head) === 0 ? 0 : exchange(this.words, head, 0);",
      replace:
        "    const seen = load(this.words, head);\n    if (seen !== 0) store(this.words, head, 0);\n    return seen;",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: a worker reports a task before it is over",
    patches: [{
      file: RUNNING,
      find: "    if (!finish(this.#space, task, this.#worker)) {",
      replace: "    this.#finished.add(task);\n    this.tell(0);\n    if (!finish(this.#space, task, this.#worker)) {",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: tasks that are reported together are linked by the last of them",
    patches: [{
      file: FINISHED,
      find: "    if (this.#count === 0) this.#first = task;\n",
      replace: "    this.#first = task;\n",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: the owner wakes one worker too few",
    patches: [{
      file: BOARD,
      find: "    const left = load(this.words, this.at + SEARCHING) !== 0 ? count - 1 : count;",
      replace: "    const left = count - 1;",
    }],
    caughtBy: ["Pool: no worker sleeps"],
  },
  {
    name: "Pool: closing wakes one worker",
    patches: [{
      file: BOARD,
      find: "    notify(this.space, this.at + WORK, 0xfff);",
      replace: "    notify(this.space, this.at + WORK, 1);",
    }],
    caughtBy: ["Pool: each task is begun"],
  },
  {
    name: "Pool: a worker looks for tasks before it registers, and not after",
    patches: [{
      file: WORKER,
      find:
        "      const registered = register(space, point);\n      let notified = false;\n      try {\n        const task = this.#take();\n",
      replace:
        "      const task = this.#take();\n      const registered = register(space, point);\n      let notified = false;\n      try {\n",
    }],
    caughtBy: ["Pool: no worker sleeps"],
  },
  {
    name: "Pool: a worker that looks for tasks without sleeping is trusted forever",
    patches: [{
      file: BOARD,
      find: "    compareExchange(this.words, this.at + SEARCHING, worker, 0);",
      replace: "    load(this.words, this.at + SEARCHING);",
    }],
    caughtBy: ["Pool: a worker that looks for tasks"],
  },
  {
    name: "Pool: a worker that was trusted does not look once more, nor before it sleeps",
    patches: [{
      file: WORKER,
      find: "    if (found === 0) found = this.#take();\n    notify(",
      replace: "    notify(",
    }, {
      file: WORKER,
      find: "        const task = this.#take();\n        if (task !== 0) return task;\n",
      replace: "",
    }],
    caughtBy: ["Pool: a worker that looks for tasks"],
  },
  {
    name: "Pool: a worker that was trusted wakes one other, whatever there is",
    patches: [{
      file: WORKER,
      find: "    notify(this.#space, board.at + WORK, board.waiting);",
      replace: "    if (board.waiting > 0) notify(this.#space, board.at + WORK, 1);",
    }],
    caughtBy: ["Pool: a worker that has looked"],
  },
  {
    name: "Pool: a worker that was trusted wakes others while it is trusted",
    patches: [{
      file: WORKER,
      find: "    board.endSearching(this.#worker);\n",
      replace: "",
    }, {
      file: WORKER,
      find: "    notify(this.#space, board.at + WORK, board.waiting);\n",
      replace: "    notify(this.#space, board.at + WORK, board.waiting);\n    board.endSearching(this.#worker);\n",
    }],
    caughtBy: ["Pool: a worker that has looked"],
  },
  {
    name: "Pool: all workers may leave",
    patches: [{
      file: WORKER,
      find: "      if (staff <= load(words, at + LEAST)) return false;",
      replace: "      if (staff < load(words, at + LEAST)) return false;",
    }],
    caughtBy: ["Pool: workers that leave"],
  },
  {
    name: "Pool: a worker leaves by a load and a store",
    patches: [{
      file: WORKER,
      find: "      if (compareExchange(words, at + STAFF, staff, staff - 1) !== staff) continue;\n",
      replace: "      store(words, at + STAFF, staff - 1);\n",
    }],
    caughtBy: ["Pool: workers that leave"],
  },
  {
    name: "Pool: a task for one worker alone is taken from its desk before it is begun",
    patches: [{
      file: WORKER,
      find: "    const begun = stateOf(BEGUN, this.#worker);\n    const isBegun",
      replace:
        "    const begun = stateOf(BEGUN, this.#worker);\n    if (exchange(words, this.#desk + ERRAND, 0) === 0) return 0;\n    const isBegun",
    }, {
      file: WORKER,
      find: "import { compareExchange, load,",
      replace: "import { compareExchange, exchange, load,",
    }],
    caughtBy: ["Pool: a task for one worker"],
  },
  {
    name: "Pool: the block of an outcome is noted when the task has it",
    patches: [{
      file: RESULTS,
      find: "    store(words, this.#desk + PENDING, block);\n",
      replace: "",
    }, {
      file: RESULTS,
      find: "    store(words, this.#desk + PENDING, 0);\n",
      replace: "    store(words, this.#desk + PENDING, block);\n    store(words, this.#desk + PENDING, 0);\n",
    }],
    caughtBy: ["Pool: a worker that dies writing"],
  },
  {
    name: "Pool: the note of a block is struck out before the task has it",
    patches: [{
      file: RESULTS,
      find: "    store(words, this.#desk + PENDING, block);\n",
      replace: "    store(words, this.#desk + PENDING, block);\n    store(words, this.#desk + PENDING, 0);\n",
    }],
    caughtBy: ["Pool: a worker that dies writing"],
  },
  {
    name: "Pool: the note of a block is not struck out before the task is over",
    patches: [{ file: RESULTS, find: "    store(words, this.#desk + PENDING, 0);\n", replace: "" }],
    caughtBy: ["Pool: a worker that dies writing"],
  },
  {
    name: "Pool: a block that was noted and written is given back for both",
    patches: [{
      file: TASK,
      find: "  space.free(block);\n  return block;\n",
      replace: "  space.free(block);\n  return 0;\n",
    }],
    caughtBy: ["Pool: a worker that dies writing"],
  },
  {
    name: "Pool: the owner wakes workers before it publishes",
    patches: [{
      file: OWNER,
      find: "    trays.publish();\n    board.wake(inputs.length);\n",
      replace: "    board.wake(inputs.length);\n    trays.publish();\n",
    }],
    caughtBy: ["Pool: no worker sleeps"],
  },
  {
    name: "Pool: the owner trusts a dead worker that looked for tasks",
    patches: [{
      file: OWNER,
      find: "    this.vacate(index);\n    board.endSearching(id);\n    this.collect();\n    const freed",
      replace: "    this.vacate(index);\n    this.collect();\n    const freed",
    }],
    caughtBy: ["Pool: a worker that dies looking"],
  },
  {
    name: "Pool: the owner takes in what is finished after it has looked for what a dead worker has",
    patches: [{
      file: OWNER,
      find:
        "    board.endSearching(id);\n    this.collect();\n    const freed = new Set<number>();\n    for (const number of this.tasksOf(id)) {",
      replace:
        "    board.endSearching(id);\n    const tasks = this.tasksOf(id);\n    this.collect();\n    const freed = new Set<number>();\n    for (const number of tasks) {",
    }],
    caughtBy: ["Pool: a worker that dies loses"],
  },
  {
    name: "Pool: the rest of a batch is taken by a store",
    patches: [{
      file: BATCH,
      find: "const seen = exchange(words, this.at + NEXT, TAKEN);",
      replace: "const seen = load(words, this.at + NEXT);\n    store(words, this.at + NEXT, TAKEN);",
    }, { file: BATCH, find: "import { add, exchange, load }", replace: "import { add, load, store }" }],
    caughtBy: ["Pool: each item of a batch is called once"],
  },
  {
    name: "Pool: a worker comes to the next item of a batch by a store",
    patches: [{
      file: BATCH,
      find: "const item = add(words, batch + NEXT, 1);",
      replace: "const item = load(words, batch + NEXT);\n  store(words, batch + NEXT, item + 1);",
    }, { file: BATCH, find: "import { add, exchange, load }", replace: "import { exchange, load, store }" }],
    caughtBy: ["Pool: each item of a batch is called once"],
  },
  {
    name: "Pool: what a dead worker had come to in a batch is done",
    patches: [{
      file: BATCH,
      find: "return this.#isThrough ? this.count : this.count - 1;",
      replace: "return this.count;",
    }],
    caughtBy: ["Pool: a batch whose worker dies"],
  },
  {
    name: "Pool: the rest of a batch is taken twice",
    patches: [{ file: BATCH, find: "    this.#isTaken = true;\n", replace: "" }],
    caughtBy: ["Pool: a batch whose worker dies"],
  },
  {
    name: "Pool: a batch that stopped does not say so",
    patches: [{ file: BATCH, find: "  words[batch + STOPPED] = 1;", replace: "  words[batch + STOPPED] = 0;" }],
    caughtBy: ["Pool: a batch stops"],
  },
  {
    name: "Pool: what a worker reads is named nowhere",
    patches: [{
      file: TASK,
      find: "      if (pending !== 0) store(words, pending, words[task + VALUE]);\n",
      replace: "",
    }],
    caughtBy: ["Pool: a worker that dies reading a long input"],
  },
  {
    name: "Pool: what a worker has read is named until it is given back",
    patches: [{
      file: TASK,
      find: "        if (pending !== 0) store(words, pending, 0);\n        space.free(block);",
      replace: "        space.free(block);\n        if (pending !== 0) store(words, pending, 0);",
    }],
    caughtBy: ["Pool: a worker that dies reading a long input"],
  },
];
