/**
 * Pools of threads and processes, beside other pools where those are installed (see _peers.ts).
 *
 *     deno run -A --no-check benches/pool_bench.ts
 *     bun benches/pool_bench.ts
 */

import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { compare, type Contestant, python } from "./_bench.ts";
import { peers } from "./_peers.ts";
import { compute, echo, lengthOf, square } from "./pool_targets.ts";

const WORKERS = 2;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Times `run`, which does so many operations. */
function rateOf(n: number, run: () => Promise<unknown>): () => Promise<number> {
  return async () => {
    const begin = performance.now();
    await run();
    return n / (performance.now() - begin) * 1000;
  };
}

// Not under `deno bench`, which imports this file: a round takes many seconds.
if (import.meta.main) {
  const ours = [
    { name: "threading.Pool", pool: new threading.Pool(WORKERS) },
    { name: "multiprocessing.Pool", pool: new multiprocessing.Pool(WORKERS) },
  ];
  for (const { pool } of ours) await pool.map(square, range(1000));
  const others = await peers(WORKERS);

  const numbers = range(100_000);
  await compare("100,000 x => x * x through map", [
    ...ours.map(({ name, pool }): Contestant => ({
      name,
      run: rateOf(numbers.length, () => pool.map(square, numbers)),
    })),
    ...others.map((peer): Contestant => ({
      name: peer.name,
      run: rateOf(
        numbers.length / 10,
        () => Promise.all(numbers.slice(0, numbers.length / 10).map((x) => peer.run(x))),
      ),
    })),
    {
      name: "CPython multiprocessing.Pool.map",
      run: () =>
        python(
          `import multiprocessing as m, time\ndef f(x): return x*x\nif __name__ == "__main__":\n  p=m.Pool(${WORKERS}); p.map(f, range(100)); b=time.perf_counter(); p.map(f, range(100000)); print(100000/(time.perf_counter()-b))`,
        ),
    },
  ], ROUNDS);

  await compare("10,000 separate submits", [
    ...ours.map(({ name, pool }): Contestant => ({
      name,
      run: rateOf(10_000, () => Promise.all(range(10_000).map((x) => pool.submit(square, x)))),
    })),
    ...others.map((peer): Contestant => ({
      name: peer.name,
      run: rateOf(10_000, () => Promise.all(range(10_000).map((x) => peer.run(x)))),
    })),
  ], ROUNDS);

  await compare("one task at a time", [
    ...ours.map(({ name, pool }): Contestant => ({
      name,
      run: rateOf(2000, async () => {
        for (let i = 0; i < 2000; i++) await pool.apply(square, [i]);
      }),
    })),
    ...others.map((peer): Contestant => ({
      name: peer.name,
      run: rateOf(500, async () => {
        for (let i = 0; i < 500; i++) await peer.run(i);
      }),
    })),
  ], ROUNDS);

  // The reciprocal of the median, so that more is better here, too.
  const afterIdleness = (run: (i: number) => PromiseLike<unknown>) => async (): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 15; i++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      const begin = performance.now();
      await run(i);
      times.push(performance.now() - begin);
    }
    return 1000 / times.sort((a, b) => a - b)[7]!;
  };
  await compare("one task after 60 ms of idleness", [
    ...ours.map(({ name, pool }) => ({ name, run: afterIdleness((i) => pool.apply(square, [i])) })),
    ...others.map((peer) => ({ name: peer.name, run: afterIdleness((i) => peer.run(i)) })),
  ], ROUNDS);

  const objects = range(2000).map((id) => ({ id, name: "x".repeat(1000), tags: ["a", "b"] }));
  await compare("2,000 objects of 1 KB there and back", [
    ...ours.map(({ name, pool }): Contestant => ({ name, run: rateOf(objects.length, () => pool.map(echo, objects)) })),
    ...others.map((peer): Contestant => ({
      name: peer.name,
      run: rateOf(objects.length, () => Promise.all(objects.map((object) => peer.run(object)))),
    })),
  ], ROUNDS);

  const buffers = range(16).map(() => new ArrayBuffer(1 << 20));
  await compare("16 ArrayBuffers of 1 MB there and back", [
    ...ours.map(({ name, pool }): Contestant => ({ name, run: rateOf(buffers.length, () => pool.map(echo, buffers)) })),
    ...others.map((peer): Contestant => ({
      name: peer.name,
      run: rateOf(buffers.length, () => Promise.all(buffers.map((buffer) => peer.run(buffer)))),
    })),
  ], ROUNDS);
  await compare("16 ArrayBuffers of 1 MB there", [
    ...ours.map(({ name, pool }): Contestant => ({
      name,
      run: rateOf(buffers.length, () => pool.map(lengthOf, buffers)),
    })),
  ], ROUNDS);

  const tasks = range(8);
  await compare("8 tasks for the processor alone", [
    ...ours.map(({ name, pool }): Contestant => ({ name, run: rateOf(8, () => pool.map(compute, tasks)) })),
    {
      name: "one after the other, without a pool",
      run: rateOf(8, () => {
        for (const task of tasks) compute(task);
        return Promise.resolve();
      }),
    },
  ], ROUNDS);
  process.exit();
}
