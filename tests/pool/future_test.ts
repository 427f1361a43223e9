import { describe, it } from "node:test";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { callbackify } from "node:util";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Event, Future, Pool, Queue } from "@weft/concurrent/threading";
import { READINESS } from "../../_internal/memory/kinds.ts";
import { isDeno, isNode, RUN_FLAGS } from "../_runtime.ts";
import { writeTests } from "./_returned_future.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };

function execute(args: string[], cwd?: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, timeout: 40_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
  });
}

describe("Future", () => {
  it("is a native promise, and then() returns a promise that is not a future", LIMIT, async () => {
    await using pool = new Pool(1);
    const future = pool.submit(Math.sqrt, 16);
    assert(future instanceof Promise && future instanceof Future);
    assertEquals(Object.prototype.toString.call(future), "[object Promise]");
    for (const derived of [future.then(), future.catch(() => 0), future.finally(() => {})]) {
      assertEquals(Object.getPrototypeOf(derived), Promise.prototype);
      assertEquals(await derived, 4);
    }
    assertEquals(await Promise.all([future, pool.submit(Math.sqrt, 9)]), [4, 3]);
    assertEquals(await Promise.race([future]), 4);
    assertEquals(
      await new Promise((resolve, reject) =>
        callbackify(() => future)((error, value) => error === null ? resolve(value) : reject(error))
      ),
      4,
    );
  });

  it("is made by pools only", LIMIT, () => {
    assertThrows(() => Future.resolve(1), TypeError, "Cannot create future");
    assertThrows(() => Reflect.construct(Future, [() => {}]), TypeError, "Cannot create future");
  });

  it("rejects with the task's error in every way to read it", LIMIT, async () => {
    await using pool = new Pool(1);
    const future = pool.submit(targets.failAt, 1, 1);
    const error = await assertRejects(() => future);
    assertEquals(await future.catch((its) => its), error);
    assertEquals(await future.then(() => 0, (its) => its), error);
    assertEquals(await assertRejects(() => future.finally(() => {})), error);
    assertEquals(await assertRejects(() => Promise.all([future])), error);
  });

  it("holds nothing of a waiter that has given up", LIMIT, async () => {
    await using pool = new Pool(1);
    const end = new Event();
    const future = pool.submit(targets.waitForEvent, end);
    const giveUp = (): WeakRef<object> => {
      const waiter = {};
      future[READINESS]().whenReady(() => String(waiter))();
      return new WeakRef(waiter);
    };
    const waiters = Array.from({ length: 100 }, giveUp);
    const garbage: number[][] = [];
    for (let i = 0; i < 1_000 && waiters.some((waiter) => waiter.deref() !== undefined); i++) {
      for (let j = 0; j < 20; j++) garbage.push(new Array(10_000).fill(j + 0.5));
      if (garbage.length > 1_500) garbage.length = 0;
      (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const left = waiters.filter((waiter) => waiter.deref() !== undefined).length;
    // A conservative collector may take a number on the stack for an address.
    assert(left <= 2, `${left} of 100 waiters are held`);
    // Those that have not given up are called.
    let called = 0;
    const [, callOff] = [1, 2].map(() => future[READINESS]().whenReady(() => called++));
    callOff!();
    end.set();
    await future;
    assertEquals(called, 1);
  });

  it("cannot be sent to another thread", LIMIT, async () => {
    await using pool = new Pool(1);
    const future = pool.submit(Math.sqrt, 16);
    assertThrows(() => new Queue<unknown>().putSync(future), DOMException, "a future belongs to the thread");
    assertEquals(await future, 4);
  });

  it("is reported as unhandled where the rejection is not handled, and only there", LIMIT, async () => {
    const program = fileURLToPath(new URL("./_unhandled_program.ts", import.meta.url));
    const { code, output } = await execute([...RUN_FLAGS, program]);
    assertEquals([code, output], [0, "nothing\nitem 1\n"]);
  });

  it("fails the test that returns it", LIMIT, async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-"));
    try {
      const { code, output } = await execute(
        isDeno
          ? ["test", "-A", "--no-check", "--no-config", writeTests(folder)]
          : isNode
          ? ["--test", writeTests(folder)]
          : ["test", writeTests(folder)],
        folder,
      );
      assertEquals(code, 1, output);
      assert(/1 pass|pass 1/.test(output) && /1 fail|fail 1/.test(output) && output.includes("boom"), output);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
