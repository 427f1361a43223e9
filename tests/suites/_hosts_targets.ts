// What a kept thread or process runs: one function after the other, for as long as the tests last.

import type { TargetDescriptor } from "../../_internal/targets/describe.ts";
import { resolveTarget } from "../../_internal/targets/resolve.ts";
import type { Event, Queue } from "@weft/concurrent/sync";

/** A function to be called. */
export interface Job {
  readonly target: TargetDescriptor;
  readonly args: readonly unknown[];
}

/** What came of it. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: Error;
}

export async function serve(jobs: Queue<Job>, answers: Queue<Answer>, done: Event): Promise<void> {
  for (;;) {
    const { target, args } = await jobs.get();
    const answer = await run(target, args);
    // Before the answer, with which the next function comes: its `done` is another.
    done.set();
    answers.putSync(answer);
  }
}

async function run(descriptor: TargetDescriptor, args: readonly unknown[]): Promise<Answer> {
  try {
    const target = await resolveTarget(descriptor, "host");
    return { value: await target(...args) };
  } catch (error) {
    return { error: error as Error };
  }
}
