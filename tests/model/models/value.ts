import { SharedArray } from "../../../sync/shared_array.ts";
import { Value } from "../../../sync/value.ts";
import { type Model, model, times } from "../model.ts";

/** What a shared number promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Value: additions to a float all count",
    setup: () => ({ value: new Value("f64", 0.5) }),
    threads: times<{ value: Value<"f64"> }>(3, (actor, { value }) => {
      value.add(0.25);
      if (actor.index === 0) value.sub(1);
    }),
    end: (actor, { value }) => actor.assert(value.value === 0.25, `it is ${value.value}`),
  }),
  model({
    name: "Value: additions to a narrow float and a narrow integer all count",
    setup: () => ({ single: new Value("f32", 0), byte: new Value("u8", 254) }),
    threads: times<{ single: Value<"f32">; byte: Value<"u8"> }>(2, (_actor, { single, byte }) => {
      single.add(1.5);
      byte.add(3);
    }),
    end: (actor, { single, byte }) => {
      actor.assert(single.value === 3, `the float is ${single.value}`);
      actor.assert(byte.value === 4, `the byte is ${byte.value}`);
    },
  }),
  model({
    name: "Value: one of two exchanges finds what it expects",
    setup: () => ({ value: new Value("i64", 7n) }),
    threads: times<{ value: Value<"i64"> }>(3, (actor, { value }) => {
      const wanted = BigInt(actor.index + 1) << 40n;
      const found = value.compareExchange(7n, wanted);
      if (found === 7n) actor.count("done", 1);
      else actor.assert(found % (1n << 40n) === 0n, `half of a write was read: ${found}`);
    }),
    end: (actor, { value }) => {
      actor.assert(actor.count("done") === 1, `${actor.count("done")} were exchanged`);
      actor.assert(value.value % (1n << 40n) === 0n, `it is ${value.value}`);
    },
  }),
  model({
    name: "Value: all threads get one lock, however early they ask",
    setup: () => ({ value: new Value("i32", 0) }),
    threads: times<{ value: Value<"i32"> }>(2, (actor, { value }) => {
      const guard = value.lock.acquireSync();
      actor.inside("the section");
      value.value += 1;
      actor.release(guard);
    }),
    end: (actor, { value }) => {
      actor.assert(value.value === 2, `it is ${value.value}`);
      actor.assert(!value.lock.locked, "the lock is held at the end");
    },
  }),
  model({
    name: "SharedArray: all threads get one lock, and one dies with it",
    setup: () => ({ array: new SharedArray("i32", 4) }),
    threads: times<{ array: SharedArray<"i32"> }>(2, (actor, { array }) => {
      const guard = array.lock.acquireSync();
      actor.assert(!guard.abandoned || actor.deaths > 0, "abandoned, but no thread died");
      actor.inside("the section");
      actor.release(guard);
    }),
    faults: { deaths: 1 },
  }),
];
