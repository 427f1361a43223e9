import type { BrokenVariant } from "../model.ts";

const PARTICIPANTS = "_internal/memory/participants.ts";
const CAUGHT = ["Spare: a thread that comes"];

/** Broken ways to give a thread to a spare worker. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Spare: the worker looks for a record before it leaves",
    patches: [{
      file: PARTICIPANTS,
      find: "  leave(memory, id);\n  return exchange(memory.words, entryOf(id) + RECORD, 0);",
      replace:
        "  const record = exchange(memory.words, entryOf(id) + RECORD, 0);\n  leave(memory, id);\n  return record;",
    }],
    caughtBy: CAUGHT,
  },
  {
    name: "Spare: the starter does not look whether the worker has left",
    patches: [{
      file: PARTICIPANTS,
      find: "  return isAlive(memory, id) || compareExchange(memory.words, word, record, 0) !== record;",
      replace: "  return true;",
    }],
    caughtBy: CAUGHT,
  },
  {
    name: "Spare: the starter starts it elsewhere although the worker has it",
    patches: [{
      file: PARTICIPANTS,
      find: "  return isAlive(memory, id) || compareExchange(memory.words, word, record, 0) !== record;",
      replace: "  return isAlive(memory, id);",
    }],
    caughtBy: CAUGHT,
  },
];
