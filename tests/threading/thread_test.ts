import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { describe, it } from "node:test";
import {
  activeCount,
  currentThread,
  enumerate,
  Event,
  getIdent,
  InvalidStateError,
  Lock,
  mainThread,
  Queue,
  setExceptHook,
  task,
  Thread,
  TimeoutError,
  Timer,
  WorkerLostError,
} from "@weft/concurrent/threading";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 20_000 };

const missing = (name: string) => task<() => void>(new URL(`./modules/${name}.ts`, import.meta.url), "run");

describe("Thread", () => {
  it("runs its target with its arguments and gives back what that returns", LIMIT, async () => {
    assertEquals(await new Thread({ target: targets.add, args: [1, 2] }).start().result(), 3);
    assertEquals(await new Thread({ target: targets.addLater, args: [1, 2] }).start().result(), 3);
    assertEquals(await new Thread({ target: targets.nothing }).start().result(), undefined);
    assertEquals(await new Thread().start().result(), undefined);
  });

  it("start returns the thread, and throws the second time", LIMIT, async () => {
    const thread = new Thread({ target: targets.nothing });
    assertStrictEquals(thread.start(), thread);
    assertThrows(() => thread.start(), InvalidStateError, "was started before");
    await thread.join();
    assertThrows(() => thread.start(), InvalidStateError, "was started before");
  });

  it("can be joined by any number, in both ways, before and after its end", LIMIT, async () => {
    const event = new Event();
    const thread = new Thread({ target: targets.waitForEvent, args: [event] }).start();
    assertEquals(await thread.join({ timeout: 5 }), false);
    assertEquals(thread.joinSync({ timeout: 5 }), false);
    const joins = [thread.join(), thread.join(), thread.result(), thread.join({ timeout: 30_000 })];
    event.set();
    assertEquals(await Promise.all(joins), [true, true, "woken", true]);
    assertEquals([await thread.join(), thread.joinSync(), await thread.join({ timeout: 0 })], [true, true, true]);
  });

  it("can be started and joined at once by a thread that blocks", LIMIT, () => {
    for (let i = 0; i < 5; i++) {
      const thread = new Thread({ target: targets.add, args: [1, 2] }).start();
      assertEquals(thread.joinSync(), true);
      assertEquals(thread.isAlive, false);
    }
  });

  it("join can be given up by a signal", LIMIT, async () => {
    const event = new Event();
    const thread = new Thread({ target: targets.waitForEvent, args: [event] }).start();
    const reason = new Error("no more");
    await assertRejects(() => thread.join({ signal: AbortSignal.abort(reason) }), Error, "no more");
    const controller = new AbortController();
    const joining = thread.join({ signal: controller.signal });
    controller.abort(reason);
    await assertRejects(() => joining, Error, "no more");
    event.set();
    await thread.join();
  });

  it("join before start, and of the thread itself, throws", LIMIT, async () => {
    const thread = new Thread({ target: targets.joinSelf });
    await assertRejects(() => thread.join(), InvalidStateError, "call start() first");
    assertThrows(() => thread.joinSync(), InvalidStateError, "call start() first");
    await assertRejects(() => thread.result(), InvalidStateError, "call start() first");
    assertThrows(() => currentThread().joinSync(), InvalidStateError, "itself");
    assertEquals(await thread.start().result(), "InvalidStateError");
  });

  it("join never throws what the target threw; result does", LIMIT, async () => {
    const thread = new Thread({ target: targets.fail, args: ["type"] }).start();
    const result = thread.result();
    assertEquals(await thread.join(), true);
    assertEquals(thread.joinSync(), true);
    const error = await assertRejects(() => result, TypeError, "wrong kind") as TypeError & { code: number };
    assertEquals(error.code, 7);
    assertInstanceOf(error.cause, URIError);
    assertMatch(error.stack!, /_targets\.ts[^]*thread_test\.ts/);
    assertRejects(() => thread.result(), TypeError);
  });

  it("result throws errors as what they were", LIMIT, async () => {
    const resultOf = (kind: string) => {
      const thread = new Thread({ target: targets.fail, args: [kind] });
      return thread.start().result();
    };
    const custom = await assertRejects(() => resultOf("custom"), targets.Custom) as targets.Custom;
    assertEquals(custom.code, 3);
    const unregistered = await assertRejects(() => resultOf("unregistered"), RangeError) as targets.Unregistered;
    assertEquals([unregistered.name, unregistered.detail], ["Unregistered", { a: [1] }]);
    const aggregate = await assertRejects(() => resultOf("aggregate"), AggregateError) as AggregateError;
    assertInstanceOf(aggregate.errors[1], RangeError);
    assertEquals(await resultOf("a string").catch((error) => error), "a string");
    const error = await new Thread({ target: targets.unsendable }).start().result().catch((error) => error);
    assertInstanceOf(error, DOMException);
    const { name, message } = error as DOMException;
    assertEquals([name, message.includes("result.list[1]")], ["DataCloneError", true]);
  });

  it("every call of result gets a copy of its own, of which shared objects are the same", LIMIT, async () => {
    const lock = new Lock();
    const thread = new Thread({ target: targets.echo<{ lock: Lock; list: number[] }>, args: [{ lock, list: [1] }] })
      .start();
    for (let i = 0; i < 20; i++) {
      const { lock: other, list } = await thread.result();
      assertStrictEquals(other, lock);
      assertEquals(list, [1]);
      list.push(2);
    }
    using _held = lock.acquireSync();
  });

  it("result can run out of time", LIMIT, async () => {
    const event = new Event();
    const thread = new Thread({ target: targets.waitForEvent, args: [event] }).start();
    await assertRejects(() => thread.result({ timeout: 5 }), TimeoutError, "5 ms");
    event.set();
    assertEquals(await thread.result(), "woken");
  });

  it(
    "arguments are copied at the start, and an argument that cannot be sent leaves the thread as it was",
    LIMIT,
    async () => {
      const list = [1];
      const thread = new Thread({ target: targets.echo, args: [list] as [unknown] }).start();
      list.push(2);
      assertEquals(await thread.result(), [1]);
      const callbacks: { onDone?: () => void } = { onDone: () => {} };
      const other = new Thread({ target: targets.echo, args: [callbacks] as [unknown] });
      const error = assertThrows(() => other.start(), DOMException, "args[0].onDone") as DOMException;
      assertEquals([error.name, other.isAlive, other.ident], ["DataCloneError", false, undefined]);
      delete callbacks.onDone;
      assertEquals(await other.start().result(), {});
    },
  );

  it("is named after its number and its target, or as one likes", LIMIT, async () => {
    const thread = new Thread({ target: targets.describeSelf });
    assertMatch(thread.name, /^Thread-\d+ \(describeSelf\)$/);
    const number = Number(/\d+/.exec(thread.name));
    assertEquals(new Thread().name, `Thread-${number + 1}`);
    assertEquals(new Thread({ target: (() => () => {})() }).name, `Thread-${number + 2}`);
    const named = new Thread({ target: targets.describeSelf, name: "größe" });
    assertEquals(named.name, "größe");
    assertEquals(new Thread().name, `Thread-${number + 3}`);
    named.name = "other";
    assertEquals((await named.start().result()).name, "other");
    named.name = "after the end";
    assertEquals(named.name, "after the end");
    assertEquals(currentThread().name, "MainThread");
  });

  it("has an ident from its start that no other has", LIMIT, async () => {
    assertEquals([getIdent(), currentThread().ident, mainThread().ident], [1, 1, 1]);
    assertStrictEquals(currentThread(), mainThread());
    const threads = Array.from({ length: 3 }, () => new Thread({ target: targets.describeSelf }));
    assertEquals(threads.map(({ ident }) => ident), [undefined, undefined, undefined]);
    for (const thread of threads) thread.start();
    assertEquals(new Set([1, ...threads.map(({ ident }) => ident!)]).size, 4);
    for (const thread of threads) assertEquals((await thread.result()).ident, thread.ident);
  });

  it("is alive from its start to its end, and enumerate lists it meanwhile", LIMIT, async () => {
    const before = activeCount();
    const event = new Event();
    const thread = new Thread({ target: targets.waitForEvent, args: [event] });
    assertEquals([thread.isAlive, enumerate().includes(thread as never)], [false, false]);
    thread.start();
    assertEquals([thread.isAlive, enumerate().includes(thread as never), activeCount()], [true, true, before + 1]);
    assert(enumerate().includes(mainThread()));
    event.set();
    await thread.join();
    assertEquals([thread.isAlive, enumerate().includes(thread as never), activeCount()], [false, false, before]);
  });

  it("is a daemon if its maker is, or if the option says so", LIMIT, async () => {
    assertEquals(new Thread().daemon, false);
    const daemon = new Thread({ target: targets.daemonOf, daemon: true });
    assertEquals(daemon.daemon, true);
    assertEquals(await daemon.start().result(), true);
    assertEquals(await new Thread({ target: targets.daemonOf }).start().result(), false);
    const changed = new Thread({ target: targets.daemonOf });
    changed.daemon = true;
    changed.daemon = false;
    changed.daemon = true;
    assertEquals(await changed.start().result(), true);
    assertThrows(() => changed.daemon = false, InvalidStateError, "before start()");
    assertThrows(() => changed.daemon = 1 as never, TypeError);
  });

  it("refuses what is of the wrong kind, at the call", LIMIT, async () => {
    for (const options of [5, { target: 5 }, { args: "no" }, { name: 5 }, { daemon: "yes" }]) {
      assertThrows(() => new Thread(options as never), TypeError, "Cannot create thread");
    }
    const thread = new Thread({ target: targets.nothing }).start();
    for (const options of [5, { timeout: "1" }, { signal: {} }]) {
      await assertRejects(() => thread.join(options as never), TypeError);
      await assertRejects(() => thread.result(options as never), TypeError);
    }
    for (const timeout of [-1, NaN]) {
      await assertRejects(() => thread.join({ timeout }), RangeError);
      assertThrows(() => thread.joinSync({ timeout }), RangeError);
    }
    assertThrows(() => thread.name = 5 as never, TypeError);
    assertEquals(await thread.join({ timeout: 2 ** 40 }), true);
  });

  it("run calls the target in the thread that calls it", LIMIT, () => {
    assertEquals(new Thread({ target: targets.add, args: [1, 2] }).run(3, 4), 7);
    assertEquals(new Thread().run(), undefined);
  });

  it("takes options from the class or the prototype of their object, too", LIMIT, async () => {
    class Options {
      args: [number, number] = [1, 2];
      get target(): typeof targets.add {
        return targets.add;
      }
      get name(): string {
        return "by a getter";
      }
    }
    const thread = new Thread(new Options());
    assertEquals([thread.name, await thread.start().result()], ["by a getter", 3]);
    const inherited = new Thread(Object.create({ target: targets.add, args: [3, 4], daemon: true }) as Options);
    assertEquals([inherited.daemon, await inherited.start().result()], [true, 7]);
  });

  it("may be a subclass, whose fields travel and whose constructor does not run again", LIMIT, async () => {
    const results = new Queue<unknown>();
    const thread = new targets.Worker1(5, results).start();
    assertEquals(await results.get(), { from: 5, seen: [5], name: "worker one", same: true });
    await thread.join();
    assertEquals(await new targets.Adder({ target: targets.add, args: [1, 2] }).start().result(), 30);
  });

  it("is joined at the end of an await using block", LIMIT, async () => {
    let thread: Thread<[Event], string>;
    {
      const event = new Event();
      await using inner = new Thread({ target: targets.waitForEvent, args: [event] }).start();
      thread = inner;
      setTimeout(() => event.set(), 5);
    }
    assertEquals(thread.isAlive, false);
    {
      await using _never = new Thread({ target: targets.nothing });
    }
  });

  it("takes shared objects in its arguments, and others get its handle", LIMIT, async () => {
    const event = new Event();
    const thread = new Thread({ target: targets.waitForEvent, args: [event] }).start();
    const other = new Thread({ target: targets.joinOther, args: [thread as Thread<never>] }).start();
    event.set();
    assertEquals(await other.result(), "true true woken");
    const queue = new Queue<Thread<never>>();
    queue.putSync(thread as Thread<never>);
    assertStrictEquals(queue.getSync(), thread as Thread<never>);
  });

  it("tells of an error in a module, a missing export and a missing module", LIMIT, async () => {
    const outcome = async (name: string) =>
      await new Thread({ target: missing(name) }).start().result().catch((error) => error);
    const thrown = await outcome("throws");
    assertInstanceOf(thrown, RangeError);
    assertEquals(thrown.message, "at the top of the module");
    assertInstanceOf(await outcome("bad_syntax"), Error);
    assertMatch(String(await outcome("no_export")), /TargetError.*run/);
    assertMatch(String(await outcome("not_there")), /not_there/);
    const blocked = new Thread({ target: missing("not_there") });
    blocked.start().result().catch(() => {});
    assertEquals(blocked.joinSync({ timeout: 20_000 }), true);
  });

  it("ends with an uncaught error, in a timer or a promise", LIMIT, async () => {
    const rejected = await assertRejects(
      () => new Thread({ target: targets.rejectUnhandled }).start().result(),
      targets.Custom,
    ) as targets.Custom;
    assertEquals(rejected.code, 5);
    const thrown = await assertRejects(
      () => new Thread({ target: targets.throwInTimer }).start().result(),
      targets.Custom,
    ) as targets.Custom;
    assertEquals(thrown.code, 6);
  });

  it("ends when it exits, alone, and result says with which code", LIMIT, async () => {
    for (const target of [targets.exit as (code: number) => void, targets.exitLater]) {
      const thread = new Thread({ target, args: [3] }).start();
      const error = await assertRejects(() => thread.result(), WorkerLostError) as WorkerLostError;
      assertEquals([error.exitCode, error.worker], [3, thread.name]);
      assertMatch(error.message, new RegExp(`"${thread.name.replace(/[()]/g, ".")}" .ident ${thread.ident}.`));
      assertEquals(await thread.join(), true);
    }
    const blocked = new Thread({ target: targets.exit, args: [4] }).start();
    assertEquals(blocked.joinSync(), true);
  });

  it("ends when its target has returned, whatever it leaves open", LIMIT, async () => {
    const fired = new Event();
    const thread = new Thread({ target: targets.leaveThingsOpen, args: [fired] }).start();
    assertEquals(await thread.result(), "left");
    assertEquals(await fired.wait({ timeout: 200 }), false);
  });
});

