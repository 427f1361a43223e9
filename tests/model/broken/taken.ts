import type { BrokenVariant } from "../model.ts";

const TAKEN = "_internal/queue/taken.ts";
const MESSAGE = "_internal/queue/message.ts";
const LOG = "_internal/queue/log.ts";
const VERSIONED = "_internal/queue/versioned.ts";
const PARTICIPANTS = "_internal/memory/participants.ts";

/** Broken ways to give up what a dead thread had taken. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Taken: the note is struck out before the message is read",
    patches: [{
      file: MESSAGE,
      find: "  const bytes = bytesOf(space, parcel, length);\n  try {",
      replace: "  const bytes = bytesOf(space, parcel, length);\n  const struck = strikeOut(space, parcel);\n  try {",
    }, {
      file: MESSAGE,
      find: "    if (strikeOut(space, parcel)) {",
      replace: "    if (struck) {",
    }],
    caughtBy: ["Taken: a message of a queue"],
  },
  {
    name: "Taken: a parcel is noted when it is taken, and not before",
    patches: [{
      file: LOG,
      find:
        "      beginTaking(space, base + TAKING, base + HEAD, parcel);\n      store(words, base + HEAD, (head + 1) | 0);\n",
      replace:
        "      store(words, base + HEAD, (head + 1) | 0);\n      beginTaking(space, base + TAKING, base + HEAD, parcel);\n",
    }],
    caughtBy: ["Taken: a message of a queue"],
  },
  {
    name: "Taken: a note is a parcel that was taken",
    patches: [{ file: TAKEN, find: "  if (queue === 0) return true;", replace: "  if (queue >= 0) return true;" }],
    caughtBy: ["Taken: a message of a queue", "Taken: what comes into a stack"],
  },
  {
    name: "Taken: the thread that gets the mutex leaves the note of a dead thread",
    patches: [{
      file: VERSIONED,
      find: "  if (space.words[base + TAKING] !== 0) mendTaking(space, base + TAKING);\n",
      replace: "  if (space.words[base + TAKING] !== 0) space.words[base + TAKING] = 0;\n",
    }],
    caughtBy: ["Taken: what comes into a stack", "Taken: a message of a stack"],
  },
  {
    name: "Taken: there is a note before the queue says so",
    patches: [{
      file: TAKEN,
      find: "  store(words, taking, parcel);\n  store(words, entry + TAKEN, parcel);\n",
      replace: "  store(words, entry + TAKEN, parcel);\n  store(words, taking, parcel);\n",
    }],
    caughtBy: ["Taken: a message of a queue", "Taken: what comes into a stack", "Taken: what comes into a heap"],
  },
  {
    name: "Taken: a reclaimer strikes out by a store",
    patches: [{
      file: TAKEN,
      find:
        "if (compareExchange(words, entry + note, parcel, previous) === parcel && isIts) loseParcel(space, parcel);",
      replace: "store(words, entry + note, previous);\n        if (isIts) loseParcel(space, parcel);",
    }],
    caughtBy: ["Taken: two threads that reclaim"],
  },
  {
    name: "Taken: a reclaimer looks at the living",
    patches: [{ file: TAKEN, find: "  if (isAlive(memory, id)) return;\n", replace: "" }, {
      file: TAKEN,
      find: "idAt(words, entry) !== id || isAlive(memory, id)) break;",
      replace: "idAt(words, entry) !== id) break;",
    }],
    caughtBy: ["Taken: a message of a queue", "Taken: two threads that reclaim"],
  },
  {
    name: "Taken: an entry is given to another thread with what the dead thread had taken",
    patches: [{ file: PARTICIPANTS, find: "if (load(words, entry + TAKEN) !== 0 || ", replace: "if (" }],
    caughtBy: ["Taken: an entry"],
  },
  {
    name: "Unput: an entry is given to another thread with what the dead thread waited to put",
    patches: [{
      file: PARTICIPANTS,
      find: "    if (load(words, entry + TAKEN) !== 0 || load(words, entry + UNPUT) !== 0) continue;\n",
      replace: "    if (load(words, entry + TAKEN) !== 0) continue;\n",
    }],
    caughtBy: ["Unput: an entry"],
  },
  {
    name: "Unput: a message is noted while it is put",
    patches: [
      { file: TAKEN, find: "      if (!strikeUnput(space, parcel)) space.exit();\n", replace: "" },
      {
        file: TAKEN,
        find: "    if (result === undefined) noteUntil(space, messages, until);\n",
        replace:
          "    if (result !== undefined) { for (const parcel of messages.parcels(most)) strikeUnput(space, parcel); }\n",
      },
    ],
    caughtBy: ["Unput: a message"],
  },
  {
    name: "Unput: messages for which there is no room are struck out, too",
    patches: [{
      file: TAKEN,
      find: "    for (const parcel of messages.parcels(most)) {\n",
      replace: "    for (const parcel of messages.parcels(messages.left)) {\n",
    }],
    caughtBy: ["Unput: of many messages"],
  },
  {
    name: "Unput: a reclaimer leaves what a dead thread waited to put",
    patches: [{
      file: TAKEN,
      find: "    for (const note of [TAKEN, UNPUT]) {\n",
      replace: "    for (const note of [TAKEN]) {\n",
    }],
    caughtBy: ["Unput: a message"],
  },
  {
    name: "Unput: a message is noted before what was noted before it",
    patches: [{
      file: TAKEN,
      find: "  const before = load(words, entry + UNPUT);\n  words[parcel + PREVIOUS] = before;\n",
      replace:
        "  const before = load(words, entry + UNPUT);\n  store(words, entry + UNPUT, parcel);\n  load(words, entry + UNPUT);\n  words[parcel + PREVIOUS] = before;\n",
    }],
    caughtBy: ["Unput: promises"],
  },
  {
    name: "Unput: a message that is struck out takes the way to those before it along",
    patches: [{
      file: TAKEN,
      find: "  if (compareExchange(words, at, parcel, before) !== parcel) return false;\n",
      replace: "  if (compareExchange(words, at, parcel, 0) !== parcel) return false;\n",
    }],
    caughtBy: ["Unput: promises"],
  },
];
