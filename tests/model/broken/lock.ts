import type { BrokenVariant } from "../model.ts";

const WORD = "sync/_lock_word.ts";
const LOCK = "sync/lock.ts";
const EVENT = "sync/event.ts";

const POINTS = "_internal/memory/wait_point.ts";

const WAKE = "      if (isAwaited(words, at + POINT)) notify(this.#place.space, at + POINT, 1);\n";
const IF = "    if (\n      !hasSuspended && at >= 0 && words[at + ACQUISITION] === acquisition &&\n";
const RELEASE = `      compareExchange(words, at, this.#tag, FREE) === this.#tag\n    ) {\n${WAKE}`;

/** Broken locks and events. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Lock: taken by an exchange",
    patches: [
      {
        file: WORD,
        find: "import { and, compareExchange, load, or, pause, peek }",
        replace: "import { and, compareExchange, exchange, load, or, pause, peek }",
      },
      {
        file: WORD,
        find: "if (compareExchange(words, at, seen, tag) === seen) return",
        replace: "if (exchange(words, at, tag) > -2) return",
      },
    ],
    caughtBy: ["Lock: two threads"],
  },
  {
    name: "Lock: released without a wake-up",
    patches: [{ file: LOCK, find: RELEASE, replace: RELEASE.replace(WAKE, "") }],
    caughtBy: ["Lock: two threads"],
  },
  {
    name: "Lock: notifies before it is free",
    patches: [{ file: LOCK, find: IF + RELEASE, replace: WAKE + IF + RELEASE.replace(WAKE, "") }],
    caughtBy: ["Lock: two threads"],
  },
  {
    name: "Lock: only blocked threads count as waiters",
    patches: [{
      file: POINTS,
      find: "(isPlain ? words[point + 1] : load(words, point + 1)) !== 0;",
      replace: "false;",
    }],
    caughtBy: ["Lock: a promise and"],
  },
  {
    name: "Lock: a guard gives back by a store",
    patches: [
      {
        file: LOCK,
        find: "import { compareExchange, load }",
        replace: "import { compareExchange, load, store }",
      },
      {
        file: LOCK,
        find: RELEASE,
        replace: `      store(words, at, FREE) === undefined\n    ) {\n${WAKE}`,
      },
    ],
    caughtBy: ["Lock: a guard whose lock"],
  },
  {
    name: "Lock: the bar is never cleared",
    patches: [{
      file: WORD,
      find: "    if (compareExchange(words, at, seen, tag) === seen) return",
      replace: "    if (compareExchange(words, at, seen, tag | seen & BARRED) === seen) return",
    }],
    caughtBy: ["Lock: overtaken"],
  },
  {
    name: "Lock: the bar keeps tries off",
    patches: [{
      file: "_internal/memory/wait_point.ts",
      find: "export const PASSING = 1;",
      replace: "export const PASSING = 0;",
    }],
    caughtBy: ["Lock: a try gets"],
  },
  {
    name: "Lock: a waiter that gives up leaves its bar",
    patches: [{
      file: WORD,
      find: "  if ((and(space.words, at, ~BARRED) & BARRED) !== 0) notify",
      replace: "  if (at < 0) notify",
    }],
    caughtBy: ["Lock: an overtaken waiter that gives up"],
  },
  {
    name: "Lock: a waiter that gives up takes its bar away and wakes no thread",
    patches: [{
      file: WORD,
      find: "  if ((and(space.words, at, ~BARRED) & BARRED) !== 0) notify(space, at + POINT, 1);",
      replace: "  and(space.words, at, ~BARRED);",
    }],
    caughtBy: ["Lock: an overtaken waiter that gives up"],
  },
  {
    name: "Lock: a dead holder's lock has no holder",
    patches: [{ file: WORD, find: " || isAlive(space.memory, holder)) {", replace: " || holder > 0) {" }],
    caughtBy: ["Lock: a dead holder's"],
  },
  {
    name: "Lock: a living holder is taken for dead",
    patches: [{
      file: WORD,
      find: " || isAlive(space.memory, holder)) {",
      replace: " || !isAlive(space.memory, holder)) {",
    }],
    caughtBy: ["Lock: a dead holder's"],
  },
  {
    name: "Event: notifies before it is set",
    patches: [{
      file: EVENT,
      find: "    for (;;) {\n      const seen = load(words, at);\n      if ((seen & 1) !== from) return;",
      replace:
        "    if (from === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);\n    for (;;) {\n      const seen = load(words, at);\n      if ((seen & 1) !== from) return;",
    }, {
      file: EVENT,
      find: "    if (from === 0) notify(this.#place.space, at + POINT, ALL_SLEEPERS);\n  }\n}",
      replace: "  }\n}",
    }],
    caughtBy: ["Event: all waiters"],
  },
  {
    name: "Event: set wakes one waiter",
    patches: [{
      file: EVENT,
      find: "notify(this.#place.space, at + POINT, ALL_SLEEPERS)",
      replace: "notify(this.#place.space, at + POINT, 1)",
    }],
    caughtBy: ["Event: all waiters"],
  },
  {
    name: "Event: a flag instead of a number",
    patches: [{
      file: EVENT,
      find: "return (seen & 1) === 1 || seen !== before;",
      replace: "return before >= 0 && (seen & 1) === 1;",
    }],
    caughtBy: ["Event: set and clear, with"],
  },
];
