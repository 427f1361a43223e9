import type { BrokenVariant } from "../model.ts";

const MUTEX = "_internal/memory/participants.ts";
const ALLOCATOR = "_internal/memory/allocator.ts";
const NAMES = "_internal/memory/space.ts";
const PARTICIPANTS = "_internal/memory/participants.ts";

/** Broken mutexes, allocators, names and participants. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Mutex: given up by a load and a store",
    patches: [{
      file: MUTEX,
      find: "  if ((exchange(memory.words, at, 0) & 1) === 1) memory.notify(at, 1);",
      replace:
        "  const seen = load(memory.words, at);\n  store(memory.words, at, 0);\n  if ((seen & 1) === 1) memory.notify(at, 1);",
    }],
    caughtBy: ["Mutex: three threads", "Mutex: two threads"],
  },
  {
    name: "Mutex: a thread that has slept takes it as if no other thread slept",
    patches: [{
      file: MUTEX,
      find: "compareExchange(words, at, 0, id << 1 | 1) === 0",
      replace: "compareExchange(words, at, 0, id << 1) === 0",
    }],
    caughtBy: ["Mutex: three threads"],
  },
  {
    name: "Mutex: sleeps without saying so",
    patches: [{
      file: MUTEX,
      find:
        "    if ((seen & 1) === 1 || compareExchange(words, at, seen, seen | 1) === seen) {\n      memory.wait(at, seen | 1, SLICE_MS);",
      replace: "    {\n      memory.wait(at, seen, SLICE_MS);",
    }],
    caughtBy: ["Mutex: two threads", "Mutex: three threads"],
  },
  {
    name: "Mutex: waiters do not look whether the holder lives",
    patches: [{
      file: MUTEX,
      find: "    if (seen >>> 1 === id || !isAlive(memory, seen >>> 1)) {",
      replace: "    if (id < 0) {",
    }],
    caughtBy: ["Mutex: the next holder"],
  },
  {
    name: "Mutex: a dead holder's mutex is taken by a store",
    patches: [
      {
        file: MUTEX,
        find: "      if (compareExchange(words, at, seen, id << 1 | 1) === seen) return true;\n      continue;",
        replace: "      store(words, at, id << 1 | 1);\n      return true;",
      },
    ],
    caughtBy: ["Mutex: the next holder"],
  },
  {
    name: "Allocator: without its mutex",
    patches: [{
      file: ALLOCATOR,
      find: "  lock(memory, id);\n  const fresh",
      replace: "  const fresh",
    }],
    caughtBy: ["Allocator: no block"],
  },
  {
    name: "Allocator: lists that a dead thread left are not looked at",
    patches: [{
      file: ALLOCATOR,
      find: "  if (lockMutex(memory, ALLOCATOR_MUTEX_AT, id)) sweep(memory, true);",
      replace: "  lockMutex(memory, ALLOCATOR_MUTEX_AT, id);",
    }, {
      file: ALLOCATOR,
      find: "      words[list] = words[block + 1];\n      words[block] = words[block] & ~FREE;",
      replace: "      words[block] = words[block] & ~FREE;\n      words[list] = words[block + 1];",
    }],
    caughtBy: ["Allocator: what a thread gives", "Allocator: a death", "Allocator: blocks that are cut"],
  },
  {
    name: "Allocator: a block is cut before what is behind the cut has a size",
    patches: [{
      file: ALLOCATOR,
      find: "  words[block + size] = rest | FREE;\n  store(words, block, size);",
      replace: "  store(words, block, size);\n  words[block + size] = rest | FREE;",
    }],
    caughtBy: ["Allocator: blocks that are cut"],
  },
  {
    name: "Allocator: blocks are joined by making nothing of the second first",
    patches: [{
      file: ALLOCATOR,
      find: "      end += next;",
      replace: "      store(words, end, 0);\n      end += next;",
    }],
    caughtBy: ["Allocator: blocks that are cut"],
  },
  {
    name: "Names: an entry is linked before it points to the next",
    patches: [{
      file: NAMES,
      find: "    store(words, entry, load(words, NAMES_AT));\n    store(words, NAMES_AT, entry);\n",
      replace:
        "    const next = load(words, NAMES_AT);\n    store(words, NAMES_AT, entry);\n    store(words, entry, next);\n",
    }],
    caughtBy: ["Names: a creator that dies"],
  },
  {
    name: "Names: not looked for again under the mutex",
    patches: [{ file: NAMES, find: "    const meanwhile = find(words, name);", replace: "    const meanwhile = 0;" }],
    caughtBy: ["Names: two creators"],
  },
  {
    name: "Participants: the next id is read and written",
    patches: [{
      file: PARTICIPANTS,
      find: "    const id = add(words, NEXT_PARTICIPANT_AT, 1) + 1;",
      replace: "    const id = load(words, NEXT_PARTICIPANT_AT) + 1;\n    store(words, NEXT_PARTICIPANT_AT, id);",
    }],
    caughtBy: ["Participants: "],
  },
  {
    name: "Terminate: a thread that ends keeps the wake-up it was chosen for",
    patches: [{
      file: "_internal/memory/wait_point.ts",
      find:
        "        // The notification was meant to make a waiter look: pass it on.\n        notify(space, point, 1);\n",
      replace: "",
    }],
    caughtBy: ["Terminate: a thread asleep"],
  },
];
