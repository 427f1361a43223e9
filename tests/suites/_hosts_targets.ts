// What a kept thread or process runs: one function after the other, until the tests end.

import type { TargetDescriptor } from "../../_internal/targets/describe.ts";
import { resolveTarget } from "../../_internal/targets/resolve.ts";
import type { Event, Queue } from "@weft/concurrent/sync";

/** A function to call. */
export interface Job {
  readonly target: TargetDescriptor;
  readonly args: readonly unknown[];
}

/** Its result. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: Error;
}

export async function serve(jobs: Queue<Job>, answers: Queue<Answer>, done: Event): Promise<void> {
  for (;;) {
    const { target, args } = await jobs.get();
    const answer = await run(target, args);
    // Before the answer: after it the next function comes, with another `done`.
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
