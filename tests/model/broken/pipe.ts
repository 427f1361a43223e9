import type { BrokenVariant } from "../model.ts";

const PIPE = "_internal/processes/pipe.ts";
const PIPE_WAIT = "_internal/processes/pipe_wait.ts";
const OBJECT = "_internal/memory/shared_object.ts";
const MANY = "_internal/memory/wait.ts";

/** Broken pipes, references and waits for several objects. */
export const variants: readonly BrokenVariant[] = [
  {
    name: "Pipe: a receiver is notified before the message counts",
    patches: [{
      file: PIPE,
      find:
        "  post(space.words, ring + TAIL, next);\n  unlockMutex(space.memory, ring + PUT_MUTEX);\n  notify(space, ring + GET_POINT, 1);\n",
      replace:
        "  notify(space, ring + GET_POINT, 1);\n  store(space.words, ring + TAIL, next);\n  unlockMutex(space.memory, ring + PUT_MUTEX);\n",
    }],
    caughtBy: ["Pipe: two senders", "Pipe: one sender"],
  },
  {
    name: "Pipe: the mutex is given up before the message is off the ring",
    patches: [{
      file: PIPE,
      find:
        "    post(words, ring + HEAD, advance(next, takenBy(words, position)));\n    if (parcel !== 0) endTaking(space, ring + TAKING, parcel);\n  }\n  unlockMutex(space.memory, ring + GET_MUTEX);\n",
      replace:
        "  }\n  unlockMutex(space.memory, ring + GET_MUTEX);\n  if (take) store(words, ring + HEAD, advance(next, takenBy(words, position)));\n",
    }],
    caughtBy: ["Pipe: one sender", "Pipe: a receiver"],
  },
  {
    name: "Pipe: a get notifies no sender that there is room",
    patches: [{ file: PIPE, find: "  if (take) notify(space, ring + PUT_POINT, 1);\n", replace: "" }],
    caughtBy: ["Pipe: two senders"],
  },
  {
    name: "Pipe: a connection that has registered does not look once more before it sleeps",
    patches: [{
      file: PIPE_WAIT,
      find: "      result = wait.attempt(woken);\n      if (result !== undefined) break;\n      const left",
      replace: "      const left",
    }],
    caughtBy: ["Pipe: connections that sleep"],
  },
  {
    name: "Pipe: a connection sleeps again before it looks at what woke it, without registering",
    patches: [{
      file: PIPE_WAIT,
      find: "    const registered = register(space, point);\n",
      replace: "    const registered = woken === 0 ? register(space, point) : space.words[point];\n",
    }],
    caughtBy: ["Pipe: connections that sleep"],
  },
  {
    name: "Pipe: without the senders' mutex",
    patches: [{
      file: PIPE,
      find: "  lockMutex(space.memory, ring + PUT_MUTEX, space.id);\n",
      replace: "",
    }],
    caughtBy: ["Pipe: two senders"],
  },
  {
    name: "Pipe: dead threads go on holding their end",
    patches: [{
      file: PIPE,
      find: "      if (holder !== 0 && isAlive(memory, holder)) return true;",
      replace: "      if (holder !== 0 && memory !== undefined) return true;",
    }],
    caughtBy: ["Pipe: no message is lost"],
  },
  {
    name: "Pipe: an end is gone if it was not held a moment ago and no message has it now",
    patches: [{
      file: PIPE,
      find: "  return messages <= 0 && load(words, at + END_CHANGES - END_STATE) === changes;\n",
      replace: "  return messages <= 0 && changes !== -1;\n",
    }],
    caughtBy: ["Pipe: an end"],
  },
  {
    name: "Pipe: a new holder changes nothing",
    patches: [{
      file: PIPE,
      find: "      add(words, base + END_CHANGES + end * END_WORDS, 1);\n      return;\n",
      replace: "      return;\n",
    }],
    caughtBy: ["Pipe: an end"],
  },
  {
    name: "Pipe: a loss is told before the message counts no more",
    patches: [{
      file: OBJECT,
      find:
        "  countMessage(space, at, -1);\n  kindAt(space, at)?.lost?.(space, at + OBJECT_HEADER);\n  dropReference(space, at);\n",
      replace:
        "  kindAt(space, at)?.lost?.(space, at + OBJECT_HEADER);\n  countMessage(space, at, -1);\n  dropReference(space, at);\n",
    }],
    caughtBy: ["Pipe: a receiver that sleeps"],
  },
  {
    name: "References: dropped by a load and a store",
    patches: [{
      file: OBJECT,
      find: "  if (add(space.words, at + 1, -1) !== 1) return;",
      replace:
        "  const count = load(space.words, at + 1);\n  store(space.words, at + 1, count - 1);\n  if (count !== 1) return;",
    }],
    caughtBy: ["References: the last"],
  },
  {
    name: "References: a handle of what is received does not count",
    patches: [{
      file: OBJECT,
      find: "  addReference(attachment.space, attachment.at);\n  arriving",
      replace: "  arriving",
    }],
    caughtBy: ["References: what is under way"],
  },
  {
    name: "waitAny: looks before its bits are left",
    patches: [{
      file: MANY,
      find:
        "      for (const [space, list] of points) {\n        for (const point of list) arm(space, point);\n      }\n      result = attempt();\n      if (result !== undefined) return result;\n",
      replace:
        "      result = attempt();\n      if (result !== undefined) return result;\n      for (const [space, list] of points) {\n        for (const point of list) arm(space, point);\n      }\n",
    }],
    caughtBy: ["waitAny: a blocked"],
  },
  {
    name: "waitAny: the bell is read after the look",
    patches: [
      { file: MANY, find: "      const rings = load(bed.words, bell);\n", replace: "" },
      {
        file: MANY,
        find: "      bed.memory.wait(bell, rings,",
        replace: "      bed.memory.wait(bell, load(bed.words, bell),",
      },
    ],
    caughtBy: ["waitAny: a blocked"],
  },
];
