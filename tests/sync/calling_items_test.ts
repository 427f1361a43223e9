/** Messages whose classes call the library while a promise takes them. */

import { assertEquals, assertRejects } from "@std/assert";
import { Queue, QueueEmptyError, registerSerializable } from "@weft/concurrent/sync";
import { describe, it } from "node:test";

const LIMIT = { timeout: 20_000 };

/** Calls a function of the test when it arrives. */
class Caller {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

let onArrival: (() => void) | undefined;

registerSerializable(Caller, {
  name: "Caller",
  serialize: ({ number }) => number,
  deserialize: (number: number) => {
    const call = onArrival;
    onArrival = undefined;
    call?.();
    return new Caller(number);
  },
});

describe("an item that calls the library while a get takes it", () => {
  it("is what the get resolves with, though its signal was aborted by then", LIMIT, async () => {
    const queue = new Queue<Caller>();
    const giveUp = new AbortController();
    const got = queue.get({ signal: giveUp.signal });
    onArrival = () => giveUp.abort();
    queue.putSync(new Caller(1));
    assertEquals((await got).number, 1);
    assertEquals(queue.size, 0);
  });

  it("is what the get resolves with, though the queue was disposed of by then", LIMIT, async () => {
    const queue = new Queue<Caller>();
    const got = queue.get();
    onArrival = () => queue[Symbol.dispose]();
    queue.putSync(new Caller(1));
    assertEquals((await got).number, 1);
  });

  it("leaves the next item to the next get, however soon that gives up", LIMIT, async () => {
    const queue = new Queue<Caller>();
    const outer = queue.get();
    let inner: Promise<Caller> | undefined;
    onArrival = () => {
      inner = queue.get({ timeout: 1e-9 });
      inner.catch(() => {});
    };
    queue.putManySync([new Caller(1), new Caller(2)]);
    assertEquals((await outer).number, 1);
    await assertRejects(() => inner!, QueueEmptyError);
    assertEquals(queue.getSync().number, 2);
  });

  it("ends a get behind it whose signal it aborts", LIMIT, async () => {
    const queue = new Queue<Caller>();
    const giveUp = new AbortController();
    const first = queue.get();
    onArrival = () => giveUp.abort(new EvalError("enough"));
    queue.putSync(new Caller(1));
    // The bell has rung, so this call tries the promise in front of its own.
    const second = queue.get({ signal: giveUp.signal });
    second.catch(() => {});
    assertEquals((await first).number, 1);
    await assertRejects(() => second, EvalError, "enough");
  });
});
