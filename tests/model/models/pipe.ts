import { load, store } from "../../../_internal/atomics.ts";
import { CONNECTION, CONNECTION_MESSAGES, defineKind } from "../../../_internal/memory/kinds.ts";
import { firstLine, OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import {
  addMessageReference,
  dropMessageReference,
  loseMessageReference,
} from "../../../_internal/memory/shared_object.ts";
import type { Space } from "../../../_internal/memory/space.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { block } from "../../../_internal/memory/wait_point.ts";
import {
  beginGet,
  beginPut,
  createPipe,
  endGet,
  GET_POINT,
  hold,
  isGone,
  letGo,
  lose,
  publish,
  PUT_POINT,
  ringOf,
  setObject,
  tellOther,
} from "../../../_internal/processes/pipe.ts";
import { blockAtPipe, WaitHistory } from "../../../_internal/processes/pipe_wait.ts";
import { RAW, SHIFT } from "../../../_internal/queue/message.ts";
import { type Actor, type Model, model, times } from "../model.ts";

/** A word that nothing else uses: where the pipe is. */
const PIPE = 103;
/** The same: where the object of its ends is, and how many threads have got end 1 and sent it on. */
const OBJECT = 104;
const PASSED = 105;
/** A ring with room for two messages of three words: it wraps after every second message. */
const SMALL = [{ file: "_internal/processes/pipe.ts", find: /const RING = \d+;/, replace: "const RING = 8;" }];
const ENDED = -1;

/** From end 1 to end 0. */
const setup = (): Record<string, object> => {
  const space = spaceOf("thread");
  const pipe = createPipe(space, false);
  store(space.words, PIPE, firstLine(pipe));
  // Stands for the connections of both ends. No message is under way.
  const object = space.allocate(OBJECT_HEADER + CONNECTION_MESSAGES + 1, "create pipe");
  store(space.words, object, CONNECTION);
  store(space.words, object + 1, 10);
  store(space.words, OBJECT, object);
  setObject(space.words, firstLine(pipe), 0, object);
  setObject(space.words, firstLine(pipe), 1, object);
  return {};
};

function pipeOf(): { space: Space; base: number; ring: number } {
  const space = spaceOf("thread");
  const base = load(space.words, PIPE);
  return { space, base, ring: ringOf(space.words, base, 1) };
}

/** Blocks until the attempt returns something. */
type Blocking = <T>(space: Space, point: number, attempt: () => T | undefined) => T;

const likeQueues: Blocking = (space, point, attempt) => block(space, point, attempt, Infinity)!;

/** Without the looks before it sleeps, which only delay what happens anyway, and whose number depends on the clock. */
const likeConnections: Blocking = (space, point, attempt) => {
  const history = new WaitHistory();
  history.rests = Infinity;
  const expired = () => {
    throw new Error("a wait without a timeout has expired");
  };
  return blockAtPipe(space, { point, attempt, expired }, Infinity, history);
};

/** Sends eight bytes: a number, and its complement. */
function send(space: Space, ring: number, value: number, blocking: Blocking = likeQueues): void {
  const { words } = space;
  blocking(space, ring + PUT_POINT, () => {
    const position = beginPut(space, ring, 3, 3);
    if (position === 0) return undefined;
    words[position] = RAW | 8 << SHIFT;
    words[position + 1] = value;
    words[position + 2] = ~value;
    publish(space, ring);
    return true;
  });
}

function tryReceive(actor: Actor, space: Space, ring: number): number | undefined {
  const { words } = space;
  const position = beginGet(space, ring);
  if (position === 0) return undefined;
  const value = words[position + 1];
  actor.assert(words[position] === (RAW | 8 << SHIFT) && words[position + 2] === ~value, "half of a message was read");
  endGet(space, ring, position, true);
  return value;
}

/** Receives until no thread holds the other end. */
function receive(
  actor: Actor,
  space: Space,
  base: number,
  ring: number,
  blocking: Blocking = likeQueues,
): number {
  return blocking(space, ring + GET_POINT, () => {
    const value = tryReceive(actor, space, ring);
    if (value !== undefined) return value;
    // The sender may have sent something before it went.
    return isGone(space, base, 1) ? tryReceive(actor, space, ring) ?? ENDED : undefined;
  });
}

/** A sender's messages arrive in order and at most once, and all of them if the sender has returned. */
function inOrder(actor: Actor, received: readonly number[]): void {
  for (const sender of [1, 2]) {
    const its = received.filter((value) => Math.floor(value / 10) === sender);
    actor.assert(its.every((value, i) => i === 0 || its[i - 1] < value), `the order was ${received}`);
    actor.assert(new Set(its).size === its.length, `twice: ${received}`);
  }
}

/** What the ring of a pipe promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Pipe: two senders, one receiver, and too little room",
    setup,
    scale: SMALL,
    plain: true,
    threads: [
      ...times(2, (actor) => {
        const { space, ring } = pipeOf();
        send(space, ring, 10 * (actor.index + 1) + 1);
        send(space, ring, 10 * (actor.index + 1) + 2);
      }),
      (actor) => {
        const { space, base, ring } = pipeOf();
        for (let i = 0; i < 4; i++) actor.note("received", receive(actor, space, base, ring));
      },
    ],
    end: (actor) => {
      inOrder(actor, actor.notes("received"));
      actor.assert(actor.notes("received").length === 4, "a message was lost");
    },
    bound: 1,
  }),
  model({
    name: "Pipe: connections that sleep, one sender, two receivers, and too little room",
    setup,
    scale: SMALL,
    threads: [
      () => {
        const { space, ring } = pipeOf();
        for (let i = 1; i <= 4; i++) send(space, ring, 10 + i, likeConnections);
      },
      ...times(2, (actor) => {
        const { space, base, ring } = pipeOf();
        for (let i = 0; i < 2; i++) actor.note("received", receive(actor, space, base, ring, likeConnections));
      }),
    ],
    end: (actor) => {
      const received = [...actor.notes("received")].sort();
      actor.assert(received.join() === "11,12,13,14", `${received} were received`);
    },
  }),
  model({
    name: "Pipe: one sender, two receivers",
    setup,
    scale: SMALL,
    plain: true,
    threads: [
      () => {
        const { space, ring } = pipeOf();
        for (let i = 1; i <= 3; i++) send(space, ring, 10 + i);
      },
      ...times(2, (actor) => {
        const { space, base, ring } = pipeOf();
        for (let i = actor.index; i < 3; i++) actor.note("received", receive(actor, space, base, ring));
      }),
    ],
    end: (actor) => {
      const received = [...actor.notes("received")].sort();
      actor.assert(received.join() === "11,12,13", `${received} were received`);
    },
    bound: 1,
  }),
  model({
    name: "Pipe: no message is lost, and the end comes, when the last holder of the other end has gone",
    setup,
    scale: SMALL,
    plain: true,
    threads: [
      (actor) => {
        const { space, base, ring } = pipeOf();
        hold(space, base, 1);
        actor.count("held", 1);
        send(space, ring, 11);
        actor.count("sent", 1);
        send(space, ring, 12);
        actor.count("sent", 1);
        letGo(space.words, base, 1, space.id);
        tellOther(space, base, 1);
      },
      (actor) => {
        const { space, base, ring } = pipeOf();
        hold(space, base, 0);
        for (;;) {
          const value = receive(actor, space, base, ring);
          if (value === ENDED) break;
          actor.note("received", value);
        }
        const received = actor.notes("received");
        inOrder(actor, received);
        actor.assert(
          received.length >= actor.count("sent"),
          `${received} were received of ${actor.count("sent")} sent`,
        );
        actor.assert(actor.deaths > 0 || received.length === 2, "the end came before all was sent");
        actor.count("ended", 1);
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    endless: [1],
    end: (actor) =>
      // A sender that died before it held the end never held it: the receiver waits for another.
      actor.assert(actor.count("ended") === 1 || actor.count("held") === 0, "the receiver waits for a dead sender"),
  }),
  model({
    name: "Pipe: an end that goes from thread to thread is not gone until it is given up",
    setup,
    scale: SMALL,
    threads: [
      ...[0, 1, 2].map((place) => () => {
        const { space, base } = pipeOf();
        const { words } = space;
        const object = load(words, OBJECT);
        if (place > 0 && load(words, PASSED) !== place) return;
        hold(space, base, 1);
        if (place > 0) dropMessageReference(space, object);
        addMessageReference(space, object);
        letGo(words, base, 1, space.id);
        tellOther(space, base, 1);
        store(words, PASSED, place + 1);
      }),
      (actor) => {
        const { space, base } = pipeOf();
        actor.assert(!isGone(space, base, 1), "the end is under way, and is taken for gone");
      },
    ],
    end: (actor) => {
      const { space, base } = pipeOf();
      actor.assert(!isGone(space, base, 1), "the last message has the end, and it is taken for gone");
      dropMessageReference(space, load(space.words, OBJECT));
      actor.assert(isGone(space, base, 1), "no thread and no message has the end, and it is not taken for gone");
    },
  }),
  model({
    name: "Pipe: a receiver that sleeps learns that the message with the other end is lost",
    setup: () => {
      setup();
      const { space } = pipeOf();
      addMessageReference(space, load(space.words, OBJECT));
      return {};
    },
    scale: SMALL,
    threads: [
      () => {
        const { space, base } = pipeOf();
        // As the class of connections does.
        defineKind(CONNECTION, { lost: (its) => lose(its, base, 1) });
        loseMessageReference(space, load(space.words, OBJECT));
      },
      (actor) => {
        const { space, base, ring } = pipeOf();
        hold(space, base, 0);
        actor.assert(receive(actor, space, base, ring) === ENDED, "a message came from nowhere");
      },
    ],
  }),
  model({
    name: "Pipe: a receiver that dies takes at most one message along",
    setup,
    scale: SMALL,
    plain: true,
    threads: [
      () => {
        const { space, ring } = pipeOf();
        for (let i = 1; i <= 3; i++) send(space, ring, 10 + i);
      },
      (actor) => {
        const { space, ring } = pipeOf();
        const value = tryReceive(actor, space, ring);
        if (value !== undefined) actor.note("received", value);
      },
      (actor) => {
        const { space, base, ring } = pipeOf();
        for (let i = 0; i < 2; i++) actor.note("received", receive(actor, space, base, ring));
      },
    ],
    faults: { deaths: 1 },
    mortal: [1],
    end: (actor) => {
      const { space, ring } = pipeOf();
      const last = tryReceive(actor, space, ring);
      if (last !== undefined) actor.note("received", last);
      const received = actor.notes("received");
      actor.assert(new Set(received).size === received.length, `twice: ${received}`);
      actor.assert(received.length >= 3 - actor.deaths, `${received} were received`);
    },
    bound: 1,
  }),
];
