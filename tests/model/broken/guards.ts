import type { BrokenVariant } from "../model.ts";

const WORD = "sync/_lock_word.ts";
const LOCK = "sync/lock.ts";
const RLOCK = "sync/rlock.ts";
const RW_WORD = "sync/_rw_word.ts";
const SEMAPHORE = "sync/semaphore.ts";

const UNCHECKED = {
  file: WORD,
  find: "    if (seen >>> HOLDER_SHIFT !== space.id) return;\n    if (compareExchange(words, at, seen, seen & BARRED)",
  replace: "    if (seen === FREE) return;\n    if (compareExchange(words, at, seen, seen & BARRED)",
};

/** Broken guards, which give back what they no longer stand for. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Lock: a guard of a thread that was taken for dead gives back whatever is held",
    patches: [UNCHECKED],
    caughtBy: ["Lock: a guard of a thread"],
  },
  {
    name: "Lock: a guard does not ask which acquisition it is",
    patches: [{
      file: LOCK,
      find: "if (at < 0 || words[at + ACQUISITION] !== acquisition) return;",
      replace: "if (at < 0) return;",
    }],
    caughtBy: ["Lock: a guard of a task"],
  },
  {
    name: "RLock: a guard of a thread that was taken for dead gives back whatever is held",
    patches: [UNCHECKED],
    caughtBy: ["RLock: a guard of a thread"],
  },
  {
    name: "RLock: a guard gives back by a store",
    patches: [
      {
        file: RLOCK,
        find: "import { compareExchange, load, peek }",
        replace: "import { compareExchange, load, peek, store }",
      },
      {
        file: RLOCK,
        find: "if (compareExchange(words, at, tag, FREE) === tag) {",
        replace: "if (store(words, at, FREE) === FREE && tag !== FREE) {",
      },
    ],
    caughtBy: ["RLock: a guard of a thread"],
  },
  {
    name: "RLock: a guard without a level takes the innermost level",
    patches: [{
      file: RLOCK,
      find: "    else if (!strikeOut(held, acquisition)) return;\n",
      replace: "    else held.pop();\n",
    }],
    caughtBy: ["RLock: a guard whose level"],
  },
  {
    name: "RLock: a guard of a task that is over takes the next task's level",
    patches: [{
      file: RLOCK,
      find: "    else if (!strikeOut(held, acquisition)) return;\n",
      replace: "    else held.pop();\n",
    }],
    caughtBy: ["RLock: a guard of a task"],
  },
  {
    name: "RWLock: a write guard does not ask whether its thread writes",
    patches: [{
      file: RW_WORD,
      find: "if (!isWriter(space, base) || words[base + ACQUISITION] !== acquisition) return;",
      replace: "if (words[base + ACQUISITION] !== acquisition) return;",
    }, {
      file: RW_WORD,
      find: "    if (writerOf(seen) !== space.id) return undefined;\n",
      replace: "    if (space.id < 0) return undefined;\n",
    }],
    caughtBy: ["RWLock: a write guard of a thread"],
  },
  {
    name: "RWLock: a write guard looks whether its thread writes before the change, not with it",
    patches: [{
      file: RW_WORD,
      find: "    if (writerOf(seen) !== space.id) return undefined;\n",
      replace: "    if (space.id < 0) return undefined;\n",
    }],
    caughtBy: ["RWLock: a write guard of a thread"],
    bound: 4,
  },
  {
    name: "RWLock: a write guard does not ask which acquisition it is",
    patches: [{
      file: RW_WORD,
      find: "if (!isWriter(space, base) || words[base + ACQUISITION] !== acquisition) return;",
      replace: "if (!isWriter(space, base)) return;",
    }],
    caughtBy: ["RWLock: a write guard of a task"],
  },
  {
    name: "RWLock: a read guard does not ask whose the seat is",
    patches: [{
      file: RW_WORD,
      find: " || peek(words, seat) !== space.id) return;",
      replace: " || space.id < 0) return;",
    }],
    caughtBy: ["RWLock: a read guard of a thread"],
  },
  {
    name: "RWLock: a read guard does not ask whether its reads were taken",
    patches: [{
      file: RW_WORD,
      find: "if ((hasEpochs && epoch !== epochOf(space, seat)) ||",
      replace: "if (epoch < 0 ||",
    }],
    caughtBy: ["RWLock: a read guard of a task"],
  },
  {
    name: "Condition: a guard disposed of while its Lock is given up is forgotten",
    patches: [{
      file: LOCK,
      find: "if (held.spent) giveUp(space, at);",
      replace: "if (held === undefined) giveUp(space, at);",
    }],
    caughtBy: ["Condition: a guard disposed of while its Lock"],
  },
  {
    name: "Condition: a guard disposed of while its RLock is given up is forgotten",
    patches: [{
      file: RLOCK,
      find: "    if (at >= 0) given.held.splice(at, 1);\n",
      replace: "    if (at < 0) given.held.splice(at, 1);\n",
    }],
    caughtBy: ["Condition: a guard disposed of while its RLock"],
  },
  {
    name: "BoundedSemaphore: a guard gives its permit back each time",
    patches: [{
      file: SEMAPHORE,
      find: "    this.#semaphore = undefined;\n",
      replace: "",
    }],
    caughtBy: ["BoundedSemaphore: a guard disposed"],
  },
];
