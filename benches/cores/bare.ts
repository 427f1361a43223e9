/** The same works with bare workers, as in a program without a library, and without any workers. */

import type { Work } from "../lib/play.ts";
import { checkResults, fillNumbers, JOB_NAMES, type JobName, JOBS, NUMBERS, setNumbers, tasksOf } from "./jobs.ts";

/** A request to a bare worker. */
export type Request =
  | { readonly kind: "numbers"; readonly buffer: SharedArrayBuffer }
  | { readonly kind: "tasks"; readonly job: JobName; readonly tasks: readonly number[] }
  | { readonly kind: "lock"; readonly buffer: SharedArrayBuffer; readonly count: number };

/** How many chunks of tasks each worker gets of a job, as in CPython's pool. */
const CHUNKS = 4;

class BareWorkers {
  readonly #workers: Worker[];

  constructor(count: number) {
    const url = new URL("./bare_worker.ts", import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Worker(url, { type: "module" }));
  }

  /** Gives the same request to each. */
  async each(request: Request): Promise<void> {
    await Promise.all(this.#workers.map((worker) => ask(worker, request)));
  }

  /** Runs tasks in chunks. The next chunk goes to the next worker that has answered. */
  async map(job: JobName, tasks: readonly number[]): Promise<unknown[]> {
    const size = Math.ceil(tasks.length / (this.#workers.length * CHUNKS));
    const chunks: unknown[][] = [];
    let next = 0;
    await Promise.all(this.#workers.map(async (worker) => {
      for (let begin = next; begin < tasks.length; begin = next) {
        next += size;
        const request: Request = { kind: "tasks", job, tasks: tasks.slice(begin, next) };
        chunks[begin / size] = await ask(worker, request) as unknown[];
      }
    }));
    return chunks.flat();
  }

  end(): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

function ask(worker: Worker, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(request);
  });
}

/** Works named `job/count`, with so many workers, and what ends them; `job/0` is without workers. */
export function bare(count: number) {
  const workers = new BareWorkers(count);
  let numbers: Promise<void> | undefined;

  const works: Record<string, Work> = {};
  for (const job of JOB_NAMES) {
    const { run } = JOBS[job];
    works[`${job}/${count}`] = async (n) => {
      if (job === "sum") await (numbers ??= shareNumbers(workers));
      const items = tasksOf(job, n);
      checkResults(job, n, count === 0 ? items.map(run) : await workers.map(job, items));
    };
  }
  if (count > 0) {
    works[`lock/${count}`] = async (n) => {
      await workers.each({ kind: "lock", buffer: new SharedArrayBuffer(8), count: Math.ceil(n / count) });
    };
  }
  return { works, close: () => workers.end() };
}

/** Gives this thread and the workers the same numbers. */
async function shareNumbers(workers: BareWorkers): Promise<void> {
  const buffer = new SharedArrayBuffer(NUMBERS * 8);
  const array = new Float64Array(buffer);
  fillNumbers(array);
  setNumbers(array);
  await workers.each({ kind: "numbers", buffer });
}
