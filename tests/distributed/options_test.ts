/** The options of a pool over a fleet: what needs no object that both sides share. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type DistributedOptions,
  Pool,
  type PoolTrace,
  TimeoutError,
  WorkerLostError,
} from "@weft/concurrent/distributed";
import { after, describe, it } from "node:test";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Fleet, root } from "./_fleet.ts";
import { notes } from "./_notes.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 30_000 };

const fleet = await Fleet.start(1, { slots: 1 });
after(() => fleet[Symbol.asyncDispose]());

function pool<I extends unknown[]>(options: DistributedOptions<I> = {}): Pool<I> {
  return new Pool<I>({ connect: fleet.url, root, ...options });
}

describe("a fleet's tasks", () => {
  it("go in the order of their priorities, those of the same in the order of their calls", LIMIT, async () => {
    await using its = pool({ window: 1 });
    const { file, lines } = notes();
    const first = its.submit(targets.begin, file, -1, 300);
    await until(() => lines().length === 1, "the first has begun");
    const rest = range(9).map((i) => its.apply(targets.begin, [file, i, 0], { priority: [2, 1, 0][i % 3] }));
    await Promise.all([first, ...rest]);
    assertEquals(lines().map(Number), [-1, 2, 5, 8, 1, 4, 7, 0, 3, 6]);
  });

  it("are tried again as often as was asked for, and then reject with the last loss", LIMIT, async () => {
    await using its = pool();
    const error = await assertRejects(() => its.apply(targets.killSelf, [], { retries: 1 }), WorkerLostError);
    assertEquals(error.signal, "SIGKILL");
    assertEquals(await its.apply(targets.dieOnce, [], { retries: 1 }), 2);
  });

  it("are tried again as often as the pool says, where they do not say so", LIMIT, async () => {
    await using its = pool({ retries: 1 });
    assertEquals(await its.submit(targets.dieOnce), 2);
    assertEquals(await its.map(targets.dieOnceFor, [1, 2, 3]), [2, 2, 2]);
    await assertRejects(() => its.apply(targets.dieOnce, [], { retries: 0 }), WorkerLostError);
    await using local = new Pool(1, { retries: 1 });
    assertEquals(await local.submit(targets.dieOnce), 2);
  });

  it("tell how many are done", LIMIT, async () => {
    await using its = pool();
    const told: number[] = [];
    await its.map(targets.square, range(50), { onProgress: (done, total) => told.push(done / total!) });
    assertEquals(told.at(-1), 1);
    assertEquals(told, told.toSorted((a, b) => a - b));
  });

  it("are counted and timed by stats", LIMIT, async () => {
    await using its = pool();
    const { file } = notes();
    await its.map(targets.square, range(20));
    await its.submit(targets.begin, file, 1, 60);
    await its.submit(targets.fail, "no").catch(() => {});
    const { completed, failed, runTime, waitTime, queued, busy, workers } = its.stats();
    assertEquals([completed, failed, queued, busy, workers], [21, 1, 0, 0, 1]);
    assertEquals([runTime.count, waitTime.count], [22, 22]);
    assert(runTime.p99 > 0 && runTime.p99 < 1000, `${runTime.p99}`);
  });

  it("are on the trace, with their agents", LIMIT, async () => {
    const its = pool({ trace: true });
    await its.map(targets.square, range(20));
    const { traceEvents }: PoolTrace = its.trace();
    assert(JSON.stringify(traceEvents).includes(`(${(await its.agents())[0].name})`));
    assert(traceEvents.some(({ name }) => name === "square"));
    its.terminate();
    await its.join();
  });

  it("are ranges of a number where that was asked for", LIMIT, async () => {
    await using its = pool();
    const parts = await its.mapRange(targets.range, 1000, { chunksize: 300 });
    assertEquals(parts, [[0, 300], [300, 600], [600, 900], [900, 1000]]);
  });

  it("settle by their timeout, and the next one has the slot when killAfter has passed", LIMIT, async () => {
    await using its = pool();
    const { file } = notes();
    const began = performance.now();
    const given = its.apply(targets.spin, [file, false], { timeout: 200, killAfter: 200 });
    await assertRejects(() => given, TimeoutError);
    assertEquals(await its.submit(targets.square, 3), 9);
    assert(performance.now() - began < 10_000);
  });
});

describe("a fleet's workers", () => {
  it("run several tasks that await at a time, where concurrency says so", LIMIT, async () => {
    await using its = pool({ concurrency: 8 });
    const { file } = notes();
    await its.submit(targets.begin, file, 0, 0);
    const began = performance.now();
    assertEquals(
      await its.map(targets.beginFor, range(8).map((i) => [file, i, 400] as const), { chunksize: 8 }),
      range(8),
    );
    assert(performance.now() - began < 2000, `${performance.now() - began} ms`);
  });

  it("have what the initializer returned, in all their tasks", LIMIT, async () => {
    await using its = pool({ initializer: targets.initialize, initargs: [7] });
    assertEquals(await its.submit(targets.initialized), [7, 7]);
    assertEquals(await its.submit(targets.initialized), [7, 7]);
  });

  it("are others after maxTasksPerChild tasks", LIMIT, async () => {
    await using its = pool({ maxTasksPerChild: 2 });
    const pids = [];
    for (let i = 0; i < 6; i++) pids.push(await its.submit(targets.pid));
    assertEquals(new Set(pids).size, 3);
  });
});
