// What a kept thread or process runs: one function after the other, for as long as the tests last.

import type { Event, Queue } from "@weft/concurrent/sync";

/** A function of a module, to be called. */
export interface Job {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What came of it. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: Error;
}

export async function serve(jobs: Queue<Job>, answers: Queue<Answer>, done: Event): Promise<void> {
  for (;;) {
    const { module, name, args } = await jobs.get();
    const answer = await run(module, name, args);
    // Before `done`: a thread that was told of the end finds the answer there.
    answers.putSync(answer);
    done.set();
  }
}

async function run(module: string, name: string, args: readonly unknown[]): Promise<Answer> {
  try {
    const { [name]: target } = await import(module) as Record<string, (...args: unknown[]) => unknown>;
    return { value: await target!(...args) };
  } catch (error) {
    return { error: error as Error };
  }
}
