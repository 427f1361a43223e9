/** What holds whatever the engine loses, repeats and delays. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError, NoAgentError, WorkerLostError } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { isLong, rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Hub } from "./_hub.ts";
import { notes } from "./_notes.ts";
import { agentOver, HubPool } from "./_over_hub.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };

/** The same of tasks that are numbers. */
function numbers(): { file: string; begun: () => number[] } {
  const { file, lines } = notes();
  return { file, begun: () => lines().map(Number) };
}

describe("a pool of many machines", () => {
  it("begins each task once, and takes each result once, whatever is lost, repeated and late", {
    timeout: isLong ? 280_000 : 60_000,
  }, async () => {
    const hub = new Hub();
    hub.faults = { lose: 0.1, repeat: 0.1, delay: 5, forget: 0.05 };
    const agents = [agentOver(hub), agentOver(hub), agentOver(hub)];
    await using pool = new HubPool(hub, undefined, { lease: 20_000 });
    const { file, begun } = numbers();
    const count = rounds(1000, 150);
    const submitted = range(count).map((i) => pool.submit(targets.begin, file, i, i % 7));
    const mapped = pool.map(targets.square, range(count));
    // All that waits is gone, now and then.
    const emptied = setInterval(() => hub.empty(), 500);
    try {
      assertEquals(await Promise.all(submitted), range(count));
      assertEquals(await mapped, range(count).map((x) => x * x));
      assertEquals(begun().sort((a, b) => a - b), range(count));
    } finally {
      clearInterval(emptied);
      hub.faults = { lose: 0, repeat: 0, delay: 0, forget: 0 };
    }
    await Promise.all(agents.map(({ agent }) => agent.leave(0)));
  });

  it("settles all promises, and begins no task twice, while agents die and come", {
    timeout: isLong ? 280_000 : 60_000,
  }, async () => {
    const hub = new Hub();
    hub.faults = { lose: 0.05, repeat: 0.05, delay: 3, forget: 0.02 };
    const agents = new Set([agentOver(hub), agentOver(hub)]);
    await using pool = new HubPool(hub, undefined, { lease: 20_000 });
    const { file, begun } = numbers();
    const count = rounds(1000, 150);
    const settled = Promise.allSettled(range(count).map((i) => pool.submit(targets.begin, file, i, 5)));
    let over = false;
    void settled.then(() => over = true);
    let deaths = 0;
    while (!over && deaths < rounds(30, 4)) {
      await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 200));
      const [victim] = agents;
      agents.delete(victim!);
      victim!.engine.isClosed = true;
      deaths++;
      agents.add(agentOver(hub));
      // No program waits for what it still runs.
      void victim!.agent.leave(0);
    }
    const outcomes = await settled;
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") assertEquals(outcome.value, i);
      else assert(outcome.reason instanceof WorkerLostError, String(outcome.reason));
    }
    const all = begun();
    assertEquals(new Set(all).size, all.length);
    hub.faults = { lose: 0, repeat: 0, delay: 0, forget: 0 };
    await Promise.all([...agents].map(({ agent }) => agent.leave(0)));
  });

  it("gives an agent up that is silent for the lease, and drops what it says later", LIMIT, async () => {
    const hub = new Hub();
    const { agent, engine } = agentOver(hub);
    await using pool = new HubPool(hub, undefined, { lease: 400 });
    const { file, begun } = numbers();
    assertEquals(await pool.submit(targets.square, 3), 9);
    const lost = pool.submit(targets.begin, file, 1, 900);
    await until(() => begun().length === 1, "it was begun");
    engine.isFrozen = true;
    const error = await assertRejects(() => lost, WorkerLostError);
    assert(/silent for 400 ms/.test(error.message), error.message);
    engine.isFrozen = false;
    // It is there, and works on.
    assertEquals(await pool.submit(targets.square, 4), 16);
    assertEquals(pool.stats().failed, 1);
    await agent.leave(0);
  });

  it("does not take an agent for dead that is silent for less", LIMIT, async () => {
    const hub = new Hub();
    const { agent, engine } = agentOver(hub);
    await using pool = new HubPool(hub, undefined, { lease: 5000 });
    const { file, begun } = numbers();
    const future = pool.submit(targets.begin, file, 1, 100);
    await until(() => begun().length === 1, "it was begun");
    engine.isFrozen = true;
    await new Promise((resolve) => setTimeout(resolve, 700));
    engine.isFrozen = false;
    assertEquals(await future, 1);
    await agent.leave(0);
  });

  it("whose program is gone begins with nothing more, and ends what runs", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    const pool = new HubPool(hub);
    const { file, begun } = numbers();
    const futures = range(8).map((i) => pool.submit(targets.begin, file, i, 400));
    for (const future of futures) future.catch(() => {});
    await until(() => begun().length === 1, "one was begun");
    pool.engine.isClosed = true;
    await until(() => agent.info.running === 0 && hub.queued === 0, "the agent has nothing left");
    const count = begun().length;
    assert(count <= 3, `${count} were begun`);
    await agent.leave(0);
    pool.terminate();
    await pool.join();
  });

  it("rejects with NoAgentError where none comes, and with what to type", LIMIT, async () => {
    const hub = new Hub();
    await using pool = new HubPool(hub, undefined, { agentTimeout: 400 });
    const error = await assertRejects(() => pool.map(targets.square, [1, 2]), NoAgentError);
    assert(/fleet "default".*400 ms.*serve\(\)/.test(error.message), error.message);
    // The pool lives.
    const { agent } = agentOver(hub);
    assertEquals(await pool.submit(targets.square, 5), 25);
    await agent.leave(0);
  });

  it("goes on where the engine was away, and gives up where that takes too long", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub, undefined, { engineTimeout: 700 });
    assertEquals(await pool.submit(targets.square, 2), 4);
    const back = pool.engine.cut(300);
    const future = pool.submit(targets.square, 3);
    await back;
    assertEquals(await future, 9);
    const again = pool.engine.cut(2000);
    const error = await assertRejects(() => pool.submit(targets.square, 3), EngineError);
    assert(/away for 700 ms/.test(error.message), error.message);
    await again;
    assertEquals(await pool.submit(targets.square, 6), 36);
    await agent.leave(0);
  });

  it("settles callers at once by timeout, signal and cancel also while the engine is away", LIMIT, async () => {
    const hub = new Hub();
    await using pool = new HubPool(hub);
    await until(() => pool.engine !== undefined, "it is connected");
    const back = pool.engine.cut(3000);
    const controller = new AbortController();
    const aborted = pool.apply(targets.square, [1], { signal: controller.signal });
    const timed = pool.apply(targets.square, [1], { timeout: 20 });
    const cancelled = pool.submit(targets.square, 1);
    assertEquals(cancelled.cancel(), true);
    controller.abort(new RangeError("enough"));
    assertEquals((await assertRejects(() => aborted, RangeError)).message, "enough");
    assertEquals((await timed.catch((error) => error)).name, "TimeoutError");
    assertEquals((await cancelled.catch((error) => error)).name, "CancelledError");
    assert(pool.engine.awaySince !== undefined);
    assertEquals(hub.queued, 0);
    await back;
  });

  it("sends what is large piece by piece, also where pieces are lost", LIMIT, async () => {
    const hub = new Hub();
    hub.maxBytes = 1 << 16;
    hub.faults = { lose: 0.1, repeat: 0.1, delay: 2, forget: 0 };
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub, undefined, { lease: 20_000 });
    const bytes = new Uint8Array(1_000_003).fill(1);
    assertEquals(await pool.submit(targets.lengthOf, bytes), bytes.length + 1);
    const result = await pool.submit(targets.bytesOf, 1_000_003);
    assertEquals([result.length, result.at(-1)], [1_000_003, 7]);
    hub.faults = { lose: 0, repeat: 0, delay: 0, forget: 0 };
    await agent.leave(0);
  });

  it("lets no program with many tasks keep another one waiting", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using greedy = new HubPool(hub);
    await using modest = new HubPool(hub);
    const { file } = notes();
    const all = Promise.all(range(300).map((i) => greedy.submit(targets.begin, file, i, 10)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assertEquals(await modest.submit(targets.square, 3), 9);
    assert(greedy.stats().queued > 100);
    greedy.terminate();
    await all.catch(() => {});
    await agent.leave(0);
  });

  it("lets no long task hold a short one while another agent is free", LIMIT, async () => {
    const hub = new Hub();
    const agents = [agentOver(hub, { slots: 1 }), agentOver(hub, { slots: 1 })];
    await using pool = new HubPool(hub);
    const { file, begun } = numbers();
    for (let round = 0; round < 3; round++) {
      const long = pool.submit(targets.begin, file, round, 2500);
      await until(() => begun().length === round + 1, "the long one was begun");
      assertEquals(
        await Promise.all(range(10).map((i) => pool.submit(targets.square, i))),
        range(10).map((x) => x * x),
      );
      assertEquals(long.state, "running");
      assertEquals(await long, round);
    }
    await Promise.all(agents.map(({ agent }) => agent.leave(0)));
  });

  it("takes from an endless iterable only what is on its way", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    let taken = 0;
    function* numbers(): Generator<number> {
      for (;;) yield taken++;
    }
    let sum = 0;
    let seen = 0;
    for await (const square of pool.imap(targets.square, numbers())) {
      sum += square;
      if (++seen === 100) break;
      assert(taken - seen < 200, `${taken} were taken, and ${seen} delivered`);
    }
    assertEquals(sum, range(100).reduce((all, x) => all + x * x, 0));
    await agent.leave(0);
  });

  it("lets an agent that leaves end what it has begun, and give back the rest", LIMIT, async () => {
    const hub = new Hub();
    const first = agentOver(hub, { slots: 1 });
    await using pool = new HubPool(hub);
    const { file, begun } = numbers();
    const futures = range(12).map((i) => pool.submit(targets.begin, file, i, 60));
    const mapped = pool.map(targets.square, range(50), { chunksize: 10 });
    await until(() => begun().length >= 1, "one was begun");
    const second = agentOver(hub, { slots: 1 });
    await first.agent.leave(10_000);
    assertEquals(await Promise.all(futures), range(12));
    assertEquals(await mapped, range(50).map((x) => x * x));
    assertEquals(begun().sort((a, b) => a - b), range(12));
    await second.agent.leave(0);
  });
});
