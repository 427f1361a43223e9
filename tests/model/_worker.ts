/**
 * Runs jobs that it is sent, one at a time: with one such worker a core the models take as much less time.
 *
 * @module
 */

import { type Depth, type Job, run } from "./_run.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ job: Job; depth: Depth }>) => void;
  postMessage(value: unknown): void;
};

scope.onmessage = async ({ data: { job, depth } }) => scope.postMessage(await run(job, depth));
