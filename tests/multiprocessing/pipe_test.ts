import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import {
  BrokenPipeError,
  BufferTooShortError,
  Connection,
  EOFError,
  Event,
  InvalidStateError,
  Lock,
  Pipe,
  Process,
  Queue,
  TimeoutError,
  waitAny,
} from "@weft/concurrent/multiprocessing";
import * as sync from "@weft/concurrent/sync";
import { Thread } from "@weft/concurrent/threading";
import { Child } from "../processes_memory/_children.ts";
import {
  answerNumbers,
  echoAll,
  echoBytes,
  receiveAll,
  sendAndReturn,
  sendNumbers,
  sendNumbersAndReturn,
} from "./_pipe_targets.ts";

const LIMIT = { timeout: 60_000 };

function child(what: string, connection: Connection): Child {
  const started = new Child("connection", what);
  new Queue<Connection>({ name: "connections" }).putSync(connection);
  return started;
}

/** Whether it succeeds before its time is up. */
function tries(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

function ready(): unknown {
  return new Queue({ name: "ids" }).getSync({ timeout: 30_000 });
}

describe("Pipe", () => {
  it("what one end sends the other receives, whole and in order", LIMIT, async () => {
    const [here, there] = Pipe();
    const values = [
      0,
      -1,
      1.5,
      -0,
      "",
      "text",
      null,
      undefined,
      [1, [2]],
      { a: new Map([[1, "x"]]) },
      10n,
      "x".repeat(50_000),
    ];
    for (const value of values) here.sendSync(value);
    for (const value of values) assertEquals(there.recvSync(), value);
    for (const value of values) await there.send(value);
    for (const value of values) assertEquals(await here.recv(), value);
    assertEquals(here.pollSync(), false);
  });

  it("bytes arrive as they were, of any length and view", LIMIT, async () => {
    const [here, there] = Pipe();
    for (const length of [0, 1, 3, 4, 5, 16_383, 16_384, 16_385, 65_536, 1_000_003]) {
      const bytes = new Uint8Array(length).map((_, i) => i * 7);
      here.sendBytesSync(bytes);
      const received = there.recvBytesSync();
      assertInstanceOf(received, Uint8Array);
      assertEquals(received.length, length);
      assert(received.every((byte, i) => byte === bytes[i]));
      await there.sendBytes(bytes.buffer);
      assertEquals((await here.recvBytes()).length, length);
    }
    here.sendBytesSync(new Float64Array([1.5]).subarray(0, 1));
    assertEquals(new Float64Array(there.recvBytesSync().buffer), new Float64Array([1.5]));
    here.sendBytesSync(new Uint8Array([1, 2]));
    assertEquals(there.recvSync(), new Uint8Array([1, 2]));
    assertThrows(() => here.sendBytesSync("text" as never), TypeError, "ArrayBuffer");
  });

  it("bytes are written into a buffer of the receiver", LIMIT, async () => {
    const [here, there] = Pipe();
    for (const length of [0, 1, 5, 4096, 16_384, 16_385, 65_536, 1_000_003]) {
      const bytes = new Uint8Array(length).map((_, i) => i * 7);
      const buffer = new Uint8Array(length + 8).fill(99);
      here.sendBytesSync(bytes);
      assertEquals(there.recvBytesIntoSync(buffer, { offset: 3 }), length);
      assertEquals([...buffer.subarray(0, 3)], [99, 99, 99]);
      assertEquals([...buffer.subarray(length + 3)], [99, 99, 99, 99, 99]);
      assert(bytes.every((byte, i) => byte === buffer[i + 3]));
      // A buffer, and a view of its middle; just long enough.
      await there.sendBytes(bytes);
      const exact = new SharedArrayBuffer(length);
      assertEquals(await here.recvBytesInto(exact), length);
      assert(bytes.every((byte, i) => byte === new Uint8Array(exact)[i]));
      const waiting = here.recvBytesInto(new DataView(buffer.buffer, 8));
      await there.sendBytes(bytes);
      assertEquals(await waiting, length);
      assert(bytes.every((byte, i) => byte === buffer[i + 8]));
    }
  });

  it("a message that has no room in the buffer is in the error", LIMIT, async () => {
    const [here, there] = Pipe();
    for (const length of [3, 16_384, 100_000]) {
      const bytes = new Uint8Array(length).map((_, i) => i * 5);
      const buffer = new Uint8Array(length);
      for (let i = 0; i < 2; i++) here.sendBytesSync(bytes);
      here.sendBytesSync(new Uint8Array([1]));
      const error = assertThrows(() => there.recvBytesIntoSync(buffer, { offset: 1 }), BufferTooShortError, "longer");
      assertEquals(error.bytes, bytes);
      const short = await assertRejects(() => there.recvBytesInto(buffer.subarray(1)), BufferTooShortError);
      assertEquals(short.bytes, bytes);
      assert(buffer.every((byte) => byte === 0));
      assertEquals(there.recvBytesIntoSync(buffer), 1);
    }
  });

  it("a buffer that loses its memory meanwhile has no room", LIMIT, async () => {
    const [here, there] = Pipe();
    const buffer = new ArrayBuffer(8);
    const waiting = there.recvBytesInto(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    await here.sendBytes(new Uint8Array([1, 2]));
    const error = await assertRejects(() => waiting, BufferTooShortError);
    assertEquals(error.bytes, new Uint8Array([1, 2]));
  });

  it("checks where bytes are to be written", LIMIT, async () => {
    const [here, there] = Pipe();
    const buffer = new Uint8Array(4);
    here.sendBytesSync(new Uint8Array([1]));
    assertThrows(() => there.recvBytesIntoSync([] as never), TypeError, "'buffer'");
    const detached = new Uint8Array(4);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    for (const gone of [detached, detached.buffer]) {
      assertThrows(() => there.recvBytesIntoSync(gone), TypeError, "'buffer' must have its memory: it is detached");
      assertThrows(() => here.sendBytesSync(gone), TypeError, "'bytes' must have its memory: it is detached");
    }
    assertThrows(() => there.recvBytesIntoSync(buffer, { offset: 5 }), RangeError, "'offset'");
    await assertRejects(() => there.recvBytesInto(buffer, { offset: -1 }), RangeError, "'offset'");
    await assertRejects(() => there.recvBytesInto(buffer, { offset: "1" as never }), TypeError, "'offset'");
    assertEquals(there.recvBytesIntoSync(buffer, { offset: 3 }), 1);
    assertThrows(() => there.recvBytesIntoSync(buffer, { timeout: 0 }), TimeoutError);
    here.sendSync({ id: 1 });
    assertThrows(() => there.recvBytesIntoSync(buffer), TypeError, "recv()");
    assertEquals(there.recvSync(), { id: 1 });
    const controller = new AbortController();
    const aborted = there.recvBytesInto(buffer, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    here.close();
    assertThrows(() => there.recvBytesIntoSync(buffer), EOFError);
  });

  for (const how of ["sync", "async"] as const) {
    it(`bytes go to another process and back, from buffer to buffer (${how})`, LIMIT, async () => {
      const [here, there] = Pipe();
      const size = 300_000;
      const child = new Process({ target: echoBytes, args: [there, how, size] }).start();
      const buffer = new Uint8Array(size);
      for (const length of [1, 4096, 20_000, size]) {
        const bytes = new Uint8Array(length).map((_, i) => i * 11);
        here.sendBytesSync(bytes);
        const count = how === "sync" ? here.recvBytesIntoSync(buffer) : await here.recvBytesInto(buffer);
        assertEquals(count, length);
        assert(bytes.every((byte, i) => byte === buffer[i]));
      }
      here.sendBytesSync(new Uint8Array(0));
      assertEquals(await child.result(), 4);
    });
  }

  it("a receiver that was asleep for a while is woken, again and again", LIMIT, async () => {
    const [here, there] = Pipe<number>();
    const child = new Process({ target: answerNumbers, args: [there] }).start();
    let slow = 0;
    for (let i = 0; i < 100; i++) {
      const begin = performance.now();
      here.sendSync(i);
      assertEquals(here.recvSync({ timeout: 30_000 }), i);
      // After a slice, a receiver finds by itself what it was not woken for.
      if (performance.now() - begin > 150) slow++;
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    assert(slow < 20, `${slow} of 100 were found late`);
    here.sendSync(-1);
    await child.result();
  });

  it("a value that is asked for as bytes stays", LIMIT, async () => {
    const [here, there] = Pipe();
    here.sendSync({ id: 1 });
    assertThrows(() => there.recvBytesSync(), TypeError, "recv()");
    await assertRejects(() => there.recvBytes(), TypeError);
    assertEquals(there.recvSync(), { id: 1 });
  });

  it("the ends of a one-way pipe have a direction", LIMIT, async () => {
    const [receiver, sender] = Pipe({ duplex: false });
    assertThrows(() => receiver.sendSync(1), TypeError, "only receives");
    await assertRejects(() => receiver.sendBytes(new Uint8Array(1)), TypeError);
    assertThrows(() => sender.recvSync(), TypeError, "only sends");
    assertThrows(() => sender.pollSync(), TypeError, "only sends");
    sender.sendSync(1);
    assertEquals(await receiver.recv(), 1);
  });

  it("checks its arguments", LIMIT, () => {
    assertThrows(() => Pipe(true as never), TypeError);
    assertThrows(() => Pipe({ duplex: 1 as never }), TypeError, "duplex");
    assertThrows(() => new Connection({} as never), TypeError, "Pipe()");
    const [here] = Pipe();
    assertThrows(() => here.recvSync({ timeout: -1 }), RangeError);
    assertThrows(() => here.sendSync(() => {}), DOMException, "send");
    assertThrows(() => here.sendSync(new sync.Lock()), TypeError, "multiprocessing");
    assertThrows(() => here.recvSync({ timeout: 0 }), TimeoutError);
  });

  it("buffers 64 KiB and more, and then senders wait until something was received", LIMIT, async () => {
    const [here, there] = Pipe();
    for (let i = 0; i < 64; i++) here.sendBytesSync(new Uint8Array(1024), { timeout: 0 });
    let more = 0;
    assertThrows(() => {
      for (;; more++) here.sendBytesSync(new Uint8Array(1024), { timeout: 0 });
    }, TimeoutError);
    await assertRejects(() => here.send("x".repeat(1024), { timeout: 20 }), TimeoutError);
    const controller = new AbortController();
    const aborted = here.sendBytes(new Uint8Array(1024), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    let settled = false;
    const waiting = here.send("x".repeat(1024)).then(() => settled = true);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert(!settled);
    for (let i = 0; i < 64 + more; i++) assertEquals(there.recvBytesSync().length, 1024);
    await waiting;
    assertEquals(there.recvSync(), "x".repeat(1024));
    assertEquals(there.pollSync(), false);
  });

  it("what an aborted or timed-out receiver would have got, the next one gets", LIMIT, async () => {
    const [here, there] = Pipe();
    await assertRejects(() => there.recv({ timeout: 5 }), TimeoutError);
    const controller = new AbortController();
    const aborted = there.recv({ signal: controller.signal });
    const next = there.recv();
    controller.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    here.sendSync(1);
    assertEquals(await next, 1);
    await assertRejects(() => there.recv({ signal: AbortSignal.abort(new Error("before")) }), Error, "before");
  });

  it("promises get messages in the order of their calls", LIMIT, async () => {
    const [here, there] = Pipe();
    const received = [there.recv(), there.recv(), there.recv()];
    for (const value of [1, 2, 3]) here.sendSync(value);
    assertEquals(await Promise.all(received), [1, 2, 3]);
  });

  it("poll tells of a message and of the end, and takes nothing", LIMIT, async () => {
    const [here, there] = Pipe();
    assertEquals(await there.poll(), false);
    assertEquals(there.pollSync({ timeout: 5 }), false);
    const polled = there.poll({ timeout: 20_000 });
    const received = there.recv();
    here.sendSync(1);
    assertEquals(await polled, true);
    assertEquals(await received, 1);
    here.sendSync(2);
    assertEquals([there.pollSync(), await there.poll(), there.recvSync()], [true, true, 2]);
    here.close();
    assertEquals([there.pollSync(), await there.poll()], [true, true]);
  });

  it("a closed end cannot be used, and its waiters get an error", LIMIT, async () => {
    const [here, there] = Pipe();
    const waiting = here.recv();
    const polling = here.poll({ timeout: 20_000 });
    const other = there.recv();
    here.close();
    here.close();
    assert(here.closed && !there.closed);
    await assertRejects(() => waiting, InvalidStateError, "closed");
    await assertRejects(() => polling, InvalidStateError, "closed");
    await assertRejects(() => other, EOFError);
    assertThrows(() => here.sendSync(1), InvalidStateError, "closed");
    assertThrows(() => there.sendSync(1), BrokenPipeError);
    await assertRejects(() => there.send(1), BrokenPipeError);
    assertThrows(() => there.recvSync(), EOFError);
    {
      const [left, right] = Pipe();
      using _left = left;
      right.sendSync(1);
      left.recvSync();
    }
  });

  it("what was sent before the end is received before it", LIMIT, async () => {
    const [here, there] = Pipe();
    here.sendSync(1);
    here.sendBytesSync(new Uint8Array(100_000));
    here.close();
    assertEquals(there.recvSync(), 1);
    assertEquals((await there.recvBytes()).length, 100_000);
    assertThrows(() => there.recvSync(), EOFError);
    await assertRejects(() => there.recv(), EOFError);
  });

  it("objects and connections are sent through connections", LIMIT, async () => {
    const [here, there] = Pipe();
    const lock = new Lock();
    here.sendSync({ lock });
    assert((there.recvSync() as { lock: Lock }).lock === lock);
    const [left, right] = Pipe<string>();
    const thread = new Thread({ target: sendAndReturn, args: [there] }).start();
    here.sendSync(right);
    assertEquals(await left.recv(), "through the connection that came");
    // The thread was the last that held it.
    await assertRejects(() => left.recv(), EOFError);
    await thread.join();
  });

  it("a thread that ends closes its connections; a connection that is under way still counts", LIMIT, async () => {
    const [receiver, sender] = Pipe<unknown>({ duplex: false });
    const queue = new Queue<Connection>();
    queue.putSync(sender);
    assertEquals(await new Thread({ target: sendNumbers, args: [sender, 7, 1] }).start().result(), undefined);
    assertEquals(receiver.recvSync({ timeout: 0 }), [7, 0]);
    assertThrows(() => receiver.recvSync({ timeout: 5 }), TimeoutError);
    queue.shutdown({ immediate: true });
    assertThrows(() => receiver.recvSync({ timeout: 0 }), EOFError);
  });

  it("a connection that comes back to the thread that made it is held there", LIMIT, async () => {
    const queue = new Queue<Connection>();
    for (let round = 0; round < 2; round++) {
      const [receiver, sender] = Pipe<unknown>({ duplex: false });
      await new Thread({ target: sendNumbersAndReturn, args: [sender, round, queue] }).start().result();
      assertEquals(receiver.recvSync({ timeout: 0 }), [round, 0]);
      assertThrows(() => receiver.recvSync({ timeout: 5 }), TimeoutError);
      assert(queue.getSync() === sender);
      assertThrows(() => receiver.recvSync({ timeout: 5 }), TimeoutError);
      sender.sendSync("used");
      sender.close();
      assertEquals(receiver.recvSync({ timeout: 0 }), "used");
      assertThrows(() => receiver.recvSync({ timeout: 0 }), EOFError);
    }
  });

  it("a wait for any of several ends with an error when a connection is closed", LIMIT, async () => {
    for (const both of [false, true]) {
      const [here, there] = Pipe();
      const waits = [waitAny([here]), waitAny([here, there])];
      here.close();
      if (both) there.close();
      for (const wait of waits) await assertRejects(() => wait, InvalidStateError);
      there.close();
    }
  });

  it("many senders and receivers: each message is received once, each sender's in order", LIMIT, async () => {
    const [receiver, sender] = Pipe<[number, number]>({ duplex: false });
    const senders = [0, 1, 2].map((number) =>
      new Thread({ target: sendNumbers, args: [sender, number, 1000] }).start()
    );
    const receivers = [0, 1].map(() => new Thread({ target: receiveAll, args: [receiver] }).start());
    for (const thread of senders) await thread.result();
    sender.close();
    const lists = await Promise.all(receivers.map((thread) => thread.result()));
    assertEquals(lists.flat().length, 3000);
    const seen = new Set(lists.flat().map(([from, number]) => `${from} ${number}`));
    assertEquals(seen.size, 3000);
    for (const list of lists) {
      for (const from of [0, 1, 2]) {
        const own = list.filter((item) => item[0] === from).map((item) => item[1]);
        assertEquals(own, [...own].sort((a, b) => a - b));
      }
    }
  });

  it("threads answer each other, blocked and not, until the end", LIMIT, async () => {
    for (const how of ["sync", "async"] as const) {
      const [here, there] = Pipe<number>();
      const thread = new Thread({ target: echoAll, args: [there, how] }).start();
      for (let i = 0; i < 300; i++) {
        here.sendSync(i);
        assertEquals(i % 3 === 0 ? await here.recv() : here.recvSync(), i);
      }
      here.close();
      assertEquals(await thread.result(), 300);
    }
  });

  for (const [size, message] of [["small", "x"], ["large", "x".repeat(300_000)]] as const) {
    it(
      `sends of ${size} messages that wait get an error when this end is closed, and when the other end is`,
      LIMIT,
      async () => {
        for (const closed of ["here", "there"] as const) {
          const [here, there] = Pipe<string>();
          while (tries(() => here.sendSync(message, { timeout: 0 })));
          const waiting = [here.send(message), here.send(message)];
          const settled = Promise.allSettled(waiting);
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (closed === "here") here.close();
          else there.close();
          const error = closed === "here" ? InvalidStateError : BrokenPipeError;
          for (const result of await settled) assertInstanceOf((result as PromiseRejectedResult).reason, error);
        }
      },
    );
  }

  it("is one of the things that waitAny waits for", LIMIT, async () => {
    const [here, there] = Pipe();
    const event = new Event();
    assertEquals(await waitAny([event, there], { timeout: 5 }), undefined);
    const waiting = waitAny([event, there]);
    here.sendSync(1);
    assertEquals(await waiting, 1);
    assertEquals(there.recvSync(), 1);
    const end = waitAny([event, there]);
    here.close();
    assertEquals(await end, 1);
  });

  it("a connection that is collected is closed, and gives its memory back", LIMIT, async () => {
    const collect = (globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } }).Bun?.gc;
    if (collect === undefined) return;
    const [here] = Pipe();
    here.sendSync(1);
    for (let tries = 0; tries < 200; tries++) {
      collect(true);
      await new Promise((resolve) => setTimeout(resolve, 5));
      try {
        here.sendSync(1, { timeout: 0 });
      } catch (error) {
        if (error instanceof BrokenPipeError) return;
        if (!(error instanceof TimeoutError)) throw error;
      }
    }
    throw new Error("the other end was not closed");
  });

  it("closed pipes are used again", LIMIT, () => {
    const lock = new Lock();
    for (let i = 0; i < 40_000; i++) {
      const [here, there] = Pipe();
      here.sendBytesSync(new Uint8Array(20_000));
      there.sendSync({ lock });
      here.close();
      there.close();
    }
  });
});

describe("Pipe between processes", () => {
  for (const how of ["echo", "echo async"]) {
    it(`messages go there and back: ${how}`, LIMIT, async () => {
      const [here, there] = Pipe();
      const started = child(how, there);
      for (let i = 0; i < 500; i++) {
        here.sendSync({ i });
        assertEquals(i % 2 === 0 ? await here.recv({ timeout: 30_000 }) : here.recvSync({ timeout: 30_000 }), { i });
      }
      here.close();
      assertEquals(await started.ended, 0, started.output);
    });
  }

  it("large messages pass while both sides are at work", LIMIT, async () => {
    const [here, there] = Pipe();
    const started = child("echo bytes", there);
    for (let i = 0; i < 20; i++) {
      here.sendBytesSync(new Uint8Array(3_000_001).fill(i));
      const back = here.recvBytesSync({ timeout: 30_000 });
      assertEquals([back.length, back[0], back[3_000_000]], [3_000_001, i, i]);
    }
    here.close();
    assertEquals(await started.ended, 0, started.output);
  });

  it("the peer of a killed process gets what was sent and then the end, blocked or not", LIMIT, async () => {
    for (const how of ["sync", "async"]) {
      const [here, there] = Pipe();
      const started = child("say and sit", there);
      ready();
      assertEquals(here.recvSync({ timeout: 30_000 }), "said");
      assertThrows(() => here.recvSync({ timeout: 20 }), TimeoutError);
      const pending = how === "async" ? here.recv({ timeout: 30_000 }) : undefined;
      started.kill();
      const before = performance.now();
      if (pending === undefined) assertThrows(() => here.recvSync({ timeout: 30_000 }), EOFError);
      else await assertRejects(() => pending, EOFError);
      assert(performance.now() - before < 5000);
      assertThrows(() => here.sendSync(1), BrokenPipeError);
      assertEquals(await started.ended, "SIGKILL");
    }
  });

  it(
    "a sender learns that a receiver was killed while it slept, and a later receiver gets nothing of that",
    LIMIT,
    async () => {
      const [here, there] = Pipe();
      const first = child("echo", there);
      here.sendSync(1);
      assertEquals(here.recvSync({ timeout: 30_000 }), 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      // The receiver is woken before the message is there.
      here.sendSync(2);
      assertEquals(here.recvSync({ timeout: 30_000 }), 2);
      await new Promise((resolve) => setTimeout(resolve, 50));
      first.kill();
      assertEquals(await first.ended, "SIGKILL");
      for (let i = 0; i < 3; i++) assertThrows(() => here.sendSync("lost"), BrokenPipeError);
      const second = child("echo", there);
      here.sendSync(3);
      assertEquals(here.recvSync({ timeout: 30_000 }), 3);
      here.close();
      assertEquals(await second.ended, 0, second.output);
    },
  );

  it("short and long waits alternate", LIMIT, async () => {
    const [here, there] = Pipe();
    const started = child("echo", there);
    for (let i = 0; i < 200; i++) {
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      here.sendSync(i);
      assertEquals(here.recvSync({ timeout: 30_000 }), i);
      if (i % 50 === 0) assertThrows(() => here.recvSync({ timeout: 3 }), TimeoutError);
    }
    here.close();
    assertEquals(await started.ended, 0, started.output);
  });

  it("a sender that waits for room learns of the receiver's end", LIMIT, async () => {
    const [here, there] = Pipe();
    const started = child("sit", there);
    ready();
    const sent = (async () => {
      for (;;) await here.sendBytes(new Uint8Array(50_000));
    })();
    await new Promise((resolve) => setTimeout(resolve, 20));
    started.kill();
    await assertRejects(() => sent, BrokenPipeError);
    await started.ended;
  });

  it(
    "the last of several holders of an end closes it, and receivers that have not received it yet count",
    LIMIT,
    async () => {
      const [receiver, sender] = Pipe({ duplex: false });
      const first = child("say and return", sender);
      assertEquals(receiver.recvSync({ timeout: 30_000 }), "said");
      // On its way to a process that has not started.
      new Queue<Connection>({ name: "connections" }).putSync(sender);
      assertEquals(await first.ended, 0, first.output);
      assertThrows(() => receiver.recvSync({ timeout: 300 }), TimeoutError);
      const second = new Child("connection", "say and return");
      assertEquals(receiver.recvSync({ timeout: 30_000 }), "said");
      assertThrows(() => receiver.recvSync({ timeout: 30_000 }), EOFError);
      assertEquals(await second.ended, 0, second.output);
    },
  );

  it("the peer of a process that was killed before it received its end gets the end", LIMIT, async () => {
    for (const how of ["blocked", "waiting", "later"]) {
      const [here, there] = Pipe();
      const process = new Process({ target: echoAll, args: [there as Connection<number>, "sync"] }).start();
      const pending = how === "waiting" ? here.recv({ timeout: 30_000 }) : undefined;
      process.kill();
      if (how === "later") await process.join();
      if (pending === undefined) assertThrows(() => here.recvSync({ timeout: 30_000 }), EOFError);
      else await assertRejects(() => pending, EOFError);
      assertThrows(() => here.sendSync(1), BrokenPipeError);
      await process.join();
    }
  });

  it("an end in a message that is never received has no holder", LIMIT, () => {
    const [carrier, receiver] = Pipe();
    const [here, there] = Pipe();
    carrier.sendSync([there]);
    assertThrows(() => here.recvSync({ timeout: 20 }), TimeoutError);
    carrier.close();
    receiver.close();
    assertThrows(() => here.recvSync({ timeout: 30_000 }), EOFError);
    // An end that could not be given to a process can be given to the next.
    const [mine, other] = Pipe();
    // deno-lint-ignore no-explicit-any
    const wrong = new Process<any[]>({ target: echoAll as never, args: [other, () => {}] });
    assertThrows(() => wrong.start(), DOMException, "args[1]");
    assertThrows(() => mine.recvSync({ timeout: 20 }), TimeoutError);
  });

  it("a sender killed in the midst of sending leaves whole messages and then the end", LIMIT, async () => {
    for (let round = 0; round < 5; round++) {
      const [receiver, sender] = Pipe<{ i: number; text: string }>({ duplex: false });
      const started = child("send forever", sender);
      let next = 0;
      const killAt = 50 + round * 137;
      assertThrows(() => {
        for (;;) {
          const { i, text } = receiver.recvSync({ timeout: 30_000 });
          assertEquals(i, next++);
          assertEquals(text.length, i % 9000);
          if (i === killAt) started.kill();
        }
      }, EOFError);
      assert(next > killAt);
      assertEquals(await started.ended, "SIGKILL");
    }
  });
});
