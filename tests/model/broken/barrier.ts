import type { BrokenVariant } from "../model.ts";

const GENERATIONS = "sync/_generations.ts";
const BARRIER = "sync/barrier.ts";

/** Broken barriers. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Barrier: the next round begins in the generation of the last",
    patches: [{
      file: GENERATIONS,
      find: "        store(words, at + CURRENT, 0);\n        if (!hasAction) notify",
      replace: "        if (!hasAction) notify",
    }],
    caughtBy: ["Barrier: two threads", "Barrier: the action"],
  },
  {
    name: "Barrier: a party is added behind the last, which has died",
    patches: [{
      file: GENERATIONS,
      find: "if (index >= parties - 1 && hasDead",
      replace: "if (index === parties - 1 && hasDead",
    }],
    caughtBy: ["Barrier: a further thread"],
  },
  {
    name: "Barrier: the last thread wakes one waiter",
    patches: [{
      file: GENERATIONS,
      find: "if (!hasAction) notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);",
      replace: "if (!hasAction) notify(space, generation + GENERATION_POINT, 1);",
    }, {
      file: GENERATIONS,
      find: "generation + FATE, PASSED);\n    notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);",
      replace: "generation + FATE, PASSED);\n    notify(space, generation + GENERATION_POINT, 1);",
    }, {
      file: GENERATIONS,
      find:
        "  store(space.words, generation + FATE, BROKEN);\n  notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);",
      replace: "  store(space.words, generation + FATE, BROKEN);\n  notify(space, generation + GENERATION_POINT, 1);",
    }],
    caughtBy: ["Barrier: three come", "Barrier: the death"],
  },
  {
    name: "Barrier: notifies before the fate is decided",
    patches: [{
      file: GENERATIONS,
      find:
        "        store(words, generation + FATE, hasAction ? RUNNING : PASSED);\n        store(words, at + CURRENT, 0);\n        if (!hasAction) notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);\n",
      replace:
        "        if (!hasAction) notify(space, generation + GENERATION_POINT, ALL_SLEEPERS);\n        store(words, generation + FATE, hasAction ? RUNNING : PASSED);\n        store(words, at + CURRENT, 0);\n",
    }],
    caughtBy: ["Barrier: two threads"],
  },
  {
    name: "Barrier: passes before the action has run",
    patches: [{ file: GENERATIONS, find: "hasAction ? RUNNING : PASSED", replace: "PASSED" }],
    caughtBy: ["Barrier: the action"],
  },
  {
    name: "Barrier: a timeout breaks a generation that has passed",
    patches: [{
      file: GENERATIONS,
      find: "  if (generation === 0 || fateOf(space, generation) === undefined) breakAll(space, at, generation);",
      replace: "  breakAll(space, at, generation);",
    }],
    caughtBy: ["Barrier: a timeout"],
  },
  {
    name: "Barrier: no waiter looks for dead threads",
    patches: [{
      file: BARRIER,
      find: "  if (woken > 0) breakIfDead(space, at, generation);\n",
      replace: "  void woken;\n  void breakIfDead;\n",
    }],
    caughtBy: ["Barrier: a thread that dies"],
  },
  {
    name: "Barrier: arrivals without the mutex",
    patches: [{
      file: GENERATIONS,
      find: "  if (!lockMutex(space.memory, at + MUTEX, space.id)) return;",
      replace: "  if (at > 0) return;\n  lockMutex(space.memory, at + MUTEX, space.id);",
    }],
    caughtBy: ["Barrier: two threads", "Barrier: three come"],
  },
];
