/** The works of this library's pools, of threads or of processes, with so many workers. */

import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import type { Work } from "../lib/play.ts";
import { contend, gather, type Gathering, getNumbers, putNumbers, takeNumbers } from "./contention.ts";
import { checkResults, fillNumbers, JOB_NAMES, JOBS, NUMBERS, tasksOf } from "./jobs.ts";

type Kind = typeof threading | typeof multiprocessing;

/** Works named `job/workers`, and what ends the pool. Nothing starts before its first use. */
export function ours(name: "threads" | "processes", workers: number) {
  const kind: Kind = name === "threads" ? threading : multiprocessing;
  const lock = once(() => new kind.Lock());
  const value = once(() => new kind.Value("i32"));
  // Bounded, so that producers that are ahead do not fill the memory.
  const queue = once(() => new kind.Queue<number>({ maxsize: 1024 }));

  // The types of the two pools differ only in the options.
  const pool = once(() => new kind.Pool(workers) as threading.Pool);
  /** The pool, with all its workers started. */
  const ready = once(async () => {
    await together((gathering) => shares(0, workers).map(() => pool().submit(gather, gathering)));
    return pool();
  });
  /** The pool, all of whose workers have the same array of numbers. */
  const knowing = once(async () => {
    await ready();
    const numbers = new kind.SharedArray("f64", NUMBERS);
    fillNumbers(numbers.array);
    await together((gathering) => shares(0, workers).map(() => pool().submit(takeNumbers, gathering, numbers)));
    return pool();
  });

  /** Runs one task in each worker of the pool at the same time: they begin when all are there. */
  const together = async (submit: (gathering: Gathering) => Promise<unknown>[]): Promise<void> => {
    const gathering: Gathering = { there: new kind.Latch(workers), go: new kind.Event() };
    const ends = submit(gathering);
    await gathering.there.wait();
    gathering.go.set();
    await Promise.all(ends);
  };

  const works: Record<string, Work> = {};
  for (const job of JOB_NAMES) {
    const { run } = JOBS[job];
    works[`${job}/${workers}`] = async (n) => {
      const pool = await (job === "sum" ? knowing() : ready());
      checkResults(job, n, await pool.map(run, tasksOf(job, n)));
    };
  }
  works[`lock/${workers}`] = async (n) => {
    const pool = await ready();
    await together((gathering) =>
      shares(n, workers).map((count) => pool.submit(contend, gathering, lock(), value(), count))
    );
  };
  works[`queue/${workers}`] = async (n) => {
    const pool = await ready();
    const counts = shares(n, workers / 2);
    await together((gathering) => [
      ...counts.map((count) => pool.submit(putNumbers, gathering, queue(), count)),
      ...counts.map((count) => pool.submit(getNumbers, gathering, queue(), count)),
    ]);
  };
  const close = (): Promise<void> => pool()[Symbol.asyncDispose]();
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
