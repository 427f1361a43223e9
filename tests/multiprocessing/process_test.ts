import * as targets from "./_process_targets.ts";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects, assertThrows } from "@std/assert";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import {
  activeChildren,
  cpuCount,
  currentProcess,
  Event,
  getAllStartMethods,
  getContext,
  getStartMethod,
  InvalidStateError,
  Lock,
  NotSupportedError,
  parentProcess,
  Process,
  Queue,
  sleepSync,
  TimeoutError,
  Value,
  WorkerLostError,
} from "@weft/concurrent/multiprocessing";
import * as sync from "@weft/concurrent/sync";
import * as threading from "@weft/concurrent/threading";
import { realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { describe, it } from "node:test";

const LIMIT = { timeout: 60_000 };

describe("Process", () => {
  it("runs a function in another process and returns what that returns", LIMIT, async () => {
    const child = new Process({ target: targets.add, args: [2, 3] });
    assertEquals(child.pid, undefined);
    assertEquals(child.exitCode, undefined);
    assert(!child.isAlive);
    assertEquals(child.start(), child);
    assert(child.pid !== undefined && child.pid !== process.pid);
    assertEquals(await child.result(), 5);
    assertEquals(child.exitCode, 0);
    assert(!child.isAlive);
    assertEquals(await child.result(), 5);
  });

  it("awaits an asynchronous target", LIMIT, async () => {
    assertEquals(await new Process({ target: targets.addLater, args: [20, 1] }).start().result(), 21);
  });

  it("runs inline functions, built-in functions, and nothing", LIMIT, async () => {
    assertEquals(await targets.startInline(4).result(), 8);
    assertEquals(await new Process({ target: Math.sqrt, args: [49] }).start().result(), 7);
    const none = new Process().start();
    assertEquals(await none.result(), undefined);
    assertEquals(none.exitCode, 0);
  });

  it("copies arguments and results as structuredClone does", LIMIT, async () => {
    const cyclic: Record<string, unknown> = {
      map: new Map([[{ a: -0 }, new Set([1n, undefined])]]),
      date: new Date(5),
    };
    cyclic.self = cyclic;
    const value = await new Process({ target: targets.echo<typeof cyclic>, args: [cyclic] }).start().result();
    assert(value !== cyclic && value.self === value);
    assertEquals([...(value.map as Map<unknown, unknown>).entries()], [[{ a: -0 }, new Set([1n, undefined])]]);
    assertEquals(value.date, new Date(5));
  });

  it("is named after its number, and after its parent's", LIMIT, async () => {
    const child = new Process({ target: targets.who });
    assertMatch(child.name, /^Process-\d+$/);
    const number = Number(child.name.slice("Process-".length));
    assertEquals(new Process().name, `Process-${number + 1}`);
    const { name, pid, daemon, parent, parentPid } = await child.start().result();
    assertEquals({ name, daemon, parent, parentPid }, {
      name: child.name,
      daemon: false,
      parent: "MainProcess",
      parentPid: process.pid,
    });
    assertEquals(pid, child.pid);
    const total = new Value("i32");
    const names = await new Process({ target: targets.nest, args: [2, total] }).start().result();
    assertEquals(names[1], `${names[0]}:1`);
    assertEquals(names[2], `${names[0]}:1:1`);
    assertEquals(total.value, 3);
  });

  it("takes a name and the daemon flag, until it is started", LIMIT, async () => {
    const child = new Process({ target: targets.who, name: "a name", daemon: true });
    assertEquals(child.name, "a name");
    assert(child.daemon);
    child.name = "another";
    child.start();
    assertThrows(() => child.daemon = false, InvalidStateError);
    const { name, daemon } = await child.result();
    assertEquals({ name, daemon }, { name: "another", daemon: true });
    assertThrows(() => child.name = 5 as never, TypeError);
    assertThrows(() => new Process().daemon = 1 as never, TypeError);
  });

  it("throws what the target threw, which the process has printed, and has exit code 1", LIMIT, async () => {
    for (
      const child of [new Process({ target: targets.fail, args: ["no"] }), new Process({ target: targets.failLater })]
    ) {
      child.start();
      assert(await child.join());
      assertEquals(child.exitCode, 1);
    }
    const child = new Process({ target: targets.fail, args: ["no"] }).start();
    const error = await assertRejects(() => child.result(), RangeError, "no");
    assertEquals(error.cause, "a cause");
    assertMatch(error.stack!, /_process_targets\.ts/);
    assertMatch(error.stack!, /process_test\.ts/);
    assertEquals(child.exitCode, 1);
  });

  it("has the exit code with which the process exits, and no result then", LIMIT, async () => {
    for (const code of [3, 0]) {
      const child = new Process({ target: targets.exit, args: [code] }).start();
      assert(child.joinSync());
      assertEquals(child.exitCode, code);
      const error = await assertRejects(() => child.result(), WorkerLostError);
      assertEquals(error.exitCode, code);
      assertEquals([error.worker, error.pid], [child.name, child.pid]);
      assertMatch(error.message, new RegExp(`"${child.name.replace(/[()]/g, ".")}" .pid ${child.pid}.`));
    }
  });

  it("has the exit code that its program has set, once its target has returned", LIMIT, async () => {
    const child = new Process({ target: targets.setExitCode, args: [7] }).start();
    assertEquals(await child.result(), "returned");
    assertEquals(child.exitCode, 7);
  });

  it("has exit code 1 after an uncaught error", LIMIT, async () => {
    for (const target of [targets.uncaught, targets.unhandled]) {
      const child = new Process({ target }).start();
      await assertRejects(() => child.result(), Error, "never");
      assertEquals(child.exitCode, 1);
    }
  });

  it("ends by SIGTERM and by SIGKILL, wherever it is", LIMIT, async () => {
    const never = new Event();
    for (const [signal, number] of [["terminate", 15], ["kill", 9]] as const) {
      const started = [new Event(), new Event(), new Event()];
      const children = [
        new Process({ target: targets.spin, args: [started[0]!] }).start(),
        new Process({ target: targets.idle, args: [started[1]!] }).start(),
        new Process({ target: targets.block, args: [started[2]!, never] }).start(),
      ];
      for (const event of started) assert(await event.wait({ timeout: 30_000 }));
      for (const child of children) {
        assert(child.isAlive);
        assertEquals(child.exitCode, undefined);
        child[signal]();
      }
      for (const child of children) {
        assert(child.joinSync({ timeout: 10_000 }));
        assertEquals(child.exitCode, -number);
        const error = await assertRejects(() => child.result(), WorkerLostError);
        assertEquals(error.signal, number === 15 ? "SIGTERM" : "SIGKILL");
        assertEquals(error.exitCode, -number);
        child[signal]();
      }
    }
  });

  it("may handle SIGTERM", LIMIT, async () => {
    const started = new Event();
    const child = new Process({ target: targets.sleepWithHandler, args: [started] }).start();
    assert(await started.wait({ timeout: 30_000 }));
    child.terminate();
    assertEquals(await child.result(), "SIGTERM");
    assertEquals(child.exitCode, 0);
  });

  it("has a handler of SIGTERM called once for each terminate()", LIMIT, async () => {
    const [started, first] = [new Event(), new Event()];
    const child = new Process({ target: targets.countTerminates, args: [started, first] }).start();
    assert(await started.wait({ timeout: 30_000 }));
    child.terminate();
    assert(await first.wait({ timeout: 30_000 }));
    child.terminate();
    for (const count of await child.result()) assertEquals(count, 2);
    assertEquals(child.exitCode, 0);
  });

  it("is terminated by the time that its end is seen, however that is looked for", LIMIT, async () => {
    const ways = [
      (child: Process) => child.join({ timeout: 20_000 }),
      (child: Process) => child.joinSync({ timeout: 20_000 }),
      (child: Process) => {
        while (child.isAlive);
      },
      (child: Process) => {
        while (child.isAlive) sleepSync(1);
      },
    ];
    for (const way of ways) {
      for (const target of [targets.spin, targets.idle]) {
        const started = new Event();
        const child = new Process({ target, args: [started] }).start();
        assert(await started.wait({ timeout: 30_000 }));
        child.terminate();
        await way(child);
        assertEquals([child.isAlive, child.exitCode], [false, -15]);
      }
    }
  });

  it("is terminated by a process that did not start it, and that ends right after", LIMIT, async () => {
    const started = new Event();
    const child = new Process({ target: targets.spin, args: [started] }).start();
    assert(await started.wait({ timeout: 30_000 }));
    await new Process({ target: targets.terminateOther, args: [child] }).start().result();
    assert(await child.join({ timeout: 10_000 }));
    assertEquals(child.exitCode, -15);
  });

  it("is terminated while it comes up, whenever that is", LIMIT, async () => {
    for (const method of ["spawn", "forkserver"] as const) {
      const { Process } = getContext(method);
      const children = [0, 10, 30, 60].map(async (ms) => {
        const child = new Process({ target: targets.idle, args: [new Event()] }).start();
        if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
        child.terminate();
        assert(await child.join({ timeout: 20_000 }));
        assertEquals(child.exitCode, -15);
      });
      await Promise.all(children);
    }
  });

  it("says of a target whose promise is never settled why it ended", LIMIT, async () => {
    const child = new Process({ target: targets.awaitNothing }).start();
    await assertRejects(() => child.result(), WorkerLostError, "exit code 0: it called exit(), or its target awaited");
  });

  it("is known to have ended although no event loop turns", LIMIT, () => {
    const started = new Event();
    const child = new Process({ target: targets.spin, args: [started] }).start();
    assert(started.waitSync({ timeout: 30_000 }));
    assert(child.isAlive);
    assertEquals(child.joinSync({ timeout: 20 }), false);
    assertEquals(child.exitCode, undefined);
    process.kill(child.pid!, "SIGKILL");
    while (child.isAlive);
    assertEquals(child.exitCode, -9);
    assert(child.joinSync({ timeout: 0 }));
  });

  it("joins with a timeout and a signal", LIMIT, async () => {
    const event = new Event();
    const child = new Process({ target: targets.waitFor, args: [event] }).start();
    assertEquals(await child.join({ timeout: 0 }), false);
    assertEquals(await child.join({ timeout: 5 }), false);
    assertEquals(child.joinSync({ timeout: 5 }), false);
    await assertRejects(() => child.result({ timeout: 5 }), TimeoutError);
    await assertRejects(
      () =>
        child.join({ signal: AbortSignal.abort("enough") }).catch((reason) => {
          throw new Error(reason);
        }),
      Error,
      "enough",
    );
    await assertRejects(() => child.join({ timeout: -1 }), RangeError);
    await assertRejects(() => child.join({ timeout: "1" as never }), TypeError);
    const joins = [child.join(), child.join(), child.result()];
    event.set();
    assertEquals(await Promise.all(joins), [true, true, "set"]);
  });

  it("refuses what makes no sense before, during and after its life", LIMIT, async () => {
    const child = new Process({ target: targets.nothing });
    await assertRejects(() => child.join(), InvalidStateError, "start()");
    assertThrows(() => child.joinSync(), InvalidStateError, "start()");
    await assertRejects(() => child.result(), InvalidStateError, "start()");
    child.terminate();
    child.kill();
    child.start();
    assertThrows(() => child.start(), InvalidStateError, "started before");
    await child.join();
    assertThrows(() => child.start(), InvalidStateError, "started before");
    await assertRejects(() => currentProcess().join(), InvalidStateError, "itself");
  });

  it("can be closed once it is gone", LIMIT, async () => {
    const event = new Event();
    const child = new Process({ target: targets.waitFor, args: [event] }).start();
    assertThrows(() => child.close(), InvalidStateError, "alive");
    event.set();
    await child.join();
    child.close();
    child.close();
    await assertRejects(() => child.join(), InvalidStateError);
    assertThrows(() => child.terminate(), InvalidStateError);
    for (const property of ["exitCode", "isAlive", "pid", "name", "daemon"] as const) {
      assertThrows(() => child[property], InvalidStateError, "disposed");
    }
    new Process().close();
  });

  it("refuses to join if a getter of the options closes it", LIMIT, async () => {
    for (const form of ["join", "joinSync", "result"] as const) {
      const child = new Process({ target: Math.sqrt, args: [16] }).start();
      await child.join();
      const options = {
        get timeout() {
          child.close();
          return 100;
        },
      };
      await assertRejects(async () => await child[form](options), InvalidStateError, "it was disposed of");
    }
  });

  it("refuses options of the wrong kind", () => {
    const wrong: [object, string][] = [
      [{ target: 5 }, "target"],
      [{ args: "abc" }, "args"],
      [{ name: 5 }, "name"],
      [{ daemon: 1 }, "daemon"],
      [{ cwd: 5 }, "cwd"],
      [{ cwd: new URL("http://localhost/") }, "cwd"],
      [{ env: "A=B" }, "env"],
      [{ env: { A: 1 } }, "env.A"],
      [{ permissions: "all" }, "permissions"],
    ];
    for (const [options, name] of wrong) assertThrows(() => new Process(options as never), TypeError, `'${name}'`);
    assertThrows(() => new Process(5 as never), TypeError);
  });

  it("throws at the start what cannot be sent, and can be started again", LIMIT, async () => {
    const args: [unknown] = [{ onDone: () => {} }];
    const child = new Process({ target: targets.echo, args });
    const error = assertThrows(() => child.start(), DOMException);
    assertMatch(error.message, /args\[0\]\.onDone/);
    assertEquals(child.pid, undefined);
    assertThrows(
      () => new Process({ target: targets.echo, args: [new threading.Lock()] }).start(),
      TypeError,
      "args[0]",
    );
    args[0] = 5;
    assertEquals(await child.start().result(), 5);
  });

  it("runs in the given folder, with the given variables", LIMIT, async () => {
    const folder = realpathSync(tmpdir());
    const here = await new Process({ target: targets.surroundings, args: ["PATH"] }).start().result();
    assertEquals(here, { cwd: process.cwd(), variable: process.env.PATH, told: undefined });
    const there = new Process({ target: targets.surroundings, args: ["OTHER"], cwd: folder, env: { OTHER: "a b=c" } });
    assertEquals(await there.start().result(), { cwd: folder, variable: "a b=c", told: undefined });
    assertThrows(() => new Process({ target: targets.nothing, cwd: `${folder}/none` }).start(), TypeError, "'cwd'");
  });

  it("starts processes and threads of its own, and ends after them", LIMIT, async () => {
    const total = new Value("i32");
    await new Process({ target: targets.startThreads, args: [3, total] }).start().result();
    assertEquals(total.value, 3);
    const done = new Queue<string>();
    const child = new Process({ target: targets.startAndForget, args: [done] }).start();
    assert(await child.join());
    assertEquals(new Set([done.tryGet(), done.tryGet()]), new Set(["child", "thread"]));
  });

  it("can be started by threads, which may end before it", LIMIT, async () => {
    const thread = new threading.Thread({ target: targets.startAndJoinFromThread }).start();
    assertEquals(await thread.result(), { exitCode: 0, name: "MainProcess" });
    const done = new Queue<string>();
    const starter = new threading.Thread({ target: targets.startFromThread, args: [done] }).start();
    assert(await starter.join());
    assertEquals(await done.get({ timeout: 30_000 }), "from a thread");
  });

  it("can be joined and killed by other processes, which know how it ended", LIMIT, async () => {
    const started = new Event();
    for (const [target, joinFirst] of [[targets.killOther, false], [targets.killOther, true]] as const) {
      started.clear();
      const busy = new Process({ target: targets.spin, args: [started] }).start();
      const other = new Process({ target, args: [busy] }).start();
      if (joinFirst) assert(busy.joinSync({ timeout: 30_000 }));
      assertEquals(await other.result(), { joined: true, exitCode: -9 });
      assertEquals(busy.exitCode, -9);
    }
    const done = new Process({ target: targets.nothing }).start();
    assertEquals(await new Process({ target: targets.joinOther, args: [done as never] }).start().result(), {
      joined: true,
      exitCode: 0,
    });
  });

  it("is the same handle wherever it turns up in one process", LIMIT, async () => {
    const queue = new Queue<unknown>();
    const child = new Process({ target: targets.nothing });
    queue.putSync({ child });
    assertEquals((queue.getSync() as { child: unknown }).child, child);
    await child.start().join();
  });

  it("gives what it held to the next when it is killed", LIMIT, async () => {
    const lock = new Lock();
    const started = new Event();
    const child = new Process({ target: targets.holdForEver, args: [lock, started] }).start();
    assert(await started.wait({ timeout: 30_000 }));
    child.kill();
    using guard = lock.acquireSync({ timeout: 5000 });
    assert(guard.abandoned);
    assert(await child.join());
  });

  it("runs the run() of an exported subclass, with its fields", LIMIT, async () => {
    const child = new targets.Doubler(21, { args: [2] });
    child.label.set("a", 100);
    assertInstanceOf(child, Process);
    assertEquals(await child.start().result(), 142);
  });

  it("is joined at the end of its scope", LIMIT, async () => {
    let child: Process;
    {
      await using scoped = child = new Process({ target: targets.nothing }).start();
      assert(scoped.pid !== undefined);
    }
    assertEquals(child.exitCode, 0);
    await using _unstarted = new Process();
  });

  it("is among the active children while it lives", LIMIT, async () => {
    const event = new Event();
    const children = [1, 2].map(() => new Process({ target: targets.waitFor, args: [event] }).start());
    assertEquals(activeChildren().slice(-2), children);
    event.set();
    for (const child of children) await child.join();
    assertEquals(activeChildren().filter((child) => children.includes(child as never)), []);
    const [before, after] = await new Process({ target: targets.childrenOfThis }).start().result();
    assertEquals([before, after], [["the child"], []]);
  });

  it("knows the current process and that the first has no parent", () => {
    assertEquals(currentProcess().name, "MainProcess");
    assertEquals(currentProcess().pid, process.pid);
    assert(currentProcess().isAlive);
    assertEquals(currentProcess(), currentProcess());
    assertEquals(parentProcess(), undefined);
    assert(cpuCount() >= 1);
  });

  it("says which start methods there are, and why fork is none", LIMIT, async () => {
    assertEquals(getAllStartMethods(), ["spawn", "forkserver"]);
    assertEquals(getStartMethod(), "spawn");
    assertThrows(() => getContext("fork" as never), NotSupportedError, "threads");
    assertThrows(() => getContext("other" as never), TypeError);
    const context = getContext("spawn");
    assertEquals(context.getStartMethod(), "spawn");
    const child = new context.Process({ target: targets.add, args: [1, 1] }).start();
    assertInstanceOf(child, Process);
    assertEquals(await child.result(), 2);
  });

  it("a context has all that the module has", () => {
    const context = getContext("forkserver");
    for (const [name, value] of Object.entries(multiprocessing)) {
      const isOwn = typeof value === "function" && value.prototype?.constructor === value && !(name in sync);
      if (isOwn && !/^(?:getContext|setStartMethod)$/.test(name)) assert(name in context, name);
    }
    assert(context.Lock === multiprocessing.Lock && context.SharedMemory === multiprocessing.SharedMemory);
    assert(context.Pool.prototype instanceof multiprocessing.Pool);
  });
});
