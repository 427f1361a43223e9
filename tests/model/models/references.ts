import { load, store } from "../../../_internal/atomics.ts";
import { blockWords } from "../../../_internal/memory/allocator.ts";
import { USED_AT } from "../../../_internal/memory/memory.ts";
import {
  addReference,
  dropReference,
  handleAt,
  locate,
  type SharedHandle,
} from "../../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { Latch } from "../../../sync/latch.ts";
import { Lock } from "../../../sync/lock.ts";
import { Value } from "../../../sync/value.ts";
import { type Actor, type Model, model, times } from "../model.ts";

/** Where a message would name an object: a word that nothing else uses. 0: no message is under way. */
const UNDER_WAY = 102;

const addressOf = (object: object): number => locate(object as SharedHandle)!.at;

/** Fails if anything in the heap is still in use, or if the next two blocks of that size are the same memory. */
function isGivenBackOnce(actor: Actor, at: number): void {
  const space = spaceOf("thread");
  actor.assert(load(space.words, USED_AT) === 0, "its memory was not given back");
  const size = blockWords(space.memory, at);
  const first = space.tryAllocate(size, false);
  const second = space.tryAllocate(size, false);
  actor.assert(first !== second, "its memory was given back twice");
}

/** What holds for the references to an object. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "References: the last of several receivers gives the memory back, once",
    setup: () => {
      const space = spaceOf("thread");
      const latch = new Latch(1);
      const at = addressOf(latch);
      for (let i = 0; i < 3; i++) addReference(space, at);
      store(space.words, UNDER_WAY, at);
      latch[Symbol.dispose]();
      return {};
    },
    threads: times(3, (actor) => {
      const space = spaceOf("thread");
      const at = load(space.words, UNDER_WAY);
      const latch = handleAt(space, at) as unknown as Latch;
      dropReference(space, at);
      actor.assert(latch.count === 1, "the memory holds another object by now");
      latch[Symbol.dispose]();
    }),
    end: (actor) => isGivenBackOnce(actor, load(spaceOf("thread").words, UNDER_WAY)),
  }),
  model({
    name: "References: what is under way outlives its handles, and is its receiver's",
    setup: () => ({ latch: new Latch(3) }),
    threads: [
      (_actor, { latch }) => {
        const space = spaceOf("thread");
        const at = addressOf(latch);
        addReference(space, at);
        store(space.words, UNDER_WAY, at);
        latch[Symbol.dispose]();
      },
      (actor, { latch }) => {
        const space = spaceOf("thread");
        latch[Symbol.dispose]();
        const at = load(space.words, UNDER_WAY);
        if (at === 0) return;
        const received = handleAt(space, at) as unknown as Latch;
        dropReference(space, at);
        actor.assert(received.count === 3, "what was received is another object");
        received[Symbol.dispose]();
        actor.count("received", 1);
      },
    ],
    end: (actor, { latch }) => {
      const expected = actor.count("received") === 1 ? 2 : 3;
      // The reference of the thread that made it, and that of this check; perhaps that of the message.
      const references = load(spaceOf("thread").words, addressOf(latch) + 1);
      actor.assert(references === expected, `there are ${references} references`);
    },
  }),
  model({
    name: "References: a death in a drop keeps the memory, at worst",
    setup: () => ({ lock: new Lock() }),
    threads: times<{ lock: Lock }>(2, (_actor, { lock }) => lock[Symbol.dispose]()),
    faults: { deaths: 1 },
    end: (actor, { lock }) => {
      const references = load(spaceOf("thread").words, addressOf(lock) + 1);
      actor.assert(references >= 2, "it was given back while two threads have it");
      actor.assert(references <= 2 + actor.deaths, "more references are left than threads have died");
    },
  }),
  model({
    name: "Names: threads that ask at once get one object, of one class",
    setup: () => ({}),
    threads: times(2, (actor) => {
      const value = new Value("i32", 5, { name: "the value" });
      value.add(1);
      actor.note("at", addressOf(value));
      try {
        new Lock({ name: "the value" });
        actor.assert(false, "a name is two kinds of object");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      value[Symbol.dispose]();
    }),
    end: (actor) => {
      const [first, second] = actor.notes("at");
      actor.assert(first === second, "two objects have one name");
      const value = new Value("i32", 5, { name: "the value" });
      actor.assert(value.value === 7, `it is ${value.value}: a named object did not outlive its handles`);
    },
  }),
];
