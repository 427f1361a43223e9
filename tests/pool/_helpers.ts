/** What several suites of pools need. */

import { locate, type SharedHandle } from "../../_internal/memory/shared_object.ts";
import { WorkerLostError } from "@weft/concurrent/threading";
import type { Kind } from "./_kind.ts";

/** How long a test may take. */
export const LIMIT = { timeout: 30_000 };

/** The same for a test that passes objects in shared memory to its tasks, which workers on other machines cannot get. */
export function sharing({ name }: Kind): { timeout: number; skip: boolean } {
  return { ...LIMIT, skip: name === "fleet" };
}

/** The numbers from 0 up to `n`, without `n`. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** All items of an iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a promise rejects with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("It did not reject");
}

/** The same for an error that must be the loss of a worker. */
export async function lossOf(promise: PromiseLike<unknown>): Promise<WorkerLostError> {
  const error = await errorOf(promise);
  if (!(error instanceof WorkerLostError)) throw error;
  return error;
}

/** How many handles and messages refer to a shared object. */
export function referencesTo(object: object): number {
  const { space, at } = locate(object as SharedHandle)!;
  return space.words[at + 1]!;
}
