import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import { errorOf, LIMIT, range, sharing } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { sharedPool } from "./_shared_pool.ts";
import * as targets from "./_targets.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { asCompleted, CancelledError, Future, TimeoutError, wait, waitAny } from "@weft/concurrent/threading";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";

/** What holds for `submit`, `apply` and the futures that they return. */
export function submitSuite(kind: Kind): void {
  const { Pool } = kind;
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: submit and Future`, () => {
    it("returns futures that are promises", LIMIT, async () => {
      const future = pool().submit(targets.add, 1, 2);
      assert(future instanceof Future);
      assertEquals(await future, 3);
      assertEquals(future.state, "finished");
      assertEquals(await pool().apply(targets.add, [3, 4]), 7);
      assertEquals(await pool().apply(targets.pid) > 0, true);
      const all = await Promise.all(range(2000).map((i) => pool().submit(targets.square, i)));
      assertEquals(all, range(2000).map((x) => x * x));
    });

    it("gives each task an id of its own, as each item of a map", LIMIT, async () => {
      const submitted = await Promise.all(range(300).map(() => pool().submit(targets.taskId)));
      const mapped = await pool().map(targets.idOf, range(3000));
      assertEquals(mapped.map((text) => text.split(" ")[1]), range(3000).map(String));
      const streamed = [];
      for await (const text of pool().imap(targets.idOf, range(300))) streamed.push(text);
      const ids = [...submitted, ...mapped, ...streamed].map((text) => text.split(" ")[0]);
      assertEquals(new Set(ids).size, 3600);
      for (const id of ids) assert(/^[\da-f]{12}-\d+-\d+$/.test(id), id);
      assertEquals(new Set(ids.map((id) => id.split("-")[0])).size, 1);
      // Numbers, many of which go together.
      assertEquals(await pool().map(targets.lastOfId, range(5000)), range(5000));
    });

    it("gives a task the same id in each of its tries", LIMIT, async () => {
      const folder = mkdtempSync(`${tmpdir()}/ids-`);
      try {
        const id = await pool().apply(targets.idOfThird, [`${folder}/ids`], { retries: 2 });
        assertEquals(readFileSync(`${folder}/ids`, "utf8"), `${id}\n`.repeat(3));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("begins tasks in the order of their calls", sharing(kind), async () => {
      await using one = new Pool(1);
      const queue = new kind.Queue<string>();
      const other = (its: typeof queue, text: string): void => its.putSync(text);
      await Promise.all(
        range(60).map((i) => i % 3 === 0 ? one.submit(other, queue, `${i}`) : one.submit(targets.put, queue, `${i}`)),
      );
      assertEquals(range(60).map(() => queue.getSync()), range(60).map(String));
    });

    it("copies the arguments at the call, and throws there what cannot be copied", LIMIT, async () => {
      const item = { n: 1 };
      const future = pool().submit(targets.identity, item);
      item.n = 2;
      assertEquals(await future, { n: 1 });
      const error = assertThrows(() => pool().submit(targets.identity, { onDone: () => {} }), DOMException);
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("args[0].onDone"), error.message);
    });

    it("rejects with an error of the same class, its properties and its cause", LIMIT, async () => {
      const error = await errorOf(pool().submit(targets.failWith, "custom")) as Error & { detail: unknown };
      assertEquals([error.name, error.message, error.detail], ["CustomError", "custom", { code: 7 }]);
      assert(error.cause instanceof TypeError);
      assert(await errorOf(pool().submit(targets.failWith, "x")) instanceof RangeError);
      assertEquals((await errorOf(pool().submit(targets.failLater))).message, "later");
    });

    it("has the task's stack in the error, then the caller's", LIMIT, async () => {
      const calls = [() => pool().submit(targets.failWith, "x"), () => pool().map(targets.failWith, ["x"])];
      for (const call of calls) {
        const stack = (await errorOf(call())).stack!;
        const [there, here] = [stack.indexOf("_targets.ts"), stack.indexOf("_suite.ts")];
        assert(there > 0 && here > there, stack);
      }
    });

    it("rejects with any value that the task throws", LIMIT, async () => {
      for (const [what, thrown] of [["undefined", undefined], ["text", "text"]] as const) {
        const outcome = await pool().submit(targets.failWith, what).then(() => "resolved", (error) => [error]);
        assertEquals(outcome, [thrown]);
        assertEquals(await pool().map(targets.failWith, [what]).then(() => "resolved", (error) => [error]), [thrown]);
      }
      assertEquals((await errorOf(pool().submit(targets.failWith, "function"))).name, "DataCloneError");
    });

    it("rejects if the result cannot be copied, and says where", LIMIT, async () => {
      const error = await errorOf(pool().submit(targets.returnFunction, 2));
      assertEquals(error.name, "DataCloneError");
      assert(error.message.includes("result.deep[0]"), error.message);
      const other = await errorOf(pool().map(targets.returnFunction, range(4)));
      assert(other.message.includes("result.deep[0]"), other.message);
      assertEquals(await pool().submit(targets.returnFunction, 1), 1);
    });

    it("cancels only a task that was not begun", sharing(kind), async () => {
      await using one = new Pool(1);
      const [begun, event, value] = [new kind.Semaphore(0), new kind.Event(), new kind.Value("i32")];
      const running = one.submit(targets.setAndWait, begun, event);
      const tasks = range(20).map(() => one.submit(targets.count, value));
      await begun.acquire();
      assertEquals([running.state, tasks[7].state], ["running", "pending"]);
      assertEquals(running.cancel(), false);
      assertEquals([tasks[7].cancel(), tasks[19].cancel(), tasks[7].cancel()], [true, true, true]);
      assertEquals(tasks[7].state, "cancelled");
      await assertRejects(() => tasks[7], CancelledError);
      event.set();
      assertEquals(await running, true);
      const settled = await Promise.allSettled(tasks);
      assertEquals(settled.filter(({ status }) => status === "fulfilled").length, 18);
      assertEquals(value.value, 18);
      assertEquals([running.cancel(), running.state], [false, "finished"]);
    });

    it("gives nothing up twice if a done callback gives up the finished task", sharing(kind), async () => {
      await using one = new Pool(1);
      const event = new kind.Event();
      const { space, at } = locate(event as unknown as SharedHandle)!;
      const references = space.words[at + 1];
      for (let i = 0; i < 3; i++) {
        const controller = new AbortController();
        const future = one.apply(targets.isSet, [event], { signal: controller.signal });
        future.addDoneCallback(() => controller.abort());
        assertEquals(await future, false);
      }
      // The worker's handle may have another reference.
      assert(space.words[at + 1] >= references, `${space.words[at + 1]} of ${references} references are left`);
      assertEquals(await Promise.all(range(4).map((i) => one.submit(targets.square, i))), [0, 1, 4, 9]);
    });

    it("waits for a result with a timeout or a signal, and the task goes on", sharing(kind), async () => {
      const event = new kind.Event();
      const future = pool().submit(targets.waitForEvent, event);
      await assertRejects(() => future.result({ timeout: 5 }), TimeoutError);
      const controller = new AbortController();
      const aborted = future.result({ signal: controller.signal });
      controller.abort(new EvalError("enough"));
      await assertRejects(() => aborted, EvalError);
      event.set();
      assertEquals(await future.result({ timeout: 20_000 }), true);
    });

    it("calls done callbacks, also late, and goes on if a callback throws", LIMIT, async () => {
      const future = pool().submit(targets.square, 3);
      const called: unknown[] = [];
      const print = console.error;
      const printed: unknown[] = [];
      console.error = (...args): void => void printed.push(args);
      try {
        future.addDoneCallback(() => {
          throw new EvalError("callback");
        });
        future.addDoneCallback((its) => called.push(its === future));
        await future;
        future.addDoneCallback((its) => called.push(its.state));
      } finally {
        console.error = print;
      }
      assertEquals(called, [true, "finished"]);
      assertEquals(printed.length, 1);
      assertThrows(() => future.addDoneCallback(1 as never), TypeError);
    });

    it("yields futures as they are settled", sharing(kind), async () => {
      const [first, second] = [new kind.Event(), new kind.Event()];
      const futures = [pool().submit(targets.waitForEvent, first), pool().submit(targets.waitForEvent, second)];
      const seen: unknown[] = [];
      second.set();
      for await (const future of asCompleted(futures)) {
        assert(future instanceof Future);
        seen.push(futures.indexOf(future));
        first.set();
      }
      assertEquals(seen, [1, 0]);
      const third = new kind.Event();
      const late = pool().submit(targets.waitForEvent, third);
      await assertRejects(async () => {
        for await (const _ of asCompleted([late], { timeout: 1 }));
      }, TimeoutError);
      third.set();
      assertEquals(await late, true);
      assertThrows(() => asCompleted([1 as never]), TypeError);
      assertThrows(() => asCompleted(null as never), TypeError, "Cannot wait for futures as they must be");
    });

    it("waits for the first, for the first error, for all, or until the timeout", sharing(kind), async () => {
      const event = new kind.Event();
      const make = (): Future<unknown>[] => [
        pool().submit(targets.waitForEvent, event),
        pool().submit(targets.square, 1),
        pool().submit(targets.failWith, "x"),
      ];
      const [first, failing, late, all] = [make(), make(), make(), make()];
      // There are two workers, and the four that wait would take both.
      event.set();
      const one = await wait(first, { when: "first" });
      assert(one.done.size >= 1 && one.done.size + one.notDone.size === 3);
      assert((await wait(failing, { when: "first-error" })).done.has(failing[2]));
      assertEquals((await wait(all)).done.size, 3);
      assertEquals((await wait(late, { timeout: 0 })).done.size + 0 <= 3, true);
      assertEquals((await wait([])).done.size, 0);
      await assertRejects(() => wait(all, { when: "some" as never }), TypeError);
      await assertRejects(() => wait(all, { when: null as never }), TypeError);
      await assertRejects(() => wait(undefined as never), TypeError, "Cannot wait for futures as they must be");
    });

    it("can be waited for with waitAny", LIMIT, async () => {
      const event = new kind.Event();
      const future = pool().submit(targets.square, 3);
      assertEquals(await waitAny([event, future]), 1);
      assertEquals(await future, 9);
    });
  });
}
