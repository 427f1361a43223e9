import type { Barrier, Event, Queue, SharedArray } from "@weft/concurrent/sync";

export function waitSync(barrier: Barrier, timeout?: number): number {
  return barrier.waitSync(timeout === undefined ? undefined : { timeout });
}

export async function waitAsync(barrier: Barrier): Promise<number> {
  return await barrier.wait();
}

/** Waits over and over, and returns all of its indexes. */
export function waitRounds(barrier: Barrier, rounds: number): number[] {
  return Array.from({ length: rounds }, () => barrier.waitSync());
}

export async function waitRoundsAsync(barrier: Barrier, rounds: number): Promise<number[]> {
  const indexes = [];
  for (let round = 0; round < rounds; round++) indexes.push(await barrier.wait());
  return indexes;
}

export function nameOfError(barrier: Barrier): string {
  try {
    return String(barrier.waitSync());
  } catch (error) {
    return (error as Error).name;
  }
}

/** Writes a value that the others read after the barrier. Returns how often it read a different value. */
export function exchange(barrier: Barrier, cells: SharedArray<"i32">, mine: number, rounds: number): number {
  let wrong = 0;
  for (let round = 1; round <= rounds; round++) {
    cells.array[mine] = round;
    barrier.waitSync();
    for (const cell of cells.array) if (cell !== round) wrong++;
    barrier.waitSync();
  }
  return wrong;
}

let counted = 0;

/** An action. `takeCounted` returns how often it ran in a thread. */
export function count(): void {
  counted++;
}

/** How often it ran in this thread since this was last asked. */
export function takeCounted(): number {
  const before = counted;
  counted = 0;
  return before;
}

/** Waits, and returns how often the action ran in this thread. */
export function waitCounting(barrier: Barrier, rounds: number): number {
  for (let round = 0; round < rounds; round++) barrier.waitSync();
  return counted;
}

export async function waitCountingAsync(barrier: Barrier, rounds: number): Promise<number> {
  for (let round = 0; round < rounds; round++) await barrier.wait();
  return counted;
}

export function failing(): never {
  throw new RangeError("from the action");
}

/** An action that takes its time. */
export async function slow(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
}

let never: Event | undefined;

/** An action that never ends. It calls the library, so that a thread that is asked to end does. */
export function forEver(): void {
  for (;;) never!.waitSync({ timeout: 5 });
}

export function waitWith(barrier: Barrier, neverSet: Event): number {
  never = neverSet;
  return barrier.waitSync();
}

/** Waits over and over until that throws, and returns the error. */
export function waitUntilBroken(barrier: Barrier): string {
  try {
    for (;;) barrier.waitSync();
  } catch (error) {
    return (error as Error).name;
  }
}

export async function waitUntilBrokenAsync(barrier: Barrier): Promise<string> {
  try {
    for (;;) await barrier.wait();
  } catch (error) {
    return (error as Error).name;
  }
}

export function errorOf(barrier: Barrier): string {
  try {
    barrier.waitSync();
    return "passed";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** Gets the barrier while it runs, tries to block, which throws, and then waits with a promise. */
export async function waitFromQueue(queue: Queue<Barrier>): Promise<[string, number]> {
  const barrier = queue.getSync();
  return [errorOf(barrier), await barrier.wait()];
}