describe("Timer", () => {
  it("runs its function after a while", LIMIT, async () => {
    const begin = performance.now();
    const timer = new Timer(100, targets.add, [1, 2]);
    assertMatch(timer.name, /\(add\)$/);
    assertEquals(await timer.start().result(), 3);
    assert(performance.now() - begin >= 99);
    assertEquals(await new Timer(0, targets.nothing).start().join(), true);
  });

  it("does not after cancel, before or after its start", LIMIT, async () => {
    const called = new Event();
    const timer = new Timer(1e9, targets.setAndWait, [called]).start();
    timer.cancel();
    assertEquals(await timer.result(), undefined);
    const early = new Timer(0, targets.setAndWait, [called]);
    early.cancel();
    assertEquals(await early.start().result(), undefined);
    assertEquals(called.isSet, false);
    early.cancel();
    const infinite = new Timer(Infinity, targets.nothing).start();
    infinite.cancel();
    await infinite.join();
  });

  it("may be a subclass with a run of its own", LIMIT, async () => {
    const begin = performance.now();
    assertEquals(await new targets.TwiceLater(50, targets.nothing as never, [4]).start().result(), 8);
    assert(performance.now() - begin >= 49);
  });

  it("refuses a time or a function of the wrong kind", LIMIT, () => {
    assertThrows(() => new Timer(-1, targets.nothing), RangeError);
    assertThrows(() => new Timer(NaN, targets.nothing), RangeError);
    assertThrows(() => new Timer("1" as never, targets.nothing), TypeError);
    assertThrows(() => new Timer(1, "f" as never), TypeError);
  });
});

describe("setExceptHook", () => {
  it("is called for threads whose result was never read, started before and after", LIMIT, async () => {
    const calls: string[] = [];
    const event = new Event();
    const early = new Thread({ target: targets.holdAndWait, args: [new Lock(), event, "an error"], name: "early" });
    const { promise, resolve } = Promise.withResolvers<void>();
    setExceptHook(({ thread, error }) => {
      calls.push(`${thread.name}: ${error}`);
      if (calls.length === 2) resolve();
    });
    early.start();
    await early.join();
    const asked = new Thread({ target: targets.fail, args: ["asked"], name: "asked" }).start();
    await asked.result().catch(() => {});
    const late = new Thread({ target: targets.fail, args: ["late"], name: "late" }).start();
    await late.join();
    await promise;
    assertEquals(calls, ["early: Error: on purpose", "late: late"]);
    assertThrows(() => setExceptHook(5 as never), TypeError);
  });

  it("set in a thread is called there, for the threads that it starts", LIMIT, async () => {
    const names = new Queue<string>();
    assertEquals(await new Thread({ target: targets.hookHere, args: [names] }).start().result(), true);
    assertEquals(await names.get({ timeout: 10_000 }), "inner: inner");
  });
});
