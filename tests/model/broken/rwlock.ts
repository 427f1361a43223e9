import type { BrokenVariant } from "../model.ts";

const WORD = "sync/_rw_word.ts";
const SEATS = "sync/_reader_seats.ts";

/** Broken locks of readers and writers. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "RWLock: a reader looks at the word before it counts itself",
    patches: [{
      file: WORD,
      find: "    store(words, seat + COUNT, count + 1);\n    const after = peek(words, base);",
      replace: "    const after = peek(words, base);\n    store(words, seat + COUNT, count + 1);",
    }],
    caughtBy: ["RWLock: two readers", "RWLock: two writers"],
  },
  {
    name: "RWLock: a writer looks for readers before it claims",
    patches: [{
      file: WORD,
      find:
        "    if (compareExchange(words, base, seen, tag | seen & FLAGS | CLAIM) !== seen) continue;\n    if (isRead(space, base + SEATS)) {",
      replace:
        "    const others = isRead(space, base + SEATS);\n    if (compareExchange(words, base, seen, tag | seen & FLAGS | CLAIM) !== seen) continue;\n    if (others) {",
    }],
    caughtBy: ["RWLock: two readers", "RWLock: two writers"],
  },
  {
    name: "RWLock: the writer claims by a store",
    patches: [{
      file: WORD,
      find: "    if (compareExchange(words, base, seen, tag | seen & FLAGS | CLAIM) !== seen) continue;",
      replace: "    store(words, base, tag | seen & FLAGS | CLAIM);",
    }, {
      file: WORD,
      find: "  if (!isUnread(words, base + SEATS) || compareExchange(words, base, FREE, tag) !== FREE) return false;",
      replace: "  if (tag !== FREE) return false;",
    }],
    caughtBy: ["RWLock: two writers"],
  },
  {
    name: "RWLock: a writer at once claims by a store",
    patches: [{
      file: WORD,
      find: "  if (!isUnread(words, base + SEATS) || compareExchange(words, base, FREE, tag) !== FREE) return false;",
      replace: "  if (load(words, base) !== FREE) return false;\n  store(words, base, tag);",
    }],
    caughtBy: ["RWLock: two writers"],
  },
  {
    name: "RWLock: a writer at once does not look at the seats",
    patches: [{
      file: WORD,
      find: "  if (isUnread(words, base + SEATS)) return true;",
      replace: "  if (tag !== FREE) return true;",
    }, {
      file: WORD,
      find: "  if (!isUnread(words, base + SEATS) || ",
      replace: "  if (",
    }],
    caughtBy: ["RWLock: two readers", "RWLock: two writers"],
  },
  {
    name: "RWLock: a writer at once looks for readers only before it writes its id",
    patches: [{
      file: WORD,
      find: "  if (isUnread(words, base + SEATS)) return true;",
      replace: "  if (tag !== FREE) return true;",
    }],
    caughtBy: ["RWLock: two readers", "RWLock: two writers"],
  },
  {
    name: "RWLock: a reader takes a newcomer that looks at the seats for a writer",
    patches: [{ file: WORD, find: "      if (reads(space, seat)) {", replace: "      if (seat < 0) {" }],
    caughtBy: ["RWLock: a reader may try"],
  },
  {
    name: "RWLock: dead readers still count",
    patches: [{
      file: SEATS,
      find: "if (peek(words, seat + COUNT) !== 0 && isAlive(memory, owner)) return true;",
      replace: "if (peek(words, seat + COUNT) !== 0 && memory !== undefined) return true;",
    }],
    caughtBy: ["RWLock: a death"],
  },
  {
    name: "RWLock: the new owner of a seat has the reads of its dead owner",
    patches: [{ file: SEATS, find: "        store(words, seat + COUNT, 0);\n", replace: "" }],
    caughtBy: ["RWLock: a death"],
  },
  {
    name: "RWLock: the last reader wakes no writer",
    patches: [{
      file: WORD,
      find:
        "  if (count === 0 && isAwaited(words, base + WRITE_POINT)) notify(space, base + WRITE_POINT, 1);\n}\n\n/** Gives an acquisition",
      replace: "}\n\n/** Gives an acquisition",
    }],
    caughtBy: ["RWLock: two readers"],
  },
  {
    name: "RWLock: the writer wakes no readers",
    patches: [{
      file: WORD,
      find:
        "    replaceOwn(space, base, FREE, WRITERS_OFF | BARRED) === undefined\n  ) return;\n  if (isAwaited(words, base + READ_POINT)) notify(space, base + READ_POINT, ALL_SLEEPERS);\n",
      replace: "    replaceOwn(space, base, FREE, WRITERS_OFF | BARRED) === undefined\n  ) return;\n",
    }],
    caughtBy: ["RWLock: two readers", "RWLock: two writers"],
  },
  {
    name: "RWLock: a writer that gives up keeps the readers off",
    patches: [{
      file: WORD,
      find: "  const before = and(words, base, ~bars) & bars;",
      replace: "  const before = load(words, base) & bars & 0;",
    }],
    caughtBy: ["RWLock: a writer that gives up", "RWLock: aborted"],
  },
  {
    name: "RWLock: a dead writer's lock is as if it had been released",
    patches: [{
      file: WORD,
      find: "seen & FLAGS | ABANDONED) !== seen) return false;",
      replace: "seen & FLAGS) !== seen) return false;",
    }],
    caughtBy: ["RWLock: after a writer's death"],
  },
];
