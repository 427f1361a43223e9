/** A call that each worker of each agent makes once. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type DistributedOptions, InvalidStateError, Pool, WorkerLostError } from "@weft/concurrent/distributed";
import { after, describe, it } from "node:test";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Fleet, otherAgent, root } from "./_fleet.ts";
import { Hub } from "./_hub.ts";
import { notes } from "./_notes.ts";
import { agentOver, HubPool } from "./_over_hub.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 30_000 };

const fleet = await Fleet.start(1, { slots: 2 });
fleet.add({ slots: 3 }, otherAgent());
after(() => fleet[Symbol.asyncDispose]());

function pool<I extends unknown[]>(options: DistributedOptions<I> = {}): Pool<I> {
  return new Pool<I>({ connect: fleet.url, root, ...options });
}

/** Waits until both agents are known. */
async function both(its: { agents(): Promise<unknown[]> }): Promise<void> {
  while ((await its.agents()).length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("each of a fleet", () => {
  it("is made once by each worker of each agent, also of the other runtime", LIMIT, async () => {
    await using its = pool();
    await both(its);
    const pids = await its.each(targets.pid);
    assertEquals(new Set(pids).size, 5);
    assertEquals((await its.each(targets.pid)).toSorted(), pids.toSorted());
    // The same workers run the tasks.
    for (const pid of await its.map(targets.pidAfter, range(40))) assert(pids.includes(pid));
    assertEquals(its.stats().completed, 50);
  });

  it("gets its arguments, small and large, and gives what the initializer has returned", LIMIT, async () => {
    await using its = pool({ initializer: targets.initialize, initargs: [7] });
    await both(its);
    assertEquals(await its.each(targets.initialized), range(5).map(() => [7, 7]));
    assertEquals(await its.each(Math.max, 3, 5), range(5).map(() => 5));
    assertEquals(await its.each(targets.lengthOf, new Uint8Array(1_500_000)), range(5).map(() => 1_500_000));
    assertEquals((await its.each(targets.bytesOf, 700_000)).map(({ length }) => length), range(5).map(() => 700_000));
  });

  it("rejects with what it throws, and with what the initializer throws", LIMIT, async () => {
    await using its = pool();
    const error = await assertRejects(() => its.each(targets.fail, "not here"), Error, "not here");
    assertEquals(error.name, "OwnError");
    assertEquals((await its.each(Math.abs, -1)).length, 5);
    await using broken = pool({ initializer: targets.refuseToBegin });
    await assertRejects(() => broken.each(Math.abs, -1), EvalError, "not today");
  });

  it("waits for workers that have something to do, and goes beside tasks that wait", LIMIT, async () => {
    await using its = pool();
    await both(its);
    const { file, lines } = notes();
    const long = range(20).map((i) => its.submit(targets.begin, file, i, 150));
    await until(() => lines().length > 3, "they run");
    assertEquals((await its.each(targets.pid)).length, 5);
    assertEquals(await Promise.all(long), range(20));
  });

  it("rejects when a worker or an agent is lost, or the pool is terminated", LIMIT, async () => {
    await using its = pool();
    await assertRejects(() => its.each(targets.killSelf), WorkerLostError, "SIGKILL");
    // The first worker that is lost rejects the call. Others may be about to kill themselves, and take the next call with them.
    const call = (): Promise<number[]> =>
      its.each(Math.abs, -1).catch((error) => {
        if (error instanceof WorkerLostError) return call();
        throw error;
      });
    assertEquals((await call()).length, 5);
    const { file, lines } = notes();
    const given = its.each(targets.begin, file, 1, 60_000);
    await until(() => lines().length === 5, "all have begun");
    its.terminate();
    await assertRejects(() => given, Error, "terminated");
    await assertRejects(() => its.each(Math.abs, -1), InvalidStateError);
  });

  it("is made once also where messages are lost, late and repeated", LIMIT, async () => {
    const hub = new Hub();
    hub.faults = { lose: 0.15, repeat: 0.15, delay: 5, forget: 0 };
    const agents = [agentOver(hub), agentOver(hub, { slots: 3 })];
    await using its = new HubPool(hub, undefined, { lease: 20_000 });
    const { file, lines } = notes();
    for (const round of range(6)) {
      const results = await its.each(targets.begin, file, round, 0);
      // One that has not been heard yet is not asked.
      assert(results.length >= 2 && results.every((result) => result === round), `${results}`);
      assertEquals(lines().filter((line) => line === `${round}`).length, results.length);
    }
    hub.faults = { lose: 0, repeat: 0, delay: 0, forget: 0 };
    await Promise.all(agents.map(({ agent }) => agent.leave(0)));
  });

  it("rejects where an agent dies that has begun with it", LIMIT, async () => {
    const hub = new Hub();
    const { agent, engine } = agentOver(hub);
    await using its = new HubPool(hub, undefined, { lease: 1000 });
    const { file, lines } = notes();
    const given = its.each(targets.begin, file, 1, 20_000);
    await until(() => lines().length === 2, "both have begun");
    await engine.close();
    await assertRejects(() => given, WorkerLostError, "is gone");
    await agent.leave(0);
  });
});
