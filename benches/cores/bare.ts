/** The same works with bare workers, as a program has them that does without a library, and without any workers. */

import { timed, type Work } from "../lib/play.ts";
import { JOB_NAMES, type JobName, JOBS, NUMBERS, setNumbers, tasksOf } from "./jobs.ts";

/** What a bare worker is asked. */
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

  /** Has tasks done in chunks, the next one given to whichever worker has answered. */
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

/** Works named `job/workers`; `job/0` is without workers. */
export function bare(sizes: readonly number[]) {
  const made = new Map<number, Promise<BareWorkers>>();
  const numbers = new SharedArrayBuffer(NUMBERS * 8);
  setNumbers({ array: new Float64Array(numbers) });

  const workersOf = (count: number): Promise<BareWorkers> => {
    let workers = made.get(count);
    if (workers === undefined) {
      workers = make(count, numbers);
      made.set(count, workers);
    }
    return workers;
  };

  const works: Record<string, Work> = {};
  for (const job of JOB_NAMES) {
    const { run, tasks } = JOBS[job];
    works[`${job}/0`] = (n) => {
      const items = tasksOf(n * tasks);
      return timed(() => items.map(run));
    };
    for (const count of sizes) {
      works[`${job}/${count}`] = async (n) => {
        const workers = await workersOf(count);
        const items = tasksOf(n * tasks);
        return await timed(() => workers.map(job, items));
      };
    }
  }
  for (const count of sizes) {
    works[`lock/${count}`] = async (n) => {
      const workers = await workersOf(count);
      const buffer = new SharedArrayBuffer(8);
      return await timed(() => workers.each({ kind: "lock", buffer, count: Math.ceil(n / count) }));
    };
  }
  const close = async (): Promise<void> => {
    for (const workers of made.values()) (await workers).end();
  };
  return { works, close };
}

async function make(count: number, numbers: SharedArrayBuffer): Promise<BareWorkers> {
  const workers = new BareWorkers(count);
  // Answered when each has loaded its modules.
  await workers.each({ kind: "numbers", buffer: numbers });
  return workers;
}
