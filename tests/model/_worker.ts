/**
 * Runs the jobs that it is sent, one at a time. The run uses one such worker for each core.
 *
 * @module
 */

import { type Depth, type Job, run } from "./_run.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ job: Job; depth: Depth }>) => void;
  postMessage(value: unknown): void;
};

scope.onmessage = async ({ data: { job, depth } }) => scope.postMessage(await run(job, depth));
