/** The works of this library's pools, of threads or of processes, with so many workers. */

import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { timed, type Work } from "../lib/play.ts";
import { begin, consume, increment, type Line, produce } from "./contention.ts";
import { JOB_NAMES, JOBS, NUMBERS, setNumbers, tasksOf } from "./jobs.ts";

type Kind = typeof threading | typeof multiprocessing;

/** Works named `job/workers`, and what ends all that they start. Nothing starts before its first use. */
export function ours(name: "threads" | "processes", sizes: readonly number[]) {
  const kind: Kind = name === "threads" ? threading : multiprocessing;
  const pools = new Map<number, threading.Pool | multiprocessing.Pool>();
  const numbers = once(() => new kind.SharedArray("f64", NUMBERS));
  const lock = once(() => new kind.Lock());
  const value = once(() => new kind.Value("i32"));
  // Bounded, so that producers that are ahead do not fill the memory.
  const queue = once(() => new kind.Queue<number>({ maxsize: 1024 }));

  /** The pool of so many workers, all of which are there. */
  const poolOf = async (workers: number): Promise<threading.Pool | multiprocessing.Pool> => {
    let pool = pools.get(workers);
    if (pool === undefined) {
      pool = new kind.Pool(workers, { initializer: setNumbers, initargs: [numbers()] });
      pools.set(workers, pool);
      await together(workers, (pool, line) => shares(0, workers).map(() => pool.submit(begin, line)));
    }
    return pool;
  };

  /** Has one task run in each worker of a pool, all at once, and times it from the moment when all are there. */
  const together = async (workers: number, submit: (pool: threading.Pool, line: Line) => Promise<unknown>[]) => {
    const line: Line = { there: new kind.Latch(workers), go: new kind.Event() };
    const ends = submit(await poolOf(workers) as threading.Pool, line);
    await line.there.wait();
    return await timed(() => {
      line.go.set();
      return Promise.all(ends);
    });
  };

  const works: Record<string, Work> = {};
  for (const workers of sizes) {
    for (const job of JOB_NAMES) {
      const { run, tasks } = JOBS[job];
      works[`${job}/${workers}`] = async (n) => {
        const pool = await poolOf(workers);
        const items = tasksOf(n * tasks);
        return await timed(() => pool.map(run, items));
      };
    }
    works[`lock/${workers}`] = (n) =>
      together(
        workers,
        (pool, line) => shares(n, workers).map((count) => pool.submit(increment, line, lock(), value(), count)),
      );
    works[`queue/${workers}`] = (n) =>
      together(2 * workers, (pool, line) => [
        ...shares(n, workers).map((count) => pool.submit(produce, line, queue(), count)),
        ...shares(n, workers).map((count) => pool.submit(consume, line, queue(), count)),
      ]);
  }
  const close = async (): Promise<void> => {
    for (const pool of pools.values()) await pool[Symbol.asyncDispose]();
  };
  return { works, close };
}

/** A number cut into so many parts that differ by 1 at most. */
function shares(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor(total / parts) + (i < total % parts ? 1 : 0));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
