import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStringIncludes } from "@std/assert";
import { CancelledError, TargetError, task, TimeoutError } from "@weft/concurrent/threading";
import { namedWithin } from "../_named.ts";
import { isDeno } from "../_runtime.ts";
import { errorOf, LIMIT, lossOf, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { add, setAndWait, square, workerId } from "./_targets.ts";

type Answer = (x: number) => number;

const answerOf = (module: string): Answer => task<Answer>(new URL(`./modules/${module}`, import.meta.url), "answer");

/** What holds when workers end before they have begun a task. */
export function beginSuite(kind: Kind): void {
  const { Pool } = kind;

  describe(`${kind.name} Pool: join`, () => {
    it("waits up to its timeout, also several times", LIMIT, async () => {
      const pool = new Pool(1);
      const [begun, end] = [new kind.Semaphore(0), new kind.Event()];
      const future = pool.submit(setAndWait, begun, end);
      await begun.acquire();
      pool.close();
      assertEquals(await pool.join({ timeout: 0 }), false);
      assertEquals(await pool.join({ timeout: 10 }), false);
      const reason = new Error("given up");
      assertEquals(await errorOf(pool.join({ signal: AbortSignal.abort(reason) })), reason);
      const controller = new AbortController();
      const joined = pool.join({ signal: controller.signal });
      controller.abort(reason);
      assertEquals(await errorOf(joined), reason);
      assertEquals((await errorOf(pool.join({ timeout: -1 }))).name, "RangeError");
      end.set();
      await future;
      assertEquals(await pool.join({ timeout: 20_000 }), true);
      assertEquals(await pool.join({ timeout: 0 }), true);
      assertEquals(await pool.join(), true);
    });
  });

  describe(`${kind.name} Pool: workers that end before they begin`, () => {
    it("rejects the tasks of a module that exits, and goes on with tasks of other modules", LIMIT, async () => {
      await using pool = new Pool(2, { name: `Exits-${kind.name}` });
      const good = [1, 2, 3, 4].map((x) => pool.submit(square, x));
      const bad = [1, 2, 3].map((x) => pool.submit(answerOf("exits.ts"), x));
      const other = pool.map(square, [5, 6, 7]);
      for (const future of bad) {
        const error = await lossOf(future);
        assertEquals(error.exitCode, 3);
        assertStringIncludes(error.message, "modules/exits.ts");
        assert(error.worker?.startsWith(`Exits-${kind.name}-`), error.worker);
        assertStringIncludes(error.message, `"${error.worker}"`);
        if (kind.name === "process") assertStringIncludes(error.message, `pid ${error.pid}`);
        else assertEquals("pid" in error, false);
      }
      assertEquals(await Promise.all(good), [1, 4, 9, 16]);
      assertEquals(await other, [25, 36, 49]);
      assertEquals(pool.stats().failed, 3);
    });

    it("rejects map, starmap and imap, and can be used afterwards", LIMIT, async () => {
      await using pool = new Pool(1);
      const answer = answerOf("imports_exits.ts");
      for (
        const all of [
          () => pool.map(answer, [1, 2]),
          () => pool.starmap(answer, [[1], [2]]),
          () => pool.imap(answer, [1, 2]).next(),
          () => pool.apply(answer, [1]),
        ]
      ) {
        const error = await lossOf(all());
        assertEquals(error.exitCode, 3);
      }
      assertEquals(await pool.submit(add, 1, 2), 3);
    });

    it("rejects with the error that a module throws at its top level", LIMIT, async () => {
      await using pool = new Pool(1);
      const error = await errorOf(pool.submit(answerOf("throws.ts"), 1));
      assertEquals([error.name, error.message], ["EvalError", "thrown at the top"]);
      assertEquals(await pool.submit(add, 1, 2), 3);
    });

    it("rejects if the module does not exist", LIMIT, async () => {
      await using pool = new Pool(1);
      const error = await errorOf(pool.submit(answerOf("missing.ts"), 1));
      assertInstanceOf(error, TargetError);
      assertStringIncludes(error.message, "missing.ts");
    });

    it("rejects all tasks if the initializer's module exits", LIMIT, async () => {
      await using pool = new Pool(2, { initializer: answerOf("exits.ts"), initargs: [1] });
      const error = await lossOf(pool.submit(square, 1));
      assertEquals(error.exitCode, 3);
      assertStringIncludes(error.message, `"${error.worker}"`);
    });

    it(
      "loses no task to workers that are killed as they start while other workers may still begin",
      LIMIT,
      async () => {
        const name = `Killed-${kind.name}`;
        const [begun, go] = [new kind.Semaphore(0), new kind.Event()];
        await using pool = new Pool(3, { name, initializer: setAndWait, initargs: [begun, go] });
        const squares = [1, 2, 3, 4].map((x) => pool.submit(square, x));
        for (let worker = 0; worker < 3; worker++) await begun.acquire();
        for (let kills = 0; kills < 5; kills++) {
          assert(kind.killNewestWorker(name));
          // The worker that replaces it.
          await begun.acquire();
        }
        go.set();
        assertEquals(await Promise.all(squares), [1, 4, 9, 16]);
      },
    );

    if (kind.name === "process") {
      it("rejects the tasks of a module whose process is killed", LIMIT, async () => {
        await using pool = new Pool(1);
        const lost = pool.submit(answerOf("kills_itself.ts"), 1);
        const other = pool.submit(square, 3);
        const error = await lossOf(lost);
        assertEquals([error.signal, error.exitCode], ["SIGKILL", -9]);
        assertEquals(await other, 9);
      });
    }
  });

  describe(`${kind.name} Pool: a module that never comes up`, () => {
    // Deno does not stop a thread that computes: it would slow down all tests that follow.
    const stuck = answerOf(kind.name === "process" || !isDeno ? "loops.ts" : "blocks.ts");

    it("makes a task with killAfter lose its worker, and no task of another function", LIMIT, async () => {
      await using pool = new Pool(1);
      for (
        const give of [
          (signal: AbortSignal) => pool.apply(stuck, [1], { signal, killAfter: 0 }),
          (signal: AbortSignal) => pool.apply(stuck, [1], { signal, killAfter: 20 }),
          (signal: AbortSignal) => pool.map(stuck, [1, 2, 3], { signal, killAfter: 0 }),
          (signal: AbortSignal) => pool.imap(stuck, [1, 2, 3], { signal, killAfter: 0 }).next(),
        ]
      ) {
        const controller = new AbortController();
        const given = give(controller.signal);
        await until(() => pool.stats().busy === 1);
        const other = pool.submit(square, 3);
        const reason = new Error("given up");
        controller.abort(reason);
        assertEquals(await errorOf(given), reason);
        assertEquals(await other, 9);
      }
      const future = pool.apply(stuck, [1], { killAfter: 0 });
      await until(() => pool.stats().busy === 1);
      assertEquals(future.cancel(), true);
      assertInstanceOf(await errorOf(future), CancelledError);
      assertEquals(await pool.submit(square, 3), 9);
      const error = await errorOf(pool.apply(stuck, [1], { timeout: 500, killAfter: 0 }));
      assertInstanceOf(error, TimeoutError);
      assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
      assertEquals(pool.stats().workers, 1);
    });

    it("that loads before killAfter does not cost anything", LIMIT, async () => {
      await using pool = new Pool(1, { name: `Comes-${kind.name}` });
      const slow = answerOf("slow.ts");
      const id = await pool.submit(workerId);
      const controller = new AbortController();
      const given = pool.apply(slow, [1], { signal: controller.signal, killAfter: 20_000 });
      await until(() => pool.stats().busy === 1);
      const other = pool.submit(square, 3);
      const same = pool.submit(slow, 4);
      controller.abort(new Error("given up"));
      assertEquals((await errorOf(given)).message, "given up");
      assertEquals([await other, await same], [9, 4]);
      assertEquals(await pool.submit(workerId), id);
    });

    it("is named once by the owner, with the worker and the function", LIMIT, async () => {
      await namedWithin(300, async (named, said) => {
        await using pool = new Pool(2, { name: `Stuck-${kind.name}` });
        for (const x of [1, 2]) void errorOf(pool.submit(stuck, x));
        await until(() => pool.stats().busy === 2);
        await named(1);
        {
          await using other = new Pool(1, { name: `Other-${kind.name}`, initializer: stuck, initargs: [1] });
          void errorOf(other.submit(square, 1));
          await named(2);
        }
        // By now the pool has looked at the other worker, too.
        assertEquals(said.length, 2, said.join("\n"));
        assertMatch(
          said[0],
          /^Stuck-\w+-[12] cannot begin with its task "answer" as .*modules\/\w+\.ts has not finished loading after 0\.3 s: code/,
        );
        // A worker that needs as long to come up by itself has not named its module yet.
        assertMatch(
          said[1],
          /^Other-\w+-1 cannot begin with its initializer "answer" as (.*modules\/\w+\.ts|a module that it needs) has not/,
        );
      });
    });

    it("is given up by a pool whose other workers can call the function", LIMIT, async () => {
      const folder = mkdtempSync(join(tmpdir(), "weft-second-"));
      try {
        await namedWithin(300, async () => {
          await using pool = new Pool(2, { name: `Late-${kind.name}` });
          const answer = answerOf(`second_waits.ts?folder=${encodeURIComponent(folder)}`);
          const error = await lossOf(pool.each(answer, 1));
          assertMatch(error.worker!, /^Late-\w+-[12]$/);
          await until(() => pool.stats().busy === 0);
          assertEquals(await pool.each(answer, 2), [2, 2]);
          assertEquals(await pool.map(answer, [3, 4]), [3, 4]);
          pool.close();
          assertEquals(await pool.join({ timeout: 20_000 }), true);
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("does not keep a pool from ending", { timeout: 60_000 }, async () => {
      const pool = new Pool(1);
      const given = pool.submit(stuck, 1);
      await until(() => pool.stats().busy === 1);
      pool.close();
      assertEquals(await pool.join({ timeout: 50 }), false);
      pool.terminate();
      assertInstanceOf(await errorOf(given), CancelledError);
      assertEquals(await pool.join({ timeout: 20_000 }), true);
      let left: Error | undefined;
      {
        await using other = new Pool(1);
        void errorOf(other.submit(stuck, 1)).then((error) => left = error);
        await until(() => other.stats().busy === 1);
      }
      assertInstanceOf(left, CancelledError);
    });
  });
}
